"""Shopify's webhooks: which are ours, whether a delivery is real, and which order it is about.

News only says which order to look at, so nothing is done about deliveries that come twice (X-Shopify-Webhook-Id), about several
topics of one action (X-Shopify-Event-Id), or late (X-Shopify-Triggered-At): the order is read as it is now, and what was seen
before is only compared. At worst one order is read once more.
"""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from connector import (
    BadPayload,
    BadSignature,
    CannotTell,
    Check,
    CheckResult,
    ConfigError,
    Context,
    Delivery,
    Effect,
    Found,
    Happened,
    News,
    NewsKind,
    NotHappened,
    Refused,
)

from . import access, versions
from .client import mutate, query
from .config import config
from .ids import bare, gid, is_id, kind_of

ORDER_FIELDS = ("id", "admin_graphql_api_id", "updated_at")
PART_OF_ORDER = ("id", "order_id", "updated_at")


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of Shopify's, and which fields of its payload we ask for: of people, none ((): it cannot be chosen)."""

    name: str
    fields: tuple[str, ...] = ()

    @property
    def enum(self) -> str:
        """As the API spells it."""
        return self.name.upper().replace("/", "_")

    @property
    def effect(self) -> str:
        return f"ensure_webhooks.{self.name.replace('/', '.')}"


TOPICS = (
    Topic("orders/create", ORDER_FIELDS),
    Topic("orders/updated", ORDER_FIELDS),
    Topic("orders/edited"),
    Topic("orders/paid", ORDER_FIELDS),
    Topic("orders/cancelled", ORDER_FIELDS),
    Topic("orders/delete", ("id",)),
    Topic("orders/risk_assessment_changed"),
    Topic("refunds/create", PART_OF_ORDER),
    Topic("fulfillments/create", PART_OF_ORDER),
    Topic("fulfillments/update", PART_OF_ORDER),
    Topic("fulfillment_orders/placed_on_hold"),
    Topic("fulfillment_orders/hold_released"),
    Topic("app/uninstalled"),
)
# They belong to the app, not to the shop: they are set in the app's own configuration and only received.
COMPLIANCE = {
    "customers/data_request": NewsKind.CUSTOMER_REQUEST,
    "customers/redact": NewsKind.CUSTOMER_REDACT,
    "shop/redact": NewsKind.SHOP_REDACT,
}
NO_SECRET_FIX = "Set `webhook_secret` to the app's API secret key (or use client_id and client_secret)."  # noqa: S105


# --- deliveries -------------------------------------------------------------------------------------------------------


def verify(ctx: Context, delivery: Delivery) -> bool:
    """Signature = base64 of HMAC-SHA256 over the raw body, with the app's secret.

    https://shopify.dev/docs/apps/build/webhooks/subscribe/https (2026-11)
    """
    secret = config(ctx).signing_secret
    if not secret:
        raise ConfigError(f"account {ctx.account.name}: a webhook came in that nobody can verify. {NO_SECRET_FIX}")
    expected = b64encode(hmac.digest(secret.encode(), delivery.body, sha256)).decode()
    signature = delivery.headers.get("x-shopify-hmac-sha256", "")
    if not hmac.compare_digest(signature.encode(), expected.encode()):
        raise BadSignature(f"account {ctx.account.name}: the webhook is not signed with this account's secret")
    shop = delivery.headers.get("x-shopify-shop-domain", "").lower()
    if shop and shop != config(ctx).shop and not config(ctx).api_url:
        raise BadSignature(f"account {ctx.account.name}: the webhook is of another shop, {shop:.80}")
    return True


def news(ctx: Context, delivery: Delivery) -> list[News]:
    """Which orders to look at. Raises BadPayload naming what cannot be read."""
    topic = delivery.headers.get("x-shopify-topic", "")
    body = _body(delivery)
    if topic == "app/uninstalled":
        ctx.state.delete(access.KEPT)
        ctx.log.error("the app was uninstalled from %s: nothing can be read or written there any more", config(ctx).shop)
        return []
    if topic in COMPLIANCE:
        return [_about_people(COMPLIANCE[topic], body, delivery)]
    platform_id = _order_of(ctx, topic, body)
    if platform_id is None:
        return []
    if not is_id(platform_id):
        raise BadPayload("webhook: an order's number is expected")
    kind = NewsKind.DELETED if topic == "orders/delete" else NewsKind.ORDER
    version = str(body.get("updated_at") or "") if topic.startswith("orders/") else ""
    return [_hint(platform_id, kind, delivery, version=version)]


