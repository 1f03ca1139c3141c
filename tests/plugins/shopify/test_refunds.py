"""Giving money back: once, not more than Shopify says, and back into stock where it belongs."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from connector import (
    Effect,
    EffectState,
    Happened,
    Money,
    MoneyMoved,
    NotHappened,
    Refunded,
    RefundPart,
    RefundRequest,
    Refused,
    TryLater,
    Unsupported,
)
from connector.plugins import shopify
from connector.plugins.shopify.marks import mark, once, without_attempt
from connector.plugins.shopify.refunds import Way, share
from connector.testing import make_context, next_act

from .building import gid
from .conftest import CONFIG
from .writing import ORDER, Shop, bag, eur, must_fit, order, parcel, place

SALE = {
    "id": gid("OrderTransaction", 61),
    "gateway": "shopify_payments",
    "manualPaymentGateway": False,
    "parentTransaction": None,
}
CARD = {"id": gid("OrderTransaction", 62), "gateway": "gift_card", "manualPaymentGateway": False, "parentTransaction": None}
HAND = {"id": gid("OrderTransaction", 63), "gateway": "Bank Deposit", "manualPaymentGateway": True, "parentTransaction": None}


def way(parent, amount, most=""):
    return {
        "gateway": parent["gateway"],
        "amountSet": bag(amount),
        "maximumRefundableSet": bag(most or amount),
        "parentTransaction": parent,
    }


def suggested(*ways, amount="30.0", most="30.0"):
    return {"amountSet": bag(amount), "maximumRefundableSet": bag(most), "suggestedTransactions": list(ways)}


@pytest.fixture
def shop():
    shop = Shop()
    shop.suggested = suggested(way(SALE, "30.0"))
    return shop


@pytest.fixture
def ctx():
    return make_context(shopify, CONFIG, account="shop", platform_id=ORDER, request_id="r1")


@pytest.fixture(autouse=True)
def asked(answers, shop, schema):
    """Whatever is sent fits Shopify's schema."""
    asked = answers(**shop.answers())
    yield asked
    must_fit(schema, asked)


def request(amount="30.00", request_id="r1", **more):
    return RefundRequest(id=request_id, amount=eur(amount), **more)


def part(line_id="11", quantity=1, total="10.00"):
    return RefundPart(line_id=line_id, quantity=quantity, total=eur(total))


def sent(shop):
    return [variables["input"] for name, variables in shop.changes if name == "RefundCreate"]


def test_all_of_it_once(ctx, shop):
    """In the customer's currency, to the payment it came from; our mark stands in the note, our key beside it."""
    for _ in range(2):
        done = shopify.refund_payment(ctx, order(), request(reason="Too late"))
        assert done == Refunded(money=MoneyMoved.MOVED, recorded=True, restocked=False, vendor_id="901")
    ((_, variables),) = shop.changes
    (effect,) = ctx.effect.sent
    ours = without_attempt(effect.key)
    assert variables["key"] == once(ours)
    assert variables["input"] == {
        "orderId": gid("Order", ORDER),
        "currency": "EUR",
        "note": f"Too late {mark(ours)}",
        "notify": True,
        "refundLineItems": [],
        "transactions": [
            {
                "orderId": gid("Order", ORDER),
                "gateway": "shopify_payments",
                "kind": "REFUND",
                "amount": "30.00",
                "parentId": gid("OrderTransaction", 61),
            }
        ],
    }


def test_several_after_each_other(ctx, shop):
    """Each is a refund of its own, of what is left by then."""
    shopify.refund_payment(ctx, order(), request("10.00"))
    shop.suggested = suggested(way(SALE, "20.0"), amount="20.0", most="20.0")
    shopify.refund_payment(next_act(ctx, request_id="r2"), order(), request("20.00", "r2"))
    assert [one["transactions"][0]["amount"] for one in sent(shop)] == ["10.00", "20.00"]
    assert len({variables["key"] for _, variables in shop.changes}) == 2


def test_not_more_than_is_left(ctx, shop):
    """Both sums are said, and nothing is sent."""
    with pytest.raises(Refused, match=r"30\.01 EUR were to be given back, and Shopify has only 30\.00 EUR left"):
        shopify.refund_payment(ctx, order(), request("30.01"))
    assert shop.changes == []


