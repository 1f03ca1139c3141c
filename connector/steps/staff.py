"""What staff set an order to on the platform: a decision by a person, never undone. What follows from it is done here."""

from __future__ import annotations

from dataclasses import replace

from ..model.case import ActKind, ActState, Case, RefundState, left_to_ship
from ..model.events import DutyEvent, Task, TaskKind
from ..model.flow import OPEN, Stage
from ..model.money import Money, total
from ..model.order import Order, PlatformStatus
from ..model.payment import PaymentKind
from ..model.review import Hold, HoldReason
from ..model.shipping import Shipment
from .work import Work

ON_PLATFORM = "staff on the platform"
STAFF_HOLD = "platform_on_hold"
CALLED_OFF = frozenset({PlatformStatus.CANCELLED, PlatformStatus.DELETED, PlatformStatus.REFUNDED})
ENDED = CALLED_OFF | {PlatformStatus.COMPLETED}
_BEFORE_PAYMENT = frozenset({PlatformStatus.DRAFT, PlatformStatus.UNPAID, PlatformStatus.FAILED})


def decided(work: Work, before: PlatformStatus) -> None:
    """A status that staff set is a decision by a person: we do what follows from it, and never undo it."""
    theirs = work.case.order
    if theirs.means in CALLED_OFF:
        _called_off_on_platform(work, theirs)
    elif work.case.stage not in OPEN:
        _taken_up_again(work, before)
    elif theirs.means is PlatformStatus.COMPLETED:
        _closed_on_platform(work)
    elif theirs.means is PlatformStatus.ON_HOLD and not (before in _BEFORE_PAYMENT and waits_for_money(theirs)):
        held(work)
    elif theirs.means in _BEFORE_PAYMENT or theirs.means is PlatformStatus.UNKNOWN:
        work.note("changed", f"Set to {theirs.status} on the platform.", ON_PLATFORM)  # the review says what that means
    elif theirs.means is PlatformStatus.OPEN:
        kept = tuple(hold for hold in work.case.holds if hold.code != STAFF_HOLD)
        if kept != work.case.holds:
            work.case = replace(work.case, holds=kept).by_holds()
            work.note("released", "Taken off hold on the platform.", ON_PLATFORM)


def waits_for_money(order: Order) -> bool:
    """Then the platform itself put it on hold at the checkout, and the review says so, too. On delivery is no wait."""
    return any(payment.captured < payment.due and payment.kind is not PaymentKind.COD for payment in order.payments)


def held(work: Work) -> None:
    hold = Hold(
        reason=HoldReason.MANUAL,
        text="Set on hold on the platform.",
        who=ON_PLATFORM,
        since=work.now(),
        releases="taking it off hold on the platform, or connector orders release",
        code=STAFF_HOLD,
    )
    work.case = work.case.hold(hold).by_holds()
    work.note("held", "Set on hold on the platform.", ON_PLATFORM)


def _taken_up_again(work: Work, before: PlatformStatus) -> None:
    """Nothing leaves a final stage: that staff (or a late payment) want the order after all is for a person."""
    theirs, stage = work.case.order, work.case.stage
    wanted = {PlatformStatus.UNPAID, PlatformStatus.OPEN, PlatformStatus.ON_HOLD}
    # A payment that fails is nothing to an order that was called off, and completing nothing to one that is complete.
    wanted.add(PlatformStatus.COMPLETED if stage is Stage.CANCELLED else PlatformStatus.FAILED)
    if before not in ENDED or theirs.means not in wanted:
        return
    work.note("changed", f"Taken up again on the platform ({theirs.status}) after it was {stage}.", ON_PLATFORM)
    work.open_task(
        Task(
            kind=TaskKind.PROBLEM,
            about="taken-up-again",
            title=f"{work.case.ref} was taken up again on the platform ({theirs.status}) after it was {stage}",
            steps=(
                "Nothing more is done for it here by itself.",
                "See to it on the platform, or place a new order there for what is still to be sent.",
            ),
        )
    )


def _closed_on_platform(work: Work) -> None:
    case = work.case.drop_open(ActKind.BUY_LABEL, ActKind.PUSH_SHIPMENT, ActKind.PUSH_STATUS).release()
    left = left_to_ship(case)
    if left:
        gone = Shipment(id=f"platform-{len(case.shipments) + 1}", lines=left, shipped_at=work.now())
        case = replace(case, shipments=(*case.shipments, gone))
    work.case = case.at(Stage.SHIPPED)
    work.note("shipped", "Completed on the platform, without a tracking number from here.", ON_PLATFORM)
    work.owe(DutyEvent.SHIPPED, about="platform")


def _called_off_on_platform(work: Work, theirs: Order) -> None:
    word = {PlatformStatus.DELETED: "Deleted", PlatformStatus.REFUNDED: "Refunded"}.get(theirs.means, "Cancelled")
    if work.case.stage is Stage.CANCELLED:
        return
    if work.case.stage not in OPEN or work.case.shipments:
        _called_off_too_late(work, word)
        return
    work.case = _without_dropped_refunds(work.case.drop_open(*ActKind)).release().at(Stage.CANCELLED)
    work.note("cancelled", f"{word} on the platform.", ON_PLATFORM)
    work.owe(DutyEvent.CANCELLED, about="platform")
    kept = money_kept(theirs)
    if kept:
        work.open_task(
            Task(
                kind=TaskKind.MANUAL_REFUND,
                about="platform",
                title=f"{work.case.ref} was {word.lower()} on the platform; {kept} of the customer's money is still with you",
                steps=("Look at the gateway whether it was given back.", "If it is owed, refund it there or on the platform."),
            )
        )


def _called_off_too_late(work: Work, word: str) -> None:
    """Something has left already. What has not stays in the house until a person says otherwise."""
    case = work.case.drop_open(ActKind.BUY_LABEL, ActKind.PUSH_STATUS)
    if case.stage in OPEN:
        hold = Hold(
            reason=HoldReason.MANUAL,
            text=f"{word} on the platform after a part was shipped.",
            who=ON_PLATFORM,
            since=work.now(),
            releases="a person, if the rest is to be sent all the same",
            code="called_off",
        )
        case = case.hold(hold).by_holds()
    work.case = case
    work.note("changed", f"{word} on the platform after it was shipped.", ON_PLATFORM)
    work.open_task(
        Task(
            kind=TaskKind.PROBLEM,
            about=f"called-off-{case.order.means}",
            title=f"{case.ref} was {word.lower()} on the platform after it was shipped",
            steps=("Ask the customer or the carrier for the parcel.", "Give the money back if it is owed."),
        )
    )


def _without_dropped_refunds(case: Case) -> Case:
    """A refund that is not sent any more does not count as underway."""
    dropped = {act.id for act in case.acts if act.state is ActState.DROPPED}
    for record in case.refunds:
        if record.request.id in dropped and record.state is RefundState.ASKED:
            case = case.with_refund(replace(record, state=RefundState.REFUSED))
    return case


def money_kept(order: Order) -> Money:
    """What was captured and, as far as the platform shows, not given back. A refund that moved no money does not count."""
    captured = total((payment.captured for payment in order.payments), order.currency)
    moved = total((refund.amount for refund in order.refunds if refund.money_moved is not False), order.currency)
    kept = captured - moved
    return kept if kept.minor > 0 else Money.zero(order.currency)
