"""What the shop's answers mean: on reads, on writes, and in the words of a merchant."""

from __future__ import annotations

import copy
import re

import pytest
import requests
import responses

from connector import ConfigError, Note, OutcomeUnknown, PluginError, Refused, TryLater
from connector.plugins import woocommerce
from connector.plugins.woocommerce.client import read, write

from .conftest import API, query, sent_json

HTML = "<!DOCTYPE html><html><body>Briefly unavailable for scheduled maintenance.</body></html>"


def denied(recorded, label):
    return recorded.exchange("10", label)["response"]


def put(ctx, path="orders/58"):
    """A write as hooks do it: inside of an effect."""
    return ctx.effect(
        "push_status", {"status": "completed"}, lambda key: bool(write(ctx, "PUT", path, {"status": "completed"}, "x"))
    )


# --- sending ----------------------------------------------------------------------------------------------------------


def test_fact_31_https_sends_basic_and_no_keys_in_the_address(ctx, shop):
    """Over https the keys go as Basic; the address, which logs keep, holds none of them."""
    shop.get(f"{API}/orders", json=[])
    read(ctx, "orders", "read orders", per_page=1)
    request = shop.calls[0].request
    assert request.headers["Authorization"].startswith("Basic ")
    assert "ck_" not in request.url
    assert "cs_" not in request.url


def test_fact_31_http_signs_each_call_anew(context, shop):
    """Over http the call is signed (OAuth 1.0a), never sent with the secret, and no two signatures are the same."""
    ctx = context(url="http://shop.example")
    shop.get("http://shop.example/wp-json/wc/v3/orders", json=[])
    for _ in range(2):
        read(ctx, "orders", "read orders", per_page=1, status="any")
    first, second = (query(call) for call in shop.calls)
    assert first["oauth_consumer_key"] == "ck_0123456789abcdef"
    assert first["oauth_nonce"] != second["oauth_nonce"]
    assert first["status"] == "any"
    assert all("Authorization" not in call.request.headers and "cs_" not in call.request.url for call in shop.calls)
    assert shop.calls[0].request.url.count("per_page") == 1


def test_fact_11_writes_are_json_and_say_so(ctx, shop):
    """Without its content type a body would be ignored with 200."""
    shop.put(f"{API}/orders/58", json={"id": 58, "status": "completed"})
    put(ctx)
    assert shop.calls[0].request.headers["Content-Type"].startswith("application/json")
    assert sent_json(shop.calls[0]) == {"status": "completed"}


def test_a_shop_in_a_folder(context, shop):
    """WordPress may live in a folder of the address."""
    ctx = context(url="https://shop.example/store/")
    shop.get("https://shop.example/store/wp-json/wc/v3/orders", json=[])
    assert read(ctx, "orders", "read orders").body == []


def test_certificates_are_checked_unless_switched_off(context, shop):
    """verify_tls reaches the request."""
    shop.get(f"{API}/orders", json=[], match=[responses.matchers.request_kwargs_matcher({"verify": False})])
    with pytest.raises(TryLater):
        read(context(), "orders", "read orders")
    read(context(verify_tls=False), "orders", "read orders")


def test_a_write_outside_of_an_effect_is_refused(ctx, shop):
    """The door lets no change through that is not in the ledger."""
    with pytest.raises(PluginError, match=r"outside of ctx\.effect"):
        write(ctx, "PUT", "orders/58", {}, "x")
    assert len(shop.calls) == 0


# --- what answers mean ------------------------------------------------------------------------------------------------

READS = [
    (503, HTML, {}, TryLater, "web page instead of data"),
    (200, HTML, {}, TryLater, "web page instead of data"),
    (200, '[{"id": 1, "sta', {}, TryLater, "broke off, or is not JSON"),
    (200, "<br />\n<b>Warning</b>: x in y", {}, TryLater, "WP_DEBUG_DISPLAY"),
    (500, '{"code": "internal_server_error", "message": "<p>critical error</p>"}', {}, TryLater, "critical error"),
    (429, "{}", {}, TryLater, "asks to wait"),
    (408, "", {}, TryLater, "cannot be read"),
    (400, '{"code": "rest_invalid_param", "message": "Invalid parameter(s): status"}', {}, Refused, "Invalid parameter"),
    (404, '{"code": "rest_no_route", "message": "No route"}', {}, ConfigError, "Permalinks is not set to Plain"),
    (404, HTML, {}, ConfigError, "has no WooCommerce REST API"),
    (301, "", {"Location": "https://www.shop.example/wp-json/x?ck=1"}, ConfigError, r"https://www\.shop\.example\. Set `url`"),
    (403, HTML, {}, TryLater, "firewall"),
    (401, HTML, {}, TryLater, "password page"),
]


