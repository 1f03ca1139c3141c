"""Parcels that have left: they become part of the case, and platform and people are to be told, each once."""

from __future__ import annotations

from dataclasses import replace

from ..model.case import Act, ActKind, ActState, Case, fulfillment
from ..model.codec import to_json
from ..model.events import DutyEvent, DutyState, Person
from ..model.shipping import Shipment
from .work import Work


def all_left(case: Case) -> bool:
    """Is nothing to be sent any more? A label that is decided and not bought yet has not left."""
    return not any(line.to_ship for line in fulfillment(case))


def left(work: Work, shipment: Shipment) -> None:
    """A parcel has left."""
    work.case = replace(work.case, shipments=(*work.case.shipments, shipment))
    number = f" {shipment.tracking_number}" if shipment.tracking_number else ", without a tracking number"
    work.note("shipped", f"Shipped with {shipment.carrier or 'a carrier'}{number}.")
    told = replace(shipment, is_last=all_left(work.case))
    _owe(work, told, about=shipment.id)
    told = replace(told, tell_customer=_platform_tells(work, shipment.id))
    work.case = work.case.with_act(Act.of(f"push-{shipment.id}", ActKind.PUSH_SHIPMENT, told))


def correct(work: Work, shipment: Shipment, *, act_id: str, who: str) -> None:
    """A parcel that has left has another number than was told. `shipment` is as it is to be.

    What is still to be told of it to the platform is told first: what was begun is not to be mixed with something else.
    """
    was = next(known for known in work.case.shipments if known.id == shipment.id)
    shipments = tuple(shipment if known.id == shipment.id else known for known in work.case.shipments)
    work.case = replace(work.case, shipments=shipments)
    carrier = f" with {shipment.carrier}" if shipment.carrier else ""
    work.note("corrected", f"The tracking number is {shipment.tracking_number}{carrier}, not {_named(was)}.", who)
    told = replace(shipment, instead_of=was.tracking_number)
    _owe(work, told, about=act_id, facts={"corrected": "yes", "wrong_number": was.tracking_number})
    told = replace(told, tell_customer=_platform_tells(work, act_id))
    after = _still_to_be_told(work, shipment.id)
    work.case = work.case.with_act(Act.of(act_id, ActKind.PUSH_SHIPMENT, told, after=after))


def _named(shipment: Shipment) -> str:
    number, carrier = shipment.tracking_number or "none", shipment.carrier
    return f"{number} with {carrier}" if carrier else number


def _owe(work: Work, shipment: Shipment, *, about: str, facts: dict[str, str] | None = None) -> None:
    told = {
        "carrier": shipment.carrier,
        "tracking_number": shipment.tracking_number,
        "tracking_url": shipment.tracking_url,
        "lines": to_json({line.line_id: line.quantity for line in shipment.lines}).decode(),
        "more_to_come": "" if all_left(work.case) else "yes",
    }
    work.owe(DutyEvent.SHIPPED, about=about, facts={**told, **(facts or {})}, shipment=shipment)


def _platform_tells(work: Work, about: str) -> bool:
    """Was the duty that is owed the customer just now left to the platform? Who tells is decided once, for both sides of it."""
    mine = (DutyEvent.SHIPPED, about, Person.CUSTOMER)
    states = [state for duty, state, *_ in work.lease.writes.owed if (duty.event, duty.about, duty.person) == mine]
    return DutyState.LEFT_TO_PLATFORM in states


def _still_to_be_told(work: Work, shipment_id: str) -> str:
    """The last act that tells the platform of this parcel and has not come to its end ("": none)."""
    pushes = [act for act in work.case.acts if act.kind is ActKind.PUSH_SHIPMENT and act.read(Shipment).id == shipment_id]
    waiting = [act.id for act in pushes if act.state in (ActState.OPEN, ActState.WAITING)]
    return waiting[-1] if waiting else ""
