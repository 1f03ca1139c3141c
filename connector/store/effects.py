"""The rows of the effects ledger. Every change of state is conditional on state and attempt; what it means is in outbound."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, literal_column, select, type_coerce, update

from ..model.codec import from_json, to_json
from ..model.events import Effect, EffectState
from .statements import Statement
from .tables import Utc, db_now, effects


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectRow:
    """One row: an attempt at one effect. `now` is the database's clock when it was read."""

    key: str
    base: str
    scope: str
    order_id: int | None
    account_id: str
    kind: str
    request_id: str
    attempt: int
    state: EffectState
    hash: str
    request: Any
    before: Any
    answer: Any
    said: str
    platform_id: str
    sent_at: datetime | None
    first_sent_at: datetime | None
    now: datetime

    def as_effect(self) -> Effect:
        return Effect(
            key=self.key,
            kind=self.kind,
            request_id=self.request_id,
            attempt=self.attempt,
            state=self.state,
            request=self.request,
            before=self.before,
            platform_id=self.platform_id,
            sent_at=self.sent_at,
        )


def latest(connection: Connection, base: str) -> EffectRow | None:
    """The newest attempt of an effect, but before all the one that is done; None if it was never planned."""
    row = _LATEST.first(connection, {"b_base": base})
    return None if row is None else _row(row)


def by_key(connection: Connection, key: str) -> EffectRow | None:
    row = _BY_KEY.first(connection, {"b_key": key})
    return None if row is None else _row(row)


def unsettled(connection: Connection, scope: str) -> list[EffectRow]:
    """Effects of one order (or account) that were sent and whose outcome is not known."""
    return [_row(row) for row in _UNSETTLED.all(connection, {"b_scope": scope})]


def insert(
    connection: Connection,
    *,
    base: str,
    attempt: int,
    scope: str,
    order_id: int | None,
    account_id: str,
    platform_id: str,
    kind: str,
    request_id: str,
    digest: str,
    request: Any,
    before: Any,
    state: EffectState,
    lease_token: str,
    now: datetime,
) -> None:
    """A new attempt. SENT at once where nothing lies between planning and sending."""
    row = {
        "key": f"{base}/{attempt}",
        "base": base,
        "scope": scope,
        "order_id": order_id,
        "account_id": account_id,
        "platform_id": platform_id,
        "kind": kind,
        "request_id": request_id,
        "attempt": attempt,
        "state": state,
        "hash": digest,
        "request": to_json(request).decode(),
        "before": None if before is None else to_json(before).decode(),
        "planned_at": now,
        "lease_token": lease_token,
    }
    (_INSERT_SENT if state is EffectState.SENT else _INSERT_PLANNED).add(connection, [row])


def send(connection: Connection, row: EffectRow, *, before: Any, lease_token: str) -> bool:
    """PLANNED (or, for the same key again, SENT and UNKNOWN) to SENT, if nobody changed it since it was read."""
    values: dict[str, Any] = {"state": EffectState.SENT, "sent_at": db_now(), "lease_token": lease_token}
    if row.first_sent_at is None:
        values["first_sent_at"] = db_now()
    if before is not None:
        values["before"] = to_json(before).decode()
    unchanged = (effects.c.key == row.key, effects.c.state.in_([row.state, EffectState.UNKNOWN]), _same_time(row.sent_at))
    return connection.execute(update(effects).where(*unchanged).values(**values)).rowcount == 1


def settle(connection: Connection, key: str, state: EffectState, *, answer: Any = None, said: str = "") -> bool:
    """Write an outcome. A late answer to an UNKNOWN effect is welcome; DONE and REFUSED never change again."""
    settled = _NOBODY_KNOWS if state is EffectState.UNKNOWN else _SETTLE
    answered = None if answer is None else to_json(answer).decode()
    return settled.change(connection, {"b_key": key, "b_state": state, "b_answer": answered, "b_said": said}) == 1


