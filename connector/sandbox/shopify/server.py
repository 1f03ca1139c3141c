"""A simulated Shopify shop on loopback: its Admin GraphQL API, tokens, bulk files, webhooks and a control API."""

from __future__ import annotations

import json
import re
import threading
import time
from typing import Any
from urllib.parse import parse_qsl

from connector.sandbox.faults import Faults
from connector.sandbox.records import Records
from connector.sandbox.shopify import account, control, executing
from connector.sandbox.shopify.fields import Call
from connector.sandbox.shopify.hooks import Hooks
from connector.sandbox.shopify.store import VERSION, Settings, Store
from connector.sandbox.wire import CONTROL, HttpServer
from connector.sandbox.woocommerce.rest import Answer, Request

GRAPHQL = re.compile(r"/admin/api/([\w-]+)/graphql\.json")
FILE = re.compile(r"/_files/bulk-(\d+)\.jsonl")
RANGE = re.compile(r"bytes=(\d+)-(\d*)")
OPERATION = re.compile(r"(?:query|mutation)\s+(\w+)")
# What one call took at the recorded shop, seen from the recorder, about: `pace="recorded"`.
RECORDED_MS = 150.0
PACES = {"fast": 0.0, "recorded": RECORDED_MS}
BAD_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"  # noqa: S105 - Shopify's words
TICK_S = 0.02


class ShopifySandbox:
    """Use it as a context manager in a test. `port` 0 chooses a free one; `url` tells it.

    `pace`: "fast", "recorded" (150 ms a call) or milliseconds. `webhooks`: "immediate", "held" or "never" (see `hooks`).
    Everything the control API does can also be done through `store`, `faults`, `hooks` and `records`.
    """

    def __init__(
        self, *, host: str = "127.0.0.1", port: int = 0, pace: str | float = "fast", webhooks: str = "immediate"
    ) -> None:
        if isinstance(pace, str) and pace not in PACES:
            raise ValueError(f"pace {pace!r} is not one of {', '.join(PACES)}, nor milliseconds")
        self.host = host
        self.latency_ms = PACES[pace] if isinstance(pace, str) else float(pace)
        self.faults = Faults()
        self.store = Store()
        self._http = HttpServer(
            (host, port),
            answer=self._answer,
            control=lambda request: control.respond(self, request),
            faults=self.faults,
            records=lambda: self.records,
            subject=subject,
        )
        self.hooks = Hooks(self.store, self.faults, mode=webhooks)
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._http.serve_forever, args=(0.05,), name="sandbox-shopify", daemon=True),
            threading.Thread(target=self._tick, name="sandbox-shopify-clock", daemon=True),
        ]
        self.store.settings.base_url = self.url

    @property
    def url(self) -> str:
        """The address of the shop, without a slash at the end."""
        return f"http://{self.host}:{self._http.server_address[1]}"

    @property
    def records(self) -> Records:
        return self.store.records

    def about(self) -> dict[str, Any]:
        """Addresses and throw-away credentials."""
        app = self.store.app
        return {
            "url": self.url,
            "control": self.url + CONTROL,
            "shop": self.store.settings.domain,
            "version": VERSION,
            "client_id": app.client_id,
            "client_secret": app.client_secret,
            "access_token": next(iter(app.tokens)),
            "webhooks": self.hooks.mode,
            "latency_ms": self.latency_ms,
        }

    def truth(self, *, since: int = 0, only: list[int] | None = None) -> dict[str, Any]:
        """What really happened (see `account.told`)."""
        return account.told(self.store, since=since, only=only)

    def reset(self) -> None:
        """A fresh shop at the same address; faults and the webhook queue are emptied."""
        self.faults.clear()
        self.store = Store(Settings(base_url=self.url))
        self.hooks.connect(self.store)

    def start(self) -> ShopifySandbox:
        self.hooks.start()
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        self._over.set()
        self._http.stop()
        self.hooks.stop()
        for thread in self._threads:
            thread.join(timeout=5)

    def __enter__(self) -> ShopifySandbox:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _tick(self) -> None:
        while not self._over.wait(TICK_S):
            self.store.run_due()

    def _answer(self, request: Request) -> Answer:
        if self.latency_ms:
            time.sleep(self.latency_ms / 1000)
        self.store.run_due()
        if request.path == "/admin/oauth/access_token":
            return self._token(request)
        file = FILE.fullmatch(request.path)
        if file:
            return self._file(int(file[1]), request.headers.get("range", ""))
        found = GRAPHQL.fullmatch(request.path)
        if found is None or found[1] != VERSION or request.method != "POST":
            return _json(404, {"errors": "Not Found"})
        return self._graphql(request)

    def _token(self, request: Request) -> Answer:
        """The client credentials grant, as JSON or as a form."""
        given = _credentials(request)
        app = self.store.app
        if not self.store.settings.installed:
            return _json(400, {"error": "app_not_installed", "error_description": "The app is not installed on this shop."})
        if (given.get("client_id"), given.get("client_secret")) != (app.client_id, app.client_secret):
            text = "The client_id or the client_secret is not valid."
            return _json(400, {"error": "invalid_client", "error_description": text})
        if given.get("grant_type") != "client_credentials":
            return _json(400, {"error": "unsupported_grant_type", "error_description": "This grant is not supported."})
        with self.store.lock:
            token = app.grant(self.store.settings.token_s)
        seconds = int(self.store.settings.token_s)
        return _json(200, {"access_token": token.value, "scope": ",".join(app.scopes), "expires_in": seconds})

    def _file(self, number: int, wanted: str) -> Answer:
        """The file, or a part of it: such files lie where Range is honoured (RFC 9110, 14.2)."""
        bulk = self.store.bulks.get(number)
        if bulk is None or bulk.body is None:
            return _json(404, {"errors": "Not Found"})
        headers = {"Content-Type": "application/jsonl", "Accept-Ranges": "bytes"}
        part = RANGE.fullmatch(wanted)
        if part is None:
            return Answer(raw=bulk.body, headers=headers)
        whole, first = len(bulk.body), int(part[1])
        if first >= whole:
            return Answer(status=416, raw=b"", headers={**headers, "Content-Range": f"bytes */{whole}"})
        last = min(int(part[2] or whole - 1), whole - 1)
        told = {"Content-Range": f"bytes {first}-{last}/{whole}"}
        return Answer(status=206, raw=bulk.body[first : last + 1], headers={**headers, **told})

    def _graphql(self, request: Request) -> Answer:
        store = self.store
        token = store.app.token(request.headers.get("x-shopify-access-token", ""))
        if token is None or not store.settings.installed:
            return _json(401, {"errors": BAD_TOKEN})
        try:
            body = json.loads(request.body)
        except ValueError:
            return _json(400, {"errors": {"query": "Required parameter missing or invalid"}})
        if not isinstance(body, dict):
            return _json(400, {"errors": {"query": "Required parameter missing or invalid"}})
        return _json(200, executing.answer(Call.of(store, token), body))


def subject(request: Request) -> str:
    """What faults are searched in: the path, and the name of the operation in the body."""
    found = OPERATION.search(request.body.decode(errors="replace"))
    return f"{request.path} {found[1]}" if found else request.path


def _credentials(request: Request) -> dict[str, Any]:
    text = request.body.decode(errors="replace")
    if "json" not in request.headers.get("content-type", ""):
        return dict(parse_qsl(text))
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _json(status: int, body: Any) -> Answer:
    return Answer(status=status, raw=executing.as_json(body), headers={"Content-Type": "application/json; charset=utf-8"})
