"""Fulfil: buy the label that was decided, and let the platform know what left."""

from __future__ import annotations

from dataclasses import replace

from ..model.case import Act, ActKind, ActState, ShipmentPlan, StatusChange, left_to_ship
from ..model.codec import to_json
from ..model.events import DutyEvent
from ..model.flow import OPEN, Stage
from ..model.order import PlatformStatus
from ..model.shipping import Label, LabelRequest, Shipment
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


def _shipped(work: Work, act: Act, plan: ShipmentPlan, label: Label) -> None:
    shipment = Shipment(
        id=act.id,
        lines=plan.lines,
        carrier=label.carrier,
        service=label.service,
        tracking_number=label.tracking_number,
        tracking_url=label.tracking_url,
        vendor_id=label.vendor_id,
        shipped_at=work.now(),
    )
    case = replace(work.case, shipments=(*work.case.shipments, shipment))
    case = case.with_act(Act.of(f"push-{act.id}", ActKind.PUSH_SHIPMENT, shipment))
    if not left_to_ship(case) and case.stage in OPEN:
        case = case.at(Stage.SHIPPED)
        change = StatusChange(status=PlatformStatus.COMPLETED)
        case = case.with_act(Act.of(f"status-{act.id}", ActKind.PUSH_STATUS, change))
    work.case = case
    number = f" {label.tracking_number}" if label.tracking_number else ", without a tracking number"
    work.note("shipped", f"Shipped with {label.carrier or 'a carrier'}{number}.")
    facts = {
        "carrier": label.carrier,
        "tracking_number": label.tracking_number,
        "tracking_url": label.tracking_url,
        "lines": to_json({line.line_id: line.quantity for line in plan.lines}).decode(),
        "more_to_come": "yes" if left_to_ship(case) else "",
    }
    work.owe(DutyEvent.SHIPPED, about=act.id, facts=facts)
