"""The first import out of Shopify's file, piece by piece."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses

from connector import BadPayload, ConfigError, Page, Refused, TryLater
from connector.plugins import shopify
from connector.plugins.shopify import bulk
from connector.testing.context import TestContext

from . import building as b

URL = "https://storage.example/file.jsonl"
SINCE = "2026-11-01T00:00:00Z"
Answers = Callable[..., list[dict[str, Any]]]
CONNECTIONS = ("lineItems", "shippingLines", "fulfillmentOrders")


def rows(order: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """An order as the file has it: itself, then what is in its connections, each with its parent."""
    yield {key: value for key, value in order.items() if key not in CONNECTIONS}
    for name, kind in zip(CONNECTIONS, ("LineItem", "ShippingLine", "FulfillmentOrder"), strict=True):
        for node in order[name]["nodes"]:
            inner = node.get("lineItems", {"nodes": []})["nodes"]
            yield {key: value for key, value in node.items() if key != "lineItems"} | {
                "__typename": kind,
                "__parentId": order["id"],
            }
            for n, line in enumerate(inner):
                own = {"__typename": "FulfillmentOrderLineItem", "id": b.gid("FulfillmentOrderLineItem", n)}
                yield line | own | {"__parentId": node["id"]}


def numbered(number: int, **changes: Any) -> dict[str, Any]:
    placed = f"2026-11-{1 + number // 1000:02}T00:{number // 60 % 60:02}:{number % 60:02}Z"
    parts = b.nodes(b.part(number * 10, lines={number * 10: 2}))
    lines = b.nodes(b.line(number * 10), b.line(number * 10 + 1, taxLines=[]))
    given = {"name": f"#{number}", "createdAt": placed, "lineItems": lines, "fulfillmentOrders": parts}
    return b.order(id=b.gid("Order", number), **(given | changes))


def file_of(*orders: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for order in orders for row in rows(order))


def state(status: str = "COMPLETED", *, size: int | None = None, url: str | None = URL, **more: Any) -> dict[str, Any]:
    given = {"id": b.gid("BulkOperation", 7), "status": status, "errorCode": None, "objectCount": "9", "url": url}
    return {"bulkOperation": given | {"fileSize": None if size is None else str(size)} | more}


STARTED = {"bulkOperationRunQuery": {"bulkOperation": {"id": b.gid("BulkOperation", 7), "status": "CREATED"}, "userErrors": []}}


def serve(net: responses.RequestsMock, body: bytes, *, ranges: bool = True) -> list[tuple[int, int]]:
    """Give out the file, by ranges or as a whole; which bytes were asked for."""
    asked: list[tuple[int, int]] = []

    def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
        assert "X-Shopify-Access-Token" not in request.headers
        start, end = (int(part) for part in request.headers["Range"].removeprefix("bytes=").split("-"))
        asked.append((start, end))
        return (206, {}, body[start : end + 1]) if ranges else (200, {}, body)

    net.add_callback(responses.GET, URL, callback=answer)
    return asked


def whole(ctx: TestContext, cursor: str = SINCE) -> list[Page]:
    """All pages, as the core walks them."""
    pages, more = [], True
    while more:
        pages.append(shopify.import_orders(ctx, cursor))
        cursor, more = pages[-1].next_cursor, pages[-1].more
    return pages


def ids(pages: list[Page]) -> list[str]:
    return [order.platform_id for page in pages for order in page.orders]


def test_an_import_from_start_to_end(ctx: TestContext, net: responses.RequestsMock, answers: Answers) -> None:
    """Every order once, oldest first, with its lines and where they leave from, as if it had been fetched."""
    made = [numbered(n) for n in range(1, 6)]
    body = file_of(*made)
    asked = answers(BulkRun=STARTED, BulkState=state(size=len(body)))
    serve(net, body)
    pages = whole(ctx)
    assert ids(pages) == ["1", "2", "3", "4", "5"]
    assert pages[-1].orders[0] == shopify.parse_order(made[0])
    assert "created_at:>='2026-11-01T00:00:00Z'" in asked[0]["variables"]["query"]


def test_small_pieces_cut_anywhere(
    ctx: TestContext, net: responses.RequestsMock, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever byte a piece ends at, in the middle of a line, an order or a letter, all orders come whole and once."""
    made = [numbered(n, note="Grüße 🎁") for n in range(1, 9)]
    body = file_of(*made)
    answers(BulkRun=STARTED, BulkState=state(size=len(body)))
    asked = serve(net, body)
    for piece in (5_003, 7_919, 12_345):
        monkeypatch.setattr(bulk, "PIECE", piece)
        pages = whole(ctx)
        assert ids(pages) == [str(n) for n in range(1, 9)]
        assert all(
            order == shopify.parse_order(raw) for order, raw in zip((o for p in pages for o in p.orders), made, strict=True)
        )
    assert all(end - start < 8 * 12_345 for start, end in asked)


