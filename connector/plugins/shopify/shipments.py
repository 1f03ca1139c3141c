"""Telling Shopify what was shipped, and correcting a tracking number.

A fulfillment leaves from one location (recorded: "must be assigned to a single location"). fulfillmentCreate takes no key of
ours, so a lost answer is judged by what is there afterwards; what is left to send is counted by Shopify itself, so that nothing
can be fulfilled twice. https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/fulfillmentCreate
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from connector import (
    CannotTell,
    Context,
    Effect,
    EffectClass,
    EffectRule,
    Found,
    Happened,
    LooksBy,
    NotHappened,
    Order,
    Refused,
    Shipment,
)

from . import turns
from .config import config
from .fulfillment_orders import FulfillmentOrder, Held, Parcel, parcels, pieces
from .fulfillment_orders import read as read_fulfillment_orders
from .ids import bare, gid
from .refusals import change
from .turns import Todo

KIND, CORRECTION = "push_shipment", "push_shipment.number"
# A fulfillment is made while we wait (recorded: the answer has it); a minute is more than Shopify lets any call take.
RULE = EffectRule(vendor=EffectClass.LOOKUP, deadline_s=30, settle_s=60, looks_by=LooksBy.STATE, points=20)
CORRECTION_RULE = replace(RULE, points=50)  # fulfillmentTrackingInfoUpdate is dearer (recorded 2026-06)

# As Shopify spells them; only then does it make the link and follow the parcel. Another word is shown as it is, with our link.
# https://shopify.dev/docs/api/admin-graphql/2025-10/objects/FulfillmentTrackingInfo#supported-tracking-companies (2026-11)
COMPANIES = (
    "4PX",
    "AGS",
    "Amazon",
    "Amazon Logistics UK",
    "Amazon Logistics US",
    "An Post",
    "Anjun Logistics",
    "APC",
    "Asendia USA",
    "Australia Post",
    "Bonshaw",
    "BPost",
    "BPost International",
    "Canada Post",
    "Canpar",
    "CDL Last Mile",
    "China Post",
    "Chronopost",
    "Chukou1",
    "Colissimo",
    "Comingle",
    "Coordinadora",
    "Correios",
    "Correos",
    "Couriers Please",
    "CTT",
    "CTT Express",
    "Cyprus Post",
    "Delnext",
    "Deutsche Post",
    "DHL eCommerce",
    "DHL eCommerce Asia",
    "DHL Express",
    "DPD",
    "DPD Local",
    "DPD UK",
    "DTD Express",
    "DX",
    "Eagle",
    "Estes",
    "Evri",
    "FedEx",
    "FSC",
    "GLS",
    "GLS (US)",
    "Globegistics",
    "Japan Post (EN)",
    "Japan Post (JA)",
    "La Poste",
    "New Zealand Post",
    "Newgistics",
    "PostNL",
    "PostNord",
    "Purolator",
    "Royal Mail",
    "Sagawa",
    "Sendle",
    "SF Express",
    "SFC Fulfillment",
    "Singapore Post",
    "StarTrack",
    "TNT",
    "Toll IPEC",
    "UPS",
    "USPS",
    "Whistl",
    "Yamato",
    "YunExpress",
    "",
)


def push_shipment(ctx: Context, order: Order, shipment: Shipment) -> Order | None:
    """One fulfillment for each location that the shipment's lines are to leave from, or the new number in those that are there.

    Raises:
        Refused: what is to be sent is held, scheduled, with a fulfillment service, sent already, or cancelled; in words.
    """
    asked = _asked(order, shipment)
    if shipment.instead_of is not None:
        turns.in_turn(
            ctx, CORRECTION, asked, partial(_to_correct, ctx, order, shipment), partial(_correct, ctx, order, shipment)
        )
    else:
        turns.in_turn(ctx, KIND, asked, partial(_to_send, ctx, order, shipment), partial(_create, ctx, order, shipment))
    return None


def _asked(order: Order, shipment: Shipment) -> dict[str, Any]:
    corrected = {} if shipment.instead_of is None else {"instead_of": shipment.instead_of}
    return {
        "order": order.platform_id,
        "shipment": shipment.id,
        "number": shipment.tracking_number,
        "carrier": shipment.carrier,
        "url": shipment.tracking_url,
        "lines": [[line.line_id, line.quantity] for line in shipment.lines],
        **corrected,
    }


# --- a new one --------------------------------------------------------------------------------------------------------


def _to_send(ctx: Context, order: Order, shipment: Shipment, done: list[str]) -> Todo:
    """What is to leave from one location next, and the fulfillments that there are before it."""
    doing = f"tell Shopify of the shipment of order {order.platform_id}"
    there = parcels(ctx, order.platform_id, doing)
    wanted = pieces((line.line_id, line.quantity) for line in shipment.lines)
    sent = pieces(pair for one in there if one.id in done for pair in one.lines.items())
    left = {line_id: count - sent.get(line_id, 0) for line_id, count in wanted.items() if count > sent.get(line_id, 0)}
    if not left:
        return {"nothing": True}
    orders = read_fulfillment_orders(ctx, order.platform_id, doing)
    here = allocate(left, [one for one in orders if one.location_id == shipment.origin]) if shipment.origin else ""
    places = allocate(left, orders) if isinstance(here, str) else here
    if isinstance(places, str):
        told = [one for one in there if not done and one.stands and _is_this(one, wanted, shipment.tracking_number)]
        if told and shipment.tracking_number:  # staff has written the same parcel into Shopify by hand
            return {"nothing": True, "id": told[0].id}
        raise Refused(places, account=ctx.account.name, operation=doing)
    lines = pieces((part.line_id, places[0].get(one.id, {}).get(part.id, 0)) for one in orders for part in one.parts)
    return {"before": [one.id for one in there], "from": places[0], "lines": lines, "more": len(places) > 1}


Place = dict[str, dict[str, int]]
"""What is sent from one location: pieces by entry of a fulfillment order, by fulfillment order."""


def allocate(wanted: Mapping[str, int], orders: Iterable[FulfillmentOrder]) -> list[Place] | str:
    """Take these pieces from as few locations as possible, never more than is left; or say why that cannot be done. Pure."""
    orders, left = list(orders), dict(wanted)
    ready: dict[str, list[FulfillmentOrder]] = {}
    for one in orders:
        if one.can_be_sent:
            ready.setdefault(one.location_id, []).append(one)
    places: list[Place] = []
    while left and ready:
        best = max(ready, key=lambda place: sum(min(left[line], _left(ready[place], line)) for line in left))
        taken = _take(left, ready.pop(best))
        if taken:
            places.append(taken)
    return _why_not(left, orders) if left else places


def _left(orders: Iterable[FulfillmentOrder], line_id: str) -> int:
    return sum(one.left(line_id) for one in orders)


def _take(left: dict[str, int], orders: Iterable[FulfillmentOrder]) -> Place:
    """What these can give, taken off `left`."""
    place: Place = {}
    for one in orders:
        for part in one.parts:
            count = min(part.left, left.get(part.line_id, 0))
            if count > 0:
                place.setdefault(one.id, {})[part.id] = count
                left[part.line_id] -= count
                if not left[part.line_id]:
                    del left[part.line_id]
    return place


def _why_not(missing: Mapping[str, int], orders: Iterable[FulfillmentOrder]) -> str:
    orders = list(orders)
    in_the_way = [one for one in orders if one.is_open and not one.can_be_sent and any(one.left(line) for line in missing)]
    if in_the_way:
        return " ".join(dict.fromkeys(_what_is_in_the_way(one) for one in in_the_way))
    line_id, count = next(iter(missing.items()))
    left = _left((one for one in orders if one.can_be_sent), line_id)
    return (
        f"{left + count} of line {line_id} were to be sent, and Shopify has only {left} left to send: the rest was sent, "
        "refunded or cancelled there."
    )


def _what_is_in_the_way(one: FulfillmentOrder) -> str:
    where = f"what leaves from {one.location or 'one of the locations'}"
    if one.is_with_a_service:
        who = one.service or one.location or "a fulfillment service"
        return f"{where} is sent by {who}: request it there in Shopify (Request fulfillment), do not send it yourself."
    if one.status == "ON_HOLD":
        return f"{where} is on hold in Shopify: {'; '.join(_hold_in_words(hold) for hold in one.holds) or 'no reason given'}."
    if one.status == "SCHEDULED":
        return f"{where} is scheduled for {one.fulfill_at[:10] or 'a later day'} in Shopify."
    return f"the app may not send {where}: it lacks the access scope for fulfillment orders of that kind."


def _hold_in_words(hold: Held) -> str:
    """Without its note: staff write there what they like, customers' names too."""
    return f"{hold.reason or 'hold'}, set by {'us' if hold.ours else 'staff or another app'}"


