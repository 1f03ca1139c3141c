"""Compares what a real store answered with what the sandbox answers: every field, type and value that matters.

Numbers that a store hands out (orders, lines, notes, …) may differ, but always in the same way: the first meeting of a
recorded number with a sandbox number fixes the pair, in both directions, for the rest of the replay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

RECORDED_HOST = "store.example"
LINES = r"(?:line_items|tax_lines|shipping_lines|fee_lines|coupon_lines)"
# What a number at a path counts; the first pattern that fits decides. "" means it must be equal.
KINDS = (
    (re.compile(r"taxes\[\d+\]\.id$"), ""),
    (re.compile(r"(image|attributes\[\d+\]|categories\[\d+\])\.id$"), ""),
    (re.compile(LINES + r"\[\d+\]\.meta_data\[\d+\]\.id$"), "item_meta"),
    (re.compile(r"meta_data\[\d+\]\.id$"), "meta"),
    (re.compile(LINES + r"\[\d+\]\.id$"), "item"),
    (re.compile(r"refunds\[\d+\]\.id$"), "post"),
    (re.compile(r"(parent_id|new_draft_order_id|order_id)$"), "post"),
    (re.compile(r"item_id$"), "item"),
)
NUMBERS_IN_TEXT = (
    (re.compile(r"(/orders/)(\d+)"), "post"),
    (re.compile(r"(/refunds/)(\d+)"), "post"),
    (re.compile(r"(order-pay/)(\d+)"), "post"),
    (re.compile(r"(#)(\d+)"), "post"),
    (re.compile(r"(\border )(\d+)"), "post"),
    (re.compile(r"(txn_recorder_)(\d+)"), "post"),
    (re.compile(r"(/notes/)(\d+)"), "note"),
    (re.compile(r"(/webhooks/)(\d+)"), "webhook"),
    (re.compile(r"(/fulfillments/)(\d+)"), "fulfillment"),
)
MASKS = (
    (re.compile(r"wc_order_\w{13}"), "wc_order_(random)"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "(hash)"),
    (re.compile(r"place-order-debug-\w{8}"), "place-order-debug-(random)"),
    (re.compile(r"oauth_\w+=[^&>]*&?"), ""),
    (re.compile(r"(consumer_key|consumer_secret)=\w+"), r"\1=(ours)"),
)
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}")
EPOCH = re.compile(r"1[0-9]{9}")
TOLERANCE_S = 3
CUT_AT = 200
SORTED_BY = {"meta_data": ("key", "id"), "refunds": ("id",), "notes": ("note", "id")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One place where the sandbox is not as recorded."""

    path: str
    recorded: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.path}: recorded {self.recorded!r:.160}, found {self.found!r:.160}"


class Ids:
    """Pairs of recorded and sandbox numbers by kind.

    post (orders, refunds), item, meta, item_meta, note, webhook, fulfillment, fulfillment_meta.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, int], int] = {}
        self._recorded: dict[tuple[str, int], int] = {}

    def pair(self, kind: str, recorded: int, found: int) -> bool:
        """Learn the pair, or check it; false when one side is already paired otherwise."""
        known = self._found.setdefault((kind, recorded), found)
        back = self._recorded.setdefault((kind, found), recorded)
        return known == found and back == recorded

    def known(self, kind: str, recorded: int) -> bool:
        return (kind, recorded) in self._found

    def found(self, kind: str, recorded: int) -> int:
        """The sandbox's number for a recorded one; an unknown number (a product, 999999) stands for itself."""
        return self._found.get((kind, recorded), recorded)

    def in_text(self, text: str) -> str:
        """A recorded text with the sandbox's numbers."""
        return self.replaced(text, NUMBERS_IN_TEXT)

    def replaced(self, text: str, patterns: Iterable[tuple[re.Pattern[str], str]]) -> str:
        """The text with the number in every match's second group exchanged."""
        for pattern, kind in patterns:
            text = pattern.sub(partial(self._exchanged, kind), text)
        return text

    def _exchanged(self, kind: str, hit: re.Match[str]) -> str:
        return f"{hit[1]}{self.found(kind, int(hit[2]))}"


