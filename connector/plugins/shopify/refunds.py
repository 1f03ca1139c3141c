"""Giving money back through Shopify, or writing down there that it goes another way.

`refundCreate` is KEYED: `@idempotent` is required since 2026-04 (recorded), Shopify keeps the key for 24 hours and answers a
repeat with the refund of the first call (https://shopify.dev/changelog/adding-idempotency-for-inventory-adjustments-and-
refund-mutations, 2025-12-12; https://shopify.dev/docs/api/usage/implementing-idempotency, 2026-07). Afterwards it is looked up
by our mark, which stands in the refund's note: staff see it in the order's timeline, the customer does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from connector import (
    CannotTell,
    Context,
    Effect,
    EffectClass,
    EffectRule,
    Found,
    Happened,
    Money,
    MoneyMoved,
    NotHappened,
    Order,
    OutcomeUnknown,
    Refunded,
    RefundPart,
    RefundRequest,
    Refused,
    Unsupported,
    total,
)

from . import plans
from .captures import FAILED, UNDERWAY, money
from .client import query
from .config import config
from .fulfillment_orders import must_have, parcels
from .fulfillment_orders import read as read_fulfillment_orders
from .ids import bare, gid
from .marks import mark, once, without_attempt
from .payments import is_manual
from .plans import Plan
from .reading import Node
from .refusals import NOT_DONE_BEFORE, OTHER_VALUES, change

KIND = "refund_payment"
# The gateway is asked while we wait; five minutes after the key is forgotten nothing can be under way any more.
RULE = EffectRule(vendor=EffectClass.KEYED, deadline_s=60, settle_s=300, remembers_s=plans.REMEMBERED_S, points=36)


def refund(ctx: Context, order: Order, request: RefundRequest) -> Refunded:
    """Once, in the currency that the customer paid in. NOT_MOVED where it goes back by hand: Shopify only writes it down.

    Raises:
        Refused: more than Shopify says can go back (with both sums), or partly by itself and partly by hand (do one, then the
            other). Unsupported: nothing can go back by itself, and there is no line that it could be written down for.
    """
    doing = f"refund {request.amount} of order {order.platform_id}"
    name = f"refund {order.platform_id} {request.id}"

    def before() -> dict[str, Any]:
        planned = plans.plan(ctx, name, lambda _: _plan(ctx, order, request, doing))
        return {"by_hand": planned["by_hand"]}

    def send(key: str) -> dict[str, Any]:
        done: dict[str, Any] = plans.send(ctx, name, doing, lambda planned: _send(ctx, order, request, key, planned, doing))
        return done

    asked = {"order": order.platform_id, "amount": request.amount.text, "currency": request.amount.currency}
    more = {"for": [[part.line_id, part.quantity, part.amount.text] for part in request.parts], "restock": request.restock}
    answer = ctx.effect(KIND, asked | (more if request.parts else {}), send, before=before)
    return Refunded(
        money=MoneyMoved(answer["moved"]),
        recorded=True,
        restocked=answer.get("restocked") is True,
        vendor_id=str(answer.get("id") or ""),
    )


def _send(ctx: Context, order: Order, request: RefundRequest, key: str, planned: Plan, doing: str) -> dict[str, Any]:
    ours = without_attempt(key)
    note = f"{request.reason} {mark(ours)}".strip()
    # Each attempt has the same key: what Shopify knows of the first one, it does not do again for the second.
    variables = {"input": planned["input"] | {"note": note}}
    try:
        made = change(ctx, "RefundCreate", variables, doing, key=once(ours)).get("refund")
    except Refused as no:
        if no.code not in (NOT_DONE_BEFORE, OTHER_VALUES):
            raise
        made = _look(ctx, order.platform_id, ours, doing)
        if made is None:
            text = f"{no.args[0]} Look at the order's refunds in Shopify before you refund it again."
            raise Refused(text, account=no.account, operation=no.operation, code=no.code) from no
    if not isinstance(made, dict):
        raise OutcomeUnknown("the answer shows no refund.", account=ctx.account.name, operation=doing)
    return _short(made, by_hand=bool(planned["by_hand"]))


def _short(made: Mapping[str, Any], *, by_hand: bool) -> dict[str, Any]:
    rows = (made.get("refundLineItems") or {}).get("nodes") or []
    asked_back = [row for row in rows if row.get("restockType") != "NO_RESTOCK"]
    restocked = bool(asked_back) and all(row.get("restocked") is True for row in asked_back)
    return {"id": bare(made.get("id")), "moved": _moved(made, by_hand=by_hand).value, "restocked": restocked}


def _moved(made: Mapping[str, Any], *, by_hand: bool) -> MoneyMoved:
    rows = (made.get("transactions") or {}).get("nodes") or []
    said = {str(row.get("status")) for row in rows if row.get("kind") == "REFUND"}
    if by_hand or said <= FAILED:  # nothing went back, or nothing that Shopify could move: a person does
        return MoneyMoved.NOT_MOVED
    return MoneyMoved.PENDING if said & (UNDERWAY | FAILED) else MoneyMoved.MOVED


# --- what it consists of ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A payment through which money can go back, and how much; `usual`: how much of it Shopify suggests."""

    parent_id: str
    root_id: str
    gateway: str
    by_hand: bool
    usual: Money
    most: Money


