"""Looking whether an account works, and saying what to do where it does not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import responses

from connector import Check, CheckResult
from connector.plugins import shopify
from connector.plugins.shopify import check, versions, webhooks
from connector.testing.context import TestContext, make_context

from .conftest import CONFIG, GRAPHQL
from .test_webhooks import ALL, listed

Answers = Callable[..., list[dict[str, Any]]]
OLDEST = {"orders": {"nodes": [{"id": "gid://shopify/Order/1", "createdAt": "2026-01-02T00:00:00Z"}]}}


def shop(*, scopes: tuple[str, ...] = (*check.NEEDED, "read_all_orders"), **changes: Any) -> dict[str, Any]:
    given = {
        "id": "gid://shopify/Shop/1",
        "name": "Mugs",
        "myshopifyDomain": "example.myshopify.com",
        "currencyCode": "EUR",
        "ianaTimezone": "Europe/Dublin",
        "plan": {"publicDisplayName": "Basic", "partnerDevelopment": False, "shopifyPlus": False},
    }
    return {"shop": given | changes, "currentAppInstallation": {"accessScopes": [{"handle": one} for one in scopes]}}


def by_name(ctx: TestContext) -> dict[str, Check]:
    return {one.name: one for one in shopify.check_account(ctx)}


def test_a_good_account(ctx: TestContext, answers: Answers) -> None:
    """Everything that was looked at is told, good news too; only the clock is a real one."""
    answers(Shop=shop(), OldestOrder=OLDEST, Webhooks=listed(*ALL))
    checks = by_name(ctx)
    names = ["address", "access", "access scopes", "history", "API version", "clock", "plan", "currency", "orders", "webhooks"]
    assert list(checks) == names
    assert {one.result for name, one in checks.items() if name != "clock"} == {CheckResult.OK}
    assert "Mugs (example.myshopify.com)" in checks["access"].text
    assert "2026-01-02" in checks["orders"].text


def test_scopes_that_are_missing_have_names(ctx: TestContext, answers: Answers) -> None:
    """A write scope brings its read scope; the others are named one by one."""
    scopes = tuple(one for one in check.NEEDED if one not in ("read_locations", "write_inventory"))
    answers(Shop=shop(scopes=(*scopes, "read_inventory", "customer_read_x")), OldestOrder=OLDEST, Webhooks=listed(*ALL))
    one = by_name(ctx)["access scopes"]
    assert one.result is CheckResult.FAILED
    assert "write_inventory, read_locations" in one.text
    assert "write_orders" not in one.text


def test_history_of_sixty_days(ctx: TestContext, answers: Answers) -> None:
    """Older orders are not there, and nobody else would say so."""
    answers(Shop=shop(scopes=check.NEEDED), OldestOrder=OLDEST, Webhooks=listed(*ALL))
    one = by_name(ctx)["history"]
    assert (one.result, "60 days" in one.text) == (CheckResult.WARNING, True)


def test_a_token_of_another_shop(ctx: TestContext, answers: Answers) -> None:
    """Both shops are named."""
    answers(Shop=shop(myshopifyDomain="other.myshopify.com"), OldestOrder=OLDEST, Webhooks=listed(*ALL))
    one = by_name(ctx)["access"]
    assert one.result is CheckResult.FAILED
    assert "other.myshopify.com" in one.text
    assert "example.myshopify.com" in one.text


def test_without_the_package(ctx: TestContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra; whoever lacks it is told what to type."""
    monkeypatch.setitem(sys.modules, "shopify", None)
    (one,) = shopify.check_account(ctx)
    assert (one.result, "order-connector[shopify]" in one.text) == (CheckResult.FAILED, True)


def test_a_domain_of_customers(net: responses.RequestsMock) -> None:
    """Said before anything is asked, and the redirect says it again."""
    ctx = make_context(shopify, CONFIG | {"shop": "shop.example"})
    url = GRAPHQL.replace("example.myshopify.com", "shop.example")
    net.post(url, status=301, headers={"Location": "https://example.myshopify.com/admin"})
    checks = shopify.check_account(ctx)
    assert [(one.name, one.result) for one in checks] == [("address", CheckResult.FAILED), ("access", CheckResult.FAILED)]
    assert "myshopify.com" in checks[0].fix


@pytest.mark.parametrize("status", [401, 403, 404, 500, 402])
def test_without_a_way_in_there_is_nothing_more_to_look_at(ctx: TestContext, net: responses.RequestsMock, status: int) -> None:
    """One failed check with its fix, no exception."""
    net.post(GRAPHQL, status=status, json={"errors": "no"})
    checks = by_name(ctx)
    assert list(checks) == ["address", "access"]
    assert checks["access"].result is CheckResult.FAILED
    assert checks["access"].fix


def test_a_part_that_fails_hides_no_other(ctx: TestContext, answers: Answers) -> None:
    """Orders cannot be read, but webhooks are looked at."""
    denied = {"errors": [{"message": "Required access: `read_orders` access scope.", "extensions": {"code": "ACCESS_DENIED"}}]}
    answers(Shop=shop(), OldestOrder=denied, Webhooks=listed(*ALL))
    checks = by_name(ctx)
    assert (checks["orders"].result, checks["webhooks"].result) == (CheckResult.FAILED, CheckResult.OK)
    assert "read_orders" in checks["orders"].text


def test_a_test_store_and_an_unknown_currency(ctx: TestContext, answers: Answers) -> None:
    """Whether real money moves is worth a line."""
    plan = {"publicDisplayName": "Development", "partnerDevelopment": True, "shopifyPlus": False}
    answers(Shop=shop(plan=plan, currencyCode="XXX"), OldestOrder={"orders": {"nodes": []}}, Webhooks=listed())
    checks = by_name(ctx)
    assert "test store" in checks["plan"].text
    assert checks["currency"].result is CheckResult.WARNING
    assert "none yet" in checks["orders"].text


def test_webhooks_that_are_missing(ctx: TestContext, answers: Answers) -> None:
    """Named by topic; without a secret, that comes first."""
    answers(Shop=shop(), OldestOrder=OLDEST, Webhooks=listed(*ALL[2:]))
    one = by_name(ctx)["webhooks"]
    assert (one.result, "orders/create, orders/updated" in one.text) == (CheckResult.WARNING, True)
    bare = make_context(shopify, CONFIG | {"webhook_secret": ""})
    assert by_name(bare)["webhooks"].fix == webhooks.NO_SECRET_FIX


@pytest.mark.parametrize(
    ("headers", "today", "result", "words"),
    [
        ({}, datetime(2026, 11, 23, tzinfo=UTC), CheckResult.OK, versions.VERSION),
        ({versions.SERVED: versions.VERSION}, datetime(2027, 4, 1, tzinfo=UTC), CheckResult.OK, versions.VERSION),
        ({}, datetime(2027, 4, 2, tzinfo=UTC), CheckResult.WARNING, "90 days"),
        ({}, datetime(2027, 8, 1, tzinfo=UTC), CheckResult.WARNING, "0 days"),
        ({versions.SERVED: "2026-10"}, datetime(2026, 11, 23, tzinfo=UTC), CheckResult.FAILED, "2026-10"),
    ],
)
def test_the_api_version(headers: dict[str, str], today: datetime, result: CheckResult, words: str) -> None:
    """Warned ninety days before it ends; and once Shopify answers in another one, that is an error."""
    one = versions.check(headers, today)
    assert one.result is result
    assert words in one.text
