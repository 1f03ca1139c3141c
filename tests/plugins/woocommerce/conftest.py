"""The recordings as tests need them, and a small shop behind `responses`."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses

from connector.plugins import woocommerce
from connector.testing import TestContext, make_context

URL = "https://shop.example"
API = f"{URL}/wp-json/wc/v3"
NOW = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)
CONFIG = {
    "url": URL,
    "consumer_key": "ck_0123456789abcdef",
    "consumer_secret": "cs_throwaway",
    "webhook_secret": "recorder-webhook-secret",
}


class Recordings:
    """The recorded files by their beginning ("02"), and their exchanges by label."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, start: str) -> dict[str, Any]:
        (path,) = self.folder.glob(f"{start}_*.json")
        return json.loads(path.read_text())

    def exchange(self, start: str, label: str) -> dict[str, Any]:
        return next(each for each in self.file(start)["exchanges"] if each["label"] == label)

    def body(self, start: str, label: str) -> Any:
        return self.exchange(start, label)["response"]["body"]

    def orders(self) -> list[tuple[str, dict[str, Any]]]:
        """Every complete order of every recording, with where it is from."""
        found = []
        for path in sorted(self.folder.glob("*.json")):
            found += [(path.name, order) for order in _orders(json.loads(path.read_text()))]
        return found


def _orders(value: Any) -> Iterator[dict[str, Any]]:
    if (
        isinstance(value, dict)
        and isinstance(value.get("line_items"), list)
        and "date_created_gmt" in value
        and "total" in value
    ):
        if "currency" in value and "date_modified_gmt" in value and "total_tax" in value:
            yield value
        return
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _orders(inner)


@pytest.fixture(scope="session")
def recorded(recordings: Path) -> Recordings:
    return Recordings(recordings / "platforms" / "woocommerce")


@pytest.fixture
def shop() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def context() -> Callable[..., TestContext]:
    def make(*, now: Any = NOW, platform_id: str = "58", request_id: str = "r1", **config: Any) -> TestContext:
        return make_context(woocommerce, CONFIG | config, now=now, platform_id=platform_id, request_id=request_id)

    return make


@pytest.fixture
def ctx(context: Callable[..., TestContext]) -> TestContext:
    return context()


@pytest.fixture
def paid(recorded: Recordings) -> dict[str, Any]:
    """A paid order of 32.22 USD in processing, as the shop shows it."""
    return copy.deepcopy(recorded.body("02", "paid_processing"))


@pytest.fixture
def gateways(recorded: Recordings) -> list[dict[str, Any]]:
    return copy.deepcopy(recorded.body("01", "shop_manager key reads the gateways"))


def sent_json(call: Any) -> Any:
    return json.loads(call.request.body)


def query(call: Any) -> dict[str, str]:
    return {key: values[-1] for key, values in parse_qs(urlsplit(call.request.url).query).items()}
