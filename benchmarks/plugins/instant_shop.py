"""A platform that answers at once. Its webhooks are signed as WooCommerce signs them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated

import msgspec

from connector import (
    Address,
    BadSignature,
    Context,
    Customer,
    Delivery,
    EffectClass,
    EffectRule,
    LineItem,
    Money,
    News,
    NewsKind,
    Order,
    Page,
    Payment,
    PaymentKind,
    PlatformStatus,
    PluginInfo,
    PluginKind,
    Shipment,
    ShippingLine,
    StatusChange,
    hookimpl,
)

PLACED = datetime(2026, 1, 1, tzinfo=UTC)
EFFECTS = ("push_shipment", "push_status", "write_note", "cancel_order", "refund_payment")


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of its accounts."""

    webhook_secret: Annotated[str, msgspec.Meta(description="Signs deliveries.", extra={"secret": True})] = "not one"  # noqa: S105


@hookimpl
def describe() -> PluginInfo:
    rule = EffectRule(vendor=EffectClass.LOOKUP, deadline_s=5, settle_s=1)
    return PluginInfo(
        name="instant_shop", kinds=(PluginKind.PLATFORM,), config=Config, effects={kind: rule for kind in EFFECTS}
    )


@hookimpl
def verify_webhook(ctx: Context, delivery: Delivery) -> bool:
    if delivery.headers.get("x-signature") != signature(delivery.body, ctx.account.config.webhook_secret):
        raise BadSignature("the signature does not fit")
    return True


@hookimpl
def parse_webhook(ctx: Context, delivery: Delivery) -> list[News]:
    return [News(platform_id=str(json.loads(delivery.body)["id"]), kind=NewsKind.ORDER)]


@hookimpl
def fetch_order(ctx: Context, platform_id: str) -> Order | None:
    return order(platform_id)


@hookimpl
def poll_orders(ctx: Context, cursor: str) -> Page:
    """The cursor names the orders, `first:last`: a page of them."""
    first, _, last = cursor.partition(":")
    return Page(orders=tuple(order(str(number)) for number in range(int(first), int(last))), next_cursor=cursor)


@hookimpl
def push_shipment(ctx: Context, order: Order, shipment: Shipment) -> Order | None:
    ctx.effect("push_shipment", {"shipment": shipment.id}, lambda key: {"tracking": shipment.tracking_number})
    return replace(order, tracking=(shipment.tracking_number,), updated_at=order.updated_at + timedelta(seconds=1))


@hookimpl
def push_status(ctx: Context, order: Order, change: StatusChange) -> Order | None:
    ctx.effect("push_status", {"status": change.status}, lambda key: {"status": change.status})
    return replace(order, status=change.status.value, means=change.status, updated_at=order.updated_at + timedelta(seconds=1))


def signature(body: bytes, secret: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def order(platform_id: str) -> Order:
    """An ordinary paid order: three lines, one parcel, a customer with two addresses. About 3 kB as JSON."""
    home = Address(name="Ada Lovelace", line1="12 Example Street", city="New York", region="NY", postcode="10118", country="US")
    return Order(
        platform_id=platform_id,
        number=f"#{platform_id}",
        status="processing",
        means=PlatformStatus.OPEN,
        currency="USD",
        placed_at=PLACED,
        updated_at=PLACED,
        lines=tuple(_line(number) for number in range(3)),
        shipping_lines=(ShippingLine(id="s", method="flat_rate", title="Flat rate", total=usd("5"), tax=usd("0")),),
        discount=usd("0"),
        tax=usd("6"),
        total=usd("86"),
        payments=(_paid("86"),),
        customer=Customer(name="Ada Lovelace", email=f"ada-{platform_id}@shop.example"),
        billing=home,
        shipping=home,
    )


def usd(text: str) -> Money:
    return Money.parse(text, "USD")


def _line(number: int) -> LineItem:
    return LineItem(
        id=str(number),
        sku=f"MUG-{number}",
        name=f"Mug, colour {number}",
        quantity=2,
        product_id=str(100 + number),
        unit_price=Decimal("12.50"),
        total=usd("25"),
        tax=usd("2"),
        weight_g=350,
    )


def _paid(sum_: str) -> Payment:
    none = usd("0")
    return Payment(
        id="p",
        kind=PaymentKind.GATEWAY,
        gateway="card",
        due=usd(sum_),
        authorized=none,
        captured=usd(sum_),
        refunded=none,
        refund_pending=none,
        disputed=none,
    )
