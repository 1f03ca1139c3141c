"""What an answer of Shopify means: data, or an error that names the account and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import responses

from connector import ConfigError, ConnectorError, OutcomeUnknown, Refused, TryLater
from connector.plugins import shopify
from connector.plugins.shopify import client, costs, versions
from connector.testing.context import TestContext, make_context

from .conftest import CONFIG, GRAPHQL

OLDEST = {"orders": {"nodes": []}}
BUCKET = {"maximumAvailable": 2000, "currentlyAvailable": 40, "restoreRate": 100}


def ask(ctx: TestContext) -> dict[str, Any]:
    return client.query(ctx, "OldestOrder", {}, "read orders")


def tag(ctx: TestContext) -> dict[str, Any]:
    """A change, as the write side does it."""
    kind = "set_hold.tag"
    return dict(ctx.effect(kind, {}, lambda key: client.mutate(ctx, "TagsAdd", {"id": "x", "tags": ["a"]}, "tag order 1")))


def error(code: str = "", message: str = "no", **more: Any) -> dict[str, Any]:
    return {"message": message, "extensions": {"code": code} if code else {}} | more


def test_a_query_is_sent_as_shopify_wants_it(ctx: TestContext, net: responses.RequestsMock) -> None:
    """The pinned version, the token in its header, the operation by name."""
    net.post(GRAPHQL, json={"data": OLDEST})
    assert ask(ctx) == OLDEST
    request = net.calls[0].request
    assert request.url is not None
    assert request.url.endswith(f"/admin/api/{versions.VERSION}/graphql.json")
    assert request.headers["X-Shopify-Access-Token"] == CONFIG["access_token"]
    body = json.loads(request.body or b"")
    assert (body["operationName"], body["query"]) == ("OldestOrder", client.text_of("OldestOrder"))


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, {"errors": "[API] Invalid API key or access token"}, ConfigError, "`access_token` (ending in cdef)"),
        (402, {"errors": "Unavailable Shop"}, TryLater, "settle the bill"),
        (403, {"errors": "Forbidden"}, ConfigError, "does not let the app do this"),
        (404, {"errors": "Not Found"}, ConfigError, "example.myshopify.com"),
        (404, "<html>gone</html>", ConfigError, f"no Shopify API of version {versions.VERSION}"),
        (423, {"errors": "Locked"}, TryLater, "locked"),
        (429, {"errors": "Throttled"}, TryLater, "asks to wait"),
        (430, "", TryLater, "asks to wait"),
        (400, {"errors": "bad"}, Refused, "bad"),
        (500, {"errors": "Internal"}, TryLater, "HTTP 500"),
        (503, "<!DOCTYPE html><html>", TryLater, "web page"),
        (200, "<!DOCTYPE html><html>", TryLater, "web page"),
        (200, "{", TryLater, "cannot be read"),
        (200, "[]", TryLater, "cannot be read"),
        (200, "{}", TryLater, "no data"),
    ],
)
def test_http_answers_to_a_query(
    ctx: TestContext, net: responses.RequestsMock, status: int, body: Any, kind: type[ConnectorError], words: str
) -> None:
    """Each has its error, which names the account and says what to do."""
    net.post(GRAPHQL, status=status, body=body if isinstance(body, str) else json.dumps(body))
    with pytest.raises(kind) as caught:
        ask(ctx)
    assert words in str(caught.value)
    assert "shop" in str(caught.value)
    assert CONFIG["access_token"] not in str(caught.value)


def test_a_domain_of_customers_is_named(ctx: TestContext, net: responses.RequestsMock) -> None:
    """A redirect is not followed (a POST would become a GET); it says where `shop` has to point."""
    net.post(GRAPHQL, status=301, headers={"Location": "https://shop.example/admin"})
    with pytest.raises(ConfigError, match=r"shop\.example.*myshopify"):
        ask(ctx)
    assert len(net.calls) == 1


@pytest.mark.parametrize(
    ("errors", "kind", "words"),
    [
        (
            [error("ACCESS_DENIED", requiredAccess="", message="Access denied. Required access: `read_orders` access scope.")],
            ConfigError,
            "lacks the access scope read_orders",
        ),
        ([error("ACCESS_DENIED", "This app is not approved to access the Order object.")], ConfigError, "not approved"),
        ([error("SHOP_INACTIVE")], TryLater, "closed or paused"),
        ([error("MAX_COST_EXCEEDED", "Query cost is 1200")], Refused, "1200"),
        ([error("undefinedField", "Field 'x' doesn't exist")], Refused, "doesn't exist"),
        ([error("INTERNAL_SERVER_ERROR", "Internal error")], TryLater, "Internal error"),
        ([error(message="timeout")], TryLater, "timeout"),
        ("Not Found", TryLater, "Not Found"),
    ],
)
def test_errors_in_an_answer(
    ctx: TestContext, net: responses.RequestsMock, errors: Any, kind: type[ConnectorError], words: str
) -> None:
    """HTTP 200 is no success: errors stand in the answer, each with its own consequence."""
    net.post(GRAPHQL, json={"errors": errors})
    with pytest.raises(kind) as caught:
        ask(ctx)
    assert words in str(caught.value)


def test_data_beside_errors_is_not_complete(ctx: TestContext, net: responses.RequestsMock) -> None:
    """What is missing because it could not be read must not look like nothing there."""
    net.post(GRAPHQL, json={"data": OLDEST, "errors": [error("INTERNAL_SERVER_ERROR", path=["orders"])]})
    with pytest.raises(TryLater):
        ask(ctx)


def test_throttled_says_how_long(ctx: TestContext, net: responses.RequestsMock) -> None:
    """The wait is what the bucket needs to fill again."""
    cost = {"requestedQueryCost": 640, "actualQueryCost": None, "throttleStatus": BUCKET}
    net.post(GRAPHQL, json={"errors": [error("THROTTLED", "Throttled")], "extensions": {"cost": cost}})
    with pytest.raises(TryLater) as caught:
        ask(ctx)
    assert caught.value.after_s == pytest.approx(6.0)


def test_costs_are_learned(ctx: TestContext, net: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Shopify reckoned last is taken next time; what it did not need goes back."""
    told: list[dict[str, float]] = []
    monkeypatch.setattr(ctx.http, "learn_rate", lambda **what: told.append(what))
    cost = {"requestedQueryCost": 9, "actualQueryCost": 2, "throttleStatus": BUCKET}
    net.post(GRAPHQL, json={"data": OLDEST, "extensions": {"cost": cost}})
    assert costs.points(ctx, "OldestOrder") == 3
    ask(ctx)
    ask(ctx)
    assert costs.points(ctx, "OldestOrder") == 9
    assert told == [{"used": 2, "left": 40, "size": 2000, "per_second": 100}] * 2


