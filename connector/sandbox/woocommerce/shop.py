"""What people do in the shop: shoppers check out through the block checkout, staff work in wp-admin."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from connector.sandbox.woocommerce import refunds, status, stock, totals, writing
from connector.sandbox.woocommerce.lines import change_lines
from connector.sandbox.woocommerce.php import php_json
from connector.sandbox.woocommerce.store import Store
from connector.sandbox.woocommerce.things import Order, Product

Body = Mapping[str, Any]
SHOPPER = {
    "first_name": "Ada",
    "last_name": "Buyer",
    "company": "",
    "address_1": "350 5th Ave",
    "address_2": "Fl 2",
    "city": "New York",
    "state": "NY",
    "postcode": "10118",
    "country": "US",
    "phone": "+1 212 555 0100",
}
EMAIL = "ada@buyer.example"
STAFF = "mgr"
WAITS = {
    "bacs": "Awaiting BACS payment.",
    "cheque": "Awaiting check payment.",
    "cod": "Payment to be made upon delivery.",
}


def checkout(store: Store, wanted: Body) -> Order:
    """A shopper buys. The caller holds the store's lock.

    `wanted` (all optional): items `[{product_id | sku, quantity, meta_data}]` (one mug), payment_method (fakepay),
    billing, shipping (objects that change the usual address), po_box (true: the address is a PO box), customer_note,
    transaction_id (made up for fakepay), email, order_meta `[{key, value}]`. Raises ValueError for an unknown gateway.
    """
    method = str(wanted.get("payment_method", "fakepay"))
    if method not in store.gateways:
        raise ValueError(f"payment_method {method!r} is not one of {', '.join(store.gateways)}")
    order = _draft(store, wanted, method)
    store.orders[order.id] = order
    store.records.add("acts", order_id=order.id, act="checkout", via=order.created_via)
    store.records.add("transitions", order_id=order.id, **{"from": "checkout-draft", "to": "pending"})
    store.fire("order.updated", order.id)
    store.fire("order.created", order.id)
    _hold_stock_note(store, order)
    _pay(store, order, wanted)
    return order


def _draft(store: Store, wanted: Body, method: str) -> Order:
    now = store.now()
    key = f"wc_order_{store.random_text()}"
    order = Order(id=0, key=key, currency=store.settings.currency, created=now, modified=now, created_via="store-api")
    order.payment_method, order.payment_method_title = method, store.gateways[method].title
    order.customer_ip, order.customer_agent = "127.0.0.1", "Mozilla/5.0 (shopper)"
    order.customer_note = str(wanted.get("customer_note", ""))
    address = {**SHOPPER, **({"address_1": "PO Box 12"} if wanted.get("po_box") else {})}
    billing = {**address, "email": wanted.get("email", EMAIL), **(wanted.get("billing") or {})}
    order.billing.update({name: str(value) for name, value in billing.items()})
    shipping = {**address, **(wanted.get("shipping") or {})}
    order.shipping.update({name: str(value) for name, value in shipping.items()})
    items = wanted.get("items") or [{"product_id": 13, "quantity": 1}]
    change_lines(store, order, {"line_items": items})
    _ship(store, order)
    order.id = store.next_id()
    totals.recalculate(store, order)
    _checkout_meta(store, order, wanted)
    return order


def _ship(store: Store, order: Order) -> None:
    """Flat rate 5.00 when anything must be shipped; the line says what is in the parcel, in HTML."""
    bought = [store.product_of(line.product_id, line.variation_id) for line in order.line_items]
    if all(product is not None and product.virtual for product in bought):
        return
    content = ", ".join(f"{line.name} &times; {line.quantity}" for line in order.line_items)
    meta = [{"key": "Items", "value": content}]
    line = {"method_id": "flat_rate", "method_title": "Flat rate", "instance_id": "1", "total": "5.00", "meta_data": meta}
    change_lines(store, order, {"shipping_lines": [line]})


def _checkout_meta(store: Store, order: Order, wanted: Body) -> None:
    order.cart_hash = _hash([line.name for line in order.line_items], order.total)
    for name in ("shipping", "coupons", "fees", "taxes"):
        order.meta.append(store.new_meta(f"_{name}_hash", _hash(name, getattr(order, f"{name}_lines", []))))
    order.meta.append(store.new_meta("is_vat_exempt", "no"))
    debug = f"place-order-debug-{secrets.token_hex(4)}"
    order.meta.append(store.new_meta("_debug_log_source_pending_deletion", debug))
    for entry in wanted.get("order_meta") or []:
        order.meta.append(store.new_meta(str(entry["key"]), entry["value"]))


def _hash(*parts: object) -> str:
    return hashlib.md5(php_json([str(part) for part in parts]), usedforsecurity=False).hexdigest()


def _hold_stock_note(store: Store, order: Order) -> None:
    """Only products with tracked stock and without back-orders are held for an hour."""
    held = []
    for line in order.line_items:
        product = stock.tracked_product(store, line)
        if product is not None and not product.backorders:
            held.append(f"<br>- {_formatted(product)} &times; {line.quantity}")
    if held:
        store.add_note(order, f"Stock hold of 60 minutes applied to: {''.join(held)}")


def _formatted(product: Product) -> str:
    described = '<span class="description"></span>' if product.parent_id else ""
    return f"{product.name} ({product.sku}){described}"


def _pay(store: Store, order: Order, wanted: Body) -> None:
    """fakepay takes the money at once; cod is processing, bacs and cheque wait on hold, all three unpaid."""
    if order.payment_method in WAITS:
        to = "processing" if order.payment_method == "cod" else "on-hold"
        status.change_status(store, order, to, note=WAITS[order.payment_method])
        return
    transaction = str(wanted.get("transaction_id") or f"txn_recorder_{order.id}")
    status.complete_payment(store, order, transaction_id=transaction)


def staff(store: Store, wanted: Body) -> None:
    """Somebody works in wp-admin. Call it WITHOUT the store's lock: a refund waits for its gateway.

    `wanted`: order_id and action: status {status} | edit {any field of PUT /orders/<id>} | refund {amount, line_items,
    reason, gateway (false), restock (false)} | note {note, to_customer} | bin | restore | delete. Raises ValueError.
    """
    order = store.orders.get(int(wanted.get("order_id", 0)))
    action = ACTIONS.get(str(wanted.get("action")))
    if order is None or action is None:
        raise ValueError(f"staff need an order_id in the store and one of the actions {', '.join(ACTIONS)}")
    store.records.add("acts", order_id=order.id, act=f"staff {wanted['action']}")
    action(store, order, wanted)


def _staff_status(store: Store, order: Order, wanted: Body) -> None:
    with store.lock:
        status.change_status(store, order, str(wanted["status"]), author=STAFF)
        store.touch(order)
        store.fire("order.updated", order.id)


def _staff_edit(store: Store, order: Order, wanted: Body) -> None:
    with store.lock:
        writing.update_order(store, order, {name: value for name, value in wanted.items() if name not in STAFF_WORDS})


def _staff_refund(store: Store, order: Order, wanted: Body) -> None:
    asked = {
        "reason": wanted.get("reason", ""),
        "line_items": wanted.get("line_items") or [],
        "api_refund": bool(wanted.get("gateway", False)),
        "api_restock": bool(wanted.get("restock", False)),
    }
    if wanted.get("amount") is not None:
        asked["amount"] = str(wanted["amount"])
    refunds.create_refund(store, order.id, asked, by=3)


def _staff_note(store: Store, order: Order, wanted: Body) -> None:
    with store.lock:
        store.add_note(order, str(wanted["note"]), author=STAFF, to_customer=bool(wanted.get("to_customer", False)))


def _staff_bin(store: Store, order: Order, _wanted: Body) -> None:
    with store.lock:
        writing.bin_order(store, order)


def _staff_restore(store: Store, order: Order, _wanted: Body) -> None:
    """Back from the bin in wp-admin: the old status, no stock, no e-mail, and order.restored."""
    if order.status != "trash":
        raise ValueError(f"order {order.id} is not in the bin")
    with store.lock:
        before = [row.value for row in order.meta if row.key == "_wp_trash_meta_status"][-1]
        order.meta = [row for row in order.meta if not row.key.startswith("_wp_trash_meta_")]
        order.status = str(before).removeprefix("wc-")
        store.touch(order)
        store.fire("order.restored", order.id)


def _staff_delete(store: Store, order: Order, _wanted: Body) -> None:
    with store.lock:
        writing.delete_order(store, order)


STAFF_WORDS = frozenset({"order_id", "action"})
ACTIONS: Mapping[str, Callable[[Store, Order, Body], None]] = {
    "status": _staff_status,
    "edit": _staff_edit,
    "refund": _staff_refund,
    "note": _staff_note,
    "bin": _staff_bin,
    "restore": _staff_restore,
    "delete": _staff_delete,
}
