"""What was begun and never answered: a person says what happened, or has it sent once more."""

from __future__ import annotations

import pytest

from connector.model.case import ActState
from connector.model.events import DutyState, EffectState, TaskKind
from connector.model.flow import Stage
from connector.model.order import PlatformStatus
from connector.sandbox.faults import Rule
from connector.store.tables import tasks
from tests.flow.shop import SHIP, Shop, refused, shortened


def unknown_refund(shop: Shop, *, happened: bool) -> str:
    """An order whose refund got no answer, and of which the shop cannot say whether it happened."""
    order = shop.new_order()
    shop.sandbox.faults.add(Rule(kind="error_500_after" if happened else "error_500_before", method="POST", match="refunds"))
    shop.command(order, "refund", request_id="money")
    shop.sandbox.faults.clear()
    # A plugin of the shop takes our mark out of the reason, and the payment's entry with it.
    if happened:
        (refund,) = shop.sandbox.store.refunds_of(int(order))
        refund.refunded_payment = False
    else:
        shop.staff(order, "delete")
    shop.long_ago()
    shop.later(hours=1, poll=False)
    return order


def test_resolve_happened(shop: Shop) -> None:
    """A person saw that the money went back: it counts as given back and is never sent again."""
    order = unknown_refund(shop, happened=True)
    (title,) = shop.tasks(order, TaskKind.UNKNOWN_EFFECT)
    assert "nobody knows whether refund_payment happened" in title
    assert [row.state for row in shop.effects(order, "refund_payment")] == [EffectState.UNKNOWN]
    assert shop.command(order, "resolve", act="refund-money", happened=True) == ""
    shop.later(days=1)

    assert [row.state for row in shop.effects(order, "refund_payment")] == [EffectState.DONE]
    assert shop.paid_back(order) == ["18.61"]
    assert shop.tasks(order) == []
    assert shop.told(order)["refunded/merchant"] == DutyState.SENT
    assert shop.command(order, "resolve", act="refund-money", happened=True).startswith(f"shop/{order}: nothing waits")


def test_resolve_not_happened(shop: Shop) -> None:
    """A person saw that it did not: it is sent once more, as a new attempt."""
    order = shop.new_order()
    gateway = shop.sandbox.store.gateways["fakepay"]
    gateway.delay_s = 1.0  # longer than we wait: the row stands there without its payment
    shortened(shop.app, deadline_s=0.3)
    shop.command(order, "refund", request_id="money")
    (refund,) = shop.sandbox.store.refunds_of(int(order))
    gateway.delay_s = 0.0
    shop.reopen()
    shop.long_ago()
    shop.later(hours=1)
    assert shop.tasks(order, TaskKind.UNKNOWN_EFFECT)
    # The shop's staff see that the payment failed, and take the row away.
    shop.sandbox.store.refunds.clear()
    assert refund.refunded_payment is False

    assert shop.command(order, "resolve", act="refund-money", happened=False) == ""
    rows = sorted(shop.effects(order, "refund_payment"), key=lambda row: row.attempt)
    assert [(row.attempt, row.state) for row in rows] == [(1, EffectState.REFUSED), (2, EffectState.DONE)]
    assert len(shop.sandbox.store.refunds_of(int(order))) == 1
    assert shop.tasks(order) == []


def test_resolve_a_status_that_nobody_can_tell(shop: Shop) -> None:
    """The shop shows a third status, so it cannot be looked up; what a person says holds at once, without asking again."""
    order = shop.new_order(payment_method="bacs")
    shop.sandbox.faults.add(Rule(kind="error_500_before", method="PUT", match=r"orders/\d+$"))
    shop.command(order, "approve")
    shop.staff(order, "status", status="failed")
    shop.long_ago()
    shop.later(hours=1)
    (act,) = [act for act in shop.case(order).acts if act.state is ActState.WAITING]
    assert shop.command(order, "resolve", act=act.id, happened=False) == ""

    assert shop.status(order) == "processing"
    assert shop.tasks(order) == []
    assert [row.state for row in shop.effects(order, "push_status")] == [EffectState.REFUSED, EffectState.DONE]


def test_resolve_what_waits_for_nothing(shop: Shop) -> None:
    """Nobody can make something happened that was never unknown."""
    order = shop.new_order()
    assert "nothing waits for an answer" in refused(shop, order, "resolve", act="refund-money", happened=True)
    assert shop.paid_back(order) == []


def test_resend_of_an_unknown_mail(shop: Shop) -> None:
    """Exactly one more goes out, the task is closed, and the same request is not another mail."""
    shop.sandbox.mailbox.fault("drop_after_data", match="ada@")
    order = shop.new_order(po_box=True)
    (duty,) = [duty for duty in shop.case(order).duties if "on_hold" in duty and duty.endswith("customer")]
    assert shop.told(order)["on_hold/customer"] == DutyState.UNKNOWN
    assert len(shop.mails("ada@")) == 1
    shop.later(days=1)
    assert len(shop.mails("ada@")) == 1
    assert shop.command(order, "resend", request_id="again", duty=duty) == ""
    shop.ask(order, "resend", request_id="again", duty=duty)
    shop.work()

    assert len(shop.mails("ada@")) == 2
    assert len({mail.message_id for mail in shop.mails("ada@")}) == 2
    assert shop.told(order)["on_hold/customer"] == DutyState.SENT
    assert shop.tasks(order) == []


