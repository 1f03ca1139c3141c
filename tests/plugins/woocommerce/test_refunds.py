"""Giving money back: once, not more than is left, and what is made of every answer."""

from __future__ import annotations

from functools import partial

import pytest
import requests

from connector import (
    CannotTell,
    Happened,
    InProgress,
    LineQuantity,
    Money,
    MoneyMoved,
    NotHappened,
    Refunded,
    RefundPart,
    RefundRequest,
    Refused,
    TaxShare,
    TryLater,
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
def test_fact_14_offline_payments_are_only_written_down(ctx, ready, paid, recorded, method):
    """The shop records the refund with `api_refund: false`, and says itself that no money has moved."""
    ready.replace("GET", f"{API}/orders/58", json=paid | {"payment_method": method})
    ready.post(REFUNDS, status=201, json=recorded.body("08", "D cod: api_refund false"))
    done = woocommerce.refund_payment(ctx, order(ctx, paid), request("5.00"))
    assert done == Refunded(money=MoneyMoved.NOT_MOVED, recorded=True, restocked=False, vendor_id="156")
    (sent,) = posts(ready)
    assert (sent["api_refund"], sent["amount"]) == (False, "5.00")
    assert [call.request.url for call in ready.calls if "payment_gateways" in call.request.url] == []


@pytest.mark.parametrize("case", ["not installed", "switched off", "cannot refund"])
def test_a_gateway_that_cannot_refund_is_not_asked(ctx, ready, paid, gateways, recorded, case):
    """Not installed, switched off, or without the feature `refunds`: written down, once, and no money has moved."""
    able = gateways[-1]
    listed = {
        "not installed": gateways[:-1],
        "switched off": [able | {"enabled": False}],
        "cannot refund": [able | {"method_supports": ["products"]}],
    }
    ready.replace("GET", f"{API}/payment_gateways", json=listed[case])
    ready.post(REFUNDS, status=201, json=recorded.body("08", "D stripe not installed: api_refund false"))
    for _ in range(2):
        done = woocommerce.refund_payment(ctx, order(ctx, paid), request("5.00"))
        assert (done.money, done.recorded, done.vendor_id) == (MoneyMoved.NOT_MOVED, True, "164")
    assert [sent["api_refund"] for sent in posts(ready)] == [False]


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


# --- by lines ---------------------------------------------------------------------------------------------------------


def by_lines(paid, **more):
    """One of the two mugs of order 58, with its tax, and the shipping."""
    (mug,), (freight,) = paid["line_items"], paid["shipping_lines"]
    usd = partial(Money.parse, currency="USD")
    tax = TaxShare(rate_id="1", amount=usd("1.11"))
    parts = (
        RefundPart(line_id=str(mug["id"]), quantity=1, total=usd("12.50"), taxes=(tax,)),
        RefundPart(line_id=str(freight["id"]), total=usd("5.00")),
    )
    return request("18.61", lines=(LineQuantity(line_id=str(mug["id"]), quantity=1),), parts=parts, **more)


def test_lines_with_tax_and_shipping(ctx, ready, paid, recorded):
    """Each with its id and sums as numbers, tax by rate; only lines have a quantity, and the flag says whether it goes back."""
    ready.post(REFUNDS, status=201, json=recorded.body("08", "C lines: 1 of 3 mugs with its tax, amount left out"))
    done = woocommerce.refund_payment(ctx, order(ctx, paid), by_lines(paid, restock=True))
    (sent,) = posts(ready)
    assert done.restocked is True
    assert (sent["amount"], sent["api_refund"], sent["api_restock"]) == ("18.61", True, True)
    assert sent["line_items"] == [
        {
            "id": paid["line_items"][0]["id"],
            "quantity": 1,
            "refund_total": 12.5,
            "refund_tax": [{"id": 1, "refund_total": 1.11}],
        },
        {"id": paid["shipping_lines"][0]["id"], "refund_total": 5.0},
    ]


def test_what_is_not_held_is_not_said_to_be_restocked(ctx, ready, paid, recorded):
    """After a cancellation the order holds nothing: the shop puts nothing back (recorded), and we do not say so."""
    bare = paid | {"line_items": [line | {"meta_data": []} for line in paid["line_items"]]}
    ready.replace("GET", f"{API}/orders/58", json=bare)
    ready.post(REFUNDS, status=201, json=recorded.body("08", "C lines: 1 of 3 mugs with its tax, amount left out"))
    assert woocommerce.refund_payment(ctx, order(ctx, paid), by_lines(paid, restock=True)).restocked is False


def test_a_line_that_is_gone_is_refused(ctx, ready, paid):
    """The shop would take the money of an unknown line id and leave the line out (recorded)."""
    ready.replace("GET", f"{API}/orders/58", json=paid | {"shipping_lines": []})
    with pytest.raises(Refused, match="has no line"):
        woocommerce.refund_payment(ctx, order(ctx, paid), by_lines(paid))
    assert posts(ready) == []


def test_what_refunds_were_for_is_read(ctx, ready, paid, recorded):
    """The shop's negative lines as ours: which line, how many, money and tax by rate; shipping has no pieces."""
    ready.get(f"{API}/orders/58/notes", json=[])
    ready.replace("GET", f"{API}/orders/58", json=paid | {"refunds": [{"id": 177, "reason": "", "total": "-32.22"}]})
    ready.replace("GET", REFUNDS, json=[recorded.body("08", "F2 cancelled: full refund by lines after cancel")])
    (found,) = woocommerce.fetch_order(ctx, "58").refunds
    shown = [
        (part.line_id, part.quantity, part.total.text, [(t.rate_id, t.amount.text) for t in part.taxes]) for part in found.parts
    ]
    assert shown == [("321", 2, "25.00", [("1", "2.22")]), ("322", 0, "5.00", [])]


def test_tax_by_rate_and_stock_held_are_read(ctx, paid):
    """Rates with more decimals than money has are made to add up to the line's tax; `_reduced_stock` is what is held."""
    (line,) = paid["line_items"]
    line |= {
        "total_tax": "2.22",
        "taxes": [{"id": 1, "total": "1.10937"}, {"id": 7, "total": "1.10938"}, {"id": 9, "total": ""}],
    }
    read = woocommerce.parse_order(ctx, paid)
    assert [(tax.rate_id, tax.amount.text) for tax in read.lines[0].taxes] == [("1", "1.11"), ("7", "1.11")]
    assert read.stock_held == ((str(line["id"]), 2),)


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
    assert woocommerce.find_effect(ctx, effect) == Happened(answer={"id": 889, "moved": True, "restocked": False})


def test_a_row_that_was_never_to_be_paid_has_happened(ctx, ready, paid):
    """Where the gateway was not asked, our mark on a row is enough: its payment will never come."""
    ready.replace("GET", f"{API}/orders/58", json=paid | {"payment_method": "bacs"})
    effect = lose(ctx, ready, paid)
    ready.replace("GET", REFUNDS, json=[row(effect, refunded_payment=False)])
    assert woocommerce.find_effect(ctx, effect) == Happened(answer={"id": 889, "moved": False, "restocked": False})
    ctx.effect.time_passes(3600)
    assert woocommerce.refund_payment(ctx, order(ctx, paid), request()).money is MoneyMoved.NOT_MOVED
    assert len(posts(ready)) == 1


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
