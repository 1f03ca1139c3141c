"""Giving out and erasing a customer's data: all of it, only theirs, once, and for good."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from connector import people
from connector.errors import Conflict, TryLater
from connector.model.codec import from_json, plain
from connector.model.events import DutyState
from connector.model.flow import Stage
from connector.model.order import Address, Customer
from connector.model.people import without_people
from connector.sandbox.woocommerce import forms
from connector.store import people as stored
from connector.store.tables import delivery_bodies, inbox, keys, metadata
from connector.store.tables import people as people_table
from tests.flow.shop import SHIP, Shop, open_shop
from tests.flow.test_personal_data import EMAIL, MARK, live_through_it, personal_order

OTHER = "bob@other.example"


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Iterator[Shop]:
    """A live shop, on each kind of database."""
    with open_shop(tmp_path, database_url) as shop:
        yield shop


def deliver(shop: Shop, order: str) -> int:
    """A webhook that holds the whole order, as WooCommerce sends it."""
    store = shop.sandbox.store
    return shop.webhook(order, body=json.dumps(forms.order_form(store, store.orders[int(order)])).encode())


def bought(shop: Shop, *, email: str = EMAIL) -> str:
    """An order of this customer, shipped and done, with a webhook about it and words that people wrote."""
    order = shop.buy(**{**personal_order(), "billing": {**personal_order()["billing"], "email": email}})
    shop.work()
    assert shop.command(order, "hold", text="Zqxcousin rang") == ""
    assert shop.command(order, "approve") == ""
    assert shop.command(order, "ship", **SHIP) == ""
    shop.staff(order, "note", note="Zqxstaff says that Zqxbrother called")
    assert shop.command(order, "note", text="Zqxneighbour takes it") == ""
    assert shop.command(order, "refund", amount="5", reason="Zqxbroken") == ""
    deliver(shop, order)
    shop.work()
    assert shop.case(order).stage is Stage.COMPLETED
    return order


def opened(shop: Shop) -> str:
    """All that can be read with the keys that are still there, and what lies in the clear."""
    found: list[str] = []
    with shop.app.database.reading() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(table.select()).mappings():
                found += [str(value) for value in row.values()]
                if row.get("sealed") is not None and "key_id" in row:
                    content = shop.app.vault.open(connection, row["key_id"], row["sealed"])
                    found.append((content or b"").decode("utf-8", "replace"))
    return "\n".join(found).lower()


def locked(shop: Shop) -> list[bytes]:
    """Everything that is sealed now, and the keys."""
    with shop.app.database.reading() as connection:
        found = [row for table in (people_table, inbox, delivery_bodies) for row in connection.execute(select(table.c.sealed))]
        found += list(connection.execute(select(keys.c.wrapped)))
    return [bytes(row[0]) for row in found if row[0] is not None]


# --- erasing ----------------------------------------------------------------------------------------------------------


def test_nothing_of_the_customer_is_left(shop: Shop) -> None:
    """A marker in every field, in notes, commands and webhooks: found before, and nowhere after, sealed or not."""
    orders = [bought(shop), bought(shop)]
    before = [shop.case(order) for order in orders]
    assert MARK in opened(shop)

    done = people.erase(shop.app, EMAIL.upper(), who="anna")

    assert (done.orders, done.key_destroyed, done.failures) == (tuple(f"shop/{order}" for order in orders), True, {})
    assert done.deliveries >= 2
    assert MARK not in opened(shop)
    for order, was in zip(orders, before, strict=True):
        case = shop.case(order)
        assert (case.order.customer, case.order.billing, case.order.shipping) == (Customer(), Address(), Address())
        assert (case.order.total, case.order.placed_at, case.stage) == (was.order.total, was.order.placed_at, was.stage)
        assert case.refunds[0].request.amount == was.refunds[0].request.amount
        assert case.shipments == was.shipments
        assert shop.timeline(order).count("The customer's data was erased here. Sums, dates and products stay.") == 1


def test_nothing_can_be_made_of_the_file(shop: Shop) -> None:
    """Neither what was sealed nor the customer's key is in the bytes of a SQLite file or its log, packed or not."""
    if not shop.app.database.is_sqlite:
        pytest.skip("PostgreSQL's files are its own; what its vacuum removes is docs/personal-data.md's matter")
    bought(shop)
    with shop.app.database.reading() as connection:
        key = connection.execute(select(keys.c.wrapped).where(keys.c.id == shop.app.vault.key_id(EMAIL))).scalar_one()
        rows = connection.execute(select(people_table.c.sealed)).scalars().all()
    people.erase(shop.app, EMAIL, who="anna")
    path = Path(shop.environ["CONNECTOR_DATABASE_URL"].removeprefix("sqlite:///"))

    def content() -> bytes:
        return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))

    assert [one for one in (key, *rows) if one in content()] == []
    packed = sqlite3.connect(path)
    packed.execute("VACUUM")
    packed.close()
    assert [one for one in (key, *rows) if one in content()] == []
    assert all(one in content() for one in locked(shop)), "what is left is in the file: the test can fail"


