"""The lease: what its holder has in hand, and what he wants written. It goes out with one commit, all of it or nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from ..model.case import Case, Personal
from ..model.codec import from_json, to_json
from ..model.events import Duty, DutyEvent, DutyState, Person, Task
from ..model.order import Order
from . import effects
from .database import insert_for, insert_ignore
from .statements import Statement
from .tables import attempts, duties, inbox, tasks, timeline
from .tables import effects as effects_table


@dataclass(frozen=True, slots=True)
class Parts:
    """How a case is stored: without personal data, that data, the digest of the platform's order, the word for its payments."""

    bare: Case
    personal: Personal
    seen: str
    payment: str


class LeaseLost(Exception):
    """Somebody else has taken the order over. Whatever was not committed is forgotten; they will do it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxItem:
    """Something that somebody else has to say about an order: news, an order as a poll saw it, or a person's command."""

    id: int
    kind: str
    body: dict[str, Any]
    seen: Order | None = None
    request_id: str = ""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedDuty:
    """A message that we still owe, with the facts it is about and how often a person had it sent again."""

    duty: Duty
    facts: dict[str, str]
    again: int = 0


@dataclass(slots=True, kw_only=True)
class Writes:
    """What one order's holder wants written. It goes out with the next commit, all of it or nothing."""

    applied: dict[int, str] = field(default_factory=dict)  # inbox items, and why one was refused
    timeline: list[tuple[str, str, str]] = field(default_factory=list)  # who, what, text
    owed: list[tuple[Duty, DutyState, str, dict[str, str]]] = field(default_factory=list)  # with channel and facts
    settled: list[tuple[str, DutyState, str]] = field(default_factory=list)  # duty id, state, what was said
    tasks: list[Task] = field(default_factory=list)
    closed: list[tuple[str, str, str]] = field(default_factory=list)  # kind, about, outcome
    attempts: list[dict[str, Any]] = field(default_factory=list)  # rows of the table
    resolved: list[tuple[str, bool, str]] = field(default_factory=list)  # request id, did it happen, who says so
    resent: list[str] = field(default_factory=list)  # duty ids

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)


@dataclass(slots=True, kw_only=True)
class Lease:
    """One order, ours until it is given back or runs out. `case` is what is in memory; `save` makes it the stored one."""

    order_id: int
    account_id: str
    platform_id: str
    ref: str
    token: str
    wake: int
    version: int
    failures: int
    case: Case | None
    inbox: list[InboxItem]
    owed: list[OwedDuty]
    open_tasks: set[tuple[str, str]]  # kind and what it is about
    effects: dict[str, str]  # of every effect that was ever begun for it, the key without attempt, and the kind
    stored: Case | None
    stored_parts: Parts | None
    parts: Parts | None = None  # what the next commit stores
    writes: Writes = field(default_factory=Writes)

    def note(self, who: str, what: str, text: str) -> None:
        """A line of the order's timeline, without personal data."""
        self.writes.timeline.append((who, what, text))

    def owe(self, duty: Duty, state: DutyState, *, channel: str = "", facts: dict[str, str] | None = None) -> None:
        self.writes.owed.append((duty, state, channel, facts or {}))
        if state is DutyState.OWED:
            self.owed.append(OwedDuty(duty=duty, facts=facts or {}))

    def settle(self, duty_id: str, state: DutyState, said: str = "") -> None:
        self.writes.settled.append((duty_id, state, said))
        self.owed = [owed for owed in self.owed if owed.duty.id != duty_id]

    def applied(self, item: InboxItem, refused: str = "") -> None:
        """An item of the inbox has become part of the case, or was refused."""
        self.writes.applied[item.id] = refused
        self.inbox.remove(item)

    def open_task(self, task: Task) -> None:
        if (task.kind, task.about) not in self.open_tasks:
            self.writes.tasks.append(task)
            self.open_tasks.add((task.kind, task.about))

    def close_task(self, kind: str, about: str, outcome: str) -> None:
        self.writes.closed.append((kind, about, outcome))
        self.open_tasks.discard((kind, about))


def read_owed(connection: Connection, order_id: int) -> list[OwedDuty]:
    rows = _OWED.all(connection, {"b_id": order_id})
    return [
        OwedDuty(
            duty=Duty(id=row.id, event=DutyEvent(row.event), person=Person(row.person), about=row.about),
            facts=from_json(row.facts, dict[str, str]),
            again=row.again,
        )
        for row in rows
    ]


def read_tasks(connection: Connection, order_id: int) -> set[tuple[str, str]]:
    return {(row.kind, row.about) for row in _OPEN_TASKS.all(connection, {"b_id": order_id})}


