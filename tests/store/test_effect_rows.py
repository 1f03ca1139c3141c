"""The rows of the effects ledger: every change of state is conditional, so that of two who write one is told no."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from connector.model.events import EffectState
from connector.store import effects
from connector.store.database import Database
from connector.store.effects import EffectRow
from connector.store.tables import effects as table
from tests.store.world import NOW, race, rows

BASE = "install/a1/order:1/refund/r1"
KEY = f"{BASE}/1"
PLANNED, SENT, DONE, REFUSED, UNKNOWN = EffectState


def plan(database: Database, state: EffectState = SENT, *, base: str = BASE, attempt: int = 1, **about: Any) -> None:
    """One attempt, as the ledger writes it before anything is sent."""
    values: dict[str, Any] = {"scope": "order:1", "order_id": 1, "account_id": "a1", "platform_id": "77", "kind": "refund"}
    values |= {"request_id": "r1", "digest": "d", "request": {"amount": 5}, "before": None, "lease_token": "mine"} | about
    with database.writing() as connection:
        effects.insert(connection, base=base, attempt=attempt, state=state, now=NOW, **values)


def found(database: Database, key: str = KEY) -> EffectRow:
    with database.reading() as connection:
        row = effects.by_key(connection, key)
    assert row is not None
    return row


def settle(database: Database, state: EffectState, **about: Any) -> bool:
    with database.writing() as connection:
        return effects.settle(connection, KEY, state, **about)


@pytest.fixture
def views(database_url: str) -> Iterator[list[Database]]:
    """Several processes' views of the same database."""
    opened = [Database(database_url, pool_size=2) for _ in range(4)]
    yield opened
    for one in opened:
        one.close()


def test_an_attempt_is_read_back_as_it_was_written(database: Database) -> None:
    """Request and before-image are kept as JSON; SENT has its time from the database's clock."""
    plan(database, request={"amount": 5, "note": "\ud83d €"}, before=[1, None])

    row = found(database)
    assert (row.key, row.attempt, row.state, row.request, row.before) == (KEY, 1, SENT, {"amount": 5, "note": "? €"}, [1, None])
    assert row.sent_at is not None
    assert row.first_sent_at is not None
    assert timedelta() <= row.now - row.sent_at < timedelta(seconds=30)
    effect = row.as_effect()
    assert (effect.key, effect.platform_id, effect.state, effect.sent_at) == (KEY, "77", SENT, row.sent_at)
    with database.reading() as connection:
        assert effects.by_key(connection, "nothing") is None
        assert effects.latest(connection, "nothing") is None


def test_the_latest_attempt_counts(database: Database) -> None:
    """Ten comes after nine, not after one."""
    for attempt in range(1, 11):
        plan(database, REFUSED, attempt=attempt)
    with database.reading() as connection:
        row = effects.latest(connection, BASE)
    assert row is not None
    assert row.attempt == 10


def test_unsettled_are_those_sent_without_an_outcome(database: Database) -> None:
    """Of this order only; planned, done and refused ones are settled, or not begun."""
    for number, state in enumerate(EffectState):
        plan(database, state, base=f"{BASE}{number}")
        plan(database, state, base=f"other/{number}", scope="order:2")
    with database.reading() as connection:
        assert {row.state for row in effects.unsettled(connection, "order:1")} == {SENT, UNKNOWN}
        assert len(effects.unsettled(connection, "order:1")) == 2


ALLOWED = {(SENT, UNKNOWN), (SENT, DONE), (SENT, REFUSED), (UNKNOWN, DONE), (UNKNOWN, REFUSED)}


@pytest.mark.parametrize(("before", "after"), list(itertools.product(EffectState, (DONE, REFUSED, UNKNOWN))))
def test_an_outcome_is_written_only_where_none_is_known(database: Database, before: EffectState, after: EffectState) -> None:
    """SENT and UNKNOWN take an outcome, a late one too; DONE and REFUSED never change, and nothing planned has one."""
    plan(database, before)
    written = settle(database, after, answer={"id": "re_1"} if after is DONE else None, said="so \x00 it is")

    assert written == ((before, after) in ALLOWED)
    row = found(database)
    assert row.state == (after if written else before)
    if written:
        assert row.answer == ({"id": "re_1"} if after is DONE else None)
        assert row.said == "so  it is"


def test_a_late_yes_is_stronger_than_a_no(database: Database) -> None:
    """Whatever was planned since: the attempt that is done is the one that counts. Nothing else is changed by it."""
    plan(database, REFUSED)
    plan(database, SENT, attempt=2)
    with database.writing() as connection:
        effects.late_yes(connection, f"{BASE}/2", "no")
        effects.late_yes(connection, KEY, {"id": 1})
        row = effects.latest(connection, BASE)
    assert row is not None
    assert (row.key, row.state, row.answer) == (KEY, DONE, {"id": 1})
    assert found(database, f"{BASE}/2").state is SENT


