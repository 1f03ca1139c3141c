"""Money that moves: captures, voids, refunds, marking as paid, and what a refund would come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from connector.sandbox.shopify import checkout, events, sums
from connector.sandbox.shopify.money import Bag, money_text, total
from connector.sandbox.shopify.problems import UserErrors, refuse, row
from connector.sandbox.shopify.store import Store
from connector.sandbox.shopify.things import Line, Order, Refund, RefundLine, Transaction

NOT_VOIDABLE = "Parent transaction require a parent_id referring to a voidable transaction"
NO_FINAL_CAPTURE = (
    "Setting final capture is not supported for this transaction's payment gateway. "
    "Please remove the parameter or set it to null, then try again."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """One line of a refund that is asked for."""

    line: Line
    quantity: int
    restock_type: str
    location_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveBack:
    """Money that is to go back to one payment; amounts are the customer's money."""

    parent: Transaction
    amount: Decimal


def capture(
    store: Store, order: Order, parent_id: int | None, *, amount: Decimal, currency: str | None, final: bool | None, by: str
) -> Transaction:
    """Take authorized money. Raises UserErrors, as recorded."""
    parent = store.transactions.get(parent_id or 0)
    if parent is None or parent.order_id != order.id:
        raise refuse("Unable to find parent transaction")
    if parent.kind != "AUTHORIZATION" or parent.status != "SUCCESS":
        raise refuse("Parent transaction should be a successful authorization")
    needed = order.presentment_currency != order.currency
    if (needed or currency is not None) and currency != order.presentment_currency:
        raise refuse(f"Currency Currency must match parent transaction {order.presentment_currency}", "currency")
    if amount <= 0:
        raise refuse("Amount must be greater than zero for capture transactions")
    left = sums.capturable(order, parent, store)
    if not left:
        raise refuse("Can only capture successful authorizations")
    if amount > left.presentment:
        shown = money_text(left.presentment, order.presentment_currency)
        raise refuse(f"Cannot capture more than the authorized {shown} for this payment.")
    if final and not (parent.multi and store.settings.final_capture):
        raise refuse(NO_FINAL_CAPTURE)
    made = move(store, order, "CAPTURE", parent, parent.amount.of_presentment(amount), by=by)
    _told(store, order, made)
    return made


def move(
    store: Store, order: Order, kind: str, parent: Transaction, amount: Bag, *, by: str, status: str = "SUCCESS"
) -> Transaction:
    made = checkout.transact(store, order, kind=kind, status=status, gateway=parent.gateway, amount=amount, parent=parent)
    store.records.add(
        "money",
        order_id=order.id,
        what=kind.lower(),
        id=made.id,
        parent=parent.id,
        amount=money_text(amount.presentment, amount.presentment_currency),
        currency=amount.presentment_currency,
        status=status,
        by=by,
    )
    return made


def _told(store: Store, order: Order, made: Transaction) -> None:
    events.transaction_event(store, order, made)
    events.updated(store, order, *(["orders/paid"] if sums.financial(order, store) == "PAID" else []))


def void(store: Store, parent: Transaction | None, *, by: str) -> Transaction:
    """Let authorized money go. Raises UserErrors, as recorded."""
    if parent is None:
        raise refuse("Transaction does not exist", "parentTransactionId", code="TRANSACTION_NOT_FOUND")
    if parent.kind != "AUTHORIZATION" or parent.status != "SUCCESS":
        text = "Parent transaction must be a successful authorization"
        raise refuse(text, "parentTransactionId", code="AUTH_NOT_SUCCESSFUL")
    order = store.must(parent.order_id)
    if sums.children(order, parent, "CAPTURE") or sums.children(order, parent, "VOID"):
        raise refuse(NOT_VOIDABLE, "parentTransactionId", code="AUTH_NOT_VOIDABLE")
    made = move(store, order, "VOID", parent, order.zero, by=by)
    _told(store, order, made)
    return made


def mark_paid(store: Store, order: Order, *, by: str, gateway: str = "") -> Transaction:
    """Somebody saw the money. Raises UserErrors."""
    due = sums.outstanding(order, store)
    if due.presentment <= 0 or order.cancelled is not None:
        raise refuse("Order cannot be marked as paid.", "id")
    pending = next((one for one in order.transactions if one.status == "PENDING" and one.kind == "SALE"), None)
    name = gateway or (pending.gateway if pending else "manual")
    made = checkout.transact(store, order, kind="SALE", status="SUCCESS", gateway=name, amount=due, parent=pending)
    store.records.add("money", order_id=order.id, what="marked_paid", id=made.id, amount=str(due.presentment), by=by)
    _told(store, order, made)
    return made


# --- refunds ----------------------------------------------------------------------------------------------------------


def line_amounts(order: Order, back: Back) -> tuple[Bag, Bag]:
    """(goods, taxes) of those pieces."""
    goods = sums.net(back.line).share(back.quantity, back.line.quantity)
    return goods, sums.tax(back.line.taxes, order.zero).share(back.quantity, back.line.quantity)


def shipping_left(order: Order) -> tuple[Bag, Bag]:
    """(shipping, its taxes) not given back yet."""
    price = (sums.shipping(order) - sums.refunded_shipping(order)).least()
    taxes = total([sums.tax(line.taxes, order.zero) for line in order.shipping_lines if not line.removed], order.zero)
    return price, (taxes - total([one.shipping_tax for one in order.refunds], order.zero)).least()


