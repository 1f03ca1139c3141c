"""Refund: call an order off, and give money back. Each is one act, done once."""

from __future__ import annotations

from dataclasses import replace

from ..model.case import Act, ActKind, ActState, Note, RefundRecord, RefundState, given_back_too_much, recorded, refund_state
from ..model.codec import to_json
from ..model.events import DutyEvent, Task, TaskKind
from ..model.flow import OPEN, Stage
from ..model.money import total
from ..model.order import PlatformStatus
from ..model.payment import MoneyMoved, PaymentKind
from ..model.refunds import CancelRequest, Refunded, RefundRequest
from ..model.shipping import StockChange
from ..model.stock import stock_changes
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
    # Known without having been seen, so that what staff make of it next is told from our own doing.
    case = replace(case, order=replace(case.order, means=PlatformStatus.CANCELLED))
    work.case = case.release().at(Stage.CANCELLED) if case.stage in OPEN else case
    work.note("cancelled", "Cancelled on the platform" + (", which put the stock back." if restocked else "."))
    facts = {"reason": act.read(CancelRequest).reason}
    if any(other.after == act.id and other.kind is ActKind.REFUND_PAYMENT for other in work.case.acts):
        facts["refund"] = "yes"
    work.owe(DutyEvent.CANCELLED, about=act.id, facts=facts)


def void_payment(work: Work, act: Act) -> None:
    """Let an authorization go: nothing of it will be captured."""
    gone = work.hooks_for(act.id).void_payment(work.account, order=work.case.order, payment_id=act.read(str))
    work.case = work.case.with_act(replace(act, state=ActState.DONE, answer={"void": gone}))
    work.note("voided", "What was authorized and not captured is let go." if gone else "Nothing was authorized any more.")


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
    work.note(
        "refunded", f"{request.amount}: {_IN_WORDS[state]}{', the goods are back in stock' if refunded.restocked else ''}."
    )
    if state is RefundState.MANUAL:
        _open_manual_refund(work, request, "The platform only wrote it down; no money has moved.", _BY_HAND)
    else:
        _owe(work, request, refunded.money)


def happened(work: Work, act: Act) -> None:
    """A person has found the refund in the shop. Where no gateway can move money, that is all that has happened."""
    online = any(payment.kind is PaymentKind.GATEWAY for payment in work.case.order.payments)
    money = MoneyMoved.MOVED if online else MoneyMoved.NOT_MOVED
    given_back(work, act, Refunded(money=money, recorded=True, restocked=False))


def _owe(work: Work, request: RefundRequest, money: MoneyMoved) -> None:
    facts = {"amount": request.amount.text, "currency": request.amount.currency, "reason": request.reason, "money": money}
    if request.lines:
        facts["lines"] = to_json({line.line_id: line.quantity for line in request.lines}).decode()
    work.owe(DutyEvent.REFUNDED, about=request.id, facts=facts)


_BY_HAND = (
    "Look whether {amount} was given back already.",
    "If not, give back {amount} the way it was paid. The shop has it on record: do not refund it there once more.",
    "Close this task and say what you did; whoever has to be told is told then.",
)
_DECLINED = (
    "Look at the gateway whether {amount} was given back already.",
    "If not, and it is owed, give back {amount} there, and write it down in the shop (refund manually).",
    "Close this task and say what you did.",
)


def _open_manual_refund(work: Work, request: RefundRequest, why: str, steps: tuple[str, ...]) -> None:
    """A person has to give the money back."""
    work.open_task(
        Task(
            kind=TaskKind.MANUAL_REFUND,
            about=request.id,
            title=f"{work.case.ref}: give {request.amount} back by hand. {why}",
            steps=tuple(step.format(amount=request.amount) for step in steps),
        )
    )


