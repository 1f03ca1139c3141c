"""Recordings about waiting: webhooks until somebody visits the shop (09b), receivers that are slow (09c).

Both are replayed faster: a recorded second lasts SECOND_S (or SLOW_SECOND_S) here, in the store and at the receiver.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import requests

from connector.sandbox.truth.cases import UNPAID, outcome, send
from connector.sandbox.truth.client import Client
from connector.sandbox.truth.outcome import Outcome
from connector.sandbox.truth.receiver import Receiver
from connector.sandbox.truth.replay import Replay, load
from connector.sandbox.truth.webhook_cases import HOOKS, hook, run_queue

Row = Mapping[str, Any]
SECOND_S = 0.03
SLOW_SECOND_S = 0.05
CRON_S = 60.0
# What a machine that does other things may add to the cron's minute, in recorded seconds.
SLACK_S = 20.0


def delays(replay: Replay) -> Iterator[Outcome]:
    """Without a visit nothing leaves; the next visit brings everything; one visit a second brings it within a minute."""
    client, recorded = replay.client, load(replay.folder, "09b")["results"]
    with Receiver() as receiver:
        client.control("POST", "webhooks", {"mode": "visits", "interval_s": 0.0})
        topics = ("order.created", "order.updated")
        numbers = [hook(client, topic, url=receiver.url("/ok")) for topic in topics]
        receiver.taken()
        send(client, "POST", "", UNPAID)
        time.sleep(130 * SECOND_S / 10)
        found = {"a_no_traffic_after_the_order_130s": _topics(receiver)}
        _visit(client)
        client.control("POST", "webhooks", {"settle_s": 10})
        found["a_then_one_page_visit"] = _topics(receiver)
        wanted = {
            "a_no_traffic_after_the_order_130s": sorted(recorded["a_no_traffic_after_the_order_130s"]),
            "a_then_one_page_visit": sorted(recorded["a_then_one_page_visit"]),
        }
        yield outcome("09b", "no traffic, then one visit", recorded=wanted, found=found)
        for number in numbers[1:]:
            client.call({"method": "DELETE", "path": f"{HOOKS}/{number}?force=true", "key": "rw"})
        yield _one_visit_a_second(client, receiver, recorded)


def _visit(client: Client) -> None:
    client.session.get(f"{client.url}/", timeout=10)


def _topics(receiver: Receiver) -> list[str]:
    return sorted(one.headers["X-WC-Webhook-Topic"] for one in receiver.taken() if not one.is_ping)


def _one_visit_a_second(client: Client, receiver: Receiver, recorded: Row) -> Outcome:
    """Seventeen orders, spread over a minute: each is delivered once, none later than the cron's 60 s."""
    case = recorded["b_one_visit_a_second"]
    client.control("POST", "webhooks", {"mode": "visits", "interval_s": CRON_S * SECOND_S})
    _visit(client)
    made: list[float] = []
    over = threading.Event()
    visitor = threading.Thread(target=_visits, args=(client.url, over), daemon=True)
    visitor.start()
    for _ in range(case["orders"]):
        send(client, "POST", "", UNPAID)
        made.append(time.monotonic())
        time.sleep(CRON_S / case["orders"] * SECOND_S)
    receiver.wait(case["orders"], timeout_s=CRON_S * SECOND_S * 3)
    over.set()
    visitor.join(timeout=5)
    came = [one for one in receiver.taken() if not one.is_ping]
    late = sorted((one.at - at) / SECOND_S for one, at in zip(sorted(came, key=lambda one: one.at), made, strict=False))
    found = {
        "delivered": len(came),
        "duplicates": len(came) - len({one.body for one in came}),
        "within_the_cron": max(late, default=0.0) <= CRON_S + SLACK_S,
        "median_is_about_half": abs(statistics.median(late) - CRON_S / 2) < CRON_S / 3 if late else False,
    }
    wanted = {
        "delivered": case["delivered"],
        "duplicates": len(recorded["duplicates"]),
        "within_the_cron": case["max"] <= CRON_S,
        "median_is_about_half": abs(case["median"] - CRON_S / 2) < CRON_S / 3,
    }
    return outcome("09b", "one visit a second", recorded=wanted, found=found)


def _visits(url: str, over: threading.Event) -> None:
    visitor = Client(url)
    while not over.wait(SECOND_S):
        _visit(visitor)
    visitor.close()


