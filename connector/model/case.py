"""A case: one order together with everything that we know, decided and did about it.

Everything here is pure: functions take a case and give a new one. Only the holder of the order's lease stores it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from .codec import plain, typed
from .flow import Stage, may_move
from .money import Money, total
from .order import Address, Customer, LineQuantity, Order, PlatformHold, PlatformRefund, PlatformStatus, RefundPart, Risk
from .payment import MoneyMoved
from .refunds import RefundRequest
from .review import Finding, Hold, HoldReason
from .shipping import Shipment

T = TypeVar("T")


class ActKind(StrEnum):
    """What can be left to do for an order, each one call of the hook of that name."""

    BUY_LABEL = "buy_label"
    PUSH_SHIPMENT = "push_shipment"
    PUSH_STATUS = "push_status"
    CANCEL_ORDER = "cancel_order"
    REFUND_PAYMENT = "refund_payment"
    ADJUST_INVENTORY = "adjust_inventory"
    WRITE_NOTE = "write_note"
    CAPTURE_PAYMENT = "capture_payment"
    VOID_PAYMENT = "void_payment"
    SET_HOLD = "set_hold"
    RELEASE_HOLD = "release_hold"


# After one of these the world is not as it was: the order is read again before, and an edit after it is a hold.
IRREVERSIBLE = frozenset({ActKind.BUY_LABEL, ActKind.CANCEL_ORDER, ActKind.REFUND_PAYMENT, ActKind.CAPTURE_PAYMENT})
READ_BEFORE = IRREVERSIBLE | {ActKind.ADJUST_INVENTORY, ActKind.VOID_PAYMENT}


class ActState(StrEnum):
    OPEN = "open"
    WAITING = "waiting"  # for a person: a task says what for
    DONE = "done"
    REFUSED = "refused"
    DROPPED = "dropped"  # overtaken by a later decision before anything was sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing left to do. `id` is made once, with the decision: the same id is the same act, however often it is tried.

    `what` is the plain form of the hook's argument (see `read`); `answer` a short one of what came back.
    """

    id: str
    kind: ActKind
    what: Any
    account: str = ""  # the account's name; "" is the order's own platform
    after: str = ""  # the act that has to be done before
    state: ActState = ActState.OPEN
    answer: Any = None
    said: str = ""

    @classmethod
    def of(cls, act_id: str, kind: ActKind, what: object, *, account: str = "", after: str = "") -> Act:
        return cls(id=act_id, kind=kind, what=plain(what), account=account, after=after)

    def read(self, as_type: type[T]) -> T:
        return typed(self.what, as_type)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentPlan:
    """A decision to ship: which lines, and what a person or rule chose. `origin`: the place it leaves from ("": any)."""

    lines: tuple[LineQuantity, ...]
    origin: str = ""
    carrier: str = ""
    service: str = ""
    tracking_number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChange:
    """The platform is to show this."""

    status: PlatformStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note on the platform's order, without personal data. `to_customer`: the platform shows or mails it to the customer."""

    text: str
    to_customer: bool = False


