"""The recorded pace, and filling a store."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from connector.sandbox import Sandbox
from connector.sandbox.pace import Effects, milliseconds
from connector.sandbox.truth.client import Client
from connector.sandbox.woocommerce.rest import Answer, Request

ORDERS = "/wp-json/wc/v3/orders"


def test_the_table_of_operations_is_priced() -> None:
    """More rows, e-mails and stock cost more, fewer fields less (compared with the recording in `truth`)."""

    def ms(method: str, path: str, body: object, *, mails: int = 0, stock: bool = False, **query: str) -> float:
        request = Request(method=method, path=path, query=query, headers={})
        return milliseconds(request, Answer(body=body), Effects(mails=mails, stock=stock))

    rows: list[dict[str, str]] = [{}] * 100
    assert ms("GET", ORDERS, []) < ms("GET", ORDERS, rows[:10]) < ms("GET", ORDERS, rows)
    assert ms("GET", ORDERS, rows, _fields="id") < ms("GET", ORDERS, rows) / 2
    assert (
        ms("PUT", f"{ORDERS}/1", {}) < ms("PUT", f"{ORDERS}/1", {}, mails=1) < ms("PUT", f"{ORDERS}/1", {}, mails=1, stock=True)
    )
    assert ms("POST", f"{ORDERS}/batch", {"update": rows[:50]}) > 10 * ms("PUT", f"{ORDERS}/1", {})


def test_a_refused_request_is_cheap() -> None:
    """A 401 took 51 ms."""
    request = Request(method="GET", path=ORDERS, query={}, headers={})
    assert milliseconds(request, Answer(status=401), Effects()) == pytest.approx(51)


def test_eight_clients_get_what_two_cores_give(sandbox: Sandbox, client: Client) -> None:
    """Reads of an order by eight clients at once: about 31 a second, told as all that the store can."""
    number = client.control("POST", "checkout")["order_id"]
    client.control("POST", "pace", {"pace": "recorded"})

    def get(_: int) -> int:
        url = f"{sandbox.url}{ORDERS}/{number}"
        with requests.Session() as session:
            session.trust_env = False
            return session.get(url, auth=sandbox.key(), headers={"X-Forwarded-Proto": "https"}, timeout=20).status_code

    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(get, range(40))) == {200}
    took_s = time.monotonic() - started
    told = client.control("GET", "pace")
    assert took_s > 40 * 0.062 / 2 * 0.95
    assert (told["requests"], told["could_per_s"]) == (40, pytest.approx(32.3, abs=0.5))
    assert 3 < told["per_s"] <= 33  # a busy machine reaches less
    assert told["share"] == pytest.approx(told["per_s"] / told["could_per_s"], abs=0.01)
    assert told["longest_queue"] >= 6
    assert client.control("GET", "truth")["pace"]["requests"] == 40


def test_a_paid_order_costs_its_mails_and_stock(client: Client) -> None:
    """The cost of a request follows what it caused: stock and two e-mails make a status change slower."""
    number = client.control("POST", "checkout", {"pay": False})["order_id"]
    client.control("POST", "pace", {"pace": "recorded"})
    request = {"method": "PUT", "path": f"{ORDERS}/{number}", "body": {"status": "processing"}, "key": "rw"}
    client.call(request)
    first = client.control("GET", "pace")["busy_s"]
    client.call(request)
    again = client.control("GET", "pace")["busy_s"] - first
    assert (first, again) == (pytest.approx(0.172, rel=0.1), pytest.approx(0.070, rel=0.1))


def test_an_unknown_pace_is_refused(client: Client) -> None:
    """The control API names the paces there are."""
    with pytest.raises(ValueError, match="recorded"):
        client.control("POST", "pace", {"pace": "slow"})


def test_a_store_is_filled_without_requests(client: Client) -> None:
    """2000 orders at once, oldest first, readable in full, without e-mails, webhooks or acts; and the next sale works."""
    made = client.control("POST", "fill", {"orders": 2000, "days": 100})
    page = client.call({"method": "GET", "path": ORDERS, "query": {"per_page": 100, "page": 20}, "key": "rw"})
    assert (page.headers["X-WP-Total"], len(page.json())) == ("2000", 100)
    assert page.json()[-1]["id"] == made["first"]
    dates = [row["date_created_gmt"] for row in page.json()]
    assert dates == sorted(dates, reverse=True)
    whole = page.json()[0]
    parts = sum(float(whole[name]) for name in ("total_tax", "shipping_total")) + float(whole["line_items"][0]["total"])
    assert float(whole["total"]) == pytest.approx(parts)
    told = client.control("GET", "truth")
    assert [kind for kind in ("acts", "mails", "transitions", "stock") if told["events"][kind]] == []
    refunded = [row for row in told["orders"].values() if row["status"] == "refunded"]
    assert refunded
    assert all(row["refunds"][0]["amount"] == row["total"] for row in refunded)
    assert client.control("POST", "checkout")["order_id"] > made["last"]


def test_filled_orders_share_nothing_that_can_be_changed(client: Client) -> None:
    """One customer's orders stay apart: an edit of an address changes one order."""
    made = client.control("POST", "fill", {"orders": 1000})
    body = {"billing": {"first_name": "Zoe"}}
    client.call({"method": "PUT", "path": f"{ORDERS}/{made['first']}", "body": body, "key": "rw"})
    found = client.call({"method": "GET", "path": ORDERS, "query": {"search": "zoe"}, "key": "rw"})
    assert [row["id"] for row in found.json()] == [made["first"]]


def test_a_filled_store_is_paged_by_date_and_by_change(client: Client) -> None:
    """Bounds on the field a list is sorted by cut the same rows as a filter, also right after a change."""
    made = client.control("POST", "fill", {"orders": 300, "days": 3})
    edge = client.call({"method": "GET", "path": f"{ORDERS}/{made['first'] + 150}", "key": "rw"}).json()["date_created_gmt"]
    bounds = {"dates_are_gmt": "true", "per_page": 1, "status": "any"}

    def total(**query: object) -> str:
        return client.call({"method": "GET", "path": ORDERS, "query": {**bounds, **query}, "key": "rw"}).headers["X-WP-Total"]

    assert total(after=edge) == total(after=edge, orderby="id")
    assert total(modified_after=edge, orderby="modified") == total(modified_after=edge, orderby="id")
    before = int(total(modified_after=edge, orderby="modified"))
    client.call({"method": "PUT", "path": f"{ORDERS}/{made['first']}", "body": {}, "key": "rw"})
    assert int(total(modified_after=edge, orderby="modified")) == before + 1
    newest = client.call(
        {"method": "GET", "path": ORDERS, "query": {**bounds, "orderby": "modified", "order": "desc"}, "key": "rw"}
    )
    assert newest.json()[0]["id"] == made["first"]
