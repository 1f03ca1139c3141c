"""Lists for people and their programs: short pages, newest first, without personal data. Reads only.

A page costs the same however many orders are stored: it follows an index from where the last one ended (`after`, the text that
the last page gave as `next`), and everything that it shows comes with the same few queries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)

from ..model.codec import from_json
from ..model.flow import Stage
from ..model.money import Money
from .rows import DeliveryRow, DutyRow, EffectLine, ModeRow, OrderRow, TaskRow, TimelineRow
from .tables import Utc, account_modes, accounts, deliveries, duties, effects, inbox, orders, tasks, timeline

T = TypeVar("T")

LONGEST = 500
"""The most that one page holds."""
UNSETTLED = ("sent", "unknown")
TO_LOOK_AT = ("owed", "unknown", "failed")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class WrongPage(ValueError):
    """What was given as `after` is not the end of a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed(Generic[T]):
    """One page. `next` is what to give as `after` for the next one, "" after the last."""

    rows: tuple[T, ...]
    next: str = ""


# --- orders -----------------------------------------------------------------------------------------------------------


class _Sum(msgspec.Struct):
    total: Money


class _Held(msgspec.Struct):
    reason: str


class _Glance(msgspec.Struct):
    """The little of a stored case that a list shows."""

    order: _Sum
    holds: tuple[_Held, ...] = ()


_ORDER = tuple(orders.c[field.name] for field in fields(OrderRow) if field.name not in ("total", "holds"))


def orders_page(
    connection: Connection,
    *,
    stages: Sequence[str] = (),
    account_ids: Sequence[str] = (),
    limit: int = 50,
    after: str = "",
) -> Listed[OrderRow]:
    """Orders by the time they were placed; those that were not read yet stand first. Raises WrongPage."""
    limit = min(limit, LONGEST)
    cursor = _uncursor(after)
    parts = [_of_stage(Stage(stage), account_ids, cursor, limit) for stage in stages or Stage]
    if cursor is None or cursor[0] is None:
        parts.append(_unread(stages, account_ids, cursor, limit))
    found = connection.execute(union_all(*(part.subquery().select() for part in parts))).mappings()
    rows = sorted((_order(row) for row in found), key=_newest_first, reverse=True)
    return _listed(rows, limit, lambda row: _cursor(row.placed_at, row.id))


def _of_stage(stage: str, account_ids: Sequence[str], cursor: Any, limit: int) -> Select[Any]:
    """One stage at a time, because each follows the index on stage and time."""
    query = _of(select(*_ORDER, orders.c.body), account_ids).where(orders.c.stage == stage, orders.c.placed_at.isnot(None))
    if cursor is not None and cursor[0] is not None:
        query = query.where(tuple_(orders.c.placed_at, orders.c.id) < tuple_(literal(cursor[0], Utc()), literal(cursor[1])))
    return query.order_by(orders.c.placed_at.desc(), orders.c.id.desc()).limit(limit + 1)


def _unread(stages: Sequence[str], account_ids: Sequence[str], cursor: Any, limit: int) -> Select[Any]:
    wanted = not stages or Stage.NEW in set(stages)
    query = _of(select(*_ORDER, orders.c.body), account_ids).where(
        orders.c.stage == (Stage.NEW if wanted else ""), orders.c.placed_at.is_(None)
    )
    if cursor is not None:
        query = query.where(orders.c.id < cursor[1])
    return query.order_by(orders.c.id.desc()).limit(limit + 1)


def _of(query: Select[Any], account_ids: Sequence[str]) -> Select[Any]:
    return query.where(orders.c.account_id.in_(account_ids)) if account_ids else query


def _newest_first(row: OrderRow) -> tuple[bool, datetime, int]:
    return row.placed_at is None, row.placed_at or _EPOCH, row.id


