"""Who may change the world just now: the holder of an order's lease, or of an account's lock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from ..errors import TryLater
from ..store.lease import Lease
from ..store.orders import Orders
from ..store.shared import Lock


@dataclass(slots=True, kw_only=True)
class OrderHolder:
    """The holder of one order's lease. Whatever it has pending is committed together with SENT."""

    orders: Orders
    lease: Lease
    now: Callable[[], datetime]

    @property
    def scope(self) -> str:
        return f"order:{self.lease.order_id}"

    @property
    def order_id(self) -> int | None:
        return self.lease.order_id

    @property
    def platform_id(self) -> str:
        return self.lease.platform_id

    @property
    def token(self) -> str:
        return self.lease.token

    @property
    def effects(self) -> dict[str, str] | None:
        return self.lease.effects

    @property
    def rehearsal(self) -> str:
        return self.lease.case.order.rehearsal if self.lease.case else ""

    def save(self, connection: Connection) -> None:
        self.orders.save(connection, self.lease, self.now())

    def saved(self) -> None:
        self.orders.saved(self.lease)

    def is_mine(self, connection: Connection) -> bool:
        return self.orders.is_mine(connection, self.lease)

    def log(self, row: dict[str, Any]) -> None:
        self.lease.writes.attempts.append(row)


@dataclass(slots=True, kw_only=True)
class LockHolder:
    """The holder of an account's lock, for what is about no order (webhook subscriptions)."""

    lock: Lock
    account_id: str
    order_id: int | None = None
    platform_id: str = ""
    rehearsal: str = "account"
    effects: dict[str, str] | None = None

    @property
    def scope(self) -> str:
        return f"account:{self.account_id}"

    @property
    def token(self) -> str:
        return self.lock.token

    def save(self, connection: Connection) -> None:
        """Nothing is pending. Raises TryLater if the lock has run out: another process may be at it."""
        if not self.lock.is_mine(connection):
            raise TryLater("this took too long; another process may be at it.", after_s=5)

    def saved(self) -> None:
        """Nothing was pending."""

    def is_mine(self, connection: Connection) -> bool:
        return self.lock.is_mine(connection)
