"""Taxes, coupons and totals of an order. Prices are without tax; each line's tax is rounded on its own."""

from __future__ import annotations

from decimal import Decimal

from connector.sandbox.woocommerce.php import ZERO, json_number, php_json, rounded
from connector.sandbox.woocommerce.store import Store
from connector.sandbox.woocommerce.things import Coupon, CouponLine, FeeLine, LineItem, Order, TaxLine, TaxRate


def recalculate(store: Store, order: Order) -> None:
    """Taxes of all lines by the order's address, the tax lines, and the total."""
    rate = store.tax_rate_for(order)
    for line in order.line_items:
        _tax_line_item(line, rate)
    for fee in order.fee_lines:
        _tax_fee(fee, rate)
    _set_tax_line(store, order, rate)
    order.total = subtotal(order) + cart_tax(order) + shipping_total(order)


def subtotal(order: Order) -> Decimal:
    """Lines after discounts, and fees."""
    return sum((line.total for line in order.line_items), ZERO) + sum((fee.total for fee in order.fee_lines), ZERO)


def cart_tax(order: Order) -> Decimal:
    lines = sum((line.total_tax for line in order.line_items), ZERO)
    return lines + sum((fee.total_tax for fee in order.fee_lines), ZERO)


def shipping_total(order: Order) -> Decimal:
    return sum((line.total for line in order.shipping_lines), ZERO)


def discount(order: Order) -> tuple[Decimal, Decimal]:
    """(discount, its tax): what the lines lost against their subtotals."""
    lost = sum((line.subtotal - line.total for line in order.line_items), ZERO)
    return lost, sum((line.subtotal_tax - line.total_tax for line in order.line_items), ZERO)


def apply_coupons(store: Store, order: Order, coupons: list[Coupon]) -> None:
    """Every coupon on the undiscounted prices: percent per line, a fixed sum split evenly over the pieces."""
    rate = store.tax_rate_for(order)
    for coupon in coupons:
        shares = _shares(order, coupon)
        for line, share in zip(order.line_items, shares, strict=True):
            line.total -= share
        taxes = (rounded(share * rate.percent / 100) if rate else ZERO for share in shares)
        order.coupon_lines.append(_coupon_line(store, coupon, taken=sum(shares, ZERO), tax=sum(taxes, ZERO)))


def _shares(order: Order, coupon: Coupon) -> list[Decimal]:
    if coupon.kind == "percent":
        return [rounded(line.subtotal * coupon.value / 100) for line in order.line_items]
    pieces = sum(line.quantity for line in order.line_items) or 1
    shares = [rounded(coupon.value * line.quantity / pieces) for line in order.line_items]
    return [min(share, line.total) for share, line in zip(shares, order.line_items, strict=True)]


def _coupon_line(store: Store, coupon: Coupon, *, taken: Decimal, tax: Decimal) -> CouponLine:
    kind = None if coupon.kind == "fixed_cart" else coupon.kind
    info = php_json([coupon.id, coupon.code, kind, json_number(coupon.value)]).decode()
    return CouponLine(
        id=store.next_id("item"),
        coupon=coupon,
        discount=taken,
        discount_tax=tax,
        meta=[store.new_meta("coupon_info", info, series="item_meta")],
    )


def _tax_line_item(line: LineItem, rate: TaxRate | None) -> None:
    line.tax_rate = rate.id if rate else None
    share = rate.percent / 100 if rate else ZERO
    line.exact_taxes = line.subtotal * share, line.total * share
    line.subtotal_tax, line.total_tax = (rounded(tax) for tax in line.exact_taxes)


def _tax_fee(fee: FeeLine, rate: TaxRate | None) -> None:
    """A negative fee is taxed even when its tax_status says none: recorded."""
    taxed = rate if fee.tax_status == "taxable" or fee.total < ZERO else None
    fee.tax_rate = taxed.id if taxed else None
    fee.total_tax = rounded(fee.total * taxed.percent / 100) if taxed else ZERO


def _set_tax_line(store: Store, order: Order, rate: TaxRate | None) -> None:
    if rate is None or not (order.line_items or order.fee_lines or order.shipping_lines):
        order.tax_lines = []
        return
    known = next((line.id for line in order.tax_lines if line.rate.id == rate.id), None)
    number = known or store.next_id("item")
    order.tax_lines = [TaxLine(id=number, rate=rate, total=cart_tax(order))]
