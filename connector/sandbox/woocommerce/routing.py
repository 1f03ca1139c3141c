"""What a route handler gets and gives, and how its answer is dressed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.sandbox.woocommerce.forms import API
from connector.sandbox.woocommerce.rest import Answer, Request
from connector.sandbox.woocommerce.store import Store
from connector.sandbox.woocommerce.things import Webhook

Ping = Callable[[Webhook], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One matched request. `ids`: numbers from the path; `given`: query and body parameters together."""

    store: Store
    request: Request
    ids: Mapping[str, int]
    given: Mapping[str, Any]
    ping: Ping

    @property
    def user_id(self) -> int:
        return self.request.key.user_id if self.request.key else 0

    def places(self) -> int:
        """The parameter `dp`: decimals of amounts."""
        text = str(self.given.get("dp", 2))
        return int(text) if text.isdigit() else 2


Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """`actions`: method -> handler. `unlocked`: the handler takes the store's lock itself, because it waits."""

    path: str
    actions: Mapping[str, Handler]
    kind: str = "item"
    unlocked: frozenset[str] = field(default_factory=frozenset)

    @property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(API + re.sub(r"<(\w+)>", r"(?P<\1>\\d+)", self.path))

    @property
    def allow(self) -> str:
        return ", ".join(method for method in ("GET", "POST", "PUT", "PATCH", "DELETE") if method in self.actions)


def updates(handler: Handler) -> dict[str, Handler]:
    """POST and PATCH on an existing thing work like PUT."""
    return {"POST": handler, "PUT": handler, "PATCH": handler}


def only_fields(body: Any, wanted: str) -> Any:
    """`_fields`: the named members only, `a.b` for an inner one."""
    if isinstance(body, list):
        return [only_fields(one, wanted) for one in body]
    if not isinstance(body, dict):
        return body
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    chosen: dict[str, Any] = {}
    for key, value in body.items():
        inner = [name.removeprefix(f"{key}.") for name in names if name.startswith(f"{key}.")]
        if key in names:
            chosen[key] = value
        elif inner:
            chosen[key] = only_fields(value, ",".join(inner))
    return chosen
