"""What the owner sets in the shop is a decision: statuses and refunds, each with what follows from it, done once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.model.events import DutyState
from connector.model.flow import Stage
from connector.model.order import PlatformStatus
from connector.model.review import HoldReason
from connector.sandbox.faults import Rule
from connector.store.tables import timeline
from tests.flow.shop import SHIP, Shop

BOTH_WAYS = pytest.mark.parametrize("how", ["poll", "webhook"])
TWO = [{"product_id": 13, "quantity": 2}]


def said(shop: Shop, order: str, what: str) -> list[str]:
    return [row.text for row in sorted(shop.rows(timeline, order), key=lambda row: row.id) if row.what == what]


def codes(shop: Shop, order: str) -> list[str]:
    return [hold.code for hold in shop.case(order).holds]


# --- waiting for the payment again ------------------------------------------------------------------------------------


@BOTH_WAYS
@pytest.mark.parametrize("status", ["pending", "failed"])
@pytest.mark.parametrize("payment_method", ["fakepay", "cod"])
def test_set_back_to_unpaid(shop: Shop, how: str, status: str, payment_method: str) -> None:
    """A paid order that the owner sets to pending is not shipped until the shop confirms it again."""
    order = shop.new_order(payment_method=payment_method)
    shop.staff(order, "status", status=status)
    before = shop.writes()
    shop.hear(how, order)
    assert codes(shop, order) == ["not_confirmed"]
    assert f"Set to {status} on the platform." in shop.timeline(order)
    assert "is on hold" in shop.command(order, "ship", **SHIP)
    assert [call for call in shop.writes() if call not in before and "notes" not in call] == []

    shop.staff(order, "status", status="processing")
    shop.hear(how, order)
    assert shop.case(order).stage is Stage.PROCESSING
    assert shop.command(order, "ship", **SHIP) == ""
    assert shop.status(order) == "completed"


def test_unpaid_and_then_on_hold(shop: Shop) -> None:
    """One reason goes when another comes; none is lost on the way."""
    order = shop.new_order()
    for status in ("failed", "on-hold"):
        shop.staff(order, "status", status=status)
        shop.work()
    assert codes(shop, order) == ["platform_on_hold"]
    shop.staff(order, "status", status="pending")
    shop.work()
    assert "not_confirmed" in codes(shop, order)
    shop.staff(order, "status", status="processing")
    shop.work()

    assert shop.case(order).stage is Stage.PROCESSING


@pytest.mark.parametrize("payment_method", ["fakepay", "cod"])
def test_it_arrives_on_hold(shop: Shop, payment_method: str) -> None:
    """The owner (or a fraud plugin) was faster than we: what is on hold there for no payment's sake is on hold here."""
    order = shop.buy(payment_method=payment_method)
    shop.staff(order, "status", status="on-hold")
    shop.work()
    assert codes(shop, order) == ["platform_on_hold"]
    assert "is on hold" in shop.command(order, "ship", **SHIP)
    shop.staff(order, "status", status="processing")
    shop.work()

    assert shop.case(order).stage is Stage.PROCESSING


# --- statuses of other plugins ----------------------------------------------------------------------------------------


def test_a_status_that_nobody_has_explained(shop: Shop) -> None:
    """Nothing is guessed: the order stays as it was, and the finding names the word and where to say what it means."""
    order = shop.new_order()
    shop.tamper(order, lambda one: setattr(one, "status", "picked-up"))
    shop.work()

    assert shop.case(order).order.means is PlatformStatus.UNKNOWN
    assert shop.case(order).stage is Stage.PROCESSING
    (finding,) = [finding for finding in shop.case(order).findings if finding.code == "unknown_status"]
    assert "'picked-up'" in finding.text
    assert 'statuses = {"picked-up" = "open"}' in finding.text
    assert "Set to picked-up on the platform." in shop.timeline(order)
    assert shop.writes(f"orders/{order}") == []


def test_a_status_that_is_explained_later(shop: Shop) -> None:
    """With the line that the finding asks for, the next look at the order does what follows from it."""
    order = shop.new_order()
    shop.tamper(order, lambda one: setattr(one, "status", "waiting-room"))
    shop.work()
    text = shop.config.read_text()
    shop.config.write_text(text.replace('carriers = ["post"]', 'carriers = ["post"]\nstatuses = {"waiting-room" = "on_hold"}'))
    shop.reopen()
    shop.hear("webhook", order)

    assert codes(shop, order) == ["platform_on_hold"]
    assert [finding.code for finding in shop.case(order).findings] == []


