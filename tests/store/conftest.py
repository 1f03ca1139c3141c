"""The databases of these tests last longer than one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from connector.store.database import Database
from connector.store.orders import Orders
from connector.store.vault import Vault
from tests.store.lasting import database_url, lasting

__all__ = ["database_url", "lasting"]


@pytest.fixture
def books(database: Database, vault: Vault) -> Orders:
    return Orders(database, vault)


@pytest.fixture
def another(database_url: str, vault: Vault) -> Iterator[Callable[[], Orders]]:
    """Another process's view of the same database: connections and locks of its own."""
    opened: list[Database] = []

    def open_one() -> Orders:
        opened.append(Database(database_url, pool_size=4))
        return Orders(opened[-1], vault)

    yield open_one
    for one in opened:
        one.close()
