"""Vendors on loopback: one that keeps books over HTTP, and one that does to the wire whatever a test wants."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Bookkeeper:
    """Gives back whatever it is asked to, as often as it is asked: what is kept apart here is for us to get right.

    POST /refund {"key", "amount"} gives money back; GET /refund?key=... says whether it did.
    """

    def __init__(self) -> None:
        self.given: list[tuple[str, int]] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/refund"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        books = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                time.sleep(0.02)  # so that requests overlap
                with books._lock:
                    books.given.append((asked["key"], asked["amount"]))
                self._answer({"id": f"re_{asked['key']}"})

            def do_GET(self) -> None:
                key = parse_qs(urlsplit(self.path).query)["key"][0]
                with books._lock:
                    self._answer({"found": key in dict(books.given)})

            def _answer(self, body: object) -> None:
                content = json.dumps(body).encode()
                with suppress(OSError):  # whoever asked may be dead by now
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Nothing on the screen of the tests."""

        return Handler

    @property
    def counts(self) -> Counter[str]:
        return Counter(key for key, _ in self.given)

    @property
    def sum(self) -> int:
        return sum(amount for _, amount in self.given)

    def __enter__(self) -> Bookkeeper:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Wire:
    """A raw server. Every connection is handed to `do`; what came in is kept, byte for byte, per connection."""

    def __init__(self, do: Callable[[Talk], None]) -> None:
        self.do = do
        self.talks: list[Talk] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    @property
    def received(self) -> bytes:
        """All bytes that came in over any connection."""
        return b"".join(talk.received for talk in self.talks)

    def __enter__(self) -> Wire:
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for talk in self.talks:
            talk.close()
        self._accepting.join(5)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                talk = Talk(connection)
                self.talks.append(talk)
                thread = threading.Thread(target=self._serve, args=(talk,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, talk: Talk) -> None:
        with suppress(OSError, EOFError):
            self.do(talk)
        talk.close()


class Talk:
    """One connection of a raw server."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.received = b""
        self._closed = threading.Event()
        self._read = 0

    def hear(self) -> bytes:
        """The next whole request (headers and a body of Content-Length). Raises EOFError if there is none."""
        start = self._read
        while b"\r\n\r\n" not in self.received[start:]:
            self._more()
        head, _, _body = self.received[start:].partition(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        while len(self.received) - start - len(head) - 4 < length:
            self._more()
        self._read = start + len(head) + 4 + length
        return self.received[start : self._read]

    def _more(self) -> None:
        data = self.connection.recv(65536)
        if not data:
            raise EOFError
        self.received += data

    def hear_until_the_end(self) -> None:
        """Whatever comes, until the other side closes."""
        with suppress(EOFError):
            while True:
                self._more()

    def say(self, data: bytes) -> None:
        self.connection.sendall(data)

    def answer(self, status: int = 200, body: bytes = b"{}", *headers: str) -> None:
        lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", *headers]
        self.say("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def drip(self, data: bytes, *, every_s: float) -> None:
        """One byte after another, until the other side hangs up."""
        for byte in data:
            self.say(bytes([byte]))
            if self.wait(every_s):
                return

    def wait(self, seconds: float) -> bool:
        """True if the test is over before that."""
        return self._closed.wait(seconds)

    def reset(self) -> None:
        """Hang up with RST, as a crashed server does."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        self._closed.set()
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()


@contextmanager
def nobody_there() -> Iterator[int]:
    """A port of loopback at which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
