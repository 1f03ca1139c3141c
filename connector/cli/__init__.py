"""The command line: `connector`. One module per family of commands, loaded when it is asked for.

Exit codes: 0 done; 1 the answer is no; 2 wrong usage or configuration; 3 a remote system failed, or has not answered yet;
70 a bug in here.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import click

from connector import __version__

from .lazy import LazyGroup

# Name of the command, module in this package and function in it. Nothing else has to be done for a new one.
COMMANDS = {
    "demo": "demo:demo",
    "init": "init:init",
    "check": "check:check",
    "run": "run:run",
    "pull": "pull:pull",
    "orders": "orders:orders",
    "tasks": "tasks:tasks",
    "effects": "effects:effects",
    "deliveries": "deliveries:deliveries",
    "mails": "mails:mails",
    "customers": "customers:customers",
    "accounts": "accounts:accounts",
    "plugins": "plugins:plugins",
    "db": "db:db",
    "sandbox": "sandbox:sandbox",
}
BUG = 70


class Connector(LazyGroup):
    """All commands, and the one place where an error becomes words and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise  # `connector orders list | head`: click ends quietly
            ctx.exit(_told(error))


def _told(error: Exception) -> int:
    """Say what went wrong: one line for what was to be expected, everything for a bug. Returns the exit code."""
    from ..errors import ConnectorError
    from .out import clean

    if isinstance(error, ConnectorError):
        click.echo(f"Error: {clean(str(error))}", err=True)
        return exit_code(error)
    import traceback

    click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    click.echo(
        f"\nThis is a bug in the connector (version {__version__}), not something you did. Please report it to where you got "
        "the connector from, with the lines above; look through them first, they may name an order.",
        err=True,
    )
    return BUG


def exit_code(error: Exception) -> int:
    """The exit code of an error that was to be expected."""
    from ..errors import Conflict, Refused, RemoteError, Unsupported

    if isinstance(error, Refused | Unsupported | Conflict):
        return 1
    return 3 if isinstance(error, RemoteError) else 2


@click.group(
    cls=Connector, commands_at=COMMANDS, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="CONNECTOR_CONFIG",
    default=Path("connector.toml"),
    show_default=True,
    show_envvar=True,
    help="The configuration file.",
)
@click.option("-v", "--verbose", count=True, help="Say more about what happens, on stderr; -vv says everything.")
@click.version_option(__version__, prog_name="connector", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context, config: Path, verbose: int) -> None:
    """Order processing for online shops: review, hold, ship, cancel, refund, notify - and nothing twice."""
    import logging

    level = {0: logging.ERROR, 1: logging.INFO}.get(verbose, logging.DEBUG)
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    ctx.obj = config


def main() -> None:
    """The entry point of the command `connector`."""
    cli(prog_name="connector")
