"""Giving money back and calling an order off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from .money import Money, total
from .order import Fee, LineItem, LineQuantity, Order, RefundPart, ShippingLine, TaxShare
from .payment import MoneyMoved


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest:
    """What to give back. `id` is made once, with the decision, and is the key of everything done for it.

    Args:
        amount: in the order's currency, always given. lines: the pieces it is for (may be empty).
        parts: what of it is for which line, shipping line or fee, with tax by rate (empty: nobody says what it is for).
        payment_id: which transaction; restock: put the lines' quantity back into stock.
        reason: a short text that the platform shows; it must not hold personal data.
    """

    id: str
    amount: Money
    payment_id: str = ""
    lines: tuple[LineQuantity, ...] = ()
    parts: tuple[RefundPart, ...] = ()
    restock: bool = False
    reason: str = ""

    def __post_init__(self) -> None:
        if self.amount.minor <= 0:
            raise ValueError(f"a refund must be more than nothing, not {self.amount}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refunded:
    """What became of it: `recorded` on the platform, `restocked` there, and the platform's or gateway's id."""

    money: MoneyMoved
    recorded: bool
    restocked: bool
    vendor_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequest:
    """Call the whole order off. Money is given back by a RefundRequest of its own, so that each is done once."""

    id: str
    reason: str = ""
    restock: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """The platform has called it off; `restocked`: it put the stock back itself."""

    restocked: bool
    vendor_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyEvent:
    """One movement of money as a gateway lists it: `kind` is capture, refund, dispute or payout_fee."""

    vendor_id: str
    kind: str
    amount: Money
    transaction_id: str = ""
    order_hint: str = ""


# --- how much for what ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundSum:
    """How much to give back, and for what. The parts add up to `amount`, but for cents that the platform's own sums are off."""

    amount: Money
    parts: tuple[RefundPart, ...] = ()

    @property
    def lines(self) -> tuple[LineQuantity, ...]:
        return tuple(LineQuantity(line_id=part.line_id, quantity=part.quantity) for part in self.parts if part.quantity > 0)


def all_of_it(order: Order, given: Iterable[RefundPart], left: Money) -> RefundSum:
    """Everything that is left. `given`: what was given back before; `left`: the money that can still be given back."""
    parts = tuple(part for part in refundable(order, given) if part.quantity or part.amount)
    return RefundSum(amount=left, parts=_cut(parts, left))


def some_of_it(
    order: Order, given: Iterable[RefundPart], left: Money, *, lines: Mapping[str, int], shipping: bool = False
) -> RefundSum:
    """So many pieces of some lines (a fee counts as one piece), with their share of tax, and shipping or not.

    Pieces of one line are worth the same but for a cent, and the last one takes what is left of its line: whatever is given
    back in whatever order, it adds up to what was paid. Never more than `left`, which may be less than the lines are worth when
    money was given back before without saying what for.

    Raises:
        ValueError: there is no such line, or not so much of it left to give back.
    """
    rest = refundable(order, given)
    by_id = {part.line_id: part for part in rest}
    wanted = [_share(order, by_id, line_id, quantity) for line_id, quantity in lines.items()]
    if shipping:
        wanted += [by_id[line.id] for line in order.shipping_lines if line.id not in lines]
    parts = tuple(part for part in wanted if part.quantity or part.amount)
    worth = _sum(parts, left.currency)
    off = left - worth
    is_last = _sum(rest, left.currency) == worth and sum(part.quantity for part in rest) == sum(part.quantity for part in parts)
    # The platform's total may be a cent or so off the sum of its lines; who gets everything gets that cent, too.
    if is_last and 0 < off.minor <= _entries(rest):
        return RefundSum(amount=left, parts=parts)
    return RefundSum(amount=min(worth, left), parts=_cut(parts, min(worth, left)))


def refundable(order: Order, given: Iterable[RefundPart]) -> tuple[RefundPart, ...]:
    """What of each line, shipping line and fee has not been given back yet."""
    before: dict[str, list[RefundPart]] = {}
    for part in given:
        before.setdefault(part.line_id, []).append(part)
    lines = tuple(_rest(line, line.quantity, before.get(line.id, [])) for line in order.lines)
    whole: tuple[ShippingLine | Fee, ...] = (*order.shipping_lines, *order.fees)
    return (*lines, *(_rest(one, 0, before.get(one.id, [])) for one in whole))


def _rest(one: LineItem | ShippingLine | Fee, quantity: int, given: list[RefundPart]) -> RefundPart:
    by_rate: dict[str, int] = {}
    for tax in (tax for part in given for tax in part.taxes):
        by_rate[tax.rate_id] = by_rate.get(tax.rate_id, 0) + tax.amount.minor
    taxes = one.taxes or ((TaxShare(rate_id="", amount=one.tax),) if one.tax else ())
    return RefundPart(
        line_id=one.id,
        quantity=max(0, quantity - sum(part.quantity for part in given)),
        total=_less(one.total, sum(part.total.minor for part in given)),
        taxes=tuple(replace(tax, amount=_less(tax.amount, by_rate.get(tax.rate_id, 0))) for tax in taxes),
    )


def _less(money: Money, given: int) -> Money:
    """What is left, never beyond nothing: staff may have given back more for a line than it cost. A discount is below zero."""
    left = money.minor - given
    return Money(minor=min(0, left) if money.minor < 0 else max(0, left), currency=money.currency)


def _share(order: Order, rest: Mapping[str, RefundPart], line_id: str, quantity: int) -> RefundPart:
    if line_id not in rest:
        raise ValueError(f"there is no line {line_id}; there are {', '.join(rest)}")
    left = rest[line_id]
    if order.line(line_id) is None:  # shipping or a fee: all of it
        return left
    if not 0 < quantity <= left.quantity:
        raise ValueError(f"{quantity} of line {line_id} cannot be given back; {left.quantity} are left")
    return RefundPart(
        line_id=line_id,
        quantity=quantity,
        total=_pieces(left.total, quantity, left.quantity),
        taxes=tuple(replace(tax, amount=_pieces(tax.amount, quantity, left.quantity)) for tax in left.taxes),
    )


def _pieces(money: Money, some: int, of: int) -> Money:
    """The worth of some pieces out of what is left, rounded half up."""
    return Money(minor=(2 * money.minor * some + of) // (2 * of), currency=money.currency)


def _cut(parts: tuple[RefundPart, ...], amount: Money) -> tuple[RefundPart, ...]:
    """Make parts that are worth more than `amount` add up to it, each by its weight."""
    worth = _sum(parts, amount.currency).minor
    if worth <= amount.minor:
        return parts
    seen = given = 0
    cut = []
    for part in parts:
        shares = []
        for money in (part.total, *(tax.amount for tax in part.taxes)):
            seen += money.minor
            upto = amount.minor * seen // worth  # running totals never drift
            shares.append(Money(minor=upto - given, currency=amount.currency))
            given = upto
        taxes = tuple(replace(tax, amount=share) for tax, share in zip(part.taxes, shares[1:], strict=True))
        cut.append(replace(part, total=shares[0], taxes=taxes))
    return tuple(cut)


def _sum(parts: Iterable[RefundPart], currency: str) -> Money:
    return total((part.amount for part in parts), currency)


def _entries(parts: Iterable[RefundPart]) -> int:
    return sum(1 + len(part.taxes) for part in parts)
