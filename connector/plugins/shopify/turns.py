"""One thing done to several parts of an order: one effect after another, so that a cut between them repeats none of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connector import Context, Refused

MOST = 9

Todo = dict[str, Any]
"""What the next effect is to do, as JSON without personal data: kept as its image from before. `nothing`: there is nothing
(left) to do; `more`: something will be left after it."""


def kinds(kind: str) -> tuple[str, ...]:
    """The kinds of the effects that may follow one another."""
    return (kind, *(f"{kind}.{number}" for number in range(2, MOST + 1)))


def in_turn(
    ctx: Context,
    kind: str,
    asked: Mapping[str, Any],
    following: Callable[[list[str]], Todo],
    send: Callable[[Todo], str],
) -> list[str]:
    """Do what `following` says until nothing is left, and return the ids of what was done.

    Args:
        asked: the same for each of them. following: looks at the shop and says what is next, given the ids of what was done.
        send: does it, and returns the id of what came of it.

    What is there already goes through the ledger, too: an earlier call whose answer was lost would else stay unknown for ever.
    """
    done: list[str] = []
    for name in kinds(kind):
        answer = _one(ctx, name, asked, lambda: following(list(done)), send)
        if answer.get("id"):
            done.append(str(answer["id"]))
        if not answer.get("more"):
            return done
    text = f"Shopify keeps this order in more than {MOST} parts; see to the rest of them in Shopify."
    raise Refused(text, account=ctx.account.name, operation=kind)


def _one(
    ctx: Context, kind: str, asked: Mapping[str, Any], following: Callable[[], Todo], send: Callable[[Todo], str]
) -> dict[str, Any]:
    todo: list[Todo] = []

    def before() -> Todo:
        todo.append(following())
        return todo[-1]

    def go(key: str) -> dict[str, Any]:
        if todo[-1].get("nothing"):
            return {"id": todo[-1].get("id", ""), "more": False}
        return {"id": send(todo[-1]), "more": todo[-1].get("more", False)}

    answer = ctx.effect(kind, dict(asked), go, before=before)
    return answer if isinstance(answer, dict) else {}


def happened(before: Mapping[str, Any], done_id: str) -> dict[str, Any]:
    """The answer that was lost, for a finder."""
    return {"id": done_id, "more": before.get("more", False)}
