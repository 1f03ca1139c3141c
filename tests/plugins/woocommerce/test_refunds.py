"""Giving money back: once, not more than is left, and what is made of every answer."""

from __future__ import annotations

import pytest
import requests

from connector import (
    CannotTell,
    Happened,
    InProgress,
    Money,
    MoneyMoved,
    NotHappened,
    Refunded,
    RefundRequest,
    Refused,
    TryLater,
    Unsupported,
)
from connector.plugins import woocommerce
from connector.plugins.woocommerce.orders import mark
from connector.testing import next_act

from .conftest import API, sent_json

REFUNDS = f"{API}/orders/58/refunds"


def request(amount="32.22", request_id="r1", **more):
    return RefundRequest(id=request_id, amount=Money.parse(amount, "USD"), **more)


def order(ctx, paid):
    return woocommerce.parse_order(ctx, paid | {"id": 58})


@pytest.fixture
def ready(shop, paid, gateways):
    """A paid order 58 without refunds, in a shop whose gateway can refund."""
    paid["id"] = 58
    shop.get(f"{API}/orders/58", json=paid)
    shop.get(REFUNDS, json=[])
    shop.get(f"{API}/payment_gateways", json=gateways)
    return shop


def posts(shop):
    return [sent_json(call) for call in shop.calls if call.request.method == "POST"]


def test_fact_14_api_refund_and_api_restock_are_always_said(ctx, ready, paid, recorded):
    """Both are true when left out; the amount is text, exact, and the mark of the key stands in the reason."""
    ready.post(REFUNDS, status=201, json=recorded.body("08", "B full: total in one, no line_items"))
    done = woocommerce.refund_payment(ctx, order(ctx, paid), request(reason="Too late"))
    assert done == Refunded(money=MoneyMoved.MOVED, recorded=True, restocked=False, vendor_id="143")
    (effect,) = ctx.effect.sent
    assert posts(ready) == [
        {"amount": "32.22", "reason": f"Too late {mark(effect.key)}", "api_refund": True, "api_restock": False}
    ]


def test_the_same_request_is_sent_once(ctx, ready, paid, recorded):
    """A repeat gets the same answer from the ledger, though by then nothing is left to refund."""
    ready.post(REFUNDS, status=201, json=recorded.body("08", "B full: total in one, no line_items"))
    first = woocommerce.refund_payment(ctx, order(ctx, paid), request())
    ready.replace("GET", REFUNDS, json=[recorded.body("08", "B full: total in one, no line_items")])
    assert woocommerce.refund_payment(ctx, order(ctx, paid), request()) == first
    assert len(posts(ready)) == 1


def test_fact_15_not_more_than_is_left(ctx, ready, paid, recorded):
    """Refunds that the shop has by now count, whoever made them, also one that the gateway is still working on."""
    working = recorded.body("08", "A partial: amount 10.00, api_refund default(true), fakepay") | {"refunded_payment": False}
    ready.replace("GET", REFUNDS, json=[working])
    with pytest.raises(Refused, match=r"only 22\.22 USD of 32\.22 USD is left"):
        woocommerce.refund_payment(ctx, order(ctx, paid), request("22.23"))
    assert posts(ready) == []
    ready.post(REFUNDS, status=201, json=working | {"id": 138, "refunded_payment": True})
    other = next_act(ctx, request_id="r2")
    assert woocommerce.refund_payment(other, order(ctx, paid), request("22.22", "r2")).vendor_id == "138"


def test_fact_17_an_unpaid_order_is_not_refunded(ctx, ready, paid):
    """The shop would take it and pay out."""
    ready.replace("GET", f"{API}/orders/58", json=paid | {"date_paid_gmt": None, "status": "pending"})
    with pytest.raises(Refused, match=r"only 0\.00 USD"):
        woocommerce.refund_payment(ctx, order(ctx, paid), request("1.00"))
    assert posts(ready) == []


