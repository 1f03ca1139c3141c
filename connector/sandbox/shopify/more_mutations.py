"""The roots of mutations on stock, webhook subscriptions and bulk operations."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from connector.sandbox.shopify import bulk
from connector.sandbox.shopify.fields import Table, store_of
from connector.sandbox.shopify.ids import gid, number_in
from connector.sandbox.shopify.mutations import Payload, answering, idempotent
from connector.sandbox.shopify.problems import TopError, UserErrors, refuse, row
from connector.sandbox.shopify.store import Settings, Store
from connector.sandbox.shopify.things import Subscription, Variant

ADJUSTABLE = ("available", "damaged", "incoming", "quality_control", "reserved", "safety_stock")
WRONG_NAME = f"The specified quantity name is invalid. Valid values are: {', '.join(ADJUSTABLE)}."
MANY_DOCUMENTS = (
    "All changes must have the same ledger document URI or, in the case of adjusting available, no ledger document URI."
)
STALE = "The changeFromQuantity argument no longer matches the persisted quantity."
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
FILTER = re.compile(r"-?[\w.]+:\S")
PUBSUB = re.compile(r"pubsub://[\w.-]+:[\w.~%+-]+")
PUBSUB_FORM = "Format should be pubsub://project:topic"
TERM = re.compile(r"""[^\s()'"]*(?:'[^']*'|"[^"]*")|[^\s()]+""")
WORDS_BETWEEN = frozenset({"AND", "OR", "NOT"})


# --- stock ------------------------------------------------------------------------------------------------------------


def adjust(info: Any, *, input: dict[str, Any]) -> Payload:
    store = store_of(info)
    changes = input["changes"]
    if any("changeFromQuantity" not in one for one in changes):
        text = "InventoryChangeInput must include the following argument: changeFromQuantity."
        raise TopError(text, "INVALID_FIELD_ARGUMENTS")
    wrong = [] if input["name"] in ADJUSTABLE else [row(WRONG_NAME, "input", "name", code="INVALID_QUANTITY_NAME")]
    wrong += _wrong_documents(input["name"], changes)
    if wrong:
        raise UserErrors(wrong)
    rows = [(*_level(store, "changes", place, one), one) for place, one in enumerate(changes)]
    for place, (variant, location, one) in enumerate(rows):
        expected = one["changeFromQuantity"]
        if expected is not None and _there(variant, location, input["name"]) != expected:
            where = ("input", "changes", str(place), "changeFromQuantity")
            raise refuse(STALE, *where, code="CHANGE_FROM_QUANTITY_STALE")
    moved = [(variant, location, one["delta"]) for variant, location, one in rows if one["delta"]]
    for variant, location, delta in moved:
        if input["name"] == "available":
            store.move_stock(variant, delta, location_id=location, why=input["reason"])
        else:
            variant.apart[location, input["name"]] = _there(variant, location, input["name"]) + delta
    return {"inventory_adjustment_group": _group(store, input, moved)}


def _there(variant: Variant, location: int, name: str) -> int:
    return variant.stock[location] if name == "available" else variant.apart.get((location, name), 0)


