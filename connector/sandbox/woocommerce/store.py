"""The state of one simulated store, and the few primitives that everything else is made of."""

from __future__ import annotations

import itertools
import secrets
import string
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from connector.sandbox.records import Records
from connector.sandbox.woocommerce import seed
from connector.sandbox.woocommerce.php import gmt_time, local_time, stored
from connector.sandbox.woocommerce.things import Fulfillment, Gateway, Meta, Note, Order, Product, Refund, TaxRate, Webhook

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CAD": "$", "AUD": "$"}
# fulfillments: WooCommerce's own, off by default. shipment-tracking and ast: extensions (see `tracking`).
FEATURES = ("fulfillments", "shipment-tracking", "ast")
MANY_ORDERS = 2000
LETTERS = string.ascii_letters + string.digits


@dataclass(slots=True, kw_only=True)
class Settings:
    """`frozen` stops the store's clock there (UTC); `race_window_s` is the gap between a refund's check and its row.

    `features`: what is switched on beside a plain store, of FEATURES. `statuses`: slug -> name of other plugins' order
    statuses. `hold_stock_minutes`: unpaid orders of the classic checkout are cancelled after so long; 0: never.
    """

    base_url: str = "http://127.0.0.1"
    name: str = "Sandbox Store"
    admin_email: str = "admin@store.example"
    timezone: str = "America/New_York"
    currency: str = "USD"
    frozen: datetime | None = None
    clock_shift_s: float = 0.0
    race_window_s: float = 0.02
    features: frozenset[str] = frozenset()
    statuses: dict[str, str] = field(default_factory=dict)
    hold_stock_minutes: int = 60