def slow_receivers(replay: Replay) -> Iterator[Outcome]:
    """A ping is given up after 5 s, a delivery after 60 s; a slow run leaves the rest to the next one."""
    client, recorded = replay.client, load(replay.folder, "09c")
    client.control("POST", "webhooks", {"mode": "natural", "interval_s": None, "second_s": SLOW_SECOND_S})
    for wait_s in (8, 75):
        yield _creating(client, recorded[f"create_webhook_when_receiver_takes_{wait_s}_s"], wait_s=wait_s)
    yield _giving_up(client, recorded["one_delivery_to_a_75_s_receiver"])
    yield _run_of_three(client, recorded["queue_run_with_3_deliveries_waiting_receiver_takes_8_s"])


def _slow_hook(client: Client, receiver: Receiver) -> tuple[requests.Response, float]:
    """(answer, recorded seconds it took) of a new webhook."""
    body = {"topic": "order.updated", "delivery_url": receiver.url("/ok"), "secret": "s"}
    started = time.monotonic()
    answer = client.call({"method": "POST", "path": HOOKS, "body": body, "key": "rw"})
    return answer, (time.monotonic() - started) / SLOW_SECOND_S


def _no_hooks(client: Client) -> None:
    for row in client.control("GET", "truth")["webhooks"]:
        client.call({"method": "DELETE", "path": f"{HOOKS}/{row['id']}?force=true", "key": "rw"})


def _creating(client: Client, recorded: Row, *, wait_s: int) -> Outcome:
    """The quickest of three tries: what a busy machine adds is not the store's."""
    with Receiver() as receiver:
        receiver.wait_s = wait_s * SLOW_SECOND_S
        tries = [_slow_hook(client, receiver) for _ in range(3)]
    _no_hooks(client)
    took_s = min(seconds for _, seconds in tries)
    found = {"seconds": _about(took_s, recorded["seconds"], slack_s=2.5), "result": tries[0][0].status_code}
    wanted = {"seconds": recorded["seconds"], "result": 201}
    return outcome("09c", f"create webhook when receiver takes {wait_s} s", recorded=wanted, found=found)


def _giving_up(client: Client, recorded: Row) -> Outcome:
    with Receiver() as receiver:
        receiver.wait_s = 75 * SLOW_SECOND_S
        _slow_hook(client, receiver)
        send(client, "PUT", f"/{send(client, 'POST', '', UNPAID)['id']}", {})
        started = time.monotonic()
        run_queue(client)
        took_s = (time.monotonic() - started) / SLOW_SECOND_S
    (webhook,) = client.control("GET", "truth")["webhooks"]
    found = {
        "seconds": _about(took_s, recorded["seconds"], slack_s=9.0),
        "webhook_status_after": webhook["status"],
        "failures": webhook["failures"],
        "repeated": bool(client.control("GET", "webhooks")["waiting"]),
    }
    wanted = {key: recorded[key] for key in ("seconds", "webhook_status_after")} | {"failures": 1, "repeated": False}
    _no_hooks(client)
    return outcome("09c", "one delivery to a 75 s receiver", recorded=wanted, found=found)


def _run_of_three(client: Client, recorded: Row) -> Outcome:
    with Receiver() as receiver:
        receiver.wait_s = 8 * SLOW_SECOND_S
        _slow_hook(client, receiver)
        receiver.taken()
        for _ in range(3):
            send(client, "POST", "", UNPAID)
        started = time.monotonic()
        run_queue(client)
        took_s = (time.monotonic() - started) / SLOW_SECOND_S
        delivered = sum(not one.is_ping for one in receiver.taken())
    found = {
        "seconds": _about(took_s, recorded["seconds"], slack_s=9.0),
        "delivered_in_this_run": delivered,
        "left_for_the_next_run": len(client.control("GET", "webhooks")["waiting"]),
    }
    return outcome(
        "09c",
        "queue run with 3 deliveries waiting, receiver takes 8 s",
        recorded={key: recorded[key] for key in found},
        found=found,
    )


def _about(took_s: float, recorded_s: float, *, slack_s: float) -> float:
    """The recorded figure when the measured one is near enough on this machine, else what was measured."""
    return recorded_s if -1 <= took_s - recorded_s <= slack_s else round(took_s, 1)
