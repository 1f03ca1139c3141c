"""What a person is shown before money goes back."""

from __future__ import annotations

from dataclasses import replace

from connector.cli.refund_preview import cancel_preview, refund_preview
from connector.model.payment import PaymentKind
from tests.model.test_refund_sums import case, line, order

MUGS = case(order(replace(line("1", 3, 3750, 333), name="<b>Mug"), shipping=500, stock_held=(("1", 3),)))


def by_transfer():
    paid = tuple(replace(one, kind=PaymentKind.BANK_TRANSFER, title="Bank transfer") for one in MUGS.order.payments)
    return replace(MUGS, order=replace(MUGS.order, payments=paid))


def test_lines_and_shipping():
    """Each with its sum and tax, the pieces that go back into stock, and the gateway."""
    shown = refund_preview(MUGS, {"lines": [{"line_id": "1", "quantity": 1}], "shipping": True})

    assert shown == (
        "The customer gets 18.61 USD, for:",
        "  1 x <b>Mug (line 1): 13.61 USD (of it tax 1.11)",
        "  Shipping: 5.00 USD",
        "Back into stock: 1 of line 1.",
        "The money goes back through card. Should the shop's gateway not be able to: by hand, and a task says so.",
    )


def test_an_amount():
    """Nobody says what it is for, and nothing goes back into stock."""
    shown = refund_preview(MUGS, {"amount": "5.00"})

    assert shown[:2] == ("The customer gets 5.00 USD, without saying what for.", "Back into stock: nothing.")


def test_by_hand():
    """A bank transfer is only written down by the shop: the person who reads this has to send the money."""
    assert refund_preview(by_transfer(), {})[-1].startswith("The money goes back by hand (Bank transfer)")
    assert cancel_preview(by_transfer(), refunds=True, restocks=True)[-1].startswith("The money goes back by hand")


def test_what_would_be_refused_shows_nothing():
    """The refusal says why."""
    assert refund_preview(MUGS, {"lines": [{"line_id": "1", "quantity": 4}]}) == ()


def test_cancelling():
    """Who puts the stock back, and, if the money is kept, nothing about money."""
    assert cancel_preview(MUGS, refunds=False, restocks=True) == (
        "Back into stock: everything that was taken for it; the platform does that.",
    )
    assert cancel_preview(MUGS, refunds=True, restocks=False)[0] == "The customer gets 45.83 USD, for:"
