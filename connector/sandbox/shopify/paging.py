"""Connections: Shopify's cursors, first/after and last/before, and its search syntax as far as a connector uses it.

A cursor is base64 of `{"last_id": …, "last_value": …}`, so that a page goes on at its place although rows came or went.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connector.sandbox.shopify.problems import TopError

MOST = 250
TERM = re.compile(r"""(-?)(\w+):(<=|>=|<|>)?('[^']*'|"[^"]*"|\S+)""")
Key = Callable[[Any], Any]


def encode(number: int | str, value: Any) -> str:
    text = json.dumps({"last_id": number, "last_value": _written(value)}, separators=(",", ":"))
    return base64.b64encode(text.encode()).decode()


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return str(value) if isinstance(value, Decimal) else value


def decode(cursor: str) -> tuple[Any, Any]:
    """(id, value). Raises TopError for anything that is no cursor."""
    try:
        found = json.loads(base64.b64decode(cursor, validate=True))
        return found["last_id"], found["last_value"]
    except (ValueError, KeyError, TypeError):
        raise TopError("Invalid cursor for current pagination sort.", "BAD_REQUEST") from None


def size(arguments: dict[str, Any]) -> int:
    """How many rows are asked for. Raises TopError, in Shopify's words."""
    first, last = arguments.get("first"), arguments.get("last")
    if first is None and last is None:
        raise TopError("you must provide one of first or last", "BAD_REQUEST")
    wanted = int(first if first is not None else last or 0)
    if wanted < 0:
        raise TopError("first must be a non-negative integer", "BAD_REQUEST")
    if wanted > MOST:
        raise TopError(f"first cannot exceed {MOST}" if first is not None else f"last cannot exceed {MOST}", "BAD_REQUEST")
    return wanted


def page(rows: Sequence[Any], arguments: dict[str, Any], *, value: Key, number: Key) -> dict[str, Any]:
    """One page of rows that are sorted by (value, number); `reverse` turns them round first."""
    if arguments.get("reverse"):
        rows = rows[::-1]
    wanted = size(arguments)
    start = _after(rows, arguments["after"], number) if arguments.get("after") else 0
    end = _after(rows, arguments["before"], number) - 1 if arguments.get("before") else len(rows)
    start, end = (start, min(end, start + wanted)) if arguments.get("first") is not None else (max(start, end - wanted), end)
    chosen = list(rows[start:end])
    return _connection(chosen, more=end < len(rows), before=start > 0, value=value, number=number)


def _after(rows: Sequence[Any], cursor: str, number: Key) -> int:
    """The place behind the row of the cursor; a row that is gone leaves the place where its id would be."""
    wanted, _ = decode(cursor)
    for place, row in enumerate(rows):
        if number(row) == wanted:
            return place + 1
    return next((place for place, row in enumerate(rows) if number(row) > wanted), len(rows))


def _connection(rows: list[Any], *, more: bool, before: bool, value: Key, number: Key) -> dict[str, Any]:
    cursors = [encode(number(row), value(row)) for row in rows]
    return {
        "nodes": rows,
        "edges": [{"cursor": cursor, "node": row} for cursor, row in zip(cursors, rows, strict=True)],
        "page_info": {
            "has_next_page": more,
            "has_previous_page": before,
            "start_cursor": cursors[0] if cursors else None,
            "end_cursor": cursors[-1] if cursors else None,
        },
    }


def simple(rows: Iterable[Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """A connection of parts: sorted as they are, each known by its id."""
    return page(list(rows), arguments, value=lambda row: row.id, number=lambda row: row.id)


# --- search -----------------------------------------------------------------------------------------------------------


Test = Callable[[Any], bool]


def search(query: str | None, fields: dict[str, Callable[[Any], Any]]) -> Test:
    """A test for rows from `updated_at:>='2026-01-01T00:00:00Z' AND -status:closed`; terms are joined by AND or OR.

    An unknown field is ignored, as Shopify does (it only warns). Words without a field match nothing here.
    """
    if not query or not query.strip():
        return lambda row: True
    branches = [_all_of(part, fields) for part in re.split(r"\s+OR\s+", query)]
    return lambda row: any(branch(row) for branch in branches)


def _all_of(text: str, fields: dict[str, Callable[[Any], Any]]) -> Test:
    tests = [_term(found, fields) for found in TERM.finditer(text.replace("(", " ").replace(")", " "))]
    return lambda row: all(test(row) for test in tests)


def _term(found: re.Match[str], fields: dict[str, Callable[[Any], Any]]) -> Test:
    minus, name, comparison, value = found.groups()
    read = fields.get(name)
    if read is None:
        return lambda row: True
    wanted = value.strip("'\"")

    def test(row: Any) -> bool:
        return _compare(read(row), comparison, wanted) is not bool(minus)

    return test


def _compare(found: Any, comparison: str | None, wanted: str) -> bool:
    if isinstance(found, list):
        return wanted.lower() in [str(one).lower() for one in found]
    if found is None:
        return False
    if isinstance(found, datetime):
        return _ordered(found, comparison or ">=", _moment(wanted))
    if isinstance(found, int) and not isinstance(found, bool):
        return wanted.isdigit() and _ordered(found, comparison or "==", int(wanted))
    return wanted.lower() in [part.lower() for part in str(found).split("/")]


def _ordered(found: Any, comparison: str, wanted: Any) -> bool:
    if wanted is None:
        return True
    table = {"<": found < wanted, "<=": found <= wanted, ">": found > wanted, ">=": found >= wanted, "==": found == wanted}
    return bool(table[comparison])


def _moment(text: str) -> datetime | None:
    """Without an offset it is UTC; a text that is no time is ignored."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
