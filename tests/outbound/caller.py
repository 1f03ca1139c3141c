"""One account's way out without ledger and database, and servers that are polite or rude."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from connector.errors import ConnectorError
from connector.outbound import http as module
from connector.outbound.deadlines import Deadlines
from connector.outbound.http import Attempt, Session, Transport
from connector.outbound.ledger import Underway
from tests.outbound.vendor import Talk

DEADLINE_S = 0.25


@dataclass(slots=True)
class Caller:
    """One account's way out, without ledger and database. `attempts` is what would be written down."""

    secrets: tuple[str, ...] = ()
    attempts: list[Attempt] = field(default_factory=list)
    transport: Transport = field(default_factory=Transport)
    deadlines: Deadlines = field(default_factory=Deadlines)
    underway: Underway | None = None

    def session(self, *, writing: bool = False, deadline_s: float = DEADLINE_S) -> Session:
        if writing:
            self.underway = Underway(
                key="key/1",
                deadline_s=deadline_s,
                points=1,
                committed=time.monotonic(),
                within_s=60,
                still_mine=lambda: True,
                watch=lambda transition: None,
            )
        return Session(
            module.Wire(
                account="shop",
                transport=self.transport,
                deadlines=self.deadlines,
                deadline_s=deadline_s,
                secrets=self.secrets,
                log=self.attempts.append,
                effect=self.underway if writing else None,
            )
        )

    def call(self, url: str, *, writing: bool, **options: object) -> str:
        """What became of it, in one word: the status, or the kind of error."""
        session = self.session(writing=writing)
        try:
            response = session.request("POST" if writing else "GET", url, **options)  # type: ignore[arg-type]
        except ConnectorError as error:
            return type(error).__name__
        return str(response.status_code)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Not earlier matters less than not later; a busy machine gets a second and a half of grace."""
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds + 1.5


def answer_all(talk: Talk) -> None:
    while True:
        talk.hear()
        talk.answer()


def close_after_reading(talk: Talk) -> None:
    talk.hear()


def say_nothing(talk: Talk) -> None:
    talk.hear()
    talk.wait(30)
