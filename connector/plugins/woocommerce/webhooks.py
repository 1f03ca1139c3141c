"""The shop's webhooks: which are ours, whether a delivery is real, and which order it is about."""

from __future__ import annotations

import hmac
import json
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
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
    Order,
    PlatformStatus,
    Refused,
)

from .client import read_all, write
from .config import config, meaning
from .parse import order
from .reading import Node

PING = re.compile(rb"webhook_id=\d+")
TOPICS = ("order.created", "order.updated", "order.deleted", "order.restored")
SECRET_SEEN = "webhook secret"  # noqa: S105
SECRET_FIX = "Set `webhook_secret` to a long random text of your own and run `connector check`."  # noqa: S105


def kind_of(topic: str) -> str:
    """The kind of effect that makes or switches on the webhook of a topic; one for each, so that each happens once a round."""
    return f"ensure_webhooks.{topic.removeprefix('order.')}"


# --- deliveries -------------------------------------------------------------------------------------------------------


def verify(ctx: Context, delivery: Delivery) -> bool:
    """Signature = base64 of HMAC-SHA256 over the raw body. The ping at creation is a form and has none (recorded)."""
    signature = delivery.headers.get("x-wc-webhook-signature", "")
    if not signature and PING.fullmatch(delivery.body.strip()):
        return False
    secret = config(ctx).webhook_secret
    if not secret:
        raise ConfigError(f"account {ctx.account.name}: a webhook came in, but there is no webhook_secret. {SECRET_FIX}")
    expected = b64encode(hmac.digest(secret.encode(), delivery.body, sha256)).decode()
    if not hmac.compare_digest(signature.encode(), expected.encode()):
        raise BadSignature(f"account {ctx.account.name}: the webhook is not signed with this account's webhook_secret")
    return True


def news(ctx: Context, delivery: Delivery) -> list[News]:
    """The payload is built when it is delivered and may be newer than the event: it only says which order to look at."""
    topic = delivery.headers.get("x-wc-webhook-topic", "")
    if not topic.startswith(("order.", "action.")):
        return []
    body = _body(delivery)
    if topic.startswith("action."):
        return [_hint(body["arg"].text(), NewsKind.ORDER, delivery, topic)] if "order" in topic else []
    platform_id = body["id"].text()
    if topic == "order.deleted":
        return [_hint(platform_id, NewsKind.DELETED, delivery, topic)]
    if meaning(body.get("status").text(), config(ctx).statuses) is PlatformStatus.DRAFT:
        return []
    shown = _shown(ctx, body) if platform_id.isdecimal() else None
    return [replace(_hint(platform_id, NewsKind.ORDER, delivery, topic, body.get("date_modified_gmt")), order=shown)]


def _body(delivery: Delivery) -> Node:
    try:
        return Node(json.loads(delivery.body), "webhook")
    except ValueError:
        raise BadPayload("webhook: the body is not JSON") from None


def _shown(ctx: Context, body: Node) -> Order | None:
    """The order in the payload, which is built as REST v3 answers (recorded). Older forms are fetched instead."""
    try:
        return order(body.value, config(ctx).statuses)
    except BadPayload:
        return None


def _hint(platform_id: str, kind: NewsKind, delivery: Delivery, topic: str, modified: Node | None = None) -> News:
    if not platform_id.isdecimal():
        raise BadPayload("webhook.id: an order's number is expected here")
    at = modified.when_if_any() if modified else None
    return News(
        platform_id=platform_id,
        kind=kind,
        at=at or delivery.received_at,
        version=modified.text() if modified else "",
        raw={"topic": topic},
    )


# --- subscriptions ----------------------------------------------------------------------------------------------------


def ensure(ctx: Context, address: str) -> list[Check]:
    """One Check a topic. WooCommerce switches a webhook off after failed deliveries (the 7th in a row, recorded): ours come on
    again. One that a person has paused stays paused."""
    if not config(ctx).webhook_secret:
        # Without one the shop invents a secret that nobody can read (recorded), and every delivery would be refused.
        return [Check(name="webhooks", result=CheckResult.FAILED, text="There is no webhook_secret.", fix=SECRET_FIX)]
    ours, other = listed(ctx, address), _has_another_secret(ctx)
    checks = [
        _ensure_topic(ctx, topic, address, [hook for hook in ours if hook.get("topic") == topic], other_secret=other)
        for topic in TOPICS
    ]
    if not any(check.result is CheckResult.FAILED for check in checks):
        ctx.state.put(SECRET_SEEN, _fingerprint(ctx))
    return checks


