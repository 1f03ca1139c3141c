"""The sandbox's own API: shoppers, staff, clocks, and the account of what happened."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import pytest
import requests

from connector.sandbox import Sandbox
from connector.sandbox.truth.client import Client

ORDERS = "/wp-json/wc/v3/orders"


def read(client: Client, path: str) -> Any:
    return client.call({"method": "GET", "path": f"{ORDERS}{path}", "key": "rw"}).json()


@pytest.mark.parametrize(
    ("method", "status", "paid"),
    [("cod", "processing", False), ("bacs", "on-hold", False), ("cheque", "on-hold", False), ("fakepay", "processing", True)],
)
def test_a_shopper_pays_by_each_gateway(client: Client, method: str, status: str, paid: bool) -> None:
    """A block checkout gives the recorded status; only fakepay's money is there, with a transaction id."""
    number = client.control("POST", "checkout", {"payment_method": method})["order_id"]
    order = read(client, f"/{number}")
    assert (order["status"], order["created_via"]) == (status, "store-api")
    assert (order["date_paid"] is not None, bool(order["transaction_id"])) == (paid, paid)


def test_a_checkout_holds_everything_a_shopper_can_say(client: Client) -> None:
    """PO box, note, several lines with meta, e-mail, NY tax and flat rate are in the order."""
    items = [
        {"sku": "BR-ENG", "quantity": 1, "meta_data": [{"key": "Engraving", "value": "For Eve"}]},
        {"product_id": 13, "quantity": 2},
    ]
    wanted = {
        "items": items,
        "po_box": True,
        "customer_note": "ring twice",
        "email": "bob@buyer.example",
        "transaction_id": "txn_9",
        "order_meta": [{"key": "_rehearsal", "value": "r1"}],
    }
    order = read(client, f"/{client.control('POST', 'checkout', wanted)['order_id']}")
    assert order["shipping"]["address_1"] == order["billing"]["address_1"] == "PO Box 12"
    assert (order["customer_note"], order["billing"]["email"]) == ("ring twice", "bob@buyer.example")
    assert (order["total"], order["total_tax"], order["shipping_total"]) == ("70.33", "5.33", "5.00")
    assert order["line_items"][0]["meta_data"][0]["value"] == "For Eve"
    assert order["transaction_id"] == "txn_9"
    assert {"key": "_rehearsal", "value": "r1"}.items() <= {
        key: value for row in order["meta_data"] if row["key"] == "_rehearsal" for key, value in row.items()
    }.items()


def test_staff_act_in_wp_admin(client: Client) -> None:
    """Status, address, refund by hand, bin, restore and delete by staff change the order and are told in the truth."""
    number = client.control("POST", "checkout")["order_id"]

    def act(action: str, **more: Any) -> None:
        client.control("POST", "staff", {"order_id": number, "action": action, **more})

    act("edit", shipping={"address_1": "1 New St"})
    assert read(client, f"/{number}")["shipping"]["address_1"] == "1 New St"
    act("refund", amount="3.00", reason="by hand")
    refund = read(client, f"/{number}/refunds")[0]
    assert (refund["amount"], refund["refunded_payment"]) == ("3.00", False)
    act("status", status="on-hold")
    act("bin")
    assert read(client, f"/{number}")["status"] == "trash"
    act("restore")
    assert read(client, f"/{number}")["status"] == "on-hold"
    act("note", note="hello")
    act("delete")
    assert read(client, f"/{number}")["code"] == "woocommerce_rest_shop_order_invalid_id"
    told = client.control("GET", "truth")["orders"][str(number)]
    assert told["deleted"]
    assert [row["act"] for row in told["acts"] if row["act"].startswith("staff")] == [
        "staff edit",
        "staff refund",
        "staff status",
        "staff bin",
        "staff restore",
        "staff note",
        "staff delete",
    ]


def test_the_truth_counts_gateway_calls_stock_and_mails(client: Client) -> None:
    """One refund by line: one gateway call, stock down and up, three e-mails; `since` hides what is known."""
    number = client.control("POST", "checkout", {"items": [{"product_id": 13, "quantity": 2}]})["order_id"]
    line = read(client, f"/{number}")["line_items"][0]["id"]
    known = client.control("GET", "truth")["seq"]
    body = {"line_items": [{"id": line, "quantity": 1, "refund_total": 12.5}], "reason": "k"}
    client.call({"method": "POST", "path": f"{ORDERS}/{number}/refunds", "body": body, "key": "rw"})
    told = client.control("GET", "truth", since=known)
    order = told["orders"][str(number)]
    assert [row["change"] for row in order["stock"]] == [-2, 1]
    assert [(row["amount"], row["outcome"]) for row in order["gateway_refunds"]] == [("12.5", "moved")]
    assert [row["email_id"] for row in order["mails"]] == [
        "new_order",
        "customer_processing_order",
        "customer_partially_refunded_order",
    ]
    assert [row["change"] for row in told["events"]["stock"]] == [1]
    assert told["products"]["13"]["stock"] == 49


