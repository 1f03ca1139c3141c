"""Intake: what the platform says becomes part of the case, however late, often or out of order it is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ..model.case import ActKind, ActState, Case, RefundState, left_to_ship
from ..model.events import DutyEvent, Task, TaskKind
from ..model.flow import OPEN, Stage
from ..model.money import Money, total
from ..model.order import Order, PlatformStatus
from ..model.review import Hold, HoldReason
from ..model.shipping import Shipment
from .work import Work

ON_PLATFORM = "staff on the platform"
STAFF_HOLD = "platform_on_hold"

# What may not change once something was bought, cancelled or given back for the order.
_COMMITTED_FIELDS = ("lines", "shipping", "total", "currency")


def take_news(work: Work) -> None:
    """Take what lies in the inbox about the order itself (commands are the decide step's), and read the order if asked to."""
    news = [item for item in work.lease.inbox if item.kind in ("news", "seen")]
    seen = [item.seen for item in news if item.seen is not None]
    if len(seen) < len(news):
        read_again(work)
    else:
        fresh = work.fresh
        for order in sorted(seen, key=lambda order: order.updated_at):
            take_order(work, order)
            if work.fresh and not fresh:
                break  # it was read on the way, and nothing in the inbox is newer than that
    for item in news:
        work.lease.applied(item)


def read_again(work: Work) -> None:
    """Ask the platform for the order as it is now."""
    order = work.hooks.fetch_order(work.account, platform_id=work.lease.platform_id)
    work.fresh = True
    if order is not None:
        take_order(work, order)
    elif work.lease.case is not None:
        take_order(work, replace(work.case.order, means=PlatformStatus.DELETED, status="deleted", updated_at=work.now()))


def take_order(work: Work, theirs: Order) -> None:
    """Merge what the platform shows into the case."""
    if work.lease.case is None:
        work.case = Case(ref=work.lease.ref, account=work.account.id, order=theirs)
        work.note("arrived", f"Order {theirs.number} arrived from {work.account.name}.")
        if theirs.means in _ENDED:  # history: nobody is told of it now
            work.case = work.case.at(Stage.COMPLETED if theirs.means is PlatformStatus.COMPLETED else Stage.CANCELLED)
        return
    before = work.case
    merged = merge(before, theirs, work.now())
    if merged is before:
        return
    decided = theirs.means is not before.order.means and theirs.means not in expected(merged)
    if decided and not work.fresh and _needs_all(merged):
        read_again(work)
        return
    work.case = merged
    if len(merged.holds) > len(before.holds):
        work.note("changed", "The order was changed on the platform after something was bought or given back for it.")
    if decided:
        _platform_decided(work, before.order.means)


def _needs_all(case: Case) -> bool:
    """Is a list too little to decide on? It does not say whether a refund moved money, and a page may be old."""
    if case.stage not in OPEN:
        return True
    return case.order.means in _CALLED_OFF and any(refund.money_moved is None for refund in case.order.refunds)


def merge(case: Case, theirs: Order, now: datetime) -> Case:
    """Three ways: what we saw last, what is there now, and what we wrote ourselves. Pure.

    Strictly older news is history and changes nothing; equal times are compared, because platforms count in seconds.
    """
    mine = case.order
    if theirs.updated_at < mine.updated_at:
        return case
    theirs = _with_what_lists_leave_out(mine, theirs)
    if theirs == mine:
        return case
    case = replace(case, order=theirs)
    changed = [name for name in _COMMITTED_FIELDS if getattr(mine, name) != getattr(theirs, name)]
    if changed and case.committed:
        bought = ", ".join(f"{act.kind} {act.id}" for act in case.committed)
        hold = Hold(
            reason=HoldReason.CHANGED_AFTER_COMMIT,
            text=f"{', '.join(changed)} changed on the platform after: {bought}.",
            who="connector",
            since=now,
            releases="a person, who has seen to what was bought already",
            code="changed_after_commit",
        )
        case = case.hold(hold).by_holds()
    return case


def _with_what_lists_leave_out(mine: Order, theirs: Order) -> Order:
    """A list shows neither notes nor whether a refund moved money; only a fetch does. What was known stays known."""
    moved = {refund.id: refund.money_moved for refund in mine.refunds}
    refunds = tuple(
        replace(refund, money_moved=moved.get(refund.id)) if refund.money_moved is None else refund for refund in theirs.refunds
    )
    return replace(theirs, staff_notes=theirs.staff_notes or mine.staff_notes, refunds=refunds)


def expected(case: Case) -> set[PlatformStatus]:
    """Statuses that our own acts are bringing about: seeing one is an echo, not a decision by staff.

    What is done is in what we saw last. Only the status that a refund brings comes later, and not with the shop's answer to it.
    """
    echoes = set()
    for act in case.acts:
        if act.state not in (ActState.OPEN, ActState.WAITING):
            continue
        if act.kind is ActKind.PUSH_STATUS:
            echoes.add(PlatformStatus(act.what["status"]))
        elif act.kind is ActKind.CANCEL_ORDER:
            echoes.add(PlatformStatus.CANCELLED)
    if _refunds_are_ours(case):
        echoes.add(PlatformStatus.REFUNDED)
    return echoes


def _refunds_are_ours(case: Case) -> bool:
    """Is all that the platform has as given back what we gave back? Else staff have refunded more, or written it off."""
    currency = case.order.currency
    ours = total((record.request.amount for record in case.refunds if record.state is not RefundState.REFUSED), currency)
    return bool(ours) and total((refund.amount for refund in case.order.refunds), currency) <= ours


# --- staff on the platform decided ------------------------------------------------------------------------------------

_CALLED_OFF = frozenset({PlatformStatus.CANCELLED, PlatformStatus.DELETED, PlatformStatus.REFUNDED})
_ENDED = _CALLED_OFF | {PlatformStatus.COMPLETED}
_BEFORE_PAYMENT = frozenset({PlatformStatus.DRAFT, PlatformStatus.UNPAID, PlatformStatus.FAILED})


def _platform_decided(work: Work, before: PlatformStatus) -> None:
    """A status that staff set is a decision by a person: we do what follows from it, and never undo it."""
    theirs = work.case.order
    if theirs.means in _CALLED_OFF:
        _called_off_on_platform(work, theirs)
    elif work.case.stage not in OPEN:
        _taken_up_again(work, before)
    elif theirs.means is PlatformStatus.COMPLETED:
        _closed_on_platform(work)
    elif theirs.means is PlatformStatus.ON_HOLD and not (before in _BEFORE_PAYMENT and _waits_for_money(theirs)):
        _held_on_platform(work)
    elif theirs.means is PlatformStatus.OPEN:
        kept = tuple(hold for hold in work.case.holds if hold.code != STAFF_HOLD)
        if kept != work.case.holds:
            work.case = replace(work.case, holds=kept).by_holds()
            work.note("released", "Taken off hold on the platform.", ON_PLATFORM)


def _waits_for_money(order: Order) -> bool:
    """Then the platform itself put it on hold at the checkout, and the review says so, too."""
    return any(payment.captured < payment.due for payment in order.payments)


def _held_on_platform(work: Work) -> None:
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
    wanted = {PlatformStatus.OPEN, PlatformStatus.ON_HOLD} | ({PlatformStatus.COMPLETED} if stage is Stage.CANCELLED else set())
    if before not in _ENDED or theirs.means not in wanted:
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
