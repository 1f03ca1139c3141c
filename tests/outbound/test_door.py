"""The door as a plugin sees it: what is written down of its calls, how fast it may call, and what it may not do."""

from __future__ import annotations

import time

import pytest

from connector.errors import OutcomeUnknown, PluginError, TryLater
from connector.model.plugin import Capabilities
from connector.outbound import door as module
from connector.store.database import Database
from connector.store.tables import attempts
from tests.outbound.caller import answer_all, close_after_reading
from tests.outbound.office import Config, Office
from tests.outbound.vendor import Wire, nobody_there
from tests.store.world import rows


def test_calls_of_an_effect_are_written_down_with_its_key(database: Database) -> None:
    """With the order's next commit: method, address without secrets, status, how long, and which effect it was for."""
    office = Office(database)
    ctx = office.context()

    def give(key: str) -> str:
        ctx.http.get(f"{wire.url}/before", params={"page": "2"})
        return str(ctx.http.post(f"{wire.url}/refund?token={office.config.token}", json={"key": key}).status_code)

    with Wire(answer_all) as wire:
        ctx.http.get(f"{wire.url}/outside")
        assert ctx.effect("lookup", {}, give) == "200"
    outside, read, write = office.attempts()
    key = f"{office.door.install}/a1/order:{office.lease.order_id}/lookup/r1/1"
    assert (outside.effect_key, read.effect_key, write.effect_key) == (None, key, key)
    assert (write.method, write.status, write.error, write.account_id) == ("POST", 200, "", "a1")
    assert write.url == f"{wire.url}/refund?token=***"
    assert write.ms > 0
    assert office.config.token not in repr([tuple(row) for row in rows(database, attempts)])


def test_calls_that_failed_are_written_down_as_well(database: Database) -> None:
    """They are what one looks for."""
    office = Office(database)
    ctx = office.context()
    with Wire(close_after_reading) as rude, nobody_there() as port:
        with pytest.raises(TryLater):  # looked up later
            ctx.effect("lookup", {}, lambda key: ctx.http.post(rude.url))
        with pytest.raises(TryLater):
            ctx.http.get(f"http://127.0.0.1:{port}/")
    assert [(row.status, row.error) for row in office.attempts()] == [(None, "ConnectionError"), (None, "ConnectionError")]
    assert office.effect_state() == [("unknown", 1)]


def test_what_no_order_waits_for_is_written_down_at_once(database: Database) -> None:
    """A poll or a check has no order's commit to go out with."""
    office = Office(database)
    with Wire(answer_all) as wire:
        office.reading().http.get(wire.url)
    (row,) = rows(database, attempts)
    assert (row.method, row.effect_key) == ("GET", None)


def test_a_reading_context_changes_nothing(database: Database) -> None:
    """Neither by effect nor past it, nor by mail."""
    office = Office(database)
    ctx = office.reading()
    with Wire(answer_all) as wire:
        with pytest.raises(PluginError, match="only reads; lookup cannot be done"):
            ctx.effect("lookup", {}, lambda key: ctx.http.post(wire.url))
        with pytest.raises(PluginError, match="outside"):
            ctx.http.post(wire.url)
        assert wire.talks == []


def test_an_effect_is_over_when_it_is_over(database: Database) -> None:
    """After yes, no or a failure, the session refuses changes again."""
    office = Office(database)
    ctx = office.context()
    with Wire(answer_all) as wire:
        ctx.effect("lookup", {}, lambda key: ctx.http.post(wire.url).status_code)
        with pytest.raises(PluginError):
            ctx.http.post(wire.url)
        with pytest.raises(ZeroDivisionError):
            office.context("r2").effect("lookup", {}, lambda key: 1 / 0)
        with pytest.raises(PluginError):
            ctx.http.post(wire.url)
        assert wire.received.count(b"POST") == 1


def test_two_processes_of_an_account_share_its_rate(database: Database, database_url: str) -> None:
    """Three calls a second, by the plugin's word or the merchant's: the fourth waits, in whatever process it is."""
    office = Office(database, capabilities=Capabilities(max_per_second=5, burst=2))
    other = module.Door(database=Database(database_url), vault=office.door.vault, clock=office.door.clock)
    with Wire(answer_all) as wire:
        started = time.monotonic()
        for number in range(5):
            ctx = office.context() if number % 2 else other.context(office.account, office.info)
            ctx.http.get(wire.url)
        took = time.monotonic() - started
    assert took >= 0.55
    other.database.close()


def test_who_would_wait_too_long_comes_later(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is called, nothing planned; and the merchant's own limit counts more than the plugin's."""
    monkeypatch.setattr(module, "LONGEST_WAIT_S", 0.2)
    office = Office(database, config=Config(max_per_second=0.1), capabilities=Capabilities(max_per_second=1000))
    ctx = office.context()
    with Wire(answer_all) as wire:
        ctx.http.get(wire.url)
        with pytest.raises(TryLater, match="waiting for their turn") as raised:
            ctx.http.get(wire.url)
        assert 5 < raised.value.after_s <= 10
        with pytest.raises(TryLater, match="waiting for their turn"):
            ctx.effect("lookup", {}, lambda key: ctx.http.post(wire.url))
        assert len(wire.talks) == 1
        assert office.effect_state() == []


def test_a_resend_after_a_broken_connection_uses_the_same_key(database: Database) -> None:
    """From the first byte to the vendor's answer, through the real session."""
    office = Office(database)
    keys: list[str] = []

    def give(key: str) -> int:
        keys.append(key)
        return office_ctx.http.post(address, json={"key": key}).status_code

    office_ctx = office.context()
    with Wire(close_after_reading) as rude:
        address = rude.url
        with pytest.raises(TryLater):
            office_ctx.effect("keyed", {}, give)
    with Wire(answer_all) as polite:
        address = polite.url
        assert office_ctx.effect("keyed", {}, give) == 200
        assert office_ctx.effect("keyed", {}, give) == 200
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_what_only_a_person_can_find_out_is_said_at_once(database: Database) -> None:
    """The connection breaks after the request: nobody tries it again."""
    office = Office(database)
    ctx = office.context()
    with Wire(close_after_reading) as rude:
        for _ in range(2):
            with pytest.raises(OutcomeUnknown):
                ctx.effect("mail", {}, lambda key: ctx.http.post(rude.url))
        assert len(rude.talks) == 1
