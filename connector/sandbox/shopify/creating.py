"""`orderCreate`: an app writes an order down that was made elsewhere; behaves as recorded.

The prices are those of the input; stock stays as it is unless `inventoryBehaviour` says otherwise; without transactions
nothing is known of its payment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connector.sandbox.shopify import checkout
from connector.sandbox.shopify.addresses import from_input
from connector.sandbox.shopify.editing import tidy
from connector.sandbox.shopify.fields import Table, store_of
from connector.sandbox.shopify.ids import number_in
from connector.sandbox.shopify.money import Bag
from connector.sandbox.shopify.mutations import Payload, answering
from connector.sandbox.shopify.problems import UserErrors, row
from connector.sandbox.shopify.store import Store
from connector.sandbox.shopify.things import Line, Order, ShippingLine, Tax, Variant

Given = Mapping[str, Any]
BYPASS = "BYPASS"


def order_create(info: Any, *, order: dict[str, Any], options: dict[str, Any] | None = None) -> Payload:
    store, given, wanted = store_of(info), order, options or {}
    _check(store, given)
    made = _order(store, given)
    made.lines = [_line(store, made, one) for one in given.get("lineItems") or ()]
    made.shipping_lines = [_shipping(store, made, one) for one in given.get("shippingLines") or ()]
    _pay(store, made, given)
    reserve = (wanted.get("inventoryBehaviour") or BYPASS) != BYPASS
    checkout.place(store, made, method=checkout.SHIPPING, reserve=reserve)
    checkout.announce(store, made, tell=bool(wanted.get("sendReceipt")))
    return {"order": made}


def _check(store: Store, given: Given) -> None:
    """Raises UserErrors, as recorded: each of these alone."""
    if not given.get("lineItems"):
        raise UserErrors([row("Line items must have at least one line item", "order", "lineItems", code="INVALID")])
    processed = given.get("processedAt")
    if processed is not None and _utc(processed) > store.now():
        raise UserErrors([row("Processed at must be in the past", "order", "processedAt", code="PROCESSED_AT_INVALID")])
    for name in ("lineItems", "shippingLines"):
        for place, one in enumerate(given.get(name) or ()):
            rates = [tax["rate"] for tax in one.get("taxLines") or ()]
            if None in rates:
                field = ("order", name, str(place), "taxLines", str(rates.index(None)), "rate")
                raise UserErrors([row("Tax line rate must be present", *field, code="TAX_LINE_RATE_MISSING")])
    if given.get("customerId") is not None and given.get("customer") is not None:
        text = "Customer Id and customer fields cannot be used at the same time"
        raise UserErrors([row(text, "order", code="REDUNDANT_CUSTOMER_FIELDS")])


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _order(store: Store, given: Given) -> Order:
    now, number = store.now(), store.next_number
    store.next_number += 1
    currency = str(given.get("currency") or _currency(given) or store.settings.currency)
    made = Order(
        id=store.next_id("Order"),
        number=number,
        created=now,
        updated=now,
        processed=_utc(given["processedAt"]) if given.get("processedAt") else now,
        currency=currency,
        presentment_currency=str(given.get("presentmentCurrency") or currency),
        lines=[],
        email=given.get("email"),
        phone=given.get("phone"),
        note=given.get("note"),
        tags=tidy(given.get("tags") or ()),
        attributes=[(one["key"], one["value"]) for one in given.get("customAttributes") or ()],
        test=bool(given.get("test")),
        taxes_included=bool(given.get("taxesIncluded")),
        po_number=given.get("poNumber"),
        stated_financial=given.get("financialStatus"),
    )
    for name, attribute in (("shippingAddress", "shipping_address"), ("billingAddress", "billing_address")):
        if given.get(name):
            setattr(made, attribute, from_input(store, given[name]))
    made.customer_id = _customer(store, made, given)
    return made


def _currency(given: Given) -> str | None:
    """Without `currency` that of the first price."""
    prices = (one["priceSet"] for one in given.get("lineItems") or () if one.get("priceSet"))
    return next((str(price["shopMoney"]["currencyCode"]) for price in prices), None)


def _customer(store: Store, made: Order, given: Given) -> int | None:
    """Who is named, else whoever has the order's e-mail address: such a customer is made (recorded)."""
    named = given.get("customer") or {}
    id_ = given.get("customerId") or (named.get("toAssociate") or {}).get("id")
    if id_ is not None:
        return number_in(id_, "Customer")
    return checkout.customer_for(store, made).id if made.email else None


def _bag(made: Order, given: Given | None) -> Bag:
    """A MoneyBagInput; without the customer's money both are the same."""
    if not given:
        return made.zero
    shop = Decimal(str(given["shopMoney"]["amount"]))
    other = given.get("presentmentMoney")
    return made.zero.with_amounts(shop, Decimal(str(other["amount"])) if other else shop)


def _line(store: Store, made: Order, given: Given) -> Line:
    variant = store.variants.get(number_in(given.get("variantId"), "ProductVariant") or 0)
    product = store.products.get(variant.product_id if variant else number_in(given.get("productId"), "Product") or 0)
    price = made.zero.with_amounts(variant.price, variant.price) if variant else made.zero
    return Line(
        id=store.next_id("LineItem"),
        title=given.get("title") or (product.title if product else ""),
        quantity=given["quantity"],
        unit_price=_bag(made, given["priceSet"]) if given.get("priceSet") else price,
        product_id=product.id if product else None,
        variant_id=variant.id if variant else None,
        variant_title=given.get("variantTitle") or _name(variant),
        sku=given.get("sku") or (variant.sku if variant else None),
        vendor=given.get("vendor") or (product.vendor if product else None),
        grams=variant.grams if variant else 0,
        requires_shipping=bool(given.get("requiresShipping")),
        taxable=given.get("taxable") is not False,
        gift_card=bool(given.get("giftCard")),
        attributes=[(one["name"], one["value"]) for one in given.get("properties") or ()],
        taxes=_taxes(made, given.get("taxLines") or ()),
    )


def _name(variant: Variant | None) -> str | None:
    return None if variant is None or variant.title == "Default Title" else variant.title


def _taxes(made: Order, rows: Sequence[Given]) -> list[Tax]:
    return [Tax(title=one["title"], rate=Decimal(str(one["rate"])), price=_bag(made, one.get("priceSet"))) for one in rows]


def _shipping(store: Store, made: Order, given: Given) -> ShippingLine:
    return ShippingLine(
        id=store.next_id("ShippingLine"),
        title=given["title"],
        code=given.get("code"),
        price=_bag(made, given["priceSet"]),
        source=given.get("source") or "shopify",
        taxes=_taxes(made, given.get("taxLines") or ()),
    )


def _pay(store: Store, made: Order, given: Given) -> None:
    for one in given.get("transactions") or ():
        checkout.transact(
            store,
            made,
            kind=str(one.get("kind") or "SALE"),
            status=str(one.get("status") or "SUCCESS"),
            gateway=str(one.get("gateway") or "manual"),
            amount=_bag(made, one["amountSet"]),
        )


TABLE: Table = {"orderCreate": answering(order_create)}
