"""Faults of the store on demand: what the client sees, and whether it happened all the same."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import requests

from connector.sandbox import Sandbox
from connector.sandbox.faults import Faults, Rule
from connector.sandbox.truth.client import Client

HTTPS = {"X-Forwarded-Proto": "https"}
ORDERS = "/wp-json/wc/v3/orders"


def put(sandbox: Sandbox, number: int, body: Any, timeout_s: float = 5) -> requests.Response:
    url = f"{sandbox.url}{ORDERS}/{number}"
    return requests.put(url, json=body, auth=sandbox.key(), headers=HTTPS, timeout=timeout_s)


def get(sandbox: Sandbox, path: str = "", timeout_s: float = 5) -> requests.Response:
    return requests.get(f"{sandbox.url}{ORDERS}{path}", auth=sandbox.key(), headers=HTTPS, timeout=timeout_s)


@pytest.fixture
def order(client: Client) -> int:
    """A paid order."""
    number: int = client.control("POST", "checkout")["order_id"]
    return number


def status_of(sandbox: Sandbox, order: int) -> str:
    return sandbox.store.orders[order].status


@pytest.mark.parametrize(
    ("kind", "error", "happened"),
    [
        ("timeout_before", requests.ReadTimeout, False),
        ("timeout_after", requests.ReadTimeout, True),
        ("reset_before", requests.ConnectionError, False),
        ("reset_after", requests.ConnectionError, True),
        ("truncated", requests.exceptions.ChunkedEncodingError, True),
    ],
)
def test_no_answer_with_or_without_effect(
    sandbox: Sandbox, order: int, kind: str, error: type[Exception], happened: bool
) -> None:
    """The client sees a time-out, a reset or half an answer; the store's own state tells whether it happened."""
    sandbox.faults.add(Rule(kind=kind, method="PUT", match=f"/orders/{order}$"))
    with pytest.raises(error):
        put(sandbox, order, {"status": "completed"}, timeout_s=0.4)
    assert status_of(sandbox, order) == ("completed" if happened else "processing")
    assert put(sandbox, order, {"status": "completed"}).status_code == 200


def test_a_reset_is_a_reset_and_not_just_a_closed_connection(sandbox: Sandbox, order: int) -> None:
    """The socket sends RST: the client's error names the reset."""
    sandbox.faults.add(Rule(kind="reset_before"))
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        get(sandbox, f"/{order}")


@pytest.mark.parametrize(
    ("kind", "status", "happened"),
    [
        ("error_500_before", 500, False),
        ("error_500_after", 500, True),
        ("html", 503, False),
        ("429", 429, False),
        ("413", 413, False),
    ],
)
def test_a_wrong_answer_with_or_without_effect(sandbox: Sandbox, order: int, kind: str, status: int, happened: bool) -> None:
    """An error answer says nothing about the effect; `error_500_after` did happen."""
    sandbox.faults.add(Rule(kind=kind, method="PUT"))
    answer = put(sandbox, order, {"status": "completed"})
    assert answer.status_code == status
    assert status_of(sandbox, order) == ("completed" if happened else "processing")


def test_html_can_come_with_200_and_a_429_says_how_long_to_wait(sandbox: Sandbox) -> None:
    """A page instead of JSON may even be 200; 429 carries Retry-After."""
    sandbox.faults.add(Rule(kind="html", status=200))
    page = get(sandbox)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=UTF-8")
    with pytest.raises(requests.exceptions.JSONDecodeError):
        page.json()
    sandbox.faults.add(Rule(kind="429", retry_after="7"))
    assert get(sandbox).headers["Retry-After"] == "7"


def test_a_huge_answer_is_padded_to_its_size(sandbox: Sandbox, order: int) -> None:
    """`huge` answers with as many bytes as told; the JSON inside is the real one."""
    sandbox.faults.add(Rule(kind="huge", bytes=2_000_000))
    answer = get(sandbox, f"/{order}")
    assert len(answer.content) == 2_000_000
    assert answer.json()["id"] == order


def test_slow_answers_late_but_rightly(sandbox: Sandbox, order: int) -> None:
    """`slow` delays, then everything is as usual."""
    sandbox.faults.add(Rule(kind="slow", seconds=0.3))
    started = time.monotonic()
    assert get(sandbox, f"/{order}").json()["id"] == order
    assert time.monotonic() - started >= 0.3


