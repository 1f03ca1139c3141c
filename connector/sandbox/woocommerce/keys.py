"""Who is asking: OAuth 1.0a over plain http, Basic (or keys in the query string) only when WordPress sees https."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from urllib.parse import quote, unquote

from connector.sandbox.woocommerce.rest import Request, RestError
from connector.sandbox.woocommerce.store import Store
from connector.sandbox.woocommerce.things import ApiKey

CLOCK_LIMIT_S = 15 * 60
OAUTH_FIELDS = ("consumer_key", "timestamp", "nonce", "signature", "signature_method")
READS = frozenset({"GET", "HEAD"})
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def refusal(text: str) -> RestError:
    return RestError(401, "woocommerce_rest_authentication_error", text)


def authenticate(store: Store, request: Request) -> ApiKey | None:
    """The key of a request, None for nobody. Raises RestError 401 in WooCommerce's words."""
    if request.https:
        found = _basic(store, request)
        if found is not None:
            return found
    return _oauth(store, request)


def check_permission(request: Request) -> None:
    """A read key cannot write, a write key cannot read; what the user may do is checked elsewhere."""
    if request.key is None or request.key.permissions == "read_write":
        return
    if request.method in READS and request.key.permissions != "read":
        raise refusal("The API key provided does not have read permissions.")
    if request.method in WRITES and request.key.permissions != "write":
        raise refusal("The API key provided does not have write permissions.")


def _basic(store: Store, request: Request) -> ApiKey | None:
    """An unknown consumer key counts as nobody; only a wrong secret is told."""
    name, secret = request.query.get("consumer_key", ""), request.query.get("consumer_secret", "")
    if not name:
        name, secret = _basic_header(request)
    key = store.keys.get(name)
    if key is None:
        return None
    if not hmac.compare_digest(key.secret, secret):
        raise refusal("Consumer secret is invalid.")
    return key


def _basic_header(request: Request) -> tuple[str, str]:
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret


def _oauth(store: Store, request: Request) -> ApiKey | None:
    given = [name for name in OAUTH_FIELDS if request.query.get(f"oauth_{name}")]
    if not given:
        return None
    missing = [f"oauth_{name}" for name in OAUTH_FIELDS if name not in given]
    if missing:
        raise refusal(f"Missing OAuth parameters {', '.join(missing)}")
    key = store.keys.get(request.query["oauth_consumer_key"])
    if key is None:
        raise refusal("Consumer key is invalid.")
    _check_signature(store, request, key)
    _check_clock_and_nonce(store, request, key)
    return key


def _check_signature(store: Store, request: Request, key: ApiKey) -> None:
    method = request.query["oauth_signature_method"]
    if method not in {"HMAC-SHA1", "HMAC-SHA256"}:
        raise refusal("Invalid signature - signature method is invalid.")
    digest = hashlib.sha256 if method == "HMAC-SHA256" else hashlib.sha1
    made = hmac.new(f"{key.secret}&".encode(), base_string(store, request).encode(), digest).digest()
    given = unquote(request.query["oauth_signature"].replace(" ", "+"))
    if not hmac.compare_digest(base64.b64encode(made).decode(), given):
        raise refusal("Invalid signature - provided signature does not match.")


def base_string(store: Store, request: Request) -> str:
    """What is signed: method, the store's own address of the path, and the sorted query, percent-encoded twice."""
    home = quote(store.url(request.path), safe="")
    fields = sorted((name, value) for name, value in request.query.items() if name != "oauth_signature")
    pairs = (f"{_encode(name)}={_encode(value)}" for name, value in fields)
    return f"{request.method}&{home}&" + "%26".join(quote(pair, safe="") for pair in pairs)


def _encode(text: str) -> str:
    return quote(unquote(text), safe="-._~")


def _check_clock_and_nonce(store: Store, request: Request, key: ApiKey) -> None:
    """Real time, not the store's: a frozen sandbox still checks clocks."""
    stamp = request.query["oauth_timestamp"]
    if not stamp.isdigit() or abs(time.time() - int(stamp)) > CLOCK_LIMIT_S:
        raise refusal("Invalid timestamp.")
    used = (key.key, stamp, request.query["oauth_nonce"])
    if used in store.nonces:
        raise refusal("Invalid nonce - nonce has already been used.")
    store.nonces.add(used)
