"""The sandbox's schema is cut out of Shopify's: names and types only, no descriptions (their text is Shopify's).

`python subset.py REAL.graphql.gz Order.poNumber FulfillmentOrder.merchantRequests` adds fields to `schema.graphql` and
writes it anew; every other name it mentions must already be there or be added as well.
"""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    get_named_type,
    is_specified_scalar_type,
    print_ast,
)

OURS = Path(__file__).parents[3] / "connector" / "sandbox" / "shopify" / "schema.graphql"
HEADER = "# Names and types of a part of Shopify's Admin GraphQL API 2026-07; cut out by tests/sandbox/shopify/subset.py.\n"
Wanted = dict[str, set[str]]


def load(text: str) -> GraphQLSchema:
    """Shopify's own schema is refused when it is checked: deprecated fields implement others that are not."""
    return build_schema(text, assume_valid=True, assume_valid_sdl=True)


def real_schema(path: Path) -> GraphQLSchema:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return load(file.read())


def named(schema: GraphQLSchema) -> Wanted:
    """Type -> the fields, values or members it has there."""
    found: Wanted = {}
    for name, kind in schema.type_map.items():
        if not name.startswith("__") and not is_specified_scalar_type(kind):
            found[name] = set(_parts(kind))
    return found


def _parts(kind: Any) -> Iterator[str]:
    if isinstance(kind, GraphQLUnionType):
        return (member.name for member in kind.types)
    if isinstance(kind, GraphQLEnumType):
        return iter(kind.values)
    return iter(getattr(kind, "fields", ()))


def differences(ours: GraphQLSchema, real: GraphQLSchema) -> list[str]:
    """Everything of ours that is not the same in the real schema; empty when ours is a true part of it."""
    wrong = []
    for name, parts in named(ours).items():
        theirs = real.type_map.get(name)
        mine = ours.type_map[name]
        if theirs is None or type(theirs) is not type(mine):
            wrong.append(f"{name} is not such a type there")
            continue
        wrong += [f"{name}.{part} is not there" for part in sorted(parts - set(_parts(theirs)))]
        wrong += [f"{name} does not implement {one}" for one in _interfaces(mine) - _interfaces(theirs)]
        for part in sorted(parts & set(_parts(theirs))):
            if isinstance(mine, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
                wrong += _field_differences(f"{name}.{part}", mine.fields[part], theirs.fields[part])  # type: ignore[attr-defined]
    return wrong


def _interfaces(kind: Any) -> set[str]:
    return {one.name for one in getattr(kind, "interfaces", ())}


def _field_differences(where: str, mine: Any, theirs: Any) -> Iterator[str]:
    if str(mine.type) != str(theirs.type):
        yield f"{where}: {mine.type}, there {theirs.type}"
    arguments: Mapping[str, GraphQLArgument] = getattr(mine, "args", {})
    for name, argument in arguments.items():
        other = theirs.args.get(name)
        if other is None or str(other.type) != str(argument.type) or _default(other) != _default(argument):
            yield f"{where}({name}) is not the same there"
    required = {name for name, one in getattr(theirs, "args", {}).items() if str(one.type).endswith("!") and not _default(one)}
    yield from (f"{where} lacks its required argument {name}" for name in sorted(required - set(arguments)))


def cut(real: GraphQLSchema, wanted: Wanted) -> str:
    """The schema text with these types and fields; arguments whose types are not wanted are left out."""
    known = set(wanted) | {"String", "Int", "Float", "Boolean", "ID"}
    texts = [_schema_text(), _idempotent(real)]
    texts += [_type(real.type_map[name], wanted[name], known) for name in sorted(wanted)]
    return HEADER + "\n" + "\n\n".join(texts) + "\n"


def _schema_text() -> str:
    return "schema {\n  query: QueryRoot\n  mutation: Mutation\n}"


def _idempotent(real: GraphQLSchema) -> str:
    directive = next(one for one in real.directives if one.name == "idempotent")
    places = " | ".join(place.name for place in directive.locations)
    return f"directive @idempotent({_arguments(directive.args, {'String'})}) on {places}"


def _type(kind: Any, parts: set[str], known: set[str]) -> str:
    if isinstance(kind, GraphQLScalarType):
        return f"scalar {kind.name}"
    if isinstance(kind, GraphQLEnumType):
        return _block(f"enum {kind.name}", [value for value in kind.values if value in parts])
    if isinstance(kind, GraphQLUnionType):
        return f"union {kind.name} = " + " | ".join(member.name for member in kind.types if member.name in parts)
    word = {GraphQLObjectType: "type", GraphQLInterfaceType: "interface", GraphQLInputObjectType: "input"}[type(kind)]
    interfaces = [one.name for one in getattr(kind, "interfaces", ()) if one.name in known]
    head = f"{word} {kind.name}" + (f" implements {' & '.join(interfaces)}" if interfaces else "")
    return _block(head, [_field(name, kind.fields[name], known) for name in kind.fields if name in parts])


def _block(head: str, lines: list[str]) -> str:
    return head + " {\n" + "".join(f"  {line}\n" for line in lines) + "}"


def _field(name: str, field: Any, known: set[str]) -> str:
    if get_named_type(field.type).name not in known:
        raise ValueError(f"{name}: {field.type} is not among the wanted types")
    arguments = _arguments(getattr(field, "args", {}), known)
    return f"{name}{f'({arguments})' if arguments else ''}: {field.type}{_default(field)}"


def _arguments(arguments: Mapping[str, GraphQLArgument], known: set[str]) -> str:
    mine = {name: one for name, one in arguments.items() if get_named_type(one.type).name in known}
    return ", ".join(f"{name}: {one.type}{_default(one)}" for name, one in mine.items())


def _default(thing: Any) -> str:
    """Read from the text: the two versions of graphql-core in use keep defaults in different places."""
    node = getattr(thing.ast_node, "default_value", None)
    return "" if node is None else f" = {print_ast(node)}"


def main(path: str, *fields: str) -> None:
    real = real_schema(Path(path))
    wanted = named(load(OURS.read_text(encoding="utf-8")))
    for field in fields:
        kind, _, part = field.partition(".")
        wanted.setdefault(kind, set()).update({part} if part else _parts(real.type_map[kind]))
    OURS.write_text(cut(real, wanted), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
