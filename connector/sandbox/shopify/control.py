"""The simulated shop's own HTTP API below /_sandbox.

    GET    /_sandbox                what there is: addresses, tokens, modes
    POST   /_sandbox/reset          a fresh shop, no faults
    POST   /_sandbox/settings       members of `store.Settings`; next_ids: {series: number}; bucket: {size, per_second};
                                    latency_ms; scopes: [...] of a new static token `token`
    POST   /_sandbox/seed           {stock: {sku: {location id: N}}, products: [{title, name, sku, price, grams, stock}]}
    POST   /_sandbox/fill           {orders: 100000, days, seed}: made when somebody looks
    POST   /_sandbox/checkout       a shopper buys (see `checkout.checkout`); gives order_id and name
    POST   /_sandbox/staff          work in the admin (see `staff.staff`)
    GET|POST|DELETE /_sandbox/faults    as of the simulated WooCommerce; a rule is searched in "/path OperationName"
    GET|POST /_sandbox/webhooks     {mode: "immediate" | "held" | "never", second_s, kick, settle_s, send: {topic, payload}}
    GET    /_sandbox/bucket         points spent since its limits were set, and how many could have been
    GET    /_sandbox/truth?since=N  everything that happened, per order and in order; orders=1,2 tells of those orders only

Wrong input is 400 with {"error": text}.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector.sandbox.faults import Rule
from connector.sandbox.shopify import events, seed
from connector.sandbox.shopify.account import told
from connector.sandbox.shopify.checkout import checkout as buy
from connector.sandbox.shopify.fill import fill
from connector.sandbox.shopify.problems import UserErrors
from connector.sandbox.shopify.staff import staff as work
from connector.sandbox.shopify.store import Settings
from connector.sandbox.wire import CONTROL, json_body
from connector.sandbox.woocommerce.rest import Answer, Request

if TYPE_CHECKING:
    from connector.sandbox.shopify.server import ShopifySandbox

Body = Mapping[str, Any]
OTHER_SETTINGS = frozenset({"next_ids", "bucket", "latency_ms", "token", "scopes"})


def respond(sandbox: ShopifySandbox, request: Request) -> Answer:
    """Answer one request of the control API."""
    name = request.path.removeprefix(CONTROL).strip("/")
    act = ACTIONS.get((request.method, name))
    if act is None:
        known = ", ".join(f"{method} {CONTROL}/{path}" for method, path in ACTIONS)
        return Answer(status=404, body={"error": f"no {request.method} {request.path}; there are {known}"})
    try:
        return Answer(body=act(sandbox, {**request.query, **json_body(request)}))
    except (ValueError, KeyError, TypeError, ArithmeticError, UserErrors) as error:
        return Answer(status=400, body={"error": f"{type(error).__name__}: {error}"})


def about(sandbox: ShopifySandbox, _given: Body) -> Any:
    return sandbox.about()


def reset(sandbox: ShopifySandbox, _given: Body) -> Any:
    sandbox.reset()
    return sandbox.about()


def settings(sandbox: ShopifySandbox, given: Body) -> Any:
    """`frozen`: ISO time with offset, or null to let the clock run again."""
    store = sandbox.store
    known = {field.name for field in fields(Settings)} | OTHER_SETTINGS
    if not set(given) <= known:
        raise ValueError(f"unknown settings {sorted(set(given) - known)}; there are {sorted(known)}")
    with store.lock:
        was_installed = store.settings.installed
        for name, value in given.items():
            if name not in OTHER_SETTINGS:
                setattr(store.settings, name, _setting(name, value))
        for series, first in (given.get("next_ids") or {}).items():
            store.start_ids(series, int(first))
        if was_installed and not store.settings.installed:
            events.uninstalled(store)
    if "bucket" in given:
        store.bucket.change(size=float(given["bucket"]["size"]), per_second=float(given["bucket"]["per_second"]))
    if "latency_ms" in given:
        sandbox.latency_ms = float(given["latency_ms"])
    if "token" in given:
        store.app.add_token(str(given["token"]), tuple(given.get("scopes") or store.app.scopes))
    return {"settings": sorted(given)}


def _setting(name: str, value: Any) -> Any:
    if name == "frozen" and value is not None:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("frozen needs a time zone, e.g. 2026-01-31T12:00:00+00:00")
        return moment
    if name == "rates":
        return {currency: Decimal(str(rate)) for currency, rate in value.items()}
    return float(value) if name.endswith("_s") else value


def seed_more(sandbox: ShopifySandbox, given: Body) -> Any:
    store = sandbox.store
    with store.lock:
        made = [_product(sandbox, one).id for one in given.get("products") or ()]
        for sku, places in (given.get("stock") or {}).items():
            variant = next(one for one in store.variants.values() if one.sku == sku)
            variant.stock = {int(place): int(pieces) for place, pieces in places.items()}
    return {"variants": made}


def _product(sandbox: ShopifySandbox, one: Body) -> Any:
    stock = {int(place): pieces for place, pieces in (one.get("stock") or {seed.MAIN: 100}).items()}
    return seed.add_variant(
        sandbox.store,
        title=str(one["title"]),
        name=str(one.get("name", "Default Title")),
        sku=str(one["sku"]),
        price=Decimal(str(one.get("price", "10.00"))),
        grams=int(one.get("grams", 100)),
        stock=stock,
    )


def checkout(sandbox: ShopifySandbox, given: Body) -> Any:
    with sandbox.store.lock:
        order = buy(sandbox.store, given)
        return {"order_id": str(order.id), "name": order.name}


def staff(sandbox: ShopifySandbox, given: Body) -> Any:
    with sandbox.store.lock:
        work(sandbox.store, given)
    return {"done": given["action"], "order_id": str(given["order_id"])}


def faults(sandbox: ShopifySandbox, _given: Body) -> Any:
    return {"faults": sandbox.faults.listed()}


def add_faults(sandbox: ShopifySandbox, given: Body) -> Any:
    for one in given.get("rules") or [given]:
        sandbox.faults.add(Rule.from_json(one))
    return faults(sandbox, given)


def clear_faults(sandbox: ShopifySandbox, given: Body) -> Any:
    sandbox.faults.clear()
    return faults(sandbox, given)


def webhooks(sandbox: ShopifySandbox, given: Body) -> Any:
    queue = sandbox.hooks
    second = float(given["second_s"]) if "second_s" in given else None
    queue.configure(mode=given.get("mode", queue.mode), second_s=second)
    if "send" in given:
        payload = dict(given["send"]["payload"])
        sandbox.store.on_event(str(given["send"]["topic"]), 0, lambda: payload)
    if given.get("kick"):
        queue.kick()
    settled = queue.settle(float(given["settle_s"])) if "settle_s" in given else None
    return {"mode": queue.mode, "waiting": queue.waiting(), "settled": settled}


def bucket(sandbox: ShopifySandbox, _given: Body) -> Any:
    return sandbox.store.bucket.told()


def fill_up(sandbox: ShopifySandbox, given: Body) -> Any:
    with sandbox.store.lock:
        days, start = float(given.get("days", 365)), int(given.get("seed", 1))
        first, last = fill(sandbox.store, int(given["orders"]), days=days, seed=start)
    return {"first": str(first), "last": str(last)}


def tell(sandbox: ShopifySandbox, given: Body) -> Any:
    """`orders`: numbers with commas between them; without it all, with an empty one none."""
    named = [int(number) for number in str(given.get("orders", "")).split(",") if number]
    return told(sandbox.store, since=int(given.get("since", 0)), only=named if "orders" in given else None)


ACTIONS: Mapping[tuple[str, str], Callable[[ShopifySandbox, Body], Any]] = {
    ("GET", ""): about,
    ("POST", "reset"): reset,
    ("POST", "settings"): settings,
    ("POST", "seed"): seed_more,
    ("POST", "checkout"): checkout,
    ("POST", "staff"): staff,
    ("GET", "faults"): faults,
    ("POST", "faults"): add_faults,
    ("DELETE", "faults"): clear_faults,
    ("GET", "webhooks"): webhooks,
    ("POST", "webhooks"): webhooks,
    ("POST", "fill"): fill_up,
    ("GET", "bucket"): bucket,
    ("GET", "truth"): tell,
}
