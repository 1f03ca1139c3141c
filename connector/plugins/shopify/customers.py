"""What the shop itself holds about a customer: giving it out, and having Shopify erase it."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from connector import CannotTell, Context, Effect, EffectClass, EffectRule, Found

from .client import mutate, query
from .ids import bare

ERASE = "erase_customer"
# Shopify does not show that it was asked to; it asks the owner of the shop by mail, and erases after 10 days.
RULE = EffectRule(vendor=EffectClass.NONE, deadline_s=30, points=10)


def export(ctx: Context, email: str) -> Mapping[str, Any]:
    """The customer's record, addresses and orders (at most 250 of them) as JSON; {} for nobody."""
    found = _find(ctx, email)
    if found is None:
        return {}
    orders = found["orders"]
    return {
        "id": bare(found["id"]),
        "name": found["displayName"],
        "email": (found["defaultEmailAddress"] or {}).get("emailAddress", ""),
        "phone": (found["defaultPhoneNumber"] or {}).get("phoneNumber", ""),
        "since": found["createdAt"],
        "language": found["locale"],
        "note": found["note"] or "",
        "tags": found["tags"],
        "addresses": found["addressesV2"]["nodes"],
        "orders": [{"id": bare(one["id"]), "number": one["name"], "placed": one["createdAt"]} for one in orders["nodes"]],
        "more_orders": orders["pageInfo"]["hasNextPage"],
    }


def erase(ctx: Context, email: str) -> list[str]:
    """Ask Shopify to erase the customer. Raises Refused with its reason."""
    found = _find(ctx, email)
    if found is None:
        return []

    def send(key: str) -> dict[str, Any]:
        mutate(ctx, "CustomerErase", {"id": found["id"]}, "have a customer erased")
        return {"id": bare(found["id"])}

    # The address itself is not kept in the ledger.
    ctx.effect(ERASE, {"customer": sha256(found["id"].encode()).hexdigest()[:16]}, send)
    return [
        "Shopify was asked to erase the customer; it does so within 10 days, unless there is an order of the last 6 months."
    ]


def find(ctx: Context, effect: Effect) -> Found:
    return CannotTell(text="Look in Shopify, on the customer's page, whether their data is going to be erased.")


def _find(ctx: Context, email: str) -> dict[str, Any] | None:
    variables = {"identifier": {"emailAddress": email}}
    found: dict[str, Any] | None = query(ctx, "CustomerByEmail", variables, "read a customer")["customerByIdentifier"]
    return found
