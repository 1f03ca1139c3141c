"""The e-mails the store itself sends: their ids, subjects, and which status change sends which."""

from __future__ import annotations

from typing import NamedTuple

from connector.sandbox.woocommerce.store import Store
from connector.sandbox.woocommerce.things import Order

UNPAID = frozenset({"pending", "failed", "cancelled"})
SOLD = frozenset({"processing", "on-hold", "completed"})


class StoreMail(NamedTuple):
    email: str
    subject: str

    @property
    def to_customer(self) -> bool:
        return self.email.startswith("customer_")


NEW_ORDER = StoreMail("new_order", "[{store}]: You've got a new order: #{number}")
PROCESSING = StoreMail("customer_processing_order", "Your {store} order has been received!")
ON_HOLD = StoreMail("customer_on_hold_order", "Your {store} order has been received!")
COMPLETED = StoreMail("customer_completed_order", "Your order from {store} is on its way!")
CANCELLED = StoreMail("cancelled_order", "[{store}]: Order #{number} has been cancelled")
FAILED = StoreMail("failed_order", "[{store}]: Order #{number} has failed")
CUSTOMER_FAILED = StoreMail("customer_failed_order", "Your order at {store} was unsuccessful")
REFUNDED = StoreMail("customer_refunded_order", "Your {store} order #{number} has been refunded")
PARTLY_REFUNDED = StoreMail("customer_partially_refunded_order", "Your {store} order #{number} has been partially refunded")
FULFILLMENT_CREATED = StoreMail("customer_fulfillment_created", "An item from {store} order {number} has been fulfilled!")
FULFILLMENT_UPDATED = StoreMail("customer_fulfillment_updated", "A shipment from {store} order {number} has been updated")
FULFILLMENT_DELETED = StoreMail("customer_fulfillment_deleted", "A shipment from {store} order {number} has been cancelled")
CUSTOMER_CANCELLED = StoreMail("customer_cancelled_order", "[{store}]: Your order #{number} has been cancelled")
NOTE = StoreMail("customer_note", "A note has been added to your order from {store}")

# Off in a default installation of 10.5.2 (recorded); everything else is on.
OFF_BY_DEFAULT = ("customer_cancelled_order", "customer_invoice", "customer_pos_completed_order")
# One class of WooCommerce makes both, and has one switch.
SWITCH = {"customer_partially_refunded_order": "customer_refunded_order"}


def is_on(store: Store, email: str) -> bool:
    """Does the store send this e-mail? What nobody switched is as in a default installation."""
    switch = SWITCH.get(email, email)
    return store.emails.get(switch, switch not in OFF_BY_DEFAULT)


def send(store: Store, mail: StoreMail, order: Order, *, partial: bool | None = None, text: str = "") -> None:
    """Record one of the store's own e-mails, if it is switched on."""
    if not is_on(store, mail.email):
        return
    to = order.billing["email"] if mail.to_customer else store.settings.admin_email
    subject = mail.subject.format(store=store.settings.name, number=order.id)
    store.mail(mail.email, order, to=to, subject=subject, partial=partial, text=text)


def for_change(before: str, after: str, *, new_order_mailed: bool) -> list[StoreMail]:
    """Which e-mails a change sends, in order; `new_order` goes out once in an order's life."""
    fresh = before in UNPAID and after in SOLD and not new_order_mailed
    shop = [NEW_ORDER] if fresh else []
    if after == "processing" and before in UNPAID | {"on-hold"}:
        return [*shop, PROCESSING]
    if after == "on-hold" and before in UNPAID:
        return [*shop, ON_HOLD]
    if after == "completed":
        return [COMPLETED, *shop]
    if after == "cancelled" and before in {"processing", "on-hold"}:
        return [CANCELLED, CUSTOMER_CANCELLED]
    if after == "failed":
        return [CUSTOMER_FAILED, *([FAILED] if before in {"pending", "on-hold"} else [])]
    return []
