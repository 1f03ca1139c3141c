"""Shops whose number of decimals is not that of their money: read in whole minor units, and refunded to the last of them."""

from __future__ import annotations

import itertools
import json
from decimal import Decimal

import pytest

from connector import LineQuantity, Money, RefundRequest, Refused
from connector.model.case import Case, RefundRecord, refund_left, refunded_parts
from connector.model.refunds import all_of_it, some_of_it
from connector.plugins import woocommerce
from connector.plugins.woocommerce import parse
from connector.testing import next_act

from .conftest import API, sent_json

REFUNDS = f"{API}/orders/58/refunds"


def wholesale(paid, prices, *, shipping="4.995", tax="9"):
    """An order as a shop shows it that counts with three decimals: each of these lines once, shipping, and tax on the lines."""
    lines, places = [], Decimal("0.001")
    for number, price in enumerate(prices, 1):
        rate = str((Decimal(price) * int(tax) / 100).quantize(places))
        lines.append(
            paid["line_items"][0]
            | {"id": number, "quantity": 3, "subtotal": price, "total": price, "subtotal_tax": rate, "total_tax": rate}
            | {"taxes": [{"id": 1, "total": rate, "subtotal": rate}]}
        )
    taxes = sum((Decimal(line["total_tax"]) for line in lines), Decimal(0))
    total = sum(map(Decimal, prices), Decimal(shipping)) + taxes
    way = paid["shipping_lines"][0] | {"id": 99, "total": shipping, "total_tax": "0.000", "taxes": []}
    return paid | {
        "id": 58,
        "line_items": lines,
        "shipping_lines": [way],
        "fee_lines": [],
        "discount_total": "0.000",
        "total_tax": str(taxes),
        "total": str(total),
        "refunds": [],
    }


class Till:
    """The shop's refunds as WooCommerce keeps them: none of more than is left by its own count."""

    def __init__(self, shop, raw, gateways) -> None:
        self.raw, self.rows = raw, []
        shop.add_callback("GET", f"{API}/orders/58", lambda _: (200, {}, json.dumps(self.raw)))
        shop.add_callback("GET", REFUNDS, lambda _: (200, {}, json.dumps(self.rows[::-1])))
        shop.add_callback("POST", REFUNDS, self.refund)
        shop.get(f"{API}/payment_gateways", json=gateways)

    @property
    def left(self):
        return Decimal(self.raw["total"]) - sum(Decimal(row["amount"]) for row in self.rows)

    def refund(self, request):
        asked = json.loads(request.body)
        if Decimal(asked["amount"]) > self.left:
            return (
                500,
                {},
                json.dumps({"code": "woocommerce_rest_cannot_create_order_refund", "message": "Invalid refund amount."}),
            )
        row = {"id": 100 + len(self.rows), "amount": asked["amount"], "reason": asked["reason"], "refunded_payment": True}
        self.rows.append(row | {"date_created_gmt": "2026-11-22T18:41:54", "line_items": []})
        return 201, {}, json.dumps(self.rows[-1])


def test_sums_are_rounded_and_prices_are_not(paid):
    """Half up, each sum on its own; the price of a single screw stays what it is."""
    order = parse.order(wholesale(paid, ["1.335", "0.045"]), {})
    assert [line.total.text for line in order.lines] == ["1.34", "0.05"]
    assert [line.tax.text for line in order.lines] == ["0.12", "0.00"]
    assert [line.unit_price for line in order.lines] == [Decimal("0.445"), Decimal("0.015")]
    assert order.shipping_lines[0].total.text == "5.00"
    assert (order.total.text, order.tax.text) == ("6.50", "0.12")  # 6.499 and 0.124
    assert order.payments[0].captured == order.payments[0].due == order.total


@pytest.mark.parametrize(
    ("currency", "said", "minor"),
    [
        ("USD", "10", 1000),
        ("USD", "12.344", 1234),
        ("USD", "12.345", 1235),
        ("USD", "-12.345", -1235),
        ("USD", "12.3449999", 1234),
        ("JPY", "99.5", 100),
        ("KWD", "1.2345", 1235),
        ("KWD", "1", 1000),
    ],
)
def test_the_currency_decides(paid, currency, said, minor):
    """More decimals than the money has are rounded half up, away from zero; fewer are no less money."""
    assert parse.Node(said, "x").money(currency) == Money(minor=minor, currency=currency)


