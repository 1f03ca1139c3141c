"""Routes below /orders: orders, notes, refunds, batch; and /refunds."""

from __future__ import annotations

from typing import Any

from connector.sandbox.woocommerce import forms, listing, mails, params, refunds, status, writing
from connector.sandbox.woocommerce.forms import API
from connector.sandbox.woocommerce.php import truthy
from connector.sandbox.woocommerce.rest import Answer, RestError
from connector.sandbox.woocommerce.routing import Call, Route, updates
from connector.sandbox.woocommerce.seed import USERS
from connector.sandbox.woocommerce.things import Note, Order, Refund

Form = dict[str, Any]
BATCH_LIMIT = 100


def find_order(call: Call, *, status: int = 404) -> Order:
    """A missing order is 404 for GET and DELETE, but 400 for PUT."""
    order = call.store.orders.get(call.ids["order"])
    if order is None:
        raise RestError(status, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
    return order


def list_orders(call: Call) -> Answer:
    query = params.check(call.given, params.order_list(status.writable(call.store)))
    rows, total, pages = listing.page(listing.orders(call.store, query), query)
    defaults = {"status": "any", "dp": 2, "context": "view"}
    headers = listing.headers(call.store, call.request, query, total=total, pages=pages, defaults=defaults)
    return Answer(body=[forms.order_form(call.store, order, call.places()) for order in rows], headers=headers)


def post_order(call: Call) -> Answer:
    order = writing.create_order(call.store, params.check(call.given, params.order(status.writable(call.store))))
    location = call.store.url(f"{API}/orders/{order.id}")
    return Answer(status=201, body=forms.order_form(call.store, order), headers={"Location": location})


def get_order(call: Call) -> Answer:
    return Answer(body=forms.order_form(call.store, find_order(call), call.places()))


def put_order(call: Call) -> Answer:
    body = params.check(call.given, params.order(status.writable(call.store)))
    order = find_order(call, status=400)
    writing.update_order(call.store, order, body)
    return Answer(body=forms.order_form(call.store, order))


def delete_order(call: Call) -> Answer:
    """The answer shows the order as it was before."""
    order = find_order(call)
    form = forms.order_form(call.store, order)
    if truthy(call.given.get("force", False)):
        writing.delete_order(call.store, order)
    elif order.status == "trash":
        raise RestError(410, "woocommerce_rest_already_trashed", "The shop_order has already been deleted.")
    else:
        writing.bin_order(call.store, order)
    return Answer(body=form)


def batch(call: Call) -> Answer:
    """HTTP 200 whatever happened to the elements. Parameters are not checked here: an unknown status means pending."""
    wanted = {name: call.given.get(name) or [] for name in ("create", "update", "delete")}
    if sum(len(rows) for rows in wanted.values()) > BATCH_LIMIT:
        text = f"Unable to accept more than {BATCH_LIMIT} items for this request."
        raise RestError(413, "woocommerce_rest_request_entity_too_large", text)
    steps = {"create": _batch_create, "update": _batch_update, "delete": _batch_delete}
    body = {name: [steps[name](call, row) for row in rows] for name, rows in wanted.items() if rows}
    return Answer(body=body or [])


def _failed(number: int, error: RestError) -> Form:
    return {"id": number, "error": error.body()}


def _batch_create(call: Call, row: Form) -> Form:
    try:
        return forms.order_form(call.store, writing.create_order(call.store, row))
    except RestError as error:
        return _failed(0, error)


def _batch_update(call: Call, row: Form) -> Form:
    number = int(row.get("id") or 0)
    order = call.store.orders.get(number)
    try:
        if order is None:
            raise RestError(400, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
        writing.update_order(call.store, order, row)
    except RestError as error:
        return _failed(number, error)
    return forms.order_form(call.store, order)


def _batch_delete(call: Call, number: Any) -> Form:
    order = call.store.orders.get(int(number))
    if order is None:
        return _failed(int(number), RestError(404, "woocommerce_rest_shop_order_invalid_id", "Invalid ID."))
    form = forms.order_form(call.store, order)
    writing.delete_order(call.store, order)
    return form


def _order_of_notes(call: Call) -> Order:
    order = call.store.orders.get(call.ids["order"])
    if order is None:
        raise RestError(404, "woocommerce_rest_shop_order_invalid_id", "Invalid order ID.")
    return order


def list_notes(call: Call) -> Answer:
    """Newest second first; within a second in the order they were written."""
    order = _order_of_notes(call)
    kind = call.given.get("type", "any")
    notes = [note for note in call.store.notes_of(order.id) if kind == "any" or note.to_customer == (kind == "customer")]
    notes.sort(key=lambda note: (-note.created.timestamp(), note.id))
    return Answer(body=[forms.note_form(call.store, note) for note in notes])


def post_note(call: Call) -> Answer:
    """A customer note is mailed at once. Notes move no date_modified and fire no webhook."""
    wanted = params.check(call.given, params.NOTE)
    order = _order_of_notes(call)
    author = USERS[call.user_id] if wanted.get("added_by_user") else "WooCommerce"
    to_customer = wanted.get("customer_note", False)
    note = call.store.add_note(order, wanted["note"], author=author, to_customer=to_customer)
    if to_customer:
        mails.send(call.store, mails.NOTE, order, text=note.text)
    location = call.store.url(f"{API}/orders/{order.id}/notes/{note.id}")
    return Answer(status=201, body=forms.note_form(call.store, note), headers={"Location": location})


def _find_note(call: Call) -> Note:
    order = _order_of_notes(call)
    note = call.store.notes.get(call.ids["note"])
    if note is None or note.order_id != order.id:
        raise RestError(404, "woocommerce_rest_invalid_id", "Invalid resource ID.")
    return note


def get_note(call: Call) -> Answer:
    return Answer(body=forms.note_form(call.store, _find_note(call)))


def delete_note(call: Call) -> Answer:
    check_force(call)
    note = _find_note(call)
    del call.store.notes[note.id]
    return Answer(body=forms.note_form(call.store, note))


def check_force(call: Call) -> None:
    """Without `force=true`: 501, with WooCommerce's own odd text (it says webhooks, also for notes)."""
    if not truthy(call.given.get("force", False)):
        raise RestError(501, "woocommerce_rest_trash_not_supported", "Webhooks do not support trashing.")


def _newest_first(rows: list[Refund]) -> list[Refund]:
    return sorted(rows, key=lambda refund: (refund.created, refund.id), reverse=True)


def list_refunds(call: Call) -> Answer:
    query = params.check(call.given, params.PAGING)
    rows = _newest_first(call.store.refunds_of(call.ids["order"]))
    chosen, total, pages = listing.page(rows, query)
    headers = listing.headers(call.store, call.request, query, total=total, pages=pages, defaults={"dp": 2})
    return Answer(body=[forms.refund_form(call.store, refund) for refund in chosen], headers=headers)


def list_all_refunds(call: Call) -> Answer:
    query = params.check(call.given, params.PAGING)
    chosen, total, pages = listing.page(_newest_first(list(call.store.refunds.values())), query)
    headers = listing.headers(call.store, call.request, query, total=total, pages=pages, defaults={"dp": 2})
    return Answer(body=[forms.refund_form(call.store, refund, with_parent=True) for refund in chosen], headers=headers)


def post_refund(call: Call) -> Answer:
    """Waits for the gateway without the store's lock. A client that gives up does not stop it."""
    wanted = params.check(call.given, params.REFUND)
    refund = refunds.create_refund(call.store, call.ids["order"], wanted, by=call.user_id)
    location = call.store.url(f"{API}/orders/(?P<order_id>[\\d]+)/refunds/{refund.id}")  # sic: recorded
    with call.store.lock:
        return Answer(status=201, body=forms.refund_form(call.store, refund), headers={"Location": location})


def _find_refund(call: Call) -> Refund:
    refund = call.store.refunds.get(call.ids["refund"])
    if refund is None or refund.order_id != call.ids["order"]:
        raise RestError(404, "woocommerce_rest_shop_order_refund_invalid_id", "Invalid ID.")
    return refund


def get_refund(call: Call) -> Answer:
    return Answer(body=forms.refund_form(call.store, _find_refund(call)))


def delete_refund(call: Call) -> Answer:
    refund = _find_refund(call)
    refunds.delete_refund(call.store, refund)
    return Answer(body=forms.refund_form(call.store, refund))


ROUTES = (
    Route(path="/orders", kind="list", actions={"GET": list_orders, "POST": post_order}),
    Route(path="/orders/batch", kind="batch", actions=updates(batch)),
    Route(path="/orders/<order>", actions={"GET": get_order, **updates(put_order), "DELETE": delete_order}),
    Route(path="/orders/<order>/notes", kind="list", actions={"GET": list_notes, "POST": post_note}),
    Route(path="/orders/<order>/notes/<note>", actions={"GET": get_note, "DELETE": delete_note}),
    Route(
        path="/orders/<order>/refunds",
        kind="list",
        actions={"GET": list_refunds, "POST": post_refund},
        unlocked=frozenset({"POST"}),
    ),
    Route(path="/orders/<order>/refunds/<refund>", actions={"GET": get_refund, "DELETE": delete_refund}),
    Route(path="/refunds", kind="list", actions={"GET": list_all_refunds}),
)
