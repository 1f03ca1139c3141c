"""A real `Context` for tests: the same protocol as the running connector, kept in memory.

What is the same: an effect is sent at most once for its kind and request id, with one write; its answer is kept; other values
under the same request id, undeclared kinds, writes outside of an effect and answers that are no JSON are errors of the plugin;
an outcome that is unknown is settled as its class says: a keyed effect is sent again with the same key and no new image as long
as the vendor remembers it, a looked-up one by the plugin's own `find_effect` after the settle time. What is left out: leases,
modes, rate limits, redaction, and that the second of two effects of one kind waits until the first is settled. What differs:
OutcomeUnknown comes out of an effect that is to be looked up, where the running connector says TryLater, so that a test sees
which of the two it was.
"""

from __future__ import annotations

import json
import logging
import smtplib
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from ..context import Account, Context, StateRow
from ..errors import ConfigError, Conflict, OutcomeUnknown, PluginError, Refused, TryLater, Unsupported
from ..model.codec import plain, to_json
from ..model.events import CannotTell, Effect, EffectClass, EffectState, Found, Happened, InProgress
from ..model.plugin import PluginInfo
from .wire import TIMEOUT_S, Line, TestSession

LONGEST_ANSWER = 2000
LAST_CHECK_S = 1.0  # a request leaves within this time after it was written down as sent
NOW = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class Books:
    """What one test's contexts share: the ledger by (kind, request id), the state rows, everything that was sent, the line."""

    effects: dict[tuple[str, str], Effect] = field(default_factory=dict)
    answers: dict[tuple[str, str], Any] = field(default_factory=dict)
    said: dict[tuple[str, str], str] = field(default_factory=dict)
    sent: list[Effect] = field(default_factory=list)
    rows: dict[str, StateRow] = field(default_factory=dict)
    locks: dict[str, threading.Lock] = field(default_factory=dict)
    line: Line = field(default_factory=Line)
    underway: bool = False
    written: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TestEffects:
    """`ctx.effect` in memory. `sent` lists every attempt that was begun, oldest first."""

    __test__ = False  # a name that pytest would take for a test class

    plugin: Any
    info: PluginInfo
    books: Books
    account: str
    platform_id: str
    request_id: str
    context: Callable[[], Context]

    @property
    def sent(self) -> list[Effect]:
        return self.books.sent

    def time_passes(self, seconds: float) -> None:
        """Let every effect have been sent so much longer ago, so that settle times run out."""
        for at, effect in self.books.effects.items():
            if effect.sent_at is not None:
                self.books.effects[at] = replace(effect, sent_at=effect.sent_at - timedelta(seconds=seconds))

    def lost(self, kind: str) -> Effect:
        """Pretend that no answer came to the effect of this kind that was sent last, and return it as `find_effect` gets it."""
        effect = next(effect for effect in reversed(self.sent) if effect.kind == kind)
        unknown = replace(effect, state=EffectState.UNKNOWN)
        self.books.effects[kind, effect.request_id] = unknown
        self.books.answers.pop((kind, effect.request_id), None)
        return unknown

    def __call__(self, kind: str, request: object, fn: Callable[[str], Any], *, before: Callable[[], Any] | None = None) -> Any:
        if kind not in self.info.effects:
            raise PluginError(f"{self.info.name} does not declare effects of the kind {kind!r}")
        at, asked = (kind, self.request_id), plain(request)
        known = self.books.effects.get(at)
        if known is not None and to_json(known.request) != to_json(asked):
            raise PluginError(f"{kind} {self.request_id} was asked for before with other values")
        if known is not None and known.state is EffectState.DONE:
            return self.books.answers[at]
        if known is not None and known.state is EffectState.REFUSED:
            raise Refused(self.books.said[at], account=self.account, operation=kind)
        attempt, image = known.attempt if known is not None else 1, None
        repeats = False
        if known is not None and known.state is EffectState.UNKNOWN:
            found = self._settle(known)
            if isinstance(found, Happened):
                return self._done(at, found.answer)
            repeats, image = isinstance(found, InProgress), known.before
            attempt += not repeats
        if not repeats:  # what is sent again under the same key is what was sent before
            image = plain(before()) if before is not None else None
        return self._send(at, asked, attempt, fn, image, again=known if repeats else None)

    def _send(
        self, at: tuple[str, str], asked: Any, attempt: int, fn: Callable[[str], Any], image: Any, *, again: Effect | None
    ) -> Any:
        kind, request_id = at
        key = f"install/{self.account}/order:{self.platform_id}/{kind}/{request_id}/{attempt}"
        effect = Effect(
            key=key,
            kind=kind,
            request_id=request_id,
            attempt=attempt,
            state=EffectState.SENT,
            request=asked,
            before=image,
            platform_id=self.platform_id,
            sent_at=again.sent_at if again else datetime.now(UTC),  # the vendor remembers the key from the first time on
        )
        self.books.effects[at] = effect
        self.books.sent.append(effect)
        self.books.underway, self.books.written = True, False
        try:
            return self._done(at, fn(key))
        except Refused as no:
            self._now(at, EffectState.REFUSED)
            self.books.said[at] = str(no.args[0])
            raise
        except (TryLater, ConfigError, Unsupported):
            self._now(at, EffectState.UNKNOWN if again else EffectState.PLANNED)
            raise
        except BaseException as error:
            self._now(at, EffectState.UNKNOWN if again or self.books.written else EffectState.PLANNED)
            if self.books.written and isinstance(error, OutcomeUnknown) and self._is_keyed(kind):
                raise TryLater(str(error.args[0]), after_s=5, account=self.account, operation=kind) from error
            raise
        finally:
            self.books.underway = False

    def _is_keyed(self, kind: str) -> bool:
        return self.info.effects[kind].vendor is EffectClass.KEYED

    def _settle(self, effect: Effect) -> Found:
        """Happened; InProgress for "the same key again"; NotHappened for a new attempt. Raises if it cannot be told (yet)."""
        rule, sent_at, now = self.info.effects[effect.kind], effect.sent_at or NOW, datetime.now(UTC)
        if rule.vendor is EffectClass.NONE:
            raise OutcomeUnknown("sent earlier, and no answer came", account=self.account, operation=effect.kind)
        longest = timedelta(seconds=LAST_CHECK_S + rule.deadline_s + rule.settle_s)
        if rule.vendor is EffectClass.KEYED and now + longest < sent_at + timedelta(seconds=rule.remembers_s):
            return InProgress()
        if now < sent_at + longest:
            raise TryLater("it is too early to look it up", account=self.account, operation=effect.kind)
        look = getattr(self.plugin, "find_effect", None)
        found: Found = look(self.context(), effect) if look else CannotTell(text="the plugin has no find_effect")
        if isinstance(found, InProgress):
            raise TryLater("the vendor is still at it", account=self.account, operation=effect.kind)
        if isinstance(found, CannotTell):
            raise OutcomeUnknown(found.text, account=self.account, operation=effect.kind)
        return found

    def _done(self, at: tuple[str, str], answer: Any) -> Any:
        try:
            text = json.dumps(answer)
        except (TypeError, ValueError):
            raise PluginError(f"the answer of {at[0]} is not JSON: {answer!r:.80}") from None
        if len(text) > LONGEST_ANSWER:
            raise PluginError(f"the answer of {at[0]} is {len(text)} characters long; keep what matters, no personal data")
        self._now(at, EffectState.DONE)
        self.books.answers[at] = answer
        return answer

    def _now(self, at: tuple[str, str], state: EffectState) -> None:
        self.books.effects[at] = replace(self.books.effects[at], state=state)


