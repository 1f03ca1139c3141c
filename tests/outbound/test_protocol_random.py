"""The real ledger on a real database, driven by a die: whatever it throws, the vendor does it at most once."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import delete

from connector.outbound import ledger as module
from connector.store import shared
from connector.store.database import Database
from connector.store.tables import effects, metadata
from tests.outbound.schedule import DEADLINE_S, RULES, SETTLE_S, Schedule
from tests.store.world import NOW, rows

THROWS = 45


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The ledger's monotonic clock, moved by the schedule."""
    moved = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: moved.now))
    return moved


@pytest.mark.parametrize("kind", list(RULES))
def test_at_most_once_whatever_happens(database: Database, clock: SimpleNamespace, kind: str) -> None:
    """And once everything is quiet, exactly once, unless only a person can find out."""
    number = 25 if database.is_sqlite else 8
    happened = 0
    for seed in range(number):
        schedule = _new(database, kind, seed, clock)
        try:
            schedule.play(THROWS)
            assert len(schedule.vendor.executed) <= 1, f"seed {seed}: {schedule.log}"
            schedule.finish()
        finally:
            schedule.close()
        assert len(schedule.vendor.executed) <= 1, f"seed {seed}: {schedule.log}"
        states = [row.state for row in rows(database, effects)]
        if kind == "none":
            assert states[-1:] in (["done"], ["unknown"]), f"seed {seed}: {schedule.log}"
        else:
            assert len(schedule.vendor.executed) == 1, f"seed {seed}: {schedule.log}"
            assert states.count("done") == 1, f"seed {seed}: {states} {schedule.log}"
        happened += len(schedule.vendor.executed)
    assert happened > number * 0.3


BROKEN: dict[str, tuple[str, dict[str, object]]] = {
    "no last check": ("lookup", {"LAST_CHECK_S": 10**6, "_longest": lambda rule: timedelta(seconds=DEADLINE_S + SETTLE_S)}),
    "no settle time": ("lookup", {"_longest": lambda rule: timedelta()}),
    "a key is sent for ever": ("keyed", {"_remembered": lambda row, rule, now: True}),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=list(BROKEN))
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_die_finds_a_broken_rule(
    database: Database, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, broken: tuple[str, dict[str, object]]
) -> None:
    """With one rule taken out of the real code, some throw has it happen twice: the die is worth throwing."""
    kind, instead = broken
    for name, value in instead.items():
        monkeypatch.setattr(module, name, value)
    for seed in range(400):
        schedule = _new(database, kind, seed, clock)
        try:
            schedule.play(THROWS)
        finally:
            schedule.close()
        if len(schedule.vendor.executed) > 1:
            return
    pytest.fail("it was never found")


def _new(database: Database, kind: str, seed: int, clock: SimpleNamespace) -> Schedule:
    """An order and an empty ledger, in a database that many of them share."""
    with database.writing() as connection:
        for table in reversed(metadata.sorted_tables):
            if table.name not in ("meta", "keys"):
                connection.execute(delete(table))
        shared.set_mode(connection, "a1", "shop", "live", who="test", now=NOW)
    return Schedule(database, kind, seed, clock)
