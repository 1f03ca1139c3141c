"""Telling Shopify what was shipped: from where, never more than is left, once."""

from __future__ import annotations

import pytest

from connector import OutcomeUnknown, Refused, TryLater
from connector.plugins import shopify
from connector.plugins.shopify import shipments
from connector.plugins.shopify.shipments import company, tracking_of
from connector.testing import make_context, next_act

from .building import gid
from .conftest import CONFIG
from .writing import ORDER, Shop, must_fit, order, parcel, place, shipment


@pytest.fixture
def shop():
    return Shop()


@pytest.fixture
def ctx():
    return make_context(shopify, CONFIG, account="shop", platform_id=ORDER, request_id="s1")


@pytest.fixture(autouse=True)
def asked(answers, shop, schema):
    """Whatever is sent fits Shopify's schema."""
    asked = answers(**shop.answers())
    yield asked
    must_fit(schema, asked)


def sent(shop):
    return [variables["fulfillment"] for name, variables in shop.changes if name == "FulfillmentCreate"]


def pieces(fulfillment):
    return {
        (one["fulfillmentOrderId"].rpartition("/")[2], part["id"].rpartition("/")[2]): part["quantity"]
        for one in fulfillment["lineItemsByFulfillmentOrder"]
        for part in one["fulfillmentOrderLineItems"]
    }


def test_a_part_of_an_order(ctx, shop):
    """Only the pieces of this parcel, with number, carrier as Shopify spells it, link, and a mail to the customer."""
    shopify.push_shipment(ctx, order(), shipment(("11", 1), tracking_url="https://t.example/1Z1"))
    (made,) = sent(shop)
    assert pieces(made) == {("31", "51"): 1}
    assert made["trackingInfo"] == {"number": "1Z1", "company": "UPS", "url": "https://t.example/1Z1"}
    assert made["notifyCustomer"] is True


def test_the_customer_is_told_once(ctx, shop):
    """Shopify does not mail where we do, nor where the account says that it shall not."""
    shopify.push_shipment(ctx, order(), shipment(("11", 1), tell_customer=False))
    quiet = make_context(
        shopify, CONFIG | {"notify_customer": False}, platform_id=ORDER, request_id="s2", books=ctx.effect.books
    )
    shopify.push_shipment(quiet, order(), shipment(("11", 1), id="s2"))
    assert [one["notifyCustomer"] for one in sent(shop)] == [False, False]


def test_a_line_over_two_fulfillment_orders_of_one_place(ctx, shop):
    """Two pieces that Shopify keeps apart leave in one fulfillment."""
    shop.places = [place(31, 41, (51, "11", 1)), place(32, 41, (61, "11", 1))]
    shopify.push_shipment(ctx, order(), shipment(("11", 2)))
    assert [pieces(one) for one in sent(shop)] == [{("31", "51"): 1, ("32", "61"): 1}]


def test_one_fulfillment_for_each_place(ctx, shop):
    """As few places as possible; a repeat sends nothing."""
    shop.places = [place(31, 41, (51, "11", 1)), place(32, 42, (61, "11", 1), (62, "12", 1)), place(33, 43, (71, "12", 1))]
    for _ in range(2):
        shopify.push_shipment(ctx, order(), shipment(("11", 2), ("12", 1)))
    assert [pieces(one) for one in sent(shop)] == [{("32", "61"): 1, ("32", "62"): 1}, {("31", "51"): 1}]


def test_a_parcel_leaves_from_where_it_was_packed(ctx, shop):
    """The place that the core names, though another has more; where that has not enough, the others as well."""
    shop.places = [place(31, 41, (51, "11", 2)), place(32, 42, (61, "11", 1))]
    shopify.push_shipment(ctx, order(), shipment(("11", 1), origin="42"))
    assert [pieces(one) for one in sent(shop)] == [{("32", "61"): 1}]
    more = make_context(shopify, CONFIG, platform_id=ORDER, request_id="s2", books=ctx.effect.books)
    shopify.push_shipment(more, order(), shipment(("11", 2), id="s2", origin="42"))
    assert sum(sum(pieces(one).values()) for one in sent(shop)[1:]) == 2


