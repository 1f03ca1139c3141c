"""The platform contract, kept by the WooCommerce plugin on a simulated store."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from connector import Delivery
from connector.plugins import woocommerce
from connector.sandbox import Sandbox
from connector.sandbox.deliveries import signature
from connector.sandbox.woocommerce import forms, shop
from connector.testing.acts import ACTS
from connector.testing.platforms import Act, PlatformContract, PlatformStore
from connector.testing.trial import Trial
from connector.testing.wire import Trouble

SECRET = "webhook-secret-of-this-test"
SHOWN = ("transitions", "stock", "mails", "gateway_refunds", "notes", "acts")
MARK = re.compile(r"\[oc:\w+\]")
ROW_ID = re.compile(r"'tracking_id': '\w+'")
NUMBER = re.compile(r"(?<![\w.])#?\d{1,6}(?!\w)")


class WooStore(PlatformStore):
    """The simulated WooCommerce. Its own books are `records`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        key, secret = sandbox.key()
        self.config: Mapping[str, Any] = {
            "url": sandbox.url,
            "consumer_key": key,
            "consumer_secret": secret,
            "webhook_secret": SECRET,
        }
        self.rows: list[tuple[str, Mapping[str, Any]]] = []
        self.upto = 0
        self.logs: dict[str, list[str]] = {}
        self.wrong_config: Mapping[str, Any] = {**self.config, "consumer_secret": "cs_" + "0" * 40}

    def place_order(self, *, authorized: bool = False) -> str:
        wanted = {"items": [{"product_id": 13, "quantity": 2}]}
        with self.sandbox.store.lock:
            return str(shop.checkout(self.sandbox.store, wanted).id)

    def edit_order(self, platform_id: str) -> None:
        store = self.sandbox.store
        with store.lock:
            store.touch(store.orders[int(platform_id)])

    def changes(self, platform_id: str) -> Sequence[str]:
        """The records, and tracking numbers in the order's meta, which the store keeps no record of."""
        log, number = self.logs.setdefault(platform_id, []), int(platform_id)
        rows = [(row["seq"], kind, row) for kind, rows in self.sandbox.records.since(self.upto).items() for row in rows]
        for seq, kind, row in sorted(rows, key=lambda one: one[0]):
            self.rows.append((kind, row))
            self.upto = seq
        mine = [said(kind, row) for kind, row in self.rows if kind in SHOWN and row.get("order_id") in (number, None)]
        log += mine[len([entry for entry in log if not entry.startswith("meta")]) :]
        meta = {row.key: row.value for row in self.sandbox.store.orders[number].meta if "track" in row.key}
        log += [entry for entry in (ROW_ID.sub("", f"meta {meta}"),) if meta and entry not in log]
        return tuple(log)

    def webhooks(self) -> Sequence[str]:
        return [one.topic for one in self.sandbox.store.webhooks.values()]

    def raw_orders(self) -> Sequence[Mapping[str, Any]]:
        store = self.sandbox.store
        with store.lock:
            odd = {"payment_method": "bacs", "coupons": ["SAVE10"], "fees": [{"name": "Gift wrap", "total": "3.00"}]}
            placed = [shop.checkout(store, wanted) for wanted in (odd, {"pay": False}, {"currency": "JPY"})]
            return [json.loads(json.dumps(forms.order_form(store, order))) for order in (*store.orders.values(), *placed)]

    def delivery(self, platform_id: str) -> Delivery:
        store = self.sandbox.store
        return self.signed(json.dumps(forms.order_form(store, store.orders[int(platform_id)])).encode())

    def signed(self, body: bytes) -> Delivery:
        headers = {"x-wc-webhook-topic": "order.updated", "x-wc-webhook-signature": signature(body, SECRET)}
        return Delivery(headers=headers, body=body, received_at=datetime.now(UTC))

    def no(self, request: requests.PreparedRequest, words: str) -> tuple[int, Any]:
        """A refund is refused with 500 and this code, everything else with 400 (recorded)."""
        if urlsplit(str(request.url)).path.endswith("/refunds"):
            return 500, {"code": "woocommerce_rest_cannot_create_order_refund", "message": words, "data": 500}
        return 400, {"code": "rest_invalid_param", "message": words, "data": {"status": 400}}


def said(kind: str, row: Mapping[str, Any]) -> str:
    """An entry without ids, marks and times."""
    words = {"mails": ("email_id",), "stock": ("change",), "notes": ("to_customer", "author"), "acts": ("act",)}
    kept = words.get(kind, ("from", "to", "amount", "outcome"))
    text = MARK.sub("", str(row.get("note", "")))
    return " ".join([kind, *(str(row[word]) for word in kept if word in row), NUMBER.sub("#", text)]).strip()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(webhooks="never") as running:
        yield running


class TestWooCommerce(PlatformContract):
    plugin = woocommerce

    @pytest.fixture
    def store(self, sandbox: Sandbox) -> WooStore:
        sandbox.reset()
        return WooStore(sandbox)


@pytest.mark.parametrize("way", ["fulfillments", "shipment-tracking"])
class TestWhereTheNumberGoes:
    """The other places for a tracking number: each call that is lost leaves what it leaves without trouble."""

    @pytest.mark.parametrize("act", [act for act in ACTS if act.hook == "push_shipment"], ids=str)
    @pytest.mark.parametrize("trouble", list(Trouble), ids=str)
    def test_told_once(self, sandbox: Sandbox, way: str, act: Act, trouble: Trouble) -> None:
        """Whatever becomes of a call, the number is told once."""
        sandbox.reset()
        sandbox.store.settings.features = frozenset({way})
        store = WooStore(sandbox)
        store.config = {**store.config, "tracking": way}
        TestWooCommerce().test_whatever_becomes_of_a_call_it_is_done_once(Trial(woocommerce, store), act, trouble)
