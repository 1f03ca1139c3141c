"""What the three ways of telling the shop a tracking number have in common."""

from __future__ import annotations

from typing import Any

from connector import Context, Order, Shipment

from .config import config
from .orders import mark
from .parse import SHIPMENT


def told(order: Order, shipment: Shipment) -> dict[str, Any]:
    """What the ledger compares: the same for every way, so that one way can ask whether another one was begun."""
    corrected = {} if shipment.instead_of is None else {"instead_of": shipment.instead_of}
    return {
        "order": order.platform_id,
        "shipment": shipment.id,
        "number": shipment.tracking_number,
        "carrier": shipment.carrier,
        "url": shipment.tracking_url,
        "lines": [[line.line_id, line.quantity] for line in shipment.lines],
        **corrected,
    }


def mark_of(shipment_id: str) -> str:
    """The name of our entry for a shipment, in the meta of an order or a fulfillment: a correction finds it again."""
    return SHIPMENT + mark(shipment_id).strip("[]").removeprefix("oc:")


def is_corrected(shipment: Shipment) -> bool:
    return shipment.instead_of is not None


def to_customer(ctx: Context, shipment: Shipment) -> bool:
    """Shall the shop tell the customer? Not where we write the mail ourselves, or the account says that nobody does."""
    return config(ctx).tracking_note == "customer" and shipment.tell_customer
