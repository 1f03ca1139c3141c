"""Shopify's webhooks: signed by Shopify, about which order, and each set up once."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from hmac import digest
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLSchema

from connector import BadPayload, BadSignature, CheckResult, ConfigError, Delivery, Happened, NewsKind, NotHappened
from connector.plugins import shopify
from connector.plugins.shopify import access, webhooks
from connector.plugins.shopify.versions import VERSION
from connector.testing.context import TestContext, make_context, next_act

from .conftest import CONFIG

ADDRESS = "https://hooks.example/shop"
Answers = Callable[..., list[dict[str, Any]]]
NOW = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)


def delivery(topic: str, body: bytes | dict[str, Any], *, secret: str = "hush", **headers: str) -> Delivery:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {
        "x-shopify-topic": topic,
        "x-shopify-hmac-sha256": b64encode(digest(secret.encode(), raw, sha256)).decode(),
        "x-shopify-shop-domain": "example.myshopify.com",
        "x-shopify-event-id": "event-1",
        "x-shopify-webhook-id": "webhook-1",
        "x-shopify-triggered-at": "2026-11-22T18:00:27.877041743Z",
    }
    return Delivery(headers=given | headers, body=raw, received_at=NOW)


def sample(contracts: Path, name: str) -> bytes:
    return (contracts / "webhooks" / f"{name}.json").read_bytes()


# --- is it real? ------------------------------------------------------------------------------------------------------


def test_a_signed_delivery_is_taken(ctx: TestContext) -> None:
    """Over the bytes as they came, whatever JSON would make of them."""
    assert shopify.verify_webhook(ctx, delivery("orders/create", b'{ "id":1,\n"note":"\xff"}')) is True


@pytest.mark.parametrize(
    "wrong",
    [
        delivery("orders/create", b"{}", secret="other"),
        delivery("orders/create", b"{}", **{"x-shopify-hmac-sha256": ""}),
        delivery("orders/create", b"{}", **{"x-shopify-hmac-sha256": "é"}),
        Delivery(headers={}, body=b"{}", received_at=NOW),
        Delivery(headers=delivery("orders/create", b"{}").headers, body=b"{ }", received_at=NOW),
        delivery("orders/create", b"{}", **{"x-shopify-shop-domain": "other.myshopify.com"}),
    ],
)
def test_anything_else_is_not(ctx: TestContext, wrong: Delivery) -> None:
    """Another secret, none, another body, another shop of the same app."""
    with pytest.raises(BadSignature):
        shopify.verify_webhook(ctx, wrong)


def test_the_apps_secret_signs_where_there_is_one() -> None:
    """An app of the Dev Dashboard has one secret for both; a static token needs to be told which."""
    ctx = make_context(shopify, {"shop": "example", "client_id": "1", "client_secret": "hush"})
    assert shopify.verify_webhook(ctx, delivery("orders/create", b"{}")) is True
    bare = make_context(shopify, {"shop": "example", "access_token": "shpat_1"})
    with pytest.raises(ConfigError, match="webhook_secret"):
        shopify.verify_webhook(bare, delivery("orders/create", b"{}"))


# --- what is it about? ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("topic", "name"),
    [
        ("orders/create", "order"),
        ("orders/updated", "order"),
        ("orders/paid", "order"),
        ("orders/cancelled", "order"),
        ("orders/edited", "order_edited"),
        ("refunds/create", "refund"),
        ("fulfillments/create", "fulfillment"),
        ("fulfillments/update", "fulfillment"),
    ],
)
def test_shopifys_samples(ctx: TestContext, contracts: Path, topic: str, name: str) -> None:
    """The order's number with all of its eighteen digits."""
    (news,) = shopify.parse_webhook(ctx, delivery(topic, sample(contracts, name)))
    assert (news.platform_id, news.kind) == ("820982911946154508", NewsKind.ORDER)
    assert news.at == datetime(2026, 11, 22, 18, 0, 27, tzinfo=UTC)
    assert news.raw == {"topic": topic, "event": "event-1", "webhook": "webhook-1"}


def test_a_rounded_number_gives_way_to_the_apis_id(ctx: TestContext) -> None:
    """What went through other tools may have lost digits; the text beside it has not."""
    body = {"id": 820982911946154500, "admin_graphql_api_id": "gid://shopify/Order/820982911946154508", "updated_at": "x"}
    (news,) = shopify.parse_webhook(ctx, delivery("orders/updated", body))
    assert (news.platform_id, news.version) == ("820982911946154508", "x")


def test_a_deleted_order(ctx: TestContext) -> None:
    """It says so."""
    (news,) = shopify.parse_webhook(ctx, delivery("orders/delete", {"id": 5}))
    assert (news.platform_id, news.kind) == ("5", NewsKind.DELETED)


