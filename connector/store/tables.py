"""The tables. What a column means stands here; how it is used, in the modules beside this one.

Times are whole microseconds since 1970 (UTC), so that both databases compare them with their own clock. JSON is text,
written by `model.codec`. Personal data is only in `people`, `delivery_bodies` and sealed inbox items, encrypted; nothing
else may hold any.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Utc(TypeDecorator[datetime]):
    """A UTC time as microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | None:
        if value is None or isinstance(value, int):
            return value
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        micros: int = (value - _EPOCH) // timedelta(microseconds=1)
        return micros

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class Word(TypeDecorator[str]):
    """A word or two, perhaps a vendor's. PostgreSQL takes no NUL and neither database half a letter; an answer must not be lost
    because its text cannot be stored."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else value.replace("\0", "").encode("utf-8", "replace").decode()


class Words(Word):
    """The same, as long as it gets."""

    impl = Text
    cache_ok = True


class db_now(FunctionElement[int]):  # noqa: N801  (an SQL function, written like one)
    """The database's own clock in microseconds since 1970: leases of several machines are judged by one clock."""

    type = BigInteger()
    inherit_cache = True


@compiles(db_now, "sqlite")
def _sqlite_now(element: Any, compiler: Any, **kw: Any) -> str:
    return "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"


@compiles(db_now, "postgresql")
def _postgresql_now(element: Any, compiler: Any, **kw: Any) -> str:
    return "CAST(extract(epoch from clock_timestamp()) * 1000000 AS BIGINT)"


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts rows up by itself only for a column of exactly this type.
Id = BigInteger().with_variant(Integer, "sqlite")

meta = Table("meta", metadata, Column("key", String, primary_key=True), Column("value", Text, nullable=False))

accounts = Table(
    "accounts",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("mode", String, nullable=False),  # shadow, rehearsal, live
)

account_modes = Table(
    "account_modes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("account_id", String, nullable=False, index=True),
    Column("mode", String, nullable=False),
    Column("at", Utc, nullable=False),
    Column("who", String, nullable=False),
)

orders = Table(
    "orders",
    metadata,
    Column("id", Id, primary_key=True),
    Column("account_id", String, nullable=False),
    Column("platform_id", String, nullable=False),
    Column("ref", String, nullable=False),
    Column("number", Word, nullable=False, default="", index=True),
    Column("stage", String, nullable=False),
    Column("payment", String, nullable=False, default=""),
    Column("placed_at", Utc, nullable=True),
    Column("created_at", Utc, nullable=False),
    Column("changed_at", Utc, nullable=False),
    Column("version", Integer, nullable=False, default=0),  # what a person's command was decided on
    Column("body", Text, nullable=True),  # the case without personal data; empty until it was first fetched
    Column("seen", String, nullable=False, default=""),  # a digest of what the platform showed last: the same again is no news
    Column("wake", Integer, nullable=False, default=0),  # raised by everybody who wants it looked at
    Column("due_at", Utc, nullable=True),  # business time; empty: nothing to do until somebody wakes it
    Column("queued_until", Utc, nullable=True),  # a job for it was queued; asked again only after this (database's clock)
    Column("lease_token", String, nullable=True),
    Column("lease_until", Utc, nullable=True),  # database's clock
    Column("failures", Integer, nullable=False, default=0),
    Column("problem", Words, nullable=False, default=""),
    UniqueConstraint("account_id", "platform_id"),
    Index("ix_orders_ref", "ref"),
    Index("ix_orders_stage_placed_at", "stage", "placed_at", "id"),
    Index("ix_orders_account_stage", "account_id", "stage", "placed_at", "id"),
)
Index(
    "ix_orders_due_at", orders.c.due_at, sqlite_where=orders.c.due_at.isnot(None), postgresql_where=orders.c.due_at.isnot(None)
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("order_id", BigInteger, nullable=False),
    Column("kind", String, nullable=False),  # news, seen, command
    Column("body", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=True),  # a whole order as a poll saw it, until it is applied
    Column("key_id", String, nullable=True),
    Column("request_id", String, nullable=True),  # a person's command: once
    Column("at", Utc, nullable=False),
    Column("applied_at", Utc, nullable=True),
    Column("outcome", Words, nullable=False, default=""),  # why a command was refused; empty: it was done
    UniqueConstraint("order_id", "request_id"),
)
Index(
    "ix_inbox_open", inbox.c.order_id, sqlite_where=inbox.c.applied_at.is_(None), postgresql_where=inbox.c.applied_at.is_(None)
)

