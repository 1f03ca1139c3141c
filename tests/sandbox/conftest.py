"""A sandbox for each test, and the recordings of a real store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.sandbox import Sandbox
from connector.sandbox.truth.client import Client
from connector.sandbox.truth.receiver import Receiver


@pytest.fixture(scope="session")
def woocommerce(recordings: Path) -> Path:
    """The recordings of a WooCommerce store."""
    return recordings / "platforms" / "woocommerce"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    talking = Client(sandbox.url)
    yield talking
    talking.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening
