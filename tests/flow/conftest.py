"""A shop for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flow.shop import Shop, open_shop


@pytest.fixture
def shop(tmp_path: Path, sqlite_url: str) -> Iterator[Shop]:
    """A live shop, its store, mailbox and connector."""
    with open_shop(tmp_path, sqlite_url) as shop:
        yield shop
