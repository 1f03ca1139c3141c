"""The connection to our own database: SQLite or PostgreSQL, and how a transaction begins on each."""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, select, type_coerce
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import QueuePool

from ..errors import ConfigError, StoreError
from .tables import Utc, db_now

_PATIENCE_S = 30.0
"""So long a writer waits for the others."""


class Database:
    """One engine, and the two ways to begin. No transaction is held open across a call to the outside."""

    def __init__(self, url: str, *, pool_size: int = 24) -> None:
        self.url = url
        self.engine = _engine(url, pool_size)
        self.holder = f"process-{os.getpid()}-{secrets.token_hex(3)}"
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._idle: list[Connection] = []  # of SQLite, open and outside of any transaction
        self._writing = threading.Lock()
        self._patient = threading.Lock()

    def new_token(self) -> str:
        """A token for a lease or lock that is taken by this process."""
        return f"{self.holder}:{secrets.token_hex(8)}"

    @contextmanager
    def writing(self, *, urgent: bool = False) -> Iterator[Connection]:
        """A transaction that may write: all of it or nothing is committed at the end.

        Args:
            urgent: somebody outside waits for the answer, so it goes before this process's other writers.
        """
        with _errors(), self._turn(urgent), self._connected() as connection, connection.begin():
            if self.is_sqlite:
                # It must take its write lock at the start. A reader that turns into a writer on an old snapshot fails at once
                # with "database is locked" (tried, SQLite 3.40).
                _say(connection, "BEGIN IMMEDIATE")
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads: one snapshot."""
        with _errors(), self._connected(snapshot=True) as connection, connection.begin():
            if self.is_sqlite:
                _say(connection, "BEGIN")
            yield connection

    @contextmanager
    def _turn(self, urgent: bool) -> Iterator[None]:
        """The writers of this process queue here. SQLite would have each poll for the lock, ever more seldom, so that one may
        wait long while others come and go. Of those that are not urgent one at a time competes; the rest wait behind it."""
        if not self.is_sqlite:
            yield
        elif urgent:
            with _held(self._writing):
                yield
        else:
            with _held(self._patient), _held(self._writing):
                yield

    @contextmanager
    def _connected(self, *, snapshot: bool = False) -> Iterator[Connection]:
        if not self.is_sqlite:
            with self.engine.connect() as connection:
                # PostgreSQL would give every statement a snapshot of its own: a case and its people of different versions.
                yield connection.execution_options(isolation_level="REPEATABLE READ") if snapshot else connection
            return
        connection = self._take_idle() or self.engine.connect()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)

    def _take_idle(self) -> Connection | None:
        # An order opens ten transactions: what the pool does for each of them again takes longer than SQLite needs to begin.
        with suppress(IndexError):
            return self._idle.pop()
        return None

    def wipe(self, connection: Connection) -> None:
        """What this transaction deletes is overwritten, not only marked as free (SQLite; PostgreSQL: its vacuum does that)."""
        if self.is_sqlite:
            _say(connection, "PRAGMA secure_delete=ON")

    def empty_log(self) -> None:
        """Leave nothing of the past in the write-ahead log, as far as nobody reads just now. After the commit."""
        if self.is_sqlite:
            with _errors(), self._connected() as connection:
                _driver_of(connection).execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def clock(self, connection: Connection) -> datetime:
        """The database's own time (UTC)."""
        now: datetime = connection.execute(select(type_coerce(db_now(), Utc))).scalar_one()
        return now

    def close(self) -> None:
        while connection := self._take_idle():
            connection.close()
        self.engine.dispose()


def insert_ignore(connection: Connection) -> Any:
    """This dialect's own `insert`, which knows `ON CONFLICT`."""
    return insert_for(connection.dialect.name)


def insert_for(dialect: str) -> Any:
    return sqlite.insert if dialect == "sqlite" else postgresql.insert


def _engine(url: str, pool_size: int) -> Engine:
    try:
        if url.startswith("sqlite"):
            engine = create_engine(
                url,
                poolclass=QueuePool,
                pool_size=pool_size,
                max_overflow=0,
                connect_args={"check_same_thread": False, "timeout": _PATIENCE_S},
            )
        else:
            engine = create_engine(_with_driver(url), pool_size=pool_size, max_overflow=8, pool_pre_ping=True)
    except Exception as error:
        raise ConfigError(
            f"database_url cannot be used ({type(error).__name__}). Write sqlite:///connector.db or "
            "postgresql://user:password@host/name."
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
    elif engine.dialect.name != "postgresql":
        raise ConfigError(f"database_url: {engine.dialect.name} is not supported; use SQLite or PostgreSQL.")
    return engine


def _with_driver(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"postgresql+psycopg://{rest}" if scheme in ("postgresql", "postgres") else url


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")  # an acknowledged webhook survives a power cut
    connection.execute(f"PRAGMA busy_timeout={int(_PATIENCE_S * 1000)}")


def _say(connection: Connection, words: str) -> None:
    """Past SQLAlchemy, which has nothing to translate here and takes ten times as long."""
    _driver_of(connection).execute(words)


def _driver_of(connection: Connection) -> sqlite3.Connection:
    driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
    return driver


@contextmanager
def _held(lock: threading.Lock) -> Iterator[None]:
    if not lock.acquire(timeout=_PATIENCE_S):
        raise StoreError("our own database cannot be used: another thread does not let go of it")
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except (OperationalError, sqlite3.OperationalError) as error:
        raise StoreError(f"our own database cannot be used: {_first_line(error)}") from error


def _first_line(error: DBAPIError | sqlite3.OperationalError) -> str:
    said = error.orig if isinstance(error, DBAPIError) else error
    return str(said).splitlines()[0] if said else type(error).__name__
