"""Tasks, effects, mails, deliveries: what a person looks after."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest

from connector.app import open_app
from connector.model.events import Delivery

from .conftest import PERSONAL, Install


@pytest.fixture
def cut(shop: Install) -> Install:
    """Of one refund nobody knows whether it happened."""
    shop.mood(refund_payment="cut")
    shop.run("orders", "refund", "1001", "5", "--request", "r1", code=3)
    shop.mood(refund_payment=None)
    return shop


# --- tasks ------------------------------------------------------------------------------------------------------------


def test_nothing_left_to_do(shop):
    """An empty list of tasks is good news, and says so."""
    assert shop.run("tasks", "list").stdout == "Nothing is left to do.\n"
    assert shop.json("tasks", "list") == {"tasks": [], "next": ""}


def test_a_task_is_shown_with_its_steps(cut):
    """What to do, step by step, and how to close it."""
    (task,) = cut.json("tasks", "list")["tasks"]
    shown = cut.run("tasks", "show", str(task["id"]))

    assert (task["kind"], task["ref"], task["state"]) == ("unknown_effect", "shop/11", "open")
    assert "1. Look at the vendor's own page" in shown.stdout
    assert f"connector tasks done {task['id']}" in shown.stderr
    assert cut.json("tasks", "show", str(task["id"])) == task


def test_a_task_is_done_once_and_can_be_reopened(cut):
    """With who and what came of it; the order's story tells it without the words, which may be about a person."""
    (task,) = cut.json("tasks", "list")["tasks"]
    number = str(task["id"])

    done = cut.json("tasks", "done", number, "--outcome", "Ada rang.", "--who", "eve")
    again = cut.run("tasks", "done", number, "--outcome", "x", code=1)

    assert (done["task"]["state"], done["task"]["who"], done["task"]["outcome"]) == ("done", "eve", "Ada rang.")
    assert again.stderr == f"Error: task {number} is done already\n"
    assert [task["id"] for task in cut.json("tasks", "list", "--state", "done")["tasks"]] == [task["id"]]
    story = [line["text"] for line in cut.json("orders", "show", "1001")["timeline"]]
    assert f"Task {number} is done: unknown_effect." in story
    assert "Ada rang." not in story
    assert cut.json("tasks", "reopen", number)["task"]["state"] == "open"
    assert "is open" in cut.run("tasks", "reopen", number, code=1).stderr


def test_a_task_that_is_not_there(shop):
    """Exit code 2, whatever is asked of it."""
    for words in (("show", "99"), ("done", "99", "--outcome", "x"), ("reopen", "99")):
        assert shop.run("tasks", *words, code=2).stderr.startswith("Error: there is no task 99.")


# --- effects ----------------------------------------------------------------------------------------------------------


def test_effects_that_are_not_settled(cut):
    """Without an order, only what somebody has to look at."""
    (effect,) = cut.json("effects", "list")["effects"]

    assert (effect["ref"], effect["kind"], effect["request_id"], effect["state"]) == (
        "shop/11",
        "refund_payment",
        "refund-r1",
        "unknown",
    )
    assert cut.json("effects", "list", "--account", "office")["effects"] == []


def test_all_effects_of_an_order(cut):
    """With an order, everything that left for it, in its order."""
    effects = cut.json("effects", "list", "1001")["effects"]

    assert [effect["kind"] for effect in effects] == ["notify", "notify", "refund_payment"]
    assert "refund_payment" in cut.run("effects", "list", "1001").stdout


def test_every_effect_settled(shop):
    """The good news in words."""
    assert "Every effect is settled" in shop.run("effects", "list").stdout


@pytest.mark.parametrize("by_key", [False, True], ids=["act", "key"])
def test_it_happened(cut, by_key):
    """A person found out that it happened: by act or by key; the customer is told, nothing is sent again."""
    (effect,) = cut.json("effects", "list")["effects"]
    name = effect["key"] if by_key else "refund-r1"

    done = cut.json("effects", "resolve", "1001", name, "--happened")

    assert done["result"] == "done"
    assert cut.json("tasks", "list")["tasks"] == []
    assert len(cut.happened("refund_payment")) == 1
    assert cut.json("orders", "show", "1001")["refunds"][0]["state"] == "done"


def test_it_did_not_happen(cut):
    """Then it is sent again, as a new attempt."""
    done = cut.json("effects", "resolve", "1001", "refund-r1", "--not-happened")

    assert done["result"] == "done"
    assert len(cut.happened("refund_payment")) == 2


def test_resolving_what_nobody_asks(cut):
    """A wrong act is wrong usage and names the right one; a settled one is a no."""
    wrong = cut.run("effects", "resolve", "1001", "refund-r2", "--happened", code=2)
    unsaid = cut.run("effects", "resolve", "1001", "refund-r1", code=2)
    cut.run("effects", "resolve", "1001", "refund-r1", "--happened")
    late = cut.run("effects", "resolve", "1001", "refund-r1", "--happened", code=1)

    assert "Waiting for an answer: refund-r1" in wrong.stderr
    assert "--happened or --not-happened" in unsaid.stderr
    assert "nothing waits for an answer" in late.stderr


