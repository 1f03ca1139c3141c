"""The best way that the shop has to keep tracking numbers; each number told once, and corrected where it stands."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
import requests

from connector import (
    CannotTell,
    ConfigError,
    Happened,
    LineQuantity,
    NotHappened,
    OutcomeUnknown,
    PlatformStatus,
    Shipment,
    TryLater,
)
from connector.plugins import woocommerce
from connector.plugins.woocommerce import parse
from connector.plugins.woocommerce.shipments import mark_of
from connector.testing import next_act

from .conftest import API, NOW, URL

ORDER, NOTES, ROWS = f"{API}/orders/58", f"{API}/orders/58/notes", f"{API}/orders/58/fulfillments"
TRACKINGS = f"{URL}/wp-json/wc-shipment-tracking/v3/orders/58/shipment-trackings"
LINK = "https://t.example/?n="


@pytest.fixture
def raw(paid):
    return paid | {"id": 58}


@pytest.fixture
def order(ctx, raw):
    return woocommerce.parse_order(ctx, raw)


def parcel(order, **more):
    number = more.pop("tracking_number", "1Z999AA10123456784")
    lines = tuple(LineQuantity(line_id=line.id, quantity=line.quantity) for line in order.lines)
    made = Shipment(id="s1", lines=lines, carrier="UPS", tracking_number=number, tracking_url=f"{LINK}{number}", is_last=True)
    return replace(made, **more)


def writes(shop):
    """What was sent, as method, the end of the path, and the body."""
    calls = [call.request for call in shop.calls if call.request.method != "GET"]
    return [(call.method, call.url.partition("/orders/58")[2], json.loads(call.body or "null")) for call in calls]


def said(entries):
    return {entry["key"]: entry["value"] for entry in entries}


@pytest.fixture
def missing(recorded):
    """What a shop answers where it does not know the address."""
    answer = recorded.exchange("11", "flag off: GET")["response"]
    return {"status": answer["status"], "json": answer["body"]}


@pytest.fixture
def notes(shop, raw):
    shop.post(NOTES, status=201, json={"id": 7})
    shop.put(ORDER, json=raw)
    shop.get(ORDER, json=raw)
    return shop


@pytest.fixture
def core(notes, recorded, missing):
    """A shop with fulfillments on, which keeps what is written."""
    rows = []

    def listed(request):
        return 200, {}, json.dumps(rows)

    def made(request):
        meta = [
            {**entry, "id": number} for number, entry in enumerate(json.loads(request.body)["meta_data"], 1) if "id" in entry
        ]
        rows.append(
            recorded.body("11b", "fulfil all with notify") | {"id": len(rows) + 1, "entity_id": "58", "meta_data": meta}
        )
        return 201, {}, json.dumps(rows[-1])

    def changed(request):
        rows[0] = rows[0] | {"meta_data": json.loads(request.body)["meta_data"]}
        return 200, {}, json.dumps(rows[0])

    notes.add_callback("GET", ROWS, callback=listed)
    notes.add_callback("POST", ROWS, callback=made)
    notes.add_callback("PUT", f"{ROWS}/1", callback=changed)
    notes.get(TRACKINGS, **missing)
    return notes


@pytest.fixture
def plugin(notes, missing):
    """A shop with a Shipment Tracking plugin, which keeps what is written."""
    rows = []

    def made(request):
        body = json.loads(request.body)
        rows.append({"tracking_id": f"{len(rows) + 1:032x}", "tracking_provider": body["custom_tracking_provider"], **body})
        return 201, {}, json.dumps(rows[-1])

    def gone(request):
        at = request.url.rpartition("/")[2]
        rows[:] = [row for row in rows if row["tracking_id"] != at]
        return 200, {}, json.dumps({"tracking_id": at})

    notes.get(ROWS, **missing)
    notes.add_callback("GET", TRACKINGS, callback=lambda request: (200, {}, json.dumps(rows)))
    notes.add_callback("POST", TRACKINGS, callback=made)
    for number in range(1, 5):
        notes.add_callback("DELETE", f"{TRACKINGS}/{number:032x}", callback=gone)
    return notes


# --- fulfillments -----------------------------------------------------------------------------------------------------


def test_fact_34_a_shipment_is_a_fulfillment(ctx, core, order, recorded):
    """One write, as recorded but for our mark; the shop's mail tells the customer, and so no note does."""
    assert woocommerce.push_shipment(ctx, order, parcel(order)) is None
    ((method, path, body),) = writes(core)
    assert (method, path) == ("POST", "/fulfillments")
    like = recorded.exchange("11b", "fulfil all with notify")["request"]["body"]
    assert {key: value for key, value in body.items() if key != "meta_data"} == {
        k: v for k, v in like.items() if k != "meta_data"
    }
    assert all(entry["id"] == 0 for entry in body["meta_data"])
    meta = said(body["meta_data"])
    assert meta.pop(mark_of("s1")) == "1"
    assert set(meta) == set(said(like["meta_data"]))
    assert meta["_items"] == [{"item_id": int(line.id), "qty": line.quantity} for line in order.lines]
    assert (meta["_tracking_number"], meta["_shipment_provider"]) == ("1Z999AA10123456784", "ups")


