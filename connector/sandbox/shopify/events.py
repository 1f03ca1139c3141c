"""What is told to webhooks when something happens. The payload is what the thing was at that moment."""

from __future__ import annotations

from typing import Any

from connector.sandbox.shopify import rest
from connector.sandbox.shopify.ids import gid
from connector.sandbox.shopify.store import Store
from connector.sandbox.shopify.things import Bulk, Fulfillment, FulfillmentOrder, Hold, Order, Refund, Transaction


def order_event(store: Store, order: Order, *topics: str) -> None:
    for topic in topics:
        store.on_event(topic, order.id, lambda: rest.order_form(store, order))


def updated(store: Store, order: Order, *topics: str) -> None:
    """Every change of an order: it counts as updated, and orders/updated follows the topics of the change."""
    store.touch(order)
    order_event(store, order, *topics, "orders/updated")


def transaction_event(store: Store, order: Order, transaction: Transaction) -> None:
    store.on_event("order_transactions/create", order.id, lambda: rest.transaction_form(store, transaction))


def refund_event(store: Store, refund: Refund) -> None:
    store.on_event("refunds/create", refund.order_id, lambda: rest.refund_form(store, refund))


def fulfillment_event(store: Store, topic: str, one: Fulfillment) -> None:
    store.on_event(topic, one.order_id, lambda: rest.fulfillment_form(store, one))


def fulfillment_order_event(store: Store, topic: str, one: FulfillmentOrder, **more: Any) -> None:
    form = {"id": gid("FulfillmentOrder", one.id), "status": one.status.lower(), **_holds(one)}
    store.on_event(topic, one.order_id, lambda: {"fulfillment_order": form, **more})


def _holds(one: FulfillmentOrder) -> dict[str, Any]:
    return {"fulfillment_holds": [_hold(hold) for hold in one.holds]} if one.holds else {}


def _hold(hold: Hold) -> dict[str, Any]:
    return {"reason": hold.reason.lower(), "reason_notes": hold.notes}


def edited(store: Store, order: Order, *, additions: list[tuple[int, int]], removals: list[tuple[int, int]], note: str) -> None:
    """`additions` and `removals`: (line id, pieces)."""
    body: dict[str, Any] = {
        "id": store.next_id("OrderEdit"),
        "app_id": None,
        "created_at": rest.moment(store, store.now()),
        "notify_customer": False,
        "order_id": order.id,
        "staff_note": note,
        "user_id": None,
        "line_items": {
            "additions": [{"id": line, "delta": pieces} for line, pieces in additions],
            "removals": [{"id": line, "delta": pieces} for line, pieces in removals],
        },
        "discounts": {"line_item": {"additions": [], "removals": []}},
        "shipping_lines": {"additions": [], "removals": []},
    }
    store.on_event("orders/edited", order.id, lambda: {"order_edit": body})


def bulk_finished(store: Store, bulk: Bulk) -> None:
    body: dict[str, Any] = {
        "admin_graphql_api_id": gid("BulkOperation", bulk.id),
        "completed_at": rest.moment(store, bulk.completed),
        "created_at": rest.moment(store, bulk.created),
        "error_code": bulk.error_code.lower() if bulk.error_code else None,
        "status": bulk.status.lower(),
        "type": bulk.kind.lower(),
    }
    store.on_event("bulk_operations/finish", bulk.id, lambda: body)


def uninstalled(store: Store) -> None:
    shop = store.settings
    body = {"id": 548380009, "name": shop.name, "email": shop.email, "domain": shop.domain, "myshopify_domain": shop.domain}
    store.on_event("app/uninstalled", 548380009, lambda: body)
