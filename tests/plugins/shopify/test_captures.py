"""Taking what was authorized, and letting it go."""

from __future__ import annotations

import pytest

from connector import Captured, CaptureRequest, Money, MoneyMoved, OutcomeUnknown, Refused
from connector.plugins import shopify
from connector.testing import make_context, next_act

from .building import gid
from .conftest import CONFIG
from .writing import ORDER, Shop, eur, must_fit, order, payment

AUTHORIZATION = gid("OrderTransaction", 61)


@pytest.fixture
def shop():
    shop = Shop()
    shop.payments = [payment(61, "AUTHORIZATION", "30.0")]
    return shop


@pytest.fixture
def ctx():
    return make_context(shopify, CONFIG, account="shop", platform_id=ORDER, request_id="p1")


@pytest.fixture(autouse=True)
def asked(answers, shop, schema):
    """Whatever is sent fits Shopify's schema."""
    asked = answers(**shop.answers())
    yield asked
    must_fit(schema, asked)


def request(amount="30.00", **more):
    return CaptureRequest(id="p1", amount=eur(amount), **more)


def test_all_of_it(ctx, shop):
    """With currency, without finalCapture: other gateways refuse to be told (recorded). Once."""
    for _ in range(2):
        assert shopify.capture_payment(ctx, order(), request()) == Captured(money=MoneyMoved.MOVED, vendor_id="901")
    ((_, sent),) = shop.changes
    assert sent["input"] == {
        "id": gid("Order", ORDER),
        "parentTransactionId": AUTHORIZATION,
        "amount": "30.00",
        "currency": "EUR",
    }


def test_parts_of_one_that_can_be_captured_several_times(ctx, shop):
    """The last part says that it is the last; more than is left is refused with both sums."""
    shop.payments[0]["multiCapturable"] = True
    shopify.capture_payment(ctx, order(), request("10.00"))
    shopify.capture_payment(next_act(ctx, request_id="p2"), order(), request("20.00", payment_id="61"))
    assert [sent["input"]["finalCapture"] for _, sent in shop.changes] == [False, True]
    with pytest.raises(Refused, match=r"1\.00 EUR were to be captured, and only 0\.00 EUR of 30\.00 EUR are left"):
        shopify.capture_payment(next_act(ctx, request_id="p3"), order(), request("1.00"))


def test_a_second_time_where_there_is_only_one(ctx, shop):
    """The rest of a single capture is for a person."""
    shopify.capture_payment(ctx, order(), request("10.00"))
    with pytest.raises(Refused, match=r"10\.00 EUR of this payment were captured before, and it can be captured only once"):
        shopify.capture_payment(next_act(ctx, request_id="p2"), order(), request("20.00"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"authorizationExpiresAt": "2026-11-22T18:59:00Z"}, r"run out on 2026-11-22 18:59 UTC"),
        ({"status": "FAILURE"}, "no authorization that could be captured"),
        ({"kind": "SALE"}, "no authorization that could be captured"),
    ],
)
def test_what_cannot_be_captured(ctx, shop, change, words):
    """Said in words, and nothing is sent."""
    shop.payments[0] |= change
    with pytest.raises(Refused, match=words):
        shopify.capture_payment(ctx, order(), request())
    assert shop.changes == []


def test_another_currency_or_payment(ctx, shop):
    """In the customer's currency only; of two authorizations one has to be named."""
    with pytest.raises(Refused, match="pays in EUR"):
        shopify.capture_payment(ctx, order(), CaptureRequest(id="p1", amount=Money.parse("1.00", "USD")))
    shop.payments.append(payment(62, "AUTHORIZATION", "5.0"))
    with pytest.raises(Refused, match="2 authorizations: say which"):
        shopify.capture_payment(ctx, order(), request("1.00"))
    shop.payments.append(payment(63, "VOID", "0.0", parent=gid("OrderTransaction", 62)))
    with pytest.raises(Refused, match="was let go"):
        shopify.capture_payment(ctx, order(), request("1.00", payment_id="62"))


@pytest.mark.parametrize(
    ("status", "money"),
    [("PENDING", MoneyMoved.PENDING), ("AWAITING_RESPONSE", MoneyMoved.PENDING), ("SUCCESS", MoneyMoved.MOVED)],
)
def test_what_the_gateway_says(ctx, shop, status, money):
    """Pending money is not there yet."""
    made = {"id": gid("OrderTransaction", 99), "status": status, "errorCode": None}
    shop._order_capture = lambda _: {"transaction": made}
    assert shopify.capture_payment(ctx, order(), request()) == Captured(money=money, vendor_id="99")


def test_the_gateways_no(ctx, shop):
    """A transaction that failed is no capture."""
    made = {"id": gid("OrderTransaction", 99), "status": "FAILURE", "errorCode": "CARD_DECLINED"}
    shop._order_capture = lambda _: {"transaction": made}
    with pytest.raises(Refused, match="CARD_DECLINED"):
        shopify.capture_payment(ctx, order(), request())


def test_by_hand_nothing_moves(ctx, shop):
    """A manual payment is only written down."""
    shop.payments[0]["manualPaymentGateway"] = True
    assert shopify.capture_payment(ctx, order(), request()).money is MoneyMoved.NOT_MOVED


@pytest.mark.parametrize("lose", ["before", "after"])
def test_a_lost_answer(ctx, shop, lose):
    """Looked up in the transactions: captured once."""
    shop.lose = lose
    with pytest.raises(OutcomeUnknown):
        shopify.capture_payment(ctx, order(), request())
    ctx.effect.time_passes(600)
    assert shopify.capture_payment(ctx, order(), request()).money is MoneyMoved.MOVED
    assert [one["kind"] for one in shop.payments] == ["AUTHORIZATION", "CAPTURE"]


def test_somebody_captured_another_sum(ctx, shop):
    """While our answer was lost: a person looks."""
    shop.lose = "before"
    with pytest.raises(OutcomeUnknown):
        shopify.capture_payment(ctx, order(), request("30.00"))
    shop.payments.append(payment(70, "CAPTURE", "12.0", parent=AUTHORIZATION))
    ctx.effect.time_passes(600)
    with pytest.raises(OutcomeUnknown, match="another sum"):
        shopify.capture_payment(ctx, order(), request("30.00"))
    assert len(shop.changes) == 1


# --- letting go -------------------------------------------------------------------------------------------------------


def test_let_go_once(ctx, shop):
    """A second act finds it gone."""
    assert shopify.void_payment(ctx, order(), "61") is True
    assert shopify.void_payment(next_act(ctx, request_id="p2"), order(), "61") is True
    assert shop.changes == [("TransactionVoid", {"id": AUTHORIZATION})]


def test_captured_meanwhile(ctx, shop):
    """Shopify's no, in words."""
    text = "Parent transaction require a parent_id referring to a voidable transaction"
    shop.no = [{"code": "AUTH_NOT_VOIDABLE", "field": ["parentTransactionId"], "message": text}]
    with pytest.raises(Refused, match="captured or let go already"):
        shopify.void_payment(ctx, order(), "61")


@pytest.mark.parametrize("lose", ["before", "after"])
def test_a_lost_answer_of_a_void(ctx, shop, lose):
    """Looked up in the transactions."""
    shop.lose = lose
    with pytest.raises(OutcomeUnknown):
        shopify.void_payment(ctx, order(), "61")
    ctx.effect.time_passes(600)
    assert shopify.void_payment(ctx, order(), "61") is True
    assert len(shop.changes) == (2 if lose == "before" else 1)
