"""Notes, and tracking numbers as order meta with a note, each written once."""

from __future__ import annotations

from dataclasses import replace

import pytest
import requests

from connector import CannotTell, Happened, LineQuantity, Note, NotHappened, OutcomeUnknown, PluginError, Shipment
from connector.plugins import woocommerce
from connector.plugins.woocommerce import parse
from connector.plugins.woocommerce.orders import mark
from connector.testing import next_act

from .conftest import API, URL, query, sent_json

ORDER, NOTES = f"{API}/orders/58", f"{API}/orders/58/notes"


@pytest.fixture(autouse=True)
def plain(shop, recorded):
    """A shop that has neither fulfillments nor a tracking plugin."""
    answer = recorded.exchange("11", "flag off: GET")["response"]
    for address in (f"{ORDER}/fulfillments", f"{URL}/wp-json/wc-shipment-tracking/v3/orders/58/shipment-trackings"):
        shop.get(address, status=answer["status"], json=answer["body"])


@pytest.fixture
def raw(paid):
    return paid | {"id": 58}


@pytest.fixture
def order(ctx, raw):
    return woocommerce.parse_order(ctx, raw)


def shipment(order, number="JD014600003828392837", quantity=None):
    line = order.lines[0]
    lines = (LineQuantity(line_id=line.id, quantity=quantity or line.quantity),)
    return Shipment(id="s1", lines=lines, carrier="DHL", tracking_number=number, tracking_url="https://dhl.example/t?a=1&b=2")


def sent(shop, method):
    return [sent_json(call) for call in shop.calls if call.request.method == method]


@pytest.fixture
def ready(shop, raw, recorded):
    shop.put(ORDER, json=raw)
    shop.post(NOTES, status=201, json=recorded.body("07", "customer note"))
    return shop


def test_fact_34_tracking_is_order_meta_and_then_a_note(ctx, ready, order):
    """Two effects: meta under WooCommerce's own names and one entry of ours, then a note to the customer."""
    woocommerce.push_shipment(ctx, order, shipment(order))
    assert [effect.kind for effect in ctx.effect.sent] == ["push_shipment.meta", "push_shipment.note"]
    (put,), (note,) = sent(ready, "PUT"), sent(ready, "POST")
    meta = {entry["key"]: entry["value"] for entry in put["meta_data"]}
    assert meta["_tracking_number"] == "JD014600003828392837"
    assert meta["_shipment_provider"] == "DHL"
    assert meta["_tracking_url"].startswith("https://dhl.example/")
    assert sum(key.startswith(parse.SHIPMENT) for key in meta) == 1
    assert note["customer_note"] is True
    assert note["note"] == (
        "Your order has been shipped with DHL. Tracking number: JD014600003828392837. "
        f"https://dhl.example/t?a=1&amp;b=2 {mark(ctx.effect.sent[1].key)}"
    )


def test_what_is_written_is_read_back_as_tracking(ctx, ready, order, raw):
    """The meta that we write is the tracking that the order shows."""
    woocommerce.push_shipment(ctx, order, shipment(order))
    meta = [{"id": number, **entry} for number, entry in enumerate(sent(ready, "PUT")[0]["meta_data"])]
    assert woocommerce.parse_order(ctx, raw | {"meta_data": meta}).tracking == ("JD014600003828392837",)


def test_a_second_parcel_leaves_the_first_ones_entry(ctx, ready, order):
    """Each shipment has an entry of its own; the note names what is inside when it is a part."""
    woocommerce.push_shipment(ctx, order, shipment(order, quantity=1))
    other = next_act(ctx, request_id="r2")
    woocommerce.push_shipment(other, order, replace(shipment(order, number="A2", quantity=1), id="s2"))
    keys = [
        {entry["key"] for entry in put["meta_data"] if entry["key"].startswith(parse.SHIPMENT)} for put in sent(ready, "PUT")
    ]
    assert keys[0].isdisjoint(keys[1])
    assert sent(ready, "POST")[0]["note"].startswith("Shipped: 1 × Classic Mug with DHL.")


def test_a_parcel_without_a_number(ctx, ready, order):
    """A letter has none: no empty number is shown anywhere."""
    woocommerce.push_shipment(ctx, order, Shipment(id="s1", lines=shipment(order).lines))
    assert [entry["key"][: len(parse.SHIPMENT)] for entry in sent(ready, "PUT")[0]["meta_data"]] == [parse.SHIPMENT]
    assert sent(ready, "POST")[0]["note"].startswith("Your order has been shipped. [oc:")


@pytest.mark.parametrize(("setting", "to_customer"), [("private", False), ("customer", True)])
def test_who_gets_the_note_is_configured(context, ready, raw, setting, to_customer):
    """tracking_note says whether the customer is mailed."""
    ctx = context(tracking_note=setting)
    order = woocommerce.parse_order(ctx, raw)
    woocommerce.push_shipment(ctx, order, shipment(order))
    assert sent(ready, "POST")[0]["customer_note"] is to_customer


def test_no_note_where_none_is_wanted(context, ready, raw):
    """tracking_note = "off"."""
    ctx = context(tracking_note="off")
    order = woocommerce.parse_order(ctx, raw)
    woocommerce.push_shipment(ctx, order, shipment(order))
    assert sent(ready, "POST") == []


def test_a_shipment_is_told_once(ctx, ready, order):
    """A repeat writes nothing and returns None, since no answer shows the order."""
    assert woocommerce.push_shipment(ctx, order, shipment(order)).platform_id == "58"
    assert woocommerce.push_shipment(ctx, order, shipment(order)) is None
    assert len(sent(ready, "PUT")) == len(sent(ready, "POST")) == 1


