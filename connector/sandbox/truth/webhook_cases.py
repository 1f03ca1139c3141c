"""Recording 09: what fires which webhook, with which body, and what failing receivers lead to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connector.sandbox.deliveries import signature
from connector.sandbox.truth.cases import UNPAID, outcome, send
from connector.sandbox.truth.client import Client
from connector.sandbox.truth.compare import Difference
from connector.sandbox.truth.outcome import Outcome, judged
from connector.sandbox.truth.receiver import Received, Receiver
from connector.sandbox.truth.replay import Replay, load

Row = Mapping[str, Any]
HOOKS = "/wp-json/wc/v3/webhooks"
IN_ALL_DELIVERIES = frozenset({"Host", "X-WC-Webhook-Source", "X-WC-Webhook-Signature", "X-WC-Webhook-Delivery-ID"})


def run_queue(client: Client) -> None:
    """The recorder ran the queue by hand after every step."""
    client.control("POST", "webhooks", {"kick": True, "settle_s": 20})


def hook(client: Client, topic: str, *, url: str) -> int:
    body = {"name": f"rec {topic}", "topic": topic, "delivery_url": url, "secret": "s"}
    number: int = client.call({"method": "POST", "path": HOOKS, "body": body, "key": "rw"}).json()["id"]
    return number


class Steps:
    """The recorded steps by name; `number` is the order they are about."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.number = 0

    def act(self, step: str) -> None:
        actions = {
            "POST /orders (paid)": self._pay,
            "POST /orders pending (unpaid)": lambda: self._new(UNPAID),
            "POST the rest of the refund (status goes to refunded)": lambda: self._refund("22.22"),
            "POST partial refund": lambda: self._refund("10.00"),
            "DELETE a refund": self._drop_refund,
            "restore from the bin in wp-admin": self._restore,
            "POST /orders, then on-hold, processing, completed, cancelled before the queue runs": self._many,
            "shopper checkout (Store API, COD)": lambda: self.client.control("POST", "checkout", {"payment_method": "cod"}),
            "POST /orders/batch create 2, update 1": self._batch,
        }
        if step in actions:
            actions[step]()
        elif step.startswith("POST /orders that fails"):
            send(self.client, "POST", "", {**UNPAID, "coupon_lines": [{"code": "NOPE"}]})
        elif step.startswith("action."):
            self._pay()
        else:
            self._on_order(step)

    def _on_order(self, step: str) -> None:
        path = f"/{self.number}"
        calls: dict[str, Callable[[], Any]] = {
            "PUT status completed": lambda: send(self.client, "PUT", path, {"status": "completed"}),
            "PUT same status again": lambda: send(self.client, "PUT", path, {"status": "completed"}),
            "PUT meta_data only": lambda: send(self.client, "PUT", path, {"meta_data": [{"key": "k", "value": "v"}]}),
            "PUT empty body": lambda: send(self.client, "PUT", path, {}),
            "POST private note": lambda: send(self.client, "POST", f"{path}/notes", {"note": "n"}),
            "POST customer note": lambda: send(self.client, "POST", f"{path}/notes", {"note": "n", "customer_note": True}),
            "GET order": lambda: send(self.client, "GET", path),
            "DELETE (trash)": lambda: send(self.client, "DELETE", path),
            "PUT status of a trashed order (restore?)": lambda: send(self.client, "PUT", path, {"status": "processing"}),
            "DELETE force=true": lambda: send(self.client, "DELETE", path, force="true"),
        }
        calls[step]()

    def _new(self, body: Row) -> None:
        self.number = send(self.client, "POST", "", dict(body))["id"]

    def _pay(self) -> None:
        self._new({**UNPAID, "set_paid": True, "customer_note": 'Üñï ✓ "q" / slash'})

    def _refund(self, amount: str) -> None:
        send(self.client, "POST", f"/{self.number}/refunds", {"amount": amount})

    def _drop_refund(self) -> None:
        row = send(self.client, "GET", f"/{self.number}/refunds")[0]
        send(self.client, "DELETE", f"/{self.number}/refunds/{row['id']}", force="true")

    def _restore(self) -> None:
        """The order was brought back by PUT before; into the bin again, without its delivery, and out."""
        self.client.control("POST", "staff", {"order_id": self.number, "action": "bin"})
        run_queue(self.client)
        self.client.control("POST", "staff", {"order_id": self.number, "action": "restore"})

    def _many(self) -> None:
        self._new(UNPAID)
        for status in ("on-hold", "processing", "completed", "cancelled"):
            send(self.client, "PUT", f"/{self.number}", {"status": status})

    def _batch(self) -> None:
        body = {"create": [{**UNPAID, "set_paid": True}] * 2, "update": [{"id": self.number, "status": "completed"}]}
        send(self.client, "POST", "/batch", body)