def test_nth_and_times_choose_the_calls(sandbox: Sandbox) -> None:
    """A rule strikes at its nth matching call and the next ones up to `times`; other methods do not count."""
    sandbox.faults.add(Rule(kind="429", method="GET", nth=2, times=2))
    put(sandbox, 1, {})
    assert [get(sandbox).status_code for _ in range(5)] == [200, 429, 429, 200, 200]


def test_times_0_strikes_for_ever_until_cleared(sandbox: Sandbox) -> None:
    """`times: 0` has no end; clear() ends it."""
    sandbox.faults.add(Rule(kind="429", times=0))
    assert {get(sandbox).status_code for _ in range(5)} == {429}
    sandbox.faults.clear()
    assert get(sandbox).status_code == 200


def test_clearing_lets_a_held_connection_go(sandbox: Sandbox) -> None:
    """A client held by a time-out is let go at once when the rules are cleared."""
    sandbox.faults.add(Rule(kind="timeout_before", seconds=30))
    threading.Timer(0.3, sandbox.faults.clear).start()
    started = time.monotonic()
    with pytest.raises(requests.ConnectionError):
        get(sandbox, timeout_s=20)
    assert time.monotonic() - started < 5


def test_the_control_api_sets_lists_and_clears_rules(sandbox: Sandbox, client: Client) -> None:
    """Faults can be set from another process, and are never applied to the control API itself."""
    client.control("POST", "faults", {"rules": [{"kind": "429", "times": 0, "match": ""}]})
    assert get(sandbox).status_code == 429
    (rule,) = client.control("GET", "faults")["faults"]
    assert (rule["kind"], rule["seen"]) == ("429", 1)
    client.control("DELETE", "faults")
    assert get(sandbox).status_code == 200


@pytest.mark.parametrize("wrong", [{"kind": "explode"}, {"kind": "429", "tims": 2}, {"kind": "429", "match": "("}, {}])
def test_a_wrong_rule_is_refused(client: Client, wrong: dict[str, Any]) -> None:
    """A misspelt rule is an error, never a fault that does not come."""
    with pytest.raises(ValueError, match="error"):
        client.control("POST", "faults", wrong)


def test_the_first_due_rule_strikes_and_all_matching_ones_count() -> None:
    """Two rules may match one call: the earlier one strikes, both have seen it."""
    faults = Faults()
    faults.add(Rule(kind="429"))
    faults.add(Rule(kind="413", nth=2))
    struck = [faults.take("store", "/x", method="GET") for _ in range(3)]
    assert [rule.kind if rule else None for rule in struck] == ["429", "413", None]
    assert [rule["seen"] for rule in faults.listed()] == [3, 3]


def test_the_truth_tells_requests_that_were_struck(sandbox: Sandbox, client: Client, order: int) -> None:
    """The records show every request with its fault, also those that never got an answer."""
    sandbox.faults.add(Rule(kind="timeout_after", method="PUT", seconds=5))
    with pytest.raises(requests.ReadTimeout):
        put(sandbox, order, {"status": "completed"}, timeout_s=0.3)
    rows = client.control("GET", "truth")["events"]["requests"]
    (row,) = [one for one in rows if one["method"] == "PUT"]
    assert (row["fault"], row["status"], row["key"]) == ("timeout_after", 200, "rw")
    assert row["body"] == '{"status": "completed"}'


def test_a_client_that_gives_up_does_not_stop_the_refund(sandbox: Sandbox, client: Client, order: int) -> None:
    """The gateway is called once and the refund is complete, though nobody waited for the answer."""
    client.control("POST", "gateway", {"delay_s": 1.2})
    url = f"{sandbox.url}{ORDERS}/{order}/refunds"
    with pytest.raises(requests.ReadTimeout):
        requests.post(url, json={"amount": "1.00", "reason": "k"}, auth=sandbox.key(), headers=HTTPS, timeout=0.2)
    (row,) = get(sandbox, f"/{order}/refunds").json()
    assert (row["reason"], row["refunded_payment"], row["meta_data"]) == ("k", False, [])
    for _ in range(100):
        (row,) = get(sandbox, f"/{order}/refunds").json()
        if row["meta_data"]:
            break
        time.sleep(0.05)
    assert row["refunded_payment"]
    assert [one["outcome"] for one in client.control("GET", "truth")["orders"][str(order)]["gateway_refunds"]] == ["moved"]
