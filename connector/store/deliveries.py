"""Webhook deliveries: stored as raw bytes before they are answered, parsed later, replayed at will."""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, select, true, update

from ..model.codec import from_json, to_json
from ..model.events import Delivery
from .database import Database
from .tables import deliveries, delivery_bodies
from .vault import Vault

# Never needed again, and some are secrets.
_LEFT_OUT = frozenset({"authorization", "cookie", "proxy-authorization"})

# Made once: the platform waits for its answer while a delivery is stored.
_KEEP = deliveries.insert().returning(deliveries.c.id, sort_by_parameter_order=True)
_KEEP_BODY = delivery_bodies.insert()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDelivery:
    """A delivery as it waits to be read. `delivery` is None where its body was erased; `digest` is of that body."""

    id: int
    account_id: str
    tries: int
    digest: str
    delivery: Delivery | None


@dataclass(slots=True, kw_only=True, eq=False)
class _Arrived:
    """A delivery that is about to be stored; it has a number once it is."""

    account_id: str
    digest: str
    topic: str
    at: datetime
    content: bytes
    number: int = 0

    @property
    def owner(self) -> str:
        return day_of(self.account_id, self.at)

    def row(self) -> dict[str, Any]:
        return {
            "account_id": self.account_id,
            "received_at": self.at,
            "digest": self.digest,
            "topic": self.topic,
            "state": "new",
            "due_at": self.at,
        }


def day_of(account_id: str, at: datetime) -> str:
    """Whose key the bodies of an account's deliveries of one day are sealed with."""
    return f"deliveries of {account_id} on {at.date()}"


class Deliveries:
    """The deliveries of one database."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._arrived: deque[_Arrived] = deque()
        self._keeping = threading.Lock()

    def keep(self, account_id: str, delivery: Delivery, *, topic: str, now: datetime) -> int:
        """Store a delivery and commit; only then may it be answered. Returns its number."""
        head = to_json({name: value for name, value in delivery.headers.items() if name not in _LEFT_OUT})
        mine = _Arrived(
            account_id=account_id,
            digest=hashlib.sha256(delivery.body).hexdigest(),
            topic=topic,
            at=now,
            content=len(head).to_bytes(4, "big") + head + delivery.body,
        )
        self._arrived.append(mine)
        with self._keeping:  # whatever arrives while one commit is under way goes into the next one together
            if not mine.number:
                self._keep_all(self._all_with(mine))
        return mine.number

    def _all_with(self, mine: _Arrived) -> list[_Arrived]:
        together = [self._arrived.popleft() for _ in range(len(self._arrived))]
        # It was taken already, and not stored, if the commit that it was to be part of failed.
        return together if mine in together else [*together, mine]

    def _keep_all(self, together: list[_Arrived]) -> None:
        with self._database.writing(urgent=True) as connection:
            numbers = connection.execute(_KEEP, [one.row() for one in together]).scalars().all()
            # The customer is not known before it is parsed, so each day has a key that is destroyed with its bodies.
            keys = {one.owner: self._vault.owner_key(connection, one.owner, lasting=True) for one in together}
            bodies = [
                {
                    "delivery_id": number,
                    "key_id": keys[one.owner],
                    "sealed": self._vault.seal(connection, keys[one.owner], one.content),
                }
                for number, one in zip(numbers, together, strict=True)
            ]
            connection.execute(_KEEP_BODY, bodies)
        for number, one in zip(numbers, together, strict=True):
            one.number = int(number)

    def queue_due(self, now: datetime, *, again: datetime, limit: int) -> list[int]:
        """Numbers of deliveries that are to be read. They are due once more at `again`, should whoever reads them die."""
        due = select(deliveries.c.id).where(deliveries.c.due_at <= now).order_by(deliveries.c.id).limit(limit)
        with self._database.reading() as connection:
            ids = list(connection.execute(due).scalars())
        if not ids:
            return []
        free = select(deliveries.c.id).where(deliveries.c.id.in_(ids), deliveries.c.due_at <= now)
        queued = update(deliveries).where(deliveries.c.id.in_(free.with_for_update(skip_locked=True))).values(due_at=again)
        with self._database.writing() as connection:
            return sorted(int(number) for number in connection.execute(queued.returning(deliveries.c.id)).scalars())

    def read(self, delivery_id: int) -> StoredDelivery | None:
        with self._database.reading() as connection:
            row = connection.execute(
                select(deliveries, delivery_bodies.c.key_id, delivery_bodies.c.sealed)
                .outerjoin(delivery_bodies, delivery_bodies.c.delivery_id == deliveries.c.id)
                .where(deliveries.c.id == delivery_id)
            ).one_or_none()
            if row is None:
                return None
            content = self._vault.open(connection, row.key_id, row.sealed) if row.sealed else None
        return StoredDelivery(
            id=row.id,
            account_id=row.account_id,
            tries=row.tries,
            digest=row.digest[:16],
            delivery=_unpack(content, row.received_at) if content else None,
        )

    def settle(
        self, connection: Connection, delivery_id: int, state: str, *, said: str = "", due_at: datetime | None = None
    ) -> None:
        """done or bad; with `due_at`, it is read once more then."""
        connection.execute(
            update(deliveries)
            .where(deliveries.c.id == delivery_id)
            .values(state=state, said=said, due_at=due_at, tries=deliveries.c.tries + 1)
        )

    def replay(self, *, now: datetime, ids: list[int] | None = None, state: str | None = None) -> int:
        """Have deliveries read again; returns how many."""
        wanted: list[Any] = []
        if ids is not None:
            wanted.append(deliveries.c.id.in_(ids))
        if state is not None:
            wanted.append(deliveries.c.state == state)
        with self._database.writing() as connection:
            changed = connection.execute(
                update(deliveries).where(and_(true(), *wanted)).values(state="new", said="", due_at=now, tries=0)
            )
            return int(changed.rowcount)

    def count(self, state: str) -> int:
        with self._database.reading() as connection:
            query = select(func.count()).select_from(deliveries).where(deliveries.c.state == state)
            return int(connection.execute(query).scalar_one())


def _unpack(content: bytes, received_at: datetime) -> Delivery:
    size = int.from_bytes(content[:4], "big")
    return Delivery(headers=from_json(content[4 : 4 + size], dict[str, str]), body=content[4 + size :], received_at=received_at)
