"""requestedQueryCost, reckoned from the query alone.

Shopify publishes the rules (https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits, 2026-11): a scalar or enum
costs 0, an object 1, a connection depends on its size, a mutation 10. How a size counts is taken from the recordings: twice
the natural logarithm of `first`, rounded down; money, page infos and payloads are free; counting costs 10.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
)

FREE = frozenset({"MoneyBag", "MoneyV2", "PageInfo"})
MUTATION = 10
DEAR = {"orderCapture": 20, "refundCreate": 20, "fulfillmentTrackingInfoUpdate": 50, "fulfillmentTrackingInfoUpdateV2": 50}
COUNTING = 10


def cost(
    schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any], operation: OperationDefinitionNode
) -> int:
    """The points of one operation of the document."""
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    reckoning = Reckoning(schema, fragments, variables)
    if operation.operation.value == "query":
        return reckoning.of(operation.selection_set, schema.query_type)
    fields = [one for one in operation.selection_set.selections if isinstance(one, FieldNode)]
    return sum(reckoning.mutation(one) for one in fields)


class Reckoning:
    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]
    ) -> None:
        self.schema, self.fragments, self.variables = schema, fragments, variables

    def mutation(self, node: FieldNode) -> int:
        """Its price, and what is asked of the things in its payload; those things themselves are part of the price."""
        kind = self.schema.mutation_type
        assert kind is not None
        payload: Any = get_named_type(kind.fields[node.name.value].type)
        asked = node.selection_set.selections if node.selection_set else ()
        inner = sum(self.field(one, payload, own=False) for one in asked if isinstance(one, FieldNode))
        return DEAR.get(node.name.value, MUTATION) + inner

    def of(self, selection: SelectionSetNode | None, parent: Any) -> int:
        """Of the possible types of a thing, the dearest counts."""
        found, others = 0, [0]
        for one in selection.selections if selection else ():
            if isinstance(one, FieldNode):
                found += self.field(one, parent)
                continue
            inner: Any = self.fragments[one.name.value] if isinstance(one, FragmentSpreadNode) else one
            kind = self.schema.type_map[inner.type_condition.name.value] if inner.type_condition else parent
            points = self.of(inner.selection_set, kind)
            if kind is parent:
                found += points
            else:
                others.append(points)
        return found + max(others)

    def field(self, node: FieldNode, parent: Any, *, own: bool = True) -> int:
        if node.name.value.startswith("__"):
            return 0
        kind: Any = get_named_type(parent.fields[node.name.value].type)
        if is_leaf_type(kind):
            return 0
        if kind.name.endswith("Connection"):
            return 2 + self._many(node) * self._rows(node, kind)
        points = 0 if not own or kind.name in FREE or kind.name.endswith(("UserError", "Payload")) else 1
        if kind.name == "Count":
            points = COUNTING
        return points + self.of(node.selection_set, kind)

    def _rows(self, node: FieldNode, kind: Any) -> int:
        """One row asked for by `nodes` or by `edges { node }`."""
        found = 0
        for one in node.selection_set.selections if node.selection_set else ():
            if isinstance(one, FieldNode) and one.name.value in {"nodes", "edges"}:
                inner: Any = get_named_type(kind.fields[one.name.value].type)
                found = max(found, (one.name.value == "nodes") + self.of(one.selection_set, inner))
        return found

    def _many(self, node: FieldNode) -> int:
        values = {one.name.value: one.value for one in node.arguments or ()}
        size = values.get("first") or values.get("last")
        if size is None:
            return 1
        number = self.variables.get(size.name.value) if isinstance(size, VariableNode) else int(getattr(size, "value", 1))
        return max(1, math.floor(2 * math.log(max(1, int(number or 1)))))
