"""Shadow, rehearsal, live: what may leave is decided at the door, and what was held back leaves once when it may."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector import news
from connector.errors import ConnectorError
from connector.model.events import DutyState, EffectState
from connector.model.flow import Stage
from tests.flow.shop import NAME, SHIP, Shop, open_shop

REHEARSAL = [{"key": "_order_connector_rehearsal", "value": "run-1"}]
TO = "rehearsal@merchant.example"


@pytest.fixture
def shadow(tmp_path: Path, sqlite_url: str) -> Iterator[Shop]:
    """A shop that nobody has put live."""
    with open_shop(tmp_path, sqlite_url, mode="shadow") as shop:
        yield shop


def many(shop: Shop) -> tuple[str, ...]:
    """One order for each thing that can be done."""
    shipped, approved, cancelled, held = (
        shop.new_order(),
        shop.new_order(payment_method="bacs"),
        shop.new_order(),
        shop.new_order(po_box=True),
    )
    shop.command(shipped, "ship", **SHIP)
    shop.command(approved, "approve")
    shop.command(cancelled, "cancel")
    shop.command(held, "note", text="Seen.")
    return shipped, approved, cancelled, held


def states(shop: Shop, orders: tuple[str, ...]) -> set[str]:
    return {row.state for order in orders for row in shop.effects(order)}


def test_nothing_leaves_in_shadow(shadow: Shop) -> None:
    """The store is only read and nobody gets mail; what would have been done can be seen as planned, with why it waits."""
    orders = many(shadow)
    shadow.later(days=3)

    assert shadow.writes() == []
    assert shadow.mails() == []
    assert {shadow.status(order) for order in orders} == {"processing", "on-hold"}
    assert states(shadow, orders) == {EffectState.PLANNED}
    kinds = {row.kind for order in orders for row in shadow.effects(order)}
    assert kinds == {"buy_label", "cancel_order", "write_note", "notify"}  # of each order, what is to be done next
    for order in orders:
        assert "is not live" in shadow.row(order).problem
        assert shadow.row(order).failures == 0
        assert shadow.tasks(order) == []


def test_going_live_sends_each_once(shadow: Shop) -> None:
    """Whatever was planned is done, in its order, exactly once; and being live for longer adds nothing."""
    orders = many(shadow)
    shadow.mode("live")
    shadow.work()
    writes, mails = shadow.writes(), len(shadow.mails())
    shadow.mode("live")
    shadow.later(days=1)

    shipped, approved, cancelled, held = orders
    assert states(shadow, orders) == {EffectState.DONE}
    assert shadow.writes() == writes
    assert len(shadow.mails()) == mails
    assert [shadow.status(order) for order in orders] == ["completed", "processing", "refunded", "processing"]
    assert shadow.paid_back(cancelled) == ["18.61"]
    assert writes.count(f"PUT orders/{shipped}") == 2
    assert writes.count(f"PUT orders/{approved}") == 1
    assert len({(mail.message_id, mail.envelope_to) for mail in shadow.mails()}) == mails
    assert shadow.told(held)["on_hold/customer"] == DutyState.SENT
    assert [act.state for order in orders for act in shadow.case(order).acts if act.state != "done"] == []


def test_going_back_to_shadow(shop: Shop) -> None:
    """From that moment on nothing more leaves."""
    order = shop.new_order()
    shop.mode("shadow")
    before = shop.writes()
    shop.command(order, "cancel")
    assert shop.writes() == before
    shop.mode("live")
    shop.work()

    assert shop.paid_back(order) == ["18.61"]


def test_only_the_mail_account_is_in_shadow(shop: Shop) -> None:
    """Each account has a mode of its own: the shop is told, the customer not yet."""
    shop.mode("shadow", "mail")
    order = shop.new_order(po_box=True)
    assert shop.mails() == []
    assert shop.told(order)["on_hold/customer"] == DutyState.OWED
    assert len([note for note in shop.truth(order)["notes"] if "[oc:" in note["note"]]) == 1
    shop.mode("live", "mail")
    shop.work()

    assert len(shop.mails("ada@")) == 1


def test_no_webhooks_are_made_in_shadow(shadow: Shop) -> None:
    """Subscriptions are a change of the shop's world, too; they are made when it is live, once each."""
    with pytest.raises(ConnectorError, match=r"shop is not live: ensure_webhooks\.created was planned and not sent"):
        news.ensure_webhooks(shadow.app, shadow.account)
    assert shadow.sandbox.store.webhooks == {}
    shadow.mode("live")
    news.ensure_webhooks(shadow.app, shadow.account)
    news.ensure_webhooks(shadow.app, shadow.account)

    assert len(shadow.sandbox.store.webhooks) == 4


def test_rehearsal(tmp_path: Path, sqlite_url: str) -> None:
    """Only orders of a rehearsal are acted on, and mail reaches only the rehearsal's address."""
    with open_shop(tmp_path, sqlite_url, mode="rehearsal") as shop:
        real = shop.new_order(po_box=True)
        shop.command(real, "approve")
        shop.command(real, "ship", **SHIP)
        tagged = shop.new_order(order_meta=REHEARSAL, email=TO, po_box=True)
        stranger = shop.new_order(order_meta=REHEARSAL, po_box=True)
        for order in (tagged, stranger):
            shop.command(order, "approve")
            shop.command(order, "ship", **SHIP)

        assert shop.case(tagged).order.rehearsal == "run-1"
        assert shop.writes(f"orders/{real}") == []
        assert shop.status(real) == "processing"
        assert states(shop, (real,)) == {EffectState.PLANNED}
        assert (shop.status(tagged), shop.status(stranger)) == ("completed", "completed")
        assert {mail.envelope_to for mail in shop.mails()} == {(TO,)}
        assert shop.told(tagged)["on_hold/customer"] == DutyState.SENT
        assert shop.told(stranger)["on_hold/customer"] == DutyState.FAILED
        assert shop.told(tagged)["shipped/merchant"] == DutyState.FAILED


def test_an_account_that_nobody_has_named_a_mode_for_is_in_shadow(tmp_path: Path, sqlite_url: str) -> None:
    """A new account does nothing to the world by itself."""
    with open_shop(tmp_path, sqlite_url, mode="") as shop:
        order = shop.new_order()
        shop.command(order, "ship", **SHIP)

        assert shop.writes() == []
        assert shop.case(order).stage is Stage.PROCESSING
        assert shop.row(order).problem.startswith("post is not live")
        shop.mode("live", NAME, "post", "mail")
        shop.work()
        assert shop.case(order).stage is Stage.COMPLETED
