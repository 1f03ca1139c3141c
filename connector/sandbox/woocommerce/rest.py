"""Requests and answers of the WordPress REST API, and its errors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from connector.sandbox.woocommerce.things import ApiKey


class RestError(Exception):
    """A WP_Error: JSON `{code, message, data}` with that HTTP status. `data` defaults to `{"status": status}`."""

    def __init__(
        self, status: int, code: str | int, message: str, *, data: Any = None, extra: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.data = {"status": status, **(extra or {})} if data is None else data

    def body(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "data": self.data}


@dataclass(slots=True, kw_only=True)
class Request:
    """One HTTP request. `path` without query; `query` last-wins as in PHP; header names in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""
    key: ApiKey | None = None

    @property
    def https(self) -> bool:
        """What WordPress believes: a proxy header is taken for https, as on the recorded server."""
        return self.headers.get("x-forwarded-proto", "").lower() == "https"


@dataclass(slots=True, kw_only=True)
class Answer:
    """`body` is anything JSON can hold; `raw` replaces it (HTML pages, raw bytes)."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
