"""A total deadline for a call. Socket time-outs start anew with every byte, so a slow drip would never end."""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

log = logging.getLogger(__name__)


class Line:
    """The connection that a call speaks on. It can be cut from another thread, in the middle of a TLS handshake too.

    It keeps a handle of its own, because wrapping a socket in TLS takes the first one away, and because shutting a TLS socket
    down from outside would have what is written next go out in the clear.
    """

    def __init__(self) -> None:
        self.is_cut = False
        self._handle: socket.socket | None = None
        self._lock = threading.Lock()

    def hold(self, sock: Any) -> None:
        """Speak on this connection from now on. Raises TimeoutError if it is too late for that."""
        handle = socket.socket(fileno=os.dup(sock.fileno()))
        with self._lock:
            self._close()
            self._handle = handle
        if self.is_cut:
            raise TimeoutError("the deadline has passed")

    def cut(self) -> None:
        with self._lock:
            self.is_cut = True
            if self._handle is not None:
                with suppress(OSError):
                    self._handle.shutdown(socket.SHUT_RDWR)

    def let_go(self) -> None:
        """The call is over; the connection may be another's by now."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None


class Deadlines:
    """One thread that cuts off what takes too long."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int]] = []
        self._running: dict[int, Callable[[], None]] = {}
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    @contextmanager
    def cut_off(self, seconds: float, cut: Callable[[], None]) -> Iterator[None]:
        """Call `cut` from another thread if the body is not done after so many seconds."""
        number = next(self._numbers)
        with self._changed:
            self._running[number] = cut
            heapq.heappush(self._due, (time.monotonic() + seconds, number))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            if self._due[0][1] == number:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._running.pop(number, None)
                self._forget_done()

    def _forget_done(self) -> None:
        while self._due and self._due[0][1] not in self._running:
            heapq.heappop(self._due)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._forget_done()
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is None or wait > 0:
                    self._changed.wait(wait)
                    continue
                cut = self._running.pop(heapq.heappop(self._due)[1])
            try:
                cut()
            except Exception:  # it must not end this thread: every later call would be without a deadline
                log.exception("a call could not be cut off")
