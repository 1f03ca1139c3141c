"""The pages to click around in do what shoppers and staff do."""

from __future__ import annotations

import requests

from connector.sandbox import Sandbox


def get(sandbox: Sandbox, path: str) -> requests.Response:
    return requests.get(sandbox.url + path, timeout=5)


def post(sandbox: Sandbox, path: str, **form: object) -> requests.Response:
    return requests.post(sandbox.url + path, data=form, timeout=5)


def test_a_visitor_buys_and_staff_complete(sandbox: Sandbox) -> None:
    """A click on Buy makes an order with her note, a click on complete completes it."""
    front = get(sandbox, "/")
    assert "Classic Mug" in front.text
    assert "Logo Tee - M" in front.text
    page = post(sandbox, "/buy", product_id=13, payment_method="fakepay", po_box=1, customer_note="ring twice")
    (order,) = sandbox.store.orders.values()
    assert (order.status, order.customer_note, order.billing["address_1"]) == ("processing", "ring twice", "PO Box 12")
    assert f"#{order.id}" in page.text
    assert "Completed" in post(sandbox, "/wp-admin/act", order_id=order.id, action="complete").text
    assert order.status == "completed"


def test_what_staff_cannot_do_is_said_on_the_page(sandbox: Sandbox) -> None:
    """A refund that the gateway refuses shows its text, and moves nothing."""
    post(sandbox, "/buy", product_id=13, payment_method="cod")
    (order,) = sandbox.store.orders.values()
    page = post(sandbox, "/wp-admin/act", order_id=order.id, action="refund")
    assert "does not support automatic refunds" in page.text
    assert sandbox.store.refunds == {}


def test_a_refund_by_click_goes_through_the_gateway(sandbox: Sandbox) -> None:
    """The whole sum comes back and the order is refunded."""
    post(sandbox, "/buy", product_id=13)
    (order,) = sandbox.store.orders.values()
    post(sandbox, "/wp-admin/act", order_id=order.id, action="refund")
    assert order.status == "refunded"
    assert [row["outcome"] for row in sandbox.records.since()["gateway_refunds"]] == ["moved"]


def test_what_people_type_is_text(sandbox: Sandbox) -> None:
    """A name with HTML in it cannot become a part of the page."""
    with sandbox.store.lock:
        from connector.sandbox.woocommerce import shop

        shop.checkout(sandbox.store, {"billing": {"first_name": "<script>alert(1)</script>"}})
    page = get(sandbox, "/wp-admin?said=<b>hello</b>").text
    assert "<script>" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;" in page
