"""What the platform shows becomes part of a case: three ways, and what was decided follows it. Pure."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace
from datetime import datetime

from .case import Act, ActKind, ActState, Case, Paid, ShipmentPlan, fulfillment
from .changes import WEIGHTY, edits, together
from .codec import plain
from .flow import OPEN
from .money import Money
from .order import Order
from .payment import Payment
from .review import Hold, HoldReason

CHANGED = "changed_after_commit"
LONGEST_HOLD_TEXT = 1000


def merge(case: Case, theirs: Order, now: datetime, *, begun: tuple[Act, ...] = ()) -> Case:
    """Three ways: what we saw last, what is there now, and what we wrote ourselves. Pure.

    Strictly older news is history and changes nothing; equal times are compared, because platforms count in seconds. An edit of
    what was bought, cancelled or given back already (or was just sent: `begun`) holds the order and names what changed.
    """
    mine = case.order
    if theirs.updated_at < mine.updated_at:
        return case
    theirs, paid = as_known(case, theirs)
    if theirs == mine:
        return case
    weighty = is_weighty(case, theirs, begun)
    case = replace(case, order=theirs, paid=paid)
    if weighty and case.stage in OPEN:
        bought = ", ".join(f"{act.kind} {act.id}" for act in (*case.committed, *begun))
        case = _held_for(case, f"Changed on the platform after {bought}: {together(weighty)}.", now)
    return case


def is_weighty(case: Case, theirs: Order, begun: tuple[Act, ...]) -> tuple[str, ...]:
    """What changed that should not have changed any more, in words."""
    return edits(case.order, theirs, only=WEIGHTY) if case.committed or begun else ()


def _held_for(case: Case, text: str, now: datetime) -> Case:
    """A second change is added to the text of the first one's hold, so that whoever releases it has seen both."""
    old = next((hold for hold in case.holds if hold.code == CHANGED), None)
    if old is not None:
        hold = replace(old, text=f"{old.text} {text}"[-LONGEST_HOLD_TEXT:])
        return replace(case, holds=tuple(hold if one is old else one for one in case.holds))
    hold = Hold(
        reason=HoldReason.CHANGED_AFTER_COMMIT,
        text=text,
        who="connector",
        since=now,
        releases="a person, who has seen to what was bought already",
        code=CHANGED,
    )
    return case.hold(hold).by_holds()


def with_what_lists_leave_out(mine: Order, theirs: Order) -> Order:
    """A list shows neither notes nor what became of refunds, and for what; only a fetch does. What was known stays known."""
    known = {(refund.id, refund.amount): refund for refund in mine.refunds}
    refunds = tuple(
        known.get((refund.id, refund.amount), refund) if refund.money_moved is None else refund for refund in theirs.refunds
    )
    return replace(theirs, staff_notes=theirs.staff_notes or mine.staff_notes, refunds=refunds)


# --- what was paid before an edit -------------------------------------------------------------------------------------


def as_known(case: Case, theirs: Order) -> tuple[Order, tuple[Paid, ...]]:
    """What the platform shows, with what we know better; and what is to be remembered of it.

    A platform that knows only that an order was paid (by a date, say) shows the total of today as captured, also after
    staff have raised it. What was captured is what was due when it was paid, until it is paid anew.
    """
    theirs = with_what_lists_leave_out(case.order, theirs)
    before = {payment.id: payment for payment in case.order.payments}
    known = {one.payment_id: one.amount for one in case.paid}
    brought = {one.id: _brought(one, before.get(one.id), known.get(one.id)) for one in theirs.payments}
    paid = tuple(Paid(payment_id=payment_id, amount=amount) for payment_id, amount in brought.items() if amount is not None)
    return (
        replace(theirs, payments=tuple(_at_most(one, brought[one.id]) for one in theirs.payments)) if paid else theirs
    ), paid