# --- changes ----------------------------------------------------------------------------------------------------------


def answer(payload: Any, **more: Any) -> dict[str, Any]:
    return {"data": {"tagsAdd": payload}, **more}


def test_a_change_gives_its_payload(ctx: TestContext, net: responses.RequestsMock) -> None:
    """The one mutation's own object, also where something beside it could not be read back."""
    net.post(
        GRAPHQL, json=answer({"node": {"id": "x"}, "userErrors": []}, errors=[error("ACCESS_DENIED", path=["tagsAdd", "node"])])
    )
    assert tag(ctx)["node"] == {"id": "x"}


def test_user_errors_are_a_no(ctx: TestContext, net: responses.RequestsMock) -> None:
    """In Shopify's own words, with its code and the field that they are about; under whatever name they come."""
    rows = [{"field": ["input", "id"], "message": "is invalid", "code": "INVALID"}, {"field": None, "message": "And late!"}]
    net.post(GRAPHQL, json=answer({"node": None, "orderCancelUserErrors": rows}))
    with pytest.raises(Refused) as caught:
        tag(ctx)
    assert caught.value.code == "INVALID"
    assert "is invalid. (input.id) And late!" in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (500, "", OutcomeUnknown),
        (502, "<html>", OutcomeUnknown),
        (408, "", OutcomeUnknown),
        (200, "{", OutcomeUnknown),
        (200, json.dumps({"errors": [error("INTERNAL_SERVER_ERROR")], "data": None}), OutcomeUnknown),
        (200, json.dumps({"errors": [error("INTERNAL_SERVER_ERROR")]}), OutcomeUnknown),
        (200, json.dumps(answer(None)), OutcomeUnknown),
        (200, json.dumps(answer(None, errors=[error("ACCESS_DENIED", path=["tagsAdd", "node", "x"])])), OutcomeUnknown),
        (200, json.dumps(answer(None, errors=[error("NEW_ONE", path=["tagsAdd"])])), OutcomeUnknown),
        (200, json.dumps({"errors": [error("THROTTLED")]}), TryLater),
        (429, "", TryLater),
        (402, "", TryLater),
        (200, json.dumps(answer(None, errors=[error("ACCESS_DENIED", path=["tagsAdd"])])), ConfigError),
        (404, "", ConfigError),
        (302, "", ConfigError),
        (200, json.dumps(answer(None, errors=[error("RESOURCE_NOT_FOUND", path=["tagsAdd"])])), Refused),
        (200, json.dumps(answer(None, errors=[error("BAD_REQUEST", path=["tagsAdd"])])), Refused),
        (200, json.dumps({"errors": [error("INVALID_VARIABLE")]}), Refused),
        (422, "", Refused),
    ],
)
def test_answers_to_a_change(
    ctx: TestContext, net: responses.RequestsMock, status: int, body: str, kind: type[ConnectorError]
) -> None:
    """Only what surely did nothing is said to have done nothing; everything else is looked up."""
    net.post(GRAPHQL, status=status, body=body)
    with pytest.raises(kind):
        tag(ctx)
    assert len(net.calls) == 1


