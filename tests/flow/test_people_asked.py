"""A platform asks for a customer's data or for erasing it: done through the delivery that asked, once, whatever dies when."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from hmac import digest
from pathlib import Path
from typing import Any

import pytest
import responses
from click.testing import CliRunner
from sqlalchemy import select

from connector import news, people
from connector.app import App, open_app
from connector.cli import cli
from connector.errors import TryLater
from connector.model.case import Case
from connector.model.events import Delivery
from connector.model.flow import Stage
from connector.model.order import Customer, Order, PlatformStatus
from connector.plugins.shopify.versions import VERSION
from connector.store import people as stored
from connector.store import shared
from connector.store.tables import deliveries, delivery_bodies, keys, metadata, tasks, timeline
from tests.store.world import make_order

EMAIL = "zqx.john@example.com"
SECRETS = {"CONNECTOR_SECRET_KEY": "a secret key for tests, long enough, of no use elsewhere", "HUSH": "hush"}
CONFIG = """\
[accounts.shop]
plugin = "shopify"
id = "a_shop"
shop = "example.myshopify.com"
access_token = {env = "HUSH"}
webhook_secret = {env = "HUSH"}

[accounts.other]
plugin = "shopify"
id = "a_other"
shop = "other.myshopify.com"
access_token = {env = "HUSH"}
webhook_secret = {env = "HUSH"}
"""


@dataclass(slots=True, kw_only=True)
class Asked:
    """Two shops of one merchant, and a platform that asks."""

    app: App
    config: Path
    environ: dict[str, str]

    def order(self, platform_id: str, *, account: str = "shop", email: str = EMAIL, **changes: Any) -> int:
        """An order that ended long ago (or is what `changes` say), read and worked off."""
        told: dict[str, Any] = {"means": PlatformStatus.COMPLETED, "customer_note": "zqxnote", **changes}
        shown = replace(make_order(platform_id, email=email), **told)
        order_id = self.show(shown, account=account)
        assert self.app.advance(order_id)
        return order_id

    def show(self, shown: Order, *, account: str = "shop") -> int:
        """A poll shows an order."""
        with self.app.database.writing() as connection:
            return self.app.orders.tell(
                connection,
                account_id=f"a_{account}",
                account_name=account,
                platform_id=shown.platform_id,
                kind="seen",
                body={},
                seen=shown,
                now=self.app.clock.now(),
            )

    def deliver(self, topic: str, body: dict[str, Any]) -> int:
        raw = json.dumps({"shop_id": 954889, "shop_domain": "example.myshopify.com", **body}).encode()
        headers = {
            "x-shopify-topic": topic,
            "x-shopify-hmac-sha256": b64encode(digest(b"hush", raw, sha256)).decode(),
            "x-shopify-shop-domain": "example.myshopify.com",
        }
        shop = self.app.registry.account("shop")
        number = news.receive(self.app, shop, Delivery(headers=headers, body=raw, received_at=self.app.clock.now()))
        assert number is not None
        return number

    def redact(self, *ids: int, email: str = EMAIL) -> int:
        return self.deliver("customers/redact", {"customer": {"id": 1, "email": email}, "orders_to_redact": list(ids)})

    def work(self) -> None:
        """Read what is due, and work off what follows."""
        now = self.app.clock.now()
        for number in self.app.deliveries.queue_due(now, again=now + timedelta(seconds=30), limit=100):
            news.read_delivery(self.app, number)

    def later(self, **time: float) -> None:
        self.app.clock.move(timedelta(**time))
        self.work()

    def case(self, order_id: int) -> Case:
        with self.app.database.reading() as connection:
            case = self.app.orders.read(connection, order_id)
        assert case is not None
        return case

    def is_erased(self, order_id: int) -> bool:
        return self.case(order_id).order.customer == Customer()

    def delivery(self, number: int) -> tuple[str, bool, bool]:
        """Its state, whether it is due again, and whether what it brought is still there."""
        with self.app.database.reading() as connection:
            row = connection.execute(select(deliveries).where(deliveries.c.id == number)).one()
            body = connection.execute(select(delivery_bodies.c.delivery_id).where(delivery_bodies.c.delivery_id == number))
            return row.state, row.due_at is not None, body.first() is not None

    def tasks(self, state: str = "open") -> list[str]:
        with self.app.database.reading() as connection:
            return list(connection.execute(select(tasks.c.title).where(tasks.c.state == state).order_by(tasks.c.id)).scalars())

    def told(self, order_id: int, what: str) -> int:
        """How many lines of this kind the order's timeline has."""
        with self.app.database.reading() as connection:
            found = select(timeline.c.id).where(timeline.c.order_id == order_id, timeline.c.what == what)
            return len(connection.execute(found).all())

    def run(self, *words: str) -> Any:
        return CliRunner().invoke(cli, ["--config", str(self.config), *words], env=self.environ)


