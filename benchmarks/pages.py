"""A WooCommerce store that has any number of orders and nothing else: `python -m benchmarks.pages COUNT` prints its address.

It makes each order when it is asked for, so 100,000 of them cost no memory. An order is placed every five minutes; nine in ten
have ended. Only what a first import asks for is answered.
"""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from connector.sandbox.woocommerce import forms, shop
from connector.sandbox.woocommerce.store import Store

FIRST = datetime(2026, 1, 1, tzinfo=UTC) - timedelta(days=400)
EVERY = timedelta(minutes=5)
STATUSES = ("completed",) * 14 + ("cancelled", "refunded", "failed", "completed", "processing", "on-hold")
SECOND = timedelta(seconds=1)


class Orders:
    """All orders of the store, by number from 0."""

    def __init__(self, count: int) -> None:
        store = Store()
        bought = shop.checkout(store, {"payment_method": "fakepay", "items": [{"product_id": 13, "quantity": 2}]})
        self.template = forms.order_form(store, bought)
        self.count = count

    def form(self, number: int) -> dict[str, Any]:
        at = (FIRST + number * EVERY).strftime("%Y-%m-%dT%H:%M:%S")
        form = copy.deepcopy(self.template)
        form |= {f"date_{name}{zone}": at for name in ("created", "modified") for zone in ("", "_gmt")}
        form |= {"id": 1000 + number, "number": str(1000 + number), "status": STATUSES[number % len(STATUSES)]}
        form["billing"]["email"] = f"buyer-{number % 30_000}@buyer.example"
        return form

    def listed(self, query: Mapping[str, str]) -> tuple[list[dict[str, Any]], int]:
        """A page in the order of time, and how many there are."""
        low, high = self._bounds(query)
        if query.get("status") == "trash" or low >= high:
            return [], 0
        size, page = int(query.get("per_page", 10)), int(query.get("page", 1))
        start = low + (page - 1) * size
        fields = query["_fields"].split(",") if "_fields" in query else None
        forms = [self.form(number) for number in range(start, min(start + size, high))]
        return [form if fields is None else {name: form[name] for name in fields} for form in forms], high - low

    def _bounds(self, query: Mapping[str, str]) -> tuple[int, int]:
        after = query.get("after") or query.get("modified_after")
        before = query.get("before") or query.get("modified_before")
        low = 0 if after is None else max(0, -(-(_time(after) + SECOND - FIRST) // EVERY))
        high = self.count if before is None else min(self.count, -(-(_time(before) - FIRST) // EVERY))
        return low, high


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Page(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    orders: Orders

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = dict(parse_qsl(address.query))
        rows, total = self.orders.listed(query) if address.path.endswith("/orders") else ([], 0)
        body = json.dumps(rows).encode()
        self.send_response_only(200)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Date", format_datetime(datetime.now(UTC), usegmt=True))
        self.send_header("X-WP-Total", str(total))
        self.send_header("X-WP-TotalPages", str(-(-total // int(query.get("per_page", 10)))))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is written down."""


@contextmanager
def serving(count: int) -> Iterator[str]:
    """The store in a thread of this process; gives its address."""
    page = type("PageOfThese", (Page,), {"orders": Orders(count)})
    with ThreadingHTTPServer(("127.0.0.1", 0), page) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


if __name__ == "__main__":
    with serving(int(sys.argv[1])) as url:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()
        sys.stdin.read()
