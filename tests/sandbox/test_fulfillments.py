"""The fulfillments feature: its switch, what it does to the order and to the mail."""

from __future__ import annotations

from typing import Any

import pytest

from connector.sandbox.truth.client import Client

ORDERS = "/wp-json/wc/v3/orders"
Row = dict[str, Any]


@pytest.fixture
def shop(client: Client) -> Client:
    client.control("POST", "settings", {"features": ["fulfillments"]})
    return client


def call(client: Client, method: str, path: str, body: Row | None = None, *, key: str = "rw") -> Any:
    return client.call({"method": method, "path": f"{ORDERS}{path}", "body": body, "key": key})


def bought(client: Client, *items: Row) -> tuple[int, list[int]]:
    """(order, its lines)."""
    number = client.control("POST", "checkout", {"items": list(items) or [{"product_id": 13, "quantity": 2}]})["order_id"]
    return number, [line["id"] for line in call(client, "GET", f"/{number}").json()["line_items"]]


def parcel(*items: tuple[int, int], **more: Any) -> Row:
    rows = [{"id": 0, "key": "_items", "value": [{"item_id": line, "qty": quantity} for line, quantity in items]}]
    return {"status": "fulfilled", "is_fulfilled": True, "meta_data": rows, **more}


def meta(client: Client, number: int) -> Row:
    return {row["key"]: row["value"] for row in call(client, "GET", f"/{number}").json()["meta_data"]}


def mailed(client: Client, number: int) -> list[str]:
    rows = client.control("GET", "truth")["orders"][str(number)]["mails"]
    return [row["email_id"] for row in rows if "fulfillment" in row["email_id"]]


def test_without_the_switch_the_route_does_not_exist(client: Client) -> None:
    """A plain store answers 404 rest_no_route, and its index does not name the route."""
    number, _ = bought(client)
    answer = call(client, "GET", f"/{number}/fulfillments")
    assert (answer.status_code, answer.json()["code"]) == (404, "rest_no_route")
    index = client.call({"method": "GET", "path": "/wp-json/wc/v3", "key": "rw"}).json()
    assert not [path for path in index["routes"] if "fulfillments" in path]


def test_the_index_names_what_is_on(shop: Client) -> None:
    """With the switch on the index names the four routes as a real store writes them."""
    index = shop.call({"method": "GET", "path": "/wp-json/wc/v3", "key": "rw"}).json()
    assert [path.removeprefix("/wc/v3/orders/") for path in index["routes"] if "fulfillments" in path] == [
        r"(?P<order_id>[\d]+)/fulfillments",
        r"(?P<order_id>[\d]+)/fulfillments/(?P<fulfillment_id>[\d]+)",
        r"(?P<order_id>[\d]+)/fulfillments/(?P<fulfillment_id>[\d]+)/metadata",
        r"(?P<order_id>[\d]+)/fulfillments/lookup",
    ]


def test_the_order_remembers_how_far_it_is(shop: Client) -> None:
    """Draft, part, all, and none again: `_fulfillment_status` follows, the order's status never does."""
    number, (line,) = bought(shop)
    draft = {**parcel((line, 1)), "status": "unfulfilled"}
    first = call(shop, "POST", f"/{number}/fulfillments", draft).json()["id"]
    assert meta(shop, number)["_fulfillment_status"] == "unfulfilled"
    call(shop, "PUT", f"/{number}/fulfillments/{first}", parcel((line, 1)))
    assert meta(shop, number)["_fulfillment_status"] == "partially_fulfilled"
    second = call(shop, "POST", f"/{number}/fulfillments", parcel((line, 1))).json()["id"]
    assert meta(shop, number)["_fulfillment_status"] == "fulfilled"
    for parcel_id in (first, second):
        call(shop, "DELETE", f"/{number}/fulfillments/{parcel_id}")
    assert "_fulfillment_status" not in meta(shop, number)
    assert call(shop, "GET", f"/{number}").json()["status"] == "processing"


def test_the_customer_is_mailed_only_when_asked_for(shop: Client) -> None:
    """No e-mail by default; created, updated and deleted ones with notify_customer; none for a draft."""
    number, (line,) = bought(shop)
    call(shop, "POST", f"/{number}/fulfillments", parcel((line, 1)))
    call(shop, "POST", f"/{number}/fulfillments", {**parcel((line, 1), notify_customer=True), "status": "unfulfilled"})
    assert mailed(shop, number) == []
    loud = parcel((line, 1), notify_customer=True)
    row = call(shop, "POST", f"/{number}/fulfillments", loud).json()["id"]
    call(shop, "PUT", f"/{number}/fulfillments/{row}", loud)
    call(shop, "DELETE", f"/{number}/fulfillments/{row}?notify_customer=true")
    assert mailed(shop, number) == [
        "customer_fulfillment_created",
        "customer_fulfillment_updated",
        "customer_fulfillment_deleted",
    ]


@pytest.mark.parametrize(
    "entry", [{"key": "_items", "value": [{"item_id": 1, "qty": 1}]}, {"id": 0, "key": "_items", "value": []}]
)
def test_items_are_demanded_and_a_row_without_id_is_dropped(shop: Client, entry: Row) -> None:
    """Both are 400 with the number 0 as code, and nothing is written."""
    number, _ = bought(shop)
    answer = call(shop, "POST", f"/{number}/fulfillments", {"status": "fulfilled", "meta_data": [entry]})
    assert (answer.status_code, answer.json()["code"]) == (400, 0)
    assert call(shop, "GET", f"/{number}/fulfillments").json() == []


def test_another_orders_fulfillment_is_not_found(shop: Client) -> None:
    """A row is found only under its own order: 400 with the code 404."""
    (mine, (line,)), (other, _) = bought(shop), bought(shop)
    row = call(shop, "POST", f"/{mine}/fulfillments", parcel((line, 1))).json()["id"]
    for method in ("GET", "DELETE"):
        answer = call(shop, method, f"/{other}/fulfillments/{row}")
        assert (answer.status_code, answer.json()["code"]) == (400, 404)
    assert len(call(shop, "GET", f"/{mine}/fulfillments").json()) == 1


def test_downloads_are_fulfilled_by_themselves(shop: Client) -> None:
    """A paid download beside a mug is fulfilled at once; the order is then partly fulfilled."""
    number, (_, download) = bought(shop, {"product_id": 13, "quantity": 1}, {"product_id": 16, "quantity": 1})
    (row,) = call(shop, "GET", f"/{number}/fulfillments").json()
    assert row["meta_data"][0]["value"] == [{"item_id": download, "qty": 1}]
    assert meta(shop, number)["_fulfillment_status"] == "partially_fulfilled"


def test_a_read_key_cannot_fulfil(shop: Client) -> None:
    """The key's permissions hold here too."""
    number, (line,) = bought(shop)
    assert call(shop, "POST", f"/{number}/fulfillments", parcel((line, 1)), key="ro").status_code == 401


def test_the_truth_tells_fulfillments(shop: Client) -> None:
    """The account of what happened shows each order's parcels as they are now."""
    number, (line,) = bought(shop)
    call(shop, "POST", f"/{number}/fulfillments", parcel((line, 2)))
    (row,) = shop.control("GET", "truth")["orders"][str(number)]["fulfillments"]
    assert (row["status"], row["meta_data"][0]["value"]) == ("fulfilled", [{"item_id": line, "qty": 2}])
