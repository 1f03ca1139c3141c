"""docs/platforms.md: its tables say what the plugins do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from connector import HoldReason, Payment, PaymentKind, PlatformStatus
from connector.model.flow import Stage
from connector.plugins import shopify, woocommerce
from connector.plugins.shopify import holds as shopify_holds
from connector.plugins.shopify import notes, parse, payments
from connector.plugins.shopify.marks import HOLD_TAG
from connector.plugins.shopify.reading import Node
from connector.plugins.woocommerce.config import STATUSES, WORDS
from connector.plugins.woocommerce.parse import KINDS
from connector.registry import every_hook
from connector.testing.orders import make_payment
from connector.testing.trial import implemented


@pytest.fixture
def platforms(pages):
    return pages["docs/platforms.md"]


def table(page, marker: str) -> list[list[str]]:
    """The rows of the table below a comment, without its head."""
    text = page.text.partition(f"<!-- {marker}")[2].partition("-->\n")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in text.splitlines()]
    assert len(rows) > 2
    return rows[2:]


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_woocommerces_statuses(platforms):
    """Every status that the plugin knows stands in the row of what it means, and no other."""
    said = {word: row[0].strip("`") for row in table(platforms, "statuses") for word in words(row[1])}

    assert said == {word: str(status) for word, status in STATUSES.items()}
    rows = {row[0].strip("`") for row in table(platforms, "statuses")}
    assert rows == {str(status) for status in PlatformStatus} - {"unknown"}


CASH, BANK = make_payment(kind=PaymentKind.COD), make_payment(kind=PaymentKind.BANK_TRANSFER)
LEFT = {"fulfillments": [{"status": "SUCCESS"}]}
UNCAPTURED = (make_payment(captured=make_payment("0").captured),)


@pytest.mark.parametrize(
    ("ours", "money", "goods", "more", "paid"),
    [
        ("on_hold", "PENDING", "UNFULFILLED", {}, (BANK,)),
        ("open", "PENDING", "UNFULFILLED", {}, (CASH,)),
        ("open", "PAID", "UNFULFILLED", {}, ()),
        ("open", "PAID", "PARTIALLY_FULFILLED", LEFT, ()),
        ("open", "AUTHORIZED", "UNFULFILLED", {}, ()),
        ("completed", "PAID", "FULFILLED", LEFT, ()),
        ("completed", "PENDING", "FULFILLED", LEFT, (BANK,)),
        ("completed", "REFUNDED", "FULFILLED", LEFT, ()),
        ("cancelled", "PAID", "FULFILLED", {**LEFT, "cancelledAt": "2026-11-22T10:00:00Z"}, ()),
        ("refunded", "REFUNDED", "UNFULFILLED", {}, ()),
        ("failed", "EXPIRED", "UNFULFILLED", {}, UNCAPTURED),
        ("failed", "VOIDED", "UNFULFILLED", {}, UNCAPTURED),
        ("open", "VOIDED", "PARTIALLY_FULFILLED", LEFT, UNCAPTURED),
    ],
)
def test_shopifys_statuses(platforms, ours, money, goods, more: dict[str, Any], paid: tuple[Payment, ...]):
    """What the plugin makes of each, and the words of it stand in that row."""
    raw = {"displayFinancialStatus": money, "displayFulfillmentStatus": goods, "fulfillments": [], **more}
    assert parse.means(Node(raw, "order"), paid) == ours

    cells = {row[0].strip("`"): row[2] for row in table(platforms, "statuses")}
    there = {
        "on_hold": money,
        "completed": "FULFILLED",
        "cancelled": "date of cancellation",
        "refunded": money,
        "failed": money,
    }
    assert ours == "open" or there[ours] in cells[ours]


def test_stages_are_ours(platforms):
    """Each stage once, in order; what is set on WooCommerce can be set there."""
    part = platforms.text.partition("## The stage")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:-1] for line in part.splitlines() if line.startswith("| `")]

    assert [word for row in rows for word in words(row[0])] == [str(stage) for stage in Stage]
    assert {word for row in rows for word in words(row[1])} <= set(WORDS.values())


def test_payment_methods(platforms):
    """A row for each kind; the platforms' names are those that the plugins go by."""
    rows = {row[0].strip("`"): row[1:] for row in table(platforms, "payment methods")}

    assert set(rows) == {str(kind) for kind in PaymentKind}
    assert {word: kind for kind, cells in rows.items() for word in words(cells[0])} == {k: str(v) for k, v in KINDS.items()}
    for kind, cells in rows.items():
        assert all(payments._by_hand(word.lower()) == kind for word in words(cells[1])), kind


def test_hold_reasons(platforms):
    """All of ours, each in the row of the reason that Shopify is told."""
    said = {ours: words(row[1])[0] for row in table(platforms, "hold reasons") for ours in words(row[0])}

    assert said == {str(reason): shopify_holds.REASONS.get(reason, "OTHER") for reason in HoldReason}
    assert f"cut at {shopify_holds.LONGEST_TEXT} characters" in platforms.text


def test_hooks(platforms):
    """Yes and no as it is; every hook that only one of the two has stands there."""
    rows = [(hook, row[1:]) for row in table(platforms, "hooks") for hook in words(row[0])]
    plugins: tuple[Any, ...] = (woocommerce, shopify)

    for hook, cells in rows:
        assert hook in every_hook()
        assert cells == ["yes" if hook in implemented(plugin) else "no" for plugin in plugins], hook
    one_only = implemented(woocommerce).keys() ^ implemented(shopify).keys()
    assert one_only <= {hook for hook, _ in rows}


@pytest.mark.parametrize(
    ("said", "is_so"),
    [
        ("`oc-hold`", lambda: HOLD_TAG == "oc-hold"),
        ("always goes back", lambda: woocommerce.describe().capabilities.cancel_restocks),
        ("as you say", lambda: not shopify.describe().capabilities.cancel_restocks),
        ("is let go by Shopify", lambda: shopify.describe().capabilities.cancel_voids),
        ("none: it is refused", lambda: "Shopify sends customers no notes" in str(notes.write_note.__code__.co_consts)),
    ],
)
def test_single_statements(platforms, said: str, is_so: Callable[[], bool]):
    """What the page says of cancelling, notes and tags."""
    assert said in platforms.text
    assert is_so()