@pytest.mark.parametrize(
    ("there", "words"),
    [
        (
            place(31, 41, (51, "11", 2), status="ON_HOLD")
            | {"fulfillmentHolds": [{"id": "1", "handle": "x", "displayReason": "Other", "reasonNotes": "ask Ann"}]},
            r"Warehouse 41 is on hold in Shopify: Other, set by staff or another app\.$",
        ),
        (place(31, 41, (51, "11", 2), status="SCHEDULED", fulfillAt="2027-01-01T00:00:00Z"), r"scheduled for 2027-01-01"),
        (place(31, 41, (51, "11", 2), status="CLOSED"), r"2 of line 11 were to be sent, and Shopify has only 0 left"),
        (place(31, 41, (51, "11", 2), status="CANCELLED"), r"2 of line 11"),
        (place(31, 41, (51, "11", 1)), r"2 of line 11 were to be sent, and Shopify has only 1 left to send"),
        (place(31, 41, (51, "11", 2), requestStatus="ACCEPTED", status="IN_PROGRESS"), r"is sent by Warehouse 41: request it"),
        (
            place(31, 41, (51, "11", 2), supportedActions=[{"action": "REQUEST_FULFILLMENT"}])
            | {
                "assignedLocation": {
                    "name": "Box & Co",
                    "location": {
                        "id": gid("Location", 41),
                        "fulfillmentService": {"serviceName": "Box & Co", "type": "THIRD_PARTY"},
                    },
                }
            },
            r"sent by Box & Co: request it there in Shopify",
        ),
        (place(31, 41, (51, "11", 2), supportedActions=[]), r"lacks the access scope"),
    ],
)
def test_what_cannot_be_sent(ctx, shop, there, words):
    """Held by others, later, with a fulfillment service, gone: a person is told why, and nothing is sent."""
    shop.places = [there]
    with pytest.raises(Refused, match=words):
        shopify.push_shipment(ctx, order(), shipment(("11", 2)))
    assert shop.changes == []


def test_a_progress_is_no_obstacle(ctx, shop):
    """IN_PROGRESS without a service: somebody is packing it."""
    shop.places = [place(31, 41, (51, "11", 2), status="IN_PROGRESS")]
    shopify.push_shipment(ctx, order(), shipment(("11", 2)))
    assert len(sent(shop)) == 1


@pytest.mark.parametrize("lose", ["before", "after"])
@pytest.mark.parametrize("at", [0, 1])
def test_a_lost_answer(ctx, shop, lose, at):
    """Lost before or after it was made, at the first place or the second: looked up, and each leaves once."""
    shop.places = [place(31, 41, (51, "11", 1)), place(32, 42, (61, "11", 1))]
    calls = {"n": 0}
    make = shop._fulfillment_create

    if at == 0:
        shop.lose = lose
    else:

        def second(variables):
            calls["n"] += 1
            made = make(variables)
            shop.lose = lose if calls["n"] == 1 else ""
            return made

        shop._fulfillment_create = second
    with pytest.raises(OutcomeUnknown):
        shopify.push_shipment(ctx, order(), shipment(("11", 2)))
    with pytest.raises(TryLater):
        shopify.push_shipment(ctx, order(), shipment(("11", 2)))
    ctx.effect.time_passes(shipments.RULE.deadline_s + shipments.RULE.settle_s + 1)
    shopify.push_shipment(ctx, order(), shipment(("11", 2)))
    assert sorted(sum(one["quantity"] for one in made["fulfillmentLineItems"]["nodes"]) for made in shop.parcels) == [1, 1]


def test_somebody_elses_parcel_is_not_ours(ctx, shop):
    """Staff fulfilled the same lines under another number while our answer was lost: ours did not happen."""
    shop.lose = "before"
    with pytest.raises(OutcomeUnknown):
        shopify.push_shipment(ctx, order(), shipment(("11", 2)))
    shop.parcels.append(
        parcel(gid("Fulfillment", 1), [{"quantity": 2, "lineItem": {"id": gid("LineItem", 11)}}], {"number": "X"})
    )
    shop.places = [place(31, 41, (51, "11", 0), (52, "12", 1))]
    ctx.effect.time_passes(200)
    with pytest.raises(Refused, match=r"2 of line 11"):
        shopify.push_shipment(ctx, order(), shipment(("11", 2)))
    assert len(shop.changes) == 1


