"""A person's commands: each is done once or refused in words, and what is refused changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from connector.model.case import ActState
from connector.model.events import DutyState, EffectState, TaskKind
from connector.model.flow import Stage
from connector.model.review import HoldReason
from connector.store.tables import timeline
from tests.flow.shop import PUBLIC, SHIP, Shop, refused

TWO = [{"product_id": 13, "quantity": 2}]


# --- approve, hold, release -------------------------------------------------------------------------------------------


def test_approve(shop: Shop) -> None:
    """What held it is accepted: the same finding does not hold it again, another one does."""
    order = shop.new_order(po_box=True)
    assert shop.case(order).stage is Stage.ON_HOLD
    assert shop.command(order, "approve") == ""
    assert shop.case(order).stage is Stage.PROCESSING

    shop.staff(order, "edit", customer_note="please hurry")
    shop.work()
    assert shop.case(order).stage is Stage.PROCESSING
    shop.staff(order, "edit", shipping={"city": ""})
    shop.work()
    assert [hold.reason for hold in shop.case(order).holds] == [HoldReason.ADDRESS]


def test_approve_an_unpaid_transfer(shop: Shop) -> None:
    """The platform still waits for the money: it is told that the order goes on, once."""
    order = shop.new_order(payment_method="bacs")
    assert shop.command(order, "approve") == ""

    assert shop.status(order) == "processing"
    assert [call for call in shop.writes(order) if call.startswith("PUT")] == [f"PUT orders/{order}"]
    assert shop.told(order)["confirmed/customer"] == DutyState.LEFT_TO_PLATFORM


def test_hold_and_release(shop: Shop) -> None:
    """A person holds and releases; the shop's staff see both in notes, and nothing is shipped in between."""
    order = shop.new_order()
    assert shop.command(order, "hold", text="Call the customer first.") == ""
    assert shop.case(order).stage is Stage.ON_HOLD
    assert "is on hold (manual)" in refused(shop, order, "ship", **SHIP)
    assert shop.command(order, "release") == ""

    assert shop.case(order).stage is Stage.PROCESSING
    notes = [note["note"].partition(" [oc:")[0] for note in shop.truth(order)["notes"] if "[oc:" in note["note"]]
    page = f"{PUBLIC}/orders/shop/{order}"
    assert notes == [f"Held (manual): Call the customer first. {page}", f"Released: manual. {page}"]
    assert shop.mails("ada@") == []


def test_release_one_reason(shop: Shop) -> None:
    """Only the named hold goes; the order goes on when the last is gone."""
    order = shop.new_order(po_box=True)
    shop.command(order, "hold", reason="out_of_stock", text="Back on Monday.")
    assert f"shop/{order} is not on hold for fraud_risk" in refused(shop, order, "release", reason="fraud_risk")
    assert shop.command(order, "release", reason="po_box") == ""
    assert shop.case(order).stage is Stage.ON_HOLD
    assert shop.command(order, "release", reason="out_of_stock") == ""

    assert shop.case(order).stage is Stage.PROCESSING
    assert f"shop/{order} is not on hold" in refused(shop, order, "release")


# --- ship -------------------------------------------------------------------------------------------------------------


def test_ship_in_parts(shop: Shop) -> None:
    """Each parcel once; the order is shipped when the last line has left, and more than is left is refused."""
    order = shop.new_order(items=TWO)
    line = shop.case(order).order.lines[0].id
    assert shop.command(order, "ship", lines=[{"line_id": line, "quantity": 1}], **SHIP) == ""
    assert shop.case(order).stage is Stage.PROCESSING
    assert shop.status(order) == "processing"
    assert "not so many left to ship" in refused(shop, order, "ship", lines=[{"line_id": line, "quantity": 2}], **SHIP)
    assert "not so many left to ship" in refused(shop, order, "ship", lines=[{"line_id": "999", "quantity": 1}], **SHIP)
    assert shop.command(order, "ship", carrier="USPS", tracking="9400111899223197428490") == ""

    assert shop.case(order).stage is Stage.COMPLETED
    assert shop.status(order) == "completed"
    numbers = [shipment.tracking_number for shipment in shop.case(order).shipments]
    assert numbers == ["1Z999AA10123456784", "9400111899223197428490"]
    assert f"shop/{order} is completed" in refused(shop, order, "ship", **SHIP)
    assert len(shop.mails("owner@")) == 2


