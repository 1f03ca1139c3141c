"""Meta rows of orders and lines, with the rules of `meta_data` in a request."""

from __future__ import annotations

from typing import Any

from connector.sandbox.woocommerce.php import truthy
from connector.sandbox.woocommerce.store import Store
from connector.sandbox.woocommerce.things import BILLING_FIELDS, SHIPPING_FIELDS, Meta, Order

Body = dict[str, Any]
# Kept as columns of an order, not as meta. Some of them are set when written through meta_data (recorded for
# `_customer_ip_address`), the others are dropped silently.
COLUMNS = {
    "_customer_ip_address": "customer_ip",
    "_customer_user_agent": "customer_agent",
    "_transaction_id": "transaction_id",
    "_payment_method": "payment_method",
    "_payment_method_title": "payment_method_title",
    "_created_via": "created_via",
    "_cart_hash": "cart_hash",
}
INTERNAL = frozenset(
    {
        *COLUMNS,
        "_order_stock_reduced",
        "_customer_user",
        "_order_key",
        "_order_currency",
        "_completed_date",
        "_paid_date",
        "_date_completed",
        "_date_paid",
        "_cart_discount",
        "_cart_discount_tax",
        "_order_shipping",
        "_order_shipping_tax",
        "_order_tax",
        "_order_total",
        "_order_version",
        "_prices_include_tax",
        "_new_order_email_sent",
        "_download_permissions_granted",
        "_recorded_sales",
        "_recorded_coupon_usage_counts",
        *(f"_billing_{name}" for name in BILLING_FIELDS),
        *(f"_shipping_{name}" for name in SHIPPING_FIELDS),
    }
)


def set_order_meta(store: Store, order: Order, wanted: list[Body]) -> None:
    """`meta_data` of an order: internal keys go to their columns or nowhere, the others become rows."""
    rows = []
    for entry in wanted:
        key = str(entry.get("key", ""))
        if key in COLUMNS:
            setattr(order, COLUMNS[key], str(entry.get("value") or ""))
        elif key == "_order_stock_reduced":
            order.stock_reduced = truthy(entry.get("value"))
        elif key not in INTERNAL:
            rows.append(entry)
    order.meta = set_meta(store, order.meta, rows)


def set_meta(store: Store, rows: list[Meta], wanted: list[Body], *, series: str = "meta") -> list[Meta]:
    """By id, or by key (all rows of that key become one); null deletes."""
    for entry in wanted:
        key, value = str(entry.get("key", "")), entry.get("value")
        rows = _set_one(rows, store.new_meta(key, value, series=series), number=entry.get("id"))
    return [row for row in rows if row.value is not None]


def _set_one(rows: list[Meta], new: Meta, *, number: Any) -> list[Meta]:
    same = [row for row in rows if (row.id == number if number else row.key == new.key)]
    if not same:
        return [*rows, new]
    kept, *dropped = same
    kept.key, kept.value = new.key, new.value
    return [row for row in rows if row not in dropped]
