"""What the shop's staff and customers read: notes on the order."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from connector import CannotTell, Context, Effect, Found, Happened, Note, NotHappened, Order, Shipment

from .client import write
from .orders import find as find_order
from .orders import mark, notes


def write_note(ctx: Context, order: Order, note: Note) -> bool:
    """A customer note is mailed by the shop at once (e-mail `customer_note`)."""
    asked = {"order": order.platform_id, "text": note.text, "to_customer": note.to_customer}
    _write(ctx, "write_note", order.platform_id, asked, note.text, to_customer=note.to_customer)
    return True


def write_shipment_note(ctx: Context, order: Order, shipment: Shipment, *, to_customer: bool) -> None:
    """The note of a shipment. It is the same note whatever lines are called by now, and whoever gets it by now."""
    asked = {"order": order.platform_id, "shipment": shipment.id, "number": shipment.tracking_number}
    _write(ctx, "push_shipment.note", order.platform_id, asked, shipped_text(order, shipment), to_customer=to_customer)


def _write(ctx: Context, kind: str, platform_id: str, asked: Mapping[str, Any], text: str, *, to_customer: bool) -> None:
    """Notes are stored and mailed as HTML, and nothing is escaped (recorded): our text is text."""

    def send(key: str) -> dict[str, Any]:
        body = {"note": f"{escape(text, quote=False)} {mark(key)}".strip(), "customer_note": to_customer}
        return {"id": write(ctx, "POST", f"orders/{platform_id}/notes", body, f"write a note on order {platform_id}").get("id")}

    ctx.effect(kind, asked, send)


def shipped_text(order: Order, shipment: Shipment) -> str:
    """In the customer's view: what is in the parcel is said only when it is not everything."""
    ordered = {line.id: line.quantity for line in order.lines if line.requires_shipping}
    inside = {line.line_id: line.quantity for line in shipment.lines}
    names = {line.id: line.name for line in order.lines}
    what = ", ".join(f"{quantity} × {names.get(line_id, line_id)}" for line_id, quantity in inside.items())
    is_all = inside == ordered or not what
    link = f" {shipment.tracking_url}" if shipment.tracking_url else ""
    if shipment.instead_of is not None:
        return f"{_corrected(shipment)}{'' if is_all else f' In this parcel: {what}.'}{link}"
    first = "Your order has been shipped" if is_all else f"Shipped: {what}"
    carrier = f" with {shipment.carrier}" if shipment.carrier else ""
    number = f" Tracking number: {shipment.tracking_number}." if shipment.tracking_number else ""
    return f"{first}{carrier}.{number}{link}"


def _corrected(shipment: Shipment) -> str:
    carrier = f" with {shipment.carrier}" if shipment.carrier else ""
    instead = f", not {shipment.instead_of}" if shipment.instead_of else ""
    return f"The tracking number was corrected: it is {shipment.tracking_number}{carrier}{instead}."


def find(ctx: Context, effect: Effect) -> Found:
    """Our mark stands in one of the order's notes, or in none."""
    if find_order(ctx, effect.platform_id) is None:
        return CannotTell(text=f"Order {effect.platform_id} is gone from the shop.")
    asked: Mapping[str, Any] = effect.request if isinstance(effect.request, dict) else {}
    kind = {True: "customer", False: "internal"}.get(asked.get("to_customer", ""), "any")
    ours = [note for note in notes(ctx, effect.platform_id, kind) if mark(effect.key) in str(note.get("note", ""))]
    return Happened(answer={"id": ours[0].get("id")}) if ours else NotHappened()