def test_others_keep_theirs(shop: Shop) -> None:
    """Another customer's order, key and webhooks stay as they are; so does a later order of the same person."""
    bought(shop)
    theirs = bought(shop, email=OTHER)
    people.erase(shop.app, EMAIL, who="anna")
    assert shop.case(theirs).order.customer.email == OTHER
    assert shop.case(theirs).order.customer_note
    assert people.export(shop.app, OTHER)["deliveries"]

    later = bought(shop)
    assert shop.case(later).order.customer.email == EMAIL
    again = people.erase(shop.app, EMAIL, who="anna")
    assert again.orders == (f"shop/{later}",)
    assert people.erase(shop.app, EMAIL, who="anna") == people.Erased(orders=(), deliveries=0, key_destroyed=False)


def test_open_orders_are_refused(shop: Shop) -> None:
    """By reference and why; nothing was done to the others of the customer either."""
    done, fresh = bought(shop), shop.new_order(**personal_order())
    with pytest.raises(Conflict, match=f"shop/{fresh} \\(it is on hold\\)"):
        people.erase(shop.app, EMAIL, who="anna")
    assert shop.case(done).erased is None
    assert "zqxsister" in opened(shop)


def test_an_order_that_just_came_is_never_taken(shop: Shop) -> None:
    """Not even by force: it has no case yet, and would be lost."""
    order = shop.buy(**personal_order())
    shop.poll()
    with pytest.raises(Conflict, match="came in just now"):
        people.erase(shop.app, EMAIL, who="anna", force=True)
    shop.work()
    assert shop.case(order).order.customer.email == EMAIL


def test_by_force_nobody_is_written_to(shop: Shop) -> None:
    """An open order without its customer is held for its address, and no mail goes out for it."""
    order = shop.new_order(billing={"email": EMAIL})
    assert shop.case(order).stage is Stage.PROCESSING
    mails = len(shop.mails())
    people.erase(shop.app, EMAIL, who="anna", force=True)
    shop.work()
    assert shop.case(order).order.customer == Customer()
    assert shop.case(order).stage is Stage.ON_HOLD
    assert "address" in {str(hold.reason) for hold in shop.case(order).holds}
    assert shop.command(order, "cancel", reason="customer") == ""
    assert shop.case(order).stage is Stage.CANCELLED
    assert shop.paid_back(order) == [shop.truth(order)["total"]]
    assert len(shop.mails(EMAIL.lower())) == len(shop.mails(EMAIL))
    told = shop.told(order)
    assert told["cancelled/customer"] in (DutyState.WAIVED, DutyState.LEFT_TO_PLATFORM)
    assert [mail for mail in shop.mails()[mails:] if MARK in str(mail.envelope_to).lower()] == []


def test_what_is_owed_in_an_open_order_is_waived(shop: Shop) -> None:
    """A message to the customer that could not go out yet never will; the merchant's does."""
    shop.mode("shadow", "mail")
    order = shop.new_order(**personal_order())
    assert DutyState.OWED in shop.told(order).values()
    people.erase(shop.app, EMAIL, who="anna", force=True)
    told = {name: state for name, state in shop.told(order).items() if state == DutyState.OWED}
    assert all(name.endswith("/merchant") for name in told)


# --- afterwards -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["poll", "webhook"])
def test_it_does_not_come_back(shop: Shop, how: str) -> None:
    """The platform still shows the name; what it shows next is taken without it, from a poll, a webhook and a fetch."""
    order = bought(shop)
    people.erase(shop.app, EMAIL, who="anna")
    store = shop.sandbox.store
    for change in ("zqxagain street 1", "zqxthird street 2"):
        shop.staff(order, "edit", shipping={"address_1": change})
        if how == "webhook":
            deliver(shop, order)
        shop.work(poll=how == "poll")
        assert MARK not in opened(shop)
    shop.staff(order, "status", status="cancelled")
    shop.hear(how, order)
    assert MARK in json.dumps(forms.order_form(store, store.orders[int(order)])).lower()
    assert MARK not in opened(shop)
    assert any("was cancelled on the platform after" in title for title in shop.tasks(order))


def test_the_same_again_is_no_news(shop: Shop) -> None:
    """An unchanged order that a poll shows again and again leaves nothing in the inbox."""
    order = bought(shop)
    people.erase(shop.app, EMAIL, who="anna")
    shop.work()
    before = len(shop.rows(inbox, order))
    for _ in range(3):
        shop.poll()
        deliver(shop, order)
        shop.work_off()
    news = [row for row in shop.rows(inbox, order)[before:] if row.sealed is not None]
    assert news == []
    assert MARK not in opened(shop)


