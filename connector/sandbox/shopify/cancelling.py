"""Cancelling an order: a job that takes its time, restocks, gives money back if asked, and lets authorizations go."""

from __future__ import annotations

from connector.sandbox.shopify import events, paying, sums
from connector.sandbox.shopify.problems import refuse
from connector.sandbox.shopify.store import Store
from connector.sandbox.shopify.things import Job, Order

LONGEST_NOTE = 255
SENT = "Cannot cancel an order that has outstanding fulfillments"
TWICE = "Cannot cancel an order that has already been canceled"


def cancel(
    store: Store, order: Order, *, reason: str, restock: bool, refund: bool, notify: bool, note: str | None, by: str
) -> Job:
    """Begin it: the order is cancelled `job_s` later. Raises UserErrors, as recorded."""
    if order.cancelled is not None:
        raise refuse(TWICE, "orderId", code="INVALID")
    if note is not None and len(note) > LONGEST_NOTE:
        raise refuse("Staff note is too long. Maximum length is 255 characters.", "staffNote", code="INVALID")
    if any(one.status == "SUCCESS" for one in order.fulfillments):
        raise refuse(SENT, "orderId", code="INVALID")
    job = store.new_job()
    store.records.add("transitions", order_id=order.id, what="cancel_asked", job=job.id, by=by)

    def finish() -> None:
        if order.cancelled is None:
            _finish(store, order, reason=reason, restock=restock, refund=refund, notify=notify, note=note, by=by)
        job.done = True

    if store.settings.job_s > 0:
        store.later(store.settings.job_s, finish)
    else:
        finish()
    return job


def _finish(
    store: Store, order: Order, *, reason: str, restock: bool, refund: bool, notify: bool, note: str | None, by: str
) -> None:
    order.cancelled, order.cancel_reason, order.staff_note = store.now(), reason, note
    for one in order.transactions:
        if sums.capturable(order, one, store) and not sums.children(order, one, "CAPTURE"):
            paying.move(store, order, "VOID", one, order.zero, by=by)
    paid = bool(sums.net_payment(order))
    if refund and paid:
        _refund_all(store, order, restock=restock, by=by)
    elif not paid:
        _remove_all(store, order, restock=restock)
    elif restock:
        _put_back(store, order)
    for place in order.fulfillment_orders:
        if place.status in sums.OPEN:
            place.status, place.holds, place.updated = "CLOSED", [], store.now()
    if refund or not paid:
        order.closed = store.now()
    store.records.add("transitions", order_id=order.id, what="cancelled", reason=reason, restock=restock, refund=refund, by=by)
    if notify:
        store.mail("order_canceled", order, text=reason)
    events.updated(store, order, "orders/cancelled")


def _backs(order: Order, *, restock: bool) -> list[paying.Back]:
    kind = "CANCEL" if restock else "NO_RESTOCK"
    return [
        paying.Back(line=line, quantity=sums.current(order, line), restock_type=kind, location_id=_where(order, line.id))
        for line in order.lines
        if sums.current(order, line)
    ]


def _where(order: Order, line_id: int) -> int | None:
    places = (one for one in order.fulfillment_orders if any(row.line_id == line_id for row in one.lines))
    return next((one.location_id for one in places), None)


def _refund_all(store: Store, order: Order, *, restock: bool, by: str) -> None:
    shipping, tax = paying.shipping_left(order)
    everything = sums.net_payment(order)
    moneys = [
        paying.GiveBack(parent=one, amount=part.presentment) for one, part, _ in paying.suggested_parts(order, everything)
    ]
    paying.refund(
        store,
        order,
        backs=_backs(order, restock=restock),
        shipping=shipping,
        shipping_tax=tax,
        moneys=moneys,
        note=None,
        notify=False,
        by=by,
    )


def _remove_all(store: Store, order: Order, *, restock: bool) -> None:
    """Nothing was paid: nothing is left of the order (recorded: its sums are 0)."""
    for back in _backs(order, restock=restock):
        paying.take_off(store, order, back.line, back.quantity)
        back.line.removed += back.quantity
        if restock:
            paying.restock(store, order, back)


def _put_back(store: Store, order: Order) -> None:
    """The money stays; the goods go back on the shelf."""
    for back in _backs(order, restock=True):
        paying.restock(store, order, back)
