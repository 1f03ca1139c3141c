"""The store and the mail server fail in every way they can, before and after the effect, and nothing happens twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.rehearse import shopify
from connector.rehearse.stories import Story
from connector.rehearse.woocommerce import (
    CANCELLED_AND_REFUNDED,
    CHEQUE_NEVER_CAME,
    GATEWAY_CANNOT,
    PO_BOX_HELD,
    REFUNDED_BY_LINE,
    SHIPPED,
    TWO_PARCELS,
)
from connector.sandbox.faults import STORE, Rule
from tests.prove.harness import place, play

PASSING = tuple(kind for kind in STORE if kind != "413")
ORDER, REFUNDS, NOTES = r"orders/\d+$", r"orders/\d+/refunds", r"orders/\d+/notes"
CALLS = [
    (CANCELLED_AND_REFUNDED, "PUT", ORDER, 1),
    (CANCELLED_AND_REFUNDED, "POST", REFUNDS, 1),
    (CANCELLED_AND_REFUNDED, "GET", REFUNDS, 1),
    (SHIPPED, "PUT", ORDER, 1),
    (SHIPPED, "PUT", ORDER, 2),
    (SHIPPED, "POST", NOTES, 1),
    (SHIPPED, "GET", "orders", 1),
    (REFUNDED_BY_LINE, "POST", REFUNDS, 1),
    (GATEWAY_CANNOT, "POST", REFUNDS, 1),
    (CHEQUE_NEVER_CAME, "PUT", ORDER, 1),
    (TWO_PARCELS, "PUT", ORDER, 2),
    (TWO_PARCELS, "POST", NOTES, 2),
]

# Everything is a POST to one address there; the name of the operation tells them apart.
SHOPIFY_CALLS = [
    (shopify.CANCELLED, "OrderCancel$", 1),
    (shopify.CANCELLED, "CancelJob$", 1),
    (shopify.CANCELLED, "RefundSuggestion$", 1),
    (shopify.CANCELLED, "RefundCreate$", 1),
    (shopify.GIFT_CARD, "RefundCreate$", 1),
    (shopify.CAPTURED, "OrderCapture$", 1),
    (shopify.CAPTURED, "FulfillmentCreate$", 1),
    (shopify.TWO_PLACES, "FulfillmentCreate$", 2),
    (shopify.HELD, "FulfillmentOrderHold$", 1),
    (shopify.HELD, "FulfillmentOrderReleaseHold$", 1),
    (shopify.HELD, "OrderNoteUpdate$", 1),
    (shopify.SPLIT, "Orders$", 1),
    (shopify.SPLIT, "Order$", 1),
    (shopify.SPLIT, "access_token", 1),
]


def rule(kind: str, method: str, match: str, nth: int) -> Rule:
    return Rule(kind=kind, method=method, match=match, nth=nth, seconds=2.0)


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after", "error_500_after", "truncated", "429"])
def test_a_refund_survives_every_fault(tmp_path: Path, database_url: str, kind: str) -> None:
    """The money goes back exactly once, whatever the answer to the refund was."""
    with place(tmp_path, database_url) as where:
        verdict = play(where, CANCELLED_AND_REFUNDED, faults=[rule(kind, "POST", REFUNDS, 1)])

    assert verdict.wrong == []


@pytest.mark.parametrize(
    ("story", "match", "kind"),
    [
        (shopify.CANCELLED, "RefundCreate$", "timeout_after"),
        (shopify.CANCELLED, "RefundCreate$", "timeout_before"),
        (shopify.CANCELLED, "OrderCancel$", "error_500_after"),
        (shopify.CAPTURED, "OrderCapture$", "reset_after"),
        (shopify.TWO_PLACES, "FulfillmentCreate$", "truncated"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_what_shopify_did_without_saying_so(tmp_path: Path, sqlite_url: str, story: Story, match: str, kind: str) -> None:
    """Given back, cancelled, captured and sent once, whatever the answer was."""
    with place(tmp_path, sqlite_url) as where:
        verdict = play(where, story, faults=[rule(kind, "POST", match, 1)])

    assert verdict.wrong == []


@pytest.mark.prove
@pytest.mark.parametrize("kind", PASSING)
@pytest.mark.parametrize(("story", "match", "nth"), SHOPIFY_CALLS, ids=lambda value: getattr(value, "name", str(value)))
def test_every_call_to_shopify_survives_every_fault(
    tmp_path: Path, database_url: str, story: Story, match: str, nth: int, kind: str
) -> None:
    """Every fault of every operation that changes something, and of the reads around it."""
    with place(tmp_path, database_url) as where:
        verdict = play(where, story, faults=[rule(kind, "POST", match, nth)], patience_s=40)

    assert verdict.wrong == []


@pytest.mark.prove
@pytest.mark.parametrize("kind", PASSING)
@pytest.mark.parametrize(("story", "method", "match", "nth"), CALLS, ids=lambda value: getattr(value, "name", str(value)))
def test_every_call_survives_every_fault(
    tmp_path: Path, database_url: str, story: Story, method: str, match: str, nth: int, kind: str
) -> None:
    """Every fault of every call that a story makes; the end is the same."""
    with place(tmp_path, database_url) as where:
        verdict = play(where, story, faults=[rule(kind, method, match, nth)], patience_s=40)

    assert verdict.wrong == []


@pytest.mark.prove
@pytest.mark.parametrize("kind", ["timeout_after", "error_500_after", "reset_after"])
@pytest.mark.parametrize("transition", ["sent", "written", "answered", "unknown"])
def test_a_fault_and_then_a_crash(tmp_path: Path, database_url: str, kind: str, transition: str) -> None:
    """The answer is lost, and then the process dies on top of it."""
    with place(tmp_path, database_url) as where:
        fault = rule(kind, "POST", REFUNDS, 1)
        verdict = play(where, CANCELLED_AND_REFUNDED, faults=[fault], crashes=[(transition, 2)], patience_s=40)

    assert verdict.wrong == []


@pytest.mark.parametrize(("method", "match"), [("PUT", ORDER), ("POST", REFUNDS)])
def test_a_no_from_the_store_becomes_a_task(tmp_path: Path, database_url: str, method: str, match: str) -> None:
    """What the store refuses for good is not tried again, and a person is asked."""
    with place(tmp_path, database_url) as where:
        verdict = play(where, CANCELLED_AND_REFUNDED, faults=[rule("413", method, match, 1)])
        asked = [entry for entry in where.sandbox.records.since(0)["requests"] if entry["method"] == method]

    assert any("open task" in text for text in verdict.wrong)
    assert "gateway: 0 given back in 0 calls, not 45.83" in verdict.wrong
    assert len([entry for entry in asked if entry.get("status") == 413]) == 1


@pytest.mark.parametrize("kind", ["drop_before_data", "drop_after_data"])
def test_a_mail_that_breaks_off_is_not_sent_twice(tmp_path: Path, database_url: str, kind: str) -> None:
    """Nobody can know whether it arrived: it is unknown, and a task asks a person."""
    with place(tmp_path, database_url) as where:
        verdict = play(where, PO_BOX_HELD, faults=[Rule(kind=kind, where="mail")])

    assert verdict.wrong == []
    assert verdict.unknown_mails == 1


def test_a_mail_that_is_refused_becomes_a_task(tmp_path: Path, database_url: str) -> None:
    """The customer's address does not exist: the merchant is asked, the other mail goes out."""
    with place(tmp_path, database_url) as where:
        verdict = play(where, PO_BOX_HELD, faults=[Rule(kind="refuse", where="mail", match="buyer")])

    assert [text.split(":")[0] for text in verdict.wrong] == ["on_hold to the customer is failed, not sent", "open task"]
