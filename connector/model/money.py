"""Money: an integer of minor units with its currency. Nothing here rounds silently."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow

# ISO 4217: https://www.six-group.com/en/products-services/financial-information/data-standards.html, list one, 2026-11.
_NOT_TWO = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_TWO = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP
CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR
KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN
PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD
TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
"""
EXPONENTS: dict[str, int] = {code: 2 for code in _TWO.split()} | {
    code: exponent for exponent, codes in _NOT_TWO.items() for code in codes.split()
}


@dataclass(frozen=True, slots=True, kw_only=True, order=False)
class Money:
    """An amount: `minor` units (cents, yen, fils) of an ISO 4217 `currency`.

    Raises:
        ValueError: the currency is not one of ISO 4217, or `minor` is not an integer.
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise ValueError(f"money is counted in whole minor units, not {self.minor!r}")
        if self.currency not in EXPONENTS:
            raise ValueError(f"unknown currency {self.currency!r} (ISO 4217 code expected)")

    @classmethod
    def zero(cls, currency: str) -> Money:
        return cls(minor=0, currency=currency)

    @classmethod
    def parse(cls, text: str | int | Decimal, currency: str) -> Money:
        """Read an amount in major units ("12.50"). Raises ValueError where minor units cannot express it exactly."""
        if currency not in EXPONENTS:
            raise ValueError(f"unknown currency {currency!r} (ISO 4217 code expected)")
        # The usual context rounds to 28 digits without a word; this one raises, and refuses "1e999999" before it is a number.
        exact = Context(prec=50, Emax=50, Emin=-50, traps=[InvalidOperation, Overflow, Inexact])
        try:
            amount = exact.scaleb(exact.create_decimal(text), EXPONENTS[currency])
        except (ArithmeticError, TypeError, ValueError):
            raise ValueError(f"{text!r} is not an amount of money") from None
        if not amount.is_finite() or amount != amount.to_integral_value():
            raise ValueError(f"{text!r} cannot be expressed in the minor units of {currency}")
        return cls(minor=int(amount), currency=currency)

    @property
    def major(self) -> Decimal:
        return Decimal(f"{self.minor}E-{EXPONENTS[self.currency]}")  # read from text, it is exact whatever its length

    def __str__(self) -> str:
        return f"{self.text} {self.currency}"

    @property
    def text(self) -> str:
        """The amount in major units without its currency ("12.50"), as most vendors want it."""
        return f"{self.major:.{EXPONENTS[self.currency]}f}"

    def __add__(self, other: Money) -> Money:
        return Money(minor=self.minor + self._same(other), currency=self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(minor=self.minor - self._same(other), currency=self.currency)

    def __neg__(self) -> Money:
        return Money(minor=-self.minor, currency=self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.minor >= self._same(other)

    def __bool__(self) -> bool:
        return self.minor != 0

    def split(self, weights: Sequence[int]) -> list[Money]:
        """Share the amount out by weight: the parts differ by at most one unit from the exact share and sum to the whole.

        Raises:
            ValueError: no weights, a negative weight, or all weights zero.
        """
        total = sum(weights)
        if total <= 0 or any(weight < 0 for weight in weights):
            raise ValueError("weights must be zero or more, and not all zero")
        parts, given, seen = [], 0, 0
        for weight in weights:
            seen += weight
            upto = self.minor * seen // total  # running totals never drift, so nothing is lost
            parts.append(Money(minor=upto - given, currency=self.currency))
            given = upto
        return parts

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be put together")
        return other.minor


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum of amounts that are all in `currency` (zero if there are none)."""
    minor = 0
    for amount in amounts:
        if amount.currency != currency:
            raise ValueError(f"{amount.currency} and {currency} cannot be put together")
        minor += amount.minor
    return Money(minor=minor, currency=currency)