def deliveries(replay: Replay, receiver: Receiver, *, recorded: list[Row], secret: str) -> Iterator[Outcome]:
    """Which step is delivered as what, by the webhooks that exist already."""
    client = replay.client
    client.control("POST", "webhooks", {"mode": "natural", "interval_s": None})
    steps = Steps(client)
    for step in recorded:
        name = step["step"]
        receiver.taken()
        steps.act(name)
        if name.startswith("restore"):
            receiver.taken()
        run_queue(client)
        sent = [one for one in receiver.taken() if not one.is_ping]
        yield judged("09", f"deliveries: {name}", _step_differences(step, sent, secret))


def _step_differences(step: Row, sent: list[Received], secret: str) -> Iterator[Difference]:
    wanted = sorted(_summary(one) for one in step["deliveries"])
    found = sorted(_found_summary(one) for one in sent)
    if wanted != found:
        yield Difference(path="deliveries", recorded=wanted, found=found)
    unsigned = [one.path for one in sent if one.headers["X-WC-Webhook-Signature"] != signature(one.body, secret)]
    if unsigned:
        yield Difference(path="signature", recorded="of the raw body", found=unsigned)
    for recorded in (one for one in step["deliveries"] if "raw_body" in one):
        yield from _raw_differences(recorded, sent)


def _raw_differences(recorded: Row, sent: list[Received]) -> Iterator[Difference]:
    """The exact form: headers by name and value, members of the body in their order."""
    topic = recorded["headers"]["X-WC-Webhook-Topic"]
    twin = next((one for one in sent if one.headers["X-WC-Webhook-Topic"] == topic), None)
    if twin is None:
        yield Difference(path=topic, recorded="delivered", found="not delivered")
        return
    names = [name for name in recorded["headers"] if name not in IN_ALL_DELIVERIES | {"Content-Length", "X-WC-Webhook-ID"}]
    for name in names:
        if recorded["headers"][name] != twin.headers.get(name):
            yield Difference(path=f"{topic} {name}", recorded=recorded["headers"][name], found=twin.headers.get(name))
    missing = set(recorded["headers"]) - set(twin.headers)
    if missing:
        yield Difference(path=f"{topic} headers", recorded=sorted(missing), found="missing")
    fields, found = list(json.loads(recorded["raw_body"])), list(json.loads(twin.body))
    if not topic.startswith("product.") and fields != found:
        yield Difference(path=f"{topic} body", recorded=fields, found=found)
    if topic.startswith("product.") and not set(fields) <= set(found):
        yield Difference(path=f"{topic} body", recorded=sorted(set(fields) - set(found)), found="missing")


def _summary(recorded: Row) -> str:
    if "topic" in recorded:
        return _line(recorded["topic"], recorded["resource_id"])
    return _line(recorded["headers"]["X-WC-Webhook-Topic"], json.loads(recorded["raw_body"]))


def _found_summary(received: Received) -> str:
    return _line(received.headers["X-WC-Webhook-Topic"], json.loads(received.body))


def _line(topic: str, body: Row) -> str:
    state = f"{body.get('status')} {body.get('total')}" if topic.startswith("order.") else str(body.get("action"))
    return f"{topic} {state}"


def failures(replay: Replay, receiver: Receiver) -> Iterator[Outcome]:
    """Which answers count as failures, when a webhook is switched off, and when it is pinged again."""
    client, recording = replay.client, load(replay.folder, "09")
    client.control("POST", "webhooks", {"mode": "natural", "interval_s": None})
    for case in recording["failures"]:
        client.control("POST", "reset")
        client.control("POST", "webhooks", {"mode": "natural", "interval_s": None})
        receiver.taken()
        order = send(client, "POST", "", UNPAID)["id"]
        number = hook(client, "order.updated", url=receiver.url(f"/{case['receiver_answers']}"))
        found: dict[str, Any] = {"pings_at_creation": len(receiver.taken()), "history": []}
        for event in case["history"]:
            found["history"].append(_event(client, receiver, event, order=order, number=number))
        wanted = {"pings_at_creation": case["pings_at_creation"], "history": case["history"]}
        yield outcome("09", f"receiver answers {case['receiver_answers']}", recorded=wanted, found=found)


def _event(client: Client, receiver: Receiver, event: Row, *, order: int, number: int) -> dict[str, Any]:
    found: dict[str, Any] = {"event": event["event"]}
    if "http" in event:
        request = {"method": "PUT", "path": f"{HOOKS}/{number}", "body": {"status": "active"}, "key": "rw"}
        found["http"] = client.call(request).status_code
    else:
        send(client, "PUT", f"/{order}", {"customer_note": "again"})
        run_queue(client)
    came = receiver.taken()
    found["deliveries"] = sum(not one.is_ping for one in came)
    found["pings"] = sum(one.is_ping and one.path != "/landing" for one in came)
    found["redirect_followed"] = any(one.path == "/landing" and not one.is_ping for one in came)
    shown = client.call({"method": "GET", "path": f"{HOOKS}/{number}", "key": "rw"}).json()
    found["webhook_status_after"] = shown["status"]
    return {key: found[key] for key in event if key in found}
