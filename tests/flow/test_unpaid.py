"""Who does not pay is reminded once, then the order is called off; never after the money came, and only if asked for."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.config import load
from connector.errors import ConfigError
from connector.model.events import DutyState
from connector.model.flow import Stage
from connector.model.order import PlatformStatus
from connector.model.review import HoldReason
from connector.sandbox.faults import Rule
from connector.sandbox.woocommerce import status as store_status
from tests.flow.shop import NAME, SHIP, Shop

POLICY = """
[policy.unpaid.cheque]
remind_after_days = 7
cancel_after_days = 14

[policy.unpaid.bank_transfer]
cancel_after_days = 10

[policy.unpaid.gateway]
remind_after_days = 2
"""


@pytest.fixture
def strict(shop: Shop) -> Shop:
    """A shop whose policy says what becomes of unpaid orders."""
    shop.config.write_text(shop.config.read_text() + POLICY)
    shop.reopen()
    return shop


def reminders(shop: Shop) -> list[str]:
    return [mail.subject for mail in shop.mails("ada@") if "still waiting for your payment" in mail.subject]


def pay(shop: Shop, order: str) -> None:
    """The money comes: the shop's gateway says so."""
    store = shop.sandbox.store
    with store.lock:
        store_status.complete_payment(store, store.orders[int(order)], transaction_id="txn_late")
        store.touch(store.orders[int(order)])


# --- the whole way ----------------------------------------------------------------------------------------------------


def test_a_cheque_that_never_comes(strict: Shop) -> None:
    """Reminded after a week, cancelled after two, everybody told once, and nothing given back because nothing came."""
    order = strict.new_order(payment_method="cheque")
    strict.later(days=6, hours=23)
    assert reminders(strict) == []
    assert strict.case(order).stage is Stage.ON_HOLD

    strict.later(hours=2)
    assert reminders(strict) == [f"We are still waiting for your payment (order {order})"]
    assert strict.told(order)["payment_reminder/merchant"] == DutyState.SENT
    assert "We keep it for 7 more days" in str(strict.mails("ada@")[-1].text)
    strict.later(days=6)
    assert len(reminders(strict)) == 1
    assert strict.status(order) == "on-hold"

    strict.later(days=2)
    assert strict.status(order) == "cancelled"
    assert strict.case(order).stage is Stage.CANCELLED
    assert strict.paid_back(order) == []
    assert strict.told(order)["cancelled/customer"] == DutyState.SENT
    assert strict.told(order)["cancelled/merchant"] == DutyState.LEFT_TO_PLATFORM
    assert [mail.subject for mail in strict.mails("ada@")][-1] == f"Your order {order} is cancelled"
    assert strict.tasks(order) == []
    strict.later(days=30)
    assert strict.row(order).due_at is None
    assert strict.writes(order).count(f"PUT orders/{order}") == 1
    assert len(strict.mails("ada@")) == 2


def test_nothing_is_done_by_default(shop: Shop) -> None:
    """Without a policy an unpaid order waits for ever, and is not even looked at."""
    order = shop.new_order(payment_method="cheque")
    assert shop.row(order).due_at is None
    shop.later(days=400)

    assert shop.status(order) == "on-hold"
    assert shop.mails("ada@") == []


def test_only_the_kinds_that_are_named(strict: Shop) -> None:
    """Cash on delivery is shipped unpaid, and what is paid is no concern of this policy."""
    orders = [strict.new_order(payment_method=method) for method in ("cod", "fakepay")]
    strict.later(days=60)

    assert [strict.case(order).stage for order in orders] == [Stage.PROCESSING, Stage.PROCESSING]
    assert [strict.row(order).due_at for order in orders] == [None, None]


def test_cancelled_without_a_reminder(strict: Shop) -> None:
    """Each of the two can be had alone."""
    order = strict.new_order(payment_method="bacs")
    strict.later(days=10, minutes=1)

    assert strict.status(order) == "cancelled"
    assert reminders(strict) == []


# --- the money comes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [1, 8])
def test_paid_in_time(strict: Shop, days: int) -> None:
    """Before or after the reminder: the order goes on, and is never called off."""
    order = strict.new_order(payment_method="cheque")
    strict.later(days=days)
    pay(strict, order)
    strict.later(days=30)

    assert strict.case(order).stage is Stage.PROCESSING
    assert strict.status(order) == "processing"
    assert strict.row(order).due_at is None
    assert strict.command(order, "ship", **SHIP) == ""


