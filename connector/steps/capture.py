"""Capture: money that the customer authorized is taken before anything leaves, and before the authorization runs out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from ..model.capturing import to_capture, with_captures
from ..model.case import Act, ActKind, ActState, Case
from ..model.events import Task, TaskKind
from ..model.flow import OPEN, Stage
from ..model.payment import Captured, CaptureRequest, MoneyMoved, Payment
from .work import Work


def is_due(work: Work) -> bool:
    """Is there money to be taken by now, or a person to be told that it will be lost?"""
    return bool(_due(work))


def attend(work: Work) -> None:
    """Take it, or say that it runs out where the order is not approved yet."""
    due = _due(work)
    if work.case.stage is not Stage.PROCESSING:
        for request in due:
            work.open_task(_runs_out(work, request))
        return
    work.case = with_captures(work.case, due)
    for request in due:
        work.note("capture", f"{request.amount} to be captured.")


def look_again_at(work: Work) -> datetime | None:
    """When the next authorization has to be used, if nothing else happens before; None: never."""
    times = (_use_by(work, request) for request in _left(work))
    return min((at for at in times if at is not None), default=None)


def capture_payment(work: Work, act: Act) -> None:
    request = act.read(CaptureRequest)
    captured(work, act, work.hooks_for(act.id).capture_payment(work.account, order=work.case.order, request=request))


def captured(work: Work, act: Act, outcome: Captured) -> None:
    """The gateway has taken it, or will say later."""
    request = act.read(CaptureRequest)
    answer = {"money": outcome.money, "vendor_id": outcome.vendor_id}
    work.case = work.case.with_act(replace(act, state=ActState.DONE, answer=answer))
    if outcome.money is MoneyMoved.MOVED:
        work.case = _with_captured(work.case, request)
    work.lease.close_task(TaskKind.PROBLEM, _about(request.payment_id), "captured")
    work.fresh = False  # its payments and its status are not what we read before
    work.note("captured", f"{request.amount} {'captured' if outcome.money is MoneyMoved.MOVED else 'is being captured'}.")


def refused(work: Work) -> None:
    """No money, no parcel: what was to leave stays until a person has decided."""
    work.case = work.case.drop_open(ActKind.BUY_LABEL)


def _due(work: Work) -> tuple[CaptureRequest, ...]:
    is_wanted_at_once = work.policy.capture == "approval" and work.case.stage is Stage.PROCESSING
    return tuple(one for one in _left(work) if is_wanted_at_once or _is_about_to_run_out(work, one))


def _left(work: Work) -> tuple[CaptureRequest, ...]:
    """What is to be taken by itself: not what was refused, nor what a person was asked about."""
    if work.case.stage not in OPEN or work.policy.capture == "never" or not work.knows("capture_payment"):
        return ()
    return tuple(one for one in to_capture(work.case) if not _is_a_persons(work, one.payment_id))


def _is_a_persons(work: Work, payment_id: str) -> bool:
    refused = (act for act in work.case.acts if act.kind is ActKind.CAPTURE_PAYMENT and act.state is ActState.REFUSED)
    was_asked = (TaskKind.PROBLEM, _about(payment_id)) in work.lease.open_tasks and work.case.stage is not Stage.PROCESSING
    return was_asked or any(act.read(CaptureRequest).payment_id == payment_id for act in refused)


def _is_about_to_run_out(work: Work, request: CaptureRequest) -> bool:
    use_by = _use_by(work, request)
    return use_by is not None and use_by <= work.now()


def _use_by(work: Work, request: CaptureRequest) -> datetime | None:
    """A while before the authorization runs out."""
    until = _payment(work.case, request).authorized_until
    return until - timedelta(hours=work.policy.capture_before_expiry_hours) if until else None


def _payment(case: Case, request: CaptureRequest) -> Payment:
    return next(payment for payment in case.order.payments if payment.id == request.payment_id)


def _with_captured(case: Case, request: CaptureRequest) -> Case:
    payments = tuple(
        replace(one, captured=one.captured + request.amount) if one.id == request.payment_id else one
        for one in case.order.payments
    )
    return replace(case, order=replace(case.order, payments=payments))


def _about(payment_id: str) -> str:
    return f"authorization-{payment_id}"


def _runs_out(work: Work, request: CaptureRequest) -> Task:
    until = _payment(work.case, request).authorized_until
    return Task(
        kind=TaskKind.PROBLEM,
        about=_about(request.payment_id),
        title=f"{work.case.ref}: {request.amount} is only authorized; the authorization runs out {until:%Y-%m-%d %H:%M} UTC",
        steps=(
            f"Take the money: connector orders capture {work.case.ref}",
            f"Or call the order off: connector orders cancel {work.case.ref}",
        ),
    )
