"""What staff do in wp-admin, on an order that is there already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from connector.sandbox.woocommerce import mails, refunds, status, writing
from connector.sandbox.woocommerce.php import amount, decimal_of
from connector.sandbox.woocommerce.store import Store
from connector.sandbox.woocommerce.things import FeeLine, LineItem, Order, ShippingLine

Body = Mapping[str, Any]
STAFF = "mgr"
STAFF_ID = 3


def staff(store: Store, wanted: Body) -> None:
    """Somebody works in wp-admin. Call it WITHOUT the store's lock: a refund waits for its gateway.

    `wanted`: order_id and action:
    - status {status}, also one of another plugin (setting `statuses`); complete (without tracking); cancel
    - edit {any field of PUT /orders/<id>, or total: "40.00", reached by another price of the shipping}
    - refund {amount, reason, gateway (false), restock (false), line_items as the API takes them, or
      lines: [{id | sku, quantity}] priced as they were bought}
    - note {note, to_customer}; bin | restore | delete

    Raises ValueError for what cannot be done, RestError when a refund is refused.
    """
    order = store.orders.get(int(wanted.get("order_id", 0)))
    action = ACTIONS.get(str(wanted.get("action")))
    if order is None or action is None:
        raise ValueError(f"staff need an order_id in the store and one of the actions {', '.join(ACTIONS)}")
    store.records.add("acts", order_id=order.id, act=f"staff {wanted['action']}")
    action(store, order, wanted)


def _status(store: Store, order: Order, wanted: Body) -> None:
    to = str(wanted["status"]).removeprefix("wc-")
    if to not in status.labels(store):
        raise ValueError(f"wp-admin offers no status {to!r}; there are {', '.join(status.labels(store))}")
    with store.lock:
        status.change_status(store, order, to, author=STAFF)
        store.touch(order)
        store.fire("order.updated", order.id)


def _complete(store: Store, order: Order, _wanted: Body) -> None:
    _status(store, order, {"status": "completed"})


def _cancel(store: Store, order: Order, _wanted: Body) -> None:
    _status(store, order, {"status": "cancelled"})


def _edit(store: Store, order: Order, wanted: Body) -> None:
    changes = {name: value for name, value in wanted.items() if name not in STAFF_WORDS}
    with store.lock:
        if wanted.get("total") is not None:
            changes["shipping_lines"] = [_shipping_for(order, decimal_of(wanted["total"]))]
        writing.update_order(store, order, changes)


def _shipping_for(order: Order, total: Decimal) -> dict[str, Any]:
    """Shipping is not taxed here, so its price moves the total exactly."""
    change = total - order.total
    if not order.shipping_lines:
        return {"method_id": "other", "method_title": "Adjustment", "total": amount(change)}
    line = order.shipping_lines[0]
    return {"id": line.id, "total": amount(line.total + change)}


def _refund(store: Store, order: Order, wanted: Body) -> None:
    with store.lock:
        lines = wanted.get("line_items") or [_refund_line(store, order, line) for line in wanted.get("lines") or []]
    asked = {
        "reason": wanted.get("reason", ""),
        "line_items": lines,
        "api_refund": bool(wanted.get("gateway", False)),
        "api_restock": bool(wanted.get("restock", False)),
    }
    if wanted.get("amount") is not None:
        asked["amount"] = str(wanted["amount"])
    refunds.create_refund(store, order.id, asked, by=STAFF_ID)


def _refund_line(store: Store, order: Order, wanted: Body) -> dict[str, Any]:
    """A line and its tax, for so many pieces (all, without a quantity)."""
    line = _line(store, order, wanted)
    pieces = line.quantity if isinstance(line, LineItem) else 1
    quantity = int(wanted.get("quantity", pieces))
    share = Decimal(quantity) / Decimal(pieces or 1)
    tax = Decimal(0) if isinstance(line, ShippingLine) else line.total_tax
    asked: dict[str, Any] = {"id": line.id, "quantity": quantity, "refund_total": amount(line.total * share)}
    if tax and not isinstance(line, ShippingLine):
        asked["refund_tax"] = [{"id": line.tax_rate, "refund_total": amount(tax * share)}]
    return asked


def _line(store: Store, order: Order, wanted: Body) -> LineItem | ShippingLine | FeeLine:
    lines: list[LineItem | ShippingLine | FeeLine] = [*order.line_items, *order.shipping_lines, *order.fee_lines]
    for line in lines:
        product = store.product_of(line.product_id, line.variation_id) if isinstance(line, LineItem) else None
        if line.id == wanted.get("id") or (product is not None and product.sku == wanted.get("sku")):
            return line
    raise ValueError(f"order {order.id} has no line {dict(wanted)}")


def _note(store: Store, order: Order, wanted: Body) -> None:
    to_customer = bool(wanted.get("to_customer", False))
    with store.lock:
        note = store.add_note(order, str(wanted["note"]), author=STAFF, to_customer=to_customer)
        if to_customer:
            mails.send(store, mails.NOTE, order, text=note.text)


def _bin(store: Store, order: Order, _wanted: Body) -> None:
    with store.lock:
        writing.bin_order(store, order)


def _restore(store: Store, order: Order, _wanted: Body) -> None:
    """Back from the bin in wp-admin: the old status, no stock, no e-mail, and order.restored."""
    if order.status != "trash":
        raise ValueError(f"order {order.id} is not in the bin")
    with store.lock:
        before = [row.value for row in order.meta if row.key == "_wp_trash_meta_status"][-1]
        order.meta = [row for row in order.meta if not row.key.startswith("_wp_trash_meta_")]
        order.status = str(before).removeprefix("wc-")
        store.touch(order)
        store.fire("order.restored", order.id)


def _delete(store: Store, order: Order, _wanted: Body) -> None:
    with store.lock:
        writing.delete_order(store, order)


STAFF_WORDS = frozenset({"order_id", "action", "total"})
ACTIONS: Mapping[str, Callable[[Store, Order, Body], None]] = {
    "status": _status,
    "complete": _complete,
    "cancel": _cancel,
    "edit": _edit,
    "refund": _refund,
    "note": _note,
    "bin": _bin,
    "restore": _restore,
    "delete": _delete,
}
