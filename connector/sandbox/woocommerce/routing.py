"""What a route handler gets and gives, and how its answer is dressed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.sandbox.woocommerce.rest import Answer, Request
from connector.sandbox.woocommerce.store import Store
from connector.sandbox.woocommerce.things import Webhook

Ping = Callable[[Webhook], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One matched request. `ids`: numbers from the path, `words`: names; `given`: query and body parameters together."""

    store: Store
    request: Request
    ids: Mapping[str, int]
    given: Mapping[str, Any]
    ping: Ping
    words: Mapping[str, str] = field(default_factory=dict)

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
    """`actions`: method -> handler. `unlocked`: the handler takes the store's lock itself, because it waits.

    `path` holds numbers as `<order>` and texts of 32 hexadecimal digits as `<tracking:hex>`. `feature`: the switches,
    one of which must be on, or the route does not exist. `arguments`: what OPTIONS tells, by method; `allowed`: the
    methods of a real store, where it has more than are simulated.
    """

    path: str
    actions: Mapping[str, Handler]
    kind: str = "item"
    unlocked: frozenset[str] = field(default_factory=frozenset)
    space: str = "wc/v3"
    feature: frozenset[str] = field(default_factory=frozenset)
    arguments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    allowed: tuple[str, ...] = ()

    @property
    def pattern(self) -> re.Pattern[str]:
        path = re.sub(r"<(\w+)>", r"(?P<\1>\\d+)", self.path)
        return re.compile(f"/wp-json/{self.space}" + re.sub(r"<(\w+):hex>", r"(?P<\1>[0-9a-f]{32})", path))

    @property
    def shown(self) -> str:
        """The path as the index tells it: the number at the end is `id`, others are named after their thing."""
        path = self.path
        if self.kind != "fulfillment":
            path = re.sub(r"<\w+>$", r"(?P<id>[\\d]+)", path)
        path = re.sub(r"(?<!P)<(\w+)>", r"(?P<\1_id>[\\d]+)", path)
        return f"/{self.space}" + re.sub(r"<\w+:hex>$", r"(?P<id>[a-fA-F0-9]{0,32})", path)

    @property
    def endpoints(self) -> list[dict[str, Any]]:
        """Methods with their arguments; the methods of one handler together."""
        handlers = dict.fromkeys(self.actions.values())
        groups = [[method for method, one in self.actions.items() if one is handler] for handler in handlers]
        return [{"methods": group, "args": dict(self.arguments.get(group[0], {}))} for group in groups]

    @property
    def allow(self) -> str:
        known = self.allowed or self.actions
        return ", ".join(method for method in ("GET", "POST", "PUT", "PATCH", "DELETE") if method in known)

    def is_on(self, features: frozenset[str]) -> bool:
        return not self.feature or bool(self.feature & features)


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
