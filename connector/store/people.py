"""Whose data is where, and taking it away for good: orders, inboxes, deliveries, keys.

Everything here may be cut anywhere and called again. An order is changed by its holder only; a key is destroyed in a
transaction of its own, because whoever stores something locks a key before an order.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, or_, select, update

from ..model.case import Case
from ..model.codec import from_json, to_json
from ..model.events import DutyState, EffectState, Person
from ..model.flow import OPEN
from ..model.people import HELD, erased, underway
from .database import Database
from .deliveries import day_of
from .lease import Lease, LeaseLost
from .orders import ERASED, Orders, wake
from .tables import deliveries, delivery_bodies, duties, effects, inbox, keys, orders, people, tasks, timeline
from .vault import Vault

PAGE = 200
WHY_WAIVED = "the customer was erased: there is no address any more"
TOLD = "The customer's data was erased here. Sums, dates and products stay."
# Keys of a stored command, effect or message under which words of people stand.
_WORDS = ("text", "reason", "note")
_SETTLED = (EffectState.DONE, EffectState.REFUSED)
_WAITING = inbox.c.applied_at.is_(None)
# `"order_id": 17`, `"admin_graphql_api_id": "gid://shopify/Order/17"`, `id=17`
_ID = re.compile(rb'id"?\s*[:=]\s*"?(?:gid://[\w-]+/\w+/)?([\w-]+)', re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """An order of somebody. `open`: why they are still needed for it ("": they are not). `is_read`: it is in the books."""

    id: int
    ref: str
    account_id: str
    platform_id: str
    is_read: bool
    is_erased: bool
    open: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What a delivery brought. `state`: new, done, bad."""

    delivery_id: int
    account_id: str
    received_at: datetime
    topic: str
    state: str
    headers: dict[str, str]
    body: bytes


# --- whose is what ----------------------------------------------------------------------------------------------------


def of_customer(connection: Connection, books: Orders, email: str, *, account_id: str = "") -> list[Owned]:
    """The orders that this customer's key locks, oldest first (of one account only, if it is named)."""
    key_id = books.vault.key_id(email)
    ids = set(connection.execute(select(people.c.order_id).where(people.c.key_id == key_id)).scalars())
    ids |= set(connection.execute(select(inbox.c.order_id).where(_WAITING, inbox.c.key_id == key_id)).scalars())
    theirs = orders.c.id.in_(sorted(ids))
    return _owned(connection, books, and_(theirs, orders.c.account_id == account_id) if account_id else theirs)


def named(connection: Connection, books: Orders, account_id: str, platform_ids: Collection[str]) -> list[Owned]:
    """Those of these orders that we know."""
    return _owned(connection, books, and_(orders.c.account_id == account_id, orders.c.platform_id.in_(platform_ids)))


def of_account(connection: Connection, books: Orders, account_id: str, *, after: int = 0) -> list[Owned]:
    """The next orders of an account that are not erased yet, by our id."""
    rest = and_(orders.c.account_id == account_id, orders.c.id > after, ~orders.c.seen.startswith(ERASED))
    return _owned(connection, books, rest, limit=PAGE)


def _owned(connection: Connection, books: Orders, where: ColumnElement[bool], *, limit: int | None = None) -> list[Owned]:
    columns = (orders.c.id, orders.c.ref, orders.c.account_id, orders.c.platform_id, orders.c.seen)
    query = select(*columns, orders.c.body.isnot(None).label("is_read")).where(where).order_by(orders.c.id).limit(limit)
    return [
        Owned(
            id=row.id,
            ref=row.ref,
            account_id=row.account_id,
            platform_id=row.platform_id,
            is_read=row.is_read,
            is_erased=row.seen.startswith(ERASED),
            open=_open(connection, books.read(connection, row.id), row.id),
        )
        for row in connection.execute(query).all()
    ]


def _open(connection: Connection, case: Case | None, order_id: int) -> str:
    """Why an order needs its customer."""
    if case is None:
        return "it was not read from the platform yet"
    if why := underway(case):
        return why
    owed = and_(duties.c.order_id == order_id, duties.c.state == DutyState.OWED)
    if connection.execute(select(duties.c.id).where(owed)).first() is not None:
        return "somebody is still to be told"
    asked = and_(inbox.c.order_id == order_id, inbox.c.kind == "command", _WAITING)
    if connection.execute(select(inbox.c.id).where(asked)).first() is not None:
        return "a command for it is not taken up yet"
    todo = select(tasks.c.id).where(tasks.c.order_id == order_id, tasks.c.state == "open").order_by(tasks.c.id)
    number = connection.execute(todo).scalar()
    return f"task {number} is open" if number is not None else ""


