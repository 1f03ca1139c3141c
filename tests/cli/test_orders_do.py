"""Decisions by a person: each is carried out once, on what the person saw, and its end is told."""

from __future__ import annotations

import os

import pytest

from connector.app import open_app

from .conftest import PERSONAL, Install, at_a_terminal

LABEL = ("--carrier", "UPS", "--tracking", "1Z999AA10123456784")


def version(shop: Install, number: str) -> str:
    return str(shop.json("orders", "show", number)["version"])


def test_shipping(shop):
    """The label, the platform, the customer; exit code 0 and the new stage."""
    done = shop.json("orders", "ship", "1001", *LABEL, "--request", "r1", "--who", "eve")

    assert (done["order"], done["do"], done["request"], done["result"], done["repeated"]) == (
        "shop/11",
        "ship",
        "r1",
        "done",
        False,
    )
    assert done["stage"] in ("shipped", "completed")
    assert done["acts"] == [{"id": "ship-r1", "kind": "buy_label", "state": "done", "said": ""}]
    assert done["timeline"][0]["who"] == "eve"
    assert [one["id"] for one in shop.happened("push_shipment")] == ["ship-r1"]


def test_who_is_the_user(shop, monkeypatch):
    """Unless --who says otherwise, the timeline names who is logged in."""
    monkeypatch.setenv("LOGNAME", "robin")

    done = shop.json("orders", "hold", "1001", "--text", "wait")

    assert done["timeline"][0]["who"] == "robin@cli"
    assert len(done["request"]) == 32


def test_shipping_some_of_it(shop):
    """--line ID=N leaves the rest to ship."""
    shop.run("orders", "ship", "1001", *LABEL, "--line", "1=1")

    (line,) = shop.json("orders", "show", "1001")["fulfillment"]
    assert (line["ordered"], line["shipped"]) == (2, 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ship", "1001", "--line", "9"), "has the lines 1=2"),
        (("ship", "1001", "--line", "1=0"), "has the lines 1=2"),
        (("ship", "1001", "--account", "ups"), "the carriers of shop are post"),
        (("refund", "1001", "abc"), "not an amount of money"),
        (("refund", "1001", "1.005"), "cannot be expressed"),
        (("refund", "1001", "0"), "not an amount to give back"),
        (("refund", "1001", "--", "-5"), "not an amount to give back"),
        (("refund", "1001", "5", "--amount", "5"), "say the amount once"),
        (("refund", "1001", "5", "--line", "1"), "either an amount, or lines"),
        (("refund", "1001", "--amount", "5", "--restock"), "puts nothing back into stock"),
        (("refund", "1001", "--line", "9"), "has the lines 1=2 left to give back"),
        (("refund", "1001", "--line", "1=x"), "has the lines 1=2 left to give back"),
        (("hold", "1001", "--reason", "bored"), "bored"),
    ],
    ids=" ".join,
)
def test_wrong_usage_reaches_nobody(shop, words, said):
    """Exit code 2, and nothing lies in the order's inbox."""
    result = shop.run("orders", *words, code=2)

    assert said in result.stderr
    assert shop.json("orders", "show", "1001")["commands_waiting"] == 0
    assert shop.happened("refund_payment") == []


def test_hold_and_release(shop):
    """A hold stops shipping, with the reason on stderr and exit code 1; the release lets it go on."""
    held = shop.json("orders", "hold", "1001", "--reason", "address", "--text", "Street is missing.")
    refused = shop.run("orders", "ship", "1001", *LABEL, code=1)
    as_json = shop.json("orders", "ship", "1001", *LABEL, code=1)
    shop.run("orders", "release", "1001", "--reason", "address")

    assert (held["stage"], held["holds"]) == ("on_hold", ["address"])
    assert refused.stdout == ""
    assert refused.stderr == "Error: ship: shop/11 is on hold (address); release it first\n"
    assert (as_json["result"], as_json["said"]) == ("refused", "shop/11 is on hold (address); release it first")
    assert shop.json("orders", "show", "1001")["stage"] == "processing"


