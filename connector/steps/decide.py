"""Decide: the merchant's policy turns findings into approve or hold, and a person's command into what is to be done."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from ..config import Policy
from ..errors import Conflict
from ..model.capturing import to_capture, with_captures
from ..model.case import (
    Accepted,
    Act,
    ActKind,
    ActState,
    Case,
    Note,
    RefundRecord,
    ShipmentPlan,
    fulfillment,
    left_to_ship,
    refund_left,
)
from ..model.codec import typed
from ..model.events import DutyEvent
from ..model.flow import OPEN, Stage
from ..model.order import LineQuantity, PlatformStatus
from ..model.payment import PaymentLabel, label
from ..model.refunding import after_cancelling, wanted_refund
from ..model.refunds import CancelRequest, RefundRequest
from ..model.review import PARTLY_PAID, UNPAID, Finding, Hold, HoldReason, Severity
from ..model.shipping import Shipment, by_origin
from ..store.lease import InboxItem
from . import parcels
from .work import Work

log = logging.getLogger(__name__)

LONGEST_NUMBER = 100  # what a shop's tracking field surely takes
MANUAL = "manual"
_HOLDING = (Severity.HOLD, Severity.BLOCK)
_OVERTAKEN = (
    ActKind.BUY_LABEL,
    ActKind.PUSH_SHIPMENT,
    ActKind.PUSH_STATUS,
    ActKind.CAPTURE_PAYMENT,
    ActKind.SET_HOLD,
    ActKind.RELEASE_HOLD,
)
_ENDED = (PlatformStatus.COMPLETED, PlatformStatus.CANCELLED, PlatformStatus.REFUNDED, PlatformStatus.DELETED)

# --- by policy --------------------------------------------------------------------------------------------------------


def decide(work: Work) -> None:
    """Approve or hold, by what the review found and what the merchant's policy makes of it."""
    before = work.case
    after = judge(before, work.policy, work.now())
    work.case = after
    new = [hold for hold in after.holds if hold not in before.holds]
    gone = [hold for hold in before.holds if hold not in after.holds]
    for hold in new:
        work.note("held", f"{hold.text} Released by: {hold.releases.rstrip('.') or 'a person'}.", hold.who)
        _note_on_platform(work, f"Held ({hold.reason}): {hold.text}")
        # Who has paid once is asked for the rest by the merchant who raised the total, not by a mail about waiting.
        told = hold.reason in work.policy.hold_tells_customer and hold.code != PARTLY_PAID
        facts = {"reason": hold.reason, "text": hold.text}
        work.owe(DutyEvent.ON_HOLD, about=f"{hold.reason}-{hold.code}", facts=facts, customer=told)
    if gone and not after.holds:
        work.note("released", "Nothing holds it any more.")
        _note_on_platform(work, "Released: nothing holds it any more.")
    if after.stage is Stage.PROCESSING and before.stage is not Stage.PROCESSING:
        work.note("approved", "Approved: it can be shipped.")
    if not after.holds_for(HoldReason.AWAITING_PAYMENT):
        work.owe(DutyEvent.CONFIRMED)


def judge(case: Case, policy: Policy, now: datetime) -> Case:
    """Holds follow the findings: new ones are set, those whose finding is gone are released. Pure."""
    holding = [finding for finding in case.findings if _severity(finding, case, policy) in _HOLDING]
    codes = {finding.code for finding in holding}
    case = replace(case, holds=tuple(hold for hold in case.holds if not hold.by_review or hold.code in codes))
    for finding in holding:
        case = _said_anew(case, finding).hold(
            Hold(
                reason=finding.reason,
                text=finding.text,
                who=finding.said_by or "review",
                since=now,
                releases=finding.releases,
                code=finding.code,
                by_review=True,
            )
        )
    return case.by_holds()


def _said_anew(case: Case, finding: Finding) -> Case:
    """A hold says what is so now: how much is missing, for one. Since when it holds stays."""
    return replace(
        case,
        holds=tuple(
            replace(hold, text=finding.text, releases=finding.releases)
            if hold.by_review and hold.code == finding.code
            else hold
            for hold in case.holds
        ),
    )


def is_all_sent(case: Case) -> bool:
    """Has all left that is still ordered? An edit or a refund can take away the rest that was still to be sent."""
    return case.stage is Stage.PROCESSING and bool(case.shipments) and not any(line.to_ship for line in fulfillment(case))


def all_sent(work: Work) -> None:
    """Nothing is left to be sent, so the order is shipped, and the platform is told."""
    work.case = work.case.at(Stage.SHIPPED)
    if work.case.order.means not in _ENDED:  # what staff set there is not overwritten
        work.show(PlatformStatus.COMPLETED)
    work.note("shipped", "Everything that is still ordered has left.")


