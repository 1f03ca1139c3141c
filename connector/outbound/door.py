"""The door itself: it makes the context that a plugin is handed, and everything in it goes through here."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from ..clock import Clock
from ..context import Account, Context
from ..errors import PluginError, TryLater
from ..model.events import CannotTell, Effect, Found
from ..model.plugin import PluginInfo
from ..store import rates, shared
from ..store.database import Database
from ..store.tables import attempts
from ..store.vault import Vault
from . import smtp
from .deadlines import Deadlines
from .holders import LockHolder, OrderHolder
from .http import Attempt, Session, Transport, Wire
from .ledger import Ledger, Underway
from .redact import secrets_of

LONGEST_WAIT_S = 8.0  # less than a stopping worker waits for its jobs
NAP_S = 0.2
"""So long a call waits for its turn; if it would be longer, the job comes back later."""


class Door:
    """One per process.

    Args:
        rehearsal_mail_to: the only addresses that get mail from an account in rehearsal mode.
        watch: told of every transition of the ledger ("sent", "written", "answered", "done", ...); for traces and crash tests.
    """

    def __init__(
        self,
        *,
        database: Database,
        vault: Vault,
        clock: Clock,
        rehearsal_mail_to: Sequence[str] = (),
        watch: Callable[[str], None] = lambda transition: None,
    ) -> None:
        self.database = database
        self.vault = vault
        self.clock = clock
        self.watch = watch
        self._rehearsal_mail_to = tuple(rehearsal_mail_to)
        self._deadlines = Deadlines()
        self._transports: dict[str, Transport] = {}
        with database.writing() as connection:
            self.install = shared.install_id(connection)

    def context(
        self,
        account: Account,
        info: PluginInfo,
        *,
        holder: OrderHolder | LockHolder | None = None,
        request_id: str = "",
        platform_id: str = "",
        find: Callable[[Effect], Found] | None = None,
    ) -> Context:
        """Make the context of one call. Without a holder nothing can be changed, only read."""
        wire = self._wire(account, info, holder)
        return Context(
            account=account,
            http=Session(wire),
            effect=self._ledger(account, info, wire, holder, request_id, find) if holder else _refuse_effects(account),
            state=shared.AccountState(self.database, self.vault, account.id),
            smtp=partial(self._smtp, account, wire),
            lock=partial(self._lock, account),
            now=self.clock.now,
            log=logging.LoggerAdapter(logging.getLogger("connector.plugin"), {"account": account.name, "order": platform_id}),
            platform_id=platform_id or (holder.platform_id if holder else ""),
            request_id=request_id,
        )

    # --- parts --------------------------------------------------------------------------------------------------------

    def _wire(self, account: Account, info: PluginInfo, holder: OrderHolder | LockHolder | None) -> Wire:
        # Looked up first: `setdefault` alone would make (and throw away) a new pool of connections for every context.
        transport = self._transports.get(account.id) or self._transports.setdefault(account.id, Transport())
        wire = Wire(
            account=account.name,
            transport=transport,
            deadlines=self._deadlines,
            secrets=secrets_of(account.config),
            wait_turn=partial(self._wait_turn, account, info),
            learn_rate=partial(self._learn_rate, account),
            give_back=partial(self._give_back, account, info),
        )
        wire.log = partial(self._log, account, wire, holder)
        return wire

    def _ledger(
        self,
        account: Account,
        info: PluginInfo,
        wire: Wire,
        holder: OrderHolder | LockHolder,
        request_id: str,
        find: Callable[[Effect], Found] | None,
    ) -> Ledger:
        def begin(underway: Underway) -> None:
            wire.effect = underway

        def end() -> None:
            wire.effect = None

        return Ledger(
            database=self.database,
            install=self.install,
            account_id=account.id,
            account_name=account.name,
            holder=holder,
            request_id=request_id,
            rules=info.effects,
            find=find or _cannot_tell,
            begin=begin,
            end=end,
            wait_turn=wire.wait_turn,
            now=self.clock.now,
            watch=self.watch,
        )

    def _smtp(
        self,
        account: Account,
        wire: Wire,
        host: str,
        port: int,
        *,
        security: str = "starttls",
        user: str = "",
        password: str = "",
    ) -> AbstractContextManager[Any]:
        effect = wire.effect
        with self.database.reading() as connection:
            mode = shared.mode(connection, account.id)
        return smtp.connect(
            host,
            port,
            security=security,
            user=user,
            password=password,
            account=account.name,
            deadlines=self._deadlines,
            deadline_s=effect.deadline_s if effect else wire.deadline_s,
            before_data=effect.last_check if effect else _refuse_data,
            allowed=self._rehearsal_mail_to if mode == "rehearsal" else None,
        )

    def _lock(self, account: Account, name: str) -> AbstractContextManager[Any]:
        return shared.locked(self.database, f"{account.id}/{name}")

    def _wait_turn(self, account: Account, info: PluginInfo, points: float = 1) -> None:
        per_second = _per_second(account, info)
        if not per_second:
            return
        # Of a dear call a part comes back as soon as it is answered: whoever waits for points looks again soon, and takes none
        # before they are there. Where calls are only counted each gets its time at once.
        is_dear, until = points > 1, time.monotonic() + LONGEST_WAIT_S
        while True:
            wait = rates.take_turn(
                self.database,
                account.id,
                per_second=per_second,
                burst=max(1, info.capabilities.burst),
                longest_wait_s=0.0 if is_dear else LONGEST_WAIT_S,
                points=points,
            )
            if time.monotonic() + (0 if is_dear else wait) > until:
                raise TryLater("too many calls are waiting for their turn.", account=account.name, after_s=wait)
            if not wait:
                return
            time.sleep(min(wait, NAP_S) if is_dear else wait)
            if not is_dear:
                return

    def _give_back(self, account: Account, info: PluginInfo, points: float) -> None:
        if _per_second(account, info):
            rates.give_back(self.database, account.id, points)

    def _learn_rate(self, account: Account, unused: float, left: float, size: float, per_second: float) -> None:
        rates.learn(self.database, account.id, unused=unused, left=left, size=size, per_second=per_second)

    def _log(self, account: Account, wire: Wire, holder: OrderHolder | LockHolder | None, attempt: Attempt) -> None:
        row = {
            "account_id": account.id,
            "effect_key": wire.effect.key if wire.effect else None,
            "at": self.clock.now(),
            "method": attempt.method,
            "url": attempt.url,
            "status": attempt.status,
            "ms": attempt.ms,
            "error": attempt.error,
            "vendor_request_id": attempt.vendor_request_id,
        }
        if isinstance(holder, OrderHolder):
            holder.log(row)  # goes out with the order's next commit
            return
        with self.database.writing() as connection:
            connection.execute(attempts.insert().values(**row))


def _refuse_effects(account: Account) -> Any:
    def refuse(kind: str, request: object, fn: Callable[[str], Any], *, before: Callable[[], Any] | None = None) -> Any:
        raise PluginError(f"{account.name}: this hook only reads; {kind} cannot be done in it")

    return refuse


def _refuse_data() -> None:
    raise PluginError("mail is sent inside ctx.effect")


def _cannot_tell(effect: Effect) -> Found:
    return CannotTell(text=f"nobody can tell whether {effect.kind} happened. Look at the vendor's own page.")


def _per_second(account: Account, info: PluginInfo) -> float:
    """Points a second that the account may use; 0: nobody counts."""
    return float(getattr(account.config, "max_per_second", None) or info.capabilities.max_per_second)
