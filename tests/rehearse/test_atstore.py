"""The judge of all stories: it finds whatever is not in the shop as it should be."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from connector.model.events import DutyEvent, DutyState, Person
from connector.model.flow import Stage
from connector.rehearse.atstore import AtStore, at_the_store
from connector.rehearse.stories import Ending

NUMBER = "1Z1"
BY_PLATFORM = (DutyEvent.SHIPPED, Person.CUSTOMER)
ENDING = Ending(
    stage=Stage.COMPLETED,
    status="PAID/FULFILLED",
    refunded="5.00",
    captured="20.00",
    told={BY_PLATFORM: DutyState.LEFT_TO_PLATFORM, (DutyEvent.SHIPPED, Person.MERCHANT): DutyState.SENT},
    tracking=(NUMBER,),
    parcels={"Reno": 1},
    taken={"MUG in Reno": 1},
)
STORE = AtStore(
    status="PAID/FULFILLED",
    set_to={"cancelled": 1},
    notes={"[oc:1] Approved.": 1},
    tracking=Counter({NUMBER: 1}),
    given_back=Decimal("5.00"),
    times_given_back=1,
    recorded=Decimal("5.00"),
    captured=Decimal("20.00"),
    parcels={"Reno": 1},
    mails={BY_PLATFORM: 1, (DutyEvent.CONFIRMED, Person.CUSTOMER): 1},
    taken={"MUG in Reno": 1, "LAMP in Reno": 0},
)


def test_what_is_as_it_should_be_is_not_found() -> None:
    """A shop that shows the ending; it confirms each order by itself, which is no difference."""
    assert at_the_store(ENDING, STORE) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"status": "PAID/UNFULFILLED"}, "store: status PAID/UNFULFILLED, not PAID/FULFILLED"),
        ({"set_to": {"cancelled": 2}}, "store: set to cancelled 2 times"),
        ({"notes": {"[oc:1] Approved.": 2}}, "store: 2 times the note '[oc:1] Approved.'"),
        ({"tracking": Counter({NUMBER: 2})}, "store: 2 parcels with a number, not 1"),
        ({"tracking": Counter({"1Z2": 1})}, f"store: the tracking number {NUMBER} is not shown"),
        ({"tracking_notes": (f"sent {NUMBER}", f"sent {NUMBER}")}, f"store: 2 notes with the tracking number {NUMBER}"),
        ({"holds": ("OTHER",)}, "store: shows the holds OTHER, not -"),
        ({"parcels": {"Reno": 2}}, "store: parcels {'Reno': 2}, not {'Reno': 1}"),
        ({"given_back": Decimal("10.00"), "times_given_back": 2}, "gateway: 10.00 given back in 2 calls, not 5.00"),
        ({"recorded": Decimal(0)}, "store: refunds of 0, not 5.00"),
        ({"captured": Decimal("40.00")}, "store: 40.00 taken in, not 20.00"),
        ({"taken": {"MUG in New York": 1}}, "stock: {'MUG in New York': 1} gone, not {'MUG in Reno': 1}"),
        ({"mails": {}}, "store: sent no mail about shipped to the customer"),
        ({"mails": {BY_PLATFORM: 1, (DutyEvent.REFUNDED, Person.CUSTOMER): 1}}, "store: sent a mail about refunded"),
    ],
)
def test_each_difference_is_found(change: dict[str, Any], said: str) -> None:
    """One thing is wrong, and one sentence says so."""
    (found,) = at_the_store(ENDING, replace(STORE, **change))

    assert found.startswith(said)


def test_pieces_are_counted_where_it_does_not_matter_which() -> None:
    """Without `taken`, the pieces that are gone are added up."""
    ending = replace(ENDING, taken={}, stock_taken=3)

    assert at_the_store(ending, STORE) == ["stock: 1 gone, not 3"]
