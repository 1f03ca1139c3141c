"""The points of one app at one store: Shopify's leaky bucket.

100 points a second come back on the standard plan; 2,000 are the most (recorded in every answer of the captures).
"""

from __future__ import annotations

import threading
import time


class Bucket:
    """`size` points at most, `per_second` come back."""

    def __init__(self, *, size: float = 2000.0, per_second: float = 100.0) -> None:
        self._lock = threading.Lock()
        self.change(size=size, per_second=per_second)

    def change(self, *, size: float, per_second: float) -> None:
        """Other limits, and a full bucket."""
        if size <= 0 or per_second <= 0:
            raise ValueError(f"a bucket of {size} points with {per_second} a second holds nothing")
        with self._lock:
            self.size, self.per_second = size, per_second
            self._left, self._at = size, time.monotonic()
            self.calls, self.refused, self.spent = 0, 0, 0.0
            self._first = self._last = 0.0

    def take(self, points: float) -> bool:
        """Take so many, if they are there."""
        with self._lock:
            self._refill()
            if points > self._left:
                self.refused += 1
                return False
            self._left -= points
            self.calls, self.spent, self._last = self.calls + 1, self.spent + points, self._at
            self._first = self._first or self._at
            return True

    def give_back(self, points: float) -> None:
        """What was asked for and not used."""
        with self._lock:
            self._refill()
            self._left = min(self.size, self._left + points)
            self.spent -= points

    def told(self) -> dict[str, float]:
        """How it was used since the limits were set: points spent, and how many could have been between first and last call."""
        with self._lock:
            seconds = self._last - self._first
            could = self.size + self.per_second * seconds
            return {"calls": self.calls, "refused": self.refused, "spent": self.spent, "could": could, "seconds": seconds}

    @property
    def left(self) -> int:
        with self._lock:
            self._refill()
            return int(self._left)

    def _refill(self) -> None:
        now = time.monotonic()
        self._left = min(self.size, self._left + (now - self._at) * self.per_second)
        self._at = now
