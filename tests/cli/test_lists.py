"""Pages of lists, on both databases: complete, in order, and as cheap with many orders as with few."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from connector.errors import Conflict
from connector.store import commands, lists
from connector.store.database import Database
from connector.store.orders import Orders
from connector.store.tables import deliveries, duties, effects, orders, tasks, timeline

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
BODY = '{"order": {"total": {"minor": 500, "currency": "EUR"}}, "holds": [{"reason": "note"}, {"reason": "note"}]}'
STAGES = ("new", "on_hold", "processing", "completed")


def order(number: int, **other: Any) -> dict[str, Any]:
    """A row: every fourth was not read yet, and several were placed in the same second."""
    unread = number % 4 == 0
    return {
        "account_id": f"a{number % 2}",
        "platform_id": str(number),
        "ref": f"shop/{number}",
        "number": "" if unread else f"#{1000 + number}",
        "stage": STAGES[number % 4],
        "placed_at": None if unread else NOW + timedelta(minutes=number // 5),
        "created_at": NOW,
        "changed_at": NOW,
        "body": None if unread else BODY,
    } | other


@pytest.fixture
def many(database: Database) -> Database:
    with database.writing() as connection:
        connection.execute(orders.insert(), [order(number) for number in range(1, 41)])
    return database


def walk(page: Any, **asked: Any) -> list[Any]:
    rows, after = [], ""
    while True:
        found = page(after=after, **asked)
        rows += found.rows
        after = found.next
        if not after:
            return rows


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
@pytest.mark.parametrize("stages", [(), ("new",), ("on_hold", "completed")])
def test_pages_hold_every_order_once(many, limit, stages):
    """Whatever the size of a page: all of them, none twice, unread ones first, then by the time they were placed."""
    with many.reading() as connection:
        rows = walk(lambda **asked: lists.orders_page(connection, stages=stages, limit=limit, **asked))

    wanted = [number for number in range(1, 41) if not stages or STAGES[number % 4] in stages]
    assert sorted(int(row.platform_id) for row in rows) == wanted
    keys = [(row.placed_at is None, row.placed_at or NOW, row.id) for row in rows]
    assert keys == sorted(keys, reverse=True)


def test_pages_of_one_account(many):
    """The others are not in them."""
    with many.reading() as connection:
        rows = walk(lambda **asked: lists.orders_page(connection, account_ids=["a1"], limit=4, **asked))

    assert sorted(int(row.platform_id) for row in rows) == list(range(1, 41, 2))


def test_a_row_says_what_it_waits_for(many):
    """Each reason once, and the total; an order that was not read has neither."""
    with many.reading() as connection:
        read, unread = lists.order_at(connection, "a1", "1"), lists.order_at(connection, "a0", "4")

    assert read is not None
    assert (str(read.total), read.holds) == ("5.00 EUR", ("note",))
    assert unread is not None
    assert (unread.total, unread.holds) == (None, ())


@pytest.mark.parametrize("after", ["x", "1", "1.x", "x.1", "9" * 40 + ".1"])
def test_a_wrong_place_is_refused(many, after):
    """It was not given by a page."""
    with many.reading() as connection, pytest.raises(lists.WrongPage):
        lists.orders_page(connection, after=after)


def test_orders_are_found_by_what_people_call_them(many):
    """Number with and without #, and the reference."""
    with many.reading() as connection:
        assert [
            [row.platform_id for row in lists.orders_called(connection, text)] for text in ("1003", "#1003", "shop/3", "3")
        ] == [
            ["3"],
            ["3"],
            ["3"],
            [],
        ]


def test_what_is_due(many):
    """Only of those that were asked about, in any number."""
    with many.writing() as connection:
        connection.execute(orders.update().where(orders.c.id.in_([2, 3])).values(due_at=NOW))
        connection.execute(orders.update().where(orders.c.id == 5).values(due_at=NOW + timedelta(seconds=1)))
    with many.reading() as connection:
        assert lists.due_among(connection, [*range(3, 2000)], NOW) == [3]
        assert lists.due_among(connection, [], NOW) == []


