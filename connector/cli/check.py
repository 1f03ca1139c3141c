"""`connector check`: does everything work that is configured? Reads only."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import out
from .opening import account_of, opened

if TYPE_CHECKING:
    from ..app import App
    from ..context import Account
    from ..model.events import Check


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One check and what it was about. `unreachable`: the other side did not answer, so nothing is known."""

    about: str
    check: Check
    unreachable: bool = False


@click.command(short_help="Does everything work, and how is it mended?")
@click.argument("name", metavar="[ACCOUNT]", required=False)
@out.json_option
@click.pass_obj
def check(config: Path, name: str | None, as_json: bool) -> None:
    """Check configuration, database and every account, and say how to mend what is wrong.

    Exit code 1: a check failed; 2: the configuration is wrong; 3: somebody could not be reached.
    """
    from ..model.events import CheckResult

    with opened(config) as app:
        accounts = [account_of(app, name)] if name else list(app.registry.accounts.values())
        with out.progress("checking"):
            found = [*_ours(app), *(one for account in accounts for one in _of(app, account))]
    failed = any(one.check.result is CheckResult.FAILED for one in found)
    unreachable = any(one.unreachable for one in found)
    if as_json:
        out.show_json({"ok": not failed, "checks": [_document(one) for one in found]})
    else:
        _table(found)
        out.show("", _verdict(found))
    raise click.exceptions.Exit(3 if unreachable else 1 if failed else 0)


def _document(one: Checked) -> dict[str, Any]:
    check = one.check
    said = {"about": one.about, "check": check.name, "result": check.result, "text": check.text, "fix": check.fix}
    return said | {"unreachable": one.unreachable}


def _table(found: list[Checked]) -> None:
    from rich.text import Text

    rows, before = [], ""
    for one in found:
        fix = "" if one.check.result == "ok" else one.check.fix
        said = Text(out.clean(one.check.text))
        rows.append((one.about if one.about != before else "", one.check.name, out.word(one.check.result), said, fix))
        before = one.about
    headers = ("About", "Check", "Result", "What was found", "How to mend it")
    out.table(headers, rows, wrap=("Check", "What was found", "How to mend it"))


def _verdict(found: list[Checked]) -> str:
    from ..model.events import CheckResult

    failed = sum(one.check.result is CheckResult.FAILED for one in found)
    warned = sum(one.check.result is CheckResult.WARNING for one in found)
    if failed:
        return f"{out.counted(failed, 'check')} failed, {out.counted(warned, 'warning')}."
    return f"Everything works, with {out.counted(warned, 'warning')}." if warned else "Everything works."


# --- ours -------------------------------------------------------------------------------------------------------------


def _ours(app: App) -> Iterator[Checked]:
    """Files, database, address. That the configuration could be read at all was found out by opening it."""
    from ..model.events import Check, CheckResult
    from ..store import migrate

    count = out.counted(len(app.registry.accounts), "account")
    yield Checked(about="here", check=Check(name="configuration", result=CheckResult.OK, text=f"{app.settings.path}: {count}."))
    kind = "SQLite" if app.database.is_sqlite else "PostgreSQL"
    said = f"{kind}, at version {migrate.head()}."
    yield Checked(about="here", check=Check(name="database", result=CheckResult.OK, text=said))
    yield from (Checked(about="here", check=one) for one in _secrets_file(app.settings.path.parent / ".env"))
    yield Checked(about="here", check=_public_url(app))


def _secrets_file(file: Path) -> Iterator[Check]:
    from ..model.events import Check, CheckResult

    if file.is_file() and stat.S_IMODE(file.stat().st_mode) & 0o077:
        text = f"{file} holds secrets, and others on this machine may read it."
        yield Check(name=".env", result=CheckResult.WARNING, text=text, fix=f"chmod 600 {file}")


def _public_url(app: App) -> Check:
    from ..model.events import Check, CheckResult

    url = app.settings.connector.public_url
    if not url:
        text = "No address is configured, so shops cannot send webhooks. They are asked for news instead, which is slower."
        fix = "Set public_url in [connector] to where this machine is reached from outside."
        return Check(name="webhooks", result=CheckResult.WARNING, text=text, fix=fix)
    if not url.startswith("https://"):
        fix = "Use https:// in public_url; shops refuse to send anywhere else, or customers' data can be read on the way."
        return Check(name="webhooks", result=CheckResult.WARNING, text=f"{url} is not encrypted.", fix=fix)
    return Check(name="webhooks", result=CheckResult.OK, text=f"Shops send to {url.rstrip('/')}/webhooks/ACCOUNT.")


