"""Decide: the merchant's policy turns findings into approve or hold, and a person's command into what is to be done."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..config import Policy
from ..errors import Conflict
from ..model.case import (
    Accepted,
    Act,
    ActKind,
    ActState,
    Case,
    Note,
    RefundRecord,
    ShipmentPlan,
    StatusChange,
    left_to_ship,
    refund_left,
)
from ..model.codec import typed
from ..model.events import DutyEvent
from ..model.flow import OPEN, Stage
from ..model.money import Money
from ..model.order import PlatformStatus
from ..model.payment import PaymentLabel, label
from ..model.refunds import CancelRequest, RefundRequest
from ..model.review import Finding, Hold, HoldReason, Severity
from ..model.shipping import LineQuantity
from ..store.lease import InboxItem
from .work import Work

log = logging.getLogger(__name__)

_HOLDING = (Severity.HOLD, Severity.BLOCK)

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
        told = hold.reason in work.policy.hold_tells_customer
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
        case = case.hold(
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


def _severity(finding: Finding, case: Case, policy: Policy) -> Severity:
    if any(accepted.code == finding.code and accepted.text == finding.text for accepted in case.accepted):
        return Severity.INFO
    if finding.code == "unpaid" and any(payment.kind in policy.ship_unpaid for payment in case.order.payments):
        return Severity.INFO
    return policy.findings.get(finding.code, finding.severity)


def _note_on_platform(work: Work, text: str) -> None:
    act_id = f"note-{len(work.case.acts) + 1}"
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
    gone = [hold for hold in case.holds if reason is None or hold.reason is reason]
    if not gone:
        raise Conflict(f"{case.ref} is not on hold" + (f" for {reason}" if reason else ""))
    codes = {hold.code for hold in gone}
    seen = tuple(Accepted(code=f.code, text=f.text, who=who) for f in case.findings if f.code in codes)
    case = replace(case.release(reason), accepted=(*case.accepted, *seen))
    work.case = case.by_holds()
    work.note("released", f"Released: {', '.join(hold.reason for hold in gone)}.", who)
    _note_on_platform(work, f"Released: {', '.join(hold.reason for hold in gone)}.")
    if not work.case.holds:
        _payment_arrived(work)
        work.owe(DutyEvent.CONFIRMED)


def _payment_arrived(work: Work) -> None:
    """The platform still waits for the money; a person says that it may go on, so the platform is told."""
    if work.case.order.means is PlatformStatus.ON_HOLD:
        change = StatusChange(status=PlatformStatus.OPEN)
        work.case = work.case.with_act(Act.of(f"status-{len(work.case.acts) + 1}", ActKind.PUSH_STATUS, change))


def _hold(work: Work, body: dict[str, Any], request_id: str, who: str) -> None:
    case = _open(work.case)
    reason, text = HoldReason(body.get("reason") or "manual"), str(body.get("text") or "Held by a person.")
    hold = Hold(reason=reason, text=text, who=who, since=work.now(), releases="a person", code="manual")
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
    left = left_to_ship(case)
    wanted = typed(body["lines"], tuple[LineQuantity, ...]) if body.get("lines") else left
    rest = {line.line_id: line.quantity for line in left}
    if not wanted or any(line.quantity > rest.get(line.line_id, 0) for line in wanted):
        raise Conflict(f"{case.ref} has {'nothing' if not left else 'not so many'} left to ship")
    plan = ShipmentPlan(
        lines=wanted,
        carrier=str(body.get("carrier") or ""),
        service=str(body.get("service") or ""),
        tracking_number=str(body.get("tracking") or ""),
    )
    account = str(body.get("account") or work.wiring.carriers[0])
    if account not in work.wiring.carriers:
        raise Conflict(f"{account} is no carrier of {work.account.name}; there are {', '.join(work.wiring.carriers)}")
    work.case = case.with_act(Act.of(f"ship-{request_id}", ActKind.BUY_LABEL, plan, account=account))
    work.note("ship", f"To be shipped with {account}.", who)


def _cancel(work: Work, body: dict[str, Any], request_id: str, who: str) -> None:
    case = _open(work.case)
    if case.shipments:
        raise Conflict(f"{case.ref} was shipped, at least in part; refund it instead")
    request = CancelRequest(
        id=f"cancel-{request_id}", reason=str(body.get("reason") or ""), restock=bool(body.get("restock", True))
    )
    case = case.drop_open(ActKind.BUY_LABEL, ActKind.PUSH_SHIPMENT, ActKind.PUSH_STATUS, ActKind.WRITE_NOTE)
    case = case.with_act(Act.of(request.id, ActKind.CANCEL_ORDER, request))
    work.case = case
    work.note("cancel", "To be cancelled.", who)
    left = refund_left(case)
    if body.get("refund", True) and left:
        _plan_refund(work, RefundRequest(id=f"refund-{request_id}", amount=left, reason=request.reason), after=request.id)


def _refund(work: Work, body: dict[str, Any], request_id: str, who: str) -> None:
    case, left = work.case, refund_left(work.case)
    try:
        amount = Money.parse(str(body["amount"]), case.order.currency) if body.get("amount") else left
        request = RefundRequest(id=f"refund-{request_id}", amount=amount, reason=str(body.get("reason") or ""))
    except ValueError as error:
        raise Conflict(f"{case.ref}: {error}") from error
    if amount > left:
        raise Conflict(f"{case.ref}: {amount} is more than the {left} that can still be given back")
    work.note("refund", f"{amount} to be given back.", who)
    _plan_refund(work, request, after="")


def _plan_refund(work: Work, request: RefundRequest, *, after: str) -> None:
    case = work.case.with_refund(RefundRecord(request=request))
    work.case = case.with_act(Act.of(request.id, ActKind.REFUND_PAYMENT, request, after=after))


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
    """The money is there, or was there and went back."""
    return label(case.order.payments, case.order.currency) in (
        PaymentLabel.PAID,
        PaymentLabel.PARTLY_REFUNDED,
        PaymentLabel.REFUNDED,
    )


_COMMANDS = {
    "approve": _approve,
    "release": _release,
    "hold": _hold,
    "ship": _ship,
    "cancel": _cancel,
    "refund": _refund,
    "note": _note,
}
COMMANDS = tuple(_COMMANDS)
