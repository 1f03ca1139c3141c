"""Webhooks of the simulated store: signatures, faults, queue modes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connector.sandbox.deliveries import delivery_id, signature
from connector.sandbox.truth.client import Client
from connector.sandbox.truth.receiver import Received, Receiver
from connector.sandbox.woocommerce.php import php_json
from connector.sandbox.woocommerce.store import Store
from connector.sandbox.woocommerce.webhooks import create

HOOKS = "/wp-json/wc/v3/webhooks"


def subscribe(client: Client, receiver: Receiver, *topics: str) -> None:
    for topic in topics:
        body = {"topic": topic, "delivery_url": receiver.url("/ok"), "secret": "s3cret"}
        answer = client.call({"method": "POST", "path": HOOKS, "body": body, "key": "rw"})
        assert answer.status_code == 201
    receiver.taken()


def checkout(client: Client, **wanted: Any) -> int:
    number: int = client.control("POST", "checkout", wanted)["order_id"]
    return number


def settle(client: Client, **wanted: Any) -> None:
    assert client.control("POST", "webhooks", {"settle_s": 10, **wanted})["settled"]


def seen(received: list[Received]) -> list[tuple[str, int]]:
    return [(one.headers["X-WC-Webhook-Topic"], json.loads(one.body)["id"]) for one in received]


def test_signatures_equal_the_recorded_ones(woocommerce: Path) -> None:
    """Over the exact raw bodies of a real store, with its secret, the signature is exactly the recorded one."""
    recording = json.loads((woocommerce / "09_webhooks.json").read_text(encoding="utf-8"))
    raw = [one for step in recording["deliveries"] for one in step["deliveries"] if "raw_body" in one]
    assert len(raw) >= 5
    for one in raw:
        made = signature(one["raw_body"].encode(), recording["secret"])
        assert made == one["headers"]["X-WC-Webhook-Signature"]


def test_json_is_written_byte_for_byte_as_php_writes_it(woocommerce: Path) -> None:
    """Reading a recorded raw body and writing it again gives the same bytes: escapes, slashes, spaces."""
    recording = json.loads((woocommerce / "09_webhooks.json").read_text(encoding="utf-8"))
    raw = [one["raw_body"] for step in recording["deliveries"] for one in step["deliveries"] if "raw_body" in one]
    for body in raw:
        assert php_json(json.loads(body)) == body.encode()


def test_a_paid_order_is_delivered_signed_as_created_and_updated(client: Client, receiver: Receiver) -> None:
    """Immediate mode: both deliveries arrive, each signed over its bytes, and the truth tells the answer."""
    subscribe(client, receiver, "order.created", "order.updated")
    number = checkout(client)
    settle(client)
    received = receiver.taken()
    assert sorted(seen(received)) == [("order.created", number), ("order.updated", number)]
    assert all(one.headers["X-WC-Webhook-Signature"] == signature(one.body, "s3cret") for one in received)
    told = client.control("GET", "truth")["events"]["deliveries"]
    assert [(row["kind"], row["status"]) for row in told] == [("ping", 200)] * 2 + [("delivery", 200)] * 2


def test_the_payload_is_built_when_it_is_sent(client: Client, receiver: Receiver) -> None:
    """Natural mode: nothing leaves before the queue runs, what waits is not queued twice, and the news is the newest."""
    client.control("POST", "webhooks", {"mode": "natural"})
    subscribe(client, receiver, "order.updated")
    number = checkout(client)
    for status in ("completed", "cancelled"):
        client.control("POST", "staff", {"order_id": number, "action": "status", "status": status})
    settle(client)
    assert receiver.taken() == []
    assert client.control("GET", "webhooks")["waiting"] == [{"webhook_id": 1, "topic": "order.updated", "id": number}]
    settle(client, kick=True)
    (delivery,) = receiver.taken()
    assert json.loads(delivery.body)["status"] == "cancelled"


def test_natural_mode_with_an_interval_runs_by_itself(client: Client, receiver: Receiver) -> None:
    """With an interval the queue needs no kick."""
    client.control("POST", "webhooks", {"mode": "natural", "interval_s": 0.05})
    subscribe(client, receiver, "order.created")
    number = checkout(client)
    assert receiver.wait()
    assert seen(receiver.taken()) == [("order.created", number)]


@pytest.mark.parametrize(("kind", "times"), [("duplicate", 2), ("lost", 0)])
def test_a_delivery_is_doubled_or_lost(client: Client, receiver: Receiver, kind: str, times: int) -> None:
    """`duplicate` arrives twice, with the same bytes and the same delivery id; `lost` never, and is never repeated."""
    subscribe(client, receiver, "order.created")
    client.control("POST", "faults", {"where": "webhook", "kind": kind})
    checkout(client)
    settle(client)
    received = receiver.taken()
    assert len(received) == times
    assert len({(one.body, one.headers["X-WC-Webhook-Delivery-ID"]) for one in received}) == min(times, 1)
    told = [row for row in client.control("GET", "truth")["events"]["deliveries"] if row["kind"] == "delivery"]
    assert [row["fault"] for row in told] == [kind] * max(times, 1)


def test_late_news_is_old_news(client: Client, receiver: Receiver) -> None:
    """`late`: the payload of then arrives after the one of now."""
    subscribe(client, receiver, "order.updated")
    client.control("POST", "faults", {"where": "webhook", "kind": "late", "seconds": 0.4})
    number = checkout(client)
    settle(client)
    client.control("POST", "staff", {"order_id": number, "action": "status", "status": "completed"})
    settle(client)
    assert [json.loads(one.body)["status"] for one in receiver.taken()] == ["completed"]
    assert receiver.wait()
    assert [json.loads(one.body)["status"] for one in receiver.taken()] == ["processing"]


def test_reordered_arrives_after_the_next_one(client: Client, receiver: Receiver) -> None:
    """`reordered`: the delivery is overtaken by the next one."""
    client.control("POST", "webhooks", {"mode": "natural"})
    subscribe(client, receiver, "order.created")
    client.control("POST", "faults", {"where": "webhook", "kind": "reordered"})
    first, second, third = (checkout(client) for _ in range(3))
    settle(client, kick=True)
    assert [number for _, number in seen(receiver.taken())] == [second, first, third]


def test_a_rule_can_pick_a_topic(client: Client, receiver: Receiver) -> None:
    """A webhook rule matches the topic: only order.created is lost."""
    subscribe(client, receiver, "order.created", "order.updated")
    client.control("POST", "faults", {"where": "webhook", "kind": "lost", "match": "created$"})
    number = checkout(client)
    settle(client)
    assert seen(receiver.taken()) == [("order.updated", number)]


def test_a_webhook_of_a_dead_receiver_is_disabled_at_the_seventh_failure(client: Client) -> None:
    """Nobody listens: seven failed deliveries in a row switch the webhook off; nothing is repeated."""
    body = {"topic": "order.created", "delivery_url": "http://127.0.0.1:9/closed", "secret": "s"}
    client.call({"method": "POST", "path": HOOKS, "body": body, "key": "rw"})
    states = []
    for _ in range(8):
        checkout(client)
        settle(client)
        states.append(client.call({"method": "GET", "path": f"{HOOKS}/1", "key": "rw"}).json()["status"])
    assert states == ["active"] * 6 + ["disabled"] * 2
    told = client.control("GET", "truth")["events"]["deliveries"]
    assert sum(row["kind"] == "delivery" for row in told) == 7


def test_delivery_ids_repeat_within_a_second() -> None:
    """As recorded: the same webhook in the same second has the same id; another webhook or second has not."""
    store = Store()
    one, other = (create(store, {"topic": "order.created", "delivery_url": "http://x"}) for _ in range(2))
    assert delivery_id(one, 5) == delivery_id(one, 5)
    assert len({delivery_id(one, 5), delivery_id(one, 6), delivery_id(other, 5)}) == 3


def test_without_a_secret_a_random_one_is_used() -> None:
    """Nobody can verify such deliveries: the secret is neither empty nor known."""
    store = Store()
    secrets = {create(store, {"topic": "order.created", "delivery_url": "http://x"}).secret for _ in range(3)}
    assert len(secrets) == 3
    assert all(len(secret) >= 40 for secret in secrets)


def front_page(client: Client) -> None:
    assert client.session.get(f"{client.url}/", timeout=5).status_code == 200


def test_a_store_without_visitors_never_delivers(client: Client, receiver: Receiver) -> None:
    """Neither visits nor a run of the queue bring anything; switched back, what waited comes."""
    subscribe(client, receiver, "order.created")
    receiver.taken()
    client.control("POST", "webhooks", {"mode": "never"})
    client.control("POST", "checkout")
    front_page(client)
    state = client.control("POST", "webhooks", {"kick": True, "settle_s": 5})
    assert [entry["topic"] for entry in state["waiting"]] == ["order.created"]
    assert receiver.taken() == []
    client.control("POST", "webhooks", {"mode": "natural"})
    client.control("POST", "webhooks", {"kick": True, "settle_s": 5})
    assert len(receiver.taken()) == 1


def test_a_visit_runs_the_queue_once_in_a_while(client: Client, receiver: Receiver) -> None:
    """In mode `visits` a look at the front page delivers, but not again before the cron is due; API calls are no visits."""
    subscribe(client, receiver, "order.created")
    receiver.taken()
    client.control("POST", "webhooks", {"mode": "visits", "interval_s": 0.0})
    client.control("POST", "checkout")
    client.call({"method": "GET", "path": "/wp-json/wc/v3/orders", "key": "rw"})
    assert not receiver.wait(1, timeout_s=0.2)
    front_page(client)
    assert receiver.wait(1)
    receiver.taken()
    client.control("POST", "webhooks", {"mode": "visits", "interval_s": 3600})
    client.control("POST", "checkout")
    front_page(client)
    assert not receiver.wait(1, timeout_s=0.2)


def test_a_slow_receiver_leaves_the_rest_to_the_next_run(client: Client, receiver: Receiver) -> None:
    """A run of the queue ends before its 30 s are over; nothing is lost, the next run goes on."""
    subscribe(client, receiver, "order.created")
    receiver.taken()
    client.control("POST", "webhooks", {"mode": "natural", "second_s": 0.02})
    for _ in range(2):
        client.control("POST", "checkout")
    receiver.wait_s = 10 * 0.02
    left = client.control("POST", "webhooks", {"kick": True, "settle_s": 10})["waiting"]
    assert (len(receiver.taken()), len(left)) == (1, 1)
    receiver.wait_s = 0.0
    assert client.control("POST", "webhooks", {"kick": True, "settle_s": 10})["waiting"] == []
    assert len(receiver.taken()) == 1
