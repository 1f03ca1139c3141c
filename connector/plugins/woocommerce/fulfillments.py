"""Shipments as WooCommerce's own fulfillments (10.5, behind a switch; recorded 2026-11-22).

The order's status never follows them. The customer's mail, with number and carrier, goes out when `notify_customer` is sent.
"""

from __future__ import annotations

from typing import Any

from connector import CannotTell, Context, Effect, Found, Happened, NotHappened, Order, Refused, Shipment

from . import notes
from .client import NoRoute, read, write
from .config import config
from .shipments import is_corrected, mark_of, to_customer, told

KIND = "push_shipment.fulfillment"
# The carriers that WooCommerce 10.5 itself names; any other word is taken as it is, and shown to the customer (recorded).
CARRIERS = {"ups": "ups", "usps": "usps", "fedex": "fedex", "dpd": "dpd", "dhl": "dhl", "dhl express": "dhl"}
NUMBER, CARRIER, URL, ITEMS = "_tracking_number", "_shipment_provider", "_tracking_url", "_items"
OF_THE_SHOP = "_date_fulfilled"


def push(ctx: Context, order: Order, shipment: Shipment) -> None:
    """One fulfillment for a shipment, made or (where a number is corrected) changed. The shop's mail tells the customer."""
    _write(ctx, order, shipment)
    setting = config(ctx).tracking_note
    if setting == "private" or (is_corrected(shipment) and setting == "customer"):
        notes.write_shipment_note(ctx, order, shipment, to_customer=False)


def _write(ctx: Context, order: Order, shipment: Shipment) -> None:
    doing = f"write the shipment of order {order.platform_id}"
    ours: list[dict[str, Any]] = []

    def before() -> dict[str, Any]:
        ours[:] = [row for row in _rows(ctx, order.platform_id) if _is_ours(row, shipment.id)]
        return {"fulfillment": ours[0].get("id") if ours else None}

    def send(key: str) -> dict[str, Any]:
        path, method = f"orders/{order.platform_id}/fulfillments", "POST"
        if ours:
            path, method = f"{path}/{ours[0].get('id')}", "PUT"
        meta = _meta(shipment, ours[0] if ours else {})
        body = {"status": "fulfilled", "is_fulfilled": True, "notify_customer": to_customer(ctx, shipment), "meta_data": meta}
        return {"id": write(ctx, method, path, body, doing).get("id")}

    ctx.effect(KIND, told(order, shipment), send, before=before)


def _meta(shipment: Shipment, was: dict[str, Any]) -> list[dict[str, Any]]:
    """All of it: what a change leaves out is gone. An entry without `id` is dropped silently; 0 will do (recorded)."""
    entries: dict[str, Any] = {meta["key"]: meta["value"] for meta in _meta_of(was) if meta.get("key") != OF_THE_SHOP}
    entries[ITEMS] = [{"item_id": int(line.line_id), "qty": line.quantity} for line in shipment.lines]
    about = {NUMBER: shipment.tracking_number, CARRIER: _carrier(shipment.carrier), URL: shipment.tracking_url}
    entries |= {key: value for key, value in about.items() if value or key in entries}
    entries[mark_of(shipment.id)] = "1"
    return [{"id": 0, "key": key, "value": value} for key, value in entries.items()]


def _carrier(name: str) -> str:
    return CARRIERS.get(name.casefold(), name)


def _meta_of(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [meta for meta in row.get("meta_data") or [] if isinstance(meta, dict) and "key" in meta]


def _rows(ctx: Context, platform_id: str) -> list[dict[str, Any]]:
    doing = f"read the shipments of order {platform_id}"
    return read(ctx, f"orders/{platform_id}/fulfillments", doing).rows(ctx, doing)


def _is_ours(row: dict[str, Any], shipment_id: str) -> bool:
    return any(meta["key"] == mark_of(shipment_id) for meta in _meta_of(row))


def holds(ctx: Context, order: Order, shipment: Shipment) -> bool:
    """Was this shipment told this way?"""
    return any(_is_ours(row, shipment.id) for row in _rows(ctx, order.platform_id))


def find(ctx: Context, effect: Effect) -> Found:
    """A fulfillment with our mark; with the new number and carrier, where one is corrected."""
    asked = effect.request if isinstance(effect.request, dict) else {}
    try:
        rows = [row for row in _rows(ctx, effect.platform_id) if _is_ours(row, str(asked.get("shipment")))]
    except (NoRoute, Refused):
        return CannotTell(text=f"The shop does not show the fulfillments of order {effect.platform_id} any more.")
    if "instead_of" in asked:
        rows = [row for row in rows if _shows(row, asked)]
    return Happened(answer={"id": rows[0].get("id")}) if rows else NotHappened()


def _shows(row: dict[str, Any], asked: dict[str, Any]) -> bool:
    shown = {meta["key"]: meta["value"] for meta in _meta_of(row)}
    return shown.get(NUMBER) == asked.get("number") and shown.get(CARRIER, "") == _carrier(str(asked.get("carrier")))
