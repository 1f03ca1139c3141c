"""check_account: what a merchant is told about a new account."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests

from connector import CheckResult
from connector.plugins import woocommerce
from connector.plugins.woocommerce import mails

from .conftest import API, URL

TRACKINGS = f"{URL}/wp-json/wc-shipment-tracking/v3/orders/1/shipment-trackings"


@pytest.fixture
def ready(shop, recorded, gateways):
    """A shop as recorded, in good order."""
    status = next(each for each in recorded.file("12")["exchanges"] if each["label"].startswith("system_status"))
    date = {"Date": format_datetime(datetime.now(UTC), usegmt=True)}
    shop.get(f"{API}/orders", json=[{"id": 1}], headers=date)
    shop.post(f"{API}/orders/batch", json=recorded.body("10", "batch empty"))
    shop.get(f"{API}/system_status", json=status["response"]["body"])
    shop.get(f"{API}/payment_gateways", json=gateways)
    shop.get(f"{API}/webhooks", json=recorded.body("09", "list webhooks"))
    off = recorded.exchange("11", "flag off: GET")["response"]
    for address in (f"{API}/orders/1/fulfillments", TRACKINGS):
        shop.get(address, status=off["status"], json=off["body"])
    for email in mails.EMAILS:  # as in a fresh installation, but for the second mail about a parcel
        is_on = email in mails.DEFAULT - {"customer_completed_order"}
        shop.get(f"{API}/settings/email_{email}", json=[{"id": "enabled", "value": "yes" if is_on else "no"}])
    return shop


def checks(ctx):
    return {check.name: check for check in woocommerce.check_account(ctx)}


def test_a_shop_in_good_order(ctx, ready):
    """Everything is OK, in the order in which a person would put it right; only reads and one empty batch go out."""
    found = checks(ctx)
    assert {check.result for check in found.values()} == {CheckResult.OK}
    assert list(found)[:3] == ["address", "orders", "clock"]
    assert found["WooCommerce"].text == "Version 10.5.2."
    assert "Refunds by: fakepay." in found["payment gateways"].text
    assert "By hand: bacs, cheque, cod." in found["payment gateways"].text
    writes = [(call.request.url, call.request.body) for call in ready.calls if call.request.method != "GET"]
    assert writes == [(f"{API}/orders/batch", b"{}")]


def test_everything_that_is_not_ok_has_a_fix(context, shop):
    """Nothing answers, or the answers are odd: each check that is not OK says what to do."""
    for reply in ({"status": 503, "body": "<html>"}, {"json": {}}, {"body": requests.ConnectionError("x")}):
        shop.reset()
        for method, path in (("GET", "orders"), ("POST", "orders/batch"), ("GET", "system_status"), ("GET", "webhooks")):
            shop.add(method, f"{API}/{path}", **reply)
        shop.get(f"{API}/payment_gateways", json=[])
        found = woocommerce.check_account(context())
        assert any(check.result is not CheckResult.OK for check in found)
        assert all(check.fix for check in found if check.result is not CheckResult.OK)


@pytest.mark.parametrize("label", ["key wo: GET list", "key cust: GET list", "bad secret over https"])
def test_a_key_that_may_not_read_ends_the_check(ctx, shop, recorded, label):
    """The first thing to put right, and nothing else is guessed."""
    answer = recorded.exchange("10", label)["response"]
    shop.get(f"{API}/orders", status=answer["status"], json=answer["body"])
    found = checks(ctx)
    assert list(found) == ["address", "orders"]
    assert found["orders"].result is CheckResult.FAILED
    assert "consumer key ending in" in found["orders"].text


def test_fact_32_a_read_only_key_is_found(ctx, ready, recorded):
    """The Allow header does not tell it (recorded): the empty batch does."""
    assert recorded.exchange("10", "key ro: GET list")["response"]["headers"]["Allow"] == "GET, POST"
    answer = recorded.exchange("10", "key ro: PUT")["response"]
    ready.replace("POST", f"{API}/orders/batch", status=answer["status"], json=answer["body"])
    check = checks(ctx)["writing"]
    assert check.result is CheckResult.FAILED
    assert "Read/Write" in check.fix


def test_whether_a_key_may_write_can_be_unknown(ctx, ready):
    """A shop that does not take the batch: a warning with where to look."""
    ready.replace("POST", f"{API}/orders/batch", status=500, body="<html>")
    check = checks(ctx)["writing"]
    assert check.result is CheckResult.WARNING
    assert "Read/Write" in check.fix


@pytest.mark.parametrize("minutes", [-10, 10])
def test_fact_31_a_clock_that_is_wrong(ctx, ready, minutes):
    """Ten minutes either way are reported before the fifteen at which calls are refused."""
    date = {"Date": format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)}
    ready.replace("GET", f"{API}/orders", json=[], headers=date)
    assert checks(ctx)["clock"].result is CheckResult.WARNING


def test_http_is_a_warning_but_not_on_this_machine(context, ready, shop):
    """Orders go in the clear; a test shop on this machine is fine."""
    shop.get("http://shop.example/wp-json/wc/v3/orders", status=503)
    shop.get("http://127.0.0.1:8881/wp-json/wc/v3/orders", status=503)
    assert checks(context(url="http://shop.example"))["address"].result is CheckResult.WARNING
    assert checks(context(url="http://127.0.0.1:8881"))["address"].result is CheckResult.OK


def test_no_gateway_that_can_refund(ctx, ready, gateways):
    """Then every refund is a task for a person."""
    ready.replace("GET", f"{API}/payment_gateways", json=gateways[:-1])
    assert checks(ctx)["payment gateways"].result is CheckResult.WARNING


def test_webhooks_that_are_off_or_missing(ctx, context, ready, recorded):
    """Disabled ones by name, none at all, and no secret."""
    hooks = recorded.body("09", "list webhooks")
    ready.replace("GET", f"{API}/webhooks", json=[hooks[0] | {"status": "disabled"}, *hooks[1:]])
    assert hooks[0]["topic"] in checks(ctx)["webhooks"].text
    ready.replace("GET", f"{API}/webhooks", json=[])
    assert "no webhooks" in checks(ctx)["webhooks"].text
    assert "polling only" in checks(context(webhook_secret=""))["webhooks"].text


def system(ready, **parts):
    body = {"environment": {"version": "10.5.2"}, "settings": {"currency": "USD", "number_of_decimals": 2}}
    for part, values in parts.items():
        body[part] |= values
    ready.replace("GET", f"{API}/system_status", json=body)


def test_an_old_version_a_strange_currency_and_no_cron(ctx, ready):
    """What would make orders unreadable or webhooks late is said beforehand."""
    system(ready, environment={"version": "3.9.1"})
    assert checks(ctx)["WooCommerce"].result is CheckResult.WARNING
    system(ready, settings={"number_of_decimals": 4})
    assert checks(ctx)["currency"].result is CheckResult.WARNING
    assert "rounded half up" in checks(ctx)["currency"].text
    system(ready, settings={"currency": "POINTS"})
    assert checks(ctx)["currency"].result is CheckResult.WARNING
    system(ready, environment={"wp_cron": False})
    assert checks(ctx)["cron"].result is CheckResult.WARNING


# --- tracking numbers -------------------------------------------------------------------------------------------------


def test_fact_34_where_tracking_numbers_go(ctx, ready, recorded):
    """The best that the shop has, and why; switched on later, it is used from the next check on."""
    assert (
        "order's meta, with a note: the shop does not have WooCommerce's own fulfillments"
        in checks(ctx)["tracking numbers"].text
    )
    ready.replace("GET", TRACKINGS, json=[])
    assert "They go to a Shipment Tracking plugin" in checks(ctx)["tracking numbers"].text
    ready.replace("GET", f"{API}/orders/1/fulfillments", json=recorded.body("11", "flag on: GET, none yet"))
    assert "They go to WooCommerce's own fulfillments" in checks(ctx)["tracking numbers"].text


def test_a_wish_that_the_shop_cannot_fulfil(context, ready):
    """The account names a way that is not there: that fails, with what to switch on."""
    check = checks(context(tracking="fulfillments"))["tracking numbers"]
    assert check.result is CheckResult.FAILED
    assert "woocommerce_feature_fulfillments_enabled" in check.fix
    assert checks(context(tracking="meta"))["tracking numbers"].result is CheckResult.OK


def test_fact_32_a_key_that_may_not_read_fulfillments(ctx, ready, recorded):
    """The next best way is taken, and the reason is said."""
    answer = recorded.exchange("11", "customer key lists another one’s order")["response"]
    ready.replace("GET", f"{API}/orders/1/fulfillments", status=answer["status"], json=answer["body"])
    assert "own fulfillments cannot be used" in checks(ctx)["tracking numbers"].text
