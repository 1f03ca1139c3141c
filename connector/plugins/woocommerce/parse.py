"""The shop's JSON of an order in our words. Pure: the same JSON gives the same order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from connector import (
    EXPONENTS,
    Address,
    Customer,
    Fee,
    Money,
    Order,
    Payment,
    PaymentEnd,
    PaymentKind,
    PlatformRefund,
    PlatformStatus,
    ShippingLine,
    total,
)

from .config import meaning
from .lines import lines
from .reading import Node, as_text, rounded
from .shares import refund_parts, stock_held, taxes

# What of an order is read here. Lists ask for no more: it saves the shop work (recorded: a page of 100 takes 442 ms whole), and
# what we do not need, such as a customer's IP address, stays there.
READ = (
    "id",
    "number",
    "status",
    "currency",
    "date_created_gmt",
    "date_modified_gmt",
    "date_paid_gmt",
    "line_items",
    "shipping_lines",
    "fee_lines",
    "discount_total",
    "total_tax",
    "total",
    "payment_method",
    "payment_method_title",
    "transaction_id",
    "refunds",
    "customer_id",
    "billing",
    "shipping",
    "customer_note",
    "created_via",
    "needs_processing",
    "meta_data",
)

OURS = "_order_connector_"  # our own order meta; keys that begin with _ are not shown to customers
REHEARSAL = f"{OURS}rehearsal"
SHIPMENT = f"{OURS}shipment_"
MARKER = re.compile(r"\[oc:[0-9a-f]{12}\]")
SYSTEM_AUTHORS = ("woocommerce", "system")
# What WooCommerce books in the name of whoever clicked in wp-admin; what that person wrote stands before it.
BOOKED = re.compile(
    r"(Order status changed by bulk edit: *)?Order status changed from [^.]+ to [^.]+\.$"
    r"|^(Adjusted stock|Added line items): .*",
    re.DOTALL,
)
KINDS = {"cod": PaymentKind.COD, "bacs": PaymentKind.BANK_TRANSFER, "cheque": PaymentKind.CHEQUE}
PICKUP = ("local_pickup", "pickup_location")  # the second is the pickup of the block checkout
# Sequential Order Numbers (Pro, and free), Custom Order Numbers, Booster, YITH. Keys from public code, read 2026-11-23.
NUMBERS = (
    "_order_number_formatted",
    "_order_number",
    "_alg_wc_full_custom_order_number",
    "_alg_wc_custom_order_number",
    "_wcj_order_number",
    "_ywson_order_number",
)


def order(
    raw: Mapping[str, Any],
    statuses: dict[str, PlatformStatus],
    *,
    refund_rows: Sequence[Mapping[str, Any]] | None = None,
    notes: Sequence[Mapping[str, Any]] = (),
) -> Order:
    """One order. `refund_rows` and `notes` are what the shop lists for it, where they were read.

    Raises:
        BadPayload: with the path of what cannot be read.
    """
    node = Node(raw, "order")
    currency = _currency(node)
    status = node["status"].text()
    means = meaning(status, statuses)
    refunds = _refunds(node, currency, refund_rows)
    try:
        return Order(
            platform_id=str(node["id"].whole()),
            number=_number(node),
            status=status,
            means=means,
            currency=currency,
            placed_at=node["date_created_gmt"].when(),
            updated_at=node["date_modified_gmt"].when(),
            lines=lines(node, currency),
            shipping_lines=tuple(_shipping_line(line, currency) for line in node.get("shipping_lines").items()),
            fees=tuple(_fee(line, currency) for line in node.get("fee_lines").items()),
            discount=node["discount_total"].money(currency),
            tax=node["total_tax"].money(currency),
            total=node["total"].money(currency),
            payments=(_payment(node, currency, means, total((refund.amount for refund in refunds), currency)),),
            refunds=refunds,
            customer=_customer(node),
            billing=_address(node.get("billing")),
            shipping=_address(node.get("shipping")),
            customer_note=node.get("customer_note").text(),
            staff_notes=tuple(staff_notes(notes)),
            tracking=tuple(_tracking(node)),
            stock_held=stock_held(node),
            rehearsal=_meta(node, REHEARSAL),
        )
    except ValueError as problem:
        raise node.bad(str(problem)) from None


def _number(node: Node) -> str:
    """What people call the order. Plugins that number orders change `number`; of some only the meta shows it (read 2026-11)."""
    number, own = node.get("number").text(), node["id"].text()
    if number and number != own:
        return number
    return next(filter(None, (_meta(node, key) for key in NUMBERS)), own)


def _currency(node: Node) -> str:
    currency = node["currency"].text()
    if currency not in EXPONENTS:
        raise node["currency"].bad(f"{currency!r:.10} is not a currency of ISO 4217")
    return currency


# --- shipping, fees, money --------------------------------------------------------------------------------------------


def _shipping_line(line: Node, currency: str) -> ShippingLine:
    method = line["method_id"].text()
    return ShippingLine(
        id=line["id"].text(),
        method=method,
        title=as_text(line.get("method_title").text()),
        total=line["total"].money(currency),
        tax=line["total_tax"].money(currency),
        taxes=taxes(line, currency),
        pickup=method in PICKUP,
    )


def _fee(line: Node, currency: str) -> Fee:
    return Fee(
        id=line["id"].text(),
        name=as_text(line.get("name").text()),
        total=line["total"].money(currency),
        tax=line["total_tax"].money(currency),
        taxes=taxes(line, currency),
    )


def _payment(node: Node, currency: str, means: PlatformStatus, refunded: Money) -> Payment:
    """WooCommerce knows one payment for an order, and only whether it was made: `date_paid`."""
    due, nothing = node["total"].money(currency), Money.zero(currency)
    method = node.get("payment_method").text()
    paid_at = node.get("date_paid_gmt").when_if_any()
    # The Stripe plugin writes this on an order whose charge is only authorized (public issues of that plugin, read 2026-11).
    held_back = _meta(node, "_stripe_charge_captured") == "no"
    captured = due if paid_at is not None and not held_back else nothing
    return Payment(
        id=node["id"].text(),
        kind=KINDS.get(method, PaymentKind.GATEWAY if method or due else PaymentKind.NONE),
        gateway=method,
        title=as_text(node.get("payment_method_title").text()),
        transaction_id=node.get("transaction_id").text() or _meta(node, "_stripe_intent_id"),
        due=due,
        authorized=due if held_back else captured,
        captured=captured,
        refunded=refunded,
        refund_pending=nothing,
        disputed=nothing,
        paid_at=paid_at,
        ended=None if captured or held_back else _ENDS.get(means),
    )


_ENDS = {PlatformStatus.FAILED: PaymentEnd.FAILED, PlatformStatus.CANCELLED: PaymentEnd.VOIDED}


def _refunds(node: Node, currency: str, rows: Sequence[Mapping[str, Any]] | None) -> tuple[PlatformRefund, ...]:
    """From the shop's list of refunds where it was read: the order itself does not say whether money moved."""
    if rows is None:
        listed = node.get("refunds").items()
        amounts = _amounts(listed, "total", currency)
        return tuple(
            PlatformRefund(id=row["id"].text(), amount=amount, reason=row.get("reason").text())
            for row, amount in zip(listed, amounts, strict=True)
        )
    listed = Node(list(rows), "refunds").items()
    amounts = _amounts(listed, "amount", currency)
    return tuple(_refund(row, amount, currency) for row, amount in zip(listed, amounts, strict=True))


