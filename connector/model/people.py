"""An order without the people in it: what stays of it once its customer was erased. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from .case import Act, ActKind, ActState, Case
from .flow import OPEN
from .order import Address, Customer, Order

_UNDERWAY = (ActState.OPEN, ActState.WAITING)
# What of an act may be somebody's own words about a person.
_WORDS = {
    ActKind.WRITE_NOTE: "text",
    ActKind.SET_HOLD: "text",
    ActKind.RELEASE_HOLD: "text",
    ActKind.REFUND_PAYMENT: "reason",
    ActKind.CANCEL_ORDER: "reason",
}
HELD = "Held by a person."
"""In the place of what a person wrote about a hold."""
_BY_HAND = "manual"  # the code of such a hold


def without_people(order: Order) -> Order:
    """The order with its sums, times, products and numbers, and nothing that says who bought it or what people wrote in it."""
    return replace(
        order,
        customer=Customer(),
        billing=Address(),
        shipping=Address(),
        customer_note="",
        staff_notes=(),
        lines=tuple(replace(line, personal=()) if line.personal else line for line in order.lines),
        holds=tuple(replace(hold, text="") for hold in order.holds),
        risks=tuple(replace(risk, facts=()) for risk in order.risks),
        tags=(),
        refunds=tuple(replace(refund, reason="") if refund.reason else refund for refund in order.refunds),
    )


def erased(case: Case, at: datetime) -> Case:
    """The case without its customer, for good: what the platform shows of them from now on is left out."""
    underway = {act.id for act in case.acts if act.state in _UNDERWAY}
    return replace(
        case,
        erased=at,
        order=without_people(case.order),
        findings=tuple(replace(finding, value="") for finding in case.findings),
        holds=tuple(replace(hold, text=HELD) if hold.code.startswith(_BY_HAND) else hold for hold in case.holds),
        acts=tuple(act if act.id in underway else _without_words(act) for act in case.acts),
        refunds=tuple(
            record if record.request.id in underway else replace(record, request=replace(record.request, reason=""))
            for record in case.refunds
        ),
        reviewed="",  # a digest of what is gone
    )


def _without_words(act: Act) -> Act:
    what: Any = act.what
    word = _WORDS.get(act.kind, "")
    return replace(act, what={**what, word: ""}) if isinstance(what, dict) and what.get(word) else act


def underway(case: Case) -> str:
    """Why the customer is still needed, as far as the case knows ("": they are not)."""
    if case.stage in OPEN:
        return f"it is {case.stage.replace('_', ' ')}"
    act = next((act for act in case.acts if act.state in _UNDERWAY), None)
    return f"{act.kind.replace('_', ' ')} is not done yet" if act else ""
