"""Orders, their inbox, and the lease that makes one process the only writer of an order."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, and_, bindparam, delete, func, literal, or_, select, update
from sqlalchemy import case as either

from ..errors import Conflict
from ..model.case import Case, Personal, join, part
from ..model.codec import from_json, plain, to_json
from ..model.events import EffectState
from ..model.flow import Stage
from ..model.merging import as_shown
from ..model.order import Order
from ..model.payment import label
from ..model.people import without_people
from . import effects
from .database import Database, insert_ignore
from .effects import EffectRow
from .lease import InboxItem, Lease, LeaseLost, Parts, Writes, read_effects, read_owed, read_tasks, write
from .statements import Statement
from .tables import Utc, attempts, db_now, inbox, orders, people
from .vault import Vault

ERASED = "erased:"
"""Stands before the digest of an order whose customer was erased: nothing about a person is stored of it again."""
LEASE = timedelta(seconds=90)
"""How long an order is ours without a sign of life. Longer than any single call to the outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Something to put into an order's inbox.

    `seen` is the order as the platform shows it now; `shown` with a hint, as it was a moment ago. What we know already is no
    news; of an order that we do not know at all, the second is as good as the first.
    """

    platform_id: str
    kind: str
    body: dict[str, Any]
    request_id: str | None = None
    seen: Order | None = None
    shown: Order | None = None


class Orders:
    """The orders of one database."""

    def __init__(self, database: Database, vault: Vault, *, lease: timedelta = LEASE) -> None:
        self.database = database
        self.vault = vault
        self.lease = lease

    # --- by everybody -------------------------------------------------------------------------------------------------

    def tell(
        self,
        connection: Connection,
        *,
        account_id: str,
        account_name: str,
        platform_id: str,
        kind: str,
        body: dict[str, Any],
        now: datetime,
        request_id: str | None = None,
        seen: Order | None = None,
        shown: Order | None = None,
    ) -> int:
        """Put something into one order's inbox; see `tell_all`. Returns our id of the order."""
        told = Told(platform_id=platform_id, kind=kind, body=body, request_id=request_id, seen=seen, shown=shown)
        return self.tell_all(connection, [told], account_id=account_id, account_name=account_name, now=now)[0]

    def tell_all(
        self, connection: Connection, told: Sequence[Told], *, account_id: str, account_name: str, now: datetime
    ) -> list[int]:
        """Put things into inboxes and wake those orders, in the caller's transaction. Orders that are new are made.

        Everybody who locks several orders, or keys and orders, does it in the order of this function (new orders by their
        platform's id, keys by customer, known orders by our id): two that lock the same ones the other way round would stop
        each other for good, and PostgreSQL would end one of them.

        Returns:
            our ids of the orders, one for each that was told. The same request id twice is one command.
        """
        known: dict[str, tuple[int, str]] = {}
        for platform_id in sorted({one.platform_id for one in told}, key=lambda number: (len(number), number)):
            known[platform_id] = self._id_of(connection, account_id, account_name, platform_id, now)
        news = [one for one in (_news(one, known[one.platform_id][1]) for one in told) if one is not None]
        owners = [owner(account_id, one.seen) if one.seen else "" for one in news]
        keys = {who: self.vault.owner_key(connection, who) for who in sorted(set(owners) - {""})}
        woken = set()
        for one, who in zip(news, owners, strict=True):
            order_id = known[one.platform_id][0]
            if self._put(connection, order_id, one, keys.get(who), now):
                woken.add(order_id)
        for order_id in sorted(woken):
            wake(connection, order_id, now)
        return [known[one.platform_id][0] for one in told]

    def _put(self, connection: Connection, order_id: int, told: Told, key_id: str | None, now: datetime) -> bool:
        """Into the inbox. False: this request is there already."""
        sealed = None
        if key_id is not None:
            sealed = self.vault.seal(connection, key_id, to_json(told.seen))
        item = insert_ignore(connection)(inbox).values(
            order_id=order_id,
            kind=told.kind,
            body=to_json(told.body).decode(),
            sealed=sealed,
            key_id=key_id,
            request_id=told.request_id,
            at=now,
        )
        # Not asked before it is inserted: two processes would both be told that it is new.
        new = item.on_conflict_do_nothing(index_elements=["order_id", "request_id"]).returning(inbox.c.id)
        return connection.execute(new).first() is not None

    def _id_of(
        self, connection: Connection, account_id: str, account_name: str, platform_id: str, now: datetime
    ) -> tuple[int, str]:
        known = {"b_account": account_id, "b_platform_id": platform_id}
        found = _KNOWN.first(connection, known)
        if found is not None:
            return int(found.id), str(found.seen)
        insert = insert_ignore(connection)(orders).values(
            account_id=account_id,
            platform_id=platform_id,
            ref=f"{account_name}/{platform_id}",
            stage=Stage.NEW,
            created_at=now,
            changed_at=now,
        )
        connection.execute(insert.on_conflict_do_nothing(index_elements=["account_id", "platform_id"]))
        (made,) = _KNOWN.all(connection, known)
        return int(made.id), ""

    # --- by the sweeper -----------------------------------------------------------------------------------------------

    def queue_due(self, now: datetime, *, limit: int, hold_s: float) -> list[int]:
        """Orders that are due, not leased and not queued already; they count as queued for `hold_s` seconds."""
        clock = db_now()
        due = and_(
            orders.c.due_at <= now,
            or_(orders.c.queued_until.is_(None), orders.c.queued_until < clock),
            or_(orders.c.lease_token.is_(None), orders.c.lease_until < clock),
        )
        with self.database.reading() as connection:
            ids = connection.execute(select(orders.c.id).where(due).order_by(orders.c.due_at).limit(limit)).scalars().all()
        if not ids:
            return []
        # Whoever has an order locked is writing it right now: it is still due when we come again, so nobody waits for it here.
        free = select(orders.c.id).where(orders.c.id.in_(ids), due).with_for_update(skip_locked=True)
        queued = update(orders).where(orders.c.id.in_(free)).values(queued_until=clock + int(hold_s * 1_000_000))
        with self.database.writing() as connection:
            return [int(order_id) for order_id in connection.execute(queued.returning(orders.c.id)).scalars()]

    def queued(self, *, limit: int) -> int:
        """How many orders are queued and not taken yet, counted up to a limit."""
        some = select(orders.c.id).where(orders.c.due_at.isnot(None), orders.c.queued_until >= db_now()).limit(limit)
        with self.database.reading() as connection:
            return int(connection.execute(select(func.count()).select_from(some.subquery())).scalar_one())

    # --- by the holder ------------------------------------------------------------------------------------------------

    def take(self, order_id: int) -> Lease | None:
        """Take an order's lease. None if somebody else has it, or there is no such order."""
        token = self.database.new_token()
        taken = {"b_id": order_id, "b_token": token, "b_micros": _micros(self.lease)}
        with self.database.writing() as connection:
            row = _TAKE.first(connection, taken)
            if row is None:
                return None
            case, bare, personal = self._read_case(connection, order_id, row.body)
            return Lease(
                order_id=order_id,
                account_id=row.account_id,
                platform_id=row.platform_id,
                ref=row.ref,
                token=token,
                wake=row.wake,
                version=row.version,
                failures=row.failures,
                case=case,
                inbox=self._read_inbox(connection, order_id),
                owed=read_owed(connection, order_id),
                open_tasks=read_tasks(connection, order_id),
                effects=read_effects(connection, order_id),
                stored=case,
                stored_parts=None if bare is None else Parts(bare, personal, row.seen, row.payment),
            )

    def look_again(self, lease: Lease) -> None:
        """Read the inbox (and what is owed) once more, after a wake-up during the work."""
        with self.database.reading() as connection:
            (row,) = _WAKE_AND_HOLDER.all(connection, {"b_id": lease.order_id})
            if row.lease_token != lease.token:
                raise LeaseLost
            lease.wake = row.wake
            lease.inbox = self._read_inbox(connection, lease.order_id)
            lease.owed = read_owed(connection, lease.order_id)
            lease.open_tasks = read_tasks(connection, lease.order_id)

    def save(self, connection: Connection, lease: Lease, now: datetime) -> None:
        """Write what changed, and stay the holder. Raises LeaseLost if the order is somebody else's by now."""
        mine: dict[str, Any] = {"b_id": lease.order_id, "b_token": lease.token, "b_micros": _micros(self.lease)}
        statement = _STAY
        if lease.case is not None and lease.case is not lease.stored:
            statement = _STAY_AND_SAVE
            lease.parts = _parts(lease, lease.case)
            mine |= self._case_values(connection, lease, lease.case, lease.parts, now)
        if statement.change(connection, mine) != 1:
            raise LeaseLost
        write(connection, lease, now)

    def commit(self, lease: Lease, now: datetime) -> None:
        """Write what changed now, and read again what others may have added."""
        with self.database.writing() as connection:
            self.save(connection, lease, now)
        self.saved(lease)
        self.look_again(lease)

    def saved(self, lease: Lease) -> None:
        """After the commit, not before it (what was rolled back is not stored): what was in memory is what is stored."""
        if lease.case is not None and lease.case is not lease.stored:
            lease.version += 1
            lease.stored_parts = lease.parts
        lease.stored = lease.case
        lease.writes = Writes()

    def is_mine(self, connection: Connection, lease: Lease) -> bool:
        """Is the order still ours, by the database's clock?"""
        return _IS_MINE.first(connection, {"b_id": lease.order_id, "b_token": lease.token}) is not None

    def give_back(self, lease: Lease, now: datetime, *, due_at: datetime | None, failures: int = 0, problem: str = "") -> bool:
        """Write what is left and let the order go. False if somebody woke it meanwhile: it is still ours, go round again."""
        with self.database.writing() as connection:
            self.save(connection, lease, now)
            let_go = {
                "b_id": lease.order_id,
                "b_token": lease.token,
                "b_wake": lease.wake,
                "b_due_at": due_at,
                "b_failures": failures,
                "b_problem": problem,
            }
            given = _GIVE_BACK.change(connection, let_go) == 1
        self.saved(lease)
        return given

    def drop(self, lease: Lease, now: datetime, *, due_at: datetime | None, failures: int, problem: str) -> None:
        """Let the order go after a failure without writing the work in memory; a wake-up meanwhile keeps it due now."""
        with self.database.writing() as connection:
            if lease.writes.attempts:  # most wanted when something failed
                connection.execute(attempts.insert(), lease.writes.attempts)
            connection.execute(
                update(orders)
                .where(orders.c.id == lease.order_id, orders.c.lease_token == lease.token)
                .values(
                    lease_token=None,
                    lease_until=None,
                    failures=failures,
                    problem=problem,
                    due_at=_due_unless_woken(lease.wake, due_at, now),
                )
            )

    # --- effects that were sent and not answered ----------------------------------------------------------------------

    def unsettled(self, lease: Lease) -> list[EffectRow]:
        with self.database.reading() as connection:
            return effects.unsettled(connection, f"order:{lease.order_id}")

    def settle(self, key: str, state: EffectState, answer: Any, said: str) -> None:
        """Write what became of one, whoever holds the order by now: it is true. What was settled before stays as it is."""
        with self.database.writing() as connection:
            effects.settle(connection, key, state, answer=plain(answer), said=said)

    # --- reading ------------------------------------------------------------------------------------------------------

    def _read_case(self, connection: Connection, order_id: int, body: str | None) -> tuple[Case | None, Case | None, Personal]:
        """A case with its personal data, without it, and that data."""
        if body is None:
            return None, None, Personal()
        bare = from_json(body, Case)
        row = _PERSON.first(connection, {"b_id": order_id})
        opened = self.vault.open(connection, row.key_id, row.sealed) if row else None
        personal = from_json(opened, Personal) if opened else Personal()
        return join(bare, personal), bare, personal

    def read(self, connection: Connection, order_id: int) -> Case | None:
        """One case as stored, with its personal data as far as it was not erased."""
        body = connection.execute(select(orders.c.body).where(orders.c.id == order_id)).scalar_one_or_none()
        return self._read_case(connection, order_id, body)[0]

    def _read_inbox(self, connection: Connection, order_id: int) -> list[InboxItem]:
        items = []
        for row in _INBOX.all(connection, {"b_id": order_id}):
            opened = self.vault.open(connection, row.key_id, row.sealed) if row.sealed else None
            items.append(
                InboxItem(
                    id=row.id,
                    # What was seen went with its customer's key: it is read once more.
                    kind="news" if row.sealed and opened is None and row.kind == "seen" else row.kind,
                    body=from_json(row.body, dict[str, Any]),
                    seen=from_json(opened, Order) if opened else None,
                    request_id=row.request_id or "",
                    at=row.at,
                )
            )
        return items

    def _case_values(self, connection: Connection, lease: Lease, case: Case, parts: Parts, now: datetime) -> dict[str, Any]:
        if lease.stored_parts is None or parts.personal != lease.stored_parts.personal:
            self._write_person(connection, lease.order_id, owner(case.account, case.order), parts.personal)
        return {
            "b_body": to_json(parts.bare).decode(),
            "b_stage": case.stage,
            "b_number": case.order.number,
            "b_payment": parts.payment,
            "b_placed_at": case.order.placed_at,
            "b_changed_at": now,
            "b_seen": parts.seen,
        }

    def _write_person(self, connection: Connection, order_id: int, who: str, personal: Personal) -> None:
        key_id = self.vault.owner_key(connection, who)
        sealed = self.vault.seal(connection, key_id, to_json(personal))
        _DELETE_PERSON.change(connection, {"b_id": order_id})
        _INSERT_PERSON.add(connection, [{"order_id": order_id, "key_id": key_id, "sealed": sealed}])


