"""What processes share: state with compare-and-set, locks, rates, schedules, modes and the install's id."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from multiprocessing.synchronize import Barrier

import pytest

from connector.errors import Conflict, TryLater
from connector.store import shared
from connector.store.database import Database
from connector.store.orders import Orders
from connector.store.rates import give_back, learn, take_turn
from connector.store.shared import AccountState, locked, take_lock
from connector.store.tables import account_modes, locks, meta, orders, state
from connector.store.vault import Vault
from tests.store.world import NOW, column, race, rows, tell

SOON = timedelta(seconds=1)


@pytest.fixture
def another(database_url: str) -> Iterator[Callable[[], Database]]:
    """Another process's view of the same database: connections and locks of its own."""
    opened: list[Database] = []

    def open_one() -> Database:
        opened.append(Database(database_url, pool_size=2))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture
def kept(database: Database, vault: Vault) -> AccountState:
    return AccountState(database, vault, "a1")


# --- state ------------------------------------------------------------------------------------------------------------


def test_state_is_kept_per_account_and_changed_by_version(kept: AccountState, database: Database, vault: Vault) -> None:
    """Put, get, change at the version that was read, delete; another account's key of that name is another one."""
    assert kept.get("cursor") is None
    first = kept.put("cursor", "1", version=0)
    assert kept.get("cursor") == first
    second = kept.put("cursor", "2", version=first.version)
    assert second.version > first.version
    for stale in (0, first.version, 99):
        with pytest.raises(Conflict, match="cursor was changed by another process"):
            kept.put("cursor", "x", version=stale)
    assert kept.put("cursor", "3").value == "3"
    assert AccountState(database, vault, "a2").get("cursor") is None
    kept.delete("cursor")
    kept.delete("cursor")
    assert kept.get("cursor") is None
    with pytest.raises(Conflict):
        kept.put("cursor", "x", version=1)
    assert rows(database, state) == []  # a refused put has left no trace


def test_of_many_who_change_the_same_version_one_succeeds(another: Callable[[], Database], vault: Vault) -> None:
    """A token that six processes refresh at once is written by one; the others hear of it, and never overwrite."""
    views = [AccountState(another(), vault, "a1") for _ in range(6)]
    for version in (0, 1):
        found = race(*(lambda view=view, v=version: view.put("token", str(id(view)), version=v) for view in views))
        written = [row for row in found if not isinstance(row, Exception)]
        assert len(written) == 1
        assert all(isinstance(error, Conflict) for error in found if isinstance(error, Exception))
        assert views[0].get("token") == written[0]


def test_a_counter_kept_by_compare_and_set_loses_no_count(another: Callable[[], Database], vault: Vault) -> None:
    """Four processes count to ten each, trying again on a conflict: forty."""

    def count() -> None:
        view = AccountState(another(), vault, "a1")
        for _ in range(10):
            while True:
                row = view.get("count")
                try:
                    view.put("count", str(int(row.value if row else 0) + 1), version=row.version if row else 0)
                    break
                except Conflict:
                    continue

    assert race(count, count, count, count) == [None] * 4
    row = AccountState(another(), vault, "a1").get("count")
    assert row is not None
    assert row.value == "40"


def test_many_who_put_without_a_version_do_not_fail(another: Callable[[], Database], vault: Vault) -> None:
    """The last one wins; that there was nothing yet is nobody's error."""
    views = [AccountState(another(), vault, "a1") for _ in range(6)]
    found = race(*(lambda view=view, n=n: view.put("id", str(n)) for n, view in enumerate(views)))

    assert sorted(row.version for row in found) == [1, 2, 3, 4, 5, 6]
    assert views[0].get("id") == max(found, key=lambda row: row.version)


def test_what_has_run_out_is_not_there_and_can_be_put_anew(kept: AccountState) -> None:
    """A token past its time is as if it had never been put: `version=0` succeeds, and an old reader's version does not."""
    first = kept.put("token", "old", expires_at=datetime.now(UTC) - SOON)
    assert kept.get("token") is None
    with pytest.raises(Conflict):
        kept.put("token", "x", version=first.version)
    second = kept.put("token", "new", version=0, expires_at=datetime.now(UTC) + 60 * SOON)
    assert second.version > first.version
    assert kept.get("token") == second


def test_secrets_are_not_readable_in_the_table(kept: AccountState, database: Database) -> None:
    """A token is sealed; put without `secret` afterwards, nothing of the sealed one is left."""
    kept.put("token", "shpat_MARKER", secret=True)
    assert "MARKER" not in repr([tuple(row) for row in rows(database, state)])
    row = kept.get("token")
    assert row is not None
    assert row.value == "shpat_MARKER"
    kept.put("token", "public")
    assert column(database, state, "sealed") is None


# --- locks ------------------------------------------------------------------------------------------------------------


