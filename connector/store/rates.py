"""How often an account may call its vendor: a bucket of points that all processes share.

A call takes points out of the bucket, and the bucket fills again by so many points a second. Where a vendor only counts calls,
each is one point.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Select, select, type_coerce, update

from .database import Database, insert_ignore
from .tables import db_now, rates


def take_turn(
    database: Database, name: str, *, per_second: float, burst: float, longest_wait_s: float, points: float = 1
) -> float:
    """Take points out of a bucket, and return how many seconds to wait before using them.

    What the vendor said itself about the bucket (`learn`) goes before `per_second` and `burst`, its size. Where the wait would
    be longer than `longest_wait_s`, nothing is taken.
    """
    with database.writing() as connection:
        new = insert_ignore(connection)(rates).values(name=name, next_at=0)
        connection.execute(new.on_conflict_do_nothing(index_elements=["name"]))
        row = connection.execute(_mine(name)).one()
        now = connection.execute(select(db_now())).scalar_one()  # only now: the row may have been another's for a while
        micros = 1_000_000 / (row.per_second or per_second)
        start = max(now, row.next_at)
        wait: float = max(0.0, (start - now - ((row.size or burst) - points) * micros) / 1_000_000)
        if wait > longest_wait_s:
            return wait
        connection.execute(update(rates).where(rates.c.name == name).values(next_at=start + int(points * micros)))
    return wait


def learn(database: Database, name: str, *, unused: float, left: float, size: float, per_second: float) -> None:
    """What the vendor said of the bucket after a call: how much is `left` in it, its size and how fast it fills.

    `unused`: points that were taken for the call and not needed after all; they go back (below zero: it took more). Others
    may have taken points for calls that the vendor has not seen yet, so the bucket is never made fuller than that.
    """
    with database.writing() as connection:
        row = connection.execute(_mine(name)).first()
        if row is None:
            return
        now = connection.execute(select(db_now())).scalar_one()
        taken = size - left
        if row.per_second is not None:  # else nobody knew before now what a point is worth
            taken = max(taken, (row.next_at - now) * row.per_second / 1_000_000 - unused)
        next_at = now + int(taken * 1_000_000 / per_second)
        values = {"next_at": next_at, "size": size, "per_second": per_second}
        connection.execute(update(rates).where(rates.c.name == name).values(**values))


def give_back(database: Database, name: str, points: float) -> None:
    """The points of a call that failed. Only where the vendor tells what is left: elsewhere a call counts, however it ends."""
    with database.reading() as connection:
        row = connection.execute(select(rates.c.per_second).where(rates.c.name == name)).first()
    if row is None or row.per_second is None:
        return
    with database.writing() as connection:
        later = rates.c.next_at - int(points * 1_000_000 / row.per_second)
        connection.execute(update(rates).where(rates.c.name == name).values(next_at=later))


def _mine(name: str) -> Select[tuple[int, float | None, float | None]]:
    columns = (type_coerce(rates.c.next_at, BigInteger).label("next_at"), rates.c.size, rates.c.per_second)
    return select(*columns).where(rates.c.name == name).with_for_update()
