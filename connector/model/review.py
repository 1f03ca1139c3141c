"""What a review finds, and what holds an order back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# The code of the finding that says: no money yet. The policy about unpaid orders goes by it.
UNPAID = "unpaid"
# And the one that says: a part of it is there. Such an order is never called off by itself.
PARTLY_PAID = "partly_paid"
# The code of the finding that says: somebody holds it on the platform. It is not held there a second time.
PLATFORM_HOLD = "platform_hold"


class Severity(StrEnum):
    INFO = "info"  # worth knowing
    WARNING = "warning"  # a person should see it, the order goes on
    HOLD = "hold"  # the order waits until a person or an event releases it
    BLOCK = "block"  # the order waits, and only a person may release it


class HoldReason(StrEnum):
    AWAITING_PAYMENT = "awaiting_payment"
    FRAUD_RISK = "fraud_risk"
    ADDRESS = "address"
    PO_BOX = "po_box"
    ARTWORK_MISSING = "artwork_missing"
    NOTE = "note"
    OUT_OF_STOCK = "out_of_stock"
    SUPPLIER = "supplier"
    CHANGED_AFTER_COMMIT = "changed_after_commit"
    POLICY = "policy"
    MANUAL = "manual"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a review saw.

    Args:
        code: a stable word ("po_box"), used by the policy; kind: what was looked at (address, payment, note, stock, fraud).
        severity: how bad the reviewer thinks it is; the merchant's policy may change it.
        field: which field was looked at; value: what stood there, masked (never a whole address or name).
        text: a sentence for the merchant; releases: what would make it go away.
        said_by: the plugin (filled in by the core).
        reason: under which reason the order is held, should it be.
    """

    code: str
    text: str
    severity: Severity = Severity.WARNING
    kind: str = "order"
    field: str = ""
    value: str = ""
    releases: str = ""
    said_by: str = ""
    reason: HoldReason = HoldReason.POLICY


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Why an order waits: `who` set it, `until` when it releases itself (None: never), `releases` what releases it.

    `code` is the finding's; a hold that a review set goes when its finding goes.
    """

    reason: HoldReason
    text: str = ""
    who: str
    since: datetime
    until: datetime | None = None
    releases: str = ""
    code: str = ""
    by_review: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FraudScore:
    """A score from outside: 0 (harmless) to 100 (surely fraud), with the vendor's reasons. Cached by its input."""

    score: float
    level: Severity
    reasons: tuple[str, ...] = ()
    vendor_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedAddress:
    """What an address service says: deliverable or not, residential or not (None: it cannot tell), and its problems."""

    deliverable: bool | None
    residential: bool | None = None
    po_box: bool | None = None
    problems: tuple[str, ...] = ()
