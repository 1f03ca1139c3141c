"""An order as the platform tells it, in our words. What we know, decide and do about it is the case (case.py)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from .money import Money, total
from .payment import Payment


class PlatformStatus(StrEnum):
    """What the platform's own status means. A custom status is UNKNOWN and changes nothing; it is never guessed."""

    DRAFT = "draft"  # not an order yet
    UNPAID = "unpaid"
    ON_HOLD = "on_hold"
    OPEN = "open"  # to be worked on
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    FAILED = "failed"
    DELETED = "deleted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where something goes. Lines as the customer wrote them; `country` is ISO 3166 alpha-2, "" if the platform has none."""

    name: str = ""
    company: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""
    phone: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.line1 or self.line2 or self.city or self.postcode)


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Who bought. `id` is the platform's ("" for a guest), `language` a BCP 47 tag or ""."""

    id: str = ""
    name: str = ""
    email: str = ""
    phone: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxShare:
    """So much tax of one rate; `rate_id` is the platform's id of the rate ("" where it does not say which)."""

    rate_id: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class LineItem:
    """One line. `total` is after discounts and without `tax`; `unit_price` is before discounts and may have fractions.

    `taxes` is `tax` by rate (empty where the platform does not say). `personal` holds what the customer entered for this line
    (engraving, artwork address) as (label, text) pairs.
    """

    id: str
    sku: str = ""
    name: str = ""
    quantity: int
    product_id: str = ""
    variant_id: str = ""
    unit_price: Decimal
    total: Money
    tax: Money
    taxes: tuple[TaxShare, ...] = ()
    requires_shipping: bool = True
    weight_g: int | None = None
    personal: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.quantity < 1:
            raise ValueError(f"line {self.id}: the quantity must be 1 or more, not {self.quantity}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippingLine:
    """How the customer chose to get it. `pickup`: nothing is sent, the customer comes."""

    id: str
    method: str
    title: str = ""
    total: Money
    tax: Money
    taxes: tuple[TaxShare, ...] = ()
    pickup: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    id: str
    name: str
    total: Money
    tax: Money
    taxes: tuple[TaxShare, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPart:
    """What of a refund is for one line, shipping line or fee: pieces (0: not counted), money without tax, and the tax."""

    line_id: str
    quantity: int = 0
    total: Money
    taxes: tuple[TaxShare, ...] = ()

    @property
    def amount(self) -> Money:
        return self.total + total((tax.amount for tax in self.taxes), self.total.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformRefund:
    """A refund that the platform has on record. `money_moved`: did a gateway give money back (None: it does not say)?

    `parts`: what it is for, as far as the platform was told; they need not add up to `amount`.
    """

    id: str
    amount: Money
    reason: str = ""
    at: datetime | None = None
    money_moved: bool | None = None
    parts: tuple[RefundPart, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LineQuantity:
    """So many of one line."""

    line_id: str
    quantity: int

    def __post_init__(self) -> None:
        if self.quantity < 1:
            raise ValueError(f"line {self.line_id}: the quantity must be 1 or more, not {self.quantity}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A place (warehouse, shop) that the platform wants some of the order sent from, with what is still to be sent from there.

    `id` is the platform's id of the place. A parcel leaves from one place only.
    """

    id: str
    name: str
    lines: tuple[LineQuantity, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformHold:
    """A hold that the platform shows and that is none of ours: staff or another app set it there. `reason` is its own word."""

    id: str
    reason: str
    text: str = ""


class RiskLevel(StrEnum):
    """How risky somebody thinks the order is. PENDING: still being looked at."""

    NONE = "none"
    PENDING = "pending"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """What the platform, or an app of it, says about fraud. `facts` are its sentences; they may hold personal data."""

    level: RiskLevel
    said_by: str
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the platform says about one order. All sums are in `currency`, what the customer paid; times are UTC.

    Args:
        platform_id: the platform's id as a string; number: what people call it ("#1001"), display and search only.
        status: the platform's own word, untouched; means: what it says in our words.
        total: what the customer has to pay for everything, tax included.
        customer_note: what the customer wrote; staff_notes: what staff wrote about this order on the platform.
        tracking: tracking numbers that the platform already shows.
        stock_held: line ids, each with how many pieces the platform has taken out of its stock for it and not put back; None
            where it does not say.
        origins: where what is still to be sent is to leave from, if the platform says so. holds: set there by others.
        risks: what the platform knows about fraud. tags: the platform's own labels.
        is_test: the platform itself calls it a test; no money moves.
        rehearsal: the run this test order belongs to, "" for a real one.

    Raises:
        ValueError: no lines' quantity below one, money in another currency, a time without zone.
    """

    platform_id: str
    number: str
    status: str
    means: PlatformStatus
    currency: str
    placed_at: datetime
    updated_at: datetime
    lines: tuple[LineItem, ...]
    shipping_lines: tuple[ShippingLine, ...] = ()
    fees: tuple[Fee, ...] = ()
    discount: Money
    tax: Money
    total: Money
    payments: tuple[Payment, ...]
    refunds: tuple[PlatformRefund, ...] = ()
    customer: Customer = Customer()
    billing: Address = Address()
    shipping: Address = Address()
    customer_note: str = ""
    staff_notes: tuple[str, ...] = ()
    tracking: tuple[str, ...] = ()
    stock_held: tuple[tuple[str, int], ...] | None = None
    origins: tuple[Origin, ...] = ()
    holds: tuple[PlatformHold, ...] = ()
    risks: tuple[Risk, ...] = ()
    tags: tuple[str, ...] = ()
    is_test: bool = False
    rehearsal: str = ""

    def __post_init__(self) -> None:
        if self.placed_at.tzinfo is None or self.updated_at.tzinfo is None:
            raise ValueError(f"order {self.platform_id}: times need a zone")
        for what, money in self._sums():
            if money.currency != self.currency:
                raise ValueError(f"order {self.platform_id}: {what} is in {money.currency}, the order in {self.currency}")
        ids = [line.id for line in self.lines]
        if len(ids) != len(set(ids)):
            raise ValueError(f"order {self.platform_id}: two lines have the same id")

    def _sums(self) -> Iterator[tuple[str, Money]]:
        yield from (("the total", self.total), ("the tax", self.tax), ("the discount", self.discount))
        parts: tuple[LineItem | ShippingLine | Fee, ...] = (*self.lines, *self.shipping_lines, *self.fees)
        for part in parts:
            yield from ((f"line {part.id}", part.total), (f"the tax of line {part.id}", part.tax))
        yield from ((f"refund {refund.id}", refund.amount) for refund in self.refunds)
        for paid in self.payments:
            sums = (paid.due, paid.authorized, paid.captured, paid.refunded, paid.refund_pending, paid.disputed)
            yield from ((f"payment {paid.id}", money) for money in sums)

    def line(self, line_id: str) -> LineItem | None:
        return next((line for line in self.lines if line.id == line_id), None)

    @property
    def needs_shipping(self) -> bool:
        """Something has to be sent: a line that ships, and not all of it is picked up."""
        if self.shipping_lines and all(line.pickup for line in self.shipping_lines):
            return False
        return any(line.requires_shipping for line in self.lines)
