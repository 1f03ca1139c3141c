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
    LineItem,
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
from .reading import Node, as_text

OURS = "_order_connector_"  # our own order meta; keys that begin with _ are not shown to customers
REHEARSAL = f"{OURS}rehearsal"
SHIPMENT = f"{OURS}shipment_"
MARKER = re.compile(r"\[oc:[0-9a-f]{12}\]")
SYSTEM_AUTHORS = ("woocommerce", "system")
KINDS = {"cod": PaymentKind.COD, "bacs": PaymentKind.BANK_TRANSFER, "cheque": PaymentKind.CHEQUE}
PICKUP = ("local_pickup", "pickup_location")  # the second is the pickup of the block checkout
AT_CHECKOUT = ("checkout", "store-api")


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
            number=node.get("number").text() or node["id"].text(),
            status=status,
            means=means,
            currency=currency,
            placed_at=node["date_created_gmt"].when(),
            updated_at=node["date_modified_gmt"].when(),
            lines=_lines(node, currency),
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
            rehearsal=_meta(node, REHEARSAL),
        )
    except ValueError as problem:
        raise node.bad(str(problem)) from None


def _currency(node: Node) -> str:
    currency = node["currency"].text()
    if currency not in EXPONENTS:
        raise node["currency"].bad(f"{currency!r:.10} is not a currency of ISO 4217")
    return currency


# --- lines ------------------------------------------------------------------------------------------------------------


def _lines(node: Node, currency: str) -> tuple[LineItem, ...]:
    ships = _ships(node)
    return tuple(_line(line, currency, ships) for line in node["line_items"].items())


def _ships(node: Node) -> bool:
    """Do the lines of this order ship? WooCommerce does not say it line by line.

    `needs_processing` is false when every line is virtual and downloadable: nothing ships. A checkout leaves out the shipping
    line when nothing in the cart needs shipping. Otherwise all lines are taken to ship: a gift card on a packing slip is seen
    by a person, a mug that is never packed is not.
    """
    if node.get("needs_processing").value is False:
        return False
    at_checkout = node.get("created_via").text() in AT_CHECKOUT
    return not (at_checkout and not node.get("shipping_lines").items())


def _line(line: Node, currency: str, ships: bool) -> LineItem:
    quantity = line["quantity"].whole()
    if quantity < 1:
        raise line["quantity"].bad(f"the quantity must be 1 or more, not {quantity}")
    name, personal = _name_and_entries(line)
    before_discount = line["subtotal"].money(currency)
    return LineItem(
        id=line["id"].text(),
        sku=line.get("sku").text(),
        name=name,
        quantity=quantity,
        product_id=line.get("product_id").id(),
        variant_id=line.get("variation_id").id(),
        unit_price=_unit_price(before_discount, quantity),
        total=line["total"].money(currency),
        tax=line["total_tax"].money(currency),
        requires_shipping=ships,
        personal=personal,
    )


def _unit_price(money: Money, quantity: int) -> Decimal:
    """Six places are more than any shop shows; `price` in the JSON is a float, and after discounts."""
    return round(money.major / quantity, 6).normalize() + Decimal(0)


def _name_and_entries(line: Node) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The line's name with its variation, and what the customer entered for it."""
    name = as_text(line.get("name").text())
    entries = [(meta["key"].text(), *_shown(meta)) for meta in line.get("meta_data").items()]
    shown = [entry for entry in entries if not entry[0].startswith("_") and entry[2]]
    choices = [entry for entry in shown if _is_choice(line, name, key=entry[0], value=entry[2])]
    missing = [f"{label}: {value}" for _, label, value in choices if value.casefold() not in name.casefold()]
    full = f"{name} ({', '.join(missing)})" if missing else name
    return full, tuple((label, value) for key, label, value in shown if (key, label, value) not in choices)


def _shown(meta: Node) -> tuple[str, str]:
    label, value = meta.get("display_key").value, meta.get("display_value").value
    text = value if isinstance(value, str) else str(value) if isinstance(value, int | float) else _flat(value)
    return as_text(str(label or meta["key"].text())), as_text(text)


def _flat(value: Any) -> str:
    """The texts inside an object or a list, in their order."""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_flat(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(_flat(inner) for inner in value)
    return "" if value is None else str(value)


def _is_choice(line: Node, name: str, *, key: str, value: str) -> bool:
    """Is this the size or colour of a variation, and not something the customer wrote?

    Global attributes have keys that begin with `pa_`. One of the product's own shows only by its value being in the
    variation's name ("Logo Tee - M").
    """
    if not line.get("variation_id").id():
        return False
    added = name.removeprefix(as_text(line.get("parent_name").text()))
    words = [word.strip().casefold() for word in added.removeprefix(" - ").split(",")]
    return key.startswith("pa_") or value.casefold() in words


# --- shipping, fees, money --------------------------------------------------------------------------------------------


def _shipping_line(line: Node, currency: str) -> ShippingLine:
    method = line["method_id"].text()
    return ShippingLine(
        id=line["id"].text(),
        method=method,
        title=as_text(line.get("method_title").text()),
        total=line["total"].money(currency),
        tax=line["total_tax"].money(currency),
        pickup=method in PICKUP,
    )


def _fee(line: Node, currency: str) -> Fee:
    return Fee(
        id=line["id"].text(),
        name=as_text(line.get("name").text()),
        total=line["total"].money(currency),
        tax=line["total_tax"].money(currency),
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
        return tuple(
            PlatformRefund(id=row["id"].text(), amount=row["total"].refunded(currency), reason=row.get("reason").text())
            for row in node.get("refunds").items()
        )
    return tuple(_refund(row, currency) for row in Node(list(rows), "refunds").items())


def _refund(row: Node, currency: str) -> PlatformRefund:
    return PlatformRefund(
        id=row["id"].text(),
        amount=row["amount"].refunded(currency),
        reason=row.get("reason").text(),
        at=row.get("date_created_gmt").when_if_any(),
        money_moved=row.get("refunded_payment").value is True,
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
        text = note["note"].text()
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
