"""Refund rows: what a refund looks like in the store, apart from who asked for it and whether money moved."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from connector.sandbox.woocommerce import mails
from connector.sandbox.woocommerce.php import ZERO, amount, decimal_of, rounded
from connector.sandbox.woocommerce.store import Store
from connector.sandbox.woocommerce.things import FeeLine, LineItem, Meta, Order, Refund, ShippingLine, TaxLine

WRITTEN_OFF = "Order fully refunded."


def refunded_total(store: Store, order: Order) -> Decimal:
    return sum((decimal_of(refund.amount) for refund in store.refunds_of(order.id)), ZERO)


def remaining(store: Store, order: Order) -> Decimal:
    """What may still be refunded; below zero when two equal refunds slipped through at once."""
    return rounded(order.total - refunded_total(store, order))


def lines_total(lines: list[dict[str, Any]]) -> Decimal:
    """What `line_items` of a refund request add up to: totals and taxes."""
    taxes = (tax for line in lines for tax in line.get("refund_tax") or [])
    totals = sum((decimal_of(line.get("refund_total")) for line in lines), ZERO)
    return totals + sum((decimal_of(tax.get("refund_total")) for tax in taxes), ZERO)


def new_row(store: Store, order: Order, *, amount_text: str, reason: str, by: int, lines: list[dict[str, Any]]) -> Refund:
    """Write the row. From now on it counts, and everybody sees it, whatever the gateway will say."""
    stored_amount = amount(decimal_of(amount_text)) if amount_text else ""
    refund = Refund(
        id=store.next_id(),
        order_id=order.id,
        created=store.now(),
        amount=stored_amount,
        reason=reason,
        refunded_by=by,
    )
    _copy_lines(store, refund, order=order, wanted_lines=lines)
    store.refunds[refund.id] = refund
    return refund


def finish(store: Store, order: Order, refund: Refund, *, rest: Decimal) -> bool:
    """Meta `_refund_type` and the e-mail; true when nothing is left to refund.

    `rest`: what could be refunded when the request was checked; what others refunded since then is not seen.
    """
    full = rest - decimal_of(refund.amount) <= ZERO
    refund.meta.append(store.new_meta("_refund_type", "full" if full else "partial"))
    mails.send(store, mails.REFUNDED if full else mails.PARTLY_REFUNDED, order, partial=not full)
    return full


def write_off(store: Store, order: Order) -> Refund | None:
    """Refund the rest in the books only. None when nothing was left (then nothing happens)."""
    rest = remaining(store, order)
    if rest <= ZERO:
        return None
    refund = new_row(store, order, amount_text=amount(rest), reason=WRITTEN_OFF, by=3, lines=[])
    finish(store, order, refund, rest=rest)
    return refund


def _copy_lines(store: Store, refund: Refund, *, order: Order, wanted_lines: list[dict[str, Any]]) -> None:
    """Negative copies of the order's lines; unknown line ids are dropped silently."""
    for wanted in wanted_lines:
        number = int(wanted.get("id") or 0)
        refund.line_items.extend(_line(store, line, wanted) for line in order.line_items if line.id == number)
        refund.shipping_lines.extend(_shipping(store, line, wanted) for line in order.shipping_lines if line.id == number)
        refund.fee_lines.extend(_fee(store, line, wanted) for line in order.fee_lines if line.id == number)
    refund.tax_lines.extend(_taxes(store, order, refund))


def _line(store: Store, line: LineItem, wanted: dict[str, Any]) -> LineItem:
    total, tax = _wanted_total(wanted), _wanted_tax(wanted)
    return LineItem(
        id=store.next_id("item"),
        name=line.name,
        product_id=line.product_id,
        variation_id=line.variation_id,
        quantity=-int(wanted.get("quantity") or 0),
        subtotal=-total,
        total=-total,
        tax_rate=line.tax_rate if wanted.get("refund_tax") else None,
        subtotal_tax=-tax,
        total_tax=-tax,
        meta=_came_from(store, line.id),
    )


def _shipping(store: Store, line: ShippingLine, wanted: dict[str, Any]) -> ShippingLine:
    return ShippingLine(
        id=store.next_id("item"),
        title=line.title,
        method_id=line.method_id,
        instance_id=line.instance_id,
        total=-_wanted_total(wanted),
        meta=_came_from(store, line.id),
    )


def _fee(store: Store, line: FeeLine, wanted: dict[str, Any]) -> FeeLine:
    return FeeLine(
        id=store.next_id("item"),
        name=line.name,
        total=-_wanted_total(wanted),
        tax_status=line.tax_status,
        tax_rate=line.tax_rate if wanted.get("refund_tax") else None,
        total_tax=-_wanted_tax(wanted),
        meta=_came_from(store, line.id),
    )


def _came_from(store: Store, line_id: int) -> list[Meta]:
    return [store.new_meta("_refunded_item_id", line_id, series="item_meta")]


def _wanted_total(wanted: dict[str, Any]) -> Decimal:
    return decimal_of(wanted.get("refund_total"))


def _wanted_tax(wanted: dict[str, Any]) -> Decimal:
    return sum((decimal_of(tax.get("refund_total")) for tax in wanted.get("refund_tax") or []), ZERO)


def _taxes(store: Store, order: Order, refund: Refund) -> Iterator[TaxLine]:
    taxed: list[LineItem | FeeLine] = [*refund.line_items, *refund.fee_lines]
    total = sum((line.total_tax for line in taxed), ZERO)
    if total:
        yield from (TaxLine(id=store.next_id("item"), rate=tax.rate, total=total) for tax in order.tax_lines[:1])
