"""Review: everybody who reviews for this shop says what they see. Nothing is decided here."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from ..config import Policy
from ..model.case import ActKind, ActState, Case
from ..model.codec import to_json
from ..model.flow import OPEN, Stage
from ..model.merging import rest_unpaid
from ..model.order import Order, PlatformStatus
from ..model.payment import label
from .work import Work


def is_needed(work: Work) -> bool:
    """An order is reviewed when it is new, and again when something changed that a review looks at."""
    case = work.case
    if case.stage not in OPEN or case.order.means is PlatformStatus.DRAFT or _is_being_cancelled(case):
        return False
    return case.reviewed != digest(work)


def _is_being_cancelled(case: Case) -> bool:
    """What the platform does meanwhile (it voids what was authorized, for one) holds nothing and is told nobody. If it refuses
    to cancel, the order is looked at then."""
    return any(act.kind is ActKind.CANCEL_ORDER and act.state in (ActState.OPEN, ActState.WAITING) for act in case.acts)


def look(work: Work) -> None:
    """Ask the reviewers and keep what they find."""
    findings = work.hooks.review_order(work.account, order=work.case.order, carriers=work.carriers())
    again = " again" if work.case.reviewed else ""
    case = work.case.at(Stage.IN_REVIEW) if work.case.stage is Stage.NEW else work.case
    work.case = replace(case, findings=tuple(findings), reviewed=digest(work))
    codes = ", ".join(dict.fromkeys(finding.code.replace("_", " ") for finding in findings))
    work.note("reviewed", f"Reviewed{again}: {codes or 'nothing to see'}.")


def digest(work: Work) -> str:
    """What a review looks at, as one word: if it stays the same, so do the findings."""
    order = work.case.order
    looked_at = (
        order.lines,
        order.shipping_lines,
        order.shipping,
        order.billing,
        order.customer,
        order.customer_note,
        order.staff_notes,
        order.total,
        label(order.payments, order.currency),
        work.carriers(),
        *_odd_status(order),
        *filter(None, (rest_unpaid(order), order.risks, order.holds, order.is_test)),
        *_own_policy(work.policy),
    )
    return hashlib.sha256(to_json(looked_at)).hexdigest()[:16]


def _own_policy(policy: Policy) -> tuple[object, ...]:
    """What the merchant has said about findings: changed, all is judged anew. Where nothing was said, nothing is looked at."""
    usual = Policy()
    if (policy.findings, policy.ship_unpaid) == (usual.findings, usual.ship_unpaid):
        return ()
    return (sorted(policy.findings.items()), policy.ship_unpaid)


def _odd_status(order: Order) -> tuple[str, ...]:
    """A status that a review may say something about. The others come and go with the order's work."""
    if order.means is PlatformStatus.UNKNOWN:
        return (order.status,)
    is_odd = order.means in (PlatformStatus.UNPAID, PlatformStatus.FAILED, PlatformStatus.COMPLETED)
    return (order.means,) if is_odd else ()