class RefundState(StrEnum):
    ASKED = "asked"
    PENDING = "pending"
    DONE = "done"
    MANUAL = "manual"  # recorded on the platform; a person gives the money back
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRecord:
    """A refund that we decided, and what became of it. `vendor_id` is the platform's id of it."""

    request: RefundRequest
    state: RefundState = RefundState.ASKED
    vendor_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A person saw this finding and let the order go on; the same finding does not hold it again."""

    code: str
    text: str
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """What a payment brought, where its platform takes the total of today for it since the order was edited."""

    payment_id: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One order and our work on it.

    Args:
        ref: `account name/platform id`; account: the account's id, which never changes.
        reviewed: a digest of what the last review looked at ("" before the first).
        duties: ids of the duties to tell that were ever owed, so that none is owed twice.
        paid: what was paid before the platform's total was changed; `order.payments` show no more than that as captured.
        erased: when its customer was erased (None: never). Nothing about a person is taken from the platform after that.
    """

    ref: str
    account: str
    order: Order
    stage: Stage = Stage.NEW
    holds: tuple[Hold, ...] = ()
    findings: tuple[Finding, ...] = ()
    accepted: tuple[Accepted, ...] = ()
    reviewed: str = ""
    acts: tuple[Act, ...] = ()
    shipments: tuple[Shipment, ...] = ()
    refunds: tuple[RefundRecord, ...] = ()
    duties: tuple[str, ...] = ()
    paid: tuple[Paid, ...] = ()
    erased: datetime | None = None

    # --- reading ------------------------------------------------------------------------------------------------------

    def act(self, act_id: str) -> Act | None:
        return next((act for act in self.acts if act.id == act_id), None)

    @property
    def open_acts(self) -> tuple[Act, ...]:
        return tuple(act for act in self.acts if act.state is ActState.OPEN)

    @property
    def committed(self) -> tuple[Act, ...]:
        """What has been bought, cancelled or given back: it cannot be taken back by editing the order."""
        return tuple(act for act in self.acts if act.kind in IRREVERSIBLE and act.state in (ActState.DONE, ActState.WAITING))

    def holds_for(self, reason: HoldReason) -> bool:
        return any(hold.reason is reason for hold in self.holds)

    # --- changing -----------------------------------------------------------------------------------------------------

    def at(self, stage: Stage) -> Case:
        """Move to a stage. A move that the table does not allow raises ValueError."""
        if not may_move(self.stage, stage):
            raise ValueError(f"{self.ref}: an order cannot go from {self.stage} to {stage}")
        return replace(self, stage=stage)

    def hold(self, hold: Hold) -> Case:
        """Add a hold; the same reason and code once only."""
        if any(old.reason is hold.reason and old.code == hold.code for old in self.holds):
            return self
        return replace(self, holds=(*self.holds, hold))

    def release(self, reason: HoldReason | None = None, *, code: str = "") -> Case:
        """Take away the holds of one reason, those with one code, or (neither given) all."""
        gone = self.holds_by(reason, code=code)
        return replace(self, holds=tuple(hold for hold in self.holds if hold not in gone))

    def holds_by(self, reason: HoldReason | None = None, *, code: str = "") -> tuple[Hold, ...]:
        """The holds of one reason and code; what is not given does not matter."""
        return tuple(hold for hold in self.holds if reason in (None, hold.reason) and code in ("", hold.code))

    def by_holds(self) -> Case:
        """An order that is being worked on is on hold while it has a hold, and processing when the last is gone."""
        if self.stage not in (Stage.IN_REVIEW, Stage.ON_HOLD, Stage.PROCESSING):
            return self
        return self.at(Stage.ON_HOLD if self.holds else Stage.PROCESSING)

    def with_act(self, act: Act) -> Case:
        """Add an act, or put a new version in the place of the old one."""
        if self.act(act.id) is None:
            return replace(self, acts=(*self.acts, act))
        return replace(self, acts=tuple(act if old.id == act.id else old for old in self.acts))

    def drop_open(self, *kinds: ActKind) -> Case:
        """Give up acts that were not begun (the ledger decides whether one was: this is for acts never tried)."""
        return replace(
            self,
            acts=tuple(
                replace(act, state=ActState.DROPPED) if act.state is ActState.OPEN and act.kind in kinds else act
                for act in self.acts
            ),
        )

    def with_refund(self, record: RefundRecord) -> Case:
        others = tuple(old for old in self.refunds if old.request.id != record.request.id)
        return replace(self, refunds=(*others, record))


# --- fulfillment per line ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFulfillment:
    """How many of one line: ordered, cancelled, shipped, delivered, returned."""

    line_id: str
    ordered: int
    cancelled: int = 0
    shipped: int = 0
    delivered: int = 0
    returned: int = 0

    @property
    def to_ship(self) -> int:
        return max(0, self.ordered - self.cancelled - self.shipped)