def test_ship_twice_at_once(shop: Shop) -> None:
    """Two people ship the same order: one parcel."""
    order = shop.new_order()
    first, second = shop.ask(order, "ship", **SHIP), shop.ask(order, "ship", **SHIP)
    shop.work()

    assert [shop.outcome(order, first), bool(shop.outcome(order, second))] == ["", True]
    assert len(shop.case(order).shipments) == 1
    assert [row.state for row in shop.effects(order, "buy_label")] == [EffectState.DONE]


def test_ship_without_a_carrier(shop: Shop) -> None:
    """The text names the account and the key to set."""
    order = shop.new_order()
    config = shop.config.read_text()
    shop.config.write_text(config.replace('carriers = ["post"]', "carriers = []"))
    shop.reopen()
    assert shop.command(order, "ship", **SHIP) == "no carrier is configured: set carriers in [accounts.shop]"
    shop.config.write_text(config)
    shop.reopen()

    assert shop.command(order, "ship", **SHIP) == ""
    assert shop.case(order).stage is Stage.COMPLETED


def test_ship_with_an_account_that_is_no_carrier_of_the_shop(shop: Shop) -> None:
    """It is refused at once, and not tried again for ever."""
    order = shop.new_order()
    assert "post" in refused(shop, order, "ship", account="mail", **SHIP)
    assert "post" in refused(shop, order, "ship", account="nobody", **SHIP)


def test_ship_with_nothing_entered(shop: Shop) -> None:
    """The carrier's no becomes a task; the lines can be shipped after all."""
    order = shop.new_order()
    assert shop.command(order, "ship") == ""
    assert [title for title in shop.tasks(order, TaskKind.PROBLEM) if "nothing was entered" in title]
    assert shop.case(order).shipments == ()

    assert shop.command(order, "ship", **SHIP) == ""
    assert len(shop.case(order).shipments) == 1


# --- cancel, refund ---------------------------------------------------------------------------------------------------


def test_cancel_with_refund(shop: Shop) -> None:
    """Called off, stock put back, all of the money given back, everybody told once."""
    order = shop.new_order()
    assert shop.command(order, "cancel", reason="changed her mind") == ""

    assert shop.case(order).stage is Stage.CANCELLED
    assert shop.paid_back(order) == ["18.61"]
    assert shop.sandbox.store.products[13].stock == 50
    told = shop.told(order)
    assert (told["cancelled/customer"], told["cancelled/merchant"]) == (DutyState.SENT, DutyState.LEFT_TO_PLATFORM)
    assert (told["refunded/customer"], told["refunded/merchant"]) == (DutyState.LEFT_TO_PLATFORM, DutyState.SENT)
    assert f"shop/{order} is cancelled" in refused(shop, order, "cancel")
    assert f"shop/{order} is cancelled" in refused(shop, order, "approve")


def test_cancel_without_refund(shop: Shop) -> None:
    """The money stays until somebody gives it back."""
    order = shop.new_order()
    assert shop.command(order, "cancel", refund=False) == ""
    assert shop.status(order) == "cancelled"
    assert shop.paid_back(order) == []

    assert shop.command(order, "refund") == ""
    assert shop.paid_back(order) == ["18.61"]


def test_cancel_what_is_unpaid(shop: Shop) -> None:
    """Nothing was paid, nothing is given back."""
    order = shop.new_order(payment_method="bacs")
    assert shop.command(order, "cancel") == ""

    assert shop.status(order) == "cancelled"
    assert shop.truth(order)["gateway_refunds"] == []
    assert shop.tasks(order) == []


def test_cancel_what_is_being_cancelled(shop: Shop) -> None:
    """While the first one is underway nothing else is decided."""
    order = shop.new_order()
    shop.mode("shadow", "shop")
    assert shop.command(order, "cancel") == ""
    for do in ("cancel", "approve", "hold", "ship"):
        assert f"shop/{order} is being cancelled" in refused(shop, order, do)
    shop.mode("live")
    shop.work()

    assert shop.paid_back(order) == ["18.61"]
    assert [act.state for act in shop.case(order).acts] == [ActState.DONE, ActState.DONE]


def test_cancel_what_was_shipped(shop: Shop) -> None:
    """A parcel cannot be called back: refund it instead."""
    order = shop.new_order(items=TWO)
    line = shop.case(order).order.lines[0].id
    shop.command(order, "ship", lines=[{"line_id": line, "quantity": 1}], **SHIP)

    assert "was shipped, at least in part; refund it instead" in refused(shop, order, "cancel")


