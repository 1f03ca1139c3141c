"""What people do in the Shopify admin, on an order that is there already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from connector.sandbox.shopify import cancelling, editing, events, holding, parcels, paying, sums
from connector.sandbox.shopify.addresses import address_of
from connector.sandbox.shopify.store import Store
from connector.sandbox.shopify.things import FulfillmentOrder, Line, Order, Risk

Body = Mapping[str, Any]
STAFF = "staff"


def staff(store: Store, wanted: Body) -> None:
    """Somebody works in the admin: `{order_id, action, …}`; the caller holds the lock. Raises ValueError, UserErrors.

    hold {reason, notes, fulfillment_order_id} · release · fulfil {lines: [{sku | id, quantity}], number, company, notify} ·
    unfulfil {fulfillment_id} · deliver {status} · cancel {reason, restock, refund, notify} · refund {amount, lines,
    shipping, restock, notify, note} · edit {add, remove: {id: n}} · address {…} · note {note} · tag {tags} · untag {tags} ·
    paid {gateway} · capture {amount} · void · archive · unarchive · risk {level, facts} · chargeback is not simulated.
    """
    order = store.order(int(wanted["order_id"]))
    if order is None:
        raise ValueError(f"there is no order {wanted['order_id']}")
    act = ACTIONS.get(str(wanted.get("action")))
    if act is None:
        raise ValueError(f"staff cannot {wanted.get('action')!r}; there are {', '.join(ACTIONS)}")
    store.records.add("acts", order_id=order.id, **{key: value for key, value in wanted.items() if key != "order_id"})
    act(store, order, wanted)


def _open(order: Order, wanted: Body) -> list[FulfillmentOrder]:
    chosen = wanted.get("fulfillment_order_id")
    rows = [one for one in order.fulfillment_orders if one.status in sums.OPEN]
    found = [one for one in rows if chosen is None or one.id == int(chosen)]
    if not found:
        raise ValueError(f"order {order.id} has no open fulfillment order")
    return found


def _hold(store: Store, order: Order, wanted: Body) -> None:
    given = {"reason": wanted.get("reason", "OTHER"), "reasonNotes": wanted.get("notes")}
    for place in _open(order, wanted):
        holding.hold(store, place, given, [], app_id=None)


def _release(store: Store, order: Order, wanted: Body) -> None:
    for place in [one for one in _open(order, wanted) if one.holds]:
        holding.release(store, place, None, app_id=None)


def _line(store: Store, order: Order, row: Body) -> Line:
    for line in order.lines:
        if line.id == row.get("id") or (row.get("sku") is not None and line.sku == row["sku"]):
            return line
    raise ValueError(f"order {order.id} has no line {dict(row)}")


def _fulfil(store: Store, order: Order, wanted: Body) -> None:
    """One parcel for each location."""
    asked = {_line(store, order, row).id: int(row.get("quantity", 1)) for row in wanted.get("lines") or ()}
    tracking = {"number": wanted.get("number"), "company": wanted.get("company"), "url": wanted.get("url")}
    by_location: dict[int, list[parcels.Group]] = {}
    for place in [one for one in _open(order, wanted) if one.status in parcels.SENDABLE]:
        rows = [(row, min(row.remaining, asked.get(row.line_id, 0)) if asked else row.remaining) for row in place.lines]
        chosen = [(row, count) for row, count in rows if count]
        for row, count in chosen:
            if asked:
                asked[row.line_id] -= count
        if chosen:
            by_location.setdefault(place.location_id, []).append((place, chosen))
    if not by_location:
        raise ValueError(f"nothing of order {order.id} can be fulfilled")
    for groups in by_location.values():
        parcels.fulfil(
            store, groups, tracking=tracking if any(tracking.values()) else None, notify=bool(wanted.get("notify")), by=STAFF
        )


def _unfulfil(store: Store, order: Order, wanted: Body) -> None:
    for one in [one for one in order.fulfillments if wanted.get("fulfillment_id") in (None, one.id)]:
        parcels.cancel(store, one, by=STAFF)


def _deliver(store: Store, order: Order, wanted: Body) -> None:
    for one in [one for one in order.fulfillments if one.status == "SUCCESS"]:
        parcels.report(store, one, {"status": wanted.get("status", "DELIVERED")})


def _cancel(store: Store, order: Order, wanted: Body) -> None:
    cancelling.cancel(
        store,
        order,
        reason=str(wanted.get("reason", "CUSTOMER")),
        restock=bool(wanted.get("restock", True)),
        refund=bool(wanted.get("refund", False)),
        notify=bool(wanted.get("notify", False)),
        note=wanted.get("note"),
        by=STAFF,
    )


def _refund(store: Store, order: Order, wanted: Body) -> None:
    """Without an amount: what the lines and the shipping come to; without lines either, everything."""
    whole = not wanted.get("lines") and wanted.get("amount") is None
    backs = _backs(store, order, wanted, whole)
    shipping, tax = paying.shipping_left(order) if whole or wanted.get("shipping") else (order.zero, order.zero)
    due = paying.suggested(order, backs, shipping, tax)
    if wanted.get("amount") is not None:
        due = sums.net_payment(order).of_presentment(Decimal(str(wanted["amount"])))
    moneys = [paying.GiveBack(parent=one, amount=part.presentment) for one, part, _ in paying.suggested_parts(order, due)]
    paying.refund(
        store,
        order,
        backs=backs,
        shipping=shipping,
        shipping_tax=tax,
        moneys=moneys,
        note=wanted.get("note"),
        notify=bool(wanted.get("notify")),
        by=STAFF,
    )


def _backs(store: Store, order: Order, wanted: Body, whole: bool) -> list[paying.Back]:
    rows = [(line, sums.refundable(order, line)) for line in order.lines] if whole else []
    rows += [(_line(store, order, row), int(row.get("quantity", 1))) for row in wanted.get("lines") or ()]
    kind = str(wanted.get("restock") or "NO_RESTOCK")
    place = next((one.location_id for one in order.fulfillment_orders), None)
    return [paying.Back(line=line, quantity=count, restock_type=kind, location_id=place) for line, count in rows if count]


def _edit(store: Store, order: Order, wanted: Body) -> None:
    remove = {int(number): int(count) for number, count in (wanted.get("remove") or {}).items()}
    editing.change_lines(store, order, add=wanted.get("add") or (), remove=remove, note=str(wanted.get("note", "")), by=STAFF)


def _address(store: Store, order: Order, wanted: Body) -> None:
    given = wanted.get("address") or {}
    before = order.shipping_address
    names = (
        *("first_name", "last_name", "company", "address1", "address2", "city", "zip", "phone"),
        "country_code",
        "province_code",
    )
    known = {name: getattr(before, name) for name in names} if before else {}
    order.shipping_address = address_of(store, {**known, **given})
    events.updated(store, order)


def _note(store: Store, order: Order, wanted: Body) -> None:
    editing.update(store, order, {"note": wanted.get("note")}, by=STAFF)


def _tag(*, add: bool) -> Callable[[Store, Order, Body], None]:
    return lambda store, order, wanted: editing.tag(store, order, list(wanted["tags"]), add=add, by=STAFF)


def _paid(store: Store, order: Order, wanted: Body) -> None:
    paying.mark_paid(store, order, by=STAFF, gateway=str(wanted.get("gateway", "")))


def _authorized(store: Store, order: Order) -> Any:
    found = next((one for one in order.transactions if sums.capturable(order, one, store)), None)
    if found is None:
        raise ValueError(f"nothing of order {order.id} can be captured")
    return found


def _capture(store: Store, order: Order, wanted: Body) -> None:
    parent = _authorized(store, order)
    amount = Decimal(str(wanted["amount"])) if "amount" in wanted else sums.capturable(order, parent, store).presentment
    paying.capture(store, order, parent.id, amount=amount, currency=order.presentment_currency, final=None, by=STAFF)


def _void(store: Store, order: Order, _wanted: Body) -> None:
    paying.void(store, _authorized(store, order), by=STAFF)


def _archive(*, closed: bool) -> Callable[[Store, Order, Body], None]:
    return lambda store, order, _wanted: editing.archive(store, order, closed=closed, by=STAFF)


def _risk(store: Store, order: Order, wanted: Body) -> None:
    facts = [(str(one[0]).upper(), str(one[1])) for one in wanted.get("facts") or ()]
    level = str(wanted.get("level", "HIGH")).upper()
    order.risks = [one for one in order.risks if one.provider != wanted.get("provider", "")]
    order.risks.append(Risk(level=level, provider=str(wanted.get("provider", "")), facts=facts))
    store.on_event("orders/risk_assessment_changed", order.id, lambda: {"order_id": order.id, "risk_level": level.lower()})
    events.updated(store, order)


ACTIONS: Mapping[str, Callable[[Store, Order, Body], None]] = {
    "hold": _hold,
    "release": _release,
    "fulfil": _fulfil,
    "unfulfil": _unfulfil,
    "deliver": _deliver,
    "cancel": _cancel,
    "refund": _refund,
    "edit": _edit,
    "address": _address,
    "note": _note,
    "tag": _tag(add=True),
    "untag": _tag(add=False),
    "paid": _paid,
    "capture": _capture,
    "void": _void,
    "archive": _archive(closed=True),
    "unarchive": _archive(closed=False),
    "risk": _risk,
}