# --- mails ------------------------------------------------------------------------------------------------------------


def test_mails_of_an_order(shop):
    """Who was told of what; to which address is nobody's business here."""
    mails = shop.json("mails", "list", "1001")["mails"]

    assert [(mail["event"], mail["person"], mail["state"]) for mail in mails] == [
        ("confirmed", "customer", "sent"),
        ("confirmed", "merchant", "sent"),
    ]
    assert "Nothing to look at" in shop.run("mails", "list").stdout


def test_a_mail_of_which_nobody_knows_is_sent_again(shop):
    """It is listed, and `resend` sends it once more under a name of its own; the second time needs --again."""
    shop.mood(notify="cut")
    shop.run("orders", "refund", "1001", "5", "--request", "r1")
    lost = [mail["id"] for mail in shop.json("mails", "list")["mails"]]
    unknown = shop.json("mails", "resend", lost[0], code=3)
    shop.mood(notify=None)

    soon = shop.run("mails", "resend", lost[0], code=1)
    sent = shop.json("mails", "resend", lost[0], "--again")

    assert len(lost) == 2
    assert unknown["result"] == "unknown"
    assert "the same message was asked for" in soon.stderr
    assert sent["result"] == "done"
    duties = [one["duty"] for one in shop.happened("notify") if one["duty"].startswith(lost[0])]
    assert duties == [lost[0], f"{lost[0]}#1", f"{lost[0]}#2"]
    assert [mail["id"] for mail in shop.json("mails", "list")["mails"]] == lost[1:]


def test_a_mail_that_is_not_there(shop):
    """Exit code 2."""
    assert "there is no message 'x'" in shop.run("mails", "resend", "x", code=2).stderr


# --- deliveries -------------------------------------------------------------------------------------------------------


@pytest.fixture
def delivered(shop: Install) -> Install:
    """Two deliveries have arrived: one about an order, one that cannot be read. Both have been looked at."""
    from connector import news

    app = open_app(shop.config, os.environ)
    now = datetime(2026, 11, 22, tzinfo=UTC)
    for body in (b'{"id": 11, "email": "ada@example.com"}', b'{"what": "Ada Lovelace"}'):
        delivery = Delivery(headers={"x-fake-topic": "order.updated"}, body=body, received_at=now)
        number = news.receive(app, app.registry.account("shop"), delivery)
        assert number is not None
        news.read_delivery(app, number)
    app.close()
    return shop


def test_deliveries_are_listed_without_what_they_hold(delivered):
    """Newest first; a bad one says why it cannot be read."""
    listed = delivered.json("deliveries", "list")["deliveries"]
    text = delivered.run("deliveries", "list").stdout

    assert [(one["delivery"], one["account"], one["state"]) for one in listed] == [(2, "shop", "bad"), (1, "shop", "done")]
    assert "this is no order" in listed[0]["said"]
    assert [part for part in PERSONAL if part in text] == []
    assert [one["delivery"] for one in delivered.json("deliveries", "list", "--state", "bad")["deliveries"]] == [2]


def test_a_body_is_shown_only_where_it_was_asked_for(delivered):
    """Not in a pipe, not in JSON, unless --raw says so."""
    plain, raw = delivered.run("deliveries", "show", "1"), delivered.run("deliveries", "show", "1", "--raw")
    as_json, raw_json = delivered.json("deliveries", "show", "1"), delivered.json("deliveries", "show", "1", "--raw")

    assert "ada@example.com" not in plain.stdout + plain.stderr
    assert "--raw" in plain.stderr
    assert "ada@example.com" in raw.stdout
    assert "x-fake-topic: order.updated" in raw.stdout
    assert "body" not in as_json
    assert raw_json["body"] == '{"id": 11, "email": "ada@example.com"}'


def test_what_was_mended_is_read_again(delivered):
    """By number or all bad ones; exit code 1 while one still cannot be read."""
    good = delivered.json("deliveries", "replay", "1")
    bad = delivered.run("deliveries", "replay", "--bad", code=1)
    plugin = delivered.folder / "plugins" / "fakeshop.py"
    plugin.write_text(plugin.read_text().replace('json.loads(delivery.body)["id"]', "12"))
    mended = delivered.json("deliveries", "replay", "--bad")

    assert (good["read"], good["failed"]) == (1, 0)
    assert "1 could not be read" in bad.stdout
    assert (mended["read"], mended["failed"]) == (1, 0)
    assert delivered.run("deliveries", "replay", "--bad").stdout == "There is no bad delivery.\n"


@pytest.mark.parametrize("words", [(), ("1", "--bad"), ("1", "77")], ids=["nothing", "both", "unknown"])
def test_replaying_says_what_it_wants(delivered, words):
    """Exit code 2, and nothing is read."""
    delivered.run("deliveries", "replay", *words, code=2)