def _create(ctx: Context, order: Order, shipment: Shipment, todo: Todo) -> str:
    parts: Place = todo["from"]
    fulfillment: dict[str, Any] = {
        "notifyCustomer": _tells(ctx, shipment),
        "lineItemsByFulfillmentOrder": [
            {
                "fulfillmentOrderId": gid("FulfillmentOrder", order_id),
                "fulfillmentOrderLineItems": [
                    {"id": gid("FulfillmentOrderLineItem", part_id), "quantity": count} for part_id, count in some.items()
                ],
            }
            for order_id, some in parts.items()
        ],
    }
    tracking = tracking_of(shipment)
    doing = f"tell Shopify of the shipment of order {order.platform_id}"
    made = change(
        ctx, "FulfillmentCreate", {"fulfillment": fulfillment | ({"trackingInfo": tracking} if tracking else {})}, doing
    )
    return bare((made.get("fulfillment") or {}).get("id"))


def _tells(ctx: Context, shipment: Shipment) -> bool:
    """Shopify mails the customer only where nobody else does."""
    return shipment.tell_customer and config(ctx).notify_customer


def tracking_of(shipment: Shipment) -> dict[str, str]:
    """As FulfillmentTrackingInput wants it: the company as Shopify spells it, a (whole) link only with its number."""
    tracking = {"company": company(shipment.carrier)} if shipment.carrier else {}
    if shipment.tracking_number:
        tracking["number"] = shipment.tracking_number
        if _is_link(shipment.tracking_url):
            tracking["url"] = shipment.tracking_url
    return tracking


