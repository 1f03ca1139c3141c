"""What many tests need: both databases, the recordings, and a small world to act on."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from connector.store import migrate
from connector.store.database import Database
from connector.store.vault import Vault

ROOT = Path(__file__).parent.parent
IN_CI = os.environ.get("CI") == "true"


def skip_or_fail(reason: str) -> None:
    """A stranger's machine may lack something; CI may not."""
    if IN_CI:
        pytest.fail(f"must run in CI: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of recordings, named by CONNECTOR_RECORDINGS or beside the checkout."""
    folder = Path(os.environ.get("CONNECTOR_RECORDINGS", ROOT.parent / "shared"))
    if not (folder / "platforms" / "woocommerce" / "02_orders_create.json").exists():
        skip_or_fail("no recordings here: set CONNECTOR_RECORDINGS to the folder that holds them")
    return folder


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server from a wheel, with a migrated template database; gives its address without a database's name."""
    # pgserver wants a runtime folder; where the machine names none, ours is as good as any.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    try:
        import pgserver
    except ImportError:
        skip_or_fail("PostgreSQL tests need the package pgserver (pip install order-connector[dev])")
    # Not in pytest's folder: for root, pgserver runs as another user, and every other run of pytest shuts that folder again.
    folder = Path(tempfile.mkdtemp(prefix="connector-postgresql-"))
    server = pgserver.get_server(folder, cleanup_mode="stop")
    base = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    head, query = base.split("?")[0].rsplit("/", 1)[0], base.partition("?")[2]
    admin = create_engine(f"{head}/postgres?{query}", isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("CREATE DATABASE template_connector"))
    admin.dispose()
    template = Database(f"{head}/template_connector?{query}")
    migrate.upgrade(template)
    template.close()
    yield f"{head}/%s?{query}"
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    database = Database(f"sqlite:///{path}")
    migrate.upgrade(database)
    database.close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh, migrated database, of each kind."""
    if request.param == "sqlite":
        path = tmp_path / "connector.db"
        path.write_bytes(request.getfixturevalue("sqlite_template").read_bytes())
        yield f"sqlite:///{path}"
        return
    pattern = request.getfixturevalue("postgresql")
    name = f"test_{secrets.token_hex(6)}"
    admin = create_engine(pattern % "postgres", isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template_connector"))
    yield pattern % name
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    """A fresh, migrated SQLite database, where one kind is enough."""
    path = tmp_path / "one.db"
    path.write_bytes(sqlite_template.read_bytes())
    return f"sqlite:///{path}"


@pytest.fixture
def sqlite_url_2(tmp_path: Path, sqlite_template: Path) -> str:
    """And a second one."""
    path = tmp_path / "two.db"
    path.write_bytes(sqlite_template.read_bytes())
    return f"sqlite:///{path}"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def vault() -> Vault:
    return Vault("a secret key for tests, long enough, of no use elsewhere")