def test_paid_and_nobody_told_us(strict: Shop) -> None:
    """No webhook and no poll: it is read again before the customer is reminded, and again before it is called off."""
    first, second = strict.new_order(payment_method="cheque"), strict.new_order(payment_method="cheque")
    pay(strict, first)
    strict.later(poll=False, days=7, hours=1)
    assert len(reminders(strict)) == 1
    assert strict.case(first).stage is Stage.PROCESSING

    pay(strict, second)
    strict.later(poll=False, days=8)
    assert strict.status(second) == "processing"
    assert strict.case(second).stage is Stage.PROCESSING
    assert f"PUT orders/{second}" not in strict.writes(second)


def test_paid_while_the_cancellation_was_held_back(strict: Shop) -> None:
    """It was decided and could not be sent; the payment comes first, so it is not sent any more."""
    order = strict.new_order(payment_method="bacs")
    strict.mode("shadow", NAME)
    strict.later(days=11)
    assert any(act.id.startswith("cancel-unpaid") for act in strict.case(order).open_acts)
    pay(strict, order)
    strict.mode("live")
    strict.later(days=1)

    assert strict.status(order) == "processing"
    assert strict.case(order).stage is Stage.PROCESSING
    assert "It is not cancelled: it does not wait for its payment any more." in strict.timeline(order)


def test_paid_before_the_reminder_got_through(strict: Shop) -> None:
    """The mail server was away, and then the money was there: nobody is reminded."""
    order = strict.new_order(payment_method="cheque")
    strict.mode("shadow", "mail")
    strict.later(days=7, hours=1)
    assert strict.told(order)["payment_reminder/customer"] == DutyState.OWED
    pay(strict, order)
    strict.work()
    strict.mode("live")
    strict.work()

    assert strict.told(order)["payment_reminder/customer"] == DutyState.WAIVED
    assert reminders(strict) == []


def test_paid_in_the_moment_of_the_cancellation(strict: Shop) -> None:
    """Between our last look and our write the status has changed: nothing is written, and the money wins."""
    order = strict.new_order(payment_method="bacs")
    strict.sandbox.faults.add(Rule(kind="error_500_before", method="PUT", match=rf"orders/{order}$"))
    strict.later(poll=False, days=10, hours=1)
    assert strict.effects(order, "cancel_order")
    pay(strict, order)
    for _ in range(3):
        strict.long_ago()
        strict.later(poll=False, minutes=30)

    assert strict.status(order) == "processing"
    assert strict.case(order).stage is Stage.PROCESSING


# --- people -----------------------------------------------------------------------------------------------------------


def test_a_person_who_holds_it_stops_the_clock(strict: Shop) -> None:
    """'She pays on Friday': it is neither reminded nor cancelled until the hold is released."""
    order = strict.new_order(payment_method="cheque")
    assert strict.command(order, "hold", text="She pays on Friday.") == ""
    strict.later(days=30)
    assert reminders(strict) == []
    assert strict.status(order) == "on-hold"

    assert strict.command(order, "release", reason="manual") == ""
    assert len(reminders(strict)) == 1
    strict.later(days=6)
    assert strict.status(order) == "on-hold"
    strict.later(days=2)
    assert strict.status(order) == "cancelled"


def test_a_person_says_that_it_is_paid(strict: Shop) -> None:
    """Then the platform is told, and nothing more happens by itself."""
    order = strict.new_order(payment_method="cheque")
    assert strict.command(order, "release", reason="awaiting_payment") == ""
    strict.later(days=30)

    assert strict.status(order) == "processing"
    assert strict.case(order).stage is Stage.PROCESSING
    assert reminders(strict) == []


# --- clocks and restarts ----------------------------------------------------------------------------------------------


def test_a_long_sleep_gives_the_customer_the_days_all_the_same(strict: Shop) -> None:
    """Everything was switched off for a month: first the reminder, then as many days as the policy leaves between the two."""
    order = strict.new_order(payment_method="cheque")
    strict.reopen()
    strict.later(days=31)
    assert len(reminders(strict)) == 1
    assert strict.status(order) == "on-hold"
    strict.reopen()
    strict.later(days=6, hours=23)
    assert strict.status(order) == "on-hold"
    strict.later(hours=2)

    assert strict.status(order) == "cancelled"
    assert len(reminders(strict)) == 1


def test_a_clock_that_is_set_back_and_forth(strict: Shop) -> None:
    """Nothing happens early or twice, and the deadline is not lost."""
    order = strict.new_order(payment_method="cheque")
    for days in (3, -2, 5, -4, 4):
        strict.app.clock.move(timedelta(days=days))
        strict.work()
    assert reminders(strict) == []
    due_at = strict.row(order).due_at
    assert due_at is not None
    assert due_at - strict.app.clock.now() <= timedelta(days=1)
    for _ in range(10):
        strict.later(days=1)
        strict.app.clock.move(timedelta(hours=-3))

    assert len(reminders(strict)) == 1
    strict.later(days=10)
    assert strict.status(order) == "cancelled"


