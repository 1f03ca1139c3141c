"""Which order is meant: by its reference or by its number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from . import out
from .opening import NotThere

if TYPE_CHECKING:
    from ..app import App
    from ..store.rows import OrderRow

ref_argument = click.argument("ref", metavar="ORDER")


def find(app: App, ref: str) -> OrderRow:
    """The order that a person means: `account/platform-id`, or its number with or without #.

    Raises:
        NotThere: there is none, or several (it lists them).
    """
    from ..store import lists

    name, _, platform_id = ref.partition("/")
    account = app.registry.accounts.get(name)
    with app.database.reading() as connection:
        exact = lists.order_at(connection, account.id, platform_id) if account and platform_id else None
        found = [exact] if exact else lists.orders_called(connection, ref)
    if not found:
        raise NotThere(f"there is no order {out.clean(ref)!r}. Those that there are: connector orders list")
    if len(found) > 1:
        raise NotThere(_several(app, ref, found))
    return found[0]


def _several(app: App, ref: str, found: list[OrderRow]) -> str:
    lines = [
        f"  {row.ref}  {row.number}  placed {out.when(row.placed_at, app.settings.zone)}  {row.stage.replace('_', ' ')}"
        for row in found
    ]
    return out.clean("\n".join([f"{ref!r} is the number of several orders; say which one:", *lines]))
