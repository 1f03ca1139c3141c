"""Who mails what: the shop's own e-mails, by its settings and by what a change of status really sends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import requests

from connector import CheckResult, DutyEvent, LineQuantity, Money, Order, PaymentKind, Person, PlatformStatus, Shipment
from connector.plugins import woocommerce
from connector.plugins.woocommerce import mails
from connector.plugins.woocommerce.config import STATUSES
from connector.testing import next_act

from .conftest import API, NOW

CUSTOMER, MERCHANT = Person.CUSTOMER, Person.MERCHANT
NO_ROUTE = {"status": 404, "json": {"code": "rest_no_route", "message": "No route", "data": {"status": 404}}}
NO_GROUP = {
    "status": 404,
    "json": {"code": "rest_setting_setting_group_invalid", "message": "Invalid", "data": {"status": 404}},
}
NO_RIGHT = {
    "status": 403,
    "json": {"code": "woocommerce_rest_cannot_view", "message": "Sorry, you cannot list resources.", "data": {"status": 403}},
}


def settings(shop: Any, *, off: tuple[str, ...] = (), on: tuple[str, ...] = (), **replies: Any) -> None:
    """The shop answers for each e-mail; `replies` says for one of them what else it answers."""
    for email in mails.EMAILS:
        is_on = email in on or (email in mails.DEFAULT and email not in off)
        reply = replies.get(email, {"json": [{"id": "enabled", "value": "yes" if is_on else "no"}]})
        shop.get(f"{API}/settings/email_{email}", **reply)


def meta_only(shop: Any) -> None:
    """The shop has neither fulfillments nor a tracking plugin."""
    for order in ("58", "0"):
        shop.get(f"{API}/orders/{order}/fulfillments", **NO_ROUTE)
        shop.get(f"{API.replace('wc/v3', 'wc-shipment-tracking/v3')}/orders/{order}/shipment-trackings", **NO_ROUTE)


@pytest.fixture
def order(ctx, paid):
    return woocommerce.parse.order(paid | {"id": 58}, {})


def as_seen(order: Order, means: PlatformStatus, *, kind: PaymentKind = PaymentKind.GATEWAY, paid: bool = True) -> Order:
    sum_paid = order.total if paid else Money.zero(order.currency)
    payments = tuple(replace(one, kind=kind, captured=sum_paid, authorized=sum_paid) for one in order.payments)
    (status,) = [word for word, meant in STATUSES.items() if meant is means and word != "auto-draft"]
    return replace(order, status=status, means=means, payments=payments)


def asked(shop: Any) -> list[str]:
    return [
        call.request.url.partition("/settings/email_")[2].partition("?")[0]
        for call in shop.calls
        if "/settings/" in call.request.url
    ]


# --- the table --------------------------------------------------------------------------------------------------------


def test_a_fresh_installation(order):
    """Recorded: confirmed and refunded for the customer, new and cancelled orders for the shop; a parcel by a note."""
    assert mails.tells(mails.DEFAULT, order, by_shop=True) == {
        (DutyEvent.CONFIRMED, CUSTOMER),
        (DutyEvent.CONFIRMED, MERCHANT),
        (DutyEvent.SHIPPED, CUSTOMER),
        (DutyEvent.CANCELLED, MERCHANT),
        (DutyEvent.REFUNDED, CUSTOMER),
    }


def test_the_default_is_the_recorded_one(recorded):
    """Each e-mail that counts here is one that a real shop has, on or off as it was recorded."""
    told = {mail["id"]: mail["enabled_by_default"] for mail in recorded.file("14")["emails"]}

    assert {email: told[email] for email in mails.EMAILS} == {email: email in mails.DEFAULT for email in mails.EMAILS}


@pytest.mark.parametrize(
    ("email", "means", "what"),
    [
        ("customer_processing_order", PlatformStatus.OPEN, (DutyEvent.CONFIRMED, CUSTOMER)),
        ("new_order", PlatformStatus.OPEN, (DutyEvent.CONFIRMED, MERCHANT)),
        ("customer_on_hold_order", PlatformStatus.ON_HOLD, (DutyEvent.ON_HOLD, CUSTOMER)),
        ("customer_failed_order", PlatformStatus.FAILED, (DutyEvent.ON_HOLD, CUSTOMER)),
        ("failed_order", PlatformStatus.FAILED, (DutyEvent.ON_HOLD, MERCHANT)),
        ("customer_completed_order", PlatformStatus.COMPLETED, (DutyEvent.SHIPPED, CUSTOMER)),
        ("customer_cancelled_order", PlatformStatus.ON_HOLD, (DutyEvent.CANCELLED, CUSTOMER)),
        ("cancelled_order", PlatformStatus.OPEN, (DutyEvent.CANCELLED, MERCHANT)),
        ("customer_refunded_order", PlatformStatus.OPEN, (DutyEvent.REFUNDED, CUSTOMER)),
    ],
)
def test_each_switch_hands_one_message_over(order, email, means, what):
    """On: the shop tells. Off: it does not, and nothing else changes."""
    seen, everything = as_seen(order, means), frozenset(mails.EMAILS)

    assert mails.tells(everything, seen, by_shop=False) - mails.tells(everything - {email}, seen, by_shop=False) == {what}


def test_an_unpaid_order_has_had_no_mail_of_waiting(order):
    """`pending` mails nobody (recorded)."""
    told = mails.tells(frozenset(mails.EMAILS), as_seen(order, PlatformStatus.UNPAID, paid=False), by_shop=True)

    assert not {person for event, person in told if event is DutyEvent.ON_HOLD}


def test_a_plugins_status_mails_nobody(order):
    """WooCommerce's e-mails hang on its own statuses: what leaves one of a plugin's is ours to tell."""
    everything = frozenset(mails.EMAILS)
    packed = replace(order, status="packed", means=PlatformStatus.OPEN)
    handed_over = replace(order, status="delivered-to-carrier", means=PlatformStatus.COMPLETED)

    assert not {event for event, _ in mails.tells(everything, packed, by_shop=True)} & {DutyEvent.CANCELLED}
    assert (DutyEvent.SHIPPED, CUSTOMER) not in mails.tells(everything, handed_over, by_shop=True)


@pytest.mark.parametrize(
    ("means", "kind", "is_paid", "mailed"),
    [
        (PlatformStatus.OPEN, PaymentKind.GATEWAY, True, True),
        (PlatformStatus.ON_HOLD, PaymentKind.BANK_TRANSFER, False, True),
        (PlatformStatus.UNPAID, PaymentKind.GATEWAY, False, False),
        (PlatformStatus.COMPLETED, PaymentKind.GATEWAY, True, False),
        (PlatformStatus.CANCELLED, PaymentKind.GATEWAY, True, True),  # by staff, from processing
        (PlatformStatus.CANCELLED, PaymentKind.COD, False, True),
        (PlatformStatus.CANCELLED, PaymentKind.GATEWAY, False, False),  # by the shop itself, from pending
        (PlatformStatus.REFUNDED, PaymentKind.GATEWAY, True, False),
        (PlatformStatus.DELETED, PaymentKind.GATEWAY, True, False),
    ],
)
def test_cancelling_mails_from_two_statuses_only(order, recorded, means, kind, is_paid, mailed):
    """As in the recorded matrix: from processing and on-hold. Else the shop is told by us, and so is the customer."""
    seen = as_seen(order, means, kind=kind, paid=is_paid)
    told = mails.tells(frozenset(mails.EMAILS), seen, by_shop=False)

    assert {person for event, person in told if event is DutyEvent.CANCELLED} == ({CUSTOMER, MERCHANT} if mailed else set())
    matrix = [row for row in recorded.file("06")["matrix"] if row["to"] == "cancelled"]
    mailing = {row["from"] for row in matrix if any(mail["id"] == "cancelled_order" for mail in row["emails"])}
    assert mailing == {"processing", "on-hold"}


def test_every_refund_is_mailed(recorded):
    """Partial and full, through the gateway and only written down: the customer gets the same e-mail (recorded)."""
    made = [
        each
        for each in recorded.file("08")["exchanges"]
        if each["request"]["method"] == "POST" and each["response"]["status"] == 201
    ]
    refunds = [each for each in made if each["request"]["path"].endswith("/refunds")]
    mailed = [[mail["subject"].split()[-1] for mail in (each["side_effects"] or {}).get("mail", [])] for each in refunds]

    assert any(each["request"]["body"].get("api_refund") is False for each in refunds)
    assert set(map(tuple, mailed)) == {("refunded",)}


# --- the settings -----------------------------------------------------------------------------------------------------


def test_it_is_read_once_a_day(context, shop, order):
    """A second order asks nothing; a day later it is asked again, and what the merchant switched is found."""
    times = [NOW]
    ctx = context(now=lambda: times[0])
    settings(shop)
    meta_only(shop)
    first = woocommerce.platform_tells(ctx, order, None)
    once = asked(shop)
    woocommerce.platform_tells(next_act(ctx, request_id="r2"), order, None)

    assert asked(shop) == once == list(mails.EMAILS)
    shop.reset()
    settings(shop, off=("customer_refunded_order",))
    meta_only(shop)
    times[0] += timedelta(days=1)
    assert first - woocommerce.platform_tells(ctx, order, None) == {(DutyEvent.REFUNDED, CUSTOMER)}


@pytest.mark.parametrize("reply", [NO_RIGHT, {"status": 503, "body": "<html>"}, {"body": requests.ConnectionError("x")}])
def test_what_cannot_be_read_is_as_in_a_fresh_installation(ctx, shop, order, reply):
    """The key may not, or the shop is away: nobody waits for that, and it is asked once, not once for each e-mail."""
    settings(shop, new_order=reply)
    meta_only(shop)

    assert woocommerce.platform_tells(ctx, order, None) == mails.tells(mails.DEFAULT, order, by_shop=True)
    assert asked(shop) == ["new_order"]


def test_what_was_known_stays_known(context, shop, order):
    """A shop that does not answer today has the switches that it had yesterday, and is asked again in a quarter of an hour."""
    times = [NOW]
    ctx = context(now=lambda: times[0])
    settings(shop, off=("customer_processing_order",))
    meta_only(shop)
    before = woocommerce.platform_tells(ctx, order, None)
    shop.reset()
    settings(shop, new_order={"status": 503, "body": ""})
    meta_only(shop)
    times[0] += timedelta(days=1)

    assert woocommerce.platform_tells(ctx, order, None) == before
    assert woocommerce.platform_tells(ctx, order, None) == before
    assert asked(shop) == ["new_order"]
    times[0] += timedelta(minutes=15)
    woocommerce.platform_tells(ctx, order, None)
    assert asked(shop) == ["new_order", "new_order"]


def test_an_older_woocommerce_has_fewer_emails(ctx, shop, order):
    """What it does not have it does not send; the rest is read all the same."""
    settings(shop, on=("customer_cancelled_order",), customer_cancelled_order=NO_GROUP, off=("new_order",))
    meta_only(shop)

    told = woocommerce.platform_tells(ctx, order, None)
    assert (DutyEvent.CANCELLED, CUSTOMER) not in told
    assert (DutyEvent.CONFIRMED, MERCHANT) not in told


# --- parcels ----------------------------------------------------------------------------------------------------------


def parcel(order: Order, **more: Any) -> Shipment:
    lines = tuple(LineQuantity(line_id=line.id, quantity=line.quantity) for line in order.lines)
    return replace(Shipment(id="s1", lines=lines, carrier="UPS", tracking_number="1Z", is_last=True), **more)


FULFILLED, CORRECTED = "customer_fulfillment_created", "customer_fulfillment_updated"
NOTE, COMPLETED = "customer_note", "customer_completed_order"
FIRST, WRONG, BARE = {"is_last": False}, {"instead_of": "1Y"}, {"tracking_number": ""}


@pytest.mark.parametrize(
    ("tracking", "off", "which", "by_shop"),
    [
        ("meta", (), {}, True),
        ("meta", (NOTE,), {}, False),
        ("meta", (COMPLETED,), {}, True),
        ("meta", (NOTE,), WRONG, False),
        ("meta", (COMPLETED,), WRONG, True),
        ("fulfillments", (), {}, True),
        ("fulfillments", (FULFILLED,), {}, False),
        ("fulfillments", (FULFILLED,), WRONG, True),
        ("fulfillments", (CORRECTED,), WRONG, False),
        ("shipment-tracking", (), {}, True),
        ("shipment-tracking", (COMPLETED,), {}, True),
        ("shipment-tracking", (NOTE,), {}, True),
        ("shipment-tracking", (NOTE,), FIRST, False),
        ("shipment-tracking", (NOTE,), WRONG, False),
        ("shipment-tracking", (NOTE,), BARE, False),
        ("shipment-tracking", (NOTE, COMPLETED), {}, False),
    ],
)
def test_a_parcel_is_told_by_the_shop_only_with_its_number(context, shop, order, tracking, off, which, by_shop):
    """The e-mail that brings the number has to be on; the one on completing brings the last with a tracking plugin only."""
    settings(shop, off=off)
    ctx = context(tracking=tracking)

    assert ((DutyEvent.SHIPPED, CUSTOMER) in woocommerce.platform_tells(ctx, order, parcel(order, **which))) is by_shop


@pytest.mark.parametrize(("off", "by_shop"), [((), True), ((NOTE,), False)])
def test_a_correction_after_the_order_was_completed(context, shop, order, off, by_shop):
    """The e-mail on completing went out long ago: only a note brings the right number, or we do."""
    settings(shop, off=off)
    seen = as_seen(order, PlatformStatus.COMPLETED)
    told = woocommerce.platform_tells(context(tracking="meta"), seen, parcel(order, **WRONG))

    assert ((DutyEvent.SHIPPED, CUSTOMER) in told) is by_shop


def test_a_status_of_another_plugin_mails_no_number(context, shop, order):
    """The account sets another word than `completed`: no e-mail on completing brings the last parcel's number."""
    settings(shop, off=(NOTE,))
    ctx = context(tracking="shipment-tracking", writes={"completed": "delivered"})

    assert (DutyEvent.SHIPPED, CUSTOMER) not in woocommerce.platform_tells(ctx, order, parcel(order))


