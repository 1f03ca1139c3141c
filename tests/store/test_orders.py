"""One writer per order, and no wake-up is lost: on both databases, against threads that each have a connection of their own."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from sqlalchemy import func

from connector.errors import Conflict
from connector.model.case import Case, Personal
from connector.model.events import Duty, DutyEvent, DutyState, Person, Task, TaskKind
from connector.model.flow import Stage
from connector.model.order import Address, Customer
from connector.store import orders as module
from connector.store.database import Database
from connector.store.lease import Lease, LeaseLost
from connector.store.orders import Orders, Told
from connector.store.tables import attempts, duties, inbox, orders, people, tasks, timeline
from connector.store.vault import Vault
from tests.model.strategies import cases, examples
from tests.store.world import (
    ALREADY_OVER,
    NOW,
    column,
    look_at_all,
    make_case,
    make_order,
    race,
    rows,
    stored_order,
    taken,
    tell,
)

MINUTE = timedelta(minutes=1)


# --- everybody may say something --------------------------------------------------------------------------------------


def test_an_order_is_made_once_however_many_hear_of_it_at_once(database: Database, another: Callable[[], Orders]) -> None:
    """Webhook, poll and person at the same moment: one order, and what each said is in its inbox."""
    views = [another() for _ in range(6)]
    ids = race(*(lambda view=view: tell(view, "7") for view in views))

    assert len(set(ids)) == 1
    (row,) = rows(database, orders)
    assert (row.platform_id, row.ref, row.stage, row.wake, row.due_at) == ("7", "shop/7", "new", 6, NOW)
    assert len(rows(database, inbox)) == 6


def test_the_same_request_is_one_command(database: Database, another: Callable[[], Orders]) -> None:
    """A double click, or a retry by a script, in six processes at once: one command, one wake-up, no error."""
    views = [another() for _ in range(6)]
    ids = race(*(lambda view=view: tell(view, "7", kind="command", request_id="r1") for view in views))

    assert len(set(ids)) == 1
    assert [row.request_id for row in rows(database, inbox)] == ["r1"]
    assert column(database, orders, "wake") == 1
    tell(views[0], "7", kind="command", request_id="r1")
    tell(views[0], "8", kind="command", request_id="r1")  # the same word about another order is another command
    assert len(rows(database, inbox)) == 2


def test_what_a_poll_has_seen_already_is_no_news(books: Orders, database: Database) -> None:
    """The same order again wakes nobody; a change does, and only notes of staff (which lists do not show) are left out."""
    order_id = stored_order(books)
    wake = column(database, orders, "wake")

    tell(books, kind="seen", seen=make_order("1"))
    tell(books, kind="seen", seen=make_order("1", staff_notes=("call him",)))
    assert column(database, orders, "wake") == wake

    tell(books, kind="seen", seen=make_order("1", status="on-hold"))
    assert column(database, orders, "wake") == wake + 1
    (item,) = taken(books, order_id).inbox
    assert item.seen == make_order("1", status="on-hold")
    assert item.kind == "seen"


def test_what_was_said_in_a_rolled_back_transaction_was_not_said(books: Orders, database: Database) -> None:
    """Order, inbox and wake-up are one with whatever else the caller writes."""
    with suppress(RuntimeError), database.writing() as connection:
        books.tell(
            connection,
            account_id="a1",
            account_name="shop",
            platform_id="1",
            kind="seen",
            body={},
            now=NOW,
            seen=make_order("1"),
        )
        raise RuntimeError

    assert rows(database, orders) == rows(database, inbox) == []


# --- one holder -------------------------------------------------------------------------------------------------------


def test_two_holders_are_impossible(books: Orders, another: Callable[[], Orders]) -> None:
    """Of six that want an order at once, one gets it; a second one only after it was given back."""
    order_id = stored_order(books)
    views = [another() for _ in range(6)]

    leases = [lease for lease in race(*(lambda view=view: view.take(order_id) for view in views)) if lease]

    assert len(leases) == 1
    assert books.take(order_id) is None
    assert books.give_back(leases[0], NOW, due_at=None)
    assert books.take(order_id) is not None
    assert books.take(order_id + 1000) is None


def test_a_lease_that_ran_out_goes_to_the_next_and_the_old_holder_writes_nothing(database: Database, vault: Vault) -> None:
    """Whoever froze too long finds the order in other hands; not a word of what it had in memory is stored."""
    short = Orders(database, vault, lease=ALREADY_OVER)
    books = Orders(database, vault)
    order_id = stored_order(books)
    old = taken(short, order_id)
    with database.reading() as connection:
        assert not books.is_mine(connection, old)
    new = taken(books, order_id)
    assert new.token != old.token
    before = _everything(database)

    _change_everything(old)
    with pytest.raises(LeaseLost), database.writing() as connection:
        books.save(connection, old, NOW)
    with pytest.raises(LeaseLost):
        books.give_back(old, NOW, due_at=None)
    with pytest.raises(LeaseLost):
        books.commit(old, NOW)
    with pytest.raises(LeaseLost):
        books.look_again(old)
    assert _everything(database) == before

    with database.reading() as connection:
        assert books.is_mine(connection, new)
    assert books.give_back(new, NOW, due_at=None)


def test_a_lease_that_ran_out_and_that_nobody_wanted_is_still_ours(database: Database, vault: Vault) -> None:
    """Nobody has begun anything, so the work need not be thrown away; saving makes it last again."""
    short, books = Orders(database, vault, lease=ALREADY_OVER), Orders(database, vault)
    order_id = stored_order(books)
    lease = taken(short, order_id)
    with database.writing() as connection:
        books.save(connection, lease, NOW)
    with database.reading() as connection:
        assert books.is_mine(connection, lease)
    assert books.take(order_id) is None


def _change_everything(lease: Lease) -> None:
    lease.case = replace(make_case("1", email="other@example.com"), stage=Stage.PROCESSING)
    lease.note("me", "changed", "a line")
    lease.owe(Duty(id="d1", event=DutyEvent.SHIPPED, person=Person.CUSTOMER), DutyState.OWED)
    lease.open_task(Task(kind=TaskKind.PROBLEM, about="x", title="look"))
    lease.writes.attempts.append({"account_id": "a1", "at": NOW, "method": "GET", "url": "https://x", "ms": 1.0})


def _everything(database: Database) -> list[Any]:
    return [rows(database, table) for table in (orders, inbox, people, timeline, duties, tasks, attempts)]


# --- no wake-up is lost -----------------------------------------------------------------------------------------------


def test_a_wake_up_during_the_work_is_not_lost(books: Orders, database: Database) -> None:
    """Something is said while we work: the order is not given back until we have looked at it."""
    order_id = stored_order(books)
    lease = taken(books, order_id)
    tell(books, kind="command", body={"say": "stop"}, request_id="r1")

    assert not books.give_back(lease, NOW, due_at=None)
    assert books.take(order_id) is None  # still ours
    books.look_again(lease)
    assert [item.body for item in lease.inbox] == [{"say": "stop"}]
    look_at_all(lease)
    assert books.give_back(lease, NOW, due_at=None)
    assert column(database, orders, "due_at") is None
    assert taken(books, order_id).inbox == []


def test_work_and_talk_at_once_leave_nothing_behind(database: Database, another: Callable[[], Orders]) -> None:
    """Two workers and two talkers on one order: at the end everything said was looked at, or the order is still due."""
    first = another()
    order_id = stored_order(first)
    looked_at: list[int] = []
    talking = threading.Event()

    def talk() -> None:
        view = another()
        for _ in range(12):
            tell(view)

    def work() -> None:
        view = another()
        while not talking.is_set() or column(view.database, orders, "due_at") is not None:
            lease = view.take(order_id)
            while lease is not None:
                looked_at.extend(item.id for item in lease.inbox)
                look_at_all(lease)
                if view.give_back(lease, NOW, due_at=None):
                    break
                view.look_again(lease)

    def talk_all() -> None:
        assert race(talk, talk) == [None, None]
        talking.set()

    assert race(talk_all, work, work) == [None, None, None]
    said = rows(database, inbox)
    assert sorted(looked_at) == sorted(row.id for row in said)[1:]  # the first one made the order
    assert len(looked_at) == 24
    assert all(row.applied_at is not None for row in said)


@pytest.mark.parametrize("woken", [False, True])
@pytest.mark.parametrize("due_at", [None, NOW + MINUTE])
def test_dropping_an_order_writes_no_work_and_keeps_a_wake_up(
    books: Orders, database: Database, woken: bool, due_at: Any
) -> None:
    """After a failure: the work in memory is forgotten, the attempts are kept, and a wake-up meanwhile makes it due now."""
    order_id = stored_order(books)
    lease = taken(books, order_id)
    _change_everything(lease)
    if woken:
        tell(books)
    before = column(database, orders, "body")

    books.drop(lease, NOW, due_at=due_at, failures=3, problem="the vendor said \x00 no")

    (row,) = rows(database, orders)
    assert (row.lease_token, row.failures, row.problem, row.body) == (None, 3, "the vendor said  no", before)
    assert row.due_at == (NOW if woken else due_at)
    assert len(rows(database, attempts)) == 1
    assert rows(database, tasks) == rows(database, duties) == []
    assert books.take(order_id) is not None


# --- what is stored ---------------------------------------------------------------------------------------------------


@examples(12)
@given(case=cases())
def test_any_case_is_read_back_as_it_was_stored(database: Database, vault: Vault, case: Case) -> None:
    """Whatever letters a shop sends, both databases give them back; and they can be searched by number and stage."""
    books = Orders(database, vault)
    case = replace(case, account="a1")
    order_id = tell(books, f"random-{func}-{id(case)}")
    lease = taken(books, order_id)
    lease.case = case
    assert books.give_back(lease, NOW, due_at=None)

    with database.reading() as connection:
        assert books.read(connection, order_id) == case
    (row,) = rows(database, orders, orders.c.id == order_id)
    assert (row.number, row.stage) == (case.order.number.replace("\0", ""), case.stage)


def test_what_was_rolled_back_is_stored_the_next_time(books: Orders, database: Database) -> None:
    """A transaction that failed after `save` has stored nothing: neither the case nor the customer may count as stored."""
    order_id = tell(books)
    lease = taken(books, order_id)
    lease.case = make_case("1")
    lease.note("me", "arrived", "a line")
    with suppress(RuntimeError), database.writing() as connection:
        books.save(connection, lease, NOW)
        raise RuntimeError

    assert books.give_back(lease, NOW, due_at=None)

    with database.reading() as connection:
        assert books.read(connection, order_id) == make_case("1")
    assert len(rows(database, timeline)) == 1
    assert column(database, orders, "version") == lease.version == 1


def test_saving_the_same_case_again_is_no_new_version(books: Orders, database: Database) -> None:
    """A version counts changes, because a person's command is refused when it has moved on."""
    order_id = stored_order(books)
    lease = taken(books, order_id)
    version = lease.version
    assert books.give_back(lease, NOW, due_at=None)
    assert column(database, orders, "version") == version

    with database.writing() as connection:
        module.check_version(connection, order_id, version)
        with pytest.raises(Conflict, match=r"shop/1 has changed .*connector orders show shop/1"):
            module.check_version(connection, order_id, version - 1)


