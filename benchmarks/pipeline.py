"""Orders through the whole pipeline, with and without the queue, beside a bare outbox."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from connector.app import App
from connector.engine import working

from .measure import Measure, compare, in_turns, per_second
from .outbox import bare_outbox, count_commits, work_off
from .shop import check_all_done, left, open_shop, put_in

ROUNDS = 5
ORDERS = 200
QUEUED_ORDERS = 400
THREADS = 4


def measure() -> Iterator[Measure]:
    """An order: reviewed, approved, then a label, the shipment, the status and one mail, each through the ledger.

    The plugins answer from memory, so there is no HTTP in it, and no last check before the socket.
    """
    numbers = itertools.count(10)
    with (
        tempfile.TemporaryDirectory(prefix="connector-bench-") as folder,
        bare_outbox(Path(folder)) as outbox,
        open_shop() as app,
    ):
        commits = count_commits(app)
        rounds = in_turns(
            ROUNDS,
            lambda: _queued(),
            lambda: _threads(app, numbers, THREADS),
            lambda: _threads(app, numbers, 1),
            lambda: per_second(ORDERS, lambda: work_off(outbox, next(numbers) * 10_000, ORDERS, commits.bytes)),
        )
    about = {"commits_per_order": len(commits.bytes), "bytes_per_order": sum(commits.bytes), "reads_per_order": commits.reads}
    against = "bare outbox, same commits"
    ways = ("pipeline, with the queue", f"pipeline, {THREADS} threads", "pipeline, 1 thread")
    for place, name in enumerate(ways):
        pairs = [(found[place], found[-1]) for found in rounds]
        yield compare(name, pairs, unit="orders/s", against=against, at_least=0.3 if place == 0 else None, about=about)


def _threads(app: App, numbers: Iterator[int], threads: int) -> float:
    first = next(numbers) * 10_000
    ids = put_in(app, range(first, first + ORDERS))
    if threads == 1:
        speed = per_second(ORDERS, lambda: [app.advance(order_id) for order_id in ids])
    else:
        with ThreadPoolExecutor(threads) as pool:
            speed = per_second(ORDERS, lambda: list(pool.map(app.advance, ids)))
    if left(app):
        raise RuntimeError("not all orders came through")
    return speed


def _queued() -> float:
    """From the moment at which all orders are due until the last is done, by a worker that was idle."""
    with open_shop() as app, working(app):
        later = app.clock.now() + timedelta(hours=1)
        put_in(app, range(QUEUED_ORDERS), due_at=later)
        time.sleep(2)  # a new queue is noticed within a second
        app.clock.move(timedelta(hours=1))
        speed = per_second(QUEUED_ORDERS, lambda: _wait_until_done(app))
        check_all_done(app, QUEUED_ORDERS)
    return speed


def _wait_until_done(app: App, patience_s: float = 120.0) -> None:
    until = time.monotonic() + patience_s
    while left(app):
        if time.monotonic() > until:
            raise RuntimeError(f"{left(app)} orders did not come through within {patience_s:.0f} s")
        time.sleep(0.05)
