"""Where Shopify wants an order sent from (its fulfillment orders), and what was sent already (its fulfillments).

Ids are bare ("1"), as everywhere outside of the queries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from connector import Context, Refused

from .client import query
from .ids import bare, gid
from .marks import HOLD_HANDLE

# With a fulfillment service (3PL) that was asked, or that is asked to stop: it sends, not we.
WITH_A_SERVICE = frozenset({"SUBMITTED", "ACCEPTED", "CANCELLATION_REQUESTED", "CANCELLATION_REJECTED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A hold. `ours`: this program set it, under a handle of its own."""

    id: str
    handle: str
    reason: str
    ours: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One line of a fulfillment order: `id` is that of its entry there, `left` how many pieces are still to be sent."""

    id: str
    line_id: str
    variant_id: str
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfillmentOrder:
    """What is to leave from one place together."""

    id: str
    status: str
    request_status: str
    fulfill_at: str
    actions: frozenset[str]
    location_id: str
    location: str
    service: str
    holds: tuple[Held, ...]
    parts: tuple[Part, ...]

    def left(self, line_id: str) -> int:
        return sum(part.left for part in self.parts if part.line_id == line_id)

    @property
    def is_open(self) -> bool:
        return any(part.left > 0 for part in self.parts) and self.status not in ("CLOSED", "CANCELLED", "INCOMPLETE")

    @property
    def is_with_a_service(self) -> bool:
        """A fulfillment service sends this, or is to be asked to: it would leave twice if we sent it, too."""
        asked_for = self.request_status in WITH_A_SERVICE
        must_be_asked = "REQUEST_FULFILLMENT" in self.actions and "CREATE_FULFILLMENT" not in self.actions
        return asked_for or must_be_asked

    @property
    def can_be_sent(self) -> bool:
        """Shopify says itself what can be done with it (supportedActions, recorded: none of a closed or held one)."""
        is_ready = self.status in ("OPEN", "IN_PROGRESS") and "CREATE_FULFILLMENT" in self.actions
        return is_ready and not self.is_with_a_service


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A fulfillment: what left together. `tracking`: (number, url, company) of each number that it has."""

    id: str
    status: str
    location_id: str
    tracking: tuple[tuple[str, str, str], ...]
    lines: Mapping[str, int]

    @property
    def numbers(self) -> tuple[str, ...]:
        return tuple(number for number, _, _ in self.tracking)

    @property
    def stands(self) -> bool:
        return self.status not in ("CANCELLED", "ERROR", "FAILURE")


# --- fulfillment orders -----------------------------------------------------------------------------------------------


def read(ctx: Context, platform_id: str, doing: str) -> list[FulfillmentOrder]:
    """All fulfillment orders of an order, by id. Raises Refused where the shop does not have the order."""
    found: list[FulfillmentOrder] = []
    after = None
    while True:
        page = must_have(ctx, "OrderFulfillmentOrders", platform_id, doing, after=after).get("fulfillmentOrders") or {}
        found += [_fulfillment_order(ctx, node, doing) for node in page.get("nodes") or []]
        after = _next(page)
        if after is None:
            return sorted(found, key=lambda one: (len(one.id), one.id))


def must_have(ctx: Context, operation: str, platform_id: str, doing: str, **variables: Any) -> dict[str, Any]:
    """The `order` of a query's answer. Raises Refused where the shop does not have it."""
    order = query(ctx, operation, {"id": gid("Order", platform_id), **variables}, doing).get("order")
    if not isinstance(order, dict):
        raise Refused("the shop does not have this order any more.", account=ctx.account.name, operation=doing, code="GONE")
    return order


def _fulfillment_order(ctx: Context, node: Mapping[str, Any], doing: str) -> FulfillmentOrder:
    place = node.get("assignedLocation") or {}
    location = place.get("location") or {}
    service = location.get("fulfillmentService") or {}
    page = node.get("lineItems") or {}
    rows, after = list(page.get("nodes") or []), _next(page)
    while after is not None:
        more = query(ctx, "FulfillmentOrderLines", {"id": node["id"], "after": after}, doing).get("fulfillmentOrder") or {}
        page = more.get("lineItems") or {}
        rows, after = rows + list(page.get("nodes") or []), _next(page)
    return FulfillmentOrder(
        id=bare(node.get("id")),
        status=str(node.get("status")),
        request_status=str(node.get("requestStatus")),
        fulfill_at=str(node.get("fulfillAt") or ""),
        actions=frozenset(str(action.get("action")) for action in node.get("supportedActions") or []),
        location_id=bare(location.get("id")),
        location=str(place.get("name") or ""),
        service=str(service.get("serviceName") or "") if service.get("type") == "THIRD_PARTY" else "",
        holds=tuple(_held(hold) for hold in node.get("fulfillmentHolds") or []),
        parts=tuple(_part(row) for row in rows),
    )


def _held(hold: Mapping[str, Any]) -> Held:
    name = str(hold.get("handle") or "")
    return Held(
        id=bare(hold.get("id")),
        handle=name,
        reason=str(hold.get("displayReason") or ""),
        ours=name.startswith(HOLD_HANDLE) and hold.get("heldByRequestingApp") is not False,
    )


def _part(row: Mapping[str, Any]) -> Part:
    line = row.get("lineItem") or {}
    return Part(
        id=bare(row.get("id")),
        line_id=bare(line.get("id")),
        variant_id=bare((line.get("variant") or {}).get("id")),
        left=int(row.get("remainingQuantity") or 0),
    )


def _next(page: Mapping[str, Any]) -> str | None:
    about = page.get("pageInfo") or {}
    return str(about.get("endCursor")) if about.get("hasNextPage") else None


# --- fulfillments -----------------------------------------------------------------------------------------------------


def parcels(ctx: Context, platform_id: str, doing: str) -> list[Parcel]:
    """The fulfillments of an order (the first twenty). Raises Refused where the shop does not have the order."""
    rows = must_have(ctx, "OrderParcels", platform_id, doing).get("fulfillments") or []
    return [_parcel(ctx, row, doing) for row in rows]


def _parcel(ctx: Context, row: Mapping[str, Any], doing: str) -> Parcel:
    page = row.get("fulfillmentLineItems") or {}
    lines, after = list(page.get("nodes") or []), _next(page)
    while after is not None:
        more = query(ctx, "ParcelLines", {"id": row["id"], "after": after}, doing).get("fulfillment") or {}
        page = more.get("fulfillmentLineItems") or {}
        lines, after = lines + list(page.get("nodes") or []), _next(page)
    return Parcel(
        id=bare(row.get("id")),
        status=str(row.get("status")),
        location_id=bare((row.get("location") or {}).get("id")),
        tracking=tuple(_tracking(one) for one in row.get("trackingInfo") or []),
        lines=pieces((bare((line.get("lineItem") or {}).get("id")), int(line.get("quantity") or 0)) for line in lines),
    )


def _tracking(one: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(one.get("number") or ""), str(one.get("url") or ""), str(one.get("company") or "")


def pieces(rows: Iterable[tuple[str, int]]) -> dict[str, int]:
    """How many of each line, added up."""
    found: dict[str, int] = {}
    for line_id, quantity in rows:
        if quantity:
            found[line_id] = found.get(line_id, 0) + quantity
    return found
