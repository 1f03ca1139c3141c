"""A simulated Shopify shop for each test, and a client that talks to it as an app does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from connector.sandbox.shopify import ShopifySandbox


class Client:
    """GraphQL with the shop's static token, and the control API."""

    def __init__(self, shop: ShopifySandbox) -> None:
        self.shop = shop
        self.token = shop.about()["access_token"]
        self.session = requests.Session()
        self.session.trust_env = False

    def post(
        self, query: str, token: str | None = None, path: str = "/admin/api/2026-07/graphql.json", **variables: Any
    ) -> Any:
        headers = {"X-Shopify-Access-Token": token or self.token}
        body = {"query": query, "variables": variables}
        return self.session.post(self.shop.url + path, json=body, headers=headers, timeout=10)

    def ask(self, query: str, **variables: Any) -> Any:
        """The whole answer."""
        return self.post(query, **variables).json()

    def data(self, query: str, **variables: Any) -> Any:
        """The data, when nothing went wrong."""
        found = self.ask(query, **variables)
        assert "errors" not in found, found["errors"]
        return found["data"]

    def control(self, name: str, **body: Any) -> Any:
        answer = self.session.post(f"{self.shop.url}/_sandbox/{name}", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def buy(self, **wanted: Any) -> str:
        """The gid of a new order."""
        return f"gid://shopify/Order/{self.control('checkout', **wanted)['order_id']}"


@pytest.fixture
def shop() -> Iterator[ShopifySandbox]:
    with ShopifySandbox() as running:
        yield running


@pytest.fixture
def client(shop: ShopifySandbox) -> Iterator[Client]:
    talking = Client(shop)
    yield talking
    talking.session.close()


@pytest.fixture(scope="session")
def shopify(recordings: Path) -> Path:
    """Shopify's published contracts and recordings."""
    return recordings / "contracts" / "shopify"