def company(carrier: str) -> str:
    """A carrier as Shopify spells it, or as it is."""
    return next((name for name in COMPANIES if _plain(name) == _plain(carrier)), carrier)


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _is_link(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.netloc) and " " not in url


def _is_this(parcel: Parcel, lines: Mapping[str, int], number: str) -> bool:
    return dict(parcel.lines) == dict(lines) and (not number or number in parcel.numbers)


def find_created(ctx: Context, effect: Effect) -> Found:
    """A fulfillment that was not there before, with these lines and this number. Another one is somebody else's: what it took
    cannot be fulfilled once more, and the next try says so."""
    asked, before = _both(effect)
    if before.get("nothing"):
        return NotHappened()
    there = _parcels_or_none(ctx, effect)
    if there is None:
        return CannotTell(text=f"Order {effect.platform_id} is gone from the shop.")
    known, lines, number = before.get("before") or (), before.get("lines") or {}, str(asked.get("number") or "")
    new = [one for one in there if one.id not in known and one.stands and _is_this(one, lines, number)]
    return Happened(answer=turns.happened(before, new[0].id)) if new else NotHappened()


# --- a number that is corrected ---------------------------------------------------------------------------------------


def _to_correct(ctx: Context, order: Order, shipment: Shipment, done: list[str]) -> Todo:
    doing = f"correct the tracking number of order {order.platform_id}"
    there = [one for one in parcels(ctx, order.platform_id, doing) if one.stands]
    wrong = [one for one in there if one.id not in done and _is_wrong(one, shipment)]
    if wrong:
        return {"id": wrong[0].id, "tracking": [list(row) for row in wrong[0].tracking], "more": len(wrong) > 1}
    right = [one for one in there if shipment.tracking_number in one.numbers]
    if done or right:
        return {"nothing": True, "id": right[0].id if right else ""}
    number = shipment.instead_of or "without a number"
    text = f"Shopify has no parcel {number} for this order (any more): correct it in Shopify."
    raise Refused(text, account=ctx.account.name, operation=doing)


