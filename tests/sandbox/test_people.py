"""Shoppers and staff: what an order looks like after them, and what the shop does by itself."""

from __future__ import annotations

from typing import Any

import pytest

from connector.sandbox.truth.client import Client

ORDERS = "/wp-json/wc/v3/orders"
Row = dict[str, Any]


def read(client: Client, path: str = "", **query: Any) -> Any:
    return client.call({"method": "GET", "path": f"{ORDERS}{path}", "query": query, "key": "rw"}).json()


def buy(client: Client, **wanted: Any) -> Row:
    order: Row = read(client, f"/{client.control('POST', 'checkout', wanted)['order_id']}")
    return order


def act(client: Client, number: int, action: str, **more: Any) -> Row:
    client.control("POST", "staff", {"order_id": number, "action": action, **more})
    order: Row = read(client, f"/{number}")
    return order


def told(client: Client, number: int) -> Row:
    row: Row = client.control("GET", "truth")["orders"][str(number)]
    return row


def test_one_call_buys_everything_a_shopper_can_buy(client: Client) -> None:
    """Variation, engraving, coupon, fee, two ways of shipping and another state's tax come out as an API order."""
    order = buy(
        client,
        items=[
            {"product_id": 19, "variation_id": 21, "quantity": 2},
            {"sku": "BR-ENG", "quantity": 1, "meta_data": [{"key": "Engraving", "value": "Für Eve"}]},
        ],
        coupons=["SAVE10"],
        fees=[{"name": "Gift wrap", "total": "3.00"}],
        shipping_lines=[{"total": "5.00"}, {"method_id": "local_pickup", "method_title": "Pickup", "total": "0.00"}],
        shipping={"state": "CA"},
        customer_id=4,
    )
    shirt, bracelet = order["line_items"]
    assert (shirt["variation_id"], shirt["meta_data"][0]["display_key"], shirt["total"]) == (21, "Size", "36.00")
    assert {"Engraving": "Für Eve"}.items() <= {row["key"]: row["value"] for row in bracelet["meta_data"]}.items()
    assert [line["method_id"] for line in order["shipping_lines"]] == ["flat_rate", "local_pickup"]
    assert [(line["code"], line["discount"]) for line in order["coupon_lines"]] == [("save10", "7.5")]
    assert [(line["name"], line["total"]) for line in order["fee_lines"]] == [("Gift wrap", "3.00")]
    assert (order["discount_total"], order["total_tax"], order["total"]) == ("7.50", "5.11", "80.61")
    assert [line["rate_code"] for line in order["tax_lines"]] == ["US-CA-CA TAX-1"]
    assert (order["customer_id"], order["status"], order["created_via"]) == (4, "processing", "store-api")


@pytest.mark.parametrize(
    "wanted",
    [
        {"items": [{"product_id": 999}]},
        {"items": [{"sku": "NOPE"}]},
        {"coupons": ["nope"]},
        {"created_via": "app"},
    ],
    ids=str,
)
def test_what_cannot_be_bought_is_told(client: Client, wanted: Row) -> None:
    """A story with a typing error fails instead of making another order, and leaves none."""
    with pytest.raises(ValueError, match="error"):
        client.control("POST", "checkout", wanted)
    assert read(client) == []


def test_she_leaves_before_paying_or_the_card_is_declined(client: Client) -> None:
    """`pay: false` leaves a pending order that took no stock, `failed` one that mails customer and shop."""
    left = buy(client, pay=False)
    assert (left["status"], left["needs_payment"], told(client, left["id"])["stock"]) == ("pending", True, [])
    failed = buy(client, pay="failed")
    assert failed["status"] == "failed"
    assert {mail["email_id"] for mail in told(client, failed["id"])["mails"]} == {"customer_failed_order", "failed_order"}


def test_only_the_classic_checkouts_unpaid_orders_are_cancelled(client: Client) -> None:
    """After 60 minutes on the store's clock: created_via checkout goes, store-api stays (recorded in 14)."""
    classic, block = buy(client, pay=False, created_via="checkout"), buy(client, pay=False)
    paid = buy(client, created_via="checkout")
    client.control("POST", "settings", {"clock_shift_s": 59 * 60})
    assert client.control("POST", "cron")["cancelled"] == []
    client.control("POST", "settings", {"clock_shift_s": 2 * 3600})
    assert client.control("POST", "cron")["cancelled"] == [classic["id"]]
    assert [read(client, f"/{one['id']}")["status"] for one in (classic, block, paid)] == ["cancelled", "pending", "processing"]
    assert told(client, classic["id"])["notes"][-1]["note"] == (
        "Unpaid order cancelled - time limit reached. Order status changed from Pending payment to Cancelled."
    )
    assert told(client, classic["id"])["mails"] == []


def test_a_request_starts_the_cron_too(client: Client) -> None:
    """Whoever talks to the shop, a poller too, makes it look for unpaid orders; the next answer shows it."""
    number = buy(client, pay=False, created_via="checkout")["id"]
    client.control("POST", "settings", {"clock_shift_s": 7200})
    assert read(client, f"/{number}")["status"] == "pending"
    assert read(client, f"/{number}")["status"] == "cancelled"


