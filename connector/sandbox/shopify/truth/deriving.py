"""The text of a question that was not kept: what was asked for shows in the answer, the arguments in the variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLSchema, get_named_type, is_abstract_type, is_leaf_type, is_required_argument

KEY = "idempotencyKey"


def text_of(schema: GraphQLSchema, answer: Mapping[str, Any], variables: Mapping[str, Any]) -> str:
    """A query that would get such an answer; "" where the answer does not tell what was asked."""
    data = answer.get("data")
    if not isinstance(data, dict) or len(data) != 1:
        return ""
    ((name, value),) = data.items()
    for word, root in (("mutation", schema.mutation_type), ("query", schema.query_type)):
        if root is not None and name in root.fields and value is not None:
            return _operation(schema, (word, name), root.fields[name], value, variables)
    return ""


def _operation(schema: GraphQLSchema, names: tuple[str, str], field: Any, value: Any, variables: Mapping[str, Any]) -> str:
    word, name = names
    known = {one: field.args[one] for one in variables if one in field.args}
    left = [one for one in variables if one not in known and one != KEY]
    lacking = any(is_required_argument(one) for key, one in field.args.items() if key not in known)
    shape = _shape(schema, field.type, value)
    unsized = str(get_named_type(field.type)).endswith("Connection") and not {"first", "last"} & known.keys()
    if left or lacking or unsized or not shape:
        return ""
    keyed = KEY in variables
    declared = [f"${one}: {argument.type}" for one, argument in known.items()] + ([f"${KEY}: String!"] if keyed else [])
    given = ", ".join(f"{one}: ${one}" for one in known)
    head = f"{word} Derived({', '.join(declared)})" if declared else f"{word} Derived"
    return f"{head} {{ {name}{f'({given})' if given else ''}{f' @idempotent(key: ${KEY})' if keyed else ''} {shape} }}"


def _shape(schema: GraphQLSchema, type_: Any, value: Any) -> str:
    """`{ id name { .. } }`; "" where a member is not simulated or its type is open."""
    kind: Any = get_named_type(type_)
    rows = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]
    if is_leaf_type(kind):
        return ""
    if is_abstract_type(kind):
        return _open(schema, rows)
    names = list(dict.fromkeys(name for row in rows for name in row))
    if not names:
        return "{ __typename }"
    members = [_member(schema, kind, name, [row.get(name) for row in rows]) for name in names]
    return "{ " + " ".join(members) + " }" if all(members) else ""


def _open(schema: GraphQLSchema, rows: list[Any]) -> str:
    """Each row says what it is in `__typename`, or nobody knows."""
    names = list(dict.fromkeys(str(row.get("__typename")) for row in rows))
    if not names or any(name not in schema.type_map for name in names):
        return ""
    parts = [f"... on {name} {_shape(schema, schema.type_map[name], _of(rows, name))}" for name in names]
    return "{ " + " ".join(parts) + " }" if all("{" in part for part in parts) else ""


def _of(rows: list[Any], name: str) -> list[Any]:
    return [row for row in rows if row["__typename"] == name]


def _member(schema: GraphQLSchema, kind: Any, name: str, values: list[Any]) -> str:
    if name == "__typename":
        return name
    if name not in kind.fields:
        return ""
    type_ = kind.fields[name].type
    if is_leaf_type(get_named_type(type_)):
        return name
    flat = [one for value in values for one in (value if isinstance(value, list) else [value])]
    shape = _shape(schema, type_, flat)
    needs_size = str(get_named_type(type_)).endswith("Connection") or "first" in kind.fields[name].args
    return f"{name}{'(first: 50)' if needs_size else ''} {shape}" if shape else ""
