"""What stories are told in: when somebody does something, what they do, and who was told. The same for every platform."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..model.case import Case
from ..model.events import DutyEvent, DutyState, Person
from ..model.flow import Stage
from ..model.review import HoldReason
from .stories import Tellings

# --- when ---------------------------------------------------------------------------------------------------------------


def at(stage: Stage) -> Callable[[Case], bool]:
    return lambda case: case.stage is stage


def has_left(case: Case) -> bool:
    """Also where it is not completed, because a person has to look after a mail first."""
    return case.stage in (Stage.SHIPPED, Stage.COMPLETED) and not case.open_acts


def held_for(reason: HoldReason) -> Callable[[Case], bool]:
    return lambda case: case.holds_for(reason)


def parcels(number: int) -> Callable[[Case], bool]:
    return lambda case: len(case.shipments) == number and not case.open_acts


def street(name: str) -> Callable[[Case], bool]:
    return lambda case: case.stage is Stage.PROCESSING and name in str(case.order.shipping)


def is_told(event: DutyEvent) -> Callable[[Case], bool]:
    return lambda case: any(f"/{event}/" in duty for duty in case.duties)


def shows(status: str) -> Callable[[Case], bool]:
    return lambda case: case.order.status == status and case.stage is Stage.PROCESSING


# --- who does what ------------------------------------------------------------------------------------------------------


def ship(tracking: str, carrier: str = "UPS") -> dict[str, Any]:
    return {"do": "ship", "carrier": carrier, "tracking": tracking}


def ship_line(place: int, tracking: str) -> Callable[[Case], Mapping[str, Any]]:
    def command(case: Case) -> Mapping[str, Any]:
        line = case.order.lines[place]
        return {**ship(tracking), "lines": [{"line_id": line.id, "quantity": line.quantity}]}

    return command


def refund_line(place: int, quantity: int) -> Callable[[Case], Mapping[str, Any]]:
    def command(case: Case) -> Mapping[str, Any]:
        lines = [{"line_id": case.order.lines[place].id, "quantity": quantity}]
        return {"do": "refund", "lines": lines, "reason": "arrived broken"}

    return command


# --- who was told what --------------------------------------------------------------------------------------------------

CUSTOMER, MERCHANT = Person.CUSTOMER, Person.MERCHANT
SENT, PLATFORM = DutyState.SENT, DutyState.LEFT_TO_PLATFORM

TOLD_CONFIRMED: Tellings = {(DutyEvent.CONFIRMED, CUSTOMER): PLATFORM, (DutyEvent.CONFIRMED, MERCHANT): PLATFORM}
TOLD_SHIPPED: Tellings = {(DutyEvent.SHIPPED, CUSTOMER): PLATFORM, (DutyEvent.SHIPPED, MERCHANT): SENT}
TOLD_WAITS: Tellings = {(DutyEvent.ON_HOLD, CUSTOMER): PLATFORM, (DutyEvent.ON_HOLD, MERCHANT): SENT}
TOLD_ASKED: Tellings = {(DutyEvent.ON_HOLD, CUSTOMER): SENT, (DutyEvent.ON_HOLD, MERCHANT): SENT}
TOLD_CANCELLED: Tellings = {(DutyEvent.CANCELLED, CUSTOMER): SENT, (DutyEvent.CANCELLED, MERCHANT): PLATFORM}
TOLD_REFUNDED: Tellings = {(DutyEvent.REFUNDED, CUSTOMER): PLATFORM, (DutyEvent.REFUNDED, MERCHANT): SENT}
TOLD_REMINDED: Tellings = {(DutyEvent.PAYMENT_REMINDER, CUSTOMER): SENT, (DutyEvent.PAYMENT_REMINDER, MERCHANT): SENT}


def told(*tellings: Tellings) -> Tellings:
    return {who_and_what: state for telling in tellings for who_and_what, state in telling.items()}
