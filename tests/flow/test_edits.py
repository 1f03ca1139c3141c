"""What staff edit is reviewed again, or held once it is too late; what we wrote ourselves is no news."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.model.case import ActKind, ActState
from connector.model.flow import Stage
from connector.model.order import PlatformStatus
from connector.model.review import HoldReason
from connector.sandbox.faults import Rule
from connector.steps.staff import ON_PLATFORM
from connector.store.tables import timeline
from tests.flow.shop import NAME, SHIP, Shop

TWO = [{"product_id": 13, "quantity": 2}]


def lines_by(shop: Shop, platform_id: str, who: str) -> list[str]:
    return [row.text for row in shop.rows(timeline, platform_id) if row.who == who]


def edits_of(shop: Shop, platform_id: str) -> list[str]:
    return [row.text for row in shop.rows(timeline, platform_id) if row.what == "edited"]


# --- edits ------------------------------------------------------------------------------------------------------------


def test_an_edited_address_is_reviewed_again(shop: Shop) -> None:
    """Before anything has left, an edit is reviewed as if it had been there from the start."""
    order = shop.new_order()
    shop.staff(order, "edit", shipping={"address_1": "PO Box 12"})
    shop.work()
    assert [hold.reason for hold in shop.case(order).holds] == [HoldReason.PO_BOX]

    shop.staff(order, "edit", shipping={"address_1": "350 5th Ave"})
    shop.work()
    assert shop.case(order).stage is Stage.PROCESSING
    assert shop.case(order).holds == ()


def test_edited_lines_are_reviewed_again(shop: Shop) -> None:
    """More is ordered than before: it is reviewed again and shipped with all of it."""
    order = shop.new_order()
    line = int(shop.case(order).order.lines[0].id)
    shop.staff(order, "edit", line_items=[{"id": line, "quantity": 3}, {"product_id": 14, "quantity": 1}])
    shop.work()
    assert [text for text in shop.timeline(order) if text.startswith("Reviewed again")]

    assert shop.command(order, "release", reason="awaiting_payment") == ""  # the rest is paid in another way
    shop.command(order, "ship", **SHIP)
    assert [line.quantity for line in shop.case(order).shipments[0].lines] == [3, 1]
    assert shop.case(order).stage is Stage.COMPLETED


@pytest.mark.parametrize(
    ("edit", "changed"),
    [
        ({"shipping": {"address_1": "1 Other Street"}}, "the shipping address changed"),
        (
            {"line_items": [{"product_id": 14, "quantity": 1}]},
            "1 x Engraved Bracelet was added; the total went from 32.22 USD to 70.33 USD",
        ),
        ({"fee_lines": [{"name": "Express", "total": "3.00"}]}, "the total went from 32.22 USD to 35.49 USD"),
        ({"customer_note": "Ring twice"}, "the customer's note changed"),
    ],
    ids=["address", "lines", "amount", "note"],
)
def test_an_edit_after_a_label_was_bought(shop: Shop, edit: dict[str, object], changed: str) -> None:
    """It is too late to change it silently: the order is held, and the hold says what changed and what was bought already."""
    order = shop.new_order(items=TWO)
    line = shop.case(order).order.lines[0].id
    request = shop.ask(order, "ship", lines=[{"line_id": line, "quantity": 1}], **SHIP)
    shop.work()
    shop.staff(order, "edit", **edit)
    shop.work()

    hold, *rest = shop.case(order).holds
    assert [one.code for one in rest] == (["partly_paid"] if "total" in changed else [])
    assert hold.reason is HoldReason.CHANGED_AFTER_COMMIT
    assert hold.text == f"Changed on the platform after buy_label ship-{request}: {changed}."
    assert "is on hold" in shop.command(order, "ship", **SHIP)
    shop.work()
    assert len(edits_of(shop, order)) == 1

    for one in (hold, *rest):
        assert shop.command(order, "release", reason=one.reason) == ""
    assert shop.case(order).stage is Stage.PROCESSING
    assert shop.case(order).shipments[0].lines[0].quantity == 1


def test_a_second_edit_is_added_to_the_hold(shop: Shop) -> None:
    """Whoever releases the order has read of both."""
    order = shop.new_order(items=TWO)
    line = shop.case(order).order.lines[0].id
    shop.command(order, "ship", lines=[{"line_id": line, "quantity": 1}], **SHIP)
    for edit in ({"shipping": {"address_1": "1 Other Street"}}, {"customer_note": "Ring twice"}):
        shop.staff(order, "edit", **edit)
        shop.work()

    (hold,) = shop.case(order).holds
    assert "the shipping address changed" in hold.text
    assert "the customer's note changed" in hold.text


def test_the_timeline_says_what_changed_without_saying_who(shop: Shop) -> None:
    """Lines by name and number, sums; of people only that something about them changed."""
    order = shop.new_order(items=TWO)
    line = int(shop.case(order).order.lines[0].id)
    shop.staff(
        order,
        "edit",
        line_items=[{"id": line, "quantity": 3}, {"product_id": 14, "quantity": 1}],
        shipping={"address_1": "17 Zebra Street"},
        billing={"phone": "555 0199"},
        customer_note="It is for Wilhelmina",
    )
    shop.work()

    (said,) = edits_of(shop, order)
    assert said.startswith("Changed on the platform: 2 x Classic Mug became 3 x Classic Mug; 1 x Engraved Bracelet was added; ")
    assert "the shipping address changed; the billing address changed; the customer's contact changed" in said
    assert "the customer's note changed" in said
    assert not any(word in said for word in ("Zebra", "0199", "Wilhelmina"))


def test_a_line_that_was_taken_out_is_not_shipped(shop: Shop) -> None:
    """What is left to ship is what is ordered now."""
    order = shop.new_order(items=[*TWO, {"product_id": 14, "quantity": 1}])
    line = int(shop.case(order).order.lines[1].id)
    shop.staff(order, "edit", line_items=[{"id": line, "quantity": 0}])
    shop.work()
    assert "1 x Engraved Bracelet was taken out" in edits_of(shop, order)[0]

    assert shop.command(order, "ship", **SHIP) == ""
    assert [line.quantity for line in shop.case(order).shipments[0].lines] == [2]
    assert shop.status(order) == "completed"


def test_a_parcel_that_was_decided_follows_the_edit(shop: Shop) -> None:
    """Until its label is bought a parcel holds no more than what is ordered: two were decided, one is wanted now."""
    order = shop.new_order(items=TWO)
    line = int(shop.case(order).order.lines[0].id)
    shop.mode("shadow", "post")
    shop.command(order, "ship", **SHIP)
    shop.staff(order, "edit", line_items=[{"id": line, "quantity": 1}])
    shop.work()
    shop.mode("live")
    shop.work()

    (shipment,) = shop.case(order).shipments
    assert [line.quantity for line in shipment.lines] == [1]
    assert shop.case(order).holds == ()
    assert shop.case(order).stage is Stage.COMPLETED


def test_a_parcel_of_what_is_not_ordered_any_more_is_not_sent(shop: Shop) -> None:
    """The line was taken out before its label was bought; what is still ordered can be shipped."""
    order = shop.new_order(items=[*TWO, {"product_id": 14, "quantity": 1}])
    line = shop.case(order).order.lines[1].id
    shop.mode("shadow", "post")
    shop.command(order, "ship", lines=[{"line_id": line, "quantity": 1}], **SHIP)
    shop.staff(order, "edit", line_items=[{"id": int(line), "quantity": 0}])
    shop.work()
    shop.mode("live")
    shop.work()
    assert shop.case(order).shipments == ()
    assert [act.state for act in shop.case(order).acts if act.kind is ActKind.BUY_LABEL] == [ActState.DROPPED]

    assert shop.command(order, "ship", **SHIP) == ""
    assert shop.case(order).stage is Stage.COMPLETED


def test_the_rest_is_taken_out_after_a_part_was_shipped(shop: Shop) -> None:
    """Once a person has seen it, nothing is left to be sent: the order ends, and nothing counts as shipped twice."""
    order = shop.new_order(items=TWO)
    line = shop.case(order).order.lines[0].id
    shop.command(order, "ship", lines=[{"line_id": line, "quantity": 1}], **SHIP)
    shop.staff(order, "edit", line_items=[{"id": int(line), "quantity": 1}])
    shop.work()
    assert "2 x Classic Mug became 1 x Classic Mug" in shop.case(order).holds[0].text
    assert shop.command(order, "release") == ""

    case = shop.case(order)
    assert case.stage is Stage.COMPLETED
    assert [line.quantity for shipment in case.shipments for line in shipment.lines] == [1]
    assert shop.status(order) == "completed"


def test_an_edit_after_everything_was_shipped_is_a_task(shop: Shop) -> None:
    """A hold would hold nothing any more."""
    order = shop.shipped()
    shop.staff(order, "edit", line_items=[{"product_id": 14, "quantity": 1}])
    shop.work()

    assert shop.case(order).holds == ()
    assert "was changed on the platform after it was completed: 1 x Engraved Bracelet was added" in shop.tasks(order)[0]
    assert len(shop.case(order).shipments) == 1


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"line_items": [{"product_id": 14, "quantity": 1}]}, "1 x Engraved Bracelet was added"),
        ({"shipping": {"address_1": "PO Box 3"}}, "the shipping address changed"),
    ],
    ids=["lines", "address"],
)
def test_an_edit_in_the_answer_to_our_own_write_is_seen(shop: Shop, edit: dict[str, object], said: str) -> None:
    """Staff edit between our look and our write: the platform shows it first in the answer to that write."""
    order = shop.new_order(items=TWO)
    line = shop.case(order).order.lines[0].id
    shop.mode("shadow", NAME)
    shop.command(order, "ship", lines=[{"line_id": line, "quantity": 1}], **SHIP)
    shop.staff(order, "edit", **edit)
    shop.mode("live")
    shop.work(poll=False)

    (hold,) = [hold for hold in shop.case(order).holds if hold.code == "changed_after_commit"]
    assert said in hold.text
    shop.work()
    assert len(edits_of(shop, order)) == 1


def test_a_decision_in_the_answer_to_our_own_write_is_seen(shop: Shop) -> None:
    """Staff cancel while we tell the platform of a parcel: its answer to us must not hide that."""
    order = shop.new_order(items=TWO)
    line = shop.case(order).order.lines[0].id
    shop.mode("shadow", NAME)
    shop.command(order, "ship", lines=[{"line_id": line, "quantity": 1}], **SHIP)
    shop.staff(order, "status", status="cancelled")
    shop.mode("live")
    shop.work(poll=False)

    assert shop.case(order).stage is Stage.ON_HOLD
    assert "was cancelled on the platform after it was shipped" in shop.tasks(order)[0]
    assert shop.status(order) == "cancelled"


def test_a_note_of_staff_is_seen_at_the_review(shop: Shop) -> None:
    """What staff wrote before the review is in front of who decides."""
    order = shop.buy()
    shop.staff(order, "note", note="Customer called: leave it at the <b>back door</b>")
    shop.hear("webhook", order)

    case = shop.case(order)
    assert case.order.staff_notes == ("Customer called: leave it at the back door",)
    assert [finding.code for finding in case.findings] == ["staff_note"]


# --- echoes and order of time -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["poll", "webhook"])
@pytest.mark.parametrize("fault", ["", "error_500_after"])
def test_our_own_echoes_are_no_decisions_by_staff(shop: Shop, how: str, fault: str) -> None:
    """What we wrote comes back by webhook and poll, also where its answer was lost, and starts nothing."""
    if fault:
        shop.sandbox.faults.add(Rule(kind=fault, method="PUT", match=r"orders/\d+$", times=0))
        shop.sandbox.faults.add(Rule(kind=fault, method="POST", match="refunds", times=0))
    ids = [shop.new_order(), shop.new_order(payment_method="bacs"), shop.new_order(), shop.new_order()]
    for platform_id, body in zip(
        ids, ({"do": "ship", **SHIP}, {"do": "approve"}, {"do": "cancel"}, {"do": "refund"}), strict=True
    ):
        shop.ask(platform_id, **body)
    for _ in range(4):
        shop.work()
        shop.long_ago()
        shop.later(minutes=10)
    before = [shop.timeline(platform_id) for platform_id in ids]
    for platform_id in ids:
        shop.hear(how, platform_id)

    assert [shop.status(platform_id) for platform_id in ids] == ["completed", "processing", "refunded", "refunded"]
    assert [shop.case(platform_id).stage for platform_id in ids] == ["completed", "processing", "cancelled", "cancelled"]
    assert [shop.timeline(platform_id) for platform_id in ids] == before
    assert [lines_by(shop, platform_id, ON_PLATFORM) for platform_id in ids] == [[], [], [], []]
    assert [shop.tasks(platform_id) for platform_id in ids] == [[], [], [], []]


def test_equal_times_are_compared(shop: Shop) -> None:
    """The platform counts in seconds: what staff do in the same second is seen all the same."""
    store = shop.sandbox.store
    store.settings.frozen = store.now()
    order = shop.new_order()
    shop.staff(order, "status", status="on-hold")
    shop.work()
    assert shop.case(order).stage is Stage.ON_HOLD
    shop.staff(order, "status", status="cancelled")
    shop.work()

    assert shop.case(order).stage is Stage.CANCELLED


def test_strictly_older_news_is_history(shop: Shop) -> None:
    """A page that was read long ago and arrives last changes nothing."""
    order = shop.new_order()
    now = shop.case(order).order
    older = replace(now, means=PlatformStatus.CANCELLED, status="cancelled", updated_at=now.updated_at - timedelta(seconds=1))
    with shop.app.database.writing() as connection:
        shop.app.orders.tell(
            connection,
            account_id=shop.account.id,
            account_name=NAME,
            platform_id=order,
            kind="seen",
            body={},
            now=shop.app.clock.now(),
            seen=older,
        )
    shop.work(poll=False)

    assert shop.case(order).order == now
    assert shop.case(order).stage is Stage.PROCESSING
