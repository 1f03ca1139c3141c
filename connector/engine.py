"""The engine: a durable queue and a schedule, and nothing more. The only module that knows DBOS.

Jobs only say "look at this again". What is left to do stands in our own tables, so the engine's database is disposable: after
all processes were killed it can be deleted, and the sweeper finds everything again. Jobs get a fresh id each and no
deduplication (a reused id is silently ignored for ever, tried with dbos 3.4); duplicates are harmless because an order has one
holder at a time.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import math
import os
import socket
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Engine as SqlEngine
from sqlalchemy import create_engine, event

from . import news
from .app import App
from .errors import ConfigError, ConnectorError
from .model.events import CheckResult
from .store import lists, shared

log = logging.getLogger(__name__)

QUEUE = "orders"
BATCH = 25
"""At most so many orders in one job when many are due: a job costs as much as one or two orders (measured, dbos 3.4)."""
JOB_S = 1.0
"""Orders that take long go into smaller jobs: else the last ones wait in one job for each other while other threads idle."""
MOST_QUEUED = 2000
LOOK_AGAIN_S = 0.1
QUEUED_FOR_S = 30.0
"""A job that was not done after so long is queued again: its process or the queue itself may be gone."""
KEEP_JOBS = timedelta(hours=1)
_SLOTS = 64


class Worker:
    """Works off orders, deliveries and schedules in this process. Several may run side by side on one database."""

    def __init__(self, app: App) -> None:
        self.app = app
        self._stop = threading.Event()
        self._sweeper = threading.Thread(target=self._sweep, name="sweeper", daemon=True)
        self._slot: IO[str] | None = None
        self._job: Any = None
        self._database: SqlEngine | None = None
        self._order_s = 0.0  # how long an order took lately
        self._full_s = math.inf  # when to look again whether the queue has room

    def start(self) -> None:
        """Launch the queue and begin to sweep. Everything that was due is taken up within a second or two."""
        from dbos import DBOS, DBOSPortableJSONSerializer

        settings = self.app.settings.connector
        slot, self._slot = _take_slot(settings.database_url)
        executor = f"{socket.gethostname()}-worker-{slot}"
        self.app.database.holder = executor
        shared.forget_dead_self(self.app.database, executor)
        logging.getLogger("dbos").setLevel(logging.ERROR)
        concurrency = settings.worker_concurrency
        self._database = _engine(settings.engine_database_url, concurrency + 20)
        DBOS(
            config={
                "name": "order-connector",
                "system_database_engine": self._database,
                "system_database_url": _dbos_url(settings.engine_database_url),
                "executor_id": executor,
                "application_version": "1",
                "serializer": DBOSPortableJSONSerializer(),
                "max_executor_threads": concurrency + 16,
                "log_level": "ERROR",
                "notification_listener_polling_interval_sec": 1.0,
                "scheduler_polling_interval_sec": 30.0,
            }
        )

        def job(kind: str, ids: list[Any]) -> None:  # dbos marks functions and cannot mark a method
            self._run(kind, ids)

        self._job = DBOS.workflow(name="job")(job)
        DBOS.launch()
        DBOS.register_queue(QUEUE, worker_concurrency=concurrency, polling_interval_sec=0.1)
        self._begin_schedules()
        self._sweeper.start()

    def stop(self, *, wait_s: int = 10) -> None:
        """Stop sweeping, let running jobs finish for so long, and go."""
        from dbos import DBOS

        self._stop.set()
        self._sweeper.join(timeout=5)
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=wait_s)
        if self._database is not None:
            self._database.dispose()  # it was made by us, so the engine leaves it open
        if self._slot is not None:
            self._slot.close()

    # --- the sweeper: what is due becomes jobs ------------------------------------------------------------------------

    def _sweep(self) -> None:
        """This process looks with its own policy, so it sees to that itself: a schedule may be another's to run."""
        is_new_policy = True
        while not self._stop.is_set():
            found = 0
            try:
                found = self._queue_all()
                if is_new_policy:
                    is_new_policy = news.look_with_new_policy(self.app)
                    found += is_new_policy
            except Exception:
                log.exception("the sweeper stumbled; it goes on")
            if not found:
                self._stop.wait(min(self._full_s, self.app.settings.connector.sweep_every_s))

    def _queue_all(self) -> int:
        """Make jobs of everything that is due; returns how many things that were."""
        app, now = self.app, self.app.clock.now()
        again = now + timedelta(seconds=QUEUED_FOR_S)
        deliveries = app.deliveries.queue_due(now, again=again, limit=500)
        # A backlog waits in our own table, not in the queue: what is not done in time is queued again, and again.
        room = MOST_QUEUED - app.orders.queued(limit=MOST_QUEUED)
        self._full_s = math.inf if room else LOOK_AGAIN_S
        orders = app.orders.queue_due(now, limit=min(500, room), hold_s=QUEUED_FOR_S) if room else []
        most = max(1, min(BATCH, int(JOB_S / max(self._order_s, 0.001))))
        for kind, ids, largest in (("delivery", deliveries, BATCH), ("order", orders, most)):
            for batch in _batches(ids, among=2 * app.settings.connector.worker_concurrency, most=largest):
                self._enqueue(kind, batch)
        schedules = shared.claim_schedules(app.database, now, again=again)
        for name in schedules:
            self._enqueue("schedule", [name])
        return len(deliveries) + len(orders) + len(schedules)

    def _enqueue(self, kind: str, ids: list[Any]) -> None:
        from dbos import DBOS

        DBOS.enqueue_workflow(QUEUE, self._job, kind, ids)

    # --- jobs ---------------------------------------------------------------------------------------------------------

    def _run(self, kind: str, ids: list[Any]) -> None:
        """One job. It never fails for the engine: what went wrong stands in our own tables, with when to try again."""
        kinds: dict[str, Callable[[Any], Any]] = {
            "order": self.app.advance,
            "delivery": self._read_delivery,
            "schedule": self._scheduled,
        }
        do = kinds[kind]
        for one in self._still_due(ids) if kind == "order" else ids:
            if self._stop.is_set():
                return
            started = time.monotonic()
            try:
                do(one)
                if kind == "order":
                    self._order_s += (time.monotonic() - started - self._order_s) / 10
            except Exception:
                log.exception("%s %s stopped with an error; it is tried again", kind, one)

    def _still_due(self, ids: list[int]) -> list[int]:
        """What was queued twice may be done already."""
        with self.app.database.reading() as connection:
            return lists.due_among(connection, ids, self.app.clock.now())

    def _read_delivery(self, number: int) -> None:
        news.read_delivery(self.app, number)

    # --- schedules ----------------------------------------------------------------------------------------------------

    def _begin_schedules(self) -> None:
        now = self.app.clock.now()
        for name in self._all_schedules():
            shared.schedule(self.app.database, name, now, only_if_new=True)

    def _all_schedules(self) -> Iterator[str]:
        yield "tidy"
        for account in news.platforms(self.app):
            if self.app.registry.infos[account.plugin].capabilities.poll_every_s:
                yield f"poll/{account.id}"
            if news.webhook_address(self.app, account):
                yield f"webhooks/{account.id}"
            if self.app.registry.implements(account.plugin, "missing_orders"):
                yield f"missing/{account.id}"

    def _scheduled(self, name: str) -> None:
        kind, _, account_id = name.partition("/")
        every = timedelta(hours=1)
        try:
            if kind == "tidy":
                self._tidy()
            elif account_id not in {account.id for account in news.platforms(self.app)}:
                every = timedelta(days=1)  # of an account that is gone or blocked
            elif kind == "poll":
                account = self.app.registry.by_id(account_id)
                every = timedelta(seconds=self.app.registry.infos[account.plugin].capabilities.poll_every_s)
                news.poll(self.app, account)
            elif kind == "webhooks":
                for check in news.ensure_webhooks(self.app, self.app.registry.by_id(account_id)):
                    if check.result is not CheckResult.OK:
                        log.warning("%s: %s: %s %s", name, check.name, check.text, check.fix)
            elif kind == "missing":
                every = timedelta(days=1)
                news.look_for_missing(self.app, self.app.registry.by_id(account_id))
        except ConnectorError as error:
            self._put_off(name, every, error)
            return
        shared.schedule(self.app.database, name, self.app.clock.now() + every)

    def _put_off(self, name: str, every: timedelta, error: ConnectorError) -> None:
        failures = shared.schedule_failures(self.app.database, name) + 1
        wait = min(every * failures, timedelta(minutes=15)) if every < timedelta(minutes=15) else every
        log.warning("%s: %s", name, error)
        due = self.app.clock.now() + wait
        shared.schedule(self.app.database, name, due, failures=failures, said=str(error))

    def _tidy(self) -> None:
        """Finished jobs are of no use to anybody."""
        from dbos import DBOS

        before = (datetime.now(UTC) - KEEP_JOBS).isoformat()
        while True:
            old = DBOS.list_workflows(
                status=["SUCCESS", "ERROR"], end_time=before, limit=500, load_input=False, load_output=False
            )
            if not old:
                return
            DBOS.delete_workflows([job.workflow_id for job in old])