def back_to_planned(connection: Connection, key: str, *, lease_token: str) -> bool:
    """SENT by this holder, and surely nothing was written to the wire: as if it had not been tried."""
    changed = connection.execute(
        update(effects)
        .where(effects.c.key == key, effects.c.state == EffectState.SENT, effects.c.lease_token == lease_token)
        .values(state=EffectState.PLANNED, sent_at=None, first_sent_at=None)
    )
    return changed.rowcount == 1


def resolve(connection: Connection, scope: str, request_id: str, *, happened: bool, who: str, now: datetime) -> None:
    """A person found out. What did not happen may be sent again, as a new attempt."""
    for row in unsettled(connection, scope):
        if row.request_id != request_id:
            continue
        if happened:
            settle(connection, row.key, EffectState.DONE, said=f"it happened, says {who}")
            continue
        if not settle(connection, row.key, EffectState.REFUSED, said=f"it did not happen, says {who}"):
            continue  # the vendor's answer came first
        insert(
            connection,
            base=row.base,
            attempt=row.attempt + 1,
            scope=scope,
            order_id=row.order_id,
            account_id=row.account_id,
            platform_id=row.platform_id,
            kind=row.kind,
            request_id=row.request_id,
            digest=row.hash,
            request=row.request,
            before=None,
            state=EffectState.PLANNED,
            lease_token="",
            now=now,
        )


def late_yes(connection: Connection, key: str, answer: Any) -> None:
    """The vendor's yes to what was settled as refused: it did happen, so it is never sent again, whatever else was planned."""
    said = effects.c.said + ", and then the vendor's yes came"
    answered = None if answer is None else to_json(answer).decode()
    refused = (effects.c.key == key, effects.c.state == EffectState.REFUSED)
    connection.execute(update(effects).where(*refused).values(state=EffectState.DONE, answer=answered, said=said))


_ROW = select(effects, type_coerce(db_now(), Utc).label("now"))
_LATEST = Statement(
    _ROW.where(effects.c.base == bindparam("b_base"))
    .order_by((effects.c.state == EffectState.DONE).desc(), effects.c.attempt.desc())
    .limit(1)
)
_BY_KEY = Statement(_ROW.where(effects.c.key == bindparam("b_key")))
# Literals, as in the index: SQLite uses a partial index only where it sees that no other state is asked for.
_OPEN = effects.c.state.in_([literal_column("'sent'"), literal_column("'unknown'")])
_UNSETTLED = Statement(_ROW.where(effects.c.scope == bindparam("b_scope"), _OPEN).order_by(effects.c.planned_at))
_GIVEN = [
    column.name for column in effects.c if column.name not in ("sent_at", "first_sent_at", "settled_at", "answer", "said")
]
_INSERT_PLANNED = Statement(effects.insert(), _GIVEN)
_INSERT_SENT = Statement(effects.insert().values(sent_at=db_now(), first_sent_at=db_now()), _GIVEN)
_SETTLED = update(effects).values(
    state=bindparam("b_state"), answer=bindparam("b_answer"), said=bindparam("b_said"), settled_at=db_now()
)
_SETTLE = Statement(_SETTLED.where(effects.c.key == bindparam("b_key"), _OPEN))
_NOBODY_KNOWS = Statement(_SETTLED.where(effects.c.key == bindparam("b_key"), effects.c.state == EffectState.SENT.value))


def _same_time(at: datetime | None) -> Any:
    return effects.c.sent_at.is_(None) if at is None else effects.c.sent_at == at


def _row(row: Any) -> EffectRow:
    return EffectRow(
        key=row.key,
        base=row.base,
        scope=row.scope,
        order_id=row.order_id,
        account_id=row.account_id,
        kind=row.kind,
        request_id=row.request_id,
        attempt=row.attempt,
        state=EffectState(row.state),
        hash=row.hash,
        request=from_json(row.request, object),
        before=None if row.before is None else from_json(row.before, object),
        answer=None if row.answer is None else from_json(row.answer, object),
        said=row.said,
        platform_id=row.platform_id,
        sent_at=row.sent_at,
        first_sent_at=row.first_sent_at,
        now=row.now,
    )
