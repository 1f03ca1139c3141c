"""The first import of a store: `connector pull --since`, as a process of its own; `python -m benchmarks.imports COUNT`.

Memory is the process's peak (VmHWM). The store answers at once, so the speed is ours alone; a real one needs 0.2 to 0.5 s for a
page of 100 (recorded).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector.app import open_app

from .measure import Measure, limit, print_table, say
from .pages import FIRST, STATUSES
from .shop import ENVIRON

FEW, MANY = 2_000, 20_000
MOST_MB = 150
SECRETS = ENVIRON | {"SHOP_KEY": "ck_of_no_use_elsewhere", "SHOP_SECRET": "cs_of_no_use_elsewhere"}
CONFIG = """\
[accounts.shop]
plugin = "woocommerce"
id = "a_shop"
url = "{url}"
consumer_key = {{env = "SHOP_KEY"}}
consumer_secret = {{env = "SHOP_SECRET"}}
"""
LEFT_OUT = STATUSES.count("failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """How fast it was, how much memory it took at most, and what it said at its end."""

    per_second: float
    peak_mb: float
    said: dict[str, Any]


def measure() -> Iterator[Measure]:
    """The peak must not grow with the number of orders."""
    few, many = bring_in(FEW), bring_in(MANY)
    yield limit("import: orders/s", [many.per_second], unit="orders/s", about={"orders": MANY})
    yield limit(f"import of {MANY:,}: peak", [many.peak_mb], unit="MB", at_most=MOST_MB)
    yield limit("import: 10 times the orders", [many.peak_mb - few.peak_mb], unit="MB more", at_most=25)


def bring_in(count: int) -> Imported:
    """Import so many orders into a new database."""
    with tempfile.TemporaryDirectory(prefix="connector-bench-") as path:
        pages = [sys.executable, "-m", "benchmarks.pages", str(count)]
        store = subprocess.Popen(pages, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603  (our own module)
        try:
            config = _set_up(Path(path), store.stdout.readline().strip() if store.stdout else "")
            return _pull(config, count)
        finally:
            store.communicate()


def _set_up(folder: Path, url: str) -> Path:
    config = folder / "connector.toml"
    config.write_text(CONFIG.format(url=url))
    open_app(config, SECRETS, may_migrate=True).close()
    return config


def _pull(config: Path, count: int) -> Imported:
    since = FIRST.isoformat()
    command = [sys.executable, "-m", "connector.cli", "--config", str(config), "pull", "shop", "--since", since, "--json"]
    started, peak_kb = time.perf_counter(), 0
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, stdout=said, env={**os.environ, **SECRETS})  # noqa: S603  (our own module)
        while process.poll() is None:
            peak_kb = max(peak_kb, _peak_kb(process.pid))
            time.sleep(0.2)
        seconds = time.perf_counter() - started
        said.seek(0)
        (shop,) = json.load(said)["accounts"]
    wanted = count - count // len(STATUSES) * LEFT_OUT
    if (shop["seen"], shop["changed"], shop["error"]) != (count, wanted, ""):
        raise RuntimeError(f"{wanted} of {count} orders should have been brought in: {shop['changed']} of {shop['seen']}")
    return Imported(per_second=count / seconds, peak_mb=peak_kb / 1024, said=shop)


def _peak_kb(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)


if __name__ == "__main__":
    found = bring_in(int(sys.argv[1]))
    say(f"{found.said['stages']}")
    print_table(
        [
            limit(f"import of {int(sys.argv[1]):,}", [found.per_second], unit="orders/s"),
            limit("its peak", [found.peak_mb], unit="MB", at_most=MOST_MB),
        ]
    )