def _has_another_secret(ctx: Context) -> bool:
    """Was our secret changed since the webhooks got it? The shop does not show which one it has."""
    row = ctx.state.get(SECRET_SEEN)
    return row is not None and row.value != _fingerprint(ctx)


def _fingerprint(ctx: Context) -> str:
    return sha256(f"{ctx.account.id} {config(ctx).webhook_secret}".encode()).hexdigest()[:16]


def listed(ctx: Context, address: str = "") -> list[dict[str, Any]]:
    """The shop's webhooks, those for `address` if given."""
    found = read_all(ctx, "webhooks", "read the webhooks")
    return [hook for hook in found if not address or hook.get("delivery_url") == address]


def _ensure_topic(ctx: Context, topic: str, address: str, hooks: list[dict[str, Any]], *, other_secret: bool) -> Check:
    name = f"webhook {topic}"
    active = [hook for hook in hooks if hook.get("status") == "active"]
    if len(active) > 1:
        ids = ", ".join(str(hook["id"]) for hook in active)
        fix = "Delete all but one of them in WooCommerce > Settings > Advanced > Webhooks."
        return Check(name=name, result=CheckResult.WARNING, text=f"There are several (ids {ids}).", fix=fix)
    body = {"status": "active", "secret": config(ctx).webhook_secret}
    if active and other_secret:
        text = "It signs with the new webhook_secret from now on"
        return _write(ctx, topic, address, method="PUT", path=f"webhooks/{active[0]['id']}", body=body, text=text)
    if active:
        return Check(name=name, result=CheckResult.OK, text=f"The shop sends it (id {active[0]['id']}).")
    if any(hook.get("status") == "paused" for hook in hooks):
        fix = "Set it to Active in WooCommerce > Settings > Advanced > Webhooks, unless it is meant to be off."
        return Check(name=name, result=CheckResult.WARNING, text="A person has paused it.", fix=fix)
    if hooks:
        why = "Look why deliveries failed: WooCommerce > Status > Logs. The next failure switches it off again."
        text = "The shop had switched it off after failed deliveries; it is on again"
        return _write(ctx, topic, address, method="PUT", path=f"webhooks/{hooks[0]['id']}", body=body, text=text, fix=why)
    body |= {"name": f"Order connector: {topic}", "topic": topic, "delivery_url": address}
    return _write(ctx, topic, address, method="POST", path="webhooks", body=body, text="The shop sends it from now on")


def _write(
    ctx: Context, topic: str, address: str, *, method: str, path: str, body: Mapping[str, Any], text: str, fix: str = ""
) -> Check:
    """Make or switch on one webhook, through the ledger. What the shop refuses is told, so that the next round tries anew."""
    name, sent = f"webhook {topic}", []

    def send(key: str) -> dict[str, Any]:
        sent.append(key)
        return _short(write(ctx, method, path, body, f"set up the webhook {topic}"))

    try:
        # Only the topic is asked for: a round that was cut may go on with another address, or find it made and switched off.
        answer = ctx.effect(kind_of(topic), {"topic": topic}, send, before=lambda: {"address": address})
    except Refused as no:
        fix = "Check connector.public_url, and that the key's user may manage webhooks."
        return Check(name=name, result=CheckResult.FAILED, text=str(no), fix=fix)
    if not sent:
        text = "It was set up in this round already, and is not active now"
        fix = "Run it again: the next round sets it up anew."
    result = CheckResult.WARNING if fix else CheckResult.OK
    return Check(name=name, result=result, text=f"{text} (id {answer['id']}).", fix=fix)


def _short(hook: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": hook.get("id"), "status": hook.get("status")}


def find(ctx: Context, effect: Effect) -> Found:
    """Is there an active webhook for this topic and address now?"""
    asked, before = (value if isinstance(value, dict) else {} for value in (effect.request, effect.before))
    topic, address = asked.get("topic"), before.get("address")
    if not topic or not address:
        return CannotTell(
            text="Look in WooCommerce > Settings > Advanced > Webhooks whether our webhooks are active, each once."
        )
    for hook in listed(ctx, str(address)):
        if hook.get("topic") == topic and hook.get("status") == "active":
            return Happened(answer=_short(hook))
    return NotHappened()
