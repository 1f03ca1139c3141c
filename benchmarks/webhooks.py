"""Webhooks that are answered once they are stored, beside a bare handler that stores the raw body in the same server."""

from __future__ import annotations

import itertools
import json
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import quantiles

import uvicorn
from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from connector.app import App
from connector.engine import working
from connector.web import make_web

from .measure import Measure, compare, in_turns, limit
from .shop import SHOP, open_shop, put_in, stages

ROUNDS = 5
DELIVERIES = 600
CONNECTIONS = 16
PER_SECOND = 200
SECONDS = 10
BUSY_ORDERS = 3000
OURS, BARE = f"/webhooks/{SHOP}", "/bare"


@dataclass(frozen=True, slots=True)
class Delivered:
    per_second: float
    ms: list[float]


def measure() -> Iterator[Measure]:
    """Throughput with 16 connections; then the latency at 200 a second while the same process works off orders."""
    numbers = itertools.count()
    with tempfile.TemporaryDirectory(prefix="connector-bench-") as folder, open_shop() as app:
        web = make_web(app)
        _add_bare(web, Path(folder) / "bare.db")
        with _serving(web) as port:
            for path in (OURS, BARE):
                _deliver(port, path, numbers, count=50)
            rounds = in_turns(
                ROUNDS,
                lambda: _deliver(port, OURS, numbers).per_second,
                lambda: _deliver(port, BARE, numbers).per_second,
            )
            _check_stored(app, ROUNDS * DELIVERIES + 50)
    against = "bare handler, same server"
    pairs = [(ours, bare) for ours, bare in rounds]
    yield compare("webhooks, 16 connections", pairs, unit="/s", against=against, at_least=0.6)
    yield from _while_busy(numbers)


def _while_busy(numbers: Iterator[int]) -> Iterator[Measure]:
    with open_shop() as app, working(app), _serving(make_web(app)) as port:
        put_in(app, range(BUSY_ORDERS), due_at=app.clock.now() + timedelta(hours=1))
        time.sleep(2)
        app.clock.move(timedelta(hours=1))
        time.sleep(1)
        found = _deliver(port, OURS, numbers, count=PER_SECOND * SECONDS, per_second=PER_SECOND)
        done = stages(app).get("completed", 0)
    cuts = quantiles(found.ms, n=100)
    about = {"p50_ms": round(cuts[49], 1), "max_ms": round(max(found.ms), 1), "orders_done_meanwhile": done}
    yield limit("webhooks at 200/s, busy: p50", [cuts[49]], unit="ms")
    yield limit("webhooks at 200/s, busy: p99", [cuts[98]], unit="ms", at_most=50, about=about)


def _check_stored(app: App, count: int) -> None:
    stored = app.deliveries.count("new")
    if stored != count:
        raise RuntimeError(f"{count} deliveries were answered with 200, {stored} are stored")


# --- the peer ---------------------------------------------------------------------------------------------------------


def _add_bare(web: FastAPI, path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE bodies (id INTEGER PRIMARY KEY, at REAL, body BLOB)")
    turn = threading.Lock()

    def keep(body: bytes) -> None:
        with turn:
            connection.execute("INSERT INTO bodies (at, body) VALUES (?, ?)", (time.time(), body))  # commits by itself

    @web.post(BARE)
    async def bare(request: Request) -> Response:
        await run_in_threadpool(keep, await request.body())
        return Response(status_code=200)


# --- server and client ------------------------------------------------------------------------------------------------


@contextmanager
def _serving(web: FastAPI) -> Iterator[int]:
    """The web server in this process, as `connector run` has it; gives its port."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(web, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listening.close()


def _deliver(port: int, path: str, numbers: Iterator[int], *, count: int = DELIVERIES, per_second: float = 0) -> Delivered:
    first = next(numbers) * 10_000
    command = [sys.executable, "-m", "benchmarks.client", str(port), path, str(count), str(CONNECTIONS), str(per_second)]
    done = subprocess.run(  # noqa: S603  (our own module)
        [*command, str(first)], capture_output=True, check=False, text=True, cwd=Path(__file__).parent.parent
    )
    if done.returncode:
        raise RuntimeError(f"the client failed: {done.stderr.strip()[-500:]}")
    answer = json.loads(done.stdout)
    return Delivered(count / answer["seconds"], answer["ms"])
