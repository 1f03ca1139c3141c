"""Reading what changed, along Shopify's own times.

A cursor is a time, and while there are more pages of what changed since then, the time with Shopify's place in the list: that
holds the last order's time and id, so orders of the same time are not skipped, and one that changes meanwhile comes again at
the end.
At rest it stays behind the newest change: Shopify's search shows a change some time after the time that it carries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from connector import BadPayload, ConfigError, Context, Order, Page, Refused

from .client import Answer, ask
from .config import config
from .ids import bare
from .orders import IN_A_LIST, complete
from .parse import order as parse

OVERLAP = timedelta(minutes=2)
QUIET = timedelta(minutes=15)  # without news the cursor follows the clock at this distance
DOING = "read what changed"


def poll(ctx: Context, cursor: str) -> Page:
    """One page of what changed, oldest first."""
    if not cursor:
        answer = ask(ctx, "OldestOrder", {}, "look at the shop's clock")
        return Page(orders=(), next_cursor=stamp(shop_time(ctx, answer) - OVERLAP), more=True)
    text, _, after = cursor.partition(" ")
    since = time_of(text)
    answer = _ask(ctx, since, after)
    found = answer.data["orders"]
    rows, page = found["nodes"], found["pageInfo"]
    orders, unreadable = read(ctx, (complete(ctx, row) for row in rows))
    if page["hasNextPage"] and page["endCursor"]:
        next_cursor = f"{stamp(since)} {page['endCursor']}"
        return Page(orders=orders, unreadable=unreadable, next_cursor=next_cursor, more=True)
    newest = max((time_of(row["updatedAt"]) for row in rows), default=None)
    rest = _rest(since, newest, shop_time(ctx, answer))
    return Page(orders=orders, unreadable=unreadable, next_cursor=stamp(rest))


def _ask(ctx: Context, since: datetime, after: str) -> Answer:
    variables = {
        "first": config(ctx).page_size,
        "after": after or None,
        "filter": f"updated_at:>='{stamp(since)}'",
        "sort": "UPDATED_AT",
        **IN_A_LIST,
    }
    try:
        return ask(ctx, "Orders", variables, DOING)
    except Refused:
        if not after:
            raise
        # A place in the list that Shopify does not take (any more) costs the way from the start, no order.
        ctx.log.warning("reading what changed starts again from %s", stamp(since))
        return ask(ctx, "Orders", variables | {"after": None}, DOING)


def _rest(since: datetime, newest: datetime | None, now: datetime) -> datetime:
    """Where the next poll starts. Never back, and never closer to now than the overlap."""
    behind_news = min(newest, now) - OVERLAP if newest else since
    return max(since, behind_news, now - QUIET)


def read(ctx: Context, rows: Iterable[Mapping[str, Any]]) -> tuple[tuple[Order, ...], tuple[str, ...]]:
    """The orders, in the order of their changes, and the ids of those that cannot be read, which do not stop the others."""
    found: dict[str, Order] = {}
    unreadable: dict[str, str] = {}
    for row in rows:
        platform_id = bare(row.get("id"))
        try:
            found[platform_id] = parse(row)
        except BadPayload as problem:
            unreadable[platform_id] = str(problem)
            ctx.log.error("order %s cannot be read: %s", platform_id, problem)
    in_order = sorted(found.values(), key=lambda order: (order.updated_at, int(order.platform_id)))
    return tuple(in_order), tuple(platform_id for platform_id in unreadable if platform_id not in found)


# --- times ------------------------------------------------------------------------------------------------------------


def shop_time(ctx: Context, answer: Answer) -> datetime:
    """The earlier of our clock and Shopify's, so that nothing is skipped when one of them is wrong."""
    sent = date_of(answer.headers)
    return min(ctx.now(), sent) if sent else ctx.now()


def date_of(headers: Mapping[str, str]) -> datetime | None:
    try:
        return parsedate_to_datetime(headers["Date"]).astimezone(UTC)
    except (KeyError, ValueError, TypeError):
        return None


def time_of(text: str) -> datetime:
    """A cursor's time, to the second. Raises ConfigError where it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{text!r:.40} is not a time to start from; it looks like 2026-11-22T18:00:00Z") from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.replace(microsecond=0)


def stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()}Z"