def test_the_truth_may_be_asked_about_some_orders(client: Client) -> None:
    """`orders=7,8` tells of these only, an empty list of none; what happened is told as ever."""
    numbers = [str(client.control("POST", "checkout")["order_id"]) for _ in range(3)]
    assert list(client.control("GET", "truth", orders=",".join(numbers[1:]))["orders"]) == numbers[1:]
    told = client.control("GET", "truth", orders="")
    assert (told["orders"], len(told["events"]["acts"])) == ({}, 3)


def test_a_declining_gateway_leaves_no_row_and_no_money(client: Client) -> None:
    """A gateway told to decline is called, and the refund row is gone afterwards."""
    client.control("POST", "gateway", {"decline": "error"})
    number = client.control("POST", "checkout")["order_id"]
    request = {"method": "POST", "path": f"{ORDERS}/{number}/refunds", "body": {"amount": "1.00"}, "key": "rw"}
    answer = client.call(request)
    assert (answer.status_code, answer.json()["message"]) == (500, "Card network declined the refund.")
    told = client.control("GET", "truth")["orders"][str(number)]
    assert told["refunds"] == []
    assert [row["outcome"] for row in told["gateway_refunds"]] == ["declined"]


def test_reset_gives_a_fresh_store_with_the_same_keys(sandbox: Sandbox, client: Client) -> None:
    """After a reset orders, faults and mail are gone; address and keys stay."""
    client.control("POST", "checkout")
    client.control("POST", "faults", {"kind": "429", "times": 0})
    before = client.control("GET", "")
    assert client.control("POST", "reset") == before
    assert read(client, "") == []
    assert client.control("GET", "truth")["events"]["transitions"] == []


def test_seeding_makes_orders_products_and_stock(client: Client) -> None:
    """`seed` fills a store: many orders of one kind, own products, stock by SKU."""
    product = client.control("POST", "seed", {"products": [{"name": "Lamp", "sku": "L", "price": "9.99", "stock": 3}]})
    wanted = {"payment_method": "cod", "items": [{"sku": "L", "quantity": 1}]}
    made = client.control("POST", "seed", {"orders": 2, "checkout": wanted, "stock": {"MUG-1": 7}})
    assert len(made["orders"]) == 2
    shelves = client.control("GET", "truth")["products"]
    assert shelves[str(product["products"][0])]["stock"] == 1
    assert shelves["13"]["stock"] == 7


def test_the_clock_can_be_frozen_and_shifted(client: Client) -> None:
    """Orders get the store's time, in its zone; OAuth still uses real time."""
    client.control("POST", "settings", {"frozen": "2026-01-31T12:00:00+00:00", "timezone": "Asia/Tokyo"})
    order = read(client, f"/{client.control('POST', 'checkout')['order_id']}")
    assert (order["date_created"], order["date_created_gmt"]) == ("2026-01-31T21:00:00", "2026-01-31T12:00:00")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("checkout", {"payment_method": "bitcoin"}),
        ("staff", {"order_id": 1, "action": "status"}),
        ("settings", {"timezon": "UTC"}),
        ("settings", {"frozen": "2026-01-31T12:00:00"}),
        ("webhooks", {"mode": "often"}),
        ("gateway", {"id": "nope"}),
    ],
)
def test_wrong_input_is_told(client: Client, path: str, body: dict[str, Any]) -> None:
    """The control API refuses what it does not understand, with a text."""
    with pytest.raises(ValueError, match="error"):
        client.control("POST", path, body)


def test_an_unknown_control_path_names_the_known_ones(sandbox: Sandbox) -> None:
    """404 with a list of what there is."""
    answer = requests.get(f"{sandbox.url}/_sandbox/nope", timeout=5)
    assert answer.status_code == 404
    assert "POST /_sandbox/checkout" in answer.json()["error"]


def test_it_runs_as_a_process_and_ends_on_sigterm() -> None:
    """`python -m connector.sandbox` prints one JSON line when it is ready, serves, and stops cleanly."""
    command = [sys.executable, "-m", "connector.sandbox", "--webhooks", "natural"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        about = json.loads(process.stdout.readline())
        assert requests.get(about["control"], timeout=5).json() == about
        assert about["webhooks"] == "natural"
        process.terminate()
        assert process.wait(timeout=10) == 0


def test_it_sustains_hundreds_of_small_requests_a_second(sandbox: Sandbox, client: Client) -> None:
    """200 requests over one connection take well under a second on a quiet machine; a busy one gets five."""
    number = client.control("POST", "checkout")["order_id"]
    started = time.monotonic()
    with requests.Session() as session:
        session.auth, session.trust_env = sandbox.key(), False
        for _ in range(200):
            url = f"{sandbox.url}{ORDERS}/{number}"
            assert session.get(url, headers={"X-Forwarded-Proto": "https"}, timeout=5).status_code == 200
    assert time.monotonic() - started < 5
