"""Authorized money is taken before anything leaves and before the authorization runs out, once, and never after a no."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connector.model.events import TaskKind
from connector.model.flow import Stage
from tests.flow.paper_shop import PaperShop, open_paper

SHIP = {"carrier": "UPS", "tracking": "1Z999AA10123456784"}


@pytest.fixture
def shop(tmp_path: Path, sqlite_url: str) -> Iterator[PaperShop]:
    with open_paper(tmp_path, sqlite_url) as shop:
        yield shop


def test_it_is_captured_before_the_parcel_leaves(shop: PaperShop) -> None:
    """The order is approved on its authorization; the money is taken at shipping, all of it, once."""
    order = shop.place("1")
    assert shop.case(order).stage is Stage.PROCESSING
    assert shop.happened() == []

    assert shop.command(order, "ship", **SHIP) == ""

    assert [one["kind"] for one in shop.happened()] == ["capture_payment", "push_shipment"]
    assert shop.order(order)["captured"] == 5000
    assert shop.case(order).stage is Stage.COMPLETED
    shop.work()
    assert len(shop.happened("capture_payment")) == 1


def test_a_refused_capture_keeps_the_parcel_in_the_house(shop: PaperShop) -> None:
    """The card says no: no label is bought, and a person has a task."""
    order = shop.place("1")
    shop.mood("capture_payment", "refuse")
    shop.command(order, "ship", **SHIP)

    assert shop.happened() == []
    assert shop.case(order).shipments == ()
    (task,) = shop.tasks(order, TaskKind.PROBLEM)
    assert task.startswith("shop/1: capture_payment was refused:")
    assert shop.command(order, "ship", **SHIP, lines=[{"line_id": "l1", "quantity": 1}]) == ""
    assert [one["kind"] for one in shop.happened()] == ["capture_payment", "push_shipment"]


def test_a_capture_without_an_answer_waits_for_a_person(shop: PaperShop) -> None:
    """Nobody knows whether the money was taken: nothing leaves, nothing is taken again, until somebody has looked."""
    order = shop.place("1")
    shop.mood("capture_payment", "cut")
    shop.command(order, "ship", **SHIP)
    assert [one["kind"] for one in shop.happened()] == ["capture_payment"]
    (task,) = shop.tasks(order, TaskKind.UNKNOWN_EFFECT)
    assert "capture_payment" in task

    (act,) = [act.id for act in shop.case(order).acts if act.kind == "capture_payment"]
    assert shop.command(order, "resolve", act=act, happened=True) == ""

    assert [one["kind"] for one in shop.happened()] == ["capture_payment", "push_shipment"]
    assert shop.case(order).stage is Stage.COMPLETED


def test_it_is_captured_before_the_authorization_runs_out(shop: PaperShop) -> None:
    """An approved order that nobody ships: a day before, the money is taken by itself, without anybody's wake-up."""
    until = shop.app.clock.now() + timedelta(days=6)
    order = shop.place("1", until=until.isoformat())
    due = shop.row(order).due_at
    assert due is not None
    assert abs(due - (until - timedelta(hours=24))) < timedelta(minutes=1)

    shop.later(days=4, poll=False)
    assert shop.happened() == []
    shop.later(days=1, minutes=1, poll=False)
    assert [one["kind"] for one in shop.happened()] == ["capture_payment"]


def test_of_a_held_order_a_person_is_told(shop: PaperShop) -> None:
    """Nobody has approved it: taking the money is a person's decision, asked for once, and possible by command."""
    order = shop.place("1", until=(shop.app.clock.now() + timedelta(days=2)).isoformat())
    shop.command(order, "hold", reason="fraud_risk", text="Look at it.")
    shop.later(days=1, minutes=1, poll=False)
    assert shop.happened("capture_payment") == []
    (task,) = shop.tasks(order, TaskKind.PROBLEM)
    assert "50.00 EUR is only authorized; the authorization runs out" in task

    assert shop.command(order, "capture") == ""
    assert shop.order(order)["captured"] == 5000
    assert shop.tasks(order) == []
    assert "nothing is authorized that is not captured already" in shop.command(order, "capture")


@pytest.mark.parametrize(("policy", "captured"), [("approval", 1), ("never", 0)])
def test_the_policy_says_when(tmp_path: Path, sqlite_url: str, policy: str, captured: int) -> None:
    """At approval, or never by us."""
    with open_paper(tmp_path, sqlite_url, policy=f'[policy]\ncapture = "{policy}"') as shop:
        order = shop.place("1")
        assert len(shop.happened("capture_payment")) == captured
        shop.command(order, "ship", **SHIP)
        assert len(shop.happened("capture_payment")) == captured
        assert len(shop.happened("push_shipment")) == 1


def test_what_is_not_captured_is_let_go_on_cancelling(shop: PaperShop) -> None:
    """No money was taken, so none goes back: the authorization is voided after the cancellation."""
    order = shop.place("1")
    assert shop.command(order, "cancel") == ""
    assert [one["kind"] for one in shop.happened()] == ["cancel_order", "void_payment"]
    assert shop.case(order).refunds == ()
    assert shop.case(order).stage is Stage.CANCELLED


def test_what_is_being_cancelled_is_not_looked_at_again(shop: PaperShop) -> None:
    """Cancelling lets go of the authorization: that the money is gone holds nothing, and nobody is asked to pay."""
    order = shop.place("1")
    shop.mood("cancel_order", "cut")
    shop.command(order, "cancel")
    shop.place(order, authorized=0)
    shop.work()

    assert shop.case(order).order.payments[0].authorized.minor == 0
    assert shop.case(order).holds == ()