def test_another_currency_and_the_bin_are_refused(ctx, ready, paid):
    """Euros of a dollar order, and an order in the bin."""
    with pytest.raises(Refused, match="the order is in USD"):
        woocommerce.refund_payment(ctx, order(ctx, paid), RefundRequest(id="r1", amount=Money.parse("1", "EUR")))
    ready.replace("GET", f"{API}/orders/58", json=paid | {"status": "trash"})
    with pytest.raises(Refused, match="bin"):
        woocommerce.refund_payment(ctx, order(ctx, paid), request())
    assert posts(ready) == []


@pytest.mark.parametrize("method", ["cod", "bacs", "cheque", ""])
def test_fact_14_offline_payments_cannot_be_moved(ctx, shop, paid, method):
    """Said before anything is read or sent."""
    with pytest.raises(Unsupported, match="by hand"):
        woocommerce.refund_payment(ctx, order(ctx, paid | {"payment_method": method}), request())
    assert len(shop.calls) == 0


def test_a_gateway_that_cannot_refund(ctx, ready, paid, gateways):
    """Not installed, switched off, or without the feature `refunds`: said before anything is sent."""
    able = gateways[-1]
    for listed, why in (
        (gateways[:-1], "not installed"),
        ([able | {"enabled": False}], "switched off"),
        ([able | {"method_supports": ["products"]}], "cannot refund"),
    ):
        ready.replace("GET", f"{API}/payment_gateways", json=listed)
        with pytest.raises(Unsupported, match=why):
            woocommerce.refund_payment(ctx, order(ctx, paid), request())
    assert posts(ready) == []


@pytest.mark.parametrize(
    "label",
    [
        "A partial: over-refund",
        "A partial: negative",
        "B full: again",
        "D stripe not installed: api_refund true",
        "E declined: gateway returns an error",
        "E declined: gateway returns false",
        "refund of a missing order",
    ],
)
def test_fact_14_a_refusal_by_http_500_is_a_refusal(ctx, ready, paid, recorded, label):
    """The recorded 500s with their code are a no with the shop's reason, and a repeat does not send again."""
    answer = recorded.exchange("08", label)["response"]
    assert answer["status"] == 500
    ready.post(REFUNDS, status=500, json=answer["body"])
    for _ in range(2):
        with pytest.raises(Refused) as caught:
            woocommerce.refund_payment(ctx, order(ctx, paid), request())
        assert answer["body"]["message"] in str(caught.value)
    assert len(posts(ready)) == 1


def test_a_refusal_that_may_be_a_lost_answer_says_so(ctx, ready, paid):
    """A gateway plugin reports its own time-out as a refusal: a person looks at the gateway first."""
    body = {
        "code": "woocommerce_rest_cannot_create_order_refund",
        "message": "cURL error 28: Operation timed out",
        "data": 500,
    }
    ready.post(REFUNDS, status=500, json=body)
    with pytest.raises(Refused, match="look there whether the money went back"):
        woocommerce.refund_payment(ctx, order(ctx, paid), request())


# --- no answer --------------------------------------------------------------------------------------------------------


def lose(ctx, ready, paid):
    """Send a refund whose answer is lost; give the effect as the ledger has it."""
    ready.post(REFUNDS, body=requests.ConnectionError("reset"))
    with pytest.raises(Exception, match="no complete answer"):
        woocommerce.refund_payment(ctx, order(ctx, paid), request())
    return ctx.effect.lost("refund_payment")


def row(effect, **more):
    return {"id": 889, "amount": "32.22", "reason": f"slow {mark(effect.key)}", "refunded_payment": True, **more}


def test_fact_16_refund_row_with_payment_has_happened(ctx, ready, paid):
    """Our mark and refunded_payment true: it happened, and the answer is what was lost."""
    effect = lose(ctx, ready, paid)
    ready.replace("GET", REFUNDS, json=[{"id": 1, "amount": "1.00", "reason": "other", "refunded_payment": True}, row(effect)])
    assert woocommerce.find_effect(ctx, effect) == Happened(answer={"id": 889, "moved": True})


