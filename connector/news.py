"""News from outside, before it belongs to an order: webhook deliveries are read, platforms are polled, webhooks kept alive."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, and_, select

from . import people
from .app import App
from .context import Account
from .errors import BadPayload, ConnectorError, TryLater
from .model.codec import from_json, to_json
from .model.events import Check, Delivery, NewsKind, Page, PluginKind
from .model.flow import OPEN
from .model.order import Order, PlatformStatus
from .outbound.holders import LockHolder
from .store import people as stored_people
from .store import shared
from .store.again import Place, wake_page
from .store.orders import Told
from .store.tables import inbox, orders

log = logging.getLogger(__name__)

ENOUGH_TRIES = 8
CURSOR = "poll cursor"
WEBHOOKS = "webhooks run"
IMPORT_REMEMBERED = timedelta(days=7)
SHOWN_JUST_NOW = timedelta(minutes=1)
UNTOUCHED = timedelta(days=1)
ASKED_AT_ONCE = 1000
JUST_PLACED = timedelta(minutes=10)
POLICY = "policy seen"
EVERYBODY = "*"
"""In the place of an account's id: state that is about no account."""
WOKEN_AT_ONCE = 500
# Nobody has paid for them, or nobody wants them any more. The poll brings them as soon as something happens to them.
NOT_IMPORTED = frozenset({PlatformStatus.DRAFT, PlatformStatus.UNPAID, PlatformStatus.FAILED, PlatformStatus.DELETED})


def receive(app: App, account: Account, delivery: Delivery) -> int | None:
    """Check and store a delivery. Once this returns it may be answered with 200; it will not be lost.

    Returns:
        its number, or None for a ping.
    Raises:
        BadSignature: it is not from the platform.
    """
    if not app.hooks.verify_webhook(account, delivery=delivery):
        return None
    topic = next((value for name, value in delivery.headers.items() if name.endswith("-topic")), "")
    return app.deliveries.keep(account.id, delivery, topic=topic, now=app.clock.now())


def read_delivery(app: App, delivery_id: int) -> None:
    """Find out what a stored delivery is about, and wake those orders. What cannot be read stays, and can be replayed."""
    stored = app.deliveries.read(delivery_id)
    if stored is None:
        return
    now = app.clock.now()
    if stored.delivery is None:
        _settled(app, delivery_id, "what it brought was erased")
        return
    try:
        account = app.registry.by_id(stored.account_id)
        news = app.hooks.parse_webhook(account, delivery=stored.delivery)
    except ConnectorError as error:
        _not_read(app, delivery_id, stored.tries, error, now)
        return
    is_fresh = now - stored.delivery.received_at < SHOWN_JUST_NOW
    told = [
        Told(
            platform_id=piece.platform_id,
            kind="news",
            body={"kind": piece.kind, "delivery": delivery_id},
            shown=piece.order if is_fresh else None,
        )
        for piece in news
        if piece.kind is not NewsKind.PING and piece.kind not in people.ASKED
    ]
    asked = [people.attend(app, account, stored, piece) for piece in news if piece.kind in people.ASKED]
    again = min((after.due_at for after in asked if after.due_at), default=None)
    with app.database.writing() as connection:
        ids = app.orders.tell_all(connection, told, account_id=account.id, account_name=account.name, now=now)
        if again:
            said = "; ".join(after.said for after in asked if after.due_at)
            app.deliveries.settle(connection, delivery_id, "new", said=said, due_at=again)
            return
        if any(after.forget for after in asked) or stored_people.are_erased(connection, ids):
            stored_people.drop_body(connection, delivery_id)  # nothing about a person who was erased comes back
        app.deliveries.settle(connection, delivery_id, "done")


def _settled(app: App, delivery_id: int, said: str) -> None:
    with app.database.writing() as connection:
        app.deliveries.settle(connection, delivery_id, "done", said=said)


def _not_read(app: App, delivery_id: int, tries: int, error: ConnectorError, now: datetime) -> None:
    again = None if isinstance(error, BadPayload) or tries >= ENOUGH_TRIES else now + timedelta(seconds=2.0 ** (tries + 2))
    log.warning("delivery %s cannot be read: %s", delivery_id, error)
    with app.database.writing() as connection:
        app.deliveries.settle(connection, delivery_id, "new" if again else "bad", said=str(error), due_at=again)


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """What a poll brought: how many orders were looked at, and the ids of all of them (what is not new wakes nobody)."""

    seen: int
    order_ids: tuple[int, ...]


