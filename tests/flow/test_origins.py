"""Where the platform has the goods in several places, each parcel leaves from one of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.model.flow import Stage
from tests.flow.paper_shop import PaperShop, open_paper

TWO_PLACES = {"lines": {"l1": 2, "l2": 1}, "total": 7500, "captured": 7500}


@pytest.fixture
def shop(tmp_path: Path, sqlite_url: str) -> Iterator[PaperShop]:
    with open_paper(tmp_path, sqlite_url) as shop:
        yield shop


def sent(shop: PaperShop) -> list[tuple[str, dict[str, Any]]]:
    return [(one["origin"], one["lines"]) for one in shop.happened("push_shipment")]


def test_one_place_that_has_it_all_sends_it_all(shop: PaperShop) -> None:
    """One parcel, from there."""
    order = shop.place("1", **TWO_PLACES, places={"wien": {"l1": 1}, "graz": {"l1": 2, "l2": 1}})
    assert shop.command(order, "ship", carrier="UPS", tracking="1Z999AA10123456784") == ""
    assert sent(shop) == [("graz", {"l1": 2, "l2": 1})]


def test_several_places_send_a_parcel_each(shop: PaperShop) -> None:
    """Without a number, which a person enters for each later, one command ships all of them."""
    order = shop.place("1", **TWO_PLACES, places={"wien": {"l1": 2}, "graz": {"l2": 1}})
    assert shop.command(order, "ship", carrier="UPS") == ""
    assert sent(shop) == [("wien", {"l1": 2}), ("graz", {"l2": 1})]
    assert shop.case(order).stage is Stage.COMPLETED


def test_one_number_is_not_given_to_two_parcels(shop: PaperShop) -> None:
    """The command says which places there are, and takes one of them by name."""
    order = shop.place("1", **TWO_PLACES, places={"wien": {"l1": 2}, "graz": {"l2": 1}})
    why = shop.command(order, "ship", carrier="UPS", tracking="1Z999AA10123456784")
    assert "leaves from Wien and Graz" in why
    assert "--origin" in why
    assert shop.command(order, "ship", carrier="UPS", tracking="1Z999AA10123456784", origin="Graz") == ""
    assert sent(shop) == [("graz", {"l2": 1})]
    assert shop.case(order).stage is Stage.PROCESSING
    assert "nothing of it is at Linz; there are Wien, Graz" in shop.command(order, "ship", origin="Linz")


def test_what_no_place_has_is_not_held_against_it(shop: PaperShop) -> None:
    """The platform has not said yet where the rest is: it is sent all the same, and the platform says if it cannot be."""
    order = shop.place("1", **TWO_PLACES, places={"wien": {"l1": 1}})
    assert shop.command(order, "ship", carrier="UPS") == ""
    assert sent(shop) == [("wien", {"l1": 1}), ("", {"l1": 1, "l2": 1})]
