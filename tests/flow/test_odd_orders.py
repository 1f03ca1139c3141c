"""Orders as shops really have them: each is worked on, or kept and named, and none stands in another's way."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from connector.model.events import DutyState, TaskKind
from connector.model.flow import Stage
from connector.model.order import PlatformStatus
from connector.model.review import HoldReason
from connector.sandbox.woocommerce import forms
from connector.sandbox.woocommerce.php import amount
from connector.sandbox.woocommerce.things import Order
from connector.store.tables import deliveries, timeline
from tests.flow.shop import SHIP, Shop

NO_PLACE = dict.fromkeys(("first_name", "last_name", "address_1", "address_2", "city", "state", "postcode", "country"), "")


def setting(**values: Any) -> Callable[[Order], None]:
    """A change that sets these of an order."""

    def change(order: Order) -> None:
        for name, value in values.items():
            setattr(order, name, value)

    return change


def set_quantity(order: Order, quantity: int) -> None:
    order.line_items[0].quantity = quantity


def set_line_total(order: Order, total: str) -> None:
    order.line_items[0].total = Decimal(total)


# --- orders that cannot be read ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "broken", "said", "mended"),
    [
        ("webhook", setting(currency="XYZ"), "order.currency: 'XYZ' is not a currency of ISO 4217", setting(currency="USD")),
        ("poll", setting(currency=""), "order.currency: '' is not a currency of ISO 4217", setting(currency="USD")),
        (
            "webhook",
            lambda order: set_quantity(order, -1),
            "order.line_items[0].quantity: ",
            lambda order: set_quantity(order, 1),
        ),
        ("poll", lambda order: set_quantity(order, 0), "order.line_items[0].quantity: ", lambda order: set_quantity(order, 1)),
        ("webhook", setting(total=Decimal("NaN")), "order.total: 'NaN' is not an amount", setting(total=Decimal("18.61"))),
    ],
    ids=["unknown-currency", "no-currency", "negative-quantity", "no-quantity", "no-number"],
)
def test_an_order_that_cannot_be_read(
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
    broken: Callable[[Order], None],
    said: str,
    mended: Callable[[Order], None],
) -> None:
    """It is a task that names the field; the others go on; once it is corrected it is read by itself and the task is gone."""
    monkeypatch.setattr(forms, "amount", as_it_is)
    first, order, last = shop.buy(), shop.buy(), shop.buy()
    shop.tamper(order, broken)
    if how == "webhook":
        for platform_id in (first, order, last):
            shop.webhook(platform_id)
    shop.work(poll=how == "poll")

    assert [shop.case(one).stage for one in (first, last)] == [Stage.PROCESSING, Stage.PROCESSING]
    assert shop.row(order).body is None
    (title,) = shop.tasks(order, TaskKind.PROBLEM)
    assert title.startswith(f"shop/{order} cannot be read: {said}")
    assert said in shop.row(order).problem
    shop.tamper(order, mended)
    shop.hear(how, order)
    if how == "webhook":
        shop.later(hours=2)

    assert shop.case(order).stage is Stage.PROCESSING
    assert shop.tasks(order) == []
    assert shop.command(order, "ship", **SHIP) == ""
    assert shop.case(order).stage is Stage.COMPLETED


def as_it_is(value: Decimal, places: int = 2) -> str:
    """A plugin of the shop writes amounts as it likes; WooCommerce would round them."""
    return amount(value, places) if value == round(value, places) else str(value)


def test_an_order_that_becomes_unreadable(shop: Shop) -> None:
    """What we know of it stays; nothing is shipped on what is old, and it goes on when it was corrected."""
    order = shop.new_order()
    shop.tamper(order, lambda one: set_quantity(one, -1))
    shop.work()
    assert [title for title in shop.tasks(order) if "cannot be read" in title]
    shop.ask(order, "ship", **SHIP)
    shop.later(hours=2)
    assert shop.case(order).shipments == ()
    shop.tamper(order, lambda one: set_quantity(one, 1))
    shop.later(hours=2)

    assert shop.case(order).stage is Stage.COMPLETED
    assert shop.tasks(order) == []


# --- statuses ---------------------------------------------------------------------------------------------------------


def test_a_status_of_another_plugin(shop: Shop) -> None:
    """It is never guessed and never overwritten; the task names the setting that says what it means."""
    order = shop.new_order()
    shop.tamper(order, setting(status="packed"))
    shop.work()
    assert shop.case(order).order.means is PlatformStatus.UNKNOWN
    assert shop.case(order).stage is Stage.PROCESSING
    shop.command(order, "ship", **SHIP)

    assert shop.status(order) == "packed"
    assert "'packed' of another plugin; it is not overwritten. Say what it means in `statuses`" in shop.tasks(order)[0]


def test_a_status_of_another_plugin_that_is_configured(shop: Shop) -> None:
    """Then it is like one of the shop's own, for staff's decisions and for ours."""
    config = shop.config.read_text()
    statuses = 'statuses = {packed = "open", wc-parked = "on_hold"}\n'
    shop.config.write_text(config.replace('carriers = ["post"]', f'carriers = ["post"]\n{statuses}'))
    shop.reopen()
    order = shop.new_order()
    shop.tamper(order, setting(status="parked"))
    shop.work()
    assert shop.case(order).stage is Stage.ON_HOLD
    shop.tamper(order, setting(status="packed"))
    shop.work()
    assert shop.case(order).stage is Stage.PROCESSING

    assert shop.command(order, "ship", **SHIP) == ""
    assert shop.status(order) == "completed"


def test_a_draft(shop: Shop) -> None:
    """An unfinished checkout is nobody's order yet; it becomes one when the customer goes through with it."""
    order = shop.buy()
    shop.tamper(order, setting(status="checkout-draft"))
    shop.webhook(order)
    shop.work()
    assert shop.case(order).stage is Stage.NEW
    assert (shop.told(order), shop.writes(), shop.mails()) == ({}, [], [])
    shop.tamper(order, setting(status="processing"))
    shop.work()

    assert shop.case(order).stage is Stage.PROCESSING
    assert shop.command(order, "ship", **SHIP) == ""


