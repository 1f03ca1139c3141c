"""Recordings that are tables, not exchanges: time zones (04b), all 49 status changes (06), races (08b), checks (10b)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.sandbox.truth import specials
from connector.sandbox.truth.client import Client, body_of
from connector.sandbox.truth.compare import Comparison, Difference, Ids
from connector.sandbox.truth.outcome import Outcome, judged
from connector.sandbox.truth.replay import Replay, load

Row = Mapping[str, Any]
ORDERS = "/wp-json/wc/v3/orders"
UNPAID = {
    "payment_method": "fakepay",
    "payment_method_title": "Card (recorder)",
    "billing": {"first_name": "Ada", "country": "US", "state": "NY", "email": "ada@buyer.example"},
    "shipping": {"first_name": "Ada", "country": "US", "state": "NY"},
    "line_items": [{"product_id": 13, "quantity": 2}],
    "shipping_lines": [{"method_id": "flat_rate", "method_title": "Flat rate", "total": "5.00"}],
}
# Given to gateways that take 2 s in the recordings: long enough to look while they work, short enough for a test.
SLOW_S = 0.8
# Wide enough that requests sent together are checked together, also on a busy machine.
TOGETHER_S = 0.5


def send(client: Client, method: str, path: str, body: Any = None, **query: Any) -> Any:
    """A signed call; its JSON."""
    request = {"method": method, "path": f"{ORDERS}{path}", "body": body, "query": query, "key": "rw"}
    return body_of(client.call(request))


def outcome(file: str, label: str, *, recorded: Any, found: Any) -> Outcome:
    """Compare two plain values."""
    comparison = Comparison(Ids(), host="")
    comparison.compare("", recorded, found)
    return judged(file, label, comparison.differences)


def time_zones(replay: Replay) -> Iterator[Outcome]:
    """`modified_after` in four store time zones; needs the 39 orders of 02 and 03 in the store."""
    client, recording = replay.client, load(replay.folder, "04b")
    for case in recording["cases"]:
        client.control(
            "POST",
            "settings",
            {"timezone": case["store_timezone"], "frozen": f"{case['touched_date_modified_gmt']}+00:00"},
        )
        number = replay.ids.found("post", 58)
        touched = send(client, "PUT", f"/{number}", {"meta_data": [{"key": "_touch", "value": "1"}]})
        answer = client.call({"method": "GET", "path": ORDERS, "query": {**case["query"], "per_page": 100}, "key": "rw"})
        found = {
            "touched_date_modified": touched["date_modified"],
            "touched_date_modified_gmt": touched["date_modified_gmt"],
            "found": any(order["id"] == number for order in answer.json()),
            "total": int(answer.headers["X-WP-Total"]),
        }
        wanted = {key: case[key] for key in found}
        yield outcome("04b", f"{case['store_timezone']}: {case['case']}", recorded=wanted, found=found)


def status_matrix(replay: Replay) -> Iterator[Outcome]:
    """Every core status to every other one."""
    client, recording = replay.client, load(replay.folder, "06")
    client.control("POST", "seed", {"stock": {"MUG-1": 494}})
    for row in recording["matrix"]:
        number = send(client, "POST", "", UNPAID)["id"]
        if row["from"] != "pending":
            send(client, "PUT", f"/{number}", {"status": row["from"]})
        before = send(client, "GET", f"/{number}")
        mark = client.control("GET", "truth", since=10**12)["seq"]
        after = send(client, "PUT", f"/{number}", {"status": row["to"]})
        events = client.control("GET", "truth", since=mark)["events"]
        wanted = {key: row[key] for key in _MATRIX_FIELDS} | {"notes": sorted(_plain(note) for note in row["notes"])}
        wanted["emails"] = [{**mail, "subject": _plain(mail["subject"])} for mail in row["emails"]]
        yield outcome("06", f"{row['from']} -> {row['to']}", recorded=wanted, found=_change(before, after, events))


_MATRIX_FIELDS = (
    "status_after",
    "emails",
    "stock_delta",
    "refunds_before",
    "refunds_after",
    "date_paid_set",
    "date_completed_set",
    "needs_payment",
    "is_editable",
)


def _change(before: Row, after: Row, events: Row) -> dict[str, Any]:
    mails = [
        {"id": row["email_id"], "to_customer": row["customer_email"], "subject": _plain(row["subject"])}
        for row in events["mails"]
    ]
    return {
        "status_after": after["status"],
        "emails": mails,
        "stock_delta": sum(row["change"] for row in events["stock"]),
        "refunds_before": len(before["refunds"]),
        "refunds_after": len(after["refunds"]),
        "date_paid_set": before["date_paid"] is None and after["date_paid"] is not None,
        "date_completed_set": before["date_completed"] is None and after["date_completed"] is not None,
        "needs_payment": after["needs_payment"],
        "is_editable": after["is_editable"],
        "notes": sorted(_plain(row["note"]) for row in events["notes"]),
    }


def _plain(text: str) -> str:
    """Without the numbers of orders and of the stock, which depend on the history."""
    return re.sub(r"\d+", "N", text)


def _refunds_at_once(client: Client, amounts: list[str], *, after_s: list[float]) -> tuple[list[Row], Row]:
    """(status and message of each answer, what the truth says of the order). `after_s`: when each request is sent."""
    number = send(client, "POST", "", {**UNPAID, "set_paid": True})["id"]

    def refund(place: int) -> Row:
        time.sleep(after_s[place])
        path = f"{ORDERS}/{number}/refunds"
        body = {"amount": amounts[place], "reason": "slow"}
        answer = client.call({"method": "POST", "path": path, "body": body, "key": "rw"})
        return {"status": answer.status_code, "message": answer.json().get("message")}

    with ThreadPoolExecutor(len(amounts)) as pool:
        answers = list(pool.map(refund, range(len(amounts))))
    return answers, client.control("GET", "truth")["orders"][str(number)]


def _race(answers: list[Row], truth: Row) -> dict[str, Any]:
    return {
        "responses": sorted(answers, key=lambda row: row["status"]),
        "gateway_called": [{"amount": row["amount"], "reason": row["reason"]} for row in truth["gateway_refunds"]],
        "emails": [row["email_id"] for row in truth["mails"] if "refunded" in row["email_id"]],
        "status": truth["status"],
        "sum": f"{-sum(float(row['amount']) for row in truth['refunds']):.2f}",
    }


def refund_races(replay: Replay) -> Iterator[Outcome]:
    """Equal refunds at the same time: nothing locks, and the gateway pays as often as it is asked."""
    client, recording = replay.client, load(replay.folder, "08b")
    client.control("POST", "gateway", {"id": "fakepay", "delay_s": SLOW_S})
    for case, amounts, after_s in (
        (recording["slow"][0], ["32.22", "32.22"], [0.0, 0.3]),
        # Two of four were checked before the first row was there: which ones slip through is chance in a real store.
        (recording["slow"][1], ["32.22"] * 4, [0.0, 0.0, TOGETHER_S * 1.5, TOGETHER_S * 1.5]),
        (recording["slow"][2], ["20.00", "20.00"], [0.0, 0.0]),
    ):
        client.control("POST", "settings", {"race_window_s": TOGETHER_S if after_s[1] == 0 else 0.0})
        found = _race(*_refunds_at_once(client, amounts, after_s=after_s))
        yield outcome("08b", case["case"], recorded=_recorded_race(case), found=found)
    client.control("POST", "settings", {"race_window_s": TOGETHER_S})
    client.control("POST", "gateway", {"id": "fakepay", "delay_s": 0})
    found = _race(*_refunds_at_once(client, ["32.22", "32.22"], after_s=[0.0, 0.0]))
    example = {**recording["fast_example"]}
    wanted = _recorded_race(example) | {"gateway_called": [{"amount": "32.22", "reason": "slow"}] * 2}
    yield outcome("08b", example["case"], recorded=wanted, found=found)


def _recorded_race(case: Row) -> dict[str, Any]:
    answers = [{"status": row["status"], "message": row["body"]["message"]} for row in case["responses"]]
    return {
        "responses": sorted(answers, key=lambda row: row["status"]),
        "gateway_called": [{"amount": row["amount"], "reason": row["reason"]} for row in case["gateway_called"]],
        "emails": case["emails"],
        "status": case["order_after"]["status"],
        "sum": case["order_after"]["refunded_sum"],
    }


def more_checks(replay: Replay) -> Iterator[Outcome]:
    """Content types, clocks, leftovers, no locking, and what is seen while a gateway works."""
    recording = load(replay.folder, "10b")
    yield from _content_types(replay.client, recording)
    yield from _clock_skew(replay.client, recording)
    yield _leftovers(replay.client, recording)
    yield _no_locking(replay.client, recording)
    yield from _seen_while_working(replay.client, recording)


def _content_types(client: Client, recording: Row) -> Iterator[Outcome]:
    number = send(client, "POST", "", UNPAID)["id"]
    for case in recording["content_types"]:
        before = send(client, "GET", f"/{number}")["customer_note"]
        kind = case["content_type"]
        headers = {"X-Forwarded-Proto": "https", "Content-Type": kind}
        request = {"method": "PUT", "path": f"{ORDERS}/{number}", "body": case["body"], "headers": headers, "auth": "Basic"}
        answer = client.call(request)
        found = {
            "http": answer.status_code,
            "customer_note_before": before,
            "customer_note_after": send(client, "GET", f"/{number}")["customer_note"],
        }
        yield outcome("10b", f"content type {kind}", recorded={key: case[key] for key in found}, found=found)


def _clock_skew(client: Client, recording: Row) -> Iterator[Outcome]:
    for case in recording["oauth_clock_skew"]:
        moment = datetime.now(UTC) + timedelta(minutes=case["client_clock_minutes"])
        answer = specials.signed(client, *client.key("rw"), moment=int(moment.timestamp()))
        body = answer.json() if answer.status_code != 200 else None
        label = f"client clock {case['client_clock_minutes']:+d} minutes"
        wanted = {"http": case["http"], "body": case["body"]}
        yield outcome("10b", label, recorded=wanted, found={"http": answer.status_code, "body": body})


def _leftovers(client: Client, recording: Row) -> Outcome:
    """What failing POSTs leave: counted, as the recorder did."""

    def count(**query: Any) -> int:
        answer = client.call({"method": "GET", "path": ORDERS, "query": {"per_page": 1, **query}, "key": "rw"})
        return int(answer.headers["X-WP-Total"])

    drafts, everything = count(status="checkout-draft"), count()
    coupon = client.call(
        {"method": "POST", "path": ORDERS, "body": {**UNPAID, "coupon_lines": [{"code": "NOPE"}]}, "key": "rw"}
    )
    zero = {**UNPAID, "line_items": [{"product_id": 13, "quantity": 0}]}
    crash = client.call({"method": "POST", "path": ORDERS, "body": zero, "key": "rw"})
    wanted = recording["leftovers_of_failed_POSTs"]
    found = {
        "bad_coupon_http": coupon.status_code,
        "quantity_zero_http": crash.status_code,
        "quantity_zero_body": crash.json(),
        "more_drafts": count(status="checkout-draft") - drafts,
        "more_orders": count() - everything,
    }
    more = {
        "more_drafts": wanted["checkout_drafts_after"] - wanted["checkout_drafts_before"],
        "more_orders": wanted["orders_any_after"] - wanted["orders_any_before"],
    }
    recorded = {**{key: wanted.get(key) for key in found}, **more}
    return outcome("10b", "leftovers of failed POSTs", recorded=recorded, found=found)


def _no_locking(client: Client, recording: Row) -> Outcome:
    number = send(client, "POST", "", {**UNPAID, "set_paid": True})["id"]
    send(client, "PUT", f"/{number}", {"status": "cancelled"})
    answer = client.session.put(
        f"{client.url}{ORDERS}/{number}",
        json={"status": "completed"},
        headers={"X-Forwarded-Proto": "https", "If-Match": '"old"', "If-Unmodified-Since": "Sun, 01 Jan 2017 00:00:00 GMT"},
        auth=client.key("rw"),
        timeout=30,
    )
    found = {"http": answer.status_code, "status": answer.json()["status"], "etag": answer.headers.get("ETag")}
    wanted = {key: recording["no_optimistic_locking"][key] for key in found}
    return outcome("10b", "no optimistic locking", recorded=wanted, found=found)


def _seen_while_working(client: Client, recording: Row) -> Iterator[Outcome]:
    """The refund row is there before the gateway has answered, without its meta_data and unpaid."""
    client.control("POST", "gateway", {"id": "fakepay", "delay_s": SLOW_S})
    number = send(client, "POST", "", {**UNPAID, "set_paid": True})["id"]
    body = {"amount": "32.22", "reason": "slow", "meta_data": [{"key": "_ours", "value": "k1"}]}
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(send, client, "POST", f"/{number}/refunds", body)
        time.sleep(SLOW_S / 2)
        during, rows = send(client, "GET", f"/{number}"), send(client, "GET", f"/{number}/refunds")
        waiting.result()
    client.control("POST", "gateway", {"id": "fakepay", "delay_s": 0})
    wanted = recording["refund_seen_while_the_gateway_is_still_working"]
    ids = Ids()
    for moment, order in (("during", during), ("after", send(client, "GET", f"/{number}"))):
        comparison = Comparison(ids, host=client.host, whole=False)
        comparison.compare("", wanted[moment], order)
        yield judged("10b", f"refund seen {moment} the gateway's work", comparison.differences)
    unfinished = [row for row in rows if row["refunded_payment"] or row["meta_data"]]
    wrong = [Difference(path="refunds", recorded="unpaid, no meta_data", found=unfinished)] if unfinished else []
    yield judged("10b", "the row while the gateway works (README, fact 16)", wrong)
