"""Setting the shop's order status, and calling orders off.

WooCommerce takes every change from every status, and the last writer wins (recorded): what may follow what is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector import (
    Cancelled,
    CancelRequest,
    CannotTell,
    Check,
    CheckResult,
    Context,
    Effect,
    Found,
    Happened,
    NotHappened,
    Order,
    PlatformStatus,
    Refused,
    StatusChange,
    TryLater,
    Unsupported,
)

from .client import read, write
from .config import STATUSES, config, meaning, word_for
from .orders import find as find_order
from .orders import must_find
from .parse import order as parse

MAY_LEAVE = frozenset({PlatformStatus.UNPAID, PlatformStatus.ON_HOLD, PlatformStatus.OPEN, PlatformStatus.FAILED})


def push(ctx: Context, order: Order, change: StatusChange) -> Order | None:
    """Set a status unless it is there already. `processing` and `completed` also mark an unpaid order as paid (recorded)."""
    word = word_for(ctx, change.status)
    doing = f"set order {order.platform_id} to {change.status}"
    if word is None:
        raise Unsupported(_cannot_be_set(change.status), account=ctx.account.name, operation=doing)
    raw = must_find(ctx, order.platform_id, doing)
    is_there = meaning(str(raw.get("status")), config(ctx).statuses) is change.status
    after = _set(ctx, "push_status", order, word, raw, doing, is_there=is_there)
    return parse(after, config(ctx).statuses) if after else None


def _cannot_be_set(status: PlatformStatus) -> str:
    if status is PlatformStatus.REFUNDED:
        return "the status refunded would write a refund of the rest that moves no money. Refund the order instead."
    return f"WooCommerce has no status to set for {status!r}."


def cancel(ctx: Context, order: Order, request: CancelRequest) -> Cancelled:
    """Set it to cancelled. WooCommerce then puts the stock back itself, and a later refund does not do so again (recorded)."""
    doing = f"cancel order {order.platform_id}"
    if not request.restock:
        text = "WooCommerce puts the stock back when an order is cancelled; it cannot be told not to."
        raise Unsupported(text, account=ctx.account.name, operation=doing)
    raw = must_find(ctx, order.platform_id, doing)
    means = meaning(str(raw.get("status")), config(ctx).statuses)
    is_over = means in (PlatformStatus.CANCELLED, PlatformStatus.REFUNDED)  # a status of staff stays
    word = word_for(ctx, PlatformStatus.CANCELLED) or ""
    after = _set(ctx, "cancel_order", order, word, raw, doing, is_there=is_over)
    return Cancelled(restocked=_stock_is_back(after or (raw if is_over else {})), vendor_id=order.platform_id)


def _stock_is_back(raw: Mapping[str, Any]) -> bool:
    """`_reduced_stock` on a line is what the order still holds; a refund without restock leaves it there (recorded)."""
    metas = [meta for line in raw.get("line_items") or [] for meta in line.get("meta_data") or []]
    return not any(meta.get("key") == "_reduced_stock" and str(meta.get("value")) not in ("", "0") for meta in metas)


def _set(
    ctx: Context, kind: str, order: Order, word: str, raw: Mapping[str, Any], doing: str, *, is_there: bool
) -> Mapping[str, Any] | None:
    """Send the status through the ledger; the shop's answer if it was sent just now.

    What is there already is not written again, but it goes through the ledger, too: an earlier call whose answer was lost would
    else stay unknown for ever, and stand in the way of every later one.
    """
    answers: list[Mapping[str, Any]] = []

    def send(key: str) -> dict[str, Any]:
        if is_there:
            answers.append(raw)
            return {"id": raw.get("id"), "status": raw.get("status")}
        body = write(ctx, "PUT", f"orders/{order.platform_id}", {"status": word}, doing)
        if body.get("status") != word:
            text = f"the shop took the change and left the order at {body.get('status')!r}: a plugin there decides otherwise."
            raise Refused(text, account=ctx.account.name, operation=doing)
        answers.append(body)
        return {"id": body.get("id"), "status": word}

    def before() -> dict[str, Any]:
        return {"status": raw.get("status")} if is_there else _may_be_set(ctx, order, raw, doing)

    ctx.effect(kind, {"order": order.platform_id, "status": word}, send, before=before)
    return answers[0] if answers else None


def _may_be_set(ctx: Context, order: Order, raw: Mapping[str, Any], doing: str) -> dict[str, Any]:
    """The image from before; raises where the change would go against what the shop has decided meanwhile."""
    now = str(raw.get("status"))
    about = {"account": ctx.account.name, "operation": doing}
    if now != order.status:  # somebody has decided something: what follows from it comes before what we wanted
        raise TryLater(
            f"the shop has changed it from {order.status!r} to {now!r}: it is read again first.", after_s=60, **about
        )
    means = meaning(now, config(ctx).statuses)
    if means is PlatformStatus.UNKNOWN:
        fix = "Say what it means in `statuses` of the account."
        raise Refused(f"the order has the status {now!r} of another plugin; it is not overwritten. {fix}", **about)
    if means not in MAY_LEAVE:
        raise Refused(f"the order is {now!r} in the shop, and that is not undone.", **about)
    return {"status": now}


def check_words(ctx: Context) -> list[Check]:
    """Does the shop know every status that is configured? One that it does not know can neither be read nor set (recorded)."""
    own = config(ctx)
    checks = []
    for word in dict.fromkeys(name.removeprefix("wc-") for name in (*own.writes.values(), *own.statuses)):
        if word in STATUSES or _is_registered(ctx, word):
            continue
        is_written = word in own.writes.values()
        checks.append(
            Check(
                name="statuses",
                result=CheckResult.FAILED if is_written else CheckResult.WARNING,
                text=f"{'writes' if is_written else 'statuses'}: the shop has no order status {word!r}.",
                fix="Write it as the plugin that has it calls it, without wc-; is that plugin switched on?",
            )
        )
    if checks or not own.writes:
        return checks
    said = ", ".join(f"{status} as {word!r}" for status, word in own.writes.items())
    return [Check(name="statuses", result=CheckResult.OK, text=f"Set in the shop: {said}.")]


def _is_registered(ctx: Context, word: str) -> bool:
    try:
        read(ctx, "orders", f"look for the status {word}", status=word, per_page=1, _fields="id")
    except Refused as problem:
        if problem.code == "rest_invalid_param":
            return False
        raise
    return True


def find(ctx: Context, effect: Effect) -> Found:
    """By the status now and the one from before. A third one was set by somebody else, before or after ours."""
    asked, before = (value if isinstance(value, dict) else {} for value in (effect.request, effect.before))
    raw = find_order(ctx, effect.platform_id)
    if raw is None:
        return CannotTell(text=f"Order {effect.platform_id} is gone from the shop.")
    now, wanted = raw.get("status"), asked.get("status")
    if now == wanted:
        return Happened(answer={"id": raw.get("id"), "status": wanted})
    if now == before.get("status"):
        return NotHappened()
    return CannotTell(
        text=f"Order {effect.platform_id} was to go from {before.get('status')!r} to {wanted!r} and is now {now!r}: "
        "somebody else has changed it. Its notes in the shop show what happened."
    )
