"""The reviews every shop wants: PO boxes, incomplete addresses, unpaid orders, fraud risk, notes, personalised lines.

Needs no account and asks nobody. Every finding says what a person should do, and shows no more of the customer's data than it
takes to see what is meant.

    status.py     statuses that go against sending    address.py    incomplete and military addresses
    payment.py    money that is missing               po_boxes.py   PO boxes, by country
    notes.py      notes and personalised lines        platform.py    what the platform says: risk, holds, tests
"""

from __future__ import annotations

from connector import CarrierView, Finding, Order, PluginInfo, PluginKind, hookimpl

from .address import address_findings, missing_parts
from .notes import note_findings, personalised_lines
from .payment import payment_findings
from .platform import platform_findings
from .status import status_findings

__all__ = ["describe", "missing_parts", "review_order"]


@hookimpl
def describe() -> PluginInfo:
    return PluginInfo(
        name="basics",
        kinds=(PluginKind.REVIEW,),
        summary="PO boxes, incomplete addresses, unpaid orders, notes and personalised lines.",
    )


@hookimpl
def review_order(order: Order, carriers: tuple[CarrierView, ...]) -> list[Finding]:
    return [
        *status_findings(order),
        *platform_findings(order),
        *address_findings(order, carriers),
        *payment_findings(order),
        *note_findings(order),
        *personalised_lines(order),
    ]
