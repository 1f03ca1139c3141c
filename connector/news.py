"""News from outside, before it belongs to an order: webhook deliveries are read, platforms are polled, webhooks kept alive."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, select

from .app import App
from .context import Account
from .errors import BadPayload, ConnectorError, TryLater
from .model.events import Check, Delivery, NewsKind, Page, PluginKind
from .outbound.holders import LockHolder
from .store import shared
from .store.tables import inbox, orders

log = logging.getLogger(__name__)

ENOUGH_TRIES = 8
CURSOR = "poll cursor"
WEBHOOKS = "webhooks run"


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
    if stored is None or stored.delivery is None:
        return
    now = app.clock.now()
    try:
        account = app.registry.by_id(stored.account_id)
        news = app.hooks.parse_webhook(account, delivery=stored.delivery)
    except ConnectorError as error:
        _not_read(app, delivery_id, stored.tries, error, now)
        return
    with app.database.writing() as connection:
        for piece in news:
            if piece.kind is not NewsKind.PING:
                app.orders.tell(
                    connection,
                    account_id=account.id,
                    account_name=account.name,
                    platform_id=piece.platform_id,
                    kind="news",
                    body={"kind": piece.kind, "delivery": delivery_id},
                    now=now,
                )
        app.deliveries.settle(connection, delivery_id, "done")


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


def _take_page(app: App, account: Account, page: Page) -> list[int]:
    now, woken = app.clock.now(), []
    with app.database.writing() as connection:
        for order in page.orders:
            told = app.orders.tell(
                connection,
                account_id=account.id,
                account_name=account.name,
                platform_id=order.platform_id,
                kind="seen",
                body={},
                now=now,
                seen=order,
            )
            woken.append(told)
        for platform_id in page.unreadable:
            if _is_told(connection, account, platform_id):
                continue  # a poll shows it again and again; that it waits to be read is enough
            told = app.orders.tell(
                connection,
                account_id=account.id,
                account_name=account.name,
                platform_id=platform_id,
                kind="news",
                body={"kind": NewsKind.ORDER},
                now=now,
            )
            woken.append(told)
    return woken


def _is_told(connection: Connection, account: Account, platform_id: str) -> bool:
    """Is there news about this order that nobody could take up yet?"""
    order = and_(orders.c.account_id == account.id, orders.c.platform_id == platform_id)
    waiting = select(inbox.c.id).join(orders, orders.c.id == inbox.c.order_id)
    return connection.execute(waiting.where(order, inbox.c.kind == "news", inbox.c.applied_at.is_(None))).first() is not None


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