def effect(number: int, **other: Any) -> dict[str, Any]:
    return {
        "key": f"k{number:03}",
        "base": f"k{number}",
        "scope": f"order:{number}",
        "order_id": number,
        "account_id": "a1",
        "kind": "refund_payment",
        "request_id": "r",
        "attempt": 1,
        "state": "done",
        "hash": "",
        "request": "{}",
        "planned_at": NOW + timedelta(seconds=number // 3),
    } | other


@pytest.fixture
def busy(many: Database) -> Database:
    """Effects, tasks, messages and deliveries in every state."""
    with many.writing() as connection:
        states = ("done", "unknown", "sent", "planned")
        connection.execute(effects.insert(), [effect(number, state=states[number % 4]) for number in range(1, 41)])
        rows = [
            {"order_id": number, "account_id": "a1", "kind": "problem", "about": "x", "title": f"t{number}", "opened_at": NOW}
            | {"state": "open" if number % 3 else "done"}
            for number in range(1, 41)
        ]
        connection.execute(tasks.insert(), rows)
        owed = [
            {"id": f"d{number:03}", "order_id": number, "event": "shipped", "person": "customer", "owed_at": NOW}
            | {"state": "failed" if number % 2 else "sent"}
            for number in range(1, 41)
        ]
        connection.execute(duties.insert(), owed)
        arrived = [
            {"account_id": f"a{number % 2}", "received_at": NOW, "digest": "", "state": "bad" if number % 5 == 0 else "done"}
            for number in range(1, 41)
        ]
        connection.execute(deliveries.insert(), arrived)
    return many


def test_effects_that_are_not_settled(busy):
    """Page by page, newest first; with the order's reference."""
    with busy.reading() as connection:
        rows = walk(lambda **asked: lists.effects_page(connection, limit=3, **asked))

    assert len(rows) == 20
    assert {row.state for row in rows} == {"sent", "unknown"}
    assert [(row.planned_at, row.key) for row in rows] == sorted(((row.planned_at, row.key) for row in rows), reverse=True)
    assert all(row.ref == f"shop/{row.order_id}" for row in rows)


def test_orders_that_are_held_back(busy):
    """In steps, each once."""
    with busy.reading() as connection:
        first = lists.held_back(connection, "a1", limit=4)
        rest = lists.held_back(connection, "a1", after_id=first[-1])

    assert first + rest == list(range(3, 41, 4))


def test_tasks_mails_and_deliveries_page(busy):
    """Newest first, each once, by state and account."""
    with busy.reading() as connection:
        todo = walk(lambda **asked: lists.tasks_page(connection, limit=5, **asked))
        lost = walk(lambda **asked: lists.duties_page(connection, limit=6, **asked))
        bad = walk(lambda **asked: lists.deliveries_page(connection, state="bad", limit=3, **asked))
        of_one = walk(lambda **asked: lists.deliveries_page(connection, account_ids=["a1"], limit=7, **asked))

    assert [row.id for row in todo] == [number for number in range(40, 0, -1) if number % 3]
    assert [row.id for row in lost] == [f"d{number:03}" for number in range(39, 0, -2)]
    assert [row.id for row in bad] == [*range(40, 0, -5)]
    assert [row.id for row in of_one] == [*range(39, 0, -2)]


def test_the_newest_of_a_story(many):
    """At most so many, oldest first, and only since then."""
    with many.writing() as connection:
        lines = [
            {"order_id": 1, "at": NOW + timedelta(seconds=number), "who": "x", "what": "y", "text": str(number)}
            for number in range(9)
        ]
        connection.execute(timeline.insert(), lines)
    with many.reading() as connection:
        newest = lists.timeline_of(connection, 1, limit=3)
        since = lists.timeline_of(connection, 1, since=NOW + timedelta(seconds=7))

    assert [row.text for row in newest] == ["6", "7", "8"]
    assert [row.text for row in since] == ["7", "8"]


# --- what it costs ----------------------------------------------------------------------------------------------------


@pytest.fixture
def sqlite(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    """The plans are read on SQLite; PostgreSQL has the same indexes."""
    shutil.copy(sqlite_template, tmp_path / "connector.db")
    database = Database(f"sqlite:///{tmp_path / 'connector.db'}")
    yield database
    database.close()


def plans(database: Database, ask: Any) -> list[str]:
    """What SQLite does for each query that `ask` makes."""
    asked: list[tuple[str, Any]] = []

    def listen(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        asked.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", listen)
    with database.reading() as connection:
        ask(connection)
    event.remove(database.engine, "before_cursor_execute", listen)
    with database.reading() as connection:
        return [
            row[3]
            for statement, parameters in asked
            if statement.startswith("SELECT")
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]


@pytest.mark.parametrize(
    "ask",
    [
        lambda c: lists.orders_page(c),
        lambda c: lists.orders_page(c, stages=["on_hold"], after="1795386561550287.7"),
        lambda c: lists.orders_page(c, after="-.7"),
        lambda c: lists.order_at(c, "a1", "1"),
        lambda c: lists.orders_called(c, "1001"),
        lambda c: lists.orders_of(c, [1, 2]),
        lambda c: lists.due_among(c, [1, 2], NOW),
        lambda c: lists.timeline_of(c, 1),
        lambda c: lists.tasks_of(c, 1),
        lambda c: lists.effects_of(c, 1),
        lambda c: lists.duties_of(c, 1),
        lambda c: lists.commands_waiting(c, 1),
        lambda c: lists.tasks_page(c),
        lambda c: lists.effects_page(c),
        lambda c: lists.deliveries_page(c),
        lambda c: commands.given(c, 1, "r"),
    ],
)
def test_no_list_reads_a_whole_table(sqlite, ask):
    """Every step searches an index; deliveries are read backwards from the newest until the page is full."""
    steps = plans(sqlite, ask)

    assert steps
    tables = ("orders", "timeline", "tasks", "duties", "inbox", "accounts")
    whole = [step for step in steps if step.startswith("SCAN") and step.split()[1] in tables]
    assert whole == []
    assert all("ix_effects_open" in step for step in steps if step.startswith("SCAN effects"))


def test_a_page_is_one_query(many):
    """However many rows it has."""
    asked = []
    event.listen(many.engine, "before_cursor_execute", lambda *said: asked.append(said[2]))

    with many.reading() as connection:
        lists.orders_page(connection)

    assert len([statement for statement in asked if statement.startswith(("SELECT", "("))]) == 1


# --- commands ---------------------------------------------------------------------------------------------------------


def test_the_guard_holds_on_both_databases(many, vault):
    """The same request is one; an equal one is refused; a refused one does not count."""
    body, stored = {"do": "refund", "amount": "5.00", "who": "x"}, Orders(many, vault)

    def give(request_id: str, *, at: datetime = NOW, **more: Any) -> bool:
        with many.writing() as connection:
            row = lists.orders_of(connection, [1])[0]
            asked = {"account_name": "shop", "body": body, "now": at, "request_id": request_id}
            return commands.give(connection, stored, row, **asked, **more)

    assert give("r1") is True
    assert give("r1") is False
    with pytest.raises(Conflict, match=r"the same refund was asked for 59 s ago"):
        give("r2", at=NOW + timedelta(seconds=59))
    assert give("r2", again=True) is True
    assert give("r3", at=NOW + timedelta(minutes=11)) is True
    with pytest.raises(Conflict, match="has changed since you looked"):
        give("r4", version=7, again=True)
