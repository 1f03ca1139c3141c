"""The last check, seen from the vendor's side: not one byte of the request arrives once it is too late."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import update

from connector.errors import TryLater
from connector.store.database import Database
from connector.store.lease import LeaseLost
from connector.store.tables import effects, orders, timeline
from tests.outbound.office import Office
from tests.outbound.vendor import Talk, Wire
from tests.store.world import rows


def ok(talk: Talk) -> None:
    """Answers every request."""
    while True:
        talk.hear()
        talk.answer()


def post(office: Office, url: str, kind: str = "lookup") -> int:
    ctx = office.context()
    status: int = ctx.effect(kind, {"amount": 5}, lambda key: ctx.http.post(url, json={"key": key}).status_code)
    return status


def lose_lease(database: Database) -> None:
    """Another process has it now."""
    with database.writing() as connection:
        connection.execute(update(orders).values(lease_token="another:1"))


def run_out(database: Database) -> None:
    """Nobody else has it yet, but anybody may take it."""
    with database.writing() as connection:
        connection.execute(update(orders).values(lease_until=1))


@pytest.mark.parametrize("lost", [lose_lease, run_out])
@pytest.mark.parametrize("kind", ["lookup", "keyed", "mail"])
def test_no_byte_leaves_once_the_lease_is_lost(database: Database, lost: Callable[[Database], None], kind: str) -> None:
    """The connection may be made; the request is not sent, and the effect is planned as before."""
    office = Office(database)
    office.when["sent"] = lambda: lost(database)
    with Wire(Talk.hear_until_the_end) as wire:
        with pytest.raises(TryLater, match="too late to send"):
            post(office, wire.url, kind)
        office.door._transports.clear()
        assert wire.received == b""
    assert office.effect_state() == [("planned", 1)]
    assert "written" not in office.watched


def test_no_byte_leaves_over_a_connection_that_was_open_already(database: Database) -> None:
    """Kept-alive connections are checked, too: only the read has arrived."""
    office = Office(database)
    with Wire(ok) as wire:
        assert office.context().http.get(f"{wire.url}/read").status_code == 200
        office.when["sent"] = lambda: lose_lease(database)
        with pytest.raises(TryLater):
            post(office, wire.url)
        assert len(wire.talks) == 1
        assert b"POST" not in wire.received
        assert wire.received.count(b"GET /read") == 1


def test_no_byte_leaves_after_a_slow_connection(database: Database) -> None:
    """More than a second between SENT and the first byte: given up, whoever has the order."""
    office = Office(database)
    office.when["sent"] = lambda: time.sleep(1.05)
    with Wire(Talk.hear_until_the_end) as wire:
        with pytest.raises(TryLater, match="too late"):
            post(office, wire.url)
        assert wire.received == b""
    assert office.effect_state() == [("planned", 1)]


def test_what_was_lost_before_sent_is_not_even_begun(database: Database) -> None:
    """The holder finds out while he writes SENT."""
    office = Office(database)
    lose_lease(database)
    with Wire(ok) as wire:
        with pytest.raises(LeaseLost):
            post(office, wire.url)
        assert wire.talks == []
    assert office.effect_state() == []


def test_what_the_holder_has_pending_is_committed_with_sent(database: Database) -> None:
    """When the request leaves, the decision that led to it is on disk: whoever takes over knows of it."""
    office = Office(database)
    office.lease.note("ann", "refund", "5.00 to be given back")
    seen: list[int] = []

    def look() -> None:

        seen.append(len(rows(database, timeline)))

    office.when["sent"] = look
    with Wire(ok) as wire:
        assert post(office, wire.url) == 200
    assert seen == [1]


def _stopped(url: str, vendor: str, told: str, where: str) -> None:
    """A process that is stopped, as by a debugger or a hypervisor, directly after a transition. Exit 3: it gave up."""
    database = Database(url, pool_size=4)
    office = Office(database)

    def stop() -> None:
        Path(told).write_text("stopped")
        os.kill(os.getpid(), signal.SIGSTOP)

    office.when[where] = stop
    with suppress(TryLater):
        post(office, vendor)
        os._exit(0)
    os._exit(3)


def test_a_process_that_was_stopped_after_sent_gives_up_when_it_wakes(
    database_url: str, database: Database, tmp_path: Path
) -> None:
    """SIGSTOP between the commit and the socket, for longer than a second: nothing arrives at the vendor."""
    told = tmp_path / "stopped"
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.outbound.test_last_check"])
    with Wire(Talk.hear_until_the_end) as wire:
        process = context.Process(target=_stopped, args=(database_url, wire.url, str(told), "sent"))
        process.start()
        until = time.monotonic() + 20
        while not told.exists() and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(1.1)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGCONT)
        process.join(20)
        assert process.exitcode == 3
        assert wire.received == b""

    assert [row.state for row in rows(database, effects)] == ["planned"]
