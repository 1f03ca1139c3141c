"""Global ids: `gid://shopify/Order/5012345678901`. Inside the sandbox an id is the number alone."""

from __future__ import annotations

import re

GID = re.compile(r"gid://shopify/([A-Za-z]+)/([^/?]+)(?:\?.*)?")


def gid(kind: str, number: int | str) -> str:
    return f"gid://shopify/{kind}/{number}"


def number_in(text: str | None, kind: str) -> int | None:
    """The number of a global id of that kind; None for other kinds and for anything that is no number."""
    found = GID.fullmatch(text or "")
    if found is None or found[1] != kind or not found[2].isdigit():
        return None
    return int(found[2])


def kind_of(text: str) -> str | None:
    """`Order` of `gid://shopify/Order/1`; None when it is no global id."""
    found = GID.fullmatch(text)
    return found[1] if found else None
