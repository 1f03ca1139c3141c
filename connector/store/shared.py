"""Small things that all processes share: plugin state, locks, rate limits, schedules, modes, the install's id."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, func, select, type_coerce, update

from ..context import StateRow
from ..errors import Conflict, TryLater
from .database import Database, insert_ignore
from .statements import Statement
from .tables import Utc, account_modes, accounts, db_now, locks, meta, orders, schedules, state
from .vault import Vault

MODES = ("shadow", "rehearsal", "live")

# --- plugin state -----------------------------------------------------------------------------------------------------


class AccountState:
    """`ctx.state` of one account."""

    def __init__(self, database: Database, vault: Vault, account_id: str) -> None:
        self._database = database
        self._vault = vault
        self._account_id = account_id

    def get(self, key: str) -> StateRow | None:
        with self._database.reading() as connection:
            row = connection.execute(select(state, type_coerce(db_now(), Utc).label("now")).where(self._is(key))).one_or_none()
        if row is None or (row.expires_at is not None and row.expires_at <= row.now):
            return None
        value = self._vault.open_secret(row.sealed).decode() if row.sealed is not None else row.value
        return StateRow(value=value, version=row.version, expires_at=row.expires_at)

    def put(
        self,
        key: str,
        value: str,
        *,
        version: int | None = None,
        expires_at: datetime | None = None,
        secret: bool = False,
    ) -> StateRow:
        sealed = self._vault.seal_secret(value.encode()) if secret else None
        columns = {"value": None if secret else value, "sealed": sealed, "expires_at": expires_at}
        with self._database.writing() as connection:
            stored, shown = self._locked_version(connection, key)
            if version is not None and version != shown:
                raise Conflict(f"{key} was changed by another process (version {version}, now {shown})")
            connection.execute(update(state).where(self._is(key)).values(version=stored + 1, **columns))
        return StateRow(value=value, version=stored + 1, expires_at=expires_at)

    def _locked_version(self, connection: Connection, key: str) -> tuple[int, int]:
        """The row's version (0 if it was just made), and the one that `get` shows: 0 once it has run out."""
        insert = insert_ignore(connection)(state).values(account_id=self._account_id, key=key, version=0)
        connection.execute(insert.on_conflict_do_nothing(index_elements=["account_id", "key"]))
        columns = (state.c.version, state.c.expires_at, type_coerce(db_now(), Utc).label("now"))
        row = connection.execute(select(*columns).where(self._is(key)).with_for_update()).one()
        return row.version, 0 if row.expires_at is not None and row.expires_at <= row.now else row.version

    def delete(self, key: str) -> None:
        with self._database.writing() as connection:
            connection.execute(delete(state).where(self._is(key)))

    def _is(self, key: str) -> ColumnElement[bool]:
        return and_(state.c.account_id == self._account_id, state.c.key == key)


# --- locks ------------------------------------------------------------------------------------------------------------


class Lock:
    """A named lock that is ours until it is let go or runs out."""

    def __init__(self, database: Database, name: str, token: str) -> None:
        self._database = database
        self.name = name
        self.token = token

    def is_mine(self, connection: Connection) -> bool:
        held = select(locks.c.name).where(locks.c.name == self.name, locks.c.token == self.token, locks.c.until > db_now())
        return connection.execute(held).first() is not None

    def extend(self, seconds: float) -> bool:
        """Keep it longer. False if somebody else has it by now."""
        with self._database.writing() as connection:
            longer = update(locks).where(locks.c.name == self.name, locks.c.token == self.token)
            return connection.execute(longer.values(until=db_now() + int(seconds * 1e6))).rowcount == 1

    def let_go(self) -> None:
        with self._database.writing() as connection:
            connection.execute(delete(locks).where(locks.c.name == self.name, locks.c.token == self.token))


def take_lock(database: Database, name: str, seconds: float) -> Lock | None:
    """Take a named lock for so many seconds (database's clock), or None if it is taken."""
    token = database.new_token()
    until = db_now() + int(seconds * 1e6)
    with database.writing() as connection:
        # RETURNING, because SQLAlchemy keeps no rowcount of an INSERT on PostgreSQL.
        insert = insert_ignore(connection)(locks).values(name=name, token=token, until=until)
        new = insert.on_conflict_do_nothing(index_elements=["name"]).returning(locks.c.name)
        if connection.execute(new).first() is not None:
            return Lock(database, name, token)
        run_out = update(locks).where(locks.c.name == name, locks.c.until < db_now()).values(token=token, until=until)
        return Lock(database, name, token) if connection.execute(run_out).rowcount == 1 else None


