"""What really happened in the sandbox, in order: the judge of crash tests.

Every entry has `seq` (one series for all kinds) and `at` (real UTC time, ISO 8601 with microseconds).
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

Entry = dict[str, Any]
KINDS = ("requests", "transitions", "stock", "mails", "gateway_refunds", "notes", "deliveries", "acts")


class Records:
    """Append-only lists by kind: a WooCommerce store's, unless others are named.

    An entry may be completed later (a request gets its status), never removed.
    """

    def __init__(self, kinds: Iterable[str] = KINDS) -> None:
        self._lock = threading.Lock()
        self._seq: Iterator[int] = itertools.count(1)
        self._last = 0
        self._entries: dict[str, list[Entry]] = {kind: [] for kind in kinds}

    def add(self, kind: str, /, **entry: Any) -> Entry:
        """Append one entry of that kind and give it back, so that its maker can complete it."""
        with self._lock:
            self._last = next(self._seq)
            row = {"seq": self._last, "at": datetime.now(UTC).isoformat(timespec="microseconds"), **entry}
            self._entries[kind].append(row)
            return row

    @property
    def last(self) -> int:
        """The number of the newest entry; 0 when there is none."""
        return self._last

    def count(self, kind: str, *, after: int, order_id: int | None = None) -> int:
        """How many entries of that kind came after that number, about that order (any, without one)."""
        number = 0
        with self._lock:
            for row in reversed(self._entries[kind]):
                if row["seq"] <= after:
                    break
                number += order_id is None or row.get("order_id") == order_id
        return number

    def since(self, seq: int = 0) -> dict[str, list[Entry]]:
        """Copies of all entries after that number, by kind."""
        with self._lock:
            return {kind: [dict(row) for row in rows if row["seq"] > seq] for kind, rows in self._entries.items()}