@pytest.mark.parametrize("note", ["private", "off"])
def test_the_mail_on_completing_tells_whatever_the_note_is(context, shop, order, note):
    """With a tracking plugin the last parcel's number is in it, so a mail of ours would be the second one."""
    settings(shop)
    ctx = context(tracking="shipment-tracking", tracking_note=note)

    assert (DutyEvent.SHIPPED, CUSTOMER) in woocommerce.platform_tells(ctx, order, parcel(order))
    assert (DutyEvent.SHIPPED, CUSTOMER) not in woocommerce.platform_tells(ctx, order, parcel(order, **FIRST))


@pytest.mark.parametrize("note", ["private", "off"])
def test_without_a_customer_note_the_parcel_is_ours_to_tell(context, shop, order, note):
    """The account says that the shop does not tell the customer."""
    settings(shop)
    meta_only(shop)

    told = woocommerce.platform_tells(context(tracking_note=note), order, parcel(order))
    assert (DutyEvent.SHIPPED, CUSTOMER) not in told


# --- check ------------------------------------------------------------------------------------------------------------


def test_check_says_who_tells_whom(ctx, shop):
    """In words, for customer and merchant, and what to switch off so that nobody hears twice of a parcel."""
    settings(shop)
    meta_only(shop)
    to_customer, to_merchant, second = mails.checks(ctx)

    assert to_customer.text == (
        "By the shop: confirmed, waiting for payment, shipped (with tracking number), refunded. "
        "By us: cancelled, other holds. So say the shop's e-mail settings."
    )
    assert to_merchant.text == (
        "By the shop: new order, cancelled. By us: on hold, shipped, refunded. So say the shop's e-mail settings."
    )
    assert second.result is CheckResult.WARNING
    assert '"Completed order" off in WooCommerce > Settings > Emails' in second.fix
    assert "downloads" in second.fix


