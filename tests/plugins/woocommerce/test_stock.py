"""Stock is set, not added to: read directly before, and judged by what was there before."""

from __future__ import annotations

from dataclasses import replace

import pytest
import requests

from connector import CannotTell, Happened, NotHappened, OutcomeUnknown, StockChange
from connector.plugins import woocommerce

from .conftest import API, sent_json

MUG, TEE = f"{API}/products/13", f"{API}/products/19"


def product(stock, number=13, manage=True):
    return {"id": number, "manage_stock": manage, "stock_quantity": stock}


def puts(shop):
    return [(call.request.url.partition("/wc/v3/")[2], sent_json(call)) for call in shop.calls if call.request.method == "PUT"]


def test_stock_is_read_and_set(ctx, shop):
    """Two back on top of 50 is 52; a repeat sets nothing."""
    shop.get(MUG, json=product(50))
    shop.put(MUG, json=product(52))
    for _ in range(2):
        assert woocommerce.adjust_inventory(ctx, StockChange(id="c1", product_id="13", change=2)) is True
    assert puts(shop) == [("products/13", {"stock_quantity": 52})]
    assert ctx.effect.sent[0].before == {"path": "products/13", "stock": 50}


def test_a_variation_has_its_own_stock_or_its_products(ctx, context, shop):
    """`manage_stock: parent` means that the product counts for all its variations."""
    shop.get(f"{TEE}/variations/21", json=product(10, 21))
    shop.put(f"{TEE}/variations/21", json=product(9, 21))
    change = StockChange(id="c1", product_id="19", variant_id="21", change=-1)
    assert woocommerce.adjust_inventory(ctx, change) is True
    shop.replace("GET", f"{TEE}/variations/21", json=product(None, 21, "parent"))
    shop.get(TEE, json=product(40, 19))
    shop.put(TEE, json=product(39, 19))
    assert woocommerce.adjust_inventory(context(), change) is True
    assert [path for path, _ in puts(shop)] == ["products/19/variations/21", "products/19"]


def test_stock_that_is_not_counted(ctx, shop):
    """False, and nothing is written."""
    shop.get(MUG, json=product(None, manage=False))
    assert woocommerce.adjust_inventory(ctx, StockChange(id="c1", product_id="13", change=2)) is False
    assert puts(shop) == []


def test_a_lost_answer_is_judged_by_the_stock(ctx, shop):
    """Wanted: happened. As before: not happened. Another number: somebody sold or counted. Gone: a person."""
    shop.get(MUG, json=product(50))
    shop.put(MUG, body=requests.ConnectionError("reset"))
    with pytest.raises(OutcomeUnknown):
        woocommerce.adjust_inventory(ctx, StockChange(id="c1", product_id="13", change=2))
    effect = ctx.effect.lost("adjust_inventory")
    shop.get(f"{API}/orders/58", json={"id": 58, "status": "refunded"})
    for stock, expected in ((52, Happened), (50, NotHappened), (49, CannotTell)):
        shop.replace("GET", MUG, json=product(stock))
        assert isinstance(woocommerce.find_effect(ctx, effect), expected), stock
    shop.replace("GET", MUG, status=404, json={"code": "woocommerce_rest_product_invalid_id", "message": "Invalid ID."})
    assert isinstance(woocommerce.find_effect(ctx, effect), CannotTell)


@pytest.mark.parametrize(
    ("status", "change", "expected"),
    [("cancelled", 2, CannotTell), ("pending", 2, CannotTell), ("refunded", 2, Happened), ("cancelled", -2, Happened)],
)
def test_what_the_shop_may_have_put_back_itself(ctx, shop, status, change, expected):
    """Ours got lost, and staff cancelled the order: the same pieces are back, and nobody can tell whose doing it was."""
    shop.get(MUG, json=product(50))
    shop.put(MUG, body=requests.ConnectionError("reset"))
    with pytest.raises(OutcomeUnknown):
        woocommerce.adjust_inventory(ctx, StockChange(id="c1", product_id="13", change=change))
    effect = replace(ctx.effect.lost("adjust_inventory"), platform_id="58")
    shop.replace("GET", MUG, json=product(50 + change))
    shop.get(f"{API}/orders/58", json={"id": 58, "status": status})
    assert isinstance(woocommerce.find_effect(ctx, effect), expected)


def test_a_product_that_is_gone_is_not_counted(ctx, shop):
    """Deleted products need no stock; nothing is written."""
    shop.get(MUG, status=404, json={"code": "woocommerce_rest_product_invalid_id", "message": "Invalid ID."})
    assert woocommerce.adjust_inventory(ctx, StockChange(id="c1", product_id="13", change=2)) is False
    assert puts(shop) == []


def test_a_lost_answer_is_not_sent_again(ctx, shop):
    """Looked up and found by the stock: the repeat reads and writes nothing more."""
    shop.get(MUG, json=product(50))
    shop.put(MUG, body=requests.ConnectionError("reset"))
    change = StockChange(id="c1", product_id="13", change=2)
    with pytest.raises(OutcomeUnknown):
        woocommerce.adjust_inventory(ctx, change)
    ctx.effect.lost("adjust_inventory")
    shop.get(f"{API}/orders/58", json={"id": 58, "status": "refunded"})
    shop.replace("GET", MUG, json=product(52))
    ctx.effect.time_passes(3600)
    assert woocommerce.adjust_inventory(ctx, change) is True
    assert len(puts(shop)) == 1
