"""Taking money that was authorized, and letting an authorization go.

Neither call takes a key of ours, so a lost answer is judged by the order's transactions before and after.
https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/orderCapture
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector import (
    CannotTell,
    Captured,
    CaptureRequest,
    Context,
    Effect,
    EffectClass,
    EffectRule,
    Found,
    Happened,
    LooksBy,
    Money,
    MoneyMoved,
    NotHappened,
    Order,
    Refused,
    total,
)

from .fulfillment_orders import must_have
from .ids import bare, gid
from .refusals import change

CAPTURE, VOID = "capture_payment", "void_payment"
# A gateway may take its time, and Shopify waits for it: what shows nothing five minutes later will not any more.
RULE = EffectRule(vendor=EffectClass.LOOKUP, deadline_s=60, settle_s=300, looks_by=LooksBy.STATE, points=20)

AUTHORIZATIONS = frozenset({"AUTHORIZATION", "EMV_AUTHORIZATION"})
UNDERWAY = frozenset({"PENDING", "AWAITING_RESPONSE", "UNKNOWN"})
FAILED = frozenset({"FAILURE", "ERROR"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One movement, or promise, of money; in the currency that the customer paid in."""

    id: str
    kind: str
    status: str
    parent_id: str
    amount: Money
    by_hand: bool
    multi: bool
    until: datetime | None


def capture_payment(ctx: Context, order: Order, request: CaptureRequest) -> Captured:
    """Take a part or all of an authorization, once.

    Raises:
        Refused: it has run out, was let go, or was captured before and can be captured only once; or so much is not left.
    """
    doing = f"capture {request.amount} of order {order.platform_id}"
    seen: list[dict[str, Any]] = []

    def before() -> dict[str, Any]:
        seen.append(_may_be_captured(ctx, order.platform_id, request, doing))
        return seen[-1]

    asked = {
        "order": order.platform_id,
        "amount": request.amount.text,
        "currency": request.amount.currency,
        "payment": request.payment_id,
    }
    answer = ctx.effect(CAPTURE, asked, lambda key: _capture(ctx, order, request, seen[-1], doing), before=before)
    return Captured(money=MoneyMoved(answer["moved"]), vendor_id=str(answer.get("id") or ""))


def _capture(ctx: Context, order: Order, request: CaptureRequest, seen: Mapping[str, Any], doing: str) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "id": gid("Order", order.platform_id),
        "parentTransactionId": gid("OrderTransaction", seen["parent"]),
        "amount": request.amount.text,
        "currency": request.amount.currency,  # without it an order in another currency than the shop's is refused (recorded)
    }
    if seen["multi"]:  # any other gateway refuses to be told (recorded)
        wanted["finalCapture"] = bool(seen["final"])
    made = change(ctx, "OrderCapture", {"input": wanted}, doing).get("transaction") or {}
    status = str(made.get("status"))
    if status in FAILED:
        text = f"the gateway did not capture it ({made.get('errorCode') or status})."
        raise Refused(text, account=ctx.account.name, operation=doing, code=str(made.get("errorCode") or status))
    return {"id": bare(made.get("id")), "moved": _moved(status, by_hand=bool(seen["by_hand"]))}


def _moved(status: str, *, by_hand: bool) -> str:
    if status in UNDERWAY:
        return MoneyMoved.PENDING.value
    return (MoneyMoved.NOT_MOVED if by_hand else MoneyMoved.MOVED).value


def _may_be_captured(ctx: Context, platform_id: str, request: CaptureRequest, doing: str) -> dict[str, Any]:
    """The image from before. Raises Refused where it cannot be captured (any more)."""
    about = {"account": ctx.account.name, "operation": doing}
    there = transactions(ctx, platform_id, doing)
    parent = _authorization(there, request.payment_id, about)
    children = [one for one in there if one.parent_id == parent.id and one.status not in FAILED]
    _must_be_open(parent, children, ctx.now(), about)
    taken = total((one.amount for one in children if one.kind == "CAPTURE"), parent.amount.currency)
    if request.amount.currency != parent.amount.currency:
        raise Refused(f"the customer pays in {parent.amount.currency}.", **about)
    if taken and not parent.multi:
        text = f"{taken} of this payment were captured before, and it can be captured only once."
        raise Refused(f"{text} Ask the customer for the rest.", **about)
    left = parent.amount - taken
    if request.amount > left:
        raise Refused(f"{request.amount} were to be captured, and only {left} of {parent.amount} are left.", **about)
    return {
        "parent": parent.id,
        "children": [one.id for one in there if one.parent_id == parent.id],
        "multi": parent.multi,
        "final": request.amount == left,
        "by_hand": parent.by_hand,
    }


def _must_be_open(parent: Transaction, children: list[Transaction], now: datetime, about: Mapping[str, str]) -> None:
    if any(one.kind == "VOID" for one in children):
        raise Refused("this authorization was let go. Ask the customer to pay again.", **about)
    if parent.until is not None and parent.until <= now:
        text = f"this authorization has run out on {parent.until:%Y-%m-%d %H:%M} UTC. Ask the customer to pay again."
        raise Refused(text, **about)


