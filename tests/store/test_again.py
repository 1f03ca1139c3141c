"""Open orders that rest are woken page by page, and what that costs does not grow with what has ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, text, update

from connector.model.flow import OPEN, Stage
from connector.store.again import Place, page, wake_page
from connector.store.database import Database
from connector.store.orders import Orders
from connector.store.tables import orders
from tests.store.world import NOW, race

LATER = NOW + timedelta(days=1)


def store(database: Database, number: int, stage: str, **values: Any) -> None:
    """So many orders of a stage, placed in the same second by threes."""
    with database.writing() as connection:
        start = connection.execute(select(func.count()).select_from(orders)).scalar_one()
        names = [str(start + n) for n in range(number)]
        about = {
            "account_id": "a1",
            "stage": stage,
            "created_at": NOW,
            "changed_at": NOW,
            "due_at": None,
            "failures": 0,
        } | values
        made = [
            {"platform_id": name, "ref": f"shop/{name}", "placed_at": NOW + timedelta(seconds=n // 3)} | about
            for n, name in enumerate(names)
        ]
        connection.execute(orders.insert(), made)


def walk(database: Database, *, limit: int, place: Place | None = None) -> list[int]:
    """To the end; how many each page woke."""
    woken, here = [], place or Place()
    while True:
        with database.writing() as connection:
            number, following = wake_page(connection, here, NOW, limit=limit)
        woken.append(number)
        if following is None:
            return woken
        here = following


def due(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(orders).where(orders.c.due_at <= NOW)).scalar_one())


def test_every_open_order_that_rests_is_woken_once(books: Orders, database: Database) -> None:
    """Also those of one second across a page's end; not what has ended, is due or is tried again after a failure."""
    for stage in OPEN:
        store(database, 7, stage)
    store(database, 3, Stage.ON_HOLD, due_at=LATER)
    store(database, 5, Stage.ON_HOLD, due_at=LATER, failures=2)
    store(database, 9, Stage.COMPLETED)
    store(database, 9, Stage.CANCELLED)

    assert sum(walk(database, limit=2)) == 4 * 7 + 3
    assert due(database) == 4 * 7 + 3
    with database.reading() as connection:
        wakes = connection.execute(select(orders.c.wake, func.count()).group_by(orders.c.wake)).all()
    assert dict(map(tuple, wakes)) == {1: 31, 0: 23}
    assert sum(walk(database, limit=2)) == 0


def test_a_walk_that_was_cut_goes_on(books: Orders, database: Database) -> None:
    """The place is enough to go on with, and everything is woken in the end."""
    store(database, 20, Stage.PROCESSING)
    here: Place | None = Place(stage=Stage.PROCESSING)
    for _ in range(3):
        assert here is not None
        with database.writing() as connection:
            woken, here = wake_page(connection, here, NOW, limit=4)
        assert woken == 4
    assert due(database) == 12
    assert sum(walk(database, limit=4, place=here)) == 8
    assert due(database) == 20


def test_two_processes_at_once(books: Orders, another: Callable[[], Orders], database: Database) -> None:
    """Both wake the same orders, and neither stops the other."""
    for stage in OPEN:
        store(database, 15, stage)
    views = [another().database for _ in range(2)]
    found = race(*(lambda view=view: walk(view, limit=4) for view in views))

    assert [one for one in found if isinstance(one, Exception)] == []
    assert due(database) == 60


def test_what_has_ended_costs_nothing(books: Orders, database: Database) -> None:
    """By the index on stage and time, without sorting; as much with a year of ended orders as without."""
    store(database, 40, Stage.PROCESSING)
    few = _cost(database)
    store(database, 6000, Stage.COMPLETED)
    many = _cost(database)

    for plan in (few[1], many[1]):
        assert "ix_orders_stage_placed_at" in plan
        assert "TEMP B-TREE" not in plan
        assert '"Sort"' not in plan
    assert many[0] <= few[0] * 1.5 + 10, f"{few} became {many}"


def _cost(database: Database) -> tuple[float, str]:
    """What a page in the middle of the walk costs (SQLite: steps of its machine; PostgreSQL: pages read), and its plan."""
    with database.writing() as connection:
        connection.execute(text("ANALYZE"))
    with database.reading() as connection:
        middle = connection.execute(
            select(orders.c.placed_at, orders.c.id).where(orders.c.stage == Stage.PROCESSING).offset(20).limit(1)
        ).one()
        micros = (middle.placed_at - NOW) // timedelta(microseconds=1) + int(NOW.timestamp() * 1e6)
        query = page(Place(stage=Stage.PROCESSING, placed_at=micros, order_id=middle.id), NOW, limit=10)
        statement = str(query.compile(connection, compile_kwargs={"literal_binds": True}))
        if not database.is_sqlite:
            connection.execute(text("SET LOCAL enable_seqscan = off"))  # a table of one page is read whole, whatever it has
            (plan,) = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}").scalar_one()
            return plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"], json.dumps(plan)
        raw: Any = connection.connection.driver_connection
        steps = [0]

        def count() -> int:
            steps[0] += 1
            return 0

        raw.set_progress_handler(count, 1)
        assert len(connection.exec_driver_sql(statement).all()) == 10
        raw.set_progress_handler(None, 1)
        return steps[0], str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").all())


def test_an_order_that_is_being_worked_on_goes_round_again(books: Orders, database: Database) -> None:
    """Whoever has it looks at it once more."""
    store(database, 1, Stage.ON_HOLD)
    with database.writing() as connection:
        connection.execute(update(orders).values(lease_token="somebody:1", lease_until=2**60))
    assert sum(walk(database, limit=5)) == 1
    with database.reading() as connection:
        assert connection.execute(select(orders.c.wake)).scalar_one() == 1
