"""What was recorded at a real shop: files of JSON with requests and their answers, in the order of the recorder's steps."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphql import FieldNode, GraphQLError, OperationDefinitionNode, parse

from connector.sandbox.shopify.ids import GID

Json = dict[str, Any]
OPERATION = re.compile(r"^(#graphql)?\s*(query|mutation|fragment|\{|#)")
# Reads that the recorder's proxy did on its own, listed at the end of a file whenever they happened.
BESIDE = "upstreamCalls"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and its answer. `label`: where in the file; `answer`: `{data, errors, extensions}` as far as recorded.

    `query` is "" where the recorder kept the answer without the text of the question.
    """

    label: str
    query: str
    variables: Json
    answer: Json
    status: int = 200

    @property
    def beside(self) -> bool:
        return BESIDE in self.label

    @property
    def cost(self) -> int | None:
        """requestedQueryCost, where it was recorded."""
        found = ((self.answer.get("extensions") or {}).get("cost") or {}).get("requestedQueryCost")
        return int(found) if found is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """`file`: domain and name; `version`: of the API that was asked; `when`: month and day, "" when not told."""

    file: str
    version: str
    when: str
    exchanges: tuple[Exchange, ...] = ()
    whole: Json = field(default_factory=dict)


def recordings(folder: Path) -> Iterator[Recording]:
    """All recordings below `captures`, by version, domain and name."""
    for path in _paths(folder):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            whole = json.load(file)
        yield Recording(
            file=f"{path.parent.name}/{path.name.removesuffix('.json.gz')}",
            version=path.parts[-3],
            when=str(whole.get("capturedAt") or whole.get("recordedAt") or "")[:10],
            exchanges=tuple(_exchanges("", whole)),
            whole=whole,
        )


def count(folder: Path) -> int:
    return len(_paths(folder))


def _paths(folder: Path) -> list[Path]:
    return sorted((folder / "captures").glob("*/*/*.json.gz"))


def _exchanges(label: str, value: Any, text: str = "", variables: Any = None) -> Iterator[Exchange]:
    """`text`, `variables`: those of the object around, which may stand once beside several answers."""
    if isinstance(value, list):
        for place, one in enumerate(value):
            yield from _exchanges(f"{label}[{place}]", one, text, variables)
    if not isinstance(value, dict):
        return
    own, given = _request(value)
    given = given if given is not None else value.get("variables", variables)
    answer = _answer(value.get("response", value.get("payload", value if text and not own else None)))
    kept = next((name for name in ("response", "payload", "data", "errors") if name in value), "")
    for name, one in value.items():
        if answer is None or name not in {"response", "payload", "data", "errors", "extensions"}:
            yield from _exchanges(f"{label}.{name}".lstrip("."), one, own, given)
        elif name == kept:  # what stands before it (`setup`) was done before
            beside = text if not own and text and _answers(text, answer) else own
            yield _exchange(label, beside, given, answer, value)


def _answers(text: str, answer: Json) -> bool:
    """The members of the data are what the text asks for."""
    try:
        document = parse(text)
    except GraphQLError:
        return "data" not in answer
    roots = [one.selection_set for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    fields = [one for root in roots for one in root.selections if isinstance(one, FieldNode)]
    return set(answer.get("data") or {}) <= {(one.alias or one.name).value for one in fields}


def _exchange(label: str, text: str, variables: Any, answer: Json, beside: Json) -> Exchange:
    status = beside.get("status")
    given = dict(variables) if isinstance(variables, dict) else {}
    return Exchange(label=label, query=text, variables=given, answer=answer, status=status if isinstance(status, int) else 200)


def _request(value: Mapping[str, Any]) -> tuple[str, Any]:
    inner = value.get("request")
    for one in (value, inner if isinstance(inner, dict) else {}):
        text = next((one[name] for name in ("query", "document") if isinstance(one.get(name), str)), "")
        if OPERATION.match(text.strip()) and "{" in text:
            return text, one.get("variables", value.get("variables"))
    return "", None


def _answer(value: Any) -> Json | None:
    """`{data, errors}`, however deep the recorder put it."""
    if not isinstance(value, dict):
        return None
    for name in ("payload", "body"):
        if isinstance(value.get(name), dict):
            return _answer(value[name])
    return value if "data" in value or isinstance(value.get("errors"), list) else None


def told(value: Any) -> list[Any]:
    """Everything that stands as `data` in the file: what the real shop said, also where no question is kept beside it."""
    if isinstance(value, list):
        return [found for one in value for found in told(one)]
    if not isinstance(value, dict):
        return []
    mine = [value["data"]] if isinstance(value.get("data"), dict) else []
    return mine + [found for name, one in value.items() if name != "data" for found in told(one)]


def told_ids(value: Any) -> set[tuple[str, str]]:
    """Every (kind, number) that an answer tells as the id of a thing: it was there."""
    if isinstance(value, list):
        return {found for one in value for found in told_ids(one)}
    if not isinstance(value, dict):
        return set()
    found = GID.fullmatch(value["id"]) if isinstance(value.get("id"), str) else None
    mine = {(found[1], found[2])} if found else set()
    return mine.union(*(told_ids(one) for one in value.values()))
