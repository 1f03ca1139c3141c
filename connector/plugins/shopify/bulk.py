"""The first import: Shopify writes all orders since a time into a file, which is read piece by piece.

https://shopify.dev/docs/api/usage/bulk-operations/queries (2026-11). The file has one JSON object a line: an order, and
directly below it (`groupObjects`) its lines, ways of shipping and fulfillment orders, each with `__parentId`. A cursor is the
operation's id, the byte where the next order begins, and the time that it all started from; so a cut costs one piece,
whenever it comes.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connector import BadPayload, ConfigError, Context, Page, Refused, TryLater

from .client import download, query, text_of
from .ids import bare, gid, kind_of
from .orders import by_id
from .poll import read, stamp, time_of

DOING = "import orders"
EPOCH = "1970-01-01T00:00:00Z"
PIECE = 1024 * 1024
LARGEST = 6 * 1024 * 1024  # a single order of that size has thousands of lines
AT_MOST = 200  # orders of one page
LOOK_EVERY_S = 2.0
LOOK_FOR_S = 30.0  # then the one who asks has a say: whoever stops the import stops it here
TRIES = 3
LISTS = {"LineItem": "lineItems", "ShippingLine": "shippingLines", "FulfillmentOrder": "fulfillmentOrders"}
SPREAD = re.compile(r"\.\.\.\s*([A-Z]\w*)")
FRAGMENT = re.compile(r"fragment\s+(\w+)\s+on\s+\w+\s*\{(.*?)\n\}", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far an import has come: `start` is the byte of the operation's file, `tried` how often Shopify gave up on it."""

    operation: str
    start: int
    since: str
    tried: int = 0

    def __str__(self) -> str:
        return f"bulk {self.operation} {self.start} {self.since} {self.tried}"


def placed(ctx: Context, cursor: str) -> Page:
    """One page of the orders placed since a time, oldest first. Pages without orders come while Shopify is still writing.

    Raises:
        TryLater: the app has as many operations underway as it may. Refused: Shopify gave up on it again and again.
    """
    place = _place(cursor)
    if place is None:
        return Page(orders=(), next_cursor=str(_begin(ctx, stamp(time_of(cursor)), tried=0)), more=True)
    operation = _written(ctx, place)
    if operation is None:
        return Page(orders=(), next_cursor=cursor, more=True)
    if operation["status"] != "COMPLETED":
        return Page(orders=(), next_cursor=str(_again(ctx, place, operation)), more=True)
    size = int(operation["fileSize"] or 0)
    if not operation["url"] or place.start >= size:  # without orders there is no file
        return Page(orders=(), next_cursor=cursor)
    return _page(ctx, place, operation["url"], size)


def _place(cursor: str) -> Place | None:
    if not cursor.startswith("bulk "):
        return None
    try:
        _, operation, start, since, tried = cursor.split(" ")
        return Place(operation=operation, start=int(start), since=since, tried=int(tried))
    except ValueError:
        raise ConfigError(f"{cursor!r:.60} is not a place in an import") from None


# --- Shopify's part ---------------------------------------------------------------------------------------------------


def bulk_query(since: str) -> str:
    """The query that Shopify is to run: without variables and fragments."""
    text = text_of("BulkOrders")
    fragments = dict(FRAGMENT.findall(text))
    text = FRAGMENT.sub("", text)
    while SPREAD.search(text):
        text = SPREAD.sub(lambda found: fragments[found[1]], text)
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return "\n".join(lines).replace(EPOCH, since)


def _begin(ctx: Context, since: str, *, tried: int) -> Place:
    """It changes nothing in the shop, and one too many does no harm: it is a query, though Shopify calls it a mutation."""
    said = query(ctx, "BulkRun", {"query": bulk_query(since)}, DOING)["bulkOperationRunQuery"]
    for error in said["userErrors"]:
        if error.get("code") in ("OPERATION_IN_PROGRESS", "LIMIT_REACHED"):
            text = "the app has as many bulk operations underway as it may; this one has to wait."
            raise TryLater(text, after_s=60, account=ctx.account.name, operation=DOING)
        raise Refused(str(error["message"]), account=ctx.account.name, operation=DOING, code=str(error.get("code") or ""))
    return Place(operation=bare(said["bulkOperation"]["id"]), start=0, since=since, tried=tried)


