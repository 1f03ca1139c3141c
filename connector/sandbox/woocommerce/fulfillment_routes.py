"""Routes of the fulfillments feature; without the switch `fulfillments` they do not exist (404 `rest_no_route`).

`…/metadata` is read-only here, although a real store also writes through it.
"""

from __future__ import annotations

from typing import Any

from connector.sandbox.woocommerce import carriers, fulfillments, params
from connector.sandbox.woocommerce.php import truthy
from connector.sandbox.woocommerce.rest import Answer, RestError
from connector.sandbox.woocommerce.routing import Call, Route, updates
from connector.sandbox.woocommerce.things import Fulfillment, Order

BODY = {
    "status": params.TEXT,
    "is_fulfilled": params.FLAG,
    "meta_data": params.Param(kind="list", items=params.Param(kind="object"), required=True),
    "notify_customer": params.FLAG,
}
ORDER_ID = {"order_id": {"description": "Unique identifier for the order.", "type": "integer", "required": True}}
CREATE_ARGUMENTS: dict[str, Any] = {
    "status": {
        "description": "The status of the fulfillment.",
        "type": "string",
        "default": "unfulfilled",
        "required": False,
    },
    "is_fulfilled": {
        "description": "Whether the fulfillment is fulfilled.",
        "type": "boolean",
        "default": False,
        "required": False,
    },
    "meta_data": {"description": "Meta data for the fulfillment.", "type": "array", "required": True},
    "notify_customer": {
        "description": "Whether to notify the customer about the fulfillment update.",
        "type": "boolean",
        "default": False,
        "required": False,
    },
}


def _order(call: Call) -> Order:
    order = call.store.orders.get(call.ids["order"])
    if order is None:
        raise RestError(404, "woocommerce_rest_order_invalid_id", "Invalid order ID.", data={"status": "404"})
    return order


def _find(call: Call, order: Order) -> Fulfillment:
    """What is missing is HTTP 400 with the number 404 as its code."""
    row = call.store.fulfillments.get(call.ids["fulfillment"])
    if row is None or row.order_id != order.id:
        raise RestError(400, 404, "Fulfillment not found.")
    return row


def list_fulfillments(call: Call) -> Answer:
    rows = fulfillments.of_order(call.store, _order(call))
    return Answer(body=[fulfillments.form(call.store, row) for row in rows])


def post_fulfillment(call: Call) -> Answer:
    body = params.check(call.given, BODY)
    row = fulfillments.create(call.store, _order(call), body)
    return Answer(status=201, body=fulfillments.form(call.store, row))


def get_fulfillment(call: Call) -> Answer:
    return Answer(body=fulfillments.form(call.store, _find(call, _order(call))))


def put_fulfillment(call: Call) -> Answer:
    body = params.check(call.given, BODY)
    order = _order(call)
    row = _find(call, order)
    fulfillments.update(call.store, order, row, body)
    return Answer(body=fulfillments.form(call.store, row))


def delete_fulfillment(call: Call) -> Answer:
    order = _order(call)
    fulfillments.delete(call.store, order, _find(call, order), notify=truthy(call.given.get("notify_customer", False)))
    return Answer(body={"message": "Fulfillment deleted successfully."})


def get_metadata(call: Call) -> Answer:
    return Answer(body=fulfillments.meta_form(_find(call, _order(call))))


def lookup(call: Call) -> Answer:
    wanted = params.check(call.given, {"tracking_number": params.Param(kind="string", required=True)})
    _order(call)
    return Answer(body=carriers.lookup(wanted["tracking_number"]))


SWITCH = frozenset({fulfillments.FEATURE})
TOP = "/orders/<order>/fulfillments"
ROUTES = (
    Route(
        path=TOP,
        kind="fulfillment",
        feature=SWITCH,
        actions={"GET": list_fulfillments, "POST": post_fulfillment},
        arguments={"GET": ORDER_ID, "POST": CREATE_ARGUMENTS},
    ),
    Route(
        path=f"{TOP}/<fulfillment>",
        kind="fulfillment",
        feature=SWITCH,
        actions={"GET": get_fulfillment, **updates(put_fulfillment), "DELETE": delete_fulfillment},
    ),
    Route(
        path=f"{TOP}/<fulfillment>/metadata",
        kind="fulfillment",
        feature=SWITCH,
        actions={"GET": get_metadata},
        allowed=("GET", "POST", "PUT", "PATCH", "DELETE"),
    ),
    Route(path=f"{TOP}/lookup", kind="fulfillment", feature=SWITCH, actions={"GET": lookup}),
)
