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
    Shipment,
)

from . import ways
from .client import KEYS_PAGE, read
from .config import config, word_for
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
    "customer_fulfillment_updated",
)
# The e-mail that brings the customer a parcel's tracking number because we ask for it, by where the shop keeps the number; and
# the one for a corrected number. Beside these, the Shipment Tracking plugins put all numbers into the e-mail on completing.
COMPLETED = "customer_completed_order"
WITH_NUMBER = {
    Way.FULFILLMENTS: frozenset({"customer_fulfillment_created"}),
    Way.TRACKINGS: frozenset({"customer_note"}),
    Way.META: frozenset({"customer_note"}),
}
WITH_CORRECTED = {**WITH_NUMBER, Way.FULFILLMENTS: frozenset({"customer_fulfillment_updated"})}
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


def platform_tells(ctx: Context, order: Order, shipment: Shipment | None) -> frozenset[tuple[DutyEvent, Person]]:
    on = known(ctx).on
    if shipment is None:
        return tells(on, order, by_shop=_asked_tells(ctx, on, order.platform_id))
    by_shop = completing_tells(ctx, order, shipment) or _asked_tells(ctx, on, order.platform_id, shipment)
    return tells(on, order, by_shop=by_shop, of_ours=True)


def tells(on: frozenset[str], order: Order, *, by_shop: bool, of_ours: bool = False) -> frozenset[tuple[DutyEvent, Person]]:
    """What the shop tells about this order, by the e-mails that are on. Pure.

    `by_shop`: it tells the number of the parcel. `of_ours`: there is one that we told the shop of.
    """
    # Where staff have completed the order we know no number either: the e-mail on that is all there is to say.
    by_completing = order.status == "completed" and COMPLETED in on
    is_shipped_told = by_completing if order.means is PlatformStatus.COMPLETED and not of_ours else by_shop
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


def completing_tells(ctx: Context, order: Order, shipment: Shipment) -> bool:
    """Is the e-mail on completing still to come, and brings it this parcel's number? By itself it has none (recorded)."""
    is_to_come = order.means is not PlatformStatus.COMPLETED and is_completed_by_it(ctx, shipment)
    return is_to_come and ways.fit(_way(ctx, order.platform_id), shipment) is Way.TRACKINGS


def is_completed_by_it(ctx: Context, shipment: Shipment) -> bool:
    """Does this parcel complete the order, and the shop mail that? A status of another plugin mails nobody."""
    is_last = shipment.is_last and shipment.instead_of is None
    return is_last and word_for(ctx, PlatformStatus.COMPLETED) == "completed" and COMPLETED in known(ctx).on


def _asked_tells(ctx: Context, on: frozenset[str], platform_id: str, shipment: Shipment | None = None) -> bool:
    """Does the shop mail the number because we ask for it: with a fulfillment, or a note?"""
    if config(ctx).tracking_note != "customer":
        return False
    is_corrected = shipment is not None and shipment.instead_of is not None
    return (WITH_CORRECTED if is_corrected else WITH_NUMBER)[_way(ctx, platform_id)] <= on


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
    by_shop, is_in_completed = _asked_tells(ctx, emails.on, "0"), _way(ctx, "0") is Way.TRACKINGS
    found = [_to_customer(emails, _parcels(emails.on, by_shop=by_shop, is_in_completed=is_in_completed)), _to_merchant(emails)]
    if COMPLETED in emails.on and not is_in_completed and not emails.why:
        found.append(_second_mail(by_shop=by_shop))
    return found


def _parcels(on: frozenset[str], *, by_shop: bool, is_in_completed: bool) -> dict[str, bool]:
    """Who tells the numbers. With a Shipment Tracking plugin, the e-mail on completing brings the last parcel's."""
    if is_in_completed and COMPLETED in on and not by_shop:
        return {"shipped, the last parcel (with tracking number)": True, "shipped, parcels before the last": False}
    return {"shipped (with tracking number)": by_shop}


def _to_customer(emails: Emails, parcels: dict[str, bool]) -> Check:
    on = emails.on
    theirs = {
        "confirmed": "customer_processing_order" in on,
        "waiting for payment": "customer_on_hold_order" in on,
        **parcels,
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