def test_resend_of_what_is_no_message(shop: Shop) -> None:
    """It is refused, and nobody is written to."""
    order = shop.new_order()
    assert "there is no message" in refused(shop, order, "resend", duty="a_shop/1/shipped/x/customer")
    assert "there is no message" in refused(shop, order, "resend")
    assert shop.mails() == []


def test_resend_of_a_refused_mail(shop: Shop) -> None:
    """The address was wrong; once it is mended on the platform the mail goes out, and its task is closed."""
    shop.sandbox.mailbox.fault("refuse", match="ada@", times=0)
    order = shop.new_order(po_box=True)
    (duty,) = [duty for duty in shop.case(order).duties if "on_hold" in duty and duty.endswith("customer")]
    assert shop.told(order)["on_hold/customer"] == DutyState.FAILED
    shop.staff(order, "edit", billing={"email": "ada.new@buyer.example"})
    shop.work()
    assert shop.command(order, "resend", duty=duty) == ""

    assert len(shop.mails("ada.new@")) == 1
    assert [row.state for row in shop.rows(tasks, order)] == ["done"]


COMPLETED = "customer_completed_order"
SHIPPED_MAILS = (COMPLETED, "customer_note", "customer_fulfillment_created", "customer_fulfillment_updated")


# --- what follows a shipment that was told after all -------------------------------------------------------------------


def untold_shipment(shop: Shop, way: str, *, note: str, off: tuple[str, ...]) -> str:
    """A parcel has left; the answer to its number was lost, and the shop cannot be asked. The order went on meanwhile."""
    config = shop.config.read_text("utf-8").replace('mail = "mail"\n', f'mail = "mail"\ntracking_note = "{note}"\n', 1)
    shop.config.write_text(config, "utf-8")
    shop.sandbox.store.emails |= dict.fromkeys(off, False)
    shop.sandbox.store.settings.features = frozenset({way})
    shop.reopen()
    order = shop.new_order()
    shop.sandbox.faults.add(Rule(kind="reset_after", method="POST", match=r"orders/\d+/(fulfillments|shipment-trackings)"))
    shop.command(order, "ship", request_id="a", **SHIP)
    shop.sandbox.faults.clear()
    shop.sandbox.store.settings.features = frozenset()
    shop.long_ago()
    shop.later(hours=1)
    assert any("push_shipment" in title for title in shop.tasks(order, TaskKind.UNKNOWN_EFFECT))
    shop.sandbox.store.settings.features = frozenset({way})
    return order


@pytest.mark.parametrize(
    ("way", "note", "off", "heard", "notes"),
    [
        ("fulfillments", "private", (COMPLETED,), "us", 1),
        ("fulfillments", "customer", (COMPLETED,), "customer_fulfillment_created", 0),
        ("shipment-tracking", "customer", (COMPLETED,), "customer_note", 1),
        ("shipment-tracking", "customer", (), COMPLETED, 0),
        ("shipment-tracking", "private", (), COMPLETED, 1),
    ],
)
def test_what_follows_a_number_that_the_shop_has_after_all(
    shop: Shop, way: str, note: str, off: tuple[str, ...], heard: str, notes: int
) -> None:
    """A person says so: note, status and mail follow as if the answer had come, and the customer hears of the parcel once."""
    order = untold_shipment(shop, way, note=note, off=off)
    for _ in range(2):
        shop.command(order, "resolve", act="push-ship-a", happened=True)
        shop.later(days=1)
        by_shop = [mail["email_id"] for mail in shop.truth(order)["mails"] if mail["email_id"] in SHIPPED_MAILS]
        by_us = ["us" for mail in shop.mails("ada@") if "on its way" in mail.subject]
        assert by_shop + by_us == [heard]
        assert len([text for text in notes_of(shop, order) if SHIP["tracking"] in text]) == notes
        assert (shop.status(order), shop.case(order).stage, shop.tasks(order)) == ("completed", Stage.COMPLETED, [])


def notes_of(shop: Shop, order: str) -> list[str]:
    return [note.text for note in shop.sandbox.store.notes_of(int(order))]


def test_a_status_that_was_set_after_all(shop: Shop) -> None:
    """It happened, says a person, and staff changed it afterwards: what staff made of it stands, and is followed."""
    order = shop.new_order(payment_method="bacs")
    shop.sandbox.faults.add(Rule(kind="error_500_after", method="PUT", match=r"orders/\d+$"))
    shop.command(order, "approve")
    shop.sandbox.faults.clear()
    shop.staff(order, "status", status="failed")
    shop.long_ago()
    shop.later(hours=1, poll=False)
    (act,) = [act for act in shop.case(order).acts if act.state is ActState.WAITING]
    shop.ask(order, "resolve", act=act.id, happened=True)
    shop.work(poll=False)

    assert shop.status(order) == "failed"
    assert shop.case(order).order.means is PlatformStatus.FAILED
    assert [row.state for row in shop.effects(order, "push_status")] == [EffectState.DONE]
    assert shop.tasks(order) == []
