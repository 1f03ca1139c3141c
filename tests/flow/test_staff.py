"""What staff do on the platform is a decision by a person: we do what follows from it, and never undo it."""

from __future__ import annotations

import pytest

from connector.model.case import ActKind, ActState
from connector.model.events import DutyState, TaskKind
from connector.model.flow import Stage
from connector.model.order import PlatformStatus
from connector.model.review import HoldReason
from connector.steps.staff import ON_PLATFORM
from tests.flow.shop import NAME, SHIP, Shop

BOTH_WAYS = pytest.mark.parametrize("how", ["poll", "webhook"])
TWO = [{"product_id": 13, "quantity": 2}]


# --- called off -------------------------------------------------------------------------------------------------------


@BOTH_WAYS
def test_cancelled_before_it_was_shipped(shop: Shop, how: str) -> None:
    """Nothing is shipped any more, the customer is told by us, the merchant by the store, and the money is a task."""
    order = shop.new_order()
    shop.mode("shadow", "post")
    shop.command(order, "ship", **SHIP)
    shop.staff(order, "status", status="cancelled")
    before = shop.writes()
    shop.hear(how, order)
    shop.mode("live")
    shop.work()

    case = shop.case(order)
    assert case.stage is Stage.CANCELLED
    assert [act.state for act in case.acts if act.kind is ActKind.BUY_LABEL] == [ActState.DROPPED]
    assert shop.told(order)["cancelled/customer"] == DutyState.SENT
    assert shop.told(order)["cancelled/merchant"] == DutyState.LEFT_TO_PLATFORM
    assert [mail.subject for mail in shop.mails("ada@")] == [f"Your order {order} is cancelled"]
    assert shop.tasks(order) == [
        f"shop/{order} was cancelled on the platform; 18.61 USD of the customer's money is still with you"
    ]
    assert shop.writes() == before
    assert shop.status(order) == "cancelled"
    assert shop.paid_back(order) == []


def test_cancelled_after_it_was_shipped(shop: Shop) -> None:
    """What has left has left: the stage stays, a task asks a person, and the platform keeps the status that staff gave it."""
    order = shop.shipped()
    shop.staff(order, "status", status="cancelled")
    before = shop.writes()
    shop.work()

    assert shop.case(order).stage is Stage.COMPLETED
    assert shop.tasks(order, TaskKind.PROBLEM) == [f"shop/{order} was cancelled on the platform after it was shipped"]
    assert "cancelled/customer" not in shop.told(order)
    assert shop.writes() == before
    assert shop.status(order) == "cancelled"


def test_cancelled_when_a_part_was_shipped(shop: Shop) -> None:
    """The rest stays in the house: what was decided is dropped, a new parcel is refused until a person releases it."""
    order = shop.new_order(items=TWO)
    line = shop.case(order).order.lines[0].id
    shop.command(order, "ship", lines=[{"line_id": line, "quantity": 1}], **SHIP)
    shop.mode("shadow", "post")
    shop.command(order, "ship", **SHIP)
    shop.staff(order, "status", status="cancelled")
    shop.work()
    shop.mode("live")
    shop.work()

    case = shop.case(order)
    assert len(case.shipments) == 1
    assert case.stage is Stage.ON_HOLD
    assert shop.tasks(order, TaskKind.PROBLEM) == [f"shop/{order} was cancelled on the platform after it was shipped"]
    assert "is on hold" in shop.command(order, "ship", **SHIP)
    assert shop.status(order) == "cancelled"


def test_cancelled_unpaid_leaves_no_task(shop: Shop) -> None:
    """Where no money came, none has to go back."""
    order = shop.new_order(payment_method="bacs")
    shop.staff(order, "status", status="cancelled")
    shop.work()

    assert shop.case(order).stage is Stage.CANCELLED
    assert shop.case(order).holds == ()
    assert shop.tasks(order) == []
    assert shop.told(order)["cancelled/customer"] == DutyState.SENT


def test_cancelled_with_a_refund_underway(shop: Shop) -> None:
    """A refund that was only decided is dropped and does not count as given back; the task names all of the money."""
    order = shop.new_order()
    shop.mode("shadow", NAME)
    shop.command(order, "refund", amount="5.00")
    shop.staff(order, "status", status="cancelled")
    shop.work()
    shop.mode("live")
    shop.work()

    assert shop.paid_back(order) == []
    assert [title for title in shop.tasks(order, TaskKind.MANUAL_REFUND) if "18.61 USD" in title]
    assert shop.command(order, "refund", amount="18.61") == ""
    assert shop.paid_back(order) == ["18.61"]


