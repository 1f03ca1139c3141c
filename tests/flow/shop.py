"""One simulated store and one connector in this process, and the small driver that works everything off until it rests."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Row, Table, select, text, update

from connector import news
from connector.app import App, open_app
from connector.model.case import Case
from connector.model.events import Delivery, TaskKind
from connector.rehearse.demo import _secrets
from connector.sandbox import Sandbox, account
from connector.sandbox.deliveries import signature
from connector.sandbox.woocommerce import shop as people
from connector.sandbox.woocommerce.things import Order
from connector.store import shared
from connector.store.tables import attempts, duties, effects, inbox, orders, tasks, timeline

NAME = "shop"
PUBLIC = "http://127.0.0.1:9"  # nobody is there: pings and deliveries of the store end at once
WEB = f"/webhooks/{NAME}"

CONFIG = """\
[connector]
public_url = "{public_url}"
sweep_every_s = 0.05

[rehearsal]
mail_to = ["rehearsal@merchant.example"]

[accounts.shop]
plugin = "woocommerce"
id = "a_shop"
url = "{store}"
consumer_key = {{env = "DEMO_KEY"}}
consumer_secret = {{env = "DEMO_SECRET"}}
webhook_secret = {{env = "DEMO_WEBHOOK_SECRET"}}
mail = "mail"
carriers = ["post"]

[accounts.mail]
plugin = "smtp"
id = "a_mail"
host = "{mail_host}"
port = {mail_port}
security = "none"
sender = "Test Shop <shop@test-shop.example>"
merchant_to = ["owner@test-shop.example"]

