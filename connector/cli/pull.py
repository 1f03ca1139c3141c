"""`connector pull`: ask the shops for news, and work it off here and now."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """What a shop brought: how many orders were looked at, those that were worked on, and why it failed ("" if not)."""

    account: str
    seen: int = 0
    orders: tuple[OrderRow, ...] = ()
    elsewhere: int = 0
    error: str = ""


@click.command(short_help="Ask the shops for orders and work them off now.")
@click.argument("name", metavar="[ACCOUNT]", required=False)
@click.option("--since", metavar="DATE", help="From then on (2026-11-01 or 2026-11-01T08:30), not from the last time on.")
@out.json_option
@click.pass_obj
def pull(config: Path, name: str | None, since: str | None, as_json: bool) -> None:
    """Ask the shops for new and changed orders, and work them off here and now.

    Without ACCOUNT also works off everything else that is due. Not needed while `connector run` runs, which does all of that.
    """
    with opened(config) as app:
        start = _time(since, app) if since else None
        results = [_pull(app, shop, start) for shop in _shops(app, name)]
        others = None if name else _others(app)
        if as_json:
            shown = {"accounts": [_document(result) for result in results]}
            out.show_json(shown | ({"others": _document(others)} if others else {}))
        else:
            for result in [*results, *([others] if others and others.orders else [])]:
                _tell(result)
        everything = [*results, *([others] if others else [])]
        failed = any(result.error or any(order.failures for order in result.orders) for result in everything)
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
    from ..store import lists

    try:
        with out.progress(f"asking {shop.name} for orders"):
            polled = news.poll(app, shop, since=since)
    except RemoteError as error:
        return Pulled(account=shop.name, error=str(error))
    with app.database.reading() as connection:
        due = lists.due_among(connection, polled.order_ids, app.clock.now())
    elsewhere = _work_off(app, due, f"working on the orders of {shop.name}")
    return Pulled(account=shop.name, seen=polled.seen, orders=_read(app, due), elsewhere=elsewhere)


def _work_off(app: App, due: list[int], label: str) -> int:
    """Bring these orders on; returns how many another process has just now."""
    elsewhere = 0
    with out.progress(label, len(due)) as bar:
        for order_id in due:
            elsewhere += not app.advance(order_id)
            out.step(bar)
    return elsewhere


def _others(app: App) -> Pulled:
    """What is due without news from a shop: an earlier try that failed, an account that went live, a delivery."""
    done: list[int] = []
    elsewhere = 0
    while due := [one for one in app.orders.queue_due(app.clock.now(), limit=500, hold_s=30) if one not in set(done)]:
        elsewhere += _work_off(app, due, "working on other orders that are due")
        done += due
    return Pulled(account="others", seen=len(done), orders=_read(app, done), elsewhere=elsewhere)


def _read(app: App, ids: list[int]) -> tuple[OrderRow, ...]:
    from ..store import lists

    rows: list[OrderRow] = []
    with app.database.reading() as connection:
        for start in range(0, len(ids), lists.LONGEST):
            rows += lists.orders_of(connection, ids[start : start + lists.LONGEST])
    return tuple(rows)


def _document(result: Pulled) -> dict[str, Any]:
    return {
        "account": result.account,
        "seen": result.seen,
        "changed": len(result.orders),
        "stages": dict(Counter(order.stage for order in result.orders)),
        "elsewhere": result.elsewhere,
        "problems": [{"order": order.ref, "problem": order.problem} for order in result.orders if order.problem],
        "error": result.error,
    }


def _tell(result: Pulled) -> None:
    from rich.text import Text

    if result.error:
        out.show(Text.assemble((result.account, "bold"), ": ", (out.clean(result.error), "red")))
        return
    looked_at = "that were due" if result.account == "others" else f"looked at, {len(result.orders)} new or changed"
    said = f": {out.counted(result.seen, 'order')} {looked_at}"
    out.show(Text.assemble((result.account, "bold"), said, _stages(result), "."))
    held = [order for order in result.orders if order.problem]
    for order in held[:SHOWN]:
        out.show(Text.assemble("  ", order.ref, "  ", (out.clean(order.problem), "red" if order.failures else "yellow")))
    if len(held) > SHOWN:
        out.show(f"  and {len(held) - SHOWN} more: connector orders list")
    if result.elsewhere:
        out.show(f"  {out.counted(result.elsewhere, 'order')} worked on by another process just now.")


def _stages(result: Pulled) -> Text:
    from rich.text import Text

    counts = Counter(order.stage for order in result.orders)
    parts = [Text.assemble(str(number), " ", out.word(stage)) for stage, number in counts.items()]
    return Text.assemble(" (", Text(", ").join(parts), ")") if parts else Text()
