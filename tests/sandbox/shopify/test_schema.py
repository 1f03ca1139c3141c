"""The simulated shop's schema is a part of the real one, and everything in it is answered."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from connector.sandbox.shopify import executing


def load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_is_a_true_part_of_the_real_schema(shopify: Path) -> None:
    """Every type, field, argument, value and default is there with the same type and nullability."""
    subset = load("subset")
    real = subset.real_schema(shopify / "admin-graphql" / "admin-2026-07.graphql.gz")
    assert subset.differences(subset.load(subset.OURS.read_text(encoding="utf-8")), real) == []


def test_every_root_field_is_answered() -> None:
    """Nothing that can be asked or done is only a name."""
    made = executing.schema()
    assert made.query_type is not None
    assert made.mutation_type is not None
    assert set(made.query_type.fields) == set(executing.TABLES["QueryRoot"])
    assert set(made.mutation_type.fields) == set(executing.TABLES["Mutation"])
