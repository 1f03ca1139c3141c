"""The real ledger on a real database, driven by a die: whatever it throws, the vendor does it at most once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import delete

from connector.model.events import EffectRule
from connector.outbound import ledger as module
from connector.store import effects as store
from connector.store import shared
from connector.store.database import Database
from connector.store.tables import effects, metadata
from tests.outbound.schedule import DEADLINE_S, RULES, SETTLE_S, Schedule, move_database_clock
from tests.store.world import NOW, rows

THROWS = 45


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The ledger's monotonic clock and the database's, moved by the schedule."""
    moved = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: moved.now))
    move_database_clock(monkeypatch)
    return moved


@pytest.fixture
def moving(database_url: str, clock: SimpleNamespace) -> Iterator[Database]:
    """A database whose clock can be moved."""
    database = Database(database_url, pool_size=4)
    yield database
    database.close()


@pytest.mark.parametrize("kind", list(RULES))
def test_at_most_once_whatever_happens(moving: Database, clock: SimpleNamespace, kind: str) -> None:
    """And once everything is quiet, exactly once, unless only a person can find out."""
    number = 16 if moving.is_sqlite else 8
    happened = 0
    for seed in range(number):
        schedule = _new(moving, kind, seed, clock)
        try:
            schedule.play(THROWS)
            assert len(schedule.vendor.executed) <= 1, f"seed {seed}: {schedule.log}"
            schedule.finish()
        finally:
            schedule.close()
        assert len(schedule.vendor.executed) <= 1, f"seed {seed}: {schedule.log}"
        states = [row.state for row in rows(moving, effects)]
        if kind == "none":
            assert states[-1:] in (["done"], ["unknown"]), f"seed {seed}: {schedule.log}"
        else:
            assert len(schedule.vendor.executed) == 1, f"seed {seed}: {schedule.log}"
            assert states.count("done") == 1, f"seed {seed}: {states} {schedule.log}"
        happened += len(schedule.vendor.executed)
    assert happened > 0


def _through(rule: EffectRule) -> timedelta:
    return timedelta(seconds=DEADLINE_S + SETTLE_S)


# A rule, how it is taken out of the real code, and a way in which its absence is felt.
RULES_OUT: dict[str, tuple[str, dict[str, object], str]] = {
    "no last check": (
        "lookup",
        {"LAST_CHECK_S": 10**6, "_longest": _through},
        "0 connects; +20; 0 waits for the answer; +21; 1 waits for the answer; no answer 1; yes 2",
    ),
    "no settle time": (
        "lookup",
        {"_longest": lambda rule: timedelta()},
        "0 waits for the answer; 0 over; 1 waits for the answer; no answer 1; yes 2",
    ),
    "a key is sent for ever": (
        "keyed",
        {"_remembered": lambda row, rule, now: True},
        "0 waits for the answer; no answer 1; 0 over; +125; 1 waits for the answer; yes 1",
    ),
    "frozen between deciding to send a key again and doing it": (
        "keyed",
        {"_remembered": lambda row, rule, now: True},
        "0 waits for the answer; no answer 1; 0 over; +85; 1 waits for its turn; +38; 1 waits for the answer; yes 1",
    ),
    "a try that did not leave is forgotten": (
        "keyed",
        {"Ledger._not_sent": lambda self, key, again: _forget(self, key)},
        "0 waits for the answer; no answer 1; 0 over; +60; 1 connects; +2; 1 over; +70; 0 waits for the answer; yes 1",
    ),
}


def _forget(ledger: module.Ledger, key: str) -> None:
    with ledger.database.writing() as connection:
        store.back_to_planned(connection, key, lease_token=ledger.holder.token)


@pytest.mark.parametrize(("kind", "instead", "script"), RULES_OUT.values(), ids=list(RULES_OUT))
@pytest.mark.parametrize("obeyed", [True, False])
def test_what_each_rule_is_for(
    moving: Database,
    clock: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    instead: dict[str, object],
    script: str,
    obeyed: bool,
) -> None:
    """The same course of events: once with the code as it is, twice with the rule taken out of it."""
    if not obeyed:
        for name, value in instead.items():
            monkeypatch.setattr(f"connector.outbound.ledger.{name}", value)
    schedule = _new(moving, kind, 0, clock)
    try:
        schedule.play_script(script)
        executed = len(schedule.vendor.executed)
    finally:
        schedule.close()
    assert executed == (1 if obeyed else 2), "; ".join(schedule.log)


def test_a_freeze_between_check_and_write_does_no_harm_while_the_key_is_known(moving: Database, clock: SimpleNamespace) -> None:
    """The lease runs out, another worker sends the same key again, the vendor does it; then the first one's bytes leave."""
    schedule = _new(moving, "keyed", 0, clock)
    schedule.freezes_in_gap = True
    try:
        schedule.play_script("0 written; +45; 1 waits for the answer; yes 1; 1 over; 0 waits for the answer; yes 1; 0 over")
    finally:
        schedule.close()
    assert len(schedule.vendor.executed) == 1
    assert [row.state for row in rows(moving, effects)] == ["done"]


def _new(database: Database, kind: str, seed: int, clock: SimpleNamespace) -> Schedule:
    """An order and an empty ledger, in a database that many of them share."""
    with database.writing() as connection:
        for table in reversed(metadata.sorted_tables):
            if table.name != "keys":
                connection.execute(delete(table))
        shared.set_mode(connection, "a1", "shop", "live", who="test", now=NOW)
    return Schedule(database, kind, seed, clock)
