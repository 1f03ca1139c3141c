"""What a person sees before money goes back: how much, for what, what goes back into stock, and which way the money goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import out

if TYPE_CHECKING:
    from ..model.case import Case
    from ..model.order import Order, RefundPart
    from ..model.refunds import RefundRequest


def refund_preview(case: Case, body: Mapping[str, Any]) -> tuple[str, ...]:
    """Of a refund as it would be carried out now; nothing where it would be refused anyway."""
    from ..model.refunding import wanted_refund

    try:
        request = wanted_refund(case, body, "preview")
    except ValueError:
        return ()
    return (*_gets(case.order, request), _stock(request), _way(case.order))


def cancel_preview(case: Case, *, refunds: bool, restocks: bool) -> tuple[str, ...]:
    """Of calling the whole order off. `restocks`: the platform puts the stock back itself."""
    from ..model.case import refund_left
    from ..model.refunding import after_cancelling

    stock = "everything that was taken for it; the platform does that" if restocks else "nothing by itself"
    shown: tuple[str, ...] = (f"Back into stock: {stock}.",)
    if refunds and refund_left(case):
        shown = (*_gets(case.order, after_cancelling(case, "preview", "")), *shown, _way(case.order))
    return shown


def _gets(order: Order, request: RefundRequest) -> tuple[str, ...]:
    parts = tuple(f"  {_named(order, part)}: {part.amount}{_of_it_tax(part)}" for part in request.parts)
    what = ", for:" if parts else ", without saying what for."
    return (f"The customer gets {request.amount}{what}", *parts)


def _named(order: Order, part: RefundPart) -> str:
    line = order.line(part.line_id)
    if line is not None:
        return out.clean(f"{part.quantity} x {line.name or line.sku or line.id} (line {line.id})")
    titles = {one.id: one.title or "Shipping" for one in order.shipping_lines} | {fee.id: fee.name for fee in order.fees}
    return out.clean(titles.get(part.line_id) or part.line_id)


def _of_it_tax(part: RefundPart) -> str:
    tax = part.amount - part.total
    return f" (of it tax {tax.text})" if tax else ""


def _stock(request: RefundRequest) -> str:
    pieces = ", ".join(f"{line.quantity} of line {line.line_id}" for line in request.lines) if request.restock else ""
    return f"Back into stock: {pieces or 'nothing'}."


def _way(order: Order) -> str:
    """Which way the money goes, as far as it is known before the platform is asked."""
    from ..model.payment import PaymentKind

    paid = next((payment for payment in order.payments if payment.captured), None)
    if paid is None or paid.kind is not PaymentKind.GATEWAY:
        how = out.clean(paid.title or paid.gateway) if paid else "no payment"
        return (
            f"The money goes back by hand ({how}): the shop only writes it down, and a task stays open until you have sent it."
        )
    name = out.clean(paid.title or paid.gateway)
    return f"The money goes back through {name}. Should the shop's gateway not be able to: by hand, and a task says so."
