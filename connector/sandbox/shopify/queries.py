"""The roots of queries: one thing by its id, and lists."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from connector.sandbox.shopify import paging, sums
from connector.sandbox.shopify.fields import Table, store_of
from connector.sandbox.shopify.ids import kind_of, number_in
from connector.sandbox.shopify.other_fields import VERSIONS, level, version
from connector.sandbox.shopify.problems import TopError, unknown_id
from connector.sandbox.shopify.store import Store
from connector.sandbox.shopify.things import Order, Seldom

# An app without read_all_orders sees the orders of these days only (https://shopify.dev/docs/api/usage/access-scopes).
DAYS_OF_ORDERS = 60
COUNTABLE = 10_000


def _by_id(kind: str, find: Callable[[Store, int], Any]) -> Callable[..., Any]:
    """null when there is none; an id of another kind is an error (recorded)."""

    def read(_root: Any, info: Any, id: str) -> Any:
        if kind_of(id) != kind:
            raise unknown_id(id)
        number = number_in(id, kind)
        return None if number is None else find(store_of(info), number)

    return read


FINDERS: dict[str, Callable[[Store, int], Any]] = {
    "Order": lambda store, number: store.order(number),
    "FulfillmentOrder": lambda store, number: store.fulfillment_orders.get(number),
    "Fulfillment": lambda store, number: store.fulfillments.get(number),
    "OrderTransaction": lambda store, number: store.transactions.get(number),
    "Refund": lambda store, number: store.refunds.get(number),
    "Customer": lambda store, number: store.customers.get(number),
    "Product": lambda store, number: store.products.get(number),
    "ProductVariant": lambda store, number: store.variants.get(number),
    "InventoryItem": lambda store, number: store.variant_of_item(number),
    "Location": lambda store, number: store.locations.get(number),
    "WebhookSubscription": lambda store, number: store.subscriptions.get(number),
    "BulkOperation": lambda store, number: store.bulks.get(number),
}


def node(_root: Any, info: Any, id: str) -> Any:
    kind = kind_of(id)
    if kind == "LineItem":
        return _line(store_of(info), number_in(id, kind) or 0)
    find = FINDERS.get(kind or "")
    number = number_in(id, kind or "")
    return None if find is None or number is None else find(store_of(info), number)


def _line(store: Store, number: int) -> Any:
    try:
        order = store.must(store.order_of_line(number))
    except KeyError:
        return None
    return next(line for line in order.lines if line.id == number)


# --- orders -----------------------------------------------------------------------------------------------------------

Row = Order | Seldom
TIMES: dict[str, Callable[[Row], Any]] = {
    "updated_at": lambda row: row.updated,
    "created_at": lambda row: row.created,
    "processed_at": lambda row: row.created,
    "id": lambda row: row.id,
}
SORTS: dict[str, Callable[[Row], Any]] = {
    "UPDATED_AT": lambda row: row.updated,
    "CREATED_AT": lambda row: row.created,
    "PROCESSED_AT": lambda row: row.created,
    "ORDER_NUMBER": lambda row: row.number,
    "ID": lambda row: row.id,
}


def _order_fields(store: Store) -> dict[str, Callable[[Row], Any]]:
    def whole(of: Callable[[Order], Any]) -> Callable[[Row], Any]:
        return lambda row: of(store.made(row))

    return {
        **TIMES,
        "name": lambda row: f"#{row.number}/{row.number}",
        "tag": whole(lambda order: order.tags),
        "email": whole(lambda order: order.email),
        "financial_status": whole(lambda order: sums.financial(order, store)),
        "fulfillment_status": whole(
            lambda order: {"UNFULFILLED": "unshipped/unfulfilled"}.get(sums.fulfillment(order), sums.fulfillment(order))
        ),
        "status": whole(_status),
        "test": whole(lambda order: str(order.test)),
        "customer_id": whole(lambda order: order.customer_id),
    }


def _status(order: Order) -> str:
    return "cancelled" if order.cancelled else "closed" if order.closed else "open"


def _found(info: Any, query: str | None, sort: str = "PROCESSED_AT") -> list[Row]:
    store = store_of(info)
    by = SORTS.get(sort, SORTS["ID"])
    rows: Any = store.sorted_orders(sort, lambda row: (by(row), row.id))
    test = paging.search(query, _order_fields(store))
    oldest = _oldest(info, store)
    return [row for row in rows if (oldest is None or row.created >= oldest) and test(row)]


def _oldest(info: Any, store: Store) -> datetime | None:
    if "read_all_orders" in info.context.scopes:
        return None
    return store.now() - timedelta(days=DAYS_OF_ORDERS)


def orders(_root: Any, info: Any, **given: Any) -> dict[str, Any]:
    store = store_of(info)
    sort = given.get("sortKey") or "PROCESSED_AT"
    rows = _found(info, given.get("query"), sort)
    found = paging.page(rows, given, value=SORTS.get(sort, SORTS["ID"]), number=lambda row: row.id)
    found["nodes"] = [store.made(row) for row in found["nodes"]]
    found["edges"] = [{**edge, "node": made} for edge, made in zip(found["edges"], found["nodes"], strict=True)]
    return found


def _count(number: int, limit: int | None) -> dict[str, Any]:
    most = COUNTABLE if limit is None else limit
    return {"count": min(number, most), "precision": "EXACT" if number <= most else "AT_LEAST"}


def orders_count(_root: Any, info: Any, **given: Any) -> dict[str, Any]:
    return _count(len(_found(info, given.get("query"))), given.get("limit"))


def fulfillment_orders(_root: Any, info: Any, **given: Any) -> dict[str, Any]:
    rows = store_of(info).fulfillment_orders.values()
    test = paging.search(given.get("query"), {"status": lambda row: row.status, "id": lambda row: row.id})
    return paging.simple([row for row in rows if (given.get("includeClosed") or row.status in sums.OPEN) and test(row)], given)


def held(_root: Any, info: Any, **given: Any) -> dict[str, Any]:
    return paging.simple([row for row in store_of(info).fulfillment_orders.values() if row.holds], given)


# --- everything else --------------------------------------------------------------------------------------------------


def locations(_root: Any, info: Any, **given: Any) -> dict[str, Any]:
    rows = [one for one in store_of(info).locations.values() if one.is_active or given.get("includeInactive")]
    return paging.simple(sorted(rows, key=lambda one: one.name), given)


def location(_root: Any, info: Any, id: str | None = None) -> Any:
    store = store_of(info)
    return store.locations.get(number_in(id, "Location") or 0) if id else next(iter(store.locations.values()))


def inventory_level(_root: Any, info: Any, id: str) -> Any:
    place, _, item = id.removeprefix("gid://shopify/InventoryLevel/").partition("?inventory_item_id=")
    store = store_of(info)
    variant = store.variant_of_item(int(item) if item.isdigit() else None)
    return (
        level(store, variant, int(place)) if variant is not None and place.isdigit() and int(place) in variant.stock else None
    )


def _searched(rows: Any, given: dict[str, Any], fields: dict[str, Callable[[Any], Any]]) -> dict[str, Any]:
    test = paging.search(given.get("query"), fields)
    return paging.simple([row for row in rows if test(row)], given)


def customers(_root: Any, info: Any, **given: Any) -> dict[str, Any]:
    fields: dict[str, Callable[[Any], Any]] = {
        "email": lambda row: row.email,
        "phone": lambda row: row.phone,
        "id": lambda row: row.id,
        "updated_at": lambda row: row.updated,
    }
    return _searched(store_of(info).customers.values(), given, fields)


def customer_by(_root: Any, info: Any, identifier: dict[str, Any]) -> Any:
    wanted = {"email": identifier.get("emailAddress"), "phone": identifier.get("phoneNumber")}
    number = number_in(identifier.get("id"), "Customer")
    for one in store_of(info).customers.values():
        if one.id == number or any(text and getattr(one, name) == text for name, text in wanted.items()):
            return one
    return None


def variants(_root: Any, info: Any, **given: Any) -> dict[str, Any]:
    return _searched(store_of(info).variants.values(), given, {"sku": lambda row: row.sku, "id": lambda row: row.id})


def products(_root: Any, info: Any, **given: Any) -> dict[str, Any]:
    return _searched(store_of(info).products.values(), given, {"title": lambda row: row.title, "id": lambda row: row.id})


def hooks(_root: Any, info: Any, **given: Any) -> dict[str, Any]:
    rows = [row for row in store_of(info).subscriptions.values() if _wanted(row, given)]
    by: Callable[[Any], Any] = (lambda row: str(row.id)) if given.get("sortKey") == "ID" else (lambda row: row.created)
    fields: dict[str, Callable[[Any], Any]] = {
        "id": lambda row: row.id,
        "created_at": lambda row: row.created,
        "updated_at": lambda row: row.updated,
    }
    test = paging.search(given.get("query"), fields)
    return paging.page([row for row in rows if test(row)], given, value=by, number=lambda row: row.id)


def _wanted(row: Any, given: dict[str, Any]) -> bool:
    uri = given.get("uri") or given.get("callbackUrl")
    return (not uri or row.uri == uri) and (not given.get("topics") or row.topic in given["topics"])


def hooks_count(_root: Any, info: Any, **given: Any) -> dict[str, Any]:
    test = paging.search(given.get("query"), {"id": lambda row: row.id})
    return _count(sum(test(row) for row in store_of(info).subscriptions.values()), given.get("limit"))


def job(_root: Any, info: Any, id: str) -> Any:
    found = store_of(info).jobs.get(id.removeprefix("gid://shopify/Job/"))
    if found is None:
        raise unknown_id(id)
    return found


def current_bulk(_root: Any, info: Any, **given: Any) -> Any:
    rows = [one for one in store_of(info).bulks.values() if one.kind == (given.get("type") or "QUERY")]
    return rows[-1] if rows else None


def bulks(_root: Any, info: Any, **given: Any) -> dict[str, Any]:
    return _searched(store_of(info).bulks.values(), given, {"id": lambda row: row.id, "status": lambda row: row.status})


def nodes(_root: Any, info: Any, ids: list[str]) -> list[Any]:
    if len(ids) > paging.MOST:
        raise TopError(
            f"The input array size of {len(ids)} is greater than the maximum allowed of {paging.MOST}.",
            "MAX_INPUT_SIZE_EXCEEDED",
        )
    return [node(None, info, one) for one in ids]


ROOT: Table = {
    **{
        name[0].lower() + name[1:]: _by_id(name, FINDERS[name])
        for name in (
            *("Order", "FulfillmentOrder", "Fulfillment", "Refund", "Customer", "Product", "ProductVariant"),
            *("InventoryItem", "WebhookSubscription", "BulkOperation"),
        )
    },
    "orders": orders,
    "ordersCount": orders_count,
    "node": node,
    "nodes": nodes,
    "fulfillmentOrders": fulfillment_orders,
    "manualHoldsFulfillmentOrders": held,
    "location": location,
    "locations": locations,
    "inventoryLevel": inventory_level,
    "customers": customers,
    "customerByIdentifier": customer_by,
    "productVariants": variants,
    "products": products,
    "shop": lambda root, info: store_of(info).settings,
    "currentAppInstallation": lambda root, info: {},
    "publicApiVersions": lambda root, info: [version(name, supported=known) for name, known in VERSIONS],
    "webhookSubscriptions": hooks,
    "webhookSubscriptionsCount": hooks_count,
    "job": job,
    "currentBulkOperation": current_bulk,
    "bulkOperations": bulks,
}
TYPES = {
    "Order": "Order",
    "FulfillmentOrder": "FulfillmentOrder",
    "Fulfillment": "Fulfillment",
    "Transaction": "OrderTransaction",
    "Refund": "Refund",
    "Customer": "Customer",
    "Product": "Product",
    "Variant": "ProductVariant",
    "Location": "Location",
    "Subscription": "WebhookSubscription",
    "Bulk": "BulkOperation",
    "Line": "LineItem",
}


def type_of(value: Any, _info: Any, _abstract: Any) -> str:
    """The type of what an interface or a union holds."""
    return str(value["__typename"]) if isinstance(value, dict) else TYPES[type(value).__name__]
