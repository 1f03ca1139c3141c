"""Shipments in the list of a Shipment Tracking plugin (Woo's, or zorem's Advanced Shipment Tracking).

NOT recorded: from documents (see ways.py). A row holds number, carrier, link and day, no lines and nothing of ours; it cannot
be changed, only added and deleted. WooCommerce's next mail about the order, such as the one on completing, shows all rows.
"""

from __future__ import annotations

from typing import Any

from connector import CannotTell, Context, Effect, Found, Happened, NotHappened, Order, Refused, Shipment

from . import mails, notes
from .client import NoRoute, read_in, write
from .config import config
from .shipments import is_corrected, to_customer, told
from .ways import TRACKINGS_SPACE

ADD, REMOVE = "push_shipment.tracking", "push_shipment.untrack"


def push(ctx: Context, order: Order, shipment: Shipment) -> None:
    """The new number is added before the wrong one goes: never is none there."""
    added = _add(ctx, order, shipment)
    if shipment.instead_of:
        _remove(ctx, order, shipment, shipment.instead_of, added)
    setting = config(ctx).tracking_note
    is_mailed = mails.completing_tells(ctx, order, shipment) or (not added and mails.is_completed_by_it(ctx, shipment))
    if to_customer(ctx, shipment) and not is_mailed:
        notes.write_shipment_note(ctx, order, shipment, to_customer=True)
    elif setting == "private" or (is_corrected(shipment) and setting == "customer"):
        notes.write_shipment_note(ctx, order, shipment, to_customer=False)


def _add(ctx: Context, order: Order, shipment: Shipment) -> str:
    """Returns the row's id ("": a person said that it was added)."""
    there: list[dict[str, Any]] = []

    def before() -> dict[str, Any]:
        rows = _rows(ctx, order.platform_id)
        if shipment.instead_of != shipment.tracking_number:  # else only the carrier was wrong: that row is not the right one
            there[:] = [row for row in rows if _number(row) == shipment.tracking_number]
        return {"ids": [str(row.get("tracking_id")) for row in rows if row not in there]}

    def send(key: str) -> dict[str, Any]:
        if there:  # staff entered it
            return {"id": there[0].get("tracking_id")}
        # Without `date_shipped` it is today; the plugins do not agree on how a date is written.
        body = {
            "tracking_number": shipment.tracking_number,
            "custom_tracking_provider": shipment.carrier,
            "custom_tracking_link": shipment.tracking_url,
        }
        path, doing = f"orders/{order.platform_id}/shipment-trackings", f"write the tracking of order {order.platform_id}"
        return {"id": write(ctx, "POST", path, body, doing, space=TRACKINGS_SPACE).get("tracking_id")}

    answer = ctx.effect(ADD, told(order, shipment), send, before=before)
    return str(answer.get("id") or "") if isinstance(answer, dict) else ""


def _remove(ctx: Context, order: Order, shipment: Shipment, number: str, added: str) -> None:
    wrong: list[dict[str, Any]] = []

    def before() -> dict[str, Any]:
        rows = [row for row in _rows(ctx, order.platform_id) if _number(row) == number]
        wrong[:] = [
            row for row in rows if str(row.get("tracking_id")) != added and (added or number != shipment.tracking_number)
        ]
        return {"id": wrong[0].get("tracking_id") if wrong else None}

    def send(key: str) -> dict[str, Any]:
        if not wrong:  # staff took it away
            return {"id": None}
        path = f"orders/{order.platform_id}/shipment-trackings/{wrong[0].get('tracking_id')}"
        write(ctx, "DELETE", path, {}, f"take a wrong tracking number off order {order.platform_id}", space=TRACKINGS_SPACE)
        return {"id": wrong[0].get("tracking_id")}

    ctx.effect(REMOVE, {"order": order.platform_id, "shipment": shipment.id, "number": number}, send, before=before)


def _number(row: dict[str, Any]) -> str:
    return str(row.get("tracking_number", "")).strip()


def _rows(ctx: Context, platform_id: str) -> list[dict[str, Any]]:
    doing = f"read the trackings of order {platform_id}"
    return read_in(ctx, TRACKINGS_SPACE, f"orders/{platform_id}/shipment-trackings", doing).rows(ctx, doing)


def holds(ctx: Context, order: Order, shipment: Shipment) -> bool:
    """Was this shipment told this way? The rows have nothing of ours but the numbers."""
    ours = {number for number in (shipment.tracking_number, shipment.instead_of) if number}
    return any(_number(row) in ours for row in _rows(ctx, order.platform_id))


# --- afterwards -------------------------------------------------------------------------------------------------------


def find_added(ctx: Context, effect: Effect) -> Found:
    """A row with our number that was not there before (or was there already, and nothing was sent)."""
    asked, before = (value if isinstance(value, dict) else {} for value in (effect.request, effect.before))
    try:
        rows = _rows(ctx, effect.platform_id)
    except (NoRoute, Refused):
        return _gone(effect)
    ours = [
        row for row in rows if _number(row) == asked.get("number") and str(row.get("tracking_id")) not in before.get("ids", ())
    ]
    return Happened(answer={"id": ours[0].get("tracking_id")}) if ours else NotHappened()


def find_removed(ctx: Context, effect: Effect) -> Found:
    """The row from before is gone, or it still stands there."""
    before = effect.before if isinstance(effect.before, dict) else {}
    try:
        rows = _rows(ctx, effect.platform_id)
    except (NoRoute, Refused):
        return _gone(effect)
    stands = any(row.get("tracking_id") == before.get("id") for row in rows)
    return NotHappened() if stands else Happened(answer={"id": before.get("id")})


def _gone(effect: Effect) -> CannotTell:
    return CannotTell(text=f"The shop does not show the trackings of order {effect.platform_id} any more.")