def is_all_given_back(case: Case) -> bool:
    """Did we give everything back before anything was sent, so that the platform shows the order as refunded?"""
    return case.stage in OPEN and case.order.means is PlatformStatus.REFUNDED and not case.shipments


def all_given_back(work: Work) -> None:
    """Nobody waits for the goods any more: nothing of it is shipped, and nobody is told more than that the money is back."""
    dropped = work.case.drop_open(*_OVERTAKEN)
    work.case = dropped.release().at(Stage.CANCELLED)
    work.note("cancelled", "Everything was given back before anything was sent: it is over.")


def _severity(finding: Finding, case: Case, policy: Policy) -> Severity:
    if any(accepted.code == finding.code and accepted.text == finding.text for accepted in case.accepted):
        return Severity.INFO
    if finding.code in (UNPAID, PARTLY_PAID) and any(payment.kind in policy.ship_unpaid for payment in case.order.payments):
        return Severity.INFO
    return policy.findings.get(finding.code, finding.severity)


def _note_on_platform(work: Work, text: str) -> None:
    """With a link to the order here, so that staff find the rest of the story. The act keeps the text: it is written once."""
    act_id = f"note-{len(work.case.acts) + 1}"
    text = f"{text} {work.page}".rstrip()
    work.case = work.case.with_act(Act.of(act_id, ActKind.WRITE_NOTE, Note(text=text)))


# --- by a person ------------------------------------------------------------------------------------------------------


def take_command(work: Work, item: InboxItem) -> None:
    """Do what a person asked for. What cannot be done any more is refused, with the reason in words."""
    before, pending = work.case, len(work.lease.writes.timeline)
    try:
        command(work, item.body, item.request_id)
    except (Conflict, KeyError, TypeError, ValueError) as error:
        work.case = before
        del work.lease.writes.timeline[pending:]
        refuse(work, item, _why(work, item, error))
    else:
        work.lease.applied(item)


def _why(work: Work, item: InboxItem, error: Exception) -> str:
    """A command that cannot be understood is refused as well: whoever wrote it, it must not stop the order for ever."""
    if isinstance(error, Conflict):
        return str(error)
    log.warning("%s: the command %s cannot be understood", work.case.ref, item.request_id, exc_info=error)
    why = f"{error} is missing" if isinstance(error, KeyError) else str(error)
    return f"{work.case.ref}: this cannot be understood: {why}"


def refuse(work: Work, item: InboxItem, why: str) -> None:
    """A command is not carried out: who asked can read why."""
    work.note("refused", f"{item.body.get('do')}: {why}", str(item.body.get("who", "person")))
    work.lease.applied(item, why)


def command(work: Work, body: dict[str, Any], request_id: str) -> None:
    """Carry one command into the case. Raises Conflict, with the reason in words, where the order does not allow it."""
    do, who = str(body.get("do")), str(body.get("who", "person"))
    if do not in _COMMANDS:
        raise Conflict(f"{work.case.ref}: there is no command {do!r}; there are {', '.join(_COMMANDS)}")
    _COMMANDS[do](work, body, request_id, who)


def _approve(work: Work, body: dict[str, Any], request_id: str, who: str) -> None:
    case = _open(work.case)
    seen = tuple(Accepted(code=finding.code, text=finding.text, who=who) for finding in case.findings)
    work.case = replace(case.release(), accepted=(*case.accepted, *seen)).by_holds()
    work.note("approved", "Approved by a person.", who)
    _note_on_platform(work, "Approved.")
    _payment_arrived(work)
    work.owe(DutyEvent.CONFIRMED)


def _release(work: Work, body: dict[str, Any], request_id: str, who: str) -> None:
    case = _open(work.case)
    reason = HoldReason(body["reason"]) if body.get("reason") else None
    code = str(body.get("code") or "")
    gone = case.holds_by(reason, code=code)
    if not gone:
        named = " ".join(word for word in (reason, code) if word)
        held = f"; it is held by {', '.join(hold.code or hold.reason for hold in case.holds)}" if case.holds else ""
        raise Conflict(f"{case.ref} is not on hold" + (f" for {named}{held}" if named else ""))
    codes = {hold.code for hold in gone}
    seen = tuple(Accepted(code=f.code, text=f.text, who=who) for f in case.findings if f.code in codes)
    case = replace(case.release(reason, code=code), accepted=(*case.accepted, *seen))
    work.case = case.by_holds()
    work.note("released", f"Released: {', '.join(hold.reason for hold in gone)}.", who)
    _note_on_platform(work, f"Released: {', '.join(hold.reason for hold in gone)}.")
    if not work.case.holds:
        _payment_arrived(work)
        work.owe(DutyEvent.CONFIRMED)


