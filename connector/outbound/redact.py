"""Striking out what must not be written down: credentials in addresses and texts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urlsplit, urlunsplit

_SECRET_NAME = re.compile(r"secret|token|password|signature|api_?key|consumer_key|authorization|nonce|access", re.IGNORECASE)
STRUCK = "***"
NO_ADDRESS = "(no address)"


def url(address: str, secrets: Iterable[str] = ()) -> str:
    """An address without user, password and the values of secret parameters."""
    try:
        parts = urlsplit(address)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        host = None
    if not host:
        return NO_ADDRESS  # whatever stands where, it may be a password
    secrets = tuple(secrets)
    query = [
        (name, STRUCK if _SECRET_NAME.search(name) else text(value, secrets))
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    return text(urlunsplit((parts.scheme, host + port, parts.path, urlencode(query, safe="*"), "")), secrets)


def text(words: str, secrets: Iterable[str] = ()) -> str:
    """A text without any of an account's own secrets, and without secret parameters of addresses in it."""
    long_enough = {secret for secret in secrets if len(secret) >= 4}
    forms = long_enough | {quote(secret, safe="") for secret in long_enough} | {quote_plus(secret) for secret in long_enough}
    for form in sorted(forms, key=len, reverse=True):  # the longest first, or the rest of it would stay
        words = words.replace(form, STRUCK)
    return re.sub(r"(?i)((?:secret|token|password|signature|consumer_key)=)[^&\s'\"]+", rf"\1{STRUCK}", words)


def secrets_of(config: Any) -> tuple[str, ...]:
    """The values of a plugin config's secret fields (those that say `extra={"secret": True}`)."""
    return () if config is None else tuple(str(getattr(config, name) or "") for name in _secret_fields(config.__class__))


@cache
def _secret_fields(config: type[Any]) -> tuple[str, ...]:
    return tuple(name for name, hint in get_type_hints(config, include_extras=True).items() if _says_secret(hint))


def _says_secret(hint: Any) -> bool:
    """`Annotated[str, Meta(extra=...)]`, also inside of `... | None`."""
    if get_origin(hint) is Annotated:
        return any((getattr(about, "extra", None) or {}).get("secret") for about in get_args(hint)[1:])
    return any(_says_secret(part) for part in get_args(hint))
