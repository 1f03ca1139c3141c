"""The roots of mutations on orders, parcels, holds and money. Webhooks, bulk and stock are in `more_mutations`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from graphql import DirectiveNode, VariableNode

from connector.sandbox.shopify import cancelling, editing, holding, parcels, paying, sums
from connector.sandbox.shopify.fields import Table, store_of
from connector.sandbox.shopify.ids import gid, kind_of, number_in
from connector.sandbox.shopify.problems import TopError, UserErrors, refuse, unknown_id
from connector.sandbox.shopify.store import Store
from connector.sandbox.shopify.things import Fulfillment, FulfillmentOrder, FulfillmentOrderLine, Order, Risk

APP = "app"
Payload = dict[str, Any]
Mutate = Callable[..., Payload]
NEEDS_KEY = "The @idempotent directive is required for this mutation but was not provided."
NO_ORDER = "Order does not exist"
IN_PROGRESS = (
    "Cannot move a fulfillment order that has had progress reported. To move a fulfillment order that has had progress "
    "reported, the fulfillment order must first be marked as open resolving the ongoing progress state."
)
ONLY_ONE = "Only one of the arguments `refund` or `refund_method` is allowed."


def answering(
    work: Mutate, *, errors: str = "user_errors", also: Callable[[Any, dict[str, Any]], Payload] | None = None
) -> Mutate:
    """The payload, or its user errors; `also` gives what stands there beside errors."""

    def mutate(_root: Any, info: Any, **given: Any) -> Payload:
        try:
            return {errors: [], "user_errors": [], **work(info, **given)}
        except UserErrors as refused:
            rest = also(info, given) if also else {}
            return {**rest, errors: refused.rows, "user_errors": refused.rows}

    return mutate


def directive_key(info: Any) -> str | None:
    """The key of `@idempotent(key:)` on the field, also out of a variable."""
    node: DirectiveNode | None = next(
        (one for one in info.field_nodes[0].directives or () if one.name.value == "idempotent"), None
    )
    if node is None or not node.arguments:
        return None
    value = node.arguments[0].value
    variables = getattr(info.variable_values, "coerced", info.variable_values)  # graphql-core 3.3 wraps what 3.2 gives plainly
    found = variables.get(value.name.value) if isinstance(value, VariableNode) else getattr(value, "value", None)
    return str(found) if found is not None else None


def idempotent(work: Mutate) -> Mutate:
    """The same key gives the same answer; other words under it are refused (https://shopify.dev/docs/api/usage/implementing-idempotency).

    A refused attempt keeps no key: the docs say so of errors found before anything is done.
    """

    def mutate(root: Any, info: Any, **given: Any) -> Payload:
        key = directive_key(info)
        if key is None or not key.strip():
            raise TopError(NEEDS_KEY, "BAD_REQUEST")
        store = store_of(info)
        words = json.dumps(given, sort_keys=True, default=str)
        known = store.keys.get((info.field_name, key))
        if known is not None and time.monotonic() - known[1] < store.settings.idempotency_s:
            if known[0] != words:
                text = "The same idempotency key cannot be used with different operation parameters."
                return {"user_errors": [{"field": None, "message": text, "code": "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"}]}
            answer: Payload = known[2]
            return answer
        payload = work(root, info, **given)
        if not payload["user_errors"]:
            store.keys[(info.field_name, key)] = (words, time.monotonic(), payload)
        return payload

    return mutate


def order_of(store: Store, id_: str, *field: str, code: str | None = None) -> Order:
    found = store.order(number_in(id_, "Order"))
    if found is None:
        if kind_of(id_) != "Order":
            raise unknown_id(id_)
        raise refuse(NO_ORDER, *field, code=code)
    return found


def _place(store: Store, id_: str) -> FulfillmentOrder:
    found = store.fulfillment_orders.get(number_in(id_, "FulfillmentOrder") or 0)
    if found is None:
        raise unknown_id(id_)
    return found


# --- parcels ----------------------------------------------------------------------------------------------------------


def fulfillment_create(info: Any, *, fulfillment: dict[str, Any], message: str | None = None) -> Payload:
    store = store_of(info)
    asked = fulfillment["lineItemsByFulfillmentOrder"]
    if any(number_in(one["fulfillmentOrderId"], "FulfillmentOrder") in (None, 0) for one in asked):
        raise TopError("invalid id", "RESOURCE_NOT_FOUND")
    _positive(asked)
    groups = [_group(store, one) for one in asked]
    notify = bool(fulfillment.get("notifyCustomer"))
    made = parcels.fulfil(store, groups, tracking=fulfillment.get("trackingInfo"), notify=notify, by=APP)
    return {"fulfillment": made}


def _positive(asked: list[dict[str, Any]]) -> None:
    """Checked before anything else (recorded)."""
    for place, one in enumerate(asked):
        for row, line in enumerate(one.get("fulfillmentOrderLineItems") or ()):
            if line["quantity"] < 1:
                path = ("lineItemsByFulfillmentOrder", str(place), "fulfillmentOrderLineItems", str(row), "quantity")
                raise refuse("Quantity must be greater than 0", "fulfillment", *path)


def _group(store: Store, one: dict[str, Any]) -> parcels.Group:
    place = store.fulfillment_orders.get(number_in(one["fulfillmentOrderId"], "FulfillmentOrder") or 0)
    if place is None:
        raise refuse("Fulfillment order does not exist.", "fulfillment")
    rows = one.get("fulfillmentOrderLineItems")
    if not rows:
        return place, [(row, row.remaining) for row in place.lines if row.remaining]
    return place, [(_row(place, line["id"]), line["quantity"]) for line in rows]


def _row(place: FulfillmentOrder, id_: str) -> FulfillmentOrderLine:
    found = next((row for row in place.lines if gid("FulfillmentOrderLineItem", row.id) == id_), None)
    if found is None:
        raise refuse("Fulfillment order line item does not exist.", "fulfillment")
    return found


def tracking_update(
    info: Any,
    *,
    fulfillmentId: str,  # noqa: N803 - the API's words
    trackingInfoInput: dict[str, Any],  # noqa: N803
    notifyCustomer: bool | None = None,  # noqa: N803 - the API's words
) -> Payload:
    store = store_of(info)
    one = _parcel(store, fulfillmentId, "Fulfillment does not exist.", "fulfillmentId")
    parcels.correct(store, one, tracking=trackingInfoInput, notify=bool(notifyCustomer), by=APP)
    return {"fulfillment": one}


def _parcel(store: Store, id_: str, text: str, *field: str) -> Fulfillment:
    found = store.fulfillments.get(number_in(id_, "Fulfillment") or 0)
    if found is None:
        raise refuse(text, *field)
    return found


def fulfillment_cancel(info: Any, *, id: str) -> Payload:
    store = store_of(info)
    one = _parcel(store, id, "Fulfillment not found.", "id")
    parcels.cancel(store, one, by=APP)
    return {"fulfillment": one}


def event_create(info: Any, *, fulfillmentEvent: dict[str, Any]) -> Payload:  # noqa: N803 - the API's word
    store = store_of(info)
    one = _parcel(store, fulfillmentEvent["fulfillmentId"], "Fulfillment does not exist.", "fulfillmentEvent", "fulfillmentId")
    return {"fulfillment_event": parcels.report(store, one, fulfillmentEvent)}


# --- holds ------------------------------------------------------------------------------------------------------------


def hold(info: Any, *, id: str, fulfillmentHold: dict[str, Any]) -> Payload:  # noqa: N803 - the API's words
    store = store_of(info)
    place = _place(store, id)
    rows = fulfillmentHold.get("fulfillmentOrderLineItems") or []
    pieces = [(number_in(row["id"], "FulfillmentOrderLineItem") or 0, row["quantity"]) for row in rows]
    made, rest = holding.hold(store, place, fulfillmentHold, pieces, app_id=store.app.id)
    return {"fulfillment_hold": made, "fulfillment_order": place, "remaining_fulfillment_order": rest}


def release_hold(info: Any, *, id: str, holdIds: list[str] | None = None, externalId: str | None = None) -> Payload:  # noqa: N803
    store = store_of(info)
    place = _place(store, id)
    wanted = [number_in(one, "FulfillmentHold") or 0 for one in holdIds or ()]
    if externalId is not None and not wanted:
        wanted = [one.id for one in place.holds if one.external_id == externalId]
    holding.release(store, place, wanted, app_id=store.app.id)
    return {"fulfillment_order": place}


def place_open(info: Any, *, id: str) -> Payload:
    place = _place(store_of(info), id)
    if place.status != "IN_PROGRESS":
        raise refuse(f"Expected fulfillment order status to be valid but it was {place.status.lower()}.")
    place.status = "OPEN"
    return {"fulfillment_order": place}


def report_progress(info: Any, *, id: str, progressReport: Any = None) -> Payload:  # noqa: N803 - the API's words
    place = _place(store_of(info), id)
    if place.status not in parcels.SENDABLE:
        raise refuse("Cannot report progress on a fulfillment order in this state.")
    place.status = "IN_PROGRESS"
    return {"fulfillment_order": place}


def move(info: Any, *, id: str, newLocationId: str, fulfillmentOrderLineItems: Any = None) -> Payload:  # noqa: N803
    """All of it keeps its id; pieces of it become a fulfillment order of their own (recorded)."""
    store = store_of(info)
    place = _place(store, id)
    where = number_in(newLocationId, "Location") or 0
    if where not in store.locations:
        raise refuse("Location not found.", "id")
    if place.status == "IN_PROGRESS":
        raise refuse(IN_PROGRESS, "id", code="CANNOT_MOVE_FULFILLMENT_ORDER_WITH_REPORTED_PROGRESS")
    if place.status not in sums.OPEN:
        raise refuse("Cannot change location.")
    rows = fulfillmentOrderLineItems or ()
    pieces = [(number_in(one["id"], "FulfillmentOrderLineItem") or 0, one["quantity"]) for one in rows]
    moved = holding.moved(store, place, pieces, where)
    rest = None if moved is place else place
    return {"moved_fulfillment_order": moved, "original_fulfillment_order": place, "remaining_fulfillment_order": rest}


# --- orders -----------------------------------------------------------------------------------------------------------


def order_cancel(info: Any, **given: Any) -> Payload:
    store = store_of(info)
    method = given.get("refundMethod")
    if given.get("refund") is not None and method is not None:
        raise refuse(ONLY_ONE, "refund", code="INVALID")
    order = order_of(store, given["orderId"], "orderId", code="NOT_FOUND")
    job = cancelling.cancel(
        store,
        order,
        reason=given["reason"],
        restock=given["restock"],
        refund=bool(given.get("refund") or (method or {}).get("originalPaymentMethodsRefund")),
        notify=bool(given.get("notifyCustomer")),
        note=given.get("staffNote"),
        by=APP,
    )
    return {"job": job}


def order_update(info: Any, *, input: dict[str, Any]) -> Payload:
    store = store_of(info)
    order = order_of(store, input["id"], "id")
    editing.update(store, order, input, by=APP)
    return {"order": order}


def _order_beside(info: Any, given: dict[str, Any]) -> Payload:
    """The order stands beside the errors of its mutation (recorded)."""
    inner = given.get("input") or {}
    id_ = inner.get("id") or inner.get("orderId") or given.get("id") or given.get("orderId")
    return {"order": store_of(info).order(number_in(id_, "Order"))}


def tags(*, add: bool) -> Mutate:
    def mutate(info: Any, *, id: str, tags: list[str]) -> Payload:
        store = store_of(info)
        order = store.order(number_in(id, "Order"))
        if order is None:
            raise unknown_id(id)
        editing.tag(store, order, tags, add=add, by=APP)
        return {"node": order}

    return mutate


def archive(*, closed: bool) -> Mutate:
    def mutate(info: Any, *, input: dict[str, Any]) -> Payload:
        store = store_of(info)
        order = order_of(store, input["id"], "id")
        editing.archive(store, order, closed=closed, by=APP)
        return {"order": order}

    return mutate


def risk_create(info: Any, *, orderRiskAssessmentInput: dict[str, Any]) -> Payload:  # noqa: N803 - the API's word
    store = store_of(info)
    given = orderRiskAssessmentInput
    order = store.order(number_in(given["orderId"], "Order"))
    if order is None:
        text = "The record with the ID used as the input value couldn't be found."
        raise refuse(text, "orderRiskAssessmentInput", "orderId", code="NOT_FOUND")
    facts = [(one["sentiment"], one["description"]) for one in given["facts"]]
    made = Risk(level=given["riskLevel"], provider=store.app.title, facts=facts)
    order.risks.append(made)
    return {"order_risk_assessment": made}


def erase_customer(info: Any, *, customerId: str) -> Payload:  # noqa: N803 - the API's word
    """The request is taken down; the shop erases later, which is not simulated."""
    store = store_of(info)
    number = number_in(customerId, "Customer")
    if number not in store.customers:
        raise refuse("Customer does not exist", "customerId", code="DOES_NOT_EXIST")
    store.records.add("acts", order_id=None, action="erasure_requested", customer_id=number)
    return {"customer_id": customerId}


# --- money ------------------------------------------------------------------------------------------------------------


def capture(info: Any, *, input: dict[str, Any]) -> Payload:
    store = store_of(info)
    order = order_of(store, input["id"], "id")
    made = paying.capture(
        store,
        order,
        number_in(input["parentTransactionId"], "OrderTransaction"),
        amount=Decimal(str(input["amount"])),
        currency=input.get("currency"),
        final=input.get("finalCapture"),
        by=APP,
    )
    return {"transaction": made}


def void(info: Any, *, parentTransactionId: str) -> Payload:  # noqa: N803 - the API's word
    store = store_of(info)
    return {
        "transaction": paying.void(
            store, store.transactions.get(number_in(parentTransactionId, "OrderTransaction") or 0), by=APP
        )
    }


def mark_paid(info: Any, *, input: dict[str, Any]) -> Payload:
    store = store_of(info)
    order = order_of(store, input["id"], "id")
    paying.mark_paid(store, order, by=APP)
    return {"order": order}


def refund_create(info: Any, *, input: dict[str, Any]) -> Payload:
    store = store_of(info)
    order = order_of(store, input["orderId"], "orderId")
    shipping, tax = _shipping_back(order, input.get("shipping") or {})
    made = paying.refund(
        store,
        order,
        backs=_backs(order, input.get("refundLineItems") or ()),
        shipping=shipping,
        shipping_tax=tax,
        moneys=[_money(store, order, one) for one in input.get("transactions") or ()],
        note=input.get("note"),
        notify=bool(input.get("notify")),
        by=APP,
    )
    return {"refund": made, "order": order}


def _shipping_back(order: Order, given: dict[str, Any]) -> tuple[Any, Any]:
    most, tax = paying.shipping_left(order)
    if given.get("fullRefund"):
        return most, tax
    if given.get("amount") is None:
        return order.zero, order.zero
    wanted = Decimal(str(given["amount"]))
    if wanted > most.presentment:
        raise refuse("Shipping amount is greater than what can be refunded", "shipping")
    part = most.of_presentment(wanted)
    return part, tax.share(wanted, most.presentment)


def _backs(order: Order, asked: Any) -> list[paying.Back]:
    lines = {gid("LineItem", line.id): line for line in order.lines}
    if any(one["lineItemId"] not in lines for one in asked):
        raise refuse("Line item does not exist", "refundLineItems")
    return [
        paying.Back(
            line=lines[one["lineItemId"]],
            quantity=one["quantity"],
            restock_type=one.get("restockType") or "NO_RESTOCK",
            location_id=number_in(one.get("locationId"), "Location"),
        )
        for one in asked
    ]


def _money(store: Store, order: Order, one: dict[str, Any]) -> paying.GiveBack:
    if one["kind"] != "REFUND":
        raise refuse(f"Kind {one['kind'].lower()} is not a valid transaction")
    parent = store.transactions.get(number_in(one.get("parentId"), "OrderTransaction") or 0)
    if parent is None or parent.order_id != order.id:
        raise refuse("Transactions require a parent_id associated with the order", "transactions")
    return paying.GiveBack(parent=parent, amount=Decimal(str(one["amount"])))


TABLE: Table = {
    "fulfillmentCreate": answering(fulfillment_create),
    "fulfillmentCreateV2": answering(fulfillment_create),
    "fulfillmentTrackingInfoUpdate": answering(tracking_update),
    "fulfillmentTrackingInfoUpdateV2": answering(tracking_update),
    "fulfillmentCancel": answering(fulfillment_cancel),
    "fulfillmentEventCreate": answering(event_create),
    "fulfillmentOrderHold": answering(hold),
    "fulfillmentOrderReleaseHold": answering(release_hold),
    "fulfillmentOrderOpen": answering(place_open),
    "fulfillmentOrderReportProgress": answering(report_progress),
    "fulfillmentOrderMove": answering(move),
    "orderCancel": answering(order_cancel, errors="order_cancel_user_errors"),
    "orderUpdate": answering(order_update, also=_order_beside),
    "orderClose": answering(archive(closed=True), also=_order_beside),
    "orderOpen": answering(archive(closed=False), also=_order_beside),
    "orderMarkAsPaid": answering(mark_paid, also=_order_beside),
    "orderCapture": answering(capture),
    "transactionVoid": answering(void),
    "refundCreate": idempotent(answering(refund_create, also=_order_beside)),
    "orderRiskAssessmentCreate": answering(risk_create),
    "customerRequestDataErasure": answering(erase_customer),
    "tagsAdd": answering(tags(add=True)),
    "tagsRemove": answering(tags(add=False)),
}
