"""What is printed: tables, JSON, progress. Colour, boxes and progress only where a person sees them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.text import Text

# Words of ours that are shown in a colour.
STYLES = {
    "on_hold": "yellow",
    "completed": "green",
    "cancelled": "dim",
    "shipped": "cyan",
    "processing": "blue",
    "ok": "green",
    "warning": "yellow",
    "failed": "red",
    "done": "green",
    "refused": "red",
    "unknown": "magenta",
    "planned": "yellow",
    "waiting": "magenta",
    "underway": "yellow",
    "bad": "red",
    "open": "yellow",
    "live": "green",
    "shadow": "yellow",
    "rehearsal": "cyan",
    "owed": "yellow",
    "manual": "yellow",
    "pending": "yellow",
    "paid": "green",
}
_WIDE = 400  # without a terminal nothing is cut or wrapped: the reader may be a program
# Control characters would be carried out by the terminal; marks that turn the direction of text can disguise what stands there.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")


def clean(text: str) -> str:
    """A text from outside, safe to be printed: what a customer typed must not steer the terminal."""
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text)


def seen_by_a_person(*, err: bool = False) -> bool:
    return (sys.stderr if err else sys.stdout).isatty()


def console(*, err: bool = False) -> Console:
    from rich.console import Console

    person = seen_by_a_person(err=err)
    return Console(stderr=err, force_terminal=person, no_color=not person, highlight=False, width=None if person else _WIDE)


def show(*what: Any, err: bool = False) -> None:
    """Print rich's things. A text is printed as it is, never read as markup; lines lose the blanks at their end."""
    from rich.text import Text

    said = console(err=err)
    things = [Text(clean(thing)) if isinstance(thing, str) else thing for thing in what]
    if seen_by_a_person(err=err):
        for thing in things:
            said.print(thing)
        return
    with said.capture() as capture:
        for thing in things:
            said.print(thing)
    click.echo("\n".join(line.rstrip() for line in capture.get().splitlines()), err=err)


def show_json(document: Any) -> None:
    """One JSON document: on one line, or laid out where a person sees it."""
    import msgspec

    from ..model.codec import to_json

    text = to_json(document)
    click.echo((msgspec.json.format(text, indent=2) if seen_by_a_person() else text).decode())


def word(text: str, style: str = "") -> Text:
    """A word of ours, in its colour and as people write it: on_hold is "on hold"."""
    from rich.text import Text

    return Text(clean(text.replace("_", " ")), style=style or STYLES.get(text, ""))


def words(parts: Iterable[str], between: str = ", ") -> Text:
    """Several of ours in a row."""
    from rich.text import Text

    return Text(between).join([word(part) for part in parts])


def table(
    headers: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Sequence[str] = (), wrap: Sequence[str] = ()
) -> None:
    """Print a table. `right` columns are numbers; only `wrap` columns may be broken into lines."""
    from rich.table import Table

    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold dim", collapse_padding=True)
    for header in headers:
        justify = "right" if header in right else "left"
        grid.add_column(header, justify=justify, no_wrap=header not in wrap, overflow="fold")  # type: ignore[arg-type]
    for row in rows:
        grid.add_row(*(_cell(value) for value in row))
    show(grid)


def under(text: str, style: str = "") -> None:
    """A line or more beneath a heading; where it is broken, the next line begins in the same column."""
    from rich.padding import Padding
    from rich.text import Text

    bare = text.lstrip()
    show(Padding(Text(clean(bare), style=style), (0, 0, 0, 2 + len(text) - len(bare))))


def heading(text: str) -> None:
    from rich.text import Text

    show("", Text(clean(text), style="bold"))


def _cell(value: Any) -> Any:
    from rich.text import Text

    return value if isinstance(value, Text) else Text(clean(str(value)))


def when(at: datetime | None, zone: ZoneInfo, *, seconds: bool = False) -> str:
    """A time in the merchant's zone."""
    if at is None:
        return "-"
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def counted(number: int, one: str, many: str = "") -> str:
    """1 order, 2 orders."""
    return f"{number} {one if number == 1 else many or one + 's'}"


@contextmanager
def progress(label: str, total: int | None = None) -> Iterator[Progress]:
    """A bar (or, without a total, a spinner) on stderr while something takes long; invisible where nobody sees it."""
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns: list[Any] = [SpinnerColumn(), TextColumn("{task.description}", markup=False)]
    if total is not None:
        columns += [BarColumn(), MofNCompleteColumn()]
    bar = Bar(*columns, TimeElapsedColumn(), console=console(err=True), transient=True, disable=not seen_by_a_person(err=True))
    with bar:
        bar.add_task(label, total=total)
        yield bar


def step(bar: Progress) -> None:
    """One more is done."""
    bar.advance(bar.task_ids[0])


def note(text: str) -> None:
    """Something besides the answer, on stderr: how to see more, what to do next."""
    show(text, err=True)