def _order(row: RowMapping) -> OrderRow:
    said = dict(row)
    body = said.pop("body")
    if body is None:
        return OrderRow(**said)
    glance = from_json(body, _Glance)
    reasons = tuple(dict.fromkeys(hold.reason for hold in glance.holds))
    return OrderRow(**said, total=glance.order.total, holds=reasons)


def orders_of(connection: Connection, ids: Sequence[int]) -> list[OrderRow]:
    """These orders; at most LONGEST at a time."""
    query = select(*_ORDER, orders.c.body).where(orders.c.id.in_(ids[:LONGEST])).order_by(orders.c.id)
    return [_order(row) for row in connection.execute(query).mappings()]


def order_at(connection: Connection, account_id: str, platform_id: str) -> OrderRow | None:
    """The order that the platform of this account calls so."""
    query = select(*_ORDER, orders.c.body).where(orders.c.account_id == account_id, orders.c.platform_id == platform_id)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _order(row)


def orders_called(connection: Connection, text: str, *, limit: int = 10) -> list[OrderRow]:
    """Orders with this reference (under an earlier name of the account, too) or this number, with or without #."""
    bare = text.removeprefix("#")
    query = (
        select(*_ORDER, orders.c.body)
        .where(or_(orders.c.ref == text, orders.c.number.in_([bare, f"#{bare}"])))
        .order_by(orders.c.id.desc())
        .limit(limit)
    )
    return [_order(row) for row in connection.execute(query).mappings()]


def due_among(connection: Connection, ids: Sequence[int], now: datetime) -> list[int]:
    """Which of these orders have something to be done now."""
    due: list[int] = []
    for start in range(0, len(ids), LONGEST):
        part = ids[start : start + LONGEST]
        query = select(orders.c.id).where(orders.c.id.in_(part), orders.c.due_at <= now).order_by(orders.c.id)
        due += connection.execute(query).scalars()
    return due


# --- about one order --------------------------------------------------------------------------------------------------


def timeline_of(
    connection: Connection, order_id: int, *, since: datetime | None = None, limit: int = LONGEST
) -> list[TimelineRow]:
    """The newest lines of an order's story, oldest first."""
    query = _select(TimelineRow, timeline).where(timeline.c.order_id == order_id)
    if since is not None:
        query = query.where(timeline.c.at >= since)
    newest = connection.execute(query.order_by(timeline.c.id.desc()).limit(limit)).mappings()
    return [TimelineRow(**row) for row in newest][::-1]


def tasks_of(connection: Connection, order_id: int) -> list[TaskRow]:
    query = _tasks().where(tasks.c.order_id == order_id).order_by(tasks.c.id).limit(LONGEST)
    return [_task(row) for row in connection.execute(query).mappings()]


def effects_of(connection: Connection, order_id: int) -> list[EffectLine]:
    """Everything that was sent or planned for an order, in that order."""
    query = _effects().where(effects.c.scope == f"order:{order_id}").order_by(effects.c.planned_at, effects.c.key)
    return [EffectLine(**row) for row in connection.execute(query.limit(LONGEST)).mappings()]


def duties_of(connection: Connection, order_id: int) -> list[DutyRow]:
    query = _duties().where(duties.c.order_id == order_id).order_by(duties.c.owed_at, duties.c.id).limit(LONGEST)
    return [DutyRow(**row) for row in connection.execute(query).mappings()]


def commands_waiting(connection: Connection, order_id: int) -> int:
    """How many commands of people the order's holder has not taken up yet."""
    waiting = and_(inbox.c.order_id == order_id, inbox.c.applied_at.is_(None), inbox.c.kind == "command")
    return int(connection.execute(select(func.count()).select_from(inbox).where(waiting)).scalar_one())


# --- tasks ------------------------------------------------------------------------------------------------------------


def _tasks() -> Select[Any]:
    ours = (tasks.c[field.name] for field in fields(TaskRow) if field.name != "ref")
    return select(*ours, func.coalesce(orders.c.ref, "").label("ref")).outerjoin_from(
        tasks, orders, orders.c.id == tasks.c.order_id
    )


