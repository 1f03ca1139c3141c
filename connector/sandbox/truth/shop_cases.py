"""What a shop tells of itself (12), which e-mails it sends, and what it cancels by itself (14)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from connector.sandbox.truth.cases import UNPAID, outcome, send
from connector.sandbox.truth.client import Client, body_of
from connector.sandbox.truth.compare import Comparison, Ids
from connector.sandbox.truth.outcome import Outcome, judged
from connector.sandbox.truth.replay import Replay, load
from connector.sandbox.woocommerce import mails

Row = Mapping[str, Any]
# A real store has one route for any group of settings and one for any of its values; here some are routes of their own.
GROUP = r"/wc/v3/settings/(?P<group_id>[\w-]+)"
GROUPS = (re.compile(r"/wc/v3/settings/[^/]+/[^/]+$"), re.compile(r"/wc/v3/settings/[^/]+$"))
SCHEMAS = "OPTIONS tells no arguments and no JSON schema here (but for fulfillments); no connector reads them"
MADE_BEFORE = "shows what the recorder had made before in other files; the same forms are compared there"
READ_SETTINGS = (
    "api_enabled",
    "force_ssl",
    "currency",
    "currency_symbol",
    "currency_position",
    "number_of_decimals",
    "order_datastore",
    "HPOS_enabled",
    "HPOS_sync_enabled",
    "enabled_features",
)


def index(replay: Replay) -> Iterator[Outcome]:
    """Name spaces, and every simulated route with its recorded name and no other methods; the shop's own settings."""
    client, recording = replay.client, load(replay.folder, "12")
    client.control("POST", "settings", {"features": ["fulfillments"]})
    found = client.call({"method": "GET", "path": "/wp-json/", "key": "rw"}).json()
    yield outcome(
        "12",
        "name spaces",
        recorded={key: recording["index"][key] for key in ("name", "gmt_offset", "timezone_string", "namespaces")},
        found=found,
    )
    yield outcome("12", "routes and their methods", recorded=_routes(found, recording["index"]["routes"]), found=_routes(found))
    for exchange in recording["exchanges"]:
        part = COMPARED.get(exchange["label"])
        if part is None:
            yield Outcome(label=exchange["label"], skipped=SCHEMAS if exchange["label"].startswith("OPTIONS") else MADE_BEFORE)
            continue
        recorded, answered = exchange["response"]["body"], body_of(client.call(exchange["request"]))
        comparison = Comparison(Ids(), host=client.host, whole=False)
        comparison.compare("body", part(recorded), part(answered))
        yield judged("12", exchange["label"], comparison.differences)


def _routes(found: Row, recorded: Row | None = None) -> dict[str, Any]:
    """Methods of every simulated route; of the recorded ones only what is simulated."""
    simulated = {path: set(route["methods"]) for path, route in found["routes"].items()}
    if recorded is None:
        return {path: sorted(methods) for path, methods in simulated.items()}
    there = {path: set(recorded.get(_recorded_name(path), [])) for path in simulated}
    return {path: sorted(there[path] & methods) for path, methods in simulated.items()}


def _recorded_name(path: str) -> str:
    value, group = GROUPS
    if value.match(path):
        return GROUP + r"/(?P<id>[\w-]+)"
    return GROUP if group.match(path) else path


def _slugs(body: Any) -> Any:
    """Names of the statuses; how many orders there are depends on what the recorder did before."""
    return [(row["slug"], row["name"]) for row in body]


def _what_is_read(body: Any) -> Any:
    """The members of system_status that a connector looks at."""
    environment, settings = body["environment"], body["settings"]
    return {
        "environment": {name: environment[name] for name in ("home_url", "version", "wp_version", "wp_cron", "language")},
        "settings": {name: settings[name] for name in READ_SETTINGS},
    }


COMPARED: Mapping[str, Callable[[Any], Any]] = {
    "order statuses and counts": _slugs,
    "system_status (cut to environment and settings)": _what_is_read,
}


def housekeeping(replay: Replay) -> Iterator[Outcome]:
    """Subjects of the e-mails that are sent; unpaid orders, two hours old."""
    client, recording = replay.client, load(replay.folder, "14")
    recorded = {one["id"]: one for one in recording["emails"]}
    listed = (one for one in vars(mails).values() if isinstance(one, mails.StoreMail) and one.email in recorded)
    for mail in listed:  # the e-mail of a part refund is not in the list: a variant of the refund's (compared in 08)
        wanted = recorded[mail.email]
        subject = wanted["default_subject"].replace("{site_title}", "{store}").replace("{order_number}", "{number}")
        recorded_mail = {"subject": subject, "to_customer": wanted["to_customer"]}
        found = {"subject": mail.subject, "to_customer": mail.to_customer}
        yield outcome("14", f"e-mail {mail.email}", recorded=recorded_mail, found=found)
    yield from _unpaid(client, recording["auto_cancel_of_unpaid_orders"])


def _unpaid(client: Client, recorded: Row) -> Iterator[Outcome]:
    made = {
        "rest-api": send(client, "POST", "", UNPAID)["id"],
        "store-api": client.control("POST", "checkout", {"pay": False})["order_id"],
        "store-api on-hold": client.control("POST", "checkout", {"payment_method": "bacs"})["order_id"],
    }
    classic = client.control("POST", "checkout", {"payment_method": "bacs", "created_via": "checkout"})["order_id"]
    client.control("POST", "staff", {"order_id": classic, "action": "status", "status": "pending"})
    client.control("POST", "settings", {"clock_shift_s": timedelta(hours=2).total_seconds()})
    mark = client.control("GET", "truth", since=10**12)["seq"]
    client.control("POST", "cron")
    found = [_seen(client, number) for number in made.values()]
    wanted = [{"created_via": row["created_via"], "status": row["status"]} for row in recorded["result"]]
    yield outcome("14", "unpaid for 2 hours: API and block checkout", recorded={"result": wanted}, found={"result": found})
    events = client.control("GET", "truth", since=mark)["events"]
    told = recorded["created_via_checkout"]
    wanted_now = {
        "result": [{"created_via": row["created_via"], "status": row["status"]} for row in told["result"]],
        "transitions": [(row["from"], row["to"]) for row in told["side_effects"]["transitions"]],
        "mails": len(told["side_effects"].get("mail", [])),
        "notes": told["notes"][:1],
    }
    found_now = {
        "result": [_seen(client, classic)],
        "transitions": [(row["from"], row["to"]) for row in events["transitions"]],
        "mails": len(events["mails"]),
        "notes": [row["note"] for row in events["notes"] if row["order_id"] == classic],
    }
    yield outcome("14", "unpaid for 2 hours: classic checkout", recorded=wanted_now, found=found_now)


def _seen(client: Client, number: int) -> dict[str, str]:
    order = send(client, "GET", f"/{number}")
    return {"created_via": order["created_via"], "status": order["status"]}
