"""Holds of ours on Shopify, and nobody else's."""

from __future__ import annotations

import pytest

from connector import Hold, HoldReason, OutcomeUnknown, Refused
from connector.plugins import shopify
from connector.plugins.shopify.marks import handle
from connector.testing import make_context, next_act

from .building import gid
from .conftest import CONFIG
from .writing import NOW, ORDER, Shop, must_fit, order, place

HOLD = Hold(reason=HoldReason.FRAUD_RISK, code="risk", text="Look at it.", who="review", since=NOW)
OURS = handle(HoldReason.FRAUD_RISK, "risk")


@pytest.fixture
def shop():
    shop = Shop()
    shop.places = [place(31, 41, (51, "11", 2)), place(32, 42, (61, "12", 1)), place(33, 43, (71, "12", 0), status="CLOSED")]
    return shop


@pytest.fixture
def ctx():
    return make_context(shopify, CONFIG | {"tags": True}, account="shop", platform_id=ORDER, request_id="h1")


@pytest.fixture(autouse=True)
def asked(answers, shop, schema):
    """Whatever is sent fits Shopify's schema."""
    asked = answers(**shop.answers())
    yield asked
    must_fit(schema, asked)


def handles(shop):
    return [[hold["handle"] for hold in one["fulfillmentHolds"]] for one in shop.places]


def test_everything_open_is_held_once(ctx, shop):
    """With our handle, Shopify's word for the reason and our text; the merchant is not mailed. One tag."""
    assert shopify.set_hold(ctx, order(), HOLD) is True
    assert shopify.set_hold(ctx, order(), HOLD) is True
    assert handles(shop) == [[OURS], [OURS], []]
    assert shop.changes[0][1]["hold"] == {
        "reason": "HIGH_RISK_OF_FRAUD",
        "reasonNotes": "Look at it.",
        "notifyMerchant": False,
        "handle": OURS,
    }
    assert shop.tags == ["vip", "oc-hold"]
    assert [name for name, _ in shop.changes] == ["FulfillmentOrderHold", "FulfillmentOrderHold", "TagsAdd"]


def test_ours_goes_and_the_others_stay(ctx, shop):
    """Released by its id, so that the hold of staff and another one of ours are left; the tag goes with our last one."""
    other = Hold(reason=HoldReason.ADDRESS, code="address", who="review", since=NOW)
    shop.places[0]["fulfillmentHolds"] = [{"id": gid("FulfillmentHold", 1), "handle": "", "heldByRequestingApp": False}]
    shopify.set_hold(ctx, order(), HOLD)
    shopify.set_hold(next_act(ctx, request_id="h2"), order(), other)
    assert shopify.release_hold(next_act(ctx, request_id="r1"), order(), HOLD) is True
    assert handles(shop) == [["", handle(HoldReason.ADDRESS, "address")], [handle(HoldReason.ADDRESS, "address")], []]
    assert "oc-hold" in shop.tags
    shopify.release_hold(next_act(ctx, request_id="r2"), order(), other)
    assert handles(shop) == [[""], [], []]
    assert shop.tags == ["vip"]


def test_another_apps_hold_of_the_same_name_is_left(ctx, shop):
    """A handle is unique for one app only."""
    shop.places[0]["fulfillmentHolds"] = [{"id": gid("FulfillmentHold", 1), "handle": OURS, "heldByRequestingApp": False}]
    shopify.release_hold(ctx, order(), HOLD)
    assert handles(shop)[0] == [OURS]


def test_nothing_left_to_hold(ctx, shop):
    """False: Shopify does not show it, and no tag says otherwise."""
    shop.places = shop.places[2:]
    assert shopify.set_hold(ctx, order(), HOLD) is False
    assert shop.changes == []


def test_a_duplicate_is_no_problem(ctx, shop):
    """It is there already: that is what was wanted."""
    shop.places = shop.places[:1]
    text = (
        "The handle provided for the fulfillment hold is already in use by this app for another hold on this fulfillment order."
    )
    shop.no = [{"code": "DUPLICATE_FULFILLMENT_HOLD_HANDLE", "field": ["fulfillmentHold", "handle"], "message": text}]
    assert shopify.set_hold(ctx, order(), HOLD) is True


def test_ten_holds_are_the_most(ctx, shop):
    """Shopify's no is told in words."""
    text = "The maximum number of fulfillment holds for this fulfillment order has been reached for this app."
    shop.no = [{"code": "FULFILLMENT_ORDER_HOLD_LIMIT_REACHED", "field": ["id"], "message": text}]
    with pytest.raises(Refused, match="Release one first"):
        shopify.set_hold(ctx, order(), HOLD)


@pytest.mark.parametrize("lose", ["before", "after"])
def test_a_lost_answer(ctx, shop, lose):
    """Looked up by our handle: held once each, and released once each."""
    shop.lose = lose
    with pytest.raises(OutcomeUnknown):
        shopify.set_hold(ctx, order(), HOLD)
    ctx.effect.time_passes(200)
    assert shopify.set_hold(ctx, order(), HOLD) is True
    assert handles(shop) == [[OURS], [OURS], []]
    release = next_act(ctx, request_id="r1")
    shop.lose = lose
    with pytest.raises(OutcomeUnknown):
        shopify.release_hold(release, order(), HOLD)
    ctx.effect.time_passes(200)
    assert shopify.release_hold(release, order(), HOLD) is True
    assert handles(shop) == [[], [], []]


@pytest.mark.parametrize("lose", ["before", "after"])
def test_a_lost_answer_of_the_tag(ctx, shop, lose):
    """The tag is there once."""
    hold = shop._fulfillment_order_hold

    def then_lose(variables):
        made = hold(variables)
        shop.lose = lose if variables["id"] == gid("FulfillmentOrder", 32) else ""
        return made

    shop._fulfillment_order_hold = then_lose
    with pytest.raises(OutcomeUnknown):
        shopify.set_hold(ctx, order(), HOLD)
    ctx.effect.time_passes(200)
    shopify.set_hold(ctx, order(), HOLD)
    assert shop.tags == ["vip", "oc-hold"]
