"""Well-formed orders for tests of plugins, and what is wrong with one that is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, get_type_hints

from ..hooks import fits
from ..model.codec import from_json, to_json
from ..model.money import EXPONENTS, Money
from ..model.order import Address, Customer, LineItem, Order, PlatformStatus
from ..model.payment import Payment, PaymentKind

AT = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)
TO = Address(name="Ida Lind", line1="1 Pier", city="Oslo", postcode="0150", country="NO", phone="+4722000000")


def make_order(total: str = "25.00", *, currency: str = "EUR", **changes: Any) -> Order:
    """A paid order of two pieces that are to be shipped, worth `total` together; `changes` are fields of Order.

    What `changes` says is not made to fit the rest: who gives other lines gives the total as well.
    """
    due, nothing = Money.parse(total, currency), Money.zero(currency)
    each = Decimal(due.minor) / 2 / 10 ** EXPONENTS[currency]
    line = LineItem(id="1", name="Mug", quantity=2, sku="MUG", product_id="13", unit_price=each, total=due, tax=nothing)
    given: dict[str, Any] = {
        "platform_id": "42",
        "number": "#1042",
        "status": "processing",
        "means": PlatformStatus.OPEN,
        "currency": currency,
        "placed_at": AT,
        "updated_at": AT,
        "lines": (line,),
        "discount": nothing,
        "tax": nothing,
        "total": due,
        "payments": (make_payment(total, currency=currency),),
        "customer": Customer(id="7", name=TO.name, email="ida@customer.example", phone=TO.phone),
        "billing": TO,
        "shipping": TO,
    }
    return Order(**given | changes)


def make_payment(total: str = "25.00", *, currency: str = "EUR", **changes: Any) -> Payment:
    """All of it was paid by card (nothing at all: there is nothing to pay)."""
    due, nothing = Money.parse(total, currency), Money.zero(currency)
    given: dict[str, Any] = {
        "id": "1",
        "kind": PaymentKind.GATEWAY if due else PaymentKind.NONE,
        "gateway": "card" if due else "",
        "transaction_id": "tx-1" if due else "",
        "due": due,
        "authorized": due,
        "captured": due,
        "refunded": nothing,
        "refund_pending": nothing,
        "disputed": nothing,
        "paid_at": AT,
    }
    return Payment(**given | changes)


def flaws(order: Order) -> list[str]:
    """What is wrong with an order that a plugin made, each with the path to it: types, ids, times, currencies."""
    found = list(_wrong(order, "order"))
    if not found and from_json(to_json(order), Order) != order:
        found.append("order: it is another one after it was stored and read")
    if not order.platform_id:
        found.append("order.platform_id: is empty")
    parts = [one.id for group in (order.lines, order.shipping_lines, order.fees) for one in group]
    found += [f"order: two lines, shipping lines or fees have the id {one}" for one in {*parts} if parts.count(one) > 1]
    paid = [payment.id for payment in order.payments]
    found += [f"order.payments: two have the id {one}" for one in {*paid} if paid.count(one) > 1]
    return found + [f"order: {where} is in {money.currency}" for where, money in _money(order, "") if _other(money, order)]


def _other(money: Money, order: Order) -> bool:
    return money.currency != order.currency


def _wrong(value: Any, path: str) -> Iterator[str]:
    """Values of another type than declared, and times that are not UTC."""
    if isinstance(value, datetime) and value.utcoffset() != timedelta(0):
        yield f"{path}: {value.isoformat()} is not UTC"
    if isinstance(value, tuple):
        for number, one in enumerate(value):
            yield from _wrong(one, f"{path}[{number}]")
    if not is_dataclass(value):
        return
    kinds = get_type_hints(type(value))
    for field in fields(value):
        inner, where = getattr(value, field.name), f"{path}.{field.name}"
        if not fits(inner, kinds[field.name]):
            yield f"{where}: is {type(inner).__name__} ({inner!r:.40}), not {kinds[field.name]}"
        elif field.name == "id" or field.name.endswith("_id"):
            yield from [f"{where}: {inner!r} has blanks around it"] if str(inner) != str(inner).strip() else []
        yield from _wrong(inner, where)


def _money(value: Any, path: str) -> Iterator[tuple[str, Money]]:
    if isinstance(value, Money):
        yield path, value
    elif isinstance(value, tuple):
        for number, one in enumerate(value):
            yield from _money(one, f"{path}[{number}]")
    elif is_dataclass(value):
        for field in fields(value):
            yield from _money(getattr(value, field.name), f"{path}.{field.name}".lstrip("."))
