"""`connector accounts`: shops, carriers, mail servers, and whether anything may leave for them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import out
from .opening import account_of, asker, opened, who_option

if TYPE_CHECKING:
    from ..app import App
    from ..context import Account
    from ..store.rows import ModeRow

MODES = {
    "shadow": "nothing leaves; what would is planned",
    "rehearsal": "only orders of a rehearsal are worked on",
    "live": "everything leaves",
}


@click.group(short_help="Shops, carriers, mail servers; is anything sent for them?")
def accounts() -> None:
    """The accounts of connector.toml, and whether anything may leave for them."""


@accounts.command("list")
@out.json_option
@click.pass_obj
def list_(config: Path, as_json: bool) -> None:
    """List all accounts with their mode."""
    from ..store import lists

    with opened(config) as app:
        with app.database.reading() as connection:
            modes = lists.modes(connection)
        documents = [_document(app, account, modes.get(account.id)) for account in app.registry.accounts.values()]
        if as_json:
            out.show_json({"accounts": documents})
        elif not documents:
            out.show("There is no account yet. Add your shop: connector init --platform woocommerce --url https://SHOP")
        else:
            headers = ("Account", "Plugin", "Kind", "Mode", "Since", "Set by", "Id")
            rows = [_cells(app, account, modes.get(account.id)) for account in app.registry.accounts.values()]
            out.table(headers, rows, wrap=("Kind", "Set by"))


def _kinds(app: App, account: Account) -> list[str]:
    info = app.registry.infos.get(account.plugin)
    return [str(kind) for kind in info.kinds] if info else ["blocked"]


def _document(app: App, account: Account, mode: ModeRow | None) -> dict[str, object]:
    return {
        "account": account.name,
        "id": account.id,
        "plugin": account.plugin,
        "kinds": _kinds(app, account),
        "mode": mode.mode if mode else "shadow",
        "since": mode.since if mode else None,
        "who": mode.who if mode else "",
    }


def _cells(app: App, account: Account, mode: ModeRow | None) -> tuple[object, ...]:
    since = out.when(mode.since, app.settings.zone) if mode else "-"
    word = out.word(mode.mode if mode else "shadow")
    return account.name, account.plugin, ", ".join(_kinds(app, account)), word, since, mode.who if mode else "", account.id


@accounts.command()
@click.argument("name", metavar="ACCOUNT")
@click.argument("new", metavar="[MODE]", type=click.Choice([*MODES]), required=False)
@click.option("--yes", "-y", is_flag=True, help="Do not ask before going live.")
@who_option
@out.json_option
@click.pass_obj
def mode(config: Path, name: str, new: str | None, yes: bool, who: str | None, as_json: bool) -> None:
    """Show or change the mode of an account: shadow (nothing leaves), rehearsal (only test orders) or live."""
    from ..store import lists, shared

    with opened(config) as app:
        account = account_of(app, name)
        with app.database.reading() as connection:
            before = shared.mode(connection, account.id)
            waiting = len(lists.held_back(connection, account.id, limit=1000))
        if new is None or new == before:
            _tell(account, before, before, waiting, woken=0, as_json=as_json)
            return
        if new == "live" and not yes:
            _confirm(account, waiting)
        with app.database.writing() as connection:
            shared.set_mode(connection, account.id, account.name, new, who=asker(who), now=app.clock.now())
        woken = wake_held_back(app, account) if new != "shadow" else 0
        _tell(account, before, new, waiting, woken=woken, as_json=as_json)


def _confirm(account: Account, waiting: int) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError("going live needs --yes where nobody can be asked")
    more = "at least " if waiting >= 1000 else ""
    held = f"Something is planned for {more}{out.counted(waiting, 'order')} and leaves at once. " if waiting else ""
    click.confirm(f"{held}From now on everything leaves for {account.name}. Go live?", abort=True)


def wake_held_back(app: App, account: Account) -> int:
    """Have every order looked at again for which something of this account was held back. A batch at a time."""
    from ..store import lists
    from ..store.orders import wake

    woken = last = 0
    while True:
        with app.database.reading() as connection:
            ids = lists.held_back(connection, account.id, after_id=last)
        if not ids:
            return woken
        with app.database.writing() as connection:
            for order_id in ids:
                wake(connection, order_id, app.clock.now())
        woken, last = woken + len(ids), ids[-1]


def _tell(account: Account, before: str, now: str, waiting: int, *, woken: int, as_json: bool) -> None:
    from rich.text import Text

    if as_json:
        document = {"account": account.name, "before": before, "mode": now, "held_back": waiting, "woken": woken}
        out.show_json(document)
        return
    said = "" if before == now else f" (was {before})"
    out.show(Text.assemble(account.name, " is ", out.word(now), f"{said}: {MODES[now]}."))
    if woken:
        out.note(f"{out.counted(woken, 'order')} held back so far: connector run takes them up, and connector pull.")
    elif waiting and now == "shadow":
        out.note(
            f"Something is planned for {out.counted(waiting, 'order')}. To send it: connector accounts mode {account.name} live"
        )
