"""Late, repeated and shuffled news end in the same order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from connector.model.case import Act, ActKind, ActState, Case, StatusChange
from connector.model.changes import WEIGHTY, edits
from connector.model.order import Order, PlatformStatus
from connector.model.review import HoldReason
from connector.steps.intake import merge
from tests.model.strategies import examples, orders

START = datetime(2026, 11, 1, tzinfo=UTC)


@st.composite
def news(draw: st.DrawFn) -> tuple[list[Order], list[int]]:
    """Versions of one order with distinct times, and an order to hear of them in, each at least once."""
    versions = draw(st.lists(orders(currency="EUR", min_lines=1), min_size=1, max_size=4))
    versions = [
        replace(order, platform_id="1", updated_at=START + timedelta(minutes=number), staff_notes=("a note",))
        for number, order in enumerate(versions)
    ]
    heard = draw(st.permutations(list(range(len(versions)))))
    again = draw(st.lists(st.sampled_from(heard), max_size=4))
    return versions, draw(st.permutations([*heard, *again]))


def heard_in(order_of_hearing: list[int], versions: list[Order]) -> Case:
    case = Case(ref="shop/1", account="a1", order=versions[order_of_hearing[0]])
    for number in order_of_hearing[1:]:
        case = merge(case, versions[number], START)
    return case


@examples(40)
@given(said=news())
def test_any_order_of_news_ends_in_the_newest(said: tuple[list[Order], list[int]]) -> None:
    """Whatever comes first, late or twice: the order is what the platform showed last."""
    versions, heard = said

    assert heard_in(heard, versions).order == versions[-1]


@examples(25)
@given(said=news())
def test_saying_the_same_again_changes_nothing(said: tuple[list[Order], list[int]]) -> None:
    """The second time, the case is not even made anew (so nothing is written)."""
    versions, heard = said
    case = heard_in(heard, versions)

    for order in versions:
        assert merge(case, order, START) is case


@examples(25)
@given(said=news())
def test_a_list_that_shows_no_notes_does_not_delete_them(said: tuple[list[Order], list[int]]) -> None:
    """Staff's notes are only seen when one order is fetched; what a poll saw leaves them as they are."""
    versions, _heard = said
    case = Case(ref="shop/1", account="a1", order=versions[0])

    seen = replace(versions[-1], staff_notes=(), updated_at=START + timedelta(days=1))

    assert merge(case, seen, START).order == replace(seen, staff_notes=("a note",))


@examples(25)
@given(said=news(), bought=st.booleans())
def test_a_change_after_something_was_bought_holds_the_order(said: tuple[list[Order], list[int]], bought: bool) -> None:
    """Lines, address, sum, currency or note changed: a person has to look, once, and only if something was bought."""
    versions, _heard = said
    act = Act.of("a", ActKind.BUY_LABEL, StatusChange(status=PlatformStatus.OPEN))
    case = Case(ref="shop/1", account="a1", order=versions[0]).with_act(
        replace(act, state=ActState.DONE if bought else ActState.OPEN)
    )
    changed = False
    for order in versions[1:]:
        changed |= bool(edits(case.order, order, only=WEIGHTY))
        case = merge(case, order, START)

    assert case.holds_for(HoldReason.CHANGED_AFTER_COMMIT) == (changed and bought)
    assert len(case.holds) <= 1
