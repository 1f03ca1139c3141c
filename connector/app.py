"""Puts the house together: settings, store, door, plugins. Everything above this opens one App and works with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from . import config, pipeline, registry
from .clock import Clock
from .context import Account, Context
from .hooks import Hooks
from .outbound.door import Door
from .outbound.holders import LockHolder, OrderHolder
from .steps.work import Work
from .store import migrate
from .store.database import Database
from .store.deliveries import Deliveries
from .store.lease import Lease
from .store.orders import Orders
from .store.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """One process's view of everything. Close it at the end."""

    settings: config.Settings
    registry: registry.Registry
    clock: Clock
    database: Database
    vault: Vault
    door: Door
    orders: Orders
    deliveries: Deliveries

    # --- asking plugins -----------------------------------------------------------------------------------------------

    @property
    def hooks(self) -> Hooks:
        """The hooks for what only reads: checks, polls, webhooks. Nothing can be changed through them."""
        return Hooks(self.registry, partial(self._context, holder=None))

    def hooks_of(self, holder: OrderHolder | LockHolder) -> Hooks:
        """The hooks for the holder of an order or account."""
        return Hooks(self.registry, partial(self._context, holder=holder))

    def _context(self, account: Account, /, *, holder: OrderHolder | LockHolder | None = None, **about: str) -> Context:
        info = self.registry.infos[account.plugin]
        # What was sent is looked up without a holder: find_effect only reads.
        find = partial(_find, self.hooks, account)
        return self.door.context(account, info, holder=holder, find=find, **about)

    # --- orders -------------------------------------------------------------------------------------------------------

    def advance(self, order_id: int) -> bool:
        """Bring one order as far as it goes. False if another process has it."""
        return pipeline.advance(self.orders, order_id, self.work)

    def work(self, lease: Lease) -> Work:
        """Everything that the steps need for one order."""
        account = self.registry.by_id(lease.account_id)
        holder = OrderHolder(orders=self.orders, lease=lease, now=self.clock.now)
        return Work(
            lease=lease,
            account=account,
            info=self.registry.infos[account.plugin],
            wiring=self.settings.accounts[account.name].wiring,
            policy=self.settings.policy,
            registry=self.registry,
            hooks=self.hooks_of(holder),
            now=self.clock.now,
            commit=lambda: self.orders.commit(lease, self.clock.now()),
            watch=self.door.watch,
            unsettled=lambda: self.orders.unsettled(lease),
            settle=self.orders.settle,
        )

    def close(self) -> None:
        self.database.close()


def _find(hooks: Hooks, account: Account, effect: Any) -> Any:
    return hooks.about(platform_id=effect.platform_id, request_id=effect.request_id).find_effect(account, effect=effect)


def open_app(
    path: Path,
    environ: Mapping[str, str],
    *,
    clock: Clock | None = None,
    watch: Callable[[str], None] = lambda transition: None,
    may_migrate: bool = False,
) -> App:
    """Read the configuration and open everything.

    Raises:
        ConfigError: naming file, account, key and the fix. PluginError: naming plugin and hook.
        NeedsMigration: the database is not at this version, and this is not a command that may change that.
    """
    settings = config.load(path, environ)
    plugins = registry.load(settings)
    clock = clock or Clock()
    database = Database(settings.connector.database_url, pool_size=settings.connector.worker_concurrency + 8)
    if may_migrate:
        migrate.upgrade(database)
    migrate.check(database)
    vault = Vault(settings.needed_secret_key())
    door = Door(database=database, vault=vault, clock=clock, rehearsal_mail_to=settings.rehearsal.mail_to, watch=watch)
    return App(
        settings=settings,
        registry=plugins,
        clock=clock,
        database=database,
        vault=vault,
        door=door,
        orders=Orders(database, vault),
        deliveries=Deliveries(database, vault),
    )
