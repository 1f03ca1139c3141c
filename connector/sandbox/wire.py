"""HTTP/1.1 on a loopback socket, with faults below HTTP: never answering, resetting, cutting an answer short."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import socketserver
import struct
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from connector.sandbox.faults import Faults, Rule
from connector.sandbox.records import Entry, Records
from connector.sandbox.woocommerce.php import php_json
from connector.sandbox.woocommerce.rest import Answer, Request

CONTROL = "/_sandbox"
ERROR_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>503 Service Unavailable</title></head>"
    b"<body><h1>Service Unavailable</h1><p>The server is temporarily unable to service your request.</p></body></html>"
)
NO_EFFECT = frozenset({"timeout_before", "reset_before", "error_500_before", "html", "429", "413"})
SHOWN_BODY = 20_000
Responder = Callable[[Request], Answer]


class LoopbackServer(ThreadingHTTPServer):
    """An HTTP server that asks nobody for its own name."""

    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]


class HttpServer(LoopbackServer):
    """Serves the store by `answer` and everything below /_sandbox by `control` (never struck by faults).

    `subject`: what a fault's expression is searched in; the path, where every operation has its own.
    """

    def __init__(
        self,
        address: tuple[str, int],
        *,
        answer: Responder,
        control: Responder,
        faults: Faults,
        records: Callable[[], Records],
        subject: Callable[[Request], str] = lambda request: request.path,
    ) -> None:
        self.answer = answer
        self.control = control
        self.faults = faults
        self.records = records
        self.subject = subject
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(address, Connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; anything else is a bug of the sandbox and belongs on stderr."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """Stop serving and close every connection, also the idle and the held ones."""
        self.faults.clear()
        self.shutdown()
        self.server_close()
        with self._open_lock:
            waiting = list(self._open)
        for connection in waiting:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Connection(BaseHTTPRequestHandler):
    """One client connection."""

    protocol_version = "HTTP/1.1"
    server_version = "sandbox"
    disable_nagle_algorithm = True
    server: HttpServer
    _headers_buffer: list[bytes]

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the records tell every request."""

    def _serve(self) -> None:
        request = self._request()
        if request.path.startswith(CONTROL):
            self._send(self.server.control(request))
            return
        rule = self.server.faults.take("store", self.server.subject(request), method=request.method)
        entry = self._note(request, rule)
        if rule is not None and rule.kind in NO_EFFECT:
            self._strike(rule, entry, None)
            return
        if rule is not None and rule.kind == "slow":
            self.server.faults.released.wait(rule.seconds)
        started = time.perf_counter()
        answer = self.server.answer(request)
        entry["key"] = request.key.name if request.key else None
        entry["ms"] = round((time.perf_counter() - started) * 1000, 1)
        entry["status"] = answer.status
        if rule is not None and rule.kind != "slow":
            self._strike(rule, entry, answer)
            return
        self._send(answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve  # noqa: N815 - http.server names them

    def _request(self) -> Request:
        split = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        return Request(
            method=self.command,
            path=split.path,
            query=dict(parse_qsl(split.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length) if length else b"",
        )

    def _note(self, request: Request, rule: Rule | None) -> Entry:
        query = {name: value for name, value in request.query.items() if not name.startswith(("oauth_", "consumer_"))}
        return self.server.records().add(
            "requests",
            method=request.method,
            path=request.path,
            query=query,
            key=None,
            body=request.body[:SHOWN_BODY].decode(errors="replace"),
            status=None,
            fault=rule.kind if rule else None,
        )

    def _strike(self, rule: Rule, entry: Entry, answer: Answer | None) -> None:
        """`answer` is None when nothing happened in the store."""
        if rule.kind.startswith("timeout"):
            self._hold(rule.seconds)
        elif rule.kind.startswith("reset"):
            self._reset()
        elif rule.kind == "truncated" and answer is not None:
            self._send_half(answer)
        elif rule.kind == "huge" and answer is not None:
            self._send(Answer(status=answer.status, raw=_payload(answer).ljust(rule.bytes), headers=answer.headers))
        else:
            replaced = _replaced(rule)
            entry["status"] = replaced.status
            self._send(replaced)

    def _hold(self, seconds: float) -> None:
        """Say nothing until the client gives up, the rules are cleared, or the time is over; then close."""
        self.close_connection = True
        end = time.monotonic() + seconds
        released = self.server.faults.released
        self.connection.settimeout(0.02)
        while time.monotonic() < end and not released.wait(0.02):
            try:
                if not self.connection.recv(1, socket.MSG_PEEK):
                    return
            except TimeoutError:
                continue
            except OSError:
                return

    def _reset(self) -> None:
        """Closing with linger 0 sends RST instead of FIN."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())  # close() would wait for the files made of this socket

    def _send_half(self, answer: Answer) -> None:
        body = _payload(answer)
        self._write(answer, body[: len(body) // 2], length=len(body))
        self.close_connection = True

    def _send(self, answer: Answer) -> None:
        body = _payload(answer)
        self._write(answer, b"" if self.command == "HEAD" else body, length=len(body))

    def _write(self, answer: Answer, body: bytes, *, length: int) -> None:
        self.send_response(answer.status)
        for name, value in {"Content-Type": "application/json; charset=UTF-8", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        head = b"".join(self._headers_buffer) + b"\r\n"
        self._headers_buffer = []
        try:
            self.wfile.write(head + body)
        except OSError:
            self.close_connection = True


def _payload(answer: Answer) -> bytes:
    return answer.raw if answer.raw is not None else php_json(answer.body)


def _replaced(rule: Rule) -> Answer:
    """What a proxy in front of the store says instead of the store."""
    if rule.kind == "429":
        body = {"code": "too_many_requests", "message": "Too many requests.", "data": {"status": 429}}
        return Answer(status=429, body=body, headers={"Retry-After": rule.retry_after})
    if rule.kind == "413":
        return Answer(status=413, raw=ERROR_PAGE, headers={"Content-Type": "text/html"})
    if rule.kind == "html":
        return Answer(status=rule.status, raw=ERROR_PAGE, headers={"Content-Type": "text/html; charset=UTF-8"})
    body = {"code": "internal_server_error", "message": "<p>There has been a critical error on this website.</p>"}
    return Answer(status=500, body={**body, "data": {"status": 500}, "additional_errors": []})


def json_body(request: Request) -> dict[str, Any]:
    """The JSON object of a control request; an empty body is an empty object. Raises ValueError."""
    value = json.loads(request.body or b"{}")
    if not isinstance(value, dict):
        raise ValueError("the body must be a JSON object")
    return value
