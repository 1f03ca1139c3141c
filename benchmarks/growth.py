"""Does it cost more when much is stored? The same work with 1,000 and with 100,000 orders in the database."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial

from connector import news
from connector.app import App
from connector.store import lists, shared

from .measure import Measure, compare, in_turns, per_second
from .shop import SHOP, check_all_done, left, open_shop, put_in

ROUNDS = 5
FEW, MANY = 1_000, 100_000
SEED = 100
ORDERS = 50
POLLED = 100
LISTED = 40
STEP = 10_000_000
"""Copies of orders get ids this far from each other, so that none meets a real one."""


def measure() -> Iterator[Measure]:
    """The stored orders are copies of some that went all the way, with everything that belongs to them."""
    numbers = itertools.count(1)
    with open_shop() as few, open_shop() as many:
        _fill(few, FEW)
        _fill(many, MANY)
        for name, run in (("advance", _advance), ("poll", _poll), ("list", _list)):
            with_many, with_few = partial(run, many, numbers), partial(run, few, numbers)
            with_many(), with_few()  # once for warming up
            pairs = [(ours, peer) for ours, peer in in_turns(ROUNDS, with_many, with_few)]
            yield compare(f"{name}, 100,000 orders", pairs, unit="/s", against="with 1,000 orders", at_least=0.8)


def _advance(app: App, numbers: Iterator[int]) -> float:
    first = next(numbers) * 1000
    ids = put_in(app, range(first, first + ORDERS))
    speed = per_second(ORDERS, lambda: [app.advance(order_id) for order_id in ids])
    if left(app):
        raise RuntimeError("not all orders came through")
    return speed


def _poll(app: App, numbers: Iterator[int]) -> float:
    """A page of new orders."""
    first = next(numbers) * 1000
    account = app.registry.account(SHOP)
    state = shared.AccountState(app.database, app.vault, account.id)
    state.put(news.CURSOR, f"{first}:{first + POLLED}")
    speed = per_second(POLLED, lambda: news.poll(app, account))
    for order_id in app.orders.queue_due(app.clock.now(), limit=POLLED, hold_s=60):
        app.advance(order_id)
    return speed


def _list(app: App, numbers: Iterator[int]) -> float:
    """The newest page of orders."""

    def read() -> None:
        for _ in range(LISTED):
            with app.database.reading() as connection:
                lists.orders_page(connection)

    return per_second(LISTED, read)


# --- many orders ------------------------------------------------------------------------------------------------------


def _fill(app: App, count: int) -> None:
    """Some orders go all the way; the rest are copies of their rows."""
    for order_id in put_in(app, range(STEP - SEED, STEP)):
        app.advance(order_id)
    check_all_done(app, SEED)
    with closing(sqlite3.connect(app.settings.connector.database_url.removeprefix("sqlite:///"))) as connection:
        connection.execute("PRAGMA synchronous=OFF")  # only while it is filled
        connection.execute("CREATE TEMP TABLE copies (copy INTEGER PRIMARY KEY)")
        connection.executemany("INSERT INTO copies VALUES (?)", [(number,) for number in range(1, count // SEED)])
        for table, changed in COPIED.items():
            _copy(connection, table, changed)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


# What is different in a copy; ids that count up by themselves are left out.
_ORDER = f"order_id + copy * {STEP}"
COPIED = {
    "orders": {
        "id": f"id + copy * {STEP}",
        "platform_id": f"CAST(platform_id + copy * {STEP} AS TEXT)",
        "ref": f"'shop/' || (platform_id + copy * {STEP})",
        "placed_at": "placed_at - (id + copy * 100) * 1000000",
    },
    "people": {"order_id": _ORDER},
    "inbox": {"id": "", "order_id": _ORDER},
    "timeline": {"id": "", "order_id": _ORDER},
    "duties": {"id": "id || '#' || copy", "order_id": _ORDER},
    "effects": {
        "key": "key || '#' || copy",
        "base": "base || '#' || copy",
        "scope": f"'order:' || (order_id + copy * {STEP})",
        "order_id": _ORDER,
    },
}


def _copy(connection: sqlite3.Connection, table: str, changed: dict[str, str]) -> None:
    named = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if changed.get(row[1]) != ""]
    values = ", ".join(changed.get(name) or f'{table}."{name}"' for name in named)
    columns = ", ".join(f'"{name}"' for name in named)
    connection.execute(f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table}, copies")  # noqa: S608  (our own tables)