class Store:
    """One lock, all state. Functions in the sibling modules expect the caller to hold `lock` unless they say otherwise.

    `on_event(topic, id)` is called for everything a webhook may be subscribed to.
    """

    def __init__(self, settings: Settings | None = None, records: Records | None = None) -> None:
        self.lock = threading.RLock()
        self.settings = settings or Settings()
        self.records = records or Records()
        self.on_event: Callable[[str, int], None] = lambda topic, number: None
        self.unheard: set[int] = set()  # orders whose webhooks are lost
        self._series: dict[str, Iterator[int]] = {"post": itertools.count(seed.FIRST_FREE_ID)}
        self.products: dict[int, Product] = {product.id: product for product in seed.products(self.now())}
        self.coupons = {coupon.code: coupon for coupon in seed.COUPONS}
        self.tax_rates = {rate.id: rate for rate in seed.TAX_RATES}
        self.gateways: dict[str, Gateway] = {gateway.id: gateway for gateway in seed.gateways()}
        self.keys = {key.key: key for key in seed.api_keys()}
        self.nonces: set[tuple[str, str, str]] = set()
        self.orders: dict[int, Order] = {}
        self.deleted: dict[int, Order] = {}
        self._refunds_by_order: tuple[tuple[int, int], dict[int, list[Refund]]] = ((0, 0), {})
        self.touches = 0
        self._sorted: dict[str, tuple[tuple[int, int, int], list[Order]]] = {}
        self.unpaid: set[int] = set()  # orders of the classic checkout that may have to be cancelled
        self.refunds: dict[int, Refund] = {}
        self.notes: dict[int, Note] = {}
        self.fulfillments: dict[int, Fulfillment] = {}
        self.webhooks: dict[int, Webhook] = {}
        self.emails: dict[str, bool] = {}  # what was switched on or off (see `email_settings`)

    def next_id(self, series: str = "post") -> int:
        """Orders, refunds and products share one series ("post"); lines, meta rows, notes and webhooks have their own."""
        return next(self._series.setdefault(series, itertools.count(1)))

    def start_ids(self, series: str, first: int) -> None:
        """The next number of that series; must lie above everything in use."""
        self._series[series] = itertools.count(first)

    def now(self) -> datetime:
        """The store's time in whole seconds, UTC."""
        moment = self.settings.frozen or datetime.now(UTC) + timedelta(seconds=self.settings.clock_shift_s)
        return moment.replace(microsecond=0)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.settings.timezone)

    def times(self, name: str, moment: datetime | None) -> dict[str, str | None]:
        """`{name: local, name_gmt: GMT}`, as most answers hold them."""
        return {name: local_time(moment, self.zone), f"{name}_gmt": gmt_time(moment)}

    def url(self, path: str) -> str:
        return f"{self.settings.base_url}{path}"

    def random_text(self, length: int = 13) -> str:
        return "".join(secrets.choice(LETTERS) for _ in range(length))

    def new_meta(self, key: str, value: Any, *, series: str = "meta", display_key: str = "") -> Meta:
        return Meta(id=self.next_id(series), key=key, value=stored(value), display_key=display_key)

    def tax_rate_for(self, order: Order) -> TaxRate | None:
        """By the shipping address, else the billing address (as the default "shipping address" setting does)."""
        place = order.shipping if order.shipping["country"] else order.billing
        matches = (rate for rate in self.tax_rates.values() if rate.country == place["country"])
        return next((rate for rate in matches if rate.state == place["state"]), None)

    def product_of(self, product_id: int, variation_id: int = 0) -> Product | None:
        return self.products.get(variation_id or product_id)

    def refunds_of(self, order_id: int) -> list[Refund]:
        state = (len(self.refunds), next(reversed(self.refunds), 0))
        if self._refunds_by_order[0] != state:
            rows: defaultdict[int, list[Refund]] = defaultdict(list)
            for refund in self.refunds.values():
                rows[refund.order_id].append(refund)
            self._refunds_by_order = (state, dict(rows))
        return list(self._refunds_by_order[1].get(order_id, ()))

    def notes_of(self, order_id: int) -> list[Note]:
        return [note for note in self.notes.values() if note.order_id == order_id]

    def touch(self, order: Order) -> None:
        """What every save does: the order counts as modified now."""
        order.modified = self.now()
        self.touches += 1

    def sorted_orders(self, by: str, key: Callable[[Order], Any]) -> list[Order]:
        """All orders, sorted by that key; many are sorted again only when one came, went or was saved. Do not change it."""
        if len(self.orders) < MANY_ORDERS:
            return sorted(self.orders.values(), key=key)
        state = (self.touches, len(self.orders), next(reversed(self.orders), 0))
        known = self._sorted.get(by)
        if known is None or known[0] != state:
            known = (state, sorted(self.orders.values(), key=key))
            self._sorted[by] = known
        return known[1]

    def add_note(self, order: Order, text: str, *, author: str = "WooCommerce", to_customer: bool = False) -> Note:
        note = Note(
            id=self.next_id("note"),
            order_id=order.id,
            author=author,
            created=self.now(),
            text=text,
            to_customer=to_customer,
        )
        self.notes[note.id] = note
        self.records.add("notes", order_id=order.id, note_id=note.id, note=text, to_customer=to_customer, author=author)
        return note

    def move_stock(self, product: Product, change: int, *, order: Order | None, why: str) -> tuple[int, int]:
        """Change a tracked product's stock; gives (before, after). `why` is only for the records."""
        before = product.stock or 0
        product.stock, product.modified = before + change, self.now()
        which = {"variation_id": product.id} if product.parent_id else {"product_id": product.id}
        order_id = order.id if order else None
        self.records.add("stock", order_id=order_id, **which, before=before, stock=product.stock, change=change, why=why)
        self.fire("product.updated", product.id)
        return before, product.stock

    def mail(self, email: str, order: Order, *, to: str, subject: str, partial: bool | None = None, text: str = "") -> None:
        """An e-mail that a real store would have sent here; it is recorded, not sent."""
        self.records.add(
            "mails",
            email_id=email,
            customer_email=email.startswith("customer_"),
            order_id=order.id,
            order_status=order.status,
            partial_refund=partial,
            to=to,
            subject=subject,
            text=text,
        )

    def stock_mail(self, subject: str, text: str, order: Order) -> None:
        subject = f"[{self.settings.name}] {subject}"
        self.records.add("mails", email_id=None, order_id=order.id, to=self.settings.admin_email, subject=subject, text=text)

    def fire(self, topic: str, number: int) -> None:
        """Something a webhook may be subscribed to has happened."""
        if number not in self.unheard:
            self.on_event(topic, number)
