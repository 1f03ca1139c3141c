"""The demo: a simulated store and mailbox on loopback, a connector with webhooks and a worker, and stories played on them."""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import select

from .. import news
from ..app import App, open_app
from ..engine import working
from ..errors import ConnectorError, TryLater
from ..model.events import DutyEvent, DutyState, Person
from ..sandbox import Sandbox, account
from ..store import shared
from ..store.tables import duties, effects, orders, tasks, timeline
from .report import Chapter, Line, Told
from .stories import Ending, Playing, Seen, differences

SHOP = "demo-shop"
SOON = timedelta(minutes=10)

CONFIG = """\
# A demo: everything here is simulated and runs on this machine only.
[connector]
port = {port}
public_url = "http://127.0.0.1:{port}"
sweep_every_s = 0.1

[policy.unpaid.cheque]
remind_after_days = 7
cancel_after_days = 14

[accounts.{shop}]
plugin = "woocommerce"
id = "a_demo_shop"
url = "{store}"
consumer_key = {{env = "DEMO_KEY"}}
consumer_secret = {{env = "DEMO_SECRET"}}
webhook_secret = {{env = "DEMO_WEBHOOK_SECRET"}}
mail = "demo-mail"
carriers = ["demo-post"]
statuses = {{packed = "open"}}

[accounts.demo-mail]
plugin = "smtp"
id = "a_demo_mail"
host = "{mail_host}"
port = {mail_port}
security = "none"
sender = "Demo Shop <shop@demo-shop.example>"
merchant_to = ["owner@demo-shop.example"]

[accounts.demo-post]
plugin = "manual"
id = "a_demo_post"
cannot_deliver = ["po_box"]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoWorld:
    """A world of stories: the sandbox on one side, the connector's database on the other."""

    app: App
    sandbox: Sandbox

    def buy(self, order: Mapping[str, Any]) -> str:
        return str(self._control("checkout", order)["order_id"])

    def staff(self, platform_id: str, act: Mapping[str, Any]) -> None:
        self._control("staff", {"order_id": int(platform_id), **act})

    def command(self, platform_id: str, request_id: str, body: Mapping[str, Any]) -> None:
        shop = self.app.registry.account(SHOP)
        with self.app.database.writing() as connection:
            self.app.orders.tell(
                connection,
                account_id=shop.id,
                account_name=shop.name,
                platform_id=platform_id,
                kind="command",
                body={"who": "demo", **body},
                now=self.app.clock.now(),
                request_id=request_id,
            )

    def look(self, platform_id: str) -> Seen | None:
        shop = self.app.registry.account(SHOP)
        with self.app.database.reading() as connection:
            row = connection.execute(
                select(orders.c.id, orders.c.due_at, orders.c.lease_token).where(
                    orders.c.account_id == shop.id, orders.c.platform_id == platform_id
                )
            ).one_or_none()
            case = self.app.orders.read(connection, row.id) if row else None
            if row is None or case is None:
                return None
            told = connection.execute(select(duties).where(duties.c.order_id == row.id)).all()
            open_tasks = connection.execute(
                select(tasks.c.title, tasks.c.kind)
                .where(tasks.c.order_id == row.id, tasks.c.state == "open")
                .order_by(tasks.c.id)
            )
            done = connection.execute(
                select(effects.c.kind)
                .where(effects.c.order_id == row.id, effects.c.state == "done")
                .order_by(effects.c.sent_at)
            ).scalars()
            return Seen(
                case=case,
                at_rest=row.lease_token is None and (row.due_at is None or row.due_at > self.app.clock.now() + SOON),
                duties={(DutyEvent(duty.event), Person(duty.person)): DutyState(duty.state) for duty in told},
                states=tuple(DutyState(duty.state) for duty in told),
                tasks={task.title: task.kind for task in open_tasks},
                effects=tuple(done),
            )

    def wait(self, days: int) -> None:
        self.app.clock.move(timedelta(days=days))

    def pull(self) -> None:
        with suppress(TryLater):  # the worker is at it just now
            news.poll(self.app, self.app.registry.account(SHOP))

    def chapter(self, playing: Playing) -> Chapter:
        """How a story went, for the report: our books, and what the store itself shows."""
        seen = playing.seen or self.look(playing.platform_id)
        if seen is None:
            raise ConnectorError(f"the order of the story {playing.story.name} never arrived")
        with self.app.database.reading() as connection:
            lines = connection.execute(
                select(timeline)
                .join(orders, orders.c.id == timeline.c.order_id)
                .where(orders.c.platform_id == playing.platform_id)
                .order_by(timeline.c.id)
            ).all()
        told = sorted(seen.duties.items(), key=lambda item: list(DutyEvent).index(item[0][0]))
        store = self.store(playing.platform_id)
        return Chapter(
            name=playing.story.name,
            title=playing.story.title,
            expected=playing.story.ending.stage,
            case=seen.case,
            store_status=str(store["status"]),
            timeline=[Line(at=line.at, who=line.who, text=line.text) for line in lines],
            told=[Told(event=event, person=person, state=state) for (event, person), state in told],
            effects=seen.effects,
            tasks=tuple(seen.tasks),
            differences=[*differences(playing), *_at_the_store(playing.story.ending, store)],
        )

    def store(self, platform_id: str) -> Mapping[str, Any]:
        """What the store's own records say about one order."""
        told = account.told(self.sandbox.store)["orders"][platform_id]
        return dict(told)

    def _control(self, name: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        import requests  # the sandbox's control API, not a vendor

        answer = requests.post(f"{self.sandbox.url}/_sandbox/{name}", json=dict(body), timeout=30)
        answer.raise_for_status()
        told: Mapping[str, Any] = answer.json()
        return told


@contextmanager
def demo_world(folder: Path) -> Iterator[DemoWorld]:
    """Everything running: simulated store and mailbox, webhook endpoint, worker. All of it ends with the body."""
    with Sandbox() as sandbox:
        port = _free_port()
        config = _write_config(folder, sandbox, port)
        _write_secrets(folder, _secrets(sandbox))
        app = open_app(config, os.environ, may_migrate=True)
        try:
            for one in app.registry.accounts.values():
                with app.database.writing() as connection:
                    shared.set_mode(connection, one.id, one.name, "live", who="demo", now=app.clock.now())
            with serving(app, port), working(app):
                _wait_for_webhooks(app, sandbox)
                yield DemoWorld(app=app, sandbox=sandbox)
        finally:
            app.close()


@contextmanager
def serving(app: App, port: int) -> Iterator[None]:
    """The webhook endpoint, in a thread."""
    import uvicorn

    from ..web import make_web

    server = uvicorn.Server(uvicorn.Config(make_web(app), host="127.0.0.1", port=port, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, name="web", daemon=True)
    thread.start()
    try:
        _wait_until(lambda: server.started, "the web server")
        yield
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def _at_the_store(ending: Ending, store: Mapping[str, Any]) -> list[str]:
    """What the store's own records say otherwise."""
    wrong = []
    if store["status"] != ending.status:
        wrong.append(f"the store shows {store['status']}, not {ending.status}")
    paid_back = sum((Decimal(call["amount"]) for call in store["gateway_refunds"]), Decimal(0))
    if paid_back != Decimal(ending.refunded):
        wrong.append(f"the gateway gave back {paid_back}, not {ending.refunded}")
    return wrong


def _write_config(folder: Path, sandbox: Sandbox, port: int) -> Path:
    sandbox.store.settings.statuses["packed"] = "Packed"  # as a plugin of the shop would add it
    path = folder / "connector.toml"
    path.write_text(
        CONFIG.format(port=port, shop=SHOP, store=sandbox.url, mail_host=sandbox.mailbox.host, mail_port=sandbox.mailbox.port),
        "utf-8",
    )
    return path


def _secrets(sandbox: Sandbox) -> dict[str, str]:
    key, secret = sandbox.key()
    return {
        "DEMO_KEY": key,
        "DEMO_SECRET": secret,
        "DEMO_WEBHOOK_SECRET": secrets.token_hex(16),
        "CONNECTOR_SECRET_KEY": secrets.token_hex(32),
    }


def _write_secrets(folder: Path, secret: Mapping[str, str]) -> None:
    """Beside the configuration, so that every other command finds them too."""
    path = folder / ".env"
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={value}\n" for name, value in secret.items()), "utf-8")


def _wait_for_webhooks(app: App, sandbox: Sandbox) -> None:
    _wait_until(lambda: len(sandbox.store.webhooks) >= 4, "the webhooks")


def _wait_until(happened: Any, what: str, *, patience_s: float = 20.0) -> None:
    until = time.monotonic() + patience_s
    while not happened():
        if time.monotonic() > until:
            raise ConnectorError(f"the demo could not start: {what} did not come up within {patience_s:.0f} s")
        time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