@pytest.mark.parametrize(
    ("setting", "tell", "notified", "note"),
    [("customer", False, False, None), ("private", True, False, False), ("off", True, False, None)],
)
def test_the_customer_is_not_mailed_by_two(context, core, raw, setting, tell, notified, note):
    """Where we write the mail ourselves, or nobody is to, the shop is told not to."""
    ctx = context(tracking_note=setting)
    order = woocommerce.parse_order(ctx, raw)
    woocommerce.push_shipment(ctx, order, parcel(order, tell_customer=tell))
    sent = writes(core)
    assert sent[0][2]["notify_customer"] is notified
    assert [body["customer_note"] for _, path, body in sent if path == "/notes"] == ([] if note is None else [note])


def test_two_parcels_are_two_fulfillments(ctx, core, order):
    """Each with its own lines, number and mark; told again, neither is written again."""
    (line,) = order.lines
    one = parcel(order, lines=(LineQuantity(line_id=line.id, quantity=1),), is_last=False)
    two = replace(one, id="s2", tracking_number="1Z2", is_last=True)
    other = next_act(ctx, request_id="r2")
    for _ in range(2):
        woocommerce.push_shipment(ctx, order, one)
        woocommerce.push_shipment(other, order, two)
    metas = [said(body["meta_data"]) for _, _, body in writes(core)]
    assert [meta["_tracking_number"] for meta in metas] == ["1Z999AA10123456784", "1Z2"]
    assert [meta["_items"] for meta in metas] == [[{"item_id": int(line.id), "qty": 1}]] * 2
    assert [mark_of("s1") in meta for meta in metas] == [True, False]


def test_a_parcel_without_a_number_is_a_fulfillment_too(ctx, core, order):
    """A letter: no empty number, carrier or link."""
    woocommerce.push_shipment(ctx, order, Shipment(id="s1", lines=parcel(order).lines))
    ((_, _, body),) = writes(core)
    assert set(said(body["meta_data"])) == {"_items", mark_of("s1")}


def test_a_lost_fulfillment_is_found_by_its_mark(ctx, shop, raw, order, recorded, missing):
    """Not by its number, which anybody may have entered; where the feature is gone only a person can tell."""
    shop.get(ROWS, json=[])
    shop.post(ROWS, body=requests.ConnectionError("reset"))
    with pytest.raises(OutcomeUnknown):
        woocommerce.push_shipment(ctx, order, parcel(order))
    effect = ctx.effect.lost("push_shipment.fulfillment")
    row = recorded.body("11b", "fulfil all with notify")
    shop.replace("GET", ROWS, json=[row])
    assert woocommerce.find_effect(ctx, effect) == NotHappened()
    shop.replace("GET", ROWS, json=[row, row | {"id": 10, "meta_data": writes(shop)[0][2]["meta_data"]}])
    assert woocommerce.find_effect(ctx, effect) == Happened(answer={"id": 10})
    shop.replace("GET", ROWS, **missing)
    assert isinstance(woocommerce.find_effect(ctx, effect), CannotTell)


