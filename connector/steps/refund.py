"""Refund: call an order off, and give money back. Each is one act, done once."""

from __future__ import annotations

from dataclasses import replace

from ..model.case import Act, ActKind, ActState, RefundRecord, RefundState, refund_state
from ..model.events import DutyEvent, Task, TaskKind
from ..model.flow import OPEN, Stage
from ..model.refunds import CancelRequest, Refunded, RefundRequest
from .work import Work

_IN_WORDS = {
    RefundState.DONE: "given back",
    RefundState.PENDING: "on its way back",
    RefundState.MANUAL: "written down on the platform, not given back yet",
}


def cancel_order(work: Work, act: Act) -> None:
    """Call the order off on the platform."""
    request = act.read(CancelRequest)
    cancelled = work.hooks_for(act.id).cancel_order(work.account, order=work.case.order, request=request)
    called_off(work, act, restocked=cancelled.restocked)


def called_off(work: Work, act: Act, *, restocked: bool) -> None:
    """The platform has called it off."""
    case = work.case.with_act(replace(act, state=ActState.DONE, answer={"restocked": restocked}))
    work.case = case.release().at(Stage.CANCELLED) if case.stage in OPEN else case
    work.note("cancelled", "Cancelled on the platform" + (", which put the stock back." if restocked else "."))
    facts = {"reason": act.read(CancelRequest).reason}
    if any(other.after == act.id and other.kind is ActKind.REFUND_PAYMENT for other in work.case.acts):
        facts["refund"] = "yes"
    work.owe(DutyEvent.CANCELLED, about=act.id, facts=facts)


def refund_payment(work: Work, act: Act) -> None:
    """Give money back through the platform's gateway."""
    request = act.read(RefundRequest)
    refunded = work.hooks_for(act.id).refund_payment(work.account, order=work.case.order, request=request)
    given_back(work, act, refunded)


def given_back(work: Work, act: Act, refunded: Refunded) -> None:
    """What became of a refund: moved, underway, or only written down, and then a person has to move it."""
    request = act.read(RefundRequest)
    state = refund_state(refunded.money)
    record = RefundRecord(request=request, state=state, vendor_id=refunded.vendor_id)
    work.case = work.case.with_act(replace(act, state=ActState.DONE, answer={"id": refunded.vendor_id})).with_refund(record)
    work.note("refunded", f"{request.amount}: {_IN_WORDS[state]}.")
    if state is RefundState.MANUAL:
        open_manual_refund(work, act, "The platform only wrote it down; no money has moved.")
    if state in (RefundState.DONE, RefundState.PENDING):
        facts = {"amount": request.amount.text, "currency": request.amount.currency, "reason": request.reason}
        work.owe(DutyEvent.REFUNDED, about=act.id, facts=facts)


def open_manual_refund(work: Work, act: Act, why: str) -> None:
    """A person has to give the money back."""
    request = act.read(RefundRequest)
    work.open_task(
        Task(
            kind=TaskKind.MANUAL_REFUND,
            about=act.id,
            title=f"{work.case.ref}: give {request.amount} back by hand. {why}",
            steps=(
                f"Look at the gateway whether {request.amount} was given back already.",
                f"If not, give back {request.amount} there.",
                "Close this task and say what you did.",
            ),
        )
    )


def not_given_back(work: Work, act: Act, why: str) -> None:
    """The gateway said no, or cannot be told: a person gives it back, or decides not to."""
    called_off_too(work, act)
    open_manual_refund(work, act, why)


def called_off_too(work: Work, act: Act) -> None:
    """Nothing was given back, and nothing will be unless somebody decides so again."""
    work.case = work.case.with_refund(RefundRecord(request=act.read(RefundRequest), state=RefundState.REFUSED))
