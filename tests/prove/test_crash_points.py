"""The process dies at every transition towards the outside, and every story ends as if nothing had happened."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.rehearse import shopify, woocommerce
from connector.rehearse.stories import Story
from connector.rehearse.woocommerce import (
    CANCELLED_AND_REFUNDED,
    CHEQUE_NEVER_CAME,
    HELD_AND_RELEASED,
    PO_BOX_HELD,
    REFUNDED_BY_LINE,
    SHIPPED,
)
from tests.prove.harness import place, play

# One crash of every kind, spread over the stories; `make prove` does them all.
SAMPLE = [
    (SHIPPED, "sent", 1),
    (SHIPPED, "written", 2),
    (SHIPPED, "answered", 3),
    (HELD_AND_RELEASED, "taken", 1),
    (HELD_AND_RELEASED, "done", 3),
    (CANCELLED_AND_REFUNDED, "sent", 2),
    (CANCELLED_AND_REFUNDED, "written", 2),
    (CANCELLED_AND_REFUNDED, "answered", 1),
    (CANCELLED_AND_REFUNDED, "answered", 2),
    (PO_BOX_HELD, "answered", 2),
    (REFUNDED_BY_LINE, "answered", 6),
    (CHEQUE_NEVER_CAME, "answered", 5),
    (PO_BOX_HELD, "given_back", 1),
]
# What Shopify has and WooCommerce does not: parcels by place, captures, holds shown there, cancellations that take their time.
SHOPIFY_SAMPLE = [
    (shopify.TWO_PLACES, "sent", 2),
    (shopify.CAPTURED, "answered", 1),
    (shopify.HELD, "answered", 2),
    (shopify.CANCELLED, "answered", 1),
    (shopify.CANCELLED, "answered", 2),
    (shopify.GIFT_CARD, "answered", 3),
]


@pytest.mark.parametrize(("story", "transition", "nth"), SAMPLE, ids=lambda value: getattr(value, "name", str(value)))
def test_a_crash_changes_nothing(tmp_path: Path, database_url: str, story: Story, transition: str, nth: int) -> None:
    """Same end; refunds, restocks, tracking notes exactly once; mails at most once, and unknown only with a task."""
    with place(tmp_path, database_url) as where:
        verdict = play(where, story, crashes=[(transition, nth)])

    assert verdict.wrong == []
    assert verdict.deaths == 1


@pytest.mark.parametrize(("story", "transition", "nth"), SHOPIFY_SAMPLE, ids=lambda value: getattr(value, "name", str(value)))
def test_a_crash_changes_nothing_on_shopify(tmp_path: Path, sqlite_url: str, story: Story, transition: str, nth: int) -> None:
    """The same there: captured, given back and cancelled once, a parcel from each place, holds as they should be."""
    with place(tmp_path, sqlite_url) as where:
        verdict = play(where, story, crashes=[(transition, nth)])

    assert verdict.wrong == []
    assert verdict.deaths == 1


@pytest.mark.prove
@pytest.mark.parametrize("at", range(1, 61))
@pytest.mark.parametrize("story", [*woocommerce.STORIES, *shopify.STORIES], ids=lambda story: story.name)
def test_a_crash_at_any_transition_changes_nothing(tmp_path: Path, database_url: str, story: Story, at: int) -> None:
    """Every transition of every story; and once more directly after the restart."""
    with place(tmp_path, database_url) as where:
        verdict = play(where, story, crashes=[("", at), ("", 1 + at % 5)])

    assert verdict.wrong == []
    # A story has 14 to 60 transitions; a crash planned behind its last one never comes.
    assert verdict.deaths >= 1 or len(verdict.transitions) < at
