"""The sandbox's own HTTP API below /_sandbox: it moves people, faults and clocks, and tells what really happened.

    GET    /_sandbox                what there is: addresses, keys, modes
    POST   /_sandbox/reset          a fresh store, empty mailbox, no faults
    POST   /_sandbox/settings       {timezone, name, frozen, clock_shift_s, race_window_s, next_id, features: [...],
                                    statuses: {slug: name}, hold_stock_minutes}
    POST   /_sandbox/seed           {orders: N, checkout: {…}, products: [{name, sku, price, stock}], stock: {sku: N}}
    POST   /_sandbox/gateway        {id: "fakepay", delay_s, decline: "" | "error" | "false"}
    POST   /_sandbox/fill           {orders: 100000, days, shares: {status: weight}, seed}: rows made at once
    POST   /_sandbox/checkout       a shopper buys (see `woocommerce.shop.checkout`); gives order_id and status
    POST   /_sandbox/staff          staff work in wp-admin (see `woocommerce.staff.staff`)
    GET|POST|DELETE /_sandbox/faults    the rules in force | one rule or {"rules": […]} | forget all
    GET|POST /_sandbox/webhooks     {mode: "immediate" | "natural" | "visits" | "never", interval_s, second_s, kick, settle_s}
    POST   /_sandbox/cron           WP-Cron runs once: unpaid orders are cancelled, webhooks leave
    GET|POST /_sandbox/pace         {pace: "fast" | "recorded"}; tells what was served and what could have been
    GET    /_sandbox/truth?since=N  everything that happened, per order and in order; orders=1,2 tells of those orders only
    GET|DELETE /_sandbox/mail       the mailbox

Wrong input is 400 with {"error": text}.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connector.sandbox.account import told
from connector.sandbox.faults import Rule
from connector.sandbox.wire import CONTROL, json_body
from connector.sandbox.woocommerce import products, shop
from connector.sandbox.woocommerce.fill import fill
from connector.sandbox.woocommerce.rest import Answer, Request, RestError
from connector.sandbox.woocommerce.store import FEATURES, Settings

if TYPE_CHECKING:
    from connector.sandbox.server import Sandbox

Body = Mapping[str, Any]


def respond(sandbox: Sandbox, request: Request) -> Answer:
    """Answer one request of the control API."""
    name = request.path.removeprefix(CONTROL).strip("/")
    act = ACTIONS.get((request.method, name))
    if act is None:
        known = ", ".join(f"{method} {CONTROL}/{path}" for method, path in ACTIONS)
        return Answer(status=404, body={"error": f"no {request.method} {request.path}; there are {known}"})
    try:
        return Answer(body=act(sandbox, {**request.query, **json_body(request)}))
    except RestError as error:
        return Answer(status=error.status, body=error.body())
    except (ValueError, KeyError, TypeError) as error:
        return Answer(status=400, body={"error": f"{type(error).__name__}: {error}"})


def about(sandbox: Sandbox, _given: Body) -> Any:
    return sandbox.about()


def reset(sandbox: Sandbox, _given: Body) -> Any:
    sandbox.reset()
    return sandbox.about()


def settings(sandbox: Sandbox, given: Body) -> Any:
    """`frozen`: ISO time with offset, or null to let the clock run again."""
    store = sandbox.store
    known = {field.name for field in fields(Settings)} | {"next_id"}
    if not set(given) <= known:
        raise ValueError(f"unknown settings {sorted(set(given) - known)}; there are {sorted(known)}")
    with store.lock:
        for name, value in given.items():
            if name == "next_id":
                store.start_ids("post", int(value))
            else:
                setattr(store.settings, name, _setting(name, value))
    return {"settings": sorted(given)}


def _setting(name: str, value: Any) -> Any:
    if name == "features":
        wrong = sorted(set(value) - set(FEATURES))
        if wrong:
            raise ValueError(f"no features {wrong}; there are {', '.join(FEATURES)}")
        return frozenset(value)
    if name == "frozen" and value is not None:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("frozen needs a time zone, e.g. 2026-01-31T12:00:00+00:00")
        return moment
    if name == "statuses":
        return {str(slug).removeprefix("wc-"): str(label) for slug, label in dict(value).items()}
    return float(value) if name.endswith("_s") else value


def seed(sandbox: Sandbox, given: Body) -> Any:
    store = sandbox.store
    with store.lock:
        added = [products.add(store, wanted).id for wanted in given.get("products") or []]
        for sku, quantity in (given.get("stock") or {}).items():
            product = next(one for one in store.products.values() if one.sku == sku)
            product.stock = quantity
        bought = [shop.checkout(store, given.get("checkout") or {}).id for _ in range(int(given.get("orders", 0)))]
    sandbox.deliveries.request_ended()
    return {"products": added, "orders": bought}


def gateway(sandbox: Sandbox, given: Body) -> Any:
    one = sandbox.store.gateways[str(given.get("id", "fakepay"))]
    one.delay_s = float(given.get("delay_s", one.delay_s))
    one.decline = str(given.get("decline", one.decline))
    return {"id": one.id, "delay_s": one.delay_s, "decline": one.decline}


def checkout(sandbox: Sandbox, given: Body) -> Any:
    with sandbox.store.lock:
        order = shop.checkout(sandbox.store, given)
    sandbox.deliveries.request_ended()
    return {"order_id": order.id, "status": order.status, "order_key": order.key}


def staff(sandbox: Sandbox, given: Body) -> Any:
    shop.staff(sandbox.store, given)
    sandbox.deliveries.request_ended()
    return {"done": given["action"], "order_id": given["order_id"]}


def faults(sandbox: Sandbox, _given: Body) -> Any:
    return {"faults": sandbox.faults.listed()}


def add_faults(sandbox: Sandbox, given: Body) -> Any:
    rules = [Rule.from_json(one) for one in given.get("rules") or [given]]
    for rule in rules:
        sandbox.faults.add(rule)
    return faults(sandbox, given)


def clear_faults(sandbox: Sandbox, given: Body) -> Any:
    sandbox.faults.clear()
    return faults(sandbox, given)


def webhooks(sandbox: Sandbox, given: Body) -> Any:
    queue = sandbox.deliveries
    if {"mode", "interval_s", "second_s"} & given.keys():
        queue.configure(
            mode=given.get("mode", queue.mode),
            interval_s=given.get("interval_s", queue.interval_s),
            second_s=float(given.get("second_s", queue.second_s)),
        )
    if given.get("kick"):
        queue.kick()
    settled = queue.settle(float(given["settle_s"])) if "settle_s" in given else None
    return {"mode": queue.mode, "interval_s": queue.interval_s, "waiting": queue.waiting(), "settled": settled}


def run_cron(sandbox: Sandbox, _given: Body) -> Any:
    """Gives the orders that were cancelled because nobody paid."""
    return {"cancelled": sandbox.cron()}


def pace(sandbox: Sandbox, given: Body) -> Any:
    if "pace" in given:
        sandbox.pace.choose(str(given["pace"]))
    return sandbox.pace.told()


def fill_up(sandbox: Sandbox, given: Body) -> Any:
    with sandbox.store.lock:
        first, last = fill(
            sandbox.store,
            int(given["orders"]),
            days=float(given.get("days", 365)),
            shares=given.get("shares"),
            seed=int(given.get("seed", 1)),
        )
    return {"first": first, "last": last}


def tell(sandbox: Sandbox, given: Body) -> Any:
    """`orders`: numbers with commas between them; without it all, with an empty one none."""
    named = [int(number) for number in str(given.get("orders", "")).split(",") if number]
    only = named if "orders" in given else None
    return {**told(sandbox.store, since=int(given.get("since", 0)), only=only), "pace": sandbox.pace.told()}


def mail(sandbox: Sandbox, _given: Body) -> Any:
    return {"messages": [message.to_json() for message in sandbox.mailbox.messages]}


def clear_mail(sandbox: Sandbox, given: Body) -> Any:
    sandbox.mailbox.clear()
    return mail(sandbox, given)


ACTIONS: Mapping[tuple[str, str], Callable[[Sandbox, Body], Any]] = {
    ("GET", ""): about,
    ("POST", "reset"): reset,
    ("POST", "settings"): settings,
    ("POST", "seed"): seed,
    ("POST", "gateway"): gateway,
    ("POST", "checkout"): checkout,
    ("POST", "staff"): staff,
    ("GET", "faults"): faults,
    ("POST", "faults"): add_faults,
    ("DELETE", "faults"): clear_faults,
    ("GET", "webhooks"): webhooks,
    ("POST", "webhooks"): webhooks,
    ("POST", "cron"): run_cron,
    ("GET", "pace"): pace,
    ("POST", "pace"): pace,
    ("POST", "fill"): fill_up,
    ("GET", "truth"): tell,
    ("GET", "mail"): mail,
    ("DELETE", "mail"): clear_mail,
}
