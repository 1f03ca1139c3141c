"""Giving out and erasing what the shop holds about a customer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connector import CannotTell, Refused
from connector.plugins import shopify
from connector.plugins.shopify import customers
from connector.testing.context import TestContext

from . import building as b

Answers = Callable[..., list[dict[str, Any]]]
ADA = {
    "id": b.gid("Customer", 91),
    "displayName": "Ada Lovelace",
    "createdAt": "2026-01-01T00:00:00Z",
    "locale": "en",
    "note": None,
    "tags": ["vip"],
    "defaultEmailAddress": {"emailAddress": "ada@example.com"},
    "defaultPhoneNumber": None,
    "addressesV2": {"nodes": [{"address1": "1 Main St"}]},
    "orders": b.nodes({"id": b.gid("Order", b.ORDER), "name": "#1001", "createdAt": "2026-11-20T10:00:00Z"}),
}


def test_export(ctx: TestContext, answers: Answers) -> None:
    """Record, addresses and orders; nothing for somebody whom the shop does not know."""
    asked = answers(CustomerByEmail=[{"customerByIdentifier": ADA}, {"customerByIdentifier": None}])
    said = shopify.export_customer(ctx, "ada@example.com")
    assert (said["id"], said["name"], said["phone"], said["more_orders"]) == ("91", "Ada Lovelace", "", False)
    assert said["orders"] == [{"id": str(b.ORDER), "number": "#1001", "placed": "2026-11-20T10:00:00Z"}]
    assert shopify.export_customer(ctx, "x'; drop") == {}
    assert asked[1]["variables"] == {"identifier": {"emailAddress": "x'; drop"}}


def test_erase_once(ctx: TestContext, answers: Answers) -> None:
    """Asked for twice, sent once; the ledger does not know who it was."""
    done = {"customerRequestDataErasure": {"customerId": ADA["id"], "userErrors": []}}
    asked = answers(CustomerByEmail={"customerByIdentifier": ADA}, CustomerErase=done)
    assert shopify.erase_customer(ctx, "ada@example.com") == shopify.erase_customer(ctx, "ada@example.com")
    assert [one["operationName"] for one in asked].count("CustomerErase") == 1
    assert "91" not in str(ctx.effect.sent[0].request)
    assert isinstance(shopify.find_effect(ctx, ctx.effect.lost(customers.ERASE)), CannotTell)


def test_nobody_to_erase(ctx: TestContext, answers: Answers) -> None:
    """A second call finds nothing."""
    answers(CustomerByEmail={"customerByIdentifier": None})
    assert shopify.erase_customer(ctx, "ada@example.com") == []


def test_shopify_may_say_no(ctx: TestContext, answers: Answers) -> None:
    """With its reason."""
    no = {"code": "FAILED_TO_REQUEST", "field": ["customerId"], "message": "Failed to request customer data erasure"}
    answers(
        CustomerByEmail={"customerByIdentifier": ADA},
        CustomerErase={"customerRequestDataErasure": {"customerId": None, "userErrors": [no]}},
    )
    with pytest.raises(Refused, match="Failed to request"):
        shopify.erase_customer(ctx, "ada@example.com")
