"""`connector orders`: look at orders, and decide about them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..model.flow import Stage
from . import out
from .finding import find, ref_argument
from .lazy import LazyGroup
from .opening import account_ids, account_option, opened
from .paging import after_option, limit_option, more, page

if TYPE_CHECKING:
    from rich.text import Text

    from ..store.rows import OrderRow

ACTING = ("approve", "hold", "release", "capture", "ship", "tracking", "cancel", "refund", "note")


@click.group(
    cls=LazyGroup,
    commands_at={"list": "orders:list_", "show": "orders:show"} | {name: f"orders_do:{name}" for name in ACTING},
)
def orders() -> None:
    """Look at orders, and decide about them.

    An order is named by its reference (us-shop/5012345678) or its number (#1001 or 1001).
    """


@click.command("list")
@click.option(
    "--stage",
    "stages",
    multiple=True,
    type=click.Choice([stage.value for stage in Stage]),
    help="Only in this stage (several: or).",
)
@account_option
@limit_option
@after_option
@out.json_option
@click.pass_obj
def list_(config: Path, stages: tuple[str, ...], account_names: tuple[str, ...], limit: int, after: str, as_json: bool) -> None:
    """List orders, newest first."""
    from ..store import lists

    with opened(config) as app:
        ids = account_ids(app, account_names)
        with app.database.reading() as connection, page():
            found = lists.orders_page(connection, stages=stages, account_ids=ids, limit=limit, after=after)
        if as_json:
            out.show_json({"orders": [as_line(row) for row in found.rows], "next": found.next})
        elif not found.rows:
            out.show(_none(stages, account_names))
        else:
            zone = app.settings.zone
            headers = ("Order", "Number", "Placed", "Stage", "Payment", "Total", "Why")
            rows = [
                (
                    row.ref,
                    row.number,
                    out.when(row.placed_at, zone),
                    out.word(row.stage),
                    out.word(row.payment),
                    str(row.total or ""),
                    why(row),
                )
                for row in found.rows
            ]
            out.table(headers, rows, right=("Total",), wrap=("Why",))
            more(found.next)


def _none(stages: tuple[str, ...], account_names: tuple[str, ...]) -> str:
    if not stages and not account_names:
        return "There are no orders yet. Get them with: connector pull"
    said = [*(f"--stage {stage}" for stage in stages), *(f"--account {name}" for name in account_names)]
    return f"No order matches {' '.join(said)}."


def why(row: OrderRow) -> Text:
    """What an order waits for, or what went wrong with it."""
    from rich.text import Text

    if row.holds:
        return out.words(row.holds)
    return Text(out.clean(row.problem), style="red" if row.failures else "")


def as_line(row: OrderRow) -> dict[str, object]:
    """An order in a list, as JSON."""
    return {
        "order": row.ref,
        "number": row.number,
        "placed_at": row.placed_at,
        "changed_at": row.changed_at,
        "stage": row.stage,
        "payment": row.payment,
        "total": row.total and {"amount": row.total.text, "currency": row.total.currency},
        "holds": row.holds,
        "problem": row.problem,
        "version": row.version,
    }


@click.command()
@ref_argument
@click.option("--all", "everything", is_flag=True, help="The whole story, not only its latest lines.")
@out.json_option
@click.pass_obj
def show(config: Path, ref: str, everything: bool, as_json: bool) -> None:
    """Show one order: where it is and why, what was done, and what is left to do.

    Shows the customer's name and address: this is the merchant's own screen.
    """
    from . import order_screen

    with opened(config) as app:
        screen = order_screen.read(app, find(app, ref))
        if as_json:
            out.show_json(order_screen.as_document(screen))
        else:
            order_screen.show(screen, everything=everything)
