"""Calls to the shop for one order of each of the demo's stories, beside the fewest with which it can be done.

What a call is needed for, if orders come by webhook or in a list of 100 (then a hundredth of a call each, and not counted):

- before something that cannot be taken back (a label, a cancellation, a refund) the order is read as it is now, and the notes,
  because WooCommerce changes no time when staff write "do not ship" (recorded): 2;
- before a status is set, because WooCommerce takes any status over any other and knows no condition (recorded): 1;
- before a refund the sums are read again, order and refunds: 2; a refund's answer does not say how the order looks then, so
  it is read once more, with its refunds: 2;
- each change is a call of its own, so that each is known to have happened or not.

The demo's store delivers webhooks at once, so what we write comes back while we are still at it, of the same second as the next
change: then the order is read once more (2), to be sure. A real store delivers later, and its echo is known by then.

Reads of the account (which plugins and e-mails the shop has) are shared by all orders and not counted.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector.rehearse.demo import DemoWorld, demo_world
from connector.rehearse.stories import Playing, play
from connector.rehearse.woocommerce import STORIES

from .measure import Measure, compare, limit, say


@dataclass(frozen=True, slots=True, kw_only=True)
class Fewest:
    """The fewest reads and writes, and why."""

    reads: int
    writes: int
    why: str

    @property
    def calls(self) -> int:
        return self.reads + self.writes


SHIP = "read + notes, tracking, note to the customer; read, status"
REFUND = "read + refunds, refund, read + refunds"
FEWEST = {
    "shipped": Fewest(reads=3, writes=3, why=SHIP),
    "cash_on_delivery": Fewest(reads=3, writes=3, why=SHIP),
    "nothing_to_pay": Fewest(reads=3, writes=3, why=SHIP),
    "never_heard_of": Fewest(reads=3, writes=3, why=SHIP),
    "held_and_released": Fewest(reads=3, writes=5, why=f"notes of the hold and its release; {SHIP}"),
    "two_parcels": Fewest(reads=5, writes=5, why="twice: read + notes, tracking, note to the customer; read, status"),
    "moved_house": Fewest(reads=5, writes=3, why=f"read + notes, because staff changed it; {SHIP}"),
    "cancelled_and_refunded": Fewest(reads=7, writes=2, why=f"read + notes; read, status; {REFUND}"),
    "refunded_by_amount": Fewest(reads=7, writes=4, why=f"{SHIP}; {REFUND}"),
    "cancelled_by_the_owner": Fewest(reads=2, writes=0, why="read + notes, because staff changed it"),
    "po_box_held": Fewest(reads=0, writes=1, why="note of the hold"),
}


def measure() -> Iterator[Measure]:
    """One figure for each story that has one way only; the others are printed without the fewest."""
    with tempfile.TemporaryDirectory(prefix="connector-bench-") as path, demo_world(Path(path)) as world:
        played = play(STORIES, world)
        made = {playing.story.name: _calls(world, playing) for playing in played if _has_ended(playing)}
    say(f"{'story':<28} {'reads':>6} {'writes':>7} {'calls':>6} {'fewest':>7}  why so many")
    for name, calls in made.items():
        fewest = FEWEST.get(name)
        reads = sum(call.startswith("GET") for call in calls)
        why = (fewest.calls, fewest.why) if fewest else ("", "")
        say(f"{name:<28} {reads:>6} {len(calls) - reads:>7} {len(calls):>6} {why[0]:>7}  {why[1]}")
    if len(made) < len(STORIES):
        unfinished = ", ".join(story.name for story in STORIES if story.name not in made)
        raise RuntimeError(f"these stories did not end as they should: {unfinished}")
    for name, calls in made.items():
        if name in FEWEST:
            pair = (float(len(calls)), float(FEWEST[name].calls))
            yield compare(f"calls: {name}", [pair], unit="calls", against="the fewest", about={"calls": calls})
        else:
            yield limit(f"calls: {name}", [float(len(calls))], unit="calls", about={"calls": calls})


def _calls(world: DemoWorld, playing: Playing) -> list[str]:
    """What was asked of the store about this order: "GET orders/25/notes". What the store does not have is of the account."""
    about = re.compile(rf"/(orders/{playing.platform_id}(/.*)?)$")
    sent: list[Any] = world.sandbox.records.since(0)["requests"]
    found = ((one["method"], about.search(one["path"]), one["status"]) for one in sent)
    return [f"{method} {path[1]}" for method, path, status in found if path and status != 404]


def _has_ended(playing: Playing) -> bool:
    return playing.seen is not None and playing.seen.case.stage is playing.story.ending.stage
