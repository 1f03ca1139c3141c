"""One database of each kind for many tests, emptied before each: making one anew costs more than most of these tests."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, delete, text

from connector.store.database import Database
from connector.store.tables import metadata


@pytest.fixture(scope="session")
def lasting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Database]]:
    """Gives the lasting database of a kind, made when it is first asked for."""
    made: dict[str, Database] = {}

    def give(kind: str) -> Database:
        if kind not in made:
            make = _sqlite if kind == "sqlite" else _postgresql
            made[kind] = Database(make(request, tmp_path_factory), pool_size=2)
        return made[kind]

    yield give
    for database in made.values():
        database.close()


def _sqlite(request: pytest.FixtureRequest, folders: pytest.TempPathFactory) -> str:
    path = folders.mktemp("lasting") / "connector.db"
    path.write_bytes(Path(request.getfixturevalue("sqlite_template")).read_bytes())
    return f"sqlite:///{path}"


def _postgresql(request: pytest.FixtureRequest, _folders: pytest.TempPathFactory) -> str:
    pattern: str = request.getfixturevalue("postgresql")
    name = f"lasting_{secrets.token_hex(6)}"
    admin = create_engine(pattern % "postgres", isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template_connector"))
    admin.dispose()
    return pattern % name


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, lasting: Callable[[str], Database]) -> str:
    """The address of an empty, migrated database, of each kind."""
    database = lasting(request.param)
    with database.writing() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(delete(table))
    return database.url
