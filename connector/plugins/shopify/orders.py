"""Reading orders: one, many, and the lists inside a long one to their ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from connector import Context, Order, Refused, TryLater

from .client import query
from .ids import bare, gid, is_id
from .parse import order as parse

NOT_FOUND = "RESOURCE_NOT_FOUND"
# How much of the lists inside is read at first. More costs more of the account's points, for each order of a page.
WHOLE = {"lines": 50, "parts": 10}
IN_A_LIST = {"lines": 10, "parts": 4}
AT_ONCE = 10
ALL_ORDERS = "read_all_orders"

Raw = dict[str, Any]


def fetch(ctx: Context, platform_id: str) -> Order | None:
    """The order with everything in it; None where the shop does not have it (any more).

    Raises:
        Refused: the shop does not show it because it is older than 60 days, so nobody can tell whether it is there.
    """
    raw = find(ctx, platform_id)
    return None if raw is None else parse(raw)


def find(ctx: Context, platform_id: str) -> Raw | None:
    """Shopify's JSON of an order with complete lists, or None. What is no number is no order either."""
    if not is_id(platform_id):
        return None
    doing = f"read order {platform_id}"
    try:
        raw = query(ctx, "Order", {"id": gid("Order", platform_id), **WHOLE}, doing)["order"]
    except Refused as no:
        if no.code != NOT_FOUND:
            raise
        raw = None
    if raw is None:
        _say_if_hidden(ctx, platform_id, doing)
        return None
    return complete(ctx, raw)


def _say_if_hidden(ctx: Context, platform_id: str, doing: str) -> None:
    """An app without read_all_orders does not see orders of more than 60 days ago: they are not gone. Ids only grow."""
    if ALL_ORDERS in scopes(ctx):
        return
    oldest = query(ctx, "OldestOrder", {}, "look how far back the shop shows orders")["orders"]["nodes"]
    if oldest and int(platform_id) < int(bare(oldest[0]["id"])):
        text = (
            "Shopify does not show orders that are older than 60 days to this app, so nobody can tell what became of it. "
            f"Give the app the access scope {ALL_ORDERS}."
        )
        raise Refused(text, account=ctx.account.name, operation=doing, code="TOO_OLD")


def scopes(ctx: Context) -> frozenset[str]:
    """What the app may do in this shop."""
    installed = query(ctx, "Shop", {}, "read what the app may do")["currentAppInstallation"]
    return frozenset(one["handle"] for one in installed["accessScopes"])


def missing(ctx: Context, platform_ids: tuple[str, ...]) -> list[str]:
    """Those of these orders that the shop does not show (any more)."""
    found, known = set[str](), [platform_id for platform_id in platform_ids if is_id(platform_id)]
    for start in range(0, len(known), 100):
        ids = [gid("Order", platform_id) for platform_id in known[start : start + 100]]
        nodes = query(ctx, "OrderIds", {"ids": ids}, "look for orders that are gone")["nodes"]
        found |= {bare(node["id"]) for node in nodes if node}
    return [platform_id for platform_id in platform_ids if platform_id not in found]


def by_id(ctx: Context, platform_ids: Iterable[str], doing: str) -> Iterator[Raw]:
    """Shopify's JSON of some orders with complete lists; what is gone is left out."""
    ids = list(platform_ids)
    for start in range(0, len(ids), AT_ONCE):
        some = [gid("Order", platform_id) for platform_id in ids[start : start + AT_ONCE]]
        nodes = query(ctx, "OrdersById", {"ids": some, **IN_A_LIST}, doing)["nodes"]
        yield from (complete(ctx, node) for node in nodes if node)


# --- lists inside an order --------------------------------------------------------------------------------------------


def complete(ctx: Context, raw: Raw) -> Raw:
    """The order with all of its lists read to their ends, page by page. Mostly there is nothing left to read."""
    if not is_cut(raw):
        return raw
    doing = f"read the rest of order {bare(raw['id'])}"
    order_id = raw["id"]
    raw = {**raw, "lineItems": _rest(ctx, "MoreOfOrder", order_id, raw["lineItems"], ("order", "lineItems"), doing)}
    parts = _rest(ctx, "MoreParts", order_id, raw["fulfillmentOrders"], ("order", "fulfillmentOrders"), doing)["nodes"]
    path = ("fulfillmentOrder", "lineItems")
    whole = [one | {"lineItems": _rest(ctx, "MoreOfPart", one["id"], one["lineItems"], path, doing)} for one in parts]
    raw = {**raw, "fulfillmentOrders": {"nodes": whole}}
    path = ("refund", "refundLineItems")
    refunds = [
        one | {"refundLineItems": _rest(ctx, "MoreOfRefund", one["id"], one["refundLineItems"], path, doing)}
        for one in raw["refunds"]
    ]
    raw = {**raw, "refunds": refunds}
    if is_cut(raw):  # a list that nobody has seen that long, and that is not read further
        raise TryLater("a list in it is longer than we read.", account=ctx.account.name, operation=doing, after_s=3600)
    return raw


def is_cut(raw: Mapping[str, Any]) -> bool:
    """Does any list in it go on?"""
    if isinstance(raw.get("pageInfo"), dict) and raw["pageInfo"].get("hasNextPage"):
        return True
    inner = [value for value in raw.values() if isinstance(value, dict)]
    inner += [item for value in raw.values() if isinstance(value, list) for item in value if isinstance(item, dict)]
    return any(is_cut(one) for one in inner)


def _rest(
    ctx: Context, operation: str, node_id: str, begun: Mapping[str, Any], path: tuple[str, str], doing: str
) -> dict[str, Any]:
    """A connection with the pages that are missing. `path`: where the operation's answer has them."""
    nodes, page = list(begun["nodes"]), begun.get("pageInfo") or {}
    while page.get("hasNextPage"):
        variables = {"id": node_id, "after": page["endCursor"], "lines": WHOLE["lines"]}
        owner = query(ctx, operation, variables, doing)[path[0]]
        if owner is None:
            raise TryLater("it went away while it was read.", account=ctx.account.name, operation=doing)
        nodes += owner[path[1]]["nodes"]
        page = owner[path[1]]["pageInfo"]
    return {"nodes": nodes}