def test_a_cut_between_meta_and_note(ctx, shop, order, raw):
    """The meta is not written again; the note follows."""
    shop.put(ORDER, json=raw)
    shop.post(NOTES, status=429, json={})
    with pytest.raises(Exception, match="asks to wait"):
        woocommerce.push_shipment(ctx, order, shipment(order))
    shop.replace("POST", NOTES, status=201, json={"id": 7})
    woocommerce.push_shipment(ctx, order, shipment(order))
    assert len(sent(shop, "PUT")) == 1
    assert ctx.effect.books.answers["push_shipment.note", "r1"] == {"id": 7}


def test_the_note_is_the_same_whatever_changed_meanwhile(ctx, shop, order, raw):
    """A line was renamed, and another one added, after the note was planned: the same note is sent then, and once."""
    shop.put(ORDER, json=raw)
    shop.post(NOTES, status=429, json={})
    with pytest.raises(Exception, match="asks to wait"):
        woocommerce.push_shipment(ctx, order, shipment(order))
    shop.replace("POST", NOTES, status=201, json={"id": 7})
    lines = tuple(replace(line, name="Renamed", quantity=line.quantity + 1) for line in order.lines)
    woocommerce.push_shipment(ctx, replace(order, lines=lines), shipment(order))
    assert [note["note"].partition(" with ")[0] for note in sent(shop, "POST")[1:]] == ["Shipped: 2 × Renamed"]


def test_somebody_else_mails_the_customer(ctx, ready, order):
    """Then the note is for staff: the customer hears of a number once."""
    woocommerce.push_shipment(ctx, order, replace(shipment(order), tell_customer=False))
    assert [note["customer_note"] for note in sent(ready, "POST")] == [False]


def test_another_number_under_the_same_id_is_a_bug(ctx, ready, order):
    """The same request with other values is refused by the ledger."""
    woocommerce.push_shipment(ctx, order, shipment(order))
    with pytest.raises(PluginError, match="other values"):
        woocommerce.push_shipment(ctx, order, shipment(order, number="OTHER"))


# --- notes ------------------------------------------------------------------------------------------------------------


def test_fact_9_notes_are_escaped(ctx, ready, order):
    """The shop stores and mails notes as HTML; what we write is text."""
    assert woocommerce.write_note(ctx, order, Note(text="a < b & <script>")) is True
    (note,) = sent(ready, "POST")
    assert note["note"] == f"a &lt; b &amp; &lt;script&gt; {mark(ctx.effect.sent[0].key)}"
    assert note["customer_note"] is False


def test_our_own_notes_are_no_staff_notes(ctx, ready, order):
    """What we wrote does not come back as something a person said."""
    woocommerce.write_note(ctx, order, Note(text="Held: PO box."))
    note = {"id": 5, "author": "mgr", "note": sent(ready, "POST")[0]["note"], "customer_note": False}
    assert list(parse.staff_notes([note])) == []


# --- no answer --------------------------------------------------------------------------------------------------------


def lose(ctx, shop, kind, call):
    with pytest.raises(OutcomeUnknown):
        call()
    return ctx.effect.lost(kind)


@pytest.mark.parametrize(("to_customer", "listed"), [(True, "customer"), (False, "internal")])
def test_a_lost_note_is_found_by_its_mark(ctx, shop, order, raw, to_customer, listed):
    """Among the notes of its kind; another note does not count; a deleted order is for a person."""
    shop.post(NOTES, body=requests.ConnectionError("reset"))
    shop.get(ORDER, json=raw)
    note = Note(text="Hello", to_customer=to_customer)
    effect = lose(ctx, shop, "write_note", lambda: woocommerce.write_note(ctx, order, note))
    shop.get(NOTES, json=[{"id": 9, "note": "Hello [oc:000000000000]"}])
    assert woocommerce.find_effect(ctx, effect) == NotHappened()
    assert query(shop.calls[-1])["type"] == listed
    shop.replace("GET", NOTES, json=[{"id": 9, "note": "other"}, {"id": 10, "note": f"Hello {mark(effect.key)}"}])
    assert woocommerce.find_effect(ctx, effect) == Happened(answer={"id": 10})
    shop.replace("GET", ORDER, status=404, json={"code": "woocommerce_rest_shop_order_invalid_id", "message": "Invalid ID."})
    assert isinstance(woocommerce.find_effect(ctx, effect), CannotTell)


def test_lost_meta_is_found_by_its_entry(ctx, shop, order, raw):
    """Our entry in the order's meta, and not the number that anybody may have written."""
    shop.put(ORDER, body=requests.ConnectionError("reset"))
    effect = lose(ctx, shop, "push_shipment.meta", lambda: woocommerce.push_shipment(ctx, order, shipment(order)))
    written = sent(shop, "PUT")[0]["meta_data"]
    shop.get(ORDER, json=raw | {"meta_data": [entry for entry in written if entry["key"] == "_tracking_number"]})
    assert woocommerce.find_effect(ctx, effect) == NotHappened()
    shop.replace("GET", ORDER, json=raw | {"meta_data": written})
    assert woocommerce.find_effect(ctx, effect) == Happened(answer={"id": 58})


def test_a_lost_shipment_note_is_found_too(ctx, shop, order, raw):
    """The second effect of a shipment is looked up like any note."""
    shop.put(ORDER, json=raw)
    shop.post(NOTES, body=requests.ConnectionError("reset"))
    effect = lose(ctx, shop, "push_shipment.note", lambda: woocommerce.push_shipment(ctx, order, shipment(order)))
    shop.get(ORDER, json=raw)
    shop.get(NOTES, json=[{"id": 10, "note": sent(shop, "POST")[0]["note"]}])
    assert woocommerce.find_effect(ctx, effect) == Happened(answer={"id": 10})
