"""Talking to the shop: the `woocommerce` package's client, sending through `ctx.http`, and its answers as our errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from connector import ConfigError, ConnectorError, Context, OutcomeUnknown, Refused, TryLater

from .config import config
from .reading import as_text

if TYPE_CHECKING:
    from requests import Response

CORE = "wc/v3"  # WooCommerce's own part of the API; plugins of the shop have parts of their own
KEYS_PAGE = "WooCommerce > Settings > Advanced > REST API"
HEADERS = {
    "Accept": "application/json",
    "Content-Type": "application/json; charset=utf-8",
}  # without it a body is ignored (recorded)
MISSING = frozenset(
    {"woocommerce_rest_shop_order_invalid_id", "woocommerce_rest_product_invalid_id", "woocommerce_rest_invalid_id"}
)

# WooCommerce 10.5 says no to a refund with HTTP 500 and one of these; nothing has happened then (recorded 2026-11-22).
# Any other 500, `internal_server_error` above all, is a crash in the middle: it may have left something behind.
SAID_NO = frozenset(
    {
        "woocommerce_rest_cannot_create_order_refund",
        "woocommerce_rest_invalid_order_refund",
        "woocommerce_rest_invalid_order_id",
    }
)


class NoRoute(ConfigError):
    """The shop does not know this address (404 `rest_no_route`): a plugin or feature of it is not there. Nothing happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the shop answered: the JSON, and headers such as X-WP-TotalPages and Date."""

    body: Any
    headers: Mapping[str, str]

    def rows(self, ctx: Context, doing: str) -> list[dict[str, Any]]:
        """The body as a list of objects. Raises TryLater where it is anything else, which is never taken for an empty list."""
        if not isinstance(self.body, list) or not all(isinstance(row, dict) for row in self.body):
            raise TryLater("the shop's answer is not a list.", after_s=60, **_about(ctx, doing))
        return self.body

    def store_time(self, ctx: Context) -> datetime:
        """The earlier of our clock and the shop's, so that nothing is skipped when one of them is wrong."""
        sent = date_header(self.headers)
        return min(ctx.now(), sent) if sent else ctx.now()


def read(ctx: Context, path: str, doing: str, **params: str | int) -> Answer:
    """GET `path` below wp-json/wc/v3. `doing` says in words what for.

    Raises:
        TryLater: the shop is not answering properly now. Refused: it said no (`code` is its own, one of MISSING if the thing is
        not there). ConfigError: address or key are wrong. NoRoute: see there.
    """
    return _answer(ctx, _api(ctx).get(path, params=params), doing, writes=False)


def read_in(ctx: Context, space: str, path: str, doing: str) -> Answer:
    """The same below wp-json/`space`, where a plugin of the shop has its own part."""
    return _answer(ctx, _api(ctx, space).get(path), doing, writes=False)


def read_all(ctx: Context, path: str, doing: str) -> list[dict[str, Any]]:
    """All rows of a short list that stands still while we read it (refunds of one order, webhooks), a hundred at a time."""
    found: list[dict[str, Any]] = []
    for page in range(1, 100):
        rows = read(ctx, path, doing, per_page=100, page=page).rows(ctx, doing)
        found += rows
        if len(rows) < 100:
            break
    return found


def write(ctx: Context, method: str, path: str, body: Mapping[str, Any], doing: str, *, space: str = CORE) -> dict[str, Any]:
    """POST or PUT `body`, or DELETE (its `body` goes nowhere); only inside `ctx.effect`. Returns the object in the answer.

    Raises:
        OutcomeUnknown: the answer does not say whether it happened. TryLater: nothing happened. Refused: the shop said no.
        ConfigError: nothing happened, the key or the address is wrong. NoRoute: see there.
    """
    api = _api(ctx, space)
    calls = {
        "POST": lambda: api.post(path, dict(body)),
        "PUT": lambda: api.put(path, dict(body)),
        "DELETE": lambda: api.delete(path),
    }
    answer = _answer(ctx, calls[method](), doing, writes=True)
    if not isinstance(answer.body, dict):
        raise OutcomeUnknown("the shop's answer is not what WooCommerce answers.", **_about(ctx, doing))
    return answer.body


