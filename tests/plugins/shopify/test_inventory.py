"""Stock put back or taken: once, from what is there."""

from __future__ import annotations

import pytest

from connector import Effect, EffectState, Happened, NotHappened, Refused, StockChange, TryLater
from connector.plugins import shopify
from connector.testing import make_context

from .building import gid
from .conftest import CONFIG
from .writing import ORDER, Shop, must_fit, stale

BACK = StockChange(id="k1", product_id="71", variant_id="72", change=2)


@pytest.fixture
def shop():
    return Shop()


@pytest.fixture
def ctx():
    return make_context(shopify, CONFIG, account="shop", platform_id=ORDER, request_id="k1")


@pytest.fixture(autouse=True)
def asked(answers, shop, schema):
    """Whatever is sent fits Shopify's schema."""
    asked = answers(**shop.answers())
    yield asked
    must_fit(schema, asked)


def test_two_more_where_the_order_leaves_from(ctx, shop):
    """From the quantity that was read just before; once."""
    shop.stock["42"] = 3
    for _ in range(2):
        assert shopify.adjust_inventory(ctx, BACK) is True
    assert shop.stock == {"41": 12, "42": 3}
    ((_, sent),) = shop.changes
    assert sent["input"] == {
        "name": "available",
        "reason": "restock",
        "referenceDocumentUri": gid("Order", ORDER),
        "changes": [
            {
                "delta": 2,
                "changeFromQuantity": 10,
                "inventoryItemId": gid("InventoryItem", 81),
                "locationId": gid("Location", 41),
            }
        ],
    }


def test_what_is_not_counted(ctx, shop):
    """False, and nothing is sent."""
    shop.tracked = False
    assert shopify.adjust_inventory(ctx, BACK) is False
    assert shop.changes == []


def test_at_which_location(shop, ctx):
    """The order's, else the account's, else the only one; else a person says it."""
    shop.places, shop.stock = [], {"42": 1, "43": 1}
    with pytest.raises(Refused, match="2 locations: say in `restock_location`"):
        shopify.adjust_inventory(ctx, BACK)
    told = make_context(shopify, CONFIG | {"restock_location": "43"}, platform_id=ORDER, request_id="k1")
    assert shopify.adjust_inventory(told, BACK) is True
    shop.stock = {"42": 1}
    alone = make_context(shopify, CONFIG, platform_id=ORDER, request_id="k1")
    assert shopify.adjust_inventory(alone, BACK) is True
    assert shop.stock == {"42": 3}


def test_a_sale_in_the_same_moment(ctx, shop):
    """Nothing was changed; it is read anew and done with a key of its own."""
    adjust = shop._inventory_adjust_quantities

    def sold(variables):
        shop.stock["41"], shop._inventory_adjust_quantities = 9, adjust
        return adjust(variables)

    shop._inventory_adjust_quantities = sold
    with pytest.raises(TryLater, match="in the same moment"):
        shopify.adjust_inventory(ctx, BACK)
    assert shopify.adjust_inventory(ctx, BACK) is True
    assert shop.stock["41"] == 11
    assert len({sent["key"] for _, sent in shop.changes}) == 2


@pytest.mark.parametrize("lose", ["before", "after"])
def test_a_lost_answer(ctx, shop, lose):
    """The same call again under the same key: counted once, also when somebody bought one meanwhile."""
    shop.lose = lose
    with pytest.raises(TryLater):
        shopify.adjust_inventory(ctx, BACK)
    if lose == "after":
        shop.stock["41"] -= 1
    assert shopify.adjust_inventory(ctx, BACK) is True
    assert shop.stock["41"] == (11 if lose == "after" else 12)
    assert shop.changes[0] == shop.changes[1]


@pytest.mark.parametrize(("now", "outcome"), [(12, True), (11, Refused), (10, TryLater)])
def test_a_lost_answer_and_another_count(ctx, shop, now, outcome):
    """Shopify says that the quantity is not the one from before: only the stock itself can tell."""
    shop.lose = "before"
    with pytest.raises(TryLater):
        shopify.adjust_inventory(ctx, BACK)
    shop.stock["41"] = now
    shop.no = [stale("The changeFromQuantity argument no longer matches the persisted quantity.")]
    if outcome is True:
        assert shopify.adjust_inventory(ctx, BACK) is True
    else:
        with pytest.raises(outcome):
            shopify.adjust_inventory(ctx, BACK)
    assert shop.stock["41"] == now


def test_the_finder(ctx, shop):
    """When the key is forgotten: before, wanted, or somebody else's."""
    effect = Effect(
        key="i/a/o/adjust_inventory/k1/1",
        kind="adjust_inventory",
        request_id="k1",
        attempt=1,
        state=EffectState.UNKNOWN,
        request={"product": "71", "variant": "72", "change": 2},
        before={"item": "81", "location": "41", "stock": 10},
    )
    assert shopify.find_effect(ctx, effect) == NotHappened()
    shop.stock["41"] = 12
    assert shopify.find_effect(ctx, effect) == Happened(answer={"id": "", "stock": 12})
    shop.stock["41"] = 7
    assert "it was 10 before, and is 7 now" in shopify.find_effect(ctx, effect).text
