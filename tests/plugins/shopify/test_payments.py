"""What is due, authorized, captured and given back, out of Shopify's transactions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connector import Money, Payment, PaymentEnd, PaymentKind, PaymentLabel, total
from connector.model.payment import label
from connector.plugins.shopify.parse import order as read

from . import building as b


def eur(text: str) -> Money:
    return Money.parse(text, "EUR")


def paid(*transactions: Any, **changes: Any) -> tuple[Payment, ...]:
    return read(b.order(transactions=list(transactions), **changes)).payments


def test_a_sale() -> None:
    """Authorized and captured at once, when the gateway did it."""
    (one,) = paid(b.transaction())
    assert (one.id, one.kind, one.gateway, one.title) == ("31", PaymentKind.GATEWAY, "shopify_payments", "Shopify payments")
    assert (one.due, one.authorized, one.captured) == (eur("30"), eur("30"), eur("30"))
    assert one.paid_at == datetime(2026, 11, 20, 10, 0, 1, tzinfo=UTC)
    assert one.transaction_id == "pay-31"


def test_authorized_is_not_captured() -> None:
    """The money is reserved until a time, and not there."""
    until = "2026-11-27T10:00:00Z"
    (one,) = paid(b.transaction(kind="AUTHORIZATION", authorizationExpiresAt=until), displayFinancialStatus="AUTHORIZED")
    assert (one.authorized, one.captured, one.paid_at) == (eur("30"), eur("0"), None)
    assert one.authorized_until == datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
    assert label((one,), "EUR") is PaymentLabel.AUTHORIZED


def test_captures_belong_to_their_authorization() -> None:
    """Several captures, one that failed, and a refund of a capture: one payment."""
    (one,) = paid(
        b.transaction(kind="AUTHORIZATION"),
        b.transaction(32, "CAPTURE", "10.0", parent=31),
        b.transaction(33, "CAPTURE", "20.0", parent=31, status="FAILURE"),
        b.transaction(34, "CAPTURE", "15.0", parent=31),
        b.transaction(35, "REFUND", "4.0", parent=34),
        b.transaction(36, "REFUND", "2.0", parent=32, status="PENDING"),
    )
    assert (one.authorized, one.captured) == (eur("30"), eur("25"))
    assert (one.refunded, one.refund_pending, one.refundable) == (eur("4"), eur("2"), eur("19"))


def test_two_authorizations_do_not_mix() -> None:
    """A capture counts for its own authorization, whatever their order."""
    first, second = paid(
        b.transaction(kind="AUTHORIZATION", amount="20.0"),
        b.transaction(41, "AUTHORIZATION", "10.0"),
        b.transaction(42, "CAPTURE", "10.0", parent=41),
        b.transaction(43, "VOID", "20.0", parent=31),
    )
    assert (first.ended, first.captured) == (PaymentEnd.VOIDED, eur("0"))
    assert (second.ended, second.captured) == (None, eur("10"))


def test_an_expired_authorization() -> None:
    """It brings no money any more."""
    (one,) = paid(b.transaction(kind="AUTHORIZATION"), displayFinancialStatus="EXPIRED")
    assert one.ended is PaymentEnd.EXPIRED
    (one,) = paid(b.transaction(kind="AUTHORIZATION"), displayFinancialStatus="VOIDED")
    assert one.ended is PaymentEnd.VOIDED


@pytest.mark.parametrize(
    ("gateway", "kind"),
    [
        ("Cash on Delivery (COD)", PaymentKind.COD),
        ("cash_on_delivery", PaymentKind.COD),
        ("Bank Deposit", PaymentKind.BANK_TRANSFER),
        ("Money Order", PaymentKind.CHEQUE),
        ("Barter", PaymentKind.BANK_TRANSFER),
        ("manual", PaymentKind.BANK_TRANSFER),
    ],
)
def test_ways_to_pay_by_hand(gateway: str, kind: PaymentKind) -> None:
    """Cash on delivery is shipped unpaid on purpose, the others are waited for; one that a merchant named is one of those."""
    (one,) = paid(b.by_hand(gateway=gateway), displayFinancialStatus="PENDING")
    assert (one.kind, one.due, one.captured, one.ended) == (kind, eur("30"), eur("0"), None)


def test_a_sale_by_hand_that_was_marked_as_paid() -> None:
    """The pending sale and the one that paid it are one payment: nothing is due twice."""
    (one,) = paid(b.by_hand(), b.by_hand(32, status="SUCCESS", parentTransaction={"id": b.gid("OrderTransaction", 31)}))
    assert (one.id, one.kind, one.due, one.captured) == ("32", PaymentKind.BANK_TRANSFER, eur("30"), eur("30"))
    (one,) = paid(b.by_hand(), b.by_hand(32, gateway="manual", status="SUCCESS"))
    assert (one.id, one.due, one.captured) == ("32", eur("30"), eur("30"))


def test_terms() -> None:
    """An invoice to be paid later, with or without a transaction."""
    terms = {"id": b.gid("PaymentTerms", 1), "paymentTermsName": "Net 30"}
    (none,) = paid(paymentTerms=terms, displayFinancialStatus="PENDING", paymentGatewayNames=[])
    (manual,) = paid(b.by_hand(gateway="manual"), paymentTerms=terms, displayFinancialStatus="PENDING")
    assert (none.kind, manual.kind) == (PaymentKind.TERMS, PaymentKind.TERMS)
    assert none.due == eur("30")


def test_nothing_due() -> None:
    """A free order is paid without a payment."""
    zero = b.money("0.0")
    lines = b.nodes(b.line(originalUnitPriceSet=zero, taxLines=[]))
    order = read(
        b.order(
            transactions=[],
            lineItems=lines,
            shippingLines=b.nodes(),
            totalPriceSet=zero,
            currentTotalPriceSet=zero,
            totalTaxSet=zero,
        )
    )
    assert (order.payments[0].kind, label(order.payments, "EUR")) == (PaymentKind.NONE, PaymentLabel.PAID)


def test_entered_by_staff_and_not_paid() -> None:
    """Without any transaction, what is to be paid is due."""
    (one,) = paid(displayFinancialStatus="PENDING", paymentGatewayNames=["manual"])
    assert (one.kind, one.due, one.captured) == (PaymentKind.BANK_TRANSFER, eur("30"), eur("0"))


def test_gift_card_and_card() -> None:
    """A gift card is a payment of its own; a refund goes back to where it came from."""
    card, gift = paid(
        b.transaction(amount="20.0"),
        b.transaction(32, amount="10.0", gateway="gift_card", formattedGateway="Gift card"),
        b.transaction(33, "REFUND", "5.0", parent=32, gateway="gift_card"),
    )
    assert (card.captured, card.refunded) == (eur("20"), eur("0"))
    assert (gift.gateway, gift.captured, gift.refunded) == ("gift_card", eur("10"), eur("5"))


def test_attempts_that_failed() -> None:
    """Only what worked counts; where nothing did, the last attempt says so."""
    failed = b.transaction(30, status="FAILURE")
    assert [one.id for one in paid(failed, b.transaction())] == ["31"]
    (one,) = paid(failed, b.transaction(29, status="ERROR"), displayFinancialStatus="PENDING")
    assert (one.id, one.ended, one.captured) == ("29", PaymentEnd.FAILED, eur("0"))


def test_change_given_at_the_till() -> None:
    """What was handed back at once was never paid."""
    (one,) = paid(b.transaction(amount="50.0", gateway="cash"), b.transaction(32, "CHANGE", "20.0", parent=31, gateway="cash"))
    assert (one.due, one.captured) == (eur("30"), eur("30"))


def test_more_is_due_after_an_edit() -> None:
    """What was added is due, and not captured."""
    payments = paid(b.transaction(), totalPriceSet=b.money("35.0"), currentTotalPriceSet=b.money("35.0"))
    assert (payments[0].due, payments[0].captured) == (eur("35"), eur("30"))
    assert label(payments, "EUR") is PaymentLabel.PARTLY_PAID


def test_a_refund_without_a_parent() -> None:
    """It counts for the first payment of its gateway."""
    gift, card = paid(
        b.transaction(amount="10.0", gateway="gift_card"),
        b.transaction(32, amount="20.0"),
        b.transaction(33, "REFUND", "7.0"),
    )
    assert (gift.refunded, card.refunded) == (eur("0"), eur("7"))


def test_transactions_in_a_circle() -> None:
    """Parents that name each other do not hang us."""
    payments = paid(
        b.transaction(), b.transaction(32, "REFUND", "1.0", parent=33), b.transaction(33, "REFUND", "1.0", parent=32)
    )
    assert payments[0].refunded == eur("2")


@pytest.mark.parametrize(
    ("kind", "status", "left"),
    [
        ("CHARGEBACK", "NEEDS_RESPONSE", "0"),
        ("CHARGEBACK", "LOST", "0"),
        ("CHARGEBACK", "WON", "30"),
        ("INQUIRY", "NEEDS_RESPONSE", "30"),
    ],
)
def test_a_chargeback_leaves_nothing_to_give_back(kind: str, status: str, left: str) -> None:
    """Money that the bank takes back is not given back a second time; an inquiry takes none."""
    dispute = {"id": b.gid("ShopifyPaymentsDispute", 1), "initiatedAs": kind, "status": status}
    (one,) = paid(b.transaction(), disputes=[dispute])
    assert one.refundable == eur(left)


def test_what_all_payments_were_to_bring_is_the_total() -> None:
    """Whatever was paid how, the sum of what is due is what the customer has to pay."""
    for rows in ([b.transaction()], [b.transaction(amount="12.0"), b.transaction(32, amount="18.0")], [b.by_hand()], []):
        assert total((one.due for one in paid(*rows)), "EUR") == eur("30")
