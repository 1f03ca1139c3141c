"""The shop's JSON in our words: every recorded order, and everything that cannot be read."""

from __future__ import annotations

import copy
from decimal import Decimal

import pytest

from connector import BadPayload, Money, PaymentEnd, PaymentKind, PlatformStatus, total
from connector.model.codec import from_json, to_json
from connector.model.order import Order
from connector.plugins import woocommerce
from connector.plugins.woocommerce import parse
from connector.plugins.woocommerce.reading import Node, as_text


def usd(text):
    return Money.parse(text, "USD")


def read(raw, **statuses):
    return parse.order(raw, statuses)


def test_every_recorded_order_is_read_and_survives_json(recorded):
    """All complete orders of all recordings are read, and come back from JSON as they were."""
    orders = recorded.orders()
    assert len(orders) > 40
    for name, raw in orders:
        order = read(raw)
        assert from_json(to_json(order), Order) == order, name


def test_the_sums_of_recorded_orders_agree(recorded):
    """Lines, shipping, fees and tax add up to the total, and the taxes of the parts to the tax."""
    odd = []
    for name, raw in recorded.orders():
        order = read(raw)
        parts = [*order.lines, *order.shipping_lines, *order.fees]
        summed = total((part.total for part in parts), order.currency) + order.tax
        if summed != order.total:
            odd.append((name, order.platform_id))
        assert total((part.tax for part in parts), order.currency) == order.tax
    assert odd == []


def test_fact_5_statuses_without_prefix(paid):
    """Every status that WooCommerce registers has its meaning; with the prefix wc- it means the same."""
    expected = {
        "pending": "unpaid",
        "on-hold": "on_hold",
        "processing": "open",
        "completed": "completed",
        "cancelled": "cancelled",
        "refunded": "refunded",
        "failed": "failed",
        "trash": "deleted",
        "checkout-draft": "draft",
        "auto-draft": "draft",
    }
    for word, means in expected.items():
        assert read(paid | {"status": word}).means == means
        assert read(paid | {"status": f"wc-{word}"}).means == means


def test_an_unknown_status_is_never_guessed(paid):
    """A status of another plugin is UNKNOWN, until the account says what it means."""
    packed = paid | {"status": "packed"}
    assert read(packed).means is PlatformStatus.UNKNOWN
    assert read(packed, packed=PlatformStatus.OPEN).means is PlatformStatus.OPEN
    assert read(packed, **{"wc-packed": PlatformStatus.OPEN}).means is PlatformStatus.OPEN
    assert read(packed).status == "packed"


def test_configured_statuses_reach_parse_order(context, paid):
    """parse_order uses the statuses of the account's configuration."""
    ctx = context(statuses={"shipped": "completed"})
    assert woocommerce.parse_order(ctx, paid | {"status": "shipped"}).means is PlatformStatus.COMPLETED


def test_fact_8_cash_on_delivery_is_open_and_not_paid(recorded):
    """A checkout by COD is processing with no date_paid: nothing is captured, and all is due."""
    order = read(recorded.body("03", "cod: the order in REST v3"))
    (payment,) = order.payments
    assert order.means is PlatformStatus.OPEN
    assert payment.kind is PaymentKind.COD
    assert payment.captured == usd("0")
    assert payment.due == order.total == usd("32.22")
    assert payment.paid_at is None


def test_fact_8_bank_transfer_and_cheque_are_on_hold(recorded):
    """BACS and cheque orders of a checkout are on hold and not paid."""
    for label, kind in (("bacs", PaymentKind.BANK_TRANSFER), ("cheque", PaymentKind.CHEQUE)):
        order = read(recorded.body("03", f"{label}: the order in REST v3"))
        assert order.means is PlatformStatus.ON_HOLD
        assert order.payments[0].kind is kind
        assert not order.payments[0].captured


def test_a_gateway_payment_is_captured_when_date_paid_is_set(recorded):
    """The card order of the checkout was paid: captured is its total, and paid_at is UTC."""
    (payment,) = read(recorded.body("03", "card_paid: the order in REST v3")).payments
    assert payment.kind is PaymentKind.GATEWAY
    assert payment.captured == payment.due == payment.authorized
    assert payment.paid_at.isoformat() == "2026-11-22T18:36:50+00:00"


def test_a_free_order_has_nothing_to_pay(recorded):
    """A total of zero without a payment method is PaymentKind.NONE."""
    (payment,) = read(recorded.body("02", "zero_total")).payments
    assert payment.kind is PaymentKind.NONE
    assert payment.due == usd("0")