# --- kinds of payment -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["bacs", "cheque"])
def test_what_waits_for_money_is_held(shop: Shop, method: str) -> None:
    """Bank transfer and cheque are on hold until the shop shows them paid."""
    order = shop.new_order(payment_method=method)
    assert [hold.reason for hold in shop.case(order).holds] == [HoldReason.AWAITING_PAYMENT]
    assert "is on hold" in shop.command(order, "ship", **SHIP)
    pay(shop, order)
    shop.work()

    assert shop.case(order).stage is Stage.PROCESSING


def test_cash_on_delivery_ships_unpaid(shop: Shop) -> None:
    """`processing` without a payment is how the shop says that it may go."""
    order = shop.new_order(payment_method="cod")
    assert shop.case(order).order.payments[0].captured.minor == 0
    assert shop.command(order, "ship", **SHIP) == ""

    assert shop.status(order) == "completed"
    assert shop.case(order).stage is Stage.COMPLETED


def test_cash_on_delivery_placed_as_paid(shop: Shop) -> None:
    """The shop completes it when it is placed (fact 8). It is not taken for history: a person says whether to send it."""
    order = shop.buy(payment_method="cod")
    store = shop.sandbox.store
    with store.lock:
        store.orders[int(order)].status = "pending"
        store_status.complete_payment(store, store.orders[int(order)])
        store.touch(store.orders[int(order)])
    assert shop.status(order) == "completed"
    shop.work()

    assert shop.case(order).stage is Stage.ON_HOLD
    assert [hold.code for hold in shop.case(order).holds] == ["completed_before"]
    assert "has it been sent?" in shop.tasks(order)[0]
    assert shop.command(order, "release") == ""
    assert shop.command(order, "ship", **SHIP) == ""
    assert shop.case(order).stage is Stage.SHIPPED
    assert shop.status(order) == "completed"


@pytest.mark.parametrize("status", ["pending", "failed"])
def test_cash_on_delivery_that_the_shop_has_not_confirmed(shop: Shop, status: str) -> None:
    """Nothing is shipped on an order that the shop itself does not work on yet."""
    order = shop.new_order(payment_method="cod")
    shop.staff(order, "status", status=status)
    shop.work()
    assert [hold.code for hold in shop.case(order).holds] == ["not_confirmed"]
    shop.staff(order, "status", status="processing")
    shop.work()

    assert shop.case(order).stage is Stage.PROCESSING


def test_a_person_lets_an_unpaid_order_go(shop: Shop) -> None:
    """It waits as `pending`; the person's word becomes the platform's status."""
    order = shop.new_order()
    shop.tamper(order, lambda one: setattr(one, "paid", None))
    shop.staff(order, "status", status="pending")
    shop.work()
    assert shop.case(order).holds_for(HoldReason.AWAITING_PAYMENT)
    assert shop.command(order, "approve") == ""

    assert shop.status(order) == "processing"
    assert shop.case(order).order.means is PlatformStatus.OPEN


# --- the policy -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[policy.unpaid.cheque]\nremind_after_days = 9\ncancel_after_days = 9", "must be more than remind_after_days"),
        ("[policy.unpaid.check]\ncancel_after_days = 9", '"check" is not possible'),
        ("[policy.unpaid.cheque]\ncancel_after_days = 0", "cancel_after_days"),
        ("[policy.unpaid.cheque]\ncancel_after = 9", "cancel_after"),
    ],
)
def test_a_policy_that_cannot_be_meant(tmp_path: Path, text: str, why: str) -> None:
    """It is refused before any order is cancelled by it."""
    path = tmp_path / "connector.toml"
    path.write_text(text)
    environ: dict[str, Any] = {}

    with pytest.raises(ConfigError, match=why):
        load(path, environ)


def test_an_abandoned_checkout_is_called_off_and_the_merchant_is_told(shop: Shop) -> None:
    """Of a cancelled `pending` order the shop mails nobody (fact 22): customer and merchant hear of it from us, once."""
    policy = "\n[policy.unpaid.gateway]\ncancel_after_days = 3\n"
    shop.config.write_text(shop.config.read_text() + policy)
    shop.reopen()
    order = shop.buy()
    shop.tamper(order, lambda one: (setattr(one, "paid", None), setattr(one, "status", "pending")))
    shop.work()
    shop.later(days=3, hours=1)

    assert shop.status(order) == "cancelled"
    assert shop.told(order)["cancelled/customer"] == DutyState.SENT
    assert shop.told(order)["cancelled/merchant"] == DutyState.SENT
