"""The sandbox's account of what happened (`GET /_sandbox/truth`): what crash tests compare a connector with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from connector.sandbox.records import Entry
from connector.sandbox.woocommerce import forms, fulfillments
from connector.sandbox.woocommerce.php import amount
from connector.sandbox.woocommerce.store import Store
from connector.sandbox.woocommerce.things import Note, Order, Refund

PER_ORDER = ("transitions", "stock", "mails", "gateway_refunds", "acts")
Groups = Mapping[int, Mapping[str, list[Entry]]]


def told(store: Store, *, since: int = 0, only: Collection[int] | None = None) -> dict[str, Any]:
    """`{seq, orders: {id: {…}}, products, webhooks, events: {kind: […]}}`.

    `only`: the orders to tell of (all, without it); a filled store has too many to tell them often.
    `seq`: the newest entry; give it as `since` to hear only what is new (`orders` and `products` are always whole).
    Per order: status, total, meta, notes, refunds, fulfillments as they are now (also of deleted orders), and its transitions,
    stock movements, store mails, gateway calls and acts so far. `events` holds every entry after `since` by kind.
    """
    with store.lock:
        everything = store.records.since(0)
        groups = _by_order(everything)
        notes, parcels = _notes(store), _fulfillments(store)
        orders = {
            str(order.id): {
                **_order(order),
                **groups[order.id],
                "notes": notes[order.id],
                "refunds": [_refund(store, refund) for refund in store.refunds_of(order.id)],
                "fulfillments": parcels[order.id],
            }
            for order in _chosen(store, only)
        }
        for number in store.deleted.keys() & {int(number) for number in orders}:
            orders[str(number)]["deleted"] = True
        products = {str(one.id): {"sku": one.sku, "stock": one.stock} for one in store.products.values()}
        hooks = [{**forms.webhook_form(store, one), "failures": one.failures} for one in store.webhooks.values()]
    events = {kind: [row for row in rows if row["seq"] > since] for kind, rows in everything.items()}
    return {"seq": store.records.last, "orders": orders, "products": products, "webhooks": hooks, "events": events}


def _chosen(store: Store, only: Collection[int] | None) -> list[Order]:
    everything = {**store.orders, **store.deleted}
    numbers = everything.keys() if only is None else everything.keys() & set(only)
    return [everything[number] for number in sorted(numbers)]


def _by_order(everything: Mapping[str, list[Entry]]) -> Groups:
    groups: defaultdict[int, dict[str, list[Entry]]] = defaultdict(lambda: {kind: [] for kind in PER_ORDER})
    for kind in PER_ORDER:
        for row in everything[kind]:
            groups[row.get("order_id") or 0][kind].append(row)
    return groups


def _notes(store: Store) -> Mapping[int, list[dict[str, Any]]]:
    rows: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for note in store.notes.values():
        rows[note.order_id].append(_note(note))
    return rows


def _note(note: Note) -> dict[str, Any]:
    return {"id": note.id, "author": note.author, "note": note.text, "to_customer": note.to_customer}


def _fulfillments(store: Store) -> Mapping[int, list[dict[str, Any]]]:
    rows: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in store.fulfillments.values():
        rows[row.order_id].append(fulfillments.form(store, row))
    return rows


def _refund(store: Store, refund: Refund) -> dict[str, Any]:
    form = forms.refund_form(store, refund)
    return {key: value for key, value in form.items() if key != "_links"}


def _order(order: Order) -> dict[str, Any]:
    return {
        "status": order.status,
        "deleted": False,
        "total": amount(order.total),
        "payment_method": order.payment_method,
        "transaction_id": order.transaction_id,
        "meta": {row.key: row.value for row in order.meta},
    }
