"""A person's command: put into the order's inbox once, on the version it was decided on, and looked up afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from ..errors import Conflict
from ..model.codec import from_json
from .orders import Orders, check_version
from .rows import OrderRow
from .tables import inbox

TOO_SOON = timedelta(minutes=10)
"""A second equal command that moves money, parcels or mail within this time is more likely a mistake than meant."""
ASKED_TWICE = {"refund": "refund", "ship": "label", "cancel": "cancellation", "resend": "message"}
# Who asks, and why, does not make it another refund.
_BESIDES = ("who", "reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A command in the inbox. `applied_at` is None until the order's holder took it up, `refused` says why it did not."""

    at: datetime
    body: dict[str, Any]
    applied_at: datetime | None = None
    refused: str = ""


def give(
    connection: Connection,
    orders: Orders,
    order: OrderRow,
    *,
    account_name: str,
    body: dict[str, Any],
    request_id: str,
    now: datetime,
    version: int | None = None,
    again: bool = False,
) -> bool:
    """Put a command into an order's inbox, in the caller's transaction. False: this request was there already.

    Args:
        body: `do`, `who` and what the command needs. version: which the person looked at (None: any).
        again: a second one that equals an earlier one is meant.

    Raises:
        Conflict: another command has this request id, the order has changed, or the same was asked for a moment ago.
    """
    earlier = given(connection, order.id, request_id)
    if earlier is not None:
        _check_same(order, request_id, earlier.body, body)
        return False
    if version is not None:
        check_version(connection, order.id, version)
    if not again and body["do"] in ASKED_TWICE:
        _check_not_twice(connection, order, body, now)
    orders.tell(
        connection,
        account_id=order.account_id,
        account_name=account_name,
        platform_id=order.platform_id,
        kind="command",
        body=body,
        now=now,
        request_id=request_id,
    )
    return True


def given(connection: Connection, order_id: int, request_id: str) -> Given | None:
    """What became of a request so far; None if it was never made for this order."""
    query = select(inbox).where(inbox.c.order_id == order_id, inbox.c.request_id == request_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return Given(at=row.at, body=from_json(row.body, dict[str, Any]), applied_at=row.applied_at, refused=row.outcome)


def _check_same(order: OrderRow, request_id: str, earlier: dict[str, Any], body: dict[str, Any]) -> None:
    if _what(earlier) != _what(body):
        raise Conflict(
            f"{order.ref}: the request {request_id} was made before for something else ({earlier['do']}); "
            "use a new one (leave --request out)"
        )


def _check_not_twice(connection: Connection, order: OrderRow, body: dict[str, Any], now: datetime) -> None:
    """What was refused does not count: it may be asked for again once its reason is gone."""
    recent = (
        select(inbox.c.body, inbox.c.at, inbox.c.request_id)
        .where(inbox.c.order_id == order.id, inbox.c.kind == "command", inbox.c.at > now - TOO_SOON, inbox.c.outcome == "")
        .order_by(inbox.c.id.desc())
    )
    for row in connection.execute(recent):
        if _what(from_json(row.body, dict[str, Any])) == _what(body):
            seconds = max(0, int((now - row.at).total_seconds()))
            ago = f"{seconds // 60} min" if seconds >= 60 else f"{seconds} s"
            raise Conflict(
                f"{order.ref}: the same {ASKED_TWICE[body['do']]} was asked for {ago} ago "
                f"(request {row.request_id}). If a second one is meant, say --again"
            )


def _what(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in _BESIDES}
