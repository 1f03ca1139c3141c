"""A backlog of orders to be shipped, at a store that answers as slowly as the recorded one: how much of it do we use?

The store is the sandbox at its recorded pace (`connector/sandbox/pace.py`), in a process of its own; the connector is a worker
with 8 jobs at a time, that is 8 connections at most. Only what the store can take is the limit then, if nothing of ours is.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from connector import news
from connector.app import App, open_app
from connector.engine import working
from connector.store import shared
from connector.store.tables import orders

from .measure import Measure, compare, limit
from .shop import ENVIRON, check_all_done, left

ORDERS = 1000
PARALLEL = 8
SHIP = {"do": "ship", "who": "benchmark", "carrier": "UPS", "tracking": "1Z999AA10123456784"}
CONFIG = """\
[connector]
worker_concurrency = {parallel}

[accounts.shop]
plugin = "woocommerce"
id = "a_shop"
url = "{url}"
consumer_key = {{env = "SHOP_KEY"}}
consumer_secret = {{env = "SHOP_SECRET"}}
carriers = ["post"]

[accounts.post]
plugin = "manual"
id = "a_post"
"""


def measure() -> Iterator[Measure]:
    """Share of what the store could have served of the same mix of calls, between the first call and the last."""
    told = work_off(ORDERS)
    about = {"orders": ORDERS, "calls_per_order": told["requests"] / ORDERS, **told}
    yield compare(
        f"backlog of {ORDERS:,}, calls",
        [(told["per_s"], told["could_per_s"])],
        unit="calls/s",
        against="what the store can take",
        at_least=0.9,
        about=about,
    )
    yield limit("backlog, calls per order", [told["requests"] / ORDERS], unit="calls", about=about)
    yield limit("backlog, orders", [ORDERS / told["seconds"]], unit="orders/s", about=about)


def work_off(count: int) -> Mapping[str, Any]:
    """Ship so many orders; gives what the store says about its pace."""
    with tempfile.TemporaryDirectory(prefix="connector-bench-") as path, _store() as store:
        control = store["control"]
        _say(control, "fill", {"orders": count, "days": 1, "shares": {"processing": 1}})
        with _connected(Path(path), store) as app:
            app.clock.now()
            news.poll(app, app.registry.account("shop"), since=app.clock.now().replace(year=app.clock.now().year - 1))
            _decide(app)
            _say(control, "pace", {"pace": "recorded"})
            with working(app):
                wait_until_done(app, patience_s=count)
            check_all_done(app, count)
        return _say(control, "pace", {})


@contextmanager
def _store() -> Iterator[Mapping[str, Any]]:
    process = subprocess.Popen([sys.executable, "-m", "connector.sandbox"], stdout=subprocess.PIPE, text=True)
    try:
        yield json.loads(process.stdout.readline() if process.stdout else "")
    finally:
        process.terminate()
        process.communicate()


def _say(control: str, name: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    answer = requests.post(f"{control}/{name}", json=dict(body), timeout=60)
    answer.raise_for_status()
    told: Mapping[str, Any] = answer.json()
    return told


@contextmanager
def _connected(folder: Path, store: Mapping[str, Any]) -> Iterator[App]:
    """A connector that is live for this store."""
    config = folder / "connector.toml"
    config.write_text(CONFIG.format(url=store["url"], parallel=PARALLEL))
    key = store["keys"]["rw"]
    app = open_app(config, ENVIRON | {"SHOP_KEY": key["key"], "SHOP_SECRET": key["secret"]}, may_migrate=True)
    try:
        with app.database.writing() as connection:
            for account in app.registry.accounts.values():
                shared.set_mode(connection, account.id, account.name, "live", who="benchmark", now=app.clock.now())
        yield app
    finally:
        app.close()


def _decide(app: App) -> None:
    """Every order is to be shipped, and all of them at once."""
    account = app.registry.account("shop")
    with app.database.writing() as connection:
        for (platform_id,) in connection.execute(orders.select().with_only_columns(orders.c.platform_id)).all():
            app.orders.tell(
                connection,
                account_id=account.id,
                account_name=account.name,
                platform_id=platform_id,
                kind="command",
                body=SHIP,
                now=app.clock.now(),
                request_id=f"ship-{platform_id}",
            )


def wait_until_done(app: App, *, patience_s: float) -> None:
    until = time.monotonic() + patience_s
    while left(app):
        if time.monotonic() > until:
            raise RuntimeError(f"{left(app)} orders did not come through within {patience_s:.0f} s")
        time.sleep(0.2)
