"""Reading single orders, and the lists inside long ones to their ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connector import Refused, TryLater
from connector.plugins import shopify
from connector.plugins.shopify import orders
from connector.testing.context import TestContext

from . import building as b

ID = str(b.ORDER)
Answers = Callable[..., list[dict[str, Any]]]


def shop(*scopes: str) -> dict[str, Any]:
    return {"currentAppInstallation": {"accessScopes": [{"handle": one} for one in scopes]}}


def test_an_order_is_asked_for_by_its_gid(ctx: TestContext, answers: Answers) -> None:
    """A number above 2^53 arrives and leaves with all of its digits."""
    asked = answers(Order={"order": b.order()})
    order = shopify.fetch_order(ctx, ID)
    assert order is not None
    assert order.platform_id == ID
    assert asked[0]["variables"]["id"] == f"gid://shopify/Order/{ID}"


@pytest.mark.parametrize("platform_id", ["", "x", "1 OR 1", "gid://shopify/Order/1", "²"])
def test_what_is_no_number_is_no_order(ctx: TestContext, platform_id: str) -> None:
    """Nothing is asked: it could not be there."""
    assert shopify.fetch_order(ctx, platform_id) is None


def test_an_order_that_is_gone(ctx: TestContext, answers: Answers) -> None:
    """With sight of all orders, what is not shown is not there; however Shopify says it."""
    gone = {"errors": [{"message": "Invalid id", "extensions": {"code": "RESOURCE_NOT_FOUND"}}]}
    answers(Order=[{"order": None}, gone], Shop=shop("read_all_orders"))
    assert shopify.fetch_order(ctx, ID) is None
    assert shopify.fetch_order(ctx, ID) is None


def test_an_order_that_is_too_old_to_be_shown_is_not_gone(ctx: TestContext, answers: Answers) -> None:
    """Without read_all_orders an old order looks deleted; that is said, and never taken for deleted."""
    oldest = {"orders": {"nodes": [{"id": b.gid("Order", b.ORDER + 1), "createdAt": "2026-09-22T00:00:00Z"}]}}
    answers(Order={"order": None}, Shop=shop("read_orders"), OldestOrder=oldest)
    with pytest.raises(Refused, match="read_all_orders"):
        shopify.fetch_order(ctx, ID)
    assert shopify.fetch_order(ctx, str(b.ORDER + 2)) is None


def test_long_lists_are_read_to_their_ends(ctx: TestContext, answers: Answers) -> None:
    """120 lines, two pages of fulfillment orders, a long one in them and a long refund: all of it, page by page."""
    lines = [b.line(n, taxLines=[]) for n in range(1000, 1120)]
    refund_lines = [b.refund_line(n, 1, subtotalSet=b.money("1.0"), totalTaxSet=b.money("0.0")) for n in range(1000, 1060)]
    part_lines = [{"remainingQuantity": 2, "lineItem": {"id": one["id"]}} for one in lines]
    first = b.part(51)
    first["lineItems"] = b.nodes(*part_lines[:50], more="p1")
    raw = b.order(
        lineItems=b.nodes(*lines[:50], more="l1"),
        fulfillmentOrders=b.nodes(first, more="f1"),
        refunds=[b.refund(refundLineItems=b.nodes(*refund_lines[:50], more="r1"))],
    )
    asked = answers(
        Order={"order": raw},
        MoreOfOrder=[
            {"order": {"lineItems": b.nodes(*lines[50:100], more="l2")}},
            {"order": {"lineItems": b.nodes(*lines[100:])}},
        ],
        MoreParts={"order": {"fulfillmentOrders": b.nodes(b.part(52, 62, {1000: 1}))}},
        MoreOfPart={"fulfillmentOrder": {"lineItems": b.nodes(*part_lines[50:])}},
        MoreOfRefund={"refund": {"refundLineItems": b.nodes(*refund_lines[50:])}},
    )
    order = shopify.fetch_order(ctx, ID)
    assert order is not None
    assert len(order.lines) == 120
    assert [len(place.lines) for place in order.origins] == [120, 1]
    assert len(order.refunds[0].parts) == 60
    after = [(one["operationName"], one["variables"]["after"]) for one in asked[1:]]
    assert after == [
        ("MoreOfOrder", "l1"),
        ("MoreOfOrder", "l2"),
        ("MoreParts", "f1"),
        ("MoreOfPart", "p1"),
        ("MoreOfRefund", "r1"),
    ]


def test_an_order_that_goes_away_while_it_is_read(ctx: TestContext, answers: Answers) -> None:
    """Half an order is none: it is read again."""
    answers(Order={"order": b.order(lineItems=b.nodes(b.line(), more="x"))}, MoreOfOrder={"order": None})
    with pytest.raises(TryLater):
        shopify.fetch_order(ctx, ID)


def test_a_list_that_we_do_not_read_to_its_end_is_never_taken_for_all(ctx: TestContext, answers: Answers) -> None:
    """More ways of shipping than anybody has seen: said, instead of lost."""
    answers(Order={"order": b.order(shippingLines=b.nodes(b.shipping_line(), more="x"))})
    with pytest.raises(TryLater, match="longer than we read"):
        shopify.fetch_order(ctx, ID)


def test_missing_orders_a_hundred_at_a_time(ctx: TestContext, answers: Answers) -> None:
    """Those that Shopify does not show, and what is no id at all."""
    asked = answers(
        OrderIds=lambda variables: {"nodes": [None if one.endswith("/7") else {"id": one} for one in variables["ids"]]}
    )
    ids = tuple(str(n) for n in range(1, 151))
    assert shopify.missing_orders(ctx, (*ids, "x")) == ["7", "x"]
    assert [len(one["variables"]["ids"]) for one in asked] == [100, 50]


def test_many_by_id(ctx: TestContext, answers: Answers) -> None:
    """Ten at a time; what is gone is left out."""
    asked = answers(OrdersById=lambda variables: {"nodes": [b.order(id=one) for one in variables["ids"][:-1]] + [None]})
    found = list(orders.by_id(ctx, [str(n) for n in range(1, 16)], "test"))
    assert [len(one["variables"]["ids"]) for one in asked] == [10, 5]
    assert len(found) == 13
