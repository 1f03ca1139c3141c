"""`POST /orders/<id>/refunds`, step by step as a real store goes: row, gateway, restock, e-mail, status.

There is no lock between two refunds of one order, and the row is visible while the gateway works: recorded, and the
reason why a connector must serialise refunds and look before it tries again.
"""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any, NoReturn

from connector.sandbox.woocommerce import refund_rows, status, stock
from connector.sandbox.woocommerce.php import ZERO, decimal_of, number_text
from connector.sandbox.woocommerce.rest import RestError
from connector.sandbox.woocommerce.store import Store
from connector.sandbox.woocommerce.things import Gateway, Order, Refund

CANNOT = "woocommerce_rest_cannot_create_order_refund"
GATEWAY_FAILED = "An error occurred while attempting to create the refund using the payment gateway API."


def create_refund(store: Store, order_id: int, wanted: dict[str, Any], *, by: int) -> Refund:
    """Refund an order. Call it WITHOUT the store's lock: it waits for the gateway.

    `wanted`: amount (text, may be missing), reason, line_items, meta_data, api_refund and api_restock (both true when
    left out). Raises RestError with the codes of a real store; most of them are HTTP 500 although nothing happened.
    """
    with store.lock:
        order = _order(store, order_id)
        lines = [line for line in wanted.get("line_items") or [] if isinstance(line, dict)]
        text = _amount_text(wanted, lines)
        rest = refund_rows.remaining(store, order)
        _check_amount(text, rest)
    time.sleep(store.settings.race_window_s)
    with store.lock:
        reason = str(wanted.get("reason") or "")
        refund = refund_rows.new_row(store, order, amount_text=text, reason=reason, by=by, lines=lines)
    if wanted.get("api_refund", True):
        _through_gateway(store, refund, order=order, text=text)
    with store.lock:
        if wanted.get("api_restock", True):
            _restock(store, order, lines)
        if refund_rows.finish(store, order, refund, rest=rest):
            status.change_status(store, order, "refunded")
        _close(store, refund, order=order, wanted=wanted)
    return refund


def delete_refund(store: Store, refund: Refund) -> None:
    """The row goes; status, stock and date_modified of the order stay, and no webhook fires."""
    del store.refunds[refund.id]


def _order(store: Store, order_id: int) -> Order:
    if order_id not in store.orders:
        raise RestError(500, "woocommerce_rest_invalid_order_id", "Invalid order ID.", data=404)
    return store.orders[order_id]


def _amount_text(wanted: dict[str, Any], lines: list[dict[str, Any]]) -> str:
    if wanted.get("amount") is not None:
        return str(wanted["amount"])
    return number_text(refund_rows.lines_total(lines)) if lines else ""


def _check_amount(text: str, rest: Decimal) -> None:
    if decimal_of(text) < ZERO:
        raise RestError(500, "woocommerce_rest_invalid_order_refund", "Refund amount must be greater than zero.", data=400)
    if decimal_of(text) > rest:
        raise RestError(500, CANNOT, "Invalid refund amount.", data=500)


def _through_gateway(store: Store, refund: Refund, *, order: Order, text: str) -> None:
    gateway = store.gateways.get(order.payment_method)
    if gateway is None:
        _take_back(store, refund, "The payment gateway for this order does not exist.")
    elif not gateway.refunds:
        _take_back(store, refund, "The payment gateway for this order does not support automatic refunds.")
    else:
        _call(store, refund, gateway=gateway, text=text)


def _call(store: Store, refund: Refund, *, gateway: Gateway, text: str) -> None:
    entry = store.records.add(
        "gateway_refunds",
        order_id=refund.order_id,
        refund_id=refund.id,
        amount=text,
        reason=refund.reason,
        outcome="working",
    )
    time.sleep(gateway.delay_s)
    if gateway.decline == "error" or "decline please" in refund.reason:
        entry["outcome"] = "declined"
        _take_back(store, refund, "Card network declined the refund.")
    if gateway.decline == "false" or "false please" in refund.reason:
        entry["outcome"] = "false"
        _take_back(store, refund, GATEWAY_FAILED)
    entry["outcome"] = "moved"
    with store.lock:
        refund.refunded_payment = True


def _take_back(store: Store, refund: Refund, why: str) -> NoReturn:
    with store.lock:
        store.refunds.pop(refund.id, None)
    raise RestError(500, CANNOT, why, data=500)


def _restock(store: Store, order: Order, wanted: list[dict[str, Any]]) -> None:
    quantities = {int(line.get("id") or 0): int(line.get("quantity") or 0) for line in wanted}
    for line in order.line_items:
        stock.restock(store, line, order=order, quantity=quantities.get(line.id, 0))


def _close(store: Store, refund: Refund, *, order: Order, wanted: dict[str, Any]) -> None:
    """The request's own meta appears only now: a key that must be readable early belongs into the reason."""
    for entry in wanted.get("meta_data") or []:
        refund.meta.append(store.new_meta(str(entry.get("key", "")), entry.get("value")))
    store.touch(order)
    store.fire("order.updated", order.id)
