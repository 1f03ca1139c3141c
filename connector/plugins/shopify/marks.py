"""What our writes leave in the shop, so that they are told from everybody else's and found again. Pure."""

from __future__ import annotations

import re
from hashlib import sha256
from uuid import NAMESPACE_URL, uuid5

HOLD_TAG = "oc-hold"
HOLD_HANDLE = "oc-"
_MARK = re.compile(r"\[oc:[0-9a-f]{12}\]")


def mark(key: str) -> str:
    """What of an effect's key is written into the shop: short, and the same for the same key."""
    return f"[oc:{sha256(key.encode()).hexdigest()[:12]}]"


def without_attempt(key: str) -> str:
    """The key that all attempts of one effect share. A second attempt that carries what the first one did is no second refund,
    should Shopify know of the first one after all."""
    return key.rpartition("/")[0]


def once(key: str) -> str:
    """The key as `@idempotent` wants it: a UUID, derived (version 5) as its documentation advises for keys that must be the
    same each time. https://shopify.dev/docs/api/usage/implementing-idempotency (2026-09)"""
    return str(uuid5(NAMESPACE_URL, key))


def handle(reason: str, code: str) -> str:
    """Our name for a hold: one per reason and finding, the same whenever it is asked for (64 characters at most)."""
    return HOLD_HANDLE + sha256(f"{reason}/{code}".encode()).hexdigest()[:12]


def note_line(text: str, key: str) -> str:
    """A note of ours as one line of the order's note."""
    return f"{mark(key)} {' '.join(text.split())}"


def is_ours(line: str) -> bool:
    """Is this line of an order's note one of ours?"""
    return _MARK.match(line) is not None


def without_ours(note: str) -> str:
    """An order's note as customer and staff wrote it: without our lines."""
    return "\n".join(line for line in note.split("\n") if not is_ours(line)).strip()


def ours(note: str) -> tuple[str, ...]:
    """Our lines in an order's note, without the marks."""
    return tuple(_MARK.sub("", line).strip() for line in note.split("\n") if is_ours(line))