def test_a_word_of_our_own_means_what_it_stands_for(shop: Shop) -> None:
    """`writes` is read back as well: an order that the owner sets to that word is completed."""
    text = shop.config.read_text()
    shop.config.write_text(text.replace('carriers = ["post"]', 'carriers = ["post"]\nwrites = {completed = "with-carrier"}'))
    shop.reopen()
    order = shop.new_order()
    shop.tamper(order, lambda one: setattr(one, "status", "with-carrier"))
    shop.work()

    assert shop.case(order).stage is Stage.COMPLETED
    assert shop.told(order)["shipped/merchant"] == DutyState.SENT


def test_we_write_the_words_of_the_shop(shop: Shop) -> None:
    """A plugin of the shop has its own word for completed: it is set, and its echo is no decision by staff."""
    text = shop.config.read_text()
    shop.config.write_text(text.replace('carriers = ["post"]', 'carriers = ["post"]\nwrites = {completed = "with-carrier"}'))
    shop.reopen()
    shop.sandbox.store.settings.statuses = {"with-carrier": "With the carrier"}
    order = shop.shipped()
    before = shop.timeline(order)
    shop.hear("webhook", order)

    assert shop.status(order) == "with-carrier"
    assert shop.case(order).order.means is PlatformStatus.COMPLETED
    assert shop.case(order).stage is Stage.COMPLETED
    assert shop.timeline(order) == before
    assert shop.tasks(order) == []


def test_a_word_that_the_shop_does_not_have(shop: Shop) -> None:
    """The parcel is not sent twice for it; a task says what the shop said."""
    text = shop.config.read_text()
    shop.config.write_text(text.replace('carriers = ["post"]', 'carriers = ["post"]\nwrites = {completed = "with-carrier"}'))
    shop.reopen()
    order = shop.shipped()
    shop.later(hours=3)

    assert shop.status(order) == "processing"
    assert len(shop.case(order).shipments) == 1
    assert len([title for title in shop.tasks(order) if "push_status was refused" in title]) == 1
    assert shop.writes(order).count(f"PUT orders/{order}") <= 2


# --- money given back in the shop's own pages -------------------------------------------------------------------------


@BOTH_WAYS
@pytest.mark.parametrize(("gateway", "way"), [(True, "by its gateway"), (False, "written down there, no gateway moved it")])
def test_a_part_is_given_back_by_staff(shop: Shop, how: str, gateway: bool, way: str) -> None:
    """It is in the story and in the sums; the shop mails the customer, we the merchant, once; the order goes on."""
    order = shop.new_order()
    shop.staff(order, "refund", amount="8.61", gateway=gateway)
    for _ in range(2):
        shop.hear(how, order)

    assert said(shop, order, "refunded") == [f"8.61 USD given back on the platform ({way})."]
    assert shop.told(order)["refunded/customer"] == DutyState.LEFT_TO_PLATFORM
    assert shop.told(order)["refunded/merchant"] == DutyState.SENT
    assert shop.case(order).stage is Stage.PROCESSING
    assert "is more than the 10.00 USD" in shop.command(order, "refund", amount="10.01")
    assert shop.paid_back(order) == (["8.61"] if gateway else [])
    assert shop.command(order, "ship", **SHIP) == ""
    assert shop.case(order).stage is Stage.COMPLETED


def test_a_line_is_given_back_by_staff(shop: Shop) -> None:
    """One of two mugs is given back before anything was sent: one is left to ship."""
    order = shop.new_order(items=TWO)
    line = shop.case(order).order.lines[0].id
    shop.staff(
        order, "refund", amount="13.61", line_items=[{"id": int(line), "quantity": 1, "refund_total": 12.5}], gateway=True
    )
    shop.work()
    assert shop.command(order, "ship", **SHIP) == ""

    (shipment,) = shop.case(order).shipments
    assert [one.quantity for one in shipment.lines] == [1]
    assert shop.status(order) == "completed"
    assert shop.paid_back(order) == ["13.61"]


