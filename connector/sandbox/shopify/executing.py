"""One request to the GraphQL endpoint: reading it, checking it, counting its cost, executing it, wording its errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    execute,
    parse,
    validate,
)

from connector.sandbox.shopify import (
    costing,
    creating,
    more_mutations,
    mutations,
    order_fields,
    other_fields,
    queries,
    wording,
)
from connector.sandbox.shopify.fields import Call, resolver

SCHEMA = Path(__file__).with_name("schema.graphql")
MOST_POINTS = 1000  # of one query: https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits (2026-11)
TABLES = {
    **order_fields.TABLES,
    **other_fields.TABLES,
    "QueryRoot": queries.ROOT,
    "Mutation": {**mutations.TABLE, **creating.TABLE, **more_mutations.TABLE},
}
RESOLVE = resolver(TABLES)


def _time(value: Any) -> Any:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value


def _moment(value: Any) -> datetime:
    found = datetime.fromisoformat(str(value))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _amount(value: Any) -> Decimal | None:
    """An empty text is no number (recorded)."""
    return Decimal(str(value)) if str(value).strip() else None


@lru_cache(maxsize=1)
def schema() -> GraphQLSchema:
    """The sandbox's schema, with scalars that write and read as Shopify's."""
    made = build_schema(SCHEMA.read_text(encoding="utf-8"), assume_valid=True)
    known: dict[str, Any] = made.type_map
    for name, write, read in (("DateTime", _time, _moment), ("Money", _same, _amount), ("Decimal", _same, _amount)):
        _teach(known[name], write, read)
    return made


def _teach(scalar: Any, write: Any, read: Any) -> None:
    """graphql-core 3.3 has other names for these than 3.2; both are set."""
    scalar.serialize = scalar.coerce_output_value = write
    scalar.parse_value = scalar.coerce_input_value = read
    scalar.parse_literal = lambda node, _variables=None: read(node.value)
    scalar.coerce_input_literal = lambda node: read(node.value)


def _same(value: Any) -> Any:
    return value


@lru_cache(maxsize=512)
def _document(text: str) -> tuple[DocumentNode | None, tuple[GraphQLError, ...]]:
    """(the parsed query, its errors); many clients send the same text again and again."""
    try:
        document = parse(text)
    except GraphQLError as error:
        return None, (error,)
    return document, tuple(validate(schema(), document))


def run_document(
    schema_: GraphQLSchema, document: DocumentNode, call: Call, variables: Mapping[str, Any], name: str | None = None
) -> ExecutionResult:
    result = execute(
        schema_,
        document,
        root_value={},
        context_value=call,
        variable_values=dict(variables),
        operation_name=name,
        field_resolver=RESOLVE,
        type_resolver=queries.type_of,
    )
    assert isinstance(result, ExecutionResult)
    return result


def answer(call: Call, body: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON of the answer: `{data, errors, extensions}`. Takes the store's lock while it executes."""
    text = str(body.get("query") or "")
    if not text.strip():
        return {"errors": [{"message": "No query string was present"}]}
    document, wrong = _document(text)
    if document is None or wrong:
        return {"errors": [wording.of_text(error, document, schema()) for error in wrong]}
    operation = _operation(document, body.get("operationName"))
    if operation is None:
        return {"errors": [{"message": "An operation name is required"}]}
    variables = dict(body.get("variables") or {})
    bad = wording.of_variables(schema(), operation, variables)
    if bad:
        return {"errors": bad}
    return _charged(call, document, operation, variables)


def _operation(document: DocumentNode, name: Any) -> OperationDefinitionNode | None:
    found = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    if not name:
        return found[0] if len(found) == 1 else None
    return next((one for one in found if one.name and one.name.value == name), None)


def _charged(
    call: Call, document: DocumentNode, operation: OperationDefinitionNode, variables: dict[str, Any]
) -> dict[str, Any]:
    """Throttled when the bucket does not hold what the query may cost; what it did not use comes back."""
    bucket = call.store.bucket
    points = costing.cost(schema(), document, _defaults(operation, variables), operation)
    if points > MOST_POINTS:
        text = f"Query cost is {points}, which exceeds the single query max cost limit ({MOST_POINTS})."
        error = {"message": text, "extensions": {"code": "MAX_COST_EXCEEDED", "cost": points, "maxCost": MOST_POINTS}}
        return {"errors": [error]}
    if not bucket.take(points):
        throttled = {
            "message": "Throttled",
            "extensions": {"code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/rate-limits"},
        }
        return {"errors": [throttled], "extensions": {"cost": _told(call, points, None)}}
    name = operation.name.value if operation.name else None
    with call.store.lock:
        result = run_document(schema(), document, call, variables, name)
    used = min(points, _used(result.data, points, operation))
    bucket.give_back(points - used)
    found: dict[str, Any] = {"data": result.data}
    if result.errors:
        found = {"errors": [wording.of_execution(error) for error in result.errors], **found}
    return {**found, "extensions": {"cost": _told(call, points, used)}}


def _defaults(operation: OperationDefinitionNode, variables: dict[str, Any]) -> dict[str, Any]:
    given = {
        one.variable.name.value: int(one.default_value.value)
        for one in operation.variable_definitions or ()
        if one.default_value is not None and one.default_value.kind == "int_value" and hasattr(one.default_value, "value")
    }
    return {**given, **variables}


def _used(data: Any, points: int, operation: OperationDefinitionNode) -> int:
    """About what was found: one for each object that is there; a mutation costs its price."""
    if operation.operation.value == "mutation":
        return points
    return max(1, _objects(data) - 1)


def _objects(value: Any) -> int:
    if isinstance(value, list):
        return sum(_objects(one) for one in value)
    if not isinstance(value, dict):
        return 0
    money = set(value) <= {"shopMoney", "presentmentMoney", "amount", "currencyCode"}
    return (0 if money else 1) + sum(_objects(one) for one in value.values())


def _told(call: Call, points: int, used: int | None) -> dict[str, Any]:
    bucket = call.store.bucket
    status = {"maximumAvailable": bucket.size, "currentlyAvailable": bucket.left, "restoreRate": bucket.per_second}
    return {"requestedQueryCost": points, "actualQueryCost": used, "throttleStatus": status}


def as_json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str).encode()


__all__ = ["answer", "as_json", "run_document", "schema"]
