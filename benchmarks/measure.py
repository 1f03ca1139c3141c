"""One figure, what it is compared with, and how both are printed."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One line of the result.

    Args:
        name: of the measure; figure: ours, in `unit`. against: what it is compared with, `peer`: its figure, same unit.
        ratio: figure / peer, the median over the rounds. target: what it is held to, in words ("" if only reported).
        met: whether it is (None where there is no target). rounds: ours and the peer's figure of each round.
        about: what else belongs to the figure.
    """

    name: str
    figure: float
    unit: str
    against: str = ""
    peer: float | None = None
    ratio: float | None = None
    target: str = ""
    met: bool | None = None
    rounds: tuple[tuple[float, ...], ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)


def compare(
    name: str,
    rounds: Iterable[tuple[float, float]],
    *,
    unit: str,
    against: str,
    at_least: float | None = None,
    at_most: float | None = None,
    about: Mapping[str, Any] | None = None,
) -> Measure:
    """Ours and the peer's figures, taken in turns, as one measure."""
    pairs = tuple((ours, peer) for ours, peer in rounds)
    ratio = median(ours / peer for ours, peer in pairs)
    target, met = _held_to(ratio, at_least=at_least, at_most=at_most)
    return Measure(
        name=name,
        figure=median(ours for ours, _ in pairs),
        unit=unit,
        against=against,
        peer=median(peer for _, peer in pairs),
        ratio=ratio,
        target=f"ratio {target}" if target else "",
        met=met,
        rounds=pairs,
        about=about or {},
    )


def limit(
    name: str, figures: Iterable[float], *, unit: str, at_most: float | None = None, about: Mapping[str, Any] | None = None
) -> Measure:
    """A figure that is held to a fixed limit, or only reported."""
    found = tuple(figures)
    figure = median(found)
    target, met = _held_to(figure, at_least=None, at_most=at_most)
    return Measure(
        name=name,
        figure=figure,
        unit=unit,
        target=f"{target} {unit}" if target else "",
        met=met,
        rounds=tuple((one,) for one in found),
        about=about or {},
    )


def _held_to(value: float, *, at_least: float | None, at_most: float | None) -> tuple[str, bool | None]:
    if at_least is not None:
        return f">= {at_least:g}", value >= at_least
    if at_most is not None:
        return f"<= {at_most:g}", value <= at_most
    return "", None


def in_turns(count: int, *runs: Callable[[], float]) -> list[tuple[float, ...]]:
    """Each of them once per round, so that whatever else the machine does meets all of them alike."""
    return [tuple(run() for run in runs) for _ in range(count)]


def per_second(count: int, work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return count / (time.perf_counter() - started)


def machine() -> dict[str, Any]:
    """What a reader has to know about where this was measured."""
    return {
        "cpus": os.cpu_count(),
        "load_1min": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": f"{platform.system()} {platform.release()}",
        "fsync_ms": round(_fsync_ms(), 3),
    }


def _fsync_ms() -> float:
    """One write of 4 kB that is on the disk: no durable store can commit faster."""
    took = []
    with tempfile.TemporaryDirectory(prefix="connector-bench-") as folder:
        descriptor = os.open(Path(folder) / "file", os.O_CREAT | os.O_WRONLY)
        try:
            for _ in range(200):
                started = time.perf_counter()
                os.write(descriptor, b"x" * 4096)
                os.fdatasync(descriptor)
                took.append(time.perf_counter() - started)
        finally:
            os.close(descriptor)
    return median(took) * 1000


def print_json(measure: Measure, where: Mapping[str, Any]) -> None:
    """One line for machines, on stdout."""
    line = {**asdict(measure), "at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": where}
    sys.stdout.write(json.dumps(line, default=str) + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """For people, on stderr."""
    sys.stderr.write(f"{text}\n")


def print_table(measures: Iterable[Measure]) -> None:
    """All of them for people, on stderr."""
    say(f"\n{'measure':<30} {'figure':>9} {'unit':<10} {'peer':>9} {'ratio':>6}  {'target':<14} {'':<6} against")
    for one in measures:
        peer = "" if one.peer is None else f"{one.peer:9.1f}"
        ratio = "" if one.ratio is None else f"{one.ratio:6.2f}"
        verdict = {True: "met", False: "MISSED", None: ""}[one.met]
        ours = f"{one.name:<30} {one.figure:>9.1f} {one.unit:<10}"
        say(f"{ours} {peer:>9} {ratio:>6}  {one.target:<14} {verdict:<6} {one.against}".rstrip())
