"""Reading what changed, by a cursor that moves along the shop's own times.

`modified_after` has whole seconds and leaves its own second out (recorded 2026-11-22), so a page starts one second earlier and
reads the cursor's own second again. The cursor at rest stays behind the newest change, because the shop writes a time into an
order before others can see the order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connector import BadPayload, ConfigError, Context, Order, Page, PlatformStatus, TryLater

from .client import Answer, read
from .config import config
from .parse import READ
from .parse import order as parse
from .reading import Node

OVERLAP = timedelta(seconds=120)  # a change may become visible so long after the time that it carries
QUIET = timedelta(minutes=15)  # without news the cursor follows the clock at this distance, whoever's clock is wrong
SECOND = timedelta(seconds=1)
DOING = "read what changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A list of the shop in the order of one of its times. `any` leaves out the bin and unfinished checkouts (recorded)."""

    status: str
    after: str
    before: str
    orderby: str
    field: str

    def time(self, row: Mapping[str, Any], since: datetime) -> datetime:
        """The row's time; one that cannot be read counts as the time that was asked for, so that it holds up nobody."""
        try:
            return Node(row, "order")[self.field].when()
        except BadPayload:
            return since


CHANGED = Feed(status="any", after="modified_after", before="modified_before", orderby="modified", field="date_modified_gmt")
BINNED = Feed(status="trash", after="modified_after", before="modified_before", orderby="modified", field="date_modified_gmt")
PLACED = Feed(status="any", after="after", before="before", orderby="date", field="date_created_gmt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Rows from a time on. `next`: where to go on (None: that was all). `newest`: the latest time in it."""

    rows: tuple[Mapping[str, Any], ...]
    next: datetime | None
    newest: datetime | None
    store_time: datetime


def poll(ctx: Context, cursor: str) -> Page:
    """One page of what changed. Old changes come page by page; those of the last two minutes all at once, since the cursor
    must not move into them."""
    if not cursor:
        answer = read(ctx, "orders", "look at the shop's clock", per_page=1, _fields="id")
        return Page(orders=(), next_cursor=_stamp(answer.store_time(ctx) - OVERLAP), more=True)
    since = at = _time(cursor)
    rows: list[Mapping[str, Any]] = []
    newest: datetime | None = None
    while True:
        chunk = _chunk(ctx, (CHANGED, BINNED), at)
        rows += chunk.rows
        newest = max(filter(None, (newest, chunk.newest)), default=None)
        if chunk.next is None:
            break
        if chunk.next < chunk.store_time - OVERLAP:
            return _page_of(ctx, rows, _stamp(chunk.next), more=True)
        at = chunk.next
    return _page_of(ctx, rows, _stamp(_rest(since, newest, chunk.store_time)))


def _page_of(
    ctx: Context, rows: Iterable[Mapping[str, Any]], next_cursor: str, *, more: bool = False, by: str = "updated_at"
) -> Page:
    orders, unreadable = _orders(ctx, rows, by=by)
    return Page(orders=orders, unreadable=unreadable, next_cursor=next_cursor, more=more)


def placed(ctx: Context, cursor: str) -> Page:
    """One page of the orders placed since a time, oldest first, without the bin. It ends with what is placed now."""
    chunk = _chunk(ctx, (PLACED,), _time(cursor))
    next_cursor = _stamp(chunk.next) if chunk.next else cursor
    return _page_of(ctx, chunk.rows, next_cursor, more=chunk.next is not None, by="placed_at")


def _rest(since: datetime, newest: datetime | None, now: datetime) -> datetime:
    """Where the next poll starts. Never back, and never closer to now than the overlap."""
    behind_news = min(newest, now) - OVERLAP if newest else since
    return max(since, behind_news, now - QUIET)


# --- pages ------------------------------------------------------------------------------------------------------------


def _chunk(ctx: Context, feeds: tuple[Feed, ...], since: datetime) -> Chunk:
    """One page of each feed, up to the time that all of them have reached."""
    answers = [(feed, _page(ctx, feed, since)) for feed in feeds]
    store_time = min(answer.store_time(ctx) for _, answer in answers)
    pages = [(feed, answer.rows(ctx, DOING)) for feed, answer in answers]
    horizon = min((feed.time(answer.body[-1], since) for feed, answer in answers if _has_more(ctx, answer)), default=None)
    if horizon is not None and horizon <= since:  # more than a page in a single second
        pages = [(feed, list(_whole_second(ctx, feed, since))) for feed in feeds]
        horizon = since + SECOND
    rows = [(feed.time(row, since), row) for feed, page in pages for row in page]
    rows = [(time, row) for time, row in rows if horizon is None or time <= horizon]
    newest = max((time for time, _ in rows), default=None)
    return Chunk(rows=tuple(row for _, row in rows), next=horizon, newest=newest, store_time=store_time)


def _whole_second(ctx: Context, feed: Feed, second: datetime) -> Iterator[dict[str, Any]]:
    """Every order of one second. By page number, but from the last page to the first: an order that leaves this second while
    we read moves the others towards pages that are still to come, never past us."""
    bounds = {feed.before: _naive(second + SECOND), "orderby": "id"}
    pages = _total_pages(ctx, _page(ctx, feed, second, **bounds))
    for number in range(pages, 0, -1):
        yield from _page(ctx, feed, second, page=number, **bounds).rows(ctx, DOING)


def _page(ctx: Context, feed: Feed, since: datetime, **more: str | int) -> Answer:
    """Times go out in GMT without a zone and with dates_are_gmt: with a zone and the flag they would be shifted by the shop's
    offset, and whole hours of changes missed (recorded in four time zones)."""
    asked: dict[str, Any] = {
        "status": feed.status,
        "orderby": feed.orderby,
        "order": "asc",
        "per_page": config(ctx).page_size,
        "dates_are_gmt": "true",
        "_fields": ",".join(READ),
        feed.after: _naive(since - SECOND),
    }
    return read(ctx, "orders", DOING, **asked | more)


def _has_more(ctx: Context, answer: Answer) -> bool:
    rows = answer.rows(ctx, DOING)
    if not rows:
        return False
    return len(rows) >= config(ctx).page_size or answer.headers.get("X-WP-TotalPages", "1") not in ("0", "1")


def _total_pages(ctx: Context, answer: Answer) -> int:
    try:
        return int(answer.headers["X-WP-TotalPages"])
    except (KeyError, ValueError):
        text = "the shop's answer lacks X-WP-TotalPages: something between it and us takes headers away."
        raise TryLater(text, account=ctx.account.name, operation=DOING) from None


# --- rows to orders ---------------------------------------------------------------------------------------------------


def _orders(ctx: Context, rows: Iterable[Mapping[str, Any]], *, by: str) -> tuple[tuple[Order, ...], tuple[str, ...]]:
    """Each order once, as read last, without unfinished checkouts, oldest first; and the ids of those that cannot be read,
    which do not stop the others."""
    found: dict[str, Order] = {}
    unreadable: dict[str, str] = {}
    for row in rows:
        platform_id = str(row.get("id"))
        try:
            found[platform_id] = parse(row, config(ctx).statuses)
        except BadPayload as problem:
            unreadable[platform_id] = str(problem)
            ctx.log.error("order %s cannot be read: %s", platform_id, problem)
    orders = (order for order in found.values() if order.means is not PlatformStatus.DRAFT)
    in_order = tuple(sorted(orders, key=lambda order: (getattr(order, by), int(order.platform_id))))
    return in_order, tuple(platform_id for platform_id in unreadable if platform_id not in found)


# --- times ------------------------------------------------------------------------------------------------------------


def _time(cursor: str) -> datetime:
    try:
        moment = datetime.fromisoformat(cursor)
    except ValueError:
        raise ConfigError(f"{cursor!r:.40} is not a time to start from; it looks like 2026-11-22T18:00:00Z") from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.replace(microsecond=0)


def _stamp(moment: datetime) -> str:
    return f"{_naive(moment)}Z"


def _naive(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()