def test_fact_16_refund_row_without_payment_is_in_progress(ctx, ready, paid):
    """The row stands before the gateway answers."""
    effect = lose(ctx, ready, paid)
    ready.replace("GET", REFUNDS, json=[row(effect, refunded_payment=False)])
    assert woocommerce.find_effect(ctx, effect) == InProgress()


def test_fact_16_a_declined_row_is_taken_away(ctx, ready, paid):
    """No row of ours: it did not happen. A row of another key, or of an earlier attempt, is not ours."""
    effect = lose(ctx, ready, paid)
    assert woocommerce.find_effect(ctx, effect) == NotHappened()
    ready.replace("GET", REFUNDS, json=[row(effect, reason=f"x {mark(effect.key[:-1] + '2')}")])
    assert woocommerce.find_effect(ctx, effect) == NotHappened()


def test_a_row_that_never_gets_its_payment_goes_to_a_person(ctx, ready, paid):
    """PHP was killed between the row and the gateway: nobody can tell from here."""
    from dataclasses import replace
    from datetime import timedelta

    effect = lose(ctx, ready, paid)
    ready.replace("GET", REFUNDS, json=[row(effect, refunded_payment=False)])
    found = woocommerce.find_effect(ctx, replace(effect, sent_at=effect.sent_at - timedelta(minutes=16)))
    assert isinstance(found, CannotTell)
    assert "#889" in found.text


def test_an_order_that_is_gone_goes_to_a_person(ctx, ready, paid, recorded):
    """Deleted for good: only the gateway knows."""
    effect = lose(ctx, ready, paid)
    ready.replace("GET", f"{API}/orders/58", status=404, json=recorded.body("10", "get missing order"))
    assert isinstance(woocommerce.find_effect(ctx, effect), CannotTell)


def test_a_lost_answer_from_beginning_to_end(ctx, ready, paid):
    """Too early is TryLater; then it is looked up and found, and nothing is sent a second time."""
    effect = lose(ctx, ready, paid)
    ready.replace("GET", REFUNDS, json=[row(effect)])
    with pytest.raises(TryLater, match="too early"):
        woocommerce.refund_payment(ctx, order(ctx, paid), request())
    ctx.effect.time_passes(3600)
    assert woocommerce.refund_payment(ctx, order(ctx, paid), request()).vendor_id == "889"
    assert len(posts(ready)) == 1


def test_a_refund_that_did_not_arrive_is_sent_again_with_a_new_key(ctx, ready, paid, recorded):
    """Looked up and not there: one more attempt, with a key and mark of its own."""
    lose(ctx, ready, paid)
    ctx.effect.time_passes(3600)
    ready.replace("POST", REFUNDS, status=201, json=recorded.body("08", "B full: total in one, no line_items"))
    woocommerce.refund_payment(ctx, order(ctx, paid), request())
    first, second = posts(ready)
    assert first["reason"] != second["reason"]
    assert [effect.attempt for effect in ctx.effect.sent] == [1, 2]


def test_more_refunds_than_a_page(ctx, ready, paid):
    """The shop lists ten by default; our row may be the hundred and first."""
    import json

    effect = lose(ctx, ready, paid)
    ready.remove("GET", REFUNDS)
    others = [row(effect, reason="other", id=number) for number in range(100)]

    def answer(call):
        return 200, {}, json.dumps([row(effect)] if "page=2" in call.url else others)

    ready.add_callback("GET", REFUNDS, callback=answer)
    assert isinstance(woocommerce.find_effect(ctx, effect), Happened)


def test_the_ledger_holds_no_personal_data(ctx, ready, paid, recorded):
    """Neither request, image nor answer names the customer."""
    ready.post(REFUNDS, status=201, json=recorded.body("08", "B full: total in one, no line_items"))
    woocommerce.refund_payment(ctx, order(ctx, paid), request(reason="for Ada"))
    kept = repr(ctx.effect.sent) + repr(ctx.effect.books.answers)
    assert "Ada" not in kept
    assert "buyer.example" not in kept