def _body(delivery: Delivery) -> dict[str, Any]:
    try:
        body = json.loads(delivery.body)
    except ValueError:
        raise BadPayload("webhook: the body is not JSON") from None
    if not isinstance(body, dict):
        raise BadPayload("webhook: an object is expected")
    return body


def _order_of(ctx: Context, topic: str, body: Mapping[str, Any]) -> str | None:
    """The bare id of the order, "" where it should be there and is not; None for what is about none."""
    if topic.startswith("fulfillment_orders/"):
        return _order_of_part(ctx, _part(body, "fulfillment_order", "original_fulfillment_order"))
    if topic == "orders/edited":
        return str(_part(body, "order_edit").get("order_id") or "")
    if topic.startswith(("refunds/", "fulfillments/", "order_transactions/")) or topic == "orders/risk_assessment_changed":
        return bare(body.get("admin_graphql_api_order_id") or body.get("order_id"))
    if not topic.startswith("orders/"):
        return None
    # In some tools a number above 2^53 has lost its last digits; the API's id beside it is a text.
    own = body.get("admin_graphql_api_id")
    return bare(own) if kind_of(own) == "Order" else str(body.get("id") or "")


def _part(body: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    part: Mapping[str, Any] | None = next((body[name] for name in names if isinstance(body.get(name), dict)), None)
    if part is None:
        raise BadPayload(f"webhook.{names[0]}: an object is expected here")
    return part


def _order_of_part(ctx: Context, part: Mapping[str, Any]) -> str | None:
    """These payloads name the fulfillment order only."""
    if part.get("order_id"):
        return bare(part["order_id"])
    number = bare(part.get("id"))
    if not is_id(number):
        raise BadPayload("webhook.fulfillment_order.id: a number is expected here")
    found = query(ctx, "OrderOfPart", {"id": gid("FulfillmentOrder", number)}, "look which order is meant")["fulfillmentOrder"]
    return bare(found["orderId"]) if found else None


def _about_people(kind: NewsKind, body: Mapping[str, Any], delivery: Delivery) -> News:
    """Whose data, and in which orders. A customer may be without an address, and a request without an order.

    https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance (2026-11)
    """
    if kind is NewsKind.SHOP_REDACT:
        return _hint("", kind, delivery)
    named = body.get("orders_requested" if kind is NewsKind.CUSTOMER_REQUEST else "orders_to_redact") or []
    if not isinstance(named, list):
        raise BadPayload("webhook: a list of orders is expected")
    customer = _part(body, "customer")
    email = str(customer.get("email") or "")
    orders = tuple(bare(order_id) for order_id in named)
    if not all(is_id(order_id) for order_id in orders):
        raise BadPayload("webhook: orders' numbers are expected")
    return replace(_hint("", kind, delivery), email=email, orders=orders)


def _hint(platform_id: str, kind: NewsKind, delivery: Delivery, *, version: str = "") -> News:
    headers = delivery.headers
    raw = {
        "topic": headers.get("x-shopify-topic", ""),
        "event": headers.get("x-shopify-event-id", ""),
        "webhook": headers.get("x-shopify-webhook-id", ""),
    }
    return News(platform_id=platform_id, kind=kind, at=_triggered(delivery), version=version, raw=raw)


def _triggered(delivery: Delivery) -> datetime:
    """When it happened; a retry comes up to four hours later. Nine digits of a second are more than Python reads."""
    text = delivery.headers.get("x-shopify-triggered-at", "")
    whole, dot, _ = text.partition(".")
    try:
        moment = datetime.fromisoformat(f"{whole}+00:00" if dot else text)
    except ValueError:
        return delivery.received_at
    return moment if moment.tzinfo else delivery.received_at


# --- subscriptions ----------------------------------------------------------------------------------------------------


def ensure(ctx: Context, address: str) -> list[Check]:
    """One Check a topic. Shopify removes a subscription after 8 failed deliveries in a row: ours are made again."""
    if not config(ctx).signing_secret:
        text = "There is no secret to verify webhooks with."
        return [Check(name="webhooks", result=CheckResult.FAILED, text=text, fix=NO_SECRET_FIX)]
    ours = [hook for hook in listed(ctx) if hook.get("uri") == address]
    return [_ensure_topic(ctx, topic, address, [hook for hook in ours if hook.get("topic") == topic.enum]) for topic in TOPICS]


def listed(ctx: Context) -> list[dict[str, Any]]:
    """The subscriptions that this app has in the shop."""
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = query(ctx, "Webhooks", {"after": after}, "read the webhooks")["webhookSubscriptions"]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


def _ensure_topic(ctx: Context, topic: Topic, address: str, hooks: list[dict[str, Any]]) -> Check:
    name = f"webhook {topic.name}"
    if len(hooks) > 1:
        ids = ", ".join(bare(hook["id"]) for hook in hooks)
        return Check(
            name=name,
            result=CheckResult.WARNING,
            text=f"There are several (ids {ids}); each order is only read more often.",
            fix="Delete all but one of them (webhookSubscriptionDelete).",
        )
    if hooks:
        return _there(name, hooks[0])
    return _create(ctx, topic, address)


def _there(name: str, hook: Mapping[str, Any]) -> Check:
    version = str((hook.get("apiVersion") or {}).get("handle") or versions.VERSION)
    if version != versions.VERSION:
        text = f"Shopify sends it in version {version}, not {versions.VERSION}; what we read of it is the same."
        fix = f"Set the webhooks' API version of the app to {versions.VERSION}."
        return Check(name=name, result=CheckResult.WARNING, text=text, fix=fix)
    return Check(name=name, result=CheckResult.OK, text=f"Shopify sends it (id {bare(hook['id'])}).")


def _create(ctx: Context, topic: Topic, address: str) -> Check:
    """Through the ledger. What Shopify refuses is told, so that the next round tries anew."""
    name, sent = f"webhook {topic.name}", []
    subscription = {"uri": address, "format": "JSON"} | ({"includeFields": list(topic.fields)} if topic.fields else {})

    def send(key: str) -> dict[str, Any]:
        sent.append(key)
        made = mutate(ctx, "WebhookCreate", {"topic": topic.enum, "subscription": subscription}, f"set up the {name}")
        return {"id": bare((made.get("webhookSubscription") or {}).get("id"))}

    try:
        # Only the topic is asked for: a round that was cut may go on with another address.
        answer = ctx.effect(topic.effect, {"topic": topic.name}, send, before=lambda: {"address": address})
    except Refused as no:
        fix = "Check connector.public_url (https, and no address inside of a company), and the app's access scopes."
        return Check(name=name, result=CheckResult.FAILED, text=str(no), fix=fix)
    if not sent:
        text = f"It was set up in this round already, and is not there now (id {answer['id']})."
        return Check(name=name, result=CheckResult.WARNING, text=text, fix="Run it again: the next round sets it up anew.")
    return Check(name=name, result=CheckResult.OK, text=f"Shopify sends it from now on (id {answer['id']}).")


def find(ctx: Context, effect: Effect) -> Found:
    """Is there a subscription for this topic and address now?"""
    asked, before = (value if isinstance(value, dict) else {} for value in (effect.request, effect.before))
    topic = next((one for one in TOPICS if one.name == asked.get("topic")), None)
    address = before.get("address")
    if topic is None or not address:
        return CannotTell(text="Look whether the app's webhooks are there, each once: connector check.")
    for hook in listed(ctx):
        if hook.get("topic") == topic.enum and hook.get("uri") == address:
            return Happened(answer={"id": bare(hook["id"])})
    return NotHappened()
