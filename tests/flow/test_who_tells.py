"""Who tells whom: whatever the shop's own e-mails are set to, each person hears of each event once, from it or from us."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.model.events import DutyState
from connector.plugins.woocommerce import mails
from connector.sandbox.faults import Rule
from connector.sandbox.woocommerce.email_settings import EMAILS
from connector.store.tables import duties
from tests.flow.shop import PUBLIC, SHIP, Shop, open_shop

ADA, OWNER = "ada@", "owner@"
# What tells the customer of an event, of the shop's e-mails; ours are known by their subjects.
STORE_SAYS = {
    "customer_processing_order": "confirmed",
    "customer_on_hold_order": "on_hold",
    "customer_note": "shipped",
    "customer_completed_order": "shipped",
    "customer_fulfillment_created": "shipped",
    "customer_cancelled_order": "cancelled",
    "customer_refunded_order": "refunded",
    "customer_partially_refunded_order": "refunded",
}


def switch(shop: Shop, *, on: tuple[str, ...] = (), off: tuple[str, ...] = ()) -> None:
    with shop.sandbox.store.lock:
        shop.sandbox.store.emails |= dict.fromkeys(on, True) | dict.fromkeys(off, False)


def configure(shop: Shop, **replaced: str) -> None:
    """Change lines of connector.toml, and start again."""
    text = shop.config.read_text("utf-8")
    for old, new in replaced.items():
        text = text.replace(old, new)
    shop.config.write_text(text, "utf-8")
    shop.reopen()


def customer_heard(shop: Shop, order: str) -> list[str]:
    """Every message that reached the customer, from the shop and from us, by what it is about."""
    theirs = [
        STORE_SAYS.get(mail["email_id"], mail["email_id"]) for mail in shop.truth(order)["mails"] if mail["customer_email"]
    ]
    ours = [row.event for row in shop.rows(duties, order) if row.person == "customer" and row.state == DutyState.SENT]
    assert len(ours) == len(shop.mails(ADA))
    return sorted([*theirs, *ours])


def merchant_heard(shop: Shop, order: str) -> list[str]:
    theirs = [mail["email_id"] for mail in shop.truth(order)["mails"] if not mail["customer_email"]]
    ours = [row.event for row in shop.rows(duties, order) if row.person == "merchant" and row.state == DutyState.SENT]
    assert len(ours) == len(shop.mails(OWNER))
    return sorted([*theirs, *ours])


ALL_OFF, ALL_ON = tuple(EMAILS), tuple(EMAILS)
WITHOUT_SECOND = ("customer_completed_order",)


@pytest.mark.parametrize("off", [WITHOUT_SECOND, ALL_OFF, (*WITHOUT_SECOND, "customer_note"), (*WITHOUT_SECOND, "new_order")])
@pytest.mark.parametrize("note", ["customer", "private", "off"])
def test_a_sale_is_told_once(shop: Shop, off: tuple[str, ...], note: str) -> None:
    """Confirmed and shipped: the customer hears of each exactly once, whoever it is that tells; the merchant too."""
    switch(shop, off=off)
    configure(shop, **{'plugin = "woocommerce"': f'plugin = "woocommerce"\ntracking_note = "{note}"'})
    order = shop.shipped()

    assert customer_heard(shop, order) == ["confirmed", "shipped"]
    assert merchant_heard(shop, order) == (["confirmed", "shipped"] if "new_order" in off else ["new_order", "shipped"])


def test_the_number_reaches_the_customer(shop: Shop) -> None:
    """Whoever tells: by the shop's note while its e-mail is on, by our mail once it is off; staff find it in either case."""
    switch(shop, off=WITHOUT_SECOND)
    by_note = shop.shipped()
    switch(shop, off=("customer_note",))
    shop.app.clock.move(timedelta(days=1))
    by_us = shop.shipped()

    (mail,) = [mail for mail in shop.truth(by_note)["mails"] if mail["email_id"] == "customer_note"]
    assert SHIP["tracking"] in mail["text"]
    (ours,) = shop.mails(ADA)
    assert SHIP["tracking"] in ours.text
    for order in (by_note, by_us):
        assert any(SHIP["tracking"] in note["note"] for note in shop.truth(order)["notes"])


