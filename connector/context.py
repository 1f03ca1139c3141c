"""What a plugin is handed. Plugins reach the outside world through this and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import logging
    import smtplib

    import requests


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A configured use of a plugin. `name` may change, `id` never does; `config` is what the plugin declared, validated."""

    name: str
    id: str
    plugin: str
    config: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRow:
    """One value that a plugin keeps for an account, with the version to change it by."""

    value: str
    version: int
    expires_at: datetime | None = None


class State(Protocol):
    """Rows that a plugin keeps per account: tokens, cursors, webhook ids. Secrets are encrypted."""

    def get(self, key: str) -> StateRow | None:
        """The row, or None if it was never put or has run out."""

    def put(
        self,
        key: str,
        value: str,
        *,
        version: int | None = None,
        expires_at: datetime | None = None,
        secret: bool = False,
    ) -> StateRow:
        """Write it. With `version`, only if it still is at that version (0: only if there is none); else Conflict."""

    def delete(self, key: str) -> None: ...


class Effects(Protocol):
    """`ctx.effect`: the only way to change the outside world."""

    def __call__(self, kind: str, request: object, fn: Callable[[str], Any], *, before: Callable[[], Any] | None = None) -> Any:
        """Do `fn` at most once for this order, kind and request, and return its answer, now and on every later call.

        Args:
            kind: one of the kinds that the plugin declares in `PluginInfo.effects`.
            request: what is asked for. It is hashed: the same key with another request is an error. No personal data.
            fn: is given the key (send it to the vendor where it keeps one), makes the call through `ctx.http`, and returns a
                short JSON-able answer without personal data. It raises TryLater only if surely nothing happened, Refused if
                the vendor said no.
            before: for a kind that is looked up by state: reads the image to compare with, before anything is sent.

        Raises:
            Refused: the vendor said no, now or earlier. TryLater: nothing happened, or it is too early to ask whether it did.
            OutcomeUnknown: it may have happened and only a person can find out.
        """


class Http(Protocol):
    """`ctx.http`: like a `requests` session, through the door."""

    # Each takes an address and what `requests` takes, and besides:
    #   reads: a POST that changes nothing (a query). deadline_s: seconds for the whole call, connecting included.
    #   points: how much of the account's rate a read takes; of a change, its EffectRule says so.
    @property
    def request(self) -> Callable[..., requests.Response]: ...

    @property
    def get(self) -> Callable[..., requests.Response]: ...

    @property
    def post(self) -> Callable[..., requests.Response]: ...

    @property
    def put(self) -> Callable[..., requests.Response]: ...

    @property
    def delete(self) -> Callable[..., requests.Response]: ...

    def learn_rate(self, *, used: float, left: float, size: float, per_second: float) -> None:
        """What the vendor says of this account's rate: points that the last call really took (the others go back), points that
        are left now, how many there can be, and how many come back each second. Every worker goes by it from now on."""


class Smtp(Protocol):
    """`ctx.smtp`: a connection to a mail server under the same deadline and last check as `ctx.http`."""

    def __call__(
        self, host: str, port: int, *, security: str = "starttls", user: str = "", password: str = ""
    ) -> AbstractContextManager[smtplib.SMTP]:
        """`security` is starttls, tls or none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Everything a hook may use. Made anew for each call; nothing of it may be kept.

    Args:
        account: whose configuration and credentials are used.
        http: a `requests` session with a total deadline per call, this account's rate limit, a redacted log of attempts and our
            errors. A call that is not GET, HEAD or OPTIONS is refused outside of `effect`, unless it says `reads=True`.
        effect: wraps everything that changes the world. state: rows kept for this account. smtp: to send mail.
        lock: `with ctx.lock("refresh token"):` one at a time for this account, over all processes; TryLater if it is taken.
        now: business time (UTC). log: a logger that names account and order.
        platform_id: the platform's id of the order that this call is about ("" if none). request_id: of the act.
    """

    account: Account
    http: Http
    effect: Effects
    state: State
    smtp: Smtp
    lock: Callable[[str], AbstractContextManager[None]]
    now: Callable[[], datetime]
    log: logging.LoggerAdapter[logging.Logger]
    platform_id: str = ""
    request_id: str = ""
