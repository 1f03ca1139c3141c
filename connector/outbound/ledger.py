"""The effects ledger: every change of the outside world is written down before it is sent and after it was answered.

    PLANNED --(commit)--> SENT --(vendor answered yes)--> DONE        a second call returns the stored answer
                            |----(vendor answered no)---> REFUSED     to a person, with the vendor's reason
                            '----(no answer)------------> UNKNOWN     never repeated blindly: find_effect, else a person

Whoever dies or freezes at whatever line, the effect happens at most once: a model in tests/ledger searches all interleavings.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn, Protocol

from sqlalchemy import Connection

from ..errors import (
    ConfigError,
    ConnectorError,
    OutcomeUnknown,
    PluginError,
    Refused,
    RemoteError,
    TooEarly,
    TryLater,
    Unsupported,
)
from ..model.codec import plain, to_json
from ..model.events import (
    Effect,
    EffectClass,
    EffectRule,
    EffectState,
    Found,
    Happened,
    InProgress,
    NotHappened,
)
from ..store import effects, shared
from ..store.database import Database
from ..store.effects import EffectRow

LAST_CHECK_S = 1.0
"""A request must leave within this time after SENT was committed; else somebody may already be settling it as unknown."""


NOT_HAPPENED = "looked up: it did not happen"


class HeldBack(ConnectorError):
    """The account's mode does not let this effect leave. It stays planned."""


class Holder(Protocol):
    """Who may change an order or account just now: the holder of its lease or lock."""

    @property
    def scope(self) -> str: ...
    @property
    def order_id(self) -> int | None: ...
    @property
    def platform_id(self) -> str: ...
    @property
    def token(self) -> str: ...
    @property
    def rehearsal(self) -> str: ...
    @property
    def effects(self) -> dict[str, str] | None:
        """Of every effect that was ever begun here, the key without attempt, and its kind; None: nobody knows."""

    def save(self, connection: Connection) -> None:
        """Write what is pending and stay the holder. Raises LeaseLost if somebody else is by now."""

    def saved(self) -> None:
        """The transaction of `save` was committed."""

    def is_mine(self, connection: Connection) -> bool: ...


@dataclass(slots=True, kw_only=True)
class Underway:
    """The effect that is being sent: what the session asks before its bytes leave."""

    key: str
    deadline_s: float
    points: float  # of the account's rate, taken already
    committed: float  # time.monotonic() of SENT
    within_s: float
    still_mine: Callable[[], bool]
    watch: Callable[[str], None]
    written: bool = False

    def last_check(self) -> None:
        if self.written:
            raise PluginError("one effect is one write; give the second one a kind of its own")
        if not self.still_mine() or time.monotonic() - self.committed > self.within_s:
            raise TryLater("too late to send: the order may be in other hands by now.", after_s=1)
        self.written = True
        self.watch("written")


