"""Calls to the WooCommerce shop for one order of each of the demo's stories, beside the fewest with which it can be done.

What a call is needed for, if orders come by webhook or in a list of 100 (then a hundredth of a call each, and not counted):

- before something that cannot be taken back (a label, a cancellation, a refund) the order is read as it is now, and the notes,
  because WooCommerce changes no time when staff write "do not ship" (recorded): 2;
- before a status is set, because WooCommerce takes any status over any other and knows no condition (recorded): 1;
- before a refund the sums are read again, order and refunds: 2; a refund's answer does not say how the order looks then, so
  it is read once more, with its refunds: 2;
- each change is a call of its own, so that each is known to have happened or not.

What staff change comes in a list, and needs no call of its own.

We make more than that:

- what staff changed is read (2) where a webhook tells of it first: a payload is a hint, and may be older than it looks;
- the echo of our own write (2, or 3 with refunds, in a story that writes twice within a second): the demo's store delivers its
  webhooks at once, so the order as it was after our first write comes when we have written again, of the same second. There
  is no finer time, so the order is read to be sure. A real store delivers later (median 27 s, recorded): then it is older;
- before a refund that a person asks for (2): the order is read with its notes, to see whether it is still wanted, and once
  more with the sums, as the last look before money moves. They are one only if one of the two looks is given up;
- after a refund (1): the notes are read with the order, as whenever one is read.

What takes days is played in a world of its own: its clock is moved, so that a webhook counts as old, and the order is read.

Reads of the account (which plugins and e-mails the shop has) are shared by all orders and not counted.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector.rehearse.demo import demo_world
from connector.rehearse.stories import Playing, Story, play
from connector.rehearse.woocommerce import STORIES
from connector.rehearse.worlds import ShopWorld

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
    "moved_house": Fewest(reads=3, writes=3, why=SHIP),
    "a_status_of_their_own": Fewest(reads=3, writes=3, why=SHIP),
    "held_and_released": Fewest(reads=3, writes=5, why=f"notes of the hold and its release; {SHIP}"),
    "two_parcels": Fewest(reads=5, writes=5, why="twice: read + notes, tracking, note to the customer; read, status"),
    "cancelled_and_refunded": Fewest(reads=7, writes=2, why=f"read + notes; read, status; {REFUND}"),
    "refunded_by_amount": Fewest(reads=7, writes=4, why=f"{SHIP}; {REFUND}"),
    "refunded_by_line": Fewest(reads=7, writes=4, why=f"{SHIP}; {REFUND}"),
    "gateway_cannot": Fewest(reads=7, writes=6, why=f"notes of the hold and its release; {SHIP}; {REFUND}, written down only"),
    "cheque_never_came": Fewest(reads=5, writes=2, why="note of the hold; read + notes (reminder); read + notes, read, status"),
    "cancelled_by_the_owner": Fewest(reads=0, writes=0, why="the webhook or list that says so is enough"),
    "po_box_held": Fewest(reads=0, writes=1, why="note of the hold"),
}


def measure() -> Iterator[Measure]:
    """One figure for each story. Where the fewest is no call at all, there is no ratio to it."""
    made = _made([story for story in STORIES if not _takes_days(story)]) | _made([s for s in STORIES if _takes_days(s)])
    unfinished = ", ".join(story.name for story in STORIES if story.name not in made)
    if unfinished:
        raise RuntimeError(f"these stories did not end as they should: {unfinished}")
    say(f"{'story':<28} {'reads':>6} {'writes':>7} {'calls':>6} {'fewest':>7}  why so many")
    for story in STORIES:
        calls, fewest = made[story.name], FEWEST[story.name]
        reads = sum(call.startswith("GET") for call in calls)
        say(f"{story.name:<28} {reads:>6} {len(calls) - reads:>7} {len(calls):>6} {fewest.calls:>7}  {fewest.why}")
        yield _measured(story.name, calls, fewest)


def _measured(story: str, calls: list[str], fewest: Fewest) -> Measure:
    name, about = f"calls: {story}", {"calls": calls, "why": fewest.why}
    if not fewest.calls:
        return limit(name, [float(len(calls))], unit="calls", about=about)
    return compare(name, [(float(len(calls)), float(fewest.calls))], unit="calls", against="the fewest", about=about)


def _made(stories: list[Story]) -> dict[str, list[str]]:
    """The calls for each of these stories, played side by side, that ended as it should."""
    with tempfile.TemporaryDirectory(prefix="connector-bench-") as path, demo_world(Path(path)) as demo:
        played = play(stories, demo.worlds)
        return {playing.story.name: _calls(demo.worlds["woocommerce"], playing) for playing in played if _has_ended(playing)}


def _takes_days(story: Story) -> bool:
    return any(turn.days for turn in story.turns)


def _calls(world: ShopWorld, playing: Playing) -> list[str]:
    """What was asked of the store about this order: "GET orders/25/notes". What the store does not have is of the account."""
    about = re.compile(rf"/(orders/{playing.platform_id}(/.*)?)$")
    sent: list[Any] = world.sandbox.records.since(0)["requests"]
    found = ((one["method"], about.search(one["path"]), one["status"]) for one in sent)
    return [f"{method} {path[1]}" for method, path, status in found if path and status != 404]


def _has_ended(playing: Playing) -> bool:
    return playing.seen is not None and playing.seen.case.stage is playing.story.ending.stage
