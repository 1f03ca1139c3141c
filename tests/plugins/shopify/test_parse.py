"""Shopify's JSON of an order in our words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from graphql import GraphQLSchema, execute_sync, parse

from connector import (
    BadPayload,
    LineQuantity,
    Money,
    Order,
    Origin,
    PlatformHold,
    PlatformStatus,
    Risk,
    RiskLevel,
)
from connector.plugins.shopify.client import text_of
from connector.plugins.shopify.orders import WHOLE
from connector.plugins.shopify.parse import order as read

from . import building as b


def eur(text: str) -> Money:
    return Money.parse(text, "EUR")


def parsed(**changes: Any) -> Order:
    return read(b.order(**changes))


def test_what_the_tests_build_is_what_shopify_can_answer(schema: GraphQLSchema) -> None:
    """The real schema executes our operation on a built order and gives exactly it back: no field is missing or invented."""
    built = b.order(
        refunds=[b.refund()], fulfillments=[{"id": b.gid("Fulfillment", 1), "status": "SUCCESS", "trackingInfo": []}]
    )
    done = execute_sync(schema, parse(text_of("Order")), {"order": built}, variable_values={"id": built["id"], **WHOLE})
    assert done.errors is None
    assert done.data is not None
    assert read(done.data["order"]) == read(built)


def test_a_plain_order() -> None:
    """Every field that is read arrives, in our words and units."""
    order = parsed(tags=["vip"], note="leave at the door", test=True)
    line = order.lines[0]
    assert (order.platform_id, order.number) == ("5012345678901234567", "#1001")
    assert (order.status, order.means) == ("PAID/UNFULFILLED", PlatformStatus.OPEN)
    assert (order.total, order.tax, order.discount) == (eur("30"), eur("5"), eur("0"))
    assert order.placed_at == datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
    assert (line.id, line.sku, line.name, line.quantity, line.weight_g) == ("11", "MUG", "Mug - Blue", 2, 350)
    assert (line.product_id, line.variant_id) == ("71", "72")
    assert (str(line.unit_price), line.total, line.tax) == ("10.0", eur("20"), eur("4"))
    assert [(one.id, one.method, one.total, one.tax, one.pickup) for one in order.shipping_lines] == [
        ("21", "Standard", eur("5"), eur("1"), False)
    ]
    assert (order.customer.id, order.customer.email, order.customer.phone) == ("91", "ada@example.com", "+353 1 234")
    assert (order.shipping.line1, order.shipping.region, order.shipping.country) == ("1 Main St", "D", "IE")
    assert (order.customer_note, order.tags, order.is_test) == ("leave at the door", ("vip",), True)


def test_sums_are_what_the_customer_paid() -> None:
    """The shop's own money, which is in another currency here, is nowhere."""
    order = parsed()
    assert order.currency == "EUR"
    assert {money.currency for _, money in order._sums()} == {"EUR"}


def test_prices_with_tax_in_them() -> None:
    """A line's total is without its tax, whatever way the shop shows prices."""
    order = parsed(taxesIncluded=True, totalPriceSet=b.money("25.0"), currentTotalPriceSet=b.money("25.0"))
    assert (order.lines[0].total, order.lines[0].tax) == (eur("16"), eur("4"))
    assert (order.shipping_lines[0].total, order.shipping_lines[0].tax) == (eur("4"), eur("1"))
    assert order.fees == ()


def test_discounts_of_line_and_order_are_in_the_line() -> None:
    """All discounts that Shopify has shared out to a line are taken from it, also those of the whole order."""
    line = b.line(discountAllocations=[b.discount("1.50"), b.discount("0.50")])
    assert parsed(lineItems=b.nodes(line)).lines[0].total == eur("18")


def test_parts_of_a_cent() -> None:
    """What Shopify shares out may have fractions; they are rounded there, and never where money is paid."""
    line = b.line(originalUnitPriceSet=b.money("3.335"), quantity=1, currentQuantity=1, taxLines=[b.tax("0.6667")])
    order = parsed(lineItems=b.nodes(line), totalDiscountsSet=b.money("0.005"))
    assert (str(order.lines[0].unit_price), order.lines[0].total, order.lines[0].tax) == ("3.335", eur("3.34"), eur("0.67"))
    assert order.discount == eur("0.01")