effects = Table(
    "effects",
    metadata,
    Column("key", String, primary_key=True),  # install/account id/order id/kind/request id/attempt
    Column("base", String, nullable=False, index=True),  # the key without the attempt
    Column("scope", String, nullable=False, index=True),  # order:17, or account:a1 where it is about no order
    Column("order_id", BigInteger, nullable=True),
    Column("account_id", String, nullable=False),
    Column("platform_id", String, nullable=False, default=""),
    Column("kind", String, nullable=False),
    Column("request_id", String, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("state", String, nullable=False),  # planned, sent, done, refused, unknown
    Column("hash", String, nullable=False),
    Column("request", Text, nullable=False),
    Column("before", Text, nullable=True),
    Column("answer", Text, nullable=True),
    Column("said", Words, nullable=False, default=""),
    Column("planned_at", Utc, nullable=False),
    Column("sent_at", Utc, nullable=True),  # database's clock
    Column("first_sent_at", Utc, nullable=True),  # of this key: how long a vendor has to remember it
    Column("settled_at", Utc, nullable=True),
    Column("lease_token", String, nullable=True),
)
Index(
    "ix_effects_open",
    effects.c.scope,
    sqlite_where=effects.c.state.in_(["sent", "unknown"]),
    postgresql_where=effects.c.state.in_(["sent", "unknown"]),
)

Index(
    "ix_effects_planned",
    effects.c.account_id,
    effects.c.order_id,
    sqlite_where=effects.c.state.in_(["planned"]),
    postgresql_where=effects.c.state.in_(["planned"]),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("account_id", String, nullable=False),
    Column("effect_key", String, nullable=True, index=True),
    Column("at", Utc, nullable=False),
    Column("method", String, nullable=False),
    Column("url", Text, nullable=False),  # secrets struck out
    Column("status", Integer, nullable=True),
    Column("ms", Float, nullable=False),
    Column("error", String, nullable=False, default=""),
    Column("vendor_request_id", String, nullable=False, default=""),
)

duties = Table(
    "duties",
    metadata,
    Column("id", String, primary_key=True),
    Column("order_id", BigInteger, nullable=False, index=True),
    Column("event", String, nullable=False),
    Column("person", String, nullable=False),
    Column("about", String, nullable=False, default=""),
    Column("channel", String, nullable=False, default=""),  # the mail account's id
    Column("state", String, nullable=False),
    Column("facts", Text, nullable=False, default="{}"),
    Column("again", Integer, nullable=False, default=0),  # how often a person had it sent once more
    Column("said", Words, nullable=False, default=""),
    Column("owed_at", Utc, nullable=False),
    Column("settled_at", Utc, nullable=True),
)

Index(
    "ix_duties_wanted",
    duties.c.owed_at,
    duties.c.id,
    sqlite_where=duties.c.state.in_(["owed", "unknown", "failed"]),
    postgresql_where=duties.c.state.in_(["owed", "unknown", "failed"]),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("order_id", BigInteger, nullable=True, index=True),
    Column("account_id", String, nullable=False, default=""),
    Column("kind", String, nullable=False),
    Column("about", String, nullable=False, default=""),
    Column("title", Words, nullable=False),
    Column("steps", Text, nullable=False, default="[]"),
    Column("state", String, nullable=False),  # open, done
    Column("opened_at", Utc, nullable=False),
    Column("due_at", Utc, nullable=True),
    Column("closed_at", Utc, nullable=True),
    Column("who", String, nullable=False, default=""),
    Column("outcome", Words, nullable=False, default=""),
    UniqueConstraint("order_id", "kind", "about"),
    Index("ix_tasks_state", "state", "id"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("account_id", String, nullable=False),
    Column("received_at", Utc, nullable=False),
    Column("digest", String, nullable=False),
    Column("topic", String, nullable=False, default=""),
    Column("state", String, nullable=False),  # new, done, bad
    Column("said", Words, nullable=False, default=""),
    Column("due_at", Utc, nullable=True),
    Column("tries", Integer, nullable=False, default=0),
)
Index(
    "ix_deliveries_due_at",
    deliveries.c.due_at,
    sqlite_where=deliveries.c.due_at.isnot(None),
    postgresql_where=deliveries.c.due_at.isnot(None),
)

Index(
    "ix_deliveries_bad",
    deliveries.c.id,
    sqlite_where=deliveries.c.state.in_(["bad"]),
    postgresql_where=deliveries.c.state.in_(["bad"]),
)

delivery_bodies = Table(
    "delivery_bodies",
    metadata,
    Column("delivery_id", BigInteger, primary_key=True),
    Column("key_id", String, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # headers and body
)

timeline = Table(
    "timeline",
    metadata,
    Column("id", Id, primary_key=True),
    Column("order_id", BigInteger, nullable=False, index=True),
    Column("at", Utc, nullable=False),
    Column("who", String, nullable=False),
    Column("what", String, nullable=False),
    Column("text", Words, nullable=False),
)

keys = Table(
    "keys",
    metadata,
    Column("id", String, primary_key=True),  # a keyed hash of whom it belongs to
    Column("wrapped", LargeBinary, nullable=True),  # empty: destroyed, and what it locked is gone
)

people = Table(
    "people",
    metadata,
    Column("order_id", BigInteger, primary_key=True),
    Column("key_id", String, nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),
)

state = Table(
    "state",
    metadata,
    Column("account_id", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("value", Text, nullable=True),
    Column("sealed", LargeBinary, nullable=True),
    Column("version", Integer, nullable=False),
    Column("expires_at", Utc, nullable=True),
)

locks = Table(
    "locks",
    metadata,
    Column("name", String, primary_key=True),
    Column("token", String, nullable=False),
    Column("until", Utc, nullable=False),  # database's clock
)

rates = Table(
    "rates",
    metadata,
    Column("name", String, primary_key=True),
    Column("next_at", Utc, nullable=False),  # database's clock: when the bucket will be full again
    Column("size", Float, nullable=True),  # points; this and how fast it fills: as the vendor said last
    Column("per_second", Float, nullable=True),
)

schedules = Table(
    "schedules",
    metadata,
    Column("name", String, primary_key=True),
    Column("due_at", Utc, nullable=False),  # business time
    Column("failures", Integer, nullable=False, default=0),
    Column("said", Words, nullable=False, default=""),
)
