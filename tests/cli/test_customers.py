"""Giving out and erasing a customer, at the command line."""

from __future__ import annotations

import json

import pytest

from .conftest import PERSONAL, Install, at_a_terminal

ADA = "ada@example.com"


@pytest.fixture
def ended(shop: Install) -> Install:
    """All three orders of the customer have ended."""
    for number in ("1001", "1002", "1003"):
        shop.run("orders", "cancel", number)
    return shop


# --- export -----------------------------------------------------------------------------------------------------------


def test_export_to_a_file(shop, tmp_path):
    """Everything in it, readable by its owner only, and nothing about the customer on the screen."""
    file = tmp_path / "ada.json"

    done = shop.run("customers", "export", ADA.upper(), "--out", str(file))

    document = json.loads(file.read_text())
    assert [one["order"] for one in document["orders"]] == ["shop/11", "shop/12", "shop/13"]
    assert all(word in file.read_text() for word in ("Ada Lovelace", "12 Marker Street", "for Charles", "+44 20 7946 0000"))
    assert document["accounts"] == {"shop": {"email": ADA.upper()}, "office": {}}
    assert file.stat().st_mode & 0o077 == 0
    assert not any(word in done.output for word in PERSONAL)
    assert "3 orders written" in done.stdout


def test_export_to_the_screen(shop):
    """Without a file it is printed, as JSON, to be taken up by a program."""
    document = json.loads(shop.run("customers", "export", ADA).stdout)

    assert document["customer"] == ADA
    assert len(document["orders"]) == 3


def test_a_file_that_is_there_is_kept(shop, tmp_path):
    """Unless it is said that it may go."""
    file = tmp_path / "ada.json"
    file.write_text("mine")

    assert "is there already" in shop.run("customers", "export", ADA, "--out", str(file), code=2).stderr
    assert file.read_text() == "mine"
    shop.run("customers", "export", ADA, "--out", str(file), "--force")
    assert json.loads(file.read_text())["customer"] == ADA


def test_a_file_that_cannot_be_written(shop, tmp_path):
    """One line says so, and no half of it is left."""
    assert "cannot be written" in shop.run("customers", "export", ADA, "--out", str(tmp_path / "no" / "x"), code=2).stderr


def test_an_account_that_does_not_answer(shop, tmp_path):
    """Its failure is named and is the exit code; the rest is written all the same."""
    shop.mood(export="down")
    file = tmp_path / "ada.json"

    done = shop.run("customers", "export", ADA, "--out", str(file), code=3)

    assert set(json.loads(file.read_text())["failures"]) == {"shop", "office"}
    assert "shop did not say what it holds" in done.stderr
    assert len(json.loads(file.read_text())["orders"]) == 3


@pytest.mark.parametrize("words", [(), (ADA, "--delivery", "1")])
def test_whose_it_is_has_to_be_said_once(shop, words):
    """By address or by delivery."""
    assert "say whose" in shop.run("customers", "export", *words, code=2).stderr


def test_a_delivery_that_is_not_there(shop):
    """Exit code 2, with where they are listed."""
    assert "connector deliveries list" in shop.run("customers", "export", "--delivery", "9", code=2).stderr


# --- erase ------------------------------------------------------------------------------------------------------------


def test_open_orders_are_refused(shop):
    """With each of them and why; nothing is erased."""
    done = shop.run("customers", "erase", ADA, "--yes", code=1)

    assert "shop/11 (it is processing)" in done.stderr
    assert "shop/13 (it is on hold)" in done.stderr
    assert shop.json("orders", "show", "1001")["platform_order"]["customer"]["email"] == ADA


def test_erase(ended):
    """Names go, sums stay; the other commands work on it, and a pull does not bring anything back."""
    total = ended.json("orders", "show", "1001")["platform_order"]["total"]

    done = ended.json("customers", "erase", ADA, "--yes", "--who", "eve")
    ended.run("pull")

    assert done == {
        "orders": ["shop/11", "shop/12", "shop/13"],
        "deliveries": 0,
        "key_destroyed": True,
        "at_platform": {},
        "failures": {},
    }
    for words in (("orders", "list"), ("orders", "show", "1001"), ("orders", "show", "1001", "--json"), ("mails", "list")):
        assert not any(word in ended.run(*words).output for word in PERSONAL)
    shown = ended.json("orders", "show", "1001")
    assert shown["platform_order"]["total"] == total
    assert [line["who"] for line in shown["timeline"] if line["what"] == "erased"] == ["eve"]
    assert ended.happened("erase_customer") == []
    assert "Nothing is held here" in ended.run("customers", "erase", ADA, "--yes").stdout


def test_by_force(shop):
    """Whoever says so may erase a customer to whom something is to be sent."""
    assert shop.json("customers", "erase", ADA, "--yes", "--force")["orders"] == ["shop/11", "shop/12", "shop/13"]
    shop.run("pull")
    assert shop.json("orders", "show", "1001")["platform_order"]["customer"]["name"] == ""


def test_at_the_platform(ended):
    """Only where it is asked for; what was done there is said by account."""
    done = ended.run("customers", "erase", ADA, "--yes", "--at-platform")

    assert "shop: The customer was erased." in done.stdout
    assert len(ended.happened("erase_customer")) == 2


def test_a_platform_that_fails(ended):
    """Ours is erased, what was not is said with its reason, and the exit code is 3; asked again, it is done once."""
    ended.mood(erase_customer="later")
    done = ended.json("customers", "erase", ADA, "--yes", "--at-platform", code=3)
    ended.mood(erase_customer=None)
    again = ended.json("customers", "erase", ADA, "--yes", "--at-platform")

    assert (len(done["orders"]), set(done["failures"])) == (3, {"shop", "office"})
    assert (again["orders"], set(again["at_platform"])) == ([], {"shop", "office"})
    assert len(ended.happened("erase_customer")) == 2


def test_where_nobody_can_be_asked(ended):
    """It is not done without --yes."""
    for words in ((), ("--json",)):
        assert "--yes" in ended.run("customers", "erase", ADA, *words, code=2).stderr
    assert ended.json("orders", "show", "1001")["platform_order"]["customer"]["email"] == ADA


@pytest.mark.parametrize("answer", ["y", "n"])
def test_a_person_is_asked(ended, answer):
    """How many orders, which, and that it cannot be undone; a no leaves everything as it is."""
    code, seen = at_a_terminal(ended, "customers", "erase", ADA, answers={"Erase the customer?": answer})

    assert "3 orders of this customer, 0 still open." in seen
    assert "shop/11" in seen
    assert code == (0 if answer == "y" else 1)
    email = ended.json("orders", "show", "1001")["platform_order"]["customer"]["email"]
    assert email == ("" if answer == "y" else ADA)