@pytest.mark.parametrize(("status", "body", "headers", "error", "text"), READS)
def test_what_a_read_can_answer(ctx, shop, status, body, headers, error, text):
    """A read never fails with anything but our errors, and the text says what it is."""
    shop.get(f"{API}/orders", status=status, body=body, headers=headers)
    with pytest.raises(error, match=text):
        read(ctx, "orders", "read orders")


WRITES = [
    (503, HTML, OutcomeUnknown, "It may have happened"),
    (200, HTML, OutcomeUnknown, "It may have happened"),
    (200, '{"id": 58, "sta', OutcomeUnknown, "It may have happened"),
    (200, "[]", OutcomeUnknown, "not what WooCommerce answers"),
    (500, '{"code": "internal_server_error", "message": "x", "data": {"status": 500}}', OutcomeUnknown, "It may have happened"),
    (408, "", OutcomeUnknown, "It may have happened"),
    (500, '{"code": "woocommerce_rest_cannot_create_order_refund", "message": "No.", "data": 500}', Refused, r"No\."),
    (500, '{"code": "woocommerce_rest_cannot_create_order_refund", "mess', OutcomeUnknown, "It may have happened"),
    (400, '{"code": "rest_invalid_param", "message": "Invalid parameter(s): status"}', Refused, "Invalid parameter"),
    (410, '{"code": "x", "message": "Gone."}', Refused, "Gone"),
    (409, "{}", TryLater, "asks to wait"),
    (429, "{}", TryLater, "asks to wait"),
    (403, HTML, TryLater, "firewall"),
]


@pytest.mark.parametrize(("status", "body", "error", "text"), WRITES)
def test_what_a_write_can_answer(ctx, shop, status, body, error, text):
    """Only an answer that says no, or that comes from before the shop, means that nothing happened."""
    shop.put(f"{API}/orders/58", status=status, body=body)
    with pytest.raises(error, match=text):
        put(ctx)


def test_fact_7_a_crash_in_json_is_not_a_no(ctx, shop, recorded):
    """The recorded 500 of a crash has a code and leaves an order behind: unknown, not refused."""
    answer = denied(recorded, "quantity zero")
    shop.put(f"{API}/orders/58", status=answer["status"], json=answer["body"])
    with pytest.raises(OutcomeUnknown):
        put(ctx)


def test_a_connection_that_breaks(ctx, shop):
    """On a read nothing happened; on a write it may have."""
    shop.get(f"{API}/orders", body=requests.ConnectionError("reset by peer"))
    shop.put(f"{API}/orders/58", body=requests.ConnectionError("reset by peer"))
    with pytest.raises(TryLater):
        read(ctx, "orders", "read orders")
    with pytest.raises(OutcomeUnknown):
        put(ctx)


def test_a_redirected_write_is_not_followed(ctx, shop):
    """Followed, it would come in as a GET and look like a success."""
    shop.put(f"{API}/orders/58", status=301, headers={"Location": "https://www.shop.example/"})
    shop.get("https://www.shop.example/", json={"id": 58})
    with pytest.raises(ConfigError, match="sends us on"):
        put(ctx)
    assert len(shop.calls) == 1


@pytest.mark.parametrize(("value", "seconds"), [("120", 120), ("soon", 60), ("999999", 3600), ("0", 1)])
def test_retry_after_is_kept(ctx, shop, value, seconds):
    """The shop says how long to wait; nonsense and years are not believed."""
    shop.get(f"{API}/orders", status=429, json={}, headers={"Retry-After": value})
    with pytest.raises(TryLater) as caught:
        read(ctx, "orders", "read")
    assert caught.value.after_s == seconds


def test_a_byte_order_mark_does_not_hurt(ctx, shop):
    """Some plugins print one before every answer."""
    shop.get(f"{API}/orders", body=b"\xef\xbb\xbf[]")
    assert read(ctx, "orders", "read orders").body == []


# --- the key ----------------------------------------------------------------------------------------------------------

DENIED = [
    ("key ro: PUT", "this key may only read.*Read/Write"),
    ("key wo: GET list", "this key may only write.*Read/Write"),
    ("key cust: GET list", "shop manager or administrator"),
    ("key cust: PUT", "shop manager or administrator"),
    ("bad consumer key over https", "does not know this key.*Authorization header"),
    ("Basic over plain http", "does not know this key"),
    ("bad secret over https", "`consumer_secret` does not belong to this key"),
    ("OAuth 1.0a with a bad secret", "`consumer_secret` does not belong to this key"),
    ("OAuth 1.0a with a bad key", "`consumer_key` is unknown to the shop"),
    ("OAuth 1.0a: clock 16 minutes behind", "Set this machine's clock"),
]


