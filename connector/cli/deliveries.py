"""`connector deliveries`: webhooks as they arrived, and reading them once more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import out
from .opening import NotThere, account_ids, account_option, opened
from .paging import after_option, limit_option, more, page

if TYPE_CHECKING:
    from ..app import App
    from ..store.deliveries import StoredDelivery
    from ..store.rows import DeliveryRow


@click.group(short_help="Webhooks as they arrived, and reading them again.")
def deliveries() -> None:
    """Webhook deliveries as they arrived. Each was stored before it was answered, and can be read again."""


@deliveries.command("list")
@click.option("--state", type=click.Choice(["new", "done", "bad"]), help="bad: it cannot be read.")
@account_option
@limit_option
@after_option
@out.json_option
@click.pass_obj
def list_(config: Path, state: str | None, account_names: tuple[str, ...], limit: int, after: str, as_json: bool) -> None:
    """List deliveries, newest first, without what they hold."""
    from ..store import lists

    with opened(config) as app:
        ids = account_ids(app, account_names)
        with app.database.reading() as connection, page():
            found = lists.deliveries_page(connection, state=state or "", account_ids=ids, limit=limit, after=after)
        if as_json:
            out.show_json({"deliveries": [_line(app, row) for row in found.rows], "next": found.next})
        elif not found.rows:
            out.show("No delivery matches." if state or account_names else "No webhook has arrived yet. See: connector check")
        else:
            zone = app.settings.zone
            headers = ("No.", "Account", "Received", "Topic", "State", "Said")
            rows = [
                (
                    row.id,
                    _account(app, row),
                    out.when(row.received_at, zone, seconds=True),
                    row.topic,
                    out.word(row.state),
                    row.said,
                )
                for row in found.rows
            ]
            out.table(headers, rows, right=("No.",), wrap=("Said",))
            more(found.next)


def _account(app: App, row: DeliveryRow) -> str:
    """The account's name; its id where the configuration does not have it any more."""
    return next((account.name for account in app.registry.accounts.values() if account.id == row.account_id), row.account_id)


def _line(app: App, row: DeliveryRow) -> dict[str, Any]:
    return {
        "delivery": row.id,
        "account": _account(app, row),
        "received_at": row.received_at,
        "topic": row.topic,
        "state": row.state,
        "said": row.said,
        "tries": row.tries,
        "sha256": row.digest,
    }


@deliveries.command()
@click.argument("number", type=int)
@click.option("--raw", is_flag=True, help="Print headers and body even if the output is not a terminal.")
@out.json_option
@click.pass_obj
def show(config: Path, number: int, raw: bool, as_json: bool) -> None:
    """Show one delivery. Headers and body may hold a customer's data: only on a terminal, or with --raw."""
    with opened(config) as app:
        row, stored = _rows(app, [number])[0], app.deliveries.read(number)
        open_ = raw or out.seen_by_a_person()
        if as_json:
            out.show_json(_line(app, row) | (_content(stored) if open_ else {}))
            return
        for name, value in _line(app, row).items():
            out.show(f"{name.replace('_', ' '):12} {value or '-'}")
        if stored is None or stored.delivery is None:
            out.note("Its body was erased.")
        elif open_:
            headers = [f"{name}: {value}" for name, value in stored.delivery.headers.items()]
            out.show("", *headers, "")
            click.echo(_body(stored.delivery.body))
        else:
            out.note("Headers and body may hold a customer's data; --raw prints them here, too.")


def _content(stored: StoredDelivery | None) -> dict[str, Any]:
    delivery = stored.delivery if stored else None
    if delivery is None:
        return {"headers": None, "body": None}
    return {"headers": dict(delivery.headers), "body": delivery.body.decode("utf-8", "replace")}


def _body(body: bytes) -> str:
    """Laid out where it is JSON."""
    import msgspec

    try:
        text = msgspec.json.format(body, indent=2).decode()
    except (msgspec.MsgspecError, UnicodeDecodeError):
        text = body.decode("utf-8", "replace")
    return "\n".join(out.clean(line) for line in text.splitlines())


@deliveries.command()
@click.argument("numbers", type=int, nargs=-1, metavar="[NUMBER]...")
@click.option("--bad", is_flag=True, help="All that could not be read (500 at a time).")
@out.json_option
@click.pass_obj
def replay(config: Path, numbers: tuple[int, ...], bad: bool, as_json: bool) -> None:
    """Read deliveries once more, after what was wrong with them was mended. The orders they name are looked at again."""
    from .. import news
    from ..store import lists

    if bool(numbers) == bad:
        raise click.UsageError("say which deliveries, or --bad")
    with opened(config) as app:
        if bad:
            with app.database.reading() as connection:
                ids = [row.id for row in lists.deliveries_page(connection, state="bad", limit=lists.LONGEST).rows][::-1]
        else:
            ids = [row.id for row in _rows(app, list(numbers))]
        if ids:
            app.deliveries.replay(now=app.clock.now(), ids=ids)
        with out.progress("reading", len(ids)) as bar:
            for number in ids:
                news.read_delivery(app, number)
                out.step(bar)
        _tell(app, _rows(app, ids) if ids else [], as_json=as_json)


def _tell(app: App, rows: list[DeliveryRow], *, as_json: bool) -> None:
    failed = [row for row in rows if row.state != "done"]
    if as_json:
        out.show_json({"read": len(rows) - len(failed), "failed": len(failed), "deliveries": [_line(app, row) for row in rows]})
    elif not rows:
        out.show("There is no bad delivery.")
    else:
        out.show(f"{out.counted(len(rows) - len(failed), 'delivery', 'deliveries')} read, {len(failed)} could not be read.")
        for row in failed:
            out.show(f"  {row.id}: {row.said}")
        if len(failed) < len(rows):
            out.note("Their orders are due now: connector run looks at them.")
    raise click.exceptions.Exit(1 if failed else 0)


def _rows(app: App, numbers: list[int]) -> list[DeliveryRow]:
    from ..store import lists

    with app.database.reading() as connection:
        rows = lists.deliveries_of(connection, numbers)
    missing = set(numbers[: lists.LONGEST]) - {row.id for row in rows}
    if missing:
        raise NotThere(f"there is no delivery {min(missing)}. Those that there are: connector deliveries list")
    return rows
