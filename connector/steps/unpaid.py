"""Unpaid: who waits too long with paying is reminded once, and then the order is called off. Only where the policy says so."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from ..config import Unpaid
from ..model.case import Act, ActKind, ActState, Case
from ..model.events import DutyEvent, DutyState
from ..model.flow import OPEN
from ..model.order import PlatformStatus
from ..model.refunds import CancelRequest
from ..model.review import UNPAID, Hold
from .work import Work

LONGEST_SLEEP = timedelta(days=1)
"""So often an order that has a deadline is looked at, whatever clocks and the configuration do meanwhile."""
CANCEL = "cancel-unpaid"
_WAITS = (PlatformStatus.UNPAID, PlatformStatus.ON_HOLD, PlatformStatus.FAILED)
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """When something is to be done about an unpaid order; None: never, or it was done."""

    remind_at: datetime | None
    cancel_at: datetime | None

    @property
    def next(self) -> datetime | None:
        return min((at for at in (self.remind_at, self.cancel_at) if at is not None), default=None)


def is_due(work: Work) -> bool:
    """Is there something to do by now? The order has to be read again before `attend`: the payment may have come."""
    deadline = deadlines(work).next
    return deadline is not None and deadline <= work.now()


def attend(work: Work) -> None:
    """Remind the customer, once; when that was done, or is not wanted, call the order off."""
    when, now = deadlines(work), work.now()
    hold = _waits(work.case)
    if hold is None:
        return
    days = max(1, (now - hold.since).days)
    if when.remind_at is not None and when.remind_at <= now:
        facts = {"days": str(days), "cancel_days": _days_left(work, hold)}
        work.owe(DutyEvent.PAYMENT_REMINDER, about=now.astimezone(UTC).strftime(_STAMP), facts=facts)
        work.note("reminded", f"Not paid for {_days(days)}: the customer is reminded.")
    elif when.cancel_at is not None and when.cancel_at <= now:
        request = CancelRequest(id=f"{CANCEL}-{len(work.case.acts) + 1}", reason="payment")
        work.case = work.case.with_act(Act.of(request.id, ActKind.CANCEL_ORDER, request))
        work.note("cancel", f"Not paid for {_days(days)}: to be cancelled, as the policy says.")


def withdraw(work: Work) -> bool:
    """Paid after all, released or held by a person: what was planned is not done. False: nothing was planned.

    What was sent and not answered is given up as well; what became of it is found out without sending it again.
    """
    if _waits(work.case) is not None or work.case.order.means is PlatformStatus.CANCELLED:
        return False  # cancelled: by this act of ours perhaps, whose answer was lost, and then it finishes what it began
    planned = [act for act in work.case.open_acts if act.id.startswith(CANCEL)]
    for act in planned:
        work.case = work.case.with_act(replace(act, state=ActState.DROPPED, said="it does not wait for its payment any more"))
        work.note("changed", "It is not cancelled: it does not wait for its payment any more.")
    owed = [owed.duty for owed in work.lease.owed if owed.duty.event is DutyEvent.PAYMENT_REMINDER and not owed.again]
    for duty in owed:
        work.lease.settle(duty.id, DutyState.WAIVED, "it does not wait for its payment any more")
    return bool(planned)


def look_again_at(work: Work) -> datetime | None:
    """When to look at this order again by itself, always in the future; None: never."""
    deadline, now = deadlines(work).next, work.now()
    if deadline is None:
        return None
    return min(deadline, now + LONGEST_SLEEP) if deadline > now else now + LONGEST_SLEEP


def deadlines(work: Work) -> Deadlines:
    """What the policy makes of how long the order waits.

    A reminder that went out late puts the end off: the customer has as many days after it as the policy leaves between the two.
    """
    case, hold = work.case, _waits(work.case)
    rule = _rule(work) if hold is not None else None
    if hold is None or rule is None or _is_underway(case):
        return Deadlines(remind_at=None, cancel_at=None)
    reminded_at = _reminded_at(case)
    remind, cancel = rule.remind_after_days, rule.cancel_after_days
    remind_at = hold.since + timedelta(days=remind) if remind is not None and reminded_at is None else None
    cancel_at = hold.since + timedelta(days=cancel) if cancel is not None else None
    if cancel_at is not None and remind is not None and cancel is not None:
        grace = timedelta(days=cancel - remind)
        cancel_at = max(cancel_at, (reminded_at or work.now()) + grace)
    return Deadlines(remind_at=remind_at, cancel_at=cancel_at)


def _waits(case: Case) -> Hold | None:
    """The hold of an order that waits for its first money and for nothing else that a person has said."""
    if case.stage not in OPEN or case.shipments or case.order.means not in _WAITS:
        return None
    if any(payment.captured or payment.authorized for payment in case.order.payments):
        return None
    if any(not hold.by_review for hold in case.holds):
        return None  # somebody has taken it in hand: "she pays on Friday"
    return next((hold for hold in case.holds if hold.code == UNPAID), None)


def _rule(work: Work) -> Unpaid | None:
    kinds = [payment.kind for payment in work.case.order.payments if payment.captured < payment.due]
    return work.policy.unpaid.get(kinds[0]) if kinds else None


def _is_underway(case: Case) -> bool:
    """Something else is being done, or calling it off was tried and a person was asked."""
    busy = (ActState.OPEN, ActState.WAITING)
    if any(act.state in busy and act.kind is not ActKind.WRITE_NOTE for act in case.acts):
        return True
    return any(act.id.startswith(CANCEL) and act.state is ActState.REFUSED for act in case.acts)


def _reminded_at(case: Case) -> datetime | None:
    """From the duty's id: `account/order/payment_reminder/20261123T090000Z/customer`."""
    about = [duty.split("/")[-2] for duty in case.duties if f"/{DutyEvent.PAYMENT_REMINDER}/" in duty]
    return datetime.strptime(about[-1], _STAMP).replace(tzinfo=UTC) if about else None


def _days_left(work: Work, hold: Hold) -> str:
    """From the reminder to the end, in days; "" if there is none."""
    rule = _rule(work)
    if rule is None or rule.cancel_after_days is None:
        return ""
    left = (deadlines(work).cancel_at or hold.since) - work.now()
    return str(max(1, round(left / timedelta(days=1))))


def _days(number: int) -> str:
    return f"{number} day{'s' if number > 1 else ''}"