def test_an_authorized_charge_of_the_stripe_plugin_is_not_captured(paid):
    """`_stripe_charge_captured: no` means the money is only held back."""
    raw = paid | {"meta_data": [{"id": 1, "key": "_stripe_charge_captured", "value": "no"}], "payment_method": "stripe_ideal"}
    (payment,) = read(raw).payments
    assert (payment.authorized, payment.captured) == (usd("32.22"), usd("0"))


def test_an_unpaid_order_that_ended_will_bring_no_money(paid):
    """Failed and cancelled without a payment are ends; paid and cancelled is not."""
    unpaid = paid | {"date_paid_gmt": None}
    assert read(unpaid | {"status": "failed"}).payments[0].ended is PaymentEnd.FAILED
    assert read(unpaid | {"status": "cancelled"}).payments[0].ended is PaymentEnd.VOIDED
    assert read(unpaid).payments[0].ended is None
    assert read(paid | {"status": "cancelled"}).payments[0].ended is None


def test_fact_9_amounts_are_text_and_prices_may_be_floats(recorded):
    """The unit price comes from the text before discounts, not from the float after them."""
    (line,) = read(recorded.body("02", "coupon_percent")).lines
    assert line.unit_price == Decimal("12.5")
    assert line.total == usd("22.50")


def test_a_unit_price_may_have_fractions(paid):
    """Ten dollars for three is a price of 3.333333, while the total stays exact."""
    paid["line_items"][0] |= {"quantity": 3, "subtotal": "10.00", "total": "10.00"}
    line = read(paid).lines[0]
    assert line.unit_price == Decimal("3.333333")
    assert line.total == usd("10.00")


def test_fact_9_html_in_names_becomes_text(paid):
    """Entities and tags in names are text afterwards; the customer's note stays as written."""
    paid["line_items"][0]["name"] = "Classic Mug &times; <b>big</b><script>x()</script>"
    paid["shipping_lines"][0]["method_title"] = "Flat rate &amp; more"
    paid["customer_note"] = "<script>alert(1)</script> a < b & c"
    order = read(paid)
    assert order.lines[0].name == "Classic Mug × big"
    assert order.shipping_lines[0].title == "Flat rate & more"
    assert order.customer_note == "<script>alert(1)</script> a < b & c"


@pytest.mark.parametrize(
    ("html", "text"),
    [("5 < 6 & 7", "5 < 6 & 7"), ("a<br>b", "a b"), ("<p>x</p>", "x"), ("plain", "plain"), ("I <3 U", "I <3 U")],
)
def test_as_text_keeps_what_is_no_markup(html, text):
    """A lone < or & is part of the text."""
    assert as_text(html) == text


def test_fact_9_what_the_customer_entered_is_personal(recorded):
    """Visible line meta is personal; keys with a leading _ (also objects) and _reduced_stock are not shown."""
    (line,) = read(recorded.body("02", "line_meta_engraving")).lines
    assert line.personal == (("Engraving", "For Eve ♥"), ("Artwork URL", "https://cdn.example/art/abc.png"))


def test_a_variation_is_in_the_name_and_not_personal(recorded, paid):
    """The size of a variation is its name's, a global attribute that the name lacks is added, an engraving stays personal."""
    line = read(recorded.body("02", "variable_by_variation")).lines[0]
    assert (line.name, line.variant_id, line.product_id, line.personal) == ("Logo Tee - L", "22", "19", ())
    raw = recorded.body("02", "variable_by_variation")
    raw["line_items"][0]["meta_data"] += [
        {"id": 1, "key": "pa_color", "value": "red", "display_key": "Color", "display_value": "<p>Red</p>"},
        {"id": 2, "key": "Engraving", "value": "Eve", "display_key": "Engraving", "display_value": "Eve"},
    ]
    line = read(raw).lines[0]
    assert line.name == "Logo Tee - L (Color: Red)"
    assert line.personal == (("Engraving", "Eve"),)


def test_meta_that_is_an_object_is_shown_as_text(paid):
    """A visible meta value that is an object is flattened, never an error."""
    paid["line_items"][0]["meta_data"] = [
        {
            "id": 1,
            "key": "Options",
            "value": {},
            "display_key": "Options",
            "display_value": {"font": "Serif", "lines": ["For", 1]},
        }
    ]
    assert read(paid).lines[0].personal == (("Options", "font: Serif, lines: For, 1"),)


