"""Where an order is to leave from, who holds it, and what has left. Pure."""

from __future__ import annotations

from connector import LineQuantity, Origin, PlatformHold, Risk, RiskLevel

from .marks import HOLD_HANDLE
from .reading import Node

OPEN = frozenset({"OPEN", "IN_PROGRESS", "SCHEDULED", "ON_HOLD"})
NOT_SENT = frozenset({"CANCELLED", "ERROR", "FAILURE"})


def origins(order: Node) -> tuple[Origin, ...]:
    """What is still to be sent, by place. One without a number is known by its name."""
    names: dict[str, str] = {}
    rest: dict[str, dict[str, int]] = {}
    for one in order["fulfillmentOrders"].items():
        if one["status"].text() not in OPEN:
            continue
        place = one["assignedLocation"]
        place_id = place.get("location").get("id").id() or place["name"].text()
        names.setdefault(place_id, place["name"].text())
        for row in one["lineItems"].items():
            line_id, left = row["lineItem"]["id"].id(), row["remainingQuantity"].whole()
            lines = rest.setdefault(place_id, {})
            lines[line_id] = lines.get(line_id, 0) + left
    return tuple(_origin(place_id, names[place_id], lines) for place_id, lines in rest.items() if any(lines.values()))


def _origin(place_id: str, name: str, lines: dict[str, int]) -> Origin:
    there = tuple(LineQuantity(line_id=line_id, quantity=left) for line_id, left in lines.items() if left > 0)
    return Origin(id=place_id, name=name, lines=there)


def holds(order: Node) -> tuple[PlatformHold, ...]:
    """Those that others have set: staff, or another app."""
    found = {}
    for one in order["fulfillmentOrders"].items():
        for hold in one.get("fulfillmentHolds").items():
            if not is_ours(hold):
                text = hold.get("reasonNotes").text() or hold.get("displayReason").text()
                found[hold["id"].id()] = PlatformHold(id=hold["id"].id(), reason=hold["reason"].text(), text=text)
    return tuple(found.values())


def is_ours(hold: Node) -> bool:
    return hold.get("heldByRequestingApp").is_true() and hold.get("handle").text().startswith(HOLD_HANDLE)


def tracking(order: Node) -> tuple[str, ...]:
    sent = [one for one in order["fulfillments"].items() if one["status"].text() not in NOT_SENT]
    numbers = [info.get("number").text() for one in sent for info in one["trackingInfo"].items()]
    return tuple(dict.fromkeys(number for number in numbers if number))


def has_left(order: Node) -> bool:
    """Has anything been fulfilled?"""
    return any(one["status"].text() not in NOT_SENT for one in order["fulfillments"].items())


def risks(order: Node) -> tuple[Risk, ...]:
    return tuple(_risk(one) for one in order.get("risk").get("assessments").items())


def _risk(node: Node) -> Risk:
    level = node["riskLevel"].text().lower()
    known = RiskLevel(level) if level in {one.value for one in RiskLevel} else RiskLevel.NONE
    facts = tuple(one["description"].text() for one in node.get("facts").items())
    return Risk(level=known, said_by=node.get("provider").get("title").text() or "Shopify", facts=facts)
