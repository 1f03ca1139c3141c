"""Every operation that we send is one that Shopify accepts."""

from __future__ import annotations

from importlib.resources import files

import pytest
from graphql import GraphQLSchema, NoDeprecatedCustomRule, OperationDefinitionNode, parse, specified_rules, validate

from connector.plugins.shopify import bulk, costs
from connector.plugins.shopify.client import text_of
from connector.plugins.shopify.orders import IN_A_LIST, WHOLE

from .costs_of import cost

FOLDER = files("connector.plugins.shopify") / "operations"
FILES = sorted(one.name.removesuffix(".graphql") for one in FOLDER.iterdir() if one.name.endswith(".graphql"))
OPERATIONS = [name for name in FILES if "fragment " not in (FOLDER / f"{name}.graphql").read_text().split("{")[0]]
# With what we ask at most; every other operation has its sizes in its file.
SIZES = {"Order": WHOLE, "Orders": IN_A_LIST | {"first": 25}, "OrdersById": IN_A_LIST, "BulkRun": {}, "Webhooks": {}}


@pytest.mark.parametrize("name", OPERATIONS)
def test_it_is_valid_in_the_version_that_we_speak(name: str, schema: GraphQLSchema) -> None:
    """Shopify refuses a query with a single wrong field or argument as a whole."""
    assert validate(schema, parse(text_of(name))) == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_it_uses_nothing_that_goes_away(name: str, schema: GraphQLSchema, schema_before: GraphQLSchema) -> None:
    """What is deprecated is removed some versions later; what the version before lacks is named here, so that it is known."""
    assert validate(schema, parse(text_of(name)), rules=[*specified_rules, NoDeprecatedCustomRule]) == []
    assert validate(schema_before, parse(text_of(name)), rules=[NoDeprecatedCustomRule]) == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_its_file_has_its_name_and_one_operation(name: str) -> None:
    """A file is found by its operation's name; a change has one mutation field, whose payload is what `mutate` returns."""
    own = [one for one in parse(text_of(name)).definitions if isinstance(one, OperationDefinitionNode)]
    assert [one.name.value for one in own if one.name] == [name]
    if own[0].operation.value == "mutation":
        assert len(own[0].selection_set.selections) == 1


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name != "BulkOrders"])
def test_it_costs_less_than_shopify_allows(name: str, schema: GraphQLSchema) -> None:
    """A query that may cost more than 1000 points is refused, whatever it really costs."""
    assert (
        0 < cost(schema, text_of(name), {"lines": 50, "parts": 10, "first": 25, "ids": 10} | SIZES.get(name, {})) <= costs.MOST
    )


def test_the_estimates_are_those_of_the_rule(schema: GraphQLSchema) -> None:
    """The first call of an operation takes the right number of points, before Shopify has told its cost."""
    for name, sizes in {"Order": WHOLE, "Orders": IN_A_LIST | {"first": 10}, "OrdersById": IN_A_LIST}.items():
        assert f"# cost: {cost(schema, text_of(name), dict(sizes))}\n" in text_of(name), name


def test_the_bulk_query_is_one_that_shopify_runs(schema: GraphQLSchema) -> None:
    """No variables, no fragments, edges only, at most five connections, none deeper than two, none below a list (recorded)."""
    text = bulk.bulk_query("2026-11-01T00:00:00Z")
    assert validate(schema, parse(text)) == []
    assert not [word for word in ("...", "$", "nodes", "fragment", "#") if word in text]
    assert "created_at:>='2026-11-01T00:00:00Z'" in text
    assert text.count("edges {") == 5
    assert "groupObjects: true" in text_of("BulkRun")  # else what belongs together is anywhere in the file
