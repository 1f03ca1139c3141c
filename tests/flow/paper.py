"""A platform in one file of JSON, as a plugin: it knows holds, places and authorized payments, and sets no status.

`orders` is by id; `happened` every effect that reached it; `moods` what it says to an effect of a kind ("refuse", "cut": it
does it, and the answer is lost).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from connector import (
    Address,
    Cancelled,
    CannotTell,
    Captured,
    Customer,
    EffectClass,
    EffectRule,
    Found,
    LineItem,
    LineQuantity,
    Money,
    MoneyMoved,
    Order,
    Origin,
    OutcomeUnknown,
    Page,
    Payment,
    PaymentKind,
    PlatformStatus,
    PluginInfo,
    PluginKind,
    Refused,
    hookimpl,
)

KINDS = ("push_shipment", "cancel_order", "capture_payment", "void_payment", "set_hold", "release_hold", "write_note")


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of an account."""

    file: str


@hookimpl
def describe() -> PluginInfo:
    return PluginInfo(
        name="paper",
        kinds=(PluginKind.PLATFORM,),
        config=Config,
        effects={kind: EffectRule(vendor=EffectClass.NONE, deadline_s=5) for kind in KINDS},
    )


def world(ctx: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(ctx.account.config.file).read_text())
    return found


def happen(ctx: Any, kind: str, order: Order, change: Callable[[dict[str, Any]], None], **what: Any) -> Any:
    """One effect on an order of the file."""

    def reach(_key: str) -> dict[str, Any]:
        now = world(ctx)
        mood = now["moods"].pop(kind, "")
        Path(ctx.account.config.file).write_text(json.dumps(now))
        if mood == "refuse":
            raise Refused("the gateway says no", account=ctx.account.name, operation=kind)
        change(now["orders"][order.platform_id])
        now["happened"].append({"kind": kind, "order": order.platform_id, **what})
        Path(ctx.account.config.file).write_text(json.dumps(now))
        if mood == "cut":
            raise OutcomeUnknown("no answer came", account=ctx.account.name, operation=kind)
        return {"id": f"v{len(now['happened'])}"}

    return ctx.effect(kind, {"order": order.platform_id, **what}, reach)


def euros(minor: int) -> Money:
    return Money(minor=minor, currency="EUR")


def read(platform_id: str, said: dict[str, Any]) -> Order:
    at = datetime(2026, 11, 1, 8, 30, tzinfo=UTC)
    until = datetime.fromisoformat(said["until"]) if said.get("until") else None
    means = PlatformStatus.CANCELLED if said.get("cancelled") else PlatformStatus.OPEN
    total, captured, authorized = euros(said.get("total", 5000)), euros(said.get("captured", 0)), euros(said["authorized"])
    payment = Payment(
        id="t1",
        kind=PaymentKind.GATEWAY,
        gateway="card",
        due=total,
        authorized=authorized,
        captured=captured,
        refunded=euros(0),
        refund_pending=euros(0),
        disputed=euros(0),
        authorized_until=until,
    )
    person = Address(name="Ada", line1="12 Marker Street", city="London", postcode="W1A 1AA", country="GB")
    return Order(
        platform_id=platform_id,
        number=f"#{platform_id}",
        status=f"paper-{means}-{captured}",
        means=means,
        currency="EUR",
        placed_at=at,
        updated_at=at,
        lines=tuple(
            LineItem(id=line, quantity=quantity, unit_price=Decimal(25), total=euros(2500 * quantity), tax=euros(0))
            for line, quantity in said.get("lines", {"l1": 2}).items()
        ),
        discount=euros(0),
        tax=euros(0),
        total=total,
        payments=(payment,),
        customer=Customer(name="Ada", email="ada@example.com"),
        billing=person,
        shipping=person,
        origins=tuple(
            Origin(id=place, name=place.title(), lines=tuple(LineQuantity(line_id=one, quantity=n) for one, n in lines.items()))
            for place, lines in said.get("places", {}).items()
        ),
    )


@hookimpl
def fetch_order(ctx: Any, platform_id: str) -> Order | None:
    said = world(ctx)["orders"].get(platform_id)
    return read(platform_id, said) if said else None


@hookimpl
def poll_orders(ctx: Any, cursor: str) -> Page:
    orders = world(ctx)["orders"]
    return Page(orders=tuple(read(platform_id, said) for platform_id, said in orders.items()), next_cursor="all")


@hookimpl
def push_shipment(ctx: Any, order: Order, shipment: Any) -> None:
    lines = {line.line_id: line.quantity for line in shipment.lines}
    happen(ctx, "push_shipment", order, lambda _: None, origin=shipment.origin, lines=lines)


@hookimpl
def cancel_order(ctx: Any, order: Order, request: Any) -> Cancelled:
    happen(ctx, "cancel_order", order, lambda one: one.update(cancelled=True))
    return Cancelled(restocked=request.restock)


@hookimpl
def capture_payment(ctx: Any, order: Order, request: Any) -> Captured:
    def capture(one: dict[str, Any]) -> None:
        one["captured"] = one.get("captured", 0) + request.amount.minor

    answer = happen(ctx, "capture_payment", order, capture, minor=request.amount.minor, payment=request.payment_id)
    return Captured(money=MoneyMoved.MOVED, vendor_id=answer["id"])


@hookimpl
def void_payment(ctx: Any, order: Order, payment_id: str) -> bool:
    happen(ctx, "void_payment", order, lambda one: one.update(authorized=one.get("captured", 0)), payment=payment_id)
    return True


@hookimpl
def set_hold(ctx: Any, order: Order, hold: Any) -> bool:
    happen(ctx, "set_hold", order, lambda one: one.setdefault("held", []).append(hold.code), code=hold.code)
    return True


@hookimpl
def release_hold(ctx: Any, order: Order, hold: Any) -> bool:
    happen(ctx, "release_hold", order, lambda one: one.setdefault("held", []).remove(hold.code), code=hold.code)
    return True


@hookimpl
def write_note(ctx: Any, order: Order, note: Any) -> bool:
    happen(ctx, "write_note", order, lambda _: None)
    return True


@hookimpl
def find_effect(ctx: Any, effect: Any) -> Found:
    return CannotTell(text="Look into the file.")
