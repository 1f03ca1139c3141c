"""Faults on demand, for the store, its webhooks and the mailbox.

A rule matches calls by place, method and a regular expression; it strikes at its `nth` matching call and the next
`times - 1` (0: for ever). Kinds:

- store: `timeout_before` (no effect, no answer), `timeout_after` (effect, no answer), `reset_before`, `reset_after`
  (connection reset), `error_500_before`, `error_500_after` (a 500 that did happen), `html` (a page instead of JSON),
  `truncated` (effect, half the answer), `huge` (effect, a padded answer), `slow`, `429`, `413`.
- webhook: `duplicate`, `late` (the old payload after `seconds`), `lost`, `reordered` (after the next delivery).
- mail: `refuse` (5xx), `busy` (4xx), `drop_before_data`, `drop_after_data` (kept, but never confirmed), `slow`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

STORE = (
    "timeout_before",
    "timeout_after",
    "reset_before",
    "reset_after",
    "error_500_before",
    "error_500_after",
    "html",
    "truncated",
    "huge",
    "slow",
    "429",
    "413",
)
WEBHOOK = ("duplicate", "late", "lost", "reordered")
MAIL = ("refuse", "busy", "drop_before_data", "drop_after_data", "slow")
KINDS = {"store": STORE, "webhook": WEBHOOK, "mail": MAIL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`match`: a regular expression searched in the path (store), the topic (webhook) or the recipient (mail).

    `seconds`: how long slow, late and the time-outs last; `status`: of `html`; `bytes`: size of a huge answer;
    `retry_after`: the header of 429. Raises ValueError when place, kind or expression are unknown.
    """

    kind: str
    where: str = "store"
    method: str = "*"
    match: str = ""
    nth: int = 1
    times: int = 1
    seconds: float = 30.0
    status: int = 503
    bytes: int = 10_000_000
    retry_after: str = "1"

    def __post_init__(self) -> None:
        if self.kind not in KINDS.get(self.where, ()):
            raise ValueError(f"no fault {self.kind!r} at {self.where!r}; there are {KINDS}")
        try:
            re.compile(self.match)
        except re.error as error:
            raise ValueError(f"match {self.match!r} is not a regular expression: {error}") from None

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Rule:
        """A rule from a JSON object; unknown members raise ValueError."""
        known = {field.name for field in fields(cls)}
        if not set(given) <= known:
            raise ValueError(f"unknown members {sorted(set(given) - known)}; a fault has {sorted(known)}")
        return cls(**{**given, "kind": str(given.get("kind", ""))})

    def fits(self, where: str, subject: str, method: str) -> bool:
        same_place = self.where == where and self.method in ("*", method)
        return same_place and re.search(self.match, subject) is not None


class Faults:
    """The rules in force, with their counts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[tuple[Rule, list[int]]] = []
        self._released = threading.Event()

    def add(self, rule: Rule) -> Rule:
        with self._lock:
            self._rules.append((rule, [0]))
        return rule

    def clear(self) -> None:
        """Forget all rules and let every held connection go."""
        with self._lock:
            self._rules.clear()
            self._released.set()
            self._released = threading.Event()

    def take(self, where: str, subject: str, *, method: str = "*") -> Rule | None:
        """The rule that strikes this call, if any. Every matching rule counts the call."""
        struck = None
        with self._lock:
            for rule, count in self._rules:
                if not rule.fits(where, subject, method):
                    continue
                count[0] += 1
                due = count[0] >= rule.nth and (rule.times == 0 or count[0] < rule.nth + rule.times)
                struck = struck or (rule if due else None)
        return struck

    @property
    def released(self) -> threading.Event:
        """Set when the rules in force now are cleared: who holds a connection waits for it."""
        return self._released

    def listed(self) -> list[dict[str, Any]]:
        """The rules as JSON objects, each with `seen`: how many calls it matched."""
        with self._lock:
            return [{**asdict(rule), "seen": count[0]} for rule, count in self._rules]
