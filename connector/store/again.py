"""Open orders that rest are woken page by page, because something that holds for all of them has changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, and_, or_, select, tuple_

from ..model.flow import OPEN, Stage
from .orders import wake
from .tables import Utc, orders

_STAGES = tuple(sorted(OPEN))


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far a walk has come: stage by stage, in each by when the orders were placed (microseconds since 1970) and our id."""

    stage: Stage = _STAGES[0]
    placed_at: int = -1
    order_id: int = 0


def wake_page(connection: Connection, place: Place, now: datetime, *, limit: int) -> tuple[int, Place | None]:
    """Wake the next open orders that nobody looks at now, in the caller's transaction; how many, and the place after them.

    None: the walk is at its end. What is being tried again after a failure comes by itself. An order that moves on to another
    stage meanwhile was looked at; orders that were never read have news waiting.
    """
    rows = connection.execute(page(place, now, limit=limit)).all()
    for order_id in sorted(row.id for row in rows):  # as everybody who locks several orders
        wake(connection, order_id, now)
    if len(rows) == limit:
        last = rows[-1]
        micros = Utc().process_bind_param(last.placed_at, connection.dialect) or 0
        return len(rows), Place(stage=place.stage, placed_at=micros, order_id=last.id)
    following = _STAGES[_STAGES.index(place.stage) + 1 :]
    return len(rows), Place(stage=following[0]) if following else None


def page(place: Place, now: datetime, *, limit: int) -> Select[tuple[int, datetime | None]]:
    """By the index on stage and time: what it costs grows with the open orders, not with those that have ended."""
    rests = or_(orders.c.due_at.is_(None), and_(orders.c.due_at > now, orders.c.failures == 0))
    after = tuple_(orders.c.placed_at, orders.c.id) > (place.placed_at, place.order_id)
    here = select(orders.c.id, orders.c.placed_at).where(orders.c.stage == place.stage, after, rests)
    return here.order_by(orders.c.placed_at, orders.c.id).limit(limit)
