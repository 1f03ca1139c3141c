"""Looking over a plugin's shoulder: connections past the door, comparisons in constant time, what it says to the log."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from .wire import Line

# A plugin may use what the connector itself brings along at its import; anything else is an SDK.
LIGHT = frozenset({"connector", "msgspec", "pluggy", "typing_extensions"})

DESCRIBE = """
import importlib, json, sys, time
path, name = json.loads(sys.argv[1])
sys.path[:0] = path
import connector.public
reached = []
sys.addaudithook(lambda event, given: reached.append(event) if event in ("socket.connect", "socket.getaddrinfo") else None)
before = set(sys.modules)
module = importlib.import_module(name)
infos, began = [module.describe()], time.perf_counter()
infos += [module.describe() for _ in range(100)]
took = time.perf_counter() - began
tops = {one.partition(".")[0] for one in set(sys.modules) - before}
same = all(one == infos[0] for one in infos)
print(json.dumps({"imports": sorted(tops - sys.stdlib_module_names), "ms": took * 10, "same": same, "network": bool(reached)}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """`imports`: what importing and describing brought in beside the standard library; `ms`: one describe() on average."""

    imports: frozenset[str]
    ms: float
    same: bool
    network: bool


def described(module: str) -> Described:
    """Import a plugin and describe it, in a fresh interpreter."""
    given = json.dumps([sys.path, module])
    done = subprocess.run([sys.executable, "-c", DESCRIBE, given], capture_output=True, text=True, timeout=60)  # noqa: S603
    if done.returncode:
        raise AssertionError(f"{module} cannot be imported and described: {done.stderr.strip().splitlines()[-1]}")
    said = json.loads(done.stdout)
    return Described(imports=frozenset(said["imports"]), ms=said["ms"], same=said["same"], network=said["network"])


@contextmanager
def connections(line: Line) -> Iterator[list[str]]:
    """Every connection that this thread opens while no call of `ctx.http` is on its way."""
    mine, past, real = threading.get_ident(), list[str](), socket.socket.connect

    def connect(self: socket.socket, *address: Any) -> Any:
        if threading.get_ident() == mine and not line.open:
            past.append(str(address[0]))
        return real(self, *address)

    socket.socket.connect = connect  # type: ignore[method-assign,assignment]
    try:
        yield past
    finally:
        socket.socket.connect = real  # type: ignore[method-assign]


@contextmanager
def log_of(*names: str) -> Iterator[list[str]]:
    """What is logged under these names, from DEBUG on."""
    texts: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            texts.append(record.getMessage())

    keep, loggers = Keep(), [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(keep)
        logger.setLevel(logging.DEBUG)
    try:
        yield texts
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(keep)
            logger.setLevel(level)


def compares_in_constant_time(call: Callable[[], Any]) -> bool:
    """Does it use `hmac.compare_digest` (or one of its names)? Whatever it raises, it raises."""
    seen: list[str] = []

    def watch(frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and "compare_digest" in str(getattr(called, "__name__", "")):
            seen.append(frame.f_code.co_name)

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        call()
    finally:
        sys.setprofile(before)
    return bool(seen)