def test_a_store_without_visitors_never_cancels(client: Client) -> None:
    """Without WP-Cron nothing happens by itself; with the setting 0 neither."""
    number = buy(client, pay=False, created_via="checkout")["id"]
    client.control("POST", "webhooks", {"mode": "never"})
    client.control("POST", "settings", {"clock_shift_s": 7200})
    assert client.control("POST", "cron")["cancelled"] == []
    client.control("POST", "webhooks", {"mode": "natural"})
    client.control("POST", "settings", {"hold_stock_minutes": 0})
    assert client.control("POST", "cron")["cancelled"] == []
    assert read(client, f"/{number}")["status"] == "pending"


def test_staff_complete_and_cancel(client: Client) -> None:
    """Completing without a tracking number mails the customer; cancelling puts the stock back and mails the shop only."""
    done = act(client, buy(client)["id"], "complete")
    assert done["status"] == "completed"
    assert told(client, done["id"])["mails"][-1]["email_id"] == "customer_completed_order"
    gone = act(client, buy(client)["id"], "cancel")
    assert gone["status"] == "cancelled"
    assert sum(row["change"] for row in told(client, gone["id"])["stock"]) == 0
    assert told(client, gone["id"])["mails"][-1]["email_id"] == "cancelled_order"


def test_staff_edit_lines_address_and_total(client: Client) -> None:
    """Line, address and total change after the sale; the total exactly."""
    order = buy(client)
    line = order["line_items"][0]["id"]
    edited = act(client, order["id"], "edit", line_items=[{"id": line, "quantity": 3}], shipping={"city": "Albany"})
    assert (edited["line_items"][0]["quantity"], edited["shipping"]["city"]) == (3, "Albany")
    assert act(client, order["id"], "edit", total="40.00")["total"] == "40.00"


def test_staff_refund_by_line_through_the_gateway(client: Client) -> None:
    """One of two mugs with its tax: the gateway moves it, stock comes back when asked for."""
    order = buy(client, items=[{"product_id": 13, "quantity": 2}])
    act(client, order["id"], "refund", lines=[{"sku": "MUG-1", "quantity": 1}], gateway=True, restock=True)
    (refund,) = read(client, f"/{order['id']}/refunds")
    assert (refund["amount"], refund["refunded_payment"], refund["line_items"][0]["total_tax"]) == ("13.61", True, "-1.11")
    assert [row["outcome"] for row in told(client, order["id"])["gateway_refunds"]] == ["moved"]
    assert [row["change"] for row in told(client, order["id"])["stock"]] == [-2, 1]


def test_staff_refund_without_the_gateway_moves_no_money(client: Client) -> None:
    """By amount and by hand: written down, the gateway is not called."""
    order = act(client, buy(client)["id"], "refund", amount="2.00", reason="chipped")
    assert [row["total"] for row in order["refunds"]] == ["-2.00"]
    assert told(client, order["id"])["gateway_refunds"] == []


def test_a_refused_refund_by_staff_is_told(client: Client) -> None:
    """Cash on delivery cannot pay back: the refusal reaches who asked, and no row stays."""
    number = buy(client, payment_method="cod")["id"]
    with pytest.raises(ValueError, match="does not support automatic refunds"):
        act(client, number, "refund", amount="2.00", gateway=True)
    assert read(client, f"/{number}/refunds") == []


def test_a_note_to_the_customer_is_mailed(client: Client) -> None:
    """Staff's note to the customer goes out as the e-mail customer_note, a private one does not."""
    number = buy(client)["id"]
    act(client, number, "note", note="private")
    act(client, number, "note", note="we are late", to_customer=True)
    mails = [mail for mail in told(client, number)["mails"] if mail["email_id"] == "customer_note"]
    assert [mail["text"] for mail in mails] == ["we are late"]


def test_other_plugins_statuses_are_registered(client: Client) -> None:
    """A plugin's own status is written, listed, filtered and counted; without it, it is refused, and staff cannot choose it."""
    number = buy(client)["id"]
    request = {"method": "PUT", "path": f"{ORDERS}/{number}", "body": {"status": "packing"}, "key": "rw"}
    refused = client.call(request)
    assert (refused.status_code, refused.json()["code"]) == (400, "rest_invalid_param")
    with pytest.raises(ValueError, match="packing"):
        act(client, number, "status", status="packing")
    client.control("POST", "settings", {"statuses": {"wc-packing": "Being packed"}})
    mark = told(client, number)["mails"]
    assert act(client, number, "status", status="wc-packing")["status"] == "packing"
    assert [row["id"] for row in read(client, status="packing")] == [number]
    assert told(client, number)["notes"][-1]["note"] == "Order status changed from Processing to Being packed."
    assert told(client, number)["mails"] == mark
    assert client.call(request).status_code == 200
    counts = client.call({"method": "GET", "path": "/wp-json/wc/v3/reports/orders/totals", "key": "rw"}).json()
    assert {"slug": "packing", "name": "Being packed", "total": 1} in counts
    wrong = client.call({**request, "body": {"status": "nope"}}).json()
    assert "packing" in wrong["data"]["params"]["status"]
