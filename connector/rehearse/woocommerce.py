"""The stories of a WooCommerce shop: what happens to its orders day by day."""

from __future__ import annotations

from typing import Any

from ..model.events import DutyEvent, TaskKind
from ..model.flow import Stage
from ..model.review import HoldReason
from .stories import Ending, Story, Turn
from .words import (
    TOLD_ASKED,
    TOLD_CANCELLED,
    TOLD_CONFIRMED,
    TOLD_REFUNDED,
    TOLD_REMINDED,
    TOLD_SHIPPED,
    TOLD_WAITS,
    at,
    has_left,
    held_for,
    is_told,
    parcels,
    refund_line,
    ship,
    ship_line,
    shows,
    street,
    told,
)

# --- products of the simulated shop -----------------------------------------------------------------------------------

MUG, BRACELET, POSTER, STICKER = 13, 14, 15, 18


def _items(*bought: tuple[int, int]) -> list[dict[str, int]]:
    return [{"product_id": product, "quantity": quantity} for product, quantity in bought]


# --- what staff do ---------------------------------------------------------------------------------------------------------


def _status(word: str) -> dict[str, Any]:
    return {"action": "status", "status": word}


# --- the stories --------------------------------------------------------------------------------------------------------

SHIPPED = Story(
    name="shipped",
    title="Paid by card, shipped with UPS",
    buys={"payment_method": "fakepay", "items": _items((MUG, 2))},
    turns=(Turn(when=at(Stage.PROCESSING), command=ship("1Z999AA10123456784")),),
    ending=Ending(
        stage=Stage.COMPLETED,
        status="completed",
        told=told(TOLD_CONFIRMED, TOLD_SHIPPED),
        tracking=("1Z999AA10123456784",),
        stock_taken=2,
    ),
)

HELD_AND_RELEASED = Story(
    name="held_and_released",
    title="Bank transfer: held until it is paid, then shipped",
    buys={"payment_method": "bacs", "items": _items((BRACELET, 1))},
    turns=(
        # The transfer has arrived: staff set the order to processing, as they always do.
        Turn(when=held_for(HoldReason.AWAITING_PAYMENT), staff=_status("processing")),
        Turn(when=at(Stage.PROCESSING), command=ship("9400111899223197428490", "USPS")),
    ),
    ending=Ending(
        stage=Stage.COMPLETED,
        status="completed",
        told=told(TOLD_CONFIRMED, TOLD_SHIPPED, TOLD_WAITS),
        tracking=("9400111899223197428490",),
    ),
)

CANCELLED_AND_REFUNDED = Story(
    name="cancelled_and_refunded",
    title="Changed her mind: cancelled, restocked, refunded",
    buys={"payment_method": "fakepay", "items": _items((MUG, 3))},
    turns=(Turn(when=at(Stage.PROCESSING), command={"do": "cancel", "reason": "changed her mind"}),),
    ending=Ending(
        stage=Stage.CANCELLED,
        status="refunded",
        refunded="45.83",
        told=told(TOLD_CONFIRMED, TOLD_CANCELLED, TOLD_REFUNDED),
        stock_taken=0,
    ),
)

PO_BOX_HELD = Story(
    name="po_box_held",
    title="A PO box that the carrier does not serve: held",
    buys={"payment_method": "fakepay", "po_box": True, "items": _items((MUG, 1))},
    turns=(),
    ending=Ending(
        stage=Stage.ON_HOLD,
        status="processing",
        told=told(TOLD_CONFIRMED, TOLD_ASKED),
        holds=(HoldReason.PO_BOX,),
        stock_taken=1,
    ),
)

TWO_PARCELS = Story(
    name="two_parcels",
    title="Two parcels, each with a number of its own",
    buys={"payment_method": "fakepay", "items": _items((MUG, 1), (BRACELET, 1))},
    turns=(
        Turn(when=at(Stage.PROCESSING), command=ship_line(0, "1Z999AA10123456785")),
        Turn(when=parcels(1), command=ship_line(1, "1Z999AA10123456786")),
    ),
    ending=Ending(
        stage=Stage.COMPLETED,
        status="completed",
        told=told(TOLD_CONFIRMED, TOLD_SHIPPED),
        tracking=("1Z999AA10123456786",),
        stock_taken=2,
    ),
)

CASH_ON_DELIVERY = Story(
    name="cash_on_delivery",
    title="Cash on delivery: shipped before it is paid",
    buys={"payment_method": "cod", "items": _items((MUG, 1))},
    turns=(Turn(when=at(Stage.PROCESSING), command=ship("1Z999AA10123456787")),),
    ending=Ending(
        stage=Stage.COMPLETED, status="completed", told=told(TOLD_CONFIRMED, TOLD_SHIPPED), tracking=("1Z999AA10123456787",)
    ),
)

REFUNDED_BY_AMOUNT = Story(
    name="refunded_by_amount",
    title="Arrived with a scratch: five dollars back",
    buys={"payment_method": "fakepay", "items": _items((POSTER, 1))},
    turns=(
        Turn(when=at(Stage.PROCESSING), command=ship("1Z999AA10123456788")),
        Turn(when=has_left, command={"do": "refund", "amount": "5.00", "reason": "a scratch"}),
    ),
    ending=Ending(
        stage=Stage.COMPLETED,
        status="completed",
        refunded="5.00",
        told=told(TOLD_CONFIRMED, TOLD_SHIPPED, TOLD_REFUNDED),
        tracking=("1Z999AA10123456788",),
        stock_taken=0,
    ),
)

