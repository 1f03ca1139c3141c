"""Parcels: fulfilling, correcting the tracking, cancelling, and what carriers report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connector.sandbox.shopify import checkout, events, sums
from connector.sandbox.shopify.problems import refuse
from connector.sandbox.shopify.store import Store
from connector.sandbox.shopify.things import (
    Fulfillment,
    FulfillmentEvent,
    FulfillmentLine,
    FulfillmentOrder,
    FulfillmentOrderLine,
    Order,
)

Group = tuple[FulfillmentOrder, list[tuple[FulfillmentOrderLine, int]]]
# Carriers whose parcels can be followed by number alone: where Shopify makes the link.
LINKS = {
    "UPS": "https://www.ups.com/WebTracking?loc=en_US&requester=ST&trackNums={}",
    "USPS": "https://tools.usps.com/go/TrackConfirmAction.action?tLabels={}",
    "FedEx": "https://www.fedex.com/fedextrack/?trknbr={}",
    "DHL Express": "https://www.dhl.com/en/express/tracking.html?AWB={}",
    "Canada Post": "https://www.canadapost-postescanada.ca/track-reperage/en#/search?searchFor={}",
}
SENDABLE = frozenset({"OPEN", "IN_PROGRESS"})


def fulfil(store: Store, groups: Sequence[Group], *, tracking: dict[str, Any] | None, notify: bool, by: str) -> Fulfillment:
    """One parcel of pieces of one order's fulfillment orders at one location. Raises UserErrors, as recorded."""
    _check(groups)
    order = store.must(groups[0][0].order_id)
    made = _parcel(store, order, groups, tracking_rows(tracking))
    for place, rows in groups:
        _take(store, place, rows)
    order.fulfillments.append(made)
    store.fulfillments[made.id] = made
    pieces = [(row.line_id, row.quantity) for row in made.lines]
    numbers = [row["number"] for row in made.tracking]
    store.records.add("shipping", order_id=order.id, what="fulfilled", id=made.id, lines=pieces, tracking=numbers, by=by)
    if notify:
        store.mail("shipping_confirmation", order, text=", ".join(filter(None, numbers)))
    _after(store, order)
    events.fulfillment_event(store, "fulfillments/create", made)
    whole = sums.fulfillment(order) == "FULFILLED"
    events.updated(store, order, "orders/fulfilled" if whole else "orders/partially_fulfilled")
    return made


def _check(groups: Sequence[Group]) -> None:
    orders = sorted({place.order_id for place, _ in groups})
    if len(orders) > 1:
        text = f"All fulfillment orders must belong to the same order. Multiple orders with ids {orders} were found."
        raise refuse(text, "fulfillment")
    locations = sorted({place.location_id for place, _ in groups})
    if len(locations) > 1:
        text = (
            f"All fulfillment orders must be assigned to a single location. Multiple locations with ids {locations} were found."
        )
        raise refuse(text, "fulfillment")
    for place, rows in groups:
        if place.status not in SENDABLE:
            raise refuse(f"Fulfillment order {place.id} has an unfulfillable status= {place.status.lower()}.", "fulfillment")
        if any(pieces > row.remaining for row, pieces in rows):
            raise refuse("Invalid fulfillment order line item quantity requested.", "fulfillment")


def _parcel(store: Store, order: Order, groups: Sequence[Group], tracking: list[dict[str, str | None]]) -> Fulfillment:
    """Pieces of one line out of several fulfillment orders are one row of the parcel."""
    pieces: dict[int, int] = {}
    for _, rows in groups:
        for row, count in rows:
            pieces[row.line_id] = pieces.get(row.line_id, 0) + count
    now = store.now()
    return Fulfillment(
        id=store.next_id("Fulfillment"),
        order_id=order.id,
        name=f"{order.name}-F{len(order.fulfillments) + 1}",
        location_id=groups[0][0].location_id,
        lines=[
            FulfillmentLine(id=store.next_id("FulfillmentLineItem"), line_id=line, quantity=count)
            for line, count in pieces.items()
            if count
        ],
        of=[(place.id, row.id, count) for place, rows in groups for row, count in rows],
        tracking=tracking,
        created=now,
        updated=now,
    )