class Comparison:
    """Collects the differences of one exchange. `root`: what a number at the top counts (post, note, …)."""

    def __init__(self, ids: Ids, *, host: str, root: str = "post", whole: bool = True) -> None:
        self.ids = ids
        self.host = host
        self.root = root
        self.whole = whole
        self.differences: list[Difference] = []

    def compare(self, path: str, recorded: Any, found: Any) -> None:
        """Compare two JSON values. In a recording that was cut down, only what it holds must be there."""
        if isinstance(recorded, dict) and isinstance(found, dict):
            self._objects(path, recorded, found)
        elif isinstance(recorded, list) and isinstance(found, list):
            self._lists(path, recorded, found)
        elif not self._same(path, recorded, found):
            self.differences.append(Difference(path=path, recorded=recorded, found=found))

    def _objects(self, path: str, recorded: dict[str, Any], found: dict[str, Any]) -> None:
        whole = self.whole and "_links" in recorded
        if whole and list(recorded) != list(found):
            self.differences.append(Difference(path=f"{path} (fields)", recorded=list(recorded), found=list(found)))
        for key, value in recorded.items():
            if key not in found and value is not None:
                self.differences.append(Difference(path=f"{path}.{key}".lstrip("."), recorded=value, found="(missing)"))
            else:
                self.compare(f"{path}.{key}".lstrip("."), value, found.get(key))

    def _lists(self, path: str, recorded: list[Any], found: list[Any]) -> None:
        shown = [one for one in recorded if not (isinstance(one, dict) and set(one) == {"..."})]
        more = sum(one["..."] for one in recorded if isinstance(one, dict) and set(one) == {"..."})
        if len(shown) + more != len(found):
            count = Difference(path=f"{path} (length)", recorded=len(shown) + more, found=len(found))
            self.differences.append(count)
            return
        name = path.rpartition(".")[2]
        for index, (one, other) in enumerate(zip(_in_order(name, shown), _in_order(name, found), strict=False)):
            self.compare(f"{path}[{index}]", one, other)

    def _same(self, path: str, recorded: Any, found: Any) -> bool:
        if isinstance(recorded, bool) or isinstance(found, bool) or recorded is None or found is None:
            return recorded is found
        if isinstance(recorded, int | float) and isinstance(found, int | float):
            return self._same_number(path, recorded, found)
        if isinstance(recorded, str) and isinstance(found, str):
            return self._same_text(path, recorded, found)
        return type(recorded) is type(found) and bool(recorded == found)

    def _same_number(self, path: str, recorded: float, found: float) -> bool:
        kind = self._kind(path)
        if recorded == 0 or not kind:
            return recorded == found
        return self.ids.pair(kind, int(recorded), int(found))

    def _kind(self, path: str) -> str:
        for pattern, kind in KINDS:
            if pattern.search(path):
                return "fulfillment_meta" if (kind, self.root) == ("meta", "fulfillment") else kind
        return self.root if re.fullmatch(r"(\[\d+\]\.|\w+\[\d+\]\.)?id", path) else ""

    def _same_text(self, path: str, recorded: str, found: str) -> bool:
        if path.endswith(("number", "entity_id")) and recorded.isdigit() and "tracking" not in path:
            return str(self.ids.found("post", int(recorded))) == found
        if path.endswith("value") and recorded.isdigit() and found.isdigit():
            return self._same_digits(recorded, found)
        if MOMENT.fullmatch(recorded) and MOMENT.fullmatch(found):
            apart = datetime.fromisoformat(recorded) - datetime.fromisoformat(found)
            return abs(apart.total_seconds()) <= TOLERANCE_S
        if len(recorded) == CUT_AT and path.endswith(".note"):
            return found.startswith(recorded)
        return masked(self.ids.in_text(recorded)) == masked(found.replace(self.host or RECORDED_HOST, RECORDED_HOST))

    def _same_digits(self, recorded: str, found: str) -> bool:
        """A meta value: a line's number (`_refunded_item_id`), an epoch, or just digits."""
        if EPOCH.fullmatch(recorded) and EPOCH.fullmatch(found):
            return abs(int(recorded) - int(found)) <= TOLERANCE_S
        return found in {recorded, str(self.ids.found("item", int(recorded)))}


def masked(text: str) -> str:
    """Without what is random in every store: order keys, hashes, nonces."""
    for pattern, shown in MASKS:
        text = pattern.sub(shown, text)
    return text


def _in_order(name: str, rows: Iterable[Any]) -> list[Any]:
    """Rows whose order is left to the database are compared sorted."""
    keys = SORTED_BY.get(name)
    rows = list(rows)
    if keys is None or not all(isinstance(row, dict) for row in rows):
        return rows
    return sorted(rows, key=lambda row: tuple((type(row.get(key)).__name__, row.get(key)) for key in keys))
