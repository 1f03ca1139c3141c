"""Changes of an order that move neither money nor parcels: notes, tags, addresses, lines, archive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connector.sandbox.shopify import checkout, events, paying, sums
from connector.sandbox.shopify.addresses import from_input
from connector.sandbox.shopify.problems import UserErrors, refuse, row
from connector.sandbox.shopify.store import Store
from connector.sandbox.shopify.things import FulfillmentOrder, Order

NAMED = {"phone": "phone", "note": "note", "email": "email", "poNumber": "po_number"}


def update(store: Store, order: Order, given: Mapping[str, Any], *, by: str) -> None:
    """orderUpdate: what is given replaces what was there. Raises UserErrors, as recorded."""
    changes = {name: value for name, value in given.items() if name != "id"}
    if not changes:
        raise refuse("No valid update parameters have been provided")
    _check(changes)
    for name, attribute in NAMED.items():
        if name in changes:
            setattr(order, attribute, changes[name] or None)
    if "tags" in changes:
        order.tags = tidy(changes["tags"] or ())
    if "customAttributes" in changes:
        order.attributes = [(one["key"], one["value"]) for one in changes["customAttributes"] or ()]
    if changes.get("shippingAddress"):
        order.shipping_address = from_input(store, changes["shippingAddress"], order.shipping_address)
    store.records.add("notes", order_id=order.id, what="updated", note=order.note, fields=sorted(changes), by=by)
    events.updated(store, order)


def _check(changes: Mapping[str, Any]) -> None:
    phone = changes.get("phone")
    if phone and not any(letter.isdigit() for letter in phone):
        raise refuse("Phone is invalid", "phone")
    address = changes.get("shippingAddress")
    if address is None:
        return
    rows = []
    if "lastName" in address and not address["lastName"]:
        rows.append(row("Enter a last name", "shippingAddress", "lastName"))
    if "zip" in address and not address["zip"]:
        rows.append(row("Enter a ZIP code", "shippingAddress", "zip"))
    if rows:
        raise UserErrors(rows)


def tidy(tags: Sequence[str]) -> list[str]:
    """Sorted, trimmed, each once whatever its letters' case."""
    found: dict[str, str] = {}
    for one in (part.strip() for text in tags for part in text.split(",")):
        if one:
            found.setdefault(one.lower(), one)
    return sorted(found.values(), key=str.lower)


def tag(store: Store, order: Order, tags: Sequence[str], *, add: bool, by: str) -> None:
    gone = {one.lower() for one in tags}
    before = list(order.tags)
    order.tags = tidy([*order.tags, *tags]) if add else [one for one in order.tags if one.lower() not in gone]
    if order.tags != before:
        store.records.add("notes", order_id=order.id, what="tagged" if add else "untagged", tags=list(tags), by=by)
        events.updated(store, order)


def archive(store: Store, order: Order, *, closed: bool, by: str) -> None:
    if (order.closed is not None) == closed:
        return
    order.closed = store.now() if closed else None
    store.records.add("transitions", order_id=order.id, what="archived" if closed else "unarchived", by=by)
    events.updated(store, order)


def change_lines(
    store: Store, order: Order, *, add: Sequence[Mapping[str, Any]], remove: Mapping[int, int], note: str, by: str
) -> None:
    """An order edit: `add` [{sku, quantity}], `remove` line id -> pieces. Raises ValueError for what is not there."""
    if order.cancelled is not None:
        raise ValueError("a cancelled order cannot be edited")
    removals = _remove(store, order, remove)
    additions = []
    for one in add:
        variant = next((each for each in store.variants.values() if each.sku == one.get("sku")), None)
        if variant is None:
            raise ValueError(f"the shop has nothing with SKU {one.get('sku')!r}")
        line = checkout.line_of(store, order, variant, int(one.get("quantity", 1)))
        order.lines.append(line)
        place = _open_place(order)
        location = place.location_id if place else next(iter(store.locations))
        method = place.method if place else checkout.SHIPPING
        checkout.new_fulfillment_order(store, order, location, [(line, line.quantity)], method)
        additions.append((line.id, line.quantity))
    order.edited = True
    store.records.add("transitions", order_id=order.id, what="edited", added=additions, removed=removals, by=by)
    events.edited(store, order, additions=additions, removals=removals, note=note)
    events.updated(store, order)


def _remove(store: Store, order: Order, remove: Mapping[int, int]) -> list[tuple[int, int]]:
    lines = {line.id: line for line in order.lines}
    for number, pieces in remove.items():
        if number not in lines or pieces > sums.unfulfilled(order, lines[number]):
            raise ValueError(f"{pieces} pieces of line {number} cannot be taken off order {order.id}")
    for number, pieces in remove.items():
        paying.take_off(store, order, lines[number], pieces)
        lines[number].removed += pieces
    return list(remove.items())


def _open_place(order: Order) -> FulfillmentOrder | None:
    return next((one for one in order.fulfillment_orders if one.status in sums.OPEN), None)