def _plan(ctx: Context, order: Order, request: RefundRequest, doing: str) -> Plan:
    about = {"account": ctx.account.name, "operation": doing}
    if request.amount.currency != order.currency:
        raise Refused(f"the customer paid in {order.currency}.", **about)
    lines, is_whole = _lines(ctx, order, request, doing)
    shipping = _shipping(ctx, order, request, doing)
    found = _suggestion(ctx, order, lines, shipping, doing)
    _must_be_left(request, found, is_whole=is_whole, about=about)
    ways = [_way(row) for row in found.get("suggestedTransactions") or []]
    if request.payment_id:
        ways = [way for way in ways if request.payment_id in (way.parent_id, way.root_id)]
    used = share(request.amount, ways)
    _may_be_sent(request.amount, used, has_lines=bool(lines), about=about)
    wanted: dict[str, Any] = {
        "orderId": gid("Order", order.platform_id),
        "currency": order.currency,
        "notify": config(ctx).notify_customer,
        "refundLineItems": lines,
        "transactions": [_transaction(order, way, amount) for way, amount in used],
    } | ({"shipping": {"amount": shipping.text}} if shipping is not None else {})
    return {"input": wanted, "by_hand": all(way.by_hand for way, _ in used)}


def _must_be_left(request: RefundRequest, found: Mapping[str, Any], *, is_whole: bool, about: Mapping[str, str]) -> None:
    """Raise where Shopify reckons less, with both sums. `is_whole`: it was asked about all that the money is for."""
    theirs, most = money(found.get("amountSet")), money(found.get("maximumRefundableSet"))
    if request.amount > most:
        raise Refused(f"{request.amount} were to be given back, and Shopify has only {most} left to give back.", **about)
    entries = sum(1 + len(part.taxes) for part in request.parts)
    allowed = theirs + Money(minor=entries, currency=theirs.currency)  # each side rounds each entry in its own way
    if request.parts and is_whole and request.amount > allowed:
        text = f"{request.amount} were to be given back for this, and Shopify reckons that it is worth {theirs}."
        raise Refused(f"{text} Give back {theirs}, or an amount without saying what for.", **about)


def _may_be_sent(amount: Money, used: list[tuple[Way, Money]], *, has_lines: bool, about: Mapping[str, str]) -> None:
    """Raise where a part would go back by hand, which one answer cannot say of the whole."""
    sent = total((part for _, part in used), amount.currency)
    if not used:
        if not has_lines:
            text = "Shopify cannot give this payment back, and there is no line that it could be written down for."
            raise Unsupported(text, **about)
        return
    if sent < amount:
        raise Refused(f"only {sent} of {amount} can go back through this order's payments in Shopify.", **about)
    by_hand = total((part for way, part in used if way.by_hand), amount.currency)
    if by_hand and by_hand < amount:
        text = f"{amount - by_hand} of it would go back by itself, and {by_hand} by hand."
        raise Refused(f"{text} Refund the two one after the other.", **about)