def _authorization(there: list[Transaction], payment_id: str, about: Mapping[str, str]) -> Transaction:
    """The one that is meant; without a name, the only one there is."""
    held = [one for one in there if one.kind in AUTHORIZATIONS and one.status == "SUCCESS"]
    voided = {one.parent_id for one in there if one.kind == "VOID" and one.status == "SUCCESS"}
    meant = [one for one in held if one.id == payment_id] if payment_id else [one for one in held if one.id not in voided]
    if not meant:
        raise Refused("the order has no authorization that could be captured. Look at its payments in Shopify.", **about)
    if len(meant) > 1:
        raise Refused(f"the order has {len(meant)} authorizations: say which one.", **about)
    return meant[0]


def find_captured(ctx: Context, effect: Effect) -> Found:
    """A capture of this authorization that was not there before, of this amount."""
    asked, before = (value if isinstance(value, dict) else {} for value in (effect.request, effect.before))
    there = _transactions_or_none(ctx, effect)
    if there is None:
        return CannotTell(text=f"Order {effect.platform_id} is gone from the shop: look at the gateway for this capture.")
    mine = [one for one in there if one.parent_id == before.get("parent") and one.kind == "CAPTURE"]
    new = [one for one in mine if one.id not in (before.get("children") or ())]
    same = [one for one in new if (one.amount.text, one.amount.currency) == (asked.get("amount"), asked.get("currency"))]
    stands = [one for one in same if one.status not in FAILED]
    if stands:
        moved = _moved(stands[0].status, by_hand=bool(before.get("by_hand")))
        return Happened(answer={"id": stands[0].id, "moved": moved})
    if any(one.status not in FAILED for one in new):
        text = f"{asked.get('amount')} {asked.get('currency')} of order {effect.platform_id} were to be captured"
        return CannotTell(text=f"{text}, and somebody captured another sum meanwhile. Look at its payments in Shopify.")
    return NotHappened()


# --- letting go -------------------------------------------------------------------------------------------------------


def void_payment(ctx: Context, order: Order, payment_id: str) -> bool:
    """Let an authorization go. True: it is gone, whoever did it.

    Raises:
        Refused: it was captured meanwhile, or is none.
    """
    doing = f"let the authorization of order {order.platform_id} go"
    gone: list[bool] = []

    def before() -> dict[str, Any]:
        gone.append(_is_void(transactions(ctx, order.platform_id, doing), payment_id))
        return {"void": gone[-1]}

    def send(key: str) -> dict[str, Any]:
        if gone[-1]:
            return {"id": ""}
        made = change(ctx, "TransactionVoid", {"id": gid("OrderTransaction", payment_id)}, doing).get("transaction") or {}
        if str(made.get("status")) in FAILED:
            text = f"the gateway did not let it go ({made.get('errorCode') or made.get('status')}). Try it in Shopify."
            raise Refused(text, account=ctx.account.name, operation=doing, code=str(made.get("errorCode") or ""))
        return {"id": bare(made.get("id"))}

    ctx.effect(VOID, {"order": order.platform_id, "payment": payment_id}, send, before=before)
    return True


def _is_void(there: list[Transaction], payment_id: str) -> bool:
    return any(one.kind == "VOID" and one.parent_id == payment_id and one.status == "SUCCESS" for one in there)


def find_void(ctx: Context, effect: Effect) -> Found:
    """The authorization is let go by now, or it is not."""
    there = _transactions_or_none(ctx, effect)
    if there is None:
        return CannotTell(text=f"Order {effect.platform_id} is gone from the shop.")
    asked = effect.request if isinstance(effect.request, dict) else {}
    return Happened(answer={"id": ""}) if _is_void(there, str(asked.get("payment"))) else NotHappened()


# --- reading ----------------------------------------------------------------------------------------------------------


def transactions(ctx: Context, platform_id: str, doing: str) -> list[Transaction]:
    """The order's transactions. Raises Refused where the shop does not have the order."""
    return [_transaction(row) for row in must_have(ctx, "OrderTransactions", platform_id, doing).get("transactions") or []]


def _transaction(row: Mapping[str, Any]) -> Transaction:
    until = row.get("authorizationExpiresAt")
    return Transaction(
        id=bare(row.get("id")),
        kind=str(row.get("kind")),
        status=str(row.get("status")),
        parent_id=bare((row.get("parentTransaction") or {}).get("id")),
        amount=money(row.get("amountSet")),
        by_hand=row.get("manualPaymentGateway") is True,
        multi=row.get("multiCapturable") is True,
        until=datetime.fromisoformat(str(until).replace("Z", "+00:00")) if until else None,
    )


def money(bag: Any) -> Money:
    """What the customer sees of a sum in two currencies."""
    shown = (bag or {}).get("presentmentMoney") or {}
    return Money.parse(str(shown.get("amount") or "0"), str(shown.get("currencyCode") or "XXX"))


def _transactions_or_none(ctx: Context, effect: Effect) -> list[Transaction] | None:
    try:
        return transactions(ctx, effect.platform_id, f"read the payments of order {effect.platform_id}")
    except Refused:
        return None


FINDERS = {CAPTURE: (RULE, find_captured), VOID: (RULE, find_void)}
