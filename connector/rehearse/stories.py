"""The stories: what a shopper, the shop's staff and the person at the connector do, and what must be true at the end.

A story says nothing about how it is done; it is played in a world that can be a simulated store or a real test store. Every act
in it may be done again after a cut: commands carry their request ids.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..model.case import Case
from ..model.events import DutyEvent, DutyState, Person
from ..model.flow import Stage
from ..model.review import HoldReason

# How long news of the last turn can be on its way: by webhooks, on a machine that has much else to do.
LAST_NEWS_S = 20.0
Tellings = Mapping[tuple[DutyEvent, Person], DutyState]
Doing = Mapping[str, Any] | Callable[[Case], Mapping[str, Any]]


class World(Protocol):
    """Where a story is played."""

    def buy(self, order: Mapping[str, Any]) -> str:
        """A shopper checks out; gives the platform's id."""

    def staff(self, platform_id: str, act: Mapping[str, Any]) -> None:
        """Staff do something on the platform."""

    def command(self, platform_id: str, request_id: str, body: Mapping[str, Any]) -> None:
        """A person asks the connector for something."""

    def look(self, platform_id: str) -> Seen | None:
        """The order as the connector has it, None before it arrived."""

    def wait(self, days: int) -> None:
        """So many days pass for the connector. Done again, they pass again."""

    def pull(self) -> None:
        """The connector asks the platform what has changed, before the next time that it would by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One order as the connector has it just now. `at_rest`: there is nothing it would do by itself within minutes."""

    case: Case
    at_rest: bool
    duties: Mapping[tuple[DutyEvent, Person], DutyState]  # of several about the same, the last
    states: tuple[DutyState, ...]  # of all duties
    tasks: Mapping[str, str]  # titles of the open ones, and of what kind each is
    effects: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """When the order has come so far, somebody does something: staff on the platform, or a person at the connector.

    What they do may depend on the order, on the ids of its lines for example. `days`: how long nobody does anything before.
    """

    when: Callable[[Case], bool]
    days: int = 0
    staff: Doing = field(default_factory=dict)
    command: Doing = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What must be true at the end.

    Args:
        stage: ours; status: the store's own word. refunded: what the gateway gave back; recorded: what the store has written
            down as given back, where that is not the same; captured: what was taken in, where that is of interest.
        told: who was told what, and by whom. tasks: kinds of those left open. holds: ours; shown_holds: the store's.
        tracking: the numbers that the store shows. parcels: how many left from each place.
        stock_taken: pieces that are gone for good; taken: which and from where, where that is of interest.
    """

    stage: Stage
    status: str
    refunded: str = "0.00"
    recorded: str = ""
    captured: str = ""
    tasks: tuple[str, ...] = ()
    told: Tellings
    holds: tuple[HoldReason, ...] = ()
    shown_holds: tuple[str, ...] = ()
    tracking: tuple[str, ...] = ()
    parcels: Mapping[str, int] = field(default_factory=dict)
    stock_taken: int = 1
    taken: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One order from its beginning to its end, on one platform. `is_heard`: the store's webhooks about it arrive."""

    name: str
    title: str
    platform: str = "woocommerce"
    buys: Mapping[str, Any]
    turns: tuple[Turn, ...]
    ending: Ending
    is_heard: bool = True


@dataclass(slots=True, kw_only=True)
class Playing:
    """One story on its way.

    `turn`: how many of its turns were taken; `rests_since`: how long nothing was left to do; `last_news_s`: after how long at
    rest nothing more is to come.
    """

    story: Story
    platform_id: str
    turn: int = 0
    seen: Seen | None = None
    rests_since: float | None = None
    last_news_s: float = LAST_NEWS_S

    @property
    def is_over(self) -> bool:
        """Ended as it should, or at rest for so long that no news of the last turn can still be on its way."""
        if self.rests_since is None:
            return False
        return time.monotonic() - self.rests_since > self.last_news_s or not differences(self)

    def go_on(self, world: World) -> None:
        """Look, and take the next turn if the order has come so far."""
        self.seen = world.look(self.platform_id)
        rests = self.seen is not None and self.turn == len(self.story.turns) and self.seen.at_rest
        self.rests_since = (self.rests_since or time.monotonic()) if rests else None
        if self.seen is None and not self.story.is_heard:
            world.pull()
        if self.seen is None or self.turn == len(self.story.turns):
            return
        turn = self.story.turns[self.turn]
        if not turn.when(self.seen.case) or (turn.days and not self.seen.at_rest):
            return
        if turn.days:
            world.wait(turn.days)
        staff, command = (doing(self.seen.case) if callable(doing) else doing for doing in (turn.staff, turn.command))
        if staff:
            world.staff(self.platform_id, staff)
        if command:
            world.command(self.platform_id, f"{self.story.name}-{self.turn + 1}", command)
        self.turn += 1
        self.seen = None  # what was seen is from before the turn


def play(
    stories: Sequence[Story],
    worlds: Mapping[str, World],
    *,
    patience_s: float = 90.0,
    progress: Callable[[Playing], None] = lambda _: None,
) -> list[Playing]:
    """Play stories side by side, each in its platform's world, until all have come to rest, or the time is up."""
    playing = [Playing(story=story, platform_id=worlds[story.platform].buy(story.buys)) for story in stories]
    until = time.monotonic() + patience_s
    running = list(playing)
    while running and time.monotonic() < until:
        for one in list(running):
            one.go_on(worlds[one.story.platform])
            if one.is_over:
                running.remove(one)
                progress(one)
        time.sleep(0.05)
    return playing


def differences(playing: Playing) -> list[str]:
    """What is not as the story ends, as the connector has it; one sentence each."""
    ending, seen = playing.story.ending, playing.seen
    if seen is None:
        return ["the order has not come to rest"]
    found = []
    if seen.case.stage is not ending.stage:
        found.append(f"it is {seen.case.stage}, not {ending.stage}")
    if not seen.at_rest:
        found.append("it has not come to rest")
    holds = tuple(hold.reason for hold in seen.case.holds)
    if holds != ending.holds:
        found.append(f"held for {', '.join(holds) or 'nothing'}, not for {', '.join(ending.holds) or 'nothing'}")
    for (event, person), state in ending.told.items():
        told = seen.duties.get((event, person))
        if told is not state:
            found.append(f"{event} to the {person} is {told or 'not owed'}, not {state}")
    for event, person in seen.duties.keys() - ending.told.keys():
        found.append(f"{event} to the {person} was not to be told")
    return found + _tasks(ending, seen)


def _tasks(ending: Ending, seen: Seen) -> list[str]:
    missing, unexpected = list(ending.tasks), []
    for title, kind in seen.tasks.items():
        if kind in missing:
            missing.remove(kind)
        else:
            unexpected.append(f"open task: {title}")
    return unexpected + [f"no open task of the kind {kind}" for kind in missing]
