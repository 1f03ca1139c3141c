"""Holds on fulfillment orders: several at once, each with its handle, on all pieces or on some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connector.sandbox.shopify import events, sums
from connector.sandbox.shopify.problems import refuse
from connector.sandbox.shopify.store import Store
from connector.sandbox.shopify.things import FulfillmentOrder, FulfillmentOrderLine, Hold

MOST_OF_AN_APP = 10
REASONS = {
    "AWAITING_PAYMENT": "Awaiting payment",
    "HIGH_RISK_OF_FRAUD": "High risk of fraud",
    "INCORRECT_ADDRESS": "Incorrect address",
    "INVENTORY_OUT_OF_STOCK": "Inventory out of stock",
    "UNKNOWN_DELIVERY_DATE": "Unknown delivery date",
    "ONLINE_STORE_POST_PURCHASE_CROSS_SELL": "Online store post-purchase cross-sell",
    "AWAITING_RETURN_ITEMS": "Exchange items awaiting return delivery",
    "OTHER": "Other",
}
Pieces = Sequence[tuple[int, int]]


def hold(
    store: Store, place: FulfillmentOrder, given: dict[str, Any], pieces: Pieces, *, app_id: int | None
) -> tuple[Hold, FulfillmentOrder | None]:
    """Hold it, or some pieces of it: the rest becomes a fulfillment order of its own. Raises UserErrors, as recorded.

    `pieces`: (id of a line of the fulfillment order, count); empty: all.
    """
    handle = given.get("handle")
    _check(place, handle, pieces, app_id)
    if place.status not in sums.OPEN:
        text = "The fulfillment order is not in a valid state to be placed on hold."
        raise refuse(text, "id", code="TAKEN")
    rest = _split(store, place, pieces)
    made = Hold(
        id=store.next_id("FulfillmentHold"),
        reason=str(given["reason"]),
        notes=given.get("reasonNotes"),
        handle=handle,
        app_id=app_id,
        external_id=given.get("externalId"),
    )
    place.holds.append(made)
    place.status, place.updated = "ON_HOLD", store.now()
    _tell(store, place, "fulfillment_orders/placed_on_hold", "held", made, app_id)
    return made, rest


def _check(place: FulfillmentOrder, handle: str | None, pieces: Pieces, app_id: int | None) -> None:
    ours = [one for one in place.holds if one.app_id == app_id]
    if any(count < 1 for _, count in pieces):
        where = next(str(number) for number, (_, count) in enumerate(pieces) if count < 1)
        text = "You must select at least one item to place on partial hold."
        raise refuse(text, "fulfillmentHold", "fulfillmentOrderLineItems", where, "quantity", code="GREATER_THAN_ZERO")
    if len({line for line, _ in pieces}) < len(pieces):
        code = "DUPLICATED_FULFILLMENT_ORDER_LINE_ITEMS"
        raise refuse("must contain unique line item ids", "fulfillmentHold", "fulfillmentOrderLineItems", code=code)
    if handle is not None and any(one.handle == handle for one in ours):
        text = (
            "The handle provided for the fulfillment hold is already in use by this app "
            "for another hold on this fulfillment order."
        )
        raise refuse(text, "fulfillmentHold", "handle", code="DUPLICATE_FULFILLMENT_HOLD_HANDLE")
    if len(ours) >= MOST_OF_AN_APP:
        text = (
            "The maximum number of fulfillment holds for this fulfillment order has been reached for this app. "
            "An app can only have up to 10 holds on a single fulfillment order at any one time."
        )
        raise refuse(text, "id", code="FULFILLMENT_ORDER_HOLD_LIMIT_REACHED")
    if pieces and place.holds:
        text = "The fulfillment order is not in a splittable state."
        raise refuse(text, "fulfillmentHold", "fulfillmentOrderLineItems", code="FULFILLMENT_ORDER_NOT_SPLITTABLE")


def _split(store: Store, place: FulfillmentOrder, pieces: Pieces) -> FulfillmentOrder | None:
    """What is not to be held goes into a new fulfillment order."""
    if not pieces:
        return None
    wanted = dict(pieces)
    rows = {row.id: row for row in place.lines}
    if any(line not in rows or count > rows[line].remaining for line, count in pieces):
        text = "The line item quantity is invalid."
        raise refuse(text, "fulfillmentHold", "fulfillmentOrderLineItems", code="INVALID_LINE_ITEM_QUANTITY")
    left = [(row, row.remaining - wanted.get(row.id, 0)) for row in place.lines]
    if not any(count for _, count in left):
        return None
    rest = _rest(store, place, [(row, count) for row, count in left if count])
    for row, count in left:
        row.total -= count
        row.remaining -= count
    place.lines = [row for row in place.lines if row.total]
    return rest


def moved(store: Store, place: FulfillmentOrder, pieces: Pieces, location_id: int) -> FulfillmentOrder:
    """These pieces (id of a line of the fulfillment order, count), or all of it, leave from another location.

    Raises UserErrors.
    """
    rows = {row.id: row for row in place.lines}
    if any(line not in rows or not 0 < count <= rows[line].remaining for line, count in pieces):
        raise refuse("The line item quantity is invalid.", "fulfillmentOrderLineItems")
    chosen = [(rows[line], count) for line, count in pieces]
    if not chosen or sum(count for _, count in chosen) == place.remaining:
        place.location_id, place.updated = location_id, store.now()
        return place
    part = _rest(store, place, chosen)
    part.location_id, part.split_from = location_id, None
    for row, count in chosen:
        row.total -= count
        row.remaining -= count
    place.lines = [row for row in place.lines if row.total]
    place.updated = store.now()
    return part


def _rest(store: Store, place: FulfillmentOrder, rows: list[tuple[FulfillmentOrderLine, int]]) -> FulfillmentOrder:
    made = FulfillmentOrder(
        id=store.next_id("FulfillmentOrder"),
        order_id=place.order_id,
        location_id=place.location_id,
        lines=[
            FulfillmentOrderLine(
                id=store.next_id("FulfillmentOrderLineItem"), line_id=row.line_id, total=count, remaining=count
            )
            for row, count in rows
        ],
        created=store.now(),
        updated=store.now(),
        method=place.method,
        fulfill_at=place.fulfill_at,
        split_from=place.id,
    )
    store.must(place.order_id).fulfillment_orders.append(made)
    store.fulfillment_orders[made.id] = made
    return made


def release(store: Store, place: FulfillmentOrder, hold_ids: Sequence[int] | None, *, app_id: int | None) -> None:
    """Release these holds; without ids, all of them. Raises UserErrors."""
    if not place.holds:
        raise refuse("The fulfillment order is not on hold.", code="INVALID")
    known = {one.id for one in place.holds}
    if hold_ids and not set(hold_ids) <= known:
        raise refuse("The fulfillment hold does not exist.", "holdIds", code="FULFILLMENT_ORDER_NOT_FOUND")
    gone = [one for one in place.holds if hold_ids is None or not hold_ids or one.id in hold_ids]
    place.holds = [one for one in place.holds if one not in gone]
    if not place.holds:
        place.status = "OPEN" if all(row.remaining == row.total for row in place.lines) else "IN_PROGRESS"
        _join(store, place)
    place.updated = store.now()
    for one in gone:
        _tell(store, place, "fulfillment_orders/hold_released", "released", one, app_id)


def _join(store: Store, place: FulfillmentOrder) -> None:
    """What a partial hold had split off comes back (recorded: the lines are whole again after the release)."""
    rest = next((one for one in store.must(place.order_id).fulfillment_orders if one.split_from == place.id), None)
    if rest is None or rest.status != "OPEN" or rest.holds or any(row.remaining < row.total for row in rest.lines):
        return
    rows = {row.line_id: row for row in place.lines}
    for row in rest.lines:
        if row.line_id in rows:
            rows[row.line_id].total += row.total
            rows[row.line_id].remaining += row.remaining
        else:
            place.lines.append(FulfillmentOrderLine(id=row.id, line_id=row.line_id, total=row.total, remaining=row.remaining))
        row.total = row.remaining = 0
    rest.status, rest.split_from, rest.updated = "CLOSED", None, store.now()


def _tell(store: Store, place: FulfillmentOrder, topic: str, what: str, one: Hold, app_id: int | None) -> None:
    order = store.must(place.order_id)
    store.records.add(
        "shipping",
        order_id=order.id,
        what=what,
        id=place.id,
        hold=one.id,
        handle=one.handle,
        reason=one.reason,
        notes=one.notes,
        by=_who(app_id),
    )
    events.fulfillment_order_event(store, topic, place)
    events.updated(store, order)


def _who(app_id: int | None) -> str:
    return "staff" if app_id is None else "app"


def supported(place: FulfillmentOrder) -> list[str]:
    """The actions Shopify offers, in its order (recorded)."""
    if place.status == "OPEN":
        return ["CREATE_FULFILLMENT", "REPORT_PROGRESS", "MOVE", "HOLD", *(["SPLIT"] if place.remaining > 1 else [])]
    if place.status == "IN_PROGRESS":
        return ["CREATE_FULFILLMENT", "REPORT_PROGRESS", "HOLD", "MARK_AS_OPEN"]
    if place.status != "ON_HOLD":
        return []
    return ["RELEASE_HOLD", *(["HOLD"] if len(place.holds) < MOST_OF_AN_APP else []), "MOVE"]