def may_write(ctx: Context) -> Answer:
    """Send an empty batch: it changes nothing, and a key that may only read is refused (both recorded 2026-11-22)."""
    return _answer(ctx, _api(ctx).post("orders/batch", {}, reads=True), "look whether the key may write", writes=False)


def _api(ctx: Context, space: str = CORE) -> Any:
    """The client of the `woocommerce` package. It signs (OAuth over http) or sends keys (https); we send the request."""
    from woocommerce import API

    settings = config(ctx)

    class ThroughTheDoor(API):  # type: ignore[misc]  # the package has no types
        """Its one private method that calls `requests.request` without session, deadline or log, replaced."""

        def _API__request(self, method: str, endpoint: str, data: Any, params: Any = None, **more: Any) -> Response:  # noqa: N802
            url = self._API__get_url(endpoint)
            signed = not self.is_ssl
            if signed:  # WordPress ignores Basic over http (recorded); an OAuth address works once
                url = self._API__get_oauth_url(_with_query(url, params), method)
            return ctx.http.request(
                method,
                url,
                params=None if signed else params,
                auth=None if signed else (self.consumer_key, self.consumer_secret),
                data=None if data is None else json.dumps(data, ensure_ascii=False).encode(errors="replace"),
                headers=HEADERS,
                verify=self.verify_ssl,
                allow_redirects=False,  # a redirected POST would arrive as a GET and look like a success
                **more,
            )

    return ThroughTheDoor(
        settings.url, settings.consumer_key, settings.consumer_secret, version=space, verify_ssl=settings.verify_tls
    )


def _with_query(url: str, params: Mapping[str, Any] | None) -> str:
    return f"{url}?{urlencode(params)}" if params else url


def date_header(headers: Mapping[str, str]) -> datetime | None:
    try:
        return parsedate_to_datetime(headers["Date"]).astimezone(UTC)
    except (KeyError, ValueError, TypeError):
        return None


# --- what an answer means ---------------------------------------------------------------------------------------------


def _answer(ctx: Context, response: Response, doing: str, *, writes: bool) -> Answer:
    body = _json(response)
    if 200 <= response.status_code < 300 and body is not _NOT_JSON:
        return Answer(body=body, headers=response.headers)
    said = body if isinstance(body, dict) else {}
    code, message = str(said.get("code", "")), as_text(str(said.get("message", "")))[:200]
    raise _problem(ctx, response, _about(ctx, doing, code), message, json_given=bool(said), writes=writes)


_NOT_JSON = object()


def _json(response: Response) -> Any:
    try:
        return json.loads(response.content.decode("utf-8-sig"))
    except ValueError:
        return _NOT_JSON


def _about(ctx: Context, doing: str, code: str = "") -> dict[str, str]:
    return {"account": ctx.account.name, "operation": doing, "code": code}


def _problem(
    ctx: Context, response: Response, about: dict[str, str], message: str, *, json_given: bool, writes: bool
) -> ConnectorError:
    status = response.status_code
    if 300 <= status < 400:
        return ConfigError(_redirect(ctx, response))
    if status in (401, 403):
        return _denied(ctx, status, about, message, json_given=json_given)
    if status in (409, 423, 425, 429):
        return TryLater(f"the shop asks to wait (HTTP {status}). {message}".strip(), after_s=_wait(response), **about)
    if status == 404 and (not json_given or about["code"] == "rest_no_route"):
        return (NoRoute if about["code"] == "rest_no_route" else ConfigError)(_no_api(ctx, writes=writes))
    if writes:
        return _write_failed(status, about, message, response)
    if 400 <= status < 500 and status != 408 and json_given:
        return Refused(message or f"HTTP {status}", **about)
    return TryLater(_unreadable(response, message), after_s=_wait(response), **about)


