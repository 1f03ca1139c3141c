"""Many orders at once: each is made when somebody looks at it, without e-mails, webhooks or records. For imports."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal

from connector.sandbox.shopify import checkout, sums
from connector.sandbox.shopify.addresses import address_of
from connector.sandbox.shopify.store import Store
from connector.sandbox.shopify.things import Fulfillment, FulfillmentLine, Order, Seldom, ShippingLine

# How many of a hundred orders of an old shop are open; the others were sent.
OPEN = 4


def fill(store: Store, count: int, *, days: float = 365.0, seed: int = 1) -> tuple[int, int]:
    """Add so many orders, evenly over the last days, oldest first; gives (first, last) id. The caller holds the lock.

    The same seed gives the same orders. Stock stays as it is.
    """
    if count < 1:
        raise ValueError(f"{count} orders cannot be made")
    start, step = store.now() - timedelta(days=days), timedelta(days=days) / count
    first = 0
    for place in range(count):
        at = (start + step * place).replace(microsecond=0)
        number = store.next_id("Order")
        store.orders[number] = Seldom(number, store.next_number, at, at, lambda row: _made(store, row, seed))
        store.next_number += 1
        first = first or number
    store.touches += 1
    return first, number


def _made(store: Store, row: Seldom, seed: int) -> Order:
    dice = random.Random(row.number * 1_000_003 + seed)  # noqa: S311 - the same seed gives the same orders
    order = Order(
        id=row.id,
        number=row.number,
        created=row.created,
        updated=row.updated,
        processed=row.created,
        currency=store.settings.currency,
        presentment_currency=store.settings.currency,
        lines=[],
        email=f"buyer{dice.randrange(500)}@buyer.example",
    )
    order.shipping_address = address_of(store, {**checkout.SHOPPER, "address1": f"{dice.randrange(1, 900)} 5th Ave"})
    order.billing_address = order.shipping_address
    goods = [one for one in store.variants.values() if one.requires_shipping]
    order.lines.append(checkout.line_of(store, order, dice.choice(goods), dice.randint(1, 3)))
    price = checkout.bag(store, order, Decimal("5.00"))
    order.shipping_lines.append(ShippingLine(id=store.next_id("ShippingLine"), title="Standard", code="Standard", price=price))
    checkout.tax_lines(store, order)
    paid = checkout.transact(store, order, kind="SALE", status="SUCCESS", gateway="bogus", amount=sums.whole(order))
    paid.created = row.created
    checkout.place(store, order, reserve=False)
    if dice.randrange(100) >= OPEN:
        _send(store, order)
    return order


def _send(store: Store, order: Order) -> None:
    """It left on the day it was bought, and was archived."""
    place = order.fulfillment_orders[0]
    rows = [(one.line_id, one.id, one.remaining) for one in place.lines]
    for one in place.lines:
        one.remaining = 0
    place.status = "CLOSED"
    number = store.next_id("Fulfillment")
    order.fulfillments.append(
        Fulfillment(
            id=number,
            order_id=order.id,
            name=f"{order.name}-F1",
            location_id=place.location_id,
            lines=[
                FulfillmentLine(id=store.next_id("FulfillmentLineItem"), line_id=line, quantity=count)
                for line, _, count in rows
            ],
            of=[(place.id, one, count) for _, one, count in rows],
            tracking=[{"number": f"1Z{order.number}", "url": None, "company": "UPS"}],
            created=order.created,
            updated=order.created,
        )
    )
    order.closed = order.created
