"""Stages: the table of moves, and what a case makes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.model.flow import FINAL, MOVES, OPEN, Stage, may_move
from connector.model.review import Hold, HoldReason
from tests.model.strategies import examples, holds
from tests.store.world import make_case


def test_nothing_leaves_a_final_stage() -> None:
    """A completed or cancelled order stays so; what happens later is a refund, a return or a task."""
    assert {Stage.COMPLETED, Stage.CANCELLED} == FINAL
    assert not any(may_move(stage, to) for stage in FINAL for to in Stage if to is not stage)
    assert all(may_move(stage, stage) for stage in Stage)
    assert set(MOVES) == set(Stage)


def test_every_stage_can_come_to_an_end_and_be_reached() -> None:
    """From each stage a final one can be reached, and each can be reached from new. Shipped goods are not cancelled."""

    def reachable(start: Stage) -> set[Stage]:
        seen, todo = {start}, [start]
        while todo:
            for to in MOVES[todo.pop()] - seen:
                seen.add(to)
                todo.append(to)
        return seen

    assert reachable(Stage.NEW) == set(Stage)
    assert all(reachable(stage) & FINAL for stage in Stage)
    assert Stage.CANCELLED not in reachable(Stage.SHIPPED)
    assert OPEN.isdisjoint(FINAL)


@examples(100)
@given(walk=st.lists(st.sampled_from(Stage), min_size=1, max_size=12))
def test_a_random_walk_obeys_the_table(walk: list[Stage]) -> None:
    """However a case is pushed around, it only makes moves of the table, and never one out of a final stage."""
    case = replace(make_case("1"), stage=walk[0])
    for to in walk:
        before = case.stage
        if may_move(before, to):
            case = case.at(to)
            assert case.stage is to
        else:
            with pytest.raises(ValueError, match="cannot go from"):
                case.at(to)
        assert case.stage is before or before not in FINAL


@examples(60)
@given(
    new=st.lists(holds, max_size=5),
    reason=st.none() | st.sampled_from(HoldReason),
    code=st.just("") | st.sampled_from(["manual", "manual-2", "unpaid"]),
)
def test_a_hold_is_released_by_its_reason_its_code_or_both(new: list[Hold], reason: HoldReason | None, code: str) -> None:
    """What is not named stays, in its order; what is named is gone."""
    codes = ["manual", "manual-2", "unpaid"]
    case = make_case("1")
    for number, hold in enumerate(new):
        case = case.hold(replace(hold, code=codes[number % 3]))
    named = case.holds_by(reason, code=code)

    assert all((reason is None or hold.reason is reason) and (not code or hold.code == code) for hold in named)
    assert case.release(reason, code=code).holds == tuple(hold for hold in case.holds if hold not in named)
    assert case.release().holds == ()


@examples(100)
@given(before=st.sampled_from(Stage), new=st.lists(holds, max_size=4), gone=st.none() | st.sampled_from(HoldReason))
def test_an_order_in_work_is_on_hold_exactly_while_it_has_a_hold(
    before: Stage, new: list[Hold], gone: HoldReason | None
) -> None:
    """Holds are set once per reason and code, released by reason, and only move an order that is being worked on."""
    case = replace(make_case("1"), stage=before)
    for hold in new:
        case = case.hold(hold).hold(hold).by_holds()
    kinds = [(hold.reason, hold.code) for hold in case.holds]
    assert all((hold.reason, hold.code) in kinds for hold in new)
    case = case.release(gone).by_holds()
    assert not any(hold.reason is gone or gone is None for hold in case.holds)
    if before in (Stage.IN_REVIEW, Stage.ON_HOLD, Stage.PROCESSING):
        assert case.stage is (Stage.ON_HOLD if case.holds else Stage.PROCESSING)
    else:
        assert case.stage is before