def not_given_back(work: Work, act: Act, why: str) -> None:
    """The gateway said no, or cannot be told: a person gives it back, or decides not to.

    Where others gave it back meanwhile there is nothing to do by hand, or it would go back twice.
    """
    called_off_too(work, act)
    request, order = act.read(RefundRequest), work.case.order
    captured = total((payment.captured for payment in order.payments), order.currency)
    if captured - recorded(work.case) < request.amount:
        work.note("refunded", f"{request.amount}: not given back, so much is not left: others gave back money meanwhile.")
        return
    _open_manual_refund(work, request, why, _DECLINED)


def called_off_too(work: Work, act: Act) -> None:
    """Nothing was given back, and nothing will be unless somebody decides so again."""
    work.case = work.case.with_refund(RefundRecord(request=act.read(RefundRequest), state=RefundState.REFUSED))


# --- what follows by itself -------------------------------------------------------------------------------------------


def follow_up(work: Work) -> bool:
    """What follows from how the order is by now. False: nothing new does."""
    before = work.case
    _settle_by_hand(work)
    _look_for_too_much(work)
    if work.policy.restock:
        _plan_stock(work)
    return work.case is not before


def _settle_by_hand(work: Work) -> None:
    """A person closes the task: the money has gone back. Only now is anybody told; the task opened again is a no to that."""
    for record in work.case.refunds:
        request, is_open = record.request, (TaskKind.MANUAL_REFUND, record.request.id) in work.lease.open_tasks
        if record.state is RefundState.MANUAL and not is_open:
            work.case = work.case.with_refund(replace(record, state=RefundState.DONE))
            work.note("refunded", f"{request.amount}: given back by hand.")
            _owe(work, request, MoneyMoved.MOVED)
        elif record.state is RefundState.DONE and is_open:
            work.case = work.case.with_refund(replace(record, state=RefundState.MANUAL))
            work.note("refunded", f"{request.amount}: not given back by hand after all.")


def _look_for_too_much(work: Work) -> None:
    """The shop has no lock between our refund and one made in its own pages: both may have gone out (recorded)."""
    over = given_back_too_much(work.case)
    note_id = f"note-too-much-{over.minor}"
    if not over or not work.case.reviewed or work.case.act(note_id) is not None:
        return
    text = f"{over} more was given back than the customer paid."
    work.case = work.case.with_act(Act.of(note_id, ActKind.WRITE_NOTE, Note(text=text)))
    work.open_task(
        Task(
            kind=TaskKind.PROBLEM,
            about=f"too-much-{over.minor}",
            title=f"{work.case.ref}: {text}",
            steps=("Look at the gateway what really went back.", "Ask the customer for what was too much, or leave it."),
        )
    )


def _plan_stock(work: Work) -> None:
    for change in stock_changes(work.case, _put_back_at(work)):
        work.case = work.case.with_act(Act.of(change.id, ActKind.ADJUST_INVENTORY, change))
        word = "be put back into" if change.change > 0 else "be taken out of"
        work.note("stock", f"{abs(change.change)} of product {change.product_id} to {word} stock.")


def _put_back_at(work: Work) -> set[PlatformStatus]:
    return {PlatformStatus(status.value) for status in work.policy.restock}


def adjust_inventory(work: Work, act: Act) -> None:
    """Put pieces back into stock, or take them, unless the platform has done so itself by now."""
    change = act.read(StockChange)
    begun = any(key.endswith(f"/{act.id}") for key in work.lease.effects)
    planned_anew = stock_changes(work.case.with_act(replace(act, state=ActState.DROPPED)), _put_back_at(work))
    if not begun and not any(_is_same(change, new) for new in planned_anew):
        work.case = work.case.with_act(replace(act, state=ActState.DROPPED, said="the order has changed meanwhile"))
        return
    counted = work.hooks_for(act.id).adjust_inventory(work.account, change=change)
    work.case = work.case.with_act(replace(act, state=ActState.DONE, answer={"counted": counted}))
    done = "put back into stock" if change.change > 0 else "taken out of stock"
    text = f"{abs(change.change)} of product {change.product_id}: {done if counted else 'the platform does not count it'}."
    work.note("stock", text)


def _is_same(one: StockChange, other: StockChange) -> bool:
    return replace(one, id=other.id) == other
