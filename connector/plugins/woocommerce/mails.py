"""Which e-mails the shop sends itself, and so what is left for us to tell.

The switches are in the shop's settings (WooCommerce > Settings > Emails; `GET /settings/email_<id>`, tried in WooCommerce's own
tests of its REST API, read 2026-11). They are read once a day. Which e-mail a change of status sends was recorded with 10.5.2.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector import (
    Check,
    CheckResult,
    ConnectorError,
    Context,
    DutyEvent,
    Order,
    Payment,
    PaymentKind,
    Person,
    PlatformStatus,
    Refused,
)

from . import ways
from .client import KEYS_PAGE, read
from .config import config
from .ways import Way

EMAILS_PAGE = "WooCommerce > Settings > Emails"
EMAILS = (
    "new_order",
    "cancelled_order",
    "failed_order",
    "customer_on_hold_order",
    "customer_processing_order",
    "customer_completed_order",
    "customer_cancelled_order",
    "customer_failed_order",
    "customer_refunded_order",  # partial refunds too: one class of WooCommerce makes both, with one switch
    "customer_note",
    "customer_fulfillment_created",
)
# The e-mails that bring the customer the tracking numbers of all parcels, by where the shop keeps them. The Shipment Tracking
# plugins put the numbers into the e-mail on completing; before the last parcel, a note brings them.
WITH_NUMBER = {
    Way.FULFILLMENTS: frozenset({"customer_fulfillment_created"}),
    Way.TRACKINGS: frozenset({"customer_completed_order", "customer_note"}),
    Way.META: frozenset({"customer_note"}),
}
DEFAULT = frozenset(EMAILS) - {"customer_cancelled_order"}  # of a fresh installation (recorded)
KEPT_FOR = timedelta(days=1)
ASKED_AGAIN = timedelta(minutes=15)  # after the shop did not answer: each order would wait for it otherwise
STATE_KEY = "emails"


@dataclass(frozen=True, slots=True, kw_only=True)
class Emails:
    """The e-mails that are switched on. `why` says why they are only supposed to be so ("": the shop's settings say it)."""

    on: frozenset[str]
    why: str = ""


# --- what is switched on ----------------------------------------------------------------------------------------------


def known(ctx: Context) -> Emails:
    """As it was read in the last day, else as the shop says now."""
    row = ctx.state.get(STATE_KEY)
    kept = json.loads(row.value) if row else None
    if kept and ctx.now() < datetime.fromisoformat(kept["until"]):
        return Emails(on=frozenset(kept["on"]), why=kept["why"])
    return asked(ctx)


def asked(ctx: Context) -> Emails:
    """As the shop says now. Never fails: what it does not say is supposed to be as it was, or as in a fresh installation."""
    try:
        return _keep(ctx, Emails(on=frozenset(email for email in EMAILS if _is_on(ctx, email))))
    except ConnectorError as problem:
        row = ctx.state.get(STATE_KEY)
        on = frozenset(json.loads(row.value)["on"]) if row else DEFAULT
        return _keep(ctx, Emails(on=on, why=str(problem)))


def _is_on(ctx: Context, email: str) -> bool:
    """An e-mail that this WooCommerce does not have (the customer's on cancelling came late) is off."""
    doing = f"read the setting of the e-mail {email}"
    try:
        rows = read(ctx, f"settings/email_{email}", doing, _fields="id,value").rows(ctx, doing)
    except Refused:
        return False
    values = [row.get("value") for row in rows if row.get("id") == "enabled"]
    return values[0] == "yes" if values else email in DEFAULT


def _keep(ctx: Context, emails: Emails) -> Emails:
    until = ctx.now() + (ASKED_AGAIN if emails.why else KEPT_FOR)
    ctx.state.put(STATE_KEY, json.dumps({"on": sorted(emails.on), "why": emails.why, "until": until.isoformat()}))
    return emails


# --- who tells --------------------------------------------------------------------------------------------------------


def platform_tells(ctx: Context, order: Order) -> frozenset[tuple[DutyEvent, Person]]:
    emails = known(ctx)
    return tells(emails.on, order, by_shop=_shop_tells_numbers(ctx, emails.on, order.platform_id))


def tells(on: frozenset[str], order: Order, *, by_shop: bool) -> frozenset[tuple[DutyEvent, Person]]:
    """What the shop tells about this order, by the e-mails that are on. `by_shop`: it tells tracking numbers. Pure."""
    # Where staff have completed the order we know no number either: the e-mail on that is all there is to say.
    by_completing = order.status == "completed" and "customer_completed_order" in on
    is_shipped_told = by_completing if order.means is PlatformStatus.COMPLETED else by_shop
    told = {
        (DutyEvent.CONFIRMED, Person.CUSTOMER): "customer_processing_order" in on,
        (DutyEvent.CONFIRMED, Person.MERCHANT): "new_order" in on,
        (DutyEvent.ON_HOLD, Person.CUSTOMER): _waiting_email(order) in on,
        (DutyEvent.ON_HOLD, Person.MERCHANT): order.status == "failed" and "failed_order" in on,
        (DutyEvent.SHIPPED, Person.CUSTOMER): is_shipped_told,
        (DutyEvent.CANCELLED, Person.CUSTOMER): "customer_cancelled_order" in on and _cancelling_mails(order),
        (DutyEvent.CANCELLED, Person.MERCHANT): "cancelled_order" in on and _cancelling_mails(order),
        (DutyEvent.REFUNDED, Person.CUSTOMER): "customer_refunded_order" in on,
    }
    return frozenset(who for who, is_told in told.items() if is_told)


def _shop_tells_numbers(ctx: Context, on: frozenset[str], platform_id: str) -> bool:
    """Only if it tells all of them. The e-mail on completing has no number by itself (recorded): it tells of no parcel."""
    return config(ctx).tracking_note == "customer" and WITH_NUMBER[_way(ctx, platform_id)] <= on


def _way(ctx: Context, platform_id: str) -> Way:
    try:
        return ways.chosen(ctx, platform_id).way
    except ConnectorError:  # whoever writes the number will say so; a note is what works in every shop
        return Way.META


def _waiting_email(order: Order) -> str:
    """Only a status that means waiting mails: `pending` mails nobody (recorded), nor does one of a plugin's."""
    return {"on-hold": "customer_on_hold_order", "failed": "customer_failed_order"}.get(order.status, "")


def _cancelling_mails(order: Order) -> bool:
    """Both e-mails go out from `processing` and `on-hold` only (recorded). Where the order shows as cancelled already, only its
    payment tells where it came from: an unpaid card order was `pending`."""
    if order.means is PlatformStatus.CANCELLED:
        return any(payment.captured or _is_placed_unpaid(payment) for payment in order.payments)
    return order.status in ("processing", "on-hold")


def _is_placed_unpaid(payment: Payment) -> bool:
    return payment.kind not in (PaymentKind.GATEWAY, PaymentKind.NONE)


# --- for `connector check` --------------------------------------------------------------------------------------------


def checks(ctx: Context) -> list[Check]:
    """Who tells whom, in words, and what the merchant should switch. The settings are read anew."""
    emails = asked(ctx)
    by_shop = _shop_tells_numbers(ctx, emails.on, "0")
    found = [_to_customer(emails, by_shop=by_shop), _to_merchant(emails)]
    numbers_in_it = by_shop and "customer_completed_order" in WITH_NUMBER[_way(ctx, "0")]
    if "customer_completed_order" in emails.on and not numbers_in_it and not emails.why:
        found.append(_second_mail(by_shop=by_shop))
    return found


def _to_customer(emails: Emails, *, by_shop: bool) -> Check:
    on = emails.on
    theirs = {
        "confirmed": "customer_processing_order" in on,
        "waiting for payment": "customer_on_hold_order" in on,
        "shipped (with tracking number)": by_shop,
        "cancelled": "customer_cancelled_order" in on,
        "refunded": "customer_refunded_order" in on,
        "other holds": False,
    }
    return _table("customer", theirs, emails)


def _to_merchant(emails: Emails) -> Check:
    on = emails.on
    theirs = {"new order": "new_order" in on, "cancelled": "cancelled_order" in on}
    return _table("merchant", {**theirs, "on hold": False, "shipped": False, "refunded": False}, emails)


def _table(person: str, theirs: dict[str, bool], emails: Emails) -> Check:
    shop = ", ".join(what for what, is_told in theirs.items() if is_told) or "nothing"
    ours = ", ".join(what for what, is_told in theirs.items() if not is_told) or "nothing"
    name, text = f"mails to the {person}", f"By the shop: {shop}. By us: {ours}."
    if not emails.why:
        return Check(name=name, result=CheckResult.OK, text=f"{text} So say the shop's e-mail settings.")
    text = f"{text} Only supposed, the shop's e-mail settings cannot be read: {emails.why}"
    fix = f"Give the key in {KEYS_PAGE} to an administrator, or write into [accounts.NAME.tells] what is true."
    return Check(name=name, result=CheckResult.WARNING, text=text, fix=fix)


def _second_mail(*, by_shop: bool) -> Check:
    first = "the one" if by_shop else "our mail"
    text = (
        f'The shop\'s e-mail "Completed order" is on: beside {first} with the tracking number, '
        "the customer gets another one that the order is on its way."
    )
    fix = f'Switch "Completed order" off in {EMAILS_PAGE}; leave it on if you sell downloads, their links are in it.'
    return Check(name="mails on shipping", result=CheckResult.WARNING, text=text, fix=fix)