def _payment_arrived(work: Work) -> None:
    """The platform still waits for the money; a person says that it may go on, so the platform is told."""
    if work.case.order.means in (PlatformStatus.ON_HOLD, PlatformStatus.UNPAID, PlatformStatus.FAILED):
        work.show(PlatformStatus.OPEN)


def _hold(work: Work, body: dict[str, Any], request_id: str, who: str) -> None:
    case = _open(work.case)
    reason, text = HoldReason(body.get("reason") or "manual"), str(body.get("text") or "Held by a person.")
    taken = sum(hold.code.partition("-")[0] == MANUAL for hold in case.holds)
    code = f"{MANUAL}-{taken + 1}" if taken else MANUAL  # each can be released by itself
    hold = Hold(reason=reason, text=text, who=who, since=work.now(), releases="a person", code=code)
    work.case = case.hold(hold).by_holds()
    work.note("held", text, who)
    _note_on_platform(work, f"Held ({reason}): {text}")
    told = reason in work.policy.hold_tells_customer
    work.owe(DutyEvent.ON_HOLD, about=f"{reason}-{request_id}", facts={"reason": reason, "text": text}, customer=told)


def _ship(work: Work, body: dict[str, Any], request_id: str, who: str) -> None:
    case = _open(work.case)
    if case.holds:
        raise Conflict(f"{case.ref} is on hold ({', '.join(hold.reason for hold in case.holds)}); release it first")
    if not work.wiring.carriers:
        raise Conflict(f"no carrier is configured: set carriers in [accounts.{work.account.name}]")
    account = str(body.get("account") or work.wiring.carriers[0])
    if account not in work.wiring.carriers:
        raise Conflict(f"{account} is no carrier of {work.account.name}; there are {', '.join(work.wiring.carriers)}")
    plans = _plans(case, body)
    if work.knows("capture_payment") and work.policy.capture != "never":
        work.case = with_captures(work.case, to_capture(work.case))  # before anything leaves
    for number, plan in enumerate(plans, start=1):
        act_id = f"ship-{request_id}" if number == 1 else f"ship-{request_id}+{number}"
        work.case = work.case.with_act(Act.of(act_id, ActKind.BUY_LABEL, plan, account=account))
    work.note("ship", f"To be shipped with {account}{f' from {len(plans)} places' if len(plans) > 1 else ''}.", who)


def _plans(case: Case, body: dict[str, Any]) -> list[ShipmentPlan]:
    """One parcel; where the platform has the goods in several places, one from each."""
    left = left_to_ship(case)
    wanted = typed(body["lines"], tuple[LineQuantity, ...]) if body.get("lines") else left
    rest = {line.line_id: line.quantity for line in left}
    if not wanted or any(line.quantity > rest.get(line.line_id, 0) for line in wanted):
        raise Conflict(f"{case.ref} has {'nothing' if not left else 'not so many'} left to ship")
    try:
        parts = by_origin(case.order.origins, wanted, origin=str(body.get("origin") or ""))
    except ValueError as error:
        raise Conflict(f"{case.ref}: {error}") from error
    number = str(body.get("tracking") or "")
    if number and len(parts) > 1:
        places = " and ".join(origin.name for origin, _ in parts if origin)
        raise Conflict(f"{case.ref} leaves from {places}, and {number} is the number of one parcel; ship each with --origin")
    chosen = {"carrier": str(body.get("carrier") or ""), "service": str(body.get("service") or ""), "tracking_number": number}
    return [ShipmentPlan(lines=lines, origin=origin.id if origin else "", **chosen) for origin, lines in parts]


def _tracking(work: Work, body: dict[str, Any], request_id: str, who: str) -> None:
    """The order may have ended long ago: a number that was wrong is wrong all the same."""
    was = _parcel(work.case, str(body.get("shipment") or ""))
    number, carrier = "".join(str(body["tracking"]).split()), " ".join(str(body.get("carrier") or was.carrier).split())
    if not number.isprintable() or not 0 < len(number) <= LONGEST_NUMBER or "://" in number:
        raise Conflict(f"{work.case.ref}: {number[:LONGEST_NUMBER]!r} is no tracking number; enter the number alone")
    link = str(body.get("url") or _link(was, number, carrier))
    corrected = replace(was, tracking_number=number, carrier=carrier, tracking_url=link)
    if corrected == was:
        raise Conflict(f"{work.case.ref}: the parcel {was.id} has this number already")
    parcels.correct(work, corrected, act_id=f"tracking-{request_id}", who=who)


