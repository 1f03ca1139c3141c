"""Every no that Shopify was recorded saying to one of our changes is told in words."""

from __future__ import annotations

import gzip
import json

import pytest
from graphql import GraphQLEnumType, GraphQLSchema

from connector.plugins.shopify.refusals import TABLE, known

from .writing import CHANGES

# The errors of the changes that we make.
CODES = (
    "FulfillmentOrderHoldUserErrorCode",
    "FulfillmentOrderReleaseHoldUserErrorCode",
    "InventoryAdjustQuantitiesUserErrorCode",
    "OrderCancelUserErrorCode",
    "TransactionVoidUserErrorCode",
)


def errors(value, path=""):
    """(mutation, code, sentence) of every user error in a recording."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name.lower().endswith("usererrors") and isinstance(inner, list):
                yield from (
                    (path, one.get("code") or "", one["message"]) for one in inner if isinstance(one, dict) and "message" in one
                )
            yield from errors(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from errors(inner, path)


@pytest.fixture(scope="module")
def recorded(contracts):
    found = set()
    for path in (contracts / "captures").rglob("*.json.gz"):
        found |= set(errors(json.loads(gzip.decompress(path.read_bytes()))))
    return {one for one in found if one[0] in CHANGES.values()}


def test_every_recorded_no_is_in_the_table(recorded):
    """By its code, or by its sentence where it has none; and the text is ours, not Shopify's."""
    assert len(recorded) > 30
    for mutation, code, sentence in sorted(recorded):
        row = known(code, sentence)
        assert row is not None, (mutation, code, sentence)
        assert row.text != sentence


def test_a_code_and_its_sentence_mean_the_same(recorded):
    """Some are recorded with and without a code: both find the same row."""
    for mutation, code, sentence in sorted(recorded):
        if any(row.code == code for row in TABLE):
            assert known("", sentence) == known(code, sentence), (mutation, code, sentence)


@pytest.mark.parametrize("name", CODES)
def test_every_code_of_the_schema_is_in_the_table(schema: GraphQLSchema, name: str):
    """But for INVALID, which says nothing: there the sentence decides."""
    codes = schema.type_map[name]
    assert isinstance(codes, GraphQLEnumType)
    assert set(codes.values) - {row.code for row in TABLE} <= {"INVALID"}


def test_no_code_twice():
    """Or the second row would never be found."""
    codes = [row.code for row in TABLE]
    assert len(codes) == len(set(codes))


def test_an_unknown_no_is_shown_as_it_is():
    """Nothing is guessed."""
    assert known("", "Something new.") is None
