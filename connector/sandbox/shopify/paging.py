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
WRONG_CURSOR = "Invalid cursor for current pagination sort."
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
        raise TopError(WRONG_CURSOR, "BAD_REQUEST") from None


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
    keys = Keys(rows, value=value, number=number, turned=bool(arguments.get("reverse")))
    start = keys.behind(arguments["after"]) if arguments.get("after") else 0
    end = keys.at(arguments["before"]) if arguments.get("before") else len(rows)
    start, end = (start, min(end, start + wanted)) if arguments.get("first") is not None else (max(start, end - wanted), end)
    chosen = list(rows[start:end])
    return _connection(chosen, more=end < len(rows), before=start > 0, value=value, number=number)


class Keys:
    """What rows are sorted by, as a cursor tells it: the place of a cursor is found by bisection.

    A row that has changed since, or is gone, leaves the place where it was: nothing behind it is skipped.
    """

    def __init__(self, rows: Sequence[Any], *, value: Key, number: Key, turned: bool) -> None:
        self._rows, self._value, self._number, self._turned = rows, value, number, turned

    def behind(self, cursor: str) -> int:
        return self._found(cursor, lambda row, wanted: row > wanted)

    def at(self, cursor: str) -> int:
        return self._found(cursor, lambda row, wanted: row >= wanted)

    def _found(self, cursor: str, past: Callable[[Any, Any], bool]) -> int:
        """The first row that is past the cursor. Raises TopError for a cursor of another sort."""
        number, value = decode(cursor)
        low, high = 0, len(self._rows)
        try:
            while low < high:
                middle = (low + high) // 2
                row = self._rows[middle]
                pair = ((_written(self._value(row)), self._number(row)), (value, number))
                low, high = (low, middle) if past(*(reversed(pair) if self._turned else pair)) else (middle + 1, high)
        except TypeError:
            raise TopError(WRONG_CURSOR, "BAD_REQUEST") from None
        return low


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
    listed = list(rows)
    places = {row.id: place for place, row in enumerate(listed)}
    wanted = {name: _as_place(arguments.get(name), places) for name in ("after", "before") if arguments.get(name)}
    found = page(list(enumerate(listed)), {**arguments, **wanted}, value=lambda pair: pair[0], number=lambda pair: pair[1].id)
    return _connection(
        [row for _, row in found["nodes"]],
        more=found["page_info"]["has_next_page"],
        before=found["page_info"]["has_previous_page"],
        value=lambda row: row.id,
        number=lambda row: row.id,
    )


def _as_place(cursor: str | None, places: dict[Any, int]) -> str:
    """The cursor of a part by its place; without the part, behind all of them. Raises TopError."""
    number, _ = decode(cursor or "")
    return encode(number, places.get(number, len(places)))


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