@pytest.mark.parametrize("topic", ["fulfillment_orders/placed_on_hold", "fulfillment_orders/hold_released"])
def test_a_fulfillment_orders_order_is_looked_up(ctx: TestContext, contracts: Path, answers: Answers, topic: str) -> None:
    """These payloads name the fulfillment order only."""
    asked = answers(
        OrderOfPart=[{"fulfillmentOrder": {"orderId": "gid://shopify/Order/9007199254740993"}}, {"fulfillmentOrder": None}]
    )
    name = topic.replace("/", "_")
    (news,) = shopify.parse_webhook(ctx, delivery(topic, sample(contracts, name)))
    assert news.platform_id == "9007199254740993"
    assert asked[0]["variables"] == {"id": "gid://shopify/FulfillmentOrder/1"}
    assert shopify.parse_webhook(ctx, delivery(topic, sample(contracts, name))) == []


@pytest.mark.parametrize("body", [{"order_id": 7}, {"admin_graphql_api_order_id": "gid://shopify/Order/7"}])
def test_another_risk(ctx: TestContext, body: dict[str, Any]) -> None:
    """Shopify or an app of it has another opinion: look at the order."""
    (news,) = shopify.parse_webhook(ctx, delivery("orders/risk_assessment_changed", body))
    assert news.platform_id == "7"


def test_the_app_was_uninstalled(ctx: TestContext, contracts: Path) -> None:
    """There is no order to look at, and the token is worth nothing any more."""
    ctx.state.put(access.KEPT, "{}", secret=True)
    assert shopify.parse_webhook(ctx, delivery("app/uninstalled", sample(contracts, "app_uninstalled"))) == []
    assert ctx.state.get(access.KEPT) is None


def test_requests_about_peoples_data(ctx: TestContext, contracts: Path) -> None:
    """What is asked for, whose data it is about, and in which orders."""
    for topic, kind in (("customers/data_request", NewsKind.CUSTOMER_REQUEST), ("customers/redact", NewsKind.CUSTOMER_REDACT)):
        (one,) = shopify.parse_webhook(ctx, delivery(topic, sample(contracts, topic.replace("/", "_"))))
        assert (one.kind, one.platform_id, one.email) == (kind, "", "john@example.com")
        assert one.orders == ("299938", "280263", "220458")
        assert "john" not in repr(one)
    (shop,) = shopify.parse_webhook(ctx, delivery("shop/redact", sample(contracts, "shop_redact")))
    assert (shop.kind, shop.platform_id, shop.email, shop.orders) == (NewsKind.SHOP_REDACT, "", "", ())


@pytest.mark.parametrize("customer", [{"id": 5}, {"id": 5, "email": None}, {"email": ""}])
def test_a_customer_without_an_address(ctx: TestContext, customer: dict[str, Any]) -> None:
    """Then only the orders say who it is; and there may be none of those."""
    body = {"customer": customer, "orders_to_redact": None}
    (one,) = shopify.parse_webhook(ctx, delivery("customers/redact", body))
    assert (one.kind, one.email, one.orders) == (NewsKind.CUSTOMER_REDACT, "", ())


def test_a_topic_that_is_about_no_order(ctx: TestContext) -> None:
    """Taken, and nothing done."""
    assert shopify.parse_webhook(ctx, delivery("products/update", {"id": 1})) == []


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("orders/create", b"[1]"),
        ("orders/create", b"\xff"),
        ("orders/create", b'{"id": "1 or 2"}'),
        ("orders/edited", b'{"order_edit": 1}'),
        ("orders/edited", b'{"order_edit": {}}'),
        ("refunds/create", b'{"id": 1}'),
        ("orders/risk_assessment_changed", b'{"risk_level": "high"}'),
        ("fulfillment_orders/placed_on_hold", b'{"fulfillment_order": {"id": "x"}}'),
        ("customers/redact", b'{"orders_to_redact": [1]}'),
        ("customers/redact", b'{"customer": {}, "orders_to_redact": ["1 or 2"]}'),
        ("customers/data_request", b'{"customer": {}, "orders_requested": "1"}'),
    ],
)
def test_what_cannot_be_read(ctx: TestContext, topic: str, body: bytes) -> None:
    """It is kept and can be replayed."""
    with pytest.raises(BadPayload):
        shopify.parse_webhook(ctx, delivery(topic, body))


@pytest.mark.parametrize("text", ["", "soon", "2026-11-22T18:00:27"])
def test_a_time_that_is_none(ctx: TestContext, text: str) -> None:
    """Then it counts from when it came."""
    (news,) = shopify.parse_webhook(ctx, delivery("orders/create", {"id": 1}, **{"x-shopify-triggered-at": text}))
    assert news.at == NOW


# --- subscriptions ----------------------------------------------------------------------------------------------------


def listed(*topics: str, uri: str = ADDRESS, version: str = VERSION) -> dict[str, Any]:
    nodes = [
        {"id": f"gid://shopify/WebhookSubscription/{n}", "topic": topic, "uri": uri, "apiVersion": {"handle": version}}
        for n, topic in enumerate(topics)
    ]
    return {"webhookSubscriptions": {"nodes": nodes, "pageInfo": {"hasNextPage": False, "endCursor": None}}}


