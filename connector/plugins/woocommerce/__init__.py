"""WooCommerce: orders, refunds, shipments, notes and stock over its REST API (wc/v3), and its webhooks.

What the shop really does was recorded with WooCommerce 10.5.2 on WordPress 6.9.4 (2026-11-22): that is what "(recorded)" means
in these files. API: https://woocommerce.github.io/woocommerce-rest-api-docs/ (2026-11).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector import (
    Cancelled,
    CancelRequest,
    CannotTell,
    Capabilities,
    Check,
    Context,
    Delivery,
    DutyEvent,
    Effect,
    EffectClass,
    EffectRule,
    Found,
    LooksBy,
    News,
    Note,
    Order,
    Page,
    Person,
    PluginInfo,
    PluginKind,
    Refunded,
    RefundRequest,
    Shipment,
    StatusChange,
    StockChange,
    hookimpl,
)

from . import check, fulfillments, mails, notes, orders, parse, poll, refunds, status, stock, tracking, trackings, webhooks
from .config import Config, config

# A write takes 0.1 to 2 s on a small shop (recorded), a refund as long as its gateway. PHP gives up after 30 to 300 s, so what
# has left no trace by then will leave none any more.
BY_KEY = EffectRule(vendor=EffectClass.LOOKUP, deadline_s=30, settle_s=60, looks_by=LooksBy.KEY)
BY_STATE = EffectRule(vendor=EffectClass.LOOKUP, deadline_s=30, settle_s=60, looks_by=LooksBy.STATE)
REFUND = EffectRule(vendor=EffectClass.LOOKUP, deadline_s=60, settle_s=300, looks_by=LooksBy.KEY)

FINDERS = {
    "refund_payment": (REFUND, refunds.find),
    "cancel_order": (BY_STATE, status.find),
    "push_status": (BY_STATE, status.find),
    fulfillments.KIND: (BY_KEY, fulfillments.find),
    trackings.ADD: (BY_STATE, trackings.find_added),
    trackings.REMOVE: (BY_STATE, trackings.find_removed),
    tracking.KIND: (BY_KEY, tracking.find_meta),
    "push_shipment.note": (BY_KEY, notes.find),
    "write_note": (BY_KEY, notes.find),
    "adjust_inventory": (BY_STATE, stock.find),
    **{webhooks.kind_of(topic): (BY_STATE, webhooks.find) for topic in webhooks.TOPICS},
}

# The e-mails that a default installation sends itself (recorded). The customer's on cancelling is off by default. Putting an
# order in processing on hold mails nobody: ON_HOLD is what a checkout by bank transfer or cheque gets.
TELLS = frozenset(
    {
        (DutyEvent.CONFIRMED, Person.CUSTOMER),
        (DutyEvent.CONFIRMED, Person.MERCHANT),
        (DutyEvent.ON_HOLD, Person.CUSTOMER),
        (DutyEvent.SHIPPED, Person.CUSTOMER),
        (DutyEvent.CANCELLED, Person.MERCHANT),
        (DutyEvent.REFUNDED, Person.CUSTOMER),
    }
)


@hookimpl
def describe() -> PluginInfo:
    return PluginInfo(
        name="woocommerce",
        kinds=(PluginKind.PLATFORM,),
        summary="Orders of a WooCommerce shop.",
        config=Config,
        effects={kind: rule for kind, (rule, _) in FINDERS.items()},
        capabilities=Capabilities(tells=TELLS, cancel_restocks=True, poll_every_s=60),
    )


@hookimpl
def check_account(ctx: Context) -> list[Check]:
    return check.check(ctx)


# --- intake -----------------------------------------------------------------------------------------------------------


@hookimpl
def verify_webhook(ctx: Context, delivery: Delivery) -> bool:
    return webhooks.verify(ctx, delivery)


@hookimpl
def parse_webhook(ctx: Context, delivery: Delivery) -> list[News]:
    return webhooks.news(ctx, delivery)


@hookimpl
def ensure_webhooks(ctx: Context, address: str) -> list[Check]:
    return webhooks.ensure(ctx, address)


@hookimpl
def fetch_order(ctx: Context, platform_id: str) -> Order | None:
    return orders.fetch(ctx, platform_id)


@hookimpl
def parse_order(ctx: Context, raw: Mapping[str, Any]) -> Order:
    return parse.order(raw, config(ctx).statuses)


@hookimpl
def poll_orders(ctx: Context, cursor: str) -> Page:
    return poll.poll(ctx, cursor)


@hookimpl
def import_orders(ctx: Context, cursor: str) -> Page:
    return poll.placed(ctx, cursor)


@hookimpl
def missing_orders(ctx: Context, platform_ids: tuple[str, ...]) -> list[str]:
    return orders.missing(ctx, platform_ids)


# --- money, status, shipments, notes, stock ---------------------------------------------------------------------------


@hookimpl
def refund_payment(ctx: Context, order: Order, request: RefundRequest) -> Refunded:
    return refunds.refund(ctx, order, request)


@hookimpl
def cancel_order(ctx: Context, order: Order, request: CancelRequest) -> Cancelled:
    return status.cancel(ctx, order, request)


@hookimpl
def push_status(ctx: Context, order: Order, change: StatusChange) -> Order | None:
    return status.push(ctx, order, change)


@hookimpl
def push_shipment(ctx: Context, order: Order, shipment: Shipment) -> Order | None:
    return tracking.push_shipment(ctx, order, shipment)


@hookimpl
def write_note(ctx: Context, order: Order, note: Note) -> bool:
    return notes.write_note(ctx, order, note)


@hookimpl
def platform_tells(ctx: Context, order: Order, shipment: Shipment | None) -> frozenset[tuple[DutyEvent, Person]]:
    return mails.platform_tells(ctx, order, shipment)


@hookimpl
def adjust_inventory(ctx: Context, change: StockChange) -> bool:
    return stock.adjust(ctx, change)


@hookimpl
def find_effect(ctx: Context, effect: Effect) -> Found:
    if effect.kind not in FINDERS:
        return CannotTell(text=f"This plugin does not know effects of the kind {effect.kind!r}.")
    _, find = FINDERS[effect.kind]
    return find(ctx, effect)
