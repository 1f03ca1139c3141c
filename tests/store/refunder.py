"""A process that wants to give 20.00 EUR back of one order, through store, ledger and door; it may be told where to die."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import timedelta

from connector.clock import Clock
from connector.context import Account, Context
from connector.errors import TryLater
from connector.model.case import RefundRecord, RefundState, refund_left
from connector.model.codec import plain
from connector.model.events import Effect, EffectClass, EffectRule, Found, Happened, NotHappened, PluginKind
from connector.model.plugin import PluginInfo
from connector.outbound.door import Door
from connector.outbound.holders import OrderHolder
from connector.store.database import Database
from connector.store.lease import Lease, LeaseLost
from connector.store.orders import Orders
from connector.store.vault import Vault
from tests.store.world import make_refund

SECRET = "a secret key for tests, long enough, of no use elsewhere"
LEASE = timedelta(seconds=0.6)
RULE = EffectRule(vendor=EffectClass.LOOKUP, deadline_s=0.4, settle_s=0.1)
INFO = PluginInfo(name="bookkeeper", kinds=(PluginKind.PAYMENTS,), effects={"refund": RULE})
ACCOUNT = Account(name="shop", id="a1", plugin="bookkeeper")
AMOUNT = 2000


class Refunder:
    """One process's try at one refund."""

    def __init__(self, url: str, vendor: str, order_id: int, name: str, die_at: str) -> None:
        self.vendor, self.order_id, self.name, self.die_at = vendor, order_id, name, die_at
        self.database = Database(url, pool_size=4)
        self.orders = Orders(self.database, Vault(SECRET), lease=LEASE)
        self.clock = Clock()
        self.door = Door(database=self.database, vault=Vault(SECRET), clock=self.clock, watch=self.watch)

    def watch(self, transition: str) -> None:
        if transition == self.die_at:
            os._exit(9)

    def run(self) -> str:
        """ "given" or "refused"; tries until it knows."""
        while True:
            lease = self.orders.take(self.order_id)
            if lease is None:
                time.sleep(0.01)
                continue
            try:
                said = self.with_lease(lease)
            except LeaseLost:
                continue
            except TryLater as later:
                self.orders.drop(lease, self.clock.now(), due_at=None, failures=0, problem="")
                time.sleep(min(later.after_s, 0.2))
                continue
            return said

    def with_lease(self, lease: Lease) -> str:
        assert lease.case is not None
        request = make_refund(self.name, AMOUNT)
        if not any(record.request.id == self.name for record in lease.case.refunds):
            if refund_left(lease.case) < request.amount:
                self.orders.give_back(lease, self.clock.now(), due_at=None)
                return "refused"
            lease.case = lease.case.with_refund(RefundRecord(request=request))
        ctx = self.context(lease)
        answer = ctx.effect("refund", plain(request), lambda key: self.give(ctx, key))
        lease.case = lease.case.with_refund(replace(RefundRecord(request=request), state=RefundState.DONE, vendor_id=answer))
        self.orders.give_back(lease, self.clock.now(), due_at=None)
        return "given"

    def context(self, lease: Lease) -> Context:
        holder = OrderHolder(orders=self.orders, lease=lease, now=self.clock.now)
        return self.door.context(ACCOUNT, INFO, holder=holder, request_id=self.name, find=self.find)

    def give(self, ctx: Context, key: str) -> str:
        answer: str = ctx.http.post(self.vendor, json={"key": key, "amount": AMOUNT}).json()["id"]
        return answer

    def find(self, effect: Effect) -> Found:
        found = self.door.context(ACCOUNT, INFO).http.get(self.vendor, params={"key": effect.key}).json()["found"]
        return Happened(answer=f"re_{effect.key}") if found else NotHappened()


def run(url: str, vendor: str, order_id: int, name: str, die_at: str) -> None:
    """The process's main function. Exit 0: given, 1: refused, 9: died on the way."""
    refunder = Refunder(url, vendor, order_id, name, die_at)
    said = refunder.run()
    refunder.database.close()
    os._exit(0 if said == "given" else 1)