def made(variables: dict[str, Any]) -> dict[str, Any]:
    hook = {"id": "gid://shopify/WebhookSubscription/99", "topic": variables["topic"], "uri": variables["subscription"]["uri"]}
    return {"webhookSubscriptionCreate": {"webhookSubscription": hook, "userErrors": []}}


ALL = [topic.enum for topic in webhooks.TOPICS]


def test_our_topics_are_shopifys(schema: GraphQLSchema) -> None:
    """The enum of the real schema has each of them."""
    assert set(ALL) <= set(schema.type_map["WebhookSubscriptionTopic"].values)  # type: ignore[attr-defined]


def test_those_that_are_missing_are_made(ctx: TestContext, answers: Answers) -> None:
    """One for each topic, at our address, and only the fields that say which order."""
    asked = answers(Webhooks=listed(*ALL[1:]), WebhookCreate=made)
    checks = shopify.ensure_webhooks(ctx, ADDRESS)
    assert [one.result for one in checks] == [CheckResult.OK] * len(ALL)
    (create,) = [one["variables"] for one in asked if one["operationName"] == "WebhookCreate"]
    assert create["topic"] == "ORDERS_CREATE"
    assert create["subscription"]["uri"] == ADDRESS
    assert create["subscription"]["includeFields"] == ["id", "admin_graphql_api_id", "updated_at"]


def test_no_second_one(ctx: TestContext, answers: Answers) -> None:
    """What is there stays as it is."""
    asked = answers(Webhooks=listed(*ALL))
    assert {one.result for one in shopify.ensure_webhooks(ctx, ADDRESS)} == {CheckResult.OK}
    assert {one["operationName"] for one in asked} == {"Webhooks"}


def test_those_of_another_address_are_not_ours(ctx: TestContext, answers: Answers) -> None:
    """Another installation may have its own."""
    asked = answers(Webhooks=listed(*ALL, uri="https://elsewhere.example"), WebhookCreate=made)
    shopify.ensure_webhooks(ctx, ADDRESS)
    assert len([one for one in asked if one["operationName"] == "WebhookCreate"]) == len(ALL)


def test_what_shopify_removed_comes_back(ctx: TestContext, answers: Answers) -> None:
    """After eight failed deliveries a subscription is gone; the next round makes it again."""
    asked = answers(Webhooks=[listed(*ALL[1:]), listed(*ALL[1:])], WebhookCreate=made)
    shopify.ensure_webhooks(ctx, ADDRESS)
    shopify.ensure_webhooks(next_act(ctx, request_id="round-2"), ADDRESS)
    assert len([one for one in asked if one["operationName"] == "WebhookCreate"]) == 2


def test_two_for_one_topic_and_another_version_are_told(ctx: TestContext, answers: Answers) -> None:
    """Nothing is deleted by us; a person is told."""
    answers(Webhooks=[listed(*ALL, ALL[0]), listed(*ALL, version="2025-01")])
    assert [one.result for one in shopify.ensure_webhooks(ctx, ADDRESS)].count(CheckResult.WARNING) == 1
    assert {one.result for one in shopify.ensure_webhooks(ctx, ADDRESS)} == {CheckResult.WARNING}


def test_what_shopify_refuses_is_told(ctx: TestContext, answers: Answers) -> None:
    """With its words, topic by topic."""
    no = {"field": ["webhookSubscription", "callbackUrl"], "message": "Address protocol http:// is not supported"}
    answers(Webhooks=listed(), WebhookCreate={"webhookSubscriptionCreate": {"webhookSubscription": None, "userErrors": [no]}})
    checks = shopify.ensure_webhooks(ctx, "http://hooks.example")
    assert {one.result for one in checks} == {CheckResult.FAILED}
    assert "http:// is not supported" in checks[0].text


def test_without_a_secret_there_are_none() -> None:
    """Every delivery would be refused."""
    ctx = make_context(shopify, CONFIG | {"webhook_secret": ""})
    (one,) = shopify.ensure_webhooks(ctx, ADDRESS)
    assert one.result is CheckResult.FAILED


def test_a_lost_answer_is_looked_up(ctx: TestContext, answers: Answers) -> None:
    """It was made if it is there now, at this address."""
    elsewhere = listed(*ALL, uri="https://elsewhere.example")
    answers(Webhooks=[listed(*ALL[1:]), listed(*ALL), listed(*ALL[1:]), elsewhere], WebhookCreate=made)
    shopify.ensure_webhooks(ctx, ADDRESS)
    lost = ctx.effect.lost(webhooks.TOPICS[0].effect)
    assert shopify.find_effect(ctx, lost) == Happened(answer={"id": "0"})
    assert shopify.find_effect(ctx, lost) == NotHappened()
    assert shopify.find_effect(ctx, lost) == NotHappened()
