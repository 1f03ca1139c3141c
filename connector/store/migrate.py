"""The road to today's schema. Only `init`, `demo` and `db upgrade` walk it; everything else refuses when it is not walked."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from ..errors import NeedsMigration
from .database import Database

_HERE = Path(__file__).parent / "migrations"
_LOCK = 7_163_201  # any number that nobody else in this PostgreSQL server uses for an advisory lock


def upgrade(database: Database) -> tuple[str | None, str]:
    """Bring the schema to head, one process at a time. Returns the revisions before and after."""
    with database.writing() as connection:
        if not database.is_sqlite:  # SQLite: BEGIN IMMEDIATE is the lock
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        before = _current(connection)
        command.upgrade(_config(connection), "head")
    return before, head()


def check(database: Database) -> None:
    """Raises NeedsMigration unless the schema is at head."""
    with database.reading() as connection:
        current = _current(connection)
    if current != head():
        if current is None:
            raise NeedsMigration("The database is not set up yet. Run: connector db upgrade")
        raise NeedsMigration(
            f"The database is at version {current}, this program needs {head()}. Back it up, then run: connector db upgrade"
        )


def head() -> str:
    return str(ScriptDirectory(str(_HERE)).get_current_head())


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.attributes["connection"] = connection
    return config