def test_refunds_never_seem_more_than_the_total(paid):
    """Three thirds made in wp-admin of 12.345 are 12.35 together, in whatever order they are listed."""
    rows = [{"id": number, "amount": "4.115", "reason": ""} for number in (3, 1, 2)]
    raw = wholesale(paid, ["7.350"], tax="0") | {"refunds": [row | {"total": f"-{row['amount']}"} for row in rows]}
    assert raw["total"] == "12.345"
    listed, fetched = parse.order(raw, {}), parse.order(raw, {}, refund_rows=rows)
    assert [refund.amount for refund in listed.refunds] == [refund.amount for refund in fetched.refunds]
    assert sum(refund.amount.minor for refund in listed.refunds) == listed.total.minor == 1235


@pytest.mark.parametrize("prices", list(itertools.combinations(["1.335", "0.045", "2.004", "7.777"], 3)))
@pytest.mark.parametrize("shipping", ["4.995", "5.001"])
def test_line_by_line_to_the_last_cent(context, shop, gateways, paid, prices, shipping):
    """Refunds are in whole cents but the last, which takes exactly what the shop has left; together they are what was paid."""
    till, ctx = Till(shop, wholesale(paid, prices, shipping=shipping), gateways), context()
    given = []
    for number, wish in enumerate([{"1": 1}, {"2": 3}, {"1": 2}, None]):
        ctx = next_act(ctx, request_id=f"more-{number}") if number else ctx
        order = woocommerce.parse_order(ctx, till.raw)
        case = Case(ref="shop/58", account="a", order=order, refunds=tuple(given))
        left, before = refund_left(case), refunded_parts(case)
        wanted = all_of_it(order, before, left) if wish is None else some_of_it(order, before, left, lines=wish)
        request = RefundRequest(id=f"r{number}", amount=wanted.amount, parts=wanted.parts, lines=wanted.lines)
        done = woocommerce.refund_payment(ctx, order, request)
        given.append(RefundRecord(request=request, vendor_id=done.vendor_id))

    assert till.left == 0
    assert all(Decimal(row["amount"]) == round(Decimal(row["amount"]), 2) for row in till.rows[:-1])
    assert sum(record.request.amount.minor for record in given) == parse.order(till.raw, {}).total.minor
    fetched = parse.order(till.raw, {}, refund_rows=till.rows)
    assert [refund.amount for refund in fetched.refunds] == [record.request.amount for record in given]


@pytest.mark.parametrize("total", ["12.344", "12.345"])
def test_everything_at_once(context, shop, gateways, paid, total):
    """The shop counts it as refunded only if nothing is left, and refuses a mill more."""
    till = Till(shop, wholesale(paid, [str(Decimal(total) - Decimal("4.995"))], tax="0"), gateways)
    order = woocommerce.parse_order(context(), till.raw)
    woocommerce.refund_payment(context(), order, RefundRequest(id="r1", amount=order.total))
    assert [row["amount"] for row in till.rows] == [total]


def test_more_than_is_left_is_refused_here(context, shop, gateways, paid):
    """A cent more than what was paid is not sent at all."""
    till = Till(shop, wholesale(paid, ["7.350"], tax="0"), gateways)
    order = woocommerce.parse_order(context(), till.raw)
    with pytest.raises(Refused, match=r"only 12\.35 USD"):
        woocommerce.refund_payment(context(), order, RefundRequest(id="r1", amount=Money.parse("12.36", "USD")))
    assert till.rows == []


def test_a_shop_without_decimals(context, shop, gateways, paid):
    """Prices like "10" in dollars are ten dollars; a line and then all the rest are given back."""
    raw = wholesale(paid, ["10", "20"], shipping="5", tax="0") | {"total": "35", "total_tax": "0", "discount_total": "0"}
    till, order = Till(shop, raw, gateways), parse.order(raw, {})
    assert (order.total.text, [line.total.text for line in order.lines]) == ("35.00", ["10.00", "20.00"])
    first = some_of_it(order, (), order.total, lines={"1": 3})
    request = RefundRequest(id="r1", amount=first.amount, parts=first.parts, lines=(LineQuantity(line_id="1", quantity=3),))
    woocommerce.refund_payment(context(), order, request)
    again = next_act(context(), request_id="r2")
    woocommerce.refund_payment(again, order, RefundRequest(id="r2", amount=Money.parse("25.00", "USD")))

    assert [sent_json(call)["amount"] for call in shop.calls if call.request.method == "POST"] == ["10.00", "25.00"]
    assert till.left == 0
