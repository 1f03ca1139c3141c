"""Recorded requests that cannot be sent as they stand: abbreviated bodies, and signatures made wrong on purpose."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import requests
from woocommerce.oauth import OAuth

from connector.sandbox.truth.client import Client

ORDERS = "/wp-json/wc/v3/orders"
HTTPS = {"X-Forwarded-Proto": "https"}


def in_full(value: Any) -> Any:
    """`x * 20000` and `101 x {…}` stand for long values in the recordings."""
    if isinstance(value, dict):
        return {key: in_full(one) for key, one in value.items()}
    if isinstance(value, list):
        return [in_full(one) for one in value]
    if value == "x * 20000":
        return "x" * 20000
    many = re.fullmatch(r"(\d+) x (\{.*\})", value) if isinstance(value, str) else None
    return [json.loads(many[2])] * int(many[1]) if many else value


def signed(client: Client, key: str, secret: str, *, moment: int) -> requests.Response:
    """GET /orders, signed as the `woocommerce` package signs, at that Unix time."""
    url = client.url + ORDERS
    signed_url = OAuth(
        url=url, consumer_key=key, consumer_secret=secret, version="wc/v3", method="GET", oauth_timestamp=moment
    ).get_oauth_url()
    return client.session.get(signed_url, timeout=30)


def bad_oauth_secret(client: Client) -> requests.Response:
    return signed(client, client.key("rw")[0], "cs_wrong", moment=int(time.time()))


def bad_oauth_key(client: Client) -> requests.Response:
    return signed(client, "ck_nobody", "cs_nothing", moment=int(time.time()))


def clock_behind(client: Client) -> requests.Response:
    return signed(client, *client.key("rw"), moment=int(time.time()) - 16 * 60)


def replayed(client: Client) -> requests.Response:
    """The very same signed address twice; the second answer counts."""
    first = signed(client, *client.key("rw"), moment=int(time.time()))
    return client.session.get(first.url, timeout=30)


def bad_basic_key(client: Client) -> requests.Response:
    return client.session.get(client.url + ORDERS, auth=("ck_nobody", "cs_nothing"), headers=HTTPS, timeout=30)


def bad_basic_secret(client: Client) -> requests.Response:
    return client.session.get(client.url + ORDERS, auth=(client.key("rw")[0], "cs_wrong"), headers=HTTPS, timeout=30)


SPECIALS: Mapping[str, Callable[[Client], requests.Response]] = {
    "OAuth 1.0a with a bad secret": bad_oauth_secret,
    "OAuth 1.0a with a bad key": bad_oauth_key,
    "OAuth 1.0a: clock 16 minutes behind": clock_behind,
    "OAuth 1.0a: the same signed URL sent a second time (nonce replay)": replayed,
    "bad consumer key over https": bad_basic_key,
    "bad secret over https": bad_basic_secret,
}
