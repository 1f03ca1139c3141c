"""Parcels, labels, tracking and supplier orders. Weights in grams, sizes in millimetres, times in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .money import Money
from .order import Address, LineQuantity, Origin


def by_origin(
    origins: tuple[Origin, ...], wanted: tuple[LineQuantity, ...], *, origin: str = ""
) -> list[tuple[Origin | None, tuple[LineQuantity, ...]]]:
    """What leaves from which place. All of it from one place, if one has it all; what no place has is not held against it.

    Args:
        origins: the places that the platform names (none: it does not say). origin: the id or name of the one to take.

    Raises:
        ValueError: there is no such place, or it does not have what is wanted.
    """
    if origin:
        return [(place := _named(origins, origin), _from(place, wanted))]
    if not origins:
        return [(None, wanted)]
    whole = next((place for place in origins if _has_all(place, wanted)), None)
    if whole is not None:
        return [(whole, wanted)]
    left, parts = {line.line_id: line.quantity for line in wanted}, list[tuple[Origin | None, tuple[LineQuantity, ...]]]()
    for place in origins:
        taken = tuple(
            LineQuantity(line_id=line.line_id, quantity=min(line.quantity, left[line.line_id]))
            for line in place.lines
            if left.get(line.line_id)
        )
        for line in taken:
            left[line.line_id] -= line.quantity
        parts += [(place, taken)] if taken else []
    rest = tuple(LineQuantity(line_id=line_id, quantity=quantity) for line_id, quantity in left.items() if quantity)
    return [*parts, (None, rest)] if rest else parts


def _named(origins: tuple[Origin, ...], name: str) -> Origin:
    for place in origins:
        if name in (place.id, place.name):
            return place
    raise ValueError(f"nothing of it is at {name}; there are {', '.join(place.name for place in origins) or 'no places'}")


def _from(place: Origin, wanted: tuple[LineQuantity, ...]) -> tuple[LineQuantity, ...]:
    """As much of what is wanted as is there."""
    there = {line.line_id: line.quantity for line in place.lines}
    found = ((line.line_id, min(line.quantity, there.get(line.line_id, 0))) for line in wanted)
    lines = tuple(LineQuantity(line_id=line_id, quantity=quantity) for line_id, quantity in found if quantity)
    if not lines:
        raise ValueError(f"nothing of it is at {place.name}")
    return lines


def _has_all(place: Origin, wanted: tuple[LineQuantity, ...]) -> bool:
    there = {line.line_id: line.quantity for line in place.lines}
    return all(line.quantity <= there.get(line.line_id, 0) for line in wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    weight_g: int
    length_mm: int = 0
    width_mm: int = 0
    height_mm: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """Something that left, or is about to: which lines, with whom, under which number.

    `id` is ours (made with the decision, the key of everything done for it); `vendor_id` the carrier's; `origin` the platform's
    id of the place it left from ("": it does not say). The last three are for telling the platform. `is_last`: nothing is left
    to ship after it. `tell_customer`: the platform is who tells the customer (else we do, or nobody). `instead_of`: the
    tracking number that was told before ("": none), where this one corrects it.
    """

    id: str
    lines: tuple[LineQuantity, ...]
    carrier: str = ""
    service: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    vendor_id: str = ""
    origin: str = ""
    shipped_at: datetime | None = None
    is_last: bool = False
    tell_customer: bool = True
    instead_of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRequest:
    """What to buy a label for.

    `carrier`, `service` and `tracking_number` are what a person or a rule chose ("": the plugin chooses).
    """

    id: str
    to: Address
    lines: tuple[LineQuantity, ...]
    parcels: tuple[Parcel, ...] = ()
    carrier: str = ""
    service: str = ""
    tracking_number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A label as bought. `document` is the printable file (None where a person has it already)."""

    vendor_id: str
    carrier: str
    service: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    cost: Money | None = None
    document: bytes | None = None
    document_type: str = "application/pdf"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippingQuote:
    carrier: str
    service: str
    cost: Money
    days: int | None = None


class TrackingState(StrEnum):
    """Where a parcel is. UNKNOWN is an honest answer: a state that we cannot read is never guessed."""

    PRE_TRANSIT = "pre_transit"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    AVAILABLE_FOR_PICKUP = "available_for_pickup"
    DELIVERED = "delivered"
    RETURNED = "returned"
    FAILURE = "failure"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingEvent:
    state: TrackingState
    at: datetime
    text: str = ""
    vendor_state: str = ""


class SupplierState(StrEnum):
    DRAFT = "draft"
    PLACED = "placed"
    ACCEPTED = "accepted"
    PARTLY_SHIPPED = "partly_shipped"
    SHIPPED = "shipped"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierOrderRequest:
    """What a manufacturer is asked to send straight to the customer. `id` is ours and goes to the supplier as reference."""

    id: str
    to: Address
    lines: tuple[LineQuantity, ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierOrder:
    """What the supplier says about it; shipments as far as it tells them."""

    state: SupplierState
    vendor_id: str
    shipments: tuple[Shipment, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StockChange:
    """Put back (positive) or take (negative) so many of one product; `product_id` and `variant_id` are the platform's."""

    id: str
    product_id: str
    variant_id: str = ""
    change: int