CANCELLED_BY_THE_OWNER = Story(
    name="cancelled_by_the_owner",
    title="Cancelled in wp-admin: the money becomes a task",
    buys={"payment_method": "fakepay", "items": _items((MUG, 1))},
    turns=(Turn(when=at(Stage.PROCESSING), staff=_status("cancelled")),),
    ending=Ending(
        stage=Stage.CANCELLED,
        status="cancelled",
        told=told(TOLD_CONFIRMED, TOLD_CANCELLED),
        tasks=(TaskKind.MANUAL_REFUND,),
        stock_taken=0,
    ),
)

MOVED_HOUSE = Story(
    name="moved_house",
    title="Address corrected in wp-admin, then shipped",
    buys={"payment_method": "fakepay", "items": _items((MUG, 1))},
    turns=(
        Turn(when=at(Stage.PROCESSING), staff={"action": "edit", "shipping": {"address_1": "12 New Street"}}),
        Turn(when=street("12 New Street"), command=ship("1Z999AA10123456789")),
    ),
    ending=Ending(
        stage=Stage.COMPLETED, status="completed", told=told(TOLD_CONFIRMED, TOLD_SHIPPED), tracking=("1Z999AA10123456789",)
    ),
)

NEVER_HEARD_OF = Story(
    name="never_heard_of",
    title="Its webhooks are lost: found by polling",
    buys={"payment_method": "fakepay", "items": _items((MUG, 1)), "webhooks": "lost"},
    turns=(Turn(when=at(Stage.PROCESSING), command=ship("1Z999AA10123456790")),),
    ending=Ending(
        stage=Stage.COMPLETED, status="completed", told=told(TOLD_CONFIRMED, TOLD_SHIPPED), tracking=("1Z999AA10123456790",)
    ),
    is_heard=False,
)

NOTHING_TO_PAY = Story(
    name="nothing_to_pay",
    title="Free of charge: nothing to pay, shipped",
    buys={
        "payment_method": "fakepay",
        "items": _items((STICKER, 1)),
        "shipping_lines": [{"method_id": "free_shipping", "method_title": "Free shipping", "total": "0.00"}],
    },
    turns=(Turn(when=at(Stage.PROCESSING), command=ship("1Z999AA10123456791")),),
    ending=Ending(
        stage=Stage.COMPLETED, status="completed", told=told(TOLD_CONFIRMED, TOLD_SHIPPED), tracking=("1Z999AA10123456791",)
    ),
)

REFUNDED_BY_LINE = Story(
    name="refunded_by_line",
    title="One of two mugs broken: paid back with its tax",
    buys={"payment_method": "fakepay", "items": _items((MUG, 2))},
    turns=(
        Turn(when=at(Stage.PROCESSING), command=ship("1Z999AA10123456792")),
        Turn(when=has_left, command=refund_line(0, 1)),
    ),
    ending=Ending(
        stage=Stage.COMPLETED,
        status="completed",
        refunded="13.61",
        told=told(TOLD_CONFIRMED, TOLD_SHIPPED, TOLD_REFUNDED),
        tracking=("1Z999AA10123456792",),
        stock_taken=2,
    ),
)

GATEWAY_CANNOT = Story(
    name="gateway_cannot",
    title="Ten dollars owed, no gateway to send them: a task",
    buys={"payment_method": "bacs", "items": _items((BRACELET, 1))},
    turns=(
        Turn(when=held_for(HoldReason.AWAITING_PAYMENT), staff=_status("processing")),
        Turn(when=at(Stage.PROCESSING), command=ship("1Z999AA10123456793")),
        Turn(when=has_left, command={"do": "refund", "amount": "10.00", "reason": "came late"}),
    ),
    ending=Ending(
        stage=Stage.COMPLETED,
        status="completed",
        recorded="10.00",
        told=told(TOLD_CONFIRMED, TOLD_SHIPPED, TOLD_WAITS),
        tasks=(TaskKind.MANUAL_REFUND,),
        tracking=("1Z999AA10123456793",),
    ),
)

CHEQUE_NEVER_CAME = Story(
    name="cheque_never_came",
    title="The cheque never comes: reminded, then cancelled",
    buys={"payment_method": "cheque", "items": _items((MUG, 1))},
    turns=(
        Turn(when=held_for(HoldReason.AWAITING_PAYMENT), days=8),
        Turn(when=is_told(DutyEvent.PAYMENT_REMINDER), days=8),
    ),
    ending=Ending(
        stage=Stage.CANCELLED,
        status="cancelled",
        told=told(TOLD_WAITS, TOLD_REMINDED, TOLD_CANCELLED),
        stock_taken=0,
    ),
)

A_STATUS_OF_THEIR_OWN = Story(
    name="a_status_of_their_own",
    title="A status of the shop's own, Packed; then shipped",
    buys={"payment_method": "fakepay", "items": _items((MUG, 1))},
    turns=(
        Turn(when=at(Stage.PROCESSING), staff=_status("packed")),
        Turn(when=shows("packed"), command=ship("1Z999AA10123456794")),
    ),
    ending=Ending(
        stage=Stage.COMPLETED, status="completed", told=told(TOLD_CONFIRMED, TOLD_SHIPPED), tracking=("1Z999AA10123456794",)
    ),
)

STORIES = (
    SHIPPED,
    HELD_AND_RELEASED,
    CANCELLED_AND_REFUNDED,
    PO_BOX_HELD,
    TWO_PARCELS,
    CASH_ON_DELIVERY,
    REFUNDED_BY_AMOUNT,
    CANCELLED_BY_THE_OWNER,
    MOVED_HOUSE,
    NEVER_HEARD_OF,
    NOTHING_TO_PAY,
    REFUNDED_BY_LINE,
    GATEWAY_CANNOT,
    CHEQUE_NEVER_CAME,
    A_STATUS_OF_THEIR_OWN,
)