def _task(row: RowMapping) -> TaskRow:
    return TaskRow(**{**row, "steps": from_json(row["steps"], tuple[str, ...])})


def tasks_page(
    connection: Connection, *, state: str = "open", account_ids: Sequence[str] = (), limit: int = 50, after: str = ""
) -> Listed[TaskRow]:
    """Tasks that are open or done, newest first."""
    query = _tasks().where(tasks.c.state == state)
    if account_ids:
        query = query.where(tasks.c.account_id.in_(account_ids))
    if after:
        query = query.where(tasks.c.id < _number(after))
    limit = min(limit, LONGEST)
    found = connection.execute(query.order_by(tasks.c.id.desc()).limit(limit + 1)).mappings()
    return _listed([_task(row) for row in found], limit, lambda row: str(row.id))


def task(connection: Connection, task_id: int) -> TaskRow | None:
    row = connection.execute(_tasks().where(tasks.c.id == task_id)).mappings().one_or_none()
    return None if row is None else _task(row)


# --- effects ----------------------------------------------------------------------------------------------------------


def _effects() -> Select[Any]:
    ours = (effects.c[field.name] for field in fields(EffectLine) if field.name != "ref")
    return select(*ours, func.coalesce(orders.c.ref, "").label("ref")).outerjoin_from(
        effects, orders, orders.c.id == effects.c.order_id
    )


def effects_page(
    connection: Connection,
    *,
    states: Sequence[str] = UNSETTLED,
    account_ids: Sequence[str] = (),
    limit: int = 50,
    after: str = "",
) -> Listed[EffectLine]:
    """Effects in these states, newest first. Meant for what is not settled: few at any time, whatever was done before."""
    query = _effects().where(_literally(effects.c.state, states))
    if account_ids:
        query = query.where(effects.c.account_id.in_(account_ids))
    query = _older(query, effects.c.planned_at, effects.c.key, after)
    limit = min(limit, LONGEST)
    found = connection.execute(query.order_by(effects.c.planned_at.desc(), effects.c.key.desc()).limit(limit + 1)).mappings()
    return _listed([EffectLine(**row) for row in found], limit, lambda row: _cursor(row.planned_at, row.key))


def effect(connection: Connection, key: str) -> EffectLine | None:
    row = connection.execute(_effects().where(effects.c.key == key)).mappings().one_or_none()
    return None if row is None else EffectLine(**row)


def held_back(connection: Connection, account_id: str, *, after_id: int = 0, limit: int = LONGEST) -> list[int]:
    """Ids of orders for which something of this account was planned and not sent, in their order from `after_id` on."""
    planned = and_(effects.c.account_id == account_id, _literally(effects.c.state, ["planned"]), effects.c.order_id > after_id)
    query = select(effects.c.order_id).where(planned).distinct().order_by(effects.c.order_id).limit(limit)
    return [int(order_id) for order_id in connection.execute(query).scalars()]


# --- deliveries -------------------------------------------------------------------------------------------------------


def deliveries_page(
    connection: Connection, *, state: str = "", account_ids: Sequence[str] = (), limit: int = 50, after: str = ""
) -> Listed[DeliveryRow]:
    """Webhook deliveries, newest first."""
    query = _select(DeliveryRow, deliveries)
    if state:
        query = query.where(_literally(deliveries.c.state, [state]))
    if account_ids:
        query = query.where(deliveries.c.account_id.in_(account_ids))
    if after:
        query = query.where(deliveries.c.id < _number(after))
    limit = min(limit, LONGEST)
    found = connection.execute(query.order_by(deliveries.c.id.desc()).limit(limit + 1)).mappings()
    return _listed([DeliveryRow(**row) for row in found], limit, lambda row: str(row.id))