@pytest.fixture
def asked(tmp_path: Path, database_url: str) -> Iterator[Asked]:
    config = tmp_path / "connector.toml"
    config.write_text(CONFIG, "utf-8")
    environ = {**SECRETS, "CONNECTOR_DATABASE_URL": database_url}
    app = open_app(config, environ)
    yield Asked(app=app, config=config, environ=environ)
    app.close()


# --- customers/redact -------------------------------------------------------------------------------------------------


def test_exactly_those_orders(asked: Asked) -> None:
    """The orders that are named, and no other of the customer, here or in another shop."""
    named, not_named, elsewhere = asked.order("299938"), asked.order("280263"), asked.order("299938", account="other")
    number = asked.redact(299938, 5)
    asked.work()
    assert [asked.is_erased(one) for one in (named, not_named, elsewhere)] == [True, False, False]
    assert asked.case(named).order.total == asked.case(not_named).order.total
    assert asked.told(named, "erased") == 1
    assert asked.delivery(number) == ("done", False, False)
    assert asked.tasks() == [f"shop: a customer was erased because the platform asked for it (delivery {number})"]


def test_without_orders_it_is_the_customer(asked: Asked) -> None:
    """All of their orders in that shop; the key goes only with the last order that it locks."""
    ours, elsewhere = asked.order("1"), asked.order("2", account="other")
    asked.redact()
    asked.work()
    assert (asked.is_erased(ours), asked.is_erased(elsewhere)) == (True, False)
    assert people.erase(asked.app, EMAIL, who="anna").key_destroyed
    with asked.app.database.reading() as connection:
        key = select(keys.c.wrapped).where(keys.c.id == asked.app.vault.key_id(EMAIL))
        assert connection.execute(key).scalar_one() is None


def test_a_guest_is_erased_by_order(asked: Asked) -> None:
    """Somebody without an address has the order's own key, and it is not the same afterwards."""
    guest = asked.order("7", email="")
    key_id = asked.app.vault.key_id("a_shop/7")
    with asked.app.database.reading() as connection:
        before = connection.execute(select(keys.c.wrapped).where(keys.c.id == key_id)).scalar_one()
    asked.deliver("customers/redact", {"customer": {"id": 1}, "orders_to_redact": [7]})
    asked.work()
    assert asked.case(guest).order.customer_note == ""
    with asked.app.database.reading() as connection:
        assert connection.execute(select(keys.c.wrapped).where(keys.c.id == key_id)).scalar_one() != before


def test_twice_is_once(asked: Asked) -> None:
    """The same request delivered, replayed and sent again: one line, one task."""
    order = asked.order("1")
    first = asked.redact(1)
    asked.work()
    second = asked.redact(1)
    asked.work()
    asked.app.deliveries.replay(now=asked.app.clock.now(), ids=[first])
    asked.work()
    assert [asked.delivery(number) for number in (first, second)] == [("done", False, False)] * 2
    assert (asked.told(order, "erased"), len(asked.tasks())) == (1, 1)


def test_an_open_order_is_waited_for(asked: Asked) -> None:
    """Those that ended are erased at once; the open one as soon as it has ended. A task says so meanwhile."""
    done, open_one = asked.order("1"), asked.order("2", means=PlatformStatus.OPEN)
    number = asked.redact(1, 2)
    asked.work()
    assert (asked.is_erased(done), asked.is_erased(open_one)) == (True, False)
    assert asked.delivery(number) == ("new", True, True)
    assert asked.tasks() == ["shop: a customer is to be erased, and shop/2 is not finished"]
    asked.later(days=1)
    assert asked.delivery(number) == ("new", True, True)
    assert len(asked.tasks()) == 1

    now = asked.app.clock.now()
    shown = replace(make_order("2", email=EMAIL), means=PlatformStatus.CANCELLED, updated_at=now)
    asked.show(shown)
    end(asked, open_one, shown)
    asked.later(days=1)
    assert asked.is_erased(open_one)
    assert asked.delivery(number) == ("done", False, False)
    assert asked.tasks() == [f"shop: a customer was erased because the platform asked for it (delivery {number})"]


