"""What lists are made of. None of it is personal data: whoever may see a list sees no customer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ..model.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """One order in a list. `total` is None until the order was first read; `holds` are the reasons it waits for."""

    id: int
    ref: str
    number: str
    account_id: str
    platform_id: str
    stage: str
    payment: str
    placed_at: datetime | None
    changed_at: datetime
    version: int
    due_at: datetime | None
    failures: int
    problem: str
    total: Money | None = None
    holds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow:
    """One task; `ref` is its order's ("" if it is about none)."""

    id: int
    ref: str
    order_id: int | None
    account_id: str
    kind: str
    about: str
    title: str
    steps: tuple[str, ...]
    state: str
    opened_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    who: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectLine:
    """One attempt at an effect. `request_id` is the act (or duty) that it was for."""

    key: str
    ref: str
    order_id: int | None
    account_id: str
    kind: str
    request_id: str
    attempt: int
    state: str
    said: str
    planned_at: datetime
    sent_at: datetime | None
    settled_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """One webhook delivery without its content."""

    id: int
    account_id: str
    received_at: datetime
    topic: str
    state: str
    said: str
    tries: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyRow:
    """One message that is or was owed. It says who is told of what, never what or to which address."""

    id: str
    ref: str
    order_id: int
    event: str
    person: str
    about: str
    channel: str
    state: str
    said: str
    again: int
    owed_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineRow:
    """One line of an order's story."""

    at: datetime
    who: str
    what: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeRow:
    """The mode of an account, since when, and who set it."""

    mode: str
    since: datetime
    who: str
