"""What changed, in words; and no mixture of edits, late news and our own writes ends elsewhere than where the platform is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.model.case import Act, ActKind, ActState, Case, ShipmentPlan, fulfillment, left_to_ship
from connector.model.changes import MOST, WEIGHTY, edits, together
from connector.model.flow import Stage
from connector.model.money import Money
from connector.model.order import Address, Customer, LineItem, LineQuantity, Order, PlatformStatus
from connector.model.review import HoldReason
from connector.model.shipping import Shipment
from connector.steps import intake
from tests.model.strategies import examples, orders

START = datetime(2026, 11, 1, tzinfo=UTC)


def usd(text: str) -> Money:
    return Money.parse(text, "USD")


def line(line_id: str, name: str, quantity: int, **more: Any) -> LineItem:
    each = Decimal("10")
    return LineItem(id=line_id, name=name, quantity=quantity, unit_price=each, total=usd("10"), tax=usd("0"), **more)


def order(**more: Any) -> Order:
    given = {
        "platform_id": "1",
        "number": "1",
        "status": "processing",
        "means": PlatformStatus.OPEN,
        "currency": "USD",
        "placed_at": START,
        "updated_at": START,
        "lines": (line("1", "Mug", 2), line("2", "Poster", 1)),
        "discount": usd("0"),
        "tax": usd("0"),
        "total": usd("20"),
        "payments": (),
    }
    return Order(**{**given, **more})


# --- in words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"lines": (line("1", "Mug", 3), line("2", "Poster", 1))}, ("2 x Mug became 3 x Mug",)),
        ({"lines": (line("1", "Mug", 2),)}, ("1 x Poster was taken out",)),
        (
            {"lines": (line("1", "Mug", 2), line("2", "Poster", 1), line("3", "Cup", 4))},
            ("4 x Cup was added",),
        ),
        ({"lines": (line("1", "Tea Mug", 2), line("2", "Poster", 1))}, ("2 x Mug became 2 x Tea Mug",)),
        (
            {"lines": (line("1", "Mug", 2, personal=(("Engraving", "Zoe"),)), line("2", "Poster", 1))},
            ("what was entered for Mug changed",),
        ),
        ({"lines": (replace(line("1", "Mug", 2), total=usd("9")), line("2", "Poster", 1))}, ("the price of Mug changed",)),
        ({"lines": (replace(line("1", "Mug", 2), weight_g=3), line("2", "Poster", 1))}, ()),
        ({"shipping": Address(line1="1 Zoe Street")}, ("the shipping address changed",)),
        ({"customer": Customer(email="zoe@x.example")}, ("the customer's contact changed",)),
        ({"customer_note": "for Zoe"}, ("the customer's note changed",)),
        ({"total": usd("21")}, ("the total went from 20.00 USD to 21.00 USD",)),
        ({"status": "completed", "means": PlatformStatus.COMPLETED, "updated_at": START + timedelta(1)}, ()),
    ],
)
def test_what_changed_is_said_in_words(changed: dict[str, Any], said: tuple[str, ...]) -> None:
    """By the names of what was sold and the sums; of people only that something about them changed."""
    assert edits(order(), order(**changed)) == said


def test_names_are_one_line_and_not_endless() -> None:
    """A product's name is somebody's text: it cannot move the terminal's cursor, nor fill a page."""
    nasty = order(lines=(line("1", "Mug\x1b[2J\r\nHeld: " + "x" * 500, 2),))
    (said,) = edits(nasty, replace(nasty, lines=(replace(nasty.lines[0], quantity=3),)))

    assert said.isprintable()
    assert len(said) < 160


def test_many_changes_are_counted() -> None:
    """The first ones are named, the others counted."""
    many = tuple(f"change {number}" for number in range(MOST + 3))

    assert together(many).endswith(f"change {MOST - 1}; and 3 more changes")
    assert together(many[:2]) == "change 0; change 1"


@examples(60)
@given(versions=st.lists(orders(currency="EUR", min_lines=1), min_size=2, max_size=2))
def test_no_personal_data_is_said(versions: list[Order]) -> None:
    """Whatever addresses, people and notes hold, none of it is in the words."""
    mark = "Zqxmark"
    people = {name: mark for name in Address.__dataclass_fields__}
    mine = replace(versions[0], lines=tuple(replace(one, name="n", sku="s") for one in versions[0].lines))
    theirs = replace(
        mine,
        shipping=Address(**people),
        billing=Address(**people),
        customer=Customer(name=mark, email=mark, phone=mark),
        customer_note=mark,
        staff_notes=(mark,),
        lines=tuple(replace(one, personal=((mark, mark),)) for one in mine.lines),
    )

    assert mark not in together(edits(mine, theirs))
    assert edits(mine, mine) == ()


# --- any interleaving -------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Desk:
    """As much of the work on one order as taking news needs, and the platform on the other side."""

    now_there: Order = field(default_factory=order)
    shown: list[Order] = field(default_factory=list)
    case: Case = field(default_factory=lambda: Case(ref="shop/1", account="a", order=order(), stage=Stage.PROCESSING))
    fresh: bool = False
    notes: list[tuple[str, ...]] = field(default_factory=list)
    tasks: list[Any] = field(default_factory=list)

    # what intake asks for
    @property
    def lease(self) -> Any:
        return SimpleNamespace(case=self.case, ref="shop/1", platform_id="1", effects={}, inbox=[], open_tasks=set())

    @property
    def hooks(self) -> Any:
        return SimpleNamespace(fetch_order=lambda account, platform_id: self.now_there)

    account = SimpleNamespace(name="shop", id="a")

    def now(self) -> datetime:
        return START

    def unsettled(self) -> list[Any]:
        return []

    def note(self, *said: str) -> None:
        self.notes.append(said)

    def open_task(self, task: Any) -> None:
        self.tasks.append(task)

    def owe(self, *about: Any, **more: Any) -> None:
        self.notes.append(("owed", str(about), str(more)))

    # what happens
    def change(self, seconds: int, **fields: Any) -> None:
        self.now_there = replace(self.now_there, updated_at=self.now_there.updated_at + timedelta(seconds=seconds), **fields)
        self.shown.append(self.now_there)

    def take(self, theirs: Order) -> None:
        self.fresh = False
        intake.take_order(self, theirs)  # type: ignore[arg-type]

    def look(self) -> None:
        self.fresh = False
        intake.read_again(self)  # type: ignore[arg-type]


