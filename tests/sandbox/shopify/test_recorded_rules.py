"""Rules of the simulated shop that recordings of a real one taught: orders by an app, moves, stock, bulk, pages, wording."""

from __future__ import annotations

import time
from typing import Any

import requests

from connector.sandbox.shopify import ShopifySandbox
from connector.sandbox.shopify.seed import MAIN, SECOND

CREATE = (
    "mutation C($order: OrderCreateOrderInput!, $options: OrderCreateOptionsInput) { orderCreate(order: $order, options: "
    "$options) { order { id displayFinancialStatus totalPriceSet { shopMoney { amount } presentmentMoney { amount } } "
    "fulfillmentOrders(first: 5) { nodes { id lineItems(first: 5) { nodes { id } } } } } userErrors { field code } } }"
)
MOVE = (
    "mutation M($id: ID!, $to: ID!, $rows: [FulfillmentOrderLineItemInput!]) { fulfillmentOrderMove(id: $id, "
    "newLocationId: $to, fulfillmentOrderLineItems: $rows) { movedFulfillmentOrder { id assignedLocation { location { id } } "
    "lineItems(first: 5) { nodes { remainingQuantity } } } remainingFulfillmentOrder { id lineItems(first: 5) { nodes { "
    "remainingQuantity } } } userErrors { message code } } }"
)
ADJUST = (
    "mutation A($input: InventoryAdjustQuantitiesInput!, $key: String!) { inventoryAdjustQuantities(input: $input) "
    "@idempotent(key: $key) { inventoryAdjustmentGroup { id } userErrors { field code } } }"
)


def price(amount: str, presentment: str | None = None) -> dict[str, Any]:
    other = {"presentmentMoney": {"amount": presentment, "currencyCode": "EUR"}} if presentment else {}
    return {"shopMoney": {"amount": amount, "currencyCode": "USD"}, **other}


def line(**more: Any) -> dict[str, Any]:
    return {"title": "Own work", "quantity": 2, "priceSet": price("10.00", "9.00"), "requiresShipping": True, **more}


def test_an_app_writes_an_order_down(client: Any) -> None:
    """Its prices and payments count; without payments nothing is known; nobody is told unless the receipt is asked for."""
    paid = [{"kind": "SALE", "status": "SUCCESS", "gateway": "manual", "amountSet": price("20.00", "18.00")}]
    order = {"currency": "USD", "presentmentCurrency": "EUR", "email": "a@buyer.example", "lineItems": [line()]}
    bare = client.data(CREATE, order=order)["orderCreate"]
    made = client.data(CREATE, order={**order, "transactions": paid}, options={"sendReceipt": True})["orderCreate"]
    assert [one["userErrors"] for one in (bare, made)] == [[], []]
    assert [one["order"]["displayFinancialStatus"] for one in (bare, made)] == [None, "PAID"]
    assert made["order"]["totalPriceSet"] == {"shopMoney": {"amount": "20.0"}, "presentmentMoney": {"amount": "18.0"}}
    mails = [one["email_id"] for one in client.shop.records.since()["mails"]]
    assert mails == ["new_order", "order_confirmation", "new_order"]


def test_an_order_that_cannot_be_is_refused(client: Any) -> None:
    """No lines, a date to come, two customers, a tax without a rate: each with its code, and no order is made."""
    wrong = {
        "INVALID": {"email": "a@buyer.example"},
        "PROCESSED_AT_INVALID": {"lineItems": [line()], "processedAt": "2100-01-01T00:00:00Z"},
        "REDUNDANT_CUSTOMER_FIELDS": {
            "lineItems": [line()],
            "customerId": "gid://shopify/Customer/1",
            "customer": {"toUpsert": {"email": "a@buyer.example"}},
        },
        "TAX_LINE_RATE_MISSING": {"lineItems": [line(taxLines=[{"title": "Tax", "rate": ""}])]},
    }
    for code, order in wrong.items():
        found = client.data(CREATE, order=order)["orderCreate"]
        assert found["order"] is None
        assert [one["code"] for one in found["userErrors"]] == [code]
    assert client.data("{ ordersCount { count } }")["ordersCount"]["count"] == 0


def test_stock_leaves_only_when_the_app_says_so(client: Any) -> None:
    """BYPASS is the default; DECREMENT_IGNORING_POLICY takes the pieces off the shelf."""
    variant = next(one for one in client.shop.store.variants.values() if one.sku == "MUG-1")
    order = {"lineItems": [line(variantId=f"gid://shopify/ProductVariant/{variant.id}")]}
    client.data(CREATE, order=order)
    assert variant.stock[MAIN] == 500
    client.data(CREATE, order=order, options={"inventoryBehaviour": "DECREMENT_IGNORING_POLICY"})
    assert variant.stock[MAIN] == 498


