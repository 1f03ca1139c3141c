"""A status in the shop that goes against sending the order, or that nobody has explained."""

from __future__ import annotations

from collections.abc import Iterable

from connector import Finding, HoldReason, Order, PlatformStatus, Severity

from .notes import excerpt
from .payment import is_cod, is_covered


def status_findings(order: Order) -> Iterable[Finding]:
    """A status that goes against sending the order, or that nobody has explained."""
    if order.means is PlatformStatus.UNKNOWN:
        yield _unknown_status(order.status)
    if order.means is PlatformStatus.COMPLETED and order.needs_shipping:
        yield COMPLETED_BEFORE
    if _is_not_confirmed(order):
        yield Finding(
            code="not_confirmed",
            kind="payment",
            severity=Severity.HOLD,
            reason=HoldReason.AWAITING_PAYMENT,
            field="status",
            value=excerpt(order.status),
            text="In the shop this order waits for its payment, maybe again. Look at it there before you send it.",
            releases="The status in the shop that says it may be worked on, or a person who lets it go.",
        )


def _is_not_confirmed(order: Order) -> bool:
    """The money is there, or is not waited for, and yet the shop does not say that the order may be worked on."""
    if order.means is PlatformStatus.UNPAID and not order.total:
        return False  # nobody pays what costs nothing, so nothing would ever change it
    return order.means in (PlatformStatus.UNPAID, PlatformStatus.FAILED) and (is_covered(order) or is_cod(order))


def _unknown_status(word: str) -> Finding:
    word = excerpt(word)
    return Finding(
        code="unknown_status",
        kind="status",
        severity=Severity.WARNING,
        reason=HoldReason.POLICY,
        field="status",
        value=word,
        text=f"The shop shows the status {word!r} of another plugin. What it means is not guessed. Say it in its account: "
        f'statuses = {{"{word}" = "open"}} (or unpaid, on_hold, completed, cancelled, failed).',
        releases="What the status means, in the account's `statuses`.",
    )


COMPLETED_BEFORE = Finding(
    code="completed_before",
    kind="status",
    severity=Severity.HOLD,
    reason=HoldReason.POLICY,
    field="status",
    text="The shop shows this order as completed, but nothing can have been sent: it is to be paid on delivery, and was "
    "paid and completed when it was placed. Send it if nobody has sent it yet, else cancel or close it.",
    releases="A person who has seen whether it was sent.",
)
