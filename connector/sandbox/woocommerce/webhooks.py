"""Webhook subscriptions: creating, changing, pinging, and counting failures. Sending is `deliveries.py`."""

from __future__ import annotations

from typing import Any

from connector.sandbox.woocommerce import forms, products
from connector.sandbox.woocommerce.rest import RestError
from connector.sandbox.woocommerce.store import Store
from connector.sandbox.woocommerce.things import Webhook

Body = dict[str, Any]
MAX_FAILURES = 5


def create(store: Store, body: Body) -> Webhook:
    """Always active, whatever `status` says; without a secret a random one is used that nobody can read."""
    topic, url = str(body.get("topic", "")), str(body.get("delivery_url", ""))
    _check_topic(topic)
    _check_url(url)
    number = store.next_id("webhook")
    name = body.get("name") or store.now().strftime("Webhook created on %b %d, %Y @ %I:%M %p")
    secret = str(body.get("secret") or store.random_text(50))
    webhook = Webhook(id=number, name=str(name), topic=topic, url=url, secret=secret, created=store.now())
    store.webhooks[number] = webhook
    return webhook


def change(store: Store, webhook: Webhook, body: Body) -> None:
    """A new URL asks for a new ping. Reactivating does not reset the failures."""
    if body.get("topic"):
        _check_topic(str(body["topic"]))
        webhook.topic = str(body["topic"])
    if body.get("delivery_url") and body["delivery_url"] != webhook.url:
        _check_url(str(body["delivery_url"]))
        webhook.url, webhook.ping_due = str(body["delivery_url"]), True
    webhook.name = str(body.get("name") or webhook.name)
    webhook.secret = str(body.get("secret") or webhook.secret)
    webhook.status = str(body.get("status") or webhook.status)
    webhook.modified = store.now()


def count(store: Store, webhook: Webhook, *, delivered: bool) -> None:
    """Success clears the count; the seventh failure in a row disables, and failed deliveries are never repeated."""
    webhook.modified = store.now()
    if delivered:
        webhook.failures = 0
    elif webhook.failures > MAX_FAILURES:
        webhook.status = "disabled"
    else:
        webhook.failures += 1


def subscribed(store: Store, topic: str) -> list[Webhook]:
    return [one for one in store.webhooks.values() if one.status == "active" and one.topic == topic]


def payload(store: Store, topic: str, number: int) -> Body | None:
    """What is delivered, as things are now; None when the thing is gone."""
    if topic.startswith("action."):
        return {"action": topic.removeprefix("action."), "arg": number}
    if topic == "order.deleted":
        return {"id": number}
    if topic.startswith("order."):
        order = store.orders.get(number)
        return None if order is None else forms.order_form(store, order)
    product = store.products.get(number)
    return None if product is None else products.form(store, product)


def _check_topic(topic: str) -> None:
    if topic not in forms.HOOKS and not topic.startswith("action.woocommerce_"):
        text = "Webhook topic is required and must be valid."
        raise RestError(400, "woocommerce_rest_shop_webhook_invalid_topic", text)


def _check_url(url: str) -> None:
    if not url.startswith(("http://", "https://")):
        text = "Webhook delivery URL must be a valid URL starting with http:// or https://."
        raise RestError(400, "woocommerce_rest_shop_webhook_invalid_delivery_url", text)
