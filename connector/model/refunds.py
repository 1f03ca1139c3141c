"""Giving money back and calling an order off."""

from __future__ import annotations

from dataclasses import dataclass

from .money import Money
from .payment import MoneyMoved
from .shipping import LineQuantity


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest:
    """What to give back. `id` is made once, with the decision, and is the key of everything done for it.

    Args:
        amount: in the order's currency, always given. lines: what of it is for lines (may be empty).
        payment_id: which transaction; restock: put the lines' quantity back into stock.
        reason: a short text that the platform shows; it must not hold personal data.
    """

    id: str
    amount: Money
    payment_id: str = ""
    lines: tuple[LineQuantity, ...] = ()
    restock: bool = False
    reason: str = ""

    def __post_init__(self) -> None:
        if self.amount.minor <= 0:
            raise ValueError(f"a refund must be more than nothing, not {self.amount}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refunded:
    """What became of it: `recorded` on the platform, `restocked` there, and the platform's or gateway's id."""

    money: MoneyMoved
    recorded: bool
    restocked: bool
    vendor_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequest:
    """Call the whole order off. Money is given back by a RefundRequest of its own, so that each is done once."""

    id: str
    reason: str = ""
    restock: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """The platform has called it off; `restocked`: it put the stock back itself."""

    restocked: bool
    vendor_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyEvent:
    """One movement of money as a gateway lists it: `kind` is capture, refund, dispute or payout_fee."""

    vendor_id: str
    kind: str
    amount: Money
    transaction_id: str = ""
    order_hint: str = ""
