"""The way of a request through WordPress: who asks, which route, which parameters, may they, and then the route."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from connector.sandbox.woocommerce import email_settings, fulfillment_routes, keys, order_routes, other_routes, site, tracking
from connector.sandbox.woocommerce.rest import Answer, Request, RestError
from connector.sandbox.woocommerce.routing import Call, Ping, Route, only_fields
from connector.sandbox.woocommerce.store import Store

ROUTES = (
    *order_routes.ROUTES,
    *fulfillment_routes.ROUTES,
    *tracking.ROUTES,
    *other_routes.ROUTES,
    *email_settings.ROUTES,
)
PATTERNS = tuple((route.pattern, route) for route in ROUTES)
FRONT_PAGE = b"<!DOCTYPE html><html><head><title>Shop</title></head><body><h1>Shop</h1></body></html>"
REFUSALS = {
    "GET": ("woocommerce_rest_cannot_view", "Sorry, you cannot view this resource."),
    "POST": ("woocommerce_rest_cannot_edit", "Sorry, you are not allowed to edit this resource."),
    "DELETE": ("woocommerce_rest_cannot_delete", "Sorry, you are not allowed to delete this resource."),
}
LIST_REFUSALS = {
    "GET": ("woocommerce_rest_cannot_view", "Sorry, you cannot list resources."),
    "POST": ("woocommerce_rest_cannot_create", "Sorry, you are not allowed to create resources."),
}
FULFILLMENT_REFUSALS = {
    "GET": ("woocommerce_rest_cannot_view", "Sorry, you cannot view resources."),
    "POST": ("woocommerce_rest_cannot_create", "Sorry, you cannot create resources."),
    "DELETE": ("woocommerce_rest_cannot_delete", "Sorry, you cannot delete resources."),
}
BATCH_REFUSAL = ("woocommerce_rest_cannot_batch", "Sorry, you are not allowed to batch manipulate this resource.")


def answer(store: Store, request: Request, ping: Ping) -> Answer:
    """Answer one request of the store (not of the control API). `ping` is called without the store's lock."""
    if not request.path.startswith("/wp-json"):
        return _front_page(store, request)
    request.method = request.headers.get("x-http-method-override", request.method).upper()
    reply = _rest(store, request, ping)
    reply.headers = {**_common_headers(store, request), **reply.headers}
    if reply.status < 400 and request.query.get("_fields"):
        alone = isinstance(reply.body, dict) and "_links" in reply.body  # one thing keeps its links, list rows do not
        reply.body = only_fields(reply.body, request.query["_fields"] + (",_links" if alone else ""))
    return reply


def _front_page(store: Store, request: Request) -> Answer:
    """A visitor's page; with plain permalinks (`?rest_route=`) nobody is ever logged in by a key."""
    if request.query.get("rest_route"):
        error = RestError(401, *LIST_REFUSALS["GET"])
        return Answer(status=401, body=error.body(), headers=_common_headers(store, request))
    return Answer(raw=FRONT_PAGE, headers={"Content-Type": "text/html; charset=UTF-8"})


def _common_headers(store: Store, request: Request) -> dict[str, str]:
    home = store.url("/wp-json/")
    home = home.replace("http://", "https://", 1) if request.https else home
    headers = {
        "Content-Type": "application/json; charset=UTF-8",
        "X-Robots-Tag": "noindex",
        "Link": f'<{home}>; rel="https://api.w.org/"',
        "Access-Control-Expose-Headers": "X-WP-Total, X-WP-TotalPages, Link",
    }
    if request.key is not None:
        headers["Cache-Control"] = "no-cache, must-revalidate, max-age=0, no-store, private"
    return headers


def _rest(store: Store, request: Request, ping: Ping) -> Answer:
    allow: dict[str, str] = {}
    try:
        with store.lock:
            request.key = keys.authenticate(store, request)
        keys.check_permission(request)
        route, words = _match(store, request)
        if route is None:
            return _index(store, request)
        allow = {"Allow": route.allow}
        given = _parameters(request)
        _check_role(route, request)
        ids = {name: int(word) for name, word in words.items() if word.isdigit()}
        reply = _run(route, Call(store=store, request=request, ids=ids, given=given, ping=ping, words=words))
    except RestError as error:
        crashed = error.code == "internal_server_error"
        return Answer(status=error.status, body=error.body(), headers={} if crashed else allow)
    reply.headers = {**allow, **reply.headers}
    return reply


def _run(route: Route, call: Call) -> Answer:
    method = "GET" if call.request.method == "HEAD" else call.request.method
    if method == "OPTIONS":
        return Answer(body={"namespace": route.space, "methods": list(route.actions), "endpoints": route.endpoints})
    lock = contextlib.nullcontext() if method in route.unlocked else call.store.lock
    with lock:
        return route.actions[method](call)


def _match(store: Store, request: Request) -> tuple[Route | None, dict[str, str]]:
    path = request.path.rstrip("/")
    if path in {"/wp-json", *(f"/wp-json/{space}" for space in _spaces(store))}:
        return None, {}
    method = "GET" if request.method == "HEAD" else request.method
    for pattern, route in PATTERNS:
        found = pattern.fullmatch(path)
        if found and (method in route.actions or method == "OPTIONS") and route.is_on(store.settings.features):
            return route, found.groupdict()
    raise RestError(404, "rest_no_route", "No route was found matching the URL and request method.")


def _spaces(store: Store) -> list[str]:
    return list(dict.fromkeys(route.space for route in ROUTES if route.is_on(store.settings.features)))


def _index(store: Store, request: Request) -> Answer:
    """Of the site, or of one name space: what is switched on, with the methods, as clients discover it."""
    own = request.path.removeprefix("/wp-json").strip("/")
    there = [route for route in ROUTES if route.is_on(store.settings.features) and own in ("", route.space)]
    routes = {
        route.shown: {"namespace": route.space, "methods": list(route.actions), "endpoints": route.endpoints} for route in there
    }
    if own:
        itself = {f"/{own}": {"namespace": own, "methods": ["GET"], "endpoints": [{"methods": ["GET"], "args": {}}]}}
        return Answer(body={"namespace": own, "routes": {**itself, **routes}})
    return Answer(body=site.index(store, spaces=_spaces(store), routes=routes))


def _parameters(request: Request) -> Mapping[str, Any]:
    """JSON is only read with a JSON content type (else ignored silently), a form only with its own."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    given: dict[str, Any] = dict(request.query)
    if kind == "application/json" and request.body:
        given.update(_json_object(request.body))
    elif kind == "application/x-www-form-urlencoded":
        given.update(parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True))
    return given


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        extra = {"json_error_code": 4, "json_error_message": "Syntax error"}
        raise RestError(400, "rest_invalid_json", "Invalid JSON body passed.", extra=extra) from None
    return value if isinstance(value, dict) else {}


def _check_role(route: Route, request: Request) -> None:
    """Shop managers and administrators may do everything here, customers nothing, nobody less."""
    if request.method == "OPTIONS" or (request.key is not None and request.key.role != "customer"):
        return
    method = {"HEAD": "GET", "PUT": "POST", "PATCH": "POST"}.get(request.method, request.method)
    texts = {"list": LIST_REFUSALS, "fulfillment": FULFILLMENT_REFUSALS}.get(route.kind, REFUSALS)
    code, text = BATCH_REFUSAL if route.kind == "batch" else texts[method]
    raise RestError(403 if request.key else 401, code, text)
