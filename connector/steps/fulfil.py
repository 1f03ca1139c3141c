"""Fulfil: buy the label that was decided, and let platform and customer know what left."""

from __future__ import annotations

from dataclasses import replace

from ..model.case import Act, ActState, ShipmentPlan
from ..model.events import Task, TaskKind
from ..model.flow import OPEN, Stage
from ..model.order import PlatformStatus
from ..model.shipping import Label, LabelRequest, Shipment
from . import parcels
from .work import Work


def buy_label(work: Work, act: Act) -> None:
    """One label from the carrier that was chosen; then the parcel counts as shipped."""
    plan = act.read(ShipmentPlan)
    request = LabelRequest(
        id=act.id,
        to=work.case.order.shipping,
        lines=plan.lines,
        carrier=plan.carrier,
        service=plan.service,
        tracking_number=plan.tracking_number,
    )
    carrier = work.registry.account(act.account or work.wiring.carriers[0])
    label = work.hooks_for(act.id).buy_label(carrier, request=request)
    work.case = work.case.with_act(replace(act, state=ActState.DONE, answer={"tracking_number": label.tracking_number}))
    _shipped(work, act, plan, label)


def label_bought(work: Work, act: Act, *, tracking_number: str, who: str) -> None:
    """A person found out that the label was bought, of which no answer came: the parcel has what was planned, and the number if
    the person gave one."""
    plan = act.read(ShipmentPlan)
    work.case = work.case.with_act(replace(act, state=ActState.DONE, said=f"it happened, says {who}"))
    if work.case.stage is Stage.CANCELLED:
        work.open_task(_useless_label(work, act))
        return
    number = tracking_number or plan.tracking_number
    _shipped(work, act, plan, Label(vendor_id="", carrier=plan.carrier, service=plan.service, tracking_number=number))


def _useless_label(work: Work, act: Act) -> Task:
    title = f"{work.case.ref}: a label was bought, and the order is cancelled"
    return Task(kind=TaskKind.PROBLEM, about=act.id, title=title, steps=("Void the label at the carrier's, if it can be.",))


def _shipped(work: Work, act: Act, plan: ShipmentPlan, label: Label) -> None:
    shipment = Shipment(
        id=act.id,
        lines=plan.lines,
        carrier=label.carrier,
        service=label.service,
        tracking_number=label.tracking_number,
        tracking_url=label.tracking_url,
        vendor_id=label.vendor_id,
        origin=plan.origin,
        shipped_at=work.now(),
    )
    parcels.left(work, shipment)
    if parcels.all_left(work.case) and work.case.stage in OPEN:
        work.case = work.case.at(Stage.SHIPPED)
        work.show(PlatformStatus.COMPLETED, act_id=f"status-{act.id}")
