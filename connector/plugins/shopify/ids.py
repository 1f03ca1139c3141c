"""Shopify's ids: `gid://shopify/LineItem/1` in its API, "1" with us. They go above 2^53, so they are always texts."""

from __future__ import annotations

from typing import Any


def gid(kind: str, bare: str) -> str:
    """The API's id of a bare one: gid("Order", "1") is "gid://shopify/Order/1"."""
    return f"gid://shopify/{kind}/{bare}"


def bare(value: Any) -> str:
    """The number at the end of an id, as text; "" for none. `?` and what follows it is no part of it."""
    return str(value or "").rpartition("/")[2].partition("?")[0]


def kind_of(value: Any) -> str:
    """What an id is an id of: "Order" for "gid://shopify/Order/1", "" where it does not say."""
    parts = str(value or "").split("/")
    return parts[3] if len(parts) == 5 and parts[0] == "gid:" else ""


def is_id(value: str) -> bool:
    """Is this a bare id? What is none never becomes part of a query."""
    return value.isascii() and value.isdecimal()
