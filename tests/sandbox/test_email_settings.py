"""The store's own e-mails: their switches over REST, and that an e-mail that is off is not sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connector.sandbox.truth.client import Client
from connector.sandbox.woocommerce.email_settings import EMAILS
from connector.sandbox.woocommerce.mails import is_on
from connector.sandbox.woocommerce.store import Store

API = "/wp-json/wc/v3"


def ask(client: Client, method: str, path: str, body: Any = None, key: str = "rw") -> Any:
    return client.call({"method": method, "path": f"{API}{path}", "key": key, "body": body})


def switch(client: Client, email: str, value: str) -> None:
    assert ask(client, "PUT", f"/settings/email_{email}/enabled", {"value": value}).status_code == 200


def mailed(client: Client, number: int) -> list[str]:
    orders = client.control("GET", "truth")["orders"]
    return [row["email_id"] for row in orders[str(number)]["mails"]]


def test_the_defaults_are_the_recorded_ones(recordings: Path) -> None:
    """Every e-mail of a default installation is there, on or off as it was recorded."""
    (file,) = (recordings / "platforms" / "woocommerce").glob("14_*.json")
    told = {mail["id"]: mail["enabled_by_default"] for mail in json.loads(file.read_text())["emails"]}

    assert {email: is_on(Store(), email) for email in EMAILS} == told


def test_a_switch_is_read_back(client: Client) -> None:
    """A list of options with `enabled` in it, and the default beside the value."""
    switch(client, "customer_completed_order", "no")

    options = ask(client, "GET", "/settings/email_customer_completed_order").json()
    assert [(one["id"], one["value"], one["default"]) for one in options] == [("enabled", "no", "yes")]
    assert [one["id"] for one in ask(client, "GET", "/settings/email_new_order").json()] == ["enabled", "recipient"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/settings/email_nothing", None, 404, "rest_setting_setting_group_invalid"),
        ("PUT", "/settings/email_new_order/enabled", {"value": "maybe"}, 400, "rest_setting_value_invalid"),
    ],
)
def test_what_is_refused(client: Client, method: str, path: str, body: Any, status: int, code: str) -> None:
    """An e-mail that is not there, and a value that is none."""
    answer = ask(client, method, path, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_what_is_off_is_not_sent(client: Client) -> None:
    """The partial refund's e-mail hangs on the switch of the full one's; the customer's on cancelling has to be switched on."""
    switch(client, "customer_refunded_order", "no")
    switch(client, "customer_cancelled_order", "yes")
    number = client.control("POST", "checkout", {"payment_method": "fakepay"})["order_id"]
    ask(client, "POST", f"/orders/{number}/refunds", {"amount": "1.00"})
    ask(client, "PUT", f"/orders/{number}", {"status": "cancelled"})

    assert mailed(client, number) == [
        "new_order",
        "customer_processing_order",
        "cancelled_order",
        "customer_cancelled_order",
    ]
