"""How a field gets its value: a resolver from a table, else the attribute of the same name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from connector.sandbox.shopify.access import Token, implied
from connector.sandbox.shopify.ids import gid
from connector.sandbox.shopify.problems import denied
from connector.sandbox.shopify.store import Store

Read = Callable[..., Any]
Table = dict[str, Read]
FULFILLMENT_ORDERS = (
    "read_assigned_fulfillment_orders",
    "read_merchant_managed_fulfillment_orders",
    "read_third_party_fulfillment_orders",
    "read_marketplace_fulfillment_orders",
)
WRITE_FULFILLMENT_ORDERS = tuple(scope.replace("read_", "write_") for scope in FULFILLMENT_ORDERS)
# (type, field) -> the scopes of which one is needed.
NEEDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    **dict.fromkeys([("QueryRoot", name) for name in ("order", "orders", "ordersCount", "refund")], ("read_orders",)),
    **dict.fromkeys([("QueryRoot", name) for name in ("customer", "customers", "customerByIdentifier")], ("read_customers",)),
    ("Order", "customer"): ("read_customers",),
    **dict.fromkeys([("QueryRoot", name) for name in ("inventoryItem", "inventoryLevel")], ("read_inventory",)),
    **dict.fromkeys([("QueryRoot", name) for name in ("location", "locations")], ("read_locations", "read_inventory")),
    **dict.fromkeys(
        [("QueryRoot", name) for name in ("product", "products", "productVariant", "productVariants")], ("read_products",)
    ),
    **dict.fromkeys(
        [("QueryRoot", name) for name in ("fulfillmentOrder", "fulfillmentOrders", "manualHoldsFulfillmentOrders")],
        FULFILLMENT_ORDERS,
    ),
    ("Order", "fulfillmentOrders"): FULFILLMENT_ORDERS,
    ("Order", "paymentTerms"): ("read_payment_terms",),
    ("FulfillmentHold", "heldByApp"): ("read_apps",),
    **dict.fromkeys(
        [
            ("Mutation", f"fulfillment{name}")
            for name in ("Create", "CreateV2", "Cancel", "TrackingInfoUpdate", "TrackingInfoUpdateV2", "EventCreate")
        ],
        ("write_fulfillments", *WRITE_FULFILLMENT_ORDERS),
    ),
    **dict.fromkeys(
        [("Mutation", f"fulfillmentOrder{name}") for name in ("Hold", "ReleaseHold", "Move", "Open", "ReportProgress")],
        WRITE_FULFILLMENT_ORDERS,
    ),
    **dict.fromkeys(
        [
            ("Mutation", name)
            for name in (
                *(f"order{what}" for what in ("Cancel", "Create", "Update", "Close", "Open", "MarkAsPaid", "Capture")),
                *("orderCreateManualPayment", "orderRiskAssessmentCreate", "transactionVoid", "refundCreate"),
                *("tagsAdd", "tagsRemove"),
            )
        ],
        ("write_orders",),
    ),
    **dict.fromkeys([("Mutation", f"inventory{name}Quantities") for name in ("Adjust", "Set")], ("write_inventory",)),
}


@dataclass(slots=True, kw_only=True)
class Call:
    """One operation being executed: whose, in which store. `parsed` is its text for those who have to look at it."""

    store: Store
    token: Token
    scopes: frozenset[str]
    base_url: str = ""

    @classmethod
    def of(cls, store: Store, token: Token) -> Call:
        return cls(store=store, token=token, scopes=implied(token.scopes), base_url=store.settings.base_url)


def store_of(info: Any) -> Store:
    call = info.context
    assert isinstance(call, Call)
    return call.store


def check_scope(info: Any, kind: str, field: str) -> None:
    """Raises TopError ACCESS_DENIED, as recorded."""
    needed = NEEDS.get((kind, field))
    if needed and not info.context.scopes & set(needed):
        names = [f"`{scope}`" for scope in needed]
        text = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
        raise denied(field, f"{text} access scope.")


@lru_cache(maxsize=4096)
def snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda found: f"_{found[1].lower()}", name)


def plain(source: Any, name: str) -> Any:
    """The attribute (or key) with that name in Python's words."""
    key = snake(name)
    if isinstance(source, dict):
        return source.get(key, source.get(name))
    return getattr(source, key)


def resolver(tables: Mapping[str, Table]) -> Callable[..., Any]:
    """graphql-core's field_resolver over these tables: type -> field -> `read(source, info, **arguments)`."""

    def resolve(source: Any, info: Any, **arguments: Any) -> Any:
        kind, field = info.parent_type.name, info.field_name
        if (kind, field) in NEEDS:
            check_scope(info, kind, field)
        read = tables.get(kind, {}).get(field)
        return read(source, info, **arguments) if read else plain(source, field)

    return resolve


def own_id(kind: str) -> Table:
    return {"id": lambda row, info: gid(kind, row.id), "legacyResourceId": lambda row, info: str(row.id)}