def test_not_more_than_the_lines_are_worth(ctx, shop):
    """Shopify's own reckoning of these lines is compared; a cent of rounding is let go."""
    shop.suggested = suggested(way(SALE, "10.0", "30.0"), amount="10.0")
    with pytest.raises(Refused, match=r"10\.02 EUR were .* worth 10\.00 EUR"):
        shopify.refund_payment(ctx, order(), request("10.02", parts=(part(total="10.02"),)))
    shopify.refund_payment(next_act(ctx, request_id="r2"), order(), request("10.01", "r2", parts=(part(total="10.01"),)))
    assert sent(shop)[0]["transactions"][0]["amount"] == "10.01"


def test_lines_and_shipping(ctx, shop, asked):
    """The pieces are named, the goods stay where they are, and the shipping is said by its price."""
    shop.suggested = suggested(way(SALE, "15.0", "30.0"), amount="15.0")
    shopify.refund_payment(ctx, order(), request("15.00", parts=(part(), part("21", 0, "5.00"))))
    (made,) = sent(shop)
    assert made["refundLineItems"] == [{"lineItemId": gid("LineItem", 11), "quantity": 1, "restockType": "NO_RESTOCK"}]
    assert made["shipping"] == {"amount": "5.00"}
    question = next(body["variables"] for body in asked if body["operationName"] == "RefundSuggestion")
    assert (question["shipping"], question["all"]) == ("5.00", False)


def test_back_into_stock(ctx, shop):
    """What was not sent goes back where it was to leave from, what was sent where it came from, nothing twice."""
    lines = (replace(order().lines[0], quantity=4), order().lines[1])
    shop.refundable = {"11": (4, 1)}
    shop.places = [place(31, 42, (51, "11", 1))]
    shop.parcels = [parcel(gid("Fulfillment", 1), [{"quantity": 2, "lineItem": {"id": gid("LineItem", 11)}}], {})]
    done = shopify.refund_payment(ctx, order(*lines), request("30.00", parts=(part("11", 4, "30.00"),), restock=True))
    assert done.restocked is True
    rows = [(one["quantity"], one["restockType"], one.get("locationId")) for one in sent(shop)[0]["refundLineItems"]]
    assert rows == [(1, "CANCEL", gid("Location", 42)), (2, "RETURN", gid("Location", 41)), (1, "NO_RESTOCK", None)]


def test_where_returns_go(shop):
    """The account may say where goods come back to."""
    ctx = make_context(shopify, CONFIG | {"restock_location": "77"}, platform_id=ORDER, request_id="r1")
    shop.refundable, shop.places = {"11": (2, 0)}, []
    shop.parcels = [parcel(gid("Fulfillment", 1), [{"quantity": 2, "lineItem": {"id": gid("LineItem", 11)}}], {})]
    shopify.refund_payment(ctx, order(), request("10.00", parts=(part(),), restock=True))
    assert sent(shop)[0]["refundLineItems"][0]["locationId"] == gid("Location", 77)


def test_pieces_that_are_out_of_the_order(ctx, shop):
    """A cancellation with restock took them out: the money goes back all the same, and nothing is put back twice."""
    shop.refundable, shop.places = {"11": (0, 0)}, []
    shop.suggested = suggested(way(SALE, "0.0", "30.0"), amount="0.0")
    shopify.refund_payment(ctx, order(), request("20.00", parts=(part("11", 2, "20.00"),), restock=True))
    (made,) = sent(shop)
    assert made["refundLineItems"] == []
    assert made["transactions"][0]["amount"] == "20.00"


def test_a_line_that_is_gone(ctx, shop):
    """Never left out silently."""
    with pytest.raises(Refused, match="no line 99"):
        shopify.refund_payment(ctx, order(), request("1.00", parts=(part("99"),)))


def test_gift_card_and_card(ctx, shop):
    """In the order that Shopify suggests, never more from one than it can give."""
    shop.suggested = suggested(way(CARD, "12.0"), way(SALE, "18.0"))
    shopify.refund_payment(ctx, order(), request("20.00"))
    rows = [(one["gateway"], one["amount"]) for one in sent(shop)[0]["transactions"]]
    assert rows == [("gift_card", "12.00"), ("shopify_payments", "8.00")]