@pytest.mark.parametrize("off", [(), ALL_OFF])
def test_a_transfer_is_told_once(shop: Shop, off: tuple[str, ...]) -> None:
    """Held until the money is there, then confirmed: one message of each."""
    switch(shop, off=off)
    order = shop.new_order(payment_method="bacs")
    assert customer_heard(shop, order) == ["on_hold"]
    shop.staff(order, "status", status="processing")
    shop.work()

    assert customer_heard(shop, order) == ["confirmed", "on_hold"]


@pytest.mark.parametrize(
    ("on", "off"), [((), ()), (("customer_cancelled_order",), ()), ((), ("cancelled_order", "customer_refunded_order"))]
)
def test_a_cancellation_is_told_once(shop: Shop, on: tuple[str, ...], off: tuple[str, ...]) -> None:
    """By us, where the shop's e-mail to the customer is off, as it is in a fresh installation; the refund by one of us."""
    switch(shop, on=on, off=off)
    order = shop.new_order()
    assert shop.command(order, "cancel", reason="changed her mind") == ""

    assert customer_heard(shop, order) == ["cancelled", "confirmed", "refunded"]
    assert [what for what in merchant_heard(shop, order) if what.startswith("cancelled")] == [
        "cancelled" if off else "cancelled_order"
    ]


@pytest.mark.parametrize("amounts", [("5.00",), ("5.00", "6.00"), ("18.61",)])
@pytest.mark.parametrize("off", [(), ("customer_refunded_order",)])
def test_each_refund_is_told_once(shop: Shop, off: tuple[str, ...], amounts: tuple[str, ...]) -> None:
    """In part, twice, in full: the shop mails each, and where it does not, we do."""
    switch(shop, off=off)
    order = shop.new_order()
    for amount in amounts:
        assert shop.command(order, "refund", amount=amount, currency="USD") == ""

    assert customer_heard(shop, order) == ["confirmed", *(["refunded"] * len(amounts))]


def test_each_parcel_is_told_once(shop: Shop) -> None:
    """Two parcels, two messages, and in ours what is inside."""
    switch(shop, off=ALL_OFF)
    order = shop.new_order(items=[{"product_id": 13, "quantity": 2}])
    line = shop.case(order).order.lines[0].id
    shop.command(order, "ship", lines=[{"line_id": line, "quantity": 1}], **SHIP)
    shop.command(order, "ship", **(SHIP | {"tracking": "1Z999AA10123456785"}))

    assert customer_heard(shop, order) == ["confirmed", "shipped", "shipped"]
    first, last = [mail.text for mail in shop.mails(ADA) if "on its way" in mail.subject]
    assert "The rest follows" in first
    assert "The rest follows" not in last
    assert "1Z999AA10123456785" in last


@pytest.mark.parametrize("off", [(), ("customer_note",), WITHOUT_SECOND, ALL_OFF])
@pytest.mark.parametrize("note", ["customer", "private"])
def test_each_parcel_is_told_once_with_a_tracking_plugin(shop: Shop, note: str, off: tuple[str, ...]) -> None:
    """Two parcels and a correction are three messages, whichever of the shop's e-mails is on; the one on completing is one."""
    switch(shop, off=off)
    shop.sandbox.store.settings.features = frozenset({"shipment-tracking"})
    configure(shop, **{'plugin = "woocommerce"': f'plugin = "woocommerce"\ntracking_note = "{note}"'})
    order = shop.new_order(items=[{"product_id": 13, "quantity": 2}])
    line = shop.case(order).order.lines[0].id
    shop.command(order, "ship", lines=[{"line_id": line, "quantity": 1}], **SHIP)
    assert customer_heard(shop, order) == ["confirmed", "shipped"]
    shop.command(order, "ship", request_id="b", **(SHIP | {"tracking": "1Z999AA10123456785"}))
    assert customer_heard(shop, order) == ["confirmed", "shipped", "shipped"]
    assert shop.status(order) == "completed"
    shop.command(order, "tracking", shipment="ship-b", tracking="1Z999AA10123456799")
    assert customer_heard(shop, order) == ["confirmed", "shipped", "shipped", "shipped"]


@pytest.mark.parametrize("off", [WITHOUT_SECOND, (*WITHOUT_SECOND, "customer_note"), ("customer_note",)])
def test_a_correction_reaches_the_customer(shop: Shop, off: tuple[str, ...]) -> None:
    """On an order that is completed, too: by the shop's note, or by our mail where that e-mail is off."""
    switch(shop, off=off)
    order = shop.shipped()
    before = len(customer_heard(shop, order))
    shop.command(order, "tracking", tracking="1Z999AA10123456799")

    assert len(customer_heard(shop, order)) == before + 1
    notes = [mail["text"] for mail in shop.truth(order)["mails"] if mail["email_id"] == "customer_note"]
    ours = [mail.text for mail in shop.mails(ADA)]
    assert len([text for text in [*notes, *ours] if "1Z999AA10123456799" in text]) == 1


