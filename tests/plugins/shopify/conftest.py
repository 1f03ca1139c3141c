"""The real schemas and recordings of Shopify, and a shop that answers as a test says."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import responses
from graphql import GraphQLSchema, build_schema

from connector.plugins import shopify
from connector.plugins.shopify.config import Config
from connector.plugins.shopify.versions import VERSION
from connector.testing.context import TestContext, make_context

SHOP = "https://example.myshopify.com"
GRAPHQL = f"{SHOP}/admin/api/{VERSION}/graphql.json"
TOKEN = f"{SHOP}/admin/oauth/access_token"
CONFIG = {"shop": "example.myshopify.com", "access_token": "shpat_0123456789abcdef", "webhook_secret": "hush"}


@pytest.fixture(scope="session")
def contracts(recordings: Path) -> Path:
    """The folder of Shopify's schemas, recorded answers and webhook samples."""
    return recordings / "contracts" / "shopify"


def schema_of(contracts: Path, version: str) -> GraphQLSchema:
    text = gzip.decompress((contracts / "admin-graphql" / f"admin-{version}.graphql.gz").read_bytes()).decode()
    return build_schema(text, assume_valid=True, assume_valid_sdl=True)


@pytest.fixture(scope="session")
def schema(contracts: Path) -> GraphQLSchema:
    """The schema of the version that we speak; building it takes seconds."""
    return schema_of(contracts, VERSION)


@pytest.fixture(scope="session")
def schema_before(contracts: Path) -> GraphQLSchema:
    return schema_of(contracts, "2026-04")


@pytest.fixture
def ctx() -> TestContext:
    return make_context(shopify, CONFIG, account="shop")


@pytest.fixture
def net() -> Iterator[responses.RequestsMock]:
    """No network but what a test says is there."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def answers(net: responses.RequestsMock) -> Callable[..., list[dict[str, Any]]]:
    """Let the shop answer each operation by name: `answers(Order={"order": ...}, Shop=[first, second])`, the last one for ever.

    A value with "errors" in it is a whole answer; any other one is the `data`. Returns the list of what was asked, which grows.
    """
    asked: list[dict[str, Any]] = []

    def give(**by_name: Any) -> list[dict[str, Any]]:
        queues = {name: list(value) if isinstance(value, list) else [value] for name, value in by_name.items()}

        def answer(request: Any) -> tuple[int, dict[str, str], str]:
            body = json.loads(request.body)
            asked.append(body)
            queue = queues[body["operationName"]]
            value = queue.pop(0) if len(queue) > 1 else queue[0]
            value = value(body["variables"]) if callable(value) else value
            said = value if "errors" in value else {"data": value}
            return 200, {"X-Shopify-API-Version": VERSION, "Date": "Sun, 22 Nov 2026 19:00:00 GMT"}, json.dumps(said)

        net.add_callback(responses.POST, GRAPHQL, callback=answer, content_type="application/json")
        return asked

    return give


@pytest.fixture
def settings() -> Config:
    return Config(**CONFIG)
