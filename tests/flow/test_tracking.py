"""Tracking numbers all the way: where the shop keeps them, several parcels, a wrong number, and cuts between any two writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import update

from connector.model.case import ActState
from connector.model.events import EffectState, TaskKind
from connector.model.flow import Stage
from connector.sandbox.faults import Rule
from connector.sandbox.woocommerce import tracking
from connector.store.tables import orders
from tests.flow.shop import SHIP, Shop, refused

NUMBER, RIGHT = SHIP["tracking"], "1Z999AA10123456799"
WAYS = ("fulfillments", "shipment-tracking", "meta")


@pytest.fixture(params=WAYS)
def any_shop(request: pytest.FixtureRequest, shop: Shop) -> Shop:
    """A shop that offers this way at best."""
    return offering(shop, request.param)


def offering(shop: Shop, way: str) -> Shop:
    features = {"fulfillments": {"fulfillments", "shipment-tracking"}, "shipment-tracking": {"shipment-tracking"}, "meta": ()}
    shop.sandbox.store.settings.features = frozenset(features[way])
    return shop


def configured(shop: Shop, line: str) -> None:
    """The shop's account has this line as well."""
    shop.config.write_text(shop.config.read_text().replace('mail = "mail"\n', f'mail = "mail"\n{line}\n', 1))
    shop.reopen()


def shown(shop: Shop, order: str) -> list[str]:
    """The tracking numbers that the shop shows, wherever it keeps them; each as often as it stands there."""
    truth = shop.truth(order)
    rows = [meta["value"] for row in truth["fulfillments"] for meta in row["meta_data"] if meta["key"] == "_tracking_number"]
    plugin = [str(row["tracking_number"]) for row in tracking.rows_of(shop.sandbox.store.orders[int(order)])]
    ours = [value["number"] for key, value in truth["meta"].items() if key.startswith("_order_connector_shipment_")]
    return [*rows, *plugin, *ours]


def told(shop: Shop, order: str) -> list[str]:
    """The shop's e-mails to the customer in which a tracking number can stand."""
    kinds = ("customer_fulfillment_created", "customer_fulfillment_updated", "customer_note")
    by_plugin = (
        "shipment-tracking" in shop.sandbox.store.settings.features
        and "fulfillments" not in shop.sandbox.store.settings.features
    )
    mails = [str(mail["email_id"]) for mail in shop.truth(order)["mails"]]
    return [mail for mail in mails if mail in kinds or (by_plugin and mail == "customer_completed_order")]


ONE_MAIL = {
    "fulfillments": ["customer_fulfillment_created"],
    "shipment-tracking": ["customer_completed_order"],
    "meta": ["customer_note"],
}
SECOND_MAIL = {
    "fulfillments": ["customer_fulfillment_updated"],
    "shipment-tracking": ["customer_note"],
    "meta": ["customer_note"],
}


def way_of(shop: Shop) -> str:
    features = shop.sandbox.store.settings.features
    return next((way for way in WAYS if way in features), "meta")


# --- once -------------------------------------------------------------------------------------------------------------


def test_the_number_is_shown_and_told_once(any_shop: Shop) -> None:
    """Where the shop keeps it, and in one mail that holds it; then the order is completed."""
    order = any_shop.shipped()
    assert shown(any_shop, order) == [NUMBER]
    assert told(any_shop, order) == ONE_MAIL[way_of(any_shop)]
    assert any_shop.status(order) == "completed"
    assert any_shop.case(order).stage is Stage.COMPLETED
    writes = len(any_shop.writes(order))
    any_shop.later(days=2)
    assert len(any_shop.writes(order)) == writes


def test_two_parcels(any_shop: Shop) -> None:
    """Each has its own number; the order stays open after the first one and is completed by the last."""
    order = any_shop.new_order(items=[{"sku": "MUG-1", "quantity": 3}])
    (line,) = any_shop.case(order).order.lines
    part = [{"line_id": line.id, "quantity": 1}]
    assert any_shop.command(order, "ship", carrier="UPS", tracking="1ZA", lines=part) == ""
    assert (shown(any_shop, order), any_shop.status(order)) == (["1ZA"], "processing")
    assert any_shop.case(order).stage is Stage.PROCESSING
    assert any_shop.command(order, "ship", carrier="UPS", tracking="1ZB") == ""
    assert (shown(any_shop, order), any_shop.status(order)) == (["1ZA", "1ZB"], "completed")
    first = "customer_note" if way_of(any_shop) == "shipment-tracking" else ONE_MAIL[way_of(any_shop)][0]
    assert told(any_shop, order) == [first, *ONE_MAIL[way_of(any_shop)]]
    notes = [note["note"] for note in any_shop.truth(order)["notes"] if note["to_customer"]]
    assert all(note.startswith(f"Shipped: {quantity} × ") for note, quantity in zip(notes, (1, 2), strict=False))