def test_pickup_and_downloads_need_no_shipping(recorded):
    """Local pickup is marked, an order of downloads has nothing to ship, a mixed one ships, so does a free sticker."""
    pickup = read(recorded.body("02", "local_pickup"))
    assert pickup.shipping_lines[0].pickup
    assert not pickup.needs_shipping
    assert not read(recorded.body("02", "virtual_downloadable")).needs_shipping
    assert not read(recorded.body("03", "virtual_only: the order in REST v3")).needs_shipping
    assert read(recorded.body("02", "mixed_virtual_physical")).needs_shipping
    assert read(recorded.body("02", "zero_total")).needs_shipping


def test_a_checkout_without_shipping_line_has_nothing_to_ship(paid):
    """Virtual lines that are no downloads need processing, but a checkout gives them no shipping line."""
    raw = paid | {"shipping_lines": [], "needs_processing": True}
    assert read(raw | {"created_via": "rest-api"}).needs_shipping
    assert not read(raw | {"created_via": "store-api"}).needs_shipping
    assert not read(raw | {"created_via": "checkout"}).needs_shipping


def test_fact_17_refunds_of_nothing(paid):
    """The totals "-" and "-0.00" of zero refunds are zero, and sums go on."""
    paid["refunds"] = [
        {"id": 138, "reason": "", "total": "-0.00"},
        {"id": 139, "reason": "", "total": "-"},
        {"id": 140, "reason": "three decimals", "total": "-1.01"},
    ]
    order = read(paid)
    assert [refund.amount for refund in order.refunds] == [usd("0"), usd("0"), usd("1.01")]
    assert order.payments[0].refunded == usd("1.01")


def test_refunds_in_detail_say_whether_money_moved(recorded, paid):
    """With the shop's list of refunds, money_moved is known; from the order alone it is not."""
    rows = [recorded.body("08", "D cod: api_refund false"), recorded.body("08", "B full: total in one, no line_items")]
    order = parse.order(paid, {}, refund_rows=rows)
    assert [refund.money_moved for refund in order.refunds] == [False, True]
    assert order.refunds[1].at.isoformat() == "2026-11-22T18:41:54+00:00"
    paid["refunds"] = [{"id": 1, "reason": "x", "total": "-1.00"}]
    assert read(paid).refunds[0].money_moved is None


def test_fees_may_be_negative(recorded):
    """A loyalty discount comes as a fee below zero."""
    fees = read(recorded.body("02", "fee_line")).fees
    assert [(fee.name, fee.total.text, fee.tax.text) for fee in fees] == [
        ("Gift wrap", "4.00", "0.36"),
        ("Loyalty discount", "-2.00", "-0.18"),
    ]


def test_tracking_is_read_from_every_place(paid):
    """Ours, `_tracking_number` and the Shipment Tracking plugins' list, each number once."""
    paid["meta_data"] = [
        {"id": 1, "key": f"{parse.SHIPMENT}0123456789ab", "value": {"number": "A1", "carrier": "DHL", "url": ""}},
        {"id": 2, "key": "_tracking_number", "value": "A1"},
        {"id": 3, "key": "_wc_shipment_tracking_items", "value": [{"tracking_number": "B2"}]},
        {"id": 4, "key": "_other", "value": {"a": [1]}},
    ]
    assert read(paid).tracking == ("A1", "B2")


def test_the_rehearsal_tag(paid):
    """A test order says which run it belongs to; a real one does not."""
    assert read(paid).rehearsal == ""
    paid["meta_data"] = [{"id": 1, "key": "_order_connector_rehearsal", "value": "run-7"}]
    assert read(paid).rehearsal == "run-7"


def test_times_are_utc(paid):
    """placed_at and updated_at come from the GMT fields, whatever zone the shop is in."""
    raw = paid | {"date_created_gmt": "2026-11-22T18:00:00", "date_modified_gmt": "2026-11-22T18:30:00"}
    order = read(raw | {"date_created": "2026-11-23T03:00:00"})
    assert order.placed_at.isoformat() == "2026-11-22T18:00:00+00:00"
    assert order.updated_at.isoformat() == "2026-11-22T18:30:00+00:00"


def test_addresses_stay_as_written(recorded):
    """Lines of an address are not touched, and an order without shipping address has an empty one."""
    order = read(recorded.body("02", "po_box"))
    assert "box" in (order.shipping.line1 + order.shipping.line2).lower()
    assert order.customer.email.endswith("@buyer.example")
    assert order.customer.id == ""
    assert read(recorded.body("02", "no_shipping_address")).shipping.is_empty


