"""A real door with a real order in hand, for an account that is configured with secrets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any

import msgspec

from connector.clock import Clock
from connector.context import Account, Context
from connector.model.events import CannotTell, Effect, EffectClass, EffectRule, Found, PluginKind
from connector.model.plugin import Capabilities, PluginInfo
from connector.outbound.door import Door
from connector.outbound.holders import OrderHolder
from connector.store import shared
from connector.store.database import Database
from connector.store.lease import Lease
from connector.store.orders import Orders
from connector.store.tables import attempts, effects
from connector.store.vault import Vault
from tests.store.world import NOW, rows, stored_order

SECRET = "a secret key for tests, long enough, of no use elsewhere"
Hidden = Annotated[str, msgspec.Meta(extra={"secret": True})]


class Config(msgspec.Struct, kw_only=True):
    """What the account of these tests is configured with."""

    url: str = ""
    token: Hidden = "shpat_hidden/+ä token"
    other: Hidden | None = None
    max_per_second: float = 0.0


EFFECTS = {
    "lookup": EffectRule(vendor=EffectClass.LOOKUP, deadline_s=1.0, settle_s=5),
    "keyed": EffectRule(vendor=EffectClass.KEYED, deadline_s=1.0, settle_s=5, remembers_s=3600),
    "mail": EffectRule(vendor=EffectClass.NONE, deadline_s=1.6),
}


@dataclass(slots=True)
class Office:
    """`context()` is what a plugin would be handed for the order in hand."""

    database: Database
    config: Config = field(default_factory=Config)
    watched: list[str] = field(default_factory=list)
    found: Any = None
    capabilities: Capabilities = Capabilities()
    rehearsal_mail_to: tuple[str, ...] = ()
    lease: Lease = field(init=False)
    orders: Orders = field(init=False)
    door: Door = field(init=False)
    when: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        vault, clock = Vault(SECRET), Clock()
        self.orders = Orders(self.database, vault, lease=timedelta(seconds=30))
        self.door = Door(
            database=self.database, vault=vault, clock=clock, rehearsal_mail_to=self.rehearsal_mail_to, watch=self._watch
        )
        self.mode("live")
        taken = self.orders.take(stored_order(self.orders))
        assert taken is not None
        self.lease = taken

    def _watch(self, transition: str) -> None:
        self.watched.append(transition)
        self.when.get(transition, lambda: None)()

    def mode(self, mode: str) -> None:
        with self.database.writing() as connection:
            shared.set_mode(connection, "a1", "shop", mode, who="test", now=NOW)

    @property
    def account(self) -> Account:
        return Account(name="shop", id="a1", plugin="p", config=self.config)

    @property
    def info(self) -> PluginInfo:
        return PluginInfo(name="p", kinds=(PluginKind.PLATFORM,), effects=EFFECTS, capabilities=self.capabilities)

    def context(self, request_id: str = "r1") -> Context:
        """For the holder of the order: may change things inside of `ctx.effect`."""
        holder = OrderHolder(orders=self.orders, lease=self.lease, now=lambda: NOW)
        return self.door.context(self.account, self.info, holder=holder, request_id=request_id, find=self._find)

    def reading(self) -> Context:
        """For what only reads."""
        return self.door.context(self.account, self.info)

    def _find(self, effect: Effect) -> Found:
        answer: Found = self.found(effect) if self.found else CannotTell(text="?")
        return answer

    def effect_state(self) -> list[tuple[str, int]]:
        return [(row.state, row.attempt) for row in rows(self.database, effects)]

    def attempts(self) -> list[Any]:
        """What was written down of calls, after the next commit."""
        self.orders.commit(self.lease, NOW)
        return rows(self.database, attempts)