def end(asked: Asked, order_id: int, shown: Order) -> None:
    """The order has ended, and nothing is left to do for it. (There is no platform here that could be asked for it.)"""
    lease = asked.app.orders.take(order_id)
    assert lease is not None
    assert lease.case is not None
    for item in list(lease.inbox):
        lease.applied(item)
    lease.case = replace(lease.case, order=shown).at(Stage.CANCELLED)
    assert asked.app.orders.give_back(lease, asked.app.clock.now(), due_at=None)


def test_not_waited_for_ever(asked: Asked) -> None:
    """Shopify wants it done within 30 days: after 25 the customer goes, whatever is open."""
    open_one = asked.order("2", means=PlatformStatus.OPEN)
    number = asked.redact(2)
    asked.work()
    asked.later(days=24)
    assert not asked.is_erased(open_one)
    asked.later(days=2)
    assert asked.is_erased(open_one)
    assert asked.delivery(number) == ("done", False, False)


def test_an_order_that_was_not_read_yet_comes_first(asked: Asked) -> None:
    """It is taken up, and then erased, a minute later."""
    order_id = asked.show(replace(make_order("3", email=EMAIL), means=PlatformStatus.COMPLETED))
    number = asked.redact(3)
    asked.work()
    assert asked.delivery(number) == ("new", True, True)
    assert asked.app.advance(order_id)
    asked.later(minutes=2)
    assert asked.is_erased(order_id)
    assert asked.delivery(number) == ("done", False, False)


