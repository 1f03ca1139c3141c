"""Tokens of 24 hours: fetched once, kept, renewed before they run out and after a 401."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import responses

from connector import ConfigError, TryLater
from connector.plugins import shopify
from connector.plugins.shopify import access, client
from connector.testing.context import TestContext, make_context, next_act

from .conftest import GRAPHQL, TOKEN

CONFIG = {"shop": "example.myshopify.com", "client_id": "client-1", "client_secret": "shpss_secret"}
OLDEST = {"orders": {"nodes": []}}


@pytest.fixture
def ctx() -> TestContext:
    """Business time stands at the real now: tokens go by the real clock."""
    return make_context(shopify, CONFIG, account="shop", now=lambda: datetime.now(UTC))


def given(net: responses.RequestsMock, *tokens: str, expires_in: int = 86399) -> None:
    for token in tokens:
        net.post(TOKEN, json={"access_token": token, "scope": "write_orders", "expires_in": expires_in})


def kept(ctx: TestContext, token: str, *, made: timedelta, left: timedelta) -> None:
    """A token that was made so long ago and still works so long."""
    now = datetime.now(UTC)
    row = {"token": token, "made_at": (now - made).isoformat(), "until": (now + left).isoformat(), "for": access._whose(ctx)}
    ctx.state.put(access.KEPT, json.dumps(row), secret=True)


def sent(net: responses.RequestsMock, url: str) -> list[Any]:
    return [call.request for call in net.calls if call.request.url == url]


def test_fetched_once_and_kept(ctx: TestContext, net: responses.RequestsMock) -> None:
    """One token for all calls and all processes."""
    given(net, "shpat_1")
    assert (access.token(ctx), access.token(next_act(ctx, request_id="2"))) == ("shpat_1", "shpat_1")
    (request,) = sent(net, TOKEN)
    body = {"grant_type": "client_credentials", "client_id": "client-1", "client_secret": "shpss_secret"}
    assert json.loads(request.body) == body


def test_renewed_before_it_runs_out(ctx: TestContext, net: responses.RequestsMock) -> None:
    """An hour before, so that no call has to wait for a new one."""
    given(net, "shpat_2")
    kept(ctx, "shpat_1", made=timedelta(hours=23), left=timedelta(minutes=59))
    assert access.token(ctx) == "shpat_2"


def test_the_old_one_does_while_no_new_one_can_be_had(ctx: TestContext, net: responses.RequestsMock) -> None:
    """Shopify is down, or another process is at it: the token still works."""
    net.post(TOKEN, status=503)
    kept(ctx, "shpat_1", made=timedelta(hours=23), left=timedelta(minutes=30))
    assert access.token(ctx) == "shpat_1"
    with ctx.lock(access.LOCK):
        assert access.token(ctx) == "shpat_1"


def test_one_process_at_a_time(ctx: TestContext) -> None:
    """Without any token, who comes second comes back later."""
    with ctx.lock(access.LOCK), pytest.raises(TryLater):
        access.token(ctx)


def test_another_app_or_shop_is_another_token(ctx: TestContext, net: responses.RequestsMock) -> None:
    """After the configuration was changed, the old token is never sent to the new shop."""
    given(net, "shpat_1")
    access.token(ctx)
    other = make_context(shopify, CONFIG | {"client_id": "client-2"}, now=ctx.now, books=ctx.effect.books)
    net.replace(responses.POST, TOKEN, json={"access_token": "shpat_2", "expires_in": 86399})
    assert access.token(other) == "shpat_2"


def test_a_query_after_a_401_is_asked_again(ctx: TestContext, net: responses.RequestsMock) -> None:
    """The token was withdrawn: a new one is fetched once, and the query goes on."""
    given(net, "shpat_2")
    kept(ctx, "shpat_1", made=timedelta(hours=2), left=timedelta(hours=22))
    net.post(GRAPHQL, status=401, json={"errors": "Invalid"})
    net.post(GRAPHQL, json={"data": OLDEST})
    assert client.query(ctx, "OldestOrder", {}, "read orders") == OLDEST
    assert [one.headers["X-Shopify-Access-Token"] for one in sent(net, GRAPHQL)] == ["shpat_1", "shpat_2"]


def test_a_change_after_a_401_comes_again_later(ctx: TestContext, net: responses.RequestsMock) -> None:
    """One effect is one write: nothing happened, the new token is there, and the next run sends it."""
    given(net, "shpat_2")
    kept(ctx, "shpat_1", made=timedelta(hours=2), left=timedelta(hours=22))
    net.post(GRAPHQL, status=401)
    with pytest.raises(TryLater, match="new one"):
        ctx.effect("set_hold.tag", {}, lambda key: client.mutate(ctx, "TagsAdd", {"id": "x", "tags": []}, "tag"))
    assert len(sent(net, GRAPHQL)) == 1
    assert access.token(ctx) == "shpat_2"


def test_a_new_token_that_is_refused_is_no_question_of_time(ctx: TestContext, net: responses.RequestsMock) -> None:
    """The app was uninstalled: said at once, not tried for ever."""
    given(net, "shpat_1")
    net.post(GRAPHQL, status=401)
    with pytest.raises(ConfigError, match="uninstalled"):
        client.query(ctx, "OldestOrder", {}, "read orders")
    assert len(sent(net, TOKEN)) == 1


def test_whoever_was_faster_is_used(ctx: TestContext) -> None:
    """Two processes get a 401; the second one finds the first one's token and fetches none."""
    kept(ctx, "shpat_2", made=timedelta(seconds=1), left=timedelta(hours=24))
    assert access.renew(ctx, "shpat_1") == "shpat_2"


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, {"error": "shop_not_permitted", "error_description": "Client credentials cannot be performed"}, "organization"),
        (400, {"error": "app_not_installed"}, "not installed"),
        (400, {"error": "invalid_client"}, "client_secret"),
        (400, {"error": "application_cannot_be_found"}, "client_id"),
        (403, {"error": "new_error", "error_description": "Something else"}, "Something else"),
        (400, "<html><body>Oauth error app_not_installed: The application is not installed.</body></html>", "not installed"),
        (400, "<p>Oauth error brand_new: Something else</p>", "Something else"),
        (404, {}, "example.myshopify.com"),
        (302, {}, "not the domain that customers see"),
    ],
)
def test_credentials_that_do_not_work(
    ctx: TestContext, net: responses.RequestsMock, status: int, body: Any, words: str
) -> None:
    """Each says what a person has to change, and none of it shows a secret."""
    net.post(TOKEN, status=status, body=body if isinstance(body, str) else json.dumps(body))
    with pytest.raises(ConfigError, match="account shop") as caught:
        access.token(ctx)
    assert words in str(caught.value)
    assert "shpss_secret" not in str(caught.value)


