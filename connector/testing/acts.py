"""What the core asks a platform to do, once each: the arguments are made from an order as the plugin itself read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..model.case import Note, StatusChange
from ..model.order import LineQuantity, Order, PlatformStatus
from ..model.payment import CaptureRequest, Payment
from ..model.refunds import CancelRequest, RefundRequest, RefundSum, all_of_it, some_of_it
from ..model.review import Hold, HoldReason
from ..model.shipping import Shipment, StockChange
from .orders import AT

REQUEST = "request-1"
NUMBER, RIGHT_NUMBER = "1Z999AA10123456784", "1Z999AA10123456799"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One change of the world. `after`: what has to be done before it; `authorized`: for an order that is not captured yet."""

    name: str
    hook: str
    asked: Callable[[Order], dict[str, Any]]
    after: Act | None = None
    authorized: bool = False

    def __str__(self) -> str:
        return self.name


# --- money ------------------------------------------------------------------------------------------------------------


def _refund(order: Order, wanted: RefundSum) -> dict[str, Any]:
    paid = next(one for one in order.payments if one.refundable)
    request = RefundRequest(
        id=REQUEST,
        amount=wanted.amount,
        payment_id=paid.id,
        lines=wanted.lines,
        parts=wanted.parts,
        restock=True,
        reason="It came broken",
    )
    return {"order": order, "request": request}


def _refund_all(order: Order) -> dict[str, Any]:
    return _refund(order, all_of_it(order, (), next(one for one in order.payments if one.refundable).refundable))


def _refund_piece(order: Order) -> dict[str, Any]:
    left = next(one for one in order.payments if one.refundable).refundable
    return _refund(order, some_of_it(order, (), left, lines={order.lines[0].id: 1}))


def _authorized(order: Order) -> Payment:
    return next(one for one in order.payments if one.authorized > one.captured)


def _capture(order: Order) -> dict[str, Any]:
    payment = _authorized(order)
    return {
        "order": order,
        "request": CaptureRequest(id=REQUEST, amount=payment.authorized - payment.captured, payment_id=payment.id),
    }


def _void(order: Order) -> dict[str, Any]:
    return {"order": order, "payment_id": _authorized(order).id}


# --- the rest ---------------------------------------------------------------------------------------------------------


def _cancel(order: Order) -> dict[str, Any]:
    return {"order": order, "request": CancelRequest(id=REQUEST, reason="Ordered twice by mistake", restock=True)}


def _shipment(order: Order, **changes: Any) -> dict[str, Any]:
    everything = tuple(LineQuantity(line_id=line.id, quantity=line.quantity) for line in order.lines)
    given: dict[str, Any] = {
        "id": "shipment-1",
        "lines": order.origins[0].lines if order.origins else everything,
        "carrier": "UPS",
        "tracking_number": NUMBER,
        "tracking_url": f"https://www.ups.com/track?tracknum={changes.get('tracking_number', NUMBER)}",
        "origin": order.origins[0].id if order.origins else "",
        "shipped_at": AT,
        "is_last": True,
    }
    return {"order": order, "shipment": Shipment(**given | changes)}


def _corrected(order: Order) -> dict[str, Any]:
    lines = tuple(LineQuantity(line_id=line.id, quantity=line.quantity) for line in order.lines)
    return _shipment(order, lines=lines, tracking_number=RIGHT_NUMBER, instead_of=NUMBER)


def _hold(order: Order) -> dict[str, Any]:
    hold = Hold(reason=HoldReason.ADDRESS, text="The house number is missing", who="review", since=AT, code="no_house_number")
    return {"order": order, "hold": hold}


def _stock(order: Order) -> dict[str, Any]:
    line = order.lines[0]
    return {"change": StockChange(id=REQUEST, product_id=line.product_id, variant_id=line.variant_id, change=1)}


SHIP = Act(name="push_shipment", hook="push_shipment", asked=_shipment)
HOLD = Act(name="set_hold", hook="set_hold", asked=_hold)

ACTS = (
    Act(name="refund_payment", hook="refund_payment", asked=_refund_all),
    Act(name="refund_payment for one piece", hook="refund_payment", asked=_refund_piece),
    Act(name="capture_payment", hook="capture_payment", asked=_capture, authorized=True),
    Act(name="void_payment", hook="void_payment", asked=_void, authorized=True),
    Act(name="cancel_order", hook="cancel_order", asked=_cancel),
    SHIP,
    Act(name="push_shipment with a corrected number", hook="push_shipment", asked=_corrected, after=SHIP),
    Act(
        name="push_status",
        hook="push_status",
        asked=lambda order: {"order": order, "change": StatusChange(status=PlatformStatus.COMPLETED)},
    ),
    HOLD,
    Act(name="release_hold", hook="release_hold", asked=_hold, after=HOLD),
    Act(
        name="write_note",
        hook="write_note",
        asked=lambda order: {"order": order, "note": Note(text="Held: the house number is missing.")},
    ),
    Act(name="adjust_inventory", hook="adjust_inventory", asked=_stock),
)