def poll(app: App, account: Account, *, since: datetime | None = None) -> Polled:
    """Ask a platform what has changed since the last time (or `since`), page by page, and wake those orders.

    One process at a time; raises TryLater if another one is at it. The cursor moves only with what was stored.
    """
    looked_at, woken = 0, []
    with shared.locked(app.database, f"poll/{account.id}", seconds=300) as lock:
        state = shared.AccountState(app.database, app.vault, account.id)
        row = state.get(CURSOR)
        cursor = since.isoformat() if since else (row.value if row else "")
        while True:
            page = app.hooks.poll_orders(account, cursor=cursor)
            if not lock.extend(300):
                raise TryLater("the poll took too long; another process goes on", account=account.name, after_s=5)
            woken += _take_page(app, account, page)
            looked_at += len(page.orders)
            if page.next_cursor != cursor:
                state.put(CURSOR, page.next_cursor)
            if not page.more:
                return Polled(seen=looked_at, order_ids=tuple(dict.fromkeys(woken)))
            cursor = page.next_cursor


def _take_page(app: App, account: Account, page: Page, *, history: datetime | None = None) -> list[int]:
    """Write a page down and wake its orders. `history`: of an import; whoever ordered before then was told long ago."""
    told = []
    with app.database.writing() as connection:
        for order in page.orders if history is None else _wanted(connection, account, page):
            imported = {"imported": True} if history is not None and order.placed_at < history else {}
            told.append(Told(platform_id=order.platform_id, kind="seen", body=imported, seen=order))
        for platform_id in page.unreadable:
            if not _is_told(connection, account, platform_id):  # a poll shows it again and again; that it waits is enough
                told.append(Told(platform_id=platform_id, kind="news", body={"kind": NewsKind.ORDER}))
        return app.orders.tell_all(connection, told, account_id=account.id, account_name=account.name, now=app.clock.now())


def _is_told(connection: Connection, account: Account, platform_id: str) -> bool:
    """Is there news about this order that nobody could take up yet?"""
    order = and_(orders.c.account_id == account.id, orders.c.platform_id == platform_id)
    waiting = select(inbox.c.id).join(orders, orders.c.id == inbox.c.order_id)
    return connection.execute(waiting.where(order, inbox.c.kind == "news", inbox.c.applied_at.is_(None))).first() is not None


