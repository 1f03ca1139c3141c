"""A total deadline for a call. Socket time-outs start anew with every byte, so a slow drip would never end."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Deadlines:
    """One thread that cuts off what takes too long."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._cancelled: set[int] = set()
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    @contextmanager
    def cut_off(self, seconds: float, cut: Callable[[], None]) -> Iterator[None]:
        """Call `cut` from another thread if the body is not done after so many seconds."""
        number = next(self._numbers)
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + seconds, number, cut))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            if self._due[0][1] == number:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._cancelled.add(number)
                self._forget_cancelled()

    def _forget_cancelled(self) -> None:
        while self._due and self._due[0][1] in self._cancelled:
            self._cancelled.discard(heapq.heappop(self._due)[1])

    def _run(self) -> None:
        while True:
            with self._changed:
                self._forget_cancelled()
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is None or wait > 0:
                    self._changed.wait(wait)
                    continue
                cut = heapq.heappop(self._due)[2]
            cut()
