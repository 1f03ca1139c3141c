"""How fast the store answers: at once, or as slowly as the recorded one.

`recorded`: every operation takes the milliseconds it took one client alone (WooCommerce 10.5.2, two cores, PHP 8.2,
2026-11-22), and two cores work at a time; the others wait. Two cores at these times give what 8 parallel clients were
measured to get: 31 reads of an order, 26 writes of the same status, 4.5 lists of 100 a second (recorded 31, 26.4, 4.2).
A real shop with plugins is slower.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connector.sandbox.woocommerce.rest import Answer, Request

PACES = ("fast", "recorded")
CORES = 2
VISIT_MS = 92.0
REFUSED_MS = 51.0
READ_MS = 56.0
READ_WHOLE_MS = 62.0
LIST_MS = 61.0
NOTHING_MS = 55.0
ROW_MS, ROW_OF_FIELDS_MS, PRODUCT_MS = 3.8, 1.1, 1.5
WRITE_MS = 70.0
NOTE_MS = 57.0
CREATE_MS = 114.0
REFUND_MS = 82.0
MAIL_MS = 29.0
STOCK_MS = 43.0
BATCH_ROW_MS = 15.0
Work = Callable[[], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What a request caused in the store: e-mails, and whether stock moved."""

    mails: int = 0
    stock: bool = False

    @property
    def ms(self) -> float:
        return self.mails * MAIL_MS + (STOCK_MS if self.stock else 0.0)


def milliseconds(request: Request, answer: Answer, effects: Effects) -> float:
    """What this operation took in the recorded store with one client."""
    path = request.path.rstrip("/")
    if not path.startswith("/wp-json"):
        return VISIT_MS
    if answer.status >= 400:
        return REFUSED_MS
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return _reading(request, answer)
    return _writing(path, request.method, answer) + effects.ms


def _reading(request: Request, answer: Answer) -> float:
    fields = bool(request.query.get("_fields"))
    if not isinstance(answer.body, list):
        return READ_MS if fields else READ_WHOLE_MS
    if not answer.body:
        return NOTHING_MS
    whole_ms = PRODUCT_MS if "/products" in request.path else ROW_MS
    return LIST_MS + len(answer.body) * (ROW_OF_FIELDS_MS if fields else whole_ms)


def _writing(path: str, method: str, answer: Answer) -> float:
    if path.endswith("/batch"):
        rows = sum(len(rows) for rows in answer.body.values()) if isinstance(answer.body, dict) else 0
        return WRITE_MS + rows * BATCH_ROW_MS
    if path.endswith("/notes"):
        return NOTE_MS
    if path.endswith("/refunds"):
        return REFUND_MS
    return CREATE_MS if path.endswith("/orders") and method == "POST" else WRITE_MS


class Pace:
    """Serves requests at the chosen pace and counts what it did."""

    def __init__(self, pace: str = "fast") -> None:
        self._lock = threading.Lock()
        self._cores = threading.BoundedSemaphore(CORES)
        self._waiting = 0
        self.choose(pace)

    def choose(self, pace: str) -> None:
        """Change the pace and count anew. Raises ValueError for an unknown one."""
        if pace not in PACES:
            raise ValueError(f"pace {pace!r} is not one of {', '.join(PACES)}")
        with self._lock:
            self.pace = pace
            self._served, self._busy_s, self._longest = 0, 0.0, 0
            self._first = self._last = 0.0

    def serve(self, work: Work, cost_ms: Callable[[Answer], float]) -> Answer:
        """Do the work; at the recorded pace one of two cores is busy with it for `cost_ms`."""
        if self.pace == "fast":
            return work()
        self._queue(1)
        try:
            with self._cores:
                started = time.perf_counter()
                answer = work()
                seconds = cost_ms(answer) / 1000
                time.sleep(max(0.0, seconds - (time.perf_counter() - started)))
                self._count(started, seconds)
        finally:
            self._queue(-1)
        return answer

    def told(self) -> Mapping[str, Any]:
        """`{pace, requests, seconds, busy_s, per_s, could_per_s, share, waiting, longest_queue}`.

        `per_s`: what was served between the first and the last request; `could_per_s`: what two cores could have
        served of the same mix; `share`: one by the other. A client that reaches a share near 1 is limited by the shop.
        """
        with self._lock:
            seconds = self._last - self._first
            per_s = self._served / seconds if seconds else 0.0
            could = CORES * self._served / self._busy_s if self._busy_s else 0.0
            return {
                "pace": self.pace,
                "requests": self._served,
                "seconds": round(seconds, 3),
                "busy_s": round(self._busy_s, 3),
                "per_s": round(per_s, 1),
                "could_per_s": round(could, 1),
                "share": round(per_s / could, 3) if could else 0.0,
                "waiting": self._waiting,
                "longest_queue": self._longest,
            }

    def _queue(self, change: int) -> None:
        with self._lock:
            self._waiting += change
            self._longest = max(self._longest, self._waiting)

    def _count(self, started: float, seconds: float) -> None:
        with self._lock:
            self._first = self._first or started
            self._last = time.perf_counter()
            self._served += 1
            self._busy_s += seconds
