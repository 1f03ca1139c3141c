"""Sends what was recorded to a simulated shop, one recording after the other, and judges the answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests
from graphql import DocumentNode, FieldNode, GraphQLError, OperationDefinitionNode, parse, validate

from connector.sandbox.shopify import executing, wording
from connector.sandbox.shopify.server import ShopifySandbox
from connector.sandbox.shopify.store import VERSION
from connector.sandbox.shopify.truth import exceptions
from connector.sandbox.shopify.truth.arrange import arrange, place_first
from connector.sandbox.shopify.truth.before import CLOSE, CREATE, REFUND, input_of, orders_before, refund_of
from connector.sandbox.shopify.truth.changed import Changed
from connector.sandbox.shopify.truth.compare import GIVEN, IN_TEXT, Comparison, Pairs
from connector.sandbox.shopify.truth.deriving import text_of
from connector.sandbox.shopify.truth.recorded import Exchange, Json, Recording, recordings, told, told_ids
from connector.sandbox.truth.compare import Difference
from connector.sandbox.truth.outcome import FileResult, Outcome

NEEDS_KEY = re.compile(r"\b(refundCreate|inventoryAdjustQuantities|inventorySetQuantities)(\s*\((?:[^()]|\([^()]*\))*\))")
KEYED_FROM = "2026-04"
TIMEOUT_S = 20


def replay_all(folder: Path) -> Iterator[FileResult]:
    """Replay every recording below `folder`/captures, each in a fresh shop."""
    with ShopifySandbox(webhooks="held") as sandbox, requests.Session() as session:
        session.trust_env = False
        for recording in recordings(folder):
            sandbox.reset()
            yield Replay(sandbox, session, recording).run()


class Replay:
    """One recording in one fresh shop."""

    def __init__(self, sandbox: ShopifySandbox, session: requests.Session, recording: Recording) -> None:
        self.sandbox, self.session, self.recording = sandbox, session, recording
        self.pairs, self.changed = Pairs(), Changed()
        self.there = told_ids(told(recording.whole))
        with sandbox.store.lock:
            arrange(sandbox.store, recording)

    def run(self) -> FileResult:
        for read, order in orders_before(self.recording):
            self.made_before(read, order)
        outcomes = [self.exchange(one) for one in self.recording.exchanges]
        if not outcomes:
            outcomes = [Outcome(label="all", skipped=exceptions.NO_TEXT)]
        title = f"{self.recording.version}, {self.recording.file.rpartition('/')[2]}"
        return FileResult(file=self.recording.file, title=title, outcomes=tuple(outcomes))

    def made_before(self, read: Exchange, order: Json) -> None:
        """The order as it was when the recording began; its ids are learned from the same read."""
        made = self.asked(CREATE, {"order": input_of(order)})["data"]["orderCreate"]["order"]
        refund = refund_of(order, made)
        if refund is not None:
            self.asked(REFUND, {"input": refund, "key": "before"})
        if order.get("closedAt"):
            self.asked(CLOSE, {"input": {"id": made["id"]}})
        self.pairs.learn({"id": order["id"]}, {"id": made["id"]})
        self.pairs.learn(read.answer.get("data"), self.sent(read).get("data"))

    def exchange(self, one: Exchange) -> Outcome:
        derived = not one.query
        if derived:
            one = replace(one, query=text_of(executing.schema(), one.answer, one.variables))
        reason = self.left_out(one)
        self.changed.meet(one)
        if reason:
            self.changed.otherwise(one)
            return Outcome(label=one.label, skipped=reason)
        if "orderCreate" in one.query:
            place_first(self.sandbox.store, one.answer)
        found = self.sent(one)
        recorded = {name: value for name, value in one.answer.items() if name in {"data", "errors"}}
        for error in (*(recorded.get("errors") or ()), *(found.get("errors") or ())):
            error.pop("locations", None)  # the recorder kept its queries with other line breaks than it sent
        self.pairs.learn(recorded, found)
        comparing = Comparison(self.pairs)
        comparing.compare("status", one.status, found.pop("status"))
        cost = ((found.pop("extensions", None) or {}).get("cost") or {}).get("requestedQueryCost")
        if "errors" in recorded and recorded.get("data", 0) is None and "data" not in found:
            recorded.pop("data")
        comparing.compare("", recorded, found)
        if one.cost is not None and cost is not None and not derived:
            comparing.compare("requestedQueryCost", one.cost, cost)
        return judged(self.recording, one.label, comparing.differences)

    def sent(self, one: Exchange) -> Json:
        """The answer of the simulated shop, with its `status`."""
        text = self.pairs.in_text(one.query)
        if self.recording.version < KEYED_FROM:
            text = _keyed(text, one.label)
        variables = self.pairs.exchanged(one.variables)
        if self.recording.version < KEYED_FROM:
            variables = _with_expected(variables)
        return self.asked(text, variables)

    def asked(self, text: str, variables: Any) -> Json:
        store = self.sandbox.store
        store.bucket.give_back(store.bucket.size)
        answer = self.session.post(
            f"{self.sandbox.url}/admin/api/{VERSION}/graphql.json",
            json={"query": text, "variables": variables},
            headers={"X-Shopify-Access-Token": self.sandbox.about()["access_token"]},
            timeout=TIMEOUT_S,
        )
        return {**answer.json(), "status": answer.status_code}

    # --- what cannot be replayed --------------------------------------------------------------------------------------

    def left_out(self, one: Exchange) -> str:
        """The reason why not, or nothing."""
        whole = exceptions.whole(self.recording.file, one.label)
        if whole:
            return whole
        if one.beside:
            return exceptions.BESIDE
        if not one.query:
            return exceptions.NO_TEXT
        try:
            document = parse(one.query)
        except GraphQLError:
            return ""
        if "__type(" in one.query or "__schema" in one.query:
            return exceptions.SCHEMA
        unknown = _unknown(document, one)
        if unknown:
            return unknown
        return self._stranger(one) or (exceptions.CHANGED if self.changed.touches(one) else "")

    def _stranger(self, one: Exchange) -> str:
        """A thing of the real shop that this recording did not make."""
        text = one.query + str(one.variables)
        for kind, number in sorted(set(IN_TEXT.findall(text))):
            if kind not in GIVEN and not self.pairs.known(kind, number) and (kind, number) in self.there:
                return exceptions.STRANGER
        return ""


def _unknown(document: DocumentNode, one: Exchange) -> str:
    """What the operation asks for that the simulated shop does not have."""
    schema = executing.schema()
    for definition in document.definitions:
        if not isinstance(definition, OperationDefinitionNode):
            continue
        kind: Any = schema.query_type if definition.operation.value == "query" else schema.mutation_type
        for field in definition.selection_set.selections:
            if isinstance(field, FieldNode) and field.name.value not in kind.fields and field.name.value[:2] != "__":
                return exceptions.NOT_SIMULATED
    if one.answer.get("errors"):
        return ""
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode) and _not_known(definition, one.variables):
            return exceptions.PARTS
    wrong = validate(schema, document)
    return (
        exceptions.PARTS if any("Cannot query field" in error.message or "Unknown" in error.message for error in wrong) else ""
    )


def _not_known(operation: OperationDefinitionNode, variables: Json) -> bool:
    """A member of an input that is not simulated, or a bulk query of such things."""
    schema = executing.schema()
    problems = wording.of_variables(schema, operation, variables)
    if "Field is not defined on" in str(problems):
        return True
    text = variables.get("query")
    return (
        isinstance(text, str)
        and "edges" in text
        and any(error.message.startswith("Cannot query field") for error in validate(schema, parse(text)))
    )


def _with_expected(value: Any) -> Any:
    """Before 2026-04 a change of stock needed no `changeFromQuantity`; null says the same today."""
    if isinstance(value, list):
        return [_with_expected(one) for one in value]
    if not isinstance(value, dict):
        return value
    more = (
        {"changeFromQuantity": None}
        if {"delta", "inventoryItemId"} & value.keys() and "changeFromQuantity" not in value
        else {}
    )
    return {**{name: _with_expected(one) for name, one in value.items()}, **more}


def _keyed(text: str, label: str) -> str:
    return NEEDS_KEY.sub(rf'\1\2 @idempotent(key: "{label}")', text) if "@idempotent" not in text else text


def judged(recording: Recording, label: str, differences: Iterable[Difference]) -> Outcome:
    """An outcome with the excused differences taken out."""
    real, excused = [], []
    for difference in differences:
        reason = exceptions.of_path(recording, label, difference.path)
        if reason:
            excused.append(reason)
        else:
            real.append(difference)
    return Outcome(label=label, differences=tuple(real), excused=tuple(excused))
