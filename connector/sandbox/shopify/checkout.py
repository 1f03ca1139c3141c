"""A shopper buys: one call makes the order, its payments and its fulfillment orders, and tells everyone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from connector.sandbox.shopify import events, sums
from connector.sandbox.shopify.addresses import address_of
from connector.sandbox.shopify.money import Bag, rounded
from connector.sandbox.shopify.store import Store
from connector.sandbox.shopify.things import (
    Allocation,
    Customer,
    Discount,
    FulfillmentOrder,
    FulfillmentOrderLine,
    Line,
    Order,
    Risk,
    ShippingLine,
    Tax,
    Terms,
    Transaction,
    Variant,
)

Body = Mapping[str, Any]
SHOPPER = {
    "first_name": "Ada",
    "last_name": "Buyer",
    "address1": "350 5th Ave",
    "city": "New York",
    "province_code": "NY",
    "country_code": "US",
    "zip": "10118",
    "phone": "+12125550100",
}
TAXES = {("US", "NY"): ("NY State Tax", Decimal("0.08875")), ("CA", "ON"): ("HST", Decimal("0.13"))}
TAXES_BY_COUNTRY = {"DE": ("MwSt", Decimal("0.19")), "GB": ("VAT", Decimal("0.20"))}
# gateway -> (its name for people, is it a manual payment method, does it only authorize)
GATEWAYS = {
    "shopify_payments": ("Shopify Payments", False),
    "paypal": ("PayPal Express Checkout", False),
    "bogus": ("Bogus Gateway", False),
    "Cash on Delivery (COD)": ("Cash on Delivery (COD)", True),
    "Bank Deposit": ("Bank Deposit", True),
    "Money Order": ("Money Order", True),
    "manual": ("manual", True),
    "gift_card": ("Gift card", False),
}
AUTHORIZATION_DAYS = 7
CARD = {"bin": "424242", "company": "Visa", "number": "•••• •••• •••• 4242", "avs": "Y", "cvv": "M", "name": "Ada Buyer"}
PICK_UP, NONE, SHIPPING = "PICK_UP", "NONE", "SHIPPING"


def checkout(store: Store, wanted: Body) -> Order:
    """Make an order as a shopper would. The caller holds the lock.

    `lines`: [{sku, quantity, attributes: {..}, discount}] (default one mug), `address` ({} of SHOPPER's words, or null
    for pickup and digital goods), `billing_address`, `email`, `phone`, `customer` (false: a guest), `note`, `attributes`,
    `tags`, `currency` (the customer's), `shipping` (amount in the shop's currency), `method` SHIPPING | PICK_UP | LOCAL,
    `discount` {code, percentage | amount, on_shipping}, `gateway`, `pay`: sale | authorize | pending | fail | none,
    `gift_card`: amount paid with one, `multi`: capture in parts, `expires_s`, `terms`: days, `risk`: LOW | MEDIUM |
    HIGH | PENDING, `facts`: [[sentiment, text]], `test`, `po_number`, `locale`, `taxes_included`, `id`, `location_id`.
    Raises ValueError.
    """
    order = _order(store, wanted)
    for row in wanted.get("lines") or [{"sku": "MUG-1", "quantity": 1}]:
        order.lines.append(_line(store, order, row))
    _ship(store, order, wanted)
    _discount(order, wanted.get("discount"))
    tax_lines(store, order)
    _pay(store, order, wanted)
    place(store, order, location_id=wanted.get("location_id"), method=wanted.get("method"))
    if wanted.get("risk"):
        facts = [(str(one[0]).upper(), str(one[1])) for one in wanted.get("facts") or ()]
        order.risks.append(Risk(level=str(wanted["risk"]).upper(), facts=facts))
    announce(store, order)
    return order


def announce(store: Store, order: Order, *, tell: bool = True) -> None:
    """The order is in the store: with `tell` a confirmation to the customer, a mail to the merchant, webhooks."""
    store.orders[order.id] = order
    store.index(order)
    store.touch(order)
    store.records.add("transitions", order_id=order.id, what="created", name=order.name, status=sums.financial(order, store))
    if tell:
        store.mail("order_confirmation", order)
    store.mail("new_order", order, to=store.settings.email)
    events.order_event(store, order, "orders/create")
    for transaction in order.transactions:
        events.transaction_event(store, order, transaction)
    if sums.financial(order, store) == "PAID":
        events.order_event(store, order, "orders/paid")


def _order(store: Store, wanted: Body) -> Order:
    now, number = store.now(), store.next_number
    store.next_number += 1
    currency = str(wanted.get("currency") or store.settings.currency)
    if currency != store.settings.currency and currency not in store.settings.rates:
        raise ValueError(f"the shop does not sell in {currency}; it has {sorted(store.settings.rates)}")
    order = Order(
        id=int(wanted.get("id") or store.next_id("Order")),
        number=number,
        created=now,
        updated=now,
        processed=now,
        currency=store.settings.currency,
        presentment_currency=currency,
        lines=[],
        email=wanted.get("email", f"ada{number}@buyer.example"),
        phone=wanted.get("phone"),
        note=wanted.get("note"),
        tags=sorted(wanted.get("tags") or ()),
        attributes=list((wanted.get("attributes") or {}).items()),
        test=bool(wanted.get("test", False)),
        taxes_included=bool(wanted.get("taxes_included", False)),
        client_ip=str(wanted.get("client_ip", "203.0.113.7")),
        locale=str(wanted.get("locale", "en")),
        po_number=wanted.get("po_number"),
    )
    address = wanted.get("address", {})
    order.shipping_address = None if address is None else address_of(store, {**SHOPPER, **address})
    order.billing_address = address_of(store, {**SHOPPER, **(wanted.get("billing_address") or address or {})})
    if wanted.get("customer", True):
        order.customer_id = customer_for(store, order).id
    return order


def customer_for(store: Store, order: Order) -> Customer:
    """The customer with that e-mail address, made when there is none."""
    known = next((one for one in store.customers.values() if one.email and one.email == order.email), None)
    if known is not None:
        return known
    where = order.billing_address or order.shipping_address
    customer = Customer(
        id=store.next_id("Customer"),
        email=order.email,
        phone=order.phone,
        first_name=where.first_name if where else None,
        last_name=where.last_name if where else None,
        created=order.created,
        updated=order.created,
        address=where,
        locale=order.locale,
    )
    store.customers[customer.id] = customer
    return customer


def bag(store: Store, order: Order, shop_amount: Decimal) -> Bag:
    """An amount of the shop's currency, also in the customer's at today's rate."""
    rate = (
        store.settings.rates.get(order.presentment_currency, Decimal(1)) if order.presentment_currency != order.currency else 1
    )
    return order.zero.with_amounts(shop_amount, rounded(shop_amount * rate, order.presentment_currency))