def as_shown(case: Case) -> Order:
    """The order as the platform showed it: all that was due counts as captured where we know better."""
    ids = {one.payment_id for one in case.paid}
    if not ids:
        return case.order
    shown = (replace(one, captured=one.due, authorized=one.due) if one.id in ids else one for one in case.order.payments)
    return replace(case.order, payments=tuple(shown))


def rest_unpaid(order: Order) -> Money:
    """What is missing of payments that were made in part. Nothing where nothing was paid yet: that is another matter."""
    short = [one.due.minor - one.captured.minor for one in order.payments if _was_made(one)]
    return Money(minor=sum(missing for missing in short if missing > 0), currency=order.currency)


def _was_made(payment: Payment) -> bool:
    """Was it paid? Also when nothing was due then. What is only authorized may still be captured in full."""
    return payment.captured.minor > 0 or (payment.paid_at is not None and not payment.authorized)


def _brought(payment: Payment, was: Payment | None, known: Money | None) -> Money | None:
    """What it really brought; None: what is shown."""
    if was is None or payment == was:
        return known
    if payment.due.currency != was.due.currency or payment.captured != payment.due or _is_paid_anew(payment, was, known):
        return None
    if known is None and (was.paid_at is None or was.captured != was.due):
        return None
    amount = was.captured if known is None else known
    return None if amount == payment.captured else amount


def _is_paid_anew(payment: Payment, was: Payment, known: Money | None) -> bool:
    """Another time or transaction. An id that comes late, where nothing was edited, is that of the same payment."""
    has_new_id = payment.transaction_id not in ("", was.transaction_id) and (was.transaction_id != "" or known is not None)
    return payment.paid_at != was.paid_at or has_new_id


def _at_most(payment: Payment, amount: Money | None) -> Payment:
    if amount is None:
        return payment
    return replace(payment, captured=min(payment.captured, amount), authorized=min(payment.authorized, amount))


# --- parcels that were decided ----------------------------------------------------------------------------------------


def fitted(case: Case, *, begun: Container[str], planned: Container[str]) -> tuple[Case, list[str]]:
    """Parcels that were decided and not bought yet hold no more than what is ordered now; and what is to be said about it.

    `begun`: ids of acts that were sent; they stay as they are. `planned`: ids that the ledger has written down already; what
    stands there under an id cannot become something else, so the parcel gets a new one.
    """
    said: list[str] = []
    rest = {line.line_id: line.to_ship for line in fulfillment(case)}
    acts = [act for act in case.acts if act.kind is ActKind.BUY_LABEL]
    for act in acts:
        if act.state is ActState.WAITING or act.id in begun:
            _take(act.read(ShipmentPlan), rest)
    for act in acts:
        if act.state is ActState.OPEN and act.id not in begun:
            case, text = _fit(case, act, rest, is_planned=act.id in planned)
            said += [text] if text else []
    return case, said


def _take(plan: ShipmentPlan, rest: dict[str, int]) -> ShipmentPlan:
    """As much of it as there is; `rest` has that less afterwards."""
    fitting = []
    for line in plan.lines:
        quantity = max(0, min(line.quantity, rest.get(line.line_id, 0)))
        rest[line.line_id] = rest.get(line.line_id, 0) - quantity
        fitting += [replace(line, quantity=quantity)] if quantity else []
    return replace(plan, lines=tuple(fitting))


def _fit(case: Case, act: Act, rest: dict[str, int], *, is_planned: bool) -> tuple[Case, str]:
    plan = act.read(ShipmentPlan)
    less = _take(plan, rest)
    if less == plan:
        return case, ""
    if not less.lines:
        case = case.with_act(replace(act, state=ActState.DROPPED, said="nothing of it is ordered any more"))
        return case, "The parcel that was decided is not sent: nothing of it is ordered any more."
    smaller = replace(act, what=plain(less))
    if is_planned:
        case = case.with_act(replace(act, state=ActState.DROPPED, said="it holds less now"))
        smaller = replace(smaller, id=f"{act.id}-{len(case.acts) + 1}")
    return case.with_act(smaller), "The parcel that was decided holds only what is still ordered."
