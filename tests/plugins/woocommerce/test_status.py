"""Setting the shop's status and calling orders off: what may follow what is our own table."""

from __future__ import annotations

import json

import pytest
import requests

from connector import (
    Cancelled,
    CancelRequest,
    CannotTell,
    CheckResult,
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
from connector.plugins.woocommerce.status import check_words
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


OVER = ("completed", "cancelled", "refunded", "trash", "checkout-draft")


@pytest.mark.parametrize("status", OVER)
@pytest.mark.parametrize("wanted", ["open", "on_hold", "unpaid", "failed", "completed", "cancelled"])
def test_fact_10_what_the_shop_has_ended_is_not_undone(ctx, shop, raw, status, wanted):
    """All 49 changes are allowed by the shop; for us nothing leads out of a final state, and nothing is sent."""
    ended = raw | {"status": status}
    shop.get(ORDER, json=ended)
    order = woocommerce.parse_order(ctx, ended)
    if order.means == wanted:
        woocommerce.push_status(ctx, order, change(wanted))
    else:
        with pytest.raises(Refused, match="not undone"):
            woocommerce.push_status(ctx, order, change(wanted))
    assert puts(shop) == []


@pytest.mark.parametrize("status", OVER)
def test_fact_10_what_staff_decided_meanwhile_is_read_first(ctx, shop, raw, order, status):
    """It is theirs to decide: what follows from it is done before anything of ours is written."""
    shop.get(ORDER, json=raw | {"status": status})
    with pytest.raises(TryLater, match="read again"):
        woocommerce.push_status(ctx, order, change("on_hold"))
    assert puts(shop) == []


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
    order = woocommerce.parse_order(ctx, raw | {"status": "completed"})
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


# --- words of the shop's own plugins ----------------------------------------------------------------------------------


OWN = {"completed": "wc-delivered-to-carrier"}


def test_the_words_of_another_plugin_are_written(context, shop, raw):
    """The shop calls a completed order otherwise: that word is set, and its echo means completed."""
    ctx = context(writes=OWN)
    shop.get(ORDER, json=raw)
    shop.put(ORDER, json=raw | {"status": "delivered-to-carrier"})
    after = woocommerce.push_status(ctx, woocommerce.parse_order(ctx, raw), change("completed"))
    assert puts(shop) == [{"status": "delivered-to-carrier"}]
    assert after.means is PlatformStatus.COMPLETED


@pytest.mark.parametrize("status", ["delivered-to-carrier", "completed"])
def test_either_word_is_there_already(context, shop, raw, status):
    """What staff completed by the shop's usual word is not moved to ours."""
    ctx = context(writes=OWN)
    shop.get(ORDER, json=raw | {"status": status})
    woocommerce.push_status(ctx, woocommerce.parse_order(ctx, raw), change("completed"))
    assert puts(shop) == []


def test_nothing_leads_out_of_a_final_status_of_another_plugin(context, shop, raw):
    """It is as final as the one that it stands for."""
    ctx = context(writes=OWN)
    ended = raw | {"status": "delivered-to-carrier"}
    shop.get(ORDER, json=ended)
    with pytest.raises(Refused, match="not undone"):
        woocommerce.push_status(ctx, woocommerce.parse_order(ctx, ended), change("open"))


def test_a_word_that_the_shop_does_not_know_is_refused(context, shop, raw, recorded):
    """A PUT with it is 400 (recorded), and the order stays as it is; we never use the batch, which would make it pending."""
    ctx = context(writes={"completed": "shipped"})
    answer = recorded.exchange("05", "status 'shipped'")["response"]
    shop.get(ORDER, json=raw)
    shop.put(ORDER, json=answer["body"], status=answer["status"])
    with pytest.raises(Refused, match="status"):
        woocommerce.push_status(ctx, woocommerce.parse_order(ctx, raw), change("completed"))


@pytest.mark.parametrize(
    ("writes", "statuses", "why"),
    [
        ({"refunded": "given-back"}, {}, "is not possible"),
        ({"deleted": "trash"}, {}, "is not possible"),
        ({"cancelled": "trash"}, {}, "is no status to set"),
        ({"completed": "processing"}, {}, "means open"),
        ({"completed": "packed"}, {"packed": "open"}, "means open"),
        ({"completed": "packed", "open": "wc-packed"}, {}, "each needs its own"),
    ],
)
def test_words_that_cannot_be_meant(context, writes, statuses, why):
    """What we write has to be read as the same, or it would look like a decision of staff."""
    with pytest.raises(Exception, match=why):
        context(writes=writes, statuses=statuses)


def test_check_asks_the_shop_for_every_word(context, shop, recorded):
    """One that it does not know is refused where it would be written, and a warning where it is only read."""
    unknown = recorded.exchange("04", "status unknown")["response"]

    def answer(request):
        known = "status=delivered" in request.url
        return (200, {}, "[]") if known else (unknown["status"], {}, json.dumps(unknown["body"]))

    shop.add_callback("GET", f"{API}/orders", callback=answer, content_type="application/json")
    said = [
        (check.result, check.text)
        for check in check_words(context(writes={"completed": "delivered", "open": "picking"}, statuses={"odd": "on_hold"}))
    ]
    assert said == [
        (CheckResult.FAILED, "writes: the shop has no order status 'picking'."),
        (CheckResult.WARNING, "statuses: the shop has no order status 'odd'."),
    ]
    (check,) = check_words(context(writes={"completed": "delivered"}))
    assert (check.result, check.text) == (CheckResult.OK, "Set in the shop: completed as 'delivered'.")
    assert check_words(context()) == []
