"""Taking values out of Shopify's JSON, with the path of whatever cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any

from connector import EXPONENTS, BadPayload, Money

from .ids import bare

_EXACT = Context(prec=50)


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stood. Every reading method raises BadPayload with that path."""

    value: Any
    path: str

    def __getitem__(self, key: str) -> Node:
        if not isinstance(self.value, Mapping):
            raise self.bad("an object is expected here")
        if key not in self.value:
            raise BadPayload(f"{self.path}.{key} is missing")
        return Node(self.value[key], f"{self.path}.{key}")

    def get(self, key: str) -> Node:
        """Like [], but what is missing, or missing in null, is null."""
        if self.value is None:
            return Node(None, f"{self.path}.{key}")
        if not isinstance(self.value, Mapping):
            raise self.bad("an object is expected here")
        return Node(self.value.get(key), f"{self.path}.{key}")

    def __bool__(self) -> bool:
        """Is there anything?"""
        return self.value is not None

    def items(self) -> list[Node]:
        """The items of a list or of a connection, however it was asked for; none for null."""
        value = self.value
        if isinstance(value, Mapping) and ("nodes" in value or "edges" in value):
            nodes = value.get("nodes")
            value = nodes if nodes is not None else [edge["node"] for edge in value["edges"]]
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.bad("a list is expected here")
        return [Node(item, f"{self.path}[{index}]") for index, item in enumerate(value)]

    def text(self) -> str:
        """As it stands, without blanks around it. Null is no text."""
        if self.value is None:
            return ""
        if isinstance(self.value, Mapping | list):
            raise self.bad("a text is expected here")
        return str(self.value).strip()

    def id(self) -> str:
        """The bare number of a gid; "" for null."""
        return bare(self.text())

    def whole(self) -> int:
        if type(self.value) is not int:
            raise self.bad(f"a whole number is expected here, not {self.value!r:.20}")
        return self.value

    def is_true(self) -> bool:
        return self.value is True

    def number(self, currency: str) -> Decimal:
        """The amount of a MoneyBag that the customer saw, with as many decimals as Shopify gives it."""
        money = self["presentmentMoney"]
        if money["currencyCode"].text() != currency:
            raise money.bad(f"is in {money['currencyCode'].text()!r:.10}, but the customer paid in {currency}")
        try:
            amount = Decimal(money["amount"].text())
        except InvalidOperation:
            raise money.bad(f"{money['amount'].text()!r:.20} is not an amount") from None
        if not amount.is_finite():
            raise money.bad("is not an amount")
        return amount

    def money(self, currency: str) -> Money:
        """The same as Money. What the currency's minor units cannot express is never rounded."""
        try:
            return Money.parse(self.number(currency), currency)
        except ValueError as problem:
            raise self.bad(str(problem)) from None

    def share(self, currency: str) -> Money:
        """What Shopify reckons as a part of something else (a tax, a discount), which may have fractions of a cent: half up.

        Zero for null.
        """
        return rounded(self.number(currency), currency) if self else Money.zero(currency)

    def when(self) -> datetime:
        """A time as UTC."""
        moment = self.when_if_any()
        if moment is None:
            raise self.bad("a time is missing here")
        return moment

    def when_if_any(self) -> datetime | None:
        text = self.text()
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise self.bad(f"{text!r:.40} is not a time") from None
        if moment.tzinfo is None:
            raise self.bad(f"{text!r:.40} has no zone")
        return moment.astimezone(UTC)

    def bad(self, why: str) -> BadPayload:
        return BadPayload(f"{self.path}: {why}")


def rounded(amount: Decimal, currency: str) -> Money:
    """In minor units, half up: for what we reckon ourselves from prices and shares."""
    return Money.parse(amount.quantize(Decimal(1).scaleb(-EXPONENTS[currency]), ROUND_HALF_UP, _EXACT), currency)
