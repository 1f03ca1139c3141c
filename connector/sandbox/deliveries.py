"""Sending webhooks: a queue like Action Scheduler's, one delivery after another, with faults on demand.

`immediate`: everything is sent as soon as the request that caused it has ended. `natural`: nothing is sent until the
queue runs, by `kick()` (a page visit) or every `interval_s` seconds; what is already waiting is not queued twice, and
payloads are built when they are sent, as a real store does. `visits`: the queue runs when the front page is visited and
the last run is `interval_s` (60) seconds ago, as with WordPress' default cron. `never`: a store without visitors; nothing
is ever sent.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
import time
from dataclasses import dataclass
from typing import Any

import requests

from connector.sandbox.faults import Faults
from connector.sandbox.woocommerce import webhooks
from connector.sandbox.woocommerce.forms import VERSION
from connector.sandbox.woocommerce.php import php_json
from connector.sandbox.woocommerce.store import Store
from connector.sandbox.woocommerce.things import Webhook

AGENT = f"WooCommerce/{VERSION} Hookshot (WordPress/6.9.4)"
MODES = ("immediate", "natural", "visits", "never")
PING_TIMEOUT_S = 5
DELIVERY_TIMEOUT_S = 60
CRON_S = 60.0
RUN_BUDGET_S = 30.0
ACTIONS_AHEAD = 3
DELIVERED = frozenset({301, 302})


def signature(body: bytes, secret: str) -> str:
    """X-WC-Webhook-Signature: base64 of HMAC-SHA256 over the raw body."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def delivery_id(webhook: Webhook, second: int) -> str:
    """Not unique: the same for all deliveries of one webhook within one second."""
    return hashlib.md5(f"sandbox {webhook.id} {second}".encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One delivery, ready to be sent. `number`: the order (or product) it is about."""

    webhook_id: int
    url: str
    topic: str
    number: int
    body: bytes
    headers: dict[str, str]


class Deliveries:
    """The webhook queue of one store. `start()` runs its thread; `store` may be exchanged by a reset.

    `second_s`: how long a second of waiting for receivers lasts, so that tests need not wait 60 s.
    """

    def __init__(self, store: Store, faults: Faults, *, mode: str = "immediate", interval_s: float | None = None) -> None:
        self.mode = mode
        self.interval_s = interval_s
        self.second_s = 1.0
        self._last_run = time.monotonic()
        self._faults = faults
        self._wake = threading.Condition()
        self._waiting: list[tuple[int, str, int]] = []
        self._held: list[Delivery] = []
        self._busy = False
        self._runs = 0
        self._changed = False
        self._stopped = False
        self._thread: threading.Thread | None = None
        self.connect(store)

    def connect(self, store: Store) -> None:
        """Serve that store from now on; what waited for the old one is forgotten."""
        self.store = store
        store.on_event = self.event
        with self._wake:
            self._waiting.clear()
            self._held.clear()

    def event(self, topic: str, number: int) -> None:
        """Queue it for every active webhook of the topic, unless it waits there already."""
        entries = [(one.id, topic, number) for one in webhooks.subscribed(self.store, topic)]
        with self._wake:
            self._waiting.extend(entry for entry in entries if entry not in self._waiting)

    def configure(self, *, mode: str, interval_s: float | None, second_s: float = 1.0) -> None:
        """Change how the queue runs. Raises ValueError for an unknown mode."""
        if mode not in MODES:
            raise ValueError(f"mode {mode!r} is not one of {', '.join(MODES)}")
        with self._wake:
            self.mode, self.interval_s, self.second_s, self._changed = mode, interval_s, second_s, True
            self._wake.notify_all()

    def request_ended(self) -> None:
        """PHP queues at the end of a request: only now may `immediate` deliveries leave."""
        if self.mode == "immediate":
            self.kick()

    def visited(self) -> None:
        """Somebody looks at the shop's front page: in mode `visits` the queue runs, when its last run is long enough ago."""
        due = time.monotonic() - self._last_run >= (CRON_S if self.interval_s is None else self.interval_s)
        if self.mode == "visits" and due:
            self._last_run = time.monotonic()
            self.kick()

    def kick(self) -> None:
        """Run the queue once: what waits now is sent. Nobody can, in a store without visitors."""
        with self._wake:
            if self._waiting and self.mode != "never":
                self._runs += 1
                self._wake.notify_all()

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="sandbox-webhooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with self._wake:
            self._stopped = True
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def settle(self, timeout_s: float = 10.0) -> bool:
        """Wait until every run asked for is over; false when it takes longer."""
        with self._wake:
            return self._wake.wait_for(lambda: not self._busy and not self._runs, timeout_s)

    def waiting(self) -> list[dict[str, Any]]:
        """What the queue holds, as JSON objects."""
        with self._wake:
            return [{"webhook_id": one, "topic": topic, "id": number} for one, topic, number in self._waiting]

    def ping(self, webhook: Webhook) -> None:
        """`webhook_id=N` as a form, unsigned; due until it was answered with exactly 200. Redirects are followed."""
        if webhook.status != "active" or not webhook.ping_due:
            return
        body = f"webhook_id={webhook.id}".encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", **_plain_headers()}
        status, error = _post(webhook.url, body, headers, timeout_s=PING_TIMEOUT_S * self.second_s, follow=True)
        webhook.ping_due = status != 200
        self.store.records.add("deliveries", kind="ping", webhook_id=webhook.id, url=webhook.url, status=status, error=error)

    def _work(self) -> None:
        while True:
            with self._wake:
                self._busy = False
                self._wake.notify_all()
                self._wake.wait_for(lambda: self._runs or self._stopped or self._changed, self.interval_s)
                if self._stopped:
                    return
                if not self._runs and (self._changed or self.mode != "natural"):
                    self._changed = False
                    continue
                self._runs, self._changed = 0, False
                self._busy = True
                batch, self._waiting = self._waiting, []
            self._send_all(batch)

    def _send_all(self, batch: list[tuple[int, str, int]]) -> None:
        started = time.monotonic()
        for place, (webhook_id, topic, number) in enumerate(batch, start=1):
            delivery = self._build(webhook_id, topic, number)
            if delivery is not None:
                self._send_with_faults(delivery)
            if self._out_of_time(time.monotonic() - started, place):
                self._put_back(batch[place:])
                break
        self._send_held()

    def _out_of_time(self, elapsed_s: float, done: int) -> bool:
        """A run ends when three more deliveries as slow as these would pass its 30 s (recorded with a slow receiver)."""
        ahead_s = elapsed_s / done * ACTIONS_AHEAD
        return self.mode in {"natural", "visits"} and elapsed_s + ahead_s > RUN_BUDGET_S * self.second_s

    def _put_back(self, entries: list[tuple[int, str, int]]) -> None:
        """For the next run, before what came meanwhile."""
        with self._wake:
            self._waiting[:0] = [entry for entry in entries if entry not in self._waiting]

    def _build(self, webhook_id: int, topic: str, number: int) -> Delivery | None:
        with self.store.lock:
            webhook = self.store.webhooks.get(webhook_id)
            thing = webhooks.payload(self.store, topic, number)
            if webhook is None or webhook.status != "active" or thing is None:
                return None
            body = php_json(thing)
            headers = self._headers(webhook, topic, body)
        return Delivery(webhook_id=webhook_id, url=webhook.url, topic=topic, number=number, body=body, headers=headers)

    def _headers(self, webhook: Webhook, topic: str, body: bytes) -> dict[str, str]:
        resource, _, event = topic.partition(".")
        return {
            **_plain_headers(),
            "Content-Type": "application/json",
            "X-WC-Webhook-Source": self.store.url("/"),
            "X-WC-Webhook-Topic": topic,
            "X-WC-Webhook-Resource": resource,
            "X-WC-Webhook-Event": event,
            "X-WC-Webhook-Signature": signature(body, webhook.secret),
            "X-WC-Webhook-ID": str(webhook.id),
            "X-WC-Webhook-Delivery-ID": delivery_id(webhook, int(time.time())),
        }

    def _send_with_faults(self, delivery: Delivery) -> None:
        rule = self._faults.take("webhook", delivery.topic)
        kind = rule.kind if rule else None
        if rule is not None and kind == "late":
            self._later(delivery, rule.seconds)
        elif kind == "lost":
            self._note(delivery, fault=kind, status=None, error="")
        elif kind == "reordered":
            self._held.append(delivery)
        else:
            self._send(delivery, fault=kind)
            if kind == "duplicate":
                self._send(delivery, fault=kind)
            self._send_held()

    def _send_held(self) -> None:
        """Deliveries that were to be overtaken; when nothing overtakes them they leave at the end of the run."""
        held, self._held = self._held, []
        for delivery in held:
            self._send(delivery, fault="reordered")

    def _later(self, delivery: Delivery, seconds: float) -> None:
        timer = threading.Timer(seconds, self._send, kwargs={"delivery": delivery, "fault": "late"})
        timer.daemon = True
        timer.start()

    def _send(self, delivery: Delivery, *, fault: str | None) -> None:
        status, error = _post(
            delivery.url, delivery.body, delivery.headers, timeout_s=DELIVERY_TIMEOUT_S * self.second_s, follow=False
        )
        self._note(delivery, fault=fault, status=status, error=error)
        with self.store.lock:
            webhook = self.store.webhooks.get(delivery.webhook_id)
            if webhook is None:
                return
            delivered = status is not None and (200 <= status < 300 or status in DELIVERED)
            webhooks.count(self.store, webhook, delivered=delivered)
        self.ping(webhook)

    def _note(self, delivery: Delivery, *, fault: str | None, status: int | None, error: str) -> None:
        self.store.records.add(
            "deliveries",
            kind="delivery",
            webhook_id=delivery.webhook_id,
            topic=delivery.topic,
            id=delivery.number,
            url=delivery.url,
            delivery_id=delivery.headers["X-WC-Webhook-Delivery-ID"],
            signature=delivery.headers["X-WC-Webhook-Signature"],
            fault=fault,
            status=status,
            error=error,
        )


def _plain_headers() -> dict[str, str]:
    return {"User-Agent": AGENT, "Accept": "*/*", "Accept-Encoding": "deflate, gzip, br, zstd", "Connection": "close"}


def _post(url: str, body: bytes, headers: dict[str, str], *, timeout_s: float, follow: bool) -> tuple[int | None, str]:
    """(HTTP status, ""), or (None, what went wrong). Never through a proxy."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.post(url, data=body, headers=headers, timeout=timeout_s, allow_redirects=follow)
        except requests.RequestException as error:
            return None, type(error).__name__
        return answer.status_code, ""