def _news(told: Told, known: str) -> Told | None:
    """What is to be put into the inbox, if there is news in it. `known`: the digest of what the platform showed last."""
    seen = told.seen or told.shown
    if seen is not None and known.startswith(ERASED):
        seen = without_people(seen)
    if seen is not None and known == digest(seen, erased=known.startswith(ERASED)):
        return None
    kind = "seen" if told.shown is not None and not known else told.kind
    return replace(told, kind=kind, seen=seen)


def _parts(lease: Lease, case: Case) -> Parts:
    """How a case is stored. What did not change is not taken apart anew."""
    stored, order = lease.stored, case.order
    if stored is None or lease.stored_parts is None or order is not stored.order or case.findings is not stored.findings:
        if case.erased:
            case = replace(case, order=without_people(order))
        return Parts(*part(case), digest(as_shown(case), erased=case.erased is not None), label(order.payments, order.currency))
    bare = lease.stored_parts.bare
    return replace(lease.stored_parts, bare=replace(case, order=bare.order, findings=bare.findings))


def owner(account_id: str, order: Order) -> str:
    """Whose key an order's personal data is sealed with: the customer by e-mail address, a guest without one by order."""
    return order.customer.email or f"{account_id}/{order.platform_id}"


def digest(order: Order, *, erased: bool = False) -> str:
    """What the platform shows of an order, as one word. What lists do not show is left out, or each poll would be news."""
    refunds = tuple(replace(refund, money_moved=None, at=None, parts=()) for refund in order.refunds)
    word = hashlib.sha256(to_json(replace(order, staff_notes=(), refunds=refunds))).hexdigest()[:32]
    return f"{ERASED if erased else ''}{word}"


