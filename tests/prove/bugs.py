"""Bugs on purpose, each one that people really write. The proof is good for something only if it finds every one of them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

from sqlalchemy import update

from connector.errors import OutcomeUnknown
from connector.model.events import EffectState
from connector.outbound.ledger import Ledger
from connector.plugins.woocommerce import client, notes, tracking
from connector.store import effects
from connector.store.orders import Orders
from connector.store.tables import orders


def ledger_write_left_out() -> None:
    """The effect is sent before it is written down; a crash then forgets it."""
    insert = effects.insert

    def only_after_the_answer(connection: Any, **row: Any) -> None:
        if row["state"] is not EffectState.SENT:
            insert(connection, **row)

    effects.insert = only_after_the_answer


def key_from_uuid4() -> None:
    """A new key for every try: what was done under the old one is not found again."""
    call = Ledger.__call__

    def with_a_new_key(self: Ledger, *args: Any, **kwargs: Any) -> Any:
        self.request_id = f"{self.request_id}-{uuid.uuid4()}"
        return call(self, *args, **kwargs)

    Ledger.__call__ = with_a_new_key  # type: ignore[method-assign]


def retry_on_500() -> None:
    """A server error is taken for "did not happen" and simply tried again."""
    write = client.write

    def twice(ctx: Any, *args: Any) -> Any:
        try:
            return write(ctx, *args)
        except OutcomeUnknown:
            ctx.http.wire.effect.written = False
            return write(ctx, *args)

    notes.write = tracking.write = twice  # type: ignore[attr-defined]


def lookup_before_settle_time() -> None:
    """Asked at once whether it happened, while the vendor is still at it."""
    settle = Ledger._settle

    def at_once(self: Ledger, row: Any, rule: Any) -> Any:
        from dataclasses import replace
        from datetime import timedelta

        return settle(self, replace(row, sent_at=row.now - timedelta(hours=1)), rule)

    Ledger._settle = at_once  # type: ignore[method-assign]


def lease_not_checked_at_give_back() -> None:
    """The order is let go although somebody woke it during the work."""

    def careless(self: Orders, lease: Any, now: Any, *, due_at: Any, failures: int = 0, problem: str = "") -> bool:
        with self.database.writing() as connection:
            self.save(connection, lease, now)
            connection.execute(
                update(orders)
                .where(orders.c.id == lease.order_id)
                .values(lease_token=None, lease_until=None, due_at=due_at, failures=failures, problem=problem)
            )
        self.saved(lease)
        return True

    Orders.give_back = careless  # type: ignore[method-assign]


def delivery_not_stored_before_200() -> None:
    """The delivery is answered first and stored a moment later."""
    import threading

    from connector import news

    receive = news.receive

    def later(*args: Any) -> None:
        threading.Thread(target=lambda: (time.sleep(0.5), receive(*args))).start()

    news.receive = later  # type: ignore[assignment]


BUGS: dict[str, Callable[[], None]] = {
    bug.__name__: bug
    for bug in (
        ledger_write_left_out,
        key_from_uuid4,
        retry_on_500,
        lookup_before_settle_time,
        lease_not_checked_at_give_back,
        delivery_not_stored_before_200,
    )
}