@dataclass(frozen=True, slots=True, kw_only=True)
class TestState:
    """`ctx.state` in memory."""

    __test__ = False

    books: Books
    now: Callable[[], datetime]

    def get(self, key: str) -> StateRow | None:
        row = self.books.rows.get(key)
        return None if row is None or (row.expires_at is not None and row.expires_at <= self.now()) else row

    def put(
        self,
        key: str,
        value: str,
        *,
        version: int | None = None,
        expires_at: datetime | None = None,
        secret: bool = False,
    ) -> StateRow:
        row = self.get(key)
        there = row.version if row else 0
        if version is not None and version != there:
            raise Conflict(f"{key} is at version {there}, not {version}")
        self.books.rows[key] = StateRow(value=value, version=there + 1, expires_at=expires_at)
        return self.books.rows[key]

    def delete(self, key: str) -> None:
        self.books.rows.pop(key, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TestContext(Context):
    """A Context whose `effect` shows what was sent, and whose `http` makes trouble on demand."""

    __test__ = False

    effect: TestEffects
    http: TestSession


def make_context(
    plugin: Any,
    config: Mapping[str, Any] | Any = None,
    *,
    now: datetime | Callable[[], datetime] = NOW,
    account: str = "test",
    platform_id: str = "",
    request_id: str = "request-1",
    books: Books | None = None,
) -> TestContext:
    """A context for calling a plugin's hooks directly.

    Args:
        plugin: the plugin's module (its `describe` and `find_effect` are used), or only its PluginInfo.
        config: what an account would be configured with, as a mapping (validated like a real one) or as the plugin's own class.
        now: business time (UTC), fixed or a function.
        books: share the ledger and state of another context (`ctx.effect.books`); `next_act` does that.

    Raises:
        ConfigError: the configuration does not fit what the plugin declares.
    """
    info = plugin if isinstance(plugin, PluginInfo) else plugin.describe()
    books, clock = books or Books(), now if callable(now) else lambda: now
    made: list[TestContext] = []
    effects = TestEffects(
        plugin=plugin,
        info=info,
        books=books,
        account=account,
        platform_id=platform_id,
        request_id=request_id,
        context=lambda: made[0],
    )
    made.append(
        TestContext(
            account=Account(name=account, id=f"id-{account}", plugin=info.name, config=_config(info, config)),
            http=TestSession(books, account),
            effect=effects,
            state=TestState(books=books, now=clock),
            smtp=_smtp,
            lock=lambda name: _locked(books, name),
            now=clock,
            log=logging.LoggerAdapter(logging.getLogger("connector.plugin"), {"account": account, "order": platform_id}),
            platform_id=platform_id,
            request_id=request_id,
        )
    )
    return made[0]


def next_act(ctx: TestContext, *, request_id: str, platform_id: str | None = None) -> TestContext:
    """The context of another act, or the same one again, over the same ledger and state."""
    return make_context(
        ctx.effect.plugin,
        ctx.account.config,
        now=ctx.now,
        account=ctx.account.name,
        platform_id=ctx.platform_id if platform_id is None else platform_id,
        request_id=request_id,
        books=ctx.effect.books,
    )


def _config(info: PluginInfo, config: Any) -> Any:
    if info.config is None or isinstance(config, info.config):
        return config
    try:
        return msgspec.convert(config or {}, info.config)
    except msgspec.ValidationError as problem:
        raise ConfigError(f"{info.name}: {problem}") from None


@contextmanager
def _locked(books: Books, name: str) -> Iterator[None]:
    lock = books.locks.setdefault(name, threading.Lock())
    if not lock.acquire(blocking=False):
        raise TryLater(f"{name} is being done already", after_s=1)
    try:
        yield
    finally:
        lock.release()


def _smtp(
    host: str, port: int, *, security: str = "starttls", user: str = "", password: str = ""
) -> AbstractContextManager[smtplib.SMTP]:
    return _mail_server(host, port, security=security, user=user, password=password)


@contextmanager
def _mail_server(host: str, port: int, *, security: str, user: str, password: str) -> Iterator[smtplib.SMTP]:
    kind = smtplib.SMTP_SSL if security == "tls" else smtplib.SMTP
    with kind(host, port, timeout=TIMEOUT_S) as server:
        if security == "starttls":
            server.starttls()
        if user:
            server.login(user, password)
        yield server
