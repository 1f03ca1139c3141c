"""Orders out of answers of real shops (2025-01 and 2026-04): what our parser makes of them agrees with Shopify's own sums.

The recordings did not ask for all that we ask for. What they lack is filled in with nothing; an order that lacks what its sums
are made of is not here.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector import LineQuantity, Money, Order, total
from connector.plugins.shopify.parse import order as read

from . import building as b

NEEDED = ("id", "currentTotalPriceSet", "lineItems")


def walk(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for one in value.values():
            yield from walk(one)
    elif isinstance(value, list):
        for one in value:
            yield from walk(one)


def has_one_currency(order: dict[str, Any]) -> bool:
    """Some recordings asked for the customer's money in one place and only for the shop's in another."""
    bags = [one for one in walk(order) if "shopMoney" in one]
    whole = all("presentmentMoney" in bag for bag in bags)
    return whole or len({bag[side]["currencyCode"] for bag in bags for side in bag}) == 1


def currency_of(order: dict[str, Any]) -> str:
    bag = order["currentTotalPriceSet"]
    return str((bag.get("presentmentMoney") or bag["shopMoney"])["currencyCode"])


def with_presentment(value: Any) -> Any:
    """Where only the shop's money was asked for, both are the same: those shops had one currency."""
    if isinstance(value, list):
        return [with_presentment(one) for one in value]
    if not isinstance(value, dict):
        return value
    value = {key: with_presentment(one) for key, one in value.items()}
    return (
        value | {"presentmentMoney": value["shopMoney"]} if "shopMoney" in value and "presentmentMoney" not in value else value
    )


def filled(recorded: dict[str, Any]) -> dict[str, Any]:
    """The recorded order with what nobody asked for: empty lists, and lines that nothing has happened to."""
    currency, recorded = currency_of(recorded), with_presentment(recorded)
    zero = b.money("0.0", currency)
    empty = b.order(
        presentmentCurrencyCode=currency,
        totalPriceSet=b.money(str(_sum(recorded, "currentTotalPriceSet", "totalRefundedSet")), currency),
        totalTaxSet=zero,
        totalDiscountsSet=zero,
        totalTipReceivedSet=zero,
        customer=None,
        shippingAddress=None,
        transactions=[],
        shippingLines=b.nodes(),
        fulfillmentOrders=b.nodes(),
    )
    raw = {**empty, **{key: value for key, value in recorded.items() if value is not None or empty.get(key) is None}}
    raw["lineItems"] = b.nodes(*(_line(n, one, currency) for n, one in enumerate(_nodes(raw["lineItems"]), 9000)))
    raw["shippingLines"] = b.nodes(*(_shipping(one, zero) for one in _nodes(raw["shippingLines"])))
    raw["transactions"] = [
        {**b.transaction(900 + n), "amountSet": zero, **one} for n, one in enumerate(_nodes(raw["transactions"]))
    ]
    raw["refunds"] = [_refund(one, zero) for one in raw["refunds"]]
    raw["fulfillmentOrders"] = b.nodes(*(_part(one) for one in _nodes(raw["fulfillmentOrders"])))
    raw["fulfillments"] = [{"trackingInfo": [], **one} for one in raw["fulfillments"]]
    return raw


def _sum(order: dict[str, Any], *names: str) -> Decimal:
    """What was first to be paid, where nobody asked for it: what is left, and what was given back."""
    return sum((Decimal(order[name]["presentmentMoney"]["amount"]) for name in names if order.get(name)), Decimal(0))


