"""Reading single orders, what hangs on them, and the mark that our writes leave."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from connector import Context, Order, Refused, TryLater

from .client import MISSING, read, read_all
from .config import config
from .parse import order as parse


def fetch(ctx: Context, platform_id: str) -> Order | None:
    """The order with its notes and refunds; None where the shop does not have it (any more)."""
    raw = find(ctx, platform_id)
    if raw is None:
        return None
    rows = refund_rows(ctx, platform_id) if raw.get("refunds") else None
    return parse(raw, config(ctx).statuses, refund_rows=rows, notes=notes(ctx, platform_id))


def find(ctx: Context, platform_id: str) -> dict[str, Any] | None:
    """The shop's JSON of an order, or None. What is no number is no order either, and never part of an address."""
    if not (platform_id.isascii() and platform_id.isdecimal()):
        return None
    try:
        raw = read(ctx, f"orders/{platform_id}", f"read order {platform_id}").body
    except Refused as problem:
        if problem.code in MISSING:
            return None
        raise
    if not isinstance(raw, dict):
        raise TryLater("the shop's answer is not an order.", account=ctx.account.name, operation=f"read order {platform_id}")
    return raw


def missing(ctx: Context, platform_ids: tuple[str, ...]) -> list[str]:
    """Those of these orders that the shop does not list: deleted for good, which nothing tells (recorded), or in the bin.

    A hundred at a time, and only their ids: that costs the shop little more than a third of a page of orders (recorded)."""
    doing, listed = "look for orders that are gone", set[str]()
    for start in range(0, len(platform_ids), 100):
        some = ",".join(platform_ids[start : start + 100])
        rows = read(ctx, "orders", doing, include=some, status="any", per_page=100, _fields="id").rows(ctx, doing)
        listed |= {str(row.get("id")) for row in rows}
    return [platform_id for platform_id in platform_ids if platform_id not in listed]


def must_find(ctx: Context, platform_id: str, doing: str) -> dict[str, Any]:
    """The shop's JSON of an order. Raises Refused where the shop does not have it."""
    raw = find(ctx, platform_id)
    if raw is None:
        raise Refused("the shop does not have this order any more.", account=ctx.account.name, operation=doing)
    return raw


def refund_rows(ctx: Context, platform_id: str) -> list[dict[str, Any]]:
    """All refunds of an order in detail."""
    return read_all(ctx, f"orders/{platform_id}/refunds", f"read the refunds of order {platform_id}")


def notes(ctx: Context, platform_id: str, kind: str = "any") -> list[dict[str, Any]]:
    """The notes of an order, all at once (recorded): `kind` is any, customer or internal."""
    doing = f"read the notes of order {platform_id}"
    return read(ctx, f"orders/{platform_id}/notes", doing, type=kind).rows(ctx, doing)


def mark(key: str) -> str:
    """What of an effect's key is written into the shop: short, and the same for the same key."""
    return f"[oc:{sha256(key.encode()).hexdigest()[:12]}]"


def minutes_since(moment: datetime | None) -> float:
    """Real minutes since an effect was sent (0 if that is not known); gateways and PHP do not run on business time."""
    return 0.0 if moment is None else (datetime.now(UTC) - moment.astimezone(UTC)).total_seconds() / 60
