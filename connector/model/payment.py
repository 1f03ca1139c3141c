"""What is due, authorized, captured and given back: sums per transaction, and one label for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .money import Money, total


class PaymentKind(StrEnum):
    """How the customer pays, as far as it decides what we may do before the money is there."""

    GATEWAY = "gateway"  # card, wallet, bank redirect: a gateway tells us
    COD = "cod"  # cash on delivery: shipped unpaid on purpose
    BANK_TRANSFER = "bank_transfer"
    CHEQUE = "cheque"
    TERMS = "terms"  # invoice, net 30
    NONE = "none"  # nothing to pay


class PaymentLabel(StrEnum):
    """The one word that a page shows."""

    PENDING = "pending"
    AUTHORIZED = "authorized"
    PARTLY_PAID = "partly_paid"
    PAID = "paid"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"
    VOIDED = "voided"
    FAILED = "failed"
    EXPIRED = "expired"


class PaymentEnd(StrEnum):
    """How a transaction ended that will bring no (more) money."""

    VOIDED = "voided"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One transaction with its sums, all in the order's currency.

    `due` is what this transaction was to bring; `captured` never shrinks, money given back is in `refunded`.
    `gateway` is the platform's name of the payment method; `transaction_id` the gateway's own id ("" where it has none).
    `authorized_until`: after it the authorization brings no money any more (None: the platform does not say).
    """

    id: str
    kind: PaymentKind
    gateway: str
    title: str = ""
    transaction_id: str = ""
    due: Money
    authorized: Money
    captured: Money
    refunded: Money
    refund_pending: Money
    disputed: Money
    paid_at: datetime | None = None
    authorized_until: datetime | None = None
    ended: PaymentEnd | None = None

    @property
    def refundable(self) -> Money:
        """What can still be given back: captured, less refunded, underway and disputed."""
        left = self.captured - self.refunded - self.refund_pending - self.disputed
        return left if left.minor > 0 else Money.zero(left.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """All transactions of an order together."""

    due: Money
    authorized: Money
    captured: Money
    refunded: Money
    refund_pending: Money
    disputed: Money


def sums(payments: tuple[Payment, ...], currency: str) -> Sums:
    """Add the transactions of one order."""
    return Sums(
        due=total((p.due for p in payments), currency),
        authorized=total((p.authorized for p in payments), currency),
        captured=total((p.captured for p in payments), currency),
        refunded=total((p.refunded for p in payments), currency),
        refund_pending=total((p.refund_pending for p in payments), currency),
        disputed=total((p.disputed for p in payments), currency),
    )


def label(payments: tuple[Payment, ...], currency: str) -> PaymentLabel:
    """The one word for an order's payments. Nothing due is paid; a transaction that ended brings nothing more."""
    money = sums(payments, currency)
    alive = sums(tuple(p for p in payments if not p.ended), currency)
    if money.refunded.minor > 0:
        return PaymentLabel.REFUNDED if money.refunded >= money.captured else PaymentLabel.PARTLY_REFUNDED
    ends = [p.ended for p in payments if p.ended]
    if ends and len(ends) == len(payments) and money.captured < money.due:
        return PaymentLabel.PARTLY_PAID if money.captured.minor > 0 else PaymentLabel(ends[-1].value)
    if alive.captured >= alive.due:
        return PaymentLabel.PAID
    if money.captured.minor > 0:
        return PaymentLabel.PARTLY_PAID
    return PaymentLabel.AUTHORIZED if alive.authorized.minor > 0 else PaymentLabel.PENDING


class MoneyMoved(StrEnum):
    """Did the customer's money move?"""

    MOVED = "moved"
    PENDING = "pending"  # the gateway will say later
    NOT_MOVED = "not_moved"  # the platform only wrote it down: a person moves it


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureRequest:
    """How much to take of what was authorized. `id` is made once, with the decision."""

    id: str
    amount: Money
    payment_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """What became of it, and the gateway's id of it."""

    money: MoneyMoved
    vendor_id: str = ""
