"""`connector orders list` and `show`."""

from __future__ import annotations

import pytest

from .conftest import PERSONAL


def test_nothing_yet_says_what_to_do(empty):
    """An empty list is not a dead end."""
    assert empty.run("orders", "list").stdout == "There are no orders yet. Get them with: connector pull\n"
    assert empty.json("orders", "list") == {"orders": [], "next": ""}


def test_nothing_matches_shows_the_filters(shop):
    """It is another thing than nothing being there."""
    said = shop.run("orders", "list", "--stage", "shipped", "--account", "shop").stdout

    assert said == "No order matches --stage shipped --account shop.\n"


def test_the_list(shop):
    """Newest first, with where each is and why."""
    lines = shop.run("orders", "list").stdout.splitlines()

    assert lines[0].split() == ["Order", "Number", "Placed", "Stage", "Payment", "Total", "Why"]
    assert [line.split()[0] for line in lines[1:]] == ["shop/13", "shop/12", "shop/11"]
    assert lines[1].endswith("27.00 USD  awaiting payment")


def test_the_list_as_json(shop):
    """One document; an order has these keys and no others."""
    document = shop.json("orders", "list", "--stage", "on_hold", "--stage", "shipped")

    (order,) = document["orders"]
    assert order.pop("changed_at")
    assert order == {
        "order": "shop/13",
        "number": "#1003",
        "placed_at": "2026-11-01T08:43:00Z",
        "stage": "on_hold",
        "payment": "pending",
        "total": {"amount": "27.00", "currency": "USD"},
        "holds": ["awaiting_payment"],
        "problem": "",
        "version": order["version"],
    }


def test_pages_follow_one_another(shop):
    """--after goes on exactly where the last page ended; the last page says so."""
    first = shop.json("orders", "list", "--limit", "2")
    second = shop.json("orders", "list", "--limit", "2", "--after", first["next"])

    assert [order["number"] for order in first["orders"] + second["orders"]] == ["#1003", "#1002", "#1001"]
    assert second["next"] == ""
    assert f"--after {first['next']}" in shop.run("orders", "list", "--limit", "2").stderr


def test_a_wrong_place_to_go_on_is_wrong_usage(shop):
    """Nothing is guessed from an --after that no page gave."""
    assert "--after: 'x' is not where a page ends" in shop.run("orders", "list", "--after", "x", code=2).stderr


def test_an_unknown_account_is_wrong_usage(shop):
    """With the nearest right name."""
    assert 'did you mean "shop"?' in shop.run("orders", "list", "--account", "shp", code=2).stderr


# --- one order --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", ["shop/12", "1002", "#1002"])
def test_an_order_is_found_by_reference_and_number(shop, named):
    """With or without #."""
    assert shop.json("orders", "show", named)["order"] == "shop/12"


def test_a_number_of_two_orders_is_refused(shop):
    """Exit code 2 and both of them, so that one can be named; nobody's data with it. The reference still works."""
    shop.buy({"id": "21", "number": "#1002"})
    shop.run("pull")

    result = shop.run("orders", "ship", "1002", "--tracking", "1Z999AA10123456784", code=2)

    assert "'1002' is the number of several orders" in result.stderr
    assert "shop/12" in result.stderr
    assert "shop/21" in result.stderr
    assert [part for part in PERSONAL if part in result.stderr] == []
    assert shop.happened("push_shipment") == []
    assert shop.json("orders", "show", "shop/21")["number"] == "#1002"


def test_an_account_that_was_renamed_keeps_its_orders(shop):
    """Orders are found under the old and the new name."""
    shop.config.write_text(shop.config.read_text().replace("[accounts.shop]", "[accounts.store]"))

    assert shop.json("orders", "show", "shop/12")["number"] == "#1002"
    assert shop.json("orders", "show", "store/12")["number"] == "#1002"


def test_an_order_that_is_not_there(shop):
    """One line and exit code 2."""
    result = shop.run("orders", "show", "shop/99", code=2)

    assert result.stderr == "Error: there is no order 'shop/99'. Those that there are: connector orders list\n"


def test_the_screen_says_where_it_is_and_why(shop):
    """Hold, what releases it, customer, lines with what is left to ship, money, messages, story."""
    said = shop.run("orders", "show", "1003").stdout

    for part in (
        "shop/13  #1003  on hold  pending  27.00 USD",
        "Held: awaiting payment",
        "connector orders release shop/13 --reason awaiting_payment",
        "Ada Lovelace <ada@example.com, +44 20 7946 0000>",
        "12 Marker Street",
        "Mug [MUG]",
        "engraving: for Charles",
        "2 to ship",
        "due 27.00",
        "Order #1003 arrived from shop.",
    ):
        assert part in said


def test_the_whole_order_as_json(shop):
    """Everything that is known, the customer's data included, under names that stay."""
    order = shop.json("orders", "show", "1001")

    assert set(order) == {
        "order",
        "number",
        "stage",
        "payment",
        "version",
        "changed_at",
        "due_at",
        "problem",
        "failures",
        "commands_waiting",
        "tasks",
        "effects",
        "mails",
        "timeline",
        "holds",
        "findings",
        "accepted",
        "fulfillment",
        "refund_left",
        "shipments",
        "refunds",
        "acts",
        "platform_order",
    }
    assert order["platform_order"]["customer"]["email"] == "ada@example.com"
    assert order["refund_left"] == {"minor": 2700, "currency": "USD"}
    assert {mail["state"] for mail in order["mails"]} == {"sent"}
    assert [line["what"] for line in order["timeline"]][:3] == ["arrived", "reviewed", "approved"]


def test_a_long_story_is_cut_until_all_is_asked_for(shop):
    """And says so."""
    for number in range(8):
        shop.run("orders", "hold", "1001", "--text", f"hold number {number}")
        shop.run("orders", "release", "1001")

    short, long = shop.run("orders", "show", "1001").stdout, shop.run("orders", "show", "1001", "--all").stdout

    assert "hold number 0" not in short
    assert "lines before: --all" in short
    assert "hold number 0" in long
