"""A small world for tests of store and door: one order, one case, one refund."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from connector.model.case import Case
from connector.model.money import Money
from connector.model.order import Address, Customer, LineItem, LineQuantity, Order, PlatformStatus
from connector.model.payment import Payment, PaymentKind
from connector.model.refunds import RefundRequest
from connector.store.database import Database
from connector.store.lease import Lease
from connector.store.orders import Orders

ALREADY_OVER = timedelta(seconds=-1)
"""A lease that has run out when it is taken."""
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def money(minor: int, currency: str = "EUR") -> Money:
    return Money(minor=minor, currency=currency)


def make_order(
    platform_id: str, *, quantity: int = 1, captured: int = 5000, email: str = "ann@example.com", **changes: Any
) -> Order:
    """One line, paid by card, to Ann in Vienna."""
    nothing, all_of_it = money(0), money(captured)
    paid = Payment(
        id="p1",
        kind=PaymentKind.GATEWAY,
        gateway="card",
        due=all_of_it,
        authorized=nothing,
        captured=all_of_it,
        refunded=nothing,
        refund_pending=nothing,
        disputed=nothing,
    )
    line = LineItem(id="l1", quantity=quantity, unit_price=Decimal("50"), total=all_of_it, tax=nothing)
    order = Order(
        platform_id=platform_id,
        number=f"#{platform_id}",
        status="processing",
        means=PlatformStatus.OPEN,
        currency="EUR",
        placed_at=NOW,
        updated_at=NOW,
        lines=(line,),
        discount=nothing,
        tax=nothing,
        total=all_of_it,
        payments=(paid,),
        customer=Customer(id="c1", name="Ann Example", email=email),
        shipping=Address(name="Ann Example", line1="Ring 1", city="Wien", postcode="1010", country="AT"),
    )
    return replace(order, **changes)


def make_case(platform_id: str, **about: Any) -> Case:
    return Case(ref=f"shop/{platform_id}", account="a1", order=make_order(platform_id, **about))


def make_refund(refund_id: str, minor: int, *, currency: str = "EUR", lines: tuple[LineQuantity, ...] = ()) -> RefundRequest:
    return RefundRequest(id=refund_id, amount=money(minor, currency), lines=lines)


def tell(orders: Orders, platform_id: str = "1", **about: Any) -> int:
    """Something about an order of the account a1, in a transaction of its own; returns our id of the order."""
    said: dict[str, Any] = {"kind": "news", "body": {}, "now": NOW} | about
    with orders.database.writing() as connection:
        return orders.tell(connection, account_id="a1", account_name="shop", platform_id=platform_id, **said)


def taken(books: Orders, order_id: int) -> Lease:
    lease = books.take(order_id)
    assert lease is not None
    return lease


def look_at_all(lease: Lease) -> None:
    """Nothing in the inbox is new any more."""
    for item in list(lease.inbox):
        lease.applied(item)


def stored_order(orders: Orders, platform_id: str = "1", **about: Any) -> int:
    """An order that was read from the platform and stored; nobody holds it. Returns our id of it."""
    order_id = tell(orders, platform_id)
    lease = orders.take(order_id)
    assert lease is not None
    lease.case = make_case(platform_id, **about)
    look_at_all(lease)
    assert orders.give_back(lease, NOW, due_at=None)
    return order_id


def race(*doing: Callable[[], Any]) -> list[Any]:
    """All at the same moment, each in a thread; what each returned, or the exception it ended with."""
    start = threading.Barrier(len(doing))

    def run(one: Callable[[], Any]) -> Any:
        start.wait()
        try:
            return one()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(doing)) as pool:
        return list(pool.map(run, doing))


def rows(database: Database, table: Any, *where: Any) -> list[Any]:
    """The rows of a table as they are stored."""
    with database.reading() as connection:
        return list(connection.execute(select(table).where(*where)))


def column(database: Database, table: Any, name: str, *where: Any) -> Any:
    """One value of one row, as it is stored."""
    with database.reading() as connection:
        return connection.execute(select(table.c[name]).where(*where)).scalar_one()
