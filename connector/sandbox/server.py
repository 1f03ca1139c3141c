"""The sandbox: a simulated WooCommerce store, its webhook queue, its control API and a mailbox, on loopback."""

from __future__ import annotations

import re
import threading
from typing import Any

from connector.sandbox import control, pages
from connector.sandbox.deliveries import Deliveries
from connector.sandbox.faults import Faults
from connector.sandbox.mailbox import Mailbox
from connector.sandbox.pace import Effects, Pace, milliseconds
from connector.sandbox.records import Records
from connector.sandbox.wire import CONTROL, HttpServer
from connector.sandbox.woocommerce import api, cron
from connector.sandbox.woocommerce.rest import Answer, Request
from connector.sandbox.woocommerce.store import Settings, Store


class Sandbox:
    """Use it as a context manager in a test, or as a process: `python -m connector.sandbox`.

    `port` and `mail_port` 0 choose free ports; `url`, `mailbox.host` and `mailbox.port` tell them after `start()`.
    `webhooks`: when the queue runs (see `deliveries`); `pace`: "fast" or "recorded" (see `pace`).
    Everything the control API does can also be done through `store`, `faults`, `deliveries`, `mailbox` and `records`.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        mail_port: int = 0,
        webhooks: str = "immediate",
        pace: str = "fast",
    ) -> None:
        self.host = host
        self.pace = Pace(pace)
        self.faults = Faults()
        self.mailbox = Mailbox(host, mail_port, faults=self.faults)
        self.store = Store()
        self._http = HttpServer(
            (host, port), answer=self._answer, control=self._control, faults=self.faults, records=lambda: self.records
        )
        self.deliveries = Deliveries(self.store, self.faults, mode=webhooks)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), name="sandbox-http", daemon=True)
        self.store.settings.base_url = self.url

    @property
    def url(self) -> str:
        """The address of the store, without a slash at the end."""
        return f"http://{self.host}:{self._http.server_address[1]}"

    @property
    def records(self) -> Records:
        return self.store.records

    def key(self, name: str = "rw") -> tuple[str, str]:
        """(consumer key, secret): rw, ro, wo, admin or cust."""
        key = next(one for one in self.store.keys.values() if one.name == name)
        return key.key, key.secret

    def about(self) -> dict[str, Any]:
        """Addresses and throw-away keys, as the process prints them when it is ready."""
        return {
            "url": self.url,
            "control": self.url + CONTROL,
            "smtp": {"host": self.mailbox.host, "port": self.mailbox.port},
            "keys": {one.name: {"key": one.key, "secret": one.secret} for one in self.store.keys.values()},
            "webhooks": self.deliveries.mode,
            "pace": self.pace.pace,
        }

    def reset(self) -> None:
        """A fresh store with the same address and keys; mailbox, faults and the webhook queue are emptied."""
        self.faults.clear()
        self.mailbox.clear()
        self.store = Store(Settings(base_url=self.url))
        self.deliveries.connect(self.store)
        self.pace.choose(self.pace.pace)

    def start(self) -> Sandbox:
        self.mailbox.start()
        self.deliveries.start()
        self._thread.start()
        return self

    def stop(self) -> None:
        self._http.stop()
        self.deliveries.stop()
        self.mailbox.stop()
        self._thread.join(timeout=5)

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def cron(self) -> list[int]:
        """WP-Cron: cancel what is unpaid for too long, and run the webhook queue. A store without visitors never does."""
        if self.deliveries.mode == "never":
            return []
        with self.store.lock:
            cancelled = cron.cancel_unpaid(self.store)
        self.deliveries.kick()
        return cancelled

    def _answer(self, request: Request) -> Answer:
        mark = self.records.last
        return self.pace.serve(lambda: self._in_store(request), lambda answer: self._cost_ms(request, answer, mark))

    def _in_store(self, request: Request) -> Answer:
        answer = pages.answer(self.store, request) or api.answer(self.store, request, self.deliveries.ping)
        if not request.path.startswith("/wp-json"):
            self.deliveries.visited()
        self._housekeeping()
        self.deliveries.request_ended()
        return answer

    def _housekeeping(self) -> None:
        """WordPress starts its cron on any request."""
        if self.store.unpaid and self.deliveries.mode != "never":
            with self.store.lock:
                cron.cancel_unpaid(self.store)

    def _cost_ms(self, request: Request, answer: Answer, mark: int) -> float:
        found = re.search(r"/orders/(\d+)", request.path)
        body = answer.body if isinstance(answer.body, dict) else {}
        number = int(found[1]) if found else body.get("id")
        mails = self.records.count("mails", after=mark, order_id=number)
        stock = self.records.count("stock", after=mark, order_id=number) > 0
        return milliseconds(request, answer, Effects(mails=mails, stock=stock))

    def _control(self, request: Request) -> Answer:
        return control.respond(self, request)
