"""People and their data: giving out what is held about a customer, and erasing it - for a person, or because a platform asks.

Nothing here stops halfway for good: each order is erased in a transaction of its own, and whatever was cut is done when it is
asked for again. Erasing at the platform is another decision, because the platform keeps its own books.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from .app import App
from .context import Account
from .errors import Conflict, ConnectorError, TryLater
from .model.codec import from_json, plain
from .model.events import News, NewsKind, Task, TaskKind
from .outbound.holders import LockHolder
from .outbound.ledger import HeldBack
from .store import lists, shared
from .store import people as store
from .store.deliveries import StoredDelivery
from .store.people import Body, Owned
from .store.tables import duties, timeline
from .store.tasks import close_for_account, open_for_account

log = logging.getLogger(__name__)

ASKED = frozenset({NewsKind.CUSTOMER_REQUEST, NewsKind.CUSTOMER_REDACT, NewsKind.SHOP_REDACT})
"""News that is about people and not about an order to look at."""
PATIENCE_S = 10.0
"""How long to wait for another process that has an order just now."""
AT_ONCE_S = 300.0
# Shopify wants a redaction to be done within 30 days (https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance,
# 2026-11). So long an order that is not finished keeps its customer.
LONGEST_WAIT = timedelta(days=25)
LOOK_AGAIN = timedelta(days=1)
NOT_READ_YET = timedelta(minutes=1)
AFTER_FAILURE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What was done about a customer.

    Args:
        orders: references of those that know the customer no more; deliveries: how many lost what they brought.
        key_destroyed: nothing that the customer's key locked can be opened any more. at_platform: by account, what was done
        there; failures: by account, why it was not.
    """

    orders: tuple[str, ...]
    deliveries: int
    key_destroyed: bool
    at_platform: dict[str, list[str]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """What becomes of a delivery that asked for something: it is read again at `due_at` (None: it is done with).

    `forget`: what it said is not kept.
    """

    due_at: datetime | None = None
    said: str = ""
    forget: bool = False


# --- giving out -------------------------------------------------------------------------------------------------------


def export(app: App, email: str) -> dict[str, Any]:
    """Everything that is held about a customer, as JSON, here and in every account that can give it out.

    Returns:
        `customer`, `made_at`, `orders`, `deliveries`, `accounts` by name, and `failures`: why one did not answer, by name.
    """
    with app.database.reading() as connection:
        found = store.of_customer(connection, app.orders, email)
    return _document(app, email, found, list(app.registry.accounts.values()))


def export_asked(app: App, account: Account, request: News) -> dict[str, Any]:
    """The same for a customer whose request came from a platform: what is held for that account."""
    return _document(app, request.email, _meant(app, account, request), [account])


def _meant(app: App, account: Account, request: News) -> list[Owned]:
    """The orders that a request is about: those that it names, and for giving out all others of the customer, too."""
    with app.database.reading() as connection:
        found = store.named(connection, app.orders, account.id, request.orders)
        if request.email and (not request.orders or request.kind is NewsKind.CUSTOMER_REQUEST):
            found += store.of_customer(connection, app.orders, request.email, account_id=account.id)
    return sorted({one.id: one for one in found}.values(), key=lambda one: one.id)


def _knowing(app: App, hook: str, accounts: Iterable[Account]) -> list[Account]:
    return [account for account in accounts if app.registry.implements(account.plugin, hook)]


def _document(app: App, email: str, found: Sequence[Owned], accounts: Sequence[Account]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    failures: dict[str, str] = {}
    for account in _knowing(app, "export_customer", accounts) if email else ():
        try:
            told[account.name] = plain(app.hooks.export_customer(account, email=email))
        except ConnectorError as error:
            failures[account.name] = str(error)
    with app.database.reading() as connection:
        orders = [_order(app, connection, one) for one in found]
    return {
        "customer": email,
        "made_at": plain(app.clock.now()),
        "orders": orders,
        "deliveries": [_delivery(app, one) for one in _bodies(app, email, found, accounts)],
        "accounts": told,
        "failures": failures,
    }


def _order(app: App, connection: Connection, one: Owned) -> dict[str, Any]:
    case = app.orders.read(connection, one.id)
    document: dict[str, Any] = {"order": one.ref, "account": _name(app, one.account_id)}
    if case is not None:
        document |= {"stage": case.stage, "platform_order": case.order, "findings": case.findings, "holds": case.holds}
        document |= {"shipments": case.shipments, "refunds": case.refunds, "acts": case.acts}
    document |= {
        "timeline": lists.timeline_of(connection, one.id),
        "messages": _messages(connection, one.id),
        "tasks": lists.tasks_of(connection, one.id),
    }
    plainly: dict[str, Any] = plain(document)
    return plainly


def _messages(connection: Connection, order_id: int) -> list[dict[str, Any]]:
    """Who was told of what, and what it was about. The words of a mail are not kept."""
    query = select(duties).where(duties.c.order_id == order_id).order_by(duties.c.owed_at, duties.c.id)
    shown = ("event", "person", "state", "owed_at", "settled_at")
    return [
        {**{name: getattr(row, name) for name in shown}, "facts": from_json(row.facts, dict[str, Any])}
        for row in connection.execute(query)
    ]


def _delivery(app: App, one: Body) -> dict[str, Any]:
    said = {"number": one.delivery_id, "account": _name(app, one.account_id), "received_at": plain(one.received_at)}
    return {**said, "topic": one.topic, "headers": one.headers, "body": one.body.decode("utf-8", "replace")}


def _name(app: App, account_id: str) -> str:
    """The account's name; its id where the configuration does not have it any more."""
    return next((one.name for one in app.registry.accounts.values() if one.id == account_id), account_id)


def _bodies(app: App, email: str, found: Sequence[Owned], accounts: Iterable[Account]) -> Iterator[Body]:
    """Deliveries to these accounts that name the customer, and to an order's own that name the order."""
    ids: dict[str, list[str]] = {account.id: [] for account in accounts}
    for one in found:
        ids.setdefault(one.account_id, []).append(one.platform_id)
    return store.bodies_about(app.database, app.vault, email, ids)


# --- erasing, because a person says so --------------------------------------------------------------------------------


def find(app: App, email: str) -> list[Owned]:
    """The orders of a customer, those that are still open with why."""
    with app.database.reading() as connection:
        return store.of_customer(connection, app.orders, email)


def erase(app: App, email: str, *, who: str, force: bool = False, at_platform: bool = False) -> Erased:
    """Erase a customer from all orders of all accounts, and destroy the key.

    Args:
        who: who decided it. force: also from orders that are still open. at_platform: have each account that can do so erase
        them, too, where the platform's own books are.

    Raises:
        Conflict: an order is still open (nothing was erased). TryLater: another process has an order, or erases just now.
    """
    with shared.locked(app.database, "people", AT_ONCE_S) as lock:
        found = find(app, email)
        waiting = [one for one in found if one.open and not (force and one.is_read)]
        if waiting:
            raise Conflict(_refusal(waiting))
        for one in found:
            _erase_order(app, one, who)
            lock.extend(AT_ONCE_S)
        key_destroyed = store.forget_key(app.database, app.vault.key_id(email))
        deliveries = _drop_bodies(app, email, found)
        app.database.empty_log()
        erased = Erased(orders=tuple(one.ref for one in found), deliveries=deliveries, key_destroyed=key_destroyed)
        able = _knowing(app, "erase_customer", app.registry.accounts.values())
        for account in able if at_platform else ():
            try:
                erased.at_platform[account.name] = _erase_at(app, account, email, lock)
            except ConnectorError as error:
                erased.failures[account.name] = str(error)
    return erased


def _refusal(waiting: Sequence[Owned]) -> str:
    shown = ", ".join(f"{one.ref} ({one.open})" for one in waiting[:10])
    more = f" and {len(waiting) - 10} more" if len(waiting) > 10 else ""
    unread = [one for one in waiting if not one.is_read]
    if unread:
        return f"nothing was erased: {shown}{more} came in just now. Say it again when it was read (connector pull)."
    return (
        f"nothing was erased, because the customer is still needed: {shown}{more}. Finish or cancel what is open; "
        "--force erases them all the same, and nothing can be sent to nobody."
    )


def _erase_order(app: App, one: Owned, who: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not store.erase_order(app.orders, one.id, who=who, now=app.clock.now()):
        if time.monotonic() > deadline:
            raise TryLater(f"{one.ref} is worked on by another process; say it again in a moment", after_s=60)
        time.sleep(0.2)


def _drop_bodies(app: App, email: str, found: Sequence[Owned]) -> int:
    """Of deliveries that were read. What is still to be read loses its content when it was."""
    bodies = _bodies(app, email, found, app.registry.accounts.values())
    ids = [one.delivery_id for one in bodies if one.state != "new"]
    store.drop_bodies(app.database, ids)
    return len(ids)


def _erase_at(app: App, account: Account, email: str, lock: shared.Lock) -> list[str]:
    """Have an account erase the customer. One that was begun and cut is settled before another one is begun."""
    state = shared.AccountState(app.database, app.vault, account.id)
    key = f"erasing {app.vault.key_id(email)}"
    row = state.get(key)
    request_id = str(row.value) if row else state.put(key, f"erase-{uuid.uuid4().hex}").value
    hooks = app.hooks_of(LockHolder(lock=lock, account_id=account.id)).about(request_id=str(request_id))
    try:
        done = hooks.erase_customer(account, email=email)
    except (TryLater, HeldBack):
        raise
    except ConnectorError:
        state.delete(key)
        raise
    state.delete(key)
    return done


# --- because a platform asks ------------------------------------------------------------------------------------------


def attend(app: App, account: Account, stored: StoredDelivery, request: News) -> After:
    """Do what a platform asks about people's data. Repeats: what was done is found done.

    No personal data stands in what it opens: a task names the delivery, and the delivery names the customer.
    """
    try:
        with shared.locked(app.database, "people", AT_ONCE_S) as lock:
            if request.kind is NewsKind.CUSTOMER_REQUEST:
                return _requested(app, account, stored, request)
            return _redact(app, account, stored, request, lock)
    except ConnectorError as error:  # tried until it is done: it must be
        log.warning("delivery %s about people's data: %s", stored.id, error)
        return After(due_at=app.clock.now() + AFTER_FAILURE, said=str(error))


def _requested(app: App, account: Account, stored: StoredDelivery, request: News) -> After:
    found, now = _meant(app, account, request), app.clock.now()
    task = Task(
        kind=TaskKind.PERSONAL_DATA,
        about=f"request-{stored.digest}",
        title=f"{account.name}: a customer wants to have what is held about them ({_counted(found)})",
        steps=(
            f"Write it to a file: connector customers export --delivery {stored.id} --out FILE",
            "Look through it, send it to the customer in a safe way, and delete the file.",
            "The law gives a month for it. Then close this task.",
        ),
    )
    with app.database.writing() as connection:
        if open_for_account(connection, account.id, task, now):
            _note(connection, found, "data_request", "The customer asked for what is held about them.", now)
    return After()


def _redact(app: App, account: Account, stored: StoredDelivery, request: News, lock: shared.Lock) -> After:
    now = app.clock.now()
    is_late = stored.delivery is not None and now - stored.delivery.received_at > LONGEST_WAIT
    waiting = []
    for one in _to_erase(app, account, request):
        if one.open and not one.is_erased and not (is_late and one.is_read):
            waiting.append(one)
        elif not one.is_erased:
            _erase_order(app, one, account.name)
        lock.extend(AT_ONCE_S)
    if waiting:
        refs = [one.ref for one in waiting]
        _ask_to_finish(app, account, stored, refs)
        again = LOOK_AGAIN if any(one.is_read for one in waiting) else NOT_READ_YET
        return After(due_at=now + again, said=f"waits for {_some(refs)}")
    _forget_rest(app, account, request)
    _tell_erased(app, account, stored, request)
    return After(forget=True)


def _to_erase(app: App, account: Account, request: News) -> Iterator[Owned]:
    if request.kind is not NewsKind.SHOP_REDACT:
        yield from _meant(app, account, request)
        return
    last = 0
    while True:
        with app.database.reading() as connection:
            page = store.of_account(connection, app.orders, account.id, after=last)
        yield from page
        if len(page) < store.PAGE:
            return
        last = page[-1].id


def _forget_rest(app: App, account: Account, request: News) -> None:
    """Keys that lock nothing any more, and what deliveries brought."""
    if request.kind is NewsKind.SHOP_REDACT:
        store.drop_bodies_of_account(app.database, account.id)
        ids = [one.id for one in app.registry.accounts.values()]
        store.forget_unused_keys(app.database, app.vault, ids, app.clock.now())
    else:
        if request.email:
            store.forget_key(app.database, app.vault.key_id(request.email))
        others = find(app, request.email) if request.email else []
        is_gone = not any(one.account_id == account.id for one in others)
        named = {account.id: request.orders}
        bodies = store.bodies_about(app.database, app.vault, request.email if is_gone else "", named)
        store.drop_bodies(app.database, [one.delivery_id for one in bodies if one.state != "new"])
    app.database.empty_log()


def _ask_to_finish(app: App, account: Account, stored: StoredDelivery, refs: Sequence[str]) -> None:
    days = LONGEST_WAIT.days
    task = Task(
        kind=TaskKind.PERSONAL_DATA,
        about=f"waits-{stored.digest}",
        title=f"{account.name}: a customer is to be erased, and {_some(refs)} {'is' if len(refs) == 1 else 'are'} not finished",
        steps=(
            "Finish or cancel what is open: connector orders show ORDER",
            f"The customer is erased by itself as soon as that is done, {days} days after it was asked for in any case.",
        ),
    )
    with app.database.writing() as connection:
        open_for_account(connection, account.id, task, app.clock.now())


def _tell_erased(app: App, account: Account, stored: StoredDelivery, request: News) -> None:
    now = app.clock.now()
    whom = "everybody who bought there was" if request.kind is NewsKind.SHOP_REDACT else "a customer was"
    task = Task(
        kind=TaskKind.PERSONAL_DATA,
        about=f"erased-{stored.digest}",
        title=f"{account.name}: {whom} erased because the platform asked for it (delivery {stored.id})",
        steps=(
            "What is outside of the connector is for you: mailboxes, exports, labels, lists, old backups.",
            "Then close this task.",
        ),
    )
    with app.database.writing() as connection:
        close_for_account(connection, account.id, f"waits-{stored.digest}", outcome="it was erased", now=now)
        open_for_account(connection, account.id, task, now)
    log.info("%s: %s erased (delivery %s)", account.name, whom, stored.id)


def _note(connection: Connection, found: Iterable[Owned], what: str, text: str, now: datetime) -> None:
    """The timeline only grows, so a line of ours cannot be in the way of an order's holder."""
    rows = [{"order_id": one.id, "at": now, "who": "connector", "what": what, "text": text} for one in found]
    if rows:
        connection.execute(timeline.insert(), rows)


def _counted(found: Sequence[Owned]) -> str:
    return "1 order" if len(found) == 1 else f"{len(found)} orders"


def _some(refs: Sequence[str]) -> str:
    return ", ".join(refs[:5]) + (f" and {len(refs) - 5} more" if len(refs) > 5 else "")