def test_two_parcels_that_are_decided_at_once(shop: Shop) -> None:
    """The first one that leaves is not the last: the order is open until both have left."""
    order = shop.new_order(items=[{"sku": "MUG-1", "quantity": 2}])
    (line,) = shop.case(order).order.lines
    part = [{"line_id": line.id, "quantity": 1}]
    shop.ask(order, "ship", carrier="UPS", tracking="1ZA", lines=part)
    shop.ask(order, "ship", carrier="", tracking="", lines=part)  # nothing was entered: the second is refused
    shop.work()
    assert (shown(shop, order), shop.status(order)) == (["1ZA"], "processing")
    assert shop.case(order).stage is Stage.PROCESSING
    assert shop.command(order, "ship", carrier="UPS", tracking="1ZB") == ""
    assert (shown(shop, order), shop.status(order)) == (["1ZA", "1ZB"], "completed")


# --- a wrong number ---------------------------------------------------------------------------------------------------


def test_a_wrong_number_is_corrected(any_shop: Shop) -> None:
    """The shop shows the right one in the place of the wrong one, staff and customer read that it was corrected."""
    order = any_shop.shipped()
    assert any_shop.command(order, "tracking", tracking=RIGHT, request_id="fix") == ""
    assert shown(any_shop, order) == [RIGHT]
    assert told(any_shop, order) == [*ONE_MAIL[way_of(any_shop)], *SECOND_MAIL[way_of(any_shop)]]
    assert any(f"it is {RIGHT} with UPS, not {NUMBER}" in note["note"] for note in any_shop.truth(order)["notes"])
    (shipment,) = any_shop.case(order).shipments
    assert (shipment.tracking_number, shipment.tracking_url) == (RIGHT, f"https://www.ups.com/track?tracknum={RIGHT}")
    assert any(RIGHT in line and NUMBER in line for line in any_shop.timeline(order))
    assert any_shop.case(order).stage is Stage.COMPLETED
    writes = len(any_shop.writes(order))
    any_shop.later(days=2)
    assert len(any_shop.writes(order)) == writes


def test_one_of_two_parcels_is_corrected(any_shop: Shop) -> None:
    """By its name; the other one stays as it is."""
    order = any_shop.new_order(items=[{"sku": "MUG-1", "quantity": 2}])
    (line,) = any_shop.case(order).order.lines
    any_shop.command(order, "ship", carrier="UPS", tracking="1ZA", lines=[{"line_id": line.id, "quantity": 1}], request_id="a")
    any_shop.command(order, "ship", carrier="UPS", tracking="1ZB", request_id="b")
    assert any_shop.command(order, "tracking", shipment="ship-a", tracking="1ZC") == ""
    assert sorted(shown(any_shop, order)) == ["1ZB", "1ZC"]
    assert any_shop.command(order, "tracking", shipment="ship-a", tracking="1ZD") == ""
    assert sorted(shown(any_shop, order)) == ["1ZB", "1ZD"]
    assert any_shop.tasks(order) == []


def test_a_correction_waits_for_what_is_still_to_be_told(shop: Shop) -> None:
    """The shop is down when the parcel leaves, and still when the number is corrected: first the one, then the other."""
    order = shop.new_order()
    shop.mode("shadow", "shop")
    shop.command(order, "ship", **SHIP)
    shop.command(order, "tracking", tracking=RIGHT)
    assert shown(shop, order) == []
    shop.mode("live")
    shop.work()
    assert shown(shop, order) == [RIGHT]
    assert [act.state for act in shop.case(order).acts if act.kind == "push_shipment"] == [ActState.DONE, ActState.DONE]


