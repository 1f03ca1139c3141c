"""The engine: what is due is worked off side by side, schedules run, and its own database may go at any time."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from connector import engine, news, pipeline
from connector.engine import Worker, working
from connector.model.flow import Stage
from connector.rehearse.demo import _free_port, serving
from connector.sandbox.faults import Rule
from connector.store import shared
from connector.store.tables import deliveries, orders, schedules
from tests.flow.shop import SHIP, Shop, open_shop

PATIENCE_S = 15.0


@pytest.fixture
def queued_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a job did not get done is queued again after half a second, so that no test waits for half a minute."""
    monkeypatch.setattr(engine, "QUEUED_FOR_S", 0.5)


@pytest.fixture
def served(tmp_path: Path, sqlite_url: str) -> Iterator[Shop]:
    """A shop whose webhooks reach us."""
    port = _free_port()
    with open_shop(tmp_path, sqlite_url, public_url=f"http://127.0.0.1:{port}") as shop, serving(shop.app, port):
        yield shop


def until(happened: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < end, f"not within {PATIENCE_S:.0f} s: {what}"
        time.sleep(0.02)


def stage(shop: Shop, order: str) -> str:
    row = shop.find(order)
    return "" if row is None else str(row.stage)


def due(shop: Shop) -> dict[str, datetime]:
    with shop.app.database.reading() as connection:
        return {row.name: row.due_at for row in connection.execute(select(schedules))}


def open_webhooks(shop: Shop) -> dict[str, int]:
    return {hook.topic: hook.id for hook in shop.sandbox.store.webhooks.values() if hook.status == "active"}


def forget_queue(shop: Shop) -> None:
    """Delete the engine's database, as a person may who needs the space."""
    ours = Path(shop.app.settings.connector.engine_database_url.removeprefix("sqlite:///"))
    files = list(ours.parent.glob(f"{ours.name}*"))
    assert files
    for file in files:
        file.unlink()


def test_orders_deliveries_and_schedules_are_worked_off(tmp_path: Path, database_url: str) -> None:
    """On both databases: a poll brings orders, a delivery wakes one, a command is carried out, and the next poll is planned."""
    with open_shop(tmp_path, database_url) as shop:
        bought = [shop.buy() for _ in range(25)]
        with working(shop.app):
            until(lambda: all(stage(shop, order) == Stage.PROCESSING for order in bought), "25 orders are approved")
            late = shop.buy()
            number = shop.webhook(late)
            for order in bought[:3]:
                shop.ask(order, "ship", **SHIP)
            until(lambda: stage(shop, late) == Stage.PROCESSING, "the delivery is read")
            until(lambda: all(stage(shop, order) == Stage.COMPLETED for order in bought[:3]), "three orders are shipped")
        with shop.app.database.reading() as connection:
            read = connection.execute(select(deliveries.c.state).where(deliveries.c.id == number)).scalar_one()

        assert read == "done"
        assert [shop.status(order) for order in bought[:3]] == ["completed"] * 3
        assert [len(shop.effects(order, "buy_label")) for order in bought[:3]] == [1, 1, 1]
        now = shop.app.clock.now()
        assert {name: due_at > now for name, due_at in due(shop).items()} == {
            "tidy": True,
            "poll/a_shop": True,
            "webhooks/a_shop": True,
            "missing/a_shop": True,
        }


def test_webhooks_are_made_once_and_healed(served: Shop) -> None:
    """Each topic has one; what the shop switched off or somebody deleted comes back, and nothing else changes."""
    with working(served.app):
        until(lambda: len(open_webhooks(served)) == 4, "four webhooks")
        first = open_webhooks(served)
        order = served.buy()
        until(lambda: stage(served, order) == Stage.PROCESSING, "the order comes by webhook")
        store = served.sandbox.store
        with store.lock:
            store.webhooks[first["order.updated"]].status = "disabled"
            del store.webhooks[first["order.deleted"]]
        shared.schedule(served.app.database, "webhooks/a_shop", served.app.clock.now())
        until(lambda: len(open_webhooks(served)) == 4, "four webhooks again")

    second = open_webhooks(served)
    assert second["order.deleted"] != first["order.deleted"]
    assert {**second, "order.deleted": 0} == {**first, "order.deleted": 0}
    assert len(store.webhooks) == 4
    assert [call for call in served.writes("webhooks") if call.startswith("POST")] == ["POST webhooks"] * 5
    with working(served.app):  # a new start makes none
        shared.schedule(served.app.database, "webhooks/a_shop", served.app.clock.now())
        until(lambda: due(served)["webhooks/a_shop"] > served.app.clock.now(), "they were looked at")
        time.sleep(0.3)
    assert open_webhooks(served) == second


@pytest.mark.usefixtures("queued_again_soon")
def test_the_queue_is_deleted_between_two_runs(shop: Shop) -> None:
    """Our tables are the truth: what was queued, half done or came in meanwhile is found again, and nothing is done twice."""
    shop.sandbox.faults.add(Rule(kind="slow", times=0, seconds=0.15, match="notes"))
    bought = [shop.buy(po_box=True) for _ in range(12)]
    for order in bought:
        shop.webhook(order)
    worker = Worker(shop.app)
    worker.start()
    until(lambda: any(stage(shop, order) == Stage.ON_HOLD for order in bought), "the first is worked on")
    worker.stop(wait_s=0)
    forget_queue(shop)
    shop.sandbox.faults.clear()
    bought.append(shop.buy(po_box=True))
    shop.webhook(bought[-1])
    with working(shop.app):
        until(lambda: all(shop.find(order) and shop.row(order).due_at is None for order in bought), "all of them are at rest")

    for order in bought:
        assert stage(shop, order) == Stage.ON_HOLD
        assert len([note for note in shop.truth(order)["notes"] if "[oc:" in note["note"]]) == 1
    assert len(shop.mails("ada@")) == len(bought)
    assert len({mail.message_id for mail in shop.mails()}) == len(shop.mails()) == 2 * len(bought)


def test_stop_lets_running_jobs_finish(shop: Shop) -> None:
    """Whoever stops it waits for the answer that is on its way: nothing is left unknown, no lease is kept."""
    order = shop.new_order()
    shop.sandbox.faults.add(Rule(kind="slow", method="PUT", times=1, seconds=0.8))
    shop.ask(order, "ship", **SHIP)
    worker = Worker(shop.app)
    worker.start()
    until(lambda: shop.writes(order), "the first call is on its way")
    worker.stop()

    assert {row.state for row in shop.effects(order)} == {"done"}
    with shop.app.database.reading() as connection:
        assert connection.execute(select(orders.c.lease_token)).scalars().all() == [None]


@pytest.mark.usefixtures("queued_again_soon")
def test_a_job_that_raises_does_not_stop_the_others(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug at one order or delivery is in the log; the others go on, and so does that one when the bug is gone."""
    caplog.set_level(logging.ERROR)
    bought = [shop.buy() for _ in range(8)]
    numbers = [shop.webhook(order) for order in bought]
    broken: dict[str, Any] = {"delivery": numbers[2], "order": bought[5]}
    advance, read = pipeline.advance, news.read_delivery

    def advance_or_break(all_orders: Any, order_id: int, make_work: Any) -> bool:
        if broken and shop.row(broken["order"]).id == order_id:
            raise RuntimeError("a bug at an order")
        return advance(all_orders, order_id, make_work)

    def read_or_break(app: Any, number: int) -> None:
        if broken and number == broken["delivery"]:
            raise RuntimeError("a bug at a delivery")
        read(app, number)

    monkeypatch.setattr(pipeline, "advance", advance_or_break)
    monkeypatch.setattr(news, "read_delivery", read_or_break)
    monkeypatch.setattr(news, "poll", lambda *_: None)
    others = [order for number, order in enumerate(bought) if number not in (2, 5)]
    with working(shop.app):
        until(lambda: all(stage(shop, order) == Stage.PROCESSING for order in others), "the others are worked off")
        until(lambda: "a bug at an order" in caplog.text and "a bug at a delivery" in caplog.text, "the bugs are in the log")
        assert stage(shop, bought[5]) == Stage.NEW
        broken.clear()
        until(lambda: all(stage(shop, order) == Stage.PROCESSING for order in bought), "and now all of them")


def test_a_schedule_that_fails_is_tried_again_with_its_reason(shop: Shop) -> None:
    """The poll of a shop that is down waits longer each time, and says why; it does not wait for the other schedules."""
    shop.sandbox.faults.add(Rule(kind="html", times=0))
    with working(shop.app):
        until(lambda: failures(shop, "poll/a_shop"), "the poll has failed")
        shared.schedule(shop.app.database, "poll/a_shop", shop.app.clock.now(), failures=1)
        until(lambda: failures(shop, "poll/a_shop") == 2, "and once more")
        assert (due(shop)["poll/a_shop"] - shop.app.clock.now()).total_seconds() > 90
        order = shop.buy()
        shop.sandbox.faults.clear()
        shared.schedule(shop.app.database, "poll/a_shop", shop.app.clock.now(), failures=2)
        until(lambda: stage(shop, order) == Stage.PROCESSING, "the order is found")
    assert failures(shop, "poll/a_shop") == 0


def failures(shop: Shop, name: str) -> int:
    return shared.schedule_failures(shop.app.database, name)


def test_a_backlog_waits_in_our_table_and_not_in_the_queue(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is queued and not done in time is queued again; so only so much of a backlog is queued at a time."""
    monkeypatch.setattr(engine, "MOST_QUEUED", 4)
    shop.sandbox.faults.add(Rule(kind="slow", times=0, seconds=0.1, match="notes"))
    bought = [shop.buy(po_box=True) for _ in range(14)]
    shop.poll()
    worker, queued = Worker(shop.app), list[int]()
    enqueue = worker._enqueue

    def watched(kind: str, ids: list[Any]) -> None:
        if kind == "order":
            queued.append(len(ids))
            assert shop.app.orders.queued(limit=100) <= 4
        enqueue(kind, ids)

    monkeypatch.setattr(worker, "_enqueue", watched)
    worker.start()
    try:
        until(lambda: all(shop.row(order).due_at is None for order in bought), "all of them are at rest")
    finally:
        worker.stop()
    assert sum(queued) >= len(bought)
    assert max(queued) <= 4


def test_what_was_queued_twice_is_not_worked_on_twice(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second job for an order that is done already leaves it alone."""
    order = shop.new_order()
    worker, advanced = Worker(shop.app), list[int]()
    monkeypatch.setattr(type(shop.app), "advance", lambda _, order_id: advanced.append(order_id))
    order_id = shop.row(order).id
    worker._run("order", [order_id])
    assert advanced == []
    shop.ask(order, "note", text="due again")
    worker._run("order", [order_id])
    assert advanced == [order_id]