# --- one order --------------------------------------------------------------------------------------------------------


def erase_order(books: Orders, order_id: int, *, who: str, now: datetime) -> bool:
    """Erase the customer from one order: from the case, its inbox, and what people wrote. False if somebody else has it now."""
    lease = books.take(order_id)
    if lease is None:
        return False
    if lease.case is not None and lease.case.erased is None:
        lease.case = erased(lease.case, now)
        lease.note(who, "erased", TOLD)
    for owed in list(lease.owed):
        if owed.duty.person is Person.CUSTOMER:
            lease.settle(owed.duty.id, DutyState.WAIVED, WHY_WAIVED)
    try:
        with books.database.writing() as connection:
            books.database.wipe(connection)
            _write(connection, books, lease, now)
    except LeaseLost:
        return False
    return True


def _write(connection: Connection, books: Orders, lease: Lease, now: datetime) -> None:
    own = books.vault.key_id(f"{lease.account_id}/{lease.platform_id}")
    locked = select(people.c.key_id).where(people.c.order_id == lease.order_id)
    if lease.case is not lease.stored and connection.execute(locked).scalar() == own:
        books.vault.destroy(connection, own)  # a guest's key is the order's own; nobody else seals anything with it
    books.save(connection, lease, now)
    _empty_inbox(connection, lease.order_id)
    _take_words(connection, lease.order_id)
    mine = and_(orders.c.id == lease.order_id, orders.c.lease_token == lease.token)
    connection.execute(update(orders).where(mine).values(lease_token=None, lease_until=None))  # when it is due stays
    if lease.case is not None and lease.case.stage in OPEN:
        wake(connection, lease.order_id, now)  # it has no address now: that is for a review


def _empty_inbox(connection: Connection, order_id: int) -> None:
    """What was seen and not taken up yet is read anew; then it is known that nothing personal is to be kept of it."""
    sealed = and_(inbox.c.order_id == order_id, inbox.c.sealed.isnot(None))
    news = {"kind": "news", "sealed": None, "key_id": None}
    connection.execute(update(inbox).where(sealed, inbox.c.kind == "seen", _WAITING).values(**news))
    connection.execute(update(inbox).where(sealed).values(sealed=None, key_id=None))


def _take_words(connection: Connection, order_id: int) -> None:
    """Words that people typed about an order, wherever they are not needed any more."""
    done = and_(inbox.c.order_id == order_id, inbox.c.kind == "command", inbox.c.applied_at.isnot(None))
    typed = _rewrite(connection, inbox.c.id, inbox.c.body, done)
    held = and_(timeline.c.order_id == order_id, timeline.c.what == "held", timeline.c.text.in_(typed))
    connection.execute(update(timeline).where(held).values(text=HELD))
    settled = and_(effects.c.scope == f"order:{order_id}", effects.c.state.in_(_SETTLED))
    _rewrite(connection, effects.c.key, effects.c.request, settled)
    _rewrite(connection, duties.c.id, duties.c.facts, and_(duties.c.order_id == order_id, duties.c.state != DutyState.OWED))
    closed = and_(tasks.c.order_id == order_id, tasks.c.outcome != "", tasks.c.who != "connector")
    connection.execute(update(tasks).where(closed).values(outcome=""))


def _rewrite(connection: Connection, key: Any, column: Any, where: ColumnElement[bool]) -> list[str]:
    """Take the words out of a column of JSON; gives them."""
    found: list[str] = []
    for row in connection.execute(select(key, column).where(where)).all():
        said = from_json(row[1], Any)
        if isinstance(said, dict) and any(said.get(word) for word in _WORDS):
            found += [str(said[word]) for word in _WORDS if said.get(word)]
            less = {name: "" if name in _WORDS else value for name, value in said.items()}
            connection.execute(update(key.table).where(key == row[0]).values({column: to_json(less).decode()}))
    return found


# --- keys -------------------------------------------------------------------------------------------------------------


def forget_key(database: Database, key_id: str) -> bool:
    """Destroy a key that locks nothing any more, in a transaction of its own. False: there is none, or it is still needed."""
    with database.writing() as connection:
        database.wipe(connection)
        # Held, so that nobody seals with it until this is committed; and only then looked at who did before.
        held = select(keys.c.id).where(keys.c.id == key_id, keys.c.wrapped.isnot(None)).with_for_update()
        if connection.execute(held).first() is None or connection.execute(select(_is_used(key_id))).scalar():
            return False
        connection.execute(update(keys).where(keys.c.id == key_id).values(wrapped=None))
        return True


def _is_used(key_id: Any) -> ColumnElement[bool]:
    """By a customer. What was taken out of an inbox is in the case, and may go with the key."""
    return or_(exists().where(people.c.key_id == key_id), exists().where(_WAITING, inbox.c.key_id == key_id))


