"""Whose data is where: what names a customer, and a key that goes only when nobody seals with it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from connector.model.events import Delivery
from connector.model.flow import Stage
from connector.store import people, tables
from connector.store.database import Database
from connector.store.deliveries import Deliveries
from connector.store.orders import ERASED, Orders
from connector.store.vault import Vault
from tests.store.world import NOW, stored_order

ANN = "ann@example.com"


def kept(deliveries: Deliveries, body: bytes, *, account: str = "a1", at: datetime = NOW) -> int:
    return deliveries.keep(account, Delivery(headers={"x-id": "17"}, body=body, received_at=at), topic="t", now=at)


@pytest.mark.parametrize(
    ("body", "is_about"),
    [
        (b'{"id": 17}', True),
        (b'{"id":17,"note":"x"}', True),
        (b'{"order_id" : "17"}', True),
        (b'{"admin_graphql_api_id": "gid://shopify/Order/17"}', True),
        (b'{"ID": 17}', True),
        (b"order_id=17&x=1", True),
        (b'{"email": "Ann@Example.com"}', True),
        (b'{"email": "ann\\u0040example.com"}', True),
        (b"email=ann%40example.com", True),
        (b"not JSON, and yet from ann@example.com", True),
        (b'{"id": 170}', False),
        (b'{"id": 117}', False),
        (b'{"id": "gid://shopify/Order/170"}', False),
        (b'{"quantity": 17}', False),
        (b'{"from": "\\u003cann@example.com\\u003e"}', True),
        (b"Write to Ann@example.com.", True),
        (b'{"email": "joann@example.com"}', False),
        (b'{"email": "ann@example.com.au"}', False),
        (b'{"email": "jo.ann@example.com"}', False),
        (b"", False),
    ],
)
def test_what_names_a_customer(database: Database, vault: Vault, body: bytes, is_about: bool) -> None:
    """Their address, however it is written, or the order's id where ids stand; another number is another order."""
    number = kept(Deliveries(database, vault), body)
    found = people.bodies_about(database, vault, ANN, {"a1": ["17"]})
    assert [(one.delivery_id, one.body) for one in found] == ([(number, body)] if is_about else [])


def test_pages_accounts_and_times(database: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, also of long ago; another account's order of that number is another, and a lost key is lost."""
    monkeypatch.setattr(people, "PAGE", 3)
    deliveries = Deliveries(database, vault)
    numbers = [kept(deliveries, b'{"id": 17}') for _ in range(8)]
    numbers.append(kept(deliveries, b'{"id": 17}', at=NOW - timedelta(days=300)))
    kept(deliveries, b'{"id": 17}', account="a2")
    numbers.append(kept(deliveries, b'{"id": 5}', account="a2"))
    kept(deliveries, b'{"id": 17}', account="a3")
    with database.writing() as connection:
        gone = kept_day = vault.owner_key(connection, "deliveries of a1 on 2026-11-23")
    kept(deliveries, b'{"id": 17}', at=datetime(2026, 11, 23, 12, tzinfo=UTC))
    with database.writing() as connection:
        vault.destroy(connection, gone)
    assert gone == kept_day
    found = people.bodies_about(database, vault, "", {"a1": ["17"], "a2": ["5"]})
    assert [one.delivery_id for one in found] == numbers


def test_a_key_is_held_by_who_seals_with_it(database: Database, vault: Vault) -> None:
    """An order is stored with the key while it is to be destroyed: that waits, sees the order, and leaves the key."""
    books = Orders(database, vault)
    order_id = stored_order(books, "1", email=ANN)
    assert people.erase_order(books, order_id, who="anna", now=NOW)
    key_id = vault.key_id(ANN)
    done: list[bool] = []
    thread = threading.Thread(target=lambda: done.append(people.forget_key(database, key_id)))
    with database.writing() as connection:
        key = vault.owner_key(connection, ANN)
        thread.start()
        thread.join(timeout=0.3)
        assert done == []
        sealed = vault.seal(connection, key, b"Ann")
        connection.execute(tables.people.insert().values(order_id=99, key_id=key, sealed=sealed))
    thread.join(timeout=20)
    assert done == [False]
    with database.reading() as connection:
        assert vault.open(connection, key_id, sealed) == b"Ann"


def test_a_key_that_locks_nothing_goes_once(database: Database, vault: Vault) -> None:
    """The second time there is none; what was stored elsewhere with another key stays."""
    books = Orders(database, vault)
    order_id, other = stored_order(books, "1", email=ANN), stored_order(books, "2", email="bob@example.com")
    assert not people.forget_key(database, vault.key_id(ANN))
    assert people.erase_order(books, order_id, who="anna", now=NOW)
    assert people.forget_key(database, vault.key_id(ANN))
    assert not people.forget_key(database, vault.key_id(ANN))
    assert people.forget_unused_keys(database, vault, ["a1"], NOW) == 0
    with database.reading() as connection:
        case = books.read(connection, other)
        assert case is not None
        assert case.order.customer.email == "bob@example.com"


def test_unused_keys_go_and_todays_stay(database: Database, vault: Vault) -> None:
    """A day's key is made with its first delivery; the sweep does not take it from under one that is just coming."""
    with database.writing() as connection:
        vault.owner_key(connection, "nobody@example.com")
        today = vault.owner_key(connection, f"deliveries of a1 on {NOW.date()}")
        vault.owner_key(connection, f"deliveries of a1 on {(NOW - timedelta(days=9)).date()}")
    assert people.forget_unused_keys(database, vault, ["a1"], NOW) == 2
    with database.writing() as connection:
        assert vault.open(connection, today, vault.seal(connection, today, b"x")) == b"x"


def test_when_an_erased_order_is_due_stays(database: Database, vault: Vault) -> None:
    """Erasing takes the order for a moment and gives it back as it was: what was to be done with it is still to be done."""
    books = Orders(database, vault)
    order_id = stored_order(books, "1", email=ANN)
    due = NOW + timedelta(hours=5)
    lease = books.take(order_id)
    assert lease is not None
    assert lease.case is not None
    lease.case = lease.case.at(Stage.CANCELLED)
    assert books.give_back(lease, NOW, due_at=due, failures=3, problem="the shop is down")
    assert people.erase_order(books, order_id, who="anna", now=NOW)
    with database.reading() as connection:
        row = connection.execute(tables.orders.select().where(tables.orders.c.id == order_id)).one()
    assert (row.due_at, row.failures, row.problem, row.lease_token) == (due, 3, "the shop is down", None)
    assert row.seen.startswith(ERASED)
    assert books.take(order_id) is not None
    assert not people.erase_order(books, order_id, who="anna", now=NOW), "somebody else has it now"