def test_one_payment_of_several(ctx, shop):
    """The one that is named, also where its capture is what can be given back."""
    capture = SALE | {"id": gid("OrderTransaction", 65), "parentTransaction": {"id": gid("OrderTransaction", 64)}}
    shop.suggested = suggested(way(CARD, "12.0"), way(capture, "18.0"))
    shopify.refund_payment(ctx, order(), request("18.00", payment_id="64"))
    assert sent(shop)[0]["transactions"][0]["parentId"] == gid("OrderTransaction", 65)
    with pytest.raises(Refused, match=r"only 18\.00 EUR of 20\.00 EUR can go back"):
        shopify.refund_payment(next_act(ctx, request_id="r2"), order(), request("20.00", "r2", payment_id="64"))


def test_by_hand(ctx, shop):
    """Shopify writes it down as given back (recorded: SUCCESS of a manual gateway); a person gives it back."""
    shop.suggested = suggested(way(HAND, "30.0"))
    done = shopify.refund_payment(ctx, order(), request())
    assert done == Refunded(money=MoneyMoved.NOT_MOVED, recorded=True, restocked=False, vendor_id="901")


def test_partly_by_hand(ctx, shop):
    """One answer cannot say both: refunded one after the other, with the sums to do it."""
    shop.suggested = suggested(way(SALE, "18.0"), way(HAND, "12.0"))
    with pytest.raises(Refused, match=r"18\.00 EUR of it would go back by itself, and 12\.00 EUR by hand"):
        shopify.refund_payment(ctx, order(), request())
    assert shopify.refund_payment(next_act(ctx, request_id="r2"), order(), request("18.00", "r2")).money is MoneyMoved.MOVED


def test_a_payment_that_cannot_go_back(ctx, shop):
    """Its lines are written down without money; an amount alone cannot be."""
    shop.suggested = suggested()
    with pytest.raises(Unsupported):
        shopify.refund_payment(ctx, order(), request())
    done = shopify.refund_payment(next_act(ctx, request_id="r2"), order(), request("10.00", "r2", parts=(part(),)))
    assert (done.money, done.recorded) == (MoneyMoved.NOT_MOVED, True)
    assert sent(shop)[0]["transactions"] == []


def test_another_currency(ctx, shop):
    """Only what the customer paid in."""
    with pytest.raises(Refused, match="paid in EUR"):
        shopify.refund_payment(ctx, order(), RefundRequest(id="r1", amount=Money.parse("1", "USD")))


@pytest.mark.parametrize(
    ("statuses", "money"),
    [
        (["PENDING"], MoneyMoved.PENDING),
        (["SUCCESS", "AWAITING_RESPONSE"], MoneyMoved.PENDING),
        (["SUCCESS", "FAILURE"], MoneyMoved.PENDING),
        (["FAILURE"], MoneyMoved.NOT_MOVED),
        (["SUCCESS"], MoneyMoved.MOVED),
    ],
)
def test_what_the_gateway_says(ctx, shop, statuses, money):
    """Pending is not given back yet, and failed is not given back."""
    rows = [{"kind": "REFUND", "status": status} for status in statuses]
    shop._refund_create = lambda _: {
        "refund": {"id": gid("Refund", 5), "transactions": {"nodes": rows}, "refundLineItems": {"nodes": []}}
    }
    assert shopify.refund_payment(ctx, order(), request()).money is money


# --- when no answer comes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lose", ["before", "after"])
def test_a_lost_answer(ctx, shop, lose):
    """Sent again to the letter under the same key, whatever is left by then: Shopify does it once."""
    shop.lose = lose
    with pytest.raises(TryLater):
        shopify.refund_payment(ctx, order(), request())
    shop.suggested = suggested(amount="0.0", most="0.0")
    assert shopify.refund_payment(ctx, order(), request()).money is MoneyMoved.MOVED
    assert len(shop.refunds) == 1
    first, second = (variables for _, variables in shop.changes)
    assert json.dumps(first) == json.dumps(second)