[accounts.post]
plugin = "manual"
id = "a_post"
cannot_deliver = ["po_box"]
"""
ROUNDS = 40
SHIP = {"carrier": "UPS", "tracking": "1Z999AA10123456784"}


@dataclass(slots=True, kw_only=True, repr=False)
class Shop:
    """A store, and the connector that works for it. `commands` counts those that were given."""

    sandbox: Sandbox
    app: App
    config: Path
    environ: dict[str, str]
    commands: int = 0

    # --- what people do -----------------------------------------------------------------------------------------------

    def buy(self, **wanted: Any) -> str:
        """A shopper checks out; gives the platform's id."""
        with self.sandbox.store.lock:
            order = people.checkout(self.sandbox.store, wanted)
        self.sandbox.deliveries.request_ended()
        return str(order.id)

    def staff(self, platform_id: str, action: str, **wanted: Any) -> None:
        """Staff work in wp-admin."""
        people.staff(self.sandbox.store, {"order_id": int(platform_id), "action": action, **wanted})
        self.sandbox.deliveries.request_ended()

    def tamper(self, platform_id: str, change: Callable[[Order], None]) -> None:
        """Something that only a plugin of the shop or a broken import does to an order."""
        store = self.sandbox.store
        with store.lock:
            change(store.orders[int(platform_id)])
            store.touch(store.orders[int(platform_id)])

    def ask(self, platform_id: str, do: str, *, request_id: str = "", who: str = "anna", **body: Any) -> str:
        """A person's command goes into the inbox; gives its request id."""
        self.commands += 1
        request_id = request_id or f"r{self.commands}"
        with self.app.database.writing() as connection:
            self.app.orders.tell(
                connection,
                account_id=self.account.id,
                account_name=NAME,
                platform_id=platform_id,
                kind="command",
                body={"do": do, "who": who, **body},
                now=self.app.clock.now(),
                request_id=request_id,
            )
        return request_id

    def command(self, platform_id: str, do: str, **body: Any) -> str:
        """A command, and what follows from it; gives why it was refused ("": it was not)."""
        request_id = self.ask(platform_id, do, **body)
        self.work()
        return self.outcome(platform_id, request_id)

    def new_order(self, **wanted: Any) -> str:
        """An order that was bought and worked on until it rests."""
        platform_id = self.buy(**wanted)
        self.work()
        return platform_id

    def shipped(self, **wanted: Any) -> str:
        """An order that was bought and shipped."""
        platform_id = self.new_order(**wanted)
        assert self.command(platform_id, "ship", **SHIP) == ""
        return platform_id

    def webhook(self, platform_id: str, topic: str = "order.updated", *, body: bytes | None = None) -> int:
        """The shop delivers a signed webhook about an order; gives its number."""
        content = json.dumps({"id": int(platform_id)}).encode() if body is None else body
        headers = {"x-wc-webhook-topic": topic, "x-wc-webhook-signature": self.sign(content)}
        number = news.receive(self.app, self.account, Delivery(headers=headers, body=content, received_at=datetime.now(UTC)))
        assert number is not None
        return number

    def sign(self, body: bytes) -> str:
        return signature(body, self.environ["DEMO_WEBHOOK_SECRET"])

    def hear(self, how: str, platform_id: str) -> None:
        """The connector learns of what happened to an order, by "poll" or by "webhook"."""
        if how == "webhook":
            self.webhook(platform_id)
        self.work(poll=how == "poll")

    # --- what the connector does --------------------------------------------------------------------------------------

    @property
    def account(self) -> Any:
        return self.app.registry.account(NAME)

    def poll(self) -> None:
        news.poll(self.app, self.account)

    def work(self, *, poll: bool = True) -> None:
        """Poll, read deliveries, advance what is due, until nothing is due."""
        for _ in range(ROUNDS):
            if poll:
                self.poll()
            if not self.work_off() and not self._was_too_slow():
                return
        raise AssertionError(f"not at rest after {ROUNDS} rounds")

    def _was_too_slow(self) -> bool:
        """On a busy machine the second between writing down and sending may pass: then it is tried again a second later."""
        with self.app.database.reading() as connection:
            query = select(orders.c.due_at).where(orders.c.problem.contains("too late to send"), orders.c.due_at.is_not(None))
            again = [at for at in connection.execute(query).scalars() if at - self.app.clock.now() < timedelta(seconds=2)]
        if again:
            time.sleep(1)
        return bool(again)

    def work_off(self) -> int:
        """One round without asking the platform for news; how much there was to do."""
        now = self.app.clock.now()
        numbers = self.app.deliveries.queue_due(now, again=now + timedelta(seconds=30), limit=100)
        for number in numbers:
            news.read_delivery(self.app, number)
        with self.app.database.reading() as connection:
            due = list(connection.execute(select(orders.c.id).where(orders.c.due_at <= now)).scalars())
        for order_id in due:
            self.app.advance(order_id)
        return len(numbers) + len(due)

    def later(self, *, poll: bool = True, **time: float) -> None:
        """Time passes, and then everything is worked off again."""
        self.app.clock.move(timedelta(**time))
        self.work(poll=poll)

    def long_ago(self) -> None:
        """What was sent and not answered was sent an hour ago: the ledger goes by the database's clock, which nobody moves."""
        unsettled = effects.c.state.in_(["sent", "unknown"])
        hour = 3600 * 1_000_000
        with self.app.database.writing() as connection:
            connection.execute(
                update(effects)
                .where(unsettled)
                .values(sent_at=text(f"sent_at - {hour}"), first_sent_at=text(f"first_sent_at - {hour}"))
            )

    def mode(self, mode: str, *names: str) -> None:
        """Put accounts (all, if none is named) into a mode, and wake what waits for it."""
        for name in names or tuple(self.app.registry.accounts):
            one = self.app.registry.account(name)
            with self.app.database.writing() as connection:
                shared.set_mode(connection, one.id, one.name, mode, who="test", now=self.app.clock.now())
        with self.app.database.writing() as connection:
            connection.execute(update(orders).values(due_at=self.app.clock.now()))

    def reopen(self, **environ: str) -> None:
        """The person mends the configuration and starts again."""
        self.environ |= environ
        clock = self.app.clock
        self.app.close()
        self.app = open_app(self.config, self.environ, clock=clock)

    # --- our books ----------------------------------------------------------------------------------------------------

    def find(self, platform_id: str) -> Row[Any] | None:
        with self.app.database.reading() as connection:
            return connection.execute(select(orders).where(orders.c.platform_id == platform_id)).one_or_none()

    def row(self, platform_id: str) -> Row[Any]:
        found = self.find(platform_id)
        assert found is not None, f"order {platform_id} is not known"
        return found

    def case(self, platform_id: str) -> Case:
        with self.app.database.reading() as connection:
            case = self.app.orders.read(connection, self.row(platform_id).id)
        assert case is not None, f"order {platform_id} was not read yet"
        return case

    def rows(self, table: Table, platform_id: str) -> list[Row[Any]]:
        order_id = self.row(platform_id).id
        with self.app.database.reading() as connection:
            return list(connection.execute(select(table).where(table.c.order_id == order_id)))

    def timeline(self, platform_id: str) -> list[str]:
        return [row.text for row in sorted(self.rows(timeline, platform_id), key=lambda row: row.id)]

    def told(self, platform_id: str) -> dict[str, str]:
        """Who was told what: "shipped/customer" to the state of it."""
        return {f"{row.event}/{row.person}": str(row.state) for row in self.rows(duties, platform_id)}

    def tasks(self, platform_id: str, kind: TaskKind | None = None) -> list[str]:
        """Titles of the open ones."""
        found = self.rows(tasks, platform_id)
        return [row.title for row in found if row.state == "open" and kind in (None, row.kind)]

    def effects(self, platform_id: str, kind: str = "") -> list[Row[Any]]:
        return [row for row in self.rows(effects, platform_id) if kind in ("", row.kind)]

    def outcome(self, platform_id: str, request_id: str) -> str:
        (row,) = [row for row in self.rows(inbox, platform_id) if row.request_id == request_id]
        assert row.applied_at is not None, "the command was not taken up"
        return str(row.outcome)

    def attempts(self) -> list[Row[Any]]:
        with self.app.database.reading() as connection:
            return list(connection.execute(select(attempts).order_by(attempts.c.id)))

    # --- the store's own truth ----------------------------------------------------------------------------------------

    def truth(self, platform_id: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = account.told(self.sandbox.store)["orders"][platform_id]
        return found

    def status(self, platform_id: str) -> str:
        return str(self.truth(platform_id)["status"])

    def paid_back(self, platform_id: str) -> list[str]:
        """The amounts that the gateway gave back."""
        return [call["amount"] for call in self.truth(platform_id)["gateway_refunds"] if call["outcome"] == "moved"]

    def writes(self, platform_id: str = "") -> list[str]:
        """Every call that could change something in the store: "PUT orders/17"."""
        sent = self.sandbox.records.since(0)["requests"]
        calls = [f"{one['method']} {one['path'].partition('/wc/v3/')[2]}" for one in sent if one["method"] != "GET"]
        return [call for call in calls if platform_id in call]

    def mails(self, to: str = "") -> list[Any]:
        return [mail for mail in self.sandbox.mailbox.messages if any(to in one for one in mail.envelope_to)]


@contextmanager
def open_shop(folder: Path, database_url: str, *, mode: str = "live", public_url: str = PUBLIC) -> Iterator[Shop]:
    """A fresh store and a connector on a migrated database. The first poll, which only says from when on, has been made."""
    with Sandbox() as sandbox:
        config = folder / "connector.toml"
        box = sandbox.mailbox
        told = {"store": sandbox.url, "mail_host": box.host, "mail_port": box.port, "public_url": public_url}
        config.write_text(CONFIG.format(**told), "utf-8")
        secrets = {**_secrets(sandbox), "CONNECTOR_DATABASE_URL": database_url}
        shop = Shop(sandbox=sandbox, app=open_app(config, secrets), config=config, environ=secrets)
        try:
            if mode:
                shop.mode(mode)
            shop.poll()
            yield shop
        finally:
            sandbox.faults.clear()
            shop.app.close()


def shortened(app: App, *, deadline_s: float) -> None:
    """Give calls up sooner than a real store deserves, so that a test need not wait for it."""
    infos: Any = app.registry.infos
    for name, info in list(infos.items()):
        rules = {kind: replace(rule, deadline_s=min(rule.deadline_s, deadline_s)) for kind, rule in info.effects.items()}
        infos[name] = replace(info, effects=rules)


def refused(shop: Shop, order: str, do: str, **body: Any) -> str:
    """Give a command that must be refused: it leaves a line with who asked, and changes nothing else."""
    case, writes, mails, effects = shop.case(order), shop.writes(), len(shop.mails()), len(shop.effects(order))
    why = shop.command(order, do, who="berta", **body)
    last = shop.rows(timeline, order)[-1]
    assert why
    assert (last.who, last.what, last.text) == ("berta", "refused", f"{do}: {why}")
    assert shop.case(order) == case
    assert (shop.writes(), len(shop.mails()), len(shop.effects(order))) == (writes, mails, effects)
    return why
