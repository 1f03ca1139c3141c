"""Sends the recorded requests to a sandbox, over real HTTP, and compares answers and side effects."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import requests

from connector.sandbox.truth import exceptions
from connector.sandbox.truth.client import Client, body_of
from connector.sandbox.truth.compare import Comparison, Difference, Ids
from connector.sandbox.truth.outcome import FileResult, Outcome, judged
from connector.sandbox.truth.specials import SPECIALS, in_full

Exchange = Mapping[str, Any]
PICKED = {"shipping address change": "shipping", "customer_note change": "customer_note"}
RECORDED_RECEIVER = "127.0.0.1:9911"
PATH_IDS = (
    (re.compile(r"(/orders/)(\d+)"), "post"),
    (re.compile(r"(/refunds/)(\d+)"), "post"),
    (re.compile(r"(/notes/)(\d+)"), "note"),
    (re.compile(r"(/webhooks/)(\d+)"), "webhook"),
    (re.compile(r"(/fulfillments/)(\d+)"), "fulfillment"),
)
# What a number at the top of an answer counts, by a part of the path; the first that is there decides.
ROOTS = {"/metadata": "fulfillment_meta", "/fulfillments": "fulfillment", "/notes": "note", "/webhooks": "webhook"}
# Exchanges that were recorded with another set of features than those around them.
SWITCHED: Mapping[str, Mapping[str, list[str]]] = {
    "10": {"order for the tests": ["fulfillments"]},
    "11": {
        "order: 3 mugs + 1 bracelet": ["fulfillments"],
        "flag off: GET": [],
        "flag on: GET, none yet": ["fulfillments"],
    },
}
MAIL_FIELDS = ("email_id", "customer_email", "order_id", "order_status", "partial_refund", "to", "subject")


def load(folder: Path, file: str) -> dict[str, Any]:
    """The recording whose name starts with that number, e.g. `02` or `04b`."""
    found = next(iter(sorted(folder.glob(f"{file}_*.json"))), None)
    if found is None:
        raise FileNotFoundError(f"no recording {file}_*.json in {folder}")
    recording: dict[str, Any] = json.loads(found.read_text(encoding="utf-8"))
    return recording


class Replay:
    """One sandbox and the pairs of numbers learnt so far. `receiver`: host:port that takes the place of the recorded one."""

    def __init__(self, client: Client, folder: Path, *, receiver: str = "") -> None:
        self.client = client
        self.folder = folder
        self.ids = Ids()
        self.receiver = receiver
        self.clock = ""

    def file(self, file: str) -> FileResult:
        """Replay all exchanges of a recording, in order."""
        exchanges = load(self.folder, file)["exchanges"]
        self.clock = max(self.clock, next(_stamps(exchanges), ""))
        return FileResult(file=file, outcomes=tuple(self.exchange(file, one, exchanges) for one in exchanges))

    def exchange(self, file: str, exchange: Exchange, others: list[Exchange]) -> Outcome:
        label = exchange["label"]
        exemption = exceptions.whole(file, label)
        if exemption is not None:
            return Outcome(label=label, skipped=exemption.reason)
        self._set_clock(_result(exchange, others))
        features = SWITCHED.get(file, {}).get(label)
        if features is not None:
            self.client.control("POST", "settings", {"features": features})
        before = self.client.control("GET", "truth", since=10**12)["seq"]
        if label.endswith(": checkout"):
            self._checkout(exchange, _result(exchange, others))
            found: list[Difference] = []
        else:
            answer = self.send(exchange)
            found = self._answer(exchange, answer)
        found += self._side_effects(exchange, before)
        return judged(file, label, found)

    def send(self, exchange: Exchange) -> requests.Response:
        """Send the request with the sandbox's numbers in it."""
        special: Callable[[Client], requests.Response] | None = SPECIALS.get(exchange["label"])
        if special is not None:
            return special(self.client)
        return self.client.call(self._translated(exchange["request"]))

    def _translated(self, request: Mapping[str, Any]) -> dict[str, Any]:
        path = self.ids.replaced(request["path"], PATH_IDS)
        key, secret = self.client.key("rw")
        path = re.sub(r"consumer_key=\w+&consumer_secret=\w+", f"consumer_key={key}&consumer_secret={secret}", path)
        query = {name: self._query_value(name, value) for name, value in (request.get("query") or {}).items()}
        self._pair_only_line(request, path)
        return {**request, "path": path, "query": query, "body": self._body(request.get("body"))}

    def _pair_only_line(self, request: Mapping[str, Any], path: str) -> None:
        """A line that no recorded answer has shown yet: the order's only line. The answer will tell if that is wrong."""
        body = request.get("body")
        lines = body.get("line_items") if isinstance(body, dict) and re.search(r"/orders/\d+$", path) else None
        numbers = [line["id"] for line in lines or [] if isinstance(line, dict) and line.get("id")]
        if len(numbers) == 1 and not self.ids.known("item", numbers[0]):
            answer = self.client.call({"method": "GET", "path": path, "key": "rw"}).json()
            self.ids.pair("item", numbers[0], answer["line_items"][0]["id"])

    def _query_value(self, name: str, value: Any) -> Any:
        if name in {"include", "exclude", "search"} and re.fullmatch(r"[\d,]+", str(value)):
            return ",".join(str(self.ids.found("post", int(part))) for part in str(value).split(","))
        return value

    def _body(self, body: Any) -> Any:
        if not isinstance(body, dict):
            return body
        changed = json.loads(json.dumps(in_full(body)).replace(RECORDED_RECEIVER, self.receiver or RECORDED_RECEIVER))
        for line in changed.get("line_items") or []:
            self._number(line, "item")
        for row in changed.get("meta_data") or []:
            self._meta(row)
        for row in changed.get("update") or []:
            self._number(row, "post")
        if changed.get("delete"):
            changed["delete"] = [self.ids.found("post", number) for number in changed["delete"]]
        return changed

    def _meta(self, row: Any) -> None:
        """A meta row; a fulfillment's `_items` name lines."""
        self._number(row, "meta")
        if isinstance(row, dict) and row.get("key") == "_items":
            for item in row["value"]:
                item["item_id"] = self.ids.found("item", item["item_id"])

    def _number(self, row: Any, kind: str) -> None:
        if isinstance(row, dict) and isinstance(row.get("id"), int) and row["id"]:
            row["id"] = self.ids.found(kind, row["id"])

    def _set_clock(self, exchange: Exchange) -> None:
        """The sandbox's clock stands where the recorded store's stood, so that dates can be compared too."""
        self.clock = max([self.clock, *_stamps(exchange["response"].get("body"))])
        if self.clock:
            self.client.control("POST", "settings", {"frozen": f"{self.clock}+00:00"})

    def _checkout(self, exchange: Exchange, result: Exchange) -> None:
        """What was in the cart is read from the order that came out of it."""
        order = result["response"]["body"]
        asked = exchange["request"]["body"]
        items = [
            {"product_id": line["product_id"], "variation_id": line["variation_id"], "quantity": line["quantity"]}
            for line in order["line_items"]
        ]
        wanted = {
            "items": items,
            "payment_method": asked["payment_method"],
            "billing": asked["billing_address"],
            "shipping": asked["shipping_address"],
            "customer_note": asked.get("customer_note", ""),
        }
        made = self.client.control("POST", "checkout", wanted)
        self.ids.pair("post", order["id"], made["order_id"])

    def _comparison(self, exchange: Exchange) -> Comparison:
        path = exchange["request"]["path"]
        root = next((root for part, root in ROOTS.items() if part in path), "post")
        whole = exchange["label"] not in PICKED
        return Comparison(self.ids, host=self.client.host, root=root, whole=whole)

    def _answer(self, exchange: Exchange, answer: requests.Response) -> list[Difference]:
        recorded = exchange["response"]
        comparison = self._comparison(exchange)
        comparison.compare("status", recorded["status"], answer.status_code)
        body = body_of(answer)
        body = _as_recorded(exchange["label"], body)
        if self.receiver:
            body = json.loads(json.dumps(body).replace(self.receiver, RECORDED_RECEIVER))
        inner = self._comparison(exchange)
        inner.compare("notes" if exchange["label"] in _NOTE_LISTS else "", in_full(recorded.get("body")), body)
        for name, value in (recorded.get("headers") or {}).items():
            comparison.compare(f"header {name}", value, answer.headers.get(name, "(missing)"))
        prefixed = (Difference(path=f"body.{d.path}", recorded=d.recorded, found=d.found) for d in inner.differences)
        return [*comparison.differences, *prefixed]

    def _side_effects(self, exchange: Exchange, before: int) -> list[Difference]:
        """E-mails, status changes, stock and gateway calls; none recorded means none happened, but for a few orders."""
        if exchange["request"]["method"] == "GET" or _not_watched(exchange):
            return []
        events = self.client.control("GET", "truth", since=before)["events"]
        recorded = exchange.get("side_effects") or {}
        comparison = self._comparison(exchange)
        for name, rows in (
            ("transitions", events["transitions"]),
            ("stock", events["stock"]),
            ("gateway_refunds", events["gateway_refunds"]),
            ("mail", events["mails"]),
        ):
            wanted = [_shown(name, row) for row in recorded.get(name, [])]
            known = [{key: row[key] for key in keys if key in row} for row, keys in zip(rows, _keys(wanted), strict=False)]
            comparison.compare(name, wanted, known + list(rows[len(known) :]))
        return comparison.differences