def test_an_erased_customer_leaves_the_sums_and_can_be_worked_on(books: Orders, database: Database, vault: Vault) -> None:
    """The key is gone: name and address are empty, amounts and stage stay, and the order can still be saved."""
    order_id = stored_order(books)
    with database.writing() as connection:
        vault.destroy(connection, vault.owner_key(connection, " ANN@example.com "))

    lease = taken(books, order_id)
    assert lease.case is not None
    assert lease.case.order.customer == Customer()
    assert lease.case.order.shipping == Address()
    assert lease.case.order.total == make_order("1").total
    lease.case = lease.case.at(Stage.CANCELLED)
    assert books.give_back(lease, NOW, due_at=None)
    with database.reading() as connection:
        stored = books.read(connection, order_id)
    assert stored is not None
    assert stored.stage is Stage.CANCELLED
    assert stored.order.customer == Customer()


def test_personal_data_is_only_where_it_may_be(books: Orders, database: Database) -> None:
    """No table but the sealed ones has a customer's name, address or e-mail in it, and those have it sealed."""
    stored_order(books)
    tell(books, kind="seen", seen=make_order("1", customer_note="MARKER"))

    for table in (orders, inbox, people, timeline, duties, tasks):
        content = repr([tuple(row) for row in rows(database, table)])
        assert "Ann" not in content
        assert "ann@example.com" not in content
        assert "MARKER" not in content
    assert Personal() != Personal(customer=make_order("1").customer)
    assert len(rows(database, people)) == 1