def test_the_rest_is_given_back_after_a_part_was_shipped(shop: Shop) -> None:
    """What was not sent yet is not sent any more, so everything has left."""
    order = shop.new_order(items=TWO)
    line = shop.case(order).order.lines[0].id
    shop.command(order, "ship", lines=[{"line_id": line, "quantity": 1}], **SHIP)
    shop.staff(
        order, "refund", amount="13.61", line_items=[{"id": int(line), "quantity": 1, "refund_total": 12.5}], gateway=True
    )
    shop.work()

    assert shop.case(order).stage is Stage.COMPLETED
    assert [one.quantity for shipment in shop.case(order).shipments for one in shipment.lines] == [1]
    assert shop.status(order) == "completed"


@BOTH_WAYS
def test_everything_is_given_back_by_staff_before_it_was_sent(shop: Shop, how: str) -> None:
    """In two parts: with the last cent the order ends, nothing is shipped, and nothing is given back again."""
    order = shop.new_order()
    shop.staff(order, "refund", amount="8.61", gateway=True)
    shop.hear(how, order)
    shop.staff(order, "refund", amount="10.00", gateway=True)
    shop.hear(how, order)

    assert shop.status(order) == "refunded"
    assert shop.case(order).stage is Stage.CANCELLED
    assert len(said(shop, order, "refunded")) == 2
    assert "is cancelled" in shop.command(order, "ship", **SHIP)
    assert shop.command(order, "refund") != ""
    assert shop.paid_back(order) == ["8.61", "10.00"]
    assert shop.tasks(order) == []


@pytest.mark.parametrize("fault", ["", "error_500_after", "timeout_after"])
def test_our_own_refund_is_not_taken_for_one_of_staff(shop: Shop, fault: str) -> None:
    """Also when its answer was lost and the row was seen first."""
    order = shop.new_order()
    if fault:
        shop.sandbox.faults.add(Rule(kind=fault, method="POST", match="refunds", seconds=0.1))
    shop.command(order, "refund", amount="5.00")
    for _ in range(4):
        shop.long_ago()
        shop.later(minutes=10)

    assert not [text for text in said(shop, order, "refunded") if "on the platform" in text and "gateway" in text]
    assert [row for row in shop.told(order) if row.startswith("refunded")] == ["refunded/customer", "refunded/merchant"]
    assert shop.paid_back(order) == ["5.00"]


def test_a_refund_from_before_we_knew_the_order_is_history(shop: Shop) -> None:
    """It is in the sums, and nobody is told of it now."""
    order = shop.buy()
    shop.staff(order, "refund", amount="8.61", gateway=True)
    shop.work()

    assert said(shop, order, "refunded") == []
    assert shop.told(order)["refunded/customer"] == DutyState.WAIVED
    assert "is more than the 10.00 USD" in shop.command(order, "refund", amount="10.01")


# --- gone and back ----------------------------------------------------------------------------------------------------


def test_binned_and_restored_while_our_clock_is_ahead(shop: Shop) -> None:
    """The platform's times are its own: that the order is back is seen although our clock says that it is older."""
    order = shop.new_order()
    shop.staff(order, "bin")
    shop.app.clock.move(timedelta(hours=5))
    shop.hear("webhook", order)
    assert shop.case(order).stage is Stage.CANCELLED
    shop.staff(order, "restore")
    shop.hear("webhook", order)

    assert shop.case(order).order.means is PlatformStatus.OPEN
    assert [title for title in shop.tasks(order) if "taken up again on the platform" in title]


# --- holds by name ----------------------------------------------------------------------------------------------------


def test_one_hold_is_released_by_its_code(shop: Shop) -> None:
    """Two holds of the same kind are two holds, and each can be released alone."""
    order = shop.new_order()
    for text in ("Call the customer.", "Wait for the engraving."):
        assert shop.command(order, "hold", text=text) == ""
    assert codes(shop, order) == ["manual", "manual-2"]
    assert "is held by manual, manual-2" in shop.command(order, "release", code="po_box")

    assert shop.command(order, "release", code="manual-2") == ""
    assert [hold.text for hold in shop.case(order).holds] == ["Call the customer."]
    assert shop.command(order, "release", reason="manual", code="manual") == ""
    assert shop.case(order).stage is Stage.PROCESSING


def test_a_finding_released_by_its_code_is_accepted(shop: Shop) -> None:
    """It does not come back with the next review; another of the same kind would."""
    order = shop.new_order(po_box=True)
    assert codes(shop, order) == ["po_box"]
    assert shop.command(order, "release", code="po_box") == ""
    shop.staff(order, "edit", customer_note="hurry")
    shop.work()

    assert shop.case(order).holds_for(HoldReason.PO_BOX) is False
    assert shop.case(order).stage is Stage.PROCESSING
