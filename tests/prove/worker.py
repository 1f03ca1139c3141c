"""The process that is killed: a connector's worker without the queue, so that it dies at exactly the transition it is told."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from connector import news
from connector.app import App, open_app
from connector.errors import ConnectorError
from connector.rehearse.demo import WOOCOMMERCE
from connector.rehearse.worlds import WooCommerceWorld
from connector.store import shared
from tests.prove.bugs import BUGS
from tests.prove.clock import beside

KILLED = 137
HOLDER = "prove-0"


def shorten(
    app: App, *, deadline_s: float = 1.0, settle_s: float = 0.2, lease_s: float = 5.0, poll_every_s: float = 2.0
) -> App:
    """The same rules with shorter times, so that a proof does not wait for a real store's minutes."""
    infos: Any = app.registry.infos
    for name, info in list(infos.items()):
        rules = {
            kind: replace(rule, deadline_s=min(rule.deadline_s, deadline_s), settle_s=min(rule.settle_s, settle_s))
            for kind, rule in info.effects.items()
        }
        often = min(info.capabilities.poll_every_s, poll_every_s)
        infos[name] = replace(info, effects=rules, capabilities=replace(info.capabilities, poll_every_s=often))
    app.orders.lease = timedelta(seconds=lease_s)
    return app


class Crash:
    """Dies at the nth transition of a kind ("": of any), without any clean-up, as a power cut would."""

    def __init__(self, at: tuple[str, int], log: Path) -> None:
        self.kind, self.at = at
        self.seen = 0
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def __call__(self, transition: str) -> None:
        self.seen += self.kind in ("", transition)
        os.write(self.log, f"{transition}\n".encode())
        if self.seen == self.at:
            os._exit(KILLED)


def plant(bug: str) -> None:
    if bug:
        BUGS[bug]()


def wake_during_work(config: str, environ: dict[str, str], platform_id: str, bug: str) -> None:
    """Work on one order once, and have a person ask for something in the middle of it."""
    plant(bug)
    asked = False

    def ask(transition: str) -> None:
        nonlocal asked
        if transition == "taken" and not asked:
            asked = True
            world = WooCommerceWorld(app=app, shop=WOOCOMMERCE, sandbox=None)  # type: ignore[arg-type]
            world.command(platform_id, "ask", {"do": "note", "text": "in the middle"})

    app = shorten(open_app(Path(config), environ, watch=ask))
    news.poll(app, app.registry.account(WOOCOMMERCE))
    for order_id in app.orders.queue_due(app.clock.now(), limit=10, hold_s=30):
        app.advance(order_id)
    app.close()


def work(
    config: str, environ: dict[str, str], shop: str, crash_at: tuple[str, int], log: str, bug: str, settle_s: float
) -> None:
    """Poll one shop, read deliveries and advance orders until killed."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    plant(bug)
    clock = beside(Path(config))
    app = shorten(open_app(Path(config), environ, clock=clock, watch=Crash(crash_at, Path(log))), settle_s=settle_s)
    app.database.holder = HOLDER
    shared.forget_dead_self(app.database, HOLDER)
    while True:
        try:
            news.poll(app, app.registry.account(shop))
        except ConnectorError:
            time.sleep(0.1)
        now = app.clock.now()
        for number in app.deliveries.queue_due(now, again=now + timedelta(seconds=2), limit=50):
            news.read_delivery(app, number)
        for order_id in app.orders.queue_due(now, limit=50, hold_s=1):
            app.advance(order_id)
        time.sleep(0.05)