def test_an_order_that_staff_are_still_writing(shop: Shop) -> None:
    """Without lines and unpaid it costs nothing, which is not the same as being done."""
    order = shop.buy()

    def empty(one: Order) -> None:
        one.created_via, one.status, one.paid = "admin", "pending", None
        one.total, one.line_items, one.shipping_lines = Decimal(0), [], []

    shop.tamper(order, empty)
    shop.work()
    assert shop.case(order).stage is not Stage.COMPLETED
    shop.staff(order, "edit", line_items=[{"product_id": 13, "quantity": 2}], status="processing")
    shop.work()

    assert shop.command(order, "ship", **SHIP) == ""
    assert [line.quantity for line in shop.case(order).shipments[0].lines] == [2]


# --- sizes and gaps ---------------------------------------------------------------------------------------------------


def test_200_lines(shop: Shop) -> None:
    """All of them are shipped, and the mail holds them all."""
    items = [{"product_id": 13, "quantity": 1 + number % 3} for number in range(200)]
    order = shop.new_order(items=items, po_box=True)
    assert shop.mails("ada@")[0].text.count("Classic Mug") == 200
    shop.command(order, "approve")
    assert shop.command(order, "ship", **SHIP) == ""

    assert len(shop.case(order).shipments[0].lines) == 200
    assert shop.case(order).stage is Stage.COMPLETED


def test_no_lines(shop: Shop) -> None:
    """There is nothing to ship, and it can be cancelled and refunded like any other before that."""
    order = shop.buy()
    shop.tamper(order, lambda one: one.line_items.clear())
    shop.work()

    assert shop.case(order).order.lines == ()
    assert shop.case(order).stage is Stage.COMPLETED
    assert shop.command(order, "refund", amount="1.00") == ""


def test_nothing_to_pay(shop: Shop) -> None:
    """Free of charge is paid: it is shipped, and there is nothing to give back."""
    order = shop.buy()
    shop.tamper(order, setting(total=Decimal(0), payment_method="", payment_method_title=""))
    shop.work()
    assert shop.case(order).holds == ()
    assert "more than nothing" in shop.command(order, "refund")
    assert shop.command(order, "ship", **SHIP) == ""

    assert shop.case(order).stage is Stage.COMPLETED


def test_a_guest_without_an_email_address(shop: Shop) -> None:
    """The customer cannot be told: that is a task for a person; the merchant is told, and the order goes on."""
    order = shop.new_order(po_box=True, email="")
    assert shop.told(order)["on_hold/customer"] == DutyState.FAILED
    assert shop.told(order)["on_hold/merchant"] == DutyState.SENT
    assert "has no e-mail address of the customer: add it in the shop, or tell the customer yourself" in shop.tasks(order)[0]
    shop.command(order, "approve")
    assert shop.command(order, "ship", **SHIP) == ""

    assert shop.case(order).stage is Stage.SHIPPED  # not completed: the task is open
    assert shop.status(order) == "completed"


def test_no_shipping_address(shop: Shop) -> None:
    """It is held until somebody adds one; the customer is asked."""
    order = shop.new_order(shipping=NO_PLACE)
    assert [hold.reason for hold in shop.case(order).holds] == [HoldReason.ADDRESS]
    assert shop.told(order)["on_hold/customer"] == DutyState.SENT
    place = {"first_name": "Ada", "address_1": "350 5th Ave", "city": "New York", "postcode": "10118", "country": "US"}
    shop.staff(order, "edit", shipping=place)
    shop.work()

    assert shop.case(order).stage is Stage.PROCESSING