def test_a_lock_is_held_by_one(another: Callable[[], Database]) -> None:
    """Of six who want it, one gets it; after letting go, or running out, the next; a stranger's letting go does nothing."""
    views = [another() for _ in range(6)]
    (mine,) = [lock for lock in race(*(lambda view=view: take_lock(view, "poll", 60) for view in views)) if lock]
    with views[0].reading() as connection:
        assert mine.is_mine(connection)
    assert take_lock(views[0], "poll", 60) is None
    mine.let_go()
    short = take_lock(views[0], "poll", -1)
    assert short is not None
    found = race(*(lambda view=view: take_lock(view, "poll", 60) for view in views))
    (next_one,) = [lock for lock in found if lock]
    short.let_go()
    assert not short.extend(60)
    with views[0].reading() as connection:
        assert next_one.is_mine(connection)
        assert not short.is_mine(connection)


def test_a_lock_that_is_taken_says_to_try_later(database: Database) -> None:
    """And it is let go at the end, whatever happens inside."""
    with locked(database, "refresh"), pytest.raises(TryLater, match="refresh"), locked(database, "refresh"):
        pytest.fail("two held it")
    with pytest.raises(ZeroDivisionError), locked(database, "refresh"):
        _ = 1 / 0
    assert rows(database, locks) == []


def test_a_dead_process_of_this_name_frees_only_its_own(database: Database, vault: Vault) -> None:
    """host_a-1 has died; the leases of hostXa-1 and HOST_A-1, who are alive, stay: a name is no pattern."""
    books = Orders(database, vault)
    ids = {}
    for holder in ("host_a-1", "hostXa-1", "HOST_A-1", "host_a-12"):
        database.holder = holder
        assert take_lock(database, f"lock of {holder}", 60)
        ids[holder] = tell(books, holder)
        assert books.take(ids[holder])

    shared.forget_dead_self(database, "host_a-1")

    assert {row.name for row in rows(database, locks)} == {f"lock of {name}" for name in ids if name != "host_a-1"}
    free = [row.platform_id for row in rows(database, orders) if row.lease_token is None]
    assert free == ["host_a-1"]


# --- rates ------------------------------------------------------------------------------------------------------------


def _take_turns(url: str, start: Barrier, per_second: float, burst: int, used: multiprocessing.Queue[list[float]]) -> None:
    """Another process that calls as often as it may."""
    database = Database(url, pool_size=2)
    times: list[float] = []
    start.wait(30)
    until = time.time() + 1.0
    while time.time() < until:
        wait = take_turn(database, "a1", per_second=per_second, burst=burst, longest_wait_s=0.2)
        if wait > 0.2:
            time.sleep(0.01)
            continue
        time.sleep(wait)
        times.append(time.time())
    database.close()
    used.put(times)


def test_two_processes_together_keep_the_rate(database_url: str, database: Database) -> None:
    """Never more than burst + rate * t calls in any stretch of time, and not much less than allowed either."""
    per_second, burst = 40.0, 5
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.store.test_shared"])
    used: multiprocessing.Queue[list[float]] = context.Queue()
    start = context.Barrier(2)
    several = [context.Process(target=_take_turns, args=(database_url, start, per_second, burst, used)) for _ in range(2)]
    for one in several:
        one.start()
    times = sorted(moment for _ in several for moment in used.get(timeout=30))
    for one in several:
        one.join(30)

    assert len(times) > 20
    for first in range(len(times)):
        for last in range(first, len(times)):
            span = times[last] - times[first]
            # Waking up late moves a call: allow for 200 ms of it.
            assert last - first + 1 <= burst + 1 + per_second * (span + 0.2)


def test_threads_of_several_processes_get_distinct_turns(another: Callable[[], Database]) -> None:
    """Twelve at once at one per second: burst go now, the others one second after another, none at the same time."""
    views = [another() for _ in range(6)]
    turns = [
        lambda view=view: take_turn(view, "a1", per_second=1, burst=3, longest_wait_s=60) for view in views for _ in range(2)
    ]
    waits = sorted(race(*turns))

    assert waits[:3] == [0, 0, 0]
    assert all(later - sooner > 0.5 for sooner, later in pairwise(waits[2:]))
    assert waits[-1] == pytest.approx(9, abs=1.5)


def test_a_turn_that_would_take_too_long_is_not_taken(database: Database) -> None:
    """Who is sent away has not made it worse for the others."""
    assert take_turn(database, "a1", per_second=0.1, burst=1, longest_wait_s=5) == 0
    first = take_turn(database, "a1", per_second=0.1, burst=1, longest_wait_s=5)
    second = take_turn(database, "a1", per_second=0.1, burst=1, longest_wait_s=5)
    assert 5 < second <= first <= 10
    assert take_turn(database, "a2", per_second=0.1, burst=1, longest_wait_s=5) == 0


