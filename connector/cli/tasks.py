"""`connector tasks`: what only a person can do or say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import out
from .opening import NotThere, account_ids, account_option, asker, opened, who_option
from .paging import after_option, limit_option, more, page

if TYPE_CHECKING:
    from ..app import App
    from ..store.rows import TaskRow

task_argument = click.argument("number", type=int, metavar="TASK")


@click.group()
def tasks() -> None:
    """What only a person can do or say: list it, do it, close it."""


@tasks.command("list")
@click.option(
    "--state",
    type=click.Choice(["open", "done"]),
    default="open",
    show_default=True,
    help="Open tasks, or those that are done.",
)
@account_option
@limit_option
@after_option
@out.json_option
@click.pass_obj
def list_(config: Path, state: str, account_names: tuple[str, ...], limit: int, after: str, as_json: bool) -> None:
    """List tasks, newest first."""
    from ..store import lists

    with opened(config) as app:
        ids = account_ids(app, account_names)
        with app.database.reading() as connection, page():
            found = lists.tasks_page(connection, state=state, account_ids=ids, limit=limit, after=after)
        if as_json:
            out.show_json({"tasks": found.rows, "next": found.next})
        elif not found.rows:
            out.show("Nothing is left to do." if state == "open" else "No task was closed yet.")
        else:
            _table(app, found.rows)
            more(found.next)


def _table(app: App, rows: tuple[TaskRow, ...]) -> None:
    zone = app.settings.zone
    done = any(row.closed_at for row in rows)
    headers = ("Task", "Kind", "Order", "Closed" if done else "Since", "What")
    shown = [
        (row.id, out.word(row.kind), row.ref or "-", out.when(row.closed_at or row.opened_at, zone), row.title) for row in rows
    ]
    out.table(headers, shown, right=("Task",), wrap=("What",))


@tasks.command()
@task_argument
@out.json_option
@click.pass_obj
def show(config: Path, number: int, as_json: bool) -> None:
    """Show one task, with what to do step by step."""
    from rich.text import Text

    with opened(config) as app:
        task = _find(app, number)
        if as_json:
            out.show_json(task)
            return
        zone = app.settings.zone
        out.show(Text.assemble((f"Task {task.id}  ", "bold"), out.word(task.kind), "  ", out.word(task.state)))
        out.show(task.title, "")
        for count, step in enumerate(task.steps, 1):
            out.show(f"  {count}. {step}")
        out.show("", Text(f"open since {out.when(task.opened_at, zone)}", style="dim"))
        if task.state == "done":
            out.show(f"done {out.when(task.closed_at, zone)} by {task.who}: {task.outcome or 'nothing was said'}")
        else:
            out.note(f"When it is done: connector tasks done {task.id} --outcome TEXT")


def _find(app: App, number: int) -> TaskRow:
    from ..store import lists

    with app.database.reading() as connection:
        task = lists.task(connection, number)
    if task is None:
        raise NotThere(f"there is no task {number}. Those that there are: connector tasks list")
    return task


@tasks.command()
@task_argument
@click.option("--outcome", required=True, metavar="TEXT", help="What was done, or found out. No personal data.")
@who_option
@out.json_option
@click.pass_obj
def done(config: Path, number: int, outcome: str, who: str | None, as_json: bool) -> None:
    """Say that a task is done. The order is looked at again."""
    from ..store import tasks as stored

    with opened(config) as app:
        task = _find(app, number)
        with app.database.writing() as connection:
            stored.finish(connection, task, outcome=outcome, who=asker(who), now=app.clock.now())
        _tell(app, task, as_json=as_json)


@tasks.command()
@task_argument
@who_option
@out.json_option
@click.pass_obj
def reopen(config: Path, number: int, who: str | None, as_json: bool) -> None:
    """Say that a task is not done after all."""
    from ..store import tasks as stored

    with opened(config) as app:
        task = _find(app, number)
        with app.database.writing() as connection:
            stored.reopen(connection, task, who=asker(who), now=app.clock.now())
        _tell(app, task, as_json=as_json)


def _tell(app: App, task: TaskRow, *, as_json: bool) -> None:
    """Bring its order on, and say where that is now."""
    from rich.text import Text

    from ..store import lists

    if task.order_id is not None:
        app.advance(task.order_id)
    with app.database.reading() as connection:
        now = lists.task(connection, task.id) or task
        order = lists.orders_of(connection, [task.order_id])[0] if task.order_id is not None else None
    if as_json:
        out.show_json({"task": now, "stage": order.stage if order else None})
        return
    said = Text.assemble(f"Task {now.id} is ", out.word(now.state), ".")
    if order is not None:
        said.append_text(Text.assemble("  ", order.ref, " is now ", out.word(order.stage), "."))
    out.show(said)