def test_a_line_of_nothing_is_no_line() -> None:
    """Added and taken out again."""
    empty = b.line(12, quantity=0, currentQuantity=0)
    assert [line.id for line in parsed(lineItems=b.nodes(b.line(), empty)).lines] == ["11"]


def test_what_customers_enter_for_a_line() -> None:
    """Engravings and artwork addresses stay with their line."""
    line = b.line(customAttributes=[{"key": "Engraving", "value": "Ada"}, {"key": "Gift", "value": None}])
    assert parsed(lineItems=b.nodes(line)).lines[0].personal == (("Engraving", "Ada"), ("Gift", ""))


def test_our_own_lines_of_the_note_are_no_customers_words() -> None:
    """A note that we appended is told from what the customer wrote, and is no word of staff that would have to be read."""
    order = parsed(note="ring twice\n[oc:0123456789ab] Held: address")
    assert (order.customer_note, order.staff_notes) == ("ring twice", ())


# --- edits and refunds ------------------------------------------------------------------------------------------------


def test_a_piece_taken_out_in_an_edit_is_gone() -> None:
    """After an edit Shopify still shows the first quantity, price and tax; the order is what is left of it."""
    order = parsed(lineItems=b.nodes(b.line(currentQuantity=1)), currentTotalPriceSet=b.money("18.0"))
    assert (order.lines[0].quantity, order.lines[0].total, order.lines[0].tax) == (1, eur("10"), eur("2"))
    assert (order.total, order.tax) == (eur("18"), eur("3"))
    assert order.payments[0].captured == eur("30")
    assert order.payments[0].due == eur("18")


def test_a_line_taken_out_altogether_is_gone() -> None:
    """It is no line with nothing in it."""
    lines = b.nodes(b.line(), b.line(12, currentQuantity=0, taxLines=[]))
    order = parsed(lineItems=lines, totalPriceSet=b.money("50.0"), currentTotalPriceSet=b.money("30.0"))
    assert [line.id for line in order.lines] == ["11"]
    assert order.total == eur("30")


def test_a_refunded_piece_was_bought() -> None:
    """A refund changes neither lines nor total: what was given back is a refund of them."""
    order = parsed(
        lineItems=b.nodes(b.line(currentQuantity=1)),
        currentTotalPriceSet=b.money("18.0"),
        transactions=[b.transaction(), b.transaction(32, "REFUND", "12.0", parent=31)],
        refunds=[b.refund()],
    )
    assert (order.lines[0].quantity, order.total) == (2, eur("30"))
    refund = order.refunds[0]
    assert (refund.id, refund.amount, refund.reason, refund.money_moved) == ("41", eur("12"), "broken", True)
    assert [(part.line_id, part.quantity, part.amount) for part in refund.parts] == [("11", 1, eur("12"))]
    assert (order.payments[0].captured, order.payments[0].refunded) == (eur("30"), eur("12"))


def test_money_alone_given_back_changes_nothing_else() -> None:
    """A refund without lines leaves the total as it is, whatever Shopify counts as current."""
    refund = b.refund(amount="3.0", refundLineItems=b.nodes())
    rows = [b.transaction(), b.transaction(32, "REFUND", "3.0", parent=31)]
    order = parsed(refunds=[refund], transactions=rows, currentTotalPriceSet=b.money("27.0"))
    assert (order.total, order.refunds[0].amount, order.refunds[0].parts) == (eur("30"), eur("3"), ())


def test_edited_and_then_refunded() -> None:
    """One of two mugs was taken out, the other one's price was given back: one mug was bought, for its price and shipping."""
    order = parsed(
        lineItems=b.nodes(b.line(currentQuantity=0)),
        currentTotalPriceSet=b.money("6.0"),
        refunds=[b.refund()],
        transactions=[b.transaction(), b.transaction(32, "REFUND", "12.0", parent=31)],
    )
    assert (order.lines[0].quantity, order.lines[0].total, order.total) == (1, eur("10"), eur("18"))


