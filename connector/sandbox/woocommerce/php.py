"""How WooCommerce, a PHP program, writes numbers, amounts, dates and JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

ZERO = Decimal(0)


def php_json(value: Any) -> bytes:
    """JSON with `\\/` and `\\u00fc` as PHP's json_encode writes it; webhook signatures cover these very bytes."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode("ascii")


def decimal_of(value: Any) -> Decimal:
    """The number in a string or JSON number; anything else counts as 0, as PHP's casts do."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return ZERO
    return number if number.is_finite() else ZERO


def rounded(value: Decimal, places: int = 2) -> Decimal:
    """Half up, away from zero, as PHP's round()."""
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def amount(value: Decimal, places: int = 2) -> str:
    """`12.50`; never `-0.00`."""
    number = rounded(value, places)
    return str(abs(number) if number == 0 else number)


def number_text(value: Decimal) -> str:
    """A PHP float as text: `12.5`, `5`, `0`."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def json_number(value: Decimal) -> int | float:
    """A PHP float in JSON: whole numbers lose their point."""
    return int(value) if value == value.to_integral_value() else float(value)


def stored(value: Any) -> Any:
    """A meta value after the database: true is "1", false is "", numbers are strings, objects stay."""
    if isinstance(value, bool):
        return "1" if value else ""
    if isinstance(value, int | float):
        return number_text(Decimal(str(value)))
    return value


def local_time(moment: datetime | None, zone: ZoneInfo) -> str | None:
    return None if moment is None else moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")


def gmt_time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def truthy(value: Any) -> bool:
    """A boolean parameter from JSON or from a query string."""
    if isinstance(value, str):
        return value.lower() not in {"", "0", "false", "no"}
    return bool(value)
