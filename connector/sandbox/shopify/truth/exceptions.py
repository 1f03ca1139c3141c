"""What is not replayed, or not the same, each with its reason: the whole list, printed by every replay."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connector.sandbox.shopify.truth.recorded import Recording

NO_TEXT = "the recording does not hold the text of what was asked"
BESIDE = "what the recorder's proxy read on its own; the recording does not tell between which steps"
NOT_SIMULATED = (
    "an operation that no connector needs (returns, edits over the API, splitting, drafts, disputes, carrier services)"
)
PARTS = "asks for fields that no connector needs and that are not simulated"
STRANGER = "is about something that the recording did not make itself, or made with an operation that is not simulated"
SCHEMA = "asks what the schema is; that ours is a true part of it is a test of its own"
CHANGED = "comes after a step on the same order that is not simulated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """`file`, `label` and `path` are regular expressions; `path` "" leaves out whole exchanges, else only differing paths."""

    file: str
    label: str = ".*"
    path: str = ""
    reason: str

    def fits(self, file: str, label: str) -> bool:
        return re.fullmatch(self.file, file) is not None and re.fullmatch(self.label, label) is not None


HISTORY = "lists what earlier recordings had left in the recorder's shop"
RATE = "the shop's own money at that day's exchange rate, which no recording tells"
EXEMPTIONS = (
    Exemption(
        file="webhooks/.*-api-version-projection", label="cleanup", reason="the same step as lifecycle.delete, kept twice"
    ),
    Exemption(file="orders/.*-cleanup", reason="cancels orders that other recordings made"),
    Exemption(
        file="shipping-fulfillments/.*",
        path=r"data\.(fulfillmentOrders|all\w+|reversed\w+|closed\w*)\..*",
        reason=HISTORY,
    ),
    Exemption(
        file="shipping-fulfillments/.*",
        label=r".*(preflightCleanup|preCleanup|closed\.search).*",
        path=r"data\..*",
        reason=HISTORY,
    ),
    Exemption(
        file="orders/refund-create-full-parity",
        path=r".*refundLineItems\.nodes\[0\]\.subtotalSet\.shopMoney\.amount",
        reason="a refund of all that was paid told its line at 0.0, a smaller one at its price: no rule is seen",
    ),
    Exemption(file="orders/money-bag-presentment-parity", path=r".*shopMoney\.amount", reason=RATE),
    Exemption(file="payments/order-capture-validation", label=".*postFinalCapture", path=r".*shopMoney\.amount", reason=RATE),
    Exemption(
        file="(orders/fulfillment-(cancel|tracking-info-update)-parity.*|shipping-fulfillments/fulfillment-detail-events-lifecycle)",
        label=".*(fulfillmentTrackingInfoUpdate|mutation)",
        path="requestedQueryCost",
        reason="until May 2026 a correction of the tracking cost 10; since June 2026 (recorded) it costs 50",
    ),
    Exemption(
        file="bulk-operations/.*",
        path=r"data\..*(o|rootO)bjectCount|data\.currentBulkOperation.*",
        reason="how far an operation had come, and over how many products, at that moment in the recorder's shop",
    ),
    Exemption(
        file="bulk-operations/bulk-operation-run-query-operation-in-progress",
        label="secondRun",
        path=r"data\..*",
        reason="version 2025-01 runs one operation at a time, five since 2026-01 (recorded as well)",
    ),
    Exemption(
        file="orders/fulfillment-multi-tracking-info",
        path=r"data\.fulfillmentOrder\.supportedActions.*",
        reason="version 2025-01 does not know REPORT_PROGRESS as an action",
    ),
    Exemption(
        file="shipping-fulfillments/fulfillment-order-lifecycle",
        label=r".*holdRelease\.afterHold\.topLevelRead",
        path=r"errors \(length\)",
        reason=HISTORY,
    ),
    Exemption(
        file="webhooks/.*",
        path=r".*apiVersion\.(displayName|supported)",
        reason="2026-07 was a release candidate when it was recorded",
    ),
    Exemption(
        file="orders/orderCreateManualPayment-.*",
        label="capability",
        path=r"data\.currentAppInstallation\.accessScopes.*",
        reason="the recorder's app had other scopes",
    ),
    Exemption(
        file="orders/fulfillment-create-preconditions",
        path=r".*\.closed(At)?",
        reason="the recorder looked before the paid and shipped order was archived",
    ),
)


def whole(file: str, label: str) -> str:
    """The reason to leave out the exchange, or nothing."""
    return next((one.reason for one in EXEMPTIONS if not one.path and one.fits(file, label)), "")


def of_path(recording: Recording, label: str, path: str) -> str:
    """The reason that excuses a difference at that path, or nothing."""
    partly = (one for one in EXEMPTIONS if one.path and one.fits(recording.file, label))
    return next((one.reason for one in partly if re.fullmatch(one.path, path)), "")