def test_pieces_move_to_another_location(client: Any) -> None:
    """They become a fulfillment order of their own; the whole rest keeps its id; one in progress stays."""
    (place,) = client.data(CREATE, order={"lineItems": [line()]})["orderCreate"]["order"]["fulfillmentOrders"]["nodes"]
    to = f"gid://shopify/Location/{SECOND}"
    rows = [{"id": place["lineItems"]["nodes"][0]["id"], "quantity": 1}]
    part = client.data(MOVE, id=place["id"], to=to, rows=rows)["fulfillmentOrderMove"]
    assert part["userErrors"] == []
    assert part["movedFulfillmentOrder"]["id"] != place["id"] == part["remainingFulfillmentOrder"]["id"]
    assert part["movedFulfillmentOrder"]["assignedLocation"]["location"]["id"] == to
    pieces = [part[name]["lineItems"]["nodes"] for name in ("movedFulfillmentOrder", "remainingFulfillmentOrder")]
    assert pieces == [[{"remainingQuantity": 1}], [{"remainingQuantity": 1}]]
    whole = client.data(MOVE, id=place["id"], to=to)["fulfillmentOrderMove"]
    assert (whole["movedFulfillmentOrder"]["id"], whole["remainingFulfillmentOrder"]) == (place["id"], None)
    client.data("mutation P($id: ID!) { fulfillmentOrderReportProgress(id: $id) { userErrors { message } } }", id=place["id"])
    (error,) = client.data(MOVE, id=place["id"], to=to)["fulfillmentOrderMove"]["userErrors"]
    assert error["code"] == "CANNOT_MOVE_FULFILLMENT_ORDER_WITH_REPORTED_PROGRESS"


def test_pieces_that_are_not_for_sale_need_a_document(client: Any) -> None:
    """A ledger document everywhere but for the available pieces, which may have none."""
    variant = next(one for one in client.shop.store.variants.values() if one.sku == "MUG-1")
    change = {
        "inventoryItemId": f"gid://shopify/InventoryItem/{variant.item_id}",
        "locationId": f"gid://shopify/Location/{MAIN}",
        "delta": -1,
        "changeFromQuantity": None,
    }
    documents = {"damaged": None, "available": "https://ledger.example/1", "reserved": "gid://shopify/Order/1"}
    codes = []
    for name, document in documents.items():
        given = {"name": name, "reason": "correction", "changes": [{**change, "ledgerDocumentUri": document}]}
        codes += client.data(ADJUST, input=given, key=name)["inventoryAdjustQuantities"]["userErrors"]
    assert [one["code"] for one in codes] == [
        "INVALID_QUANTITY_DOCUMENT",
        "INVALID_AVAILABLE_DOCUMENT",
        "INTERNAL_LEDGER_DOCUMENT",
    ]
    assert variant.stock[MAIN] == 500


def test_pieces_that_are_not_for_sale_are_on_hand(client: Any) -> None:
    """Damaged ones count on hand and not as available; what is on its way counts nowhere else."""
    variant = next(one for one in client.shop.store.variants.values() if one.sku == "MUG-1")
    item = f"gid://shopify/InventoryItem/{variant.item_id}"
    for name, delta in (("damaged", 3), ("incoming", 7)):
        change = {
            "inventoryItemId": item,
            "locationId": f"gid://shopify/Location/{MAIN}",
            "delta": delta,
            "changeFromQuantity": 0,
            "ledgerDocumentUri": "https://ledger.example/1",
        }
        given = {"name": name, "reason": "correction", "changes": [change]}
        assert client.data(ADJUST, input=given, key=name)["inventoryAdjustQuantities"]["userErrors"] == []
        (stale,) = client.data(ADJUST, input=given, key=f"{name} again")["inventoryAdjustQuantities"]["userErrors"]
        assert stale["code"] == "CHANGE_FROM_QUANTITY_STALE"
    query = (
        "query Q($id: ID!, $place: ID!) { inventoryItem(id: $id) { inventoryLevel(locationId: $place) { quantities(names: "
        '["available", "damaged", "incoming", "on_hand"]) { name quantity } } } }'
    )
    found = client.data(query, id=item, place=f"gid://shopify/Location/{MAIN}")["inventoryItem"]["inventoryLevel"]
    told = {one["name"]: one["quantity"] for one in found["quantities"]}
    assert told == {"available": 500, "damaged": 3, "incoming": 7, "on_hand": 503}


def bulk(client: Any, query: str) -> dict[str, Any]:
    run = "mutation R($text: String!) { bulkOperationRunQuery(query: $text) { bulkOperation { id } userErrors { message } } }"
    found: dict[str, Any] = client.data(run, text=query)["bulkOperationRunQuery"]
    return found


STATUS = "query B($id: ID!) { node(id: $id) { ... on BulkOperation { status url } } }"


