"""What a shop's own records say about one order, in words that every platform shares; and what of it is not as a story ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from ..model.events import DutyEvent, DutyState, Person
from .stories import Ending

CONFIRMED = frozenset((DutyEvent.CONFIRMED, person) for person in Person)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtStore:
    """One order as the shop has it. Sums are the customer's money.

    Args:
        status: the shop's own word. set_to: how often it was set to each end.
        notes: ours, each with how often it stands there; tracking: the numbers shown, likewise; tracking_notes: those of our
            notes that tell a number, where the platform tells numbers by notes (else None).
        given_back: by the gateway, in so many calls; recorded: what the shop has written down as given back.
        captured: what was taken in; None where the platform captures by itself.
        holds: the reasons of the holds shown. parcels: how many left from each place.
        mails: the platform's own, None where it does not tell which. taken: pieces that this order took, by SKU and place.
    """

    status: str
    set_to: Mapping[str, int]
    notes: Mapping[str, int]
    tracking: Mapping[str, int]
    tracking_notes: tuple[str, ...] | None = None
    given_back: Decimal
    times_given_back: int
    recorded: Decimal
    captured: Decimal | None = None
    holds: tuple[str, ...] = ()
    parcels: Mapping[str, int] = field(default_factory=dict)
    mails: Mapping[tuple[DutyEvent, Person], int] | None = None
    taken: Mapping[str, int]


def at_the_store(ending: Ending, store: AtStore) -> list[str]:
    """What the shop's own records say otherwise, one sentence each."""
    return [
        *_status(ending, store),
        *_shown(ending, store),
        *_money(ending, store),
        *_pieces(ending, store),
        *_mails(ending, store),
    ]


def _status(ending: Ending, store: AtStore) -> list[str]:
    wrong = [] if store.status == ending.status else [f"store: status {store.status}, not {ending.status}"]
    return wrong + [f"store: set to {status} {count} times" for status, count in store.set_to.items() if count > 1]


def _shown(ending: Ending, store: AtStore) -> list[str]:
    wrong = [f"store: {count} times the note {text!r}" for text, count in store.notes.items() if count > 1]
    for number in ending.tracking:
        if not store.tracking.get(number):
            wrong.append(f"store: the tracking number {number} is not shown")
        told = None if store.tracking_notes is None else sum(number in note for note in store.tracking_notes)
        if told not in (None, 1):
            wrong.append(f"store: {told} notes with the tracking number {number}")
    if store.tracking_notes is None and sum(store.tracking.values()) != len(ending.tracking):
        wrong.append(f"store: {sum(store.tracking.values())} parcels with a number, not {len(ending.tracking)}")
    if store.holds != ending.shown_holds:
        wrong.append(f"store: shows the holds {', '.join(store.holds) or '-'}, not {', '.join(ending.shown_holds) or '-'}")
    if ending.parcels and store.parcels != ending.parcels:
        wrong.append(f"store: parcels {dict(store.parcels)}, not {dict(ending.parcels)}")
    return wrong


def _money(ending: Ending, store: AtStore) -> list[str]:
    wrong, expected = [], Decimal(ending.refunded)
    if store.given_back != expected:
        wrong.append(f"gateway: {store.given_back} given back in {store.times_given_back} calls, not {expected}")
    if store.recorded != Decimal(ending.recorded or ending.refunded):
        wrong.append(f"store: refunds of {store.recorded}, not {ending.recorded or ending.refunded}")
    if ending.captured and store.captured != Decimal(ending.captured):
        wrong.append(f"store: {store.captured} taken in, not {ending.captured}")
    return wrong


def _pieces(ending: Ending, store: AtStore) -> list[str]:
    taken = {place: pieces for place, pieces in store.taken.items() if pieces}
    if ending.taken and taken != ending.taken:
        return [f"stock: {taken} gone, not {dict(ending.taken)}"]
    gone = sum(taken.values())
    return [] if gone == ending.stock_taken else [f"stock: {gone} gone, not {ending.stock_taken}"]


def _mails(ending: Ending, store: AtStore) -> list[str]:
    """What is left to the platform, it has told; what is not, it has not. It confirms every order, also one that is unpaid."""
    if store.mails is None:
        return []
    left = {telling for telling, state in ending.told.items() if state is DutyState.LEFT_TO_PLATFORM}
    wrong = [f"store: sent no mail about {event} to the {person}" for event, person in left - store.mails.keys()]
    return wrong + [
        f"store: sent a mail about {event} to the {person}" for event, person in store.mails.keys() - left - CONFIRMED
    ]