def _transaction(order: Order, way: Way, amount: Money) -> dict[str, Any]:
    parent = {"parentId": gid("OrderTransaction", way.parent_id)} if way.parent_id else {}
    return {
        "orderId": gid("Order", order.platform_id),
        "gateway": way.gateway,
        "kind": "REFUND",
        "amount": amount.text,
    } | parent


def share(amount: Money, ways: Iterable[Way]) -> list[tuple[Way, Money]]:
    """So much in the order that Shopify suggests: first what it suggests of each, then what else each can give. Pure."""
    ways = list(ways)
    given = [Money.zero(amount.currency) for _ in ways]
    for limit in ("usual", "most"):
        for at, way in enumerate(ways):
            left = amount - total(given, amount.currency)
            room = min(getattr(way, limit), way.most) - given[at]
            given[at] += min(left, room) if room.minor > 0 else Money.zero(amount.currency)
    return [(way, some) for way, some in zip(ways, given, strict=True) if some]


def _way(row: Mapping[str, Any]) -> Way:
    parent = row.get("parentTransaction") or {}
    usual, gateway = money(row.get("amountSet")), str(row.get("gateway") or parent.get("gateway") or "")
    return Way(
        parent_id=bare(parent.get("id")),
        root_id=bare((parent.get("parentTransaction") or {}).get("id")),
        gateway=gateway,
        by_hand=is_manual(Node({"gateway": gateway, "manualPaymentGateway": parent.get("manualPaymentGateway")}, "payment")),
        usual=usual,
        most=money(row["maximumRefundableSet"]) if row.get("maximumRefundableSet") else usual,
    )


def _suggestion(ctx: Context, order: Order, lines: list[dict[str, Any]], shipping: Money | None, doing: str) -> dict[str, Any]:
    """What Shopify would give back for this; for an amount without lines, for everything that is left."""
    is_all = not lines and shipping is None
    more = {"all": True} if is_all else {"lines": lines, "shipping": shipping.text if shipping else None, "all": False}
    found = must_have(ctx, "RefundSuggestion", order.platform_id, doing, **more).get("suggestedRefund")
    if not isinstance(found, dict):
        text = "Shopify says that nothing of this order can be given back."
        raise Refused(text, account=ctx.account.name, operation=doing)
    return found


# --- lines and shipping -----------------------------------------------------------------------------------------------


def _shipping(ctx: Context, order: Order, request: RefundRequest, doing: str) -> Money | None:
    """As Shopify shows its price: with the tax where the order's prices contain it."""
    ids = {line.id for line in order.shipping_lines}
    parts = [part for part in request.parts if part.line_id in ids]
    if not parts:
        return None
    is_gross = must_have(ctx, "RefundNotes", order.platform_id, doing).get("taxesIncluded") is True
    return total((part.amount if is_gross else part.total for part in parts), order.currency)


def _lines(ctx: Context, order: Order, request: RefundRequest, doing: str) -> tuple[list[dict[str, Any]], bool]:
    """The lines as Shopify wants them, and whether they are all that the money is for.

    Pieces that it does not count any more (a cancellation with restock takes them out of the order) are given back as money
    only; so are fees, duties and tips.
    """
    known = {line.id for line in order.shipping_lines} | {fee.id for fee in order.fees} | {line.id for line in order.lines}
    gone = [part.line_id for part in request.parts if part.line_id not in known]
    if gone:
        text = f"the order has no line {', '.join(gone)} any more."
        raise Refused(text, account=ctx.account.name, operation=doing)
    parts = [part for part in request.parts if order.line(part.line_id) is not None and part.quantity]
    if not parts:
        return [], not request.parts
    found = query(ctx, "RefundLines", {"ids": [gid("LineItem", part.line_id) for part in parts]}, doing).get("nodes") or []
    now = {bare(row.get("id")): row for row in found if isinstance(row, dict)}
    counts = {part.line_id: min(part.quantity, int(now.get(part.line_id, {}).get("refundableQuantity") or 0)) for part in parts}
    fee_ids = {fee.id for fee in order.fees}
    is_whole = all(counts[part.line_id] == part.quantity for part in parts) and not any(
        part.line_id in fee_ids or _is_money_only(order, part) for part in request.parts
    )
    wanted = {line_id: count for line_id, count in counts.items() if count}
    if not request.restock:
        return [_row(line_id, count, "NO_RESTOCK", "") for line_id, count in wanted.items()], is_whole
    return _put_back(ctx, order, wanted, now, doing), is_whole


