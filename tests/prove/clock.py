"""A clock that several processes share: a story that moves it moves it for all of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from connector.clock import Clock


class SharedClock(Clock):
    """Real time plus what stands in a file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def offset(self) -> timedelta:  # type: ignore[override]
        return timedelta(seconds=float(self._file.read_text())) if self._file.exists() else timedelta()

    def move(self, by: timedelta) -> None:
        self._file.write_text(str((self.offset + by).total_seconds()))


def beside(config: Path) -> SharedClock:
    return SharedClock(config.parent / "clock")
