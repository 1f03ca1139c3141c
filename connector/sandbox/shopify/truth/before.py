"""Orders that were there before a recording began: made anew from what the recorder's proxy read of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connector.sandbox.shopify.truth.compare import IN_TEXT
from connector.sandbox.shopify.truth.recorded import Exchange, Json, Recording, told_ids

MAKERS = ("orderCreate", "draftOrderComplete")
CREATE = (
    "mutation B($order: OrderCreateOrderInput!) { orderCreate(order: $order) { order { id transactions(first: 9) { id } "
    "lineItems(first: 50) { nodes { id } } } userErrors { message } } }"
)
REFUND = (
    "mutation B($input: RefundInput!, $key: String!) { refundCreate(input: $input) @idempotent(key: $key) "
    "{ userErrors { message } } }"
)
CLOSE = "mutation B($input: OrderCloseInput!) { orderClose(input: $input) { userErrors { message } } }"


def orders_before(recording: Recording) -> list[tuple[Exchange, Json]]:
    """(the proxy's read, the order in it) of every order that the recorder used and did not make."""
    steps = [one for one in recording.exchanges if not one.beside]
    made = {found for one in steps if any(word in str(one.answer) for word in MAKERS) for found in told_ids(one.answer)}
    used = {found for one in steps for found in IN_TEXT.findall(f"{one.query} {one.variables}") if found[0] == "Order"}
    rows: dict[str, tuple[Exchange, Json]] = {}
    for one in recording.exchanges:
        order = (one.answer.get("data") or {}).get("order") if one.beside else None
        if isinstance(order, dict) and told_ids({"id": order.get("id")}) & (used - made) and _simple(order):
            rows.setdefault(order["id"], (one, order))
    return list(rows.values())


def _simple(order: Json) -> bool:
    """Nothing left yet, and a sum is known."""
    return not order.get("fulfillments") and not order.get("cancelledAt") and bool(_whole(order))


def _whole(order: Json) -> Json | None:
    found: Json | None = order.get("totalPriceSet") or order.get("currentTotalPriceSet")
    return found


def input_of(order: Json) -> Json:
    """An OrderCreateOrderInput that gives such an order."""
    whole = _whole(order) or {}
    given: Json = {"currency": whole["shopMoney"]["currencyCode"], "lineItems": _lines(order, whole), "test": True}
    shipping = [one["originalPriceSet"] for one in (order.get("shippingLines") or {}).get("nodes") or ()]
    given["shippingLines"] = [{"title": "Standard", "priceSet": price} for price in shipping]
    payments = [one for one in order.get("transactions") or () if one["kind"] in {"SALE", "AUTHORIZATION"}]
    given["transactions"] = [{name: one[name] for name in ("kind", "status", "gateway", "amountSet")} for one in payments]
    if not payments and order.get("displayFinancialStatus"):
        given["financialStatus"] = order["displayFinancialStatus"]
    return given


def _lines(order: Json, whole: Json) -> list[Json]:
    rows = (order.get("lineItems") or {}).get("nodes") or ()
    if rows and all("originalUnitPriceSet" in one for one in rows):
        return [_line(one["title"], one["quantity"], one["originalUnitPriceSet"], ships=True) for one in rows]
    places = (order.get("fulfillmentOrders") or {}).get("nodes") or ()
    found = [row["lineItem"] for place in places for row in place["lineItems"]["nodes"]]
    pieces = sum(one["quantity"] for one in found) or 1
    price = {**whole["shopMoney"], "amount": str(Decimal(whole["shopMoney"]["amount"]) / pieces)}
    if found:
        return [_line(one["title"], one["quantity"], {"shopMoney": price}, ships=True) for one in found]
    return [_line("Something", 1, {"shopMoney": price}, ships=False)]


def _line(title: str, quantity: int, price: Json, *, ships: bool) -> Json:
    return {"title": title, "quantity": quantity, "priceSet": price, "requiresShipping": ships, "taxable": False}


def refund_of(order: Json, made: Json) -> Json | None:
    """The RefundInput that was sent before, as far as it shows."""
    back = [one for one in order.get("transactions") or () if one["kind"] == "REFUND"]
    if not back:
        return None
    lines = zip(order["lineItems"]["nodes"], made["lineItems"]["nodes"], strict=True)
    gone = [(mine["id"], one["quantity"] - one["currentQuantity"]) for one, mine in lines]
    parent = made["transactions"][0]["id"]
    return {
        "orderId": made["id"],
        "note": next((one["note"] for one in order.get("refunds") or ()), None),
        "refundLineItems": [{"lineItemId": id_, "quantity": n, "restockType": "NO_RESTOCK"} for id_, n in gone if n],
        "transactions": [_money(made["id"], parent, one) for one in back],
    }


def _money(order_id: str, parent: str, one: Json) -> Json:
    amount: Any = one["amountSet"]["shopMoney"]["amount"]
    return {"orderId": order_id, "parentId": parent, "kind": "REFUND", "gateway": one["gateway"], "amount": amount}