def test_a_correction_waits_for_a_person_as_well(shop: Shop) -> None:
    """Nobody knows whether the shop took the first number: the right one is not told beside it, but after a person has said."""
    offering(shop, "fulfillments")
    order = shop.new_order()
    shop.sandbox.faults.add(Rule(kind="reset_after", method="POST", match="fulfillments"))
    shop.command(order, "ship", request_id="a", **SHIP)
    shop.sandbox.faults.clear()
    offering(shop, "meta")
    shop.long_ago()
    shop.later(hours=1)
    assert shop.tasks(order, TaskKind.UNKNOWN_EFFECT)
    writes = shop.writes(order)
    assert shop.command(order, "tracking", tracking=RIGHT) == ""
    assert shop.writes(order) == writes

    offering(shop, "fulfillments")
    assert shop.command(order, "resolve", act="push-ship-a", happened=True) == ""
    assert shown(shop, order) == [RIGHT]
    assert told(shop, order) == ["customer_fulfillment_created", "customer_fulfillment_updated"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"tracking": NUMBER}, "has this number already"),
        ({"tracking": " "}, "is no tracking number"),
        ({"tracking": "https://www.ups.com/track?tracknum=1"}, "enter the number alone"),
        ({"tracking": "9" * 101}, "is no tracking number"),
        ({"tracking": RIGHT, "shipment": "ship-x"}, f"has no shipment ship-x; there are ship-r1 ({NUMBER})"),
        ({}, "is missing"),
    ],
    ids=str,
)
def test_what_is_no_correction_is_refused(shop: Shop, body: dict[str, Any], why: str) -> None:
    """With the reason, and nothing changes."""
    order = shop.shipped()
    assert why in refused(shop, order, "tracking", **body)


def test_there_is_nothing_to_correct(shop: Shop) -> None:
    """Nothing left yet; and of several parcels one has to be named."""
    order = shop.new_order(items=[{"sku": "MUG-1", "quantity": 2}])
    assert "nothing was shipped yet" in refused(shop, order, "tracking", tracking=RIGHT)
    (line,) = shop.case(order).order.lines
    shop.command(order, "ship", carrier="UPS", tracking="1ZA", lines=[{"line_id": line.id, "quantity": 1}])
    shop.command(order, "ship", carrier="UPS", tracking="1ZB")
    assert "several shipments; say which one" in refused(shop, order, "tracking", tracking=RIGHT)


def test_another_carrier_has_another_page(shop: Shop) -> None:
    """The link of the old carrier goes, unless a person gives the new one's."""
    order = shop.shipped()
    shop.command(order, "tracking", tracking="JD1", carrier="DHL")
    assert shop.case(order).shipments[0].tracking_url == ""
    shop.command(order, "tracking", tracking="JD1", carrier="DHL", url="https://dhl.example/JD1")
    assert shop.case(order).shipments[0].tracking_url == "https://dhl.example/JD1"
    assert shown(shop, order) == ["JD1"]


def test_who_mails_it_ourselves_mails_it_once(shop: Shop) -> None:
    """The account says that we tell the customer of shipments: our mail does, and nothing of the shop holds the number."""
    configured(shop, 'tells = {shipped = {customer = "us"}}')
    offering(shop, "fulfillments")
    order = shop.shipped()
    assert (shown(shop, order), told(shop, order)) == ([NUMBER], [])
    assert shop.told(order)["shipped/customer"] == "sent"


# --- cuts -------------------------------------------------------------------------------------------------------------


class Died(BaseException):
    """The process is gone: nothing that would tidy up runs."""


@dataclass(kw_only=True)
class Watch:
    """Dies when it is told of this transition for the time that is counted down to."""

    transition: str
    left: int

    def __call__(self, said: str) -> None:
        if said != self.transition:
            return
        self.left -= 1
        if self.left == 0:
            raise Died


def dying(shop: Shop, transition: str) -> Iterator[int]:
    """Let the process die at each time that the ledger tells of this, one after another, until it happens no more."""
    for nth in range(1, 30):
        watch = Watch(transition=transition, left=nth)
        shop.app.door.watch = watch
        yield nth
        shop.app.door.watch = lambda said: None
        if watch.left > 0:
            return
    raise AssertionError("it never ends")


def taken_over(shop: Shop) -> None:
    """Another process takes the order over, later than anything of it could still be on its way."""
    shop.app.door.watch = lambda said: None
    with shop.app.database.writing() as connection:
        connection.execute(update(orders).values(lease_token=None, lease_until=None, due_at=shop.app.clock.now()))
    shop.long_ago()
    shop.later(hours=1)


@pytest.mark.parametrize("transition", ["written", "answered"])
def test_a_cut_repeats_nothing(any_shop: Shop, transition: str) -> None:
    """Shipped and corrected, the process dying at the first, second, third such moment: all is told once."""
    configured(any_shop, 'tells = {shipped = {merchant = "none"}}')
    way, cuts = way_of(any_shop), 0
    for nth in dying(any_shop, transition):
        quiet, any_shop.app.door.watch = any_shop.app.door.watch, lambda said: None
        order = any_shop.new_order()
        any_shop.app.door.watch = quiet
        for do, body in (("ship", SHIP), ("tracking", {"tracking": RIGHT})):
            any_shop.ask(order, do, **body)
            try:
                any_shop.work()
            except Died:
                cuts += 1
                taken_over(any_shop)
        assert shown(any_shop, order) == [RIGHT], nth
        assert told(any_shop, order) == [*ONE_MAIL[way], *SECOND_MAIL[way]], nth
        left = [row.state for row in any_shop.effects(order) if row.kind != "notify"]  # a mail's outcome is for a person
        assert set(left) <= {EffectState.DONE, EffectState.REFUSED}, nth
        assert any_shop.tasks(order, TaskKind.UNKNOWN_EFFECT) == any_shop.tasks(order, TaskKind.PROBLEM) == []
    assert cuts >= 4


