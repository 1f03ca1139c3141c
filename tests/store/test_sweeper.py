"""What is due is found, given to one, and found as fast among many orders as among few."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import event, func, select, text

from connector.store.database import Database
from connector.store.orders import Orders
from connector.store.tables import orders
from connector.store.vault import Vault
from tests.store.world import (
    ALREADY_OVER,
    NOW,
    race,
    taken,
    tell,
)

MINUTE = timedelta(minutes=1)


def test_what_is_due_is_queued_once(books: Orders, database: Database, vault: Vault) -> None:
    """Due and free orders come out once per holding time; leased ones and those of later not at all; a wake-up asks again."""
    now_due, later, leased, crashed = (tell(books, name) for name in ("now", "later", "leased", "crashed"))
    lease = taken(books, later)
    books.give_back(lease, NOW, due_at=NOW + MINUTE)
    taken(books, leased)
    taken(Orders(database, vault, lease=ALREADY_OVER), crashed)

    assert sorted(books.queue_due(NOW, limit=10, hold_s=60)) == [now_due, crashed]
    assert books.queue_due(NOW, limit=10, hold_s=60) == []
    tell(books, "now")
    assert books.queue_due(NOW, limit=10, hold_s=60) == [now_due]
    assert books.queue_due(NOW + MINUTE, limit=10, hold_s=-1) == [later]
    assert books.queue_due(NOW + MINUTE, limit=10, hold_s=60) == [later]  # its job was lost: queued anew after the holding time


def test_two_sweepers_do_not_queue_the_same_order(books: Orders, another: Callable[[], Orders]) -> None:
    """Each due order is given to one of them."""
    ids = [tell(books, str(number)) for number in range(20)]
    views = [another() for _ in range(4)]

    found = race(*(lambda view=view: view.queue_due(NOW, limit=100, hold_s=60) for view in views))

    assert sorted(order_id for part in found for order_id in part) == ids


def test_looking_for_due_orders_does_not_cost_more_with_every_stored_order(books: Orders, database: Database) -> None:
    """The sweeper asks twice a second; with a year of orders stored it must not read them all."""
    tell(books, "due")
    _store_many(database, 300)
    few = _cost(books)
    _store_many(database, 6000)
    many = _cost(books)

    assert "ix_orders_due_at" in few[1]
    assert "ix_orders_due_at" in many[1]
    assert many[0] <= few[0] * 1.5 + 10, f"{few} became {many}"


def _store_many(database: Database, number: int) -> None:
    with database.writing() as connection:
        start = connection.execute(select(func.count()).select_from(orders)).scalar_one()
        made = [
            {"account_id": "a1", "platform_id": f"x{start + n}", "ref": f"shop/x{start + n}", "stage": "completed"}
            | {"created_at": NOW, "changed_at": NOW}
            for n in range(number)
        ]
        connection.execute(orders.insert(), made)
    with database.writing() as connection:
        connection.execute(text("ANALYZE"))


def _cost(books: Orders) -> tuple[float, str]:
    """What the sweeper's question costs (SQLite: steps of its machine; PostgreSQL: pages read), and its plan."""
    with _listening(books.database) as said:
        assert len(books.queue_due(NOW, limit=50, hold_s=-60)) == 1
    statement, parameters = next(one for one in said if one[0].lstrip().startswith("SELECT orders.id"))
    with books.database.reading() as connection:
        if not books.database.is_sqlite:
            explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
            (plan,) = connection.exec_driver_sql(explain, parameters).scalar_one()
            return plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"], json.dumps(plan)
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
        raw = connection.connection.driver_connection
        steps = [0]

        def count() -> int:
            steps[0] += 1
            return 0

        raw.set_progress_handler(count, 1)
        connection.exec_driver_sql(statement, parameters).all()
        raw.set_progress_handler(None, 1)
        return steps[0], str(plan)


@contextmanager
def _listening(database: Database) -> Iterator[list[Any]]:
    said: list[Any] = []

    def hear(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        said.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", hear)
    yield said
    event.remove(database.engine, "before_cursor_execute", hear)
