"""Setting the shop's status and calling orders off: what may follow what is our own table."""

from __future__ import annotations

import pytest
import requests

from connector import (
    Cancelled,
    CancelRequest,
    CannotTell,
    Happened,
    NotHappened,
    OutcomeUnknown,
    PlatformStatus,
    Refused,
    StatusChange,
    TryLater,
    Unsupported,
)
from connector.plugins import woocommerce
from connector.testing import next_act

from .conftest import API, sent_json

ORDER = f"{API}/orders/58"


def change(status):
    return StatusChange(status=PlatformStatus(status))


def puts(shop):
    return [sent_json(call) for call in shop.calls if call.request.method == "PUT"]


@pytest.fixture
def raw(paid):
    return paid | {"id": 58}


@pytest.fixture
def order(ctx, raw):
    return woocommerce.parse_order(ctx, raw)


def test_a_status_is_set_and_the_order_comes_back(ctx, shop, raw, order):
    """The word of WooCommerce is sent, and the answer is the order after it."""
    shop.get(ORDER, json=raw)
    shop.put(ORDER, json=raw | {"status": "completed"})
    after = woocommerce.push_status(ctx, order, change("completed"))
    assert after.means is PlatformStatus.COMPLETED
    assert puts(shop) == [{"status": "completed"}]
    assert ctx.effect.sent[0].before == {"status": "processing"}


def test_a_status_that_is_there_is_not_set_again(ctx, shop, raw, order):
    """Nothing is written, but the ledger knows: an earlier call whose answer was lost would else stay unknown."""
    shop.get(ORDER, json=raw | {"status": "completed"})
    assert woocommerce.push_status(ctx, order, change("completed")).means is PlatformStatus.COMPLETED
    assert puts(shop) == []
    assert ctx.effect.sent[0].before == {"status": "completed"}


def test_a_repeat_is_not_sent_and_returns_none(ctx, shop, raw, order):
    """Done by the ledger; if staff has set it back since, it is not set a second time."""
    shop.get(ORDER, json=raw)
    shop.put(ORDER, json=raw | {"status": "completed"})
    woocommerce.push_status(ctx, order, change("completed"))
    assert woocommerce.push_status(ctx, order, change("completed")) is None
    assert len(puts(shop)) == 1


@pytest.mark.parametrize("status", ["cancelled", "refunded", "trash", "checkout-draft"])
def test_fact_10_what_the_shop_has_ended_is_not_undone(ctx, shop, raw, order, status):
    """All 49 changes are allowed by the shop; a status set by staff is a decision."""
    shop.get(ORDER, json=raw | {"status": status})
    with pytest.raises(Refused, match="not undone"):
        woocommerce.push_status(ctx, order, change("completed"))
    assert puts(shop) == []


def test_fact_10_completed_stays_completed(ctx, shop, raw, order):
    """Nothing leads back from completed."""
    shop.get(ORDER, json=raw | {"status": "completed"})
    with pytest.raises(Refused):
        woocommerce.push_status(ctx, order, change("open"))


def test_fact_10_a_change_meanwhile_is_read_first(ctx, shop, raw, order):
    """The last writer wins in the shop, so we do not write on a stale view."""
    shop.get(ORDER, json=raw | {"status": "on-hold"})
    with pytest.raises(TryLater, match="read again"):
        woocommerce.push_status(ctx, order, change("completed"))
    assert puts(shop) == []


def test_a_status_of_another_plugin_is_not_overwritten(ctx, context, shop, raw):
    """Unless the account says what it means."""
    packed = raw | {"status": "packed"}
    shop.get(ORDER, json=packed)
    with pytest.raises(Refused, match="`statuses`"):
        woocommerce.push_status(ctx, woocommerce.parse_order(ctx, packed), change("completed"))
    told = context(statuses={"packed": "open"})
    shop.put(ORDER, json=raw | {"status": "completed"})
    assert woocommerce.push_status(told, woocommerce.parse_order(told, packed), change("completed"))


@pytest.mark.parametrize("status", ["refunded", "deleted", "draft", "unknown"])
def test_fact_19_statuses_that_cannot_be_set(ctx, shop, order, status):
    """`refunded` would write a refund without money; the others are no statuses to set. Said before anything is read."""
    with pytest.raises(Unsupported):
        woocommerce.push_status(ctx, order, change(status))
    assert len(shop.calls) == 0


def test_a_shop_that_answers_and_does_otherwise(ctx, shop, raw, order):
    """A plugin of the shop may veto: 200, and the old status."""
    shop.get(ORDER, json=raw)
    shop.put(ORDER, json=raw)
    with pytest.raises(Refused, match="a plugin there decides otherwise"):
        woocommerce.push_status(ctx, order, change("completed"))