def edit_quantity(desk: Desk, number: int, seconds: int) -> None:
    lines = tuple(replace(one, quantity=1 + number % 4) if one.id == "1" else one for one in desk.now_there.lines)
    desk.change(seconds, lines=lines)


def edit_lines(desk: Desk, number: int, seconds: int) -> None:
    new_id = str(2 + number % 3)
    kept = tuple(one for one in desk.now_there.lines if one.id != new_id)
    gone = len(kept) < len(desk.now_there.lines)
    desk.change(seconds, lines=kept if gone else (*kept, line(new_id, f"Thing {new_id}", 1 + number % 3)))


def edit_address(desk: Desk, number: int, seconds: int) -> None:
    desk.change(seconds, shipping=Address(line1=f"{number} Main St"))


def edit_total(desk: Desk, number: int, seconds: int) -> None:
    desk.change(seconds, total=usd(str(20 + number)))


def ship_one(desk: Desk, number: int, seconds: int, *, answered: bool) -> None:
    """A parcel leaves, the platform is told, and shows the order as it is by then, with whatever staff did meanwhile."""
    left = left_to_ship(desk.case)
    if not left or desk.case.holds:
        return
    parcel = (LineQuantity(line_id=left[0].line_id, quantity=1),)
    act = replace(Act.of(f"ship-{len(desk.case.acts)}", ActKind.BUY_LABEL, ShipmentPlan(lines=parcel)), state=ActState.DONE)
    shipment = Shipment(id=act.id, lines=parcel)
    desk.case = replace(desk.case.with_act(act), shipments=(*desk.case.shipments, shipment))
    push = replace(Act.of(f"push-{act.id}", ActKind.PUSH_SHIPMENT, shipment), state=ActState.DONE)
    desk.case = desk.case.with_act(push)
    desk.change(seconds, tracking=(*desk.now_there.tracking, act.id))
    if answered:
        before = desk.case.order
        desk.case = replace(desk.case, order=desk.now_there)
        intake.take_answer(desk, push, before)  # type: ignore[arg-type]


def ship_unanswered(desk: Desk, number: int, seconds: int) -> None:
    ship_one(desk, number, seconds, answered=False)


def ship_answered(desk: Desk, number: int, seconds: int) -> None:
    ship_one(desk, number, seconds, answered=True)


def hear_late(desk: Desk, number: int, seconds: int) -> None:
    """A page that was read some time ago, or twice."""
    if desk.shown:
        desk.take(desk.shown[number % len(desk.shown)])


def hear(desk: Desk, number: int, seconds: int) -> None:
    desk.look()


def release(desk: Desk, number: int, seconds: int) -> None:
    desk.case = desk.case.release().by_holds()


STEPS = (
    edit_quantity,
    edit_lines,
    edit_address,
    edit_total,
    ship_answered,
    ship_unanswered,
    hear_late,
    hear_late,
    hear,
    release,
)
plays = st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 9), st.integers(0, 2)), max_size=25)


@examples(400)
@given(play=plays)
def test_any_interleaving_ends_in_the_platforms_last_state(play: list[tuple[Any, int, int]]) -> None:
    """Edits, our writes, lost answers, late and doubled news, within a second or not: one look, and we know what is there.

    What has left has left once, whatever was edited, and what is left to ship is what is ordered now.
    """
    desk = Desk()
    for step, number, seconds in play:
        before = desk.case.order.updated_at
        step(desk, number, seconds)
        assert before <= desk.case.order.updated_at <= desk.now_there.updated_at
    desk.look()
    case = desk.case

    assert case.order == desk.now_there
    sent = {one.id: sum(s.quantity for p in case.shipments for s in p.lines if s.line_id == one.id) for one in case.order.lines}
    assert {one.line_id: one.shipped for one in fulfillment(case)} == sent
    left = {one.id: max(0, one.quantity - sent[one.id]) for one in case.order.lines}
    assert {one.line_id: one.quantity for one in left_to_ship(case)} == {name: rest for name, rest in left.items() if rest}
    assert len(case.shipments) == len([act for act in case.acts if act.kind is ActKind.BUY_LABEL])
    desk.look()
    assert desk.case is case


@examples(200)
@given(play=plays)
def test_an_edit_after_a_parcel_never_goes_unseen(play: list[tuple[Any, int, int]]) -> None:
    """Whoever ships after it was edited has been stopped before: since the last release nothing weighty changed silently."""
    desk = Desk()
    seen = desk.case.order
    for step, number, seconds in play:
        before = desk.case
        step(desk, number, seconds)
        if step is release or not before.committed:
            seen = desk.case.order
        changed = edits(seen, desk.case.order, only=WEIGHTY)
        is_held = desk.case.holds_for(HoldReason.CHANGED_AFTER_COMMIT)
        assert is_held or not changed or not before.committed