def test_check_is_content_when_the_second_mail_is_off(ctx, shop):
    """Nothing to warn of."""
    settings(shop, off=("customer_completed_order",))
    meta_only(shop)

    assert [check.result for check in mails.checks(ctx)] == [CheckResult.OK, CheckResult.OK]


def test_check_does_not_warn_where_the_number_is_in_that_mail(context, shop):
    """A tracking plugin puts the numbers into the e-mail on completing: it must stay on."""
    settings(shop)

    assert [check.name for check in mails.checks(context(tracking="shipment-tracking"))] == [
        "mails to the customer",
        "mails to the merchant",
    ]


def test_check_says_who_tells_which_parcel(context, shop):
    """With a tracking plugin and without customer notes, the last parcel is the shop's to tell and the others are ours."""
    settings(shop, off=(NOTE,))
    to_customer, _ = mails.checks(context(tracking="shipment-tracking"))

    assert "shipped, the last parcel (with tracking number)" in to_customer.text.partition("By us")[0]
    assert "shipped, parcels before the last" in to_customer.text.partition("By us")[2]


def test_check_says_where_it_only_supposes(ctx, shop):
    """The key may not read settings: the table is a guess, the reason is named, and how to put it right."""
    settings(shop, new_order=NO_RIGHT)
    meta_only(shop)
    found = mails.checks(ctx)

    assert [check.result for check in found] == [CheckResult.WARNING, CheckResult.WARNING]
    assert all("Only supposed" in check.text and "may not do this" in check.text for check in found)
    assert all("[accounts.NAME.tells]" in check.fix for check in found)


# --- notes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Order status changed from Processing to On hold.", []),
        ("Order status changed by bulk edit: Order status changed from Processing to Completed.", []),
        ("Adjusted stock: Classic Mug (5&rarr;4)", []),
        ("She paid by phone. Order status changed from On hold to Processing.", ["She paid by phone."]),
        ("Order status changed from A to B. Then I rang her", ["Order status changed from A to B. Then I rang her"]),
    ],
)
def test_what_the_shop_books_for_staff_is_no_note(text, read):
    """In wp-admin WooCommerce writes them in the name of whoever clicked; what that person wrote besides is kept."""
    note = {"id": 1, "author": "mgr", "note": text, "customer_note": False, "date_created_gmt": "2026-11-22T18:00:00"}

    assert list(woocommerce.parse.staff_notes([note])) == read