@pytest.mark.parametrize("state", EffectState)
def test_only_what_this_holder_sent_goes_back_to_planned(database: Database, state: EffectState) -> None:
    """Nobody can say of another's request that it never left."""
    plan(database, state)
    with database.writing() as connection:
        assert not effects.back_to_planned(connection, KEY, lease_token="another")
        assert effects.back_to_planned(connection, KEY, lease_token="mine") == (state is SENT)
    row = found(database)
    if state is SENT:
        assert (row.state, row.sent_at, row.first_sent_at) == (PLANNED, None, None)
    else:
        assert row.state is state


@pytest.mark.parametrize("state", [PLANNED, SENT, UNKNOWN])
def test_sending_keeps_the_time_of_the_first_time(database: Database, state: EffectState) -> None:
    """The same key again: how long a vendor remembers it counts from when it first left."""
    plan(database, state)
    long_ago = None if state is PLANNED else NOW - timedelta(days=1000)
    with database.writing() as connection:
        connection.execute(update(table).values(sent_at=long_ago, first_sent_at=long_ago))
    before = found(database)
    with database.writing() as connection:
        sent = effects.send(connection, before, before={"refunded": 0}, lease_token="next")
    row = found(database)
    assert sent
    assert (row.state, row.before) == (SENT, {"refunded": 0})
    assert row.sent_at is not None
    assert row.now - row.sent_at < timedelta(seconds=30)
    assert row.first_sent_at == (long_ago or row.first_sent_at)
    assert row.first_sent_at is not None


def test_of_many_who_send_the_same_row_one_may(database: Database, views: list[Database]) -> None:
    """Each has read the row before; the second finds it changed."""
    for state in (PLANNED, UNKNOWN):
        base = f"{BASE}-{state}"
        plan(database, state, base=base)
        row = found(database, f"{base}/1")

        def send(view: Database, row: EffectRow = row) -> bool:
            with view.writing() as connection:
                return effects.send(connection, row, before=None, lease_token=view.new_token())

        assert sorted(race(*(lambda view=view: send(view) for view in views))) == [False, False, False, True]


def test_an_answer_that_comes_while_it_is_sent_again_wins(database: Database) -> None:
    """Read as UNKNOWN, then the first answer arrives: the same key is not sent again."""
    plan(database, UNKNOWN)
    row = found(database)
    assert settle(database, DONE, answer=1)
    with database.writing() as connection:
        assert not effects.send(connection, row, before=None, lease_token="next")
    assert found(database).state is DONE


def test_yes_and_no_at_once_leave_one_of_them(database: Database, views: list[Database]) -> None:
    """Two answers, a late one and a lookup, at the same moment: one is written, the other is told that it was not."""
    plan(database, UNKNOWN)

    def say(view: Database, state: EffectState) -> bool:
        with view.writing() as connection:
            return effects.settle(connection, KEY, state)

    states = (DONE, REFUSED, DONE, REFUSED)
    said = race(*(lambda view=view, state=state: say(view, state) for view, state in zip(views, states, strict=True)))
    assert sorted(said) == [False, False, False, True]
    assert found(database).state is states[said.index(True)]


def test_one_key_is_one_row(database: Database, views: list[Database]) -> None:
    """Two who plan the same attempt: the second cannot, whatever else it thinks."""
    found_out = race(*(lambda view=view: plan(view) for view in views))

    assert sum(one is None for one in found_out) == 1
    assert len(rows(database, table)) == 1


def test_a_person_who_found_out_settles_it(database: Database) -> None:
    """It happened: done. It did not: refused, and a new attempt is planned. What has an answer by now is left alone."""
    for request_id, state in (("yes", UNKNOWN), ("no", SENT), ("answered", DONE), ("other", UNKNOWN)):
        plan(database, state, base=f"{BASE}/{request_id}", request_id=request_id)
    with database.writing() as connection:
        effects.resolve(connection, "order:1", "yes", happened=True, who="ann", now=NOW)
        effects.resolve(connection, "order:1", "no", happened=False, who="ann", now=NOW)
        effects.resolve(connection, "order:1", "answered", happened=False, who="ann", now=NOW)

    states = {(row.request_id, row.attempt): row.state for row in rows(database, table)}
    assert states == {
        ("yes", 1): DONE,
        ("no", 1): REFUSED,
        ("no", 2): PLANNED,
        ("answered", 1): DONE,
        ("other", 1): UNKNOWN,
    }
    assert "says ann" in found(database, f"{BASE}/yes/1").said


def test_a_persons_no_and_the_vendors_late_yes_at_once_never_plan_a_second_time(
    database: Database, views: list[Database]
) -> None:
    """Whichever is first: a new attempt is planned only if the person's no was written."""
    for number in range(8):
        base, request_id = f"{BASE}{number}", f"r{number}"
        plan(database, UNKNOWN, base=base, request_id=request_id)

        def person(request_id: str = request_id) -> None:
            with views[0].writing() as connection:
                effects.resolve(connection, "order:1", request_id, happened=False, who="ann", now=NOW)

        def vendor(key: str = f"{base}/1") -> bool:
            with views[1].writing() as connection:
                return effects.settle(connection, key, DONE, answer=1)

        _, yes = race(person, vendor)
        with database.reading() as connection:
            row = effects.latest(connection, base)
        assert row is not None
        assert (row.state, row.attempt) == ((DONE, 1) if yes else (PLANNED, 2))
