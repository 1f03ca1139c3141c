"""What an answer of Shopify's GraphQL API means: its data, or one of our errors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from connector import ConfigError, ConnectorError, OutcomeUnknown, Refused, TryLater

from .costs import seconds_until
from .versions import SUNSET, VERSION

if TYPE_CHECKING:
    from requests import Response

SCOPE = re.compile(r"`(\w+)` access scope")
# What Shopify says when nothing was done because it would not even begin; every other error may come from the middle.
# Recorded 2026-04, and https://shopify.dev/docs/api/admin-graphql#status_and_error_codes (2026-11).
BEFORE_ANYTHING = frozenset({"RESOURCE_NOT_FOUND", "BAD_REQUEST", "INVALID_FIELD_ARGUMENTS", "MAX_COST_EXCEEDED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Whose answer it is, and what was being done: for the texts of errors."""

    account: str
    shop: str
    site: str
    doing: str

    def labels(self, code: str = "", request_id: str = "") -> dict[str, str]:
        return {"account": self.account, "operation": self.doing, "code": code, "vendor_request_id": request_id}


def read(response: Response, about: About) -> dict[str, Any]:
    """The JSON of an answer to a query. Raises TryLater or ConfigError where there is none."""
    said = _json(response)
    if response.status_code == 200 and said is not None:
        return said
    raise _denied(response, about) or TryLater(
        _unreadable(response), after_s=_wait(response), **about.labels(request_id=_request_id(response))
    )


def read_written(response: Response, about: About) -> dict[str, Any]:
    """The JSON of an answer to a mutation. Raises OutcomeUnknown where it cannot be told whether it happened."""
    said = _json(response)
    if response.status_code == 200 and said is not None:
        return said
    text = f"{_unreadable(response)} It may have happened all the same."
    raise _denied(response, about) or OutcomeUnknown(text, **about.labels(request_id=_request_id(response)))


def data(said: Mapping[str, Any], about: About) -> dict[str, Any]:
    """The complete data of a query's answer. Raises where there are errors in it, even beside data."""
    errors = list(_errors(said))
    for error in errors:
        _raise_known(said, error, about)
    if errors:
        code, text = _code(errors[0]), _message(errors[0])
        if code in ("", "INTERNAL_SERVER_ERROR", "TIMEOUT"):
            raise TryLater(f"Shopify failed: {text}", after_s=10, **about.labels(code))
        raise Refused(text, **about.labels(code))
    found = said.get("data")
    if not isinstance(found, dict):
        raise TryLater("Shopify's answer has no data in it.", after_s=10, **about.labels())
    return found


def payload(said: Mapping[str, Any], about: About) -> dict[str, Any]:
    """The payload of the one mutation in an answer. Raises Refused with Shopify's own words where it said no."""
    fields = said.get("data")
    found = next(iter(fields.values()), None) if isinstance(fields, dict) else None
    if isinstance(found, dict):  # errors beside it are about what was to be read back: the change itself was made
        for name, problems in found.items():
            if name.lower().endswith("usererrors") and problems:
                raise _refused(problems, about)
        return found
    errors = list(_errors(said))
    for error in errors:
        if len(error.get("path") or ()) <= 1:  # deeper: the mutation ran, and its answer could not be shown
            _raise_known(said, error, about)
            if _is_before_anything(error, said):
                raise Refused(_message(error), **about.labels(_code(error)))
    text = _message(errors[0]) if errors else "the answer has nothing in it."
    raise OutcomeUnknown(
        f"Shopify failed: {text} It may have happened all the same.", **about.labels(_code(errors[0]) if errors else "")
    )


def again(about: About, text: str, *, after_s: float) -> TryLater:
    return TryLater(text, after_s=after_s, **about.labels())


# --- errors in the answer ---------------------------------------------------------------------------------------------


