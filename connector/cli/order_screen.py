"""One order on one screen: where it is and why, what was done, what is left to do."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import out
from .acting import story
from .order_parts import address, lines, payments, shipments

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from rich.text import Text

    from ..app import App
    from ..model.case import Case
    from ..store.rows import DutyRow, EffectLine, OrderRow, TaskRow, TimelineRow

LATEST = 12
"""Lines of the timeline that are shown unless all are asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Everything about one order, read in one transaction."""

    row: OrderRow
    case: Case | None
    tasks: list[TaskRow]
    effects: list[EffectLine]
    duties: list[DutyRow]
    timeline: list[TimelineRow]
    commands_waiting: int
    zone: ZoneInfo


def read(app: App, row: OrderRow) -> Screen:
    from ..store import lists

    with app.database.reading() as connection:
        return Screen(
            row=lists.orders_of(connection, [row.id])[0],
            case=app.orders.read(connection, row.id),
            tasks=lists.tasks_of(connection, row.id),
            effects=lists.effects_of(connection, row.id),
            duties=lists.duties_of(connection, row.id),
            timeline=lists.timeline_of(connection, row.id),
            commands_waiting=lists.commands_waiting(connection, row.id),
            zone=app.settings.zone,
        )


def as_document(screen: Screen) -> dict[str, Any]:
    """The whole order as JSON, with the customer's data."""
    from ..model.case import fulfillment, refund_left

    row, case = screen.row, screen.case
    document: dict[str, Any] = {
        "order": row.ref,
        "number": row.number,
        "stage": row.stage,
        "payment": row.payment,
        "version": row.version,
        "changed_at": row.changed_at,
        "due_at": row.due_at,
        "problem": row.problem,
        "failures": row.failures,
        "commands_waiting": screen.commands_waiting,
        "tasks": screen.tasks,
        "effects": screen.effects,
        "mails": screen.duties,
        "timeline": screen.timeline,
    }
    if case is None:
        return document
    return document | {
        "holds": case.holds,
        "findings": case.findings,
        "accepted": case.accepted,
        "fulfillment": fulfillment(case),
        "refund_left": refund_left(case),
        "shipments": case.shipments,
        "refunds": case.refunds,
        "acts": case.acts,
        "platform_order": case.order,
    }


# --- for a person -----------------------------------------------------------------------------------------------------


def show(screen: Screen, *, everything: bool) -> None:
    _head(screen)
    _why(screen)
    if screen.case is not None:
        address(screen.case)
        lines(screen.case)
        payments(screen.case)
        shipments(screen.case, screen.zone)
    _tasks(screen)
    _mails(screen)
    _effects(screen)
    _timeline(screen, everything=everything)


def _head(screen: Screen) -> None:
    from rich.text import Text

    row, case = screen.row, screen.case
    parts = [Text(out.clean(row.ref), style="bold"), out.word(row.number), out.word(row.stage)]
    if case is not None:
        parts += [out.word(row.payment), Text(str(case.order.total), style="bold")]
    out.show(Text("  ").join(part for part in parts if part))
    said = [f"version {row.version}"]
    if case is not None:
        said = [f"placed {out.when(case.order.placed_at, screen.zone)}", f"the platform says: {case.order.status}", *said]
    out.show(Text(out.clean(", ".join(said)), style="dim"))


def _why(screen: Screen) -> None:
    """Why the order is where it is."""
    from rich.text import Text

    row, case = screen.row, screen.case
    for hold in case.holds if case else ():
        out.heading(f"Held: {hold.reason.replace('_', ' ')}")
        out.under(hold.text)
        releases = (hold.releases or "a person").rstrip(".")
        out.under(f"Since {out.when(hold.since, screen.zone)}, by {hold.who}. Released by: {releases}.")
        alone = len(case.holds_by(hold.reason)) == 1 if case else True
        which = f"--reason {hold.reason}" if alone else f"--code {hold.code}"
        out.under(f"Release it by hand: connector orders release {row.ref} {which}", style="dim")
    if row.problem:
        out.heading("It does not get on" if row.failures else "It waits")
        again = f" Tried again at {out.when(row.due_at, screen.zone, seconds=True)}." if row.due_at else ""
        tried = f" ({out.counted(row.failures, 'time')} so far.)" if row.failures else ""
        out.under(f"{row.problem}{tried}{again}")
    if screen.commands_waiting:
        out.show("", Text(f"{out.counted(screen.commands_waiting, 'command')} not taken up yet.", style="yellow"))
    seen = [finding for finding in case.findings if finding.severity == "warning"] if case else []
    if seen:
        out.heading("Worth a look")
    for finding in seen:
        out.under(f"{finding.code.replace('_', ' ')}: {finding.text}")


def _tasks(screen: Screen) -> None:
    todo = [task for task in screen.tasks if task.state == "open"]
    if not todo:
        return
    out.heading("To be done by a person")
    for task in todo:
        out.under(f"{task.id}  {task.title}")
        for number, step in enumerate(task.steps, 1):
            out.under(f"  {number}. {step}")
        out.under(f"  Then: connector tasks done {task.id} --outcome TEXT", style="dim")


def _mails(screen: Screen) -> None:
    if not screen.duties:
        return
    out.heading("Messages")
    rows = [(duty.event, duty.person, duty.state, duty) for duty in screen.duties]
    _grid([(out.word(event), person, out.word(state), _about(screen, duty)) for event, person, state, duty in rows])


def _about(screen: Screen, duty: DutyRow) -> Text:
    from rich.text import Text

    at = out.when(duty.settled_at or duty.owed_at, screen.zone)
    why = "" if duty.state == "sent" else duty.said
    if duty.state in ("unknown", "failed"):
        why = f"{why}  connector mails resend {duty.id}".strip()
    return Text(out.clean(f"{at}  {why}".strip()), style="dim")


def _grid(rows: list[tuple[Any, ...]]) -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2, 0, 0))
    for row in rows:
        grid.add_row(*(Text(out.clean(cell)) if isinstance(cell, str) else cell for cell in row))
    out.show(Padding(grid, (0, 0, 0, 2)))


def _effects(screen: Screen) -> None:
    """How many, and each that is not simply done."""
    from rich.text import Text

    if not screen.effects:
        return
    counts = Counter(effect.state for effect in screen.effects)
    out.heading("What left the house")
    said = Text(", ").join(Text.assemble(str(number), " ", out.word(state)) for state, number in counts.items())
    out.show(Text.assemble("  ", said, (f"   connector effects list {screen.row.ref}", "dim")))
    odd = [effect for effect in screen.effects if effect.state != "done"]
    if odd:
        _grid([(effect.kind, effect.request_id, out.word(effect.state), effect.said) for effect in odd])


def _timeline(screen: Screen, *, everything: bool) -> None:
    shown = screen.timeline if everything else screen.timeline[-LATEST:]
    hidden = len(screen.timeline) - len(shown)
    out.heading("What happened" + (f" (and {hidden} lines before: --all)" if hidden else ""))
    story([(out.when(line.at, screen.zone), line.who, line.text) for line in shown])