def test_fact_34_a_correction_changes_the_fulfillment(ctx, core, order):
    """The same row with everything in it (what is left out is gone), the shop's mail, and a note for staff."""
    woocommerce.push_shipment(ctx, order, parcel(order))
    again = next_act(ctx, request_id="r2")
    corrected = parcel(order, tracking_number="1ZNEW", instead_of="1Z999AA10123456784")
    for _ in range(2):
        woocommerce.push_shipment(again, order, corrected)
    _, (method, path, body), (_, notes, note) = writes(core)
    assert (method, path, body["notify_customer"]) == ("PUT", "/fulfillments/1", True)
    meta = said(body["meta_data"])
    assert (meta["_tracking_number"], meta["_tracking_url"], meta[mark_of("s1")]) == ("1ZNEW", f"{LINK}1ZNEW", "1")
    assert "_items" in meta
    assert "_date_fulfilled" not in meta
    assert (notes, note["customer_note"]) == ("/notes", False)
    assert note["note"].startswith("The tracking number was corrected: it is 1ZNEW with UPS, not 1Z999AA10123456784.")


def test_a_lost_correction_is_found_by_the_new_number(ctx, core, order):
    """Our mark stands there with the old number: the correction did not happen yet."""
    woocommerce.push_shipment(ctx, order, parcel(order))
    again = next_act(ctx, request_id="r2")
    core.replace("PUT", f"{ROWS}/1", body=requests.ConnectionError("reset"))
    with pytest.raises(OutcomeUnknown):
        woocommerce.push_shipment(again, order, parcel(order, tracking_number="1ZNEW", instead_of="1Z999AA10123456784"))
    effect = again.effect.lost("push_shipment.fulfillment")
    assert woocommerce.find_effect(again, effect) == NotHappened()
    meta = writes(core)[-1][2]["meta_data"]
    core.replace("GET", ROWS, json=[{"id": 1, "meta_data": meta}])
    assert woocommerce.find_effect(again, effect) == Happened(answer={"id": 1})


def test_a_lost_correction_of_the_carrier_alone_did_not_happen(ctx, core, order):
    """The number is the same as before, so it is the carrier that tells."""
    woocommerce.push_shipment(ctx, order, parcel(order))
    again = next_act(ctx, request_id="r2")
    core.replace("PUT", f"{ROWS}/1", body=requests.ConnectionError("reset"))
    with pytest.raises(OutcomeUnknown):
        woocommerce.push_shipment(again, order, parcel(order, carrier="FedEx", instead_of="1Z999AA10123456784"))
    effect = again.effect.lost("push_shipment.fulfillment")
    assert woocommerce.find_effect(again, effect) == NotHappened()
    meta = writes(core)[-1][2]["meta_data"]
    core.replace("GET", ROWS, json=[{"id": 1, "meta_data": meta}])
    assert woocommerce.find_effect(again, effect) == Happened(answer={"id": 1})


# --- a Shipment Tracking plugin ---------------------------------------------------------------------------------------


def test_the_last_parcel_is_told_by_the_mail_on_completing(ctx, plugin, order):
    """The plugin puts its rows into that mail (from documents), so a note would be the second one."""
    woocommerce.push_shipment(ctx, order, parcel(order))
    ((method, path, body),) = writes(plugin)
    assert (method, path) == ("POST", "/shipment-trackings")
    assert body == {
        "tracking_number": "1Z999AA10123456784",
        "custom_tracking_provider": "UPS",
        "custom_tracking_link": f"{LINK}1Z999AA10123456784",
    }


@pytest.mark.parametrize("why", ["more to come", "completed already"])
def test_no_mail_follows_so_a_note_tells(ctx, plugin, order, why):
    """A parcel of several does not complete the order, and an order is completed once."""
    if why == "completed already":
        order = replace(order, means=PlatformStatus.COMPLETED)
    woocommerce.push_shipment(ctx, order, parcel(order, is_last=why != "more to come"))
    assert [(path, body.get("customer_note")) for _, path, body in writes(plugin)][1:] == [("/notes", True)]