def test_as_the_ledger_repeats_it(ctx, shop):
    """The running ledger reads no new image for a repeat with the same key: what was sent is known all the same."""
    shop.lose = "after"
    with pytest.raises(TryLater):
        shopify.refund_payment(ctx, order(), request())
    (effect,), books = ctx.effect.sent, ctx.effect.books
    books.underway, books.written = True, False
    again = replace(ctx, effect=lambda kind, asked, fn, before=None: fn(effect.key))
    assert shopify.refund_payment(again, order(), request()).vendor_id == "901"
    assert len(shop.refunds) == 1


def test_shopify_is_still_at_the_first_try(ctx, shop):
    """It says so without a code; nothing is known then."""
    shop.no = [{"field": None, "message": "This request is currently in progress, please try again."}]
    with pytest.raises(TryLater, match="still at the first try"):
        shopify.refund_payment(ctx, order(), request())
    assert shopify.refund_payment(ctx, order(), request()).money is MoneyMoved.MOVED
    assert len(shop.refunds) == 1


@pytest.mark.parametrize("made", [True, False])
def test_a_first_try_that_failed(ctx, shop, made):
    """Shopify's word is checked: what bears our mark was done, else a person decides."""
    shop.lose = "after" if made else "before"
    with pytest.raises(TryLater):
        shopify.refund_payment(ctx, order(), request())
    shop.no = [{"field": None, "message": "A previous request with this idempotency key failed."}]
    if made:
        assert shopify.refund_payment(ctx, order(), request()).vendor_id == "901"
    else:
        with pytest.raises(Refused, match="before you refund it again"):
            shopify.refund_payment(ctx, order(), request())


def test_an_answer_without_a_refund(ctx, shop):
    """It may have happened: the same call again tells."""
    made = shop._refund_create
    shop._refund_create = lambda _: {"refund": None}
    with pytest.raises(TryLater, match="no refund"):
        shopify.refund_payment(ctx, order(), request())
    shop._refund_create, shop.keys = made, {}
    assert shopify.refund_payment(ctx, order(), request()).money is MoneyMoved.MOVED


def test_what_surely_did_nothing_is_planned_anew(ctx, shop):
    """Shopify had no points left for us: by the next try others have given back a part, and that is seen."""
    throttled = {"message": "Throttled", "path": ["refundCreate"], "extensions": {"code": "THROTTLED"}}
    shop.whole = {"errors": [throttled], "data": {"refundCreate": None}}
    with pytest.raises(TryLater):
        shopify.refund_payment(ctx, order(), request())
    shop.suggested = suggested(way(SALE, "20.0"), amount="20.0", most="20.0")
    with pytest.raises(Refused, match=r"only 20\.00 EUR left"):
        shopify.refund_payment(ctx, order(), request())
    assert shop.refunds == []


def test_the_finder(ctx, shop):
    """When the key is forgotten: our mark in a refund's note, of whatever attempt, or none."""
    key = "install/shop/order:1/refund_payment/r1/2"
    effect = Effect(key=key, kind="refund_payment", request_id="r1", attempt=2, state=EffectState.UNKNOWN, platform_id=ORDER)
    assert shopify.find_effect(ctx, effect) == NotHappened()
    shop.refunds.append(
        {
            "id": gid("Refund", 7),
            "note": f"x {mark('install/shop/order:1/refund_payment/r1')}",
            "transactions": {"nodes": [{"kind": "REFUND", "status": "SUCCESS"}]},
            "refundLineItems": {"nodes": [{"restockType": "RETURN", "restocked": True}]},
        }
    )
    assert shopify.find_effect(ctx, effect) == Happened(answer={"id": "7", "moved": "moved", "restocked": True})
    by_hand = replace(effect, before={"by_hand": True})
    assert shopify.find_effect(ctx, by_hand).answer["moved"] == "not_moved"


def test_shares_add_up():
    """First what is suggested of each, then what else there is."""

    def one(usual, most):
        return Way(parent_id="1", root_id="", gateway="g", by_hand=False, usual=eur(usual), most=eur(most))

    ways = [one("0.00", "5.00"), one("10.00", "12.00")]
    assert [some.text for _, some in share(eur("14.00"), ways)] == ["4.00", "10.00"]
    assert [some.text for _, some in share(eur("99.00"), ways)] == ["5.00", "12.00"]
    assert share(eur("1.00"), []) == []
