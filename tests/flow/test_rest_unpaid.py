"""An edit that raises the total of a paid order: it waits until the rest is paid, the edit is undone or a person lets it go."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from connector.model.events import DutyState
from connector.model.flow import Stage
from connector.model.review import HoldReason
from connector.sandbox.woocommerce import status as store_status
from connector.store.tables import inbox
from tests.flow.shop import SHIP, Shop

ADD = {"line_items": [{"product_id": 14, "quantity": 1}]}
TEXT = "Only 32.22 USD of 70.33 USD are paid, 38.11 USD are missing. Ask the customer for the rest, or lower the total."
TWO = [{"product_id": 13, "quantity": 2}]


def raised(shop: Shop, **wanted: object) -> str:
    """A paid order to which staff have added a line."""
    order = shop.new_order(items=TWO, **wanted)
    shop.staff(order, "edit", **ADD)
    shop.work()
    return order


def pay(shop: Shop, order: str, transaction: str) -> None:
    """The customer pays on the page that the shop has mailed."""
    store = shop.sandbox.store
    with store.lock:
        store.orders[int(order)].status = "pending"
        store_status.complete_payment(store, store.orders[int(order)], transaction_id=transaction)
        store.touch(store.orders[int(order)])


def test_it_is_held_and_says_what_is_missing(shop: Shop) -> None:
    """The merchant hears of it from us, once; how the customer is asked for the rest is the merchant's affair."""
    order = raised(shop)

    (hold,) = shop.case(order).holds
    assert (hold.reason, hold.code, hold.text) == (HoldReason.AWAITING_PAYMENT, "partly_paid", TEXT)
    assert shop.row(order).payment == "partly_paid"
    assert "is on hold" in shop.command(order, "ship", **SHIP)
    assert shop.told(order)["on_hold/merchant"] == DutyState.SENT
    assert "on_hold/customer" not in shop.told(order)
    mails = len(shop.mails())
    shop.later(days=1)
    assert len(shop.mails()) == mails


def test_that_we_know_better_is_no_news_every_minute(shop: Shop) -> None:
    """The shop shows the order as paid each time it is asked; that is what it showed before."""
    order = raised(shop)
    before = shop.case(order)
    with shop.app.database.reading() as connection:
        items = connection.execute(select(func.count()).select_from(inbox)).scalar_one()
    for _ in range(3):
        shop.poll()

    assert shop.case(order) == before
    assert shop.work_off() == 0
    with shop.app.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(inbox)).scalar_one() == items
    shop.staff(order, "note", note="She pays in the shop tomorrow")
    shop.hear("webhook", order)
    assert shop.case(order).order.payments == before.order.payments


def test_the_rest_is_paid(shop: Shop) -> None:
    """The shop shows another transaction: the order goes on and is shipped."""
    order = raised(shop)
    pay(shop, order, "txn_second")
    shop.work()

    assert shop.case(order).holds == ()
    assert shop.case(order).stage is Stage.PROCESSING
    assert shop.case(order).paid == ()
    assert shop.command(order, "ship", **SHIP) == ""
    assert shop.case(order).stage is Stage.COMPLETED


def test_the_edit_is_undone(shop: Shop) -> None:
    """What is asked for was paid all the time."""
    order = raised(shop)
    added = shop.case(order).order.lines[1].id
    shop.staff(order, "edit", line_items=[{"id": int(added), "quantity": 0}])
    shop.work()

    case = shop.case(order)
    assert (case.stage, case.holds, case.paid) == (Stage.PROCESSING, (), ())
    assert case.order.payments[0].captured == case.order.total


def test_a_total_that_went_down_and_up_again(shop: Shop) -> None:
    """The customer has paid the first total: less than that is missing nothing, and back at it nothing either."""
    order = shop.new_order(items=TWO)
    for total in ("30.00", "32.22", "31.00"):
        shop.staff(order, "edit", total=total)
        shop.work()
        assert shop.case(order).holds == ()
        assert shop.case(order).order.payments[0].captured.text == total
    shop.staff(order, "edit", total="40.00")
    shop.work()

    assert "Only 32.22 USD of 40.00 USD are paid, 7.78 USD are missing" in shop.case(order).holds[0].text


