"""Money that is not there, or not all of it."""

from __future__ import annotations

from collections.abc import Iterable

from connector import Finding, HoldReason, Order, Payment, PaymentKind, Severity, total


def payment_findings(order: Order) -> Iterable[Finding]:
    if is_covered(order):
        return
    unpaid = _unpaid(order)
    if is_cod(order):
        yield Finding(
            code="pay_on_delivery",
            kind="payment",
            severity=Severity.INFO,
            reason=HoldReason.AWAITING_PAYMENT,
            field="payment",
            value=PaymentKind.COD.value,
            text="The customer pays on delivery. Send it with a carrier that takes the money.",
        )
        return
    in_part = any(payment.captured.minor > 0 for payment in order.payments)
    yield Finding(
        code="partly_paid" if in_part else "unpaid",
        kind="payment",
        severity=Severity.HOLD,
        reason=HoldReason.AWAITING_PAYMENT,
        field="payment",
        value=", ".join(sorted({payment.kind.value for payment in unpaid})) or "no payment",
        text=_partly_paid_text(order, unpaid) if in_part else _unpaid_text(order, unpaid),
        releases="The rest of the payment, a total that is paid, or a person who lets the order go as it is."
        if in_part
        else "The payment, or a person who lets the order go unpaid.",
    )


def _unpaid(order: Order) -> list[Payment]:
    return [payment for payment in order.payments if payment.captured < payment.due]


def is_cod(order: Order) -> bool:
    """Is everything that is still to be paid paid on delivery?"""
    unpaid = _unpaid(order)
    return bool(unpaid) and all(payment.kind is PaymentKind.COD for payment in unpaid)


def is_covered(order: Order) -> bool:
    """Is everything paid or authorized? Money given back later does not make an order unpaid: captured stays captured.

    A card that failed before another one worked leaves a second sum due: more than the order's total is never asked for.
    """
    captured = total((payment.captured for payment in order.payments), order.currency)
    if not captured and any(payment.refunded.minor > 0 for payment in order.payments):
        return True  # there must have been something to give back
    if not order.payments:
        return order.total.minor <= 0
    due = total((payment.due for payment in order.payments), order.currency)
    # What was authorized contains what was captured of it.
    there = (payment.captured if payment.ended else max(payment.captured, payment.authorized) for payment in order.payments)
    return total(there, order.currency) >= min(due, order.total)


def _partly_paid_text(order: Order, unpaid: list[Payment]) -> str:
    missing = total((payment.due - payment.captured for payment in unpaid), order.currency)
    paid = total((payment.captured for payment in order.payments), order.currency)
    return f"Only {paid} of {order.total} are paid, {missing} are missing. Ask the customer for the rest, or lower the total."


def _unpaid_text(order: Order, unpaid: list[Payment]) -> str:
    if not unpaid:
        return f"The shop shows no payment of these {order.total}. Look at the payment in the shop before you send anything."
    missing = total((payment.due - payment.captured for payment in unpaid), order.currency)
    if all(payment.ended for payment in unpaid):
        return (
            f"The payment of {missing} did not work ({unpaid[-1].ended}). Ask the customer to pay again, or cancel the order."
        )
    return f"{missing} are not paid yet. Wait for the payment, remind the customer, or cancel the order."
