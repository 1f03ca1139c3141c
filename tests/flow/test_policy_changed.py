"""Another `[policy]`: open orders that rest are looked at with it, once, and nobody hears of anything twice."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from connector import news
from connector.engine import working
from connector.model.events import TaskKind
from connector.model.flow import Stage
from connector.store.tables import inbox, orders
from tests.flow.shop import SHIP, Shop, open_shop

UNPAID = "\n[policy.unpaid.cheque]\nremind_after_days = 7\ncancel_after_days = 14\n"
BOX = {"address_1": "PO Box 12"}
PATIENCE_S = 15.0


def with_policy(shop: Shop, text: str) -> None:
    """The merchant writes a policy and starts the connector again."""
    before = shop.config.read_text().partition("\n[policy")[0]
    shop.config.write_text(before + text)
    shop.reopen()


def look(shop: Shop) -> int:
    """What a process does when it starts; how many orders were due afterwards."""
    while news.look_with_new_policy(shop.app):
        pass
    return due(shop)


def due(shop: Shop) -> int:
    with shop.app.database.reading() as connection:
        found = select(func.count()).select_from(orders).where(orders.c.due_at <= shop.app.clock.now())
        return int(connection.execute(found).scalar_one())


def rested(shop: Shop) -> None:
    """The policy of today is known, and everything is worked off."""
    look(shop)
    shop.work()
    assert look(shop) == 0


def test_a_deadline_switched_on_reaches_orders_that_wait_already(shop: Shop) -> None:
    """Nothing happens to a cheque's order until the policy says so; then it is reminded by the day it has waited."""
    order = shop.new_order(payment_method="cheque")
    rested(shop)
    shop.later(days=8)
    assert shop.row(order).due_at is None

    with_policy(shop, UNPAID)
    assert look(shop) == 1
    shop.work()
    assert [mail.subject for mail in shop.mails("ada@")] == [f"We are still waiting for your payment (order {order})"]
    assert shop.row(order).due_at is not None

    with_policy(shop, "")
    assert look(shop) == 1
    shop.work()
    assert shop.row(order).due_at is None


def test_findings_are_judged_anew(shop: Shop) -> None:
    """What held goes on, what was let through is held, and back; each is told once."""
    order, noted = shop.new_order(shipping=BOX), shop.new_order(customer_note="Ring twice")
    rested(shop)
    assert (shop.case(order).stage, shop.case(noted).stage) == (Stage.ON_HOLD, Stage.PROCESSING)

    with_policy(shop, '\n[policy]\nfindings = { po_box = "warning", note_present = "hold" }\n')
    assert look(shop) == 2
    shop.work()
    assert (shop.case(order).stage, shop.case(noted).stage) == (Stage.PROCESSING, Stage.ON_HOLD)

    mails = len(shop.mails())
    for text in ("", '\n[policy]\nfindings = { po_box = "warning", note_present = "hold" }\n', ""):
        with_policy(shop, text)
        assert look(shop) == 2
        shop.work()
    assert (shop.case(order).stage, shop.case(noted).stage) == (Stage.ON_HOLD, Stage.PROCESSING)
    new = [mail.subject for mail in shop.mails()[mails:]]
    assert len(new) == len(set(new))
    assert [shop.tasks(one, TaskKind.PROBLEM) for one in (order, noted)] == [[], []]


def test_what_a_person_released_stays_released(shop: Shop) -> None:
    """A person has seen this finding: another policy does not hold it again."""
    order = shop.new_order(shipping=BOX)
    assert shop.command(order, "release") == ""
    rested(shop)
    with_policy(shop, '\n[policy]\nship_unpaid = ["cod", "terms"]\n')
    assert look(shop) == 1
    mails = len(shop.mails())
    shop.work()

    assert shop.case(order).stage is Stage.PROCESSING
    assert len(shop.mails()) == mails


def test_what_has_ended_is_left_alone(shop: Shop) -> None:
    """Completed and cancelled orders are history, and an order of a known policy is not looked at again."""
    shop.shipped()
    shop.command(shop.new_order(), "cancel")
    rested(shop)
    with_policy(shop, UNPAID)

    assert look(shop) == 0


def test_the_same_policy_wakes_nobody(shop: Shop) -> None:
    """A restart is no news, and no mail is sent and nothing written when the policy changes in what does not matter."""
    order = shop.new_order(payment_method="cheque")
    rested(shop)
    shop.reopen()
    assert look(shop) == 0

    before, mails, writes = shop.timeline(order), len(shop.mails()), shop.writes()
    with_policy(shop, UNPAID)
    assert look(shop) == 1
    shop.work()
    assert (shop.timeline(order), len(shop.mails()), shop.writes()) == (before, mails, writes)


def test_it_goes_on_where_it_was_cut(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Page by page; who comes after a process that died does the rest, and a new policy meanwhile begins anew."""
    monkeypatch.setattr(news, "WOKEN_AT_ONCE", 2)
    for _ in range(5):
        shop.buy()
    shop.work()
    rested(shop)
    with_policy(shop, UNPAID)
    while due(shop) < 2:
        assert news.look_with_new_policy(shop.app)
    shop.reopen()
    assert look(shop) == 5
    shop.work()

    with_policy(shop, UNPAID.replace("7", "6"))
    while due(shop) < 2:
        assert news.look_with_new_policy(shop.app)
    shop.work()
    with_policy(shop, UNPAID.replace("7", "5"))
    assert look(shop) == 5


def test_a_worker_does_it_when_it_starts(tmp_path: Path, database_url: str) -> None:
    """On both databases, with several processes' worth of it at once: nothing but the new policy is needed."""
    with open_shop(tmp_path, database_url) as shop:
        order = shop.new_order(shipping=BOX)
        rested(shop)
        assert shop.case(order).stage is Stage.ON_HOLD
        with_policy(shop, '\n[policy]\nfindings = { po_box = "warning" }\n')
        with working(shop.app):
            end = time.monotonic() + PATIENCE_S
            while shop.row(order).stage != Stage.PROCESSING:
                assert time.monotonic() < end
                time.sleep(0.05)
        shop.work()
        assert shop.command(order, "ship", **SHIP) == ""
        with shop.app.database.writing() as connection:  # and an order that is tried again after a failure is left to that
            later = shop.app.clock.now().replace(year=2100)
            connection.execute(update(orders).values(due_at=later, failures=3, stage=Stage.PROCESSING))
            assert connection.execute(select(func.count()).select_from(inbox)).scalar_one()
        with_policy(shop, UNPAID)
        assert look(shop) == 0
