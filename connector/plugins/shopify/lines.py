"""What is in an order: lines, ways of shipping and fees, with what staff have taken out of it left out. Pure.

Shopify shows every line with its first quantity, price, discounts and taxes for ever; what was removed in an edit, or refunded,
is only missing in `currentQuantity` (recorded 2026-04). With us a line is what the customer is to get, given back or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from connector import Fee, LineItem, Money, ShippingLine, total

from .reading import Node, rounded

GRAMS = {
    "GRAMS": Decimal(1),
    "KILOGRAMS": Decimal(1000),
    "POUNDS": Decimal("453.59237"),
    "OUNCES": Decimal("28.349523125"),
}
# Nothing is sent then: the customer comes for it, or had it in hand when paying.
PICKED_UP = frozenset({"PICK_UP", "RETAIL"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Lines that are still in the order, and what those pieces were worth that staff have taken out of it."""

    there: tuple[LineItem, ...]
    removed: Money
    removed_tax: Money


def lines(order: Node, currency: str, refunded: Mapping[str, int]) -> Lines:
    """`refunded`: line ids, each with how many pieces were given back: those count as bought."""
    is_cancelled, is_gross = bool(order.get("cancelledAt")), order.get("taxesIncluded").is_true()
    there, gone, gone_tax = list[LineItem](), [Money.zero(currency)], [Money.zero(currency)]
    for node in order["lineItems"].items():
        if node["quantity"].whole() < 1:  # added and taken out again in one edit
            continue
        all_of_it = _line(node, currency, is_gross=is_gross)
        left = all_of_it.quantity if is_cancelled else _left(node, all_of_it, refunded)
        kept = _part(all_of_it, left)
        gone.append(all_of_it.total + all_of_it.tax - kept.total - kept.tax if kept else all_of_it.total + all_of_it.tax)
        gone_tax.append(all_of_it.tax - kept.tax if kept else all_of_it.tax)
        there += [kept] if kept else []
    return Lines(there=tuple(there), removed=total(gone, currency), removed_tax=total(gone_tax, currency))


def _left(node: Node, line: LineItem, refunded: Mapping[str, int]) -> int:
    return max(0, min(line.quantity, node["currentQuantity"].whole() + refunded.get(line.id, 0)))


def _part(line: LineItem, left: int) -> LineItem | None:
    """So many pieces of a line with their share of its sums."""
    if left == line.quantity or left == 0:
        return line if left else None
    shares = [left, line.quantity - left]
    return LineItem(
        id=line.id,
        sku=line.sku,
        name=line.name,
        quantity=left,
        product_id=line.product_id,
        variant_id=line.variant_id,
        unit_price=line.unit_price,
        total=line.total.split(shares)[0],
        tax=line.tax.split(shares)[0],
        requires_shipping=line.requires_shipping,
        weight_g=line.weight_g,
        personal=line.personal,
    )


def _line(node: Node, currency: str, *, is_gross: bool) -> LineItem:
    quantity, price = node["quantity"].whole(), node["originalUnitPriceSet"].number(currency)
    discounts = sum((one["allocatedAmountSet"].number(currency) for one in node["discountAllocations"].items()), Decimal(0))
    tax = taxes(node, currency)
    worth = rounded(price * quantity - discounts, currency)
    return LineItem(
        id=node["id"].id(),
        sku=node.get("sku").text(),
        name=node["name"].text(),
        quantity=quantity,
        product_id=node.get("product").get("id").id(),
        variant_id=node.get("variant").get("id").id(),
        unit_price=price,
        total=worth - tax if is_gross else worth,
        tax=tax,
        requires_shipping=node["requiresShipping"].is_true(),
        weight_g=_weight(node.get("weight")),
        personal=tuple((one["key"].text(), one.get("value").text()) for one in node.get("customAttributes").items()),
    )


def taxes(node: Node, currency: str) -> Money:
    """All taxes of a line, way of shipping or fee."""
    return rounded(sum((one["priceSet"].number(currency) for one in node["taxLines"].items()), Decimal(0)), currency)


def _weight(weight: Node) -> int | None:
    """In grams; None where the shop does not weigh it (0)."""
    if not weight or weight["unit"].text() not in GRAMS:
        return None
    grams = Decimal(weight["value"].text()) * GRAMS[weight["unit"].text()]
    return int(grams.to_integral_value()) or None


def shipping_lines(order: Node, currency: str) -> tuple[ShippingLine, ...]:
    is_gross = order.get("taxesIncluded").is_true()
    methods = {one.get("deliveryMethod").get("methodType").text() for one in order["fulfillmentOrders"].items()} - {"", "NONE"}
    is_pickup = bool(methods) and methods <= PICKED_UP
    there = [one for one in order["shippingLines"].items() if not one.get("isRemoved").is_true()]
    return tuple(_shipping(one, currency, is_gross=is_gross, is_pickup=is_pickup) for one in there)


def _shipping(node: Node, currency: str, *, is_gross: bool, is_pickup: bool) -> ShippingLine:
    tax, price = taxes(node, currency), node["discountedPriceSet"].share(currency)
    return ShippingLine(
        id=node["id"].id(),
        method=node.get("code").text() or node["title"].text(),
        title=node["title"].text(),
        total=price - tax if is_gross else price,
        tax=tax,
        pickup=is_pickup,
    )


def fees(order: Node, currency: str, missing: Money) -> tuple[Fee, ...]:
    """What is to be paid besides: fees, duties and a tip. `missing`: what lines and shipping lack to the total."""
    zero, is_gross = Money.zero(currency), order.get("taxesIncluded").is_true()
    found = [_fee(one, currency, is_gross=is_gross) for one in order.get("additionalFees").items()]
    missing = missing - total((fee.total + fee.tax for fee in found), currency)
    # A tip is a line of some orders; it is a fee where the sums say that it is none.
    for name, amount in (
        ("duties", order.get("currentTotalDutiesSet").share(currency)),
        ("tip", order.get("totalTipReceivedSet").share(currency)),
    ):
        if zero < amount <= missing:
            found.append(Fee(id=name, name=name.capitalize(), total=amount, tax=zero))
            missing = missing - amount
    return tuple(found)


def _fee(node: Node, currency: str, *, is_gross: bool) -> Fee:
    tax, price = taxes(node, currency), node["price"].share(currency)
    return Fee(id=node["id"].id(), name=node["name"].text(), total=price - tax if is_gross else price, tax=tax)
