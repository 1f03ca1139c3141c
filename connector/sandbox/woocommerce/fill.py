"""Many orders at once: rows made here, without a checkout, e-mails, webhooks or records. For imports and long lists.

100,000 orders take a few seconds and about 200 MB.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from connector.sandbox.woocommerce import shop
from connector.sandbox.woocommerce.php import ZERO, amount, rounded
from connector.sandbox.woocommerce.store import Store
from connector.sandbox.woocommerce.things import (
    BILLING_FIELDS,
    SHIPPING_FIELDS,
    LineItem,
    Order,
    Product,
    Refund,
    ShippingLine,
    TaxLine,
    TaxRate,
)

# How many of a hundred orders of an old shop are what.
SHARES = {"completed": 82, "refunded": 5, "cancelled": 6, "processing": 4, "on-hold": 2, "pending": 1}
PAID = frozenset({"completed", "processing", "refunded"})
CUSTOMERS = 500
FLAT_RATE = Decimal(5)
NAMES = ("Ada", "Bo", "Cleo", "Dov", "Eli", "Fay", "Gus", "Ida", "Kim", "Lou")


def fill(
    store: Store, count: int, *, days: float = 365.0, shares: Mapping[str, int] | None = None, seed: int = 1
) -> tuple[int, int]:
    """Add so many orders, evenly over the last days, oldest first; gives (first, last) id. The caller holds the lock.

    `shares`: status -> weight. The same seed gives the same orders. Stock stays as it is.
    """
    if count < 1:
        raise ValueError(f"{count} orders cannot be made")
    weights = dict(shares or SHARES)
    dice = random.Random(seed)  # noqa: S311 - the same seed gives the same orders
    people = [_person(number) for number in range(CUSTOMERS)]
    goods = [product for product in store.products.values() if product.sku and product.price]
    rate = next(rate for rate in store.tax_rates.values() if rate.state == "NY")
    statuses = dice.choices(list(weights), list(weights.values()), k=count)
    start, step = store.now() - timedelta(days=days), timedelta(days=days) / count
    first = 0
    for place, status in enumerate(statuses):
        order = _order(store, status, at=(start + step * place).replace(microsecond=0), person=dice.choice(people))
        _sell(store, order, dice.choice(goods), pieces=dice.randint(1, 3), rate=rate)
        store.orders[order.id] = order
        if status == "refunded":
            _give_back(store, order)
        first = first or order.id
    return first, order.id


def _person(number: int) -> tuple[dict[str, str], dict[str, str]]:
    """(billing, shipping): shared by all orders of that customer; a later edit replaces them in its order only."""
    given = NAMES[number % len(NAMES)]
    there = {**shop.SHOPPER, "first_name": given, "last_name": f"Buyer {number}", "address_1": f"{number + 1} 5th Ave"}
    billing = {name: there.get(name, f"{given.lower()}{number}@buyer.example") for name in BILLING_FIELDS}
    return billing, {name: there[name] for name in SHIPPING_FIELDS}


def _order(store: Store, status: str, *, at: datetime, person: tuple[dict[str, str], dict[str, str]]) -> Order:
    number = store.next_id()
    paid = at if status in PAID else None
    return Order(
        id=number,
        key=f"wc_order_{number:013d}",
        status=status,
        currency=store.settings.currency,
        created=at,
        modified=at,
        paid=paid,
        completed=at if status == "completed" else None,
        created_via=shop.BLOCKS,
        billing=person[0],
        shipping=person[1],
        payment_method="fakepay",
        payment_method_title="Card (recorder)",
        transaction_id=f"txn_recorder_{number}" if paid else "",
        customer_ip="127.0.0.1",
        new_order_mailed=True,
    )


def _sell(store: Store, order: Order, product: Product, *, pieces: int, rate: TaxRate) -> None:
    """One line, flat rate when it is a thing, NY tax."""
    price = product.price * pieces
    exact = price * rate.percent / 100
    tax = rounded(exact)
    order.line_items.append(
        LineItem(
            id=store.next_id("item"),
            name=product.name,
            product_id=product.parent_id or product.id,
            variation_id=product.id if product.parent_id else 0,
            quantity=pieces,
            subtotal=price,
            total=price,
            tax_rate=rate.id,
            subtotal_tax=tax,
            total_tax=tax,
            exact_taxes=(exact, exact),
        )
    )
    fee = ZERO if product.virtual else FLAT_RATE
    if fee:
        line = ShippingLine(id=store.next_id("item"), title="Flat rate", method_id="flat_rate", instance_id="1", total=fee)
        order.shipping_lines.append(line)
    order.tax_lines.append(TaxLine(id=store.next_id("item"), rate=rate, total=tax))
    order.total = price + tax + fee


def _give_back(store: Store, order: Order) -> None:
    """Everything, by the gateway, on the day of the order."""
    refund = Refund(
        id=store.next_id(),
        order_id=order.id,
        created=order.created,
        amount=amount(order.total),
        reason="",
        refunded_by=3,
        refunded_payment=True,
    )
    store.refunds[refund.id] = refund