def _errors(said: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Top-level errors; Shopify gives a plain text instead of the list where it refuses the whole call."""
    errors = said.get("errors")
    if isinstance(errors, list):
        yield from (error if isinstance(error, dict) else {"message": str(error)} for error in errors)
    elif errors:
        yield {"message": str(errors)}


def _code(error: Mapping[str, Any]) -> str:
    extensions = error.get("extensions")
    return str(extensions.get("code") or "") if isinstance(extensions, dict) else ""


def _message(error: Mapping[str, Any]) -> str:
    return " ".join(str(error.get("message") or "no reason given").split())[:300]


def _is_before_anything(error: Mapping[str, Any], said: Mapping[str, Any]) -> bool:
    # A query that is not valid is not begun: the answer then has no `data` at all, and a lower-case code or INVALID_VARIABLE.
    code = _code(error)
    return code in BEFORE_ANYTHING or (bool(code) and "data" not in said and code != "INTERNAL_SERVER_ERROR")


def _raise_known(said: Mapping[str, Any], error: Mapping[str, Any], about: About) -> None:
    """Raise what means the same for a query and a change: nothing was done, and why."""
    code, message = _code(error), _message(error)
    if code == "THROTTLED":
        text = "the account's points are used up just now."
        raise TryLater(text, after_s=seconds_until(said), **about.labels(code))
    if code == "ACCESS_DENIED":
        raise ConfigError(f"account {about.account}: {about.doing}: {_missing(error, message)}")
    if code == "SHOP_INACTIVE":
        text = "the shop is closed or paused at Shopify; its owner can open it again."
        raise TryLater(text, after_s=3600, **about.labels(code))


def _missing(error: Mapping[str, Any], message: str) -> str:
    scopes = ", ".join(dict.fromkeys(SCOPE.findall(str((error.get("extensions") or {}).get("requiredAccess") or message))))
    if not scopes:
        return f"the app may not do this ({message})"
    return (
        f"the app lacks the access scope {scopes}. Add it to the app (Dev Dashboard > your app > Versions), release that, and "
        f"approve it in the shop. (Shopify says: {message})"
    )


def _refused(problems: Any, about: About) -> ConnectorError:
    """`userErrors`: the sentence, and where in the input it belongs if it does not say so itself."""
    rows = [row for row in problems if isinstance(row, dict)] if isinstance(problems, list) else []
    text = " ".join(_sentence(row) for row in rows) or str(problems)[:300]
    code = next((str(row["code"]) for row in rows if row.get("code")), "")
    if code in ("IDEMPOTENCY_CONCURRENT_REQUEST", "CONCURRENT_REQUEST"):  # the first one with this key is still at it
        return OutcomeUnknown(text, **about.labels(code))
    return Refused(text, **about.labels(code))


def _sentence(row: Mapping[str, Any]) -> str:
    message = " ".join(str(row.get("message") or "no reason given").split())[:300]
    message = message if message.endswith((".", "!", "?")) else f"{message}."
    field = row.get("field")
    where = ".".join(str(part) for part in field) if isinstance(field, list) else ""
    return f"{message} ({where})" if where else message


# --- HTTP -------------------------------------------------------------------------------------------------------------


def _json(response: Response) -> dict[str, Any] | None:
    try:
        said = response.json()
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def _request_id(response: Response) -> str:
    return str(response.headers.get("X-Request-Id", ""))


def _wait(response: Response) -> float:
    """Retry-After in seconds, within reason. What goes on failing is tried less often by itself."""
    try:
        return min(3600.0, max(1.0, float(response.headers.get("Retry-After", "10"))))
    except ValueError:
        return 10.0


def _unreadable(response: Response) -> str:
    status = response.status_code
    if response.content[:200].lstrip().lower().startswith((b"<!doctype", b"<html")):
        return f"Shopify answered with a web page instead of data (HTTP {status})."
    return f"Shopify's answer cannot be read (HTTP {status})."


def _denied(response: Response, about: About) -> ConnectorError | None:
    """The error for a status with which Shopify surely did nothing; None for any other status."""
    status, who, labels = response.status_code, f"account {about.account}", about.labels(request_id=_request_id(response))
    words = next((_message(error) for error in _errors(_json(response) or {})), "")
    if 300 <= status < 400 or status == 404:
        return ConfigError(_elsewhere(response, about))
    if status == 401:
        return ConfigError(f"{who}: {about.shop} does not accept our access token: it is wrong, or the app was uninstalled.")
    if status == 402:
        text = "the shop is frozen: its owner has to settle the bill with Shopify."
        return TryLater(text, after_s=3600, **labels)
    if status == 403:
        return ConfigError(f"{who}: {about.doing}: {about.shop} does not let the app do this. {words}".strip())
    if status == 423:
        return TryLater("Shopify has locked the shop; its owner has to ask Shopify's support.", after_s=3600, **labels)
    if status in (425, 429, 430):
        return TryLater(f"Shopify asks to wait (HTTP {status}).", after_s=_wait(response), **labels)
    if 400 <= status < 500 and status != 408:
        return Refused(words or f"Shopify does not understand this call (HTTP {status}).", **labels)
    return None


def _elsewhere(response: Response, about: About) -> str:
    to = urlsplit(response.headers.get("Location", "")).netloc
    leads = f"{about.site} sends us on to {to}" if to else f"there is no Shopify API of version {VERSION} at {about.site}"
    late = f" If it is right, update order-connector: Shopify serves {VERSION} until {SUNSET}." if not to else ""
    return (
        f"account {about.account}: {leads}. Set `shop` to the shop's address at Shopify, example.myshopify.com (Settings > "
        f"Domains in the admin), not to the domain that customers see.{late}"
    )