def test_fact_11_a_missing_order_is_refused(ctx, shop, raw, order, recorded):
    """GET 404, and PUT 400 where it goes in between."""
    shop.get(ORDER, status=404, json=recorded.body("10", "get missing order"))
    with pytest.raises(Refused, match="does not have this order"):
        woocommerce.push_status(ctx, order, change("completed"))
    shop.replace("GET", ORDER, json=raw)
    shop.put(ORDER, status=400, json=recorded.body("10", "put missing order"))
    with pytest.raises(Refused, match=r"Invalid ID\."):
        woocommerce.push_status(next_act(ctx, request_id="r2"), order, change("completed"))


def test_a_status_that_the_shop_does_not_know(ctx, shop, raw, order, recorded):
    """The recorded 400 is a refusal with the shop's words."""
    answer = recorded.exchange("05", "status 'shipped'")["response"]
    shop.get(ORDER, json=raw)
    shop.put(ORDER, status=answer["status"], json=answer["body"])
    with pytest.raises(Refused, match=r"Invalid parameter\(s\): status"):
        woocommerce.push_status(ctx, order, change("completed"))


# --- cancel -----------------------------------------------------------------------------------------------------------


def without_stock(raw):
    """As the shop answers after cancelling: the lines hold no stock any more."""
    lines = [line | {"meta_data": []} for line in raw["line_items"]]
    return raw | {"status": "cancelled", "line_items": lines}


def test_fact_21_cancelling_puts_stock_back(ctx, shop, raw, order):
    """The shop does it itself, and says so by taking `_reduced_stock` off the lines."""
    shop.get(ORDER, json=raw)
    shop.put(ORDER, json=without_stock(raw))
    assert woocommerce.cancel_order(ctx, order, CancelRequest(id="r1")) == Cancelled(restocked=True, vendor_id="58")
    assert puts(shop) == [{"status": "cancelled"}]


def test_an_order_that_is_cancelled_is_not_cancelled_again(ctx, shop, raw, order):
    """By staff, or by us before a cut: nothing is written."""
    shop.get(ORDER, json=without_stock(raw))
    assert woocommerce.cancel_order(ctx, order, CancelRequest(id="r1")).restocked is True
    assert puts(shop) == []


def test_fact_21_a_refunded_order_stays_refunded_and_keeps_its_stock(ctx, shop, raw, order):
    """It is over already; the stock is not back, so somebody else has to put it back."""
    shop.get(ORDER, json=raw | {"status": "refunded"})
    assert woocommerce.cancel_order(ctx, order, CancelRequest(id="r1")).restocked is False
    assert puts(shop) == []


def test_cancelling_without_restock_cannot_be_done(ctx, shop, order):
    """Said before anything is read."""
    with pytest.raises(Unsupported, match="puts the stock back"):
        woocommerce.cancel_order(ctx, order, CancelRequest(id="r1", restock=False))
    assert len(shop.calls) == 0


def test_a_completed_order_is_too_late_to_cancel(ctx, shop, raw, order):
    """Completed means: on its way."""
    shop.get(ORDER, json=raw | {"status": "completed"})
    with pytest.raises(Refused, match="not undone"):
        woocommerce.cancel_order(ctx, order, CancelRequest(id="r1"))


def test_a_repeated_cancel_says_the_same(ctx, shop, raw, order):
    """After a cut the second call finds it cancelled."""
    shop.get(ORDER, json=raw)
    shop.put(ORDER, json=without_stock(raw))
    first = woocommerce.cancel_order(ctx, order, CancelRequest(id="r1"))
    shop.replace("GET", ORDER, json=without_stock(raw))
    assert woocommerce.cancel_order(ctx, order, CancelRequest(id="r1")) == first
    assert len(puts(shop)) == 1


# --- no answer --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "target"), [("push_status", "completed"), ("cancel_order", "cancelled")])
def test_a_lost_answer_is_judged_by_the_status(ctx, shop, raw, order, kind, target):
    """Wanted: happened. As before: not happened. Anything else was somebody else: a person. Gone: a person."""
    shop.get(ORDER, json=raw)
    shop.put(ORDER, body=requests.ConnectionError("reset"))
    call = {
        "push_status": lambda: woocommerce.push_status(ctx, order, change("completed")),
        "cancel_order": lambda: woocommerce.cancel_order(ctx, order, CancelRequest(id="r1")),
    }[kind]
    with pytest.raises(OutcomeUnknown):
        call()
    effect = ctx.effect.lost(kind)
    for now, expected in ((target, Happened), ("processing", NotHappened), ("failed", CannotTell)):
        shop.replace("GET", ORDER, json=raw | {"status": now})
        assert isinstance(woocommerce.find_effect(ctx, effect), expected), now
    shop.replace("GET", ORDER, status=404, json={"code": "woocommerce_rest_shop_order_invalid_id", "message": "Invalid ID."})
    assert isinstance(woocommerce.find_effect(ctx, effect), CannotTell)