def read_effects(connection: Connection, order_id: int) -> dict[str, str]:
    """Only the holder begins effects of an order, so this stays true while it is held."""
    return {row.base: row.kind for row in _EFFECTS.all(connection, {"b_scope": f"order:{order_id}"})}


def write(connection: Connection, lease: Lease, now: datetime) -> None:
    writes = lease.writes
    if not writes:
        return
    for item_id, refused in writes.applied.items():
        _APPLIED.change(connection, {"b_id": item_id, "b_now": now, "b_outcome": refused})
    for request_id, happened, who in writes.resolved:
        effects.resolve(connection, f"order:{lease.order_id}", request_id, happened=happened, who=who, now=now)
    if writes.timeline:
        lines = writes.timeline
        about = {"order_id": lease.order_id, "at": now}
        _TIMELINE.add(connection, [{**about, "who": who, "what": what, "text": text} for who, what, text in lines])
    if writes.attempts:
        _ATTEMPTS.add(connection, writes.attempts)
    _write_duties(connection, lease.order_id, writes, now)
    _write_tasks(connection, lease, writes, now)


def _write_duties(connection: Connection, order_id: int, writes: Writes, now: datetime) -> None:
    rows = [
        {
            "id": duty.id,
            "order_id": order_id,
            "event": duty.event,
            "person": duty.person,
            "about": duty.about,
            "channel": channel,
            "state": state,
            "facts": to_json(facts).decode(),
            "owed_at": now,
            "settled_at": None if state is DutyState.OWED else now,
        }
        for duty, state, channel, facts in writes.owed
    ]
    if rows:
        _owe(connection.dialect.name).add(connection, rows)
    for duty_id in writes.resent:
        once_more = update(duties).where(duties.c.id == duty_id, duties.c.order_id == order_id)
        connection.execute(once_more.values(state=DutyState.OWED, again=duties.c.again + 1, settled_at=None))
    for duty_id, state, said in writes.settled:
        _SETTLED.change(connection, {"b_id": duty_id, "b_state": state, "b_said": said, "b_now": now})


def _write_tasks(connection: Connection, lease: Lease, writes: Writes, now: datetime) -> None:
    for task in writes.tasks:
        insert = insert_ignore(connection)(tasks).values(
            order_id=lease.order_id,
            account_id=lease.account_id,
            kind=task.kind,
            about=task.about,
            title=task.title,
            steps=to_json(task.steps).decode(),
            state="open",
            opened_at=now,
        )
        again = {"state": "open", "title": task.title, "opened_at": now, "closed_at": None}
        connection.execute(insert.on_conflict_do_update(index_elements=["order_id", "kind", "about"], set_=again))
    for kind, about, outcome in writes.closed:
        connection.execute(
            update(tasks)
            .where(tasks.c.order_id == lease.order_id, tasks.c.kind == kind, tasks.c.about == about, tasks.c.state == "open")
            .values(state="done", closed_at=now, outcome=outcome, who="connector")
        )


# --- statements, made once --------------------------------------------------------------------------------------------

_OWED = Statement(
    select(duties)
    .where(duties.c.order_id == bindparam("b_id"), duties.c.state == DutyState.OWED.value)
    .order_by(duties.c.owed_at, duties.c.id)
)
_OPEN_TASKS = Statement(
    select(tasks.c.kind, tasks.c.about).where(tasks.c.order_id == bindparam("b_id"), tasks.c.state == "open")
)
_EFFECTS = Statement(select(effects_table.c.base, effects_table.c.kind).where(effects_table.c.scope == bindparam("b_scope")))
_APPLIED = Statement(
    update(inbox)
    .where(inbox.c.id == bindparam("b_id"))
    .values(applied_at=bindparam("b_now"), outcome=bindparam("b_outcome"), sealed=None, key_id=None)  # the case has it now
)
_TIMELINE = Statement(timeline.insert(), ["order_id", "at", "who", "what", "text"])
_ATTEMPTS = Statement(attempts.insert(), [column.name for column in attempts.c if column.name != "id"])
_SETTLED = Statement(
    update(duties)
    .where(duties.c.id == bindparam("b_id"))
    .values(state=bindparam("b_state"), said=bindparam("b_said"), settled_at=bindparam("b_now"))
)


@cache
def _owe(dialect: str) -> Statement:
    given = [column.name for column in duties.c if column.name not in ("again", "said")]
    return Statement(insert_for(dialect)(duties).on_conflict_do_nothing(index_elements=["id"]), given)
