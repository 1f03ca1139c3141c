"""The peer of the pipeline: a bare outbox that commits as often and as much for an order as we do, and does nothing else."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import event

from connector.app import App

from .shop import check_all_done, put_in


@dataclass(slots=True)
class Commits:
    """What was written for an order: the bytes of each commit, and how often it was only read."""

    bytes: list[int] = field(default_factory=list)
    reads: int = 0


def count_commits(app: App) -> Commits:
    """Work off one order and look at what goes into the database. A commit's bytes are those of the values that are written."""
    (order_id,) = put_in(app, [1])
    found, open_bytes = Commits(), 0

    def write(connection: Any, cursor: Any, statement: str, values: Any, context: Any, many: bool) -> None:
        nonlocal open_bytes
        if not statement.startswith("SELECT"):
            open_bytes += sum(_size(row) for row in (values if many else [values]))

    def commit(connection: Any) -> None:
        nonlocal open_bytes
        if open_bytes:
            found.bytes.append(open_bytes)
        else:
            found.reads += 1
        open_bytes = 0

    event.listen(app.database.engine, "before_cursor_execute", write)
    event.listen(app.database.engine, "commit", commit)
    try:
        app.advance(order_id)
    finally:
        event.remove(app.database.engine, "before_cursor_execute", write)
        event.remove(app.database.engine, "commit", commit)
    check_all_done(app, 1)
    return found


def _size(values: Sequence[Any]) -> int:
    return sum(len(value) if isinstance(value, str | bytes) else 8 for value in values)


@contextmanager
def bare_outbox(folder: Path) -> Any:
    """SQLite, nothing around it, with the same promises: what is committed survives a power cut."""
    connection = sqlite3.connect(folder / "outbox.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, done INTEGER NOT NULL DEFAULT 0)")
    connection.execute("CREATE TABLE effects (id INTEGER PRIMARY KEY, order_id INTEGER, at REAL, body BLOB)")
    try:
        yield connection
    finally:
        connection.close()


def work_off(outbox: sqlite3.Connection, first: int, count: int, commits: Sequence[int]) -> None:
    """For each order one transaction per commit: what happened is written, and how far the order is."""
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
