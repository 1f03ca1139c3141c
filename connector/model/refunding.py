"""A wish to give money back, as a person says it, made into exact sums. Pure: the command line shows what this gives, too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .case import Case, left_to_ship, refund_left, refunded_parts
from .codec import typed
from .flow import OPEN
from .money import Money
from .order import LineQuantity
from .refunds import RefundRequest, RefundSum, all_of_it, some_of_it


def wanted_refund(case: Case, wish: Mapping[str, Any], request_id: str) -> RefundRequest:
    """The refund that a person asks for.

    Args:
        wish: `lines` (line_id, quantity) and `shipping`, or `amount` alone, or neither: all that is left. Beside lines, or with
            `all`, `amount` is what the person was shown. `restock` where a person says so, `reason`.

    Raises:
        ValueError: the order does not allow it; why, in words.
    """
    left, amount = refund_left(case), _amount(case, wish)
    for_what = bool(wish.get("lines") or wish.get("shipping"))
    if amount is not None and not for_what and not wish.get("all"):
        if wish.get("restock"):
            raise ValueError("an amount alone puts nothing back into stock; say which lines are given back")
        wanted = RefundSum(amount=amount)
    else:
        wanted = _some(case, wish, left) if for_what else all_of_it(case.order, refunded_parts(case), left)
        if amount is not None and amount != wanted.amount:
            raise ValueError(f"this gives {wanted.amount} back by now, not the {amount} that were shown; look at it again")
    if wanted.amount > left:
        raise ValueError(f"{wanted.amount} is more than the {left} that can still be given back")
    said = wish.get("restock")
    return RefundRequest(
        id=f"refund-{request_id}",
        amount=wanted.amount,
        lines=wanted.lines,
        parts=wanted.parts,
        restock=bool(wanted.lines) and (is_in_the_house(case, wanted.lines) if said is None else bool(said)),
        reason=str(wish.get("reason") or ""),
    )


def after_cancelling(case: Case, request_id: str, reason: str) -> RefundRequest:
    """All that is left. The stock is the cancellation's affair. Raises ValueError where nothing is left."""
    wanted = all_of_it(case.order, refunded_parts(case), refund_left(case))
    return RefundRequest(id=f"refund-{request_id}", amount=wanted.amount, lines=wanted.lines, parts=wanted.parts, reason=reason)


def is_in_the_house(case: Case, lines: Iterable[LineQuantity]) -> bool:
    """Has none of it left, or been decided to leave, and does the platform still hold it as sold? Then it can be put back."""
    if case.stage not in OPEN:
        return False
    here = {line.id: line.quantity for line in case.order.lines if not line.requires_shipping}
    here |= {line.line_id: line.quantity for line in left_to_ship(case)}
    wanted = list(lines)
    held = None if case.order.stock_held is None else dict(case.order.stock_held)
    is_held = held is None or any(held.get(line.line_id) for line in wanted)
    return is_held and all(line.quantity <= here.get(line.line_id, 0) for line in wanted)


def _some(case: Case, wish: Mapping[str, Any], left: Money) -> RefundSum:
    quantities: dict[str, int] = {}
    for line in typed(wish.get("lines") or [], tuple[LineQuantity, ...]):
        quantities[line.line_id] = quantities.get(line.line_id, 0) + line.quantity
    return some_of_it(case.order, refunded_parts(case), left, lines=quantities, shipping=bool(wish.get("shipping")))


def _amount(case: Case, wish: Mapping[str, Any]) -> Money | None:
    return Money.parse(str(wish["amount"]), case.order.currency) if wish.get("amount") else None
