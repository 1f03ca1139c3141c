"""Money back by amount, by line and in full, by the gateway and by hand; and stock, put back once."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from connector.model.case import ActKind, ActState, RefundState, left_to_ship
from connector.model.events import DutyState, EffectState, TaskKind
from connector.model.flow import Stage
from connector.sandbox.faults import Rule
from connector.sandbox.woocommerce import refunds
from connector.sandbox.woocommerce.things import Refund
from connector.store import lists
from connector.store import tasks as stored
from connector.store.tables import duties, tasks
from tests.flow.shop import Shop, refused

THREE = [{"product_id": 13, "quantity": 3}]
MUG, STOCK = 13, 50


def stock(shop: Shop) -> int:
    found = shop.sandbox.store.products[MUG].stock
    assert found is not None
    return found


def line(shop: Shop, order: str) -> str:
    return shop.case(order).order.lines[0].id


def lines(shop: Shop, order: str, quantity: int) -> list[dict[str, Any]]:
    return [{"line_id": line(shop, order), "quantity": quantity}]


def rows(shop: Shop, order: str) -> list[Refund]:
    return list(shop.sandbox.store.refunds_of(int(order)))


def store_mails(shop: Shop, order: str) -> list[str]:
    sent = shop.truth(order)["mails"]
    return [mail["email_id"] for mail in sent if "refunded" in mail["email_id"]]


def close(shop: Shop, order: str, kind: TaskKind, *, again: bool = False) -> None:
    """A person says that a task is done (or, after all, not)."""
    with shop.app.database.writing() as connection:
        found = select(tasks.c.id).where(tasks.c.order_id == shop.row(order).id, tasks.c.kind == kind)
        task = lists.task(connection, connection.execute(found).scalars().one())
        assert task is not None
        now = shop.app.clock.now()
        if again:
            stored.reopen(connection, task, who="anna", now=now)
        else:
            stored.finish(connection, task, outcome="sent by bank transfer", who="anna", now=now)
    shop.work()


# --- by line ----------------------------------------------------------------------------------------------------------


def test_a_line_before_it_was_shipped(shop: Shop) -> None:
    """One of three: its price and tax go back, it goes back into stock, and it is not shipped any more."""
    order = shop.new_order(items=THREE)
    assert stock(shop) == STOCK - 3
    assert shop.command(order, "refund", lines=lines(shop, order, 1)) == ""

    assert shop.paid_back(order) == ["13.61"]
    (row,) = rows(shop, order)
    assert [(str(one.total), one.quantity, str(one.total_tax)) for one in row.line_items] == [("-12.5", -1, "-1.11")]
    assert stock(shop) == STOCK - 2
    assert [one.quantity for one in left_to_ship(shop.case(order))] == [2]
    assert shop.status(order) == "processing"
    told = shop.told(order)
    assert (told["refunded/customer"], told["refunded/merchant"]) == (DutyState.LEFT_TO_PLATFORM, DutyState.SENT)


def test_line_by_line_to_the_last_cent(shop: Shop) -> None:
    """Three times one, then the shipping: all of it went back, each once, and the shop says refunded."""
    order = shop.new_order(items=THREE)
    for _ in range(3):
        assert shop.command(order, "refund", lines=lines(shop, order, 1)) == ""
    assert "0 are left" in refused(shop, order, "refund", lines=lines(shop, order, 1))
    assert shop.command(order, "refund", shipping=True) == ""

    assert shop.paid_back(order) == ["13.61", "13.61", "13.61", "5.00"]
    assert str(shop.case(order).order.total) == "45.83 USD"
    assert shop.status(order) == "refunded"
    assert stock(shop) == STOCK
    assert "more than nothing" in refused(shop, order, "refund")


def test_everything_at_once(shop: Shop) -> None:
    """Without lines or amount it is all that is left, line by line; nothing is left to be shipped, and the stock is back."""
    order = shop.new_order(items=THREE)
    assert shop.command(order, "refund", lines=lines(shop, order, 1)) == ""
    assert shop.command(order, "refund") == ""

    assert shop.paid_back(order) == ["13.61", "32.22"]
    assert (stock(shop), shop.status(order)) == (STOCK, "refunded")
    assert left_to_ship(shop.case(order)) == ()


def test_what_was_shipped_is_not_put_back_by_itself(shop: Shop) -> None:
    """It is with the customer. A person who has it back says so."""
    order = shop.shipped(items=THREE)
    assert shop.command(order, "refund", lines=lines(shop, order, 1)) == ""
    assert stock(shop) == STOCK - 3
    assert shop.command(order, "refund", lines=lines(shop, order, 1), restock=True) == ""
    assert stock(shop) == STOCK - 2


@pytest.mark.parametrize("seen", ["before", "together"])
def test_staff_gave_a_line_back_already(shop: Shop, seen: str) -> None:
    """A list does not say what their refund was for: the order is read, and only the other two are left."""
    order = shop.new_order(items=THREE)
    mug = {"id": int(line(shop, order)), "quantity": 1, "refund_total": 12.5, "refund_tax": [{"id": 1, "refund_total": 1.11}]}
    refunds.create_refund(shop.sandbox.store, int(order), {"line_items": [mug]}, by=3)
    if seen == "before":
        shop.work()
    assert "2 are left" in shop.command(order, "refund", lines=lines(shop, order, 3))
    assert [one.quantity for one in left_to_ship(shop.case(order))] == [2]
    assert shop.command(order, "refund") == ""
    assert shop.paid_back(order) == ["13.61", "32.22"]
    assert stock(shop) == STOCK


def test_a_lost_answer_to_a_refund_by_line(shop: Shop) -> None:
    """Found by its mark: given back once, put back once, and the books say so."""
    order = shop.new_order(items=THREE)
    shop.sandbox.faults.add(Rule(kind="error_500_after", method="POST", match="refunds"))
    shop.command(order, "refund", lines=lines(shop, order, 1))
    shop.long_ago()
    shop.later(hours=1)

    assert shop.paid_back(order) == ["13.61"]
    assert stock(shop) == STOCK - 2
    assert [record.state for record in shop.case(order).refunds] == [RefundState.DONE]


# --- by hand ----------------------------------------------------------------------------------------------------------


def paid_by_transfer(shop: Shop) -> str:
    order = shop.new_order(items=THREE, payment_method="bacs")
    shop.staff(order, "status", status="processing")
    shop.work()
    return order


def test_a_bank_transfer_is_given_back_by_hand(shop: Shop) -> None:
    """The shop has it on record once, and nobody is told by us until a person says that the money has gone; then once."""
    order = paid_by_transfer(shop)
    assert shop.command(order, "refund", lines=lines(shop, order, 1)) == ""
    assert shop.paid_back(order) == []
    assert [(row.amount, row.refunded_payment) for row in rows(shop, order)] == [("13.61", False)]
    (title,) = shop.tasks(order, TaskKind.MANUAL_REFUND)
    assert "give 13.61 USD back by hand" in title
    assert [one for one in shop.told(order) if one.startswith("refunded")] == []
    assert [record.state for record in shop.case(order).refunds] == [RefundState.MANUAL]

    close(shop, order, TaskKind.MANUAL_REFUND)
    told = shop.told(order)
    assert (told["refunded/customer"], told["refunded/merchant"]) == (DutyState.LEFT_TO_PLATFORM, DutyState.SENT)
    assert [record.state for record in shop.case(order).refunds] == [RefundState.DONE]
    assert len(rows(shop, order)) == 1
    assert store_mails(shop, order) == ["customer_partially_refunded_order"]


def test_not_given_back_after_all(shop: Shop) -> None:
    """The task is opened again: the refund waits for a person as before, and what was told is not told twice."""
    order = paid_by_transfer(shop)
    shop.command(order, "refund", amount="5.00")
    close(shop, order, TaskKind.MANUAL_REFUND)
    mails = len(shop.mails())
    close(shop, order, TaskKind.MANUAL_REFUND, again=True)
    assert [record.state for record in shop.case(order).refunds] == [RefundState.MANUAL]
    close(shop, order, TaskKind.MANUAL_REFUND)
    assert [record.state for record in shop.case(order).refunds] == [RefundState.DONE]
    assert len(shop.mails()) == mails
    assert len([row for row in shop.rows(duties, order) if row.event == "refunded"]) == 2


@pytest.mark.parametrize("fault", ["error_500_after", "reset_after", "error_500_before"])
def test_a_lost_answer_to_what_is_only_written_down(shop: Shop, fault: str) -> None:
    """One row in the shop, one task, whatever became of the answer."""
    order = paid_by_transfer(shop)
    shop.sandbox.faults.add(Rule(kind=fault, method="POST", match="refunds"))
    shop.command(order, "refund", amount="5.00")
    shop.long_ago()
    shop.later(hours=1)

    assert [row.amount for row in rows(shop, order)] == ["5.00"]
    assert len(shop.tasks(order, TaskKind.MANUAL_REFUND)) == 1
    assert shop.tasks(order, TaskKind.UNKNOWN_EFFECT) == []


def test_the_last_cent_by_hand(shop: Shop) -> None:
    """Written down in full, the shop says refunded: that is our own doing, no decision of staff."""
    order = paid_by_transfer(shop)
    assert shop.command(order, "refund") == ""
    shop.later(hours=1)

    assert shop.status(order) == "refunded"
    assert len(shop.tasks(order)) == 1
    assert stock(shop) == STOCK


def test_cancelled_and_paid_by_transfer(shop: Shop) -> None:
    """Called off, the stock back once, the money written down and a task for the person who sends it."""
    order = paid_by_transfer(shop)
    assert shop.command(order, "cancel") == ""

    assert shop.case(order).stage is Stage.CANCELLED
    assert [row.amount for row in rows(shop, order)] == ["45.83"]
    assert stock(shop) == STOCK
    assert len(shop.tasks(order, TaskKind.MANUAL_REFUND)) == 1


# --- others do it, too ------------------------------------------------------------------------------------------------


def test_staff_gave_it_back_a_moment_before(shop: Shop) -> None:
    """Nothing is left: refused with the reason, no second payment, and nobody is asked to give it back by hand."""
    order = shop.new_order(items=THREE)
    request = shop.ask(order, "refund", amount="45.83")
    shop.staff(order, "refund", amount="45.83", gateway=True)
    shop.work(poll=False)

    assert shop.outcome(order, request) == ""
    assert shop.paid_back(order) == ["45.83"]
    assert shop.tasks(order, TaskKind.MANUAL_REFUND) == []
    (act,) = [act for act in shop.case(order).acts if act.kind is ActKind.REFUND_PAYMENT]
    assert act.state in (ActState.REFUSED, ActState.DROPPED)


def test_staff_gave_a_part_back_a_moment_before(shop: Shop) -> None:
    """Less is left than was asked for: no is said with what is left, and a part is not paid on its own."""
    order = shop.new_order(items=THREE)
    shop.ask(order, "refund", amount="45.83")
    shop.staff(order, "refund", amount="8.61", gateway=True)
    shop.work(poll=False)

    assert shop.paid_back(order) == ["8.61"]
    (act,) = [act for act in shop.case(order).acts if act.kind is ActKind.REFUND_PAYMENT]
    assert (act.state, "only 37.22 USD of 45.83 USD is left" in act.said) == (ActState.REFUSED, True)
    assert shop.tasks(order, TaskKind.MANUAL_REFUND) == []


def test_declined(shop: Shop) -> None:
    """The gateway said no: a person gives it back or does not; it is asked once."""
    order = shop.new_order()
    shop.sandbox.store.gateways["fakepay"].decline = "error"
    shop.command(order, "refund", amount="5.00")
    shop.later(days=1)

    assert len(shop.truth(order)["gateway_refunds"]) == 1
    assert len(shop.tasks(order, TaskKind.MANUAL_REFUND)) == 1
    assert rows(shop, order) == []


def test_both_at_once(shop: Shop) -> None:
    """The shop has no lock, and both went out: a task says by how much, once, and staff read it in the shop."""
    order = shop.new_order()
    assert shop.command(order, "refund", amount="18.61") == ""
    store = shop.sandbox.store
    with store.lock:
        number = store.next_id()
        row = Refund(id=number, order_id=int(order), created=store.now(), amount="18.61", reason="", refunded_by=3)
        row.refunded_payment = True
        store.refunds[number] = row
    shop.tamper(order, lambda order: None)
    shop.later(hours=1)
    titles = [title for title in shop.tasks(order, TaskKind.PROBLEM) if "more was given back" in title]
    assert titles == [f"shop/{order}: 18.61 USD more was given back than the customer paid."]
    found = [row for row in shop.rows(tasks, order) if row.title in titles]
    with shop.app.database.writing() as connection:
        task = lists.task(connection, found[0].id)
        assert task is not None
        stored.finish(connection, task, outcome="asked her", who="anna", now=shop.app.clock.now())
    shop.later(days=1)
    assert [title for title in shop.tasks(order, TaskKind.PROBLEM) if "more was given back" in title] == []


# --- stock ------------------------------------------------------------------------------------------------------------


def test_cancel_first_then_the_lines(shop: Shop) -> None:
    """Fact 18: the cancellation puts it back, the refund of the lines not once more, whatever the person says."""
    order = shop.new_order(items=THREE)
    assert shop.command(order, "cancel", refund=False) == ""
    assert stock(shop) == STOCK
    assert shop.command(order, "refund", lines=lines(shop, order, 3), restock=True) == ""
    assert stock(shop) == STOCK
    assert shop.paid_back(order) == ["40.83"]


def test_the_lines_first_then_cancel(shop: Shop) -> None:
    """What the refund put back the cancellation does not put back again."""
    order = shop.new_order(items=THREE)
    assert shop.command(order, "refund", lines=lines(shop, order, 2)) == ""
    assert shop.command(order, "cancel") == ""
    assert stock(shop) == STOCK
    assert shop.paid_back(order) == ["27.22", "18.61"]


def test_cancel_cannot_leave_the_stock(shop: Shop) -> None:
    """The shop puts it back and cannot be told not to: said before anything is sent."""
    order = shop.new_order(items=THREE)
    assert "cannot be told not to" in refused(shop, order, "cancel", restock=False)


def with_policy(shop: Shop, restock: str) -> None:
    shop.config.write_text(shop.config.read_text("utf-8") + f"\n[policy]\nrestock = {restock}\n", "utf-8")
    shop.reopen()


@pytest.mark.parametrize("status", ["refunded", "failed"])
def test_stock_that_the_shop_leaves_taken(shop: Shop, status: str) -> None:
    """Only if the merchant wants it; once, however often it is looked at."""
    order = shop.new_order(items=THREE)
    shop.staff(order, "status", status=status)
    shop.work()
    assert stock(shop) == STOCK - 3
    with_policy(shop, f'["{status}"]')
    shop.webhook(order)
    shop.later(days=1)
    assert stock(shop) == STOCK
    shop.webhook(order)
    shop.later(days=1)
    assert stock(shop) == STOCK
    assert len(shop.effects(order, "adjust_inventory")) == 1


def test_the_shop_puts_it_back_after_us(shop: Shop) -> None:
    """Refunded, put back by us, then cancelled by staff, and the shop puts it back, too: ours is taken again."""
    with_policy(shop, '["refunded"]')
    order = shop.new_order(items=THREE)
    shop.staff(order, "status", status="refunded")
    shop.work()
    assert stock(shop) == STOCK
    shop.staff(order, "status", status="cancelled")
    assert stock(shop) == STOCK + 3
    shop.work()
    assert stock(shop) == STOCK


@pytest.mark.parametrize("told", ["at once", "after the first", "at the end"])
@pytest.mark.parametrize(
    "statuses",
    [
        ("refunded", "cancelled"),
        ("cancelled", "refunded"),
        ("failed", "pending"),
        ("failed", "pending", "cancelled"),
        ("refunded", "processing"),
        ("refunded", "processing", "cancelled"),
        ("refunded", "cancelled", "processing"),
        ("refunded", "cancelled", "processing", "refunded"),
        ("cancelled", "processing", "failed"),
        ("failed", "processing", "failed", "cancelled"),
    ],
    ids="-".join,
)
def test_stock_is_put_back_once_in_every_order_of_doing(shop: Shop, statuses: tuple[str, ...], told: str) -> None:
    """Ours and then the owner's, the owner's and then ours, and taken up again: in the end each piece is counted once."""
    with_policy(shop, '["refunded", "failed"]')
    order = shop.new_order(items=THREE)
    for status in statuses:
        shop.staff(order, "status", status=status)
        if told == "at once" or (told == "after the first" and status == statuses[0]):
            shop.work()
    for _ in range(2):
        shop.later(days=1)
        assert stock(shop) == (STOCK - 3 if statuses[-1] == "processing" else STOCK)


def test_a_refund_by_amount_with_the_policy(shop: Shop) -> None:
    """All the money went back without a word about lines: what never left goes back into stock, what left does not."""
    with_policy(shop, '["refunded"]')
    kept, sent = shop.new_order(items=THREE), shop.shipped(items=THREE)
    for order in (kept, sent):
        assert shop.command(order, "refund", amount="45.83") == ""
    assert stock(shop) == STOCK - 3
    broken = shop.new_order(items=THREE)
    assert shop.command(broken, "refund", restock=False) == ""
    shop.later(days=1)
    assert stock(shop) == STOCK - 6, "broken ones are not wanted back"


def test_a_lost_answer_to_a_stock_change(shop: Shop) -> None:
    """Judged by the stock there is: changed once."""
    with_policy(shop, '["refunded"]')
    order = shop.new_order(items=THREE)
    shop.sandbox.faults.add(Rule(kind="reset_after", method="PUT", match="products"))
    shop.staff(order, "status", status="refunded")
    shop.work()
    shop.long_ago()
    shop.later(hours=1)
    assert stock(shop) == STOCK
    assert [row.state for row in shop.effects(order, "adjust_inventory")] == [EffectState.DONE]


# --- overtaken by staff -----------------------------------------------------------------------------------------------


def overtaken(shop: Shop, fault: str) -> str:
    """A refund of 5.00 got no answer, and staff called the order off before it could be looked up."""
    order = shop.new_order()
    shop.sandbox.faults.add(Rule(kind=fault, method="POST", match="refunds"))
    shop.command(order, "refund", request_id="money", amount="5.00")
    shop.sandbox.faults.clear()
    shop.staff(order, "status", status="cancelled")
    shop.work()
    assert shop.case(order).stage is Stage.CANCELLED
    return order


@pytest.mark.parametrize(("fault", "paid"), [("error_500_after", ["5.00"]), ("error_500_before", [])])
def test_what_staff_overtook_is_found_out(shop: Shop, fault: str, paid: list[str]) -> None:
    """Looked up by itself; what happened is in the books and told, what did not is not sent again."""
    order = overtaken(shop, fault)
    shop.long_ago()
    shop.later(hours=1)

    assert shop.paid_back(order) == paid
    states = [row.state for row in shop.effects(order, "refund_payment")]
    assert states == [EffectState.DONE if paid else EffectState.REFUSED]
    assert [record.state for record in shop.case(order).refunds] == [RefundState.DONE if paid else RefundState.REFUSED]
    assert shop.tasks(order, TaskKind.UNKNOWN_EFFECT) == []


@pytest.mark.parametrize("happened", [True, False])
def test_a_person_says_what_became_of_it(shop: Shop, happened: bool) -> None:
    """Nobody else can tell: a task, and the answer settles the effect; what did not happen is not sent again."""
    order = overtaken(shop, "error_500_after")
    (row,) = rows(shop, order)
    row.refunded_payment = False
    shop.long_ago()
    shop.later(hours=1)
    assert "before the order was called off" in shop.tasks(order, TaskKind.UNKNOWN_EFFECT)[0]
    assert shop.command(order, "resolve", act="refund-money", happened=happened) == ""
    shop.later(days=1)

    assert shop.tasks(order, TaskKind.UNKNOWN_EFFECT) == []
    states = [row.state for row in shop.effects(order, "refund_payment")]
    assert EffectState.UNKNOWN not in states
    assert len(shop.truth(order)["gateway_refunds"]) == 1
    state = RefundState.DONE if happened else RefundState.REFUSED
    assert [record.state for record in shop.case(order).refunds] == [state]
    assert "nothing waits" in shop.command(order, "resolve", act="refund-money", happened=happened)
