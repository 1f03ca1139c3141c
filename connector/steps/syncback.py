"""Sync back: the platform shows what was decided and done, and its answer becomes what we saw last."""

from __future__ import annotations

from dataclasses import replace

from ..model.case import Act, ActState, Note, StatusChange
from ..model.order import Order
from ..model.shipping import Shipment
from .work import Work


def push_shipment(work: Work, act: Act) -> None:
    shipment = act.read(Shipment)
    order = work.hooks_for(act.id).push_shipment(work.account, order=work.case.order, shipment=shipment)
    _done(work, act, order)
    work.note("told_platform", f"The platform shows the shipment {shipment.tracking_number or shipment.id}.")


def push_status(work: Work, act: Act) -> None:
    change = act.read(StatusChange)
    order = work.hooks_for(act.id).push_status(work.account, order=work.case.order, change=change)
    _done(work, act, order)
    if order is None:  # looked up: that it happened is known, not how the order looks now
        work.case = replace(work.case, order=replace(work.case.order, means=change.status))
    work.note("told_platform", f"The platform shows the order as {change.status}.")


def write_note(work: Work, act: Act) -> None:
    note = act.read(Note)
    work.hooks_for(act.id).write_note(work.account, order=work.case.order, note=note)
    _done(work, act, None)


def _done(work: Work, act: Act, order: Order | None) -> None:
    case = work.case.with_act(replace(act, state=ActState.DONE))
    if order is not None and order.updated_at >= case.order.updated_at:
        # The answer to our own write is what we saw last: its echo then differs in nothing. Notes are not in it.
        case = replace(case, order=replace(order, staff_notes=case.order.staff_notes))
    work.case = case
