"""Is the sandbox like a real store? Replays recordings of one against it, over HTTP, and compares.

`replay_all(folder)` gives one result per recording; `table(results)` is the report with every exception.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from connector.sandbox.server import Sandbox
from connector.sandbox.truth import cases, fulfillment_cases, shop_cases, timing_cases, waiting_cases, webhook_cases
from connector.sandbox.truth.client import Client
from connector.sandbox.truth.outcome import FileResult, Outcome, table
from connector.sandbox.truth.receiver import Receiver
from connector.sandbox.truth.replay import Replay, load

# Recordings in one row continue each other in one store.
CHAINS = (
    ("01",),
    ("02", "03", "04", "04b"),
    ("05",),
    ("06",),
    ("07",),
    ("08",),
    ("08b",),
    ("09",),
    ("09b",),
    ("09c",),
    ("10",),
    ("10b",),
    ("11",),
    ("11b",),
    ("12",),
    ("13",),
    ("14",),
)
# What the recorded store had on its shelves when a recording began.
STOCK: Mapping[str, Mapping[str, int]] = {
    "03": {"MUG-1": 500, "TEE-M": 100, "BR-ENG": 200, "LAMP-DS": 100},
    "05": {"MUG-1": 496},
    "07": {"MUG-1": 440},
    "08": {"MUG-1": 435, "TEE-M": 97},
    "10": {"MUG-1": -57},
    "11": {"MUG-1": 283, "BR-ENG": 198},
}
TABLES = {
    "04b": cases.time_zones,
    "06": cases.status_matrix,
    "08b": cases.refund_races,
    "09b": waiting_cases.delays,
    "09c": waiting_cases.slow_receivers,
    "10b": cases.more_checks,
    "11b": fulfillment_cases.beside_the_status,
    "12": shop_cases.index,
    "13": timing_cases.timings,
    "14": shop_cases.housekeeping,
}
STORE_NAME = "Recorder Store"
FOUR_WEBHOOKS = 4


def replay_all(folder: Path, chains: Iterable[tuple[str, ...]] = CHAINS) -> Iterator[FileResult]:
    """Replay the recordings of WooCommerce in that folder, each chain against a fresh sandbox."""
    for chain in chains:
        with Sandbox() as sandbox:
            yield from _replay_chain(sandbox.url, folder, chain)


def _replay_chain(url: str, folder: Path, chain: tuple[str, ...]) -> Iterator[FileResult]:
    client = Client(url)
    client.control("POST", "settings", {"name": STORE_NAME, "race_window_s": 0})
    replay = Replay(client, folder)
    for file in chain:
        client.control("POST", "seed", {"stock": STOCK.get(file, {})})
        yield replace(_replay_file(replay, file), title=load(folder, file).get("title", ""))
    client.close()


def _replay_file(replay: Replay, file: str) -> FileResult:
    if file in TABLES:
        return FileResult(file=file, outcomes=tuple(TABLES[file](replay)))
    if file == "09":
        return FileResult(file=file, outcomes=tuple(_webhooks(replay)))
    return replay.file(file)


def _webhooks(replay: Replay) -> Iterator[Outcome]:
    """The recorder made four webhooks, watched what they delivered, went on, and broke receivers at last."""
    recording = load(replay.folder, "09")
    exchanges = recording["exchanges"]
    with Receiver() as receiver:
        replay.receiver = receiver.host
        *before, last = recording["deliveries"]
        for place, exchange in enumerate(exchanges, start=1):
            yield replay.exchange("09", exchange, exchanges)
            if place == FOUR_WEBHOOKS:
                yield from webhook_cases.deliveries(replay, receiver, recorded=before, secret=recording["secret"])
            elif exchange["label"] == "action topic":
                yield from webhook_cases.deliveries(replay, receiver, recorded=[last], secret=recording["secret"])
        yield from webhook_cases.failures(replay, receiver)


__all__ = ["CHAINS", "FileResult", "Outcome", "replay_all", "table"]