@BOTH_WAYS
def test_set_back_to_processing_after_it_was_cancelled(shop: Shop, how: str) -> None:
    """A cancelled order stays cancelled with us, but nobody waits in vain: a task says that staff want it after all."""
    order = shop.new_order()
    shop.staff(order, "status", status="cancelled")
    shop.work()
    shop.staff(order, "status", status="processing")
    shop.hear(how, order)

    assert shop.case(order).stage is Stage.CANCELLED
    assert [title for title in shop.tasks(order, TaskKind.PROBLEM) if "taken up again on the platform" in title]
    assert shop.status(order) == "processing"


@BOTH_WAYS
def test_binned(shop: Shop, how: str) -> None:
    """An order in the bin is called off; restoring it is a task, because a cancelled order does not come back by itself."""
    order = shop.new_order()
    shop.staff(order, "bin")
    if how == "webhook":
        shop.webhook(order, "order.deleted")
    shop.work(poll=how == "poll")
    assert shop.case(order).stage is Stage.CANCELLED
    assert shop.told(order)["cancelled/customer"] == DutyState.SENT
    assert "was deleted on the platform" in shop.tasks(order, TaskKind.MANUAL_REFUND)[0]

    shop.staff(order, "restore")
    shop.hear(how, order)
    assert [title for title in shop.tasks(order, TaskKind.PROBLEM) if "taken up again on the platform" in title]


def test_deleted_for_good(shop: Shop) -> None:
    """No webhook tells of it and no list shows it: it is found out before anything is shipped."""
    order = shop.new_order()
    shop.staff(order, "delete")
    shop.work()
    assert shop.case(order).stage is Stage.PROCESSING
    refused = shop.command(order, "ship", **SHIP)

    assert refused == ""
    assert shop.case(order).stage is Stage.CANCELLED
    assert shop.case(order).shipments == ()
    assert shop.case(order).order.means is PlatformStatus.DELETED
    assert "was deleted on the platform" in shop.tasks(order, TaskKind.MANUAL_REFUND)[0]
    assert shop.told(order)["cancelled/customer"] == DutyState.SENT


# --- money ------------------------------------------------------------------------------------------------------------


@BOTH_WAYS
def test_refunded_by_hand(shop: Shop, how: str) -> None:
    """Setting the status moves no money: the order ends, and a task says how much is still with the merchant."""
    order = shop.new_order()
    shop.staff(order, "status", status="refunded")
    shop.hear(how, order)

    assert shop.case(order).stage is Stage.CANCELLED
    assert shop.tasks(order) == [
        f"shop/{order} was refunded on the platform; 18.61 USD of the customer's money is still with you"
    ]
    assert shop.paid_back(order) == []
    assert shop.status(order) == "refunded"


@BOTH_WAYS
def test_refunded_through_the_gateway(shop: Shop, how: str) -> None:
    """The money is back with the customer: nothing is left to do, and nothing more can be given back."""
    order = shop.new_order()
    shop.staff(order, "refund", amount="18.61", gateway=True)
    shop.hear(how, order)

    assert shop.case(order).stage is Stage.CANCELLED
    assert shop.tasks(order) == []
    assert shop.paid_back(order) == ["18.61"]
    assert "more than nothing" in shop.command(order, "refund")


@BOTH_WAYS
def test_a_part_refunded_by_staff(shop: Shop, how: str) -> None:
    """A part that staff gave back changes no stage, and is taken off what we may still give back."""
    order = shop.new_order()
    shop.staff(order, "refund", amount="8.61", gateway=True)
    shop.hear(how, order)

    assert shop.case(order).stage is Stage.PROCESSING
    assert shop.tasks(order) == []
    assert "is more than the 10.00 USD" in shop.command(order, "refund", amount="10.01")
    assert shop.command(order, "refund") == ""
    assert shop.paid_back(order) == ["8.61", "10.00"]