def test_it_is_tried_until_it_is_done(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process holds the order, a dozen times: never given up, and nothing is lost."""
    order = asked.order("1")
    monkeypatch.setattr(people, "PATIENCE_S", 0.0)
    lease = asked.app.orders.take(order)
    assert lease is not None
    number = asked.redact(1)
    asked.work()
    for _ in range(12):
        asked.later(minutes=16)
        assert asked.delivery(number) == ("new", True, True)
    assert asked.app.orders.give_back(lease, asked.app.clock.now(), due_at=None)
    asked.later(minutes=16)
    assert asked.is_erased(order)
    assert asked.delivery(number) == ("done", False, False)


@pytest.mark.parametrize("place", ["erase_order", "forget_key", "drop_bodies"])
@pytest.mark.parametrize("after", [False, True])
def test_cut_in_the_middle(asked: Asked, monkeypatch: pytest.MonkeyPatch, place: str, after: bool) -> None:
    """A process that dies before or after any of the parts: the delivery is read again, and does the rest."""
    order = asked.order("1")
    real = getattr(stored, place)

    def dies(*args: Any, **more: Any) -> Any:
        if after:
            real(*args, **more)
        raise KeyboardInterrupt

    number = asked.redact(1)
    monkeypatch.setattr(stored, place, dies)
    with pytest.raises(KeyboardInterrupt):
        asked.work()
    monkeypatch.undo()
    asked.later(minutes=1)
    assert asked.is_erased(order)
    assert asked.delivery(number) == ("done", False, False)
    assert asked.told(order, "erased") == 1
    assert nothing_of(asked, "zqx") == []


def nothing_of(asked: Asked, mark: str) -> list[str]:
    """Where the mark can still be read."""
    found = set()
    with asked.app.database.reading() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(table.select()).mappings():
                opened = [str(value) for value in row.values()]
                if row.get("sealed") is not None and "key_id" in row:
                    opened.append(str(asked.app.vault.open(connection, row["key_id"], row["sealed"])))
                found |= {table.name for value in opened if mark in value.lower()}
    return sorted(found)


# --- customers/data_request -------------------------------------------------------------------------------------------


def test_a_request_becomes_a_task(asked: Asked, tmp_path: Path) -> None:
    """Without a word about whose it is; its command writes the file, which only its owner may read."""
    order, other = asked.order("1"), asked.order("2", email="bob@example.com")
    asked.order("3")
    body = {"customer": {"id": 1, "email": EMAIL}, "orders_requested": [1], "data_request": {"id": 9999}}
    number = asked.deliver("customers/data_request", body)
    asked.work()
    asked.app.deliveries.replay(now=asked.app.clock.now(), ids=[number])
    asked.work()
    assert asked.tasks() == ["shop: a customer wants to have what is held about them (2 orders)"]
    assert (asked.told(order, "data_request"), asked.told(other, "data_request")) == (1, 0)
    assert asked.delivery(number) == ("done", False, True)
    with asked.app.database.reading() as connection:
        (steps,) = connection.execute(select(tasks.c.steps)).scalars()
    assert f"connector customers export --delivery {number} --out FILE" in steps
    assert "zqx" not in steps

    file = tmp_path / "data.json"
    done = asked.run("customers", "export", "--delivery", str(number), "--out", str(file))
    document = json.loads(file.read_text("utf-8"))
    assert [one["order"] for one in document["orders"]] == ["shop/1", "shop/3"]
    assert document["customer"] == EMAIL
    assert file.stat().st_mode & 0o077 == 0
    assert list(document["failures"]) == ["shop"], "nobody answers there, and that is said"
    assert done.exit_code == 3
    assert "zqx" not in done.output


def test_a_request_of_somebody_erased_leads_nowhere(asked: Asked) -> None:
    """What the request said went with the customer, and the command says so."""
    asked.order("1")
    number = asked.deliver("customers/data_request", {"customer": {"email": EMAIL}, "orders_requested": []})
    asked.work()
    people.erase(asked.app, EMAIL, who="anna")
    assert asked.delivery(number) == ("done", False, False)
    done = asked.run("customers", "export", "--delivery", str(number))
    assert (done.exit_code, "was erased" in done.output) == (2, True)


# --- shop/redact ------------------------------------------------------------------------------------------------------


def test_a_whole_shop(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody who bought there, page by page, with what was delivered and their keys; the other shop stays."""
    monkeypatch.setattr(stored, "PAGE", 2)
    ours = [asked.order(str(number), email=f"zqx{number}@example.com") for number in range(1, 6)]
    guest = asked.order("6", email="")
    theirs = asked.order("1", account="other", email="zqx1@example.com")
    earlier = asked.redact(77)
    asked.work()
    request = asked.deliver("customers/data_request", {"customer": {"email": "zqx1@example.com"}, "orders_requested": [1]})
    number = asked.deliver("shop/redact", {})
    asked.work()
    assert all(asked.is_erased(one) for one in [*ours, guest])
    assert not asked.is_erased(theirs)
    assert [asked.delivery(one) for one in (earlier, request, number)] == [("done", False, False)] * 3
    assert any("everybody who bought there was erased" in title for title in asked.tasks())
    with asked.app.database.reading() as connection:
        ids = [asked.app.vault.key_id(f"zqx{number}@example.com") for number in range(1, 6)]
        wrapped = dict(connection.execute(select(keys.c.id, keys.c.wrapped).where(keys.c.id.in_(ids))).all())
    assert [wrapped[one] is None for one in ids] == [False, True, True, True, True]


def test_a_key_in_use_is_never_destroyed(asked: Asked) -> None:
    """A poll that stores an order while the customer's key is to go: what it stored can be read."""
    asked.order("1")
    key_id = asked.app.vault.key_id(EMAIL)
    asked.show(replace(make_order("2", email=EMAIL), means=PlatformStatus.COMPLETED))
    asked.redact(1)
    asked.work()
    assert not stored.forget_key(asked.app.database, key_id)
    asked.order("2")
    assert not stored.forget_key(asked.app.database, key_id)


def test_deliveries_after_the_erase_keep_nothing(asked: Asked) -> None:
    """A webhook about an erased order is read and its content dropped, if all of its orders are erased."""
    asked.order("1")
    other = asked.order("2", email="bob@example.com")
    people.erase(asked.app, EMAIL, who="anna")
    number = asked.deliver("orders/updated", {"id": 1, "email": EMAIL})
    about_another = asked.deliver("orders/updated", {"id": 2})
    asked.work()
    assert asked.delivery(number) == ("done", False, False)
    assert asked.delivery(about_another) == ("done", False, True)
    assert not asked.is_erased(other)
    assert nothing_of(asked, "zqx.john") == []
    assert nothing_of(asked, "zqxnote") == ["people"], "of the other customer: the test can fail"


# --- at the platform --------------------------------------------------------------------------------------------------


def test_an_account_that_fails_does_not_stop_the_others(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each account's failure is named; ours is erased all the same. The same request goes on where it was cut."""
    order, seen = asked.order("1"), list[tuple[str, str]]()

    class Answers:
        def __init__(self, request_id: str = "") -> None:
            self.request_id = request_id

        def about(self, *, request_id: str) -> Answers:
            return Answers(request_id)

        def erase_customer(self, account: Any, *, email: str) -> list[str]:
            seen.append((account.name, self.request_id))
            if account.name == "shop":
                raise TryLater("the shop is down", account="shop")
            return ["erased"]

    monkeypatch.setattr(App, "hooks_of", lambda self, holder: Answers())
    done = people.erase(asked.app, EMAIL, who="anna", at_platform=True)
    assert (list(done.failures), done.at_platform) == (["shop"], {"other": ["erased"]})
    assert asked.is_erased(order)
    people.erase(asked.app, EMAIL, who="anna", at_platform=True)
    assert seen[0] == seen[2]
    assert seen[1][0] == seen[3][0] == "other"
    assert seen[1] != seen[3]
    assert people.erase(asked.app, EMAIL, who="anna").at_platform == {}


@pytest.fixture
def shopify(asked: Asked) -> Iterator[list[str]]:
    """Both shops answer; what was asked of them, which grows. The accounts are live."""
    operations: list[str] = []
    customer: dict[str, Any] = {
        "id": "gid://shopify/Customer/91",
        "displayName": "Zqx John",
        "createdAt": "2026-01-01T00:00:00Z",
        "locale": "en",
        "note": None,
        "tags": [],
        "defaultEmailAddress": {"emailAddress": EMAIL},
        "defaultPhoneNumber": None,
        "addressesV2": {"nodes": []},
        "orders": {"nodes": [], "pageInfo": {"hasNextPage": False}},
    }

    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        name = json.loads(request.body)["operationName"]
        operations.append(name)
        done = {"customerRequestDataErasure": {"customerId": customer["id"], "userErrors": []}}
        data = {"customerByIdentifier": customer} if name == "CustomerByEmail" else done
        return 200, {"X-Shopify-API-Version": VERSION}, json.dumps({"data": data})

    with asked.app.database.writing() as connection:
        for account in asked.app.registry.accounts.values():
            shared.set_mode(connection, account.id, account.name, "live", who="test", now=asked.app.clock.now())
    with responses.RequestsMock() as net:
        for shop in ("example", "other"):
            url = f"https://{shop}.myshopify.com/admin/api/{VERSION}/graphql.json"
            net.add_callback(responses.POST, url, callback=answer, content_type="application/json")
        yield operations


def test_shopify_is_asked_through_the_ledger(asked: Asked, shopify: list[str]) -> None:
    """Each shop once, with nothing about the customer in the ledger; what they hold themselves is in the export."""
    asked.order("1")
    assert [one["name"] for one in people.export(asked.app, EMAIL)["accounts"].values()] == ["Zqx John"] * 2
    done = people.erase(asked.app, EMAIL, who="anna", at_platform=True)
    assert (set(done.at_platform), done.failures) == ({"shop", "other"}, {})
    assert shopify.count("CustomerErase") == 2
    assert nothing_of(asked, "zqx") == []


def test_what_is_not_live_is_said(asked: Asked, shopify: list[str]) -> None:
    """An account in shadow sends nothing, and the report names it."""
    with asked.app.database.writing() as connection:
        shared.set_mode(connection, "a_other", "other", "shadow", who="test", now=asked.app.clock.now())
    done = people.erase(asked.app, EMAIL, who="anna", at_platform=True)
    assert (list(done.at_platform), list(done.failures)) == (["shop"], ["other"])
    assert shopify.count("CustomerErase") == 1