def test_a_refund_without_money_is_something_taken_out() -> None:
    """Staff who take something out of an unpaid order leave a refund of nothing: it is no refund to tell anybody of."""
    nothing = b.refund(amount="0.0", transactions=b.nodes())
    order = parsed(lineItems=b.nodes(b.line(currentQuantity=1)), refunds=[nothing], currentTotalPriceSet=b.money("18.0"))
    assert (order.refunds, order.lines[0].quantity, order.total) == ((), 1, eur("18"))


def test_a_return_whose_money_has_not_moved_was_bought() -> None:
    """What came back after it was sent was sent: it stays in the order."""
    row = b.refund_line(restockType="RETURN")
    nothing = b.refund(amount="0.0", transactions=b.nodes(), refundLineItems=b.nodes(row))
    order = parsed(lineItems=b.nodes(b.line(currentQuantity=1)), refunds=[nothing])
    assert order.lines[0].quantity == 2


def test_refunded_shipping_is_a_part_of_the_refund() -> None:
    """A refund says which way of shipping it is for, too."""
    rows = b.nodes(
        {
            "subtotalAmountSet": b.money("5.0"),
            "taxAmountSet": b.money("1.0"),
            "shippingLine": {"id": b.gid("ShippingLine", 21)},
        }
    )
    order = parsed(refunds=[b.refund(amount="6.0", refundLineItems=b.nodes(), refundShippingLines=rows)])
    assert [(part.line_id, part.quantity, part.amount) for part in order.refunds[0].parts] == [("21", 0, eur("6"))]


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        ({}, True),
        ({"status": "PENDING"}, None),
        ({"gateway": "manual"}, False),
        ({"gateway": "Cash on Delivery (COD)", "manualPaymentGateway": True}, False),
    ],
)
def test_whether_a_refund_moved_money(change: dict[str, Any], moved: bool | None) -> None:
    """By hand, Shopify only writes it down; on its way is neither yes nor no."""
    row = b.transaction(32, "REFUND", "12.0", parent=31) | change
    assert parsed(refunds=[b.refund(transactions=b.nodes(row))]).refunds[0].money_moved is moved


def test_a_refund_that_failed_gave_nothing_back() -> None:
    """It is on record, but nobody got anything."""
    row = b.transaction(32, "REFUND", "12.0", parent=31, status="FAILURE")
    assert parsed(refunds=[b.refund(transactions=b.nodes(row))]).refunds == ()


def test_a_cancelled_order_keeps_its_lines() -> None:
    """Cancelling takes all pieces out of the current order; which one was cancelled must still be told."""
    order = parsed(
        cancelledAt="2026-11-21T10:00:00Z",
        lineItems=b.nodes(b.line(currentQuantity=0)),
        currentTotalPriceSet=b.money("0.0"),
    )
    assert (order.status, order.means) == ("CANCELLED PAID/UNFULFILLED", PlatformStatus.CANCELLED)
    assert (order.lines[0].quantity, order.total) == (2, eur("30"))


def test_fees_duties_and_tips() -> None:
    """What is to be paid besides lines and shipping has a name."""
    fee = {"id": b.gid("AdditionalFee", 5), "name": "Recycling", "price": b.money("2.0"), "taxLines": [b.tax("0.5")]}
    order = parsed(
        additionalFees=[fee],
        currentTotalDutiesSet=b.money("3.0"),
        totalTipReceivedSet=b.money("4.0"),
        totalPriceSet=b.money("39.5"),
        currentTotalPriceSet=b.money("39.5"),
    )
    assert [(one.id, one.total, one.tax) for one in order.fees] == [
        ("5", eur("2"), eur("0.5")),
        ("duties", eur("3"), eur("0")),
        ("tip", eur("4"), eur("0")),
    ]