def test_a_dear_call_waits_for_its_points(database: Database) -> None:
    """Who needs more points than are left waits until they have come back; who needs fewer need not."""
    some = {"per_second": 10.0, "burst": 100.0, "longest_wait_s": 60.0}
    assert take_turn(database, "a1", points=90, **some) == 0
    assert take_turn(database, "a1", points=10, **some) == pytest.approx(0, abs=0.05)
    assert take_turn(database, "a1", points=20, **some) == pytest.approx(2, abs=0.2)


def test_what_the_vendor_says_of_the_bucket_counts(database: Database) -> None:
    """Its size and speed, what somebody else took out of it, and the points that a call did not need after all."""
    some = {"per_second": 10.0, "burst": 100.0, "longest_wait_s": 600.0}
    assert take_turn(database, "a1", points=50, **some) == 0
    learn(database, "a1", unused=40, left=1990, size=2000, per_second=100)
    assert take_turn(database, "a1", points=1900, **some) == 0
    assert take_turn(database, "a1", points=190, **some) == pytest.approx(1, abs=0.2)
    learn(database, "a1", unused=190, left=50, size=2000, per_second=100)  # somebody else has used the rest
    assert take_turn(database, "a1", points=150, **some) == pytest.approx(1, abs=0.2)


def test_points_of_a_failed_call_come_back_where_they_are_told(database: Database) -> None:
    """Else a vendor counts it, however it ended."""
    some = {"per_second": 100.0, "burst": 100.0, "longest_wait_s": 600.0}
    assert take_turn(database, "a1", points=100, **some) == 0
    give_back(database, "a1", 100)
    assert take_turn(database, "a1", points=100, **some) == pytest.approx(1, abs=0.2)
    learn(database, "a1", unused=0, left=100, size=100, per_second=100)
    assert take_turn(database, "a1", points=100, **some) == 0
    give_back(database, "a1", 100)
    assert take_turn(database, "a1", points=100, **some) == 0


def test_points_that_others_have_taken_are_not_given_out_twice(database: Database) -> None:
    """The vendor has not seen their calls yet, and says that more is left than there is."""
    some = {"per_second": 100.0, "burst": 1000.0, "longest_wait_s": 600.0}
    assert take_turn(database, "a1", points=10, **some) == 0
    learn(database, "a1", unused=10, left=1000, size=1000, per_second=100)
    assert take_turn(database, "a1", points=500, **some) == 0
    assert take_turn(database, "a1", points=500, **some) == pytest.approx(0, abs=0.05)
    learn(database, "a1", unused=0, left=500, size=1000, per_second=100)
    assert take_turn(database, "a1", points=100, **some) == pytest.approx(1, abs=0.2)


# --- schedules, modes, install ----------------------------------------------------------------------------------------


def test_a_due_schedule_is_given_to_one(another: Callable[[], Database]) -> None:
    """Six who ask at once: each name goes to one of them; it comes again later, should that one die."""
    views = [another() for _ in range(6)]
    for name in ("poll/a1", "poll/a2"):
        shared.schedule(views[0], name, NOW)
        shared.schedule(views[0], name, NOW + 9 * SOON, only_if_new=True)
    found = race(*(lambda view=view: shared.claim_schedules(view, NOW, again=NOW + SOON) for view in views))

    assert sorted(name for part in found for name in part) == ["poll/a1", "poll/a2"]
    assert shared.due_schedules(views[0], NOW) == []
    assert sorted(shared.claim_schedules(views[0], NOW + SOON, again=NOW + 2 * SOON)) == ["poll/a1", "poll/a2"]
    shared.schedule(views[0], "poll/a1", NOW, failures=3, said="no")
    assert shared.schedule_failures(views[0], "poll/a1") == 3
    assert shared.schedule_failures(views[0], "new") == 0


def test_an_account_is_in_shadow_until_somebody_says_otherwise(database: Database) -> None:
    """Every change is written down with who and when; an unknown mode is refused."""
    with database.writing() as connection:
        assert shared.mode(connection, "a1") == "shadow"
        shared.set_mode(connection, "a1", "shop", "rehearsal", who="ann", now=NOW)
        shared.set_mode(connection, "a1", "shop", "live", who="bob", now=NOW + SOON)
        with pytest.raises(ValueError, match="shadow, rehearsal, live"):
            shared.set_mode(connection, "a1", "shop", "Live", who="eve", now=NOW)
        assert shared.mode(connection, "a1") == "live"
        assert shared.mode(connection, "a2") == "shadow"
    history = [(row.mode, row.who, row.at) for row in rows(database, account_modes)]
    assert history == [("rehearsal", "ann", NOW), ("live", "bob", NOW + SOON)]


def test_an_install_has_one_id(database: Database, another: Callable[[], Database]) -> None:
    """Six processes that start at once on a new database agree; it is part of every key that a vendor remembers."""

    def ask() -> str:
        with another().writing() as connection:
            return shared.install_id(connection)

    assert len(set(race(ask, ask, ask, ask, ask, ask))) == 1
    assert len(rows(database, meta)) == 1
