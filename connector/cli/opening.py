"""What most commands begin with: the configuration and everything it names, opened; and who is asking."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..app import App
    from ..config import Settings
    from ..context import Account


class NotThere(click.ClickException):
    """What was named is not there, or not the only one: one line, and exit code 2."""

    exit_code = 2


account_option = click.option("--account", "account_names", multiple=True, metavar="NAME", help="Only of this account.")
who_option = click.option("--who", metavar="NAME", help="Who decides this.  [default: your user name, @cli]")


@contextmanager
def opened(config: Path) -> Iterator[App]:
    """Everything, for one command."""
    from ..app import open_app

    app = open_app(config, os.environ)
    try:
        yield app
    finally:
        app.close()


def settings_or_defaults(ctx: click.Context) -> Settings:
    """The settings; before there is a file, what holds without one (unless one was named: then it must be there)."""
    from ..config import defaults, load

    named = ctx.find_root().get_parameter_source("config") is not click.core.ParameterSource.DEFAULT
    if ctx.obj.exists() or named:
        return load(ctx.obj, os.environ)
    return defaults(ctx.obj, os.environ)


def account_of(app: App, name: str) -> Account:
    """The account of that name. A wrong name is wrong usage."""
    from ..config_table import hint

    account = app.registry.accounts.get(name)
    if account is None:
        raise NotThere(f'there is no account "{name}"; {hint(name, app.registry.accounts)}')
    return account


def account_ids(app: App, names: tuple[str, ...]) -> list[str]:
    return [account_of(app, name).id for name in names]


def asker(who: str | None) -> str:
    """Who decides, as it is written down."""
    import getpass

    if who:
        return who
    try:
        return f"{getpass.getuser()}@cli"
    except (KeyError, OSError):  # a container's user may have no name
        return "somebody@cli"
