"""The stories of a Shopify shop: what happens to its orders day by day."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..model.case import Case
from ..model.events import DutyEvent, Person, TaskKind
from ..model.flow import Stage
from ..model.review import HoldReason
from .stories import Ending, Story, Tellings, Turn
from .words import (
    MERCHANT,
    SENT,
    TOLD_ASKED,
    TOLD_CONFIRMED,
    TOLD_REFUNDED,
    TOLD_SHIPPED,
    at,
    has_left,
    held_for,
    parcels,
    refund_line,
    ship,
    street,
    told,
)

NAME = "shopify"
# Goods of the simulated shop: mugs are in New York and in Reno; shirts M only in New York, L only in Reno, as are lamps.
MUG, SHIRT_M, SHIRT_L, LAMP, EBOOK = "MUG-1", "TEE-M", "TEE-L", "LAMP-1", "EBOOK-1"
NEW_YORK, RENO = "Main warehouse", "West warehouse"


def _lines(*bought: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"sku": sku, "quantity": quantity} for sku, quantity in bought]


# Only authorized. On Shopify that lasts for days (30 at most): here for as long as other stories may wait for a cheque.
_AUTHORIZED = {"pay": "authorize", "gateway": "shopify_payments", "expires_s": 365 * 86_400}

# --- when ---------------------------------------------------------------------------------------------------------------


def _costs(amount: str) -> Callable[[Case], bool]:
    return lambda case: case.stage is Stage.PROCESSING and case.order.total.text == amount


def _shown_as_held(case: Case) -> bool:
    """Held here and there: the platform has taken the hold."""
    return bool(case.holds) and not case.open_acts


def _free(case: Case) -> bool:
    """Released here and there."""
    return case.stage is Stage.PROCESSING and not case.open_acts


# --- who does what ------------------------------------------------------------------------------------------------------


def _ship_from(place: str, tracking: str) -> Callable[[Case], Mapping[str, Any]]:
    """A parcel with all that is in one place."""

    def command(case: Case) -> Mapping[str, Any]:
        origin = next(one for one in case.order.origins if one.name == place)
        return {**ship(tracking), "origin": origin.id}

    return command


def _ship_pieces(quantity: int, tracking: str) -> Callable[[Case], Mapping[str, Any]]:
    """Some pieces of the first line."""

    def command(case: Case) -> Mapping[str, Any]:
        return {**ship(tracking), "lines": [{"line_id": case.order.lines[0].id, "quantity": quantity}]}

    return command


def _take_out(place: int, quantity: int, *, add: Sequence[tuple[str, int]] = ()) -> Callable[[Case], Mapping[str, Any]]:
    """Staff edit the order."""

    def staff(case: Case) -> Mapping[str, Any]:
        return {"action": "edit", "remove": {case.order.lines[place].id: quantity}, "add": _lines(*add)}

    return staff


# --- who was told what --------------------------------------------------------------------------------------------------

# Shopify would tell the customer only if it gave the money back in the same breath, and the merchant nothing.
_CANCELLED: Tellings = {(DutyEvent.CANCELLED, who): SENT for who in Person}
_TO_THE_MERCHANT: Tellings = {(DutyEvent.ON_HOLD, MERCHANT): SENT}

# --- the stories --------------------------------------------------------------------------------------------------------

TWO_PLACES = Story(
    name="shopify_two_places",
    title="From two warehouses: a parcel from each",
    platform=NAME,
    buys={"lines": _lines((SHIRT_M, 1), (LAMP, 1))},
    turns=(
        Turn(when=at(Stage.PROCESSING), command=_ship_from(NEW_YORK, "1Z999AA10123456801")),
        Turn(when=parcels(1), command=_ship_from(RENO, "1Z999AA10123456802")),
    ),
    ending=Ending(
        stage=Stage.COMPLETED,
        status="PAID/FULFILLED",
        told=told(TOLD_CONFIRMED, TOLD_SHIPPED),
        tracking=("1Z999AA10123456801", "1Z999AA10123456802"),
        parcels={NEW_YORK: 1, RENO: 1},
        stock_taken=2,
        taken={"TEE-M in New York": 1, "LAMP-1 in Reno": 1},
    ),
)

SPLIT = Story(
    name="shopify_split",
    title="Two of three mugs today, the third tomorrow",
    platform=NAME,
    buys={"lines": _lines((MUG, 3))},
    turns=(
        Turn(when=at(Stage.PROCESSING), command=_ship_pieces(2, "1Z999AA10123456803")),
        Turn(when=parcels(1), command=_ship_pieces(1, "1Z999AA10123456804")),
    ),
    ending=Ending(
        stage=Stage.COMPLETED,
        status="PAID/FULFILLED",
        told=told(TOLD_CONFIRMED, TOLD_SHIPPED),
        tracking=("1Z999AA10123456803", "1Z999AA10123456804"),
        parcels={NEW_YORK: 2},
        stock_taken=3,
    ),
)

HELD = Story(
    name="shopify_held",
    title="Held by a person, shown there; released, shipped",
    platform=NAME,
    buys={"lines": _lines((MUG, 1))},
    turns=(
        Turn(when=at(Stage.PROCESSING), command={"do": "hold", "reason": "manual", "text": "Wait for the gift box."}),
        Turn(when=_shown_as_held, command={"do": "release"}),
        Turn(when=_free, command=ship("1Z999AA10123456805")),
    ),
    ending=Ending(
        stage=Stage.COMPLETED,
        status="PAID/FULFILLED",
        told=told(TOLD_CONFIRMED, TOLD_SHIPPED, _TO_THE_MERCHANT),
        tracking=("1Z999AA10123456805",),
    ),
)

BANK_DEPOSIT = Story(
    name="shopify_bank_deposit",
    title="Bank deposit: held there until marked as paid",
    platform=NAME,
    buys={"lines": _lines((MUG, 1)), "gateway": "Bank Deposit"},
    turns=(
        Turn(when=_shown_as_held, staff={"action": "paid"}),
        Turn(when=_free, command=ship("1Z999AA10123456806")),
    ),
    ending=Ending(
        stage=Stage.COMPLETED,
        status="PAID/FULFILLED",
        told=told(TOLD_CONFIRMED, TOLD_SHIPPED, TOLD_ASKED),
        tracking=("1Z999AA10123456806",),
        captured="19.05",
    ),
)

PO_BOX = Story(
    name="shopify_po_box",
    title="A PO box that the carrier does not serve: held",
    platform=NAME,
    buys={"lines": _lines((MUG, 1)), "address": {"address1": "PO Box 77"}},
    turns=(),
    ending=Ending(
        stage=Stage.ON_HOLD,
        status="PAID/ON_HOLD",
        told=told(TOLD_CONFIRMED, TOLD_ASKED),
        holds=(HoldReason.PO_BOX,),
        shown_holds=("INCORRECT_ADDRESS",),
    ),
)

CAPTURED = Story(
    name="shopify_captured",
    title="Only authorized: taken when the parcel leaves",
    platform=NAME,
    buys={"lines": _lines((LAMP, 1)), **_AUTHORIZED},
    turns=(Turn(when=at(Stage.PROCESSING), command=ship("1Z999AA10123456807")),),
    ending=Ending(
        stage=Stage.COMPLETED,
        status="PAID/FULFILLED",
        told=told(TOLD_CONFIRMED, TOLD_SHIPPED),
        tracking=("1Z999AA10123456807",),
        captured="102.34",
        taken={"LAMP-1 in Reno": 1},
    ),
)

CANCELLED = Story(
    name="shopify_cancelled",
    title="Changed his mind: cancelled, restocked, refunded",
    platform=NAME,
    buys={"lines": _lines((MUG, 2), (SHIRT_L, 1))},
    turns=(Turn(when=at(Stage.PROCESSING), command={"do": "cancel", "reason": "changed his mind"}),),
    ending=Ending(
        stage=Stage.CANCELLED,
        status="CANCELLED REFUNDED/UNFULFILLED",
        refunded="54.44",
        told=told(TOLD_CONFIRMED, _CANCELLED, TOLD_REFUNDED),
        stock_taken=0,
    ),
)

AUTHORIZED_CANCELLED = Story(
    name="shopify_authorized_cancelled",
    title="Only authorized, then cancelled: nothing was taken",
    platform=NAME,
    buys={"lines": _lines((LAMP, 1)), **_AUTHORIZED},
    turns=(Turn(when=at(Stage.PROCESSING), command={"do": "cancel", "reason": "found it cheaper"}),),
    ending=Ending(
        stage=Stage.CANCELLED,
        status="CANCELLED VOIDED/UNFULFILLED",
        told=told(TOLD_CONFIRMED, _CANCELLED),
        captured="0",
        stock_taken=0,
    ),
)

REFUNDED_BY_LINE = Story(
    name="shopify_refunded_by_line",
    title="One of two mugs not wanted: paid back, restocked",
    platform=NAME,
    buys={"lines": _lines((MUG, 2))},
    turns=(
        Turn(when=at(Stage.PROCESSING), command=refund_line(0, 1)),
        Turn(when=lambda case: bool(case.refunds) and not case.open_acts, command=ship("1Z999AA10123456808")),
    ),
    ending=Ending(
        stage=Stage.COMPLETED,
        status="PARTIALLY_REFUNDED/FULFILLED",
        refunded="13.61",
        told=told(TOLD_CONFIRMED, TOLD_REFUNDED, TOLD_SHIPPED),
        tracking=("1Z999AA10123456808",),
        taken={"MUG-1 in New York": 1},
    ),
)

HIGH_RISK = Story(
    name="shopify_high_risk",
    title="High risk of fraud: held, looked at, cancelled",
    platform=NAME,
    buys={"lines": _lines((LAMP, 1)), "risk": "HIGH", "facts": [["NEGATIVE", "The card was declined twice."]]},
    turns=(Turn(when=_shown_as_held, command={"do": "cancel", "reason": "fraud"}),),
    ending=Ending(
        stage=Stage.CANCELLED,
        status="CANCELLED REFUNDED/UNFULFILLED",
        refunded="102.34",
        told=told(TOLD_CONFIRMED, _TO_THE_MERCHANT, _CANCELLED, TOLD_REFUNDED),
        stock_taken=0,
    ),
)

EDITED = Story(
    name="shopify_edited",
    title="One mug less: edited in the admin, then shipped",
    platform=NAME,
    buys={"lines": _lines((MUG, 2), (SHIRT_M, 1)), **_AUTHORIZED},
    turns=(
        Turn(when=at(Stage.PROCESSING), staff=_take_out(0, 1)),
        Turn(when=_costs("40.83"), command=ship("1Z999AA10123456809")),
    ),
    ending=Ending(
        stage=Stage.COMPLETED,
        status="PAID/FULFILLED",
        told=told(TOLD_CONFIRMED, TOLD_SHIPPED),
        tracking=("1Z999AA10123456809",),
        captured="40.83",
        stock_taken=3,
    ),
)

GIFT_CARD = Story(
    name="shopify_gift_card",
    title="Part gift card, part card: each gets its part back",
    platform=NAME,
    buys={"lines": _lines((LAMP, 1)), "gift_card": "25.00"},
    turns=(
        Turn(when=at(Stage.PROCESSING), command=ship("1Z999AA10123456810")),
        Turn(when=has_left, command={"do": "refund", "all": True, "reason": "arrived in pieces"}),
    ),
    ending=Ending(
        stage=Stage.COMPLETED,
        status="REFUNDED/FULFILLED",
        refunded="102.34",
        told=told(TOLD_CONFIRMED, TOLD_SHIPPED, TOLD_REFUNDED),
        tracking=("1Z999AA10123456810",),
    ),
)

IN_EUROS = Story(
    name="shopify_in_euros",
    title="Paid in euros in a shop of dollars; ten euros back",
    platform=NAME,
    buys={
        "lines": _lines((SHIRT_M, 2)),
        "currency": "EUR",
        "address": {"country_code": "DE", "province_code": None, "city": "Berlin", "zip": "10115", "address1": "Torstr. 1"},
    },
    turns=(
        Turn(when=at(Stage.PROCESSING), command=ship("00340434161094042557", "DHL")),
        Turn(when=has_left, command={"do": "refund", "amount": "10.00", "reason": "came late"}),
    ),
    ending=Ending(
        stage=Stage.COMPLETED,
        status="PARTIALLY_REFUNDED/FULFILLED",
        refunded="10.00",
        told=told(TOLD_CONFIRMED, TOLD_SHIPPED, TOLD_REFUNDED),
        tracking=("00340434161094042557",),
        captured="48.20",
        stock_taken=2,
    ),
)

NOTHING_TO_SHIP = Story(
    name="shopify_digital",
    title="An e-book, no address: done when it is paid",
    platform=NAME,
    buys={"lines": _lines((EBOOK, 1)), "address": None},
    turns=(),
    ending=Ending(stage=Stage.COMPLETED, status="PAID/UNFULFILLED", told=TOLD_CONFIRMED, stock_taken=0),
)

PICKED_UP = Story(
    name="shopify_picked_up",
    title="Picked up in the shop: no address, no carrier",
    platform=NAME,
    buys={"lines": _lines((MUG, 1)), "address": None, "method": "PICK_UP"},
    turns=(Turn(when=at(Stage.PROCESSING), command=ship("")),),
    ending=Ending(stage=Stage.COMPLETED, status="PAID/FULFILLED", told=told(TOLD_CONFIRMED, TOLD_SHIPPED)),
)

MOVED_HOUSE = Story(
    name="shopify_moved_house",
    title="Address corrected in the admin, then shipped",
    platform=NAME,
    buys={"lines": _lines((MUG, 1))},
    turns=(
        Turn(when=at(Stage.PROCESSING), staff={"action": "address", "address": {"address1": "12 New Street"}}),
        Turn(when=street("12 New Street"), command=ship("1Z999AA10123456811")),
    ),
    ending=Ending(
        stage=Stage.COMPLETED,
        status="PAID/FULFILLED",
        told=told(TOLD_CONFIRMED, TOLD_SHIPPED),
        tracking=("1Z999AA10123456811",),
    ),
)

HELD_IN_THE_ADMIN = Story(
    name="shopify_held_in_the_admin",
    title="Staff hold it in Shopify, and let it go there",
    platform=NAME,
    buys={"lines": _lines((MUG, 1))},
    turns=(
        Turn(when=at(Stage.PROCESSING), staff={"action": "hold", "reason": "OTHER", "notes": "waits for its twin"}),
        Turn(when=held_for(HoldReason.POLICY), staff={"action": "release"}),
        Turn(when=_free, command=ship("1Z999AA10123456812")),
    ),
    ending=Ending(
        stage=Stage.COMPLETED,
        status="PAID/FULFILLED",
        told=told(TOLD_CONFIRMED, TOLD_SHIPPED, _TO_THE_MERCHANT),
        tracking=("1Z999AA10123456812",),
    ),
)

CANCELLED_IN_THE_ADMIN = Story(
    name="shopify_cancelled_in_the_admin",
    title="Cancelled in the admin: the money becomes a task",
    platform=NAME,
    buys={"lines": _lines((SHIRT_L, 1))},
    turns=(Turn(when=at(Stage.PROCESSING), staff={"action": "cancel", "refund": False}),),
    ending=Ending(
        stage=Stage.CANCELLED,
        status="CANCELLED PAID/UNFULFILLED",
        told=told(TOLD_CONFIRMED, _CANCELLED),
        tasks=(TaskKind.MANUAL_REFUND,),
        stock_taken=0,
    ),
)

SENT_IN_THE_ADMIN = Story(
    name="shopify_sent_in_the_admin",
    title="Fulfilled in the admin by staff: seen, and left so",
    platform=NAME,
    buys={"lines": _lines((MUG, 1))},
    turns=(
        Turn(
            when=at(Stage.PROCESSING),
            staff={"action": "fulfil", "number": "1Z999AA10123456813", "company": "UPS", "notify": True},
        ),
    ),
    ending=Ending(
        stage=Stage.COMPLETED,
        status="PAID/FULFILLED",
        told=told(TOLD_CONFIRMED, TOLD_SHIPPED),
        tracking=("1Z999AA10123456813",),
    ),
)

STORIES = (
    TWO_PLACES,
    SPLIT,
    HELD,
    BANK_DEPOSIT,
    PO_BOX,
    CAPTURED,
    CANCELLED,
    AUTHORIZED_CANCELLED,
    REFUNDED_BY_LINE,
    HIGH_RISK,
    EDITED,
    GIFT_CARD,
    IN_EUROS,
    NOTHING_TO_SHIP,
    PICKED_UP,
    MOVED_HOUSE,
    HELD_IN_THE_ADMIN,
    CANCELLED_IN_THE_ADMIN,
    SENT_IN_THE_ADMIN,
)
