"""Delivers webhooks from a process of its own: `python -m benchmarks.client PORT PATH COUNT THREADS PER_SECOND FIRST`.

PER_SECOND 0: as fast as the server answers. Otherwise each delivery has its moment whether or not the earlier ones were
answered, and its latency counts from that moment. Prints as JSON the seconds of all and the milliseconds of each.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from queue import Empty, SimpleQueue

import msgspec

from .plugins.instant_shop import Config, order, signature

FIRST = 90_000_000
"""Ids from here on are of orders that only a webhook tells of."""


def delivery(path: str, number: int) -> bytes:
    """One request, an order of about 3 kB in it."""
    body = msgspec.json.encode({"id": number, "order": order(str(number))})
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"X-Signature: {signature(body, Config().webhook_secret)}\r\nX-Topic: order.updated\r\n\r\n"
    )
    return head.encode() + body


def deliver(port: int, requests: SimpleQueue[tuple[float, bytes]], took_ms: list[float]) -> None:
    """Send one after the other on one connection."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while not requests.empty():
            try:
                moment, request = requests.get_nowait()
            except Empty:
                return
            time.sleep(max(0.0, moment - time.perf_counter()))
            started = moment or time.perf_counter()
            connection.sendall(request)
            answer = _answer(connection)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(answer[:200].decode(errors="replace"))
            took_ms.append((time.perf_counter() - started) * 1000)


def _answer(connection: socket.socket) -> bytes:
    """The answer's head; the bodies of these answers are empty or fit into the same packet."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        more = connection.recv(65536)
        if not more:
            raise RuntimeError("the server closed the connection")
        answer += more
    return answer


def main(port: int, path: str, count: int, threads: int, per_second: float, first: int) -> None:
    ready = [delivery(path, FIRST + first + number) for number in range(count)]
    start, requests = time.perf_counter() + 0.1, SimpleQueue[tuple[float, bytes]]()
    for number, request in enumerate(ready):
        requests.put((start + number / per_second if per_second else 0.0, request))
    took_ms: list[float] = []
    senders = [threading.Thread(target=deliver, args=(port, requests, took_ms)) for _ in range(threads)]
    started = time.perf_counter()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    seconds = time.perf_counter() - started
    if len(took_ms) != count:
        raise SystemExit(f"only {len(took_ms)} of {count} deliveries were answered with 200")
    json.dump({"seconds": seconds, "ms": [round(ms, 3) for ms in took_ms]}, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]), int(sys.argv[6]))