def _nodes(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return list(value["nodes"]) if "nodes" in value else [edge["node"] for edge in value["edges"]]


def _line(number: int, one: dict[str, Any], currency: str) -> dict[str, Any]:
    nothing = {"discountAllocations": [], "taxLines": [], "weight": None, "originalUnitPriceSet": b.money("0.0", currency)}
    given = {"name": one.get("title", "?"), "currentQuantity": one.get("quantity", 2)}
    return {**b.line(number), **nothing, **given, **one}


def _shipping(one: dict[str, Any], zero: dict[str, Any]) -> dict[str, Any]:
    price = one.get("originalPriceSet", zero)
    return {**b.shipping_line(), "taxLines": [], "discountedPriceSet": price, **one}


def _refund(one: dict[str, Any], zero: dict[str, Any]) -> dict[str, Any]:
    rows = [{"totalTaxSet": zero, "subtotalSet": zero, **row} for row in _nodes(one.get("refundLineItems") or b.nodes())]
    moved = [{"id": b.gid("OrderTransaction", 1), **row} for row in _nodes(one.get("transactions") or b.nodes())]
    return {**one, "refundLineItems": b.nodes(*rows), "refundShippingLines": b.nodes(), "transactions": b.nodes(*moved)}


def _part(one: dict[str, Any]) -> dict[str, Any]:
    return {**b.part(lines={}), **one, "lineItems": b.nodes(*_nodes(one.get("lineItems") or b.nodes()))}


@pytest.fixture(scope="module")
def found(contracts: Path) -> list[tuple[dict[str, Any], Order]]:
    """Every recorded order with enough in it, each once."""
    texts = set()
    for path in sorted((contracts / "captures").glob("**/*.json.gz")):
        for value in walk(json.loads(gzip.decompress(path.read_bytes()))):
            if (
                str(value.get("id", "")).startswith("gid://shopify/Order/")
                and all(value.get(name) for name in NEEDED)
                and has_one_currency(value)
            ):
                texts.add(json.dumps(value, sort_keys=True))
    rows = [json.loads(text) for text in sorted(texts)]
    return [(row, read(filled(row))) for row in rows]


def amount(row: dict[str, Any], name: str, order: Order) -> Money:
    return Money.parse(with_presentment(row[name])["presentmentMoney"]["amount"], order.currency)


def test_there_are_many(found: list[tuple[dict[str, Any], Order]]) -> None:
    """The recordings are here, and every order in them can be read."""
    assert len(found) >= 50


def test_what_was_received_is_captured(found: list[tuple[dict[str, Any], Order]]) -> None:
    """Our sum of captures is Shopify's totalReceivedSet."""
    rows = [(row, order) for row, order in found if row.get("totalReceivedSet") and row.get("transactions")]
    assert len(rows) >= 8
    for row, order in rows:
        assert total((one.captured for one in order.payments), order.currency) == amount(row, "totalReceivedSet", order), row


def test_what_was_refunded_is_on_record(found: list[tuple[dict[str, Any], Order]]) -> None:
    """Our refunds add up to Shopify's totalRefundedSet."""
    rows = [(row, order) for row, order in found if row.get("totalRefundedSet") and isinstance(row.get("refunds"), list)]
    assert len(rows) >= 6
    assert any(order.refunds for _, order in rows)
    for row, order in rows:
        assert total((one.amount for one in order.refunds), order.currency) == amount(row, "totalRefundedSet", order), row


def test_an_edit_is_what_is_left(found: list[tuple[dict[str, Any], Order]]) -> None:
    """Where pieces were taken out and nothing was given back, our total and quantities are the current ones."""
    edited = 0
    for row, order in found:
        lines = [one for one in _nodes(row["lineItems"]) if "currentQuantity" in one]
        if not lines or order.refunds or row.get("cancelledAt"):
            continue
        assert order.total == amount(row, "currentTotalPriceSet", order)
        assert [line.quantity for line in order.lines] == [one["currentQuantity"] for one in lines if one["currentQuantity"]]
        edited += any(one["currentQuantity"] != one["quantity"] for one in lines)
    assert edited >= 2


def test_a_refund_leaves_the_total(found: list[tuple[dict[str, Any], Order]]) -> None:
    """A partly refunded order is still worth what was bought: the current total, and what was given back."""
    rows = [(row, order) for row, order in found if order.refunds and not row.get("cancelledAt")]
    rows = [(row, order) for row, order in rows if all("refundLineItems" in one for one in row["refunds"])]
    assert rows
    for row, order in rows:
        back = total((one.amount for one in order.refunds), order.currency)
        first = row.get("totalPriceSet") and amount(row, "totalPriceSet", order)
        assert order.total in (amount(row, "currentTotalPriceSet", order) + back, first), row


def test_origins_are_what_remains(found: list[tuple[dict[str, Any], Order]]) -> None:
    """Each recorded rest of an open fulfillment order is in an origin, and nothing else is."""
    seen = 0
    for row, order in found:
        parts = _nodes(row.get("fulfillmentOrders") or b.nodes())
        if not parts or any("lineItem" not in line for part in parts for line in _nodes(part.get("lineItems") or b.nodes())):
            continue
        left = sum(
            line["remainingQuantity"]
            for part in parts
            for line in _nodes(part.get("lineItems") or b.nodes())
            if part["status"] in ("OPEN", "IN_PROGRESS", "SCHEDULED", "ON_HOLD")
        )
        lines: list[LineQuantity] = [line for origin in order.origins for line in origin.lines]
        assert sum(line.quantity for line in lines) == left, row
        seen += bool(left)
    assert seen >= 1
