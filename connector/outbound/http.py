"""HTTP through the door: a `requests` session with one deadline per call, our errors, a last check before a write leaves."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from ..errors import ConnectorError, OutcomeUnknown, PluginError, RemoteError, TryLater
from . import redact
from .deadlines import Deadlines, Line

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_BODY = 8 * 1024 * 1024
"""Bytes of an answer that we are willing to read. A page of 100 WooCommerce orders is under 1 MB (recorded)."""
USER_AGENT = "order-connector (+https://pypi.org/project/order-connector/)"
NOT_FOR_ONE_HOST = frozenset({"Accept", "Accept-Encoding", "Connection", "Cookie", "Proxy-Authorization", "User-Agent"})
VENDOR_REQUEST_IDS = ("x-request-id", "request-id", "x-correlation-id", "cf-ray")


@dataclass(slots=True)
class Call:
    """What is known of a call while it runs. `written`: bytes of the request may have left."""

    before_write: Callable[[], None] | None
    line: Line = field(default_factory=Line)
    written: bool = False

    def hold(self, sock: socket.socket) -> socket.socket:
        """From the first moment, because a TLS handshake can drip, too."""
        try:
            self.line.hold(sock)
        except BaseException:
            sock.close()
            raise
        return sock

    def about_to_write(self, sock: Any) -> None:
        self.line.hold(sock)
        if self.before_write is not None:
            self.before_write()
        self.written = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One call as it is written down, secrets struck out."""

    method: str
    url: str
    status: int | None
    ms: float
    error: str = ""
    vendor_request_id: str = ""