def test_a_correction_adds_the_right_row_and_takes_the_wrong_one(ctx, plugin, order):
    """In this order, since there is no changing; each once, and the customer is told by a note."""
    woocommerce.push_shipment(ctx, order, parcel(order))
    again = next_act(ctx, request_id="r2")
    corrected = parcel(order, tracking_number="1ZNEW", instead_of="1Z999AA10123456784")
    for _ in range(2):
        woocommerce.push_shipment(again, order, corrected)
    assert [(method, path) for method, path, _ in writes(plugin)] == [
        ("POST", "/shipment-trackings"),
        ("POST", "/shipment-trackings"),
        ("DELETE", f"/shipment-trackings/{1:032x}"),
        ("POST", "/notes"),
    ]
    assert writes(plugin)[-1][2]["customer_note"] is True


def test_only_the_carrier_was_wrong(ctx, plugin, order):
    """The same number with another carrier: the row with the right one stays."""
    woocommerce.push_shipment(ctx, order, parcel(order, tracking_number="77"))
    woocommerce.push_shipment(
        next_act(ctx, request_id="r2"), order, parcel(order, tracking_number="77", carrier="DHL", instead_of="77")
    )
    left = requests.get(TRACKINGS, timeout=5).json()
    assert [(row["tracking_number"], row["tracking_provider"]) for row in left] == [("77", "DHL")]


def test_a_number_that_staff_entered_is_not_entered_again(ctx, plugin, order):
    """The row is there, so nothing is written."""
    plugin.replace("GET", TRACKINGS, json=[{"tracking_id": "ab", "tracking_number": "1Z999AA10123456784"}])
    woocommerce.push_shipment(ctx, order, parcel(order))
    assert writes(plugin) == []
    assert ctx.effect.books.answers["push_shipment.tracking", "r1"] == {"id": "ab"}


def test_lost_rows_are_found_by_what_was_there_before(ctx, shop, order, missing):
    """Added: a new row with our number. Taken away: the row that was there is gone."""
    old = {"tracking_id": "old", "tracking_number": "OLD"}
    shop.get(ROWS, **missing)
    shop.get(ORDER, json={})
    shop.get(TRACKINGS, json=[old])
    shop.post(TRACKINGS, body=requests.ConnectionError("reset"))
    corrected = parcel(order, tracking_number="NEW", instead_of="OLD")
    with pytest.raises(OutcomeUnknown):
        woocommerce.push_shipment(ctx, order, corrected)
    added = ctx.effect.lost("push_shipment.tracking")
    assert woocommerce.find_effect(ctx, added) == NotHappened()
    new = {"tracking_id": "new", "tracking_number": "NEW"}
    shop.replace("GET", TRACKINGS, json=[old, new])
    assert woocommerce.find_effect(ctx, added) == Happened(answer={"id": "new"})

    ctx.effect.time_passes(3600)
    shop.delete(f"{TRACKINGS}/old", body=requests.ConnectionError("reset"))
    with pytest.raises(OutcomeUnknown):
        woocommerce.push_shipment(ctx, order, corrected)
    removed = ctx.effect.lost("push_shipment.untrack")
    assert woocommerce.find_effect(ctx, removed) == NotHappened()
    shop.replace("GET", TRACKINGS, json=[new])
    assert woocommerce.find_effect(ctx, removed) == Happened(answer={"id": "old"})
    shop.replace("GET", TRACKINGS, **missing)
    assert isinstance(woocommerce.find_effect(ctx, removed), CannotTell)
    assert isinstance(woocommerce.find_effect(ctx, added), CannotTell)


def test_a_plugin_has_no_place_for_a_parcel_without_a_number(ctx, plugin, order):
    """It goes into the order's meta, with a note."""
    woocommerce.push_shipment(ctx, order, Shipment(id="s1", lines=parcel(order).lines))
    assert [path for _, path, _ in writes(plugin)] == ["", "/notes"]


# --- order meta -------------------------------------------------------------------------------------------------------


@pytest.fixture
def plain(notes, missing):
    notes.get(ROWS, **missing)
    notes.get(TRACKINGS, **missing)
    return notes


