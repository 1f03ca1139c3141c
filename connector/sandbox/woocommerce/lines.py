"""The lines of an order: new ones from a request body, changed and removed ones."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypeVar

from connector.sandbox.woocommerce import stock
from connector.sandbox.woocommerce.meta import set_meta
from connector.sandbox.woocommerce.php import ZERO, decimal_of
from connector.sandbox.woocommerce.rest import RestError
from connector.sandbox.woocommerce.store import Store
from connector.sandbox.woocommerce.things import FeeLine, LineItem, Order, Product, ShippingLine

Body = dict[str, Any]
Line = TypeVar("Line", LineItem, ShippingLine, FeeLine)
NAMES_A_LINE = ("product_id", "method_id", "method_title", "name", "code")


def change_lines(store: Store, order: Order, body: Body) -> None:
    """Entries with an id change that line, or remove it (`product_id: null`, quantity 0); the others are added."""
    for wanted in body.get("line_items") or []:
        _one_line_item(store, order, wanted)
    for wanted in body.get("shipping_lines") or []:
        _one_shipping_line(store, order, wanted)
    for wanted in body.get("fee_lines") or []:
        _one_fee_line(store, order, wanted)


def _one_line_item(store: Store, order: Order, wanted: Body) -> None:
    if not wanted.get("id"):
        line = _new_line(store, wanted)
        order.line_items.append(line)
        stock.adjust(store, order, line, quantity=line.quantity)
        return
    line = _known(order.line_items, wanted)
    if _is_removal(wanted):
        stock.adjust(store, order, line, quantity=0)
        order.line_items.remove(line)
        return
    _change_line(store, line, wanted)
    stock.adjust(store, order, line, quantity=line.quantity)


def _one_shipping_line(store: Store, order: Order, wanted: Body) -> None:
    if not wanted.get("id"):
        order.shipping_lines.append(_new_shipping(store, wanted))
        return
    line = _known(order.shipping_lines, wanted)
    if _is_removal(wanted):
        order.shipping_lines.remove(line)
        return
    line.title = str(wanted.get("method_title", line.title))
    line.method_id = str(wanted.get("method_id", line.method_id))
    line.total = _money(wanted, "total", line.total)
    line.meta = set_meta(store, line.meta, wanted.get("meta_data") or [], series="item_meta")


def _one_fee_line(store: Store, order: Order, wanted: Body) -> None:
    if not wanted.get("id"):
        order.fee_lines.append(_new_fee(store, wanted))
        return
    line = _known(order.fee_lines, wanted)
    if _is_removal(wanted):
        order.fee_lines.remove(line)
        return
    line.name = str(wanted.get("name", line.name))
    line.total = _money(wanted, "total", line.total)


def _known(lines: list[Line], wanted: Body) -> Line:
    found = next((line for line in lines if line.id == int(wanted["id"])), None)
    if found is None:
        text = "Order item ID provided is not associated with order."
        raise RestError(400, "woocommerce_rest_invalid_item_id", text)
    return found


def _is_removal(wanted: Body) -> bool:
    named_null = any(name in wanted and wanted[name] is None for name in NAMES_A_LINE)
    return named_null or wanted.get("quantity") == 0


def _change_line(store: Store, line: LineItem, wanted: Body) -> None:
    """A new quantity alone moves stock but leaves the line's total as it was (recorded)."""
    line.quantity = int(wanted.get("quantity", line.quantity))
    line.name = str(wanted.get("name", line.name))
    line.subtotal = _money(wanted, "subtotal", line.subtotal)
    line.total = _money(wanted, "total", line.total)
    line.meta = set_meta(store, line.meta, wanted.get("meta_data") or [], series="item_meta")


def _new_line(store: Store, wanted: Body) -> LineItem:
    product = _wanted_product(store, wanted)
    quantity = int(wanted.get("quantity", 1))
    price = product.price * max(quantity, 0) if product else ZERO
    line = LineItem(
        id=store.next_id("item"),
        name=str(wanted.get("name") or (product.name if product else "")),
        product_id=(product.parent_id or product.id) if product else 0,
        variation_id=product.id if product and product.parent_id else 0,
        quantity=quantity,
        subtotal=_money(wanted, "subtotal", price),
        total=_money(wanted, "total", price),
    )
    for slug, (label, value) in (product.options if product else {}).items():
        line.meta.append(store.new_meta(slug, value, series="item_meta", display_key=label))
    line.meta = set_meta(store, line.meta, wanted.get("meta_data") or [], series="item_meta")
    return line


def _wanted_product(store: Store, wanted: Body) -> Product | None:
    """By SKU, variation or product id; an unknown one is a line without product and price, not an error."""
    if wanted.get("sku"):
        return next((product for product in store.products.values() if product.sku == wanted["sku"]), None)
    number = wanted.get("variation_id") or wanted.get("product_id")
    if not number:
        raise RestError(400, "woocommerce_rest_required_product_reference", "Product ID or SKU is required.")
    return store.products.get(int(number))


def _new_shipping(store: Store, wanted: Body) -> ShippingLine:
    line = ShippingLine(
        id=store.next_id("item"),
        title=str(wanted.get("method_title", "")),
        method_id=str(wanted.get("method_id", "")),
        instance_id=str(wanted.get("instance_id", "")),
        total=_money(wanted, "total", ZERO),
    )
    line.meta = set_meta(store, line.meta, wanted.get("meta_data") or [], series="item_meta")
    return line


def _new_fee(store: Store, wanted: Body) -> FeeLine:
    return FeeLine(
        id=store.next_id("item"),
        name=str(wanted.get("name", "")),
        total=_money(wanted, "total", ZERO),
        tax_status=str(wanted.get("tax_status", "taxable")),
    )


def _money(wanted: Body, name: str, default: Decimal) -> Decimal:
    return decimal_of(wanted[name]) if wanted.get(name) not in (None, "") else default