def _line(store: Store, order: Order, row: Body) -> Line:
    variant = next((one for one in store.variants.values() if one.sku == row.get("sku")), None)
    if variant is None:
        raise ValueError(f"the shop has nothing with SKU {row.get('sku')!r}")
    quantity = int(row.get("quantity", 1))
    if quantity < 1:
        raise ValueError(f"{quantity} pieces cannot be bought")
    line = line_of(store, order, variant, quantity)
    line.attributes = list((row.get("attributes") or {}).items())
    if row.get("discount"):
        off = bag(store, order, Decimal(str(row["discount"])))
        found = Discount(kind="automatic", title="Offer", across=False, amount=off)
        order.discounts.append(found)
        line.allocations.append(Allocation(discount=found, amount=off))
    return line


def line_of(store: Store, order: Order, variant: Variant, quantity: int) -> Line:
    """A line with that many of the variant, at its price."""
    product = store.products[variant.product_id]
    return Line(
        id=store.next_id("LineItem"),
        title=product.title,
        quantity=quantity,
        unit_price=bag(store, order, variant.price),
        product_id=product.id,
        variant_id=variant.id,
        variant_title=None if variant.title == "Default Title" else variant.title,
        sku=variant.sku,
        vendor=product.vendor,
        grams=variant.grams,
        requires_shipping=variant.requires_shipping,
        taxable=variant.taxable,
        gift_card=product.gift_card,
    )