def test_approve_lets_an_unpaid_order_go(shop):
    """What held it is accepted, by name."""
    done = shop.json("orders", "approve", "1003", "--who", "eve")

    assert (done["stage"], done["holds"]) == ("processing", [])


def test_a_note_reaches_the_platform(shop):
    """Once."""
    done = shop.json("orders", "note", "1001", "Called twice.", "--request", "n")

    assert done["result"] == "done"
    assert [one["text"] for one in shop.happened("write_note") if one["order"] == "11"] == ["Called twice."]


def test_refund_all_that_is_left(shop):
    """Without an amount it is the rest, said in the command itself; nothing is left afterwards."""
    shop.run("orders", "refund", "1001", "7,50")
    done = shop.run("orders", "refund", "1001")
    nothing = shop.run("orders", "refund", "1001", code=1)

    assert [one["amount"] for one in shop.happened("refund_payment")] == ["7.50 USD", "19.50 USD"]
    assert "19.50 USD to be given back." in done.stdout
    assert nothing.stderr == "Error: shop/11: nothing is left to give back\n"


def test_refund_by_line(shop):
    """--line ID=N gives so many pieces back with their share of tax; without a number it is what is left of the line."""
    one = shop.json("orders", "refund", "1001", "--line", "1=1", "--request", "r1")
    again = shop.json("orders", "refund", "1001", "--line", "1=1", "--request", "r1")
    rest = [shop.json("orders", "refund", "1001", "--line", "1", "--request", "r2", "--again") for _ in range(2)]
    none = shop.run("orders", "refund", "1001", "--line", "1", code=1)

    assert (one["result"], again["repeated"]) == ("done", True)
    assert [one["result"] for one in rest] == ["done", "done"]
    assert [one["amount"] for one in shop.happened("refund_payment")] == ["13.50 USD", "13.50 USD"]
    assert "nothing is left to give back" in none.stderr
    (line,) = shop.json("orders", "show", "1001")["fulfillment"]
    assert (line["ordered"], line["cancelled"]) == (2, 2)


def test_refund_of_more_pieces_than_are_left(shop):
    """Exit code 1 with how many are left; nothing is sent."""
    shop.run("orders", "refund", "1001", "--line", "1=1")

    result = shop.run("orders", "refund", "1001", "--line", "1=2", code=1)

    assert "2 of line 1 cannot be given back; 1 are left" in result.stderr
    assert len(shop.happened("refund_payment")) == 1


@pytest.mark.parametrize(("option", "restock"), [((), True), (("--restock",), True), (("--no-restock",), False)])
def test_restock_by_option(shop, option, restock):
    """What has not left the house goes back into stock, unless the person says no."""
    shop.run("orders", "refund", "1001", "--line", "1=1", *option, "--request", "r")

    app = open_app(shop.config, os.environ)
    with app.database.reading() as connection:
        case = app.orders.read(connection, 1)
    app.close()
    assert [(record.request.restock, record.request.amount.text) for record in case.refunds] == [(restock, "13.50")]


def test_cancel_may_leave_the_stock_taken(shop):
    """Where the platform does not put it back by itself, --no-restock reaches it."""
    shop.run("orders", "cancel", "1001", "--no-restock")

    (cancelled,) = shop.happened("cancel_order")
    assert cancelled["id"].startswith("cancel-")


def test_too_much_is_refused(shop):
    """Exit code 1 with the sum that is left."""
    result = shop.run("orders", "refund", "1001", "27.01", code=1)

    assert "27.01 USD is more than the 27.00 USD" in result.stderr
    assert shop.happened("refund_payment") == []


def test_cancel_gives_the_money_back(shop):
    """Cancelled on the platform first, then refunded."""
    done = shop.json("orders", "cancel", "1001", "--reason", "changed mind")

    assert (done["result"], done["stage"]) == ("done", "cancelled")
    kinds = [one["kind"] for one in shop.world()["happened"] if one["kind"] in ("cancel_order", "refund_payment")]
    assert kinds == ["cancel_order", "refund_payment"]


