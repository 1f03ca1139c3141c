"""Orders of the simulated shop: what an app reads, and what its mutations do."""

from __future__ import annotations

import time
from typing import Any

import requests

from connector.sandbox.shopify import ShopifySandbox

PLACES = (
    "query P($id: ID!) { order(id: $id) { displayFulfillmentStatus fulfillmentOrders(first: 9) { nodes { id "
    "status assignedLocation { name } lineItems(first: 9) { nodes { remainingQuantity } } } } } }"
)
SHIP = (
    "mutation S($f: FulfillmentInput!) { fulfillmentCreate(fulfillment: $f) { fulfillment { id status "
    "trackingInfo { number url } } userErrors { field message } } }"
)
HOLD = (
    "mutation H($id: ID!, $h: FulfillmentOrderHoldInput!) { fulfillmentOrderHold(id: $id, fulfillmentHold: $h) "
    "{ fulfillmentHold { id handle } userErrors { code } } }"
)
RELEASE = (
    "mutation R($id: ID!, $ids: [ID!]) { fulfillmentOrderReleaseHold(id: $id, holdIds: $ids) { "
    "fulfillmentOrder { status } userErrors { code } } }"
)
PAID = (
    "query T($id: ID!) { order(id: $id) { displayFinancialStatus transactions(first: 9) { id kind status "
    "amountSet { presentmentMoney { amount currencyCode } } } } }"
)
REFUND = (
    "mutation B($input: RefundInput!, $key: String!) { refundCreate(input: $input) @idempotent(key: $key) { "
    "refund { id } userErrors { message } } }"
)
CANCEL = (
    "mutation C($id: ID!) { orderCancel(orderId: $id, reason: CUSTOMER, restock: true) { job { id done } "
    "orderCancelUserErrors { message } } }"
)


def places(client: Any, order: str) -> list[Any]:
    return client.data(PLACES, id=order)["order"]["fulfillmentOrders"]["nodes"]


def test_an_order_is_split_where_no_location_has_all(client: Any) -> None:
    """One fulfillment order for each location, and one parcel never spans two."""
    order = client.buy(lines=[{"sku": "TEE-M"}, {"sku": "TEE-L"}])
    found = places(client, order)
    assert {one["assignedLocation"]["name"] for one in found} == {"Main warehouse", "West warehouse"}
    both = {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": one["id"]} for one in found]}
    (error,) = client.data(SHIP, f=both)["fulfillmentCreate"]["userErrors"]
    assert error["message"].startswith("All fulfillment orders must be assigned to a single location.")


def test_a_parcel_closes_its_fulfillment_order(client: Any) -> None:
    """Shipping everything makes the order FULFILLED, mails the customer once and links to the carrier."""
    order = client.buy()
    (place,) = places(client, order)
    parcel = {
        "lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": place["id"]}],
        "trackingInfo": {"number": "1Z9", "company": "UPS"},
        "notifyCustomer": True,
    }
    made = client.data(SHIP, f=parcel)["fulfillmentCreate"]
    assert made["userErrors"] == []
    assert made["fulfillment"]["trackingInfo"][0]["url"].endswith("1Z9")
    assert client.data(PLACES, id=order)["order"]["displayFulfillmentStatus"] == "FULFILLED"
    mails = [one["email_id"] for one in client.shop.records.since()["mails"]]
    assert mails == ["order_confirmation", "new_order", "shipping_confirmation"]
    again = client.data(SHIP, f=parcel)["fulfillmentCreate"]["userErrors"]
    assert "has an unfulfillable status= closed." in again[0]["message"]


def test_holds_have_handles_and_are_released_one_by_one(client: Any) -> None:
    """A handle is used once; the fulfillment order opens when its last hold is gone."""
    (place,) = places(client, client.buy())
    first = client.data(HOLD, id=place["id"], h={"reason": "OTHER", "handle": "one"})["fulfillmentOrderHold"]["fulfillmentHold"]
    second = client.data(HOLD, id=place["id"], h={"reason": "OTHER", "handle": "two"})["fulfillmentOrderHold"][
        "fulfillmentHold"
    ]
    twice = client.data(HOLD, id=place["id"], h={"reason": "OTHER", "handle": "two"})["fulfillmentOrderHold"]
    assert twice["userErrors"] == [{"code": "DUPLICATE_FULFILLMENT_HOLD_HANDLE"}]
    states = [
        client.data(RELEASE, id=place["id"], ids=[one["id"]])["fulfillmentOrderReleaseHold"]["fulfillmentOrder"]["status"]
        for one in (first, second)
    ]
    assert states == ["ON_HOLD", "OPEN"]


