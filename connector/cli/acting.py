"""What every acting command shares: who asks for what, once, on which version; and what came of it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from . import out
from .opening import asker, who_option

if TYPE_CHECKING:
    from ..app import App
    from ..model.case import Act, Case
    from ..store.commands import Given
    from ..store.rows import DutyRow, OrderRow, TimelineRow

F = TypeVar("F", bound=Callable[..., Any])

PATIENCE_S = 10.0
"""How long to wait for another process that has the order just now."""
EXIT_CODES = {"done": 0, "refused": 1, "planned": 1, "unknown": 3, "underway": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The options that all acting commands have."""

    request_id: str
    version: int | None
    who: str
    again: bool
    as_json: bool


def acting(function: F) -> F:
    """Gives a command the options of all acting commands; the function takes them as `wish`."""

    @wraps(function)
    def wished(
        *args: Any,
        request_id: str | None,
        version: int | None,
        who: str | None,
        as_json: bool,
        again: bool = False,
        **more: Any,
    ) -> Any:
        wish = Wish(request_id=request_id or uuid.uuid4().hex, version=version, who=asker(who), again=again, as_json=as_json)
        return function(*args, wish=wish, **more)

    options = (
        out.json_option,
        who_option,
        click.option(
            "--version", type=int, metavar="N", help="The order's version that you looked at; refused if it has changed."
        ),
        click.option("--request", "request_id", metavar="ID", help="Name this request: the same name twice is one act."),
    )
    for option in options:
        option(wished)
    return wished  # type: ignore[return-value]