# --- once -------------------------------------------------------------------------------------------------------------


def test_the_same_request_is_the_same_act(shop):
    """Twice the same --request is one refund, and the second answer tells what came of the first."""
    first = shop.json("orders", "refund", "1001", "5", "--request", "r1")
    second = shop.json("orders", "refund", "1001", "5", "--request", "r1")
    rest = [shop.json("orders", "refund", "1002", "--request", "r2")["repeated"] for _ in range(2)]

    assert (first["result"], first["repeated"]) == ("done", False)
    assert (second["result"], second["repeated"]) == ("done", True)
    assert second["acts"] == first["acts"]
    assert rest == [False, True]
    assert [one["amount"] for one in shop.happened("refund_payment")] == ["5.00 USD", "27.00 USD"]


def test_a_request_is_not_used_for_two_things(shop):
    """The same --request with another amount is refused: it would silently be the first."""
    shop.run("orders", "refund", "1001", "5", "--request", "r1")

    result = shop.run("orders", "refund", "1001", "6", "--request", "r1", code=1)

    assert "the request r1 was made before for something else (refund)" in result.stderr


@pytest.mark.parametrize(
    ("words", "what", "kind"),
    [
        (("refund", "1001", "5"), "refund", "refund_payment"),
        (("ship", "1001", *LABEL, "--line", "1=1"), "label", "push_shipment"),
    ],
    ids=["refund", "ship"],
)
def test_a_second_equal_one_needs_again(shop, words, what, kind):
    """Within ten minutes it is more likely a mistake; another reason does not make it another refund."""
    shop.run("orders", *words)
    extra = ("--reason", "other words") if what == "refund" else ()

    result = shop.run("orders", *words, *extra, code=1)

    assert f"the same {what} was asked for" in result.stderr
    assert "--again" in result.stderr
    assert len(shop.happened(kind)) == 1
    shop.run("orders", *words, "--again")
    assert len(shop.happened(kind)) == 2


def test_another_amount_needs_no_again(shop):
    """Only an equal one is held up."""
    shop.run("orders", "refund", "1001", "5")
    shop.run("orders", "refund", "1001", "6")

    assert len(shop.happened("refund_payment")) == 2


def test_what_was_refused_may_be_asked_for_again(shop):
    """The guard is about what was done or is being done."""
    shop.run("orders", "hold", "1001")
    shop.run("orders", "ship", "1001", *LABEL, code=1)
    shop.run("orders", "release", "1001")

    shop.run("orders", "ship", "1001", *LABEL)


def test_ten_minutes_later_it_is_meant(shop, monkeypatch):
    """The guard forgets."""
    from datetime import timedelta

    shop.run("orders", "refund", "1001", "5")
    monkeypatch.setattr("connector.store.commands.TOO_SOON", timedelta(0))

    shop.run("orders", "refund", "1001", "5")


def test_a_stale_version_is_refused(shop):
    """What was decided on another state of the order is not carried out; the text says how to look again."""
    seen = version(shop, "1001")
    shop.run("orders", "hold", "1001", "--version", seen)

    result = shop.run("orders", "release", "1001", "--version", seen, code=1)

    assert f"has changed since you looked at it (version {seen}" in result.stderr
    assert "connector orders show shop/11" in result.stderr
    assert shop.json("orders", "show", "1001")["stage"] == "on_hold"
    shop.run("orders", "release", "1001", "--version", version(shop, "1001"))


def test_the_same_request_is_not_stale(shop):
    """A script that repeats its call after a cut gets the answer, though the order has moved on by it."""
    seen = version(shop, "1001")
    words = ("orders", "refund", "1001", "5", "--version", seen, "--request", "r1")

    shop.run(*words)

    assert shop.json(*words)["repeated"] is True


# --- what came of it --------------------------------------------------------------------------------------------------


