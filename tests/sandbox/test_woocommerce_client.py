"""The `woocommerce` package really talks to the sandbox, with OAuth over http, and with several keys."""

from __future__ import annotations

import pytest
from woocommerce import API

from connector.sandbox import Sandbox


def api(sandbox: Sandbox, key: str) -> API:
    return API(sandbox.url, *sandbox.key(key), version="wc/v3", timeout=5)


def test_a_read_write_key_creates_changes_and_reads(sandbox: Sandbox) -> None:
    """Creating, changing, noting, refunding and reading through the package, signed with OAuth 1.0a."""
    shop = api(sandbox, "rw")
    line = {"product_id": 13, "quantity": 2}
    body = {"payment_method": "fakepay", "set_paid": True, "line_items": [line], "customer_note": "Ünï/✓"}
    made = shop.post("orders", body)
    assert made.status_code == 201
    number = made.json()["id"]
    assert made.json()["customer_note"] == "Ünï/✓"
    assert shop.put(f"orders/{number}", {"status": "completed"}).json()["status"] == "completed"
    assert shop.post(f"orders/{number}/notes", {"note": "n"}).status_code == 201
    assert shop.post(f"orders/{number}/refunds", {"amount": "5.00"}).json()["refunded_payment"]
    assert shop.get(f"orders/{number}").json()["refunds"][0]["total"] == "-5.00"


def test_queries_with_awkward_letters_are_signed_rightly(sandbox: Sandbox) -> None:
    """Spaces, ampersands, plus signs, umlauts, colons and lists in the query pass the signature check."""
    shop = api(sandbox, "rw")
    params = {
        "search": "a b&c=d+é~",
        "modified_after": "2026-01-01T00:00:00",
        "dates_are_gmt": "true",
        "status": "processing,on-hold",
        "per_page": 5,
        "_fields": "id,status",
    }
    assert shop.get("orders", params=params).status_code == 200


def test_a_read_only_key_cannot_write_and_another_keys_secret_does_not_sign(sandbox: Sandbox) -> None:
    """401 in WooCommerce's words for a read-only key that writes, and for a foreign secret."""
    reader = api(sandbox, "ro")
    assert reader.get("orders").status_code == 200
    refused = reader.post("orders", {})
    assert (refused.status_code, refused.json()["message"]) == (
        401,
        "The API key provided does not have write permissions.",
    )
    mixed = API(sandbox.url, sandbox.key("rw")[0], sandbox.key("ro")[1])
    assert mixed.get("orders").json()["message"] == "Invalid signature - provided signature does not match."


def test_a_customers_key_may_do_nothing_and_a_write_key_cannot_read(sandbox: Sandbox) -> None:
    """403 for a customer; 401 for reading with a write-only key."""
    assert api(sandbox, "cust").get("orders").status_code == 403
    assert api(sandbox, "wo").get("orders").status_code == 401


@pytest.mark.parametrize("topic", ["orders", "products", "webhooks", "payment_gateways"])
def test_lists_answer_their_paging_headers(sandbox: Sandbox, topic: str) -> None:
    """Lists have X-WP-Total and X-WP-TotalPages."""
    answer = api(sandbox, "rw").get(topic)
    assert answer.status_code == 200
    assert int(answer.headers["X-WP-Total"]) == len(answer.json())


@pytest.mark.parametrize("path", ["system_status", "settings/general", "data/currencies/current", ""])
def test_what_a_connector_checks_can_be_read(sandbox: Sandbox, path: str) -> None:
    """System status, settings, currency and the index answer JSON."""
    answer = api(sandbox, "rw").get(path)
    assert answer.status_code == 200
    assert answer.json()
