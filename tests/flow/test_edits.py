"""What staff edit is reviewed again, or held once it is too late; what we wrote ourselves is no news."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.model.flow import Stage
from connector.model.order import PlatformStatus
from connector.model.review import HoldReason
from connector.sandbox.faults import Rule
from connector.steps.intake import ON_PLATFORM
from connector.store.tables import timeline
from tests.flow.shop import NAME, SHIP, Shop

TWO = [{"product_id": 13, "quantity": 2}]


def lines_by(shop: Shop, platform_id: str, who: str) -> list[str]:
    return [row.text for row in shop.rows(timeline, platform_id) if row.who == who]


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

    shop.command(order, "ship", **SHIP)
    assert [line.quantity for line in shop.case(order).shipments[0].lines] == [3, 1]
    assert shop.case(order).stage is Stage.COMPLETED


@pytest.mark.parametrize(
    ("edit", "changed"),
    [
        ({"shipping": {"address_1": "1 Other Street"}}, "shipping"),
        ({"line_items": [{"product_id": 14, "quantity": 1}]}, "lines, total"),
        ({"fee_lines": [{"name": "Express", "total": "3.00"}]}, "total"),
    ],
    ids=["address", "lines", "amount"],
)
def test_an_edit_after_a_label_was_bought(shop: Shop, edit: dict[str, object], changed: str) -> None:
    """It is too late to change it silently: the order is held, and the hold lists what was bought already."""
    order = shop.new_order(items=TWO)
    line = shop.case(order).order.lines[0].id
    request = shop.ask(order, "ship", lines=[{"line_id": line, "quantity": 1}], **SHIP)
    shop.work()
    shop.staff(order, "edit", **edit)
    shop.work()

    (hold,) = shop.case(order).holds
    assert hold.reason is HoldReason.CHANGED_AFTER_COMMIT
    assert hold.text == f"{changed} changed on the platform after: buy_label ship-{request}."
    assert "is on hold" in shop.command(order, "ship", **SHIP)
    said = "The order was changed on the platform after something was bought or given back for it."
    shop.work()
    shop.staff(order, "edit", customer_note="hello")
    shop.work()
    assert shop.timeline(order).count(said) == 1

    assert shop.command(order, "release", reason="changed_after_commit") == ""
    assert shop.case(order).stage is Stage.PROCESSING


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
    assert [shop.case(platform_id).stage for platform_id in ids] == ["completed", "processing", "cancelled", "processing"]
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
