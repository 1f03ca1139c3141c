"""`connector pull`: ask the shops for news, and work it off here and now."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import out
from .opening import account_of, opened

if TYPE_CHECKING:
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


@click.command()
@click.argument("name", metavar="[ACCOUNT]", required=False)
@click.option("--since", metavar="DATE", help="From then on (2026-11-01 or 2026-11-01T08:30), not from the last time on.")
@out.json_option
@click.pass_obj
def pull(config: Path, name: str | None, since: str | None, as_json: bool) -> None:
    """Ask the shops for new and changed orders, and work them off here and now.

    Not needed while `connector run` runs, which does it by itself.
    """
    with opened(config) as app:
        start = _time(since, app) if since else None
        results = [_pull(app, shop, start) for shop in _shops(app, name)]
        if as_json:
            out.show_json({"accounts": [_document(result) for result in results]})
        else:
            for result in results:
                _tell(result)
        failed = any(result.error or any(order.failures for order in result.orders) for result in results)
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
            raise click.UsageError("no shop is configured yet: connector init --platform woocommerce --url https://SHOP")
        return shops
    account = account_of(app, name)
    if account not in shops:
        raise click.UsageError(f"{name} is no shop that can be asked for orders (its plugin is {account.plugin})")
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
    elsewhere = 0
    with out.progress(f"working on the orders of {shop.name}", len(due)) as bar:
        for order_id in due:
            elsewhere += not app.advance(order_id)
            out.step(bar)
    return Pulled(account=shop.name, seen=polled.seen, orders=_read(app, due), elsewhere=elsewhere)


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
    said = f": {out.counted(result.seen, 'order')} looked at, {len(result.orders)} new or changed"
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
