"""`connector pull`: ask the shops for news, and work it off here and now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import out
from .opening import NotThere, account_of, opened

if TYPE_CHECKING:
    from rich.text import Text

    from ..app import App
    from ..context import Account
    from ..store.rows import OrderRow

SHOWN = 20
MOST_PROBLEMS = 1000


@dataclass(slots=True, kw_only=True)
class Pulled:
    """What a shop brought: how many orders were looked at, where those went that were worked on, and why it failed ("" if not).

    `problems` are pairs of order and problem, as many as anybody will read.
    """

    account: str
    seen: int = 0
    elsewhere: int = 0
    error: str = ""
    stages: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    problems: list[OrderRow] = field(default_factory=list)

    @property
    def changed(self) -> int:
        return self.stages.total()

    def add(self, rows: Iterable[OrderRow]) -> None:
        for row in rows:
            self.stages[row.stage] += 1
            self.failed += bool(row.failures)
            if row.problem and len(self.problems) < MOST_PROBLEMS:
                self.problems.append(row)


@click.command(short_help="Ask the shops for orders and work them off now.")
@click.argument("name", metavar="[ACCOUNT]", required=False)
@click.option("--since", metavar="DATE", help="Bring in all orders placed from then on (2026-11-01 or 2026-11-01T08:30).")
@out.json_option
@click.pass_obj
def pull(config: Path, name: str | None, since: str | None, as_json: bool) -> None:
    """Ask the shops for new and changed orders, and work them off here and now.

    Without ACCOUNT also works off everything else that is due. Not needed while `connector run` runs, which does all of that.

    With --since it is a first import. Orders that have ended become history: nobody is told of them. Those that are open are
    reviewed. What nobody has paid is left out until something happens to it. An import that was stopped goes on where it was
    when it is asked for the same DATE again.
    """
    with opened(config) as app:
        start = _time(since, app) if since else None
        results = [_pull(app, shop, start) for shop in _shops(app, name)]
        others = None if name else _others(app)
        if as_json:
            shown = {"accounts": [_document(result) for result in results]}
            out.show_json(shown | ({"others": _document(others)} if others else {}))
        else:
            for result in [*results, *([others] if others and others.changed else [])]:
                _tell(result)
        failed = any(result.error or result.failed for result in [*results, *([others] if others else [])])
    raise click.exceptions.Exit(3 if failed else 0)


def _time(text: str, app: App) -> datetime:
    """A day or time in the merchant's zone, unless it says another one."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"--since {text}: write a day like 2026-11-01 or a time like 2026-11-01T08:30") from None
    return at if at.tzinfo else at.replace(tzinfo=app.settings.zone)


def _shops(app: App, name: str | None) -> list[Account]:
    from .. import news

    shops = [shop for shop in news.platforms(app) if app.registry.implements(shop.plugin, "poll_orders")]
    if name is None:
        if not shops:
            raise NotThere("no shop is configured yet: connector init --platform woocommerce --url https://SHOP")
        return shops
    account = account_of(app, name)
    if account not in shops:
        raise NotThere(f"{name} is no shop that can be asked for orders (its plugin is {account.plugin})")
    return [account]


def _pull(app: App, shop: Account, since: datetime | None) -> Pulled:
    from .. import news
    from ..errors import RemoteError

    pulled = Pulled(account=shop.name)
    try:
        if since is not None and app.registry.implements(shop.plugin, "import_orders"):
            _import(app, shop, since, pulled)
            return pulled
        with out.progress(f"asking {shop.name} for orders"):
            polled = news.poll(app, shop, since=since)
    except RemoteError as error:
        pulled.error = str(error)
        return pulled
    pulled.seen = polled.seen
    _work_off(app, polled.order_ids, f"working on the orders of {shop.name}", pulled)
    return pulled


def _import(app: App, shop: Account, since: datetime, pulled: Pulled) -> None:
    """Page after page: each is worked off before the next one is asked for, and nothing of it is kept."""
    from .. import news

    label, now = f"bringing in the orders of {shop.name}", app.clock.now()
    with out.progress(label, 100) as bar:
        for batch in news.import_orders(app, shop, since=since):
            _advance(app, batch.order_ids, pulled)
            pulled.seen = batch.so_far.seen
            at = batch.so_far.placed_at or since
            share = 100 * (at - since) / max(now - since, timedelta(seconds=1))
            bar.update(bar.task_ids[0], completed=round(share), description=f"{label}: {pulled.seen:,}, until {at:%Y-%m-%d}")


def _advance(app: App, order_ids: Sequence[int], pulled: Pulled, step: Callable[[], None] = lambda: None) -> list[int]:
    """Bring on those of these orders that are due, and count where they went; gives those."""
    from ..store import lists

    with app.database.reading() as connection:
        due = lists.due_among(connection, order_ids, app.clock.now())
    for order_id in due:
        pulled.elsewhere += not app.advance(order_id)
        step()
    with app.database.reading() as connection:
        for start in range(0, len(due), lists.LONGEST):
            pulled.add(lists.orders_of(connection, due[start : start + lists.LONGEST]))
    return due


def _work_off(app: App, order_ids: Sequence[int], label: str, pulled: Pulled) -> None:
    with out.progress(label, len(order_ids)) as bar:
        _advance(app, order_ids, pulled, partial(out.step, bar))


def _others(app: App) -> Pulled:
    """What is due without news from a shop: an earlier try that failed, an account that went live, a delivery."""
    pulled, done = Pulled(account="others"), set[int]()
    while due := [one for one in app.orders.queue_due(app.clock.now(), limit=500, hold_s=30) if one not in done]:
        _work_off(app, due, "working on other orders that are due", pulled)
        done.update(due)
    pulled.seen = len(done)
    return pulled


def _document(result: Pulled) -> dict[str, Any]:
    return {
        "account": result.account,
        "seen": result.seen,
        "changed": result.changed,
        "stages": dict(result.stages),
        "elsewhere": result.elsewhere,
        "problems": [{"order": order.ref, "problem": order.problem} for order in result.problems],
        "error": result.error,
    }


def _tell(result: Pulled) -> None:
    from rich.text import Text

    if result.error:
        out.show(Text.assemble((result.account, "bold"), ": ", (out.clean(result.error), "red")))
        return
    looked_at = "that were due" if result.account == "others" else f"looked at, {result.changed} new or changed"
    said = f": {out.counted(result.seen, 'order')} {looked_at}"
    out.show(Text.assemble((result.account, "bold"), said, _stages(result), "."))
    held = result.problems
    for order in held[:SHOWN]:
        out.show(Text.assemble("  ", order.ref, "  ", (out.clean(order.problem), "red" if order.failures else "yellow")))
    if len(held) > SHOWN:
        out.show(f"  and {len(held) - SHOWN} more: connector orders list")
    if result.elsewhere:
        out.show(f"  {out.counted(result.elsewhere, 'order')} worked on by another process just now.")


def _stages(result: Pulled) -> Text:
    from rich.text import Text

    parts = [Text.assemble(str(number), " ", out.word(stage)) for stage, number in result.stages.items()]
    return Text.assemble(" (", Text(", ").join(parts), ")") if parts else Text()
