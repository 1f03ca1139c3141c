"""What the shop's staff and customers are shown: tracking numbers and notes."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from connector import CannotTell, Context, Effect, Found, Happened, Note, NotHappened, Order, Shipment

from .client import write
from .config import config
from .orders import find as find_order
from .orders import mark, notes
from .parse import SHIPMENT
from .parse import order as parse


def push_shipment(ctx: Context, order: Order, shipment: Shipment) -> Order | None:
    """Tracking as order meta, then a note with it.

    Two effects, so that a cut between them repeats neither. The meta comes first: whoever reads the note finds the number.
    """
    after = _write_meta(ctx, order, shipment)
    to = config(ctx).tracking_note
    if to != "off":
        text = _shipped_text(order, shipment)
        _write_note(ctx, "push_shipment.note", order.platform_id, text, to_customer=to == "customer")
    return parse(after, config(ctx).statuses) if after else None


def _write_meta(ctx: Context, order: Order, shipment: Shipment) -> dict[str, Any] | None:
    answers: list[dict[str, Any]] = []

    def send(key: str) -> dict[str, Any]:
        body = {"meta_data": _meta(shipment, key)}
        answers.append(
            write(ctx, "PUT", f"orders/{order.platform_id}", body, f"write the tracking of order {order.platform_id}")
        )
        return {"id": answers[0].get("id")}

    ctx.effect("push_shipment.meta", {"order": order.platform_id, **_told(shipment)}, send)
    return answers[0] if answers else None


def _told(shipment: Shipment) -> dict[str, Any]:
    return {
        "shipment": shipment.id,
        "number": shipment.tracking_number,
        "carrier": shipment.carrier,
        "url": shipment.tracking_url,
        "lines": [[line.line_id, line.quantity] for line in shipment.lines],
    }


def _meta(shipment: Shipment, key: str) -> list[dict[str, Any]]:
    """One entry of ours for each shipment (its name is the mark), and the latest under the names that WooCommerce's own
    fulfillments use for a shipment's data: `_tracking_number`, `_shipment_provider`, `_tracking_url` (recorded 2026-11-22).
    A key with a leading _ is not shown to the customer; a known key without an id is updated (recorded)."""
    ours = {"number": shipment.tracking_number, "carrier": shipment.carrier, "url": shipment.tracking_url}
    meta = [{"key": meta_key(key), "value": ours}]
    if shipment.tracking_number:
        meta += [
            {"key": "_tracking_number", "value": shipment.tracking_number},
            {"key": "_shipment_provider", "value": shipment.carrier},
            {"key": "_tracking_url", "value": shipment.tracking_url},
        ]
    return meta


def meta_key(key: str) -> str:
    return SHIPMENT + mark(key).strip("[]").removeprefix("oc:")


def _shipped_text(order: Order, shipment: Shipment) -> str:
    """In the customer's view: what is in the parcel is said only when it is not everything."""
    ordered = {line.id: line.quantity for line in order.lines if line.requires_shipping}
    inside = {line.line_id: line.quantity for line in shipment.lines}
    names = {line.id: line.name for line in order.lines}
    what = ", ".join(f"{quantity} × {names.get(line_id, line_id)}" for line_id, quantity in inside.items())
    first = "Your order has been shipped" if inside == ordered or not what else f"Shipped: {what}"
    carrier = f" with {shipment.carrier}" if shipment.carrier else ""
    number = f" Tracking number: {shipment.tracking_number}." if shipment.tracking_number else ""
    link = f" {shipment.tracking_url}" if shipment.tracking_url else ""
    return f"{first}{carrier}.{number}{link}"


# --- notes ------------------------------------------------------------------------------------------------------------


def write_note(ctx: Context, order: Order, note: Note) -> bool:
    """A customer note is mailed by the shop at once (e-mail `customer_note`)."""
    _write_note(ctx, "write_note", order.platform_id, note.text, to_customer=note.to_customer)
    return True


def _write_note(ctx: Context, kind: str, platform_id: str, text: str, *, to_customer: bool) -> None:
    """Notes are stored and mailed as HTML, and nothing is escaped (recorded): our text is text."""

    def send(key: str) -> dict[str, Any]:
        body = {"note": f"{escape(text, quote=False)} {mark(key)}".strip(), "customer_note": to_customer}
        return {"id": write(ctx, "POST", f"orders/{platform_id}/notes", body, f"write a note on order {platform_id}").get("id")}

    ctx.effect(kind, {"order": platform_id, "text": text, "to_customer": to_customer}, send)


# --- afterwards -------------------------------------------------------------------------------------------------------


def find_meta(ctx: Context, effect: Effect) -> Found:
    """Our entry is in the order's meta, or it is not."""
    raw = find_order(ctx, effect.platform_id)
    if raw is None:
        return CannotTell(text=f"Order {effect.platform_id} is gone from the shop.")
    wanted = meta_key(effect.key)
    written = any(meta.get("key") == wanted for meta in raw.get("meta_data") or [])
    return Happened(answer={"id": raw.get("id")}) if written else NotHappened()


def find_note(ctx: Context, effect: Effect) -> Found:
    """Our mark stands in one of the order's notes, or in none."""
    if find_order(ctx, effect.platform_id) is None:
        return CannotTell(text=f"Order {effect.platform_id} is gone from the shop.")
    asked: Mapping[str, Any] = effect.request if isinstance(effect.request, dict) else {}
    kind = {True: "customer", False: "internal"}.get(asked.get("to_customer", ""), "any")
    ours = [note for note in notes(ctx, effect.platform_id, kind) if mark(effect.key) in str(note.get("note", ""))]
    return Happened(answer={"id": ours[0].get("id")}) if ours else NotHappened()
