"""Fulfillments of WooCommerce's own feature: parcels of an order, with tracking, in rows beside it.

Recorded in 10.5.2 with the feature on; from WooCommerce's public source (github.com/woocommerce/woocommerce,
2026-11-23): downloadable lines are fulfilled by themselves, and an order without fulfillments has no
`_fulfillment_status`. The order's own status never changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from connector.sandbox.woocommerce import mails
from connector.sandbox.woocommerce.rest import RestError
from connector.sandbox.woocommerce.store import Store
from connector.sandbox.woocommerce.things import Fulfillment, Meta, Order

Body = dict[str, Any]
FEATURE = "fulfillments"
FULFILLED = "fulfilled"
UNFULFILLED = "unfulfilled"
ITEMS = "_items"
FULFILLED_AT = "_date_fulfilled"
STATUS_KEY = "_fulfillment_status"
PROCESSED_KEY = "_auto_fulfill_processed"
ROWS = "fulfillment_meta"


def create(store: Store, order: Order, body: Body) -> Fulfillment:
    """A new row. Quantities, line ids and carriers are not checked; raises RestError 400 when it holds no items."""
    meta = [store.new_meta(key, value, series=ROWS) for key, value in _given_meta(body)]
    _check_items(meta)
    row = Fulfillment(id=store.next_id("fulfillment"), order_id=order.id, status=_status(body), updated=store.now(), meta=meta)
    _stamp(store, row)
    store.fulfillments[row.id] = row
    store.records.add("acts", order_id=order.id, act="fulfillment created", fulfillment_id=row.id, status=row.status)
    _follow(store, order)
    if row.status == FULFILLED and body.get("notify_customer"):
        mails.send(store, mails.FULFILLMENT_CREATED, order)
    return row


def update(store: Store, order: Order, row: Fulfillment, body: Body) -> None:
    """`meta_data` replaces what was there; known keys keep their ids. The first time fulfilled mails as a new one."""
    meta = [_kept(store, row, key, value) for key, value in _given_meta(body)]
    _check_items(meta)
    before, row.status, row.meta = row.status, _status(body), meta
    row.updated = store.now()
    _stamp(store, row)
    store.records.add("acts", order_id=order.id, act="fulfillment updated", fulfillment_id=row.id, status=row.status)
    _follow(store, order)
    if row.status == FULFILLED and body.get("notify_customer"):
        mails.send(store, mails.FULFILLMENT_UPDATED if before == FULFILLED else mails.FULFILLMENT_CREATED, order)


def delete(store: Store, order: Order, row: Fulfillment, *, notify: bool) -> None:
    del store.fulfillments[row.id]
    store.records.add("acts", order_id=order.id, act="fulfillment deleted", fulfillment_id=row.id, status=row.status)
    _follow(store, order)
    if row.status == FULFILLED and notify:
        mails.send(store, mails.FULFILLMENT_DELETED, order)


def of_order(store: Store, order: Order) -> list[Fulfillment]:
    return [row for row in store.fulfillments.values() if row.order_id == order.id]


def order_status(store: Store, order: Order) -> str:
    """unfulfilled, partially_fulfilled or fulfilled; empty when the order has no fulfillments."""
    rows = of_order(store, order)
    if not rows:
        return ""
    done = [row for row in rows if row.status == FULFILLED]
    if len(done) == len(rows) and not _pending(order, rows):
        return FULFILLED
    return "partially_fulfilled" if done else UNFULFILLED


def after_status(store: Store, order: Order) -> None:
    """At processing and completed, once: downloadable lines are fulfilled, and the order remembers it was looked at."""
    if FEATURE not in store.settings.features or order.status not in {"processing", "completed"} or not order.line_items:
        return
    if any(row.key == PROCESSED_KEY for row in order.meta) or of_order(store, order):
        return
    order.meta.append(store.new_meta(PROCESSED_KEY, True))
    products = ((line, store.product_of(line.product_id, line.variation_id)) for line in order.line_items)
    items = [
        {"item_id": line.id, "qty": line.quantity} for line, product in products if product is not None and product.downloadable
    ]
    if items:
        create(store, order, {"status": FULFILLED, "meta_data": [{"id": 0, "key": ITEMS, "value": items}]})


def form(store: Store, row: Fulfillment) -> dict[str, Any]:
    """As the API shows it; `date_updated` is the shop's local time, with a blank in the middle."""
    return {
        "id": row.id,
        "entity_type": "WC_Order",
        "entity_id": str(row.order_id),
        "is_fulfilled": row.status == FULFILLED,
        "status": row.status,
        "date_updated": _local(store, row.updated),
        "meta_data": meta_form(row),
    }


def meta_form(row: Fulfillment) -> list[dict[str, Any]]:
    return [{"id": meta.id, "key": meta.key, "value": meta.value} for meta in row.meta]


def _given_meta(body: Body) -> Iterable[tuple[str, Any]]:
    """Entries without a member `id` (0: new) are dropped silently: recorded."""
    for entry in body.get("meta_data") or []:
        if isinstance(entry, dict) and "id" in entry and entry.get("value") is not None:
            yield str(entry.get("key", "")), entry["value"]


def _check_items(meta: list[Meta]) -> None:
    if not any(row.key == ITEMS and row.value for row in meta):
        raise RestError(400, 0, "The fulfillment should contain at least one item.")


def _status(body: Body) -> str:
    """What is not a known status counts as unfulfilled, whatever `is_fulfilled` says."""
    return FULFILLED if body.get("status") == FULFILLED else UNFULFILLED


def _kept(store: Store, row: Fulfillment, key: str, value: Any) -> Meta:
    known = next((meta for meta in row.meta if meta.key == key), None)
    new = store.new_meta(key, value, series=ROWS) if known is None else known
    new.value = value
    return new


def _stamp(store: Store, row: Fulfillment) -> None:
    if row.status == FULFILLED and not any(meta.key == FULFILLED_AT for meta in row.meta):
        row.meta.append(store.new_meta(FULFILLED_AT, _local(store, row.updated), series=ROWS))


def _local(store: Store, moment: Any) -> str:
    return str(moment.astimezone(store.zone).strftime("%Y-%m-%d %H:%M:%S"))


def _pending(order: Order, rows: list[Fulfillment]) -> bool:
    """Is any line's quantity larger than what its fulfillments hold together?"""
    held: Counter[int] = Counter()
    for item in (item for row in rows for meta in row.meta if meta.key == ITEMS for item in meta.value):
        held[int(item.get("item_id", 0))] += int(item.get("qty", 0))
    return any(line.quantity > held[line.id] for line in order.line_items)


def _follow(store: Store, order: Order) -> None:
    """The order remembers how far it is, and is saved."""
    now = order_status(store, order)
    known = next((meta for meta in order.meta if meta.key == STATUS_KEY), None)
    if not now:
        order.meta = [meta for meta in order.meta if meta.key != STATUS_KEY]
    elif known is None:
        order.meta.append(store.new_meta(STATUS_KEY, now))
    else:
        known.value = now
    store.touch(order)
    store.fire("order.updated", order.id)
