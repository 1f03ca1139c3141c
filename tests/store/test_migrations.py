"""The schema that the migrations make is the schema that the code expects, on both databases."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from connector.errors import NeedsMigration
from connector.store import migrate
from connector.store.database import Database
from connector.store.tables import metadata


def test_migrations_end_in_the_schema_of_the_code(database: Database) -> None:
    """Nothing is missing and nothing is left over after the last migration."""
    with database.reading() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)

    assert differences == []


def test_an_old_schema_is_refused_with_the_command_to_run(tmp_path: Path) -> None:
    """Nobody but `init`, `demo` and `db upgrade` changes the schema; the others say what to do."""
    database = Database(f"sqlite:///{tmp_path / 'empty.db'}")

    with pytest.raises(NeedsMigration, match="connector db upgrade"):
        migrate.check(database)

    migrate.upgrade(database)
    migrate.check(database)
    assert migrate.upgrade(database) == (migrate.head(), migrate.head())
    database.close()
