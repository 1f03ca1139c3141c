"""The simulated shop's account of what happened: what crash tests compare a connector with."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from connector.sandbox.shopify import rest, sums
from connector.sandbox.shopify.store import Store
from connector.sandbox.shopify.things import Order

PER_ORDER = ("transitions", "stock", "mails", "money", "shipping", "notes", "acts")


def told(store: Store, *, since: int = 0, only: Collection[int] | None = None) -> dict[str, Any]:
    """`{seq, orders: {id: {…}}, stock, webhooks, events: {kind: […]}}`; only orders that somebody looked at or named.

    Per order: its statuses, sums (texts, the customer's money), REST-shaped parts, holds and tags as they are now, and its
    entries by kind. `events` holds every entry after `since`.
    """
    with store.lock:
        everything = store.records.since(0)
        orders = {str(order.id): {**_order(store, order), **_entries(everything, order.id)} for order in _chosen(store, only)}
        stock = {one.sku: {str(place): pieces for place, pieces in one.stock.items()} for one in store.variants.values()}
        hooks = [
            {"id": one.id, "topic": one.topic, "uri": one.uri, "failures": one.failures} for one in store.subscriptions.values()
        ]
    events = {kind: [row for row in rows if row["seq"] > since] for kind, rows in everything.items()}
    return {"seq": store.records.last, "orders": orders, "stock": stock, "webhooks": hooks, "events": events}


def _chosen(store: Store, only: Collection[int] | None) -> list[Order]:
    if only is not None:
        return [order for number in sorted(only) if (order := store.order(number)) is not None]
    return [one for one in store.orders.values() if isinstance(one, Order)]


def _entries(everything: dict[str, list[dict[str, Any]]], number: int) -> dict[str, Any]:
    return {kind: [row for row in everything[kind] if row.get("order_id") == number] for kind in PER_ORDER}


def _order(store: Store, order: Order) -> dict[str, Any]:
    net, back = sums.net_payment(order), sums.refunded(order)
    return {
        "name": order.name,
        "financial": sums.financial(order, store),
        "fulfillment": sums.fulfillment(order),
        "cancelled": order.cancelled is not None,
        "closed": order.closed is not None,
        "currency": order.presentment_currency,
        "total": str(sums.whole(order).presentment),
        "paid": str(sums.received(order).presentment),
        "refunded": str(back.presentment),
        "net": str(net.presentment),
        "note": order.note,
        "tags": list(order.tags),
        "transactions": [rest.transaction_form(store, one) for one in order.transactions],
        "refunds": [rest.refund_form(store, one) for one in order.refunds],
        "fulfillments": [rest.fulfillment_form(store, one) for one in order.fulfillments],
        "fulfillment_orders": [
            {
                "id": one.id,
                "status": one.status,
                "location_id": one.location_id,
                "remaining": {str(row.line_id): row.remaining for row in one.lines},
                "holds": [
                    {"id": hold.id, "reason": hold.reason, "notes": hold.notes, "handle": hold.handle} for hold in one.holds
                ],
            }
            for one in order.fulfillment_orders
        ],
    }
