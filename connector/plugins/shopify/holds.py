"""Showing a hold of ours on Shopify's fulfillment orders, and taking it off again; others' holds are left alone.

Each fulfillment order is held for itself, under a handle of ours that no second hold of this app may have there (recorded:
DUPLICATE_FULFILLMENT_HOLD_HANDLE), so that none is set twice and ours are found again.
https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/fulfillmentOrderHold
"""

from __future__ import annotations

from functools import partial
from typing import Any

from connector import (
    CannotTell,
    Context,
    Effect,
    EffectClass,
    EffectRule,
    Found,
    Happened,
    Hold,
    HoldReason,
    LooksBy,
    NotHappened,
    Order,
    Refused,
)

from . import turns
from .config import config
from .fulfillment_orders import FulfillmentOrder, must_have
from .fulfillment_orders import read as read_fulfillment_orders
from .ids import gid
from .marks import HOLD_TAG, handle
from .refusals import DUPLICATE_HOLD, change
from .turns import Todo

SET, RELEASE = "set_hold", "release_hold"
TAG, UNTAG = "set_hold.tag", "release_hold.tag"
# Done while we wait (recorded); a minute is more than Shopify lets any call take.
RULE = EffectRule(vendor=EffectClass.LOOKUP, deadline_s=30, settle_s=60, looks_by=LooksBy.STATE, points=15)

REASONS = {
    HoldReason.AWAITING_PAYMENT: "AWAITING_PAYMENT",
    HoldReason.FRAUD_RISK: "HIGH_RISK_OF_FRAUD",
    HoldReason.ADDRESS: "INCORRECT_ADDRESS",
    HoldReason.PO_BOX: "INCORRECT_ADDRESS",
    HoldReason.OUT_OF_STOCK: "INVENTORY_OUT_OF_STOCK",
}
LONGEST_TEXT = 255  # our own limit: Shopify's is not documented


def set_hold(ctx: Context, order: Order, hold: Hold) -> bool:
    """Hold all that is still to be sent. True if Shopify shows it now; False where nothing is left that could be held."""
    ours = handle(hold.reason, hold.code)
    asked = {"order": order.platform_id, "hold": ours}
    send = partial(_hold, ctx, order, hold)
    held = turns.in_turn(ctx, SET, asked, partial(_to_hold, ctx, order, ours), send)
    if held and config(ctx).tags:
        _tag(ctx, order, TAG, asked, wanted=True)
    return bool(held)


def release_hold(ctx: Context, order: Order, hold: Hold) -> bool:
    """Take this hold of ours off wherever it is. True: Shopify shows it no longer."""
    ours = handle(hold.reason, hold.code)
    asked = {"order": order.platform_id, "hold": ours}
    turns.in_turn(ctx, RELEASE, asked, partial(_to_release, ctx, order, ours), partial(_release, ctx, order))
    if config(ctx).tags and not _is_held_by_us(ctx, order):
        _tag(ctx, order, UNTAG, asked, wanted=False)
    return True


# --- each fulfillment order -------------------------------------------------------------------------------------------


def _to_hold(ctx: Context, order: Order, ours: str, done: list[str]) -> Todo:
    there = read_fulfillment_orders(ctx, order.platform_id, f"hold order {order.platform_id}")
    left = [one for one in there if one.id not in done and _can_be_held(one) and not _has(one, ours)]
    if left:
        return {"id": left[0].id, "more": len(left) > 1}
    shown = next((one.id for one in there if _has(one, ours)), "")
    return {"nothing": True, "id": shown}


def _can_be_held(one: FulfillmentOrder) -> bool:
    return one.is_open and "HOLD" in one.actions


def _has(one: FulfillmentOrder, ours: str) -> bool:
    return any(hold.ours and hold.handle == ours for hold in one.holds)


def _hold(ctx: Context, order: Order, hold: Hold, todo: Todo) -> str:
    wanted: dict[str, Any] = {
        "reason": REASONS.get(hold.reason, "OTHER"),
        "reasonNotes": hold.text[:LONGEST_TEXT],
        "notifyMerchant": False,
        "handle": handle(hold.reason, hold.code),
    }
    variables = {"id": gid("FulfillmentOrder", todo["id"]), "hold": wanted}
    try:
        change(ctx, "FulfillmentOrderHold", variables, f"hold order {order.platform_id}")
    except Refused as no:
        if no.code != DUPLICATE_HOLD:
            raise
    return str(todo["id"])