def forget_dead_self(database: Database, holder: str) -> None:
    """Let go of every lease and lock that an earlier process of this name held. Only for who holds the name's file lock.

    What it had sent without writing down the answer is settled by the ledger's rules all the same.
    """
    mine = f"{holder}:"

    def is_mine(token: ColumnElement[Any]) -> ColumnElement[bool]:
        return func.substr(token, 1, len(mine)) == mine  # not LIKE: in it, a host's "_" is any letter, another host's too

    with database.writing() as connection:
        connection.execute(delete(locks).where(is_mine(locks.c.token)))
        free = {"lease_token": None, "lease_until": None, "queued_until": None}
        connection.execute(update(orders).where(is_mine(orders.c.lease_token)).values(**free))


@contextmanager
def locked(database: Database, name: str, seconds: float = 120.0) -> Iterator[Lock]:
    """Hold a named lock. Raises TryLater if it is taken."""
    lock = take_lock(database, name, seconds)
    if lock is None:
        raise TryLater(f"another process is at it ({name})", after_s=5)
    try:
        yield lock
    finally:
        lock.let_go()


# --- schedules --------------------------------------------------------------------------------------------------------


def due_schedules(database: Database, now: datetime) -> list[str]:
    """Names of what is to run again."""
    with database.reading() as connection:
        return list(connection.execute(select(schedules.c.name).where(schedules.c.due_at <= now)).scalars())


def claim_schedules(database: Database, now: datetime, *, again: datetime) -> list[str]:
    """Names of what is to run now. Each is given to one caller only; to the next one at `again`, should this one die."""
    if not due_schedules(database, now):
        return []
    with database.writing() as connection:
        claimed = update(schedules).where(schedules.c.due_at <= now).values(due_at=again).returning(schedules.c.name)
        return list(connection.execute(claimed).scalars())


def schedule(
    database: Database, name: str, due_at: datetime, *, only_if_new: bool = False, failures: int = 0, said: str = ""
) -> None:
    """When something is to run again."""
    with database.writing() as connection:
        insert = insert_ignore(connection)(schedules).values(name=name, due_at=due_at, failures=failures, said=said)
        values = {"due_at": due_at, "failures": failures, "said": said}
        if only_if_new:
            connection.execute(insert.on_conflict_do_nothing(index_elements=["name"]))
        else:
            connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_=values))


def schedule_failures(database: Database, name: str) -> int:
    with database.reading() as connection:
        return connection.execute(select(schedules.c.failures).where(schedules.c.name == name)).scalar_one_or_none() or 0


# --- accounts and this install ----------------------------------------------------------------------------------------


def install_id(connection: Connection) -> str:
    """The id of this install, made with the database. A restored copy gets a new one, so that its keys are new too."""
    found = connection.execute(select(meta.c.value).where(meta.c.key == "install")).scalar_one_or_none()
    if found is not None:
        return str(found)
    connection.execute(
        insert_ignore(connection)(meta)
        .values(key="install", value=secrets.token_hex(4))
        .on_conflict_do_nothing(index_elements=["key"])
    )
    return str(connection.execute(select(meta.c.value).where(meta.c.key == "install")).scalar_one())


def mode(connection: Connection, account_id: str) -> str:
    """shadow, rehearsal or live. An account that nobody has put live is in shadow: no effect leaves."""
    row = _MODE.first(connection, {"b_id": account_id})
    return str(row.mode) if row else "shadow"


_MODE = Statement(select(accounts.c.mode).where(accounts.c.id == bindparam("b_id")))


def set_mode(connection: Connection, account_id: str, name: str, new: str, *, who: str, now: datetime) -> None:
    """Change an account's mode and write down who did it."""
    if new not in MODES:
        raise ValueError(f"unknown mode {new!r}; one of {', '.join(MODES)}")
    insert = insert_ignore(connection)(accounts).values(id=account_id, name=name, mode=new)
    connection.execute(insert.on_conflict_do_update(index_elements=["id"], set_={"mode": new, "name": name}))
    connection.execute(account_modes.insert().values(account_id=account_id, mode=new, at=now, who=who))
