"""Where stories are played: a simulated shop on one side, the connector's database on the other.

One world for each platform. What they have in common is here: looking, commanding, waiting. A platform's own world says how its
shoppers and staff are asked, and tells in neutral words what the shop itself has on record (`AtStore`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import select

from .. import news
from ..app import App
from ..context import Account
from ..errors import ConnectorError, TryLater
from ..model.events import DutyEvent, DutyState, Person
from ..sandbox import Sandbox
from ..sandbox import account as woocommerce
from ..sandbox.shopify import ShopifySandbox
from ..sandbox.shopify import account as shopify
from ..sandbox.shopify.seed import MAIN
from ..store import shared
from ..store.tables import duties, effects, orders, tasks, timeline
from .atstore import AtStore, at_the_store
from .report import Chapter, Line, Told
from .stories import Playing, Seen, differences

SOON = timedelta(minutes=10)
OUR_MARK = "[oc:"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopWorld(ABC):
    """One shop of a connector. `shop`: the name of its account."""

    app: App
    shop: str
    sandbox: Sandbox | ShopifySandbox

    platform: ClassVar[str]
    name: ClassVar[str]

    # --- the platform's own ---

    @abstractmethod
    def told(self, platform_id: str) -> AtStore:
        """What the shop's own records say about one order."""

    @abstractmethod
    def stock(self) -> dict[str, int]:
        """How many pieces there are now, by SKU (and place, where the shop has several)."""

    # --- what is done ---

    def buy(self, order: Mapping[str, Any]) -> str:
        return str(self._control("checkout", order)["order_id"])

    def staff(self, platform_id: str, act: Mapping[str, Any]) -> None:
        self._control("staff", {"order_id": int(platform_id), **act})

    def command(self, platform_id: str, request_id: str, body: Mapping[str, Any]) -> None:
        shop = self.account
        with self.app.database.writing() as connection:
            self.app.orders.tell(
                connection,
                account_id=shop.id,
                account_name=shop.name,
                platform_id=platform_id,
                kind="command",
                body={"who": "demo", **body},
                now=self.app.clock.now(),
                request_id=request_id,
            )

    def wait(self, days: int) -> None:
        self.app.clock.move(timedelta(days=days))

    def pull(self) -> None:
        with suppress(TryLater):  # the worker is at it just now
            news.poll(self.app, self.account)

    # --- what is seen ---

    def has_webhooks(self) -> bool:
        """Has the connector set up its webhooks there?"""
        return shared.AccountState(self.app.database, self.app.vault, self.account.id).get(news.WEBHOOKS) is not None

    @property
    def account(self) -> Account:
        return self.app.registry.account(self.shop)

    def look(self, platform_id: str) -> Seen | None:
        with self.app.database.reading() as connection:
            row = connection.execute(
                select(orders.c.id, orders.c.due_at, orders.c.lease_token).where(
                    orders.c.account_id == self.account.id, orders.c.platform_id == platform_id
                )
            ).one_or_none()
            case = self.app.orders.read(connection, row.id) if row else None
            if row is None or case is None:
                return None
            told = connection.execute(select(duties).where(duties.c.order_id == row.id)).all()
            open_tasks = connection.execute(
                select(tasks.c.title, tasks.c.kind)
                .where(tasks.c.order_id == row.id, tasks.c.state == "open")
                .order_by(tasks.c.id)
            )
            done = connection.execute(
                select(effects.c.kind)
                .where(effects.c.order_id == row.id, effects.c.state == "done")
                .order_by(effects.c.sent_at)
            ).scalars()
            return Seen(
                case=case,
                at_rest=row.lease_token is None and (row.due_at is None or row.due_at > self.app.clock.now() + SOON),
                duties={(DutyEvent(duty.event), Person(duty.person)): DutyState(duty.state) for duty in told},
                states=tuple(DutyState(duty.state) for duty in told),
                tasks={task.title: task.kind for task in open_tasks},
                effects=tuple(done),
            )

    def chapter(self, playing: Playing) -> Chapter:
        """How a story went, for the report: our books, and what the shop itself shows."""
        seen = playing.seen or self.look(playing.platform_id)
        if seen is None:
            raise ConnectorError(f"the order of the story {playing.story.name} never arrived")
        told = sorted(seen.duties.items(), key=lambda item: list(DutyEvent).index(item[0][0]))
        store = self.told(playing.platform_id)
        return Chapter(
            name=playing.story.name,
            title=playing.story.title,
            platform=self.platform,
            shop=self.name,
            expected=playing.story.ending.stage,
            case=seen.case,
            store_status=store.status,
            timeline=self._timeline(playing.platform_id),
            told=[Told(event=event, person=person, state=state) for (event, person), state in told],
            effects=seen.effects,
            tasks=tuple(seen.tasks),
            differences=[*differences(playing), *at_the_store(playing.story.ending, store)],
        )

    def _timeline(self, platform_id: str) -> list[Line]:
        with self.app.database.reading() as connection:
            rows = connection.execute(
                select(timeline)
                .join(orders, orders.c.id == timeline.c.order_id)
                .where(orders.c.account_id == self.account.id, orders.c.platform_id == platform_id)
                .order_by(timeline.c.id)
            ).all()
        return [Line(at=row.at, who=row.who, text=row.text) for row in rows]

    def _control(self, name: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        import requests  # the sandbox's control API, not a vendor

        answer = requests.post(f"{self.sandbox.url}/_sandbox/{name}", json=dict(body), timeout=30)
        if not answer.ok:
            raise ConnectorError(f"the simulated shop says: {answer.text}")
        told: Mapping[str, Any] = answer.json()
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class WooCommerceWorld(ShopWorld):
    """A simulated WooCommerce shop."""

    sandbox: Sandbox

    platform: ClassVar[str] = "woocommerce"
    name: ClassVar[str] = "WooCommerce"

    def told(self, platform_id: str) -> AtStore:
        told = woocommerce.told(self.sandbox.store, only=[int(platform_id)])["orders"][platform_id]
        ours = [note["note"] for note in told["notes"] if OUR_MARK in note["note"]]
        numbers = [str(value) for value in told["meta"].values()]
        ends = Counter(move["to"] for move in told["transitions"] if move["to"] in ("completed", "cancelled", "refunded"))
        taken: Counter[str] = Counter()
        for move in told["stock"]:
            product = self.sandbox.store.products[move.get("product_id") or move["variation_id"]]
            taken[product.sku] -= move["change"]
        return AtStore(
            status=str(told["status"]),
            set_to=ends,
            notes=Counter(ours),
            tracking=Counter(numbers),
            tracking_notes=tuple(ours),
            given_back=_sum(told["gateway_refunds"]),
            times_given_back=len(told["gateway_refunds"]),
            recorded=_sum(told["refunds"]),
            taken=taken,
        )

    def stock(self) -> dict[str, int]:
        products = woocommerce.told(self.sandbox.store, only=[])["products"].values()
        return {product["sku"]: product["stock"] for product in products if product["stock"] is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopifyWorld(ShopWorld):
    """A simulated Shopify shop."""

    sandbox: ShopifySandbox

    platform: ClassVar[str] = "shopify"
    name: ClassVar[str] = "Shopify"

    def told(self, platform_id: str) -> AtStore:
        told = shopify.told(self.sandbox.store, only=[int(platform_id)])["orders"][platform_id]
        sent = [one for one in told["fulfillments"] if one["status"] == "success"]
        back = [one for one in told["money"] if one["what"] == "refund" and one["status"] == "SUCCESS"]
        taken_in = [one for one in told["transactions"] if one["status"] == "success" and one["kind"] in ("sale", "capture")]
        words = f"{told['financial']}/{told['fulfillment']}"
        holds = {hold["handle"] or hold["id"]: hold["reason"] for one in told["fulfillment_orders"] for hold in one["holds"]}
        taken: Counter[str] = Counter()
        for move in told["stock"]:
            taken[self._place(move["variant_id"], move["location_id"])] -= move["change"]
        return AtStore(
            status=f"CANCELLED {words}" if told["cancelled"] else words,
            set_to=Counter(one["what"] for one in told["transitions"] if one["what"] == "cancelled"),
            notes=Counter(line for line in (told["note"] or "").splitlines() if OUR_MARK in line),
            tracking=Counter(number for one in sent for number in one["tracking_numbers"]),
            given_back=_sum(back),
            times_given_back=len(back),
            recorded=Decimal(told["refunded"]),
            captured=_sum(taken_in),
            holds=tuple(sorted(holds.values())),
            parcels=Counter(self.sandbox.store.locations[one["location_id"]].name for one in sent),
            mails=_mails(told["mails"]),
            taken=taken,
        )

    def stock(self) -> dict[str, int]:
        variants = self.sandbox.store.variants.values()
        return {self._place(one.id, place): pieces for one in variants for place, pieces in one.stock.items()}

    def _place(self, variant_id: int, location_id: int) -> str:
        return f"{self.sandbox.store.variants[variant_id].sku} in {'New York' if location_id == MAIN else 'Reno'}"


# What Shopify mails, and which of our duties it is.
_MAILS = {
    "order_confirmation": (DutyEvent.CONFIRMED, Person.CUSTOMER),
    "new_order": (DutyEvent.CONFIRMED, Person.MERCHANT),
    "shipping_confirmation": (DutyEvent.SHIPPED, Person.CUSTOMER),
    "refund_notification": (DutyEvent.REFUNDED, Person.CUSTOMER),
    "order_canceled": (DutyEvent.CANCELLED, Person.CUSTOMER),
}


def _mails(rows: list[dict[str, Any]]) -> dict[tuple[DutyEvent, Person], int]:
    return dict(Counter(_MAILS[row["email_id"]] for row in rows if row["email_id"] in _MAILS))


def _sum(rows: list[dict[str, Any]]) -> Decimal:
    return sum((Decimal(row["amount"]) for row in rows), Decimal(0))