def test_the_vendor_says_no(shop):
    """Exit code 1, the vendor's reason, and where to go from there."""
    shop.mood(refund_payment="refuse")

    result = shop.run("orders", "refund", "1001", "5", code=1)

    assert "the gateway says no" in result.stderr
    assert "connector orders show shop/11" in result.stderr
    assert [part for part in PERSONAL if part in result.stderr] == []


def test_the_vendor_does_not_answer(shop):
    """Exit code 3: nothing happened yet, and it is tried again by itself."""
    shop.mood(cancel_order="later")

    result = shop.run("orders", "cancel", "1001", code=3)

    assert "cancel  underway" in result.stdout
    assert "the shop is being mended" in result.stdout
    shop.mood(cancel_order=None)
    shop.run("pull")
    assert shop.json("orders", "show", "1001")["stage"] == "cancelled"


def test_nobody_knows(shop):
    """Exit code 3, a task, and never a second try."""
    shop.mood(refund_payment="cut")

    done = shop.json("orders", "refund", "1001", "5", "--request", "r", code=3)
    again = shop.json("orders", "refund", "1001", "5", "--request", "r", code=3)

    assert (done["result"], again["result"]) == ("unknown", "unknown")
    assert len(shop.happened("refund_payment")) == 1


def test_nothing_leaves_in_shadow(shop):
    """Exit code 1: planned, not done, and how to let it go. Going live sends it."""
    shop.run("accounts", "mode", "shop", "shadow")

    result = shop.run("orders", "refund", "1001", "5", code=1)

    assert "refund  planned" in result.stdout
    assert "connector accounts mode shop live" in result.stderr
    assert shop.happened("refund_payment") == []
    shop.run("accounts", "mode", "shop", "live", "--yes")
    shop.run("pull")
    assert len(shop.happened("refund_payment")) == 1


def test_another_process_has_the_order(shop, monkeypatch):
    """The command waits for it, then says that it is underway (3); it is carried out when the order is free again."""
    monkeypatch.setattr("connector.cli.acting.PATIENCE_S", 0.3)
    app = open_app(shop.config, os.environ)
    lease = app.orders.take(1)
    assert lease is not None

    busy = shop.json("orders", "hold", lease.ref, "--request", "h", code=3)
    app.orders.drop(lease, app.clock.now(), due_at=None, failures=0, problem="")
    app.close()
    done = shop.json("orders", "hold", lease.ref, "--request", "h")

    assert (busy["result"], done["result"], done["repeated"]) == ("underway", "done", True)
    assert "another process" in busy["said"]


# --- at a terminal ----------------------------------------------------------------------------------------------------


def test_a_person_is_asked_before_money_leaves(shop):
    """With the sum and the order; a no sends nothing."""
    code, said = at_a_terminal(shop, "orders", "refund", "1001", answers={"[y/N]": "n"})

    assert code == 1
    assert "Give 27.00 USD of shop/11 (#1001) back? This cannot be undone." in said
    assert "The customer gets 27.00 USD, for:" in said
    assert "(line 1): 27.00 USD (of it tax 2.00)" in said
    assert "Back into stock: 2 of line 1." in said
    assert "The money goes back through Credit card." in said
    assert shop.happened("refund_payment") == []


def test_a_yes_sends_it(shop):
    """In colour, because a person sees it."""
    code, said = at_a_terminal(shop, "orders", "refund", "1001", "5", answers={"[y/N]": "y"})

    assert code == 0
    assert "\x1b[" in said
    assert len(shop.happened("refund_payment")) == 1


def test_a_person_sees_what_cancelling_does(shop):
    """The sum, the stock, and which way the money goes; a no sends nothing."""
    code, said = at_a_terminal(shop, "orders", "cancel", "1001", answers={"[y/N]": "n"})

    assert code == 1
    assert "The customer gets 27.00 USD, for:" in said
    assert "Back into stock: " in said
    assert "The money goes back through Credit card." in said
    assert "Cancel shop/11 (#1001), give 27.00 USD back, and tell the customer? This cannot be undone." in said
    assert shop.happened("cancel_order") == []
