"""What an author tests: each hook is called with a context of `connector.testing`, and `responses` plays the carrier."""

from __future__ import annotations

import connector_parcelbike as parcelbike
import pytest
import responses

from connector import (
    Address,
    CheckResult,
    ConfigError,
    LabelRequest,
    LineQuantity,
    Refused,
    Shipment,
    TrackingState,
    TryLater,
)
from connector.testing import make_context, next_act

LABELS = f"{parcelbike.URL}/labels"
REQUEST = LabelRequest(
    id="ship-1",
    to=Address(name="Ida Lind", line1="1 Pier", city="Oslo", postcode="0150", country="NO"),
    lines=(LineQuantity(line_id="1", quantity=2),),
)


@pytest.fixture
def ctx():
    return make_context(parcelbike, {"token": "t0ken"}, platform_id="42", request_id=REQUEST.id)


@responses.activate
def test_a_label_is_bought(ctx):
    """The address and our key go to the carrier; its number and a link to follow the parcel come back."""
    responses.post(LABELS, status=201, json={"id": "L1", "tracking_number": "PB7"})

    label = parcelbike.buy_label(ctx, REQUEST)

    asked = responses.calls[0].request
    assert b"1 Pier" in asked.body
    assert asked.headers["Authorization"] == "Bearer t0ken"
    assert asked.headers["Idempotency-Key"] == ctx.effect.sent[0].key
    assert (label.vendor_id, label.tracking_number, label.tracking_url) == ("L1", "PB7", "https://parcelbike.example/PB7")


@responses.activate
def test_a_label_is_bought_once(ctx):
    """The same request gives the same label, and nothing is sent."""
    responses.post(LABELS, status=201, json={"id": "L1", "tracking_number": "PB7"})

    again = [parcelbike.buy_label(ctx, REQUEST), parcelbike.buy_label(next_act(ctx, request_id=REQUEST.id), REQUEST)]

    assert again[0] == again[1]
    assert len(responses.calls) == 1


@responses.activate
def test_no_answer_means_the_same_key_again(ctx):
    """A call that the carrier broke down under is made again with the key it had, never with a new one."""
    responses.post(LABELS, status=502)
    responses.post(LABELS, status=201, json={"id": "L1", "tracking_number": "PB7"})

    with pytest.raises(TryLater):
        parcelbike.buy_label(ctx, REQUEST)
    parcelbike.buy_label(next_act(ctx, request_id=REQUEST.id), REQUEST)

    first, second = (call.request.headers["Idempotency-Key"] for call in responses.calls)
    assert first == second


@responses.activate
def test_a_no_is_passed_on(ctx):
    """A person reads the carrier's own reason."""
    responses.post(LABELS, status=422, json={"message": "No bicycle goes to 0150 today."})

    with pytest.raises(Refused, match="test: buy a label: No bicycle goes to 0150 today"):
        parcelbike.buy_label(ctx, REQUEST)


@responses.activate
def test_a_state_that_is_not_known_is_not_guessed(ctx):
    """The carrier's own word travels along."""
    events = [{"state": "on_bike", "at": "2026-11-22T09:00:00Z"}, {"state": "in_canal", "at": "2026-11-22T09:20:00Z"}]
    responses.get(f"{parcelbike.URL}/parcels/PB7", json={"events": events})

    found = parcelbike.track_shipment(ctx, Shipment(id="ship-1", lines=REQUEST.lines, tracking_number="PB7"))

    assert [event.state for event in found] == [TrackingState.OUT_FOR_DELIVERY, TrackingState.UNKNOWN]
    assert found[1].vendor_state == "in_canal"


@responses.activate
@pytest.mark.parametrize(("status", "result"), [(200, CheckResult.OK), (401, CheckResult.FAILED), (503, CheckResult.FAILED)])
def test_the_account_is_checked(ctx, status, result):
    """A wrong token is no exception but a failed check that says what to do."""
    responses.get(f"{parcelbike.URL}/me", status=status, json={"name": "Example Shop"})

    (check,) = parcelbike.check_account(ctx)

    assert check.result is result
    assert (check.fix == "") is (result is CheckResult.OK)


def test_the_token_is_needed():
    """An account without a token is refused before anything runs."""
    with pytest.raises(ConfigError, match="token"):
        make_context(parcelbike, {})
