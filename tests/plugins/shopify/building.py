"""Orders as Shopify's answers show them, to be changed by a test."""

from __future__ import annotations

from typing import Any

ORDER = 5012345678901234567  # above 2^53, where other languages lose digits


def gid(kind: str, number: int | str) -> str:
    return f"gid://shopify/{kind}/{number}"


def money(amount: str, currency: str = "EUR") -> dict[str, Any]:
    """A MoneyBag; the shop's own money is another one, so that nobody takes it for the customer's."""
    return {
        "shopMoney": {"amount": "999.99", "currencyCode": "CAD"},
        "presentmentMoney": {"amount": amount, "currencyCode": currency},
    }


def nodes(*items: Any, more: str = "") -> dict[str, Any]:
    return {"nodes": list(items), "pageInfo": {"hasNextPage": bool(more), "endCursor": more or None}}


def tax(amount: str, currency: str = "EUR") -> dict[str, Any]:
    return {"priceSet": money(amount, currency)}


def discount(amount: str, currency: str = "EUR") -> dict[str, Any]:
    return {"allocatedAmountSet": money(amount, currency)}


def line(number: int = 11, **changes: Any) -> dict[str, Any]:
    """Two mugs at 10.00 with 4.00 tax."""
    return {
        "id": gid("LineItem", number),
        "name": "Mug - Blue",
        "sku": "MUG",
        "quantity": 2,
        "currentQuantity": 2,
        "requiresShipping": True,
        "originalUnitPriceSet": money("10.0"),
        "discountAllocations": [],
        "taxLines": [tax("4.0")],
        "weight": {"unit": "KILOGRAMS", "value": 0.35},
        "customAttributes": [],
        "product": {"id": gid("Product", 71)},
        "variant": {"id": gid("ProductVariant", 72)},
    } | changes


def shipping_line(number: int = 21, **changes: Any) -> dict[str, Any]:
    """5.00 with 1.00 tax."""
    return {
        "id": gid("ShippingLine", number),
        "code": "Standard",
        "title": "Standard shipping",
        "isRemoved": False,
        "discountedPriceSet": money("5.0"),
        "taxLines": [tax("1.0")],
    } | changes


def transaction(number: int = 31, kind: str = "SALE", amount: str = "30.0", parent: int = 0, **changes: Any) -> dict[str, Any]:
    return {
        "id": gid("OrderTransaction", number),
        "kind": kind,
        "status": "SUCCESS",
        "gateway": "shopify_payments",
        "formattedGateway": "Shopify payments",
        "manualPaymentGateway": False,
        "paymentId": f"pay-{number}",
        "createdAt": "2026-11-20T10:00:00Z",
        "processedAt": "2026-11-20T10:00:01Z",
        "authorizationExpiresAt": None,
        "amountSet": money(amount),
        "parentTransaction": {"id": gid("OrderTransaction", parent)} if parent else None,
    } | changes


def by_hand(number: int = 31, gateway: str = "Bank Deposit", **changes: Any) -> dict[str, Any]:
    return transaction(
        number, gateway=gateway, formattedGateway=gateway, manualPaymentGateway=True, **({"status": "PENDING"} | changes)
    )


def refund(number: int = 41, amount: str = "12.0", **changes: Any) -> dict[str, Any]:
    """One mug with its tax."""
    return {
        "id": gid("Refund", number),
        "note": "broken",
        "createdAt": "2026-11-21T10:00:00Z",
        "processedAt": "2026-11-21T10:00:00Z",
        "totalRefundedSet": money(amount),
        "transactions": nodes(transaction(32, "REFUND", amount, parent=31)),
        "refundLineItems": nodes(refund_line()),
        "refundShippingLines": nodes(),
    } | changes


def refund_line(line_id: int = 11, quantity: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "quantity": quantity,
        "restockType": "CANCEL",
        "subtotalSet": money("10.0"),
        "totalTaxSet": money("2.0"),
        "lineItem": {"id": gid("LineItem", line_id)},
    } | changes


def part(number: int = 51, place: int = 61, lines: dict[int, int] | None = None, **changes: Any) -> dict[str, Any]:
    """A fulfillment order. `lines`: line ids, each with what remains."""
    there = {11: 2} if lines is None else lines
    rows = [{"remainingQuantity": left, "lineItem": {"id": gid("LineItem", line_id)}} for line_id, left in there.items()]
    return {
        "id": gid("FulfillmentOrder", number),
        "status": "OPEN",
        "assignedLocation": {"name": f"Warehouse {place}", "location": {"id": gid("Location", place)}},
        "deliveryMethod": {"methodType": "SHIPPING"},
        "fulfillmentHolds": [],
        "lineItems": nodes(*rows),
    } | changes


def hold(number: int = 81, **changes: Any) -> dict[str, Any]:
    return {
        "id": gid("FulfillmentHold", number),
        "handle": "other",
        "reason": "OTHER",
        "reasonNotes": "call the customer",
        "displayReason": "Other",
        "heldByRequestingApp": False,
    } | changes


def order(**changes: Any) -> dict[str, Any]:
    """Two mugs, paid by card, not sent: 20.00 + 4.00 tax + 5.00 shipping + 1.00 tax = 30.00 EUR."""
    return {
        "id": gid("Order", ORDER),
        "name": "#1001",
        "createdAt": "2026-11-20T10:00:00Z",
        "updatedAt": "2026-11-20T10:05:00Z",
        "processedAt": "2026-11-20T10:00:00Z",
        "cancelledAt": None,
        "cancelReason": None,
        "test": False,
        "tags": [],
        "note": None,
        "email": "ada@example.com",
        "phone": None,
        "customerLocale": "en-IE",
        "presentmentCurrencyCode": "EUR",
        "taxesIncluded": False,
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "UNFULFILLED",
        "paymentGatewayNames": ["shopify_payments"],
        "totalPriceSet": money("30.0"),
        "currentTotalPriceSet": money("30.0"),
        "totalTaxSet": money("5.0"),
        "totalDiscountsSet": money("0.0"),
        "totalTipReceivedSet": money("0.0"),
        "currentTotalDutiesSet": None,
        "additionalFees": [],
        "paymentTerms": None,
        "disputes": [],
        "customer": {
            "id": gid("Customer", 91),
            "displayName": "Ada Lovelace",
            "defaultEmailAddress": {"emailAddress": "ada@home.example"},
            "defaultPhoneNumber": {"phoneNumber": "+353 1 234"},
        },
        "billingAddress": None,
        "shippingAddress": {
            "name": "Ada Lovelace",
            "company": "Engines Ltd",
            "address1": "1 Main St",
            "address2": "Flat 2",
            "city": "Dublin",
            "province": "Dublin",
            "provinceCode": "D",
            "zip": "D01",
            "countryCodeV2": "IE",
            "phone": None,
        },
        "shippingLines": nodes(shipping_line()),
        "lineItems": nodes(line()),
        "transactions": [transaction()],
        "refunds": [],
        "fulfillments": [],
        "fulfillmentOrders": nodes(part()),
        "risk": {"assessments": []},
    } | changes