def deliveries_of(connection: Connection, ids: Sequence[int]) -> list[DeliveryRow]:
    """These deliveries, as far as they exist; at most LONGEST at a time."""
    query = _select(DeliveryRow, deliveries).where(deliveries.c.id.in_(ids[:LONGEST])).order_by(deliveries.c.id)
    return [DeliveryRow(**row) for row in connection.execute(query).mappings()]


# --- mails ------------------------------------------------------------------------------------------------------------


def _duties() -> Select[Any]:
    ours = (duties.c[field.name] for field in fields(DutyRow) if field.name != "ref")
    return select(*ours, orders.c.ref).join_from(duties, orders, orders.c.id == duties.c.order_id)


def duties_page(
    connection: Connection, *, states: Sequence[str] = TO_LOOK_AT, limit: int = 50, after: str = ""
) -> Listed[DutyRow]:
    """Messages in these states, newest first."""
    query = _older(_duties().where(_literally(duties.c.state, states)), duties.c.owed_at, duties.c.id, after)
    limit = min(limit, LONGEST)
    found = connection.execute(query.order_by(duties.c.owed_at.desc(), duties.c.id.desc()).limit(limit + 1)).mappings()
    return _listed([DutyRow(**row) for row in found], limit, lambda row: _cursor(row.owed_at, row.id))


def duty(connection: Connection, duty_id: str) -> DutyRow | None:
    row = connection.execute(_duties().where(duties.c.id == duty_id)).mappings().one_or_none()
    return None if row is None else DutyRow(**row)


# --- accounts ---------------------------------------------------------------------------------------------------------


def modes(connection: Connection) -> dict[str, ModeRow]:
    """The mode of every account that was ever given one, by its id."""
    newest = select(func.max(account_modes.c.id)).group_by(account_modes.c.account_id)
    query = (
        select(accounts.c.id, accounts.c.mode, account_modes.c.at, account_modes.c.who)
        .join_from(accounts, account_modes, account_modes.c.account_id == accounts.c.id)
        .where(account_modes.c.id.in_(newest))
    )
    return {row.id: ModeRow(mode=row.mode, since=row.at, who=row.who) for row in connection.execute(query)}


# --- pages ------------------------------------------------------------------------------------------------------------


def _select(kind: type[Any], source: Any) -> Select[Any]:
    return select(*(source.c[field.name] for field in fields(kind)))


def _literally(column: ColumnElement[Any], values: Sequence[str]) -> ColumnElement[bool]:
    # Written into the statement: SQLite takes a partial index only where it sees that the condition is the index's.
    return column.in_(bindparam(None, list(values), expanding=True, literal_execute=True))


def _older(query: Select[Any], at: Any, key: Any, after: str) -> Select[Any]:
    cursor = _uncursor(after, number=False)
    return query if cursor is None else query.where(tuple_(at, key) < tuple_(literal(cursor[0], Utc()), literal(cursor[1])))


def _listed(rows: Sequence[T], limit: int, cursor: Any) -> Listed[T]:
    shown = tuple(rows[:limit])
    return Listed(rows=shown, next=cursor(shown[-1]) if len(rows) > limit else "")


def _cursor(at: datetime | None, key: int | str) -> str:
    micros = "-" if at is None else str((at - _EPOCH) // timedelta(microseconds=1))
    return f"{micros}.{key}"


def _uncursor(after: str, *, number: bool = True) -> tuple[datetime | None, Any] | None:
    if not after:
        return None
    micros, _, key = after.partition(".")
    try:
        at = None if micros == "-" else _EPOCH + timedelta(microseconds=int(micros))
        return at, int(key) if number else key
    except (ValueError, OverflowError):
        raise _wrong(after) from None


def _number(after: str) -> int:
    if not after.isdecimal():
        raise _wrong(after)
    return int(after)


def _wrong(after: str) -> WrongPage:
    return WrongPage(f"{after!r} is not where a page ends; take it from the page before")
