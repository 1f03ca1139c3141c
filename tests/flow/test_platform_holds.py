"""What is held here is held on a platform that knows holds, and let go there before anything leaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.model.flow import Stage
from tests.flow.paper_shop import PaperShop, open_paper

SHIP = {"carrier": "UPS", "tracking": "1Z999AA10123456784"}


@pytest.fixture
def shop(tmp_path: Path, sqlite_url: str) -> Iterator[PaperShop]:
    with open_paper(tmp_path, sqlite_url) as shop:
        yield shop


def told(shop: PaperShop) -> list[tuple[str, str]]:
    return [(one["kind"], one["code"]) for one in shop.happened("set_hold", "release_hold")]


def test_a_hold_is_shown_and_taken_off(shop: PaperShop) -> None:
    """Each hold once, by itself; the platform has none left when the last one is gone."""
    order = shop.place("1", captured=5000)
    shop.command(order, "hold", reason="manual", text="Wait.")
    shop.command(order, "hold", reason="fraud_risk", text="Look.")
    assert told(shop) == [("set_hold", "manual"), ("set_hold", "manual-2")]

    shop.command(order, "release", code="manual")
    assert told(shop)[2:] == [("release_hold", "manual")]
    shop.command(order, "release")
    assert shop.order(order)["held"] == []
    shop.work()
    assert len(told(shop)) == 4


def test_a_hold_of_the_review_is_shown_too(shop: PaperShop) -> None:
    """An unpaid order is held on the platform until it is paid."""
    order = shop.place("1", authorized=0)
    assert told(shop) == [("set_hold", "unpaid")]
    shop.place(order, captured=5000)
    assert told(shop) == [("set_hold", "unpaid"), ("release_hold", "unpaid")]
    assert shop.case(order).stage is Stage.PROCESSING


def test_nothing_leaves_while_the_platform_still_shows_our_hold(shop: PaperShop) -> None:
    """The release got no answer: a parcel would be refused there, so it waits until somebody has looked."""
    order = shop.place("1", captured=5000)
    shop.command(order, "hold", reason="manual", text="Wait.")
    shop.mood("release_hold", "cut")
    shop.command(order, "release")
    assert shop.command(order, "ship", **SHIP) == ""
    assert shop.happened("push_shipment") == []

    (act,) = [act.id for act in shop.case(order).acts if act.kind == "release_hold"]
    assert shop.command(order, "resolve", act=act, happened=True) == ""
    assert len(shop.happened("push_shipment")) == 1


def test_a_hold_that_cannot_be_shown_is_no_problem(shop: PaperShop) -> None:
    """It holds here all the same; nobody has to do anything about it."""
    order = shop.place("1", captured=5000)
    shop.mood("set_hold", "refuse")
    shop.command(order, "hold", reason="manual", text="Wait.")
    assert shop.tasks(order) == []
    shop.command(order, "release")
    assert told(shop) == []
    assert shop.case(order).stage is Stage.PROCESSING


def test_a_cancelled_order_keeps_no_hold_to_be_taken_off(shop: PaperShop) -> None:
    """The platform lets its holds go when it cancels."""
    order = shop.place("1", captured=0, authorized=0)
    shop.command(order, "cancel")
    assert told(shop) == [("set_hold", "unpaid")]
    assert shop.case(order).stage is Stage.CANCELLED