def _is_wrong(parcel: Parcel, shipment: Shipment) -> bool:
    """Has it the number from before? A parcel without one is told by its lines."""
    lines = pieces((line.line_id, line.quantity) for line in shipment.lines)
    if not shipment.instead_of:
        return not any(parcel.numbers) and all(count <= lines.get(line, 0) for line, count in parcel.lines.items())
    if shipment.instead_of not in parcel.numbers:
        return False
    new = tracking_of(shipment)
    kept = [row for row in parcel.tracking if row[0] == shipment.tracking_number]
    return not any(_shows(row, new) for row in kept)


def _shows(row: tuple[str, str, str], tracking: Mapping[str, str]) -> bool:
    """Shopify makes a link itself where it knows the company, so only a link of ours is compared."""
    number, url, carrier = row
    same = number == tracking.get("number", "") and carrier == tracking.get("company", carrier)
    return same and tracking.get("url", url) == url


def _correct(ctx: Context, order: Order, shipment: Shipment, todo: Todo) -> str:
    doing = f"correct the tracking number of order {order.platform_id}"
    tracking: dict[str, Any] = dict(tracking_of(shipment))
    others = [row for row in todo["tracking"] if row[0] and row[0] != shipment.instead_of]
    if others:  # several numbers are always given together, and links for all of them or none
        tracking.pop("number", None)
        link = tracking.pop("url", "")
        numbers, urls = [shipment.tracking_number], [link]
        for number, url, _ in others:
            numbers, urls = [*numbers, number], [*urls, url]
        tracking |= {"numbers": numbers} | ({"urls": urls} if all(urls) else {})
    variables = {"id": gid("Fulfillment", todo["id"]), "tracking": tracking, "notify": _tells(ctx, shipment)}
    change(ctx, "FulfillmentTrackingInfoUpdate", variables, doing)
    return str(todo["id"])


def find_corrected(ctx: Context, effect: Effect) -> Found:
    """The parcel shows the new number, or still what it showed before."""
    asked, before = _both(effect)
    if before.get("nothing"):
        return NotHappened()
    there = _parcels_or_none(ctx, effect)
    parcel = next((one for one in there or () if one.id == before.get("id")), None)
    if parcel is None:
        return CannotTell(text=f"The parcel is gone from order {effect.platform_id} in Shopify.")
    was = tuple(tuple(row) for row in before.get("tracking") or ())
    if parcel.tracking == was:
        return NotHappened()
    if str(asked.get("number")) in parcel.numbers:
        return Happened(answer=turns.happened(before, parcel.id))
    text = f"A parcel of order {effect.platform_id} was to get the number {asked.get('number')} and has {parcel.numbers}."
    return CannotTell(text=f"{text} Somebody else has changed it.")


# --- both -------------------------------------------------------------------------------------------------------------


def _both(effect: Effect) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    asked, before = (value if isinstance(value, dict) else {} for value in (effect.request, effect.before))
    return asked, before


def _parcels_or_none(ctx: Context, effect: Effect) -> list[Parcel] | None:
    try:
        return parcels(ctx, effect.platform_id, f"look for the shipment of order {effect.platform_id}")
    except Refused:
        return None


FINDERS = {
    **{kind: (RULE, find_created) for kind in turns.kinds(KIND)},
    **{kind: (CORRECTION_RULE, find_corrected) for kind in turns.kinds(CORRECTION)},
}