def test_the_same_key_refunds_once(client: Any) -> None:
    """A repeated refundCreate gives the first answer; without the directive nothing happens."""
    order = client.buy(currency="EUR")
    (sale,) = client.data(PAID, id=order)["order"]["transactions"]
    money = {"amount": "1.00", "gateway": "bogus", "kind": "REFUND", "orderId": order, "parentId": sale["id"]}
    answers = [client.data(REFUND, input={"orderId": order, "transactions": [money]}, key="k1") for _ in range(2)]
    assert answers[0] == answers[1]
    kinds = [one["kind"] for one in client.data(PAID, id=order)["order"]["transactions"]]
    assert kinds == ["SALE", "REFUND"]
    bare = client.ask(REFUND.replace("@idempotent(key: $key)", "").replace(", $key: String!", ""), input={"orderId": order})
    assert bare["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


def test_more_than_was_paid_is_not_given_back(client: Any) -> None:
    """The error names both sums, as recorded, and no money moves."""
    order = client.buy()
    sale = client.data(PAID, id=order)["order"]["transactions"][0]
    money = {"amount": "999.00", "gateway": "bogus", "kind": "REFUND", "orderId": order, "parentId": sale["id"]}
    found = client.data(REFUND, input={"orderId": order, "transactions": [money]}, key="k")["refundCreate"]
    assert found["userErrors"][0]["message"] == "Refund amount $999.00 is greater than net payment received $19.05"
    assert client.data(PAID, id=order)["order"]["displayFinancialStatus"] == "PAID"


def test_cancelling_is_a_job(client: Any) -> None:
    """The order is cancelled when the job is done, its stock is back, and it cannot be cancelled twice."""
    order = client.buy()
    job = client.data(CANCEL, id=order)["orderCancel"]["job"]
    assert job["done"] is False
    deadline = time.monotonic() + 5
    while not client.data("query J($id: ID!) { job(id: $id) { done } }", id=job["id"])["job"]["done"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert client.data("query O($id: ID!) { order(id: $id) { cancelledAt } }", id=order)["order"]["cancelledAt"]
    twice = client.data(CANCEL, id=order)["orderCancel"]["orderCancelUserErrors"]
    assert twice == [{"message": "Cannot cancel an order that has already been canceled"}]
    assert client.shop.truth()["stock"]["MUG-1"]["106318430514"] == 500


def test_pages_follow_the_cursor(client: Any) -> None:
    """Every order is listed once over all pages, by update time, and a filter by time holds."""
    names = [client.buy() for _ in range(5)]
    query = (
        "query L($after: String) { orders(first: 2, after: $after, sortKey: UPDATED_AT) { nodes { id } pageInfo { "
        "hasNextPage endCursor } } }"
    )
    seen, after = [], None
    while True:
        page = client.data(query, after=after)["orders"]
        seen += [one["id"] for one in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert sorted(seen) == sorted(names)
    late = "{ orders(first: 9, query: \"updated_at:>='2100-01-01T00:00:00Z'\") { nodes { id } } }"
    assert client.data(late)["orders"]["nodes"] == []


def test_an_empty_bucket_throttles(client: Any) -> None:
    """THROTTLED tells what is there; the bucket's size is a setting."""
    client.control("settings", bucket={"size": 30, "per_second": 0.1})
    query = "{ orders(first: 50) { nodes { id } } }"
    answers = [client.ask(query) for _ in range(40)]
    throttled = [one for one in answers if "errors" in one]
    assert throttled
    assert throttled[0]["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert throttled[0]["extensions"]["cost"]["throttleStatus"]["maximumAvailable"] == 30


def test_scopes_tokens_and_versions(shop: ShopifySandbox, client: Any) -> None:
    """What a token may not do is ACCESS_DENIED; a wrong token is 401; another version is 404; tokens run out."""
    client.control("settings", token="shpat_small", scopes=["read_products"])
    denied = client.post("{ orders(first: 1) { nodes { id } } }", token="shpat_small").json()["errors"][0]
    assert denied["message"] == "Access denied for orders field. Required access: `read_orders` access scope."
    assert client.post("{ shop { name } }", token="wrong").status_code == 401
    assert client.post("{ shop { name } }", path="/admin/api/2020-01/graphql.json").status_code == 404
    client.control("settings", token_s=0.05)
    app = shop.about()
    body = {"grant_type": "client_credentials", "client_id": app["client_id"], "client_secret": app["client_secret"]}
    with requests.Session() as session:
        session.trust_env = False
        token = session.post(shop.url + "/admin/oauth/access_token", json=body, timeout=5).json()["access_token"]
    time.sleep(0.1)
    assert client.post("{ shop { name } }", token=token).status_code == 401


def test_a_fault_strikes_the_named_operation_only(client: Any) -> None:
    """After a reset_after the effect is there although the answer was lost."""
    order = client.buy()
    (place,) = places(client, order)
    client.control("faults", kind="error_500_after", match=" H$")
    assert client.post(HOLD, id=place["id"], h={"reason": "OTHER", "handle": "x"}).status_code == 500
    assert places(client, order)[0]["status"] == "ON_HOLD"


def test_a_hundred_thousand_orders_are_there_at_once(client: Any) -> None:
    """Filling takes moments; an order is made when somebody looks at it, and stays the same."""
    filled = client.control("fill", orders=100_000)
    assert client.data("{ ordersCount { count precision } }")["ordersCount"] == {"count": 10_000, "precision": "AT_LEAST"}
    query = (
        "query O($id: ID!) { order(id: $id) { name totalPriceSet { shopMoney { amount } } lineItems(first: 3) { "
        "nodes { sku } } } }"
    )
    first = client.data(query, id=f"gid://shopify/Order/{filled['last']}")
    assert first["order"]["lineItems"]["nodes"]
    assert client.data(query, id=f"gid://shopify/Order/{filled['last']}") == first
