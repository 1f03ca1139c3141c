"""Changes of a Shopify order through the real ledger: answers get lost, and everything is done once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector import LineQuantity, MoneyMoved, RefundRequest, Shipment, StockChange, TryLater
from connector.outbound.ledger import Ledger
from connector.plugins import shopify
from connector.testing import make_context
from tests.outbound.conftest import desk
from tests.store.lasting import database_url, lasting
from tests.store.world import NOW

from .building import gid
from .conftest import CONFIG
from .test_refunds import SALE, suggested, way
from .writing import ORDER, Shop, eur, order, place

__all__ = ["database_url", "desk", "lasting"]


@pytest.fixture
def shop(answers):
    shop = Shop()
    shop.suggested = suggested(way(SALE, "30.0"))
    answers(**shop.answers())
    return shop


@pytest.fixture
def ctx(desk, shop):
    desk.hand.platform_id = ORDER
    made = make_context(shopify, CONFIG, platform_id=ORDER, request_id="r1")

    def begin(underway):
        desk.underway = underway
        made.effect.books.underway, made.effect.books.written = True, False

    shop.leaving = lambda: desk.underway.last_check()
    ledger = Ledger(
        database=desk.database,
        install="install",
        account_id="a1",
        account_name="shop",
        holder=desk.hand,
        request_id="r1",
        rules=shopify.describe().effects,
        find=lambda effect: shopify.find_effect(made, effect),
        begin=begin,
        end=lambda: None,
        wait_turn=lambda points: None,
        now=lambda: NOW,
        watch=lambda transition: None,
    )
    return replace(made, effect=ledger)


@pytest.mark.parametrize("lose", ["before", "after"])
def test_a_refund(ctx, shop, lose):
    """The repeat goes out at once, to the letter, though nothing is left to give back by then."""
    shop.lose = lose
    with pytest.raises(TryLater):
        shopify.refund_payment(ctx, order(), RefundRequest(id="r1", amount=eur("30.00")))
    shop.suggested = suggested(amount="0.0", most="0.0")
    done = shopify.refund_payment(ctx, order(), RefundRequest(id="r1", amount=eur("30.00")))
    assert done.money is MoneyMoved.MOVED
    assert len(shop.refunds) == 1
    assert shop.changes[0] == shop.changes[1]
    assert shopify.refund_payment(ctx, order(), RefundRequest(id="r1", amount=eur("30.00"))) == done
    assert len(shop.changes) == 2


@pytest.mark.parametrize("lose", ["", "before", "after"])
def test_stock(ctx, shop, lose):
    """Counted once; a sale before it was done is no obstacle, and one between two tries is not counted away."""
    change = StockChange(id="r1", product_id="71", variant_id="72", change=2)
    adjust = shop._inventory_adjust_quantities

    def sold(variables):
        shop.stock["41"], shop._inventory_adjust_quantities = 9, adjust
        return adjust(variables)

    shop._inventory_adjust_quantities, shop.lose = (adjust if lose else sold), lose
    with pytest.raises(TryLater):
        shopify.adjust_inventory(ctx, change)
    assert shopify.adjust_inventory(ctx, change) is True
    assert shop.stock["41"] == (12 if lose else 11)


@pytest.mark.parametrize("lose", ["before", "after"])
def test_a_shipment_from_two_places(ctx, shop, desk, lose):
    """The first answer is lost: it is looked up when its time has come, and each place is told once."""
    shop.places = [place(31, 41, (51, "11", 1)), place(32, 42, (61, "11", 1))]
    parcel = Shipment(id="r1", lines=(LineQuantity(line_id="11", quantity=2),), tracking_number="1Z1", carrier="UPS")
    shop.lose = lose
    for _ in range(2):
        with pytest.raises(TryLater):
            shopify.push_shipment(ctx, order(), parcel)
    assert len(shop.changes) == 1
    desk.later(200)
    shopify.push_shipment(ctx, order(), parcel)
    left = [row["remainingQuantity"] for one in shop.places for row in one["lineItems"]["nodes"]]
    assert (left, len(shop.parcels)) == ([0, 0], 2)
    assert {one["id"] for one in shop.parcels} == {gid("Fulfillment", 901), gid("Fulfillment", 902)}
