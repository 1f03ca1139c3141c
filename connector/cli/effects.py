"""`connector effects`: what left the house, and what nobody knows about."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import out
from .acting import Wish, acting, carry_out, tell
from .finding import find, ref_argument
from .opening import NotThere, account_ids, account_option, opened
from .paging import after_option, limit_option, more, page

if TYPE_CHECKING:
    from ..app import App
    from ..model.case import Act
    from ..store.rows import EffectLine, OrderRow


@click.group(short_help="What left the house, and what nobody knows about.")
def effects() -> None:
    """What left the house: refunds, labels, cancellations, messages. Each is in the ledger before it is sent."""


@effects.command("list")
@click.argument("ref", metavar="[ORDER]", required=False)
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(["planned", "sent", "unknown"]),
    help="Without an order: only these.  [default: sent, unknown]",
)
@account_option
@limit_option
@after_option
@out.json_option
@click.pass_obj
def list_(
    config: Path,
    ref: str | None,
    states: tuple[str, ...],
    account_names: tuple[str, ...],
    limit: int,
    after: str,
    as_json: bool,
) -> None:
    """List all effects of an order; without one, those of all orders that are not settled."""
    from ..store import lists

    if ref and (states or account_names or after):
        raise click.UsageError("with an order, all of its effects are shown; leave --state, --account and --after out")
    with opened(config) as app:
        ids, order = account_ids(app, account_names), find(app, ref) if ref else None
        with app.database.reading() as connection, page():
            if order is not None:
                found = lists.Listed(rows=tuple(lists.effects_of(connection, order.id)))
            else:
                asked = states or lists.UNSETTLED
                found = lists.effects_page(connection, states=asked, account_ids=ids, limit=limit, after=after)
        if as_json:
            out.show_json({"effects": found.rows, "next": found.next})
        elif not found.rows:
            out.show(f"Nothing has left for {order.ref} yet." if order else "Every effect is settled: nothing to look at.")
        else:
            _table(app, found.rows, of_one=order is not None)
            more(found.next)


def _table(app: App, rows: tuple[EffectLine, ...], *, of_one: bool) -> None:
    zone = app.settings.zone
    headers = ("When", *(() if of_one else ("Order",)), "Kind", "For", "Try", "State", "Said")
    shown = [
        (
            out.when(row.sent_at or row.planned_at, zone, seconds=True),
            *(() if of_one else (row.ref or "-",)),
            row.kind,
            row.request_id,
            row.attempt,
            out.word(row.state),
            row.said,
        )
        for row in rows
    ]
    out.table(headers, shown, right=("Try",), wrap=("For", "Said"))


@effects.command()
@ref_argument
@click.argument("act_or_key", metavar="ACT_OR_KEY")
@click.option("--happened/--not-happened", "happened", default=None, help="What you found out at the vendor's.")
@click.option("--tracking", default="", metavar="NUMBER", help="Of a label that was bought: its tracking number.")
@acting
@click.pass_obj
def resolve(config: Path, ref: str, act_or_key: str, happened: bool | None, tracking: str, wish: Wish) -> None:
    """Say whether something happened that nobody knows about.

    What did not happen is sent again. What did happen is not, and the order goes on from there as if the answer had come.
    """
    if happened is None:
        raise click.UsageError("say --happened or --not-happened; look at the vendor's own page first")
    with opened(config) as app:
        order = find(app, ref)
        act = _act(app, order, act_or_key)
        if tracking and not (happened and act.kind == "buy_label"):
            raise click.UsageError("--tracking is for a label that was bought (buy_label, --happened)")
        body = {"do": "resolve", "act": act.id, "happened": happened} | ({"tracking": tracking} if tracking else {})
        tell(app, carry_out(app, order, body, wish), wish)


def _act(app: App, order: OrderRow, act_or_key: str) -> Act:
    """The act that is meant: by its own id or by the key of its effect."""
    from ..store import lists

    with app.database.reading() as connection:
        case = app.orders.read(connection, order.id)
        effect = lists.effect(connection, act_or_key)
    acts = case.acts if case else ()
    act_id = effect.request_id if effect is not None and effect.order_id == order.id else act_or_key
    if effect is not None and effect.kind == "notify":
        raise NotThere(f"this is a message; if it has to go out again: connector mails resend {effect.request_id}")
    found = next((act for act in acts if act.id == act_id), None)
    if found is None:
        raise NotThere(f"{order.ref} has no act {out.clean(act_or_key)}. {_waiting(acts)}")
    return found


def _waiting(acts: tuple[Act, ...]) -> str:
    from ..model.case import ActState

    waiting = [act.id for act in acts if act.state is ActState.WAITING]
    return f"Waiting for an answer: {', '.join(waiting)}" if waiting else "Nothing of it waits for an answer."