def test_a_person_lets_it_go(shop: Shop) -> None:
    """It is shipped and completed; the same finding does not hold it again, a higher total does, with the new sum."""
    order = raised(shop)
    assert shop.command(order, "release", reason="awaiting_payment") == ""
    shop.later(hours=1)
    assert shop.case(order).stage is Stage.PROCESSING

    shop.staff(order, "edit", fee_lines=[{"name": "Express", "total": "3.00"}])
    shop.work()
    assert "41.38 USD are missing" in shop.case(order).holds[0].text
    assert shop.command(order, "release", reason="awaiting_payment") == ""
    assert shop.command(order, "ship", **SHIP) == ""
    assert shop.case(order).stage is Stage.COMPLETED
    assert shop.tasks(order) == []


def test_a_second_edit_while_it_is_held(shop: Shop) -> None:
    """The hold names what is missing now, and holds since the first edit."""
    order = raised(shop)
    since = shop.case(order).holds[0].since
    shop.app.clock.move(shop.app.clock.now() - since)
    shop.staff(order, "edit", fee_lines=[{"name": "Express", "total": "3.00"}])
    shop.work()

    (hold,) = shop.case(order).holds
    assert "41.38 USD are missing" in hold.text
    assert hold.since == since
    assert any("41.38 USD are missing" in text for text in shop.timeline(order))


def test_on_hold_for_the_edit_and_back(shop: Shop) -> None:
    """wp-admin lets lines be changed only on hold or pending; that it is put back does not say that the rest was paid."""
    order = shop.new_order(items=TWO)
    for status in ("on-hold", "processing"):
        shop.staff(order, "status", status=status)
        if status == "on-hold":
            shop.staff(order, "edit", **ADD)
        shop.work()

    assert [hold.code for hold in shop.case(order).holds] == ["partly_paid"]


@pytest.mark.parametrize("status", ["pending", "on-hold", "failed"])
def test_nothing_that_is_paid_in_part_is_cancelled_by_itself(shop: Shop, status: str) -> None:
    """Not by the policy about unpaid orders, whatever the shop calls it meanwhile."""
    policy = "\n[policy.unpaid.gateway]\nremind_after_days = 1\ncancel_after_days = 2\n"
    shop.config.write_text(shop.config.read_text() + policy)
    shop.reopen()
    order = raised(shop)
    shop.staff(order, "status", status=status)
    shop.work()
    shop.later(days=30)

    assert shop.status(order) == status
    assert shop.case(order).stage is Stage.ON_HOLD
    assert not [mail for mail in shop.mails("ada@") if "still waiting" in mail.subject]


def test_no_more_is_given_back_than_was_paid(shop: Shop) -> None:
    """What was never captured is not refunded."""
    order = raised(shop)
    assert "more than the 32.22 USD" in shop.command(order, "refund", amount="40.00")
    assert shop.command(order, "refund", amount="32.22") == ""

    assert shop.paid_back(order) == ["32.22"]


@pytest.mark.parametrize("by", ["us", "staff"])
def test_after_it_was_shipped(shop: Shop, by: str) -> None:
    """A hold would hold nothing: a person has a task that names the sum; it ends when the rest was paid."""
    order = shop.new_order(items=TWO)
    if by == "us":
        assert shop.command(order, "ship", **SHIP) == ""
    else:
        shop.staff(order, "complete")
        shop.work()
    shop.staff(order, "edit", **ADD)
    shop.work()

    (task,) = shop.tasks(order)
    assert "38.11 USD of it are not paid" in task
    assert shop.case(order).holds == ()
    shop.staff(order, "edit", customer_note="Thank you")
    shop.work()
    assert sum("not paid" in one for one in shop.tasks(order)) == 1
    pay(shop, order, "txn_second")
    shop.work()
    assert not any("not paid" in one for one in shop.tasks(order))


def test_deleted_and_restored(shop: Shop) -> None:
    """What was paid is remembered while the order is in the bin."""
    order = raised(shop)
    shop.staff(order, "bin")
    shop.work()
    shop.staff(order, "restore")
    shop.work()

    assert shop.case(order).order.payments[0].captured.text == "32.22"