def _as_recorded(label: str, body: Any) -> Any:
    """Two answers were recorded as one member only, system_status as a remark."""
    if label.endswith(": system_status") and isinstance(body, dict) and list(body) == ["environment"]:
        return "(environment given)"
    return body[PICKED[label]] if label in PICKED and isinstance(body, dict) else body


def _stamps(value: Any) -> Iterator[str]:
    """Every GMT date of a change in there, in order."""
    if isinstance(value, list):
        for one in value:
            yield from _stamps(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            if key in _STAMPS and isinstance(one, str):
                yield one
            else:
                yield from _stamps(one)


_STAMPS = ("date_modified_gmt", "date_created_gmt")
_MADE_BEFORE = frozenset({"order for the tests", "order: 3 mugs + 1 bracelet", "second order"})
_NOTE_LISTS = frozenset({"list all", "list customer", "list internal", "notes written by WooCommerce itself"})


def _result(exchange: Exchange, others: list[Exchange]) -> Exchange:
    """Where the outcome is shown: for a checkout the reading of its order, else the exchange itself."""
    name, _, step = exchange["label"].partition(": ")
    wanted = f"{name}: the order in REST v3"
    return next((one for one in others if one["label"] == wanted), exchange) if step == "checkout" else exchange


def _not_watched(exchange: Exchange) -> bool:
    """Orders made only to be refunded afterwards: the recorder threw their side effects away."""
    label = exchange["label"]
    return "side_effects" not in exchange and (label.endswith(": order") or label in _MADE_BEFORE)


def _shown(name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Of an e-mail only who gets what; the recorded bodies depend on the theme. Stock warnings are short enough."""
    if name != "mail":
        return dict(row)
    if not row.get("email_id"):
        return {key: row[key] for key in ("to", "subject", "text")}
    return {key: row[key] for key in MAIL_FIELDS}


def _keys(rows: list[dict[str, Any]]) -> list[list[str]]:
    return [list(row) for row in rows]
