"""What is to be paid, taken and given back: one Payment for each sale or authorization, with what followed it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from connector import Money, Payment, PaymentEnd, PaymentKind, total

from .reading import Node

ROOTS = frozenset({"SALE", "AUTHORIZATION", "EMV_AUTHORIZATION"})
MOVED = frozenset({"SUCCESS"})
NOT_DONE = frozenset({"FAILURE", "ERROR"})
OVER = {"EXPIRED": PaymentEnd.EXPIRED, "VOIDED": PaymentEnd.VOIDED}  # of an authorization, when the order says so
ALL_PAID = frozenset({"PAID", "PARTIALLY_REFUNDED", "REFUNDED"})
# Shopify's own names of the ways to pay by hand (https://help.shopify.com/en/manual/payments/additional-payment-methods/
# manual-payments, 2026-11); a merchant may give them others.
BY_HAND = (
    (("cash on delivery", "cash_on_delivery", "(cod)"), PaymentKind.COD),
    (("money order", "money_order", "cheque", "check"), PaymentKind.CHEQUE),
    (("bank deposit", "bank_deposit", "bank transfer", "bank_transfer"), PaymentKind.BANK_TRANSFER),
)


@dataclass(frozen=True, slots=True)
class Family:
    """A sale or authorization, and the captures, voids and refunds of it."""

    root: Node
    followed: list[Node] = field(default_factory=list)


def is_manual(transaction: Node) -> bool:
    """Is it only written down, with no gateway behind it?"""
    gateway = transaction.get("gateway").text().lower()
    return transaction.get("manualPaymentGateway").is_true() or gateway == "manual" or _by_hand(gateway) is not None


def payments(order: Node, currency: str, to_pay: Money) -> tuple[Payment, ...]:
    """`to_pay`: for the whole order. Of attempts that failed, only the last is shown, and only if nothing else is."""
    families = _families(order)
    over = OVER.get(order.get("displayFinancialStatus").text())
    has_terms = bool(order.get("paymentTerms"))
    found = [_payment(one, currency, over=over, has_terms=has_terms) for one in families]
    worked = [one for one in found if one.ended is not PaymentEnd.FAILED]
    if order.get("displayFinancialStatus").text() in ALL_PAID:  # what is still pending will not come any more
        worked = [one for one in worked if one.captured or one.authorized] or worked
    found = worked or found[-1:]
    if not found:
        return (_to_come(order, currency, to_pay, has_terms=has_terms),)
    return _fitted(_disputed(order, found), to_pay)


def _families(order: Node) -> list[Family]:
    """Each transaction with its root: its parent's parent's, or where Shopify names none, the first of its gateway."""
    rows = order["transactions"].items()
    by_id = {one["id"].id(): one for one in rows if one.get("id")}
    families = [Family(one) for one in rows if one["kind"].text() in ROOTS and not _is_repeated(one, by_id)]
    for one in rows:
        if one["kind"].text() in ROOTS:
            continue
        root = _root(one, by_id)
        fitting = [family for family in families if root is not None and family.root.value is root.value]
        fitting = fitting or [family for family in families if family.root["gateway"].value == one["gateway"].value]
        if fitting or families:
            (fitting or families)[0].followed.append(one)
    return families


def _is_repeated(root: Node, by_id: dict[str, Node]) -> bool:
    """A pending sale that has been paid since: the one that brought the money names it as its parent."""
    mine = root.get("id").id()
    later = (one for one in by_id.values() if one.get("parentTransaction").get("id").id() == mine and mine)
    is_open = root["status"].text() not in MOVED
    return is_open and any(one["kind"].text() in ROOTS and one["status"].text() not in NOT_DONE for one in later)


def _root(row: Node, by_id: dict[str, Node]) -> Node | None:
    seen: set[str] = set()
    while row["kind"].text() not in ROOTS:
        parent = row.get("parentTransaction").get("id").id()
        if parent not in by_id or parent in seen:
            return None
        seen.add(parent)
        row = by_id[parent]
    return row


def _payment(family: Family, currency: str, *, over: PaymentEnd | None, has_terms: bool) -> Payment:
    root, zero = family.root, Money.zero(currency)
    amount, status = root["amountSet"].money(currency), root["status"].text()
    is_sale = root["kind"].text() == "SALE"
    change = _sum(family, currency, kind="CHANGE", statuses=MOVED)
    due = amount - change
    went = status in MOVED
    captured = (due if went else zero) if is_sale else _sum(family, currency, kind="CAPTURE", statuses=MOVED)
    return Payment(
        id=root["id"].id(),
        kind=_kind(root, has_terms=has_terms),
        gateway=root["gateway"].text(),
        title=root.get("formattedGateway").text(),
        transaction_id=root.get("paymentId").text(),
        due=due,
        authorized=due if went else zero,
        captured=captured,
        refunded=_sum(family, currency, kind="REFUND", statuses=MOVED),
        refund_pending=_pending(family, currency),
        disputed=zero,
        paid_at=_paid_at(family) if captured.minor > 0 else None,
        authorized_until=root.get("authorizationExpiresAt").when_if_any(),
        ended=_ended(family, status, over=over, has_money=captured.minor > 0),
    )


def _sum(family: Family, currency: str, *, kind: str, statuses: frozenset[str]) -> Money:
    rows = (one for one in family.followed if one["kind"].text() == kind and one["status"].text() in statuses)
    return total((one["amountSet"].money(currency) for one in rows), currency)


def _pending(family: Family, currency: str) -> Money:
    rows = (one for one in family.followed if one["kind"].text() == "REFUND")
    waiting = (one for one in rows if one["status"].text() not in MOVED | NOT_DONE)
    return total((one["amountSet"].money(currency) for one in waiting), currency)


def _paid_at(family: Family) -> datetime | None:
    rows = [family.root] if family.root["kind"].text() == "SALE" else family.followed
    paid = [one for one in rows if one["kind"].text() in ("SALE", "CAPTURE") and one["status"].text() in MOVED]
    times = [one.get("processedAt").when_if_any() or one.get("createdAt").when_if_any() for one in paid]
    return max((time for time in times if time), default=None)


def _ended(family: Family, status: str, *, over: PaymentEnd | None, has_money: bool) -> PaymentEnd | None:
    if status in NOT_DONE:
        return PaymentEnd.FAILED
    if any(one["kind"].text() == "VOID" and one["status"].text() in MOVED for one in family.followed):
        return PaymentEnd.VOIDED
    return over if not has_money and family.root["kind"].text() != "SALE" else None


def _kind(root: Node, *, has_terms: bool) -> PaymentKind:
    if not is_manual(root):
        return PaymentKind.GATEWAY
    by_name = _by_hand(f"{root['gateway'].text()} {root.get('formattedGateway').text()}".lower())
    if by_name is not None:
        return by_name
    return PaymentKind.TERMS if has_terms else PaymentKind.BANK_TRANSFER


def _by_hand(gateway: str) -> PaymentKind | None:
    return next((kind for names, kind in BY_HAND if any(name in gateway for name in names)), None)


# --- what is not a transaction (yet) ----------------------------------------------------------------------------------


def _to_come(order: Node, currency: str, to_pay: Money, *, has_terms: bool) -> Payment:
    """Nothing was tried yet: an order that was entered by staff, or costs nothing."""
    names, zero = [one.text() for one in order.get("paymentGatewayNames").items()], Money.zero(currency)
    gateway = names[0] if names else ""
    kind = PaymentKind.NONE if not to_pay else PaymentKind.TERMS if has_terms else _by_hand(gateway.lower())
    if kind is None:
        kind = PaymentKind.BANK_TRANSFER if gateway == "manual" else PaymentKind.GATEWAY
    return Payment(
        id="due",
        kind=kind,
        gateway=gateway,
        due=to_pay,
        authorized=zero,
        captured=zero,
        refunded=zero,
        refund_pending=zero,
        disputed=zero,
    )


def _fitted(found: list[Payment], to_pay: Money) -> tuple[Payment, ...]:
    """What all of them were to bring is what is to be paid: after an edit, the last one is to bring more, or less."""
    alive = [one for one in found if one.ended is None]
    if not alive:
        return tuple(found)
    off = to_pay - total((one.due for one in alive), to_pay.currency)
    last = alive[-1]
    due = last.due + off if (last.due + off).minor >= 0 else Money.zero(to_pay.currency)
    return tuple(replace(one, due=due) if one is last else one for one in found)


def _disputed(order: Node, found: list[Payment]) -> list[Payment]:
    """A chargeback takes the money back whatever it comes to: nothing is given back while it runs, or after it is lost.

    Shopify does not say which transaction it is about, nor how much."""
    statuses = {one["status"].text() for one in order.get("disputes").items() if one["initiatedAs"].text() == "CHARGEBACK"}
    if not statuses - {"WON", "PREVENTED"}:
        return found
    card = next((one for one in reversed(found) if one.kind is PaymentKind.GATEWAY and one.captured), None)
    return [replace(one, disputed=one.refundable) if one is card else one for one in found]