def _is_money_only(order: Order, part: RefundPart) -> bool:
    return order.line(part.line_id) is not None and not part.quantity


def _put_back(
    ctx: Context, order: Order, wanted: Mapping[str, int], now: Mapping[str, Mapping[str, Any]], doing: str
) -> list[dict[str, Any]]:
    """Where each piece goes back to stock: CANCEL what was not sent, at its location; RETURN what was sent, where it came from
    or where the account says. What is neither has been put back before.
    https://shopify.dev/docs/api/admin-graphql/2026-07/enums/RefundLineItemRestockType"""
    there = read_fulfillment_orders(ctx, order.platform_id, doing)
    sent = [one for one in parcels(ctx, order.platform_id, doing) if one.stands]
    rows: list[dict[str, Any]] = []
    for line_id, count in wanted.items():
        places = [(one.location_id, one.left(line_id)) for one in there if one.is_open and one.left(line_id)]
        unsent = min(count, int(now[line_id].get("unfulfilledQuantity") or 0))
        taken = list(_from(places, unsent))
        rows += [_row(line_id, some, "CANCEL", place) for place, some in taken]
        left = count - sum(some for _, some in taken)
        back = config(ctx).restock_location
        origins = [(back or one.location_id, one.lines[line_id]) for one in sent if one.lines.get(line_id)]
        taken = list(_from(origins, left))
        rows += [_row(line_id, some, "RETURN", place) for place, some in taken]
        left -= sum(some for _, some in taken)
        rows += [_row(line_id, left, "NO_RESTOCK", "")] if left else []
    return rows


def _from(places: Iterable[tuple[str, int]], wanted: int) -> Iterable[tuple[str, int]]:
    found: dict[str, int] = {}
    for place, there in places:
        some = min(there, wanted)
        wanted -= some
        if some > 0:
            found[place] = found.get(place, 0) + some
    return found.items()


def _row(line_id: str, quantity: int, how: str, place: str) -> dict[str, Any]:
    location = {"locationId": gid("Location", place)} if place else {}
    return {"lineItemId": gid("LineItem", line_id), "quantity": quantity, "restockType": how} | location


# --- afterwards -------------------------------------------------------------------------------------------------------


def find(ctx: Context, effect: Effect) -> Found:
    """A refund with our mark in its note, or none. Asked only when Shopify has forgotten the key."""
    doing = f"look for a refund of order {effect.platform_id}"
    before = effect.before if isinstance(effect.before, dict) else {}
    try:
        made = _look(ctx, effect.platform_id, without_attempt(effect.key), doing)
    except Refused:
        text = f"Order {effect.platform_id} is gone from the shop: look in the payment gateway for this refund."
        return CannotTell(text=text)
    return NotHappened() if made is None else Happened(answer=_short(made, by_hand=before.get("by_hand") is True))


def _look(ctx: Context, platform_id: str, ours: str, doing: str) -> dict[str, Any] | None:
    rows = must_have(ctx, "RefundNotes", platform_id, doing).get("refunds") or []
    mine = next((row for row in rows if mark(ours) in str(row.get("note") or "")), None)
    if mine is None:
        return None
    found = query(ctx, "RefundDone", {"id": mine["id"]}, doing).get("refund")
    return found if isinstance(found, dict) else dict(mine)


FINDERS = {KIND: (RULE, find)}
