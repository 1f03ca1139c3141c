"""Giving money back through the shop's payment gateway, or writing down in the shop that it goes another way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
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
    PlatformStatus,
    Refunded,
    RefundPart,
    RefundRequest,
    Refused,
    total,
)

from .client import read, write
from .config import config
from .orders import find as find_order
from .orders import mark, minutes_since, must_find, refund_rows
from .parse import order as parse
from .reading import Node, rounded

OFFLINE = frozenset({"", "cod", "bacs", "cheque"})
GIVEN_UP_MIN = 15.0  # PHP does not run that long: a row without its payment is then a refund that was cut off
LOST_ANSWERS = ("timed out", "timeout", "curl error", "could not connect", "connection")


def refund(ctx: Context, order: Order, request: RefundRequest) -> Refunded:
    """Once: through the gateway, or, where that cannot give money back, written down in the shop only (NOT_MOVED).

    `api_refund` and `api_restock` are true when left out (recorded), so both are always said. WooCommerce takes two equal
    refunds at once and pays both (recorded, 13 of 20 times): what keeps us from that is the ledger, and the sums that are read
    again just before.
    """
    doing = f"refund {request.amount} of order {order.platform_id}"
    seen: list[dict[str, Any]] = []  # what `before` read, for the call that follows it

    def before() -> dict[str, Any]:
        seen.append(_allowed(ctx, order.platform_id, request, doing))
        return seen[-1]

    asked: dict[str, Any] = {"order": order.platform_id, "amount": request.amount.text, "currency": request.amount.currency}
    if request.parts:
        asked |= {"for": [_line(part) for part in request.parts], "restock": request.restock}
    answer = ctx.effect(
        "refund_payment", asked, lambda key: _send(ctx, order.platform_id, request, key, seen[-1], doing), before=before
    )
    moved = MoneyMoved.MOVED if answer["moved"] else MoneyMoved.NOT_MOVED
    return Refunded(
        money=moved, recorded=True, restocked=answer.get("restocked") is True, vendor_id=str(answer.get("id") or "")
    )


def _send(
    ctx: Context, platform_id: str, request: RefundRequest, key: str, before: Mapping[str, Any], doing: str
) -> dict[str, Any]:
    """The mark goes into `reason`: it can be read while the gateway still works, `meta_data` only afterwards (recorded)."""
    body: dict[str, Any] = {
        "amount": before.get("rest") or request.amount.text,
        "reason": f"{request.reason} {mark(key)}".strip(),
        "api_refund": before["online"],
        "api_restock": request.restock and bool(request.lines),
    }
    if request.parts:
        body["line_items"] = [_line(part) for part in request.parts]
    try:
        row = write(ctx, "POST", f"orders/{platform_id}/refunds", body, doing)
    except Refused as no:
        raise _look_at_gateway(no) from no
    return _short(row, before)


def _line(part: RefundPart) -> dict[str, Any]:
    """Lines, shipping and fees all stand in `line_items` (recorded). Sums are numbers there; `amount` is a text."""
    line: dict[str, Any] = {"id": int(part.line_id), "refund_total": float(part.total.major)}
    taxes = [{"id": int(tax.rate_id), "refund_total": float(tax.amount.major)} for tax in part.taxes if tax.rate_id]
    return line | ({"quantity": part.quantity} if part.quantity else {}) | ({"refund_tax": taxes} if taxes else {})


def _look_at_gateway(no: Refused) -> Refused:
    """The shop takes its row away when the gateway plugin reports an error, also when that error is a lost answer."""
    said = str(no.args[0])
    if not any(words in said.lower() for words in LOST_ANSWERS):
        return no
    text = f"{said} (The gateway's answer was lost: look there whether the money went back, before trying again.)"
    return Refused(text, account=no.account, operation=no.operation, code=no.code)


def _short(row: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    moved = row.get("refunded_payment") is True
    return {"id": row.get("id"), "moved": moved, "restocked": before.get("restocks") is True}


# --- before -----------------------------------------------------------------------------------------------------------


def _allowed(ctx: Context, platform_id: str, request: RefundRequest, doing: str) -> dict[str, Any]:
    """Read order, refunds and gateway now; raise if more is asked for than is left. `online`: the gateway can give it back."""
    raw, rows = must_find(ctx, platform_id, doing), refund_rows(ctx, platform_id)
    now = parse(raw, config(ctx).statuses, refund_rows=rows)
    about = {"account": ctx.account.name, "operation": doing}
    if now.means is PlatformStatus.DELETED:
        raise Refused("the order is in the shop's bin. Restore it first.", **about)
    if request.amount.currency != now.currency:
        raise Refused(f"the order is in {now.currency}.", **about)
    gone = [part.line_id for part in request.parts if not _is_there(now, part.line_id)]
    if gone:  # the shop would leave them out without a word (recorded)
        raise Refused(f"the order has no line {', '.join(gone)} any more.", **about)
    left = _left(now)
    if request.amount > left:
        text = f"only {left} of {now.total} is left to give back (paid less all refunds that the shop has now)."
        raise Refused(text, **about)
    rest = _rest(raw, rows)
    is_all = request.amount == left == rounded(rest, now.currency) and rest != left.major
    return ({"rest": f"{rest:f}"} if is_all else {}) | {
        "left": left.text,
        "refunds": ",".join(str(row.get("id")) for row in rows),
        "online": _can_refund(ctx, now.payments[0].gateway, doing),
        "restocks": request.restock and _is_held(now, request),
    }


def _is_there(order: Order, line_id: str) -> bool:
    others = [one.id for one in order.shipping_lines] + [one.id for one in order.fees]
    return order.line(line_id) is not None or line_id in others


def _is_held(order: Order, request: RefundRequest) -> bool:
    """Only what the order still holds is put back: after a cancellation that is nothing (recorded)."""
    held = dict(order.stock_held or ())
    return any(held.get(line.line_id) for line in request.lines)


def _left(order: Order) -> Money:
    captured = total((payment.captured for payment in order.payments), order.currency)
    return captured - total((refund.amount for refund in order.refunds), order.currency)


def _rest(raw: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Decimal:
    """What the shop has left by its own count, which may have more decimals than the money.

    Half a cent less than that and the order would not count as refunded, half a cent more and the shop would refuse it.
    """
    given = sum((row["amount"].refunded() for row in Node(list(rows), "refunds").items()), Decimal(0))
    return Node(raw, "order")["total"].number() - given


def _can_refund(ctx: Context, gateway: str, doing: str) -> bool:
    """Is the gateway there, switched on, and able to refund? With another one `api_refund` is an HTTP 500 (recorded)."""
    if gateway in OFFLINE:
        return False
    rows = read(ctx, "payment_gateways", doing).rows(ctx, doing)
    found: dict[str, Any] = next((row for row in rows if row.get("id") == gateway), {})
    return found.get("enabled") is True and "refunds" in (found.get("method_supports") or ())


# --- afterwards -------------------------------------------------------------------------------------------------------


def find(ctx: Context, effect: Effect) -> Found:
    """A row with our mark happened once its payment is there; before that the gateway is working, and a declined row is taken
    away again (recorded). Where the gateway was never asked, the row is all there is to it."""
    if find_order(ctx, effect.platform_id) is None:
        return CannotTell(
            text=f"Order {effect.platform_id} is gone from the shop: look in the payment gateway for this refund."
        )
    ours = [row for row in refund_rows(ctx, effect.platform_id) if mark(effect.key) in str(row.get("reason", ""))]
    if not ours:
        return NotHappened()
    before = effect.before if isinstance(effect.before, dict) else {}
    if ours[0].get("refunded_payment") is True or before.get("online") is False:
        return Happened(answer=_short(ours[0], before))
    if minutes_since(effect.sent_at) < GIVEN_UP_MIN:
        return InProgress()
    return CannotTell(
        text=f"Refund #{ours[0].get('id')} of order {effect.platform_id} stands in the shop without its payment: "
        "look in the payment gateway whether the money went back."
    )
