"""Stock taken by an order and given back, with the notes and warnings the store writes about it."""

from __future__ import annotations

from connector.sandbox.woocommerce.store import Store
from connector.sandbox.woocommerce.things import LineItem, Meta, Order, Product

TAKES = frozenset({"on-hold", "processing", "completed"})
GIVES_BACK = frozenset({"pending", "cancelled"})
LOW_STOCK = 2


def follow_status(store: Store, order: Order) -> None:
    """Taken at on-hold, processing, completed; given back at pending and cancelled. Refunded and failed do nothing."""
    if order.status in TAKES and not order.stock_reduced:
        _take(store, order)
        order.stock_reduced = True
    elif order.status in GIVES_BACK and order.stock_reduced:
        _give_back(store, order)
        order.stock_reduced = False


def tracked_product(store: Store, line: LineItem) -> Product | None:
    product = store.product_of(line.product_id, line.variation_id)
    return product if product is not None and product.stock is not None else None


def taken(line: LineItem) -> int:
    """How many pieces of the line the order still holds: the line meta `_reduced_stock`."""
    meta = _meta(line, "_reduced_stock")
    return int(meta.value) if meta else 0


def restock(store: Store, line: LineItem, *, order: Order, quantity: int) -> None:
    """A refund by line puts pieces back, but nothing once the order holds none any more."""
    product = tracked_product(store, line)
    if product is None or not quantity or not taken(line):
        return
    before, after = store.move_stock(product, quantity, order=order, why="refund")
    earlier = _meta(line, "_restock_refunded_items")
    _set_count(store, line, key="_reduced_stock", value=taken(line) - quantity)
    _set_count(store, line, key="_restock_refunded_items", value=quantity + (int(earlier.value) if earlier else 0))
    store.add_note(order, f"Item #{product.id} stock increased from {before} to {after}.")


def adjust(store: Store, order: Order, line: LineItem, *, quantity: int) -> None:
    """A line edited in an order that holds stock takes or gives back the difference at once."""
    product = tracked_product(store, line)
    back = _meta(line, "_restock_refunded_items")
    difference = quantity - (int(back.value) if back else 0) - taken(line)
    if order.status not in TAKES or product is None or not difference:
        return
    before, after = store.move_stock(product, -difference, order=order, why="line changed")
    _set_count(store, line, key="_reduced_stock", value=taken(line) + difference)
    store.add_note(order, f"Adjusted stock: {line.name} ({before}&rarr;{after})", author="mgr")


def _set_count(store: Store, line: LineItem, *, key: str, value: int) -> None:
    meta = _meta(line, key)
    if meta is None:
        line.meta.append(store.new_meta(key, value, series="item_meta"))
    else:
        meta.value = str(value)


def _meta(line: LineItem, key: str) -> Meta | None:
    return next((meta for meta in line.meta if meta.key == key), None)


def _take(store: Store, order: Order) -> None:
    changes = []
    for line in order.line_items:
        product = tracked_product(store, line)
        if product is None or taken(line):  # a count of 0, which a refund leaves, is none to PHP
            continue
        before, after = store.move_stock(product, -line.quantity, order=order, why=order.status)
        _set_count(store, line, key="_reduced_stock", value=line.quantity)
        changes.append(f"{product.name} ({before}&rarr;{after})")
        _warn(store, order, product, before=before)
    if changes:
        store.add_note(order, f"Stock levels reduced: {', '.join(changes)}")


def _give_back(store: Store, order: Order) -> None:
    changes = []
    for line in order.line_items:
        product = tracked_product(store, line)
        if product is None or not taken(line):
            continue
        before, after = store.move_stock(product, taken(line), order=order, why=order.status)
        line.meta = [meta for meta in line.meta if meta.key != "_reduced_stock"]
        changes.append(f"{product.name} ({before}&rarr;{after})")
    if changes:
        store.add_note(order, f"Stock levels increased: {', '.join(changes)}")


def _warn(store: Store, order: Order, product: Product, *, before: int) -> None:
    left = product.stock or 0
    name = f"{product.name} ({product.sku})"
    if left <= 0:
        store.stock_mail("Product out of stock", f"{name} is out of stock.", order)
    elif left <= LOW_STOCK:
        store.stock_mail("Product low in stock", f"{name} is low in stock. There are {left} left.", order)
    if left < 0:
        missing = min(before - left, -left)
        text = f"{missing} units of {name} have been backordered in order #{order.id}."
        store.stock_mail("Product backorder", text, order)
