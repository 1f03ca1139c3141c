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
from .outbox import bare_outbox, work_off, write_again, write_down
from .shop import check_all_done, left, open_shop, put_in

ROUNDS = 5
ORDERS = 200
QUEUED_ORDERS = 2400
THREADS = 4


def measure() -> Iterator[Measure]:
    """An order: reviewed, approved, then a label, the shipment, the status and one mail, each through the ledger.

    The plugins answer from memory, so there is no HTTP in it, and no last check before the socket.
    """
    numbers = itertools.count(10)
    with (
        tempfile.TemporaryDirectory(prefix="connector-bench-") as path,
        bare_outbox(folder := Path(path)) as outbox,
        open_shop() as app,
    ):
        written = write_down(app, ORDERS, folder)
        sizes = written.bytes_per_commit
        rounds = in_turns(
            ROUNDS,
            lambda: _queued(),
            lambda: _threads(app, numbers, THREADS),
            lambda: _threads(app, numbers, 1),
            lambda: per_second(ORDERS, lambda: write_again(written, folder)),
            lambda: per_second(ORDERS, lambda: work_off(outbox, next(numbers) * 10_000, ORDERS, sizes)),
        )
    about = {"commits_per_order": len(sizes), "bytes_per_order": sum(sizes)}
    ways = ("with the queue", f"{THREADS} threads", "1 thread")
    for place, name in enumerate(ways):
        for peer, against in ((-2, "the same writes"), (-1, "a blob a commit")):
            pairs = [(found[place], found[peer]) for found in rounds]
            least = 0.3 if (place, peer) == (0, -2) else None
            yield compare(f"pipeline, {name}", pairs, unit="orders/s", against=against, at_least=least, about=about)


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