def _ship(store: Store, order: Order, wanted: Body) -> None:
    """Only what has to be shipped costs shipping. Who picks it up has a way of shipping too: the place, free of charge
    (its title and code are the place's, https://github.com/nozzlegear/ShopifySharp/issues/638)."""
    is_picked_up = (wanted.get("method") or ("" if order.shipping_address else PICK_UP)) == PICK_UP
    if not any(line.requires_shipping for line in order.lines):
        return
    price = bag(store, order, Decimal(str(wanted.get("shipping", "0.00" if is_picked_up else "5.00"))))
    place_name = next(iter(store.locations.values())).name
    title = str(wanted.get("shipping_title", place_name if is_picked_up else "Standard"))
    order.shipping_lines.append(ShippingLine(id=store.next_id("ShippingLine"), title=title, code=title, price=price))


def _discount(order: Order, wanted: Body | None) -> None:
    """A code over the whole order, shared out by what each line costs; or on the shipping."""
    if not wanted:
        return
    title, percentage = str(wanted.get("code", "SAVE10")), wanted.get("percentage")
    share = Decimal(str(percentage)) if percentage is not None else None
    fixed = None if share is not None else order.lines[0].unit_price.of_presentment(Decimal(str(wanted["amount"])))
    found = Discount(kind="code", title=title, on_shipping=bool(wanted.get("on_shipping")), percentage=share, amount=fixed)
    order.discounts.append(found)
    if found.on_shipping:
        for shipping in order.shipping_lines:
            shipping.allocations.append(Allocation(discount=found, amount=_off(shipping.price, shipping.price, found)))
        return
    left = fixed
    everything = sums.subtotal(order)
    for place, line in enumerate(order.lines):
        last = place == len(order.lines) - 1
        off = left if last and left is not None else _off(sums.net(line), everything, found)
        line.allocations.append(Allocation(discount=found, amount=off))
        left = left - off if left is not None else None


def _off(part: Bag, everything: Bag, discount: Discount) -> Bag:
    if discount.percentage is not None:
        return part.times(discount.percentage / 100)
    return (discount.amount or part.zero).share(part.presentment, everything.presentment)


def tax_lines(store: Store, order: Order) -> None:
    """By the shipping address, else the billing address; also on shipping where the goods are taxed."""
    where = order.shipping_address or order.billing_address
    if where is None:
        return
    known = TAXES.get((where.country_code or "", where.province_code or "")) or TAXES_BY_COUNTRY.get(where.country_code or "")
    if known is None:
        return
    title, rate = known
    for line in order.lines:
        if line.taxable:
            line.taxes = [Tax(title=title, rate=rate, price=_tax(sums.net(line), rate, order))]
    for shipping in order.shipping_lines:
        shipping.taxes = [Tax(title=title, rate=rate, price=_tax(sums.shipping_net(shipping), rate, order))]


def _tax(amount: Bag, rate: Decimal, order: Order) -> Bag:
    return amount.times(rate / (1 + rate) if order.taxes_included else rate)


def _pay(store: Store, order: Order, wanted: Body) -> None:
    due = sums.whole(order)
    if wanted.get("terms") is not None:
        days = int(wanted["terms"])
        order.terms = Terms(name=f"Net {days}", kind="NET", due=order.created + timedelta(days=days), days=days)
        return
    if wanted.get("gift_card"):
        given = due.of_presentment(min(Decimal(str(wanted["gift_card"])), due.presentment))
        transact(store, order, kind="SALE", status="SUCCESS", gateway="gift_card", amount=given)
        due = due - given
    if due and wanted.get("pay") != "none":
        _pay_rest(store, order, due, wanted)


def _pay_rest(store: Store, order: Order, due: Bag, wanted: Body) -> None:
    gateway = str(wanted.get("gateway", "bogus"))
    manual = GATEWAYS.get(gateway, (gateway, False))[1]
    pay = str(wanted.get("pay") or ("pending" if manual else "sale"))
    kinds = {
        "sale": ("SALE", "SUCCESS"),
        "authorize": ("AUTHORIZATION", "SUCCESS"),
        "pending": ("SALE", "PENDING"),
        "fail": ("SALE", "FAILURE"),
    }
    if pay not in kinds:
        raise ValueError(f"pay {pay!r} is not one of {', '.join(kinds)}, none")
    kind, status = kinds[pay]
    paid = transact(store, order, kind=kind, status=status, gateway=gateway, amount=due)
    if kind == "AUTHORIZATION":
        paid.multi = bool(wanted.get("multi", False))
        paid.expires = order.created + timedelta(seconds=float(wanted.get("expires_s", AUTHORIZATION_DAYS * 86_400)))
    if status == "FAILURE":
        paid.error_code = "CARD_DECLINED"
        order.stated_financial = "PENDING"


