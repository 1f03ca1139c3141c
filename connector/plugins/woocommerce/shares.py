"""What hangs on an order's lines: tax by rate, pieces taken out of stock, and what refunds were for."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from connector import Money, RefundPart, TaxShare

from .reading import Node


def taxes(line: Node, currency: str) -> tuple[TaxShare, ...]:
    """The line's tax by rate. A shop that rounds at the subtotal shows rates with more decimals than money has, and only the
    line's `total_tax` is rounded: that is shared out by their weight, so that the shares add up to it.
    """
    tax = line["total_tax"].money(currency)
    rates = [(rate["id"].text(), abs(_number(rate.get("total").value))) for rate in line.get("taxes").items()]
    sum_of_weights = sum(weight for _, weight in rates)
    if not tax or not sum_of_weights:
        return ()
    seen, given, shares = Decimal(0), 0, []
    for rate_id, weight in rates:
        seen += weight
        upto = int((tax.minor * seen / sum_of_weights).to_integral_value())
        shares.append(TaxShare(rate_id=rate_id, amount=Money(minor=upto - given, currency=currency)))
        given = upto
    return tuple(share for share in shares if share.amount)


def _number(value: Any) -> Decimal:
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return Decimal(0)
    return number if number.is_finite() else Decimal(0)


def stock_held(node: Node) -> tuple[tuple[str, int], ...]:
    """`_reduced_stock` of a line is what the order has taken out of stock and not put back (recorded)."""
    held = ((line["id"].text(), int(_number(_meta(line, "_reduced_stock")))) for line in node["line_items"].items())
    return tuple((line_id, pieces) for line_id, pieces in held if pieces > 0)


def _meta(line: Node, key: str) -> Any:
    return next((meta.get("value").value for meta in line.get("meta_data").items() if meta["key"].value == key), "")


def refund_parts(row: Node, currency: str) -> Iterator[RefundPart]:
    """What a refund is for: negative copies of the order's lines, each with the id of the line that it is of (recorded)."""
    for kind in ("line_items", "shipping_lines", "fee_lines"):
        for line in row.get(kind).items():
            line_id = str(_meta(line, "_refunded_item_id"))
            if not line_id:
                continue
            pieces = line.get("quantity").value if kind == "line_items" else 0
            yield RefundPart(
                line_id=line_id,
                quantity=max(0, -pieces) if isinstance(pieces, int) else 0,
                total=-line["total"].money(currency),
                taxes=tuple(TaxShare(rate_id=tax.rate_id, amount=-tax.amount) for tax in taxes(line, currency)),
            )
