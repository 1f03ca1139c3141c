"""Calling an order off in Shopify, to the end of the job that does it.

Money is given back by a refund of its own, never here: `originalPaymentMethodsRefund: false`. (Nothing given back is also what
happens when refundMethod is left out: recorded 2026-04, the order stays PAID.) What was only authorized Shopify lets go by
itself, whatever is said about refunds, so nothing has to be voided before.
https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/orderCancel (schema of 2026-07-13)
"""

from __future__ import annotations

from typing import Any

from connector import (
    Cancelled,
    CancelRequest,
    CannotTell,
    Context,
    Effect,
    EffectClass,
    EffectRule,
    Found,
    Happened,
    LooksBy,
    NotHappened,
    Order,
    Refused,
    TooEarly,
    TryLater,
)

from .client import query
from .fulfillment_orders import must_have
from .ids import bare, gid
from .refusals import CANCELLED, CANCELLING, FULFILLED, change

KIND = "cancel_order"
# The answer names a job that does it afterwards, in a second or two (recorded). A second call cannot cancel or restock again
# (recorded: "already been canceled", "already in progress"), so two minutes are enough.
RULE = EffectRule(vendor=EffectClass.LOOKUP, deadline_s=30, settle_s=120, looks_by=LooksBy.STATE, points=12)

LONGEST_NOTE = 255  # recorded: "Staff note is too long. Maximum length is 255 characters."
SENT = frozenset({"FULFILLED", "PARTIALLY_FULFILLED"})


def cancel_order(ctx: Context, order: Order, request: CancelRequest) -> Cancelled:
    """Cancel it without giving money back and without a mail (ours says more), and follow the job.

    `restocked` is what Shopify was told. It keeps the pieces of unpaid orders out of stock whose location was deactivated since
    (its documentation); and of an order that others cancelled nobody says what became of them: then it is False.

    Raises:
        Refused: something of it is fulfilled, or the job ended without cancelling it. TryLater: the job still runs.
    """
    doing = f"cancel order {order.platform_id}"
    is_over: list[bool] = []

    def before() -> dict[str, Any]:
        is_over.append(_may_be_cancelled(ctx, order.platform_id, doing))
        return {"cancelled": is_over[-1]}

    def send(key: str) -> dict[str, Any]:
        return {"by": "others"} if is_over[-1] else _send(ctx, order.platform_id, request, doing)

    answer = ctx.effect(KIND, {"order": order.platform_id, "restock": request.restock}, send, before=before)
    _follow(ctx, order.platform_id, str(answer.get("job") or ""), doing)
    return Cancelled(restocked=request.restock and answer.get("by") == "us", vendor_id=order.platform_id)


def _may_be_cancelled(ctx: Context, platform_id: str, doing: str) -> bool:
    """True where it is cancelled already. Raises Refused where Shopify would not do it."""
    now = must_have(ctx, "OrderCancellation", platform_id, doing)
    if now.get("cancelledAt"):
        return True
    if now.get("displayFulfillmentStatus") in SENT:
        text = "something of it is fulfilled in Shopify. Cancel the fulfillment there first, or refund what was not sent."
        raise Refused(text, account=ctx.account.name, operation=doing, code=FULFILLED)
    return False


def _send(ctx: Context, platform_id: str, request: CancelRequest, doing: str) -> dict[str, Any]:
    variables = {
        "id": gid("Order", platform_id),
        "reason": "OTHER",  # ours are sentences: they stand in the note, which only staff sees
        "refund": {"originalPaymentMethodsRefund": False},
        "restock": request.restock,
        "notify": False,
        "note": request.reason[:LONGEST_NOTE] or None,
    }
    try:
        payload = change(ctx, "OrderCancel", variables, doing)
    except Refused as no:
        if no.code == CANCELLED:  # in this very moment
            return {"by": "others"}
        if no.code == CANCELLING:
            raise TooEarly(str(no.args[0]), after_s=5, account=ctx.account.name, operation=doing) from no
        raise
    return {"by": "us", "job": bare((payload.get("job") or {}).get("id"))}


def _follow(ctx: Context, platform_id: str, job: str, doing: str) -> None:
    """Return when the order is cancelled."""
    if _is_cancelled(ctx, platform_id, doing):
        return
    if job:
        found = query(ctx, "CancelJob", {"id": gid("Job", job)}, doing).get("job") or {}
        if found.get("done") is False:
            raise TryLater("Shopify is still cancelling it.", after_s=2, account=ctx.account.name, operation=doing)
        if _is_cancelled(ctx, platform_id, doing):  # it ended between our two looks
            return
    text = (
        "Shopify began to cancel it, and it is not cancelled. The order's timeline in Shopify says why (a location that was "
        "deactivated, a return that is open, a payment that is pending). Cancel it there, or try again."
    )
    raise Refused(text, account=ctx.account.name, operation=doing)


def _is_cancelled(ctx: Context, platform_id: str, doing: str) -> bool:
    return bool(must_have(ctx, "OrderCancellation", platform_id, doing).get("cancelledAt"))


def find(ctx: Context, effect: Effect) -> Found:
    """Cancelled by now, or not. If it was cancelled by staff in the same minutes, our restocking cannot be told from theirs."""
    try:
        now = _is_cancelled(ctx, effect.platform_id, f"look whether order {effect.platform_id} is cancelled")
    except Refused:
        return CannotTell(text=f"Order {effect.platform_id} is gone from the shop.")
    return Happened(answer={"by": "us", "job": ""}) if now else NotHappened()


FINDERS = {KIND: (RULE, find)}