# --- accounts ---------------------------------------------------------------------------------------------------------


def _of(app: App, account: Account) -> Iterator[Checked]:
    from ..model.events import Check, CheckResult

    if app.registry.is_blocked(account.plugin):
        text, fix = f"The plugin {account.plugin} is blocked.", "Take it out of blocked_plugins to use the account."
        blocked = Check(name="plugin", result=CheckResult.WARNING, text=text, fix=fix)
        yield Checked(about=account.name, check=blocked)
        return
    yield from _asked(app, account)
    yield from (Checked(about=account.name, check=one) for one in _mails(app, account))
    for other in _same_shop(app, account):
        text = f"{other} is an account of the same shop: every order would be worked on twice."
        same = Check(name="shop", result=CheckResult.FAILED, text=text, fix="Take one of the two away.")
        yield Checked(about=account.name, check=same)
    yield Checked(about=account.name, check=_mode(app, account))


def _asked(app: App, account: Account) -> Iterator[Checked]:
    """What the account's own plugin finds."""
    from ..errors import ConnectorError, TryLater
    from ..model.events import Check, CheckResult

    if not app.registry.implements(account.plugin, "check_account"):
        nothing = Check(name="account", result=CheckResult.OK, text=f"The plugin {account.plugin} has nothing to check.")
        yield Checked(about=account.name, check=nothing)
        return
    try:
        yield from (Checked(about=account.name, check=one) for one in app.hooks.check_account(account))
    except ConnectorError as error:
        unreachable = isinstance(error, TryLater)
        fix = "Try again; if it stays so, ask whoever runs it." if unreachable else "Do what it says, then check again."
        problem = Check(name="account", result=CheckResult.FAILED, text=str(error), fix=fix)
        yield Checked(about=account.name, check=problem, unreachable=unreachable)


def _mails(app: App, account: Account) -> Iterator[Check]:
    """What the merchant has decided about who tells whom. What the platform itself sends, its plugin says."""
    from ..model.events import Check, CheckResult, PluginKind

    wiring = app.settings.accounts[account.name].wiring
    if PluginKind.PLATFORM not in app.registry.infos[account.plugin].kinds:
        return
    tells = [f"{event} to the {person}: {who}" for event, persons in wiring.tells.items() for person, who in persons.items()]
    if tells:
        text = f"[accounts.{account.name}.tells] comes first: {', '.join(tells).replace('_', ' ')}."
        yield Check(name="mails as configured", result=CheckResult.OK, text=text)
    sends_mail = any(other.wiring.mail == account.name for other in app.settings.accounts.values())
    if not wiring.mail and not sends_mail:
        text = "There is no mail account: what the shop does not mail itself, nobody hears of."
        fix = f"Set mail in [accounts.{account.name}] to an account with a mail plugin."
        yield Check(name="mail account", result=CheckResult.WARNING, text=text, fix=fix)


def _same_shop(app: App, account: Account) -> Iterator[str]:
    """Other accounts that say the same of the same shop: what a plugin requires, apart from secrets, names the shop."""
    from ..config_table import keys_of
    from ..model.events import PluginKind

    info = app.registry.infos[account.plugin]
    if PluginKind.PLATFORM not in info.kinds or info.config is None:
        return
    names = [key.name for key in keys_of(info.config) if key.required and not key.secret]
    if not names:
        return
    for other in app.registry.accounts.values():
        same = all(_plain(getattr(other.config, name, None)) == _plain(getattr(account.config, name)) for name in names)
        if other.name != account.name and other.plugin == account.plugin and same:
            yield other.name


def _plain(value: Any) -> Any:
    return value.rstrip("/").lower() if isinstance(value, str) else value


def _mode(app: App, account: Account) -> Check:
    from ..model.events import Check, CheckResult
    from ..store import shared

    with app.database.reading() as connection:
        mode = shared.mode(connection, account.id)
    text = {
        "live": "Live: what is decided leaves.",
        "shadow": f"Shadow: nothing leaves. When you trust it: connector accounts mode {account.name} live",
        "rehearsal": "Rehearsal: only test orders are worked on.",
    }[mode]
    return Check(name="mode", result=CheckResult.OK, text=text)
