"""`python -m benchmarks [NAME...]`: all measures, or those that are named. JSON lines on stdout, a table on stderr."""

from __future__ import annotations

import importlib
import logging
import sys

from .measure import machine, print_json, print_table, say

NAMES = {
    "startup": "startup",
    "idle": "idle",
    "pipeline": "pipeline",
    "profile": "account",
    "webhooks": "webhooks",
    "growth": "growth",
    "calls": "calls",
    "backlog": "backlog",
    "points": "points",
    "import": "imports",
}


def main(asked: list[str]) -> int:
    """1 where a target was missed, 2 for a name that is none."""
    unknown = [name for name in asked if name not in NAMES]
    if unknown:
        say(f"there is no measure {', '.join(unknown)}; there are {', '.join(NAMES)}")
        return 2
    logging.disable(logging.WARNING)
    found = []
    for name in asked or NAMES:
        where = machine()
        say(f"{name}: {where['cpus']} CPUs, load {where['load_1min']}, fsync {where['fsync_ms']} ms")
        for measure in importlib.import_module(f".{NAMES[name]}", __package__).measure():
            found.append(measure)
            print_json(measure, where)
    print_table(found)
    return 1 if any(measure.met is False for measure in found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
