"""What follows from an order's lines, payments and parcels: sums and statuses."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from connector.sandbox.shopify.money import Bag, total
from connector.sandbox.shopify.store import Store
from connector.sandbox.shopify.things import Allocation, Line, Order, ShippingLine, Tax, Transaction

OPEN = frozenset({"OPEN", "IN_PROGRESS", "ON_HOLD", "SCHEDULED"})
RECEIVING = frozenset({"SALE", "CAPTURE"})


# --- one line ---------------------------------------------------------------------------------------------------------


def original(line: Line) -> Bag:
    return line.unit_price.times(line.quantity)


def allocated(allocations: Iterable[Allocation], zero: Bag, *, across: bool | None = None) -> Bag:
    """What discounts take off; `across`: only those over the whole order, or only those on chosen lines."""
    return total([one.amount for one in allocations if across is None or one.discount.across is across], zero)


def discounted(line: Line) -> Bag:
    """Without the discounts over the whole order."""
    return original(line) - allocated(line.allocations, line.unit_price.zero, across=False)


def net(line: Line) -> Bag:
    """After every discount, before taxes."""
    return original(line) - allocated(line.allocations, line.unit_price.zero)


def tax(taxes: Iterable[Tax], zero: Bag) -> Bag:
    return total([one.price for one in taxes], zero)


def refunded_pieces(order: Order, line: Line) -> int:
    return sum(row.quantity for refund in order.refunds for row in refund.lines if row.line_id == line.id)


def current(order: Order, line: Line) -> int:
    return line.quantity - line.removed - refunded_pieces(order, line)


def refundable(order: Order, line: Line) -> int:
    return current(order, line)


def unfulfilled(order: Order, line: Line, *, held: bool = True) -> int:
    """Pieces that still have to leave; without `held`, only those that may leave now."""
    statuses = OPEN if held else OPEN - {"ON_HOLD"}
    rows = (row for one in order.fulfillment_orders if one.status in statuses for row in one.lines)
    return sum(row.remaining for row in rows if row.line_id == line.id)


def fulfillable(order: Order, line: Line) -> int:
    """What neither left nor was taken off nor is held; a cancellation alone changes nothing of it (recorded)."""
    held = unfulfilled(order, line) - unfulfilled(order, line, held=False)
    return max(0, current(order, line) - fulfilled(order, line) - held)


def fulfilled(order: Order, line: Line) -> int:
    parcels = (one for one in order.fulfillments if one.status == "SUCCESS")
    return sum(row.quantity for one in parcels for row in one.lines if row.line_id == line.id)


# --- the order's sums -------------------------------------------------------------------------------------------------


def subtotal(order: Order) -> Bag:
    return total([net(line) for line in order.lines], order.zero)


def current_subtotal(order: Order) -> Bag:
    return total([net(line).share(current(order, line), line.quantity) for line in order.lines], order.zero)


def shipping(order: Order) -> Bag:
    return total([shipping_net(line) for line in order.shipping_lines if not line.removed], order.zero)


def shipping_net(line: ShippingLine) -> Bag:
    return line.price - allocated(line.allocations, line.price.zero)


def refunded_shipping(order: Order) -> Bag:
    return total([refund.shipping for refund in order.refunds], order.zero)


def taxes(order: Order) -> Bag:
    rows = [tax(line.taxes, order.zero) for line in order.lines]
    return total(rows + [tax(line.taxes, order.zero) for line in order.shipping_lines if not line.removed], order.zero)


def current_taxes(order: Order) -> Bag:
    rows = [tax(line.taxes, order.zero).share(current(order, line), line.quantity) for line in order.lines]
    rows += [tax(line.taxes, order.zero) for line in order.shipping_lines if not line.removed]
    back = total([refund.shipping_tax for refund in order.refunds], order.zero)
    return (total(rows, order.zero) - back).least()


def discounts(order: Order) -> Bag:
    lines = [allocated(line.allocations, order.zero) for line in order.lines]
    return total(lines + [allocated(line.allocations, order.zero) for line in order.shipping_lines], order.zero)


def current_discounts(order: Order) -> Bag:
    shares = [allocated(line.allocations, order.zero).share(current(order, line), line.quantity) for line in order.lines]
    return total(shares + [allocated(line.allocations, order.zero) for line in order.shipping_lines], order.zero)


def whole(order: Order) -> Bag:
    """totalPriceSet: what was bought, before refunds and removals."""
    sum_ = subtotal(order) + shipping(order)
    return sum_ if order.taxes_included else sum_ + taxes(order)


def current_whole(order: Order) -> Bag:
    """currentTotalPriceSet: after refunds, edits and cancellation."""
    sum_ = current_subtotal(order) + (shipping(order) - refunded_shipping(order)).least()
    if order.cancelled is not None and not any(current(order, line) for line in order.lines):
        return order.zero
    return sum_ if order.taxes_included else sum_ + current_taxes(order)


# --- payments ---------------------------------------------------------------------------------------------------------


def paid_by(order: Order, kinds: Iterable[str]) -> Bag:
    return total([one.amount for one in order.transactions if one.kind in kinds and one.status == "SUCCESS"], order.zero)


def received(order: Order) -> Bag:
    return paid_by(order, RECEIVING)


def refunded(order: Order) -> Bag:
    return paid_by(order, {"REFUND"})


def net_payment(order: Order) -> Bag:
    return received(order) - refunded(order)


def children(order: Order, transaction: Transaction, kind: str) -> list[Transaction]:
    """Its captures, voids or refunds that succeeded or still may."""
    alive = {"SUCCESS", "PENDING"}
    return [one for one in order.transactions if one.parent_id == transaction.id and one.kind == kind and one.status in alive]


def capturable(order: Order, transaction: Transaction, store: Store) -> Bag:
    """What may still be captured of an authorization; one capture is all unless it may be captured in parts."""
    if transaction.kind != "AUTHORIZATION" or transaction.status != "SUCCESS" or expired(transaction, store):
        return order.zero
    taken = children(order, transaction, "CAPTURE")
    if children(order, transaction, "VOID") or (taken and not transaction.multi):
        return order.zero
    return (transaction.amount - total([one.amount for one in taken], order.zero)).least()


def expired(transaction: Transaction, store: Store) -> bool:
    return transaction.expires is not None and transaction.expires <= store.now()


def all_capturable(order: Order, store: Store) -> Bag:
    return total([capturable(order, one, store) for one in order.transactions], order.zero)


def outstanding(order: Order, store: Store) -> Bag:
    """What is neither paid nor authorized."""
    return current_whole(order) - net_payment(order) - all_capturable(order, store)


def left_of(order: Order, transaction: Transaction) -> Bag:
    """What of a payment has not been given back."""
    back = total([one.amount for one in children(order, transaction, "REFUND")], order.zero)
    return (transaction.amount - back).least()


# --- statuses ---------------------------------------------------------------------------------------------------------


def financial(order: Order, store: Store) -> str | None:
    """displayFinancialStatus; null as recorded: nothing was ever paid, authorized or announced."""
    got, back = received(order).presentment, refunded(order).presentment
    if got:
        return _of_received(order, got, back)
    if all_capturable(order, store):
        return "AUTHORIZED"
    authorized = [one for one in order.transactions if one.kind == "AUTHORIZATION" and one.status == "SUCCESS"]
    if authorized:
        return "EXPIRED" if all(expired(one, store) for one in authorized) else "VOIDED"
    if any(one.status == "PENDING" for one in order.transactions) or order.terms is not None:
        return "PENDING"
    if not order.transactions and order.stated_financial is None and not whole(order) and order.cancelled is None:
        return "PAID"
    return order.stated_financial


def _of_received(order: Order, got: Decimal, back: Decimal) -> str:
    if back:
        return "REFUNDED" if back >= got else "PARTIALLY_REFUNDED"
    return "PAID" if got >= current_whole(order).presentment else "PARTIALLY_PAID"


def fulfillment(order: Order) -> str:
    """displayFulfillmentStatus."""
    sent = sum(fulfilled(order, line) for line in order.lines)
    left = sum(unfulfilled(order, line) for line in order.lines)
    statuses = {one.status for one in order.fulfillment_orders if one.status in OPEN and one.remaining}
    if sent and not left:
        return "FULFILLED"
    if statuses == {"ON_HOLD"}:  # one that is not held makes it something else (recorded)
        return "ON_HOLD"
    if sent:
        return "PARTIALLY_FULFILLED"
    return next((status for status in ("SCHEDULED", "IN_PROGRESS") if status in statuses), "UNFULFILLED")


def recommendation(order: Order) -> str:
    """What the assessments together advise."""
    levels = {one.level for one in order.risks}
    for level, advice in (("HIGH", "CANCEL"), ("MEDIUM", "INVESTIGATE"), ("PENDING", "NONE"), ("LOW", "ACCEPT")):
        if level in levels:
            return advice
    return "NONE"