def _written(ctx: Context, place: Place) -> Mapping[str, Any] | None:
    """The operation once it has ended; None while it goes on."""
    until = time.monotonic() + LOOK_FOR_S
    while True:
        found = query(ctx, "BulkState", {"id": gid("BulkOperation", place.operation)}, DOING)["bulkOperation"]
        if found is None:
            return {"status": "EXPIRED", "errorCode": None}
        if found["status"] not in ("CREATED", "RUNNING", "CANCELING"):
            return dict(found)
        if time.monotonic() > until:
            return None
        time.sleep(LOOK_EVERY_S)


def _again(ctx: Context, place: Place, operation: Mapping[str, Any]) -> Place:
    """From the start: what was read before is read again, and only compared."""
    code = str(operation.get("errorCode") or operation["status"])
    if code == "ACCESS_DENIED":
        text = f"account {ctx.account.name}: {DOING}: the app lacks access scopes for it; `connector check` names them."
        raise ConfigError(text)
    if place.tried + 1 >= TRIES:
        text = f"Shopify gave up on writing the orders down {TRIES} times. Import from a later date first."
        raise Refused(text, account=ctx.account.name, operation=DOING, code=code)
    ctx.log.warning("bulk operation %s ended as %s; another one begins", place.operation, code)
    return _begin(ctx, place.since, tried=place.tried + 1)


# --- the file ---------------------------------------------------------------------------------------------------------


def _page(ctx: Context, place: Place, url: str, size: int) -> Page:
    length = PIECE
    while True:
        piece = _read(ctx, url, place.start, min(length, size - place.start))
        is_last = place.start + len(piece) >= size
        try:
            found = list(_orders(piece, is_last=is_last))[:AT_MOST]
        except ValueError:
            raise BadPayload(f"bulk operation {place.operation}: a line after byte {place.start} is not JSON") from None
        if found or is_last:
            break
        if length >= LARGEST:
            raise Refused("a single order is too large to be read.", account=ctx.account.name, operation=DOING)
        length *= 2
    end = found[-1][1] if found else len(piece)
    # Refunds are not complete in the file, so those orders are read from the shop.
    with_refunds = [bare(raw["id"]) for raw, _ in found if raw["refunds"]]
    rows = [raw for raw, _ in found if not raw["refunds"]] + list(by_id(ctx, with_refunds, DOING))
    orders, unreadable = read(ctx, rows)
    orders = tuple(sorted(orders, key=lambda order: (order.placed_at, int(order.platform_id))))
    at = Place(operation=place.operation, start=place.start + end, since=place.since, tried=place.tried)
    return Page(orders=orders, unreadable=unreadable, next_cursor=str(at), more=at.start < size)


def _read(ctx: Context, url: str, start: int, length: int) -> bytes:
    response = download(ctx, url, start=start, length=length)
    if response.status_code == 206:
        return response.content
    if response.status_code == 200:  # all of it, whatever was asked for
        return response.content[start : start + length]
    text = f"Shopify does not give out the file now (HTTP {response.status_code})."  # its address is made anew each time
    raise TryLater(text, after_s=60, account=ctx.account.name, operation=DOING)


def _orders(piece: bytes, *, is_last: bool) -> Iterator[tuple[dict[str, Any], int]]:
    """Each whole order of a piece, with the byte where it ends: where the next one begins, or the file ends."""
    order: dict[str, Any] | None = None
    parts: dict[str, dict[str, Any]] = {}
    at = 0
    for line in piece.splitlines(keepends=True):
        if not line.endswith(b"\n") and not is_last:
            return
        row = json.loads(line)
        parent = row.pop("__parentId", None)
        if parent is None:
            if order is not None:
                yield order, at
            order, parts = {**row, **{name: {"nodes": []} for name in LISTS.values()}}, {}
        elif order is not None:
            _put(order, parts, parent, row)
        at += len(line)
    if order is not None and is_last:
        yield order, at


def _put(order: dict[str, Any], parts: dict[str, dict[str, Any]], parent: str, row: dict[str, Any]) -> None:
    """Below the order that it belongs to, or the fulfillment order in it."""
    kind = row.pop("__typename", "") or kind_of(row.get("id"))
    if kind == "FulfillmentOrderLineItem":
        parts.setdefault(parent, {"nodes": []})["nodes"].append(row)
    elif kind in LISTS and parent == order["id"]:
        if kind == "FulfillmentOrder":
            row["lineItems"] = parts.setdefault(row["id"], {"nodes": []})
        order[LISTS[kind]]["nodes"].append(row)
