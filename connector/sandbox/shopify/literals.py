"""Wrong values written into the text of a query, in Shopify's words (recorded): null where it may not be, a member missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    ObjectValueNode,
    OperationDefinitionNode,
    get_named_type,
)

# As graphql-core 3.2 and 3.3 say it.
NULL = re.compile(r"(?:of non-null type '(?P<new>[^']+)' not to be None|of type '(?P<old>[^']+!)', found null)")
LACKS = re.compile(
    r"(?:of type '(?P<kind>\w+)' to include required field '(?P<name>\w+)'"
    r"|^Field '(?P<old_kind>\w+)\.(?P<old_name>\w+)' of required type)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a value stands: `path` from the root field down to it; `inside`: the input object it is a member of, or ""."""

    definition: OperationDefinitionNode
    path: tuple[str, ...]
    field: str
    inside: str
    kind: Any
    value: Any


def place_of(error: GraphQLError, document: DocumentNode, schema: GraphQLSchema) -> Place | None:
    """The place of the value an error complains of; None for other errors."""
    wanted = error.nodes[0] if error.nodes else None
    if wanted is None or not (NULL.search(error.message) or LACKS.search(error.message)):
        return None
    return next((one for one in _values(document, schema) if one.value is wanted), None)


def words(error: GraphQLError, place: Place) -> tuple[str, dict[str, Any]]:
    """(message, extensions)."""
    null = NULL.search(error.message)
    if null is None:
        return _lacks(error, place)
    expected, name = null["new"] or null["old"], place.path[-1]
    what, holder = ("InputObject", place.inside) if place.inside else ("Field", place.field)
    text = f"Argument '{name}' on {what} '{holder}' has an invalid value (null). Expected type '{expected}'."
    return text, {"code": "argumentLiteralsIncompatible", "typeName": what, "argumentName": name}


def _lacks(error: GraphQLError, place: Place) -> tuple[str, dict[str, Any]]:
    found = LACKS.search(error.message)
    assert found is not None
    kind, name = found["kind"] or found["old_kind"], found["name"] or found["old_name"]
    expected = str(get_named_type(place.kind).fields[name].type)
    extensions = {
        "code": "missingRequiredInputObjectAttribute",
        "argumentName": name,
        "argumentType": expected,
        "inputObjectType": kind,
    }
    return f"Argument '{name}' on InputObject '{kind}' is required. Expected type {expected}", extensions


def member(error: GraphQLError, place: Place) -> list[str]:
    """The path Shopify tells: also of the member that is missing."""
    found = LACKS.search(error.message)
    return [*place.path, found["name"] or found["old_name"]] if found else list(place.path)


def _values(document: DocumentNode, schema: GraphQLSchema) -> Iterator[Place]:
    """Every argument of the root fields and everything in it."""
    for one in document.definitions:
        root = schema.get_root_type(one.operation) if isinstance(one, OperationDefinitionNode) else None
        if root is None or not isinstance(one, OperationDefinitionNode):
            continue
        for field in one.selection_set.selections:
            if not isinstance(field, FieldNode) or field.name.value not in root.fields:
                continue
            known = root.fields[field.name.value].args
            shown, name = (field.alias or field.name).value, field.name.value
            for given in field.arguments or ():
                if given.name.value in known:
                    path = (shown, given.name.value)
                    kind = known[given.name.value].type
                    yield from _inner(Place(definition=one, path=path, field=name, inside="", kind=kind, value=given.value))


def _inner(place: Place) -> Iterator[Place]:
    yield place
    if isinstance(place.value, ObjectValueNode):
        kind = get_named_type(place.kind)
        for one in place.value.fields:
            name = one.name.value
            if name in getattr(kind, "fields", {}):
                path = (*place.path, name)
                yield from _inner(replace(place, path=path, inside=kind.name, kind=kind.fields[name].type, value=one.value))
