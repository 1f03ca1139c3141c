"""What the platform itself says against sending becomes a finding, without its words about the customer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector import Finding, Order, PlatformHold, Risk, RiskLevel
from connector.model.review import PLATFORM_HOLD
from connector.plugins.basics import review_order
from tests.store.world import make_order


def found(order: Order) -> dict[str, Finding]:
    return {finding.code: finding for finding in review_order(order=order, carriers=())}


@pytest.mark.parametrize(
    ("levels", "code", "severity"),
    [
        (("high",), "fraud_high", "hold"),
        (("low", "medium"), "fraud_medium", "warning"),
        (("medium", "high"), "fraud_high", "hold"),
        (("pending",), "fraud_pending", "info"),
        (("low", "none"), "", ""),
    ],
)
def test_the_worst_risk_counts(levels: tuple[str, ...], code: str, severity: str) -> None:
    """One finding for all opinions; what is not risky is not worth one. Facts are shown masked, beside the sentence."""
    facts = ("The card of ann@example.com was used from +43 660 1234567.",)
    order = replace(make_order("1"), risks=tuple(Risk(level=RiskLevel(one), said_by="The shop", facts=facts) for one in levels))
    fraud = {name: finding for name, finding in found(order).items() if name.startswith("fraud_")}
    assert list(fraud) == ([code] if code else [])
    for finding in fraud.values():
        assert finding.severity == severity
        assert "ann@" not in finding.value + finding.text
        assert "1234567" not in finding.value + finding.text


def test_a_hold_of_somebody_else_on_the_platform_holds_here() -> None:
    """The pipeline knows it by its code, so that it is not set there a second time."""
    order = replace(
        make_order("1"), holds=(PlatformHold(id="5", reason="INVENTORY_OUT_OF_STOCK", text="call Ann 06601234567"),)
    )
    finding = found(order)[PLATFORM_HOLD]
    assert finding.severity == "hold"
    assert "inventory out of stock" in finding.text
    assert "06601234567" not in finding.value + finding.text


def test_a_test_order_is_held_unless_it_is_a_rehearsal() -> None:
    """No money has moved; only a rehearsal is played through all the same."""
    order = replace(make_order("1"), is_test=True)
    assert found(order)["test_order"].severity == "hold"
    assert "test_order" not in found(replace(order, rehearsal="run-1"))