def transact(
    store: Store, order: Order, *, kind: str, status: str, gateway: str, amount: Bag, parent: Transaction | None = None
) -> Transaction:
    """One more transaction of the order; tells nobody."""
    title, manual = GATEWAYS.get(gateway, (gateway.replace("_", " ").capitalize(), False))
    number = store.next_id("OrderTransaction")
    made = Transaction(
        id=number,
        order_id=order.id,
        kind=kind,
        status=status,
        gateway=gateway,
        amount=amount,
        created=store.now(),
        parent_id=parent.id if parent else None,
        formatted_gateway=title,
        manual=manual,
        test=order.test,
        payment_id=f"{order.name}.{len(order.transactions) + 1}",
        card=dict(CARD) if not manual and gateway not in {"gift_card", "paypal"} else None,
    )
    order.transactions.append(made)
    store.transactions[number] = made
    if gateway not in order.gateways:
        order.gateways.append(gateway)
    return made


# --- where it leaves from ---------------------------------------------------------------------------------------------


def place(
    store: Store, order: Order, *, location_id: int | None = None, method: str | None = None, reserve: bool = True
) -> None:
    """Fulfillment orders: everything from one location where one has it all, else each piece where it lies."""
    for needs_shipping in (True, False):
        lines = [line for line in order.lines if line.requires_shipping is needs_shipping]
        how = NONE if not needs_shipping else (method or (SHIPPING if order.shipping_address else PICK_UP))
        for location, rows in _allocate(store, lines, location_id).items():
            new_fulfillment_order(store, order, location, rows, how)
            if reserve:
                _reserve(store, order, location, rows)


def _allocate(store: Store, lines: Sequence[Line], location_id: int | None) -> dict[int, list[tuple[Line, int]]]:
    active = [one.id for one in store.locations.values() if one.is_active]
    if not lines:
        return {}
    all_here = (one for one in active if all(_has(store, line, one) >= line.quantity for line in lines))
    whole = location_id or next(all_here, None)
    if whole is not None:
        return {whole: [(line, line.quantity) for line in lines]}
    found: dict[int, list[tuple[Line, int]]] = {}
    for line in lines:
        for location, pieces in _split(store, line, active):
            found.setdefault(location, []).append((line, pieces))
    return found


def _has(store: Store, line: Line, location: int) -> int:
    variant = store.variants.get(line.variant_id or 0)
    return line.quantity if variant is None or not variant.tracked else variant.stock.get(location, 0)


def _split(store: Store, line: Line, locations: Sequence[int]) -> list[tuple[int, int]]:
    """What no location has is asked of the first one: it oversells."""
    left, rows = line.quantity, []
    for location in locations:
        pieces = min(left, max(0, _has(store, line, location)))
        if pieces:
            rows.append((location, pieces))
            left -= pieces
    if left:
        rows.append((rows[0][0] if rows else locations[0], left))
    return [(place, sum(pieces for other, pieces in rows if other == place)) for place in dict.fromkeys(row[0] for row in rows)]


def new_fulfillment_order(
    store: Store, order: Order, location: int, rows: Sequence[tuple[Line, int]], method: str
) -> FulfillmentOrder:
    now = store.now()
    made = FulfillmentOrder(
        id=store.next_id("FulfillmentOrder"),
        order_id=order.id,
        location_id=location,
        lines=[
            FulfillmentOrderLine(id=store.next_id("FulfillmentOrderLineItem"), line_id=line.id, total=pieces, remaining=pieces)
            for line, pieces in rows
        ],
        created=now,
        updated=now,
        method=method,
        fulfill_at=now.replace(minute=0, second=0),
    )
    order.fulfillment_orders.append(made)
    store.fulfillment_orders[made.id] = made
    return made


def _reserve(store: Store, order: Order, location: int, rows: Sequence[tuple[Line, int]]) -> None:
    for line, pieces in rows:
        variant = store.variants.get(line.variant_id or 0)
        if variant is not None and variant.tracked:
            store.move_stock(variant, -pieces, location_id=location, why="sold", order_id=order.id)