@pytest.mark.parametrize(("label", "text"), DENIED)
def test_fact_32_a_refused_key_is_explained(ctx, shop, recorded, label, text):
    """Account, key, what is wrong and what to do; on reads and writes alike, and never the whole key."""
    answer = denied(recorded, label)
    shop.get(f"{API}/orders", status=answer["status"], json=answer["body"])
    shop.put(f"{API}/orders/58", status=answer["status"], json=answer["body"])
    for call in (lambda: read(ctx, "orders", "read orders"), lambda: put(ctx)):
        with pytest.raises(ConfigError) as caught:
            call()
        said = str(caught.value)
        assert re.search(text, said)
        assert said.startswith("account test, consumer key ending in 9abcdef: ")
        assert "ck_0123" not in said
        assert "cs_" not in said


def test_fact_31_a_repeated_signature_is_only_a_delay(ctx, shop, recorded):
    """A proxy that sends a signed address twice costs one more try, not a change of configuration."""
    answer = denied(recorded, "OAuth 1.0a: the same signed URL sent a second time (nonce replay)")
    shop.get(f"{API}/orders", status=answer["status"], json=answer["body"])
    with pytest.raises(TryLater, match="nonce"):
        read(ctx, "orders", "read orders")


# --- fetch ------------------------------------------------------------------------------------------------------------


def test_fetch_reads_notes_and_refunds(ctx, shop, paid, recorded):
    """fetch_order adds what the order's own JSON does not hold."""
    rows = [recorded.body("08", "D cod: api_refund false")]
    shop.get(f"{API}/orders/58", json=paid | {"id": 58, "refunds": [{"id": 156, "reason": "", "total": "-5.00"}]})
    shop.get(f"{API}/orders/58/notes", json=recorded.body("07", "list all"))
    shop.get(f"{API}/orders/58/refunds", json=rows)
    order = woocommerce.fetch_order(ctx, "58")
    assert order.staff_notes == ("by user",)
    assert order.refunds[0].money_moved is False


def test_fetch_without_refunds_asks_for_none(ctx, shop, paid):
    """An order without refunds costs two calls."""
    shop.get(f"{API}/orders/58", json=paid)
    shop.get(f"{API}/orders/58/notes", json=[])
    assert woocommerce.fetch_order(ctx, "58").refunds == ()
    assert len(shop.calls) == 2


def test_fetch_of_a_missing_order_is_none(ctx, shop, recorded):
    """Gone for good, or the id of a refund (fact 20): None. A wrong address is not taken for that."""
    for label in ("get missing order", "product id as an order"):
        answer = copy.deepcopy(recorded.exchange("10", label)["response"])
        shop.get(f"{API}/orders/999999", status=404, json=answer["body"])
        assert woocommerce.fetch_order(ctx, "999999") is None
    shop.get(f"{API}/orders/1", status=404, json={"code": "rest_no_route", "message": "No route"})
    with pytest.raises(ConfigError):
        woocommerce.fetch_order(ctx, "1")


@pytest.mark.parametrize("platform_id", ["abc", "58/refunds", "../products/13", "", "٣"])
def test_what_is_no_number_is_no_order(ctx, shop, platform_id):
    """Nothing is asked: the id of an order never becomes another address."""
    assert woocommerce.fetch_order(ctx, platform_id) is None
    assert len(shop.calls) == 0


def test_half_a_letter_does_not_stop_a_note(ctx, shop, paid):
    """A text that was cut in the middle of an emoji is sent all the same."""
    shop.post(f"{API}/orders/58/notes", status=201, json={"id": 7})
    order = woocommerce.parse_order(ctx, paid | {"id": 58})
    assert woocommerce.write_note(ctx, order, Note(text="thanks \ud83d"))
    assert sent_json(shop.calls[0])["note"].startswith("thanks ?")


def test_fact_13_a_binned_order_is_deleted(ctx, shop, recorded):
    """The bin shows as the status trash."""
    raw = next(order for _, order in recorded.orders()) | {"status": "trash"}
    shop.get(f"{API}/orders/58", json=raw)
    shop.get(f"{API}/orders/58/notes", json=[])
    assert woocommerce.fetch_order(ctx, "58").means == "deleted"
