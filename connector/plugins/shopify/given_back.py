"""The refunds that a shop has on record. Pure.

Shopify also writes a refund without money where staff take something out of an order (an edit, a cancellation with restock):
what it names was removed, not given back.
"""

from __future__ import annotations

from collections import Counter

from connector import Money, PlatformRefund, RefundPart, TaxShare, total

from .payments import MOVED, NOT_DONE, is_manual
from .reading import Node


def refunded_pieces(order: Node, currency: str) -> Counter[str]:
    """How many pieces of each line the customer had, or was to have, and got the money back for."""
    pieces: Counter[str] = Counter()
    for refund in order["refunds"].items():
        for one in refund.get("refundLineItems").items():
            if _moves_money(refund, currency) or one["restockType"].text() == "RETURN":
                pieces[one["lineItem"]["id"].id()] += one["quantity"].whole()
    return pieces


def any_money(order: Node, currency: str) -> bool:
    """Has anything been given back, or is it on its way?"""
    return any(_moves_money(refund, currency) for refund in order["refunds"].items())


def refunds(order: Node, currency: str, line_ids: set[str]) -> tuple[PlatformRefund, ...]:
    """`line_ids`: of the lines and ways of shipping that are in the order."""
    manual = {one["id"].id() for one in order["transactions"].items() if is_manual(one)}
    rows = [one for one in order["refunds"].items() if _moves_money(one, currency)]
    return tuple(_refund(order, one, currency, line_ids=line_ids, manual=manual) for one in rows)


def _refund(order: Node, node: Node, currency: str, *, line_ids: set[str], manual: set[str]) -> PlatformRefund:
    is_gross = order.get("taxesIncluded").is_true()
    parts = [_line_part(one, currency, is_gross=is_gross) for one in node.get("refundLineItems").items()]
    parts += [_shipping_part(one, currency, is_gross=is_gross) for one in node.get("refundShippingLines").items()]
    return PlatformRefund(
        id=node["id"].id(),
        amount=_amount(node, currency),
        reason=node.get("note").text(),
        at=node.get("createdAt").when_if_any() or node.get("processedAt").when_if_any(),
        money_moved=_moved(node, manual),
        parts=tuple(part for part in parts if part.line_id in line_ids),
    )


def _moves_money(refund: Node, currency: str) -> bool:
    return _amount(refund, currency).minor > 0


def _amount(refund: Node, currency: str) -> Money:
    """What was given back, or is on its way; Shopify's own sum where the refund shows no transactions."""
    rows = [one for one in refund.get("transactions").items() if one["kind"].text() == "REFUND"]
    if not rows:
        return refund["totalRefundedSet"].money(currency)
    counted = [one["amountSet"].money(currency) for one in rows if one["status"].text() not in NOT_DONE]
    return total(counted, currency)


def _moved(refund: Node, manual: set[str]) -> bool | None:
    """Did a gateway give the money back? By hand (cash, bank), Shopify only writes down that it is so."""
    rows = [one for one in refund.get("transactions").items() if one["status"].text() not in NOT_DONE]
    if not rows:
        return None
    if all(one.get("id").id() in manual or is_manual(one) for one in rows):
        return False
    return True if all(one["status"].text() in MOVED for one in rows) else None


def _line_part(node: Node, currency: str, *, is_gross: bool) -> RefundPart:
    tax, worth = node["totalTaxSet"].share(currency), node["subtotalSet"].share(currency)
    return _part(node["lineItem"]["id"].id(), node["quantity"].whole(), worth - tax if is_gross else worth, tax)


def _shipping_part(node: Node, currency: str, *, is_gross: bool) -> RefundPart:
    tax, worth = node["taxAmountSet"].share(currency), node["subtotalAmountSet"].share(currency)
    return _part(node["shippingLine"]["id"].id(), 0, worth - tax if is_gross else worth, tax)


def _part(line_id: str, quantity: int, worth: Money, tax: Money) -> RefundPart:
    # Shopify reckons the taxes of a refund itself, so their rates do not matter.
    taxes = (TaxShare(rate_id="", amount=tax),) if tax else ()
    return RefundPart(line_id=line_id, quantity=quantity, total=worth, taxes=taxes)