def _to_release(ctx: Context, order: Order, ours: str, done: list[str]) -> Todo:
    there = read_fulfillment_orders(ctx, order.platform_id, f"release order {order.platform_id}")
    left = [one for one in there if one.id not in done and _has(one, ours)]
    if not left:
        return {"nothing": True}
    holds = [hold.id for hold in left[0].holds if hold.ours and hold.handle == ours]
    return {"id": left[0].id, "holds": holds, "more": len(left) > 1}


def _release(ctx: Context, order: Order, todo: Todo) -> str:
    """Always with the ids: without them every hold goes, others' too (its documentation)."""
    holds = [gid("FulfillmentHold", one) for one in todo["holds"]]
    variables = {"id": gid("FulfillmentOrder", todo["id"]), "holds": holds}
    change(ctx, "FulfillmentOrderReleaseHold", variables, f"release order {order.platform_id}")
    return str(todo["id"])


def find_held(ctx: Context, effect: Effect) -> Found:
    """Our handle is on the fulfillment order, or it is not."""
    return _find(ctx, effect, wanted=True)


def find_released(ctx: Context, effect: Effect) -> Found:
    """Our handle is gone from the fulfillment order, or it is still there."""
    return _find(ctx, effect, wanted=False)


def _find(ctx: Context, effect: Effect, *, wanted: bool) -> Found:
    asked, before = (value if isinstance(value, dict) else {} for value in (effect.request, effect.before))
    if before.get("nothing"):
        return NotHappened()
    try:
        there = read_fulfillment_orders(ctx, effect.platform_id, f"look for the hold of order {effect.platform_id}")
    except Refused:
        return CannotTell(text=f"Order {effect.platform_id} is gone from the shop.")
    shown = any(_has(one, str(asked.get("hold"))) for one in there if one.id == before.get("id"))
    return Happened(answer=turns.happened(before, str(before.get("id")))) if shown is wanted else NotHappened()


# --- the tag ----------------------------------------------------------------------------------------------------------


def _is_held_by_us(ctx: Context, order: Order) -> bool:
    there = read_fulfillment_orders(ctx, order.platform_id, f"look for holds of order {order.platform_id}")
    return any(hold.ours for one in there for hold in one.holds)


def _tag(ctx: Context, order: Order, kind: str, asked: dict[str, Any], *, wanted: bool) -> None:
    """One tag while the order is held. tagsAdd and tagsRemove leave all other tags as they are."""
    doing = f"{'tag' if wanted else 'untag'} order {order.platform_id}"
    has: list[bool] = []

    def before() -> dict[str, Any]:
        has.append(_is_tagged(ctx, order.platform_id, doing))
        return {"tagged": has[-1]}

    def send(key: str) -> dict[str, Any]:
        if has[-1] is not wanted:
            variables = {"id": gid("Order", order.platform_id), "tags": [HOLD_TAG]}
            change(ctx, "TagsAdd" if wanted else "TagsRemove", variables, doing)
        return {"tagged": wanted}

    ctx.effect(kind, asked, send, before=before)


def _is_tagged(ctx: Context, platform_id: str, doing: str) -> bool:
    return HOLD_TAG in (must_have(ctx, "OrderTags", platform_id, doing).get("tags") or ())


def find_tag(ctx: Context, effect: Effect) -> Found:
    """The tag is there, or it is not; which of the two was wanted, the kind says."""
    wanted = effect.kind == TAG
    try:
        tagged = _is_tagged(ctx, effect.platform_id, f"look for the tag of order {effect.platform_id}")
    except Refused:
        return CannotTell(text=f"Order {effect.platform_id} is gone from the shop.")
    return Happened(answer={"tagged": wanted}) if tagged is wanted else NotHappened()


FINDERS = {
    **{kind: (RULE, find_held) for kind in turns.kinds(SET)},
    **{kind: (RULE, find_released) for kind in turns.kinds(RELEASE)},
    TAG: (RULE, find_tag),
    UNTAG: (RULE, find_tag),
}
