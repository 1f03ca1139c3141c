"""Tracking extensions: off by default, where they keep their rows, what only AST can do."""

from __future__ import annotations

from typing import Any

import pytest

from connector.sandbox.truth.client import Client

SPACE, AST = "wc-shipment-tracking/v3", "wc-ast/v3"
NUMBER = {"tracking_number": "1Z999AA10123456784", "tracking_provider": "UPS", "date_shipped": "2026-11-20"}


def switch(client: Client, *features: str) -> int:
    """Switch extensions on; gives an order."""
    client.control("POST", "settings", {"features": list(features)})
    number: int = client.control("POST", "checkout")["order_id"]
    return number


def call(client: Client, method: str, number: int, rest: str = "", body: Any = None, *, space: str = SPACE) -> Any:
    path = f"/wp-json/{space}/orders/{number}/shipment-trackings{rest}"
    return client.call({"method": method, "path": path, "body": body, "key": "rw"})


def order(client: Client, number: int) -> Any:
    return client.call({"method": "GET", "path": f"/wp-json/wc/v3/orders/{number}", "key": "rw"}).json()


@pytest.mark.parametrize(
    ("features", "spaces"), [((), []), (("shipment-tracking",), [SPACE]), (("ast",), [SPACE, AST])], ids=str
)
def test_the_switch_decides_which_name_spaces_there_are(client: Client, features: tuple[str, ...], spaces: list[str]) -> None:
    """Without an extension 404 rest_no_route; with one the site's index lists its name spaces."""
    number = switch(client, *features)
    listed = client.call({"method": "GET", "path": "/wp-json/", "key": "rw"}).json()["namespaces"]
    assert [space for space in (SPACE, AST) if space in listed] == spaces
    for space in (SPACE, AST):
        answer = call(client, "GET", number, space=space)
        assert answer.status_code == (200 if space in spaces else 404)
        assert space in spaces or answer.json()["code"] == "rest_no_route"


def test_a_number_is_added_shown_and_taken_away(client: Client) -> None:
    """The predefined carrier's link wins; the rows stand in the order's meta; there is no update."""
    number = switch(client, "shipment-tracking")
    made = call(client, "POST", number, body={**NUMBER, "custom_tracking_link": "https://mine.example"})
    row = made.json()
    assert made.status_code == 201
    assert (row["tracking_provider"], row["date_shipped"]) == ("UPS", "2026-11-20")
    assert row["tracking_link"] == "https://www.ups.com/track?tracknum=1Z999AA10123456784"
    assert len(row["tracking_id"]) == 32
    kept = {meta["key"]: meta["value"] for meta in order(client, number)["meta_data"]}["_wc_shipment_tracking_items"]
    assert [(one["tracking_number"], one["date_shipped"]) for one in kept] == [("1Z999AA10123456784", "1795132800")]
    assert call(client, "GET", number, f"/{row['tracking_id']}").json()["tracking_id"] == row["tracking_id"]
    assert call(client, "PUT", number, f"/{row['tracking_id']}", NUMBER).status_code == 404
    assert call(client, "DELETE", number, f"/{row['tracking_id']}").status_code == 200
    assert call(client, "GET", number).json() == []
    assert call(client, "DELETE", number, f"/{row['tracking_id']}").status_code == 404
    assert order(client, number)["status"] == "processing"


def test_a_carrier_of_ones_own_has_its_own_link(client: Client) -> None:
    """A carrier that is not in the list keeps name and link as they were given."""
    number = switch(client, "shipment-tracking")
    body = {"tracking_number": "P1", "custom_tracking_provider": "Pigeon", "custom_tracking_link": "https://p.example/P1"}
    row = call(client, "POST", number, body=body).json()
    assert (row["tracking_provider"], row["tracking_link"]) == ("Pigeon", "https://p.example/P1")


def test_a_number_is_demanded(client: Client) -> None:
    """Without tracking_number 400, with the parameter named; nothing is written."""
    number = switch(client, "shipment-tracking")
    answer = call(client, "POST", number, body={"tracking_provider": "UPS"})
    assert (answer.status_code, answer.json()["data"]["params"]) == (400, ["tracking_number"])
    assert call(client, "GET", number).json() == []


def test_only_ast_completes_the_order_and_replaces(client: Client) -> None:
    """`status_shipped` and `replace_tracking` are AST's; Shipment Tracking ignores them."""
    number = switch(client, "shipment-tracking")
    more = {**NUMBER, "status_shipped": 1, "replace_tracking": 1}
    for _ in range(2):
        call(client, "POST", number, body=more)
    assert (len(call(client, "GET", number).json()), order(client, number)["status"]) == (2, "processing")
    client.control("POST", "settings", {"features": ["ast"]})
    call(client, "POST", number, body={**more, "date_shipped": "20-11-2026"}, space=AST)
    assert (len(call(client, "GET", number).json()), order(client, number)["status"]) == (1, "completed")


def test_the_list_of_carriers_is_by_country(client: Client) -> None:
    """Country, carrier, address with a place for the number."""
    carriers = call(client, "GET", switch(client, "shipment-tracking"), "/providers").json()
    assert carriers["United States"]["UPS"].endswith("%1$s")


def test_an_unknown_switch_is_refused(client: Client) -> None:
    """A misspelt feature is told, not ignored."""
    with pytest.raises(ValueError, match="fulfilments"):
        client.control("POST", "settings", {"features": ["fulfilments"]})