def test_a_tip_that_is_a_line_is_no_fee() -> None:
    """It is counted once."""
    tip = b.line(12, name="Tip", quantity=1, currentQuantity=1, originalUnitPriceSet=b.money("4.0"), taxLines=[])
    order = parsed(
        lineItems=b.nodes(b.line(), tip),
        totalTipReceivedSet=b.money("4.0"),
        totalPriceSet=b.money("34.0"),
        currentTotalPriceSet=b.money("34.0"),
    )
    assert order.fees == ()


# --- where from, who holds it, how risky ------------------------------------------------------------------------------


def test_origins_are_what_remains_by_place() -> None:
    """Two fulfillment orders of one place are one origin; closed ones and those without rest are none."""
    parts = b.nodes(
        b.part(51, 61, {11: 1}),
        b.part(52, 61, {11: 1, 12: 3}),
        b.part(53, 62, {12: 2}, status="ON_HOLD"),
        b.part(54, 63, {12: 9}, status="CLOSED"),
        b.part(55, 64, {12: 0}),
    )
    assert parsed(fulfillmentOrders=parts).origins == (
        Origin(
            id="61",
            name="Warehouse 61",
            lines=(LineQuantity(line_id="11", quantity=2), LineQuantity(line_id="12", quantity=3)),
        ),
        Origin(id="62", name="Warehouse 62", lines=(LineQuantity(line_id="12", quantity=2),)),
    )


def test_holds_of_others_only() -> None:
    """A hold that we set is in our own books; one of staff, or of another app, is not."""
    ours = b.hold(82, handle="oc-0123456789ab", heldByRequestingApp=True)
    app = b.hold(83, handle="oc-0123456789ab", reasonNotes=None, displayReason="Fraud", reason="HIGH_RISK_OF_FRAUD")
    parts = b.nodes(b.part(fulfillmentHolds=[b.hold(), ours, app]))
    assert parsed(fulfillmentOrders=parts).holds == (
        PlatformHold(id="81", reason="OTHER", text="call the customer"),
        PlatformHold(id="83", reason="HIGH_RISK_OF_FRAUD", text="Fraud"),
    )


def test_risks() -> None:
    """Shopify's own view has no app; an unknown level is no opinion."""
    fact = {"description": "CVC failed", "sentiment": "NEGATIVE"}
    rows = [
        {"riskLevel": "HIGH", "provider": None, "facts": [fact]},
        {"riskLevel": "NEW_LEVEL", "provider": {"title": "Guard"}, "facts": []},
    ]
    assert parsed(risk={"assessments": rows}).risks == (
        Risk(level=RiskLevel.HIGH, said_by="Shopify", facts=("CVC failed",)),
        Risk(level=RiskLevel.NONE, said_by="Guard"),
    )


def test_tracking_of_what_was_really_sent() -> None:
    """A cancelled fulfillment has sent nothing."""
    rows = [
        {"id": b.gid("Fulfillment", 1), "status": "SUCCESS", "trackingInfo": [{"number": "T1"}, {"number": None}]},
        {"id": b.gid("Fulfillment", 2), "status": "CANCELLED", "trackingInfo": [{"number": "T2"}]},
    ]
    assert parsed(fulfillments=rows).tracking == ("T1",)


@pytest.mark.parametrize(
    ("methods", "pickup"),
    [(["PICK_UP"], True), (["RETAIL", "NONE"], True), (["PICK_UP", "SHIPPING"], False), (["LOCAL"], False)],
)
def test_pickup(methods: list[str], pickup: bool) -> None:
    """Only where the customer comes for all of it is nothing sent."""
    parts = b.nodes(*(b.part(50 + n, deliveryMethod={"methodType": method}) for n, method in enumerate(methods)))
    order = parsed(fulfillmentOrders=parts)
    assert order.shipping_lines[0].pickup is pickup
    assert order.needs_shipping is not pickup


# --- what the status means --------------------------------------------------------------------------------------------

SENT = [{"id": b.gid("Fulfillment", 1), "status": "SUCCESS", "trackingInfo": []}]