def test_who_is_still_paying_is_left_alone(shop: Shop) -> None:
    """An order that waits for its gateway's page: neither customer nor merchant gets a mail about waiting."""
    order = shop.buy(payment_method="fakepay")
    shop.tamper(order, _unpaid)
    shop.work()

    assert shop.told(order)["on_hold/customer"] == DutyState.WAIVED
    assert shop.told(order)["on_hold/merchant"] == DutyState.WAIVED
    assert shop.mails() == []


def _unpaid(order: Any) -> None:
    order.status, order.paid = "pending", None


def test_what_the_merchant_configured_comes_first(shop: Shop) -> None:
    """`tells` wins over what the shop's settings say, and where we are to tell of parcels the shop's note is for staff."""
    tells = '\n[accounts.shop.tells]\nconfirmed = {customer = "none"}\nshipped = {customer = "us", merchant = "none"}\n'
    shop.config.write_text(shop.config.read_text("utf-8") + tells, "utf-8")
    shop.reopen()
    switch(shop, off=WITHOUT_SECOND)
    order = shop.shipped()

    told = shop.told(order)
    assert (told["confirmed/customer"], told["shipped/customer"]) == (DutyState.WAIVED, DutyState.SENT)
    assert told["shipped/merchant"] == DutyState.WAIVED
    assert "customer_note" not in [mail["email_id"] for mail in shop.truth(order)["mails"]]


def test_an_answer_that_is_none_stops_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that answers nonsense is a bug of the plugin; the order goes on as if it had no such hook."""
    monkeypatch.setattr(mails, "platform_tells", lambda ctx, order, shipment: frozenset({"shipped"}))
    order = shop.shipped()

    assert shop.told(order)["shipped/customer"] == DutyState.LEFT_TO_PLATFORM


def test_settings_that_cannot_be_read_stop_nothing(shop: Shop) -> None:
    """The order goes on, and who tells is as in a fresh installation."""
    shop.sandbox.faults.add(Rule(kind="html", status=503, match="/settings/", times=0))
    order = shop.shipped()

    assert shop.told(order)["confirmed/customer"] == DutyState.LEFT_TO_PLATFORM
    assert shop.told(order)["shipped/merchant"] == DutyState.SENT


# --- links to the hub -------------------------------------------------------------------------------------------------


def test_notes_and_the_merchants_mails_lead_to_the_hub(shop: Shop) -> None:
    """Each note that says a decision has the order's page, once; so has the merchant's mail, and the customer's has not."""
    order = shop.new_order(po_box=True)
    shop.command(order, "release")
    page = f"{PUBLIC}/orders/shop/{order}"

    notes = [note["note"] for note in shop.truth(order)["notes"] if "[oc:" in note["note"]]
    assert len(notes) == 2
    assert [note.count(page) for note in notes] == [1, 1]
    assert [page in mail.text for mail in shop.mails(OWNER)] == [True]
    assert [page in mail.text for mail in shop.mails(ADA)] == [False]


def test_without_an_address_there_is_no_link(tmp_path: Path, sqlite_url: str) -> None:
    """No public_url: the note says what was decided, and nothing leads nowhere."""
    with open_shop(tmp_path, sqlite_url, public_url="") as shop:
        order = shop.new_order(po_box=True)

        assert "/orders/" not in "".join(note["note"] for note in shop.truth(order)["notes"])
        assert all("/orders/shop" not in mail.text for mail in shop.mails())


def test_our_own_notes_are_nobodys(shop: Shop) -> None:
    """What we, or the shop itself, wrote on an order is not read as a note by staff."""
    order = shop.new_order(po_box=True)
    shop.staff(order, "status", status="on-hold")
    shop.staff(order, "status", status="processing")
    shop.work()
    shop.webhook(order)
    shop.work()

    assert shop.case(order).order.staff_notes == ()
    shop.staff(order, "note", note="Call her before it leaves.")
    shop.webhook(order)
    shop.work()
    assert shop.case(order).order.staff_notes == ("Call her before it leaves.",)