def put_in(shop, raw, number):
    """The shop shows what was written as its last-but-`number` write of meta."""
    meta = [{"id": at, **entry} for at, entry in enumerate(writes(shop)[number][2]["meta_data"], 1)]
    shop.replace("GET", ORDER, json=raw | {"meta_data": meta})


def test_a_correction_in_meta(ctx, plain, order, raw):
    """Our entry of the shipment is written anew, and so is the shop's latest number; the customer gets a note."""
    woocommerce.push_shipment(ctx, order, parcel(order))
    put_in(plain, raw, 0)
    woocommerce.push_shipment(
        next_act(ctx, request_id="r2"), order, parcel(order, tracking_number="NEW", instead_of="1Z999AA10123456784")
    )
    first, _, second, note = writes(plain)
    assert [entry["key"] for entry in first[2]["meta_data"]] == [entry["key"] for entry in second[2]["meta_data"]]
    assert said(second[2]["meta_data"])["_tracking_number"] == "NEW"
    assert note[2]["customer_note"] is True
    assert note[2]["note"].startswith("The tracking number was corrected: it is NEW with UPS, not 1Z999AA10123456784.")


def test_a_correction_leaves_the_number_of_a_later_parcel(ctx, plain, order, raw):
    """The shop's latest number is another parcel's by now; only our entry of the shipment is changed."""
    woocommerce.push_shipment(ctx, order, parcel(order))
    put_in(plain, raw, 0)
    woocommerce.push_shipment(next_act(ctx, request_id="r2"), order, parcel(order, id="s2", tracking_number="LATER"))
    put_in(plain, raw, 2)
    woocommerce.push_shipment(
        next_act(ctx, request_id="r3"), order, parcel(order, tracking_number="NEW", instead_of="1Z999AA10123456784")
    )
    assert list(said(writes(plain)[4][2]["meta_data"])) == [mark_of("s1")]
    assert parse.SHIPMENT in mark_of("s1")


def test_a_lost_correction_in_meta(ctx, plain, order, raw):
    """It happened when our entry has the new number."""
    woocommerce.push_shipment(ctx, order, parcel(order))
    put_in(plain, raw, 0)
    again = next_act(ctx, request_id="r2")
    plain.replace("PUT", ORDER, body=requests.ConnectionError("reset"))
    with pytest.raises(OutcomeUnknown):
        woocommerce.push_shipment(again, order, parcel(order, tracking_number="NEW", instead_of="1Z999AA10123456784"))
    effect = again.effect.lost("push_shipment.meta")
    assert woocommerce.find_effect(again, effect) == NotHappened()
    put_in(plain, raw, 2)
    assert woocommerce.find_effect(again, effect) == Happened(answer={"id": 58})


# --- which way --------------------------------------------------------------------------------------------------------


def looked(shop):
    return sum(call.request.method == "GET" and call.request.url == TRACKINGS for call in shop.calls)


def test_the_shop_is_asked_once_a_day(context, plain, raw):
    """What it has is remembered; a day later it is asked again."""
    now = [NOW]
    ctx = context(now=lambda: now[0])
    order = woocommerce.parse_order(ctx, raw)
    for number in range(3):
        woocommerce.push_shipment(next_act(ctx, request_id=f"r{number}"), order, parcel(order, id=f"s{number}"))
    assert looked(plain) == 1
    now[0] += timedelta(days=1)
    woocommerce.push_shipment(next_act(ctx, request_id="r9"), order, parcel(order, id="s9"))
    assert looked(plain) == 2


def test_the_account_may_name_the_way(context, core, raw):
    """Then nothing is looked for; another setting later holds at once."""
    ctx = context(tracking="meta")
    order = woocommerce.parse_order(ctx, raw)
    woocommerce.push_shipment(ctx, order, parcel(order))
    assert [path for _, path, _ in writes(core)] == ["", "/notes"]
    assert not any(call.request.url in (ROWS, TRACKINGS) for call in core.calls)


def test_a_way_that_was_named_and_is_missing_is_for_a_person(context, plain, raw):
    """Nothing is written elsewhere."""
    ctx = context(tracking="fulfillments")
    order = woocommerce.parse_order(ctx, raw)
    with pytest.raises(ConfigError, match='tracking = "fulfillments"'):
        woocommerce.push_shipment(ctx, order, parcel(order))
    assert writes(plain) == []


