"""Money: nothing is rounded, lost or mixed, whatever the currency."""

from __future__ import annotations

from decimal import Decimal

import pytest
from babel import Locale
from babel.core import get_global
from babel.numbers import get_currency_precision, list_currencies
from hypothesis import given
from hypothesis import strategies as st

from connector.model.money import EXPONENTS, Money, total
from tests.model.strategies import currencies, examples, minors

HUGE = st.integers(-(10**40), 10**40)

# Where CLDR (Babel) and ISO 4217 differ on purpose: CLDR gives the digits that people write, ISO those that banks count in.
# Each pair is (ISO 4217, CLDR). https://www.unicode.org/reports/tr35/tr35-numbers.html#Supplemental_Currency_Data, 2026-11
NOT_WRITTEN = ("AFN", "ALL", "IRR", "KPW", "LAK", "LBP", "MGA", "MMK", "RSD", "SOS", "SYP", "YER")
CLDR_DIFFERS = dict.fromkeys(NOT_WRITTEN, (2, 0)) | {"IQD": (3, 0)}


@examples(200)
@given(minor=HUGE, currency=currencies)
def test_text_is_read_back_as_the_same_money(minor: int, currency: str) -> None:
    """What we write for a vendor is what we would read from it, with as many decimals as the currency has."""
    money = Money(minor=minor, currency=currency)

    assert Money.parse(money.text, currency) == money
    assert Money.parse(money.major, currency) == money
    assert len(money.text.partition(".")[2]) == EXPONENTS[currency]
    assert str(money) == f"{money.text} {currency}"


@examples(200)
@given(text=st.decimals(allow_nan=True, allow_infinity=True) | st.floats().map(repr) | st.text(max_size=8), currency=currencies)
def test_an_amount_is_read_exactly_or_not_at_all(text: Decimal | str, currency: str) -> None:
    """Half a cent, infinity or words are refused; what is accepted is worth exactly what was written."""
    try:
        money = Money.parse(text, currency)
    except ValueError:
        return
    assert money.minor * Decimal(10) ** -EXPONENTS[currency] == Decimal(text)


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("12345678901234567890123456789.01", "EUR"),  # 31 digits: more than the usual decimal context keeps
        ("0.12345678901234567890123456789012345678901234567890123", "EUR"),
        ("0.001", "EUR"),
        ("0.5", "JPY"),
        ("1.2345", "KWD"),
    ],
)
def test_what_cannot_be_expressed_is_never_rounded(text: str, currency: str) -> None:
    """A sum of many digits is kept to the last one, and one with too many decimals is refused."""
    try:
        assert Money.parse(text, currency).text == text
    except ValueError:
        assert len(text.partition(".")[2]) > EXPONENTS[currency]


@pytest.mark.parametrize("text", ["1e999999", "1e400", "NaN", "sNaN", "Infinity", "", "12,50", "€5", None, [1], object()])
def test_what_is_no_amount_is_a_value_error(text: object) -> None:
    """A vendor's nonsense is refused with our words, and at once: "1e999999" must not become a number of a million digits."""
    with pytest.raises(ValueError):
        Money.parse(text, "EUR")  # type: ignore[arg-type]


@pytest.mark.parametrize("currency", ["", "eur", "XXX", "BTC", "EURO", "USDT"])
def test_an_unknown_currency_is_refused_everywhere(currency: str) -> None:
    """Neither made nor read."""
    with pytest.raises(ValueError, match="unknown currency"):
        Money(minor=1, currency=currency)
    with pytest.raises(ValueError, match="unknown currency"):
        Money.parse("1", currency)


@pytest.mark.parametrize("minor", [1.0, True, Decimal(1), "1", None])
def test_minor_units_are_whole_numbers(minor: object) -> None:
    """A float is not an amount of money, and neither is True."""
    with pytest.raises(ValueError, match="whole minor units"):
        Money(minor=minor, currency="EUR")  # type: ignore[arg-type]


def test_dinars_have_three_decimals() -> None:
    """1.234 KWD is 1234 fils; 1.23 is written as 1.230."""
    assert Money.parse("1.234", "KWD").minor == 1234
    assert Money.parse("1.23", "KWD").text == "1.230"
    assert Money.parse("-0.001", "TND").minor == -1


@examples(200)
@given(minor=minors, weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any), currency=currencies)
def test_sharing_out_loses_and_makes_nothing(minor: int, weights: list[int], currency: str) -> None:
    """The parts sum to the whole, each is less than one unit from its exact share, and no weight means no money."""
    parts = Money(minor=minor, currency=currency).split(weights)

    assert sum(part.minor for part in parts) == minor
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.minor * sum(weights) - minor * weight) < sum(weights)
        assert weight or part.minor == 0


@pytest.mark.parametrize("weights", [[], [0], [0, 0], [-1, 2], [3, -1]])
def test_weights_that_share_nothing_are_refused(weights: list[int]) -> None:
    """No weights, none above zero, or a negative one."""
    with pytest.raises(ValueError, match="weights"):
        Money(minor=100, currency="EUR").split(weights)


@examples(50)
@given(a=minors, b=minors, one=currencies, other=currencies)
def test_currencies_are_never_mixed(a: int, b: int, one: str, other: str) -> None:
    """Sums and comparisons of two currencies are refused; of one, they are those of the numbers."""
    left, right = Money(minor=a, currency=one), Money(minor=b, currency=other)
    operations = (
        lambda: (left + right).minor == a + b,
        lambda: (left - right).minor == a - b,
        lambda: (left < right) == (a < b),
        lambda: (left <= right) == (a <= b),
        lambda: (left > right) == (a > b),
        lambda: (left >= right) == (a >= b),
        lambda: total([left, right], one).minor == a + b,
    )
    for operation in operations:
        if one == other:
            assert operation()
        else:
            with pytest.raises(ValueError, match="cannot be put together"):
                operation()


def test_the_currencies_are_those_in_use() -> None:
    """Every currency that CLDR lists for a country today is known, and none was invented."""
    used = {
        currency
        for territory in Locale("en").territories
        for currency, _start, end, tender in get_global("territory_currencies").get(territory, [])
        if tender and end is None
    }
    assert used - set(EXPONENTS) == set()
    assert set(EXPONENTS) - set(list_currencies()) == set()


def test_minor_units_agree_with_cldr_but_for_the_known_differences() -> None:
    """A wrong exponent is a refund of a hundredfold, so a second source has to agree on every one."""
    pairs = {code: (exponent, get_currency_precision(code)) for code, exponent in EXPONENTS.items()}

    assert {code: pair for code, pair in pairs.items() if pair[0] != pair[1]} == CLDR_DIFFERS