def forget_unused_keys(database: Database, vault: Vault, account_ids: Sequence[str], now: datetime) -> int:
    """Destroy all keys that lock nothing; returns how many. Not today's keys of deliveries: one may be about to be used."""
    days = [now + timedelta(days=days) for days in (-1, 0, 1)]
    recent = {vault.key_id(day_of(account_id, day)) for account_id in account_ids for day in days}
    with database.reading() as connection:
        no_day = ~exists().where(delivery_bodies.c.key_id == keys.c.id)
        unused = select(keys.c.id).where(keys.c.wrapped.isnot(None), ~_is_used(keys.c.id), no_day)
        found = [key_id for key_id in connection.execute(unused).scalars() if key_id not in recent]
    return sum(forget_key(database, key_id) for key_id in found)


# --- deliveries -------------------------------------------------------------------------------------------------------


def bodies_about(database: Database, vault: Vault, email: str, orders: Mapping[str, Collection[str]]) -> Iterator[Body]:
    """The deliveries that name the customer or one of the orders, oldest first. Opens every body.

    Args:
        email: "" looks for orders only. orders: by the id of each account to look at, platform ids (there may be none).
    """
    ids = {account_id: {one.encode() for one in theirs} for account_id, theirs in orders.items()}
    mail, last = _spelled(email), 0
    there = select(deliveries, delivery_bodies.c.key_id, delivery_bodies.c.sealed).join(
        delivery_bodies, delivery_bodies.c.delivery_id == deliveries.c.id
    )
    while True:
        some = there.where(deliveries.c.account_id.in_(ids), deliveries.c.id > last).order_by(deliveries.c.id).limit(PAGE)
        with database.reading() as connection:
            rows = connection.execute(some).all()
            contents = [vault.open(connection, row.key_id, row.sealed) for row in rows]
        for row, content in zip(rows, contents, strict=True):
            body = _body(row, content) if content is not None else None
            if body is not None and _is_about(body, ids[row.account_id], mail):
                yield body
        if len(rows) < PAGE:
            return
        last = rows[-1].id


def _spelled(email: str) -> re.Pattern[bytes] | None:
    """The address as it may stand in JSON or in a form, and not as the end or beginning of another one."""
    name, at, host = email.strip().lower().partition("@")
    if not name:
        return None
    signs = rb"(?:@|\\u0040|%40)" if at else b""
    word = re.escape(name.encode()) + signs + re.escape(host.encode())
    return re.compile(rb"(?:(?<![\w.+-])|(?<=\\u003c))" + word + rb"(?![\w-]|\.\w)", re.IGNORECASE)


def _is_about(body: Body, ids: set[bytes], mail: re.Pattern[bytes] | None) -> bool:
    """Headers have ids of their own; only in the body are they an order's."""
    if ids & set(_ID.findall(body.body)):
        return True
    said = "\n".join(body.headers.values()).encode()
    return mail is not None and (mail.search(body.body) or mail.search(said)) is not None


def _body(row: Any, content: bytes) -> Body:
    size = int.from_bytes(content[:4], "big")
    return Body(
        delivery_id=row.id,
        account_id=row.account_id,
        received_at=row.received_at,
        topic=row.topic,
        state=row.state,
        headers=from_json(content[4 : 4 + size], dict[str, str]),
        body=content[4 + size :],
    )


def drop_bodies(database: Database, delivery_ids: Sequence[int]) -> None:
    """What these deliveries brought is gone; that they came stays."""
    for start in range(0, len(delivery_ids), PAGE):
        with database.writing() as connection:
            database.wipe(connection)
            drop_body(connection, *delivery_ids[start : start + PAGE])


def drop_body(connection: Connection, *delivery_ids: int) -> None:
    connection.execute(delete(delivery_bodies).where(delivery_bodies.c.delivery_id.in_(delivery_ids)))


def drop_bodies_of_account(database: Database, account_id: str) -> int:
    """What all deliveries to an account brought, but for those that are still to be read; returns how many."""
    read = select(deliveries.c.id).where(deliveries.c.account_id == account_id, deliveries.c.state != "new")
    with database.writing() as connection:
        database.wipe(connection)
        return connection.execute(delete(delivery_bodies).where(delivery_bodies.c.delivery_id.in_(read))).rowcount


def are_erased(connection: Connection, order_ids: Collection[int]) -> bool:
    """Was the customer of every one of these orders erased? False where there is none."""
    others = select(func.count()).select_from(orders).where(orders.c.id.in_(order_ids), ~orders.c.seen.startswith(ERASED))
    return bool(order_ids) and connection.execute(others).scalar_one() == 0