def test_memory_stays_flat(ctx: TestContext, net: responses.RequestsMock, answers: Answers) -> None:
    """A page is a piece of a megabyte and 200 orders at most, however long the file is."""
    body = file_of(*(numbered(n) for n in range(1, 1201)))
    answers(BulkRun=STARTED, BulkState=state(size=len(body)))
    asked = serve(net, body)
    pages = whole(ctx)
    assert len(ids(pages)) == 1200
    assert len(set(ids(pages))) == 1200
    assert max(len(page.orders) for page in pages) <= bulk.AT_MOST
    assert all(end - start < bulk.PIECE for start, end in asked)


def test_a_cut_costs_one_piece(
    ctx: TestContext, net: responses.RequestsMock, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file cannot be had in the middle: TryLater, and from the same cursor it goes on without losing or repeating."""
    monkeypatch.setattr(bulk, "PIECE", 9_000)
    body = file_of(*(numbered(n) for n in range(1, 9)))
    answers(BulkRun=STARTED, BulkState=state(size=len(body)))
    serve(net, body)
    begun = shopify.import_orders(ctx, SINCE)
    first = shopify.import_orders(ctx, begun.next_cursor)
    net.replace(responses.GET, URL, status=403)
    with pytest.raises(TryLater):
        shopify.import_orders(ctx, first.next_cursor)
    net.remove(responses.GET, URL)
    serve(net, body)
    assert ids([first, *whole(ctx, first.next_cursor)]) == [str(n) for n in range(1, 9)]


def test_a_server_that_knows_no_ranges(ctx: TestContext, net: responses.RequestsMock, answers: Answers) -> None:
    """It sends all of the file; what was asked for is taken out of it."""
    body = file_of(numbered(1), numbered(2))
    answers(BulkRun=STARTED, BulkState=state(size=len(body)))
    serve(net, body, ranges=False)
    assert ids(whole(ctx)) == ["1", "2"]


def test_orders_with_refunds_are_read_from_the_shop(ctx: TestContext, net: responses.RequestsMock, answers: Answers) -> None:
    """The file cannot say what a refund is for, so those orders come from where it is said."""
    refunded = numbered(2, refunds=[{"id": b.gid("Refund", 1)}])
    body = file_of(numbered(1), refunded, numbered(3))
    full = numbered(2, refunds=[b.refund(refundLineItems=b.nodes(b.refund_line(20)))])
    asked = answers(BulkRun=STARTED, BulkState=state(size=len(body)), OrdersById={"nodes": [full]})
    serve(net, body)
    pages = whole(ctx)
    assert ids(pages) == ["1", "2", "3"]
    assert pages[-1].orders[1].refunds[0].parts[0].line_id == "20"
    assert [one["variables"]["ids"] for one in asked if one["operationName"] == "OrdersById"] == [[b.gid("Order", 2)]]


def test_one_that_cannot_be_read_stops_nobody(ctx: TestContext, net: responses.RequestsMock, answers: Answers) -> None:
    """Its id is given out."""
    body = file_of(numbered(1), numbered(2, totalPriceSet=None))
    answers(BulkRun=STARTED, BulkState=state(size=len(body)))
    serve(net, body)
    pages = whole(ctx)
    assert (ids(pages), pages[-1].unreadable) == (["1"], ("2",))


def test_no_orders_at_all(ctx: TestContext, answers: Answers) -> None:
    """There is no file then."""
    answers(BulkRun=STARTED, BulkState=state(url=None))
    assert ids(whole(ctx)) == []


def test_shopify_takes_its_time(ctx: TestContext, answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for."""
    monkeypatch.setattr(bulk, "LOOK_EVERY_S", 0.0)
    answers(BulkRun=STARTED, BulkState=[state("CREATED"), state("RUNNING"), state(url=None)])
    begun = shopify.import_orders(ctx, SINCE)
    assert (begun.orders, begun.more) == ((), True)
    assert shopify.import_orders(ctx, begun.next_cursor).more is False


def test_a_long_wait_gives_an_empty_page(ctx: TestContext, answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same cursor again, and more to come."""
    monkeypatch.setattr(bulk, "LOOK_FOR_S", -1.0)
    answers(BulkState=state("RUNNING"))
    cursor = f"bulk 7 0 {SINCE} 0"
    page = shopify.import_orders(ctx, cursor)
    assert (page.orders, page.next_cursor, page.more) == ((), cursor, True)


@pytest.mark.parametrize(
    "ended", [state("EXPIRED"), state("FAILED", errorCode="TIMEOUT"), state("CANCELED"), {"bulkOperation": None}]
)
def test_an_operation_that_came_to_nothing_is_begun_again(ctx: TestContext, answers: Answers, ended: dict[str, Any]) -> None:
    """From the start: what is known is only compared. After the third time a person has to look."""
    asked = answers(BulkState=ended, BulkRun=STARTED)
    again = shopify.import_orders(ctx, f"bulk 6 4711 {SINCE} 0")
    assert (again.next_cursor, again.more) == (f"bulk 7 0 {SINCE} 1", True)
    assert [one["operationName"] for one in asked] == ["BulkState", "BulkRun"]
    with pytest.raises(Refused, match="3 times"):
        shopify.import_orders(ctx, f"bulk 7 0 {SINCE} 2")


def test_an_operation_without_scopes(ctx: TestContext, answers: Answers) -> None:
    """A person gives the app what it lacks."""
    answers(BulkState=state("FAILED", errorCode="ACCESS_DENIED"))
    with pytest.raises(ConfigError, match="access scopes"):
        shopify.import_orders(ctx, f"bulk 7 0 {SINCE} 0")


def test_too_many_operations_at_once(ctx: TestContext, answers: Answers) -> None:
    """Five may run at once (recorded); this one comes later."""
    error = {"field": None, "message": "already in progress", "code": "OPERATION_IN_PROGRESS"}
    answers(BulkRun={"bulkOperationRunQuery": {"bulkOperation": None, "userErrors": [error]}})
    with pytest.raises(TryLater):
        shopify.import_orders(ctx, SINCE)


def test_a_file_that_is_damaged(ctx: TestContext, net: responses.RequestsMock, answers: Answers) -> None:
    """Said with the place, never skipped."""
    body = file_of(numbered(1)) + b"{broken\n" + file_of(numbered(2))
    answers(BulkState=state(size=len(body)))
    serve(net, body)
    with pytest.raises(BadPayload, match="bulk operation 7"):
        shopify.import_orders(ctx, f"bulk 7 0 {SINCE} 0")


@pytest.mark.parametrize("cursor", ["bulk 7", "bulk 7 x 2026-11-01T00:00:00Z 0", "soon"])
def test_what_is_no_place(ctx: TestContext, cursor: str) -> None:
    """Nothing is asked."""
    with pytest.raises(ConfigError):
        shopify.import_orders(ctx, cursor)