@pytest.mark.parametrize(
    ("changes", "means"),
    [
        ({}, PlatformStatus.OPEN),
        ({"displayFinancialStatus": "AUTHORIZED"}, PlatformStatus.OPEN),
        ({"displayFinancialStatus": "PARTIALLY_PAID"}, PlatformStatus.OPEN),
        ({"displayFinancialStatus": "REFUNDED"}, PlatformStatus.REFUNDED),
        ({"displayFinancialStatus": "REFUNDED", "fulfillments": SENT}, PlatformStatus.OPEN),
        ({"displayFulfillmentStatus": "FULFILLED", "fulfillments": SENT}, PlatformStatus.COMPLETED),
        (
            {"displayFinancialStatus": "REFUNDED", "displayFulfillmentStatus": "FULFILLED", "fulfillments": SENT},
            PlatformStatus.COMPLETED,
        ),
        ({"displayFulfillmentStatus": "PARTIALLY_FULFILLED", "fulfillments": SENT}, PlatformStatus.OPEN),
        ({"displayFinancialStatus": "PENDING", "transactions": [b.by_hand()]}, PlatformStatus.ON_HOLD),
        ({"displayFinancialStatus": "PENDING", "transactions": [b.by_hand(gateway="Money Order")]}, PlatformStatus.ON_HOLD),
        (
            {"displayFinancialStatus": "PENDING", "transactions": [b.by_hand(gateway="Cash on Delivery (COD)")]},
            PlatformStatus.OPEN,
        ),
        ({"displayFinancialStatus": "PENDING", "transactions": [b.transaction(status="PENDING")]}, PlatformStatus.OPEN),
        (
            {"displayFinancialStatus": "EXPIRED", "transactions": [b.transaction(kind="AUTHORIZATION")]},
            PlatformStatus.FAILED,
        ),
        (
            {
                "displayFinancialStatus": "VOIDED",
                "transactions": [b.transaction(kind="AUTHORIZATION"), b.transaction(32, "VOID", "30.0", parent=31)],
            },
            PlatformStatus.FAILED,
        ),
        ({"displayFinancialStatus": None}, PlatformStatus.OPEN),
        ({"cancelledAt": "2026-11-21T10:00:00Z", "displayFulfillmentStatus": "FULFILLED"}, PlatformStatus.CANCELLED),
    ],
)
def test_what_a_status_means(changes: dict[str, Any], means: PlatformStatus) -> None:
    """Shopify has no status of its own: payment, fulfillment and cancellation together say what an order is."""
    assert parsed(**changes).means is means


# --- what cannot be read ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"totalPriceSet": b.money("30.005")}, "order.totalPriceSet"),
        ({"totalPriceSet": b.money("30.0", "USD")}, "order.totalPriceSet.presentmentMoney"),
        ({"totalPriceSet": {"presentmentMoney": {"amount": "much", "currencyCode": "EUR"}}}, "order.totalPriceSet"),
        ({"createdAt": "2026-11-20T10:00:00"}, "order.createdAt"),
        ({"createdAt": "yesterday"}, "order.createdAt"),
        ({"lineItems": b.nodes(b.line(quantity="2"))}, "order.lineItems[0].quantity"),
        ({"lineItems": {"nodes": {}}}, "order.lineItems"),
        ({"presentmentCurrencyCode": "XYZ"}, "order"),
        ({"name": ["#1"]}, "order.name"),
    ],
)
def test_what_cannot_be_read_is_named(changes: dict[str, Any], path: str) -> None:
    """A sum that minor units cannot express, a time without zone, a text for a number: never guessed, always with its path."""
    with pytest.raises(BadPayload) as caught:
        parsed(**changes)
    assert str(caught.value).startswith(path)


@pytest.mark.parametrize("name", sorted(set(b.order()) - {"processedAt", "cancelReason"}))
def test_a_field_that_is_missing_does_not_crash(name: str) -> None:
    """Whatever is not there: an order or BadPayload, never another error."""
    raw = b.order()
    del raw[name]
    try:
        said = str(read(raw).platform_id)
    except BadPayload as problem:
        said = str(problem)
    assert said == str(b.ORDER) or name in said
