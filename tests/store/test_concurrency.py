"""Four processes race to give money of one order back: never more than was captured, and nothing twice."""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.context import ForkServerProcess

import pytest

from connector.clock import Clock
from connector.model.case import RefundState, refund_left
from connector.model.events import EffectState
from connector.store import shared
from connector.store.database import Database
from connector.store.orders import Orders
from connector.store.tables import effects
from connector.store.vault import Vault
from tests.outbound.vendor import Bookkeeper
from tests.store import refunder
from tests.store.world import rows, stored_order

CAPTURED = 5000
DEATHS = {
    "all live": ("", "", "", ""),
    "all die once": ("sent", "written", "answered", "done"),
}


@pytest.mark.parametrize("deaths", DEATHS.values(), ids=list(DEATHS))
def test_the_sum_given_back_never_exceeds_what_was_captured(
    database_url: str, database: Database, deaths: tuple[str, ...]
) -> None:
    """50.00 captured and four processes that want 20.00 each, some dying on the way: 40.00 is given, each part once."""
    books = Orders(database, Vault(refunder.SECRET))
    order_id = stored_order(books, captured=CAPTURED)
    with database.writing() as connection:
        shared.set_mode(connection, "a1", "shop", "live", who="test", now=Clock().now())

    with Bookkeeper() as vendor:
        ended = _race(database_url, vendor.url, order_id, deaths)
        assert sorted(ended) == [0, 0, 1, 1]
        assert vendor.sum == 2 * refunder.AMOUNT <= CAPTURED
        assert set(vendor.counts.values()) == {1}

    with database.reading() as connection:
        case = books.read(connection, order_id)
    assert case is not None
    assert [record.state for record in case.refunds] == [RefundState.DONE] * 2
    assert refund_left(case).minor == CAPTURED - 2 * refunder.AMOUNT
    done = {row.key for row in rows(database, effects) if row.state == EffectState.DONE}
    assert done == set(vendor.counts)
    assert {row.state for row in rows(database, effects)} <= {EffectState.DONE, EffectState.REFUSED}


def _race(url: str, vendor: str, order_id: int, deaths: tuple[str, ...]) -> list[int | None]:
    """Runs all of them at once, and whoever died again; returns how they ended."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.store.refunder"])

    def start(number: int, die_at: str) -> ForkServerProcess:
        process = context.Process(target=refunder.run, args=(url, vendor, order_id, f"r{number}", die_at))
        process.start()
        return process

    running = [start(number, die_at) for number, die_at in enumerate(deaths)]
    until = time.monotonic() + 40
    while any(process.exitcode in (None, 9) for process in running) and time.monotonic() < until:
        # Whoever died comes again at once: the others wait for what became of his refund.
        running = [start(number, "") if process.exitcode == 9 else process for number, process in enumerate(running)]
        time.sleep(0.02)
    for process in running:
        if process.exitcode is None:
            process.kill()
    return [process.exitcode for process in running]
