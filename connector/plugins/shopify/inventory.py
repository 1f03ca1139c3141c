"""Putting stock back, or taking it.

`inventoryAdjustQuantities` is KEYED, as refundCreate is (see plans.py), and takes the quantity that it is to change from: what
was read directly before. So no sale in between is lost, and nothing is counted twice even when the key is forgotten.
https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/inventoryAdjustQuantities
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector import (
    CannotTell,
    Context,
    Effect,
    EffectClass,
    EffectRule,
    Found,
    Happened,
    NotHappened,
    Refused,
    StockChange,
    TryLater,
)

from . import plans
from .client import query
from .config import config
from .fulfillment_orders import read as read_fulfillment_orders
from .ids import bare, gid
from .marks import once, without_attempt
from .plans import Plan
from .refusals import NOT_DONE_BEFORE, STALE, change

KIND = "adjust_inventory"
RULE = EffectRule(vendor=EffectClass.KEYED, deadline_s=30, settle_s=60, remembers_s=plans.REMEMBERED_S, points=12)
# Nothing was changed, and the same key will not do it any more.
AGAIN = frozenset({STALE, NOT_DONE_BEFORE, "ADJUST_QUANTITIES_FAILED"})


def adjust(ctx: Context, change: StockChange) -> bool:
    """So many more or fewer available at one location. False where Shopify does not count this product, or has it no more.

    The location is where the order is to leave from, or the account's `restock_location`, or the only one that has the product.

    Raises:
        Refused: nobody says at which location; or the stock was changed by others while an answer was lost.
    """
    doing = f"change the stock of product {change.product_id} by {change.change:+d}"
    name = f"stock {ctx.platform_id} {change.id}"

    def before() -> dict[str, Any]:
        planned = plans.plan(ctx, name, lambda was: _plan(ctx, change, was, doing))
        return {part: planned[part] for part in ("item", "location", "stock")}

    def send(key: str) -> dict[str, Any]:
        done: dict[str, Any] = plans.send(ctx, name, doing, lambda planned: _send(ctx, change, key, planned, name, doing))
        return done

    asked = {"product": change.product_id, "variant": change.variant_id, "change": change.change}
    return ctx.effect(KIND, asked, send, before=before)["stock"] is not None


def _plan(ctx: Context, change: StockChange, was: Plan, doing: str) -> Plan:
    """Which stock, and how much there is now (None: not counted)."""
    uncounted = {"item": "", "location": "", "stock": None, "turn": was.get("turn", 1)}
    if not change.variant_id:
        return uncounted
    variant = query(ctx, "StockItem", {"id": gid("ProductVariant", change.variant_id)}, doing).get("productVariant") or {}
    item = variant.get("inventoryItem") or {}
    if item.get("tracked") is not True:
        return uncounted
    item_id = bare(item.get("id"))
    location = _location(ctx, change, item, doing)
    stock = _stock(ctx, item_id, location, doing)
    return {"item": item_id, "location": location, "stock": stock, "turn": was.get("turn", 1)}


def _location(ctx: Context, change: StockChange, item: Mapping[str, Any], doing: str) -> str:
    if ctx.platform_id:
        there = read_fulfillment_orders(ctx, ctx.platform_id, doing)
        places = [one.location_id for one in there for part in one.parts if part.variant_id == change.variant_id]
        if places and places[0]:
            return places[0]
    if config(ctx).restock_location:
        return config(ctx).restock_location
    levels = [bare((row.get("location") or {}).get("id")) for row in (item.get("inventoryLevels") or {}).get("nodes") or []]
    if len(levels) == 1:
        return levels[0]
    text = f"the product is at {len(levels)} locations: say in `restock_location` of the account which one it goes back to."
    raise Refused(text, account=ctx.account.name, operation=doing)


def _stock(ctx: Context, item_id: str, location: str, doing: str) -> int | None:
    variables = {"id": gid("InventoryItem", item_id), "location": gid("Location", location)}
    item = query(ctx, "StockLevel", variables, doing).get("inventoryItem") or {}
    rows = (item.get("inventoryLevel") or {}).get("quantities") or []
    stock = next((row.get("quantity") for row in rows if row.get("name") == "available"), None)
    return stock if item.get("tracked") is True and isinstance(stock, int) else None


def _send(ctx: Context, wanted: StockChange, key: str, planned: Plan, name: str, doing: str) -> dict[str, Any]:
    was = planned["stock"]
    if was is None:  # goes through the ledger all the same, so that an earlier lost answer does not stay open for ever
        return {"id": "", "stock": None}
    place = {"inventoryItemId": gid("InventoryItem", planned["item"]), "locationId": gid("Location", planned["location"])}
    given: dict[str, Any] = {
        "name": "available",
        "reason": "restock" if wanted.change > 0 else "correction",
        "changes": [place | {"delta": wanted.change, "changeFromQuantity": was}],
    } | ({"referenceDocumentUri": gid("Order", ctx.platform_id)} if ctx.platform_id else {})
    of_this_reading = once(f"{without_attempt(key)}/{planned['location']}/{was}/{planned['turn']}")
    try:
        made = change(ctx, "InventoryAdjustQuantities", {"input": given}, doing, key=of_this_reading)
    except Refused as no:
        if no.code not in AGAIN:
            raise
        return _anew(ctx, wanted, planned, name, no)
    return {"id": bare((made.get("inventoryAdjustmentGroup") or {}).get("id")), "stock": was + wanted.change}


def _anew(ctx: Context, wanted: StockChange, planned: Plan, name: str, no: Refused) -> dict[str, Any]:
    """Nothing was changed just now. The first time it is read anew; where an answer was lost before, the stock must say it."""
    about = {"account": no.account, "operation": no.operation}
    if planned.get("sent"):
        now = _stock(ctx, planned["item"], planned["location"], no.operation)
        if now == planned["stock"] + wanted.change:
            return {"id": "", "stock": now}
        if now != planned["stock"]:
            raise Refused(_look(wanted.product_id, wanted.change, planned["stock"], now), code=no.code, **about)
    plans.keep(ctx, name, planned | {"turn": planned["turn"] + 1, "sent": False})
    raise TryLater(str(no.args[0]), after_s=2, code=no.code, **about)


def _look(product_id: str, by: int, was: Any, now: Any) -> str:
    text = f"Look in Shopify whether the stock of product {product_id} was changed by {by:+d}; it was {was} before"
    return f"{text}, and is {now} now: others have changed it, too."


def find(ctx: Context, effect: Effect) -> Found:
    """Compare with the stock from before. Anything else than before and wanted is somebody else's sale or count."""
    asked, before = (value if isinstance(value, dict) else {} for value in (effect.request, effect.before))
    was, by = before.get("stock"), int(asked.get("change") or 0)
    if was is None or not before.get("item"):
        return NotHappened()
    now = _stock(ctx, str(before["item"]), str(before.get("location")), f"look at the stock of product {asked.get('product')}")
    if now == was + by:
        return Happened(answer={"id": "", "stock": now})
    return NotHappened() if now == was else CannotTell(text=_look(str(asked.get("product")), by, was, now))


FINDERS = {KIND: (RULE, find)}
