"""Shopify's JSON of one order, as operations/OrderFields.graphql asks for it, in our words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector import Address, BadPayload, Customer, Money, Order, Payment, PaymentKind, PlatformStatus, total

from . import fulfilment, given_back, payments
from .lines import fees, lines, shipping_lines
from .marks import without_ours
from .reading import Node


def order(raw: Mapping[str, Any]) -> Order:
    """An order whose lists are complete.

    Raises:
        BadPayload: something cannot be read; it names the path.
    """
    node = Node(raw, "order")
    try:
        return _order(node)
    except ValueError as problem:  # what the model does not accept
        raise BadPayload(f"order: {problem}") from None


def _order(node: Node) -> Order:
    currency = node["presentmentCurrencyCode"].text()
    refunded = given_back.refunded_pieces(node, currency)
    there = lines(node, currency, refunded)
    shipping = shipping_lines(node, currency)
    is_refunded = bool(refunded) or given_back.any_money(node, currency)
    to_pay = _total(node, currency, removed=there.removed, is_refunded=is_refunded)
    worth = [line.total + line.tax for line in there.there] + [way.total + way.tax for way in shipping]
    missing = to_pay - total(worth, currency)
    paid = payments.payments(node, currency, to_pay)
    ids = {line.id for line in there.there} | {line.id for line in shipping}
    note = node.get("note").text()
    return Order(
        platform_id=node["id"].id(),
        number=node["name"].text(),
        status=status(node),
        means=means(node, paid),
        currency=currency,
        placed_at=node["createdAt"].when(),
        updated_at=node["updatedAt"].when(),
        lines=there.there,
        shipping_lines=shipping,
        fees=fees(node, currency, missing),
        discount=node.get("totalDiscountsSet").share(currency),
        tax=node.get("totalTaxSet").share(currency) - there.removed_tax,
        total=to_pay,
        payments=paid,
        refunds=given_back.refunds(node, currency, ids),
        customer=_customer(node),
        billing=_address(node.get("billingAddress")),
        shipping=_address(node.get("shippingAddress")),
        customer_note=without_ours(note),
        tracking=fulfilment.tracking(node),
        origins=fulfilment.origins(node),
        holds=fulfilment.holds(node),
        risks=fulfilment.risks(node),
        tags=tuple(one.text() for one in node.get("tags").items()),
        is_test=node["test"].is_true(),
    )


def _total(node: Node, currency: str, *, removed: Money, is_refunded: bool) -> Money:
    """What the customer has to pay for everything that is still in the order, given back or not.

    `totalPriceSet` keeps what an edit took out, `currentTotalPriceSet` also loses what was given back (recorded 2026-04):
    neither is what we mean where both have happened."""
    first, now = node["totalPriceSet"].money(currency), node["currentTotalPriceSet"].money(currency)
    if node.get("cancelledAt"):
        return first
    return first - removed if is_refunded else now


# --- status -----------------------------------------------------------------------------------------------------------


def status(node: Node) -> str:
    """Shopify's own words: what is paid, and what is sent. One that is closed (archived) is none the less what it is."""
    words = "/".join(node.get(name).text() for name in ("displayFinancialStatus", "displayFulfillmentStatus"))
    return f"CANCELLED {words}" if node.get("cancelledAt") else words


def means(node: Node, paid: tuple[Payment, ...]) -> PlatformStatus:
    money, goods = node.get("displayFinancialStatus").text(), node.get("displayFulfillmentStatus").text()
    if node.get("cancelledAt"):
        return PlatformStatus.CANCELLED
    if money == "REFUNDED" and not fulfilment.has_left(node):
        return PlatformStatus.REFUNDED
    if goods == "FULFILLED":
        return PlatformStatus.COMPLETED
    if money == "PENDING" and any(one.kind in _WAITED_FOR for one in paid):
        return PlatformStatus.ON_HOLD
    if money in ("EXPIRED", "VOIDED") and not fulfilment.has_left(node) and not any(one.captured for one in paid):
        return PlatformStatus.FAILED
    return PlatformStatus.OPEN


_WAITED_FOR = frozenset({PaymentKind.BANK_TRANSFER, PaymentKind.CHEQUE})


# --- people -----------------------------------------------------------------------------------------------------------


def _customer(node: Node) -> Customer:
    customer, billing = node.get("customer"), node.get("billingAddress")
    return Customer(
        id=customer.get("id").id(),
        name=customer.get("displayName").text() or billing.get("name").text(),
        email=node.get("email").text() or customer.get("defaultEmailAddress").get("emailAddress").text(),
        phone=node.get("phone").text() or customer.get("defaultPhoneNumber").get("phoneNumber").text(),
        language=node.get("customerLocale").text(),
    )


def _address(node: Node) -> Address:
    return Address(
        name=node.get("name").text(),
        company=node.get("company").text(),
        line1=node.get("address1").text(),
        line2=node.get("address2").text(),
        city=node.get("city").text(),
        region=node.get("provinceCode").text() or node.get("province").text(),
        postcode=node.get("zip").text(),
        country=node.get("countryCodeV2").text(),
        phone=node.get("phone").text(),
    )
