"""How much of what a customer authorized is still to be taken. Pure."""

from __future__ import annotations

from .case import Act, ActKind, ActState, Case
from .money import total
from .payment import CaptureRequest, MoneyMoved


def to_capture(case: Case, request_id: str = "") -> tuple[CaptureRequest, ...]:
    """What is authorized and neither captured nor about to be, never more than the order still costs.

    `request_id`: of the person's command that it is for; without one it has a number of its own.
    """
    order = case.order
    underway = [act.read(CaptureRequest) for act in case.acts if act.kind is ActKind.CAPTURE_PAYMENT and _counts(act)]
    there = total((payment.captured for payment in order.payments), order.currency)
    left = order.total - there - total((request.amount for request in underway), order.currency)
    wanted: list[CaptureRequest] = []
    for payment in order.payments:
        if payment.ended or any(request.payment_id == payment.id for request in underway):
            continue
        amount = min(payment.authorized - payment.captured, left)
        if amount.minor > 0:
            one = f"capture-{request_id or len(case.acts) + 1}{f'+{len(wanted) + 1}' if wanted else ''}"
            wanted.append(CaptureRequest(id=one, amount=amount, payment_id=payment.id))
            left -= amount
    return tuple(wanted)


def with_captures(case: Case, wanted: tuple[CaptureRequest, ...]) -> Case:
    """The case with these still to be done."""
    for request in wanted:
        case = case.with_act(Act.of(request.id, ActKind.CAPTURE_PAYMENT, request))
    return case


def _counts(act: Act) -> bool:
    """Is the money on its way, and not in the payment's sums yet?"""
    is_pending = act.state is ActState.DONE and isinstance(act.answer, dict) and act.answer.get("money") != MoneyMoved.MOVED
    return act.state in (ActState.OPEN, ActState.WAITING) or is_pending