def test_the_feature_goes_between_two_parcels(shop: Shop) -> None:
    """What was told stays as it is; the next parcel goes the next best way, told once."""
    offering(shop, "fulfillments")
    order = shop.new_order(items=[{"sku": "MUG-1", "quantity": 2}])
    (line,) = shop.case(order).order.lines
    shop.command(order, "ship", carrier="UPS", tracking="1ZA", lines=[{"line_id": line.id, "quantity": 1}])
    offering(shop, "meta")
    shop.command(order, "ship", carrier="UPS", tracking="1ZB")
    assert (shown(shop, order), told(shop, order)) == (["1ZA", "1ZB"], ["customer_fulfillment_created", "customer_note"])
    assert shop.case(order).stage is Stage.COMPLETED


# --- a label of which nobody knows ------------------------------------------------------------------------------------

LOST_POST = """
from connector import EffectClass, EffectRule, PluginInfo, PluginKind, hookimpl


@hookimpl
def describe():
    rule = EffectRule(vendor=EffectClass.NONE, deadline_s=5)
    return PluginInfo(name="lost_post", kinds=(PluginKind.CARRIER,), summary="It never answers.", effects={"buy_label": rule})


@hookimpl
def buy_label(ctx, request):
    ctx.effect("buy_label", {"shipment": request.id}, lambda key: ctx.http.post("STORE/_sandbox/nothing", timeout=1))
"""


@pytest.fixture
def lost(shop: Shop) -> Shop:
    """A shop whose carrier breaks off the connection when a label is bought."""
    (shop.config.parent / "plugins").mkdir()
    (shop.config.parent / "plugins" / "lost_post.py").write_text(LOST_POST.replace("STORE", shop.sandbox.url))
    text = shop.config.read_text().replace('carriers = ["post"]', 'carriers = ["lost"]')
    shop.config.write_text(f'{text}\n[accounts.lost]\nplugin = "lost_post"\nid = "a_lost"\n')
    shop.reopen()
    shop.mode("live", "lost")
    return shop


def unknown_label(shop: Shop) -> str:
    order = shop.new_order()
    shop.sandbox.faults.add(Rule(kind="reset_after", method="POST", match="nothing"))
    assert shop.command(order, "ship", carrier="UPS", request_id="label") == ""
    shop.sandbox.faults.clear()
    assert shop.case(order).act("ship-label").state is ActState.WAITING
    return order


@pytest.mark.parametrize("number", [NUMBER, ""])
def test_a_label_that_was_bought_after_all(lost: Shop, number: str) -> None:
    """The parcel is written down as planned, with the number that the person gives; shop and customer are told, once."""
    order = unknown_label(lost)
    assert lost.case(order).shipments == ()
    assert lost.command(order, "resolve", act="ship-label", happened=True, tracking=number) == ""
    lost.later(days=1)
    (shipment,) = lost.case(order).shipments
    assert (shipment.id, shipment.carrier, shipment.tracking_number) == ("ship-label", "UPS", number)
    assert {line.line_id: line.quantity for line in shipment.lines} == {
        line.id: line.quantity for line in lost.case(order).order.lines
    }
    assert (shown(lost, order), lost.status(order)) == ([number], "completed")
    assert told(lost, order) == ["customer_note"]
    assert lost.case(order).stage is Stage.COMPLETED
    assert lost.tasks(order) == []
    assert [row.state for row in lost.effects(order, "buy_label")] == [EffectState.DONE]
    if not number:
        assert lost.command(order, "tracking", tracking=RIGHT) == ""
        assert shown(lost, order) == [RIGHT]


def test_a_label_for_an_order_that_was_cancelled_meanwhile(lost: Shop) -> None:
    """Nothing leaves any more: nobody is told of a parcel, and a person is asked to void the label."""
    order = unknown_label(lost)
    lost.staff(order, "status", status="cancelled")
    lost.work()
    assert lost.case(order).stage is Stage.CANCELLED
    assert lost.command(order, "resolve", act="ship-label", happened=True) == ""
    assert lost.case(order).shipments == ()
    assert [task for task in lost.tasks(order) if "a label was bought, and the order is cancelled" in task]
    assert told(lost, order) == []
