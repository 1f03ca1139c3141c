"""Money in the shop's currency and in the customer's, side by side, and how Shopify writes amounts."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

ZERO = Decimal(0)
# Currencies whose smallest unit is not a hundredth (ISO 4217).
PLACES = {**dict.fromkeys(("JPY", "KRW", "CLP", "VND", "XAF", "XOF", "ISK", "UGX"), 0), **dict.fromkeys(("BHD", "KWD"), 3)}


def rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-PLACES.get(currency, 2)), ROUND_HALF_UP)


def decimal_text(amount: Decimal) -> str:
    """The Decimal scalar: `12.5`, `10.0`, `16.99`."""
    text = format(amount, "f")
    if "." not in text:
        return f"{text}.0"
    text = text.rstrip("0")
    return f"{text}0" if text.endswith(".") else text


def money_text(amount: Decimal, currency: str = "USD") -> str:
    """The Money scalar, and amounts in webhooks: `12.50`."""
    return str(rounded(amount, currency))


@dataclass(frozen=True, slots=True)
class Bag:
    """One amount in both currencies of an order."""

    shop: Decimal
    presentment: Decimal
    shop_currency: str
    presentment_currency: str

    def __add__(self, other: Bag) -> Bag:
        return self.with_amounts(self.shop + other.shop, self.presentment + other.presentment)

    def __sub__(self, other: Bag) -> Bag:
        return self.with_amounts(self.shop - other.shop, self.presentment - other.presentment)

    def with_amounts(self, shop: Decimal, presentment: Decimal) -> Bag:
        return Bag(shop, presentment, self.shop_currency, self.presentment_currency)

    def times(self, factor: int | Decimal) -> Bag:
        return self.with_amounts(self.shop * factor, self.presentment * factor).rounded()

    def share(self, part: int | Decimal, of: int | Decimal) -> Bag:
        """`part` / `of` of it; nothing when `of` is 0."""
        return self.zero if not of else self.times(Decimal(part) / Decimal(of))

    def rounded(self) -> Bag:
        shop = rounded(self.shop, self.shop_currency)
        return self.with_amounts(shop, rounded(self.presentment, self.presentment_currency))

    def least(self) -> Bag:
        """Never below nothing."""
        return self.with_amounts(max(self.shop, ZERO), max(self.presentment, ZERO))

    def of_presentment(self, amount: Decimal) -> Bag:
        """That much of the customer's money, and what it is in the shop's at the rate of this bag."""
        if self.shop_currency == self.presentment_currency or not self.presentment:
            return self.with_amounts(amount, amount)
        return self.with_amounts(rounded(amount * self.shop / self.presentment, self.shop_currency), amount)

    @property
    def zero(self) -> Bag:
        return self.with_amounts(ZERO, ZERO)

    def __bool__(self) -> bool:
        return bool(self.presentment or self.shop)


def total(bags: list[Bag], zero: Bag) -> Bag:
    return sum(bags, zero)
