"""Compares what a real shop answered with what the simulated one answers: every member, type and value but ids and times."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from connector.sandbox.shopify.ids import GID
from connector.sandbox.truth.compare import Difference

IN_TEXT = re.compile(r"gid://shopify/([A-Za-z]+)/([\w-]+)")
NAME = re.compile(r"#\d+(?=\D|$)")
NUMBER = re.compile(r"(?<![\w#./-])\d{9,}(?![\w.])")
PLACE_IN_FIELD = re.compile(r"serErrors\[\d+\]\.field\[\d+\]$")
CURSORS = re.compile(r"(startCursor|endCursor|cursor)$")
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")
GIVEN = frozenset({"Location", "Product", "ProductVariant", "InventoryItem"})  # the replay makes them with their own ids
ORDER_NAME, CURSOR = "order name", "cursor"


class Pairs:
    """Recorded ids and order names with their partners in the simulated shop. The first meeting fixes a pair, both ways."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], str] = {}
        self._recorded: dict[tuple[str, str], str] = {}

    def pair(self, kind: str, recorded: str, found: str) -> bool:
        """Learn the pair, or check it; false when one side has another partner already."""
        known = self._found.setdefault((kind, recorded), found)
        return known == found and self._recorded.setdefault((kind, found), recorded) == recorded

    def known(self, kind: str, recorded: str) -> bool:
        return (kind, recorded) in self._found

    def found(self, kind: str, recorded: str) -> str:
        """The partner; what has none stands for itself."""
        return self._found.get((kind, recorded), recorded)

    def in_text(self, text: str) -> str:
        """A recorded text with the simulated shop's ids and order names."""
        text = IN_TEXT.sub(lambda hit: f"gid://shopify/{hit[1]}/{self.found(hit[1], hit[2])}", text)
        return NAME.sub(lambda hit: self.found(ORDER_NAME, hit[0]), text)

    def exchanged(self, value: Any) -> Any:
        """Recorded variables as they are to be sent."""
        if isinstance(value, dict):
            return {name: self.exchanged(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self.exchanged(one) for one in value]
        if not isinstance(value, str):
            return value
        return self.found(CURSOR, value) if self.known(CURSOR, value) else self.in_text(value)

    def learn(self, recorded: Any, found: Any) -> None:
        """The pairs in two answers that are alike, before anything is compared."""
        if isinstance(recorded, dict) and isinstance(found, dict):
            for name in recorded.keys() & found.keys():
                self._learn_member(name, recorded[name], found[name])
        if isinstance(recorded, list) and isinstance(found, list):
            for one, other in zip(recorded, found, strict=False):
                self.learn(one, other)

    def _learn_member(self, name: str, recorded: Any, found: Any) -> None:
        if not isinstance(recorded, str) or not isinstance(found, str):
            self.learn(recorded, found)
        elif CURSORS.search(name):
            self.pair(CURSOR, recorded, found)
        elif name in {"id", "legacyResourceId"}:
            one, other = GID.fullmatch(recorded), GID.fullmatch(found)
            if one and other and one[1] == other[1] and one[1] not in GIVEN:
                self.pair(one[1], one[2], other[2])
        elif name == "name" and NAME.fullmatch(recorded) and NAME.fullmatch(found):
            self.pair(ORDER_NAME, recorded, found)


class Comparison:
    """Collects the differences of one exchange."""

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs
        self.differences: list[Difference] = []

    def compare(self, path: str, recorded: Any, found: Any) -> None:
        if isinstance(recorded, dict) and isinstance(found, dict):
            for name in [*recorded, *(one for one in found if one not in recorded)]:
                missing = "(not there)"
                self.compare(f"{path}.{name}".lstrip("."), recorded.get(name, missing), found.get(name, missing))
        elif isinstance(recorded, list) and isinstance(found, list):
            self._lists(path, recorded, found)
        elif not self._same(path, recorded, found):
            self.differences.append(Difference(path=path, recorded=recorded, found=found))

    def _lists(self, path: str, recorded: list[Any], found: list[Any]) -> None:
        if len(recorded) != len(found):
            self.differences.append(Difference(path=f"{path} (length)", recorded=recorded, found=found))
            return
        for place, (one, other) in enumerate(zip(recorded, found, strict=True)):
            self.compare(f"{path}[{place}]", one, other)

    def _same(self, path: str, recorded: Any, found: Any) -> bool:
        if isinstance(recorded, bool) or isinstance(found, bool) or recorded is None or found is None:
            return recorded is found
        if PLACE_IN_FIELD.search(path):  # places in a list are told as numbers or as texts there
            return str(recorded) == str(found)
        if isinstance(recorded, str) and isinstance(found, str):
            return self._same_text(path, recorded, found)
        return type(recorded) is type(found) and bool(recorded == found)

    def _same_text(self, path: str, recorded: str, found: str) -> bool:
        one, other = GID.fullmatch(recorded), GID.fullmatch(found)
        if one and other:
            # jobs are told again as long as they run: their ids are chance
            if one[1] in GIVEN:
                return recorded == found
            return one[1] == other[1] and (one[1] == "Job" or self.pairs.pair(one[1], one[2], other[2]))
        if CURSORS.search(path):
            return True
        if MOMENT.fullmatch(recorded) and MOMENT.fullmatch(found):
            return (datetime.fromisoformat(recorded).tzinfo is None) == (datetime.fromisoformat(found).tzinfo is None)
        if recorded == found:
            return True
        return NUMBER.sub("(number)", self.pairs.in_text(recorded)) == NUMBER.sub("(number)", found)


__all__ = ["Comparison", "Pairs"]