def test_what_staff_wrote_by_hand_is_not_sent_again(ctx, shop):
    """The same lines under the same number stand in Shopify: it is told already."""
    rows = [{"quantity": 2, "lineItem": {"id": gid("LineItem", 11)}}]
    shop.parcels.append(parcel(gid("Fulfillment", 1), rows, {"number": "1Z1"}))
    shop.places = [place(31, 41, (51, "11", 0), (52, "12", 1))]
    shopify.push_shipment(ctx, order(), shipment(("11", 2)))
    assert shop.changes == []


# --- correcting -------------------------------------------------------------------------------------------------------


def correction(**more):
    return shipment(("11", 2), id="c1", tracking_number="NEW", instead_of="OLD", **more)


@pytest.fixture
def told(shop):
    rows = [{"quantity": 2, "lineItem": {"id": gid("LineItem", 11)}}]
    shop.parcels.append(parcel(gid("Fulfillment", 1), rows, {"number": "OLD", "company": "UPS"}))
    return shop


def test_a_number_is_corrected_where_it_stands(ctx, told):
    """The fulfillment with the old number gets the new one; the customer hears of it."""
    shopify.push_shipment(ctx, order(), correction())
    ((name, variables),) = told.changes
    assert name == "FulfillmentTrackingInfoUpdate"
    assert variables == {"id": gid("Fulfillment", 1), "tracking": {"number": "NEW", "company": "UPS"}, "notify": True}


def test_the_other_numbers_of_a_parcel_stay(ctx, told):
    """Several numbers are given together, or the others would be gone."""
    told.parcels[0]["trackingInfo"].append({"number": "TWO", "url": None, "company": "UPS"})
    shopify.push_shipment(ctx, order(), correction())
    assert told.changes[0][1]["tracking"] == {"company": "UPS", "numbers": ["NEW", "TWO"]}


def test_a_number_that_nobody_knows(ctx, told):
    """It was changed there: a person looks."""
    told.parcels[0]["trackingInfo"][0]["number"] = "OTHER"
    with pytest.raises(Refused, match="no parcel OLD"):
        shopify.push_shipment(ctx, order(), correction())


@pytest.mark.parametrize("lose", ["before", "after"])
def test_a_lost_answer_of_a_correction(ctx, told, lose):
    """It shows the new number, or still the old one."""
    told.lose = lose
    with pytest.raises(OutcomeUnknown):
        shopify.push_shipment(ctx, order(), correction())
    ctx.effect.time_passes(200)
    shopify.push_shipment(ctx, order(), correction())
    assert told.parcels[0]["trackingInfo"][0]["number"] == "NEW"
    assert len(told.changes) == (2 if lose == "before" else 1)


def test_a_correction_that_was_made_by_hand(ctx, told):
    """Nothing is sent, and a later act is not held up."""
    told.parcels[0]["trackingInfo"][0]["number"] = "NEW"
    shopify.push_shipment(ctx, order(), correction())
    shopify.push_shipment(next_act(ctx, request_id="again"), order(), correction())
    assert told.changes == []


def test_carriers_as_shopify_spells_them():
    """Capitals, blanks and hyphens do not matter to us; a word that it does not know stays."""
    assert [company(one) for one in ("ups", "dhl-express", "Royal mail", "Bike Bob")] == [
        "UPS",
        "DHL Express",
        "Royal Mail",
        "Bike Bob",
    ]


def test_a_link_needs_its_number_and_to_be_one():
    """Shopify refuses the whole parcel for a link that is none."""
    assert tracking_of(shipment(("11", 1), tracking_number="", tracking_url="https://t.example")) == {"company": "UPS"}
    assert "url" not in tracking_of(shipment(("11", 1), tracking_url="t.example/1"))