# --- what cannot be read ----------------------------------------------------------------------------------------------

BROKEN = {
    "order.total: ": {"total": "32,22"},
    "order.total_tax: ": {"total_tax": "abc"},
    "order.discount_total: ": {"discount_total": None},
    "order.currency: ": {"currency": "XXQ"},
    "order.date_created_gmt: ": {"date_created_gmt": None},
    "order.date_modified_gmt: ": {"date_modified_gmt": "yesterday"},
    "order.date_paid_gmt: ": {"date_paid_gmt": "soon"},
    "order.line_items: ": {"line_items": {}},
    "order.refunds[0].total: ": {"refunds": [{"id": 1, "reason": "", "total": "NaN"}]},
}


@pytest.mark.parametrize("path", BROKEN)
def test_what_cannot_be_read_is_named(paid, path):
    """BadPayload names the path of what is no amount, an unknown currency, a missing time."""
    with pytest.raises(BadPayload) as caught:
        read(paid | BROKEN[path])
    assert str(caught.value).startswith(path)


@pytest.mark.parametrize("field", ["id", "status", "currency", "total", "line_items", "date_created_gmt", "date_modified_gmt"])
def test_a_missing_field_is_named(paid, field):
    """A field that every order has is missed with its path."""
    raw = copy.deepcopy(paid)
    del raw[field]
    with pytest.raises(BadPayload, match=rf"order\.{field} is missing"):
        read(raw)


@pytest.mark.parametrize("quantity", [0, -1, 1.5, "2", True, None])
def test_fact_7_quantities_below_one_are_refused(paid, quantity):
    """The shop lets quantities of zero and less through; nothing can be shipped from them."""
    paid["line_items"][0]["quantity"] = quantity
    with pytest.raises(BadPayload, match=r"order\.line_items\[0\]\.quantity: "):
        read(paid)


def test_yen_are_read_with_and_without_decimals(paid):
    """The exponent of the currency decides, not two places; what is below it is rounded half up."""
    raw = copy.deepcopy(paid) | {"currency": "JPY", "total": "1200", "total_tax": "0", "discount_total": "0", "refunds": []}
    raw |= {"line_items": [], "shipping_lines": [], "fee_lines": []}
    assert read(raw).total == Money(minor=1200, currency="JPY")
    assert read(raw | {"total": "1200.00"}).total == Money(minor=1200, currency="JPY")
    assert read(raw | {"total": "1200.50"}).total == Money(minor=1201, currency="JPY")


def test_nothing_that_is_no_order_gets_through():
    """A list, a text and an object without fields are refused, never an error of Python."""
    for raw in ([], "x", {}, None):
        with pytest.raises(BadPayload):
            parse.order(raw, {})


def test_node_says_where_it_is():
    """Paths go through objects and lists."""
    node = Node({"a": [{"b": "x"}]}, "order")
    assert node["a"].items()[0]["b"].path == "order.a[0].b"


# --- notes ------------------------------------------------------------------------------------------------------------


def test_staff_notes_are_what_people_wrote(recorded):
    """Only private notes by a person: not WooCommerce's, not those to the customer, not our own."""
    notes = recorded.body("07", "list all")
    assert list(parse.staff_notes(notes)) == ["by user"]
    ours = [dict(notes[1], id=999, note="Held. [oc:0123456789ab]")]
    assert list(parse.staff_notes(ours)) == []
    assert list(parse.staff_notes([dict(notes[1], author="system")])) == []


def test_staff_notes_come_oldest_first(recorded):
    """The shop lists notes in no order that helps."""
    by_user = next(note for note in recorded.body("07", "list all") if note["author"] == "mgr")
    later = by_user | {"id": 2, "note": "second", "date_created_gmt": "2026-11-23T00:00:00"}
    assert list(parse.staff_notes([later, by_user])) == ["by user", "second"]


# --- what plugins of the shop add -------------------------------------------------------------------------------------


def with_meta(paid, *rows):
    """The paid order, with this meta on its first line."""
    shown = [{"id": at, "display_key": row["key"], "display_value": row["value"], **row} for at, row in enumerate(rows)]
    return paid | {"line_items": [paid["line_items"][0] | {"meta_data": shown}]}


