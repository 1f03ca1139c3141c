"""`connector orders tracking`: a number that was wrong is put right once; and a label that was bought after all."""

from __future__ import annotations

import pytest

from .conftest import Install

LABEL = ("--carrier", "UPS", "--tracking", "1Z999AA10123456784")


def pushed(shop: Install) -> list[str]:
    return [one["id"] for one in shop.happened("push_shipment")]


def notified(shop: Install) -> list[str]:
    return [one["duty"] for one in shop.happened("notify") if "/shipped/" in one["duty"]]


def parcel(shop: Install) -> tuple[str, str, str]:
    (shipment,) = shop.json("orders", "show", "1001")["shipments"]
    return shipment["id"], shipment["carrier"], shipment["tracking_number"]


def test_a_number_is_corrected(shop):
    """Exit code 0, the new number in the order, the platform and the customer told, and who did it."""
    shop.run("orders", "ship", "1001", *LABEL, "--request", "r1")

    done = shop.json("orders", "tracking", "1001", "--number", "1ZNEW", "--request", "r2", "--who", "eve")

    assert (done["do"], done["result"], done["timeline"][0]["who"]) == ("tracking", "done", "eve")
    assert done["acts"] == [{"id": "tracking-r2", "kind": "push_shipment", "state": "done", "said": ""}]
    assert parcel(shop) == ("ship-r1", "UPS", "1ZNEW")
    assert pushed(shop) == ["ship-r1", "ship-r1"]
    assert [duty for duty in notified(shop) if duty.endswith("customer")] == [
        "a1/11/shipped/ship-r1/customer",
        "a1/11/shipped/tracking-r2/customer",
    ]


def test_the_same_request_is_the_same_correction(shop):
    """Asked again under its name it is told again, and nothing more happens."""
    shop.run("orders", "ship", "1001", *LABEL)
    for _ in range(2):
        done = shop.json("orders", "tracking", "1001", "--number", "1ZNEW", "--request", "r2")

    assert (done["result"], done["repeated"]) == ("done", True)
    assert len(pushed(shop)) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--number", "1Z999AA10123456784"), "has this number already"),
        (("--number", "1ZNEW", "--shipment", "s"), "has no shipment s; there are ship-r1 (1Z999AA10123456784)"),
        (("--number", "https://ups.example/1ZNEW"), "enter the number alone"),
    ],
)
def test_what_is_no_correction_is_refused(shop, words, said):
    """Exit code 1 and the reason; the platform hears nothing."""
    shop.run("orders", "ship", "1001", *LABEL, "--request", "r1")

    result = shop.run("orders", "tracking", "1001", *words, code=1)

    assert said in result.stderr
    assert pushed(shop) == ["ship-r1"]


def test_there_is_nothing_to_correct(shop):
    """An order of which nothing was shipped; a number has to be given; a link has to be one."""
    assert "nothing was shipped yet" in shop.run("orders", "tracking", "1001", "--number", "1", code=1).stderr
    assert "--number" in shop.run("orders", "tracking", "1001", code=2).stderr
    assert "no web address" in shop.run("orders", "tracking", "1001", "--number", "1", "--url", "ups.com", code=2).stderr


def test_the_screen_names_the_parcel(shop):
    """What `--shipment` wants stands beside each parcel."""
    shop.run("orders", "ship", "1001", *LABEL, "--request", "r1")

    assert "ship-r1" in shop.run("orders", "show", "1001").stdout


def test_a_tracking_number_is_for_labels(shop):
    """--tracking says something only of a label that was bought."""
    shop.mood(refund_payment="cut")
    shop.run("orders", "refund", "1001", "5", "--request", "r1", code=None)

    wrong = shop.run("effects", "resolve", "1001", "refund-r1", "--happened", "--tracking", "1Z", code=2)

    assert "--tracking is for a label" in wrong.stderr
