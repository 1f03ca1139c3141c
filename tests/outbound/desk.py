"""A ledger with everything around it at hand: a holder that can lose the order, a vendor that does what it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, update

from connector.model.events import CannotTell, Effect, EffectClass, EffectRule, Found
from connector.outbound.ledger import Ledger, Underway
from connector.store import effects, shared
from connector.store.database import Database
from connector.store.effects import EffectRow
from connector.store.lease import LeaseLost
from connector.store.tables import effects as table
from tests.store.world import NOW

RULES = {
    "keyed": EffectRule(vendor=EffectClass.KEYED, deadline_s=10, settle_s=20, remembers_s=3600),
    "lookup": EffectRule(vendor=EffectClass.LOOKUP, deadline_s=10, settle_s=20),
    "none": EffectRule(vendor=EffectClass.NONE, deadline_s=10),
    "other": EffectRule(vendor=EffectClass.LOOKUP, deadline_s=10, settle_s=20),
}


@dataclass(slots=True, kw_only=True)
class Hand:
    """Who holds the order; `mine` can be taken away at any time."""

    scope: str = "order:1"
    order_id: int | None = 1
    platform_id: str = "77"
    token: str = "hand-1"
    rehearsal: str = ""
    effects: dict[str, str] | None = field(default_factory=dict)
    mine: bool = True
    saves: int = 0
    commits: int = 0
    when_saved: Callable[[], None] = lambda: None
    when_asked: Callable[[], None] = lambda: None

    def save(self, connection: Connection) -> None:
        if not self.mine:
            raise LeaseLost
        self.saves += 1

    def saved(self) -> None:
        self.commits += 1
        self.when_saved()

    def is_mine(self, connection: Connection) -> bool:
        self.when_asked()
        return self.mine


@dataclass(slots=True, kw_only=True)
class Desk:
    """One worker's desk. `sent` are the keys that the vendor got; `then` is what it answers, or raises."""

    database: Database
    hand: Hand = field(default_factory=Hand)
    request_id: str = "r1"
    sent: list[str] = field(default_factory=list)
    looked: list[Effect] = field(default_factory=list)
    watched: list[str] = field(default_factory=list)
    found: Callable[[Effect], Found] = lambda effect: CannotTell(text="look yourself")
    underway: Underway | None = None
    watch: Callable[[str], None] = lambda transition: None
    wait_turn: Callable[[float], None] = lambda points: None

    def another(self, request_id: str = "r1") -> Desk:
        """Another worker's desk, who has the order now, or will have it: what was begun for it, he knows."""
        hand = Hand(token="hand-2", effects=self.hand.effects)
        return Desk(database=self.database, hand=hand, request_id=request_id, found=self.found)

    def ledger(self) -> Ledger:
        return Ledger(
            database=self.database,
            install="install",
            account_id="a1",
            account_name="shop",
            holder=self.hand,
            request_id=self.request_id,
            rules=RULES,
            find=self._find,
            begin=self._begin,
            end=self._end,
            wait_turn=self.wait_turn,
            now=lambda: NOW,
            watch=self._watch,
        )

    def _find(self, effect: Effect) -> Found:
        self.looked.append(effect)
        return self.found(effect)

    def _begin(self, underway: Underway) -> None:
        self.underway = underway

    def _end(self) -> None:
        self.underway = None

    def _watch(self, transition: str) -> None:
        self.watched.append(transition)
        self.watch(transition)

    def ask(
        self,
        kind: str = "lookup",
        then: Any = "yes",
        *,
        request: object = None,
        writes: bool = True,
        before: Callable[[], Any] | None = None,
    ) -> Any:
        """Have an effect done. `then` is returned, or raised if it is an exception; `writes`: bytes leave first."""

        def vendor(key: str) -> Any:
            if writes:
                assert self.underway is not None
                self.underway.last_check()
                self.sent.append(key)
            if isinstance(then, BaseException):
                raise then
            return then() if callable(then) else then

        return self.ledger()(kind, {"amount": 5} if request is None else request, vendor, before=before)

    # --- looking at the table, and moving its times -------------------------------------------------------------------

    def row(self, kind: str = "lookup", attempt: int | None = None) -> EffectRow | None:
        base = f"install/a1/{self.hand.scope}/{kind}/{self.request_id}"
        with self.database.reading() as connection:
            if attempt is not None:
                return effects.by_key(connection, f"{base}/{attempt}")
            return effects.latest(connection, base)

    def state(self, kind: str = "lookup", attempt: int | None = None) -> tuple[str, int] | None:
        """State and attempt, as short as can be."""
        row = self.row(kind, attempt)
        return None if row is None else (str(row.state), row.attempt)

    def later(self, seconds: float) -> None:
        """As if so much time had passed since everything that was sent."""
        by = int(timedelta(seconds=seconds) / timedelta(microseconds=1))
        moved = {"sent_at": table.c.sent_at - by, "first_sent_at": table.c.first_sent_at - by}
        with self.database.writing() as connection:
            connection.execute(update(table).values(**moved))

    def mode(self, mode: str) -> None:
        with self.database.writing() as connection:
            shared.set_mode(connection, "a1", "shop", mode, who="test", now=NOW)


class Died(BaseException):
    """The process is gone: nothing after this line runs, and nothing is written down."""


READY_S = 32
"""From SENT to when a lookup may be made, by the rules above: the last check's second, the deadline, the settle time."""
