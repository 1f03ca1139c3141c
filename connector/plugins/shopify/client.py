"""Asking the shop in GraphQL through `ctx.http`, and its answers as our errors.

Each operation is a file in operations/, named as the operation. https://shopify.dev/docs/api/admin-graphql (2026-07).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connector import ConfigError, Context

from . import access, answers, costs, versions
from .config import config

if TYPE_CHECKING:
    from requests import Response

OPERATIONS = Path(__file__).with_name("operations")
SPREAD = re.compile(r"\.\.\.\s*([A-Z]\w*)")
FRAGMENT = re.compile(r"fragment\s+(\w+)\s+on\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the shop answered: the `data`, and headers such as Date and the API version."""

    data: dict[str, Any]
    headers: Mapping[str, str]


@cache
def text_of(operation: str) -> str:
    """operations/<operation>.graphql, with the fragments that it uses: each is a file of its own, named like it."""
    text = _file(operation)
    names, seen = SPREAD.findall(text), set(FRAGMENT.findall(text))
    while names:
        name = names.pop()
        if name not in seen:
            seen.add(name)
            text = f"{text}\n{_file(name)}"
            names += SPREAD.findall(_file(name))
    return text


def _file(name: str) -> str:
    return (OPERATIONS / f"{name}.graphql").read_text("utf-8")


def query(ctx: Context, operation: str, variables: Mapping[str, Any], doing: str) -> dict[str, Any]:
    """Ask, and return the answer's `data`, which is complete: an answer with errors in it is one of the errors below.

    Args:
        operation: operations/<operation>.graphql. doing: in words, what for.

    Raises:
        TryLater: the shop is not answering properly now, or the account's points are used up. Refused: it said no (`code` is
            its own; RESOURCE_NOT_FOUND where the thing is not there). ConfigError: shop, token or scopes are wrong.
    """
    return ask(ctx, operation, variables, doing).data


def ask(ctx: Context, operation: str, variables: Mapping[str, Any], doing: str) -> Answer:
    """`query` with the answer's headers."""
    used, points = access.token(ctx), costs.points(ctx, operation)
    response = _post(ctx, operation, variables, used, reads=True, points=points)
    if response.status_code == 401:
        response = _post(ctx, operation, variables, access.renew(ctx, used), reads=True, points=points)
    about = answers.About(account=ctx.account.name, shop=config(ctx).shop, site=config(ctx).site, doing=doing)
    said = answers.read(response, about)
    costs.learn(ctx, operation, said)
    return Answer(data=answers.data(said, about), headers=response.headers)


def mutate(ctx: Context, operation: str, variables: Mapping[str, Any], doing: str, *, key: str = "") -> dict[str, Any]:
    """Change something; only inside `ctx.effect`, once. The operation has one mutation field, and its payload is returned.

    Args:
        key: fills the variable `$key` of `@idempotent(key: $key)`.

    Raises:
        Refused: Shopify said no, in its own words (`code` is its own). TryLater: surely nothing happened. OutcomeUnknown: it
            may have happened. ConfigError: nothing happened; shop, token or scopes are wrong.
    """
    used = access.token(ctx)
    response = _post(ctx, operation, {**variables, "key": key} if key else variables, used, reads=False)
    about = answers.About(account=ctx.account.name, shop=config(ctx).shop, site=config(ctx).site, doing=doing)
    if response.status_code == 401:
        access.renew(ctx, used)  # the next try finds it: one effect is one write
        raise answers.again(about, "the access token had run out; there is a new one now.", after_s=1)
    said = answers.read_written(response, about)
    costs.learn(ctx, operation, said)
    return answers.payload(said, about)


def _post(
    ctx: Context, operation: str, variables: Mapping[str, Any], token: str, *, reads: bool, points: float = 1
) -> Response:
    """Of a write, the effect's rule says how many points it takes: they are taken before it is written down as sent."""
    body = {"query": text_of(operation), "variables": dict(variables), "operationName": operation}
    return ctx.http.post(
        versions.endpoint(config(ctx).site),
        # A customer's emoji cut in half is no UTF-8; it becomes a question mark rather than a crash.
        data=json.dumps(body, ensure_ascii=False).encode(errors="replace"),
        headers={"X-Shopify-Access-Token": token, "Content-Type": "application/json", "Accept": "application/json"},
        allow_redirects=False,  # a redirected POST would arrive as a GET
        reads=reads,
        points=points,
    )


def download(ctx: Context, url: str, *, start: int, length: int) -> Response:
    """So many bytes of a file of Shopify's (a bulk operation's result), which carries its own signature and no token."""
    if not url.startswith(("https://", config(ctx).site)):
        raise ConfigError(f"account {ctx.account.name}: the address of a file is not https: {url:.80}")
    # Packed, the bytes that we count would not be those that we ask for.
    return ctx.http.get(url, headers={"Range": f"bytes={start}-{start + length - 1}", "Accept-Encoding": "identity"})
