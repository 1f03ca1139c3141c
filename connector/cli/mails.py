"""`connector mails`: who was told of what, and telling them once more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..model.events import DutyState
from . import out
from .acting import Wish, acting, again_option, carry_out, tell
from .finding import find
from .opening import NotThere, opened
from .paging import after_option, limit_option, more, page

if TYPE_CHECKING:
    from ..app import App
    from ..store.rows import DutyRow


@click.group(short_help="Messages to customers and merchant, and sending them again.")
def mails() -> None:
    """Messages to customers and merchant. Each goes out at most once."""


@mails.command("list")
@click.argument("ref", metavar="[ORDER]", required=False)
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([state.value for state in DutyState]),
    help="Without an order: only these.  [default: owed, unknown, failed]",
)
@limit_option
@after_option
@out.json_option
@click.pass_obj
def list_(config: Path, ref: str | None, states: tuple[str, ...], limit: int, after: str, as_json: bool) -> None:
    """List all messages of an order; without one, those of all orders that did not go out or may not have."""
    from ..store import lists

    if ref and (states or after):
        raise click.UsageError("with an order, all of its messages are shown; leave --state and --after out")
    with opened(config) as app:
        order = find(app, ref) if ref else None
        with app.database.reading() as connection, page():
            if order is not None:
                found = lists.Listed(rows=tuple(lists.duties_of(connection, order.id)))
            else:
                found = lists.duties_page(connection, states=states or lists.TO_LOOK_AT, limit=limit, after=after)
        if as_json:
            out.show_json({"mails": found.rows, "next": found.next})
        elif not found.rows:
            out.show(
                f"Nobody is owed a message about {order.ref}." if order else "Nothing to look at: every message is settled."
            )
        else:
            _table(app, found.rows)
            more(found.next)


def _table(app: App, rows: tuple[DutyRow, ...]) -> None:
    zone = app.settings.zone
    headers = ("Order", "Of what", "To", "State", "When", "Message", "Said")
    shown = [
        (
            row.ref,
            out.word(row.event),
            row.person,
            out.word(row.state),
            out.when(row.settled_at or row.owed_at, zone),
            row.id,
            "" if row.state == DutyState.SENT else row.said,
        )
        for row in rows
    ]
    out.table(headers, shown, wrap=("Message", "Said"))


@mails.command()
@click.argument("message", metavar="MESSAGE")
@again_option
@acting
@click.pass_obj
def resend(config: Path, message: str, wish: Wish) -> None:
    """Send a message once more: MESSAGE as `mails list` names it."""
    from ..errors import Conflict
    from ..store import lists

    with opened(config) as app:
        with app.database.reading() as connection:
            duty = lists.duty(connection, message)
            order = lists.orders_of(connection, [duty.order_id])[0] if duty else None
        if duty is None or order is None:
            raise NotThere(f"there is no message {out.clean(message)!r}. Those of an order: connector mails list ORDER")
        if duty.state == DutyState.OWED:
            raise Conflict(f"{duty.id} has not been sent yet; it goes out by itself")
        tell(app, carry_out(app, order, {"do": "resend", "duty": duty.id}, wish), wish)
