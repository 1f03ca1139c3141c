"""`ctx.http` for tests: plain `requests`, with our errors, the rule about writes, and trouble on demand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import requests
from urllib3.exceptions import NewConnectionError

from ..errors import OutcomeUnknown, PluginError, RemoteError, TryLater

SAFE = ("GET", "HEAD", "OPTIONS")
TIMEOUT_S = 10.0
PAGE = b"<!DOCTYPE html><html><body><h1>Bad Gateway</h1></body></html>"


class Trouble(StrEnum):
    """What can become of one write on its way. `..._BEFORE`: the vendor never heard of it; `..._AFTER`: it was done."""

    LOST_BEFORE = "lost_before"  # the connection breaks
    LOST_AFTER = "lost_after"
    ERROR_BEFORE = "error_before"  # something in front of the vendor answers 502 with a web page
    ERROR_AFTER = "error_after"
    PAGE_AFTER = "page_after"  # a web page with status 200
    BUSY_BEFORE = "busy_before"  # 429: surely nothing happened

    @property
    def happens(self) -> bool:
        return self.value.endswith("_after")


Reply = Callable[[requests.PreparedRequest], tuple[int, Any]]
"""Answers a write in the vendor's place: status and JSON."""


@dataclass(slots=True, kw_only=True)
class Line:
    """The line to the vendor as one test's contexts share it.

    `trouble` or `reply` strikes at the write number `at` from now, once. `down`: nobody answers at all, reads neither.
    `writes`: how many writes were begun so far. `open`: a call is on its way through `ctx.http`. `struck`: what became of one.
    """

    trouble: Trouble | None = None
    reply: Reply | None = None
    at: int = 1
    down: bool = False
    open: bool = False
    writes: int = 0
    struck: Trouble | None = None
    refused: list[str] = field(default_factory=list)  # writes that were stopped here, because they were outside of an effect


class TestSession(requests.Session):
    """`ctx.http` for tests: plain `requests`, so that `responses` works, with our errors and the rule about writes."""

    __test__ = False  # a name that pytest would take for a test class

    def __init__(self, books: Any, account: str) -> None:
        super().__init__()
        self.books = books
        self.account = account
        self.trust_env = False
        self._strikes = False

    # --- trouble ------------------------------------------------------------------------------------------------------

    def trouble(self, trouble: Trouble, *, at: int = 1) -> None:
        """Let this become of the next write, or of the one with that number counted from now."""
        self.books.line.trouble, self.books.line.reply, self.books.line.at = trouble, None, at

    def reply(self, reply: Reply, *, at: int = 1) -> None:
        """Answer the next write, or the one with that number, without sending it."""
        self.books.line.trouble, self.books.line.reply, self.books.line.at = None, reply, at

    # --- sending ------------------------------------------------------------------------------------------------------

    def request(
        self,
        method: str | bytes,
        url: str | bytes,
        *args: Any,
        reads: bool = False,
        deadline_s: float | None = None,
        points: float = 1,
        **kwargs: Any,
    ) -> requests.Response:
        verb = (method.decode() if isinstance(method, bytes) else method).upper()
        writes, line = verb not in SAFE and not reads, self.books.line
        if writes:
            self._may_write(verb)
            kwargs.setdefault("allow_redirects", False)
        if line.down:
            raise TryLater("nobody answers.", account=self.account, operation=verb)
        kwargs.setdefault("timeout", deadline_s or TIMEOUT_S)
        try:
            line.open = True
            return super().request(verb, url, *args, **kwargs)
        except requests.RequestException as problem:
            raise self._ours(problem, verb, writes) from problem
        finally:
            line.open = False

    def _may_write(self, verb: str) -> None:
        line = self.books.line
        if not self.books.underway:
            line.refused.append(f"{verb} outside of ctx.effect")
            raise PluginError(f"{verb} outside of ctx.effect; changes only go through it")
        if self.books.written:
            line.refused.append(f"a second {verb} in one effect")
            raise PluginError("one effect is one write; give the second one a kind of its own")
        self.books.written = True
        line.writes += 1
        line.at -= 1
        self._strikes = line.at == 0 and (line.trouble is not None or line.reply is not None)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        if not self._strikes:
            return super().send(request, **kwargs)
        self._strikes, line = False, self.books.line
        trouble, reply = line.trouble, line.reply
        line.trouble = line.reply = None
        line.struck = trouble
        if reply is not None:
            status, body = reply(request)
            return _answer(request, status, json.dumps(body).encode(), {"Content-Type": "application/json"})
        if trouble is not None and trouble.happens:
            super().send(request, **kwargs)
        if trouble in (Trouble.LOST_BEFORE, Trouble.LOST_AFTER):
            raise requests.ConnectionError("the connection broke")
        status = {Trouble.PAGE_AFTER: 200, Trouble.BUSY_BEFORE: 429}.get(trouble or Trouble.LOST_AFTER, 502)
        return _answer(request, status, PAGE, {"Content-Type": "text/html", "Retry-After": "1"})

    def learn_rate(self, *, used: float, left: float, size: float, per_second: float) -> None:
        """There is no rate here: nobody waits."""

    def _ours(self, problem: requests.RequestException, verb: str, writes: bool) -> RemoteError:
        text = f"no complete answer came: {problem!s:.300}"
        if writes and not _never_connected(problem):
            return OutcomeUnknown(text, account=self.account, operation=verb)
        return TryLater(text, account=self.account, operation=verb)


def _answer(request: requests.PreparedRequest, status: int, body: bytes, headers: Mapping[str, str]) -> requests.Response:
    response = requests.Response()
    response.status_code, response._content, response.request = status, body, request
    response.url, response.encoding = request.url or "", "utf-8"
    response.headers.update(headers)
    return response


def _never_connected(problem: requests.RequestException) -> bool:
    reason = getattr(problem.args[0], "reason", None) if problem.args else None
    return isinstance(problem, requests.ConnectTimeout) or isinstance(reason, NewConnectionError)