def test_refund_an_amount(shop: Shop) -> None:
    """Parts add up to no more than what was paid; an order that was shipped can be refunded, too."""
    order = shop.shipped()
    assert shop.command(order, "refund", amount="8.61") == ""
    assert "10.01 USD is more than the 10.00 USD that can still be given back" in refused(shop, order, "refund", amount="10.01")
    assert shop.command(order, "refund", amount="8.61") == ""
    assert "8.61 USD is more than the 1.39 USD" in refused(shop, order, "refund", amount="8.61")
    assert shop.command(order, "refund") == ""

    assert shop.paid_back(order) == ["8.61", "8.61", "1.39"]
    assert shop.case(order).stage is Stage.COMPLETED
    assert "more than nothing" in refused(shop, order, "refund")


@pytest.mark.parametrize("amount", ["0", "-5", "1.005", "ten", "NaN"])
def test_refund_what_is_no_amount(shop: Shop, amount: str) -> None:
    """It is refused in words and never rounded."""
    order = shop.new_order()
    assert refused(shop, order, "refund", amount=amount)
    assert shop.paid_back(order) == []


def test_a_refund_that_the_gateway_declines(shop: Shop) -> None:
    """A task asks a person; nothing is tried again, and the money can still be given back later."""
    order = shop.new_order()
    shop.sandbox.store.gateways["fakepay"].decline = "error"
    assert shop.command(order, "refund") == ""
    assert [title for title in shop.tasks(order, TaskKind.MANUAL_REFUND) if "18.61 USD back by hand" in title]
    assert len(shop.truth(order)["gateway_refunds"]) == 1

    shop.sandbox.store.gateways["fakepay"].decline = ""
    shop.later(days=1)
    assert len(shop.truth(order)["gateway_refunds"]) == 1
    assert shop.command(order, "refund") == ""
    assert shop.paid_back(order) == ["18.61"]


# --- notes, nonsense, repetition --------------------------------------------------------------------------------------


def test_note(shop: Shop) -> None:
    """A note is text on the platform, whatever is in it; one to the customer is mailed by the shop."""
    order = shop.new_order()
    assert shop.command(order, "note", text="<b>Ring twice</b> & wait") == ""
    assert shop.command(order, "note", text="Leaves tomorrow.", to_customer=True) == ""

    notes = [note for note in shop.truth(order)["notes"] if "[oc:" in note["note"]]
    assert notes[0]["note"].startswith("&lt;b&gt;Ring twice&lt;/b&gt; &amp; wait [oc:")
    assert [note["to_customer"] for note in notes] == [False, True]
    assert len([mail for mail in shop.truth(order)["mails"] if mail["email_id"] == "customer_note"]) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"do": "dance"},
        {"do": "hold", "reason": "because"},
        {"do": "release", "reason": "because"},
        {"do": "ship", "lines": [{"line": 1}]},
        {"do": "ship", "lines": "all"},
        {"do": "note"},
        {"do": "refund", "amount": {"minor": 5}},
    ],
    ids=lambda body: "-".join(map(str, body.values())),
)
def test_a_command_that_cannot_be_understood(shop: Shop, body: dict[str, Any]) -> None:
    """It is refused like any other, and never stops the order."""
    order = shop.new_order()
    refused(shop, order, **body)

    assert shop.row(order).problem == ""
    assert shop.command(order, "ship", **SHIP) == ""


def test_the_same_request_is_the_same_act(shop: Shop) -> None:
    """Asked twice under one id: done once, before and after the first was worked off."""
    order = shop.new_order()
    shop.ask(order, "refund", request_id="once", amount="5.00")
    shop.ask(order, "refund", request_id="once", amount="5.00")
    shop.work()
    shop.ask(order, "refund", request_id="once", amount="5.00")
    shop.work()

    assert shop.paid_back(order) == ["5.00"]
    assert len([row for row in shop.rows(timeline, order) if row.what == "refund"]) == 1


def test_a_command_for_an_order_that_never_arrives(shop: Shop) -> None:
    """An id that the shop does not know becomes no order, and disturbs nobody."""
    shop.ask("4711", "ship", **SHIP)
    shop.webhook("4711")
    shop.work()
    other = shop.new_order()

    assert shop.row("4711").body is None
    assert shop.writes("4711") == []
    assert shop.case(other).stage is Stage.PROCESSING


def test_ship_before_the_review_does_not_ship_what_is_held(shop):
    """A command that was waiting before anybody looked at the order is judged after the review, not before it."""
    number = shop.buy(po_box=True)
    shop.poll()
    shop.ask(number, "ship", carrier="UPS", tracking="1Z999AA10123456784")
    shop.work()

    assert shop.case(number).stage == "on_hold"
    assert shop.case(number).shipments == ()