def test_duties_and_tasks_are_there_once(books: Orders, database: Database) -> None:
    """A duty is owed once however often it is said, and settled; a task is opened once, closed, and opened anew."""
    order_id = stored_order(books)
    duty = Duty(id="d1", event=DutyEvent.SHIPPED, person=Person.CUSTOMER, about="s1")
    task = Task(kind=TaskKind.PROBLEM, about="x", title="look \ud83d at it", steps=("here",))
    for _ in range(2):
        lease = taken(books, order_id)
        lease.owe(duty, DutyState.OWED, channel="mail", facts={"tracking_url": "https://x"})
        lease.open_task(task)
        lease.open_task(task)
        assert books.give_back(lease, NOW, due_at=None)
    assert [(row.state, row.channel) for row in rows(database, duties)] == [("owed", "mail")]
    assert [(row.state, row.title, row.steps) for row in rows(database, tasks)] == [("open", "look ? at it", '["here"]')]

    lease = taken(books, order_id)
    assert [owed.duty for owed in lease.owed] == [duty]
    assert lease.open_tasks == {("problem", "x")}
    lease.settle("d1", DutyState.SENT, "message-1")
    lease.close_task("problem", "x", "done")
    books.commit(lease, NOW)
    assert (lease.owed, lease.open_tasks) == ([], set())
    assert [(row.state, row.said) for row in rows(database, duties)] == [("sent", "message-1")]
    assert [(row.state, row.outcome) for row in rows(database, tasks)] == [("done", "done")]

    lease.open_task(task)
    assert books.give_back(lease, NOW, due_at=None)
    assert [row.state for row in rows(database, tasks)] == ["open"]


