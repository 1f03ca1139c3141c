"""The peers of the pipeline: a bare outbox, and the very writes of our orders done again by SQLite's driver alone."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import event

from connector.app import App

from .shop import check_all_done, put_in

Write = tuple[str, Any, bool]
"""A statement, its values, and whether those are of many rows."""


@dataclass(slots=True)
class Written:
    """What some orders wrote: for each commit its statements. `before` is the database as it was before."""

    orders: int
    before: Path
    commits: list[list[Write]] = field(default_factory=list)

    @property
    def bytes_per_commit(self) -> list[int]:
        """Of the first order, whose commits are the first ones: the bytes of the values that are written."""
        share = self.commits[: len(self.commits) // self.orders]
        return [sum(_size(row) for _, values, many in commit for row in (values if many else [values])) for commit in share]


def write_down(app: App, count: int, folder: Path) -> Written:
    """Work off some orders and write down what goes into the database."""
    ids = put_in(app, range(1, count + 1))
    written = Written(orders=count, before=folder / "before.db")
    with (
        closing(sqlite3.connect(app.database.engine.url.database or "")) as now,
        closing(sqlite3.connect(written.before)) as copy,
    ):
        now.backup(copy)

    class Listening(sqlite3.Connection):
        open: list[Write]

        def execute(self, sql: str, values: Any = (), /) -> sqlite3.Cursor:
            return self.heard(sql, values, False) or super().execute(sql, values)

        def executemany(self, sql: str, rows: Any, /) -> sqlite3.Cursor:
            rows = list(rows)
            return self.heard(sql, rows, True) or super().executemany(sql, rows)

        def cursor(self, factory: Any = None, /) -> Any:
            return super().cursor(ListeningCursor)

        def heard(self, sql: str, values: Any, many: bool) -> None:
            if sql.startswith("BEGIN"):
                self.open = []
            elif not sql.startswith(("SELECT", "PRAGMA")):
                self.open.append((sql, values, many))

        def commit(self) -> None:
            super().commit()
            if self.open:
                written.commits.append(self.open)
            self.open = []

    class ListeningCursor(sqlite3.Cursor):
        def execute(self, sql: str, values: Any = (), /) -> sqlite3.Cursor:
            self.connection.heard(sql, values, False)  # type: ignore[attr-defined]
            return super().execute(sql, values)

        def executemany(self, sql: str, rows: Any, /) -> sqlite3.Cursor:
            self.connection.heard(sql, rows, True)  # type: ignore[attr-defined]
            return super().executemany(sql, rows)

    def connect(dialect: Any, record: Any, args: Any, options: dict[str, Any]) -> Any:
        return sqlite3.connect(*args, **options, factory=Listening)

    event.listen(app.database.engine, "do_connect", connect)
    app.database.close()  # the connections that are open already do not listen
    for order_id in ids:
        app.advance(order_id)
    event.remove(app.database.engine, "do_connect", connect)
    app.database.close()
    check_all_done(app, count)
    return written


def _size(values: Sequence[Any]) -> int:
    return sum(len(value) if isinstance(value, str | bytes) else 8 for value in values)


def _open(path: Path) -> sqlite3.Connection:
    """With the same promises as ours: what is committed survives a power cut."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def write_again(written: Written, folder: Path) -> None:
    """The same statements in the same commits, on the same tables, and nothing around them."""
    path = folder / "again.db"
    for old in folder.glob("again.db*"):
        old.unlink()
    shutil.copy(written.before, path)
    with closing(_open(path)) as connection:
        for commit in written.commits:
            connection.execute("BEGIN IMMEDIATE")
            for sql, values, many in commit:
                if many:
                    connection.executemany(sql, values)
                else:
                    connection.execute(sql, values).fetchall()
            connection.execute("COMMIT")


@contextmanager
def bare_outbox(folder: Path) -> Iterator[sqlite3.Connection]:
    """Two tables, of which one says what is to be sent and the other how far an order is."""
    with closing(_open(folder / "outbox.db")) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, done INTEGER NOT NULL DEFAULT 0)")
        connection.execute("CREATE TABLE effects (id INTEGER PRIMARY KEY, order_id INTEGER, at REAL, body BLOB)")
        yield connection


def work_off(outbox: sqlite3.Connection, first: int, count: int, commits: Sequence[int]) -> None:
    """For each order as many commits and bytes as ours: what happened is written, and how far the order is."""
    bodies = [os.urandom(size) for size in commits]
    outbox.execute("BEGIN IMMEDIATE")
    outbox.executemany("INSERT INTO orders (id) VALUES (?)", [(first + number,) for number in range(count)])
    outbox.execute("COMMIT")
    for number in range(count):
        for body in bodies:
            outbox.execute("BEGIN IMMEDIATE")
            outbox.execute("INSERT INTO effects (order_id, at, body) VALUES (?, ?, ?)", (first + number, time.time(), body))
            outbox.execute("UPDATE orders SET done = done + 1 WHERE id = ?", (first + number,))
            outbox.execute("COMMIT")
