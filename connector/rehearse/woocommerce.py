"""The stories of a WooCommerce shop: what happens to its orders day by day."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..model.case import Case
from ..model.events import DutyEvent, DutyState, Person, TaskKind
from ..model.flow import Stage
from ..model.review import HoldReason
from .stories import Ending, Story, Turn

# --- products of the simulated shop -----------------------------------------------------------------------------------

MUG, BRACELET, POSTER, STICKER = 13, 14, 15, 18


def _items(*bought: tuple[int, int]) -> list[dict[str, int]]:
    return [{"product_id": product, "quantity": quantity} for product, quantity in bought]


# --- when ---------------------------------------------------------------------------------------------------------------


def _at(stage: Stage) -> Callable[[Case], bool]:
    return lambda case: case.stage is stage


def _has_left(case: Case) -> bool:
    """Also where it is not completed, because a person has to look after a mail first."""
    return case.stage in (Stage.SHIPPED, Stage.COMPLETED) and not case.open_acts


def _held_for(reason: HoldReason) -> Callable[[Case], bool]:
    return lambda case: case.holds_for(reason)


def _parcels(number: int) -> Callable[[Case], bool]:
    return lambda case: len(case.shipments) == number and not case.open_acts


def _street(name: str) -> Callable[[Case], bool]:
    return lambda case: case.stage is Stage.PROCESSING and name in str(case.order.shipping)


def _is_told(event: DutyEvent) -> Callable[[Case], bool]:
    return lambda case: any(f"/{event}/" in duty for duty in case.duties)


def _shows(status: str) -> Callable[[Case], bool]:
    return lambda case: case.order.status == status and case.stage is Stage.PROCESSING


# --- who does what ------------------------------------------------------------------------------------------------------


def _ship(tracking: str, carrier: str = "UPS") -> dict[str, Any]:
    return {"do": "ship", "carrier": carrier, "tracking": tracking}


def _ship_line(place: int, tracking: str) -> Callable[[Case], Mapping[str, Any]]:
    def command(case: Case) -> Mapping[str, Any]:
        line = case.order.lines[place]
        return {**_ship(tracking), "lines": [{"line_id": line.id, "quantity": line.quantity}]}

    return command


def _refund_line(place: int, quantity: int) -> Callable[[Case], Mapping[str, Any]]:
    def command(case: Case) -> Mapping[str, Any]:
        lines = [{"line_id": case.order.lines[place].id, "quantity": quantity}]
        return {"do": "refund", "lines": lines, "reason": "arrived broken"}

    return command


def _status(word: str) -> dict[str, Any]:
    return {"action": "status", "status": word}


# --- who was told what --------------------------------------------------------------------------------------------------

_CUSTOMER, _MERCHANT = Person.CUSTOMER, Person.MERCHANT
_SENT, _PLATFORM = DutyState.SENT, DutyState.LEFT_TO_PLATFORM
Tellings = Mapping[tuple[DutyEvent, Person], DutyState]

_CONFIRMED: Tellings = {(DutyEvent.CONFIRMED, _CUSTOMER): _PLATFORM, (DutyEvent.CONFIRMED, _MERCHANT): _PLATFORM}
_SHIPPED: Tellings = {(DutyEvent.SHIPPED, _CUSTOMER): _PLATFORM, (DutyEvent.SHIPPED, _MERCHANT): _SENT}
_WAITS: Tellings = {(DutyEvent.ON_HOLD, _CUSTOMER): _PLATFORM, (DutyEvent.ON_HOLD, _MERCHANT): _SENT}
_ASKED: Tellings = {(DutyEvent.ON_HOLD, _CUSTOMER): _SENT, (DutyEvent.ON_HOLD, _MERCHANT): _SENT}
_CANCELLED: Tellings = {(DutyEvent.CANCELLED, _CUSTOMER): _SENT, (DutyEvent.CANCELLED, _MERCHANT): _PLATFORM}
_REFUNDED: Tellings = {(DutyEvent.REFUNDED, _CUSTOMER): _PLATFORM, (DutyEvent.REFUNDED, _MERCHANT): _SENT}
_REMINDED: Tellings = {(DutyEvent.PAYMENT_REMINDER, _CUSTOMER): _SENT, (DutyEvent.PAYMENT_REMINDER, _MERCHANT): _SENT}


def _told(*tellings: Tellings) -> Tellings:
    return {who_and_what: state for telling in tellings for who_and_what, state in telling.items()}


# --- the stories --------------------------------------------------------------------------------------------------------

SHIPPED = Story(
    name="shipped",
    title="Paid by card, shipped with UPS",
    buys={"payment_method": "fakepay", "items": _items((MUG, 2))},
    turns=(Turn(when=_at(Stage.PROCESSING), command=_ship("1Z999AA10123456784")),),
    ending=Ending(
        stage=Stage.COMPLETED,
        status="completed",
        told=_told(_CONFIRMED, _SHIPPED),
        tracking="1Z999AA10123456784",
        stock_taken=2,
    ),
)

HELD_AND_RELEASED = Story(
    name="held_and_released",
    title="Bank transfer: held until it is paid, then shipped",
    buys={"payment_method": "bacs", "items": _items((BRACELET, 1))},
    turns=(
        # The transfer has arrived: staff set the order to processing, as they always do.
        Turn(when=_held_for(HoldReason.AWAITING_PAYMENT), staff=_status("processing")),
        Turn(when=_at(Stage.PROCESSING), command=_ship("9400111899223197428490", "USPS")),
    ),
    ending=Ending(
        stage=Stage.COMPLETED,
        status="completed",
        told=_told(_CONFIRMED, _SHIPPED, _WAITS),
        tracking="9400111899223197428490",
    ),
)

CANCELLED_AND_REFUNDED = Story(
    name="cancelled_and_refunded",
    title="Changed her mind: cancelled, back in stock, refunded",
    buys={"payment_method": "fakepay", "items": _items((MUG, 3))},
    turns=(Turn(when=_at(Stage.PROCESSING), command={"do": "cancel", "reason": "changed her mind"}),),
    ending=Ending(
        stage=Stage.CANCELLED,
        status="refunded",
        refunded="45.83",
        told=_told(_CONFIRMED, _CANCELLED, _REFUNDED),
        stock_taken=0,
    ),
)

PO_BOX_HELD = Story(
    name="po_box_held",
    title="A PO box that the carrier does not serve: held",
    buys={"payment_method": "fakepay", "po_box": True, "items": _items((MUG, 1))},
    turns=(),
    ending=Ending(
        stage=Stage.ON_HOLD, status="processing", told=_told(_CONFIRMED, _ASKED), holds=(HoldReason.PO_BOX,), stock_taken=1
    ),
)

TWO_PARCELS = Story(
    name="two_parcels",
    title="Two parcels, each with a number of its own",
    buys={"payment_method": "fakepay", "items": _items((MUG, 1), (BRACELET, 1))},
    turns=(
        Turn(when=_at(Stage.PROCESSING), command=_ship_line(0, "1Z999AA10123456785")),
        Turn(when=_parcels(1), command=_ship_line(1, "1Z999AA10123456786")),
    ),
    ending=Ending(
        stage=Stage.COMPLETED,
        status="completed",
        told=_told(_CONFIRMED, _SHIPPED),
        tracking="1Z999AA10123456786",
        stock_taken=2,
    ),
)

CASH_ON_DELIVERY = Story(
    name="cash_on_delivery",
    title="Cash on delivery: shipped before it is paid",
    buys={"payment_method": "cod", "items": _items((MUG, 1))},
    turns=(Turn(when=_at(Stage.PROCESSING), command=_ship("1Z999AA10123456787")),),
    ending=Ending(stage=Stage.COMPLETED, status="completed", told=_told(_CONFIRMED, _SHIPPED), tracking="1Z999AA10123456787"),
)

REFUNDED_BY_AMOUNT = Story(
    name="refunded_by_amount",
    title="Arrived with a scratch: five dollars back",
    buys={"payment_method": "fakepay", "items": _items((POSTER, 1))},
    turns=(
        Turn(when=_at(Stage.PROCESSING), command=_ship("1Z999AA10123456788")),
        Turn(when=_has_left, command={"do": "refund", "amount": "5.00", "reason": "a scratch"}),
    ),
    ending=Ending(
        stage=Stage.COMPLETED,
        status="completed",
        refunded="5.00",
        told=_told(_CONFIRMED, _SHIPPED, _REFUNDED),
        tracking="1Z999AA10123456788",
        stock_taken=0,
    ),
)

CANCELLED_BY_THE_OWNER = Story(
    name="cancelled_by_the_owner",
    title="Cancelled in wp-admin: the money becomes a task",
    buys={"payment_method": "fakepay", "items": _items((MUG, 1))},
    turns=(Turn(when=_at(Stage.PROCESSING), staff=_status("cancelled")),),
    ending=Ending(
        stage=Stage.CANCELLED,
        status="cancelled",
        told=_told(_CONFIRMED, _CANCELLED),
        tasks=(TaskKind.MANUAL_REFUND,),
        stock_taken=0,
    ),
)

MOVED_HOUSE = Story(
    name="moved_house",
    title="Address corrected in wp-admin, then shipped",
    buys={"payment_method": "fakepay", "items": _items((MUG, 1))},
    turns=(
        Turn(when=_at(Stage.PROCESSING), staff={"action": "edit", "shipping": {"address_1": "12 New Street"}}),
        Turn(when=_street("12 New Street"), command=_ship("1Z999AA10123456789")),
    ),
    ending=Ending(stage=Stage.COMPLETED, status="completed", told=_told(_CONFIRMED, _SHIPPED), tracking="1Z999AA10123456789"),
)

NEVER_HEARD_OF = Story(
    name="never_heard_of",
    title="Its webhooks are lost: found by polling",
    buys={"payment_method": "fakepay", "items": _items((MUG, 1)), "webhooks": "lost"},
    turns=(Turn(when=_at(Stage.PROCESSING), command=_ship("1Z999AA10123456790")),),
    ending=Ending(stage=Stage.COMPLETED, status="completed", told=_told(_CONFIRMED, _SHIPPED), tracking="1Z999AA10123456790"),
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
    turns=(Turn(when=_at(Stage.PROCESSING), command=_ship("1Z999AA10123456791")),),
    ending=Ending(stage=Stage.COMPLETED, status="completed", told=_told(_CONFIRMED, _SHIPPED), tracking="1Z999AA10123456791"),
)

REFUNDED_BY_LINE = Story(
    name="refunded_by_line",
    title="One of two mugs broken: paid back with its tax",
    buys={"payment_method": "fakepay", "items": _items((MUG, 2))},
    turns=(
        Turn(when=_at(Stage.PROCESSING), command=_ship("1Z999AA10123456792")),
        Turn(when=_has_left, command=_refund_line(0, 1)),
    ),
    ending=Ending(
        stage=Stage.COMPLETED,
        status="completed",
        refunded="13.61",
        told=_told(_CONFIRMED, _SHIPPED, _REFUNDED),
        tracking="1Z999AA10123456792",
        stock_taken=2,
    ),
)

GATEWAY_CANNOT = Story(
    name="gateway_cannot",
    title="Ten dollars owed, no gateway to send them: a task",
    buys={"payment_method": "bacs", "items": _items((BRACELET, 1))},
    turns=(
        Turn(when=_held_for(HoldReason.AWAITING_PAYMENT), staff=_status("processing")),
        Turn(when=_at(Stage.PROCESSING), command=_ship("1Z999AA10123456793")),
        Turn(when=_has_left, command={"do": "refund", "amount": "10.00", "reason": "came late"}),
    ),
    ending=Ending(
        stage=Stage.COMPLETED,
        status="completed",
        recorded="10.00",
        told=_told(_CONFIRMED, _SHIPPED, _WAITS),
        tasks=(TaskKind.MANUAL_REFUND,),
        tracking="1Z999AA10123456793",
    ),
)

CHEQUE_NEVER_CAME = Story(
    name="cheque_never_came",
    title="The cheque never comes: reminded, then cancelled",
    buys={"payment_method": "cheque", "items": _items((MUG, 1))},
    turns=(
        Turn(when=_held_for(HoldReason.AWAITING_PAYMENT), days=8),
        Turn(when=_is_told(DutyEvent.PAYMENT_REMINDER), days=8),
    ),
    ending=Ending(
        stage=Stage.CANCELLED,
        status="cancelled",
        told=_told(_WAITS, _REMINDED, _CANCELLED),
        stock_taken=0,
    ),
)

A_STATUS_OF_THEIR_OWN = Story(
    name="a_status_of_their_own",
    title="A status of the shop's own, Packed; then shipped",
    buys={"payment_method": "fakepay", "items": _items((MUG, 1))},
    turns=(
        Turn(when=_at(Stage.PROCESSING), staff=_status("packed")),
        Turn(when=_shows("packed"), command=_ship("1Z999AA10123456794")),
    ),
    ending=Ending(stage=Stage.COMPLETED, status="completed", told=_told(_CONFIRMED, _SHIPPED), tracking="1Z999AA10123456794"),
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
