"""Striking out what must not be written down: credentials in addresses and texts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_SECRET_NAME = re.compile(r"secret|token|password|signature|api_?key|consumer_key|authorization|nonce|access", re.IGNORECASE)
STRUCK = "***"


def url(address: str, secrets: Iterable[str] = ()) -> str:
    """An address without user, password and the values of secret parameters."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.port:
        host = f"{host}:{parts.port}"
    query = [
        (name, STRUCK if _SECRET_NAME.search(name) else value) for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    clean = urlunsplit((parts.scheme, host, parts.path, urlencode(query, safe="*"), ""))
    return text(clean, secrets)


def text(words: str, secrets: Iterable[str] = ()) -> str:
    """A text without any of an account's own secrets, and without secret parameters of addresses in it."""
    for secret in secrets:
        if len(secret) >= 4:
            words = words.replace(secret, STRUCK)
    return re.sub(r"(?i)((?:secret|token|password|signature|consumer_key)=)[^&\s'\"]+", rf"\1{STRUCK}", words)


def secrets_of(config: Any) -> tuple[str, ...]:
    """The values of a plugin config's secret fields (those that say `extra={"secret": True}`)."""
    if config is None:
        return ()
    found = []
    for name, hint in get_type_hints(type(config), include_extras=True).items():
        if get_origin(hint) is Annotated and any(
            (getattr(about, "extra", None) or {}).get("secret") for about in get_args(hint)[1:]
        ):
            found.append(str(getattr(config, name) or ""))
    return tuple(found)