# --- the first import -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """How far an import has come: everything before `cursor` is done, `seen` orders. `began`: when it was begun."""

    cursor: str
    began: datetime
    seen: int = 0
    placed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some orders of an import, written down and due. `so_far`: how far the import is once they are worked off."""

    order_ids: tuple[int, ...]
    so_far: Import


def import_orders(app: App, account: Account, *, since: datetime) -> Iterator[Batch]:
    """Bring in all orders placed since a time, oldest first, a page at a time.

    Whoever asks for the next batch says that the last one is worked off: only then is the place remembered, so an import that
    died goes on where it was when it is asked for again. Two at once do no harm. What the shop changes meanwhile is the
    poll's, which is therefore begun first.
    """
    state = shared.AccountState(app.database, app.vault, account.id)
    if state.get(CURSOR) is None:
        poll(app, account)
    start = since.astimezone(UTC).isoformat()
    row = state.get(f"import since {start}")
    so_far, more = from_json(row.value, Import) if row else Import(cursor=start, began=app.clock.now()), True
    before: set[str] = set()
    while more:
        page = app.hooks.import_orders(account, cursor=so_far.cursor)
        ids, more = {order.platform_id for order in page.orders} | set(page.unreadable), page.more
        placed_at = page.orders[-1].placed_at if page.orders else so_far.placed_at
        # Pages overlap by a second.
        so_far = replace(so_far, cursor=page.next_cursor, seen=so_far.seen + len(ids - before), placed_at=placed_at)
        before = ids
        order_ids = _take_page(app, account, page, history=so_far.began - JUST_PLACED)
        yield Batch(order_ids=tuple(order_ids), so_far=so_far)
        expires_at = datetime.now(UTC) + IMPORT_REMEMBERED
        state.put(f"import since {start}", to_json(so_far).decode(), expires_at=expires_at)
    state.delete(f"import since {start}")


def _wanted(connection: Connection, account: Account, page: Page) -> Iterator[Order]:
    """The orders of an import that are worth having, and those that we have already."""
    ids = [order.platform_id for order in page.orders]
    query = select(orders.c.platform_id).where(orders.c.account_id == account.id, orders.c.platform_id.in_(ids))
    known = set(connection.execute(query).scalars())
    return (order for order in page.orders if order.platform_id in known or order.means not in NOT_IMPORTED)


# --- what nobody tells ------------------------------------------------------------------------------------------------


def look_for_missing(app: App, account: Account) -> int:
    """Ask whether open orders that nobody has touched for a day are still there, and wake those that are not.

    An order deleted for good leaves no trace in webhooks and polls of some platforms. Returns how many were woken.
    """
    if not app.registry.implements(account.plugin, "missing_orders"):
        return 0
    now, woken, last = app.clock.now(), 0, 0
    while True:
        still = and_(orders.c.account_id == account.id, orders.c.stage.in_(OPEN), orders.c.changed_at < now - UNTOUCHED)
        query = select(orders.c.id, orders.c.platform_id).where(still, orders.c.id > last).order_by(orders.c.id)
        with app.database.reading() as connection:
            rows = connection.execute(query.limit(ASKED_AT_ONCE)).all()
        if not rows:
            return woken
        last = rows[-1].id
        gone = app.hooks.missing_orders(account, platform_ids=tuple(row.platform_id for row in rows))
        woken += len(_take_page(app, account, Page(orders=(), unreadable=tuple(gone), next_cursor="")))


# --- another policy ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySeen:
    """The policy that orders were looked at with last, and how far that has come (`place`; None: it is done)."""

    digest: str
    place: Place | None


def look_with_new_policy(app: App) -> bool:
    """Wake the next page of open orders that rest, if `[policy]` is not what they were looked at with. False: nothing is left.

    One that dies is followed by the next process to start, which goes on where it was. Two at once wake some orders twice.
    """
    digest = hashlib.sha256(to_json(app.settings.policy)).hexdigest()[:16]
    state = shared.AccountState(app.database, app.vault, EVERYBODY)
    row = state.get(POLICY)
    seen = from_json(row.value, PolicySeen) if row else None
    place = Place() if seen is None or seen.digest != digest else seen.place
    if place is None:
        return False
    with app.database.writing() as connection:
        woken, place = wake_page(connection, place, app.clock.now(), limit=WOKEN_AT_ONCE)
    state.put(POLICY, to_json(PolicySeen(digest=digest, place=place)).decode())
    if woken:
        log.info("the policy has changed: %s open orders are looked at again", woken)
    return place is not None


def ensure_webhooks(app: App, account: Account) -> list[Check]:
    """Have the platform send its webhooks to us. Needs connector.public_url."""
    address = webhook_address(app, account)
    if not address:
        return []
    with shared.locked(app.database, f"webhooks/{account.id}", seconds=300) as lock:
        # The same number until it went well: a subscription that was begun and cut is settled before another one is made.
        state = shared.AccountState(app.database, app.vault, account.id)
        row = state.get(WEBHOOKS)
        number = int(row.value) if row else 1
        hooks = app.hooks_of(LockHolder(lock=lock, account_id=account.id)).about(request_id=f"webhooks-{number}")
        checks = hooks.ensure_webhooks(account, address=address)
        state.put(WEBHOOKS, str(number + 1))
        return checks


def webhook_address(app: App, account: Account) -> str:
    base = app.settings.connector.public_url.rstrip("/")
    return f"{base}/webhooks/{account.name}" if base else ""


def platforms(app: App) -> list[Account]:
    """The accounts of shops, without those whose plugin is blocked."""
    found = []
    for account in app.registry.accounts.values():
        info = app.registry.infos.get(account.plugin)
        if info is not None and PluginKind.PLATFORM in info.kinds:
            found.append(account)
    return found
