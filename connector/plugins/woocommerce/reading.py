"""Taking values out of the shop's JSON, with the path of whatever cannot be read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from html.parser import HTMLParser
from typing import Any

from connector import EXPONENTS, BadPayload, Money

AMOUNT = re.compile(r"-?\d+(\.\d+)?")
NOTHING = ("-", "", "-0.00")  # how WooCommerce 10.5 writes the total of a refund of nothing (recorded)
SILENT = ("script", "style")
_EXACT = Context(prec=50)


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stood. Every reading method raises BadPayload with that path."""

    value: Any
    path: str

    def __getitem__(self, key: str) -> Node:
        if not isinstance(self.value, dict):
            raise self.bad("an object is expected here")
        if key not in self.value:
            raise BadPayload(f"{self.path}.{key} is missing")
        return Node(self.value[key], f"{self.path}.{key}")

    def get(self, key: str) -> Node:
        """Like [], but what is missing is null."""
        if not isinstance(self.value, dict):
            raise self.bad("an object is expected here")
        return Node(self.value.get(key), f"{self.path}.{key}")

    def items(self) -> list[Node]:
        if self.value is None:
            return []
        if not isinstance(self.value, list):
            raise self.bad("a list is expected here")
        return [Node(value, f"{self.path}[{index}]") for index, value in enumerate(self.value)]

    def text(self) -> str:
        """As it stands, without blanks around it. Null is no text."""
        if self.value is None:
            return ""
        if isinstance(self.value, dict | list):
            raise self.bad("a text is expected here")
        return str(self.value).strip()

    def id(self) -> str:
        """An id as text; 0 and null are no id."""
        text = self.text()
        return "" if text in ("0", "") else text

    def whole(self) -> int:
        if type(self.value) is not int:
            raise self.bad(f"a whole number is expected here, not {self.value!r:.20}")
        return self.value

    def number(self) -> Decimal:
        """An amount as it stands, with as many decimals as the shop counts with."""
        if isinstance(self.value, bool) or not isinstance(self.value, str | int | float | Decimal):
            raise self.bad("an amount is expected here")
        text = str(self.value)
        if not AMOUNT.fullmatch(text):
            raise self.bad(f"{text!r:.20} is not an amount")
        return Decimal(text)

    def money(self, currency: str) -> Money:
        """A sum. A shop may be set to count with more decimals than its money has: it is rounded half up, as it is paid."""
        amount = self.number()
        try:
            return rounded(amount, currency)
        except (ArithmeticError, ValueError):
            raise self.bad(f"{str(amount)!r:.20} is not an amount of money") from None

    def refunded(self) -> Decimal:
        """The total of a refund in an order ("-12.50") as what was given back (12.50)."""
        return Decimal(0) if self.value in NOTHING else abs(self.number())

    def when(self) -> datetime:
        """A time in GMT without a zone ("2026-11-22T18:36:49"), as UTC."""
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
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

    def bad(self, why: str) -> BadPayload:
        return BadPayload(f"{self.path}: {why}")


def rounded(amount: Decimal, currency: str) -> Money:
    """In minor units, half up: away from zero, as PHP does. Raises ArithmeticError for what has more than 50 digits."""
    return Money.parse(amount.quantize(Decimal(1).scaleb(-EXPONENTS[currency]), ROUND_HALF_UP, _EXACT), currency)


def as_text(html: str, *, links: bool = False) -> str:
    """A name without its tags and entities: `Classic Mug &times; 2<br>` is `Classic Mug × 2`. Without scripts.

    `links`: where a link leads is kept: what a customer has uploaded is shown as one.
    """
    if "<" not in html and "&" not in html:
        return html.strip()
    reader = _TextOnly(links=links)
    reader.feed(html)
    reader.close()
    return " ".join("".join(reader.parts).split())


class _TextOnly(HTMLParser):
    def __init__(self, *, links: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.links = links
        self.parts: list[str] = []
        self.silent = 0
        self.leads_to = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in SILENT
        self.parts.append(" " if tag in ("br", "p", "div", "li") else "")
        if tag == "a" and self.links:
            self.leads_to = dict(attrs).get("href") or ""

    def handle_endtag(self, tag: str) -> None:
        self.silent = max(0, self.silent - (tag in SILENT))
        if tag == "a" and self.leads_to and self.leads_to not in "".join(self.parts):
            self.parts.append(f" ({self.leads_to})")
            self.leads_to = ""

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.parts.append(data)