def fulfillment(case: Case) -> tuple[LineFulfillment, ...]:
    """Per line that ships, by quantity. Lines refunded before they left count as cancelled."""
    shipped = _quantities(line for shipment in case.shipments for line in shipment.lines)
    given_back = _quantities(_lines_given_back(case))
    result = []
    for line in case.order.lines:
        if not line.requires_shipping:
            continue
        sent, back = shipped.get(line.id, 0), given_back.get(line.id, 0)
        unsent = line.quantity - sent if case.stage is Stage.CANCELLED else min(back, line.quantity - sent)
        result.append(
            LineFulfillment(
                line_id=line.id,
                ordered=line.quantity,
                cancelled=max(0, unsent),
                shipped=sent,
                returned=min(sent, max(0, back - max(0, unsent))),
            )
        )
    return tuple(result)


def left_to_ship(case: Case) -> tuple[LineQuantity, ...]:
    """What has not been shipped, cancelled or decided to be shipped yet."""
    planned = _quantities(
        line
        for act in case.acts
        if act.kind is ActKind.BUY_LABEL and act.state in (ActState.OPEN, ActState.WAITING)
        for line in act.read(ShipmentPlan).lines
    )
    rest = ((line.line_id, line.to_ship - planned.get(line.line_id, 0)) for line in fulfillment(case))
    return tuple(LineQuantity(line_id=line_id, quantity=quantity) for line_id, quantity in rest if quantity > 0)


def _quantities(lines: Any) -> dict[str, int]:
    sums: dict[str, int] = {}
    for line in lines:
        sums[line.line_id] = sums.get(line.line_id, 0) + line.quantity
    return sums


def refund_left(case: Case) -> Money:
    """What may still be given back by our books: captured, less what the platform has recorded and what is underway.

    Our books alone never authorise a refund: the sums at platform and gateway are read again before.
    """
    currency = case.order.currency
    captured = total((payment.captured for payment in case.order.payments), currency)
    underway = total((record.request.amount for record in _not_shown(case)), currency)
    left = captured - recorded(case) - underway
    return left if left.minor > 0 else Money.zero(currency)


def recorded(case: Case) -> Money:
    """What the platform has on record as given back, whoever did it."""
    return total((refund.amount for refund in case.order.refunds), case.order.currency)


def given_back_too_much(case: Case) -> Money:
    """How much more was given back than there was: by gateways more than was captured, on record more than was to be paid."""
    order = case.order
    captured = total((payment.captured for payment in order.payments), order.currency)
    moved = total((refund.amount for refund in order.refunds if refund.money_moved is True), order.currency)
    over = max(moved.minor - captured.minor, recorded(case).minor - max(captured.minor, order.total.minor))
    return Money(minor=max(0, over), currency=order.currency)


def refunded_parts(case: Case) -> tuple[RefundPart, ...]:
    """What was given back for which line, by the platform's records and by those of ours that it does not show (yet)."""
    ours = {record.vendor_id: record.request.parts for record in case.refunds if record.vendor_id}
    # A list of orders shows the refunds without their parts: then ours stand for them.
    shown = [part for refund in case.order.refunds for part in refund.parts or ours.get(refund.id, ())]
    return (*shown, *(part for record in _not_shown(case) for part in record.request.parts))


def _lines_given_back(case: Case) -> Iterator[LineQuantity]:
    """Pieces that we, or staff on the platform, gave the money back for."""
    for record in case.refunds:
        if record.state is not RefundState.REFUSED:
            yield from record.request.lines
    for refund in _by_others(case):
        yield from (LineQuantity(line_id=part.line_id, quantity=part.quantity) for part in refund.parts if part.quantity > 0)


