"""A webhook receiver on loopback that answers as its path says and keeps what it got."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any

from connector.sandbox.wire import LoopbackServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request: `body` is exactly the bytes, `at` the monotonic time of its arrival."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float = 0.0

    @property
    def is_ping(self) -> bool:
        return "X-WC-Webhook-Topic" not in self.headers


class Receiver:
    """`/ok…` is answered with 200, `/503…` with that status; 3xx point to `/landing`, which is answered with 200.

    `wait_s`: how long it takes to answer.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.wait_s = 0.0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:
                """Nothing on stderr."""

            def _take(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                receiver.received.append(
                    Received(path=self.path, headers=dict(self.headers.items()), body=body, at=time.monotonic())
                )
                time.sleep(receiver.wait_s)
                first = self.path.strip("/").partition("/")[0]
                status = int(first) if first.isdigit() else 200
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", "/landing")
                self.send_header("Content-Length", "0")
                with contextlib.suppress(ConnectionError):  # who did not want to wait is gone
                    self.end_headers()

            do_POST = do_GET = _take  # noqa: N815 - http.server names them

        self._server = LoopbackServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def url(self, path: str) -> str:
        return f"http://{self.host}{path}"

    def wait(self, count: int = 1, timeout_s: float = 5.0) -> bool:
        """Until that many requests are here; false when they do not come."""
        end = time.monotonic() + timeout_s
        while len(self.received) < count and time.monotonic() < end:
            time.sleep(0.01)
        return len(self.received) >= count

    def taken(self) -> list[Received]:
        """What came since the last call."""
        received, self.received = self.received, []
        return received

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
