"""Personal data is sealed with a key per customer: what can be read, by whom, and what is gone when the key is."""

from __future__ import annotations

import os
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import ConfigError
from connector.store.database import Database
from connector.store.tables import keys, people
from connector.store.vault import Vault
from tests.model.strategies import examples
from tests.store.world import column, race, rows

ANN = "ann@example.com"
ANOTHER_SECRET = "another secret key for tests, as long as the first"


def sealed_by(vault: Vault, database: Database, data: bytes, owner: str = ANN) -> tuple[str, bytes]:
    with database.writing() as connection:
        key_id = vault.owner_key(connection, owner)
        return key_id, vault.seal(connection, key_id, data)


def opened_by(vault: Vault, database: Database, key_id: str, sealed: bytes) -> bytes | None:
    with database.reading() as connection:
        return vault.open(connection, key_id, sealed)


@pytest.mark.parametrize("secret", ["", "short", "x" * 31])
def test_a_missing_or_short_secret_is_a_configuration_error(secret: str) -> None:
    """The text names the variable, and says what is lost without it."""
    with pytest.raises(ConfigError, match=r"CONNECTOR_SECRET_KEY.*32"):
        Vault(secret)


@examples(15)
@given(data=st.binary(max_size=300), owner=st.text(max_size=30))
def test_what_was_sealed_can_be_opened_and_not_be_seen(database: Database, vault: Vault, data: bytes, owner: str) -> None:
    """Any bytes of anybody come back; what is stored holds neither them nor whom they are about, and differs each time."""
    key_id, sealed = sealed_by(vault, database, data, owner)

    assert opened_by(vault, database, key_id, sealed) == data
    assert len(data) < 8 or data not in sealed
    assert sealed_by(vault, database, data, owner) != (key_id, sealed)
    assert len(owner) < 4 or owner not in key_id
    assert vault.open_secret(vault.seal_secret(data)) == data


def test_the_wrong_secret_is_said_and_opens_nothing(database: Database, vault: Vault) -> None:
    """After a lost or mistyped key the error says so; it is not a bug, and nothing is overwritten."""
    key_id, sealed = sealed_by(vault, database, b"Ann lives in Vienna")
    wrong = Vault(ANOTHER_SECRET)

    with pytest.raises(ConfigError, match="CONNECTOR_SECRET_KEY is not the one"):
        opened_by(wrong, database, key_id, sealed)
    with pytest.raises(ConfigError, match="CONNECTOR_SECRET_KEY is not the one"):
        wrong.open_secret(vault.seal_secret(b"token"))
    assert opened_by(vault, database, key_id, sealed) == b"Ann lives in Vienna"


@pytest.mark.parametrize("place", [0, 11, 12, 20, -1])
def test_a_changed_byte_is_noticed(database: Database, vault: Vault, place: int) -> None:
    """Nonce, text or tag: what was tampered with is not opened as something else."""
    key_id, sealed = sealed_by(vault, database, b"50.00 EUR to Ann")
    changed = bytearray(sealed)
    changed[place] ^= 1

    with pytest.raises(ConfigError):
        opened_by(vault, database, key_id, bytes(changed))


def test_one_customer_is_one_key_and_does_not_open_anothers(database: Database, vault: Vault) -> None:
    """Letters' case and blanks do not make another customer; another address does."""
    ann, sealed = sealed_by(vault, database, b"Ann")
    assert sealed_by(vault, database, b"", " ANN@Example.com ")[0] == ann
    bob, _ = sealed_by(vault, database, b"Bob", "bob@example.com")

    assert bob != ann
    with pytest.raises(ConfigError):
        opened_by(vault, database, bob, sealed)


def test_a_destroyed_key_leaves_nothing_readable_in_any_process(database: Database, vault: Vault) -> None:
    """The process that remembers the key and one that never saw it: both find nothing, and neither seals with it."""
    key_id, sealed = sealed_by(vault, database, b"Ann")
    other = Vault("a secret key for tests, long enough, of no use elsewhere")
    assert opened_by(other, database, key_id, sealed) == b"Ann"

    with database.writing() as connection:
        vault.destroy(connection, key_id)

    for one in (vault, other):
        assert opened_by(one, database, key_id, sealed) is None
        with pytest.raises(KeyError), database.reading() as connection:
            one.seal(connection, key_id, b"x")
    assert column(database, keys, "wrapped") is None


def test_an_erased_customer_who_buys_again_gets_a_new_key(database: Database, vault: Vault) -> None:
    """The new order can be read, what was erased stays lost, and it can be erased again."""
    key_id, old = sealed_by(vault, database, b"first order")
    with database.writing() as connection:
        vault.destroy(connection, key_id)

    again, new = sealed_by(vault, database, b"second order")

    assert again == key_id
    assert opened_by(vault, database, key_id, new) == b"second order"
    with pytest.raises(ConfigError):
        opened_by(vault, database, key_id, old)
    with database.writing() as connection:
        vault.destroy(connection, key_id)
    assert opened_by(vault, database, key_id, new) is None


def test_a_key_that_was_rolled_back_never_seals(database: Database, vault: Vault) -> None:
    """What only this process remembers of a failed transaction would lock data that nobody can ever open."""
    made: list[tuple[str, bytes]] = []
    with suppress(RuntimeError), database.writing() as connection:
        key_id = vault.owner_key(connection, ANN)
        made.append((key_id, vault.seal(connection, key_id, b"lost")))
        raise RuntimeError
    key_id, lost = made[0]

    assert rows(database, keys) == []
    with pytest.raises(KeyError), database.writing() as connection:
        vault.seal(connection, key_id, b"x")
    again, sealed = sealed_by(vault, database, b"kept")
    assert again == key_id
    assert opened_by(Vault("a secret key for tests, long enough, of no use elsewhere"), database, again, sealed) == b"kept"
    with pytest.raises(ConfigError):
        opened_by(vault, database, key_id, lost)


def test_two_processes_that_meet_a_customer_at_once_share_the_key(database_url: str, database: Database) -> None:
    """Whoever comes second uses the first one's key: what each sealed, each can open."""
    secret = "a secret key for tests, long enough, of no use elsewhere"

    def meet(number: int) -> tuple[str, bytes]:
        own = Database(database_url, pool_size=2)
        try:
            return sealed_by(Vault(secret), own, b"order %d" % number)
        finally:
            own.close()

    found = race(*(lambda number=number: meet(number) for number in range(6)))

    assert len({key_id for key_id, _ in found}) == 1
    reader = Vault(secret)
    assert [opened_by(reader, database, key_id, sealed) for key_id, sealed in found] == [b"order %d" % n for n in range(6)]


def test_many_customers_do_not_fill_the_memory(database: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many keys are remembered; the others are unwrapped anew."""
    monkeypatch.setattr("connector.store.vault._REMEMBERED", 3)
    sealed = [sealed_by(vault, database, os.urandom(4), f"{number}@example.com") for number in range(8)]

    assert len(vault._known) <= 3
    assert all(opened_by(vault, database, key_id, data) is not None for key_id, data in sealed)
    assert rows(database, people) == []