def _write_failed(status: int, about: dict[str, str], message: str, response: Response) -> Refused | OutcomeUnknown:
    if about["code"] in SAID_NO or (400 <= status < 500 and status != 408):
        return Refused(message or f"HTTP {status}", **about)
    return OutcomeUnknown(f"{_unreadable(response, message)} It may have happened all the same.", **about)


def _wait(response: Response) -> float:
    """Retry-After in seconds, within reason."""
    try:
        return min(3600.0, max(1.0, float(response.headers.get("Retry-After", "60"))))
    except ValueError:
        return 60.0


def _unreadable(response: Response, message: str) -> str:
    status, start = response.status_code, response.content[:200].lstrip().lower()
    if message:
        return f"the shop's server failed (HTTP {status}): {message}"
    if start.startswith((b"<!doctype", b"<html")):
        return f"the shop answered with a web page instead of data (HTTP {status}): maintenance, a crash, or a protection page."
    if start.startswith((b"<br", b"<b>")):
        return "the shop prints PHP warnings into its answers: switch WP_DEBUG_DISPLAY off in wp-config.php."
    return f"the shop's answer cannot be read (HTTP {status}): it broke off, or is not JSON."


# --- what a person has to change --------------------------------------------------------------------------------------


def _who(ctx: Context) -> str:
    """The key as WooCommerce's own list of keys shows it: by its last seven characters."""
    return f"account {ctx.account.name}, consumer key ending in {config(ctx).consumer_key[-7:]}"


def _redirect(ctx: Context, response: Response) -> str:
    to = urlsplit(response.headers.get("Location", ""))
    where = f"{to.scheme}://{to.netloc}" if to.netloc else "another address"
    return (
        f"account {ctx.account.name}: {config(ctx).url} sends us on to {where}. Set `url` to the address the shop ends up at."
    )


def _no_api(ctx: Context, *, writes: bool) -> str:
    what = "does not know this call" if writes else "has no WooCommerce REST API"
    return (
        f"account {ctx.account.name}: {config(ctx).url} {what}. Check `url` (with the folder, if WordPress lives in one), that "
        "WooCommerce is active, and that Settings > Permalinks is not set to Plain."
    )


def _denied(ctx: Context, status: int, about: dict[str, str], message: str, *, json_given: bool) -> ConnectorError:
    if not json_given:
        text = (
            f"something in front of the shop turned us away (HTTP {status}): a firewall, a security plugin or a password page."
        )
        return TryLater(f"{text} Let this server's address through.", after_s=300, **about)
    if "nonce" in message.lower():  # a signed address that was sent twice by something in between; the next one is new
        return TryLater(message, after_s=1, **about)
    return ConfigError(f"{_who(ctx)}: {about['operation']}: {_denied_because(status, message)} (the shop says: {message})")


# The shop's own words tell these apart, not its codes (recorded 2026-11-22); they are translated with the shop's language.
WRONG_SECRET = f"`consumer_secret` does not belong to this key. A secret is shown only once: make a new key in {KEYS_PAGE}."
BECAUSE = {
    "write permissions": f"this key may only read. In {KEYS_PAGE} set its permissions to Read/Write.",
    "read permissions": f"this key may only write. In {KEYS_PAGE} set its permissions to Read/Write.",
    "consumer key is invalid": f"`consumer_key` is unknown to the shop. Copy it again, or make a new key in {KEYS_PAGE}.",
    "consumer secret is invalid": WRONG_SECRET,
    "invalid signature": WRONG_SECRET,
    "timestamp": "the clocks of this machine and of the shop differ by more than 15 minutes. Set this machine's clock (NTP).",
}


def _denied_because(status: int, message: str) -> str:
    for words, because in BECAUSE.items():
        if words in message.lower():
            return because
    if status == 403:
        return f"the key's user may not do this. In {KEYS_PAGE} give the key to a shop manager or administrator."
    return (
        "the shop does not know this key, or its web server drops the Authorization header. "
        f"Check `consumer_key` in {KEYS_PAGE} (permissions Read/Write); if it is right, ask the host about that header."
    )
