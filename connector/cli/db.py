"""`connector db`: the database's schema and a copy of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import out

if TYPE_CHECKING:
    from ..store.database import Database


@click.group()
def db() -> None:
    """The database: bring it up to date, check it, copy it."""


@contextmanager
def _database(config: Path) -> Iterator[Database]:
    """The database alone, whatever version it is at."""
    from ..config import load
    from ..store.database import Database

    database = Database(load(config, os.environ).connector.database_url)
    try:
        yield database
    finally:
        database.close()


@db.command()
@out.json_option
@click.pass_obj
def upgrade(config: Path, as_json: bool) -> None:
    """Bring the database to the version that this program works with. Back it up first."""
    from ..store import migrate

    with _database(config) as database:
        before, after = migrate.upgrade(database)
    if as_json:
        out.show_json({"before": before, "after": after})
    elif before == after:
        out.show(f"The database is up to date (version {after}).")
    else:
        out.show(f"The database was {'empty' if before is None else f'at version {before}'} and is at version {after} now.")


@db.command()
@out.json_option
@click.pass_obj
def check(config: Path, as_json: bool) -> None:
    """Check the database: its version, and on SQLite whether the file is sound."""
    from ..store import migrate

    with _database(config) as database:
        migrate.check(database)
        with out.progress("reading the database"):
            wrong = _unsound(database)
        kind = "SQLite" if database.is_sqlite else "PostgreSQL"
    if as_json:
        out.show_json({"ok": not wrong, "kind": kind, "version": migrate.head(), "wrong": wrong})
    elif not wrong:
        out.show(f"{kind}, version {migrate.head()}: sound.")
    else:
        out.show(f"{kind}: the file is damaged. Stop everything, keep a copy of it, and put back the last backup.")
        out.show(*(f"  {line}" for line in wrong))
    raise click.exceptions.Exit(1 if wrong else 0)


def _unsound(database: Database) -> list[str]:
    if not database.is_sqlite:
        return []
    with database.reading() as connection:
        said = [str(line) for line in connection.exec_driver_sql("PRAGMA integrity_check(20)").scalars()]
    return [] if said == ["ok"] else said


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@out.json_option
@click.pass_obj
def backup(config: Path, file: Path, force: bool, as_json: bool) -> None:
    """Copy a SQLite database to FILE while everything goes on running."""
    from ..errors import ConfigError

    with _database(config) as database:
        if not database.is_sqlite:
            raise ConfigError("this database is PostgreSQL: back it up with pg_dump, which copies it while it is in use")
        if file.exists() and not force:
            raise click.UsageError(f"{file} is there already; name another file, or say --force")
        size = _copied(Path(str(database.engine.url.database)), file)
    if as_json:
        out.show_json({"file": str(file), "bytes": size})
        return
    out.show(f"Copied to {file} ({size / 1_000_000:.1f} MB).")
    out.note("Keep CONNECTOR_SECRET_KEY as well, but not beside it: without the key nobody can read the customers' data in it.")


def _copied(source: Path, target: Path) -> int:
    """Copy by SQLite's own backup, into a file that only we may read; it gets its name when it is complete."""
    import sqlite3
    from contextlib import closing

    from ..errors import StoreError

    if not source.exists():
        raise StoreError(f"there is no database at {source} yet; connector init makes it")
    part = target.with_name(f"{target.name}.part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
        with closing(sqlite3.connect(source)) as there, closing(sqlite3.connect(part)) as here:
            with out.progress("copying"):
                there.backup(here)
            here.execute("PRAGMA journal_mode=DELETE")  # one file, without -wal beside it
        part.replace(target)
    except (OSError, sqlite3.Error) as error:
        part.unlink(missing_ok=True)
        raise StoreError(f"the database could not be copied to {target}: {error}") from error
    return target.stat().st_size
