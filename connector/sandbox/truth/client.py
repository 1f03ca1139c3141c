"""Talks to a sandbox over real HTTP: as the `woocommerce` package does, with Basic, and to the control API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from woocommerce import API

API_PREFIX = "/wp-json/"
BY_PACKAGE = frozenset({"GET", "POST", "PUT", "DELETE", "OPTIONS"})


class Client:
    """One sandbox. `about` is what the sandbox says of itself: addresses and keys."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.host = urlsplit(url).netloc
        self.session = requests.Session()
        self.session.trust_env = False
        self.about: Mapping[str, Any] = self.control("GET", "")

    def close(self) -> None:
        self.session.close()

    def control(self, method: str, path: str, body: Mapping[str, Any] | None = None, **query: Any) -> Any:
        """Call the control API; raises ValueError with its text when it refuses."""
        answer = self.session.request(method, f"{self.url}/_sandbox/{path}", json=body, params=query, timeout=30)
        if answer.status_code != 200:
            raise ValueError(answer.text)
        return answer.json()

    def key(self, name: str) -> tuple[str, str]:
        key = self.about["keys"][name]
        return key["key"], key["secret"]

    def call(self, request: Mapping[str, Any]) -> requests.Response:
        """Send a recorded request: signed with OAuth when it names a key, with Basic or without a key otherwise."""
        split = urlsplit(request["path"])
        if request.get("key") and request["method"] in BY_PACKAGE and split.path.startswith(API_PREFIX):
            return self._by_package(request)
        return self._plain(request)

    def _by_package(self, request: Mapping[str, Any]) -> requests.Response:
        space, _, endpoint = request["path"].removeprefix(API_PREFIX).partition("/")
        version, _, endpoint = endpoint.partition("/")
        key, secret = self.key(request["key"])
        api = API(self.url, key, secret, version=f"{space}/{version}", timeout=30)
        send = getattr(api, request["method"].lower())
        params = dict(request.get("query") or {})
        if request["method"] in {"GET", "DELETE", "OPTIONS"}:
            answer = send(endpoint, params=params)
        else:
            answer = send(endpoint, request.get("body") or {}, params=params)
        assert isinstance(answer, requests.Response)
        return answer

    def _plain(self, request: Mapping[str, Any]) -> requests.Response:
        body, headers = request.get("body"), dict(request.get("headers") or {})
        auth = self.key("rw") if request.get("auth") == "Basic" else None
        return self.session.request(
            request["method"],
            self.url + request["path"],
            params=request.get("query") or None,
            data=body.encode() if isinstance(body, str) else body,
            headers=headers,
            auth=request.get("credentials") or auth,
            timeout=30,
        )


def body_of(answer: requests.Response) -> Any:
    """The JSON of an answer, or `{"__raw__": text}` as the recordings have it."""
    try:
        return json.loads(answer.text)
    except ValueError:
        return {"__raw__": answer.text}
