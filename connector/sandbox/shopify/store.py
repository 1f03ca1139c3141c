"""The state of one simulated Shopify store, and the few primitives that everything else is made of."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from connector.sandbox.records import Records
from connector.sandbox.shopify import seed
from connector.sandbox.shopify.access import App
from connector.sandbox.shopify.bucket import Bucket
from connector.sandbox.shopify.things import (
    Bulk,
    Customer,
    Fulfillment,
    FulfillmentOrder,
    Job,
    Location,
    Order,
    Product,
    Refund,
    Seldom,
    Subscription,
    Transaction,
    Variant,
)

KINDS = ("requests", "transitions", "stock", "mails", "money", "shipping", "notes", "deliveries", "acts")
VERSION = "2026-07"
Payload = dict[str, Any]
Event = Callable[[str, int, Callable[[], Payload]], None]


@dataclass(slots=True, kw_only=True)
class Settings:
    """`frozen` stops the store's clock there (UTC). `rates`: currency -> units of it for one of the shop's.

    `job_s`: how long a cancellation takes; `archive_s`: how long after the last parcel of a paid order it is archived
    (negative: never); `bulk_s`: how long a bulk operation takes; `token_s`: how long a token of the client credentials
    lives; `idempotency_s`: how long a key is remembered. `loopback_hooks`: webhooks may go to http://127.0.0.1, which
    the real platform refuses as every address without https. `installed`: the app is.
    """

    base_url: str = "http://127.0.0.1"
    name: str = "Sandbox Shop"
    domain: str = "sandbox-shop.myshopify.com"
    email: str = "owner@store.example"
    currency: str = "USD"
    timezone: str = "America/New_York"
    plan: str = "Development"
    development: bool = True
    rates: dict[str, Decimal] = field(
        default_factory=lambda: {"EUR": Decimal("0.90"), "CAD": Decimal("1.25"), "JPY": Decimal(150)}
    )
    frozen: datetime | None = None
    clock_shift_s: float = 0.0
    job_s: float = 0.2
    archive_s: float = 1.0
    bulk_s: float = 0.2
    token_s: float = 86_399.0
    idempotency_s: float = 86_400.0
    refund_status: str = "SUCCESS"
    final_capture: bool = False
    loopback_hooks: bool = True
    installed: bool = True


class Store:
    """One lock, all state. Functions in the sibling modules expect the caller to hold `lock` unless they say otherwise.

    `on_event(topic, number, payload)` is called for everything a webhook may be subscribed to; `payload()` makes its body.
    """

    def __init__(self, settings: Settings | None = None, records: Records | None = None) -> None:
        self.lock = threading.RLock()
        self.settings = settings or Settings()
        self.records = records or Records(KINDS)
        self.on_event: Event = lambda topic, number, payload: None
        self._series: dict[str, Iterator[int]] = {}
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._turn = itertools.count()
        self._line_orders: dict[int, int] = {}
        self._sorted: dict[str, tuple[int, list[Order | Seldom]]] = {}
        self.touches = 0
        self.app = App()
        self.bucket = Bucket()
        self.products: dict[int, Product] = {}
        self.variants: dict[int, Variant] = {}
        self.locations: dict[int, Location] = {one.id: one for one in seed.locations()}
        self.customers: dict[int, Customer] = {}
        self.orders: dict[int, Order | Seldom] = {}
        self.fulfillment_orders: dict[int, FulfillmentOrder] = {}
        self.fulfillments: dict[int, Fulfillment] = {}
        self.transactions: dict[int, Transaction] = {}
        self.refunds: dict[int, Refund] = {}
        self.jobs: dict[str, Job] = {}
        self.subscriptions: dict[int, Subscription] = {}
        self.bulks: dict[int, Bulk] = {}
        self.keys: dict[tuple[str, str], tuple[str, float, Any]] = {}
        self.next_number = 1001
        seed.stock_up(self)

    # --- ids and time -------------------------------------------------------------------------------------------------

    def next_id(self, series: str) -> int:
        """Every kind has its own series, as large as Shopify's today; orders, lines and parcels lie above 2^53 on request."""
        return next(self._series.setdefault(series, itertools.count(seed.FIRST_IDS.get(series, 1_000_001), 32_768)))

    def start_ids(self, series: str, first: int) -> None:
        """The next number of that series; must lie above everything in use."""
        self._series[series] = itertools.count(first)

    def now(self) -> datetime:
        """The store's time in whole seconds, UTC."""
        moment = self.settings.frozen or datetime.now(UTC) + timedelta(seconds=self.settings.clock_shift_s)
        return moment.replace(microsecond=0)

    # --- what happens later -------------------------------------------------------------------------------------------

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Do it when so much real time has passed, with the lock held."""
        heapq.heappush(self._due, (time.monotonic() + seconds, next(self._turn), act))

    def run_due(self) -> None:
        """Do what has become due. Takes the lock itself."""
        with self.lock:
            while self._due and self._due[0][0] <= time.monotonic():
                heapq.heappop(self._due)[2]()

    @property
    def waiting(self) -> int:
        """How many things are still to happen."""
        return len(self._due)

    def new_job(self) -> Job:
        job = Job(id=str(uuid.uuid4()))
        self.jobs[job.id] = job
        return job

    # --- orders -------------------------------------------------------------------------------------------------------

    def order(self, number: int | None) -> Order | None:
        """The order, made now when nobody has looked at it before."""
        found = self.orders.get(number or 0)
        return self.made(found) if found is not None else None

    def made(self, found: Order | Seldom) -> Order:
        if isinstance(found, Order):
            return found
        order = found.make(found)
        self.orders[order.id] = order
        self.index(order)
        return order

    def index(self, order: Order) -> None:
        """Its parts can be found by their own ids."""
        self.fulfillment_orders.update((one.id, one) for one in order.fulfillment_orders)
        self.fulfillments.update((one.id, one) for one in order.fulfillments)
        self.transactions.update((one.id, one) for one in order.transactions)
        self.refunds.update((one.id, one) for one in order.refunds)
        self._line_orders.update((line.id, order.id) for line in order.lines)

    def order_of_line(self, line_id: int) -> int:
        """The order a line belongs to. Raises KeyError without one."""
        if line_id not in self._line_orders:
            for order in self.orders.values():
                if isinstance(order, Order):
                    self._line_orders.update((line.id, order.id) for line in order.lines)
        return self._line_orders[line_id]

    def must(self, number: int) -> Order:
        """The order of one of its parts. Raises KeyError without one."""
        order = self.order(number)
        if order is None:
            raise KeyError(f"there is no order {number}")
        return order

    def touch(self, order: Order) -> None:
        """What every change does: the order counts as updated now."""
        order.updated = max(self.now(), order.updated)
        self.touches += 1

    def sorted_orders(self, by: str, key: Callable[[Order | Seldom], Any]) -> list[Order | Seldom]:
        """All orders by that key; sorted again only when one came or changed. Do not change it."""
        state = self.touches * 1_000_003 + len(self.orders)
        known = self._sorted.get(by)
        if known is None or known[0] != state:
            known = (state, sorted(self.orders.values(), key=key))
            self._sorted[by] = known
        return known[1]

    # --- what the world sees ------------------------------------------------------------------------------------------

    def mail(self, kind: str, order: Order, *, to: str | None = None, text: str = "") -> None:
        """An e-mail that Shopify would have sent here; it is recorded, not sent. Nobody is told without an address."""
        address = to or order.email
        if address:
            self.records.add("mails", email_id=kind, order_id=order.id, to=address, customer_email=to is None, text=text)

    def move_stock(self, variant: Variant, change: int, *, location_id: int, why: str, order_id: int | None = None) -> None:
        before = variant.stock.get(location_id, 0)
        variant.stock[location_id], variant.updated = before + change, self.now()
        self.records.add(
            "stock",
            order_id=order_id,
            variant_id=variant.id,
            location_id=location_id,
            before=before,
            stock=before + change,
            change=change,
            why=why,
        )
        level = {"inventory_item_id": variant.item_id, "location_id": location_id, "available": before + change}
        gid = f"gid://shopify/InventoryLevel/{location_id}?inventory_item_id={variant.item_id}"
        updated = variant.updated.isoformat()
        payload = {**level, "updated_at": updated, "admin_graphql_api_id": gid}
        self.on_event("inventory_levels/update", variant.item_id, lambda: payload)

    def variant_of_item(self, item_id: int | None) -> Variant | None:
        return next((one for one in self.variants.values() if one.item_id == item_id), None)