def test_money_can_still_be_given_back(shop: Shop) -> None:
    """A refund after the erase: done once, the sums right, nobody written to at no address."""
    order = bought(shop)
    people.erase(shop.app, EMAIL, who="anna")
    told = len(shop.effects(order, "notify"))
    assert shop.command(order, "refund", amount="7", reason="late") == ""
    assert sorted(float(amount) for amount in shop.paid_back(order)) == [5.0, 7.0]
    assert shop.told(order)["refunded/customer"] in (DutyState.WAIVED, DutyState.LEFT_TO_PLATFORM)
    assert [row.request_id.rpartition("/")[2] for row in shop.effects(order, "notify")[told:]] == ["merchant"]
    assert MARK not in opened(shop)
    assert shop.tasks(order) == []


def test_what_waits_in_the_inbox_is_not_lost(shop: Shop) -> None:
    """News that nobody took up yet is read anew, without the customer."""
    order = bought(shop)
    shop.staff(order, "status", status="cancelled")
    shop.poll()
    people.erase(shop.app, EMAIL, who="anna")
    assert MARK not in opened(shop)
    shop.work(poll=False)
    assert any("cancelled on the platform" in title for title in shop.tasks(order))
    assert MARK not in opened(shop)


def test_a_life_with_everything_in_it(shop: Shop) -> None:
    """Whatever happened to the orders before, nothing of the customer stays; what nobody could read goes by its address."""
    live_through_it(shop)
    people.erase(shop.app, EMAIL, who="anna", force=True)
    assert people.erase(shop.app, "zqx@buyer.example", who="anna").deliveries == 1
    assert MARK not in opened(shop)
    shop.later(hours=3)
    assert MARK not in opened(shop)


def test_cut_and_called_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that dies after one order has erased that one; asked again, the rest follows, and no line is doubled."""
    orders = [bought(shop), bought(shop)]
    real: Any = stored.erase_order

    def dies(books: Any, order_id: int, **about: Any) -> bool:
        if order_id == shop.row(orders[1]).id:
            raise KeyboardInterrupt
        return bool(real(books, order_id, **about))

    monkeypatch.setattr(stored, "erase_order", dies)
    with pytest.raises(KeyboardInterrupt):
        people.erase(shop.app, EMAIL, who="anna")
    monkeypatch.undo()
    assert (shop.case(orders[0]).erased is None, shop.case(orders[1]).erased is None) == (False, True)
    done = people.erase(shop.app, EMAIL, who="anna")
    assert (done.orders, done.key_destroyed) == ((f"shop/{orders[1]}",), True)
    assert MARK not in opened(shop)


def test_who_else_has_the_order_is_waited_for(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody writes an order that is another's; it is said, and nothing is half done to it."""
    monkeypatch.setattr(people, "PATIENCE_S", 0.0)
    order = bought(shop)
    lease = shop.app.orders.take(shop.row(order).id)
    assert lease is not None
    with pytest.raises(TryLater, match=f"shop/{order}"):
        people.erase(shop.app, EMAIL, who="anna")
    assert shop.case(order).order.customer.email == EMAIL


# --- giving out -------------------------------------------------------------------------------------------------------


def test_the_export_holds_everything(shop: Shop) -> None:
    """Every personal text of the order and what was written about it; as JSON, of this customer only."""
    order, other = bought(shop), bought(shop, email=OTHER)
    document = people.export(shop.app, EMAIL)
    assert from_json(json.dumps(document), dict[str, Any]) == document
    (one,) = document["orders"]
    assert one["order"] == f"shop/{order}"
    assert one["platform_order"] == plain(shop.case(order).order)
    said = json.dumps(document).lower()
    for word in ("zqxbilling", "zqxshipping", "zqxsister", "zqxchild", "zqxstaff", "zqxneighbour", "zqxbroken", EMAIL.lower()):
        assert word in said
    assert f"shop/{other}" not in said
    assert OTHER not in said
    assert one["timeline"][0]["what"] == "arrived"
    assert {message["person"] for message in one["messages"]} == {"customer", "merchant"}
    assert len(document["deliveries"]) >= 1
    assert (document["accounts"], document["failures"]) == ({}, {})


def test_the_export_of_nobody_is_empty(shop: Shop) -> None:
    """It says so, and does not look like a failure."""
    bought(shop)
    document = people.export(shop.app, "nobody@example.com")
    assert (document["orders"], document["deliveries"], document["failures"]) == ([], [], {})


# --- pure -------------------------------------------------------------------------------------------------------------


def test_without_people_is_final(shop: Shop) -> None:
    """What has lost its people once loses nothing more, and its sums never."""
    order = shop.case(bought(shop)).order
    bare = without_people(order)
    assert without_people(bare) == bare
    assert MARK not in str(bare).lower()
    assert (bare.total, bare.lines[0].total, bare.payments, bare.number) == (
        order.total,
        order.lines[0].total,
        order.payments,
        order.number,
    )
    assert timedelta(0) == bare.placed_at - order.placed_at