def _batches(ids: list[Any], *, among: int, most: int) -> Iterator[list[Any]]:
    size = max(1, min(most, len(ids) // among))
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


# --- the engine's own database ----------------------------------------------------------------------------------------


def _engine(url: str, pool_size: int) -> SqlEngine:
    if not url.startswith("sqlite"):
        _create_database(url)
        return create_engine(_dbos_url(url), pool_size=pool_size, pool_pre_ping=True)
    engine = create_engine(url, pool_size=pool_size, connect_args={"timeout": 30})
    event.listen(engine, "connect", _set_up_sqlite)
    return engine


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")  # disposable: after a power cut the sweeper finds everything again
    if sqlite3.sqlite_version_info < (3, 42):
        # dbos 3.4 asks for unixepoch('subsec'), which is NULL before SQLite 3.42; on Python 3.12 it then does not even start.
        connection.create_function("unixepoch", 1, lambda modifier: time.time())


def _dbos_url(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return url if scheme.startswith("sqlite") else f"postgresql+psycopg://{rest}"


def _create_database(url: str) -> None:
    """The engine has a PostgreSQL database of its own, made at the first start."""
    from sqlalchemy import make_url, text

    address = make_url(_dbos_url(url))
    admin = create_engine(address.set(database="postgres"), isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            known = connection.execute(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": address.database})
            if known.first() is None:
                with suppress(Exception):  # another process may be first
                    connection.execute(text(f'CREATE DATABASE "{address.database}"'))
    except Exception as error:
        raise ConfigError(
            f"the engine's database cannot be reached ({type(error).__name__}). It is {address.database} on the server of "
            "database_url unless engine_database_url says otherwise; create it, or let the user create databases."
        ) from error
    finally:
        admin.dispose()


# --- slots ------------------------------------------------------------------------------------------------------------


def _take_slot(database_url: str) -> tuple[int, IO[str]]:
    """The first number that no living worker of this machine has; a second one with the same id would run each job twice."""
    for slot in range(_SLOTS):
        file = _slot_file(database_url, slot).open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            continue
        return slot, file
    raise ConfigError(f"{_SLOTS} workers run on this machine already; stop some, or raise worker_concurrency instead")


def _slot_file(database_url: str, slot: int) -> Path:
    name = hashlib.sha256(database_url.encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"order-connector-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / f"{name}-worker-{slot}.lock"


@contextmanager
def working(app: App) -> Iterator[Worker]:
    """A worker while the body runs."""
    worker = Worker(app)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()
