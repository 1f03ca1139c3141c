"""The one clock of business time: when something is due, overdue or late. Demo and rehearsal move it.

Leases, tokens and signatures do not use it; they go by real time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Real time plus an offset."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def move(self, by: timedelta) -> None:
        self.offset += by