def _wrong_documents(name: str, changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Pieces that are not for sale need a document that says why they are there (recorded)."""
    documents = [one.get("ledgerDocumentUri") for one in changes]
    rows = []
    for place, document in enumerate(documents):
        text, code = _wrong_document(name, document)
        if text:
            rows.append(row(text, "input", "changes", str(place), "ledgerDocumentUri", code=code))
    if not rows and len(set(documents)) > 1:
        rows.append(row(MANY_DOCUMENTS, "input", "changes", code="MAX_ONE_LEDGER_DOCUMENT"))
    return rows


def _wrong_document(name: str, document: str | None) -> tuple[str, str]:
    if document is None and name != "available":
        return "A ledger document URI is required except when adjusting available.", "INVALID_QUANTITY_DOCUMENT"
    if document is not None and name == "available":
        return "A ledger document URI is not allowed when adjusting available.", "INVALID_AVAILABLE_DOCUMENT"
    if document is not None and document.startswith("gid://shopify/"):
        text = "Internal (gid://shopify/) ledger documents are not allowed to be adjusted via API."
        return text, "INTERNAL_LEDGER_DOCUMENT"
    return "", ""


def _level(store: Store, list_: str, place: int, one: dict[str, Any]) -> tuple[Variant, int]:
    variant = store.variant_of_item(number_in(one["inventoryItemId"], "InventoryItem"))
    if variant is None:
        text = "The specified inventory item could not be found."
        raise refuse(text, "input", list_, str(place), "inventoryItemId", code="INVALID_INVENTORY_ITEM")
    location = number_in(one["locationId"], "Location")
    if location not in store.locations:
        text = "The specified location could not be found."
        raise refuse(text, "input", list_, str(place), "locationId", code="INVALID_LOCATION")
    if location not in variant.stock:
        text = "The specified inventory item is not stocked at the location."
        raise refuse(text, "input", list_, str(place), "locationId", code="ITEM_NOT_STOCKED_AT_LOCATION")
    return variant, location


def _group(store: Store, given: dict[str, Any], moved: list[tuple[Variant, int, int]]) -> dict[str, Any] | None:
    """Nothing moved, no group (recorded). Afterwards on_hand moves along, listed behind the others (recorded)."""
    if not moved:
        return None
    document = next((one.get("ledgerDocumentUri") for one in given.get("changes") or ()), None)
    names = [given["name"], *(["on_hand"] if given["name"] != "incoming" else [])]
    changes = [
        {
            "name": name,
            "delta": delta,
            "quantity_after_change": None,
            "ledger_document_uri": None if name == "on_hand" else document,
            "item": variant,
            "location": store.locations[location],
        }
        for name in names
        for variant, location, delta in moved
    ]
    return {
        "id": gid("InventoryAdjustmentGroup", store.next_id("InventoryAdjustmentGroup")),
        "created_at": store.now(),
        "reason": given["reason"],
        "reference_document_uri": given.get("referenceDocumentUri"),
        "app": store.app,
        "changes": changes,
    }


def set_quantities(info: Any, *, input: dict[str, Any]) -> Payload:
    """Sets the available pieces of each; on_hand counts as available here, nothing being committed by it."""
    store = store_of(info)
    if any("changeFromQuantity" not in one for one in input["quantities"]):
        text = "InventoryQuantityInput must include the following argument: changeFromQuantity."
        raise TopError(text, "INVALID_FIELD_ARGUMENTS")
    moved = []
    for place, one in enumerate(input["quantities"]):
        variant, location = _level(store, "quantities", place, one)
        if one["changeFromQuantity"] is not None and variant.stock[location] != one["changeFromQuantity"]:
            raise refuse(STALE, "input", "quantities", str(place), "changeFromQuantity", code="CHANGE_FROM_QUANTITY_STALE")
        moved.append((variant, location, one["quantity"] - variant.stock[location]))
    for variant, location, delta in moved:
        store.move_stock(variant, delta, location_id=location, why=input["reason"])
    return {"inventory_adjustment_group": _group(store, input, [one for one in moved if one[2]])}


# --- webhook subscriptions --------------------------------------------------------------------------------------------


def hook_create(info: Any, *, topic: str, webhookSubscription: dict[str, Any]) -> Payload:  # noqa: N803 - the API's word
    store, given = store_of(info), webhookSubscription
    uri = _uri(store.settings, given)
    _check_filter(given)
    if any(one.topic == topic and one.uri == uri and one.filter == given.get("filter") for one in store.subscriptions.values()):
        raise refuse("Address for this topic has already been taken", "webhookSubscription", "callbackUrl")
    now = store.now()
    number = store.next_id("WebhookSubscription")
    made = Subscription(id=number, topic=topic, uri=uri, created=now, updated=now)
    _fill(made, given)
    store.subscriptions[number] = made
    return {"webhook_subscription": made}


def _fill(made: Subscription, given: dict[str, Any]) -> None:
    words = {
        "filter": "filter",
        "includeFields": "include_fields",
        "metafieldNamespaces": "metafield_namespaces",
        "name": "name",
        "format": "format",
    }
    for word, attribute in words.items():
        if word in given:
            setattr(made, attribute, given[word])


def _uri(settings: Settings, given: dict[str, Any]) -> str:
    uri = str(given.get("uri") or given.get("callbackUrl") or "")
    field = ("webhookSubscription", "callbackUrl")
    if not uri.strip():
        raise refuse("Address can't be blank", *field)
    if uri.startswith("pubsub://") and not PUBSUB.fullmatch(uri):
        texts = ("Address protocol pubsub:// is not supported", f"Address is not a valid GCP pub/sub format. {PUBSUB_FORM}")
        raise UserErrors([row(text, *field) for text in texts])
    if uri.startswith(("arn:", "pubsub://")):
        return uri
    split = urlsplit(uri)
    host = split.hostname or ""
    if settings.loopback_hooks and host in LOOPBACK and split.scheme in {"http", "https"}:
        return uri
    if split.scheme == "http":
        raise refuse("Address protocol http:// is not supported", *field)
    if split.scheme != "https" or not host:
        raise refuse("Address is invalid", *field)
    if host.endswith(("shopify.com", "myshopify.com", ".internal", ".local")) or host in LOOPBACK:
        raise refuse("Address cannot be a Shopify or an internal domain", *field)
    return uri


def _check_filter(given: dict[str, Any]) -> None:
    text = given.get("filter")
    if text and not all(FILTER.match(one) for one in TERM.findall(text) if one not in WORDS_BETWEEN):
        message = "The specified filter is invalid, please ensure you specify the field(s) you wish to filter on."
        raise refuse(message, "webhookSubscription")


def _hook(store: Store, id_: str) -> Subscription:
    found = store.subscriptions.get(number_in(id_, "WebhookSubscription") or 0)
    if found is None:
        raise refuse("Webhook subscription does not exist", "id")
    return found


def hook_update(info: Any, *, id: str, webhookSubscription: dict[str, Any]) -> Payload:  # noqa: N803 - the API's words
    store = store_of(info)
    found = _hook(store, id)
    if "uri" in webhookSubscription or "callbackUrl" in webhookSubscription:
        uri = _uri(store.settings, webhookSubscription)
        _check_filter(webhookSubscription)
        found.uri = uri
    _check_filter(webhookSubscription)
    _fill(found, webhookSubscription)
    found.updated = store.now()
    return {"webhook_subscription": found}


def hook_delete(info: Any, *, id: str) -> Payload:
    store = store_of(info)
    found = _hook(store, id)
    del store.subscriptions[found.id]
    return {"deleted_webhook_subscription_id": id}


# --- bulk -------------------------------------------------------------------------------------------------------------


def bulk_run(info: Any, *, query: str, groupObjects: bool = False) -> Payload:  # noqa: N803 - the API's word
    return {"bulk_operation": bulk.run(info.context, info.schema, query)}


def bulk_cancel(info: Any, *, id: str) -> Payload:
    store = store_of(info)
    found = store.bulks.get(number_in(id, "BulkOperation") or 0)
    if found is None:
        raise refuse("Bulk operation does not exist", "id")
    if found.status not in {"CREATED", "RUNNING", "CANCELING"}:
        rows = [row("A bulk operation cannot be canceled when it is completed", "id")]
        return {"bulk_operation": found, "user_errors": rows}
    found.status = "CANCELING"
    store.later(store.settings.bulk_s / 2, lambda: bulk.end_cancelled(store, found))
    return {"bulk_operation": found}


TABLE: Table = {
    "inventoryAdjustQuantities": idempotent(answering(adjust)),
    "inventorySetQuantities": idempotent(answering(set_quantities)),
    "webhookSubscriptionCreate": answering(hook_create),
    "webhookSubscriptionUpdate": answering(hook_update),
    "webhookSubscriptionDelete": answering(hook_delete),
    "bulkOperationRunQuery": answering(bulk_run),
    "bulkOperationCancel": answering(bulk_cancel),
}
