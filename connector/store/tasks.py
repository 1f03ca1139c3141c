"""What a person says about a task: it is done, or it is not after all. The order is looked at again afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, select, update

from ..errors import Conflict
from ..model.codec import to_json
from ..model.events import Task
from .orders import wake
from .rows import TaskRow
from .tables import tasks, timeline


def open_for_account(connection: Connection, account_id: str, task: Task, now: datetime) -> bool:
    """A task that is about no order. False: there is (or was) one about the same. The caller holds a lock."""
    same = (tasks.c.account_id == account_id, tasks.c.kind == task.kind, tasks.c.about == task.about)
    if connection.execute(select(tasks.c.id).where(tasks.c.order_id.is_(None), *same)).first() is not None:
        return False
    about = {"account_id": account_id, "kind": task.kind, "about": task.about, "title": task.title}
    steps = to_json(task.steps).decode()
    connection.execute(tasks.insert().values(**about, steps=steps, state="open", opened_at=now))
    return True


def close_for_account(connection: Connection, account_id: str, about: str, *, outcome: str, now: datetime) -> None:
    """Such a task has settled itself."""
    it = (tasks.c.order_id.is_(None), tasks.c.account_id == account_id, tasks.c.about == about, tasks.c.state == "open")
    connection.execute(update(tasks).where(*it).values(state="done", closed_at=now, outcome=outcome, who="connector"))


def finish(connection: Connection, task: TaskRow, *, outcome: str, who: str, now: datetime) -> None:
    """The task is done. Raises Conflict if it was already."""
    done = {"state": "done", "closed_at": now, "who": who, "outcome": outcome}
    _change(connection, task, "open", done, f"task {task.id} is done already")
    _tell_order(connection, task, f"Task {task.id} is done: {task.kind}.", who, now)


def reopen(connection: Connection, task: TaskRow, *, who: str, now: datetime) -> None:
    """The task is open once more. Raises Conflict if it still is."""
    opened = {"state": "open", "closed_at": None, "who": "", "outcome": ""}
    _change(connection, task, "done", opened, f"task {task.id} is open")
    _tell_order(connection, task, f"Task {task.id} is open again: {task.kind}.", who, now)


def _change(connection: Connection, task: TaskRow, before: str, values: Mapping[str, object], otherwise: str) -> None:
    change = update(tasks).where(tasks.c.id == task.id, tasks.c.state == before).values(**values)
    if connection.execute(change).rowcount != 1:
        raise Conflict(otherwise)


def _tell_order(connection: Connection, task: TaskRow, text: str, who: str, now: datetime) -> None:
    if task.order_id is None:
        return
    # The timeline only grows, so a line of ours cannot be in the way of the order's holder.
    connection.execute(timeline.insert().values(order_id=task.order_id, at=now, who=who, what="task", text=text))
    wake(connection, task.order_id, now)
