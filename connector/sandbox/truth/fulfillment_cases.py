"""Recording 11b: a fulfillment with its e-mail, and what the order status and refunds have to do with it (nothing)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connector.sandbox.truth.cases import ORDERS, UNPAID, outcome, send
from connector.sandbox.truth.client import Client
from connector.sandbox.truth.outcome import Outcome
from connector.sandbox.truth.replay import Replay, load

RECORDED_ORDER, RECORDED_LINE = 491, 1122
RECORDED_AT = "2026-11-22T19:02:18"


def beside_the_status(replay: Replay) -> Iterator[Outcome]:
    client, recording = replay.client, load(replay.folder, "11b")
    client.control("POST", "settings", {"features": ["fulfillments"]})
    order = send(client, "POST", "", {**UNPAID, "set_paid": True})
    replay.ids.pair("post", RECORDED_ORDER, order["id"])
    replay.ids.pair("item", RECORDED_LINE, order["line_items"][0]["id"])
    replay.clock = RECORDED_AT
    yield from (replay.exchange("11b", one, recording["exchanges"]) for one in recording["exchanges"])
    yield _completed(client, order["id"], recording["then_PUT_completed"])
    yield from _without(client, recording)
    yield _filter(client, recording["list_filter_fulfillment_status"])


def _completed(client: Client, number: int, recorded: dict[str, Any]) -> Outcome:
    """The e-mail "on its way" goes out beside the fulfillment's own, and holds no tracking number."""
    mark = client.control("GET", "truth", since=10**12)["seq"]
    answer = client.call({"method": "PUT", "path": f"{ORDERS}/{number}", "body": {"status": "completed"}, "key": "rw"})
    mails = client.control("GET", "truth", since=mark)["events"]["mails"]
    emails = [
        {"id": mail["email_id"], "subject": mail["subject"], "mentions_tracking_number": "1Z999" in mail["text"]}
        for mail in mails
    ]
    wanted = [{key: mail[key] for key in ("id", "subject", "mentions_tracking_number")} for mail in recorded["emails"]]
    found = {"http": answer.status_code, "emails": emails}
    return outcome("11b", "then PUT completed", recorded={"http": recorded["http"], "emails": wanted}, found=found)


def _without(client: Client, recording: dict[str, Any]) -> Iterator[Outcome]:
    """Completing an order makes no fulfillments, and neither does a refund."""
    number = send(client, "POST", "", UNPAID)["id"]
    order = send(client, "PUT", f"/{number}", {"status": "completed"})
    found = {
        "fulfillments_after": send(client, "GET", f"/{number}/fulfillments"),
        "order_meta": [{"key": row["key"], "value": row["value"]} for row in order["meta_data"]],
    }
    wanted = recording["PUT_completed_without_fulfillments"]
    meta = [{"key": row["key"], "value": row["value"]} for row in wanted["order_meta"]]
    yield outcome(
        "11b", "PUT completed without fulfillments", recorded={"fulfillments_after": [], "order_meta": meta}, found=found
    )
    refund = client.call({"method": "POST", "path": f"{ORDERS}/{number}/refunds", "body": {"amount": "1.00"}, "key": "rw"})
    found = {"http": refund.status_code, "fulfillments": send(client, "GET", f"/{number}/fulfillments")}
    yield outcome("11b", "refund after", recorded=recording["refund_after"], found=found)


def _filter(client: Client, recorded: dict[str, Any]) -> Outcome:
    """`fulfillment_status` in the list of orders filters nothing."""

    def total(**query: Any) -> Any:
        return client.call({"method": "GET", "path": ORDERS, "query": query, "key": "rw"}).headers["X-WP-Total"]

    found = {"same": total(fulfillment_status="fulfilled") == total()}
    wanted = {"same": recorded["total"] == recorded["total_without"]}
    return outcome("11b", "list filter fulfillment_status", recorded=wanted, found=found)
