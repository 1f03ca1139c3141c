"""The stories: what a shopper, the shop's staff and the person at the connector do, and what must be true at the end.

A story says nothing about how it is done; it is played in a world that can be a simulated store or a real test store. Every act
in it may be done again after a cut: commands carry their request ids.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..model.case import Case
from ..model.events import DutyEvent, DutyState, Person
from ..model.flow import Stage
from ..model.review import HoldReason


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One order as the connector has it just now. `at_rest`: there is nothing it would do by itself."""

    case: Case
    at_rest: bool
    duties: Mapping[tuple[DutyEvent, Person], DutyState]
    tasks: tuple[str, ...]
    effects: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """When the order has come so far, somebody does something: staff on the platform, or a person at the connector."""

    when: Callable[[Case], bool]
    staff: Mapping[str, Any] = field(default_factory=dict)
    command: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What must be true at the end. `told` says who was told what, and by whom; `left` the stock that is gone for good."""

    stage: Stage
    status: str
    refunded: str = "0.00"
    told: Mapping[tuple[DutyEvent, Person], DutyState]
    holds: tuple[HoldReason, ...] = ()
    tracking: str = ""
    stock_taken: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    name: str
    title: str
    buys: Mapping[str, Any]
    turns: tuple[Turn, ...]
    ending: Ending


def _at(stage: Stage) -> Callable[[Case], bool]:
    return lambda case: case.stage is stage


def _held_for(reason: HoldReason) -> Callable[[Case], bool]:
    return lambda case: case.holds_for(reason)


_CUSTOMER, _MERCHANT = Person.CUSTOMER, Person.MERCHANT
_SENT, _PLATFORM = DutyState.SENT, DutyState.LEFT_TO_PLATFORM
_CONFIRMED = {(DutyEvent.CONFIRMED, _CUSTOMER): _PLATFORM, (DutyEvent.CONFIRMED, _MERCHANT): _PLATFORM}
_SHIPPED = {(DutyEvent.SHIPPED, _CUSTOMER): _PLATFORM, (DutyEvent.SHIPPED, _MERCHANT): _SENT}

SHIPPED = Story(
    name="shipped",
    title="Paid by card, shipped with UPS",
    buys={"payment_method": "fakepay", "items": [{"product_id": 13, "quantity": 2}]},
    turns=(Turn(when=_at(Stage.PROCESSING), command={"do": "ship", "carrier": "UPS", "tracking": "1Z999AA10123456784"}),),
    ending=Ending(
        stage=Stage.COMPLETED,
        status="completed",
        told=_CONFIRMED | _SHIPPED,
        tracking="1Z999AA10123456784",
        stock_taken=2,
    ),
)

HELD_AND_RELEASED = Story(
    name="held_and_released",
    title="Bank transfer: held until the money is there, then shipped",
    buys={"payment_method": "bacs", "items": [{"product_id": 14, "quantity": 1}]},
    turns=(
        # The transfer has arrived: staff set the order to processing, as they always do.
        Turn(when=_held_for(HoldReason.AWAITING_PAYMENT), staff={"action": "status", "status": "processing"}),
        Turn(
            when=_at(Stage.PROCESSING),
            command={"do": "ship", "carrier": "USPS", "tracking": "9400111899223197428490"},
        ),
    ),
    ending=Ending(
        stage=Stage.COMPLETED,
        status="completed",
        told=_CONFIRMED | _SHIPPED | {(DutyEvent.ON_HOLD, _CUSTOMER): _PLATFORM, (DutyEvent.ON_HOLD, _MERCHANT): _SENT},
        tracking="9400111899223197428490",
    ),
)

CANCELLED_AND_REFUNDED = Story(
    name="cancelled_and_refunded",
    title="The customer changes her mind: cancelled, stock put back, refunded",
    buys={"payment_method": "fakepay", "items": [{"product_id": 13, "quantity": 3}]},
    turns=(Turn(when=_at(Stage.PROCESSING), command={"do": "cancel", "reason": "changed her mind"}),),
    ending=Ending(
        stage=Stage.CANCELLED,
        status="refunded",
        refunded="45.83",
        told=_CONFIRMED
        | {
            (DutyEvent.CANCELLED, _CUSTOMER): _SENT,
            (DutyEvent.CANCELLED, _MERCHANT): _PLATFORM,
            (DutyEvent.REFUNDED, _CUSTOMER): _PLATFORM,
            (DutyEvent.REFUNDED, _MERCHANT): _SENT,
        },
        stock_taken=0,
    ),
)

PO_BOX_HELD = Story(
    name="po_box_held",
    title="A PO box that the carrier does not serve: held, and the customer is asked",
    buys={"payment_method": "fakepay", "po_box": True, "items": [{"product_id": 13, "quantity": 1}]},
    turns=(),
    ending=Ending(
        stage=Stage.ON_HOLD,
        status="processing",
        told=_CONFIRMED | {(DutyEvent.ON_HOLD, _CUSTOMER): _SENT, (DutyEvent.ON_HOLD, _MERCHANT): _SENT},
        holds=(HoldReason.PO_BOX,),
    ),
)

STORIES = (SHIPPED, HELD_AND_RELEASED, CANCELLED_AND_REFUNDED, PO_BOX_HELD)


@dataclass(slots=True, kw_only=True)
class Playing:
    """One story on its way. `turn`: how many of its turns were taken."""

    story: Story
    platform_id: str
    turn: int = 0
    seen: Seen | None = None

    @property
    def is_over(self) -> bool:
        return self.seen is not None and self.turn == len(self.story.turns) and self.seen.at_rest

    def go_on(self, world: World) -> None:
        """Look, and take the next turn if the order has come so far."""
        self.seen = world.look(self.platform_id)
        if self.seen is None or self.turn == len(self.story.turns):
            return
        turn = self.story.turns[self.turn]
        if not turn.when(self.seen.case):
            return
        if turn.staff:
            world.staff(self.platform_id, turn.staff)
        if turn.command:
            world.command(self.platform_id, f"{self.story.name}-{self.turn + 1}", turn.command)
        self.turn += 1
        self.seen = None  # what was seen is from before the turn


def play(
    stories: tuple[Story, ...], world: World, *, patience_s: float = 60.0, progress: Callable[[Playing], None] = lambda _: None
) -> list[Playing]:
    """Play stories side by side until each has come to rest, or the time is up."""
    playing = [Playing(story=story, platform_id=world.buy(story.buys)) for story in stories]
    until = time.monotonic() + patience_s
    running = list(playing)
    while running and time.monotonic() < until:
        for one in list(running):
            one.go_on(world)
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
    return found + [f"open task: {task}" for task in seen.tasks]
