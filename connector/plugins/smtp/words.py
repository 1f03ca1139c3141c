"""The words that templates find: an order and the facts of an event, as plain text, sums and dates written out.

Facts that are understood, all of them text and none of them required:
    lines               JSON, line id to quantity: what the parcel, refund or cancellation is about (left out: the whole order)
    carrier, tracking_number, tracking_url, more_to_come ("yes": further parcels follow)                         shipped
    corrected ("yes": another number was told before), wrong_number                                              shipped
    amount ("12.50"), currency, money (moved, pending, not_moved), payment_id                          refunded, cancelled
    refund ("yes": the money comes back, with a message of its own)                                              cancelled
    reason (on_hold: a hold's reason; cancelled: customer, out_of_stock, payment, ...), text, releases   on_hold, cancelled
    pay_url (customer), order_url (merchant): where the button leads
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from connector import (
    EXPONENTS,
    Address,
    Fee,
    LineItem,
    Message,
    Money,
    Order,
    Payment,
    PaymentKind,
    ShippingLine,
    total,
)

if TYPE_CHECKING:
    from babel import Locale

# Letters that turn the direction of all text after them: a name must not turn the sums around.
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def words(message: Message, *, shop: str, locale: Locale, zone: ZoneInfo, with_tax: bool) -> dict[str, Any]:
    """What templates may say; smtp_templates/README.md tells merchants. `with_tax`: tax is in the prices and not apart."""
    order, facts = message.order, {name: plain(value) for name, value in message.facts.items()}
    write = _writer(locale)
    paying = _paying(order, facts)
    counts = json.loads(message.facts.get("lines", "{}"))
    return {
        "shop": shop,
        "language": str(locale).replace("_", "-"),
        "direction": locale.text_direction,
        "number": line(order.number) or message.ref,
        "ref": message.ref,
        "placed": _date(order.placed_at.astimezone(zone), locale),
        "customer": {name: line(getattr(order.customer, name)) for name in ("name", "email", "phone")},
        "lines": [_line(item, item.quantity, write, with_tax=with_tax) for item in order.lines],
        "about": [_line(item, int(counts[item.id]), write, with_tax=with_tax) for item in order.lines if item.id in counts],
        "sums": _sums(order, write, with_tax=with_tax),
        "total": write(order.total),
        "tax": write(order.tax) if with_tax and order.tax else "",
        "ship_to": _postal(order.shipping, locale) if order.needs_shipping else [],
        "payment": {"title": line(paying.title) if paying else "", "state": _payment_state(order)},
        "refund": {
            "amount": _amount(facts.get("amount", ""), facts.get("currency", order.currency), write),
            "way": _refund_way(order, facts),
            "follows": facts.get("refund", "") == "yes",
        },
        "charged": any(payment.captured for payment in order.payments),
        "tracking": {
            "carrier": line(facts.get("carrier", "")),
            "number": line(facts.get("tracking_number", "")),
            "url": _link(facts.get("tracking_url", "")),
            "is_corrected": facts.get("corrected", "") == "yes",
            "wrong_number": line(facts.get("wrong_number", "")),
        },
        "more_to_come": facts.get("more_to_come", "") == "yes",
        "note": plain(order.customer_note)[:5000],
        "reason": line(facts.get("reason", "")),
        "text": line(facts.get("text", ""), 1000),
        "releases": line(facts.get("releases", ""), 1000),
        "pay_url": _link(facts.get("pay_url", "")),
        "order_url": _link(facts.get("order_url", "")),
        "facts": facts,
    }


def _writer(locale: Locale) -> Callable[[Money], str]:
    from babel.numbers import format_currency, format_decimal, get_currency_precision, get_currency_symbol

    def write(money: Money) -> str:
        digits, code = EXPONENTS[money.currency], money.currency
        if get_currency_precision(code) == digits and get_currency_symbol(code, locale) != code:
            return format_currency(money.major, code, locale=locale)
        # Unicode's habits and ISO 4217 may differ (IQD, UYW): not a fils is rounded away. And "KWD1.000" is no way to write it.
        pattern = "#,##0." + "0" * digits if digits else "#,##0"
        return f"{format_decimal(money.major, format=pattern, locale=locale)} {code}"

    return write


def _date(at: datetime, locale: Locale) -> str:
    from babel.dates import format_date

    return format_date(at, format="long", locale=locale)


def _line(item: LineItem, quantity: int, write: Callable[[Money], str], *, with_tax: bool) -> dict[str, Any]:
    return {
        "name": line(item.name) or line(item.sku) or item.id,
        "sku": line(item.sku),
        "quantity": quantity,
        "sum": write(item.total + item.tax if with_tax else item.total),
        "personal": [(line(label), line(text, 1000)) for label, text in item.personal],
    }


def _sums(order: Order, write: Callable[[Money], str], *, with_tax: bool) -> list[dict[str, str]]:
    """What adds up to the total: `kind` is items, shipping, fee, tax or other (what the shop does not explain)."""

    def together(parts: Iterable[LineItem | ShippingLine | Fee]) -> Money:
        return total((part.total + part.tax if with_tax else part.total for part in parts), order.currency)

    rows = [("items", "", together(order.lines))]
    rows += [("shipping", line(part.title), together([part])) for part in order.shipping_lines]
    rows += [("fee", line(part.name), together([part])) for part in order.fees]
    rows += [("tax", "", order.tax)] if order.tax and not with_tax else []
    rest = order.total - total((amount for _, _, amount in rows), order.currency)
    rows += [("other", "", rest)] if rest else []
    return [{"kind": kind, "title": title, "amount": write(amount)} for kind, title, amount in rows]


def _payment_state(order: Order) -> str:
    """paid, authorized, or how the money is still to come: cod, bank_transfer, cheque, terms, gateway ("": not known)."""
    if not order.payments:
        return ""
    due = total((payment.due for payment in order.payments), order.currency)
    captured = total((payment.captured for payment in order.payments), order.currency)
    if captured >= min(due, order.total):
        return "paid"
    live = [payment for payment in order.payments if payment.ended is None and payment.captured < payment.due]
    return "authorized" if any(payment.authorized for payment in live) else (live or order.payments)[0].kind.value


def _paying(order: Order, facts: Mapping[str, str]) -> Payment | None:
    """The payment that a refund goes back by: the one that is named, else the first that brought money."""
    wanted = [payment for payment in order.payments if payment.id == facts.get("payment_id")]
    return next(iter([*wanted, *(payment for payment in order.payments if payment.captured), *order.payments]), None)


def _refund_way(order: Order, facts: Mapping[str, str]) -> str:
    """back (by the gateway), or transfer (somebody has to send it)."""
    payment = _paying(order, facts)
    money, gateway = facts.get("money", ""), payment is None or payment.kind is PaymentKind.GATEWAY
    return "transfer" if money == "not_moved" or (money != "moved" and not gateway) else "back"


def _amount(text: str, currency: str, write: Callable[[Money], str]) -> str:
    try:
        return write(Money.parse(text, currency))
    except ValueError:
        return line(text)


def _postal(address: Address, locale: Locale) -> list[str]:
    """The lines of an address, the city's line as it is usual in its country."""
    if address.country in ("US", "CA", "AU", "GB", "IE", "NZ", "IN", "ZA", ""):
        town = ", ".join(part for part in (address.city, address.region) if part)
        place = f"{town} {address.postcode}"
    else:
        place = f"{address.postcode} {address.city} {address.region}"
    country = locale.territories.get(address.country, address.country)
    rows = (address.name, address.company, address.line1, address.line2, place, country)
    return [clean for row in rows if (clean := line(row))]


def _link(url: str) -> str:
    """Only what a browser opens as a page; "" for anything else."""
    return url if re.fullmatch(r"https?://[^\s\"'<>\\]{1,2000}", url) else ""


def plain(text: str) -> str:
    """Text without control letters, and without those that turn the writing direction of what follows."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(c for c in text if c in "\n\t" or (unicodedata.category(c) not in ("Cc", "Cs") and c not in TURNING))
    return text.strip()


def line(text: str, longest: int = 300) -> str:
    """One line of it. What is longer ends in an ellipsis."""
    text = " ".join(plain(text).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"