@pytest.mark.parametrize("answer", [{"status": 500, "body": "x"}, {"json": {"access_token": 7}}, {"body": "<html>"}])
def test_an_answer_that_is_none(ctx: TestContext, net: responses.RequestsMock, answer: dict[str, Any]) -> None:
    """Later, then."""
    net.post(TOKEN, **answer)
    with pytest.raises(TryLater):
        access.token(ctx)


def test_a_static_token_needs_no_fetching(net: responses.RequestsMock) -> None:
    """It is what it is; and when it is refused, a person has to look."""
    ctx = make_context(shopify, {"shop": "example", "access_token": "shpat_abc"})
    assert access.token(ctx) == "shpat_abc"
    with pytest.raises(ConfigError, match="wrong, of another shop, or the app was uninstalled"):
        access.renew(ctx, "shpat_abc")
    assert len(net.calls) == 0


def test_what_somebody_else_is_fetching_is_waited_for(ctx: TestContext, net: responses.RequestsMock) -> None:
    """When a connector starts, several jobs need the first token at once: one fetches it, and none of them is put off."""
    other = threading.Timer(0.2, kept, (ctx, "shpat_1"), {"made": timedelta(), "left": timedelta(hours=24)})
    with ctx.lock(access.LOCK):
        other.start()
        assert access.token(next_act(ctx, request_id="2")) == "shpat_1"
    other.join()
    assert sent(net, TOKEN) == []


def test_nobody_is_waited_for_too_long(ctx: TestContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever fetches it may have died: then it is tried again later."""
    monkeypatch.setattr(access, "PATIENCE_S", 0.1)
    with ctx.lock(access.LOCK), pytest.raises(TryLater):
        access.token(next_act(ctx, request_id="2"))
