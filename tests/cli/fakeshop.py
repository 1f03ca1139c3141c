"""A platform and a mail server that live in one JSON file. The tests copy this file into a folder of plugins.

The file holds `orders` (what `order` below wants), `happened` (every effect that reached it) and `moods`: what it says to an
effect of a kind ("refuse", "later", "cut": does it and loses the answer), to "poll" ("down", "bug"), "check" ("down", "wrong"),
"export" ("down").
"""

import json
import socket
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import msgspec

from connector import (
    Address,
    BadPayload,
    Cancelled,
    Check,
    CheckResult,
    Customer,
    EffectClass,
    EffectRule,
    LineItem,
    Money,
    MoneyMoved,
    News,
    NewsKind,
    Order,
    Page,
    Payment,
    PaymentKind,
    PlatformStatus,
    PluginInfo,
    PluginKind,
    Refunded,
    Refused,
    Sent,
    TryLater,
    hookimpl,
)

KINDS = ("push_shipment", "push_status", "cancel_order", "refund_payment", "write_note", "notify", "erase_customer")


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of an account of the fake shop."""

    url: Annotated[
        str,
        msgspec.Meta(
            description="The file that the shop is, beside the configuration, as file://NAME.", pattern="^(https|file)://"
        ),
    ]
    token: Annotated[str, msgspec.Meta(description="Anything.", extra={"secret": True}, min_length=1)]
    webhook_secret: Annotated[str, msgspec.Meta(description="Anything else.", extra={"secret": True})] = ""


@hookimpl
def describe() -> PluginInfo:
    return PluginInfo(
        name="fakeshop",
        kinds=(PluginKind.PLATFORM, PluginKind.MAIL),
        summary="A shop and a mail server in a file.",
        config=Config,
        effects={kind: EffectRule(vendor=EffectClass.NONE, deadline_s=5) for kind in KINDS},
    )


def file(ctx: Any) -> Path:
    return Path(__file__).parent.parent / ctx.account.config.url.removeprefix("file://")


def world(ctx: Any) -> dict[str, Any]:
    return json.loads(file(ctx).read_text())


def happen(ctx: Any, kind: str, what: dict[str, Any]) -> Any:
    """One effect: what the shop does, and what it says to that."""

    def reach(key: str) -> dict[str, Any]:
        now = world(ctx)
        mood = now["moods"].get(kind)
        if mood == "refuse":
            raise Refused("the gateway says no", account=ctx.account.name, operation=kind)
        if mood == "later":
            raise TryLater("the shop is being mended", account=ctx.account.name, operation=kind, after_s=0)
        now["happened"].append({"kind": kind, **what})
        file(ctx).write_text(json.dumps(now))
        if mood == "cut":
            cut(ctx)
        return {"id": f"v{len(now['happened'])}"}

    return ctx.effect(kind, what, reach)


def cut(ctx: Any) -> None:
    """Something leaves, and no answer comes. Raises OutcomeUnknown, as the door does then."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            line, _ = server.accept()
            line.recv(100)
            line.close()

        threading.Thread(target=hang_up, daemon=True).start()
        ctx.http.post(f"http://127.0.0.1:{server.getsockname()[1]}/")


# --- orders -----------------------------------------------------------------------------------------------------------


def order(said: dict[str, Any], happened: list[dict[str, Any]]) -> Order:
    currency, minor = said.get("currency", "USD"), said.get("minor", 2700)
    money = lambda amount: Money(minor=amount, currency=currency)  # noqa: E731
    at = datetime(2026, 11, 1, 8, 30, tzinfo=UTC) + timedelta(minutes=int(said["id"]))
    paid = money(minor if said.get("paid", True) else 0)
    mine = [one for one in happened if one.get("order") == said["id"]]
    status = next((one["status"] for one in reversed(mine) if one["kind"] == "push_status"), PlatformStatus.OPEN)
    if any(one["kind"] == "cancel_order" for one in mine):
        status = PlatformStatus.CANCELLED
    person = said.get("person", "Ada Lovelace")
    return Order(
        platform_id=said["id"],
        number=said.get("number", f"#{said['id']}"),
        status=f"fake-{status}",
        means=PlatformStatus(status),
        currency=currency,
        placed_at=at,
        updated_at=at,
        lines=(
            LineItem(
                id="1",
                sku="MUG",
                name="Mug",
                quantity=2,
                unit_price=Decimal("12.50"),
                total=money(minor - 200),
                tax=money(200),
                personal=(("engraving", "for Charles"),),
            ),
        ),
        discount=money(0),
        tax=money(200),
        total=money(minor),
        payments=(
            Payment(
                id="p",
                kind=PaymentKind.GATEWAY,
                gateway="card",
                title="Credit card",
                due=money(minor),
                authorized=money(0),
                captured=paid,
                refunded=money(0),
                refund_pending=money(0),
                disputed=money(0),
            ),
        ),
        customer=Customer(name=person, email="ada@example.com", phone="+44 20 7946 0000"),
        billing=Address(name=person, line1="12 Marker Street", city="London", postcode="W1A 1AA", country="GB"),
        shipping=Address(name=person, line1="12 Marker Street", city="London", postcode="W1A 1AA", country="GB"),
        customer_note=said.get("note", ""),
    )