def settled(client: Any, id_: str) -> dict[str, Any]:
    deadline = time.monotonic() + 5
    while True:
        found: dict[str, Any] = client.data(STATUS, id=id_)["node"]
        if found["status"] in {"COMPLETED", "CANCELED"}:
            return found
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_bulk_file_is_given_in_parts(client: Any, shop: ShopifySandbox) -> None:
    """Range is honoured: 206 with the bytes and their place, 416 behind the end, the whole file without it."""
    for _ in range(3):
        client.buy()
    id_ = bulk(client, "{ orders { edges { node { id name } } } }")["bulkOperation"]["id"]
    url = settled(client, id_)["url"]
    whole = client.session.get(url, timeout=5)
    part = client.session.get(url, headers={"Range": "bytes=5-14"}, timeout=5)
    rest = client.session.get(url, headers={"Range": f"bytes={len(whole.content) - 4}-"}, timeout=5)
    behind = client.session.get(url, headers={"Range": f"bytes={len(whole.content)}-"}, timeout=5)
    assert (part.status_code, part.content) == (206, whole.content[5:15])
    assert part.headers["Content-Range"] == f"bytes 5-14/{len(whole.content)}"
    assert (rest.status_code, rest.content) == (206, whole.content[-4:])
    assert (whole.status_code, behind.status_code) == (200, 416)


def test_a_cancelled_bulk_operation_takes_a_moment(client: Any) -> None:
    """CANCELING first, CANCELED later; a query of what is not there is refused, not answered with an empty file."""
    client.shop.store.settings.bulk_s = 1.0
    id_ = bulk(client, "{ orders { edges { node { id } } } }")["bulkOperation"]["id"]
    stop = "mutation S($id: ID!) { bulkOperationCancel(id: $id) { bulkOperation { status } userErrors { message } } }"
    assert client.data(stop, id=id_)["bulkOperationCancel"]["bulkOperation"] == {"status": "CANCELING"}
    assert settled(client, id_)["status"] == "CANCELED"
    (error,) = bulk(client, "{ orders { edges { node { id weather } } } }")["userErrors"]
    assert error["message"] == "Invalid bulk query: Field 'weather' doesn't exist on type 'Order'"


def test_a_page_goes_on_where_it_was_although_its_last_row_changed(client: Any) -> None:
    """The order at the cursor is updated and moves to the end: those behind its old place are still listed."""
    store = client.shop.store
    orders = [client.buy() for _ in range(4)]
    for place, id_ in enumerate(orders):
        order = store.order(int(id_.rpartition("/")[2]))
        order.updated = order.updated.replace(year=2025, second=place)
        store.touches += 1
    query = "query L($a: String) { orders(first: 2, after: $a, sortKey: UPDATED_AT) { nodes { id } pageInfo { endCursor } } }"
    first = client.data(query, a=None)["orders"]
    assert [one["id"] for one in first["nodes"]] == orders[:2]
    client.data('mutation T($id: ID!) { tagsAdd(id: $id, tags: ["x"]) { userErrors { message } } }', id=orders[1])
    second = client.data(query, a=first["pageInfo"]["endCursor"])["orders"]
    assert [one["id"] for one in second["nodes"]] == orders[2:]
    last = client.data(query, a=second["pageInfo"]["endCursor"])["orders"]
    assert [one["id"] for one in last["nodes"]] == [orders[1]]
    wrong = client.ask(query.replace("UPDATED_AT", "ORDER_NUMBER"), a=first["pageInfo"]["endCursor"])
    assert wrong["errors"][0]["message"] == "Invalid cursor for current pagination sort."


def test_a_wrong_literal_is_told_in_shopifys_words(client: Any) -> None:
    """null where it may not be, and a member that is missing, with the path down to it."""
    null = client.ask("mutation N { orderUpdate(input: {id: null}) { userErrors { message } } }")["errors"][0]
    assert null["message"] == "Argument 'id' on InputObject 'OrderInput' has an invalid value (null). Expected type 'ID!'."
    assert null["path"] == ["mutation N", "orderUpdate", "input", "id"]
    bare = client.ask('mutation N { orderUpdate(input: {note: "x"}) { userErrors { message } } }')["errors"][0]
    assert bare["message"] == "Argument 'id' on InputObject 'OrderInput' is required. Expected type ID!"
    assert bare["extensions"]["code"] == "missingRequiredInputObjectAttribute"
    field = client.ask("mutation N { fulfillmentCancel(id: null) { userErrors { message } } }")["errors"][0]
    assert field["message"] == "Argument 'id' on Field 'fulfillmentCancel' has an invalid value (null). Expected type 'ID!'."


def test_the_shop_is_a_process_too() -> None:
    """`python -m connector.sandbox.shopify` tells its addresses and tokens in one line, and serves until it is ended."""
    import json
    import subprocess
    import sys

    command = [sys.executable, "-m", "connector.sandbox.shopify"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        about = json.loads(process.stdout.readline())
        with requests.Session() as session:
            session.trust_env = False
            headers = {"X-Shopify-Access-Token": about["access_token"]}
            url = f"{about['url']}/admin/api/{about['version']}/graphql.json"
            answer = session.post(url, json={"query": "{ shop { name } }"}, headers=headers, timeout=5)
        assert answer.json()["data"]["shop"]["name"]
        process.terminate()
        assert process.wait(timeout=10) == 0