def test_a_key_that_is_still_at_work_is_not_a_no(ctx: TestContext, net: responses.RequestsMock) -> None:
    """Another request with the same key is running: it may happen."""
    rows = [{"field": None, "message": "in progress", "code": "IDEMPOTENCY_CONCURRENT_REQUEST"}]
    net.post(GRAPHQL, json=answer({"userErrors": rows}))
    with pytest.raises(OutcomeUnknown):
        tag(ctx)


def test_nothing_changes_outside_of_an_effect(ctx: TestContext) -> None:
    """The door refuses it, so a plugin cannot forget the ledger."""
    with pytest.raises(ConnectorError, match=r"outside of ctx\.effect"):
        client.mutate(ctx, "TagsAdd", {"id": "x", "tags": []}, "tag order 1")


def test_text_that_is_no_unicode_is_sent_all_the_same(ctx: TestContext, answers: Callable[..., Any]) -> None:
    """Half of an emoji, as some themes cut it, does not stop an order."""
    asked = answers(OldestOrder=OLDEST)
    client.query(ctx, "OldestOrder", {"note": "\ud83d"}, "read orders")
    assert asked[0]["variables"] == {"note": "?"}


# --- configuration ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shop",
    [
        "example.myshopify.com",
        "https://example.myshopify.com/admin",
        "EXAMPLE.myshopify.com",
        "example",
        "http://example.myshopify.com",
    ],
)
def test_ways_to_write_the_shop(shop: str) -> None:
    """However it is copied, it is the same shop."""
    ctx = make_context(shopify, CONFIG | {"shop": shop})
    assert ctx.account.config.site == "https://example.myshopify.com"


def test_what_was_copied_with_blanks() -> None:
    """A blank or a line's end around a token is none of it."""
    ctx = make_context(shopify, CONFIG | {"access_token": " shpat_1\n", "webhook_secret": "hush\n"})
    assert (ctx.account.config.access_token, ctx.account.config.signing_secret) == ("shpat_1", "hush")


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ({"shop": "example"}, "access_token"),
        ({"shop": "example", "client_id": "1"}, "client_secret"),
        (CONFIG | {"client_id": "1", "client_secret": "2"}, "client_id"),
        (CONFIG | {"restock_location": "Dublin"}, "restock_location"),
        (CONFIG | {"api_url": "ftp://x"}, "api_url"),
        (CONFIG | {"shop": ""}, "shop"),
        (CONFIG | {"page_size": 100}, "page_size"),
        (CONFIG | {"access_token": "shpat_…"}, "access_token"),
    ],
)
def test_a_wrong_configuration_is_named(config: dict[str, Any], key: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ConfigError, match=key):
        make_context(shopify, config)