def check_lines(order: Order, backs: Sequence[Back]) -> None:
    """Nobody gives back more pieces than were bought."""
    rows = [
        row("Quantity cannot refund more items than were purchased", "refundLineItems", str(place), "quantity")
        for place, back in enumerate(backs)
        if back.quantity > sums.refundable(order, back.line)
    ]
    if rows:
        raise UserErrors(rows)


def suggested(order: Order, backs: Sequence[Back], shipping: Bag, shipping_tax: Bag) -> Bag:
    """What these lines and that shipping come to, and never more than is left of the payments."""
    parts = [part for back in backs for part in line_amounts(order, back)]
    if order.taxes_included:
        parts = [line_amounts(order, back)[0] for back in backs]
    sum_ = total(parts, order.zero) + shipping + (order.zero if order.taxes_included else shipping_tax)
    most = sums.net_payment(order)
    return sum_ if sum_.presentment <= most.presentment else most


def suggested_parts(order: Order, amount: Bag) -> list[tuple[Transaction, Bag, Bag]]:
    """(payment, amount, what is left of it): first the cards, gift cards last."""
    payments = [one for one in order.transactions if one.kind in sums.RECEIVING and one.status == "SUCCESS"]
    rows, due = [], amount
    for payment in sorted(payments, key=lambda one: one.gateway == "gift_card"):
        left = sums.left_of(order, payment)
        part = left if left.presentment <= due.presentment else due
        if left:
            rows.append((payment, part, left))
            due = due - part
    return rows


def refund(
    store: Store,
    order: Order,
    *,
    backs: Sequence[Back],
    shipping: Bag,
    shipping_tax: Bag,
    moneys: Sequence[GiveBack],
    note: str | None,
    notify: bool,
    by: str,
) -> Refund:
    """Give money back and take pieces off the order. Raises UserErrors, as recorded; then nothing happened."""
    check_lines(order, backs)
    asked = sum((one.amount for one in moneys), Decimal(0))
    net = sums.net_payment(order)
    if asked > net.presentment:
        there = money_text(net.presentment, order.presentment_currency)
        shown = money_text(asked, order.presentment_currency)
        raise refuse(f"Refund amount ${shown} is greater than net payment received ${there}")
    status = store.settings.refund_status
    done = [
        move(store, order, "REFUND", one.parent, one.parent.amount.of_presentment(one.amount), by=by, status=status)
        for one in moneys
        if one.amount
    ]
    made = Refund(
        id=store.next_id("Refund"),
        order_id=order.id,
        created=store.now(),
        note=note,
        lines=[_refund_line(store, order, back) for back in backs],
        shipping=shipping,
        shipping_tax=shipping_tax,
        transaction_ids=[one.id for one in done],
    )
    order.refunds.append(made)
    store.refunds[made.id] = made
    lines = [(one.line_id, one.quantity, one.restock_type) for one in made.lines]
    store.records.add(
        "money", order_id=order.id, what="refund_made", id=made.id, amount=str(asked), lines=lines, note=note, by=by
    )
    if notify:
        store.mail("refund_notification", order, text=f"{asked} {order.presentment_currency}")
    for one in done:
        events.transaction_event(store, order, one)
    events.refund_event(store, made)
    events.updated(store, order)
    return made


def _refund_line(store: Store, order: Order, back: Back) -> RefundLine:
    """CANCEL takes pieces off the fulfillment orders; RETURN and CANCEL put them back on the shelf."""
    goods, taxes = line_amounts(order, back)
    left = sums.current(order, back.line) - sums.unfulfilled(order, back.line)
    if back.restock_type == "CANCEL":
        take_off(store, order, back.line, back.quantity)
    elif back.restock_type == "NO_RESTOCK":
        take_off(store, order, back.line, max(0, back.quantity - max(0, left)))
    restocked = back.restock_type in {"RETURN", "CANCEL"} and restock(store, order, back)
    return RefundLine(
        id=store.next_id("RefundLineItem"),
        line_id=back.line.id,
        quantity=back.quantity,
        restock_type=back.restock_type,
        location_id=back.location_id,
        subtotal=goods,
        tax=taxes,
        restocked=restocked or back.restock_type in {"RETURN", "CANCEL"},
    )


def take_off(store: Store, order: Order, line: Line, pieces: int) -> None:
    """These pieces need not leave any more."""
    left = pieces
    for place in order.fulfillment_orders:
        if place.status not in sums.OPEN:
            continue
        for one in place.lines:
            if one.line_id == line.id and left:
                part = min(left, one.remaining)
                one.remaining -= part
                one.total -= part
                left -= part
        if not place.remaining:
            place.status, place.holds, place.updated = "CLOSED", [], store.now()


def restock(store: Store, order: Order, back: Back) -> bool:
    variant = store.variants.get(back.line.variant_id or 0)
    if variant is None or not variant.tracked:
        return False
    where = back.location_id or next((one.location_id for one in order.fulfillment_orders), next(iter(store.locations)))
    store.move_stock(variant, back.quantity, location_id=where, why="restocked", order_id=order.id)
    return True