def _take(store: Store, place: FulfillmentOrder, rows: list[tuple[FulfillmentOrderLine, int]]) -> None:
    for row, count in rows:
        row.remaining -= count
    place.status = "IN_PROGRESS" if place.remaining else "CLOSED"
    place.updated = store.now()


def _after(store: Store, order: Order) -> None:
    """A paid order that has left whole is archived, a moment later."""
    seconds = store.settings.archive_s
    if seconds >= 0 and sums.fulfillment(order) == "FULFILLED" and sums.financial(order, store) == "PAID":
        store.later(seconds, lambda: _archive(store, order))


def _archive(store: Store, order: Order) -> None:
    if order.closed is None and sums.fulfillment(order) == "FULFILLED":
        order.closed = store.now()
        events.updated(store, order)


def tracking_rows(given: dict[str, Any] | None) -> list[dict[str, str | None]]:
    """Rows `{number, url, company}` of a FulfillmentTrackingInput. An own link wins over the carrier's."""
    if not given:
        return []
    company = given.get("company")
    numbers = given.get("numbers") or ([given["number"]] if given.get("number") else [])
    urls = given.get("urls") or ([given["url"]] if given.get("url") else [])
    count = max(len(numbers), len(urls), 1 if company else 0)
    rows = []
    for place in range(count):
        number = numbers[place] if place < len(numbers) else None
        url = urls[place] if place < len(urls) else _link(company, number)
        rows.append({"number": number, "url": url, "company": company})
    return rows


def _link(company: str | None, number: str | None) -> str | None:
    pattern = LINKS.get(company or "")
    return pattern.format(number) if pattern and number else None


def correct(store: Store, one: Fulfillment, *, tracking: dict[str, Any], notify: bool, by: str) -> None:
    """Other tracking for a parcel; also one that was cancelled takes it, as recorded."""
    order = store.must(one.order_id)
    one.tracking, one.updated = tracking_rows(tracking), store.now()
    numbers = [row["number"] for row in one.tracking]
    store.records.add("shipping", order_id=order.id, what="tracking", id=one.id, tracking=numbers, by=by)
    if notify:
        store.mail("shipping_update", order, text=", ".join(filter(None, numbers)))
    events.fulfillment_event(store, "fulfillments/update", one)
    events.updated(store, order)


def cancel(store: Store, one: Fulfillment, *, by: str) -> None:
    """The parcel did not leave: a new open fulfillment order takes its pieces (recorded). Cancelling twice is harmless."""
    if one.status == "CANCELLED":
        return
    order = store.must(one.order_id)
    one.status, one.display, one.updated = "CANCELLED", "CANCELED", store.now()
    lines = {line.id: line for line in order.lines}
    rows = [(lines[row.line_id], row.quantity) for row in one.lines]
    old = store.fulfillment_orders[one.of[0][0]]
    for place, row_id, count in one.of:
        row = next(row for row in store.fulfillment_orders[place].lines if row.id == row_id)
        _give_back(store.fulfillment_orders[place], row, count)
    if old.status == "CLOSED":
        checkout.new_fulfillment_order(store, order, one.location_id, rows, old.method)
    order.closed = None
    store.records.add("shipping", order_id=order.id, what="cancelled", id=one.id, by=by)
    events.fulfillment_event(store, "fulfillments/update", one)
    events.updated(store, order)


def _give_back(place: FulfillmentOrder, row: FulfillmentOrderLine, count: int) -> None:
    """A closed fulfillment order stays closed and shows the pieces again."""
    row.remaining += count
    if place.status == "IN_PROGRESS" and all(line.remaining == line.total for line in place.lines):
        place.status = "OPEN"


def report(store: Store, one: Fulfillment, given: dict[str, Any]) -> FulfillmentEvent:
    """What a carrier (or an app) says of the parcel."""
    order = store.must(one.order_id)
    now = store.now()
    happened = given.get("happenedAt") or now
    made = FulfillmentEvent(
        id=store.next_id("FulfillmentEvent"), status=str(given["status"]), happened=happened, created=now, given=dict(given)
    )
    one.events.append(made)
    if one.status != "CANCELLED":
        one.display = made.status
    one.updated = now
    store.records.add("shipping", order_id=order.id, what="event", id=one.id, status=made.status)
    events.fulfillment_event(store, "fulfillments/update", one)
    events.updated(store, order)
    return made
