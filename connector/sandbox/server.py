"""The sandbox: a simulated WooCommerce store, its webhook queue, its control API and a mailbox, on loopback."""

from __future__ import annotations

import threading
from typing import Any

from connector.sandbox import control
from connector.sandbox.deliveries import Deliveries
from connector.sandbox.faults import Faults
from connector.sandbox.mailbox import Mailbox
from connector.sandbox.records import Records
from connector.sandbox.wire import CONTROL, HttpServer
from connector.sandbox.woocommerce import api
from connector.sandbox.woocommerce.rest import Answer, Request
from connector.sandbox.woocommerce.store import Settings, Store


class Sandbox:
    """Use it as a context manager in a test, or as a process: `python -m connector.sandbox`.

    `port` and `mail_port` 0 choose free ports; `url`, `mailbox.host` and `mailbox.port` tell them after `start()`.
    Everything the control API does can also be done through `store`, `faults`, `deliveries`, `mailbox` and `records`.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, mail_port: int = 0, webhooks: str = "immediate") -> None:
        self.host = host
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
        }

    def reset(self) -> None:
        """A fresh store with the same address and keys; mailbox, faults and the webhook queue are emptied."""
        self.faults.clear()
        self.mailbox.clear()
        self.store = Store(Settings(base_url=self.url))
        self.deliveries.connect(self.store)

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

    def _answer(self, request: Request) -> Answer:
        answer = api.answer(self.store, request, self.deliveries.ping)
        self.deliveries.request_ended()
        return answer

    def _control(self, request: Request) -> Answer:
        return control.respond(self, request)
