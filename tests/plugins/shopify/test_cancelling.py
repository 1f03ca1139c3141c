"""Calling an order off: once, without money, to the end of Shopify's job."""

from __future__ import annotations

import pytest

from connector import Cancelled, CancelRequest, OutcomeUnknown, Refused, TooEarly, TryLater
from connector.plugins import shopify
from connector.testing import make_context

from .conftest import CONFIG
from .writing import ORDER, Shop, must_fit, order


@pytest.fixture
def shop():
    return Shop()


@pytest.fixture
def ctx():
    return make_context(shopify, CONFIG, account="shop", platform_id=ORDER, request_id="c1")


@pytest.fixture(autouse=True)
def asked(answers, shop, schema):
    """Whatever is sent fits Shopify's schema."""
    asked = answers(**shop.answers())
    yield asked
    must_fit(schema, asked)


@pytest.mark.parametrize("restock", [True, False])
def test_cancelled_without_money(ctx, shop, restock):
    """No refund, no mail, stock as asked, our reason for the staff, cut to what Shopify takes."""
    request = CancelRequest(id="c1", reason="x" * 300, restock=restock)
    for _ in range(2):
        assert shopify.cancel_order(ctx, order(), request) == Cancelled(restocked=restock, vendor_id=ORDER)
    ((_, sent),) = shop.changes
    assert sent["refund"] == {"originalPaymentMethodsRefund": False}
    assert (sent["restock"], sent["notify"], sent["reason"], len(sent["note"])) == (restock, False, "OTHER", 255)


def test_the_job_is_followed(ctx, shop):
    """Later while it runs; done when the order says so; the call is made once."""
    shop.job_done = False
    for _ in range(2):
        with pytest.raises(TryLater, match="still cancelling"):
            shopify.cancel_order(ctx, order(), CancelRequest(id="c1"))
    shop.job_done = shop.cancelled = True
    assert shopify.cancel_order(ctx, order(), CancelRequest(id="c1")).restocked is True
    assert len(shop.changes) == 1


def test_a_job_that_ends_without_it(ctx, shop):
    """It is never taken for done: a person looks."""
    shop.job_done = False
    with pytest.raises(TryLater):
        shopify.cancel_order(ctx, order(), CancelRequest(id="c1"))
    shop.job_done = True
    with pytest.raises(Refused, match="it is not cancelled"):
        shopify.cancel_order(ctx, order(), CancelRequest(id="c1"))


def test_cancelled_by_others(ctx, shop):
    """Done; what became of the stock nobody says."""
    shop.cancelled = True
    assert shopify.cancel_order(ctx, order(), CancelRequest(id="c1")) == Cancelled(restocked=False, vendor_id=ORDER)
    assert shop.changes == []


@pytest.mark.parametrize("how", ["FULFILLED", "PARTIALLY_FULFILLED"])
def test_too_late(ctx, shop, how):
    """Something of it has left: said before anything is sent."""
    shop.sent = how
    with pytest.raises(Refused, match="fulfilled in Shopify"):
        shopify.cancel_order(ctx, order(), CancelRequest(id="c1"))
    assert shop.changes == []


@pytest.mark.parametrize(
    ("code", "text", "error", "words"),
    [
        ("INVALID", "Cannot cancel an order that has outstanding fulfillments", Refused, "Cancel the fulfillment there first"),
        (None, "Cancellation is already in progress", TooEarly, "cancelling it already"),
        ("INTERNAL_ERROR", "Unexpected internal error happened.", OutcomeUnknown, "failed inside"),
    ],
)
def test_shopifys_no(ctx, shop, code, text, error, words):
    """Recorded sentences, each with what follows from it."""
    shop.no = [{"code": code, "field": ["orderId"], "message": text}]
    with pytest.raises(error, match=words):
        shopify.cancel_order(ctx, order(), CancelRequest(id="c1"))


def test_cancelled_by_others_in_the_same_moment(ctx, shop):
    """Shopify's no is a yes to what we want."""

    def cancelled(variables):
        shop.cancelled = True
        text = "Cannot cancel an order that has already been canceled"
        return {"orderCancelUserErrors": [{"code": "INVALID", "field": ["orderId"], "message": text}]}

    shop._order_cancel = cancelled
    assert shopify.cancel_order(ctx, order(), CancelRequest(id="c1")).restocked is False


@pytest.mark.parametrize("lose", ["before", "after"])
def test_a_lost_answer(ctx, shop, lose):
    """Looked up by whether it is cancelled."""
    shop.lose = lose
    with pytest.raises(OutcomeUnknown):
        shopify.cancel_order(ctx, order(), CancelRequest(id="c1"))
    ctx.effect.time_passes(200)
    assert shopify.cancel_order(ctx, order(), CancelRequest(id="c1")).restocked is True
    assert len(shop.changes) == (2 if lose == "before" else 1)