class Transport(HTTPAdapter):
    """Connections of one account. The last check runs after connecting and before the first byte of a request."""

    def __init__(self) -> None:
        self.current = threading.local()
        super().__init__(pool_connections=4, pool_maxsize=32, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _pools(self.current)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _pools(self.current)
        return manager


def _running(current: threading.local) -> Call:
    call: Call | None = getattr(current, "call", None)
    if call is None:
        raise PluginError("a request was sent past ctx.http.request; there it is checked, limited and written down")
    return call


def _pools(current: threading.local) -> dict[str, type[HTTPConnectionPool]]:
    """Connection pools whose connections ask the running call before they write."""

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _running(current).hold(super()._new_conn())

        def request(self, *args: Any, **kwargs: Any) -> None:
            if self.sock is None:
                self.connect()
            _running(current).about_to_write(self.sock)
            super().request(*args, **kwargs)

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _running(current).hold(super()._new_conn())

        def request(self, *args: Any, **kwargs: Any) -> None:
            if self.sock is None:
                self.connect()
            _running(current).about_to_write(self.sock)
            super().request(*args, **kwargs)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


@dataclass(slots=True, kw_only=True)
class Wire:
    """What the session needs to know about the account it speaks for, and whom it tells about its calls."""

    account: str
    transport: Transport
    deadlines: Deadlines
    deadline_s: float = 30.0
    secrets: tuple[str, ...] = ()
    wait_turn: Callable[[float], None] = lambda points: None
    learn_rate: Callable[[float, float, float, float], None] = lambda unused, left, size, per_second: None
    give_back: Callable[[float], None] = lambda points: None
    taken: float = 0.0  # points for the last call, of which nobody has said yet what it really cost
    log: Callable[[Attempt], None] = lambda attempt: None
    effect: Any = None  # the effect that is underway (ledger.Underway), or None
    calls: list[Call] = field(default_factory=list)


class Session(requests.Session):
    """`ctx.http`. Any status is an answer; what is not an answer is one of our errors."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def __getattr__(self, name: str) -> Any:
        # The rest is made at its first use: many hooks make no call, and it would take as long as all else around them.
        if name not in self.__attrs__:
            raise AttributeError(name)
        already = dict(self.__dict__)
        super().__init__()
        self.trust_env = False  # a stray .netrc would replace the account's credentials
        self.mount("https://", self.wire.transport)
        self.mount("http://", self.wire.transport)
        self.headers["User-Agent"] = USER_AGENT
        self.__dict__.update(already)
        return getattr(self, name)

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
        """Like `requests`, with one deadline for the whole call.

        `reads=True`: a POST that changes nothing (a query). `points`: how much of the account's rate it takes; of a call that
        changes something, its effect's rule says so, because the turn is taken before it is written down as sent.
        """
        verb = (method.decode() if isinstance(method, bytes) else method).upper()
        address = url.decode() if isinstance(url, bytes) else url
        writes = verb not in SAFE and not reads
        if writes and self.wire.effect is None:
            raise PluginError(
                f"{self.wire.account}: {verb} {redact.url(address)} outside of ctx.effect; changes only go through it"
            )
        if writes:
            kwargs.setdefault("allow_redirects", False)
            # Never longer than declared: whoever takes the order over counts on it.
            limit = min(deadline_s or self.wire.effect.deadline_s, self.wire.effect.deadline_s)
            points = self.wire.effect.points
        else:
            self.wire.wait_turn(points)
            limit = deadline_s or self.wire.deadline_s
        call = Call(before_write=self.wire.effect.last_check if writes else None)
        kwargs["timeout"] = (min(10.0, limit), limit)
        kwargs["stream"] = True
        with suppress(ValueError):  # no address at all; `requests` will say so
            kwargs.setdefault("proxies", requests.utils.get_environ_proxies(address))
        self.wire.taken = points
        answered = False
        try:
            response = self._send(verb, address, call, limit, writes, args, kwargs)
            answered = response.status_code < 400
        finally:
            if not answered:  # it cost nothing, or what is left will say so
                self.wire.give_back(points)
                self.wire.taken = 0.0
        return response

    def learn_rate(self, *, used: float, left: float, size: float, per_second: float) -> None:
        """What the vendor says of this account's rate: points that the last call really took (the others go back), points that
        are left now, how many there can be, and how many come back each second. Every worker goes by it from now on."""
        self.wire.learn_rate(self.wire.taken - used, left, size, per_second)
        self.wire.taken = used

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """On a redirect to another host, `requests` drops only its own header; a vendor's token travels in others."""
        super().rebuild_auth(prepared_request, response)  # type: ignore[no-untyped-call]
        if self.should_strip_auth(response.request.url, prepared_request.url):  # type: ignore[no-untyped-call]
            for name in set(prepared_request.headers) - NOT_FOR_ONE_HOST:
                del prepared_request.headers[name]

    def _send(
        self, verb: str, address: str, call: Call, limit: float, writes: bool, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> requests.Response:
        wire, started = self.wire, time.monotonic()
        wire.transport.current.call = call
        status, error, vendor_id = None, "", ""
        try:
            with wire.deadlines.cut_off(limit, call.line.cut):
                response = super().request(verb, address, *args, **kwargs)
                status = response.status_code
                vendor_id = next((response.headers[name] for name in VENDOR_REQUEST_IDS if name in response.headers), "")
                _read_body(response)
            if call.line.is_cut:
                raise TimeoutError  # what we cut off looks like the end of an answer that does not say how long it is
            return response
        except (requests.RequestException, OSError, _TooLarge) as problem:
            error = "deadline" if call.line.is_cut else type(problem).__name__
            # Not `from problem`: its text has the whole address, and a traceback in a log would show the secrets in it.
            raise self._ours(problem, call, f"{verb} {redact.url(address, wire.secrets)}", writes, limit) from None
        except ConnectorError as problem:
            error = type(problem).__name__
            raise
        finally:
            call.line.let_go()
            wire.transport.current.call = None
            ms = round((time.monotonic() - started) * 1000, 1)
            clean = redact.url(address, wire.secrets)
            wire.log(Attempt(method=verb, url=clean, status=status, ms=ms, error=error, vendor_request_id=vendor_id))

    def _ours(self, problem: Exception, call: Call, what: str, writes: bool, limit: float) -> RemoteError:
        about: dict[str, Any] = {"account": self.wire.account, "operation": what}
        why = _why(problem, call, limit)
        if writes and call.written:
            return OutcomeUnknown(f"{why} It may have happened; it will be looked up.", **about)
        if isinstance(
            problem, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema | requests.exceptions.InvalidSchema
        ):
            return RemoteError("this is not an address. Check `url` in the account.", **about)
        return TryLater(f"{why} It will be tried again.", after_s=30, **about)


class _TooLarge(Exception):
    pass


def _read_body(response: requests.Response) -> None:
    """Read it all, within the deadline and our limit, as `response.content` would."""
    parts, size = [], 0
    for part in response.iter_content(65536):
        parts.append(part)
        size += len(part)
        if size > MAX_BODY:
            response.close()
            raise _TooLarge
    if not size and _says_no_length(response):
        raise requests.exceptions.ChunkedEncodingError("the headers broke off")
    response._content = b"".join(parts)


def _says_no_length(response: requests.Response) -> bool:
    # http.client takes headers that end in the middle for all of them, and what follows for an empty body.
    framed = "Content-Length" in response.headers or "Transfer-Encoding" in response.headers
    return not framed and response.request.method != "HEAD" and response.status_code not in (204, 304)


def _why(problem: Exception, call: Call, limit: float) -> str:
    if call.line.is_cut or isinstance(problem, requests.Timeout | TimeoutError):
        return f"no complete answer within {limit:g} s."
    if isinstance(problem, _TooLarge):
        return f"the answer is larger than {MAX_BODY // 1024 // 1024} MB."
    if isinstance(problem, requests.exceptions.SSLError):
        return "the server's certificate cannot be trusted. Check the address and the server's certificate."
    if isinstance(problem, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError):
        return "the answer broke off in the middle."
    if not call.written:
        return "no connection could be made. Check the address and whether the server is up."
    return "the connection broke before the answer was complete."
