"""The cursor: nothing that changed is skipped, whatever the clocks say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector import ConfigError, TryLater
from connector.plugins import shopify
from connector.testing.context import TestContext, make_context

from . import building as b
from .conftest import CONFIG

Answers = Callable[..., list[dict[str, Any]]]
NOW = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)  # also what the simulated answers have in their Date header


def page(*orders: dict[str, Any], more: str = "") -> dict[str, Any]:
    return {"orders": b.nodes(*orders, more=more)}


def changed(number: int, at: str) -> dict[str, Any]:
    return b.order(id=b.gid("Order", number), updatedAt=at)


def test_the_very_first_poll_starts_now(ctx: TestContext, answers: Answers) -> None:
    """Not at the beginning of time: older orders are an import."""
    answers(OldestOrder={"orders": {"nodes": []}})
    first = shopify.poll_orders(ctx, "")
    assert (first.orders, first.next_cursor, first.more) == ((), "2026-11-22T18:58:00Z", True)


def test_page_after_page_along_shopifys_place(ctx: TestContext, answers: Answers) -> None:
    """The second page goes on where the first ended, although both have orders of the same second."""
    same = "2026-11-22T18:00:00Z"
    asked = answers(Orders=[page(changed(1, same), changed(2, same), more="c2"), page(changed(3, same), changed(4, same))])
    first = shopify.poll_orders(ctx, "2026-11-22T18:00:00Z")
    assert ([one.platform_id for one in first.orders], first.more) == (["1", "2"], True)
    second = shopify.poll_orders(ctx, first.next_cursor)
    assert ([one.platform_id for one in second.orders], second.more) == (["3", "4"], False)
    assert [one["variables"]["after"] for one in asked] == [None, "c2"]
    assert {one["variables"]["filter"] for one in asked} == {"updated_at:>='2026-11-22T18:00:00Z'"}
    assert asked[0]["variables"]["sort"] == "UPDATED_AT"


@pytest.mark.parametrize(
    ("since", "newest", "rest"),
    [
        ("2026-11-22T18:50:00Z", "2026-11-22T18:59:30Z", "2026-11-22T18:57:30Z"),  # behind the newest change
        ("2026-11-22T18:59:00Z", "2026-11-22T18:59:30Z", "2026-11-22T18:59:00Z"),  # never back
        ("2026-11-22T10:00:00Z", "2026-11-22T10:05:00Z", "2026-11-22T18:45:00Z"),  # follows the clock from afar
        ("2026-11-22T18:50:00Z", "2027-01-01T00:00:00Z", "2026-11-22T18:58:00Z"),  # a change from the future holds nobody up
        ("2026-11-22T18:50:00Z", "", "2026-11-22T18:50:00Z"),  # nothing new
    ],
)
def test_where_the_cursor_rests(ctx: TestContext, answers: Answers, since: str, newest: str, rest: str) -> None:
    """Two minutes behind what was seen, because Shopify's search is late; never closer to now than that."""
    answers(Orders=page(*([changed(1, newest)] if newest else [])))
    assert shopify.poll_orders(ctx, since).next_cursor == rest


def test_a_wrong_clock_of_ours_skips_nothing(answers: Answers) -> None:
    """The earlier of the two clocks counts."""
    ctx = make_context(shopify, CONFIG, now=NOW + timedelta(hours=5))
    answers(OldestOrder={"orders": {"nodes": []}})
    assert shopify.poll_orders(ctx, "").next_cursor == "2026-11-22T18:58:00Z"


def test_a_place_that_shopify_forgot_starts_over(ctx: TestContext, answers: Answers) -> None:
    """The same changes are read again; none is lost."""
    bad = {"errors": [{"message": "Invalid cursor for current pagination sort.", "extensions": {"code": "BAD_REQUEST"}}]}
    asked = answers(Orders=[bad, page(changed(1, "2026-11-22T18:00:00Z"))])
    found = shopify.poll_orders(ctx, "2026-11-22T18:00:00Z old-place")
    assert [one.platform_id for one in found.orders] == ["1"]
    assert [one["variables"]["after"] for one in asked] == ["old-place", None]


def test_one_that_cannot_be_read_stops_nobody(ctx: TestContext, answers: Answers) -> None:
    """Its id is given out; the others are there."""
    broken = changed(2, "2026-11-22T18:00:00Z") | {"totalPriceSet": None}
    found_page = page(changed(1, "2026-11-22T18:01:00Z"), broken, changed(3, "2026-11-22T18:00:30Z"))
    answers(Orders=found_page)
    found = shopify.poll_orders(ctx, "2026-11-22T18:00:00Z")
    assert ([one.platform_id for one in found.orders], found.unreadable) == (["3", "1"], ("2",))


def test_a_long_order_in_a_list_is_read_to_its_end(ctx: TestContext, answers: Answers) -> None:
    """A list shows ten lines of each order; the others are fetched."""
    cut = changed(1, "2026-11-22T18:00:00Z") | {"lineItems": b.nodes(b.line(1), more="x")}
    answers(Orders=page(cut), MoreOfOrder={"order": {"lineItems": b.nodes(b.line(2))}})
    found = shopify.poll_orders(ctx, "2026-11-22T18:00:00Z")
    assert [line.id for line in found.orders[0].lines] == ["1", "2"]


def test_a_failing_shop_moves_no_cursor(ctx: TestContext, answers: Answers) -> None:
    """It comes out as TryLater; whoever asked keeps its cursor."""
    answers(Orders={"errors": [{"message": "Internal error", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]})
    with pytest.raises(TryLater):
        shopify.poll_orders(ctx, "2026-11-22T18:00:00Z")


def test_what_is_no_cursor(ctx: TestContext) -> None:
    """Said with how one looks."""
    with pytest.raises(ConfigError, match="2026-11-22T18:00:00Z"):
        shopify.poll_orders(ctx, "yesterday")
