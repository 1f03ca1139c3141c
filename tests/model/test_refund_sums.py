"""Sums of refunds: by lines, with tax and shipping, several after each other, never more than was paid, to the last cent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.model.case import (
    Act,
    ActKind,
    ActState,
    Case,
    RefundRecord,
    RefundState,
    fulfillment,
    given_back_too_much,
    refund_left,
    refunded_parts,
)
from connector.model.flow import Stage
from connector.model.money import Money, total
from connector.model.order import (
    Fee,
    LineItem,
    LineQuantity,
    Order,
    PlatformRefund,
    PlatformStatus,
    RefundPart,
    ShippingLine,
    TaxShare,
)
from connector.model.payment import Payment, PaymentKind
from connector.model.refunding import after_cancelling, is_in_the_house, wanted_refund
from connector.model.refunds import RefundRequest, all_of_it, refundable, some_of_it
from connector.model.shipping import Shipment
from connector.model.stock import stock_changes

from .strategies import examples

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def usd(minor: int) -> Money:
    return Money(minor=minor, currency="USD")


def taxes(*minors: int) -> tuple[TaxShare, ...]:
    return tuple(TaxShare(rate_id=str(number), amount=usd(minor)) for number, minor in enumerate(minors, 1) if minor)


def line(line_id: str, quantity: int, minor: int, *tax: int) -> LineItem:
    return LineItem(
        id=line_id,
        quantity=quantity,
        product_id=f"p{line_id}",
        unit_price=Decimal(1),
        total=usd(minor),
        tax=usd(sum(tax)),
        taxes=taxes(*tax),
    )


def order(*lines: LineItem, shipping: int = 0, fee: int | None = None, off: int = 0, **more: object) -> Order:
    """An order that is paid. `off`: so many cents the shop's total is off the sum of its lines."""
    shipping_lines = (ShippingLine(id="s", method="flat_rate", total=usd(shipping), tax=usd(0)),) if shipping else ()
    fees = (Fee(id="f", name="Fee", total=usd(fee), tax=usd(0)),) if fee is not None else ()
    parts: tuple[LineItem | ShippingLine | Fee, ...] = (*lines, *shipping_lines, *fees)
    due = usd(sum(part.total.minor + part.tax.minor for part in parts) + off)
    none = usd(0)
    paid = Payment(
        id="1",
        kind=PaymentKind.GATEWAY,
        gateway="card",
        due=due,
        authorized=due,
        captured=due,
        refunded=none,
        refund_pending=none,
        disputed=none,
    )
    made = Order(
        platform_id="1",
        number="1",
        status="processing",
        means=PlatformStatus.OPEN,
        currency="USD",
        placed_at=NOW,
        updated_at=NOW,
        lines=lines,
        shipping_lines=shipping_lines,
        fees=fees,
        discount=none,
        tax=none,
        total=due,
        payments=(paid,),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def case(of: Order, **more: object) -> Case:
    made = Case(ref="shop/1", account="a", order=of, stage=Stage.PROCESSING, reviewed="yes")
    return replace(made, **more)  # type: ignore[arg-type]


def after(before: Case, request: RefundRequest) -> Case:
    """The refund was made, and the platform shows it."""
    number = str(len(before.order.refunds) + 1)
    shown = PlatformRefund(id=number, amount=request.amount, money_moved=True, parts=request.parts)
    done = before.with_refund(RefundRecord(request=request, state=RefundState.DONE, vendor_id=number))
    return replace(done, order=replace(done.order, refunds=(*done.order.refunds, shown)))


# --- one refund -------------------------------------------------------------------------------------------------------


def test_one_of_three_as_recorded() -> None:
    """1 of 3 mugs of 37.50 with 3.33 tax is 12.50 and 1.11, as the shop's own page has it."""
    got = some_of_it(order(line("290", 3, 3750, 333)), (), usd(4083), lines={"290": 1})
    assert got.amount == usd(1361)
    assert got.parts == (RefundPart(line_id="290", quantity=1, total=usd(1250), taxes=taxes(111)),)
    assert got.lines == (LineQuantity(line_id="290", quantity=1),)


@pytest.mark.parametrize("sizes", [(1, 1, 1), (2, 1), (1, 2), (3,)])
def test_a_line_that_does_not_divide(sizes: tuple[int, ...]) -> None:
    """10.00 for three: 3.33, 3.34 and 3.33 or so, and always 10.00 (and 0.50 of tax) in the end."""
    mugs, before, left = order(line("1", 3, 1000, 50)), list[RefundPart](), usd(1050)
    for size in sizes:
        got = some_of_it(mugs, before, left, lines={"1": size})
        before += got.parts
        left -= got.amount
    assert left == usd(0)
    assert sum(part.total.minor for part in before) == 1000


def test_shipping_and_fees_are_given_back_whole() -> None:
    """With its share of nothing: the second time there is none left."""
    both = order(line("1", 2, 2000), shipping=500, fee=-100)
    got = some_of_it(both, (), usd(2400), lines={"f": 1}, shipping=True)
    assert {part.line_id: part.total for part in got.parts} == {"s": usd(500), "f": usd(-100)}
    assert some_of_it(both, got.parts, usd(2000), lines={}, shipping=True).amount == usd(0)


@pytest.mark.parametrize(
    ("wish", "why"), [({"9": 1}, "there is no line 9"), ({"1": 3}, "2 are left"), ({"1": 0}, "0 of line 1")]
)
def test_more_than_there_is(wish: dict[str, int], why: str) -> None:
    """A line that is not there, more pieces than are left, none at all: no, in words."""
    with pytest.raises(ValueError, match=why):
        some_of_it(order(line("1", 2, 2000)), (), usd(2000), lines=wish)


def test_an_amount_before_takes_from_the_lines_after() -> None:
    """10.00 were given back without saying what for: all lines together are then worth what is left, tax in proportion."""
    got = all_of_it(order(line("1", 1, 2000, 200), shipping=500), (), usd(1700))
    assert got.amount == usd(1700)
    assert total((part.amount for part in got.parts), "USD") == usd(1700)
    assert [part.amount.minor for part in got.parts] == [1385, 315]


@pytest.mark.parametrize("off", [-1, 1])
def test_a_shop_that_rounds_the_sum(off: int) -> None:
    """The total is a cent off its lines: whoever gets everything gets exactly the total, not a cent more or less."""
    rounded = order(line("1", 1, 1000, 33), line("2", 1, 1000, 33), off=off)
    first = some_of_it(rounded, (), usd(2066 + off), lines={"1": 1})
    rest = some_of_it(rounded, first.parts, usd(1033 + off), lines={"2": 1})
    assert first.amount + rest.amount == usd(2066 + off)


# --- any number of them, in any order ---------------------------------------------------------------------------------


@st.composite
def bought(draw: st.DrawFn) -> Order:
    amounts = st.integers(0, 10_000)
    lines = [
        line(str(number), draw(st.integers(1, 5)), draw(amounts), *draw(st.lists(st.integers(0, 900), max_size=3)))
        for number in range(1, draw(st.integers(1, 4)) + 1)
    ]
    return order(*lines, shipping=draw(amounts), fee=draw(st.none() | st.integers(0, 500)), off=draw(st.integers(0, 1)))


def _wish(data: st.DataObject, now: Case, *, amounts: bool) -> dict[str, object]:
    rest = {part.line_id: part.quantity for part in refundable(now.order, refunded_parts(now))}
    lines = [
        {"line_id": one.id, "quantity": data.draw(st.integers(1, rest[one.id]))}
        for one in now.order.lines
        if rest[one.id] and data.draw(st.booleans())
    ]
    if amounts and data.draw(st.booleans()):
        return {"amount": usd(data.draw(st.integers(1, max(1, refund_left(now).minor)))).text}
    return {"lines": lines, "shipping": data.draw(st.booleans()) or not lines}


@examples(150)
@given(bought(), st.data())
def test_parts_add_up_to_the_whole(of: Order, data: st.DataObject) -> None:
    """Whatever lines are given back in whatever order: never more than was paid, and at the end exactly that, line by line."""
    now, paid = case(of), of.payments[0].captured
    for number in range(data.draw(st.integers(0, 6))):
        try:
            now = after(now, wanted_refund(now, _wish(data, now, amounts=False), f"r{number}"))
        except ValueError:
            continue  # worth nothing, or nothing is left of it
        assert refund_left(now) + total((refund.amount for refund in now.order.refunds), "USD") == paid
    if refund_left(now):
        now = after(now, wanted_refund(now, {"all": True}, "last"))
    assert total((refund.amount for refund in now.order.refunds), "USD") == paid
    if all(one.total.minor for one in of.lines):
        for one in of.lines:
            mine = [part for part in refunded_parts(now) if part.line_id == one.id]
            assert sum(part.total.minor for part in mine) == one.total.minor
            assert sum(tax.amount.minor for part in mine for tax in part.taxes) == one.tax.minor
            assert sum(part.quantity for part in mine) == one.quantity


@examples(150)
@given(bought(), st.data())
def test_amounts_between_lines(of: Order, data: st.DataObject) -> None:
    """Amounts without lines may come between: still never more than is left, and parts never add up to more than the amount."""
    now, paid = case(of), of.payments[0].captured
    for number in range(data.draw(st.integers(1, 6))):
        try:
            request = wanted_refund(now, _wish(data, now, amounts=True), f"r{number}")
        except ValueError:
            continue
        assert usd(0) < request.amount <= refund_left(now)
        parts = total((part.amount for part in request.parts), "USD")
        assert parts <= request.amount
        assert all(part.total.minor >= 0 and all(tax.amount.minor >= 0 for tax in part.taxes) for part in request.parts)
        now = after(now, request)
    rest = refund_left(now)
    if rest:
        now = after(now, wanted_refund(now, {}, "last"))
    assert total((refund.amount for refund in now.order.refunds), "USD") == paid
    assert refund_left(now) == usd(0)


# --- what a person wishes ---------------------------------------------------------------------------------------------


def test_what_was_shown_has_to_be_true_still() -> None:
    """Somebody gave money back meanwhile: the sum is another one, and the person has to look again."""
    mugs = case(order(line("1", 2, 2000)))
    assert wanted_refund(mugs, {"all": True, "amount": "20.00"}, "r").amount == usd(2000)
    with pytest.raises(ValueError, match=r"10\.00 USD back by now, not the 20\.00 USD"):
        wanted_refund(after(mugs, wanted_refund(mugs, {"amount": "10"}, "r")), {"all": True, "amount": "20.00"}, "r2")


def test_restock_goes_by_what_is_in_the_house() -> None:
    """Pieces that have not left are put back unless a person says no; shipped ones are not unless a person says yes."""
    mugs = case(order(line("1", 2, 2000), stock_held=(("1", 2),)))
    one = (LineQuantity(line_id="1", quantity=1),)
    sent = replace(mugs, shipments=(Shipment(id="x", lines=one),))
    wish = {"lines": [{"line_id": "1", "quantity": 2}]}
    assert wanted_refund(mugs, wish, "r").restock
    assert not wanted_refund(mugs, wish | {"restock": False}, "r").restock
    assert not wanted_refund(sent, wish, "r").restock
    assert wanted_refund(sent, wish | {"restock": True}, "r").restock
    assert is_in_the_house(sent, one)
    assert not is_in_the_house(replace(mugs, order=replace(mugs.order, stock_held=())), one)
    with pytest.raises(ValueError, match="puts nothing back"):
        wanted_refund(mugs, {"amount": "1.00", "restock": True}, "r")


def test_the_refund_after_a_cancellation_leaves_the_stock_alone() -> None:
    """The cancellation puts it back; the refund says only what the money was for."""
    request = after_cancelling(case(order(line("1", 2, 2000), stock_held=(("1", 2),))), "r", "why")
    assert (request.amount, request.restock, request.reason, len(request.parts)) == (usd(2000), False, "why", 1)


# --- what the case makes of it ----------------------------------------------------------------------------------------


def test_lines_refunded_by_staff_are_not_shipped() -> None:
    """A refund by line in the shop's own pages counts like ours; one of ours is not counted twice when the shop shows it."""
    part = RefundPart(line_id="1", quantity=1, total=usd(1000))
    theirs = PlatformRefund(id="77", amount=usd(1000), money_moved=True, parts=(part,))
    mugs = case(order(line("1", 3, 3000), refunds=(theirs,)))
    assert [one.to_ship for one in fulfillment(mugs)] == [2]
    both = after(mugs, wanted_refund(mugs, {"lines": [{"line_id": "1", "quantity": 1}]}, "r"))
    assert [one.to_ship for one in fulfillment(both)] == [1]


def test_one_that_a_person_found_counts_once() -> None:
    """It has no id of the shop's: the shop's record of that sum is it, for money and pieces."""
    mugs = case(order(line("1", 3, 3000)))
    request = wanted_refund(mugs, {"lines": [{"line_id": "1", "quantity": 1}]}, "r")
    known = after(mugs, request)
    nameless = replace(known, refunds=(RefundRecord(request=request, state=RefundState.DONE),))
    assert refund_left(nameless) == usd(2000)
    assert [one.to_ship for one in fulfillment(nameless)] == [2]
    unsent = replace(nameless, refunds=(RefundRecord(request=request, state=RefundState.ASKED),))
    assert refund_left(unsent) == usd(1000), "what was not sent yet is not what the shop shows"


def test_lists_do_not_show_what_refunds_were_for() -> None:
    """A list shows our refund bare; what it was for is still known, or the line could be given back once more."""
    mugs = after(
        *(lambda one: (one, wanted_refund(one, {"lines": [{"line_id": "1", "quantity": 2}]}, "r")))(
            case(order(line("1", 3, 3000)))
        )
    )
    bare = replace(mugs, order=replace(mugs.order, refunds=(PlatformRefund(id="1", amount=usd(2000)),)))
    assert [part.quantity for part in refunded_parts(bare)] == [2]


@pytest.mark.parametrize(
    ("refunds", "over"),
    [
        ([(2000, True)], 0),
        ([(2000, True), (1, True)], 1),
        ([(2000, True), (500, False)], 500),
        ([(2000, False)], 0),
    ],
)
def test_more_given_back_than_there_was(refunds: list[tuple[int, bool]], over: int) -> None:
    """Our refund and one of staff at once: seen by the sums, moved or only written down."""
    shown = tuple(PlatformRefund(id=str(n), amount=usd(minor), money_moved=moved) for n, (minor, moved) in enumerate(refunds))
    assert given_back_too_much(case(order(line("1", 1, 2000), refunds=shown))) == usd(over)


# --- stock ------------------------------------------------------------------------------------------------------------

BACK = {PlatformStatus.REFUNDED, PlatformStatus.FAILED}


def held(pieces: int, means: PlatformStatus = PlatformStatus.REFUNDED, **more: object) -> Case:
    stock = (("1", pieces),) if pieces else ()
    return case(order(line("1", 3, 3000), stock_held=stock, means=means), **more)


def changed(before: Case) -> Case:
    for change in stock_changes(before, BACK):
        before = before.with_act(replace(Act.of(change.id, ActKind.ADJUST_INVENTORY, change), state=ActState.DONE))
    return before


def changes(of: Case) -> list[int]:
    return [change.change for change in stock_changes(of, BACK)]


def test_what_is_still_held_is_put_back_once() -> None:
    """Of a refunded order everything that is in the house; nothing a second time, and nothing of orders that go on."""
    assert changes(held(3)) == [3]
    assert changes(changed(held(3))) == []
    assert changes(held(3, PlatformStatus.OPEN)) == []
    assert changes(held(0)) == []
    assert stock_changes(held(3), ()) == ()


def test_what_left_or_broke_is_not_put_back() -> None:
    """Shipped pieces are with the customer; a refund without restock said that they are not wanted."""
    two = (LineQuantity(line_id="1", quantity=2),)
    assert changes(held(3, shipments=(Shipment(id="x", lines=two),))) == [1]
    refund = RefundRecord(request=RefundRequest(id="r", amount=usd(2000), lines=two), state=RefundState.DONE)
    assert changes(held(3, refunds=(refund,))) == [1]


def test_the_platform_puts_it_back_after_us() -> None:
    """Refunded, put back by us, and then cancelled: the platform puts back what it thinks it holds; ours is taken again."""
    ours = changed(held(3))
    cancelled = replace(ours, order=replace(ours.order, means=PlatformStatus.CANCELLED, stock_held=()))
    assert changes(cancelled) == [-3]
    assert changes(changed(cancelled)) == []
    again = replace(ours, order=replace(ours.order, means=PlatformStatus.OPEN))
    assert changes(again) == [-3], "it is to be sent after all"


def test_history_and_what_is_underway_are_left_alone() -> None:
    """Orders that had ended when they came, platforms that do not say what they hold, lines whose change is not settled."""
    assert changes(replace(held(3), reviewed="")) == []
    assert changes(replace(held(3), order=replace(held(3).order, stock_held=None))) == []
    (change,) = stock_changes(held(3), BACK)
    for state, more in ((ActState.OPEN, []), (ActState.WAITING, []), (ActState.REFUSED, []), (ActState.DROPPED, [3])):
        act = replace(Act.of(change.id, ActKind.ADJUST_INVENTORY, change), state=state)
        assert changes(held(3).with_act(act)) == more


@settings(parent=examples(100))
@given(st.lists(st.tuples(st.sampled_from([*PlatformStatus]), st.integers(0, 3)), max_size=8))
def test_we_never_hold_back_more_than_the_order_had(story: list[tuple[PlatformStatus, int]]) -> None:
    """Whatever the platform does in whatever order, what we have put back is what it still holds, or nothing."""
    now = held(3)
    for means, pieces in story:
        now = changed(replace(now, order=replace(now.order, means=means, stock_held=(("1", pieces),) if pieces else ())))
        ours = sum(act.what["change"] for act in now.acts)
        assert ours == (pieces if means in BACK else 0)
