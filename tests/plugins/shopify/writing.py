"""A small shop that keeps what is written into it, answers as recorded, and can lose an answer; and a check of what is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import requests
from graphql import GraphQLSchema, OperationDefinitionNode, parse
from graphql.execution.values import get_variable_values

from connector import LineItem, LineQuantity, Money, Order, PlatformStatus, Shipment, ShippingLine
from connector.plugins.shopify.client import text_of

from .building import gid

ORDER = "5012345678901234567"
NOW = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)


def eur(text: str) -> Money:
    return Money.parse(text, "EUR")


def bag(amount: str, currency: str = "EUR") -> dict[str, Any]:
    return {"presentmentMoney": {"amount": amount, "currencyCode": currency}}


def line(line_id: str, quantity: int = 2, total: str = "20.00") -> LineItem:
    return LineItem(
        id=line_id,
        quantity=quantity,
        product_id="71",
        variant_id="72",
        unit_price=eur("10").major,
        total=eur(total),
        tax=eur("0"),
    )


def order(*lines: LineItem, **more: Any) -> Order:
    about: dict[str, Any] = {
        "platform_id": ORDER,
        "number": "#1001",
        "status": "PAID/UNFULFILLED",
        "means": PlatformStatus.OPEN,
        "currency": "EUR",
        "placed_at": NOW,
        "updated_at": NOW,
        "lines": lines or (line("11"), line("12", 1, "5.00")),
        "shipping_lines": (ShippingLine(id="21", method="Standard", total=eur("5.00"), tax=eur("0")),),
        "discount": eur("0"),
        "tax": eur("0"),
        "total": eur("30.00"),
        "payments": (),
    }
    return Order(**(about | more))


def shipment(*lines: tuple[str, int], **more: Any) -> Shipment:
    pieces = tuple(LineQuantity(line_id=line_id, quantity=count) for line_id, count in lines)
    about: dict[str, Any] = {"id": "s1", "lines": pieces, "carrier": "ups", "tracking_number": "1Z1"}
    return Shipment(**(about | more))


ACTIONS = {"OPEN": ("CREATE_FULFILLMENT", "HOLD"), "IN_PROGRESS": ("CREATE_FULFILLMENT",), "ON_HOLD": ("RELEASE_HOLD", "HOLD")}


def place(number: int, location: int, *parts: tuple[int, str, int], status: str = "OPEN", **more: Any) -> dict[str, Any]:
    """A fulfillment order: parts are (its entry's id, line id, pieces left)."""
    rows = [
        {
            "id": gid("FulfillmentOrderLineItem", part),
            "remainingQuantity": left,
            "lineItem": {"id": gid("LineItem", line_id), "variant": {"id": gid("ProductVariant", 72)}},
        }
        for part, line_id, left in parts
    ]
    return {
        "id": gid("FulfillmentOrder", number),
        "status": status,
        "requestStatus": "UNSUBMITTED",
        "fulfillAt": None,
        "supportedActions": [{"action": action} for action in ACTIONS.get(status, ())],
        "assignedLocation": {
            "name": f"Warehouse {location}",
            "location": {"id": gid("Location", location), "fulfillmentService": None},
        },
        "fulfillmentHolds": [],
        "lineItems": {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": rows},
    } | more


class Shop:
    """What is there, and what becomes of it.

    Of the next change: `lose` its answer, "before" or "after" it was made; `no`: answer with these user errors; `whole`: with
    this.
    """

    def __init__(self) -> None:
        self.places: list[dict[str, Any]] = [place(31, 41, (51, "11", 2), (52, "12", 1))]
        self.parcels: list[dict[str, Any]] = []
        self.payments: list[dict[str, Any]] = []
        self.refunds: list[dict[str, Any]] = []
        self.cancelled = self.restocked = False
        self.job_done = True
        self.sent = "UNFULFILLED"
        self.note, self.tags = "Please ring twice.\nThanks", ["vip"]
        self.stock: dict[str, int] = {"41": 10}
        self.tracked = True
        self.suggested: dict[str, Any] = {}
        self.refundable: dict[str, tuple[int, int]] = {"11": (2, 2), "12": (1, 1)}
        self.keys: dict[str, tuple[str, Any]] = {}
        self.lose = ""
        self.no: list[dict[str, Any]] = []
        self.whole: dict[str, Any] = {}
        self.leaving: Callable[[], None] = lambda: None
        self.changes: list[tuple[str, dict[str, Any]]] = []
        self.number = 900

    # --- asking ---

    def answers(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        asked = {
            "OrderFulfillmentOrders": lambda _: {"order": {"fulfillmentOrders": {"nodes": self.places, "pageInfo": {}}}},
            "OrderParcels": lambda _: {"order": {"fulfillments": self.parcels}},
            "OrderTransactions": lambda _: {"order": {"transactions": self.payments}},
            "OrderCancellation": lambda _: {"order": self._cancellation()},
            "CancelJob": lambda v: {"job": {"id": v["id"], "done": self.job_done}},
            "OrderTags": lambda _: {"order": {"tags": self.tags}},
            "OrderNote": lambda _: {"order": {"note": self.note}},
            "RefundLines": lambda v: {"nodes": [self._refundable(one) for one in v["ids"]]},
            "RefundSuggestion": lambda _: {"order": {"suggestedRefund": self.suggested}},
            "RefundNotes": lambda _: {"order": {"taxesIncluded": False, "refunds": self.refunds}},
            "RefundDone": lambda v: {"refund": next(one for one in self.refunds if one["id"] == v["id"])},
            "StockItem": lambda _: {"productVariant": {"inventoryItem": self._item()}},
            "StockLevel": lambda v: {"inventoryItem": self._item() | {"inventoryLevel": self._level(v["location"])}},
        }
        return asked | {name: self._change(name) for name in CHANGES}

    def _cancellation(self) -> dict[str, Any]:
        return {"cancelledAt": "2026-11-22T19:00:00Z" if self.cancelled else None, "displayFulfillmentStatus": self.sent}

    def _refundable(self, line_gid: str) -> dict[str, Any]:
        refundable, unfulfilled = self.refundable[line_gid.rpartition("/")[2]]
        return {"id": line_gid, "refundableQuantity": refundable, "unfulfilledQuantity": unfulfilled}

    def _item(self) -> dict[str, Any]:
        levels = [{"location": {"id": gid("Location", location)}} for location in self.stock]
        return {"id": gid("InventoryItem", 81), "tracked": self.tracked, "inventoryLevels": {"nodes": levels}}

    def _level(self, location: str) -> dict[str, Any] | None:
        count = self.stock.get(location.rpartition("/")[2])
        return None if count is None else {"quantities": [{"name": "available", "quantity": count}]}

    # --- changing ---

    def _change(self, name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
        def answer(variables: dict[str, Any]) -> dict[str, Any]:
            self.leaving()
            self.changes.append((name, variables))
            lose, self.lose = self.lose, ""
            if lose == "before":
                raise requests.ReadTimeout("lost before it was done")
            field = CHANGES[name]
            errors = "orderCancelUserErrors" if name == "OrderCancel" else "userErrors"
            if self.whole:
                whole, self.whole = self.whole, {}
                return whole
            if self.no:
                no, self.no = self.no, []
                return {field: {errors: no}}
            made = self._once(name, variables)
            if lose == "after":
                raise requests.ReadTimeout("lost after it was done")
            return {field: {errors: []} | made}

        return answer

    def _once(self, name: str, variables: dict[str, Any]) -> dict[str, Any]:
        key, print_ = variables.get("key"), json.dumps(variables, sort_keys=True)
        if key in self.keys:
            known, made = self.keys[key]
            if known != print_:
                text = "The same idempotency key cannot be used with different operation parameters."
                return {"userErrors": [{"message": text, "field": None}]}
            return made
        made = getattr(self, "_" + re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower())(variables)
        if key and not made.get("userErrors"):
            self.keys[key] = (print_, made)
        return made

    def _new(self, kind: str) -> str:
        self.number += 1
        return gid(kind, self.number)

    def _fulfillment_create(self, variables: dict[str, Any]) -> dict[str, Any]:
        given = variables["fulfillment"]
        parts = {row["id"]: row for one in self.places for row in one["lineItems"]["nodes"]}
        rows = []
        for one in given["lineItemsByFulfillmentOrder"]:
            for part in one["fulfillmentOrderLineItems"]:
                row = parts[part["id"]]
                if part["quantity"] > row["remainingQuantity"]:
                    text = "Invalid fulfillment order line item quantity requested."
                    return {"fulfillment": None, "userErrors": [{"field": ["fulfillment"], "message": text}]}
                row["remainingQuantity"] -= part["quantity"]
                rows.append({"quantity": part["quantity"], "lineItem": {"id": row["lineItem"]["id"]}})
        made = parcel(self._new("Fulfillment"), rows, given.get("trackingInfo"))
        self.parcels.append(made)
        return {"fulfillment": {"id": made["id"], "status": "SUCCESS"}}

    def _fulfillment_tracking_info_update(self, variables: dict[str, Any]) -> dict[str, Any]:
        made = next(one for one in self.parcels if one["id"] == variables["id"])
        made["trackingInfo"] = tracking(variables["tracking"])
        return {"fulfillment": {"id": made["id"]}}

    def _fulfillment_order_hold(self, variables: dict[str, Any]) -> dict[str, Any]:
        one = next(one for one in self.places if one["id"] == variables["id"])
        given = variables["hold"]
        held = {"id": self._new("FulfillmentHold"), "handle": given["handle"], "heldByRequestingApp": True}
        one["fulfillmentHolds"].append(held | {"displayReason": given["reason"], "reasonNotes": given["reasonNotes"]})
        one["status"], one["supportedActions"] = "ON_HOLD", [{"action": action} for action in ACTIONS["ON_HOLD"]]
        return {"fulfillmentHold": held}

    def _fulfillment_order_release_hold(self, variables: dict[str, Any]) -> dict[str, Any]:
        one = next(one for one in self.places if one["id"] == variables["id"])
        one["fulfillmentHolds"] = [hold for hold in one["fulfillmentHolds"] if hold["id"] not in variables["holds"]]
        if not one["fulfillmentHolds"]:
            one["status"], one["supportedActions"] = "OPEN", [{"action": action} for action in ACTIONS["OPEN"]]
        return {"fulfillmentOrder": {"id": one["id"], "status": one["status"]}}

    def _tags_add(self, variables: dict[str, Any]) -> dict[str, Any]:
        self.tags += variables["tags"]
        return {"node": {"id": variables["id"]}}

    def _tags_remove(self, variables: dict[str, Any]) -> dict[str, Any]:
        self.tags = [tag for tag in self.tags if tag not in variables["tags"]]
        return {"node": {"id": variables["id"]}}

    def _order_cancel(self, variables: dict[str, Any]) -> dict[str, Any]:
        self.cancelled, self.restocked = self.job_done, variables["restock"]
        return {"job": {"id": "gid://shopify/Job/810c0b1a-d0fe-4ce1-9be0-2c3c781a9787", "done": False}}

    def _order_capture(self, variables: dict[str, Any]) -> dict[str, Any]:
        given = variables["input"]
        made = payment(0, "CAPTURE", given["amount"], parent=given["parentTransactionId"]) | {
            "id": self._new("OrderTransaction")
        }
        self.payments.append(made)
        return {"transaction": {"id": made["id"], "status": made["status"], "errorCode": None}}

    def _transaction_void(self, variables: dict[str, Any]) -> dict[str, Any]:
        made = payment(0, "VOID", "0.0", parent=variables["id"]) | {"id": self._new("OrderTransaction")}
        self.payments.append(made)
        return {"transaction": {"id": made["id"], "status": "SUCCESS", "errorCode": None}}

    def _refund_create(self, variables: dict[str, Any]) -> dict[str, Any]:
        given = variables["input"]
        rows = [
            {"restockType": row["restockType"], "restocked": row["restockType"] != "NO_RESTOCK"}
            for row in given["refundLineItems"]
        ]
        made = {
            "id": self._new("Refund"),
            "note": given["note"],
            "transactions": {"nodes": [{"kind": "REFUND", "status": "SUCCESS"} for _ in given["transactions"]]},
            "refundLineItems": {"nodes": rows},
        }
        self.refunds.append(made)
        return {"refund": made}

    def _inventory_adjust_quantities(self, variables: dict[str, Any]) -> dict[str, Any]:
        (given,) = variables["input"]["changes"]
        location = given["locationId"].rpartition("/")[2]
        if self.stock[location] != given["changeFromQuantity"]:
            text = "The changeFromQuantity argument no longer matches the persisted quantity."
            return {"inventoryAdjustmentGroup": None, "userErrors": [stale(text)]}
        self.stock[location] += given["delta"]
        return {"inventoryAdjustmentGroup": {"id": self._new("InventoryAdjustmentGroup")}}

    def _order_note_update(self, variables: dict[str, Any]) -> dict[str, Any]:
        self.note = variables["input"]["note"]
        return {"order": {"id": variables["input"]["id"]}}


CHANGES = {
    "FulfillmentCreate": "fulfillmentCreate",
    "FulfillmentTrackingInfoUpdate": "fulfillmentTrackingInfoUpdate",
    "FulfillmentOrderHold": "fulfillmentOrderHold",
    "FulfillmentOrderReleaseHold": "fulfillmentOrderReleaseHold",
    "TagsAdd": "tagsAdd",
    "TagsRemove": "tagsRemove",
    "OrderCancel": "orderCancel",
    "OrderCapture": "orderCapture",
    "TransactionVoid": "transactionVoid",
    "RefundCreate": "refundCreate",
    "InventoryAdjustQuantities": "inventoryAdjustQuantities",
    "OrderNoteUpdate": "orderUpdate",
}


def stale(text: str) -> dict[str, Any]:
    return {"code": "CHANGE_FROM_QUANTITY_STALE", "field": ["input", "changes", "0", "changeFromQuantity"], "message": text}


def parcel(parcel_gid: str, rows: list[dict[str, Any]], given: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "id": parcel_gid,
        "status": "SUCCESS",
        "location": {"id": gid("Location", 41)},
        "trackingInfo": tracking(given or {}),
        "fulfillmentLineItems": {"nodes": rows, "pageInfo": {"hasNextPage": False, "endCursor": None}},
    }


def tracking(given: dict[str, Any]) -> list[dict[str, Any]]:
    numbers = given.get("numbers") or ([given["number"]] if given.get("number") else [])
    urls = given.get("urls") or ([given["url"]] if given.get("url") else [None] * len(numbers))
    return [{"number": number, "url": url, "company": given.get("company")} for number, url in zip(numbers, urls, strict=True)]


def payment(number: int, kind: str, amount: str, *, parent: str = "", **more: Any) -> dict[str, Any]:
    return {
        "id": gid("OrderTransaction", number),
        "kind": kind,
        "status": "SUCCESS",
        "gateway": "shopify_payments",
        "manualPaymentGateway": False,
        "multiCapturable": False,
        "authorizationExpiresAt": None,
        "amountSet": bag(amount),
        "parentTransaction": {"id": parent} if parent else None,
    } | more


def must_fit(schema: GraphQLSchema, asked: list[dict[str, Any]]) -> None:
    """Every call was one that Shopify's schema accepts, with its variables."""
    for body in asked:
        own = [one for one in parse(text_of(body["operationName"])).definitions if isinstance(one, OperationDefinitionNode)]
        values = get_variable_values(schema, own[0].variable_definitions, body["variables"])
        errors = values if isinstance(values, list) else getattr(values, "errors", None)
        assert not errors, (body["operationName"], errors)
        unknown = set(body["variables"]) - {one.variable.name.value for one in own[0].variable_definitions}
        assert not unknown, (body["operationName"], unknown)