def test_product_add_ons_are_shown_once(paid):
    """Labels with prices stand in plain meta; the list behind them (`_pao_ids`) adds only what is not shown."""
    row = {"value": "Peperoni", "id": 1, "raw_value": "Peperoni", "raw_price": 3, "price_type": "flat_fee"}
    behind = [{"key": "Topping", **row}, {"key": "Name", "value": "For Eve", "id": 2}]
    raw = with_meta(paid, {"key": "Topping ($3.00)", "value": "Peperoni"}, {"key": "_pao_ids", "value": behind})
    assert read(raw).lines[0].personal == (("Topping ($3.00)", "Peperoni"), ("Name", "For Eve"))


def test_options_that_a_plugin_keeps_out_of_sight(paid):
    """Extra Product Options and Acowebs' add-ons: each field with its label, however deep it lies."""
    options = [
        {"mode": "builder", "name": "", "value": "Weekly", "price": 2, "section": "5d23"},
        {"mode": "builder", "name": "Engraving", "value": "Eve &amp; Ann", "price": 0},
    ]
    raw = with_meta(paid, {"key": "_tmcartepo_data", "value": options})
    assert read(raw).lines[0].personal == (("Option", "Weekly"), ("Engraving", "Eve & Ann"))

    fields = [
        [{"type": "text", "label": "Initials", "value": "E.A."}, {"label": "Colours", "value": [{"label": "Red"}, "Blue"]}]
    ]
    sections = {"sec_1": {"extra": {"key": 0}, "fields": fields}}
    raw = with_meta(paid, {"key": "_WCPA_order_meta_data", "value": sections})
    assert read(raw).lines[0].personal == (("Initials", "E.A."), ("Colours", "Red, Blue"))


@pytest.mark.parametrize("value", ["", None, [], {}, "a:1:{i:0;s:1}", [None, 3], {"fields": None}, [{"value": None}]])
def test_odd_values_of_such_meta_stop_nothing(paid, value):
    """What another version of a plugin writes there is left out."""
    for key in ("_pao_ids", "_tmcartepo_data", "_WCPA_order_meta_data"):
        assert read(with_meta(paid, {"key": key, "value": value})).lines[0].personal == ()


def test_an_upload_keeps_its_address(paid):
    """Upload plugins show a link; whoever makes the thing needs where it leads."""
    link = '<a href="https://shop.example/wp-content/uploads/eve.png" target="_blank">eve.png</a>'
    raw = with_meta(paid, {"key": "Your picture", "value": link}, {"key": "Plain", "value": "https://cdn.example/a.png"})
    assert read(raw).lines[0].personal == (
        ("Your picture", "eve.png (https://shop.example/wp-content/uploads/eve.png)"),
        ("Plain", "https://cdn.example/a.png"),
    )


@pytest.mark.parametrize(
    "key", ["_order_number", "_order_number_formatted", "_alg_wc_custom_order_number", "_wcj_order_number"]
)
def test_the_number_of_a_numbering_plugin(paid, key):
    """`number` where the plugin changes it, else its meta; without either the id."""
    numbered = paid | {"meta_data": [{"id": 1, "key": key, "value": "WT-1001"}]}
    assert read(numbered).number == "WT-1001"
    assert read(numbered | {"number": "2026-7"}).number == "2026-7"
    assert read(paid | {"number": ""}).number == str(paid["id"])


def test_several_shipping_lines_and_one_pickup(paid):
    """Packages of one order: what is picked up does not keep the rest from being sent."""
    (flat,) = paid["shipping_lines"]
    pickup = flat | {"id": 9001, "method_id": "pickup_location", "method_title": "Pickup (Main &amp; 3rd)", "total": "0.00"}
    order = read(paid | {"shipping_lines": [flat, pickup]})
    assert [(line.title, line.pickup) for line in order.shipping_lines][1] == ("Pickup (Main & 3rd)", True)
    assert order.needs_shipping
    assert not read(paid | {"shipping_lines": [pickup]}).needs_shipping


def test_a_product_that_is_gone(recorded, paid):
    """Deleted since, or never there: no SKU, no parent, id 0; the line is still a line."""
    order = read(recorded.body("02", "unknown_product_id")) if has(recorded, "unknown_product_id") else None
    assert order is None or order.lines[0].quantity >= 1
    gone = {"product_id": 0, "variation_id": 0, "sku": None, "parent_name": None, "name": "", "image": None, "price": 0}
    (line, *_) = read(paid | {"line_items": [paid["line_items"][0] | gone]}).lines
    assert (line.sku, line.product_id, line.variant_id, line.quantity) == ("", "", "", paid["line_items"][0]["quantity"])


def has(recorded, label):
    return any(each["label"] == label for each in recorded.file("02")["exchanges"])
