"""What a change that carries a key consists of, kept until Shopify forgets the key.

Shopify takes a repeat for the same change only if it is the same to the letter (IDEMPOTENCY_KEY_PARAMETER_MISMATCH otherwise),
and what it was made of (what is left, how much is in stock) may have changed since, not least by the change itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from connector import ConfigError, Context, TryLater

# "Shopify tracks idempotency keys for 24 hours from the original request", and answers a repeat with what the first one did,
# read anew. https://shopify.dev/docs/api/usage/implementing-idempotency (2026-07)
REMEMBERED_S = 23 * 3600.0
KEPT = timedelta(hours=30)

Plan = dict[str, Any]
"""JSON without personal data. `sent`: it may have reached Shopify."""


def plan(ctx: Context, name: str, make: Callable[[Plan], Plan]) -> Plan:
    """The plan that may have been sent already, or else a fresh one. `make` is given what there was before it."""
    there = known(ctx, name)
    if there.get("sent"):
        return there
    fresh = make(there) | {"sent": False}
    keep(ctx, name, fresh)
    return fresh


def known(ctx: Context, name: str) -> Plan:
    row = ctx.state.get(name)
    found = json.loads(row.value) if row is not None else {}
    return found if isinstance(found, dict) else {}


def keep(ctx: Context, name: str, planned: Plan) -> None:
    ctx.state.put(name, json.dumps(planned), expires_at=ctx.now() + KEPT)


def send(ctx: Context, name: str, doing: str, go: Callable[[Plan], Any]) -> Any:
    """Carry the plan out. It counts as sent from before the call, unless it surely did nothing the first time."""
    planned = known(ctx, name)
    if not planned:
        text = "what was sent is not known any more; it is looked up when Shopify has forgotten it, too."
        raise TryLater(text, after_s=3600, account=ctx.account.name, operation=doing)
    keep(ctx, name, planned | {"sent": True})
    try:
        return go(planned)
    except (TryLater, ConfigError):
        if not planned.get("sent"):
            keep(ctx, name, known(ctx, name) | {"sent": False})
        raise
