"""Status changes with everything a real store does because of them: stock, notes, e-mails, dates, refund rows.

All 49 changes between the seven core statuses are allowed, as in a real store; nothing here guards them.
"""

from __future__ import annotations

from connector.sandbox.woocommerce import fulfillments, mails, stock
from connector.sandbox.woocommerce.php import ZERO
from connector.sandbox.woocommerce.refund_rows import write_off
from connector.sandbox.woocommerce.store import Store
from connector.sandbox.woocommerce.things import Order

LABELS = {
    "pending": "Pending payment",
    "processing": "Processing",
    "on-hold": "On hold",
    "completed": "Completed",
    "cancelled": "Cancelled",
    "refunded": "Refunded",
    "failed": "Failed",
    "checkout-draft": "Draft",
}
PAYABLE = frozenset({"on-hold", "pending", "failed", "cancelled"})


def labels(store: Store) -> dict[str, str]:
    """Slug -> name of every registered status; other plugins' own ones come after WooCommerce's."""
    return {**LABELS, **store.settings.statuses}


def writable(store: Store) -> tuple[str, ...]:
    """What PUT and the list's filter take, in the order in which the error text lists them."""
    return ("auto-draft", *labels(store))


def needs_processing(store: Store, order: Order) -> bool:
    """False when every line with a known product is virtual and downloadable: paid then means completed."""
    bought = (store.product_of(line.product_id, line.variation_id) for line in order.line_items)
    return any(product is not None and not (product.virtual and product.downloadable) for product in bought)


def needs_payment(order: Order) -> bool:
    return order.status in {"pending", "failed", "checkout-draft"} and order.total > ZERO


def paid_status(store: Store, order: Order) -> str:
    """What a payment turns the order into; cash on delivery goes straight to completed."""
    if order.payment_method == "cod":
        return "completed"
    return "processing" if needs_processing(store, order) else "completed"


def change_status(store: Store, order: Order, to: str, *, note: str = "", author: str = "WooCommerce") -> None:
    """Put the order into a status, with all effects. An unknown status becomes `pending`, as WooCommerce has it."""
    after = to if to in writable(store) or to == "trash" else "pending"
    before = order.status
    if before == after:
        return
    order.status = after
    _set_dates(store, order)
    store.records.add("transitions", order_id=order.id, **{"from": before, "to": after})
    stock.follow_status(store, order)
    if after == "refunded":
        _write_off_the_rest(store, order)
    names = labels(store)
    change = f"Order status changed from {names.get(before, before)} to {names.get(after, after)}."
    store.add_note(order, f"{note} {change}".strip(), author=author)
    _mail_the_change(store, order, before)
    fulfillments.after_status(store, order)
    store.fire(f"action.woocommerce_order_status_{after}", order.id)


def complete_payment(store: Store, order: Order, *, transaction_id: str = "", note: str = "") -> None:
    """`payment_complete()`: transaction id, date_paid, status, and its own note instead of the status note."""
    if order.status not in PAYABLE:
        return
    order.transaction_id = transaction_id or order.transaction_id
    order.paid = order.paid or store.now()
    before, order.status = order.status, paid_status(store, order)
    _set_dates(store, order)
    store.records.add("transitions", order_id=order.id, **{"from": before, "to": order.status})
    store.add_note(order, note or _payment_note(order))
    stock.follow_status(store, order)
    _mail_the_change(store, order, before)
    fulfillments.after_status(store, order)
    store.fire(f"action.woocommerce_order_status_{order.status}", order.id)


def _payment_note(order: Order) -> str:
    if not (order.payment_method_title and order.transaction_id):
        return "Payment complete."
    return f"Payment via {order.payment_method_title} ({order.transaction_id})."


def _set_dates(store: Store, order: Order) -> None:
    """`date_paid` when the order reaches the status a payment would give it; `date_completed` at every completion."""
    wanted = paid_status(store, order)
    if order.paid is None and (order.status == wanted or (wanted, order.status) == ("processing", "completed")):
        order.paid = store.now()
    if order.status == "completed":
        order.completed = store.now()


def _mail_the_change(store: Store, order: Order, before: str) -> None:
    for mail in mails.for_change(before, order.status, new_order_mailed=order.new_order_mailed):
        mails.send(store, mail, order)
        if mail is mails.NEW_ORDER:
            order.new_order_mailed = True


def _write_off_the_rest(store: Store, order: Order) -> None:
    """Status `refunded` set by hand writes a refund row of the rest: no gateway, no restock, but an e-mail."""
    if write_off(store, order):
        store.add_note(
            order,
            "Order status set to refunded. To return funds to the customer you will need to issue a refund through "
            "your payment gateway.",
        )