def test_refunded_by_hand_after_we_gave_back_a_part(shop: Shop) -> None:
    """That we gave something back does not make the status of staff an echo of ours."""
    order = shop.new_order()
    shop.command(order, "refund", amount="5.00")
    shop.staff(order, "status", status="refunded")
    shop.work()

    assert shop.case(order).stage is Stage.CANCELLED
    assert [title for title in shop.tasks(order, TaskKind.MANUAL_REFUND) if "13.61 USD" in title]
    assert shop.paid_back(order) == ["5.00"]


def test_refunded_after_it_was_shipped(shop: Shop) -> None:
    """The parcel is gone: a person has to see to it."""
    order = shop.shipped()
    shop.staff(order, "status", status="refunded")
    shop.work()

    assert shop.case(order).stage is Stage.COMPLETED
    assert shop.tasks(order, TaskKind.PROBLEM) == [f"shop/{order} was refunded on the platform after it was shipped"]


# --- completed, on hold -----------------------------------------------------------------------------------------------


def test_completed_without_tracking(shop: Shop) -> None:
    """Staff shipped it themselves: everything counts as sent, the store tells the customer, we tell the merchant."""
    order = shop.new_order(items=TWO)
    shop.staff(order, "status", status="completed")
    before = shop.writes()
    shop.work()

    case = shop.case(order)
    assert case.stage is Stage.COMPLETED
    assert [line.quantity for shipment in case.shipments for line in shipment.lines] == [2]
    assert shop.told(order)["shipped/customer"] == DutyState.LEFT_TO_PLATFORM
    assert shop.told(order)["shipped/merchant"] == DutyState.SENT
    assert shop.writes() == before
    assert f"shop/{order} is completed" in shop.command(order, "ship", **SHIP)


@BOTH_WAYS
@pytest.mark.parametrize("payment_method", ["fakepay", "cod"])
def test_on_hold_and_back(shop: Shop, how: str, payment_method: str) -> None:
    """While staff have it on hold nothing is shipped, whether it is paid or paid on delivery; taking it off lets it go on."""
    order = shop.new_order(payment_method=payment_method)
    shop.staff(order, "status", status="on-hold")
    shop.hear(how, order)
    assert [hold.who for hold in shop.case(order).holds] == [ON_PLATFORM]
    assert "is on hold" in shop.command(order, "ship", **SHIP)

    shop.staff(order, "status", status="processing")
    shop.hear(how, order)
    assert shop.case(order).holds == ()
    assert shop.case(order).stage is Stage.PROCESSING
    assert shop.command(order, "ship", **SHIP) == ""
    assert shop.status(order) == "completed"


def test_on_hold_and_back_after_we_set_it_to_processing(shop: Shop) -> None:
    """That we once set an order to processing does not make the same status of staff an echo of ours."""
    order = shop.new_order(payment_method="bacs")
    shop.command(order, "approve")
    assert shop.status(order) == "processing"
    shop.staff(order, "status", status="on-hold")
    shop.work()
    assert [hold.who for hold in shop.case(order).holds] == [ON_PLATFORM]

    shop.staff(order, "status", status="processing")
    shop.work()
    assert shop.case(order).holds == ()
    assert shop.case(order).stage is Stage.PROCESSING


def test_a_bank_transfer_that_arrives(shop: Shop) -> None:
    """The platform's own wait for the money is no decision by staff; its end releases the hold."""
    order = shop.new_order(payment_method="bacs")
    assert [hold.reason for hold in shop.case(order).holds] == [HoldReason.AWAITING_PAYMENT]
    shop.staff(order, "status", status="processing")
    shop.work()

    assert shop.case(order).holds == ()
    assert shop.case(order).stage is Stage.PROCESSING


def test_status_flapping(shop: Shop) -> None:
    """Only what staff settled on counts: back and forth between two looks is nothing."""
    order = shop.new_order()
    before = shop.timeline(order)
    for status in ("on-hold", "processing", "cancelled", "pending", "processing"):
        shop.staff(order, "status", status=status)
    shop.work()
    assert shop.timeline(order) == before

    for status in ("on-hold", "processing", "on-hold", "cancelled"):
        shop.staff(order, "status", status=status)
        shop.work()
    assert shop.case(order).stage is Stage.CANCELLED
    assert len([mail for mail in shop.mails("ada@") if "cancelled" in mail.subject]) == 1