def _amounts(rows: Sequence[Node], field: str, currency: str) -> list[Money]:
    """What each refund gave back. Running totals are rounded, oldest first: they add up to no more than the rounded total."""
    seen, given, amounts = Decimal(0), Money.zero(currency), {}
    for row in sorted(rows, key=lambda row: row["id"].whole()):
        seen += row[field].refunded()
        try:
            upto = rounded(seen, currency)
        except (ArithmeticError, ValueError):
            raise row[field].bad("this is not an amount of money") from None
        amounts[row.path], given = upto - given, upto
    return [amounts[row.path] for row in rows]


def _refund(row: Node, amount: Money, currency: str) -> PlatformRefund:
    return PlatformRefund(
        id=row["id"].text(),
        amount=amount,
        reason=row.get("reason").text(),
        at=row.get("date_created_gmt").when_if_any(),
        money_moved=row.get("refunded_payment").value is True,
        parts=tuple(refund_parts(row, currency)),
    )


# --- people and notes -------------------------------------------------------------------------------------------------


def _customer(node: Node) -> Customer:
    billing = node.get("billing")
    if billing.value is None:
        return Customer(id=node.get("customer_id").id())
    return Customer(
        id=node.get("customer_id").id(),
        name=_person(billing),
        email=billing.get("email").text(),
        phone=billing.get("phone").text(),
    )


def _person(address: Node) -> str:
    return f"{address.get('first_name').text()} {address.get('last_name').text()}".strip()


def _address(address: Node) -> Address:
    if not address.value:
        return Address()
    return Address(
        name=_person(address),
        company=address.get("company").text(),
        line1=address.get("address_1").text(),
        line2=address.get("address_2").text(),
        city=address.get("city").text(),
        region=address.get("state").text(),
        postcode=address.get("postcode").text(),
        country=address.get("country").text(),
        phone=address.get("phone").text(),
    )


def staff_notes(notes: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """What people wrote for each other, oldest first: not to the customer, not by WooCommerce, not by us."""
    listed = [Node(note, f"notes[{index}]") for index, note in enumerate(notes)]
    for note in sorted(listed, key=lambda note: (note.get("date_created_gmt").text(), note["id"].whole())):
        text = BOOKED.sub("", note["note"].text()).strip()
        by_system = note.get("author").text().casefold() in SYSTEM_AUTHORS
        if text and not by_system and note.get("customer_note").value is not True and not MARKER.search(text):
            yield as_text(text)


# --- meta -------------------------------------------------------------------------------------------------------------


def _meta(node: Node, key: str) -> str:
    values = [meta["value"].value for meta in node.get("meta_data").items() if meta["key"].text() == key]
    return str(values[-1]) if values and isinstance(values[-1], str | int) else ""


def _tracking(node: Node) -> list[str]:
    """Tracking numbers that the order shows: ours, `_tracking_number`, and those of the Shipment Tracking plugins."""
    found: dict[str, None] = {}
    for meta in node.get("meta_data").items():
        key, value = meta["key"].text(), meta["value"].value
        if key.startswith(SHIPMENT) and isinstance(value, dict):
            found[str(value.get("number", ""))] = None
        elif key == "_tracking_number" and isinstance(value, str):
            found[value.strip()] = None
        elif key == "_wc_shipment_tracking_items" and isinstance(value, list):
            found |= {str(item.get("tracking_number", "")): None for item in value if isinstance(item, dict)}
    return [number for number in found if number]
