"""What the platform itself says against sending: a fraud risk, a hold that somebody set there, a test order."""

from __future__ import annotations

from collections.abc import Iterable

from connector import Finding, HoldReason, Order, PlatformHold, Risk, RiskLevel, Severity

from .notes import excerpt

# Worse first: of several opinions the worst counts.
LEVELS = {
    RiskLevel.HIGH: Severity.HOLD,
    RiskLevel.MEDIUM: Severity.WARNING,
    RiskLevel.PENDING: Severity.INFO,
}
WORDS = {
    RiskLevel.HIGH: "a high risk of fraud. Look at the payment and the addresses, ask the customer, or cancel the order.",
    RiskLevel.MEDIUM: "some risk of fraud. Look at the payment and the addresses.",
    RiskLevel.PENDING: "nothing about fraud yet: it is still looking at the order.",
}


def platform_findings(order: Order) -> Iterable[Finding]:
    for level in LEVELS:
        risk = next((risk for risk in order.risks if risk.level is level), None)
        if risk is not None:
            yield _risk(risk)
            break
    yield from (_held(hold) for hold in order.holds[:1])
    if order.is_test and not order.rehearsal:
        yield TEST_ORDER


def _risk(risk: Risk) -> Finding:
    return Finding(
        code=f"fraud_{risk.level}",
        kind="fraud",
        severity=LEVELS[risk.level],
        reason=HoldReason.FRAUD_RISK,
        field="risk",
        value=excerpt("; ".join(risk.facts)),
        text=f"{risk.said_by} sees {WORDS[risk.level]}",
        releases="A lower risk, or a person who lets the order go.",
    )


def _held(hold: PlatformHold) -> Finding:
    return Finding(
        code="platform_hold",
        kind="order",
        severity=Severity.HOLD,
        reason=HoldReason.POLICY,
        field="holds",
        value=excerpt(hold.text),
        text=f"Somebody holds it in the shop ({hold.reason.replace('_', ' ').lower()}). Until it is released there, it stays.",
        releases="The release in the shop.",
    )


TEST_ORDER = Finding(
    code="test_order",
    kind="payment",
    severity=Severity.HOLD,
    reason=HoldReason.POLICY,
    field="test",
    text="The shop calls this a test order: no money has moved. Cancel it, or let it go if you want to try out the rest.",
    releases="A person who lets the order go.",
)
