"""What an operation costs of the account's points, which all workers share.

Shopify takes the cost that it reckons beforehand, and gives back what was not needed.
https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits (2026-11)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from connector import Context

PER_SECOND = 100  # of the smallest plan; what a shop really has is learned from its answers
BUCKET = 2000  # recorded, 2026-04
MOST = 1000  # no single query may cost more
USUAL = 12  # a change of something, with little to read back
OPERATIONS = Path(__file__).with_name("operations")
_ESTIMATE = re.compile(r"#\s*cost:\s*(\d+)")


def points(ctx: Context, operation: str) -> float:
    """What to take for this operation: as Shopify reckoned it last, else as its file says."""
    row = ctx.state.get(_row(operation))
    return float(row.value) if row is not None else _estimate(operation)


def learn(ctx: Context, operation: str, said: Mapping[str, Any]) -> None:
    """Take in what an answer says of the account's points and of this operation's cost."""
    cost = _part(_part(said, "extensions"), "cost")
    requested, actual = _number(cost.get("requestedQueryCost")), _number(cost.get("actualQueryCost"))
    bucket = _part(cost, "throttleStatus")
    left, size, rate = (_number(bucket.get(name)) for name in ("currentlyAvailable", "maximumAvailable", "restoreRate"))
    if requested is None:
        return
    if left is not None and size and rate:
        ctx.http.learn_rate(used=actual or 0.0, left=left, size=size, per_second=rate)
    if requested != points(ctx, operation):
        ctx.state.put(_row(operation), str(requested))


def seconds_until(said: Mapping[str, Any]) -> float:
    """How long until there are enough points again for the query that got this answer."""
    cost = _part(_part(said, "extensions"), "cost")
    bucket = _part(cost, "throttleStatus")
    requested, left = _number(cost.get("requestedQueryCost")), _number(bucket.get("currentlyAvailable"))
    rate = _number(bucket.get("restoreRate"))
    if requested is None or left is None or not rate:
        return 2.0
    return min(60.0, max(1.0, (requested - left) / rate))


@cache
def _estimate(operation: str) -> float:
    found = _ESTIMATE.search((OPERATIONS / f"{operation}.graphql").read_text("utf-8"))
    return float(found[1]) if found else USUAL


def _row(operation: str) -> str:
    return f"cost {operation}"


def _part(value: Any, name: str) -> dict[str, Any]:
    part = value.get(name) if isinstance(value, Mapping) else None
    return part if isinstance(part, dict) else {}


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