again_option = click.option("--again", is_flag=True, help="A second equal one within ten minutes is meant.")
yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask whether it is meant.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a command. `result`: done, refused, planned (the account's mode holds it back), unknown, underway."""

    result: str
    said: str
    repeated: bool
    order: OrderRow
    request_id: str
    do: str
    acts: tuple[Act, ...]
    timeline: list[TimelineRow]


def carry_out(app: App, order: OrderRow, body: dict[str, Any], wish: Wish) -> Outcome:
    """Give the command, bring the order on, and see what came of it.

    Raises:
        Conflict: stale version, a request id that was used for something else, or a second equal one without --again.
    """
    from ..store import commands

    account = app.registry.by_id(order.account_id)
    with app.database.writing() as connection:
        new = commands.give(
            connection,
            app.orders,
            order,
            account_name=account.name,
            body={**body, "who": wish.who},
            request_id=wish.request_id,
            now=app.clock.now(),
            version=wish.version,
            again=wish.again,
        )
    _bring_on(app, order.id)
    return _outcome(app, order, str(body["do"]), wish.request_id, repeated=not new)


def _bring_on(app: App, order_id: int) -> None:
    """Work the order off here; if another process has it, wait until that one lets it go."""
    deadline = time.monotonic() + PATIENCE_S
    with out.progress("working on the order"):
        while not app.advance(order_id) and time.monotonic() < deadline:
            time.sleep(0.2)


def _outcome(app: App, order: OrderRow, do: str, request_id: str, *, repeated: bool) -> Outcome:
    from ..store import commands, lists

    with app.database.reading() as connection:
        given = commands.given(connection, order.id, request_id)
        case = app.orders.read(connection, order.id)
        now = lists.orders_of(connection, [order.id])[0]
        story = lists.timeline_of(connection, order.id, since=given.at if given else None, limit=30)
        duty = lists.duty(connection, str(given.body["duty"])) if given and do == "resend" else None
    acts = _acts(case, request_id, given)
    result, said = judged(given, acts, live=_all_live(app, order.account_id, acts), problem=now.problem)
    if duty is not None and result == "done":
        result, said = resent(duty, problem=now.problem)
    return Outcome(
        result=result, said=said, repeated=repeated, order=now, request_id=request_id, do=do, acts=acts, timeline=story
    )


def _acts(case: Case | None, request_id: str, given: Given | None) -> tuple[Act, ...]:
    """What was to be done for this request: acts carry its id in theirs, and a number where it takes several."""
    if case is None or given is None:
        return ()
    kinds = ("ship", "tracking", "cancel", "refund", "capture", "note")
    named = {f"{kind}-{request_id}" for kind in kinds} | {str(given.body.get("act"))}
    return tuple(act for act in case.acts if act.id in named or act.id.rpartition("+")[0] in named)


def judged(given: Given | None, acts: tuple[Act, ...], *, live: bool, problem: str) -> tuple[str, str]:
    """The result of a command in one word, and why it is not done. Pure."""
    from ..model.case import ActState

    if given is None or given.applied_at is None:
        return "underway", problem or "another process has the order just now; it takes the command up by itself"
    if given.refused:
        return "refused", given.refused
    for act in acts:
        if act.state in (ActState.REFUSED, ActState.DROPPED):
            return "refused", act.said or "it was dropped"
    for act in acts:
        if act.state is ActState.WAITING:
            return "unknown", act.said
    if any(act.state is ActState.OPEN for act in acts):
        return ("underway" if live else "planned"), problem
    return "done", ""


def resent(duty: DutyRow, *, problem: str) -> tuple[str, str]:
    """The result of having a message sent once more. Pure."""
    results = {"sent": "done", "unknown": "unknown", "failed": "refused"}
    result = results.get(duty.state, "underway")
    return result, "" if result == "done" else duty.said or problem


def _all_live(app: App, account_id: str, acts: tuple[Act, ...]) -> bool:
    from ..store import shared

    ids = {account_id, *(app.registry.account(act.account).id for act in acts if act.account in app.registry.accounts)}
    with app.database.reading() as connection:
        return all(shared.mode(connection, one) == "live" for one in ids)


# --- telling ----------------------------------------------------------------------------------------------------------

NEXT = {
    "planned": "It is planned and leaves when the account is live: connector accounts mode ACCOUNT live",
    "unknown": "Nobody knows whether it happened. What to do: connector orders show {ref}",
    "underway": "It is not done yet and is tried again by itself (connector run). See: connector orders show {ref}",
}


def tell(app: App, outcome: Outcome, wish: Wish) -> None:
    """Show what came of it, and end with the exit code that says so."""
    from ..errors import Conflict

    if wish.as_json:
        out.show_json(as_document(outcome))
    elif outcome.result == "refused":
        more = f" - what now: connector orders show {outcome.order.ref}" if outcome.acts else ""
        raise Conflict(f"{outcome.do}: {outcome.said}{more}")
    else:
        _tell_a_person(app, outcome)
    raise click.exceptions.Exit(EXIT_CODES[outcome.result])


def as_document(outcome: Outcome) -> dict[str, Any]:
    order = outcome.order
    return {
        "order": order.ref,
        "number": order.number,
        "do": outcome.do,
        "request": outcome.request_id,
        "repeated": outcome.repeated,
        "result": outcome.result,
        "said": outcome.said,
        "stage": order.stage,
        "payment": order.payment,
        "holds": order.holds,
        "version": order.version,
        "acts": [{"id": act.id, "kind": act.kind, "state": act.state, "said": act.said} for act in outcome.acts],
        "timeline": outcome.timeline,
    }


def _tell_a_person(app: App, outcome: Outcome) -> None:
    from rich.text import Text

    order, zone = outcome.order, app.settings.zone
    head = [Text(order.ref, style="bold"), out.word(order.number), out.word(outcome.do), out.word(outcome.result)]
    if outcome.repeated:
        head.append(Text("as asked before: the same request is the same act", style="dim"))
    out.show(Text("  ").join(part for part in head if part))
    rows = [(out.when(line.at, zone, seconds=True), line.who, line.text) for line in outcome.timeline]
    story(rows)
    stage = Text.assemble("now ", out.word(order.stage), f", version {order.version}, request ", outcome.request_id)
    out.show(stage)
    if outcome.said:
        out.show(Text.assemble(("Why: ", "bold"), out.clean(outcome.said)))
    if outcome.result in NEXT:
        account = app.registry.by_id(order.account_id).name
        out.note(NEXT[outcome.result].format(ref=order.ref).replace("ACCOUNT", account))


def story(rows: list[tuple[str, str, str]]) -> None:
    """Lines of a timeline: when, who, what."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for at, who, text in rows:
        grid.add_row(at, Text(out.clean(who)), Text(out.clean(text)))
    if rows:
        out.show(Padding(grid, (0, 0, 0, 2)))
