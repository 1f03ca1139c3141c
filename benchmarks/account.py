"""Where an order's time goes: an account by layer, of the pipeline in one thread without the queue."""

from __future__ import annotations

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import connector

from .measure import Measure, limit, say
from .shop import check_all_done, open_shop, put_in

WARM_UP = 20
ORDERS = 400
EVERY_S = 0.001

# Functions that do nothing but call something written in C, which has no frame of its own.
_IN_C = {
    ("sqlalchemy/engine/default.py", "do_commit"): "sqlite, commit",
    ("sqlalchemy/engine/default.py", "do_execute"): "sqlite, statements",
    ("sqlalchemy/engine/default.py", "do_executemany"): "sqlite, statements",
    ("connector/store/database.py", "_say"): "sqlite, statements",
    ("connector/store/vault.py", "_seal"): "crypto",
    ("connector/store/vault.py", "_open"): "crypto",
    ("connector/model/codec.py", "to_json"): "msgspec",
    ("connector/model/codec.py", "from_json"): "msgspec",
    ("connector/model/codec.py", "plain"): "msgspec",
    ("connector/model/codec.py", "typed"): "msgspec",
}


@dataclass(slots=True)
class Samples:
    """Where the program was whenever another millisecond of CPU time had passed."""

    by_layer: Counter[str] = field(default_factory=Counter)
    by_line: Counter[str] = field(default_factory=Counter)

    def take(self, frame: FrameType | None) -> None:
        if frame is not None:
            self.by_layer[layer_of(frame.f_code.co_filename, frame.f_code.co_name)] += 1
        while frame is not None and not _is_ours(frame.f_code.co_filename):
            frame = frame.f_back
        if frame is not None:
            file = Path(frame.f_code.co_filename).relative_to(_HOME)
            self.by_line[f"{file}:{frame.f_lineno} {frame.f_code.co_name}"] += 1


_HOME = Path(connector.__file__).parent


def measure() -> Iterator[Measure]:
    """CPU milliseconds of an order by layer; what it waited for (the disk, other processes) is on top."""
    samples = Samples()
    with open_shop() as app:
        for order_id in put_in(app, range(WARM_UP)):
            app.advance(order_id)
        ids = put_in(app, range(WARM_UP, WARM_UP + ORDERS))
        cpu_before, started = os.times(), time.perf_counter()
        with _sampling(samples):
            for order_id in ids:
                app.advance(order_id)
        wall_ms = (time.perf_counter() - started) * 1000 / ORDERS
        cpu = os.times()
        check_all_done(app, WARM_UP + ORDERS)
    cpu_ms = (cpu.user - cpu_before.user + cpu.system - cpu_before.system) * 1000 / ORDERS
    layers, lines = _in_ms(samples.by_layer, cpu_ms), _in_ms(samples.by_line, cpu_ms)
    _print(layers, lines, cpu_ms, wall_ms)
    about = {"orders": ORDERS, "wall_ms": round(wall_ms, 2), "layers_ms": layers, "lines_ms": dict(list(lines.items())[:30])}
    yield limit("profile, CPU of an order", [cpu_ms], unit="ms", about=about)


@contextmanager
def _sampling(samples: Samples) -> Iterator[None]:
    # Not cProfile: it makes small functions look two or three times as dear as they are.
    before = signal.signal(signal.SIGPROF, lambda _, frame: samples.take(frame))
    signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def layer_of(file: str, function: str) -> str:
    """A module of ours, a library, or what the function calls in C."""
    for (path, name), layer in _IN_C.items():
        if function == name and file.endswith(path):
            return layer
    if found := re.search(r"site-packages/(\w+)", file):
        return found[1]
    if _is_ours(file):
        return "/".join(("connector", Path(file).relative_to(_HOME).parts[0].removesuffix(".py")))
    return "instant plugins" if Path(file).is_relative_to(Path(__file__).parent) else "python's library"


def _is_ours(file: str) -> bool:
    return Path(file).is_relative_to(_HOME)


def _in_ms(counted: Counter[str], total_ms: float) -> dict[str, float]:
    everything = counted.total() or 1
    return {name: round(count / everything * total_ms, 3) for name, count in counted.most_common()}


def _print(layers: dict[str, float], lines: dict[str, float], cpu_ms: float, wall_ms: float) -> None:
    say(f"an order: {wall_ms:.1f} ms, of which {cpu_ms:.1f} ms CPU")
    for name, ms in layers.items():
        say(f"{ms:8.2f} ms {ms / cpu_ms:6.1%}  {name}")
    say("our lines from which most of it is called:")
    for name, ms in list(lines.items())[:20]:
        say(f"{ms:8.2f} ms {ms / cpu_ms:6.1%}  {name}")
