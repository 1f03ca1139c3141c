"""A backlog of Shopify orders to be shipped against the cost bucket of the smallest plan: how much of it do we use?

The simulated shop answers after 150 ms, as the recorded one did, and gives 100 points a second; only that is the limit, if
nothing of ours is. A query is throttled when the bucket does not hold what it might cost, so no call may come too early.

The fewest points for one parcel: the order is read before its label (28, as Shopify reckons them), what is
to be sent from where and what was sent already are read (16 and 1), and the fulfillment is made (10).
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
from sqlalchemy import delete, select

from connector import news
from connector.app import App, open_app
from connector.engine import working
from connector.store import shared
from connector.store.tables import orders, rates

from .backlog import SHIP, wait_until_done
from .measure import Measure, compare, limit
from .shop import ENVIRON, check_all_done

ORDERS = 300
PARALLEL = 8
PER_SECOND, LATENCY_MS = 100, 150
SMALLEST = 55
CONFIG = """\
[connector]
worker_concurrency = {parallel}

[accounts.shop]
plugin = "shopify"
id = "a_shop"
shop = "{shop}"
api_url = "{url}"
client_id = "{client_id}"
client_secret = {{env = "SHOP_SECRET"}}
carriers = ["post"]

[accounts.post]
plugin = "manual"
id = "a_post"
"""


def measure() -> Iterator[Measure]:
    """Points spent beside those that the bucket held and got, and points per order."""
    told = work_off(ORDERS)
    yield compare(
        f"Shopify, backlog of {ORDERS:,}",
        [(told["spent"] / told["seconds"], told["could"] / told["seconds"])],
        unit="points/s",
        against="what the bucket gives",
        at_least=0.95,
        about=told,
    )
    yield limit("Shopify, calls that were throttled", [told["refused"]], unit="calls", at_most=0)
    each = told["spent"] / ORDERS
    yield compare("Shopify, points per order", [(each, float(SMALLEST))], unit="points", against="the smallest possible")


def work_off(count: int) -> Mapping[str, Any]:
    """Ship so many orders; gives what the shop says of its bucket."""
    with tempfile.TemporaryDirectory(prefix="connector-bench-") as path, _shop() as shop, _connected(Path(path), shop) as app:
        account = app.registry.account("shop")
        _say(shop, "settings", {"bucket": {"size": 1_000_000, "per_second": 1_000_000}})
        news.poll(app, account)
        for _ in range(count):
            _say(shop, "checkout", {"lines": [{"sku": "MUG-1", "quantity": 1}]})
        news.poll(app, account)
        _decide(app)
        _say(shop, "settings", {"bucket": {"size": 20 * PER_SECOND, "per_second": PER_SECOND}, "latency_ms": LATENCY_MS})
        with working(app):
            wait_until_done(app, patience_s=count * 2)
        check_all_done(app, count)
        return dict(requests.get(f"{shop['control']}/bucket", timeout=60).json())


@contextmanager
def _shop() -> Iterator[Mapping[str, Any]]:
    command = [sys.executable, "-m", "connector.sandbox.shopify"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603  (our own module)
    try:
        yield json.loads(process.stdout.readline() if process.stdout else "")
    finally:
        process.terminate()
        process.communicate()


def _say(shop: Mapping[str, Any], name: str, body: Mapping[str, Any]) -> None:
    requests.post(f"{shop['control']}/{name}", json=dict(body), timeout=60).raise_for_status()


@contextmanager
def _connected(folder: Path, shop: Mapping[str, Any]) -> Iterator[App]:
    """A connector that is live for this shop."""
    config = folder / "connector.toml"
    config.write_text(CONFIG.format(parallel=PARALLEL, **shop))
    app = open_app(config, ENVIRON | {"SHOP_SECRET": shop["client_secret"]}, may_migrate=True)
    try:
        with app.database.writing() as connection:
            for account in app.registry.accounts.values():
                shared.set_mode(connection, account.id, account.name, "live", who="benchmark", now=app.clock.now())
        yield app
    finally:
        app.close()


def _decide(app: App) -> None:
    """Every order is to be shipped, and all of them at once. What was learned of a bucket that never ends is forgotten."""
    account, now = app.registry.account("shop"), app.clock.now()
    with app.database.writing() as connection:
        connection.execute(delete(rates))
        for platform_id in connection.execute(select(orders.c.platform_id)).scalars().all():
            app.orders.tell(
                connection,
                account_id=account.id,
                account_name=account.name,
                platform_id=platform_id,
                kind="command",
                body=SHIP,
                now=now,
                request_id=f"ship-{platform_id}-{time.monotonic_ns()}",
            )
