"""A webhook delivery is stored byte for byte before it is answered, and can be read again as often as one likes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.model.events import Delivery
from connector.store.database import Database
from connector.store.deliveries import Deliveries
from connector.store.tables import deliveries, delivery_bodies
from connector.store.vault import Vault
from tests.model.strategies import examples
from tests.store.world import NOW, race, rows

MINUTE = timedelta(minutes=1)


def delivery(body: bytes = b"{}", **headers: str) -> Delivery:
    return Delivery(headers={name.replace("_", "-"): value for name, value in headers.items()}, body=body, received_at=NOW)


@pytest.fixture
def stored(database: Database, vault: Vault) -> Deliveries:
    return Deliveries(database, vault)


@examples(15)
@given(body=st.binary(max_size=3000), headers=st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=4))
def test_bytes_and_headers_come_back_as_they_came(
    database: Database, vault: Vault, body: bytes, headers: dict[str, str]
) -> None:
    """Broken UTF-8, NULs, nothing at all: the signature was made over these bytes, and the parser will want these bytes."""
    books = Deliveries(database, vault)
    number = books.keep("a1", Delivery(headers=headers, body=body, received_at=NOW), topic="order.updated", now=NOW)

    found = books.read(number)
    assert found is not None
    assert found.delivery == Delivery(headers=headers, body=body, received_at=NOW)
    assert (found.account_id, found.tries) == ("a1", 0)


def test_secrets_of_the_request_are_not_kept_and_the_body_is_sealed(stored: Deliveries, database: Database) -> None:
    """A stored delivery must not be worth stealing."""
    body = b'{"name": "Ann Example"}'
    number = stored.keep("a1", delivery(body, authorization="Bearer x", cookie="y", x_topic="t"), topic="t", now=NOW)

    found = stored.read(number)
    assert found is not None
    assert found.delivery is not None
    assert dict(found.delivery.headers) == {"x-topic": "t"}
    assert b"Ann" not in b"".join(row.sealed for row in rows(database, delivery_bodies))
    assert "Ann" not in repr([tuple(row) for row in rows(database, deliveries)])


def due(stored: Deliveries, *, at: datetime = NOW) -> list[int]:
    """What is to be read, without a holding time: who asks again is told again."""
    return stored.queue_due(at, again=at, limit=10)


def test_what_was_stored_is_due_until_it_was_read(stored: Deliveries, database: Database) -> None:
    """Oldest first; what is done or bad is not due; what is to be tried again is due then."""
    first, second, third = (stored.keep("a1", delivery(), topic="t", now=NOW) for _ in range(3))
    assert due(stored, at=NOW - MINUTE) == []
    assert stored.queue_due(NOW, again=NOW, limit=2) == [first, second]

    with database.writing() as connection:
        stored.settle(connection, first, "done")
        stored.settle(connection, second, "bad", said="cannot be read: \x00")
        stored.settle(connection, third, "new", said="later", due_at=NOW + MINUTE)
    assert due(stored) == []
    assert due(stored, at=NOW + MINUTE) == [third]
    assert (stored.count("done"), stored.count("bad"), stored.count("new")) == (1, 1, 1)
    found = stored.read(third)
    assert found is not None
    assert found.tries == 1


def test_each_due_delivery_is_given_to_one_reader(database_url: str, stored: Deliveries) -> None:
    """Four sweepers at once share them; should their reader die, they are due again."""
    numbers = [stored.keep("a1", delivery(), topic="t", now=NOW) for _ in range(12)]

    def sweep() -> list[int]:
        own = Database(database_url, pool_size=2)
        try:
            return Deliveries(own, Vault("a secret key for tests, long enough, of no use elsewhere")).queue_due(
                NOW, again=NOW + MINUTE, limit=100
            )
        finally:
            own.close()

    found = race(sweep, sweep, sweep, sweep)

    assert sorted(number for part in found for number in part) == numbers
    assert due(stored) == []
    assert due(stored, at=NOW + MINUTE) == numbers[:10]


def test_a_replay_has_them_read_again(stored: Deliveries, database: Database) -> None:
    """By number, by state, both, or all of them; tries begin anew."""
    numbers = [stored.keep("a1", delivery(), topic="t", now=NOW) for _ in range(4)]
    with database.writing() as connection:
        for number in numbers[:2]:
            stored.settle(connection, number, "bad", said="no")
        for number in numbers[2:]:
            stored.settle(connection, number, "done")

    assert stored.replay(now=NOW, ids=[]) == 0
    assert stored.replay(now=NOW, ids=[numbers[0], numbers[2]], state="bad") == 1
    assert due(stored) == [numbers[0]]
    assert stored.replay(now=NOW, state="done") == 2
    assert stored.replay(now=NOW) == 4
    assert due(stored) == numbers
    assert {(row.tries, row.said) for row in rows(database, deliveries)} == {(0, "")}


def test_an_erased_day_leaves_a_delivery_without_content(stored: Deliveries, database: Database, vault: Vault) -> None:
    """The row stays for the record; its body cannot be had any more, and tomorrow's can."""
    old = stored.keep("a1", delivery(b"old"), topic="t", now=NOW)
    new = stored.keep("a1", delivery(b"new"), topic="t", now=NOW + timedelta(days=1))
    with database.writing() as connection:
        (key_id,) = {row.key_id for row in rows(database, delivery_bodies) if row.delivery_id == old}
        vault.destroy(connection, key_id)

    erased, kept = stored.read(old), stored.read(new)
    assert erased is not None
    assert erased.delivery is None
    assert kept is not None
    assert kept.delivery is not None
    assert kept.delivery.body == b"new"
    assert stored.read(10**6) is None


def test_many_deliveries_at_once_are_all_kept(database_url: str, database: Database, vault: Vault) -> None:
    """A platform that sends fifty at a time over six connections loses none, on the first second of a new day."""

    def deliver(number: int) -> list[int]:
        own = Database(database_url, pool_size=2)
        try:
            books = Deliveries(own, Vault("a secret key for tests, long enough, of no use elsewhere"))
            return [books.keep("a1", delivery(b"%d-%d" % (number, n)), topic="t", now=NOW) for n in range(8)]
        finally:
            own.close()

    numbers = race(*(lambda number=number: deliver(number) for number in range(6)))

    books = Deliveries(database, vault)
    found = [books.read(number) for part in numbers for number in part]
    bodies = {one.delivery.body for one in found if one is not None and one.delivery is not None}
    assert bodies == {b"%d-%d" % (number, n) for number in range(6) for n in range(8)}
