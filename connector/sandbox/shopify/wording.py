"""Errors in Shopify's words (recorded): graphql-core finds the same ones and words them otherwise."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    is_list_type,
    print_ast,
    type_from_ast,
)

from connector.sandbox.shopify import literals
from connector.sandbox.shopify.ids import GID

FIELD = re.compile(r"Cannot query field '(\w+)' on type '(\w+)'")
Json = dict[str, Any]


def of_text(error: GraphQLError, document: DocumentNode | None, schema: GraphQLSchema) -> Json:
    """A query that cannot be read or does not fit the schema."""
    places = [{"line": one.line, "column": one.column} for one in error.locations or ()]
    if document is None:
        what = "unexpected end of file" if "<EOF>" in error.message else error.message.removeprefix("Syntax Error: ")
        at = f" at [{places[0]['line']}, {places[0]['column']}]" if places else ""
        return {"message": f"syntax error, {what}{at}", "locations": places}
    path = _path(document, error)
    found = FIELD.match(error.message)
    if found:
        extensions = {"code": "undefinedField", "typeName": found[2], "fieldName": found[1]}
        return _form(f"Field '{found[1]}' doesn't exist on type '{found[2]}'", places, path, extensions)
    if "is required, but it was not provided" in error.message:
        return _missing(error, places, path)
    place = literals.place_of(error, document, schema)
    if place is not None:
        text, extensions = literals.words(error, place)
        return _form(text, places, [_title(place.definition), *literals.member(error, place)], extensions)
    return _form(error.message, places, path, {"code": "invalid"})


def _form(text: str, places: list[Json], path: list[Any], extensions: Json) -> Json:
    return {"message": text, "locations": places, "path": path, "extensions": extensions}


def _missing(error: GraphQLError, places: list[Json], path: list[Any]) -> Json:
    names = re.findall(r"'([\w.]+)(?:\((\w+):\))?'", error.message)
    field, argument = names[0] if names else ("", "")
    field = field.rpartition(".")[2]
    extensions = {"code": "missingRequiredArguments", "className": "Field", "name": field, "arguments": argument}
    return _form(f"Field '{field}' is missing required arguments: {argument}", places, path, extensions)


def _path(document: DocumentNode, error: GraphQLError) -> list[Any]:
    """`["mutation Name", "field", "inner"]`: how the wrong node is reached."""
    wanted = error.nodes[0] if error.nodes else None
    for one in document.definitions:
        if isinstance(one, OperationDefinitionNode | FragmentDefinitionNode):
            found = _search(one, wanted)
            if found is not None:
                return [_title(one), *found]
    return []


def _title(one: OperationDefinitionNode | FragmentDefinitionNode) -> str:
    if isinstance(one, FragmentDefinitionNode):
        return f"fragment {one.name.value}"
    return f"{one.operation.value} {one.name.value}" if one.name else one.operation.value


def _search(node: Any, wanted: Any) -> list[Any] | None:
    for one in node.selection_set.selections if getattr(node, "selection_set", None) else ():
        name = (one.alias or one.name).value if isinstance(one, FieldNode) else "..."
        if one is wanted:
            return [name]
        found = _search(one, wanted)
        if found is not None:
            return [name, *found]
    return None


def of_execution(error: GraphQLError) -> Json:
    found: Json = {"message": error.message}
    if error.locations:
        found["locations"] = [{"line": one.line, "column": one.column} for one in error.locations]
    if error.path:
        found["path"] = error.path
    extensions = dict(error.extensions or {})
    if error.original_error is not None and not extensions:
        what = f"{type(error.original_error).__name__}: {error.message}"
        text = f"Internal error. Looks like something went wrong on our end.\n{what}"
        return {"message": text, "extensions": {"code": "INTERNAL_SERVER_ERROR"}}
    return {**found, **({"extensions": extensions} if extensions else {})}


# --- variables --------------------------------------------------------------------------------------------------------


def of_variables(schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> list[Json]:
    """One error for each variable with a wrong value: every problem with its path."""
    errors = []
    for one in operation.variable_definitions or ():
        name = one.variable.name.value
        kind = type_from_ast(schema, one.type)
        if name not in variables and (one.default_value is not None or not isinstance(kind, GraphQLNonNull)):
            continue
        problems = _problems(kind, variables.get(name), [])
        if problems:
            errors.append(_variable_error(name, print_ast(one.type), variables.get(name), problems, one))
    return errors


def _variable_error(name: str, kind: str, value: Any, problems: list[Json], node: Any) -> Json:
    listed = ", ".join(
        f"{'.'.join(str(part) for part in one['path'])} ({one['explanation']})" if one["path"] else f"({one['explanation']})"
        for one in problems
    )
    shown = f" for {listed}" if any(one["path"] for one in problems) else ""
    place = node.loc.start_token
    return {
        "message": f"Variable ${name} of type {kind} was provided invalid value{shown}",
        "locations": [{"line": place.line, "column": place.column}],
        "extensions": {"code": "INVALID_VARIABLE", "value": value, "problems": problems},
    }


def _problems(kind: Any, value: Any, path: list[Any]) -> list[Json]:
    if isinstance(kind, GraphQLNonNull):
        if value is None:
            return [_problem(path, "Expected value to not be null")]
        return _problems(kind.of_type, value, path)
    if value is None:
        return []
    if is_list_type(kind):
        rows = value if isinstance(value, list) else [value]
        return [found for place, one in enumerate(rows) for found in _problems(kind.of_type, one, [*path, place])]
    if isinstance(kind, GraphQLInputObjectType):
        return _of_object(kind, value, path)
    if isinstance(kind, GraphQLEnumType):
        known = value in kind.values
        return [] if known else [_problem(path, f'Expected "{value}" to be one of: {", ".join(kind.values)}')]
    if kind.name == "ID":
        return [] if GID.fullmatch(str(value)) else [_problem(path, f"Invalid global id '{value}'")]
    return _of_scalar(kind, value, path)


def _of_object(kind: GraphQLInputObjectType, value: Any, path: list[Any]) -> list[Json]:
    if not isinstance(value, dict):
        return [_problem(path, f"Expected {value!r} to be a key-value object.")]
    rows = [_problem([*path, name], f"Field is not defined on {kind.name}") for name in value if name not in kind.fields]
    for name, field in kind.fields.items():
        default = getattr(field.ast_node, "default_value", None)
        if name in value or (isinstance(field.type, GraphQLNonNull) and default is None):
            rows += _problems(field.type, value.get(name), [*path, name])
    return rows


def _of_scalar(kind: Any, value: Any, path: list[Any]) -> list[Json]:
    try:
        kind.parse_value(value)
    except (GraphQLError, ValueError, ArithmeticError):
        return [_problem(path, f"Could not coerce value {value!r} to {kind.name}")]
    return []


def _problem(path: list[Any], text: str) -> Json:
    return {"path": path, "explanation": text}
