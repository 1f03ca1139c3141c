"""A desk on each database for an account that is live, and a way out without any."""

from __future__ import annotations

import pytest

from connector.store.database import Database
from tests.outbound.caller import Caller
from tests.outbound.desk import Desk
from tests.store.lasting import database_url, lasting

__all__ = ["database_url", "lasting"]


@pytest.fixture
def desk(database: Database) -> Desk:
    made = Desk(database=database)
    made.mode("live")
    return made


@pytest.fixture
def caller() -> Caller:
    return Caller()