def test_reading_is_one_snapshot(books: Orders, database: Database, another: Callable[[], Orders]) -> None:
    """A page that reads an order and then its customer must not mix two versions of it."""
    order_id = stored_order(books)
    with database.reading() as connection:
        before = books.read(connection, order_id)
        writer = another()
        lease = taken(writer, order_id)
        lease.case = make_case("1", email="new@example.com", status="changed")
        assert writer.give_back(lease, NOW, due_at=None)
        assert books.read(connection, order_id) == before
    with database.reading() as connection:
        assert books.read(connection, order_id) == make_case("1", email="new@example.com", status="changed")


def test_those_who_lock_the_same_orders_never_stop_each_other(books: Orders, another: Callable[[], Orders]) -> None:
    """Two polls that show the same orders the other way round, a sweeper and a worker: nobody waits for nobody for good."""
    numbers = [str(number) for number in range(12)]
    ids = [tell(books, number) for number in numbers]
    chance, wrong = random.Random(4), list[BaseException]()

    def show(orders: Orders, turn: int) -> None:
        shown = chance.sample([*numbers, f"new{turn // 2}a", f"new{turn // 2}b"], 14)  # two tell of the same new ones
        told = [Told(platform_id=n, kind="seen", body={}, seen=make_order(n, email=f"{n}-{turn // 2}@x.at")) for n in shown]
        with orders.database.writing() as connection:
            orders.tell_all(connection, told, account_id="a1", account_name="shop", now=NOW)

    def queue(orders: Orders, _turn: int) -> None:
        orders.queue_due(NOW, limit=14, hold_s=0)

    def work(orders: Orders, _turn: int) -> None:
        for order_id in chance.sample(ids, 4):
            lease = orders.take(order_id)
            if lease is not None:
                orders.give_back(lease, NOW, due_at=NOW)

    def often(act: Callable[[Orders, int], None], orders: Orders, first: int) -> None:
        try:
            for turn in range(first, 40, 2):
                act(orders, turn)
        except BaseException as error:
            wrong.append(error)

    acts = [(show, 0), (show, 1), (queue, 0), (queue, 1), (work, 0)]
    threads = [threading.Thread(target=often, args=(act, another(), first)) for act, first in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
