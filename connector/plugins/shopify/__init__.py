"""Shopify: orders, refunds, fulfillments, holds, notes and stock over its GraphQL Admin API, and its webhooks.

"(recorded)" in these files means: seen in answers of real shops, of the versions 2025-01 and 2026-04.
API: https://shopify.dev/docs/api/admin-graphql (2026-07).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connector import (
    Cancelled,
    CancelRequest,
    CannotTell,
    Capabilities,
    Captured,
    CaptureRequest,
    Check,
    Context,
    Delivery,
    DutyEvent,
    Effect,
    EffectClass,
    EffectRule,
    Found,
    Hold,
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
    StockChange,
    hookimpl,
)

from . import (
    bulk,
    cancelling,
    captures,
    check,
    customers,
    holds,
    inventory,
    notes,
    orders,
    parse,
    poll,
    refunds,
    shipments,
    webhooks,
)
from .config import Config, config
from .costs import BUCKET, PER_SECOND

WEBHOOK = EffectRule(vendor=EffectClass.LOOKUP, deadline_s=30, settle_s=60, looks_by=LooksBy.STATE, points=10)

# Every kind of effect: how it behaves when no answer came, and how to find out.
FINDERS: dict[str, tuple[EffectRule, Callable[[Context, Effect], Found]]] = {
    **shipments.FINDERS,
    **holds.FINDERS,
    **cancelling.FINDERS,
    **captures.FINDERS,
    **refunds.FINDERS,
    **inventory.FINDERS,
    **notes.FINDERS,
    customers.ERASE: (customers.RULE, customers.find),
    **{topic.effect: (WEBHOOK, webhooks.find) for topic in webhooks.TOPICS},
}

# What Shopify mails itself; the merchant hears of new orders only
# (https://help.shopify.com/en/manual/fulfillment/setup/notifications, 2026-11).
TELLS = frozenset(
    {
        (DutyEvent.CONFIRMED, Person.CUSTOMER),
        (DutyEvent.CONFIRMED, Person.MERCHANT),
        (DutyEvent.SHIPPED, Person.CUSTOMER),
        (DutyEvent.REFUNDED, Person.CUSTOMER),
    }
)
ASKED_FOR = frozenset({(DutyEvent.SHIPPED, Person.CUSTOMER), (DutyEvent.REFUNDED, Person.CUSTOMER)})


@hookimpl
def describe() -> PluginInfo:
    return PluginInfo(
        name="shopify",
        kinds=(PluginKind.PLATFORM,),
        summary="Orders of a Shopify shop.",
        config=Config,
        effects={kind: rule for kind, (rule, _) in FINDERS.items()},
        capabilities=Capabilities(tells=TELLS, cancel_voids=True, max_per_second=PER_SECOND, burst=BUCKET, poll_every_s=60),
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
def parse_order(raw: Mapping[str, Any]) -> Order:
    return parse.order(raw)


@hookimpl
def poll_orders(ctx: Context, cursor: str) -> Page:
    return poll.poll(ctx, cursor)


@hookimpl
def import_orders(ctx: Context, cursor: str) -> Page:
    return bulk.placed(ctx, cursor)


@hookimpl
def missing_orders(ctx: Context, platform_ids: tuple[str, ...]) -> list[str]:
    return orders.missing(ctx, platform_ids)


# --- money, shipments, holds, stock, notes ----------------------------------------------------------------------------


@hookimpl
def capture_payment(ctx: Context, order: Order, request: CaptureRequest) -> Captured:
    return captures.capture_payment(ctx, order, request)


@hookimpl
def void_payment(ctx: Context, order: Order, payment_id: str) -> bool:
    return captures.void_payment(ctx, order, payment_id)


@hookimpl
def push_shipment(ctx: Context, order: Order, shipment: Shipment) -> Order | None:
    return shipments.push_shipment(ctx, order, shipment)


@hookimpl
def set_hold(ctx: Context, order: Order, hold: Hold) -> bool:
    return holds.set_hold(ctx, order, hold)


@hookimpl
def release_hold(ctx: Context, order: Order, hold: Hold) -> bool:
    return holds.release_hold(ctx, order, hold)


@hookimpl
def cancel_order(ctx: Context, order: Order, request: CancelRequest) -> Cancelled:
    return cancelling.cancel_order(ctx, order, request)


@hookimpl
def refund_payment(ctx: Context, order: Order, request: RefundRequest) -> Refunded:
    return refunds.refund(ctx, order, request)


@hookimpl
def adjust_inventory(ctx: Context, change: StockChange) -> bool:
    return inventory.adjust(ctx, change)


@hookimpl
def write_note(ctx: Context, order: Order, note: Note) -> bool:
    return notes.write_note(ctx, order, note)


# --- people -----------------------------------------------------------------------------------------------------------


@hookimpl
def platform_tells(ctx: Context) -> frozenset[tuple[DutyEvent, Person]]:
    """Of parcels and refunds, Shopify mails only where it is told to, each time."""
    return TELLS if config(ctx).notify_customer else TELLS - ASKED_FOR


@hookimpl
def export_customer(ctx: Context, email: str) -> Mapping[str, Any]:
    return customers.export(ctx, email)


@hookimpl
def erase_customer(ctx: Context, email: str) -> list[str]:
    return customers.erase(ctx, email)


# --- after a cut ------------------------------------------------------------------------------------------------------


@hookimpl
def find_effect(ctx: Context, effect: Effect) -> Found:
    if effect.kind not in FINDERS:
        return CannotTell(text=f"This plugin does not know effects of the kind {effect.kind!r}.")
    _, find = FINDERS[effect.kind]
    return find(ctx, effect)
