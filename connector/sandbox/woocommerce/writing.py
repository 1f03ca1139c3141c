"""`POST /orders`, `PUT /orders/<id>`, the bin and deleting: what a request body does to an order."""

from __future__ import annotations

from typing import Any

from connector.sandbox.woocommerce import status, totals
from connector.sandbox.woocommerce.lines import change_lines
from connector.sandbox.woocommerce.meta import set_order_meta
from connector.sandbox.woocommerce.php import truthy
from connector.sandbox.woocommerce.rest import RestError
from connector.sandbox.woocommerce.seed import USERS
from connector.sandbox.woocommerce.store import Store
from connector.sandbox.woocommerce.things import BILLING_FIELDS, SHIPPING_FIELDS, Coupon, Order

Body = dict[str, Any]
TEXT_FIELDS = ("payment_method", "payment_method_title", "transaction_id", "customer_note", "currency")
MONEY_FIELDS = ("billing", "shipping", "line_items", "shipping_lines", "fee_lines", "coupon_lines")
CRASH = (
    "<p>There has been a critical error on this website.</p><p>"
    '<a href="https://wordpress.org/documentation/article/faq-troubleshooting/">'
    "Learn more about troubleshooting WordPress.</a></p>"
)


class Crash(RestError):
    """PHP died: 500 with an HTML message inside JSON."""

    def __init__(self) -> None:
        super().__init__(500, "internal_server_error", CRASH)

    def body(self) -> dict[str, Any]:
        return {**super().body(), "additional_errors": []}


def create_order(store: Store, body: Body) -> Order:
    """No idempotency, no check of stock, gateway or country. A bad coupon leaves a `checkout-draft` row behind."""
    _check_customer(body)
    now = store.now()
    order = Order(id=0, key=f"wc_order_{store.random_text()}", currency=store.settings.currency, created=now, modified=now)
    _set_plain_fields(store, order, body)
    change_lines(store, order, body)
    if any(line.quantity == 0 for line in order.line_items):
        raise Crash
    order.id = store.next_id()
    store.orders[order.id] = order
    _announce(store, order)
    totals.recalculate(store, order)
    _set_coupons(store, order, body, creating=True)
    _set_status_and_pay(store, order, body, creating=True)
    return order


def update_order(store: Store, order: Order, body: Body) -> None:
    """Last writer wins. Every call, even an empty one, moves date_modified and fires order.updated."""
    _check_customer(body)
    binned = order.status == "trash"
    _set_plain_fields(store, order, body)
    change_lines(store, order, body)
    if any(body.get(name) is not None for name in MONEY_FIELDS):
        totals.recalculate(store, order)
    _set_coupons(store, order, body, creating=False)
    _set_status_and_pay(store, order, body, creating=False)
    store.touch(order)
    if not binned:
        store.fire("order.updated", order.id)


def bin_order(store: Store, order: Order) -> None:
    """To the bin: two meta rows remember the status; a second time adds two more. Stock stays as it is."""
    order.meta.append(store.new_meta("_wp_trash_meta_status", f"wc-{order.status}"))
    order.meta.append(store.new_meta("_wp_trash_meta_time", int(store.now().timestamp())))
    order.status = "trash"
    store.touch(order)
    store.records.add("acts", order_id=order.id, act="bin")
    store.fire("order.deleted", order.id)


def delete_order(store: Store, order: Order) -> None:
    """For good: no bin, no webhook, no stock."""
    store.deleted[order.id] = store.orders.pop(order.id)
    store.records.add("acts", order_id=order.id, act="delete")


def _announce(store: Store, order: Order) -> None:
    store.records.add("acts", order_id=order.id, act="create", via=order.created_via)
    store.fire("order.created", order.id)
    store.fire("order.updated", order.id)


def _check_customer(body: Body) -> None:
    if body.get("customer_id") and int(body["customer_id"]) not in USERS:
        raise RestError(400, "woocommerce_rest_invalid_customer_id", "Customer ID is invalid.")


def _set_plain_fields(store: Store, order: Order, body: Body) -> None:
    for name in TEXT_FIELDS:
        if body.get(name) is not None:
            setattr(order, name, str(body[name]))
    if body.get("customer_id") is not None:
        order.customer_id = int(body["customer_id"])
    for name, fields in (("billing", BILLING_FIELDS), ("shipping", SHIPPING_FIELDS)):
        given = body.get(name) or {}
        changes = {key: str(given[key]) for key in fields if given.get(key) is not None}
        setattr(order, name, {**getattr(order, name), **changes})  # filled orders share one address
    set_order_meta(store, order, body.get("meta_data") or [])


def _set_coupons(store: Store, order: Order, body: Body, *, creating: bool) -> None:
    if not body.get("coupon_lines"):
        return
    coupons = [_coupon(store, order, str(line.get("code", "")), creating=creating) for line in body["coupon_lines"]]
    known = {line.coupon.code for line in order.coupon_lines}
    totals.apply_coupons(store, order, [coupon for coupon in coupons if coupon.code not in known])
    totals.recalculate(store, order)


def _coupon(store: Store, order: Order, code: str, *, creating: bool) -> Coupon:
    coupon = store.coupons.get(code.lower())
    if coupon is not None:
        return coupon
    extra = {}
    if creating:
        order.status = "checkout-draft"
        store.records.add("transitions", order_id=order.id, **{"from": "pending", "to": "checkout-draft"})
        extra = {"new_draft_order_id": order.id}
    text = f"Coupon &quot;{code.lower()}&quot; cannot be applied because it does not exist."
    raise RestError(400, "woocommerce_rest_invalid_coupon", text, extra=extra)


def _set_status_and_pay(store: Store, order: Order, body: Body, *, creating: bool) -> None:
    if body.get("status"):
        status.change_status(store, order, str(body["status"]))
    if truthy(body.get("set_paid")) and (creating or status.needs_payment(order)):
        status.complete_payment(store, order, transaction_id=str(body.get("transaction_id") or ""))