def _parcel(case: Case, shipment_id: str) -> Shipment:
    there = ", ".join(f"{one.id} ({one.tracking_number or 'no number'})" for one in case.shipments)
    if not there:
        raise Conflict(f"{case.ref}: nothing was shipped yet, so there is no tracking number to correct")
    if not shipment_id and len(case.shipments) > 1:
        raise Conflict(f"{case.ref} has several shipments; say which one: {there}")
    for one in case.shipments:
        if shipment_id in ("", one.id):
            return one
    raise Conflict(f"{case.ref} has no shipment {shipment_id}; there are {there}")


def _link(was: Shipment, number: str, carrier: str) -> str:
    """The same page with the other number in it. Of another carrier, or without the old number in it, we know no page."""
    old = quote(was.tracking_number, safe="")
    is_same = carrier.casefold() == was.carrier.casefold() and old and old in was.tracking_url
    return was.tracking_url.replace(old, quote(number, safe="")) if is_same else ""


def _cancel(work: Work, body: dict[str, Any], request_id: str, who: str) -> None:
    case = _open(work.case)
    if case.shipments:
        raise Conflict(f"{case.ref} was shipped, at least in part; refund it instead")
    if work.info.capabilities.cancel_restocks and not body.get("restock", True):
        raise Conflict(f"{case.ref}: {work.account.name} puts the stock back when it cancels, and cannot be told not to")
    request = CancelRequest(
        id=f"cancel-{request_id}", reason=str(body.get("reason") or ""), restock=bool(body.get("restock", True))
    )
    case = case.drop_open(*_OVERTAKEN, ActKind.WRITE_NOTE)
    case = case.with_act(Act.of(request.id, ActKind.CANCEL_ORDER, request))
    work.case = case
    work.note("cancel", "To be cancelled.", who)
    if work.knows("void_payment") and not work.info.capabilities.cancel_voids:
        for payment in case.order.payments:
            if payment.authorized > payment.captured and not payment.ended:
                act_id = f"void-{request_id}-{payment.id}"
                work.case = work.case.with_act(Act.of(act_id, ActKind.VOID_PAYMENT, payment.id, after=request.id))
    if body.get("refund", True) and refund_left(case):
        _plan_refund(work, after_cancelling(case, request_id, request.reason), after=request.id)


def _refund(work: Work, body: dict[str, Any], request_id: str, who: str) -> None:
    try:
        request = wanted_refund(work.case, body, request_id)
    except ValueError as error:
        raise Conflict(f"{work.case.ref}: {error}") from error
    work.note("refund", f"{request.amount} to be given back.", who)
    _plan_refund(work, request, after="")


def _plan_refund(work: Work, request: RefundRequest, *, after: str) -> None:
    case = work.case.with_refund(RefundRecord(request=request))
    work.case = case.with_act(Act.of(request.id, ActKind.REFUND_PAYMENT, request, after=after))


def _capture(work: Work, body: dict[str, Any], request_id: str, who: str) -> None:
    case = _open(work.case)
    if not work.knows("capture_payment"):
        raise Conflict(f"{case.ref}: {work.account.name} captures payments itself; it cannot be told to")
    wanted = to_capture(case, request_id)
    if not wanted:
        raise Conflict(f"{case.ref}: nothing is authorized that is not captured already")
    work.case = with_captures(case, wanted)
    work.note("capture", "What is authorized is to be captured.", who)


def _note(work: Work, body: dict[str, Any], request_id: str, who: str) -> None:
    note = Note(text=str(body["text"]), to_customer=bool(body.get("to_customer")))
    work.case = work.case.with_act(Act.of(f"note-{request_id}", ActKind.WRITE_NOTE, note))
    work.note("note", "A note was written.", who)


def _open(case: Case) -> Case:
    """Nothing is decided any more on an order that has ended, or is about to."""
    if case.stage not in OPEN:
        raise Conflict(f"{case.ref} is {case.stage}")
    if any(act.kind is ActKind.CANCEL_ORDER and act.state in (ActState.OPEN, ActState.WAITING) for act in case.acts):
        raise Conflict(f"{case.ref} is being cancelled")
    return case


def is_paid(case: Case) -> bool:
    """The money is there, or was there and went back; or the platform says that an order paid in part is complete."""
    said = label(case.order.payments, case.order.currency)
    if said is PaymentLabel.PARTLY_PAID and case.order.means is PlatformStatus.COMPLETED:
        return True  # a person let it go, or has a task, when its total was raised
    return said in (
        PaymentLabel.PAID,
        PaymentLabel.PARTLY_REFUNDED,
        PaymentLabel.REFUNDED,
    )


_COMMANDS = {
    "approve": _approve,
    "release": _release,
    "hold": _hold,
    "ship": _ship,
    "tracking": _tracking,
    "cancel": _cancel,
    "refund": _refund,
    "capture": _capture,
    "note": _note,
}
COMMANDS = tuple(_COMMANDS)
