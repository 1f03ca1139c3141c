"""Real processes: killed with SIGKILL, frozen with SIGSTOP, started twice by mistake, their queue deleted."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from connector.rehearse import shopify, woocommerce
from connector.rehearse.stories import Story
from tests.conftest import ROOT
from tests.prove.harness import Place, place, play_all

STORIES = (*woocommerce.STORIES, *shopify.STORIES)
# What every change of the code is tried with; all of Shopify's are played by the long proofs.
QUICK = (
    *woocommerce.STORIES,
    shopify.TWO_PLACES,
    shopify.HELD,
    shopify.CAPTURED,
    shopify.CANCELLED,
    shopify.REFUNDED_BY_LINE,
    shopify.GIFT_CARD,
)


class Process:
    """One `connector run`."""

    def __init__(self, where: Place, *arguments: str) -> None:
        self.where = where
        environ = {**os.environ, **where.environ, "PYTHONPATH": str(ROOT)}
        with (where.folder / "run.log").open("a") as log:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "tests.prove.runner", str(where.config), *arguments],
                env=environ,
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )

    def send(self, number: signal.Signals) -> None:
        self.popen.send_signal(number)

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait()

    @property
    def is_alive(self) -> bool:
        return self.popen.poll() is None


@contextmanager
def processes(where: Place, *kinds: tuple[str, ...]) -> Iterator[list[Process]]:
    running = [Process(where, *arguments) for arguments in kinds]
    try:
        yield running
    finally:
        for process in running:
            process.kill()


def delete_engine_database(where: Place) -> None:
    """The queue is disposable."""
    url = str(where.app.settings.connector.engine_database_url)
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return
    address = make_url(url).set(drivername="postgresql+psycopg")
    admin = create_engine(address.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{address.database}" WITH (FORCE)'))
    admin.dispose()


@contextmanager
def engine_database_gone_afterwards(where: Place) -> Iterator[None]:
    try:
        yield
    finally:
        delete_engine_database(where)


def kill_at_random(where: Place, stories: Sequence[Story], seed: int, times: int) -> list[str]:
    """Everything is killed at random moments, and the queue deleted each time."""
    chance = random.Random(seed)
    with processes(where, ()) as running:
        next_kill = time.monotonic() + chance.uniform(0.8, 3.0)
        left = times

        def meanwhile() -> None:
            nonlocal next_kill, left
            if left and time.monotonic() > next_kill:
                running[0].kill()
                delete_engine_database(where)
                running[0] = Process(where)
                next_kill = time.monotonic() + chance.uniform(0.8, 3.0)
                left -= 1

        return play_all(where, stories, meanwhile=meanwhile)


def test_killed_and_the_queue_deleted(tmp_path: Path, database_url: str) -> None:
    """After SIGKILL at any moment, and without the engine's database, everything still happens exactly once."""
    with place(tmp_path, database_url) as where, engine_database_gone_afterwards(where):
        assert kill_at_random(where, QUICK, seed=11, times=3) == []


@pytest.mark.prove
@pytest.mark.parametrize("number", range(20))
def test_killed_ten_times(tmp_path: Path, database_url: str, seed: int, number: int) -> None:
    """The same, ten kills, twenty times."""
    with place(tmp_path, database_url) as where, engine_database_gone_afterwards(where):
        assert kill_at_random(where, STORIES * 2, seed=seed * 1000 + number, times=10) == []


def freeze_at_random(where: Place, stories: Sequence[Story], seed: int, times: int) -> list[str]:
    """Of two workers, one is frozen for longer than its leases last, and wakes when the other has taken over."""
    chance = random.Random(seed)
    with processes(where, (), ("--worker-only",)) as running:
        next_freeze = time.monotonic() + chance.uniform(1.0, 2.0)
        wakes: list[threading.Timer] = []

        def meanwhile() -> None:
            nonlocal next_freeze
            if len(wakes) < times and time.monotonic() > next_freeze:
                process = chance.choice(running)
                process.send(signal.SIGSTOP)
                # By a thread: one that was frozen inside a transaction keeps SQLite's write lock, and may block this one too.
                wakes.append(threading.Timer(4.0, process.send, (signal.SIGCONT,)))
                wakes[-1].start()
                next_freeze = time.monotonic() + chance.uniform(4.2, 5.0)

        wrong = play_all(where, stories, meanwhile=meanwhile)
        for wake in wakes:
            wake.join()
        assert all(process.is_alive for process in running), (where.folder / "run.log").read_text()
        return wrong


def test_frozen_workers_wake_too_late(tmp_path: Path, database_url: str) -> None:
    """A worker that wakes after another has taken over sends nothing and spoils nothing."""
    with place(tmp_path, database_url) as where, engine_database_gone_afterwards(where):
        assert freeze_at_random(where, QUICK, seed=5, times=2) == []


@pytest.mark.prove
@pytest.mark.parametrize("number", range(20))
def test_frozen_again_and_again(tmp_path: Path, database_url: str, seed: int, number: int) -> None:
    """The same, twenty times."""
    with place(tmp_path, database_url) as where, engine_database_gone_afterwards(where):
        assert freeze_at_random(where, STORIES * 2, seed=seed * 1000 + number, times=6) == []


def test_two_runs_started_by_mistake(tmp_path: Path, database_url: str) -> None:
    """A second `connector run` finds the port taken and ends; a second worker shares the work. Nothing happens twice."""
    with (
        place(tmp_path, database_url) as where,
        engine_database_gone_afterwards(where),
        processes(where, (), (), ("--worker-only",)) as running,
    ):
        wrong = play_all(where, QUICK, meanwhile=lambda: None)
        alive = [process.is_alive for process in running]

    assert wrong == []
    assert sum(alive) == 2, "one of the two runs has to say that the port is taken"
