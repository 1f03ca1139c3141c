"""What comes in, what goes out, and what only a person can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from .order import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A webhook call as it arrived: header names in lower case, the body byte for byte, when (UTC)."""

    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


class NewsKind(StrEnum):
    ORDER = "order"  # something about this order: fetch it
    DELETED = "deleted"
    MONEY = "money"
    SHIPMENT = "shipment"
    SUPPLIER = "supplier"
    CUSTOMER_REQUEST = "customer_request"  # a customer wants to have what is held about them
    CUSTOMER_REDACT = "customer_redact"  # a customer is to be erased
    SHOP_REDACT = "shop_redact"  # everybody who ever bought in this shop is
    PING = "ping"  # nothing to do


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """A hint from outside. `platform_id` names the order; `version` is the vendor's, "" if it has none; `at` UTC.

    `order`: the order as the news shows it, if it shows all that a poll does. What is known already need not be fetched then.
    `email`, `orders`: of a customer_request or customer_redact, whose data it is about and in which orders (platform ids); such
    news names no order in `platform_id`.
    """

    platform_id: str
    kind: NewsKind
    at: datetime | None = None
    version: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict)
    order: Order | None = field(default=None, repr=False)
    email: str = field(default="", repr=False)
    orders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a poll. `next_cursor` is where the next one starts; `more`: there is more to read right now.

    `unreadable`: platform ids of orders that changed and could not be read; they are fetched singly, and a person is told.
    """

    orders: tuple[Order, ...]
    unreadable: tuple[str, ...] = ()
    next_cursor: str
    more: bool = False


# --- mail and other messages ------------------------------------------------------------------------------------------


class DutyEvent(StrEnum):
    CONFIRMED = "confirmed"
    ON_HOLD = "on_hold"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    PAYMENT_REMINDER = "payment_reminder"


class Person(StrEnum):
    CUSTOMER = "customer"
    MERCHANT = "merchant"


class DutyState(StrEnum):
    OWED = "owed"
    SENT = "sent"
    LEFT_TO_PLATFORM = "left_to_platform"
    UNKNOWN = "unknown"
    FAILED = "failed"
    WAIVED = "waived"


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """We owe somebody a message. One per event, happening (`about`: the shipment's, refund's or hold's id) and person."""

    id: str
    event: DutyEvent
    person: Person
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What `notify` has to say: the duty, the order, and the facts of the event ("tracking_url", "amount", "reason", ...)."""

    duty: Duty
    ref: str
    order: Order
    facts: Mapping[str, str] = field(default_factory=dict)
    again: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The message was handed over; `vendor_id` is what the other side called it (a Message-ID)."""

    vendor_id: str


# --- tasks ------------------------------------------------------------------------------------------------------------


class TaskKind(StrEnum):
    MANUAL_REFUND = "manual_refund"
    UNKNOWN_EFFECT = "unknown_effect"
    SILENT_SUPPLIER = "silent_supplier"
    UNKNOWN_MAIL = "unknown_mail"
    PROBLEM = "problem"
    PERSONAL_DATA = "personal_data"  # somebody asked for their data, or to be erased


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Something only a person can do or say. `about` is what it is for (an effect's key, a refund's id); one open task each."""

    kind: TaskKind
    about: str
    title: str
    steps: tuple[str, ...] = ()


# --- effects ----------------------------------------------------------------------------------------------------------


class EffectState(StrEnum):
    PLANNED = "planned"
    SENT = "sent"
    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class EffectClass(StrEnum):
    """What a vendor lets us find out when no answer came."""

    KEYED = "keyed"  # it keeps our key: the same call with the same key again
    LOOKUP = "lookup"  # it can be asked whether it happened
    NONE = "none"  # only a person can find out


class LooksBy(StrEnum):
    KEY = "key"  # our key can be read back
    STATE = "state"  # compared with the image from before


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectRule:
    """How a plugin's effects of one kind behave. All durations in seconds.

    Args:
        deadline_s: a call of this kind is given up after so long. settle_s: so long the vendor may still be at it afterwards.
        remembers_s: for KEYED: how long the vendor keeps our key. looks_by: for LOOKUP: by our key or by comparing states.
        points: how much of the account's rate a call of this kind takes, where the vendor does not count each as one.
    """

    vendor: EffectClass
    deadline_s: float = 30.0
    settle_s: float = 0.0
    remembers_s: float = 0.0
    points: float = 1.0
    looks_by: LooksBy = LooksBy.KEY


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One change of the outside world as the ledger holds it; what `find_effect` is asked about.

    `request` is what was asked for (without personal data), `before` the image taken before it was sent.
    """

    key: str
    kind: str
    request_id: str
    attempt: int
    state: EffectState
    request: Any = None
    before: Any = None
    platform_id: str = ""
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """It did happen; `answer` is what the call would have returned."""

    answer: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotHappened:
    """It surely did not, and will not any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InProgress:
    """The vendor is still at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CannotTell:
    """There is no way to know from here; `text` says to a person where to look."""

    text: str


Found = Happened | NotHappened | InProgress | CannotTell


# --- about ------------------------------------------------------------------------------------------------------------


class PluginKind(StrEnum):
    PLATFORM = "platform"
    CARRIER = "carrier"
    SUPPLIER = "supplier"
    PAYMENTS = "payments"
    FRAUD = "fraud"
    MAIL = "mail"
    REVIEW = "review"


class CheckResult(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at when an account is checked; `fix` is what to do unless the result is OK."""

    name: str
    result: CheckResult
    text: str
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierView:
    """What a review may know about a carrier of the shop: its account's name and what it will not deliver to ("po_box")."""

    name: str
    cannot_deliver: tuple[str, ...] = ()