def test_deleted_while_it_is_worked_on(shop: Shop) -> None:
    """It goes between the label and telling the shop: the parcel is written down, and a task says what could not be told."""
    order = shop.new_order()

    def delete(transition: str) -> None:
        if transition == "done" and int(order) in shop.sandbox.store.orders:
            shop.staff(order, "delete")

    shop.app.door.watch = delete
    shop.command(order, "ship", **SHIP)
    shop.later(days=1)

    assert len(shop.case(order).shipments) == 1
    assert shop.case(order).stage is Stage.SHIPPED
    assert [title for title in shop.tasks(order, TaskKind.PROBLEM) if "push_shipment was refused" in title]
    assert shop.row(order).due_at is None


def test_deleted_before_it_was_read(shop: Shop) -> None:
    """A webhook about an order that is gone again: nothing to do, nothing to fail."""
    order = shop.buy()
    shop.webhook(order)
    shop.staff(order, "delete")
    shop.work()

    assert shop.row(order).body is None
    assert (shop.row(order).due_at, shop.row(order).problem) == (None, "")
    with shop.app.database.reading() as connection:
        assert [row.state for row in connection.execute(deliveries.select())] == ["done"]


# --- letters ----------------------------------------------------------------------------------------------------------

EVIL = "<script>alert(1)</script><b>bold</b> &amp; \u202eRTL\u202c שלום 🎁\r\nBcc: thief@evil.example\r\n\r\nbody"
SUBJECT_EVIL = "=?utf-8?q?x=0D=0ABcc=3A_thief=40evil.example?="


def test_markup_and_line_ends_in_what_customers_write(shop: Shop) -> None:
    """It is text wherever it shows: no markup in mails, no header, no line of its own in the timeline."""
    person = {"first_name": EVIL, "last_name": SUBJECT_EVIL, "company": EVIL, "address_2": EVIL}
    items = [{"product_id": 13, "quantity": 1, "meta_data": [{"key": "Engraving", "value": EVIL}]}]
    order = shop.new_order(billing=person, shipping={**person, "address_1": "PO Box 12"}, customer_note=EVIL, items=items)
    shop.command(order, "hold", text=EVIL)
    shop.command(order, "approve")
    shop.command(order, "ship", **SHIP)

    assert len(shop.mails("ada@")) == 1
    assert len(shop.mails("owner@")) == 3
    for mail in shop.mails():
        read = email.message_from_bytes(mail.raw, policy=email.policy.default)
        assert read["Bcc"] is None
        assert mail.envelope_to in [("ada@buyer.example",), ("owner@test-shop.example",)]
        assert [len(read.get_all(name) or ()) for name in ("To", "Subject")] == [1, 1]
        assert "\n" not in str(read["Subject"]) + str(read["To"])
        for markup in ("<script", "<b>bold", "\u202e"):
            assert markup not in mail.html
        assert "\u202e" not in mail.text
    lines = shop.rows(timeline, order)
    assert "thief@evil.example" not in "".join(line.text for line in lines if line.what != "held")
    assert all("\u202e" not in finding.value + finding.text for finding in shop.case(order).findings)
    notes = [note["note"] for note in shop.truth(order)["notes"] if "[oc:" in note["note"]]
    assert notes
    assert not [note for note in notes if "<script" in note or "<b>" in note]


def test_letters_of_all_kinds_arrive_as_they_are(shop: Shop) -> None:
    """Umlauts, other scripts and emoji are whole in the mail."""
    name = {"first_name": "Zoë 🎁", "last_name": "Ōsaka-Müller", "address_1": "PO Box 12"}
    items = [{"product_id": 13, "quantity": 1, "meta_data": [{"key": "גרביים", "value": "שלום ☕️"}]}]
    shop.new_order(billing=name, shipping=name, items=items)
    (mail,) = shop.mails("ada@")

    for text in (mail.text, mail.html):
        assert "Zoë 🎁 Ōsaka-Müller" in text
        assert "שלום ☕️" in text


@pytest.mark.parametrize(
    "address", ["ada@buyer.example\r\nBcc: thief@evil.example", "ada@buyer.example, thief@evil.example", "ada"]
)
def test_an_email_address_that_is_none(shop: Shop, address: str) -> None:
    """Nobody is written to, least of all somebody else; a task says what to correct."""
    order = shop.new_order(po_box=True, email=address)

    assert shop.told(order)["on_hold/customer"] == DutyState.FAILED
    assert [mail.envelope_to for mail in shop.mails()] == [("owner@test-shop.example",)]
    assert [title for title in shop.tasks(order) if "is no address: correct it in the shop" in title]
