"""A statement made once gives the same, past SQLAlchemy's execution on SQLite and through it on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, delete, func, literal_column, select, update

from connector.model.events import DutyState
from connector.store.database import Database
from connector.store.statements import Statement
from connector.store.tables import duties, locks, timeline

AT = datetime(2026, 11, 23, 4, 5, 6, 789, tzinfo=UTC)
ROW = {"id": "d1", "order_id": 7, "event": "shipped", "person": "customer", "state": DutyState.OWED, "owed_at": AT}

ADD = Statement(duties.insert(), ROW)
SHOW = Statement(select(duties).where(duties.c.id == bindparam("b_id")))
SAY = Statement(
    update(duties).where(duties.c.id == bindparam("b_id")).values(said=bindparam("b_said"), settled_at=bindparam("b_at"))
)
AGAIN = Statement(
    update(duties)
    .where(duties.c.id == bindparam("b_id"))
    .values(again=duties.c.again + 2)
    .returning(duties.c.again, duties.c.owed_at)
)


def test_what_was_not_given_is_what_the_table_says(database: Database) -> None:
    with database.writing() as connection:
        ADD.add(connection, [ROW])
        row = SHOW.first(connection, {"b_id": "d1"})
    assert row is not None
    assert (row.order_id, row.state, row.owed_at) == (7, "owed", AT)
    assert (row.about, row.facts, row.again, row.said, row.settled_at) == ("", "{}", 0, "", None)


def test_it_shows_what_sqlalchemy_shows(database: Database) -> None:
    with database.writing() as connection:
        ADD.add(connection, [ROW, {**ROW, "id": "d2"}])
        ours = SHOW.all(connection, {"b_id": "d2"})
        theirs = connection.execute(select(duties).where(duties.c.id == "d2")).all()
    assert [tuple(row) for row in ours] == [tuple(row) for row in theirs]
    assert ours[0]._asdict() == theirs[0]._asdict()


def test_a_change_says_how_many_rows(database: Database) -> None:
    with database.writing() as connection:
        ADD.add(connection, [ROW])
        assert SAY.change(connection, {"b_id": "d1", "b_said": "a NUL \0 and half a letter \ud83d", "b_at": AT}) == 1
        assert SAY.change(connection, {"b_id": "nobody", "b_said": "", "b_at": None}) == 0
        row = SHOW.first(connection, {"b_id": "d1"})
    assert row is not None
    assert (row.said, row.settled_at) == ("a NUL  and half a letter ?", AT)


def test_what_an_update_returns(database: Database) -> None:
    with database.writing() as connection:
        ADD.add(connection, [ROW])
        assert [tuple(row) for row in AGAIN.all(connection, {"b_id": "d1"})] == [(2, AT)]
        assert AGAIN.first(connection, {"b_id": "d2"}) is None


def test_many_rows_and_none(database: Database) -> None:
    add = Statement(timeline.insert(), ["order_id", "at", "who", "what", "text"])
    count = Statement(select(func.count().label("number")).select_from(timeline))
    rows = [{"order_id": 1, "at": AT, "who": "x", "what": "y", "text": str(number)} for number in range(50)]
    with database.writing() as connection:
        add.add(connection, rows)
        row = count.first(connection)
    assert row is not None
    assert row.number == 50


def test_literals_stay_literals(database: Database) -> None:
    owed = Statement(select(duties.c.id).where(duties.c.state.in_([literal_column("'owed'"), literal_column("'failed'")])))
    with database.writing() as connection:
        ADD.add(connection, [ROW, {**ROW, "id": "d2", "state": DutyState.WAIVED}])
        assert [row.id for row in owed.all(connection)] == ["d1"]


def test_what_was_not_committed_is_gone(database: Database) -> None:
    gone = Statement(delete(locks).where(locks.c.name == bindparam("b_name")))

    def stop() -> None:
        with database.writing() as connection:
            ADD.add(connection, [ROW])
            assert gone.change(connection, {"b_name": "nothing"}) == 0
            raise RuntimeError("stop here")

    with pytest.raises(RuntimeError, match="stop here"):
        stop()
    with database.reading() as connection:
        assert SHOW.first(connection, {"b_id": "d1"}) is None
