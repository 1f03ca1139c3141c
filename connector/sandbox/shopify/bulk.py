"""Bulk operations: a query without page sizes is run over everything and becomes a file of JSON lines with __parentId."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    IntValueNode,
    NameNode,
    OperationDefinitionNode,
    SelectionSetNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    is_list_type,
    parse,
    validate,
    visit,
)

from connector.sandbox.shopify import events, wording
from connector.sandbox.shopify.problems import UserErrors, refuse, row
from connector.sandbox.shopify.things import Bulk

if TYPE_CHECKING:
    from connector.sandbox.shopify.fields import Call
    from connector.sandbox.shopify.store import Store

MOST_AT_ONCE = 5
MOST_CONNECTIONS = 5
DEEPEST = 3  # the outermost one, and two nested levels below it (the documentation's own example)
PAGE = 250


def run(call: Call, schema: GraphQLSchema, query: str) -> Bulk:
    """Begin one; the file is there `bulk_s` later. Raises UserErrors, as recorded."""
    document = _parsed(query)
    _check(document, schema)
    store = call.store
    busy = [one for one in store.bulks.values() if one.status in {"CREATED", "RUNNING"}]
    if len(busy) >= MOST_AT_ONCE:
        names = ", ".join(f"gid://shopify/BulkOperation/{one.id}" for one in busy)
        text = f"A bulk query operation for this app and shop is already in progress: {names}."
        raise refuse(text, code="OPERATION_IN_PROGRESS")
    made = Bulk(id=store.next_id("BulkOperation"), query=query, created=store.now())
    store.bulks[made.id] = made
    store.later(store.settings.bulk_s / 2, lambda: _begin(made))
    store.later(store.settings.bulk_s, lambda: _finish(call, schema, document, made))
    return made


def _parsed(query: str) -> DocumentNode:
    try:
        return parse(query)
    except GraphQLError as error:
        what = "unexpected end of file" if "<EOF>" in error.message else error.message
        raise refuse(f"Invalid bulk query: syntax error, {what}", "query", code="INVALID") from None


class _Shape(Visitor):
    """What the rules ask of a bulk query: its connections, how deep they are, and how they are selected."""

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self.info = info
        self.depth = 0
        self.deepest = 0
        self.connections = 0
        self.by_nodes: list[str] = []
        self.without_id: list[str] = []
        self.in_list = False
        self.lists = 0

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        kind = self.info.get_type()
        if _is_connection(kind) or _looks_like_one(kind, node):
            self.connections += 1
            self.depth += 1
            self.deepest = max(self.deepest, self.depth)
            self._look(node)
            self.in_list = self.in_list or self.lists > 0
        elif kind is not None and _plain_list(kind) and node.selection_set and node.name.value not in {"edges", "nodes"}:
            self.lists += 1

    def leave_field(self, node: FieldNode, *_: Any) -> None:
        kind = self.info.get_type()
        if _is_connection(kind) or _looks_like_one(kind, node):
            self.depth -= 1
        elif kind is not None and _plain_list(kind) and node.selection_set and node.name.value not in {"edges", "nodes"}:
            self.lists -= 1

    def _look(self, node: FieldNode) -> None:
        names = {one.name.value: one for one in _fields(node)}
        if "nodes" in names:
            self.by_nodes.append(node.name.value)
        inner = _node_fields(node)
        nested = any(any(deep.name.value in {"edges", "nodes"} for deep in _fields(one)) for one in inner)
        if nested and not any(one.name.value == "id" and one.alias is None for one in inner):
            self.without_id.append(node.name.value)


def _plain_list(kind: Any) -> bool:
    return is_list_type(getattr(kind, "of_type", kind)) or is_list_type(kind)


def _is_connection(kind: Any) -> bool:
    return kind is not None and str(get_named_type(kind)).endswith("Connection")


def _looks_like_one(kind: Any, node: FieldNode) -> bool:
    """A list of something that is not simulated: its type is not known here."""
    return kind is None and any(one.name.value == "edges" for one in _fields(node))


def _fields(node: FieldNode) -> list[FieldNode]:
    return [one for one in (node.selection_set.selections if node.selection_set else ()) if isinstance(one, FieldNode)]


def _node_fields(connection: FieldNode) -> list[FieldNode]:
    edges = [one for one in _fields(connection) if one.name.value == "edges"]
    inner = [one for edge in edges for one in _fields(edge) if one.name.value == "node"]
    return [one for each in inner for one in _fields(each)]


def _check(document: DocumentNode, schema: GraphQLSchema) -> None:
    operation = next((one for one in document.definitions if isinstance(one, OperationDefinitionNode)), None)
    if operation is None or operation.operation.value != "query":
        raise refuse("Invalid operation type. Only `query` operations are supported.", "query", code="INVALID")
    info = TypeInfo(schema)
    shape = _Shape(info)
    visit(document, TypeInfoVisitor(info, shape))
    texts = [f"Bulk queries cannot contain a top level `{one}` field." for one in _top(operation) if one in {"node", "nodes"}]
    if not shape.connections:
        texts.append("Bulk queries must contain at least one connection.")
    if shape.by_nodes:
        names = ", ".join(f"'{name}'" for name in shape.by_nodes)
        texts.append(
            "All connection fields in a bulk query must select their contents using 'edges' > 'node', e.g: "
            f"'{shape.by_nodes[0]} {{ edges {{ node {{'. Selecting via 'nodes' is not supported. "
            f"Invalid connection fields: {names}."
        )
    if shape.in_list:
        texts.append("Queries that contain a connection field within a list field are not currently supported.")
    if shape.deepest > DEEPEST:
        texts.append("Bulk queries cannot contain connections with a nesting depth greater than 2.")
    if shape.connections > MOST_CONNECTIONS:
        texts.append("Bulk queries cannot contain more than 5 connections.")
    if shape.without_id:
        names = ", ".join(shape.without_id)
        texts.append(
            "The parent 'node' field for a nested connection must select the 'id' field without an alias and must be of "
            f"'ID' return type. Connection fields without 'id': {names}."
        )
    if texts:
        raise UserErrors([row(text, "query", code="INVALID") for text in texts])
    unknown = [error for error in validate(schema, document) if error.message.startswith("Cannot query field")]
    if unknown:
        what = wording.of_text(unknown[0], document, schema)["message"]
        raise refuse(f"Invalid bulk query: {what}", "query", code="INVALID")


def _top(operation: OperationDefinitionNode) -> list[str]:
    return [one.name.value for one in operation.selection_set.selections if isinstance(one, FieldNode)]


# --- running it -------------------------------------------------------------------------------------------------------


def _begin(made: Bulk) -> None:
    if made.status == "CREATED":
        made.status = "RUNNING"


def end_cancelled(store: Store, made: Bulk) -> None:
    """A cancelled operation says CANCELING for a while (recorded)."""
    if made.status == "CANCELING":
        made.status, made.completed = "CANCELED", store.now()


def _finish(call: Call, schema: GraphQLSchema, document: DocumentNode, made: Bulk) -> None:
    if made.status != "RUNNING":
        return
    lines: list[dict[str, Any]] = []
    for data in _pages(call, schema, document):
        for name, value in data.items():
            if isinstance(value, dict) and "edges" in value:
                made.roots += len(value["edges"])
                _flatten(value, None, lines)
            elif value is not None:
                raise ValueError(f"a bulk query of {name} has no list")
    made.objects = len(lines)
    made.body = b"".join(json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode() + b"\n" for line in lines)
    made.status, made.completed = "COMPLETED", call.store.now()
    events.bulk_finished(call.store, made)


def _pages(call: Call, schema: GraphQLSchema, document: DocumentNode) -> Any:
    """Page after page of the outermost connection; the inner ones are given whole."""
    cursor: str | None = None
    while True:
        data, end = _page(call, schema, sized(document, schema, cursor))
        yield data
        if end is None:
            return
        cursor = end


def _page(call: Call, schema: GraphQLSchema, document: DocumentNode) -> tuple[dict[str, Any], str | None]:
    from connector.sandbox.shopify.executing import run_document

    result = run_document(schema, document, call, {})
    data: dict[str, Any] = result.data or {}
    edges = [edge for value in data.values() if isinstance(value, dict) for edge in value.get("edges", ())]
    more = len(edges) >= PAGE
    return data, edges[-1]["_cursor"] if more else None


def sized(document: DocumentNode, schema: GraphQLSchema, cursor: str | None) -> DocumentNode:
    """The same query with page sizes; the outermost edges also tell their cursors."""
    info = TypeInfo(schema)

    class Size(Visitor):
        depth = 0

        def enter_field(self, node: FieldNode, *_: Any) -> FieldNode | None:
            if not _is_connection(info.get_type()):
                return None
            Size.depth += 1
            given = [one for one in node.arguments or () if one.name.value not in {"first", "after", "last", "before"}]
            given.append(_argument("first", IntValueNode(value=str(PAGE))))
            if Size.depth == 1 and cursor is not None:
                given.append(_string_argument("after", cursor))
            selections = node.selection_set.selections if node.selection_set else ()
            inner = tuple(_with_cursor(one) if Size.depth == 1 else one for one in selections)
            return FieldNode(
                alias=node.alias,
                name=node.name,
                arguments=tuple(given),
                directives=node.directives or (),
                selection_set=SelectionSetNode(selections=inner),
            )

        def leave_field(self, node: FieldNode, *_: Any) -> None:
            if any(one.name.value == "first" for one in node.arguments or ()):
                Size.depth -= 1

    changed: DocumentNode = visit(document, TypeInfoVisitor(info, Size()))
    return changed


def _argument(name: str, value: Any) -> ArgumentNode:
    return ArgumentNode(name=NameNode(value=name), value=value)


def _string_argument(name: str, text: str) -> ArgumentNode:
    from graphql import StringValueNode

    return _argument(name, StringValueNode(value=text))


def _with_cursor(node: Any) -> Any:
    if not isinstance(node, FieldNode) or node.name.value != "edges" or node.selection_set is None:
        return node
    cursor = FieldNode(alias=NameNode(value="_cursor"), name=NameNode(value="cursor"), arguments=(), directives=())
    return FieldNode(
        alias=node.alias,
        name=node.name,
        arguments=node.arguments or (),
        directives=node.directives or (),
        selection_set=SelectionSetNode(selections=(*node.selection_set.selections, cursor)),
    )


def _flatten(connection: dict[str, Any], parent: str | None, lines: list[dict[str, Any]]) -> None:
    """Each thing is a line of its own, its own lists behind it with its id as __parentId."""
    for edge in connection["edges"]:
        inner = edge["node"]
        plain = {name: value for name, value in inner.items() if not (isinstance(value, dict) and "edges" in value)}
        lines.append({**plain, **({"__parentId": parent} if parent else {})})
        for value in inner.values():
            if isinstance(value, dict) and "edges" in value:
                _flatten(value, inner.get("id"), lines)