def test_a_shop_that_does_not_answer_is_asked_later(ctx, shop, order):
    """No answer is not "not there"."""
    shop.get(ROWS, status=503, body="<html>")
    with pytest.raises(TryLater):
        woocommerce.push_shipment(ctx, order, parcel(order))
    assert ctx.state.get("tracking") is None


def test_fact_34_a_way_that_vanished(ctx, core, order, missing):
    """The feature was switched off in between: the next best way is taken, once, and remembered."""
    woocommerce.push_shipment(ctx, order, parcel(order))
    for method in ("GET", "POST"):
        core.replace(method, ROWS, **missing)
    later = next_act(ctx, request_id="r2")
    for _ in range(2):
        woocommerce.push_shipment(later, order, parcel(order, id="s2"))
    assert [path for _, path, _ in writes(core)] == ["/fulfillments", "", "/notes"]
    assert json.loads(ctx.state.get("tracking").value)["way"] == "meta"


def test_what_was_begun_in_one_way_is_not_begun_in_another(ctx, core, order, missing):
    """No answer came, and then the feature was switched off: only a person can tell, and nothing is told a second time."""
    core.replace("POST", ROWS, body=requests.ConnectionError("reset"))
    with pytest.raises(OutcomeUnknown):
        woocommerce.push_shipment(ctx, order, parcel(order))
    for method in ("GET", "POST"):
        core.replace(method, ROWS, **missing)
    woocommerce.push_shipment(next_act(ctx, request_id="r2"), order, parcel(order, id="s2"))
    before = len(writes(core))
    ctx.effect.time_passes(3600)
    with pytest.raises(OutcomeUnknown, match="does not show the fulfillments"):
        woocommerce.push_shipment(ctx, order, parcel(order))
    assert len(writes(core)) == before


def test_what_was_begun_in_meta_is_ended_there(context, plain, raw):
    """Cut between number and note; meanwhile the shop has fulfillments: the note follows, and no fulfillment is made."""
    now = [NOW]
    ctx = context(now=lambda: now[0])
    order = woocommerce.parse_order(ctx, raw)
    plain.replace("POST", NOTES, status=429, json={})
    with pytest.raises(TryLater):
        woocommerce.push_shipment(ctx, order, parcel(order))
    plain.replace("POST", NOTES, status=201, json={"id": 7})
    plain.replace("GET", ROWS, json=[])
    now[0] += timedelta(days=1)
    woocommerce.push_shipment(ctx, order, parcel(order))
    assert [path for _, path, _ in writes(plain)] == ["", "/notes", "/notes"]


def test_a_correction_goes_where_the_number_stands(context, plain, raw):
    """It was told in meta, and the shop has fulfillments by now: the entry in meta is changed."""
    now = [NOW]
    ctx = context(now=lambda: now[0])
    order = woocommerce.parse_order(ctx, raw)
    woocommerce.push_shipment(ctx, order, parcel(order))
    put_in(plain, raw, 0)
    plain.replace("GET", ROWS, json=[])
    now[0] += timedelta(days=1)
    woocommerce.push_shipment(
        next_act(ctx, request_id="r2"), order, parcel(order, tracking_number="NEW", instead_of="1Z999AA10123456784")
    )
    assert [path for _, path, _ in writes(plain)] == ["", "/notes", "", "/notes"]


def test_two_who_look_at_once_forget_nothing(ctx, plain, order):
    """Another worker wrote down what it had found in between: both ways count as used."""
    from connector.plugins.woocommerce import ways

    put, between = type(ctx.state).put, []

    def late(state, key, value, **more):
        if not between:
            between.append(True)
            used = {"fulfillments": NOW.isoformat()}
            told = {"way": "fulfillments", "why": "", "until": NOW.isoformat(), "setting": "auto", "used": used}
            put(state, key, json.dumps(told))
        return put(state, key, value, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(ctx.state), "put", late)
        choice = ways.look(ctx, "58")
    assert set(choice.used) == {ways.Way.FULFILLMENTS, ways.Way.META}
