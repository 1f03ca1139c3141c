"""What the plugin says of itself."""

from __future__ import annotations

from connector import DutyEvent, Person
from connector.plugins import shopify
from connector.plugins.shopify import costs
from connector.testing.context import TestContext, make_context

from .conftest import CONFIG


def test_every_kind_of_effect_has_a_finder_and_a_price() -> None:
    """Nothing is sent that could not be settled afterwards; each change takes points as Shopify counts them."""
    rules = shopify.describe().effects
    assert set(rules) == set(shopify.FINDERS)
    assert all(rule.points >= 10 for rule in rules.values())


def test_the_account_is_slowed_to_what_the_smallest_plan_allows() -> None:
    """Until Shopify has said what the shop really has."""
    able = shopify.describe().capabilities
    assert (able.max_per_second, able.burst) == (costs.PER_SECOND, costs.BUCKET)


def test_who_tells_the_customer(ctx: TestContext) -> None:
    """Shopify, by default; with notify_customer = false, parcels and refunds are ours to tell."""
    quiet = make_context(shopify, CONFIG | {"notify_customer": False})
    assert shopify.platform_tells(ctx) == shopify.describe().capabilities.tells
    ours = shopify.platform_tells(ctx) - shopify.platform_tells(quiet)
    assert ours == {(DutyEvent.SHIPPED, Person.CUSTOMER), (DutyEvent.REFUNDED, Person.CUSTOMER)}