@dataclass(slots=True, kw_only=True)
class Ledger:
    """`ctx.effect` for one account, one holder and one request."""

    database: Database
    install: str
    account_id: str
    account_name: str
    holder: Holder
    request_id: str
    rules: Mapping[str, EffectRule]
    find: Callable[[Effect], Found]
    begin: Callable[[Underway], None]  # tells the sessions which effect is underway
    end: Callable[[], None]
    wait_turn: Callable[[float], None]
    now: Callable[[], Any]
    watch: Callable[[str], None]

    def __call__(self, kind: str, request: object, fn: Callable[[str], Any], *, before: Callable[[], Any] | None = None) -> Any:
        rule = self._rule(kind)
        base = "/".join((self.install, self.account_id, self.holder.scope, kind, self.request_id))
        asked = plain(request)
        digest = hashlib.sha256(to_json(asked)).hexdigest()
        row = self._latest(base)
        if row is not None and row.hash != digest:
            raise PluginError(f"{self.account_name}: {kind} {self.request_id} was asked for before with other values")
        if row is not None and row.state is EffectState.DONE:
            return row.answer
        if row is not None and row.state is EffectState.REFUSED:
            raise self._about(Refused, row.said, kind)
        resend = None
        if row is not None and row.state in (EffectState.SENT, EffectState.UNKNOWN):
            outcome = self._settle(row, rule)
            if isinstance(outcome, Happened):
                return outcome.answer
            resend = row if rule.vendor is EffectClass.KEYED and isinstance(outcome, InProgress) else None
        attempt = self._next_attempt(row, resend)
        image = before() if before is not None and resend is None else None
        self.wait_turn(rule.points)
        committed = self._commit_sent(row, resend, attempt, rule, kind, base, digest, asked, image)
        return self._send(f"{base}/{attempt}", kind, rule, fn, committed, again=resend is not None)

    # --- before sending -----------------------------------------------------------------------------------------------

    def _latest(self, base: str) -> EffectRow | None:
        if self.holder.effects is not None and base not in self.holder.effects:
            return None
        with self.database.reading() as connection:
            return effects.latest(connection, base)

    def _rule(self, kind: str) -> EffectRule:
        if kind not in self.rules:
            raise PluginError(f"{self.account_name}: the plugin does not declare effects of the kind {kind!r}")
        return self.rules[kind]

    @staticmethod
    def _next_attempt(row: EffectRow | None, resend: EffectRow | None) -> int:
        if row is None:
            return 1
        if resend is not None or row.state is EffectState.PLANNED:
            return row.attempt
        return row.attempt + 1

    def _commit_sent(
        self,
        row: EffectRow | None,
        resend: EffectRow | None,
        attempt: int,
        rule: EffectRule,
        kind: str,
        base: str,
        digest: str,
        asked: Any,
        image: Any,
    ) -> float:
        """Write SENT together with everything that the holder has pending. Nothing has left before this is committed.

        Returns:
            when that was (time.monotonic()), rather too early than too late: a freeze directly after the commit counts.
        """
        with self.database.writing() as connection:
            self.holder.save(connection)
            self._no_other_open(connection, rule, kind, base)
            allowed = self._allowed(connection)
            known = resend or (row if row is not None and row.state is EffectState.PLANNED else None)
            if row is not None and (now := effects.latest(connection, base)) is not None and now.state is EffectState.DONE:
                raise self._about(TryLater, "its answer came in the meantime.", kind, after_s=1)
            if resend is not None and not _remembered(resend, rule, self.database.clock(connection)):
                raise self._about(TryLater, "the vendor may have forgotten the key by now.", kind, after_s=1)
            over = row if known is None else None
            if over is not None and not effects.settle(connection, over.key, EffectState.REFUSED, said=NOT_HAPPENED):
                raise self._about(TryLater, "its answer came while it was looked up.", kind, after_s=1)
            committed = time.monotonic()
            if self.holder.effects is not None:
                self.holder.effects[base] = kind  # before the commit, which may fail and have happened all the same
            if known is None:
                effects.insert(
                    connection,
                    base=base,
                    attempt=attempt,
                    scope=self.holder.scope,
                    order_id=self.holder.order_id,
                    account_id=self.account_id,
                    platform_id=self.holder.platform_id,
                    kind=kind,
                    request_id=self.request_id,
                    digest=digest,
                    request=asked,
                    before=image,
                    state=EffectState.SENT if allowed else EffectState.PLANNED,
                    lease_token=self.holder.token,
                    now=self.now(),
                )
            elif allowed and not effects.send(connection, known, before=image, lease_token=self.holder.token):
                raise TryLater("the effect was changed by another process", account=self.account_name, after_s=5)
        self.holder.saved()
        if not allowed:
            raise HeldBack(f"{self.account_name} is not live: {kind} was planned and not sent.")
        self.watch("sent")
        return committed

    def _no_other_open(self, connection: Connection, rule: EffectRule, kind: str, base: str) -> None:
        """What is looked up is looked up alone: two of a kind on their way could not be told apart afterwards."""
        if rule.vendor is not EffectClass.LOOKUP or self.holder.order_id is None:
            return
        known = self.holder.effects
        if known is not None and not any(other != base and its_kind == kind for other, its_kind in known.items()):
            return
        for other in effects.unsettled(connection, self.holder.scope):
            if other.kind == kind and other.base != base:
                raise TryLater(
                    f"an earlier {kind} is not settled yet ({other.request_id}).",
                    account=self.account_name,
                    operation=kind,
                    after_s=30,
                )

    def _allowed(self, connection: Connection) -> bool:
        mode = shared.mode(connection, self.account_id)
        return mode == "live" or (mode == "rehearsal" and bool(self.holder.rehearsal))

    # --- sending ------------------------------------------------------------------------------------------------------

    def _send(self, key: str, kind: str, rule: EffectRule, fn: Callable[[str], Any], committed: float, *, again: bool) -> Any:
        # What only a person settles, nobody settles behind our back; a mail server may take its time before it lets us speak.
        within_s = rule.deadline_s if rule.vendor is EffectClass.NONE else LAST_CHECK_S
        underway = Underway(
            key=key,
            deadline_s=rule.deadline_s,
            points=rule.points,
            committed=committed,
            within_s=within_s,
            still_mine=self._still_mine,
            watch=self.watch,
        )
        self.begin(underway)
        try:
            answer = plain(fn(key))
        except Refused as error:
            self._write(key, EffectState.REFUSED, said=_words(error))
            raise
        except (TryLater, ConfigError, Unsupported):
            self._not_sent(key, again=again)
            raise
        except Exception as error:
            if not underway.written:
                self._not_sent(key, again=again)
                raise
            self._unknown(key, kind, rule, error)
        finally:
            self.end()
        self.watch("answered")
        self._write(key, EffectState.DONE, answer=answer)
        return answer

    def _still_mine(self) -> bool:
        with self.database.reading() as connection:
            return self.holder.is_mine(connection)

    def _write(self, key: str, state: EffectState, *, answer: Any = None, said: str = "") -> None:
        # Not conditional on the lease: what the vendor answered is true whoever holds the order by now.
        with self.database.writing() as connection:
            written = effects.settle(connection, key, state, answer=answer, said=said)
            stands = None if written else effects.by_key(connection, key)
        self.watch(state.value)
        if state is EffectState.DONE and stands is not None and stands.state is EffectState.REFUSED:
            with self.database.writing() as connection:
                effects.late_yes(connection, key, answer)
            raise OutcomeUnknown(
                "the vendor's yes came after it was taken for not happened; it may have happened twice. Look at the vendor's.",
                account=self.account_name,
                operation=stands.kind,
            )

    def _not_sent(self, key: str, *, again: bool) -> None:
        if again:  # this time nothing left; what became of the first time is as unknown as before
            self._write(key, EffectState.UNKNOWN)
            return
        with self.database.writing() as connection:
            effects.back_to_planned(connection, key, lease_token=self.holder.token)
        self.watch("planned")

    def _unknown(self, key: str, kind: str, rule: EffectRule, error: Exception) -> NoReturn:
        self._write(key, EffectState.UNKNOWN, said=_words(error))
        if rule.vendor is EffectClass.NONE:
            raise self._about(
                OutcomeUnknown, "sent, but no answer came; only a person can find out whether it happened.", kind
            ) from error
        wait = 5.0 if rule.vendor is EffectClass.KEYED else rule.settle_s
        if not isinstance(error, RemoteError):  # a bug, the plugin's or ours
            raise error
        raise self._about(TryLater, _words(error), kind, after_s=max(1.0, wait)) from error

    # --- afterwards ---------------------------------------------------------------------------------------------------

    def _settle(self, row: EffectRow, rule: EffectRule) -> Found:
        """Find out about an effect that was sent and not answered. InProgress for a keyed vendor means: the same key again."""
        sent_at = row.sent_at or row.now
        if rule.vendor is EffectClass.NONE:
            self._write_unknown(row)
            raise self._about(OutcomeUnknown, "sent earlier, and no answer was written down.", row.kind)
        if rule.vendor is EffectClass.KEYED and _remembered(row, rule, row.now):
            return InProgress()
        ready = sent_at + _longest(rule)
        if row.now < ready:
            wait = (ready - row.now).total_seconds()
            raise self._about(
                TooEarly, f"sent, not answered; it can be looked up in {wait:.0f} s.", row.kind, after_s=wait + 0.05
            )
        found = self.find(row.as_effect())
        if isinstance(found, Happened):
            self._write(row.key, EffectState.DONE, answer=plain(found.answer))
            return Happened(answer=plain(found.answer))
        if isinstance(found, NotHappened):
            return found
        self._write_unknown(row)
        if isinstance(found, InProgress):
            raise self._about(TooEarly, "the vendor is still at it.", row.kind, after_s=max(5.0, rule.settle_s))
        raise self._about(OutcomeUnknown, found.text, row.kind)

    def _write_unknown(self, row: EffectRow) -> None:
        if row.state is EffectState.SENT:
            self._write(row.key, EffectState.UNKNOWN)

    def _about(self, error: type[Any], text: str, kind: str, **more: Any) -> Any:
        return error(text, account=self.account_name, operation=kind, **more)


def _longest(rule: EffectRule) -> timedelta:
    """From SENT to the last moment at which the vendor may still do it."""
    return timedelta(seconds=LAST_CHECK_S + rule.deadline_s + rule.settle_s)


def _remembered(row: EffectRow, rule: EffectRule, now: datetime) -> bool:
    """Would the vendor still know this key when a request that is sent now is done?"""
    return now + _longest(rule) < (row.first_sent_at or now) + timedelta(seconds=rule.remembers_s)


def _words(error: Exception) -> str:
    """What an error says, without the account and operation that are said anew each time it is shown."""
    return str(error.args[0]) if isinstance(error, ConnectorError) and error.args else type(error).__name__