@hookimpl
def fetch_order(ctx: Any, platform_id: str) -> Order | None:
    now = world(ctx)
    return next((order(one, now["happened"]) for one in now["orders"] if one["id"] == platform_id), None)


@hookimpl
def poll_orders(ctx: Any, cursor: str) -> Page:
    now = world(ctx)
    if now["moods"].get("poll") == "down":
        raise TryLater("nobody answers", account=ctx.account.name, operation="read orders")
    if now["moods"].get("poll") == "bug":
        raise ZeroDivisionError("ada@example.com")
    return Page(orders=tuple(order(one, now["happened"]) for one in now["orders"]), next_cursor=cursor or "begun")


@hookimpl
def import_orders(ctx: Any, cursor: str) -> Page:
    """Two at a time; the cursor is how many came before."""
    now = world(ctx)
    start = int(cursor) if cursor.isdecimal() else 0
    if start and now["moods"].get("import") == "down":
        raise TryLater("nobody answers", account=ctx.account.name, operation="read orders")
    some = now["orders"][start : start + 2]
    more = start + 2 < len(now["orders"])
    return Page(orders=tuple(order(one, now["happened"]) for one in some), next_cursor=str(start + 2), more=more)


@hookimpl
def verify_webhook(ctx: Any, delivery: Any) -> bool:
    return True


@hookimpl
def parse_webhook(ctx: Any, delivery: Any) -> list[News]:
    try:
        return [News(platform_id=str(json.loads(delivery.body)["id"]), kind=NewsKind.ORDER)]
    except (ValueError, KeyError):
        raise BadPayload("this is no order") from None


@hookimpl
def check_account(ctx: Any) -> list[Check]:
    mood = world(ctx)["moods"].get("check")
    if mood == "down":
        raise TryLater("nobody answers", account=ctx.account.name)
    if mood == "wrong":
        return [Check(name="key", result=CheckResult.FAILED, text="The key may not write.", fix="Make a new key.")]
    return [Check(name="key", result=CheckResult.OK, text="The key may read and write.")]


# --- effects ----------------------------------------------------------------------------------------------------------


@hookimpl
def push_shipment(ctx: Any, order: Order, shipment: Any) -> None:
    happen(ctx, "push_shipment", {"order": order.platform_id, "id": shipment.id})


@hookimpl
def push_status(ctx: Any, order: Order, change: Any) -> None:
    happen(ctx, "push_status", {"order": order.platform_id, "status": change.status})


@hookimpl
def write_note(ctx: Any, order: Order, note: Any) -> bool:
    happen(ctx, "write_note", {"order": order.platform_id, "text": note.text})
    return True


@hookimpl
def cancel_order(ctx: Any, order: Order, request: Any) -> Cancelled:
    answer = happen(ctx, "cancel_order", {"order": order.platform_id, "id": request.id})
    return Cancelled(restocked=True, vendor_id=answer["id"])


@hookimpl
def refund_payment(ctx: Any, order: Order, request: Any) -> Refunded:
    asked = {"order": order.platform_id, "id": request.id, "amount": str(request.amount)}
    answer = happen(ctx, "refund_payment", asked)
    return Refunded(money=MoneyMoved.MOVED, recorded=True, restocked=False, vendor_id=answer["id"])


@hookimpl
def notify(ctx: Any, message: Any) -> Sent:
    duty = f"{message.duty.id}#{message.again}" if message.again else message.duty.id
    answer = happen(ctx, "notify", {"order": message.order.platform_id, "duty": duty})
    return Sent(vendor_id=answer["id"])


# --- people -----------------------------------------------------------------------------------------------------------


@hookimpl
def export_customer(ctx: Any, email: str) -> dict[str, Any]:
    now = world(ctx)
    if now["moods"].get("export") == "down":
        raise TryLater("nobody answers", account=ctx.account.name, operation="give out a customer")
    return {"email": email} if now["orders"] else {}


@hookimpl
def erase_customer(ctx: Any, email: str) -> list[str]:
    happen(ctx, "erase_customer", {"customer": "somebody"})
    return ["The customer was erased."]
