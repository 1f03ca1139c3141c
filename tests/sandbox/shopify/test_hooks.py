"""Webhooks of the simulated shop: signed, shaped as the samples, and retried."""

from __future__ import annotations

import json
from typing import Any

from connector.sandbox.shopify import ShopifySandbox
from connector.sandbox.shopify.hooks import signature, topic_path
from connector.sandbox.truth.receiver import Receiver

SUBSCRIBE = (
    "mutation W($t: WebhookSubscriptionTopic!, $s: WebhookSubscriptionInput!) { "
    "webhookSubscriptionCreate(topic: $t, webhookSubscription: $s) { webhookSubscription { id } userErrors { "
    "message } } }"
)


def test_topics_are_written_as_paths() -> None:
    """The longest resource wins: fulfillment_orders is no fulfillment."""
    assert topic_path("ORDERS_CREATE") == "orders/create"
    assert topic_path("FULFILLMENT_ORDERS_PLACED_ON_HOLD") == "fulfillment_orders/placed_on_hold"
    assert topic_path("ORDER_TRANSACTIONS_CREATE") == "order_transactions/create"


def test_http_addresses_are_refused_unless_on_this_machine(client: Any) -> None:
    """As recorded, but for loopback."""
    found = client.data(SUBSCRIBE, t="ORDERS_CREATE", s={"uri": "http://example.com/x"})["webhookSubscriptionCreate"]
    assert found["userErrors"] == [{"message": "Address protocol http:// is not supported"}]


def test_a_delivery_that_fails_often_ends_the_subscription(shop: ShopifySandbox, client: Any) -> None:
    """Eight retries with the same id, then the subscription is gone."""
    shop.hooks.retries_s = (0.0,) * 8
    made = client.data(SUBSCRIBE, t="ORDERS_CREATE", s={"uri": "http://127.0.0.1:9/nobody"})["webhookSubscriptionCreate"]
    assert made["userErrors"] == []
    client.buy()
    for _ in range(100):
        if not shop.store.subscriptions:
            break
        shop.hooks.settle(0.1)
    assert shop.store.subscriptions == {}
    sent = [one for one in shop.records.since()["deliveries"] if one["kind"] == "delivery"]
    assert len(sent) == 9
    assert len({one["delivery_id"] for one in sent}) == 1


def test_orders_create_is_signed(shop: ShopifySandbox, client: Any) -> None:
    """The signature covers the raw body with the app's secret; the body is the REST-shaped order."""
    with Receiver() as receiver:
        client.data(SUBSCRIBE, t="ORDERS_CREATE", s={"uri": f"http://{receiver.host}/hooks"})
        order = client.buy()
        assert shop.hooks.settle()
        (got,) = receiver.received
    headers = {name.lower(): value for name, value in got.headers.items()}
    assert headers["x-shopify-hmac-sha256"] == signature(got.body, shop.store.app.client_secret)
    assert headers["x-shopify-topic"] == "orders/create"
    assert json.loads(got.body)["admin_graphql_api_id"] == order
