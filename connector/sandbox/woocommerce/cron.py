"""What WP-Cron does beside delivering webhooks: it cancels unpaid orders of the classic checkout.

Only orders with created_via `checkout`: those of the block checkout and of the API stay `pending` for ever (recorded).
"""

from __future__ import annotations

from datetime import timedelta

from connector.sandbox.woocommerce import status
from connector.sandbox.woocommerce.store import Store

TOO_LATE = "Unpaid order cancelled - time limit reached."


def cancel_unpaid(store: Store) -> list[int]:
    """Cancel what is unpaid for too long by the store's clock; gives the orders' numbers. Call it with the lock."""
    if not store.settings.hold_stock_minutes or not store.unpaid:
        return []
    edge = store.now() - timedelta(minutes=store.settings.hold_stock_minutes)
    late = [number for number in sorted(store.unpaid) if number in store.orders and store.orders[number].modified < edge]
    cancelled = []
    for number in late:
        order = store.orders[number]
        store.unpaid.discard(number)
        if order.status == "pending":
            status.change_status(store, order, "cancelled", note=TOO_LATE)
            store.touch(order)
            store.fire("order.updated", number)
            cancelled.append(number)
    return cancelled
