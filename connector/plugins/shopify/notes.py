"""Notes of ours on an order.

Shopify's timeline cannot be written over the API; an order has one note, which customer (in the cart) and staff share. Ours is
a line of its own at its end, with our mark. What others wrote stays, letter by letter: the note is read directly before it is
written; had we to wait in between, it is read again, and left alone when the two differ. Shopify takes the whole note and no
condition, so a note that staff save within the fraction of a second between that reading and our writing would be lost; that
cannot be seen afterwards.
https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/orderUpdate
"""

from __future__ import annotations

from hashlib import sha256
from time import monotonic
from typing import Any

from connector import (
    CannotTell,
    Context,
    Effect,
    EffectClass,
    EffectRule,
    Found,
    Happened,
    LooksBy,
    Note,
    NotHappened,
    Order,
    Refused,
    TooEarly,
    Unsupported,
)

from .fulfillment_orders import must_have
from .ids import gid
from .marks import mark, note_line, without_attempt
from .refusals import change

KIND = "write_note"
# Not read again before that: a change has to leave within a second of having been written down as sent.
FRESH_S = 0.5
# Written while we wait (recorded); a minute is more than Shopify lets any call take.
RULE = EffectRule(vendor=EffectClass.LOOKUP, deadline_s=30, settle_s=60, looks_by=LooksBy.KEY, points=10)


def write_note(ctx: Context, order: Order, note: Note) -> bool:
    """Append a line to the order's note, once.

    Raises:
        Unsupported: notes to customers; Shopify does not mail any. TooEarly: somebody is writing just now.
    """
    doing = f"write a note on order {order.platform_id}"
    if note.to_customer:
        text = "Shopify sends customers no notes: what stands on an order is for the staff."
        raise Unsupported(text, account=ctx.account.name, operation=doing)

    def before() -> dict[str, Any]:
        seen.append(_note(ctx, order.platform_id, doing))
        read_at.append(monotonic())
        return {"note": sha256(seen[-1].encode()).hexdigest()[:12]}

    def send(key: str) -> dict[str, Any]:
        ours, there = without_attempt(key), seen[-1]
        if mark(ours) in there:
            return {"id": order.platform_id}
        if monotonic() - read_at[-1] > FRESH_S and _note(ctx, order.platform_id, doing) != there:
            text = "somebody is writing the order's note just now."
            raise TooEarly(text, after_s=10, account=ctx.account.name, operation=doing)
        whole = "\n".join(part for part in (there, note_line(note.text, ours)) if part)
        change(ctx, "OrderNoteUpdate", {"input": {"id": gid("Order", order.platform_id), "note": whole}}, doing)
        return {"id": order.platform_id}

    seen, read_at = list[str](), list[float]()
    ctx.effect(KIND, {"order": order.platform_id, "text": note.text}, send, before=before)
    return True


def _note(ctx: Context, platform_id: str, doing: str) -> str:
    return str(must_have(ctx, "OrderNote", platform_id, doing).get("note") or "")


def find(ctx: Context, effect: Effect) -> Found:
    """Our mark stands in the order's note, or it does not."""
    try:
        there = _note(ctx, effect.platform_id, f"look for a note of order {effect.platform_id}")
    except Refused:
        return CannotTell(text=f"Order {effect.platform_id} is gone from the shop.")
    return Happened(answer={"id": effect.platform_id}) if mark(without_attempt(effect.key)) in there else NotHappened()


FINDERS = {KIND: (RULE, find)}
