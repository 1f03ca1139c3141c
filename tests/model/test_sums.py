"""What was paid, shipped and given back: sums that have to add up, whatever the platform says."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.model.case import (
    Act,
    ActKind,
    ActState,
    Case,
    RefundRecord,
    RefundState,
    ShipmentPlan,
    fulfillment,
    left_to_ship,
    refund_left,
)
from connector.model.flow import Stage
from connector.model.money import Money, total
from connector.model.order import LineQuantity
from connector.model.payment import Payment, PaymentEnd, PaymentKind, PaymentLabel, label, sums
from connector.model.shipping import Shipment
from tests.model.strategies import cases, examples, payments
from tests.store.world import make_case, make_refund


def paid(due: int, captured: int = 0, *, authorized: int = 0, refunded: int = 0, ended: PaymentEnd | None = None) -> Payment:
    amounts = {"due": due, "captured": captured, "authorized": authorized, "refunded": refunded}
    others = {"refund_pending": 0, "disputed": 0}
    money: dict[str, Any] = {name: Money(minor=minor, currency="EUR") for name, minor in (amounts | others).items()}
    return Payment(id="p", kind=PaymentKind.GATEWAY, gateway="card", ended=ended, **money)


LABELS = [
    ([], PaymentLabel.PAID),
    ([paid(0)], PaymentLabel.PAID),
    ([paid(100)], PaymentLabel.PENDING),
    ([paid(100, authorized=100)], PaymentLabel.AUTHORIZED),
    ([paid(100, 40, authorized=60)], PaymentLabel.PARTLY_PAID),
    ([paid(100, 100)], PaymentLabel.PAID),
    ([paid(100, 120)], PaymentLabel.PAID),
    ([paid(100, 100, refunded=1)], PaymentLabel.PARTLY_REFUNDED),
    ([paid(100, 100, refunded=100)], PaymentLabel.REFUNDED),
    ([paid(100, ended=PaymentEnd.FAILED)], PaymentLabel.FAILED),
    ([paid(100, authorized=100, ended=PaymentEnd.VOIDED)], PaymentLabel.VOIDED),
    ([paid(100, ended=PaymentEnd.FAILED), paid(100, ended=PaymentEnd.EXPIRED)], PaymentLabel.EXPIRED),
    ([paid(100, ended=PaymentEnd.FAILED), paid(100)], PaymentLabel.PENDING),
    ([paid(100, ended=PaymentEnd.FAILED), paid(100, authorized=100)], PaymentLabel.AUTHORIZED),
    ([paid(100, ended=PaymentEnd.FAILED), paid(100, 100)], PaymentLabel.PAID),  # the card failed once, the second try paid
    ([paid(100, 50, ended=PaymentEnd.EXPIRED), paid(50)], PaymentLabel.PARTLY_PAID),
    ([paid(100, 50, ended=PaymentEnd.EXPIRED)], PaymentLabel.PARTLY_PAID),
    ([paid(60, 60), paid(40)], PaymentLabel.PARTLY_PAID),
]


@pytest.mark.parametrize(("made", "word"), LABELS)
def test_one_word_for_the_payments(made: list[Payment], word: PaymentLabel) -> None:
    """What ended brings nothing more and is waited for no longer; otherwise due and captured decide."""
    assert label(tuple(made), "EUR") is word


@examples(45)
@given(made=st.lists(payments("EUR"), max_size=4))
def test_sums_add_up_and_the_order_of_transactions_does_not_matter(made: list[Payment]) -> None:
    """Each sum is that of the transactions; the word says refunded only where money went back, paid only where all is there."""
    whole = sums(tuple(made), "EUR")

    for name in ("due", "authorized", "captured", "refunded", "refund_pending", "disputed"):
        assert getattr(whole, name).minor == sum(getattr(one, name).minor for one in made)
    word = label(tuple(made), "EUR")
    assert (word in (PaymentLabel.REFUNDED, PaymentLabel.PARTLY_REFUNDED)) == (whole.refunded.minor > 0)
    if word is PaymentLabel.PAID:
        assert whole.captured >= sums(tuple(one for one in made if not one.ended), "EUR").due
    if all(one.ended is None for one in made):
        assert {label(order, "EUR") for order in permutations(made)} == {word}
    for one in made:
        assert 0 <= one.refundable.minor <= one.captured.minor


@examples(67)
@given(case=cases(min_lines=1))
def test_each_line_adds_up(case: Case) -> None:
    """ordered = cancelled + shipped + to ship for each line (unless more left than was ordered), and nothing is negative."""
    for line in fulfillment(case):
        assert min(line.ordered, line.cancelled, line.shipped, line.delivered, line.returned, line.to_ship) >= 0
        assert line.returned <= line.shipped
        if line.shipped <= line.ordered:
            assert line.ordered == line.cancelled + line.shipped + line.to_ship
        else:
            assert line.to_ship == line.cancelled == 0
    if case.stage is Stage.CANCELLED:
        assert left_to_ship(case) == ()


@examples(67)
@given(case=cases(min_lines=1))
def test_what_is_left_to_ship_is_never_more_than_was_ordered(case: Case) -> None:
    """What was decided to be shipped is not decided again, so that nothing leaves twice."""
    ordered = {line.id: line.quantity for line in case.order.lines if line.requires_shipping}
    left = left_to_ship(case)
    for line in left:
        assert 0 < line.quantity <= ordered[line.line_id]
    if left:
        plan = Act.of("new", ActKind.BUY_LABEL, ShipmentPlan(lines=left))
        assert left_to_ship(case.with_act(plan)) == ()
        gone = replace(
            case.with_act(replace(plan, state=ActState.DONE)), shipments=(*case.shipments, Shipment(id="s", lines=left))
        )
        assert not {line.line_id for line in left} & {line.line_id for line in left_to_ship(gone)} or _planned(case)


def _planned(case: Case) -> bool:
    return any(act.kind is ActKind.BUY_LABEL and act.state in (ActState.OPEN, ActState.WAITING) for act in case.acts)


def test_a_refunded_line_is_not_shipped() -> None:
    """Two of three are given back before they left: one is left to ship. After it left, a refund is a return."""
    case = make_case("1", quantity=3)
    back = make_refund("r", 100, lines=(LineQuantity(line_id="l1", quantity=2),))
    case = case.with_refund(RefundRecord(request=back))
    (line,) = fulfillment(case)
    assert (line.ordered, line.cancelled, line.shipped, line.to_ship, line.returned) == (3, 2, 0, 1, 0)

    shipped = replace(case, shipments=(Shipment(id="s", lines=(LineQuantity(line_id="l1", quantity=3),)),))
    (line,) = fulfillment(shipped)
    assert (line.cancelled, line.shipped, line.to_ship, line.returned) == (0, 3, 0, 2)
    refused = replace(case, refunds=(RefundRecord(request=back, state=RefundState.REFUSED),))
    assert fulfillment(refused)[0].to_ship == 3


@examples(67)
@given(case=cases())
def test_never_more_is_left_to_give_back_than_was_captured(case: Case) -> None:
    """Captured, less recorded, less underway, and never below nothing; a refused refund frees its sum again."""
    captured = total((payment.captured for payment in case.order.payments), case.order.currency)
    left = refund_left(case)

    assert Money.zero(case.order.currency) <= left <= captured
    refused = replace(case, refunds=tuple(replace(record, state=RefundState.REFUSED) for record in case.refunds))
    assert left <= refund_left(refused) <= captured
    if left:
        more = case.with_refund(RefundRecord(request=make_refund("new-one", left.minor, currency=left.currency)))
        assert not refund_left(more)
