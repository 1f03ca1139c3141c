"""Intake: what the platform says becomes part of the case, however late, often or out of order it is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from ..model.case import (
    IRREVERSIBLE,
    Act,
    ActKind,
    ActState,
    Case,
    RefundState,
    given_back_by_others,
)
from ..model.changes import edits, together
from ..model.events import DutyEvent, Task, TaskKind
from ..model.flow import OPEN, Stage
from ..model.merging import as_known, fitted, is_weighty, merge, rest_unpaid
from ..model.money import Money, total
from ..model.order import Order, PlatformRefund, PlatformStatus
from ..model.payment import PaymentKind
from ..model.people import without_people
from ..model.review import HoldReason
from . import staff
from .work import Work

IMPORTED = "imported: placed before the import began"

_REST = "rest-unpaid-"
_SENT = (Stage.SHIPPED, Stage.COMPLETED)
TOO_SOON = timedelta(minutes=1)
HISTORY = timedelta(days=7)


def take_news(work: Work) -> None:
    """Take what lies in the inbox about the order itself (commands are the decide step's), and read the order if asked to."""
    news = [item for item in work.lease.inbox if item.kind in ("news", "seen")]
    seen = [item.seen for item in news if item.kind == "seen" and item.seen is not None]
    is_first = work.lease.case is None
    if any(item.kind == "news" and not _is_known(work.lease.case, item.seen) for item in news):
        read_again(work)
    else:
        fresh = work.fresh
        for order in sorted(seen, key=lambda order: order.updated_at):
            take_order(work, order)
            if work.fresh and not fresh:
                break  # it was read on the way, and nothing in the inbox is newer than that
    if is_first and work.lease.case is not None and any(item.body.get("imported") for item in news):
        _leave_untold(work)
    for item in news:
        work.lease.applied(item)


def _is_known(case: Case | None, shown: Order | None) -> bool:
    """Is what a hint shows what we have already, or older? Then it is the echo of our own write, or came late."""
    if case is None or shown is None:
        return False
    return shown.updated_at < case.order.updated_at or as_known(case, shown)[0] == case.order


def _leave_untold(work: Work) -> None:
    """An imported order that is still open is reviewed like any other; what was told long ago is not told again."""
    means = work.case.order.means
    if means in staff.ENDED:
        return
    work.owe(DutyEvent.ON_HOLD, about=f"{HoldReason.AWAITING_PAYMENT}-unpaid", waived=IMPORTED)
    if means is not PlatformStatus.ON_HOLD:  # one that waits for its money is confirmed when the money comes
        work.owe(DutyEvent.CONFIRMED, waived=IMPORTED)


def read_again(work: Work) -> None:
    """Ask the platform for the order as it is now."""
    order = work.hooks.fetch_order(work.account, platform_id=work.lease.platform_id)
    work.fresh = True
    if order is not None:
        take_order(work, order)
    elif work.lease.case is not None:
        # Its time stays: the platform's clock is not ours, and an order that is restored must not seem older than this.
        take_order(work, replace(work.case.order, means=PlatformStatus.DELETED, status="deleted"))


def take_order(work: Work, theirs: Order, *, answers: Act | None = None) -> None:
    """Merge what the platform shows into the case. `answers`: it is the answer to this act of ours."""
    if work.lease.case is None:
        _arrived(work, theirs)
        return
    before = work.case
    if before.erased:
        theirs = without_people(theirs)
    merged = merge(before, theirs, work.now(), begun=_begun(work))
    if merged is before:
        return
    decided = theirs.means is not before.order.means and theirs.means not in expected(merged) | _brings(answers)
    if decided and not work.fresh and _needs_all(merged):
        read_again(work)
        return
    work.case = merged
    _tell_edits(work, before)
    _settle_rest(work)
    _fit_parcels(work)
    if decided:
        staff.decided(work, before.order.means)


def _arrived(work: Work, order: Order) -> None:
    work.case = Case(ref=work.lease.ref, account=work.account.id, order=order)
    work.note("arrived", f"Order {order.number} arrived from {work.account.name}.")
    for refund in order.refunds:
        work.owe(DutyEvent.REFUNDED, about=f"platform-{refund.id}", waived="it happened before the order came here")
    if order.means in staff.ENDED and not _completed_too_soon(order, work.now()):  # history: nobody is told of it now
        work.case = work.case.at(Stage.COMPLETED if order.means is PlatformStatus.COMPLETED else Stage.CANCELLED)
    elif order.means is PlatformStatus.COMPLETED:
        _ask_whether_sent(work)
    elif order.means is PlatformStatus.ON_HOLD and not staff.waits_for_money(order):
        staff.held(work)


def _ask_whether_sent(work: Work) -> None:
    work.open_task(
        Task(
            kind=TaskKind.PROBLEM,
            about="completed-too-soon",
            title=f"{work.case.ref} was completed on the platform when it was placed; has it been sent?",
            steps=(
                f"If not: connector orders release {work.case.ref}, and ship it.",
                "Then close this task. If it was sent, closing this task is all.",
            ),
        )
    )


def _completed_too_soon(order: Order, now: datetime) -> bool:
    """Paid on delivery, and yet paid and completed in the minute in which it was placed, so nothing can have been delivered.

    A platform does so when a program places an order to be paid on delivery as paid (recorded 2026-11-22). It is reviewed as
    a new one. What was placed long ago is history all the same.
    """
    is_to_be_sent = order.needs_shipping and order.shipping_lines  # what is sold over a counter has no way of shipping
    if order.means is not PlatformStatus.COMPLETED or not is_to_be_sent or now - order.placed_at > HISTORY:
        return False
    paid_at = [payment.paid_at for payment in order.payments if payment.kind is PaymentKind.COD]
    return any(at is not None and at - order.placed_at < TOO_SOON for at in paid_at)


def take_answer(work: Work, act: Act, before: Order) -> None:
    """An act of ours was answered with the whole order: whatever is not our own writing in it was done by somebody else.

    `before` is the order as we knew it. Without this, an edit or a decision of staff that the platform shows for the first time
    in the answer to our write would be taken for ours.
    """
    answered = work.case.order
    if answered is not before:
        work.case = replace(work.case, order=before)
        take_order(work, answered, answers=act)


def _brings(act: Act | None) -> set[PlatformStatus]:
    """The status that an act of ours puts an order into."""
    if act is None or act.kind not in (ActKind.PUSH_STATUS, ActKind.CANCEL_ORDER):
        return set()
    return {PlatformStatus(act.what["status"]) if act.kind is ActKind.PUSH_STATUS else PlatformStatus.CANCELLED}


def _begun(work: Work) -> tuple[Act, ...]:
    """Acts that cannot be taken back any more: they were sent, even if the answer is not here yet."""
    acts = tuple(act for act in work.case.open_acts if act.kind in IRREVERSIBLE and _has_effect(work, act))
    sent = {row.request_id for row in work.unsettled()} if acts else set()
    return tuple(act for act in acts if act.id in sent)


def _has_effect(work: Work, act: Act) -> bool:
    return any(key.endswith(f"/{act.id}") for key in work.lease.effects)


def _tell_edits(work: Work, before: Case) -> None:
    said = edits(before.order, work.case.order)
    if not said:
        return
    work.note("edited", f"Changed on the platform: {together(said)}.", staff.ON_PLATFORM)
    rest, stage = rest_unpaid(work.case.order), work.case.stage
    if work.case.holds != before.holds:
        work.note("held", "It was changed after something was bought or given back for it: a person has to look.")
    elif stage in _SENT and rest > rest_unpaid(before.order):
        _edited_too_late(work, said, rest)
    elif stage not in OPEN and is_weighty(before, work.case.order, _begun(work)):
        _edited_too_late(work, said, None)


def _edited_too_late(work: Work, said: tuple[str, ...], rest: Money | None) -> None:
    """A hold would hold nothing any more. `rest`: what is not paid since."""
    missing = f". {rest} of it are not paid" if rest else ""
    ask = (f"Ask the customer for {rest}, or lower the total on the platform.",) if rest else ()
    work.open_task(
        Task(
            kind=TaskKind.PROBLEM,
            about=f"{_REST}{rest.minor}" if rest else "edited-too-late",
            title=f"{work.case.ref} was changed on the platform after it was {work.case.stage}: {together(said)}{missing}",
            steps=(
                "Nothing is done about it here by itself.",
                *ask,
                "See to what is to be sent or given back, then close this task.",
            ),
        )
    )


def _settle_rest(work: Work) -> None:
    """Nothing is missing any more: it was paid, or is not asked for."""
    if rest_unpaid(work.case.order):
        return
    for kind, about in sorted(work.lease.open_tasks):
        if about.startswith(_REST):
            work.lease.close_task(kind, about, "it is paid, or not asked for any more")
            work.note("task", "The rest is paid, or not asked for any more.")


def _fit_parcels(work: Work) -> None:
    """A parcel that was decided and not bought yet holds no more than what is ordered now."""
    begun = {act.id for act in _begun(work)}
    planned = {act.id for act in work.case.open_acts if _has_effect(work, act)}
    work.case, said = fitted(work.case, begun=begun, planned=planned)
    for text in said:
        work.note("changed", text)


def _needs_all(case: Case) -> bool:
    """Is a list too little to decide on? It does not say whether a refund moved money, and a page may be old."""
    if case.stage not in OPEN:
        return True
    return case.order.means in staff.CALLED_OFF and any(refund.money_moved is None for refund in case.order.refunds)


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


def tell_refunds(work: Work) -> bool:
    """Money that others gave back is in the platform's sums already; whoever has to know of it is told. False: none is new.

    While a refund of ours is underway nobody can say whose a new one is; then it is looked at again afterwards.
    """
    if not work.case.order.refunds or any(
        act.kind is ActKind.REFUND_PAYMENT and act.state in (ActState.OPEN, ActState.WAITING) for act in work.case.acts
    ):
        return False
    new = [refund for refund in given_back_by_others(work.case) if not _is_told(work, refund)]
    if any(refund.money_moved is None for refund in new) and not work.fresh:
        read_again(work)  # a list does not say whether money moved
        return True
    for refund in new:
        how = {True: "moved", False: "not_moved", None: ""}[refund.money_moved]
        said = {"moved": "by its gateway", "not_moved": "written down there, no gateway moved it"}.get(how, "nobody says how")
        work.note("refunded", f"{refund.amount} given back on the platform ({said}).", staff.ON_PLATFORM)
        facts = {"amount": refund.amount.text, "currency": refund.amount.currency, "reason": refund.reason, "money": how}
        work.owe(DutyEvent.REFUNDED, about=f"platform-{refund.id}", facts=facts)
    return bool(new)


def _is_told(work: Work, refund: PlatformRefund) -> bool:
    about = f"/{DutyEvent.REFUNDED}/platform-{refund.id}/"
    return any(about in duty for duty in work.case.duties)