def wake(connection: Connection, order_id: int, now: datetime) -> None:
    """Ask for an order to be looked at, in the caller's transaction."""
    _WAKE.change(connection, {"b_id": order_id, "b_now": now})


def check_version(connection: Connection, order_id: int, version: int) -> None:
    """A person's decision was made on this version; refuse it if the order has changed since."""
    row = connection.execute(select(orders.c.version, orders.c.ref, orders.c.stage).where(orders.c.id == order_id)).one()
    if row.version != version:
        raise Conflict(
            f"{row.ref} has changed since you looked at it (version {version}, now {row.version}, {row.stage}). "
            f"Look at it again: connector orders show {row.ref}"
        )


def _due_unless_woken(wake_seen: int, due_at: datetime | None, now: datetime) -> Any:
    return either((orders.c.wake == wake_seen, literal(due_at, Utc())), else_=literal(now, Utc()))


def _micros(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)


# --- statements -------------------------------------------------------------------------------------------------------

_ID = orders.c.id == bindparam("b_id")
_MINE = and_(_ID, orders.c.lease_token == bindparam("b_token"))
_UNTIL = db_now() + bindparam("b_micros", type_=BigInteger)
_KNOWN = Statement(
    select(orders.c.id, orders.c.seen).where(
        orders.c.account_id == bindparam("b_account"), orders.c.platform_id == bindparam("b_platform_id")
    )
)
_WAKE = Statement(update(orders).where(_ID).values(wake=orders.c.wake + 1, due_at=bindparam("b_now"), queued_until=None))
_TAKE = Statement(
    update(orders)
    .where(_ID, or_(orders.c.lease_token.is_(None), orders.c.lease_until < db_now()))
    .values(lease_token=bindparam("b_token"), lease_until=_UNTIL, queued_until=None)
    .returning(
        orders.c.account_id,
        orders.c.platform_id,
        orders.c.ref,
        orders.c.wake,
        orders.c.version,
        orders.c.failures,
        orders.c.body,
        orders.c.seen,
        orders.c.payment,
    )
)
_WAKE_AND_HOLDER = Statement(select(orders.c.wake, orders.c.lease_token).where(_ID))
_IS_MINE = Statement(select(orders.c.id).where(_MINE, orders.c.lease_until > db_now()))
_STILL_MINE = update(orders).where(_MINE).values(lease_until=_UNTIL)
_STAY = Statement(_STILL_MINE)
_STAY_AND_SAVE = Statement(
    _STILL_MINE.values(
        body=bindparam("b_body"),
        stage=bindparam("b_stage"),
        number=bindparam("b_number"),
        payment=bindparam("b_payment"),
        placed_at=bindparam("b_placed_at"),
        changed_at=bindparam("b_changed_at"),
        seen=bindparam("b_seen"),
        version=orders.c.version + 1,
    )
)
_GIVE_BACK = Statement(
    update(orders)
    .where(_MINE, orders.c.wake == bindparam("b_wake"))
    .values(
        lease_token=None,
        lease_until=None,
        due_at=bindparam("b_due_at"),
        failures=bindparam("b_failures"),
        problem=bindparam("b_problem"),
    )
)
_PERSON = Statement(select(people.c.key_id, people.c.sealed).where(people.c.order_id == bindparam("b_id")))
_DELETE_PERSON = Statement(delete(people).where(people.c.order_id == bindparam("b_id")))
_INSERT_PERSON = Statement(people.insert(), ["order_id", "key_id", "sealed"])
_INBOX = Statement(
    select(inbox).where(inbox.c.order_id == bindparam("b_id"), inbox.c.applied_at.is_(None)).order_by(inbox.c.id)
)
