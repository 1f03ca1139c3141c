"""The platform contract, kept by the Shopify plugin on a simulated shop."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from connector import Delivery
from connector.plugins import shopify
from connector.plugins.shopify import orders
from connector.sandbox.shopify.checkout import checkout
from connector.sandbox.shopify.hooks import signature
from connector.sandbox.shopify.rest import order_form
from connector.sandbox.shopify.server import ShopifySandbox
from connector.sandbox.shopify.staff import staff
from connector.testing import make_context
from connector.testing.platforms import PlatformContract, PlatformStore

SHOWN = ("transitions", "stock", "mails", "money", "shipping", "notes")
WORDS = ("what", "change", "email_id", "amount", "currency", "status", "tracking", "reason", "restock", "handle", "tags")
MARK = re.compile(r"\[oc:\w+\]")
FIELD = re.compile(r"mutation[^{]*\{\s*(?:\w+\s*:\s*)?(\w+)")


class ShopifyStore(PlatformStore):
    """The simulated Shopify. Its own books are `records`."""

    address = "http://127.0.0.1:9/webhooks/shop"

    def __init__(self, sandbox: ShopifySandbox, **config: Any) -> None:
        self.sandbox = sandbox
        sandbox.store.settings.archive_s = -1  # nothing that happens by itself later
        about = sandbox.about()
        self.config: Mapping[str, Any] = {
            "shop": about["shop"],
            "client_id": about["client_id"],
            "client_secret": about["client_secret"],
            "api_url": sandbox.url,
            **config,
        }
        self.wrong_config: Mapping[str, Any] = {**self.config, "client_secret": "shpss_" + "0" * 32}

    def place_order(self, *, authorized: bool = False) -> str:
        wanted = {"lines": [{"sku": "MUG-1", "quantity": 2}], "pay": "authorize" if authorized else "sale"}
        with self.sandbox.store.lock:
            return str(checkout(self.sandbox.store, wanted).id)

    def edit_order(self, platform_id: str) -> None:
        with self.sandbox.store.lock:
            staff(self.sandbox.store, {"order_id": platform_id, "action": "tag", "tags": ["seen"]})

    def changes(self, platform_id: str) -> Sequence[str]:
        rows = [(kind, row) for kind, rows in self.sandbox.records.since(0).items() if kind in SHOWN for row in rows]
        mine = [(kind, row) for kind, row in rows if row.get("order_id") in (int(platform_id), None)]
        return [said(kind, row) for kind, row in sorted(mine, key=lambda one: one[1]["seq"])]

    def settle(self) -> None:
        """A cancellation is a job of 0.2 s."""
        for _ in range(100):
            if not self.sandbox.store.waiting:
                return
            time.sleep(0.02)

    def webhooks(self) -> Sequence[str]:
        return [one.topic for one in self.sandbox.store.subscriptions.values()]

    def raw_orders(self) -> Sequence[Mapping[str, Any]]:
        store = self.sandbox.store
        with store.lock:
            placed = [str(checkout(store, wanted).id) for wanted in ODD]
        ctx = make_context(shopify, self.config, now=lambda: datetime.now(UTC))
        return [raw for one in placed if (raw := orders.find(ctx, one)) is not None]

    def delivery(self, platform_id: str) -> Delivery:
        store = self.sandbox.store
        with store.lock:
            order = store.must(int(platform_id))
            return self.signed(json.dumps(order_form(store, order)).encode())

    def signed(self, body: bytes) -> Delivery:
        headers = {
            "x-shopify-topic": "orders/updated",
            "x-shopify-hmac-sha256": signature(body, str(self.config["client_secret"])),
            "x-shopify-shop-domain": str(self.config["shop"]),
        }
        return Delivery(headers=headers, body=body, received_at=datetime.now(UTC))

    def no(self, request: requests.PreparedRequest, words: str) -> tuple[int, Any]:
        """In the payload of the mutation, as a user error."""
        body = json.loads(request.body or b"{}")
        found = FIELD.search(body["query"])
        assert found, body["query"]
        errors = [{"field": None, "message": words, "code": None}]
        payload = {"userErrors": errors, "orderCancelUserErrors": errors}
        return 200, {"data": {found[1]: payload}, "extensions": {}}


ODD: tuple[Mapping[str, Any], ...] = (
    {},
    {"currency": "EUR", "discount": {"code": "TEN", "percentage": 10}, "note": "Ring twice"},
    {"currency": "JPY", "gateway": "Cash on Delivery (COD)", "pay": "pending"},
    {"lines": [{"sku": "EBOOK-1", "quantity": 1}], "address": None, "customer": False},
    {"pay": "authorize", "risk": "HIGH", "facts": [["NEGATIVE", "Another country"]]},
    {"gift_card": "5.00", "lines": [{"sku": "TEE-L", "quantity": 1}, {"sku": "LAMP-1", "quantity": 2}]},
)


def said(kind: str, row: Mapping[str, Any]) -> str:
    """An entry without ids, marks and times."""
    text = MARK.sub("", str(row.get("note") or "")).strip()
    return " ".join([kind, *(f"{row[word]}" for word in WORDS if word in row), text]).strip()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[ShopifySandbox]:
    with ShopifySandbox(webhooks="never") as running:
        yield running


class TestShopify(PlatformContract):
    plugin = shopify

    @pytest.fixture
    def store(self, sandbox: ShopifySandbox) -> ShopifyStore:
        sandbox.reset()
        return ShopifyStore(sandbox, tags=True)
