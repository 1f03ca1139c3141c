"""Options of lists: how many, and where to go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from . import out

limit_option = click.option(
    "--limit", type=click.IntRange(1, 500), default=50, show_default=True, metavar="N", help="At most so many."
)
after_option = click.option("--after", default="", metavar="TEXT", help='Go on where a page ended (its "next").')


@contextmanager
def page() -> Iterator[None]:
    """A wrong --after is wrong usage."""
    from ..store.lists import WrongPage

    try:
        yield
    except WrongPage as error:
        raise click.UsageError(f"--after: {error}") from error


def more(after: str) -> None:
    """Say how to see the next page, if there is one."""
    if after:
        out.note(f"There are more: add --after {after}")
