"""Sending webhooks, signed, with retries, and taking away a subscription that failed too often in a row.

Shopify tries 8 times again within 4 hours and then removes a subscription made over the API
(https://shopify.dev/docs/apps/build/webhooks/troubleshooting-webhooks, 2026-11). `second_s` shortens the waiting for tests.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import requests

from connector.sandbox.faults import Faults
from connector.sandbox.shopify.store import VERSION, Store
from connector.sandbox.shopify.things import Subscription

MODES = ("immediate", "held", "never")
ANSWER_S = 5.0
RETRIES_S = (10.0, 30.0, 120.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0)
RESOURCES = (
    *("orders", "order_transactions", "refunds", "fulfillments", "fulfillment_events", "fulfillment_orders", "disputes"),
    *("inventory_levels", "inventory_items", "bulk_operations", "customers", "shop", "app", "products", "locations", "returns"),
)


def signature(body: bytes, secret: str) -> str:
    """X-Shopify-Hmac-Sha256: base64 of HMAC-SHA256 over the raw body, with the app's client secret."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def topic_path(name: str) -> str:
    """`orders/create` of ORDERS_CREATE."""
    lower = name.lower()
    found = max((one for one in RESOURCES if lower.startswith(f"{one}_")), key=len, default="")
    return f"{found}/{lower[len(found) + 1 :]}" if found else lower


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One delivery to one subscription. `number`: the order it is about."""

    subscription_id: int
    url: str
    topic: str
    number: int
    body: bytes
    webhook_id: str
    event_id: str
    triggered: str


class Hooks:
    """The webhook queue of one store: `immediate`, `held` until `kick()`, or `never`."""

    def __init__(self, store: Store, faults: Faults, *, mode: str = "immediate") -> None:
        self.second_s = 1.0
        self.retries_s = RETRIES_S
        self._faults = faults
        self._wake = threading.Condition()
        self._waiting: list[Delivery] = []
        self._held: list[Delivery] = []
        self._later: list[tuple[float, Delivery, int]] = []
        self._busy = self._stopped = False
        self._runs = 0
        self._thread: threading.Thread | None = None
        self.configure(mode=mode)
        self.connect(store)

    def configure(self, *, mode: str, second_s: float | None = None) -> None:
        """Raises ValueError for an unknown mode."""
        if mode not in MODES:
            raise ValueError(f"mode {mode!r} is not one of {', '.join(MODES)}")
        self.mode = mode
        self.second_s = self.second_s if second_s is None else second_s

    def connect(self, store: Store) -> None:
        """Serve that store from now on; what waited for the old one is forgotten."""
        self.store = store
        store.on_event = self.event
        with self._wake:
            self._waiting, self._held, self._later = [], [], []

    def event(self, topic: str, number: int, payload: Callable[[], dict[str, Any]]) -> None:
        """Queue it for every subscription of the topic: with what the thing is now."""
        subscribed = [one for one in self.store.subscriptions.values() if topic_path(one.topic) == topic]
        if not subscribed or self.mode == "never":
            return
        body, event = payload(), str(uuid.uuid4())
        rows = [self._delivery(one, topic, number, body, event) for one in subscribed]
        with self._wake:
            self._waiting += rows
            self._wake.notify_all()

    def _delivery(self, one: Subscription, topic: str, number: int, payload: dict[str, Any], event: str) -> Delivery:
        wanted = {name: payload[name] for name in one.include_fields if name in payload} if one.include_fields else payload
        return Delivery(
            subscription_id=one.id,
            url=one.uri,
            topic=topic,
            number=number,
            body=json.dumps(wanted, separators=(",", ":")).encode(),
            webhook_id=str(uuid.uuid4()),
            event_id=event,
            triggered=datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        )

    def kick(self) -> None:
        """Send what is held."""
        with self._wake:
            self._runs += 1
            self._wake.notify_all()

    def waiting(self) -> list[dict[str, Any]]:
        with self._wake:
            rows = [*self._waiting, *(one for _, one, _ in self._later)]
        return [{"webhook_id": one.subscription_id, "topic": one.topic, "id": one.number} for one in rows]

    def settle(self, timeout_s: float = 10.0) -> bool:
        """Wait until nothing is to be sent now (retries may still be due); false when it takes longer."""
        with self._wake:
            return self._wake.wait_for(lambda: not self._busy and not self._runs and not self._sendable(), timeout_s)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="sandbox-shopify-hooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with self._wake:
            self._stopped = True
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _sendable(self) -> bool:
        return bool(self._waiting) and self.mode == "immediate"

    def _work(self) -> None:
        while True:
            with self._wake:
                self._busy = False
                self._wake.notify_all()
                self._wake.wait_for(lambda: self._stopped or self._runs or self._sendable() or self._due(), 0.2)
                if self._stopped:
                    return
                batch: list[tuple[Delivery, int]] = [(one, tries) for at, one, tries in self._later if at <= time.monotonic()]
                self._later = [row for row in self._later if row[0] > time.monotonic()]
                if self._runs or self._sendable():
                    batch += [(one, 0) for one in self._waiting]
                    self._waiting, self._runs = [], 0
                self._busy = bool(batch)
            for delivery, tries in batch:
                self._with_faults(delivery, tries)
            self._send_held()

    def _due(self) -> bool:
        return any(at <= time.monotonic() for at, _, _ in self._later)

    def _with_faults(self, delivery: Delivery, tries: int) -> None:
        rule = self._faults.take("webhook", delivery.topic) if not tries else None
        kind = rule.kind if rule else None
        if rule is not None and kind == "late":
            self._again(delivery, 1, rule.seconds)
        elif kind == "lost":
            self._note(delivery, fault=kind, status=None, error="")
        elif kind == "reordered":
            self._held.append(delivery)
        else:
            self._send(delivery, tries, kind)
            if kind == "duplicate":
                self._send(delivery, tries, kind)
            self._send_held()

    def _send_held(self) -> None:
        """Deliveries that were to be overtaken."""
        held, self._held = self._held, []
        for delivery in held:
            self._send(delivery, 0, "reordered")

    def _again(self, delivery: Delivery, tries: int, seconds: float) -> None:
        with self._wake:
            self._later.append((time.monotonic() + seconds, delivery, tries))

    def _send(self, delivery: Delivery, tries: int, fault: str | None) -> None:
        status, error = _post(delivery.url, delivery.body, self._headers(delivery), timeout_s=ANSWER_S * self.second_s)
        self._note(delivery, fault=fault, status=status, error=error)
        done = status is not None and 200 <= status < 300
        with self.store.lock:
            one = self.store.subscriptions.get(delivery.subscription_id)
            if one is None:
                return
            one.failures = 0 if done else one.failures + 1
            if one.failures > len(self.retries_s):
                del self.store.subscriptions[one.id]
                self.store.records.add("deliveries", kind="subscription_removed", webhook_id=one.id, topic=delivery.topic)
                return
        if not done and tries < len(self.retries_s):
            self._again(delivery, tries + 1, self.retries_s[tries] * self.second_s)

    def _headers(self, delivery: Delivery) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "User-Agent": "Shopify-Captain-Hook",
            "X-Shopify-Topic": delivery.topic,
            "X-Shopify-Hmac-Sha256": signature(delivery.body, self.store.app.client_secret),
            "X-Shopify-Shop-Domain": self.store.settings.domain,
            "X-Shopify-API-Version": VERSION,
            "X-Shopify-Webhook-Id": delivery.webhook_id,
            "X-Shopify-Triggered-At": delivery.triggered,
            "X-Shopify-Event-Id": delivery.event_id,
        }

    def _note(self, delivery: Delivery, *, fault: str | None, status: int | None, error: str) -> None:
        self.store.records.add(
            "deliveries",
            kind="delivery",
            webhook_id=delivery.subscription_id,
            topic=delivery.topic,
            id=delivery.number,
            url=delivery.url,
            delivery_id=delivery.webhook_id,
            fault=fault,
            status=status,
            error=error,
        )


def _post(url: str, body: bytes, headers: dict[str, str], *, timeout_s: float) -> tuple[int | None, str]:
    """(HTTP status, ""), or (None, what went wrong). Never through a proxy; redirects are failures."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.post(url, data=body, headers=headers, timeout=timeout_s, allow_redirects=False)
        except requests.RequestException as error:
            return None, type(error).__name__
        return answer.status_code, ""
