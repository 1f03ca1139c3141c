"""What it costs to start: importing it, asking for its version, and the memory that both take."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

from .measure import Measure, compare, in_turns, limit, say

ROUNDS = 15
SDKS = ("shopify", "woocommerce", "stripe", "sqlalchemy", "dbos", "fastapi", "requests", "cryptography")
LOADED = f"import sys, connector; print(*[name for name in {SDKS!r} if name in sys.modules])"
PEAK = "import resource, connector; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
NOTHING = (sys.executable, "-c", "pass")


def measure() -> Iterator[Measure]:
    rounds = in_turns(ROUNDS, partial(_ms, sys.executable, "-c", "import connector"), partial(_ms, *NOTHING))
    more = median(ours - bare for ours, bare in rounds)
    loaded = _said(sys.executable, "-c", LOADED).split()
    about = {"heavy_modules_loaded": loaded}
    yield limit("import connector, on top", [more], unit="ms", at_most=50, about=about)
    yield limit("SDKs that it loads", [float(len(loaded))], unit="modules", at_most=0, about=about)
    yield limit("memory after the import", [int(_said(sys.executable, "-c", PEAK)) / 1024], unit="MB")
    command = Path(sys.executable).parent / "connector"
    if not _runs(str(command), "--version"):
        say("skipped: `connector --version` (the command does not run here)")
        return
    pairs = [(a, b) for a, b in in_turns(ROUNDS, partial(_ms, str(command), "--version"), partial(_ms, *NOTHING))]
    yield compare("connector --version", pairs, unit="ms", against="python -c pass", at_most=3)


def _ms(*command: str) -> float:
    started = time.perf_counter()
    _said(*command)
    return (time.perf_counter() - started) * 1000


def _said(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603  (our own commands)


def _runs(*command: str) -> bool:
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603
    except OSError:
        return False