def _not_shown(case: Case) -> list[RefundRecord]:
    """Refunds of ours that count and that the platform's records do not hold: sent just now, on their way, or still to be sent.

    One that a person says has happened has no id of the platform; it is the record of that sum that nobody else made.
    """
    known = {refund.id for refund in case.order.refunds}
    others = [refund.amount for refund in case.order.refunds if refund.id not in {record.vendor_id for record in case.refunds}]
    hidden = []
    for record in case.refunds:
        if record.state is RefundState.REFUSED or record.vendor_id in known:
            continue
        if not record.vendor_id and record.state is not RefundState.ASKED and record.request.amount in others:
            others.remove(record.request.amount)
            continue
        hidden.append(record)
    return hidden


def _by_others(case: Case) -> list[PlatformRefund]:
    """Refunds on the platform's record that are none of ours."""
    ours = {record.vendor_id for record in case.refunds}
    nameless = [
        record.request.amount for record in case.refunds if not record.vendor_id and record.state is not RefundState.REFUSED
    ]
    found = []
    for refund in case.order.refunds:
        if refund.id in ours:
            continue
        if refund.amount in nameless:
            nameless.remove(refund.amount)
            continue
        found.append(refund)
    return found


def given_back_by_others(case: Case) -> tuple[PlatformRefund, ...]:
    """Refunds on the platform's record that are none of ours: staff made them there, or at the gateway."""
    return tuple(_by_others(case))


def is_given_back(case: Case) -> bool:
    """Has every refund that we decided moved the customer's money?"""
    return all(record.state is RefundState.DONE for record in case.refunds)


def refund_state(money: MoneyMoved) -> RefundState:
    return {
        MoneyMoved.MOVED: RefundState.DONE,
        MoneyMoved.PENDING: RefundState.PENDING,
        MoneyMoved.NOT_MOVED: RefundState.MANUAL,
    }[money]


# --- personal data apart ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Personal:
    """What of an order is about a person. It is stored encrypted and apart, so that erasing a customer leaves the sums."""

    customer: Customer = Customer()
    billing: Address = Address()
    shipping: Address = Address()
    customer_note: str = ""
    staff_notes: tuple[str, ...] = ()
    lines: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    holds: tuple[PlatformHold, ...] = ()
    risks: tuple[Risk, ...] = ()
    tags: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()  # what stood there, also if it is only an excerpt: of each of the case's findings


def part(case: Case) -> tuple[Case, Personal]:
    """Take the personal data out of a case."""
    order = case.order
    personal = Personal(
        customer=order.customer,
        billing=order.billing,
        shipping=order.shipping,
        customer_note=order.customer_note,
        staff_notes=order.staff_notes,
        lines={line.id: line.personal for line in order.lines if line.personal},
        holds=order.holds,
        risks=order.risks,
        tags=order.tags,
        findings=tuple(finding.value for finding in case.findings) if any(finding.value for finding in case.findings) else (),
    )
    bare = replace(
        order,
        customer=Customer(),
        billing=Address(),
        shipping=Address(),
        customer_note="",
        staff_notes=(),
        lines=tuple(replace(line, personal=()) if line.personal else line for line in order.lines),
        holds=(),
        risks=(),
        tags=(),
    )
    findings = tuple(replace(finding, value="") if finding.value else finding for finding in case.findings)
    return replace(case, order=bare, findings=findings), personal


def join(case: Case, personal: Personal) -> Case:
    """Put the personal data back."""
    order = replace(
        case.order,
        customer=personal.customer,
        billing=personal.billing,
        shipping=personal.shipping,
        customer_note=personal.customer_note,
        staff_notes=personal.staff_notes,
        lines=tuple(replace(line, personal=personal.lines.get(line.id, ())) for line in case.order.lines),
        holds=personal.holds,
        risks=personal.risks,
        tags=personal.tags,
    )
    findings = tuple(replace(finding, value=value) for finding, value in zip(case.findings, personal.findings, strict=False))
    return replace(case, order=order, findings=findings or case.findings)
