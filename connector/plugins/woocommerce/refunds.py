"""Giving money back through the shop's payment gateway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector import (
    CannotTell,
    Context,
    Effect,
    Found,
    Happened,
    InProgress,
    Money,
    MoneyMoved,
    NotHappened,
    Order,
    Payment,
    PlatformStatus,
    Refunded,
    RefundRequest,
    Refused,
    Unsupported,
    total,
)

from .client import read, write
from .config import config
from .orders import find as find_order
from .orders import mark, minutes_since, must_find, refund_rows
from .parse import order as parse

OFFLINE = {"cod": "cash on delivery", "bacs": "bank transfer", "cheque": "cheque"}
GIVEN_UP_MIN = 15.0  # PHP does not run that long: a row without its payment is then a refund that was cut off
LOST_ANSWERS = ("timed out", "timeout", "curl error", "could not connect", "connection")


def refund(ctx: Context, order: Order, request: RefundRequest) -> Refunded:
    """Once, by amount. `api_refund` and `api_restock` are true when left out (recorded), so both are always said.

    WooCommerce takes two equal refunds at once and pays both (recorded, 13 of 20 times): what keeps us from that is the ledger
    and the sums, read again just before.
    """
    doing = f"refund {request.amount} of order {order.platform_id}"
    for payment in order.payments:
        _is_paid_online(ctx, payment, doing)
    answer = ctx.effect(
        "refund_payment",
        {"order": order.platform_id, "amount": request.amount.text, "currency": request.amount.currency},
        lambda key: _send(ctx, order.platform_id, request, key, doing),
        before=lambda: _allowed(ctx, order.platform_id, request, doing),
    )
    moved = MoneyMoved.MOVED if answer["moved"] else MoneyMoved.NOT_MOVED
    return Refunded(money=moved, recorded=True, restocked=False, vendor_id=str(answer["id"]))


def _send(ctx: Context, platform_id: str, request: RefundRequest, key: str, doing: str) -> dict[str, Any]:
    """The mark goes into `reason`: it can be read while the gateway still works, `meta_data` only afterwards (recorded)."""
    body = {
        "amount": request.amount.text,
        "reason": f"{request.reason} {mark(key)}".strip(),
        "api_refund": True,
        "api_restock": False,
    }
    try:
        row = write(ctx, "POST", f"orders/{platform_id}/refunds", body, doing)
    except Refused as no:
        raise _look_at_gateway(no) from no
    return _short(row)


def _look_at_gateway(no: Refused) -> Refused:
    """The shop takes its row away when the gateway plugin reports an error, also when that error is a lost answer."""
    said = str(no.args[0])
    if not any(words in said.lower() for words in LOST_ANSWERS):
        return no
    text = f"{said} (The gateway's answer was lost: look there whether the money went back, before trying again.)"
    return Refused(text, account=no.account, operation=no.operation, code=no.code)


def _short(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": row.get("id"), "moved": row.get("refunded_payment") is True}


# --- before -----------------------------------------------------------------------------------------------------------


def _allowed(ctx: Context, platform_id: str, request: RefundRequest, doing: str) -> dict[str, str]:
    """Read order, refunds and gateway now; raise if this refund is more than is left, or cannot be done online."""
    raw, rows = must_find(ctx, platform_id, doing), refund_rows(ctx, platform_id)
    now = parse(raw, config(ctx).statuses, refund_rows=rows)
    if now.means is PlatformStatus.DELETED:
        raise Refused("the order is in the shop's bin. Restore it first.", account=ctx.account.name, operation=doing)
    for payment in now.payments:
        _is_paid_online(ctx, payment, doing)
    _can_refund(ctx, now.payments[0].gateway, doing)
    left = _left(now)
    if request.amount.currency != now.currency:
        raise Refused(f"the order is in {now.currency}.", account=ctx.account.name, operation=doing)
    if request.amount > left:
        raise Refused(
            f"only {left} of {now.total} is left to give back (paid less all refunds that the shop has now).",
            account=ctx.account.name,
            operation=doing,
        )
    return {"left": left.text, "refunds": ",".join(str(row.get("id")) for row in rows)}


def _left(order: Order) -> Money:
    captured = total((payment.captured for payment in order.payments), order.currency)
    return captured - total((refund.amount for refund in order.refunds), order.currency)


def _is_paid_online(ctx: Context, payment: Payment, doing: str) -> None:
    if payment.gateway in OFFLINE or not payment.gateway:
        how = OFFLINE.get(payment.gateway, "no payment method")
        text = f"paid by {how}: the shop has no way to move this money. Give it back by hand, then record it in the shop."
        raise Unsupported(text, account=ctx.account.name, operation=doing)


def _can_refund(ctx: Context, gateway: str, doing: str) -> None:
    rows = read(ctx, "payment_gateways", doing).rows(ctx, doing)
    known = {row.get("id"): row for row in rows}
    found = known.get(gateway)
    if found is None:
        text = f"the payment gateway {gateway!r} is not installed in the shop any more"
    elif found.get("enabled") is not True:
        text = f"the payment gateway {gateway!r} is switched off in the shop"
    elif "refunds" not in found.get("method_supports", ()):
        text = f"the payment gateway {gateway!r} cannot refund"
    else:
        return
    raise Unsupported(f"{text}. Give the money back there, then record it.", account=ctx.account.name, operation=doing)


# --- afterwards -------------------------------------------------------------------------------------------------------


def find(ctx: Context, effect: Effect) -> Found:
    """A row with our mark happened once its payment is there; before that the gateway is working, and a declined row is taken
    away again (recorded)."""
    if find_order(ctx, effect.platform_id) is None:
        return CannotTell(
            text=f"Order {effect.platform_id} is gone from the shop: look in the payment gateway for this refund."
        )
    ours = [row for row in refund_rows(ctx, effect.platform_id) if mark(effect.key) in str(row.get("reason", ""))]
    if not ours:
        return NotHappened()
    if ours[0].get("refunded_payment") is True:
        return Happened(answer=_short(ours[0]))
    if minutes_since(effect.sent_at) < GIVEN_UP_MIN:
        return InProgress()
    return CannotTell(
        text=f"Refund #{ours[0].get('id')} of order {effect.platform_id} stands in the shop without its payment: "
        "look in the payment gateway whether the money went back."
    )
