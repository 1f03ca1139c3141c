"""One test's dealings with a platform plugin: its contexts, its calls, and what was seen meanwhile."""

from __future__ import annotations

import inspect
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
import requests

from ..config_table import keys_of
from ..errors import OutcomeUnknown, TryLater
from ..hooks import answer_type, fits
from ..model.events import Delivery, Effect, EffectState
from ..model.order import Order
from .acts import REQUEST, Act
from .context import TestContext, make_context, next_act
from .watch import connections, log_of
from .wire import Trouble

TRIES = 12
HOUR_S = 3600.0  # longer than any settle time; keyed vendors remember longer


class PlatformStore(ABC):
    """A store that the plugin can be tried on: a simulated one, or answers that were recorded. Its author writes this.

    `config`: what an account of it is configured with. `wrong_config`: the same with credentials that the store does not know.
    `unknown_id`: an order that is not there. `address`: where webhooks may be sent to (nobody has to listen).
    """

    config: Mapping[str, Any]
    wrong_config: Mapping[str, Any]
    unknown_id: str = "999999999999"
    address: str = "https://127.0.0.1:9/webhooks/shop"

    @abstractmethod
    def place_order(self, *, authorized: bool = False) -> str:
        """A customer buys two pieces or more of one product that is to be shipped and whose stock is counted, and pays by card.

        `authorized`: the money is not captured yet (asked only of plugins with capture_payment or void_payment). Returns the
        platform's id of a new order each time.
        """

    @abstractmethod
    def edit_order(self, platform_id: str) -> None:
        """Staff change something small, so that it counts as changed."""

    @abstractmethod
    def changes(self, platform_id: str) -> Sequence[str]:
        """Everything that has happened to this order so far, and to stock at all: refunds, parcels, holds, notes, mails, stock.

        One entry for each, oldest first, only ever appended to, from the store's own books and not through the plugin; in words
        without ids, marks and times, so that the same thing done to two equal orders reads the same.
        """

    def settle(self) -> None:  # noqa: B027 - most stores do everything at once
        """Wait until the store has ended what it does by itself after a call (a job)."""

    @abstractmethod
    def webhooks(self) -> Sequence[str]:
        """The topics of the webhooks that are set up just now, each as often as it is."""

    @abstractmethod
    def raw_orders(self) -> Sequence[Mapping[str, Any]]:
        """Orders as `parse_order` gets them: the store's own, and recorded or odd ones, as many as there are."""

    @abstractmethod
    def delivery(self, platform_id: str) -> Delivery:
        """A webhook about this order as the platform would send it, signed."""

    @abstractmethod
    def signed(self, body: bytes) -> Delivery:
        """Any other body under the same topic, signed in the same way."""

    @abstractmethod
    def no(self, request: requests.PreparedRequest, words: str) -> tuple[int, Any]:
        """How the platform refuses this call: status and JSON, with these words as its reason."""


@dataclass(slots=True, kw_only=True)
class Played:
    """How an act went. `answer` is None and `told` False where only a person can find out; `writes`: how many were begun."""

    order: Order
    ctx: TestContext
    asked: dict[str, Any]
    answer: Any = None
    told: bool = True
    writes: int = 0
    changes: list[str] = field(default_factory=list)


class Trial:
    """`said` holds every text that came out of the plugin: errors, log, what it had written down."""

    def __init__(self, plugin: ModuleType, store: PlatformStore) -> None:
        self.plugin = plugin
        self.store = store
        self.hooks = implemented(plugin)
        self.said: list[str] = []

    def context(self, platform_id: str = "", *, config: Mapping[str, Any] | None = None) -> TestContext:
        """A new context, with books of its own. Its clock is the real one, as the store's is."""
        return make_context(
            self.plugin,
            config or self.store.config,
            now=lambda: datetime.now(UTC),
            account="shop",
            platform_id=platform_id,
            request_id=REQUEST,
        )

    def call(self, hook: str, ctx: TestContext | None, **arguments: Any) -> Any:
        """Call a hook as the core does: by name, with those arguments that it wants; its answer has the declared type."""
        function = self.hooks[hook]
        given = {**arguments, "ctx": ctx}
        wanted = {name: given[name] for name in inspect.signature(function).parameters}
        if ctx is None:
            return function(**wanted)
        with connections(ctx.effect.books.line) as past, log_of("connector.plugin", self.plugin.__name__) as logged:
            try:
                answer = function(**wanted)
            except Exception as error:
                self.said.append(f"{error} {error.args}")
                raise
            finally:
                self.said += logged
                self.said += [_kept(effect) for effect in ctx.effect.sent]
                line = ctx.effect.books.line
                assert not past, f"{hook} opens connections of its own, past ctx.http: {', '.join(past)}"
                assert not line.refused, f"{hook} writes past the ledger: {', '.join(line.refused)}"
        assert fits(answer, answer_type(hook)), f"{hook} answers {answer!r:.80}, not {answer_type(hook)}"
        return answer

    def order(self, platform_id: str) -> Order:
        found = self.call("fetch_order", self.context(platform_id), platform_id=platform_id)
        assert found is not None, f"fetch_order does not find order {platform_id}, which is there"
        return found  # type: ignore[no-any-return]

    # --- acts ---------------------------------------------------------------------------------------------------------

    def ready(self, act: Act) -> Played:
        """A new order for this act, with everything done that comes before it."""
        platform_id = self.store.place_order(authorized=act.authorized)
        ctx = self.context(platform_id)
        if act.after is not None:
            before = next_act(ctx, request_id="before")
            self.insist(act.after.hook, before, act.after.asked(self.order(platform_id)))
        order = self.order(platform_id)
        return Played(order=order, ctx=ctx, asked=act.asked(order))

    def play(self, act: Act, *, trouble: Trouble | None = None, at: int = 1, pause_s: float = HOUR_S) -> Played:
        """Do the act on a new order to its end, repeated as often as the core would, `pause_s` apart."""
        played = self.ready(act)
        before, begun = len(self.store.changes(played.order.platform_id)), played.ctx.effect.books.line.writes
        if trouble is not None:
            played.ctx.http.trouble(trouble, at=at)
        try:
            played.answer = self.insist(act.hook, played.ctx, played.asked, pause_s=pause_s)
        except OutcomeUnknown:
            played.told = False
        self.store.settle()
        played.writes = played.ctx.effect.books.line.writes - begun
        played.changes = list(self.store.changes(played.order.platform_id))[before:]
        return played

    def insist(self, hook: str, ctx: TestContext, asked: Mapping[str, Any], *, pause_s: float = HOUR_S) -> Any:
        """Call it until it has an answer. Raises OutcomeUnknown if only a person can tell, and whatever else it raises."""
        for _ in range(TRIES):
            sent = len(ctx.effect.sent)
            try:
                return self.call(hook, ctx, **asked)
            except TryLater as later:
                wait(later)
            except OutcomeUnknown:
                if len(ctx.effect.sent) == sent:  # nothing was sent this time: it was looked up, in vain
                    raise
            self.look(ctx)
            ctx.effect.time_passes(pause_s)
        raise AssertionError(f"{hook} comes to no end: after {TRIES} tries it still wants to be called later")

    def look(self, ctx: TestContext) -> None:
        """What find_effect says of an effect whose outcome is unknown must not be the opposite of the truth."""
        trouble = ctx.effect.books.line.struck
        if trouble is None or "find_effect" not in self.hooks:
            return
        ctx.effect.books.line.struck = None
        self.store.settle()
        for effect in unsettled(ctx):
            found = type(self.call("find_effect", ctx, effect=effect)).__name__
            lie = "NotHappened" if trouble.happens else "Happened"
            assert found != lie, f"find_effect says {found} of {effect.kind}, which {_truth(trouble)}"


def wait(later: TryLater) -> None:
    """As long as a simulated store may take for what it does by itself."""
    time.sleep(min(0.15, later.after_s))


def _truth(trouble: Trouble) -> str:
    return "happened (its answer was lost)" if trouble.happens else "never reached the vendor"


def unsettled(ctx: TestContext) -> list[Effect]:
    return [effect for effect in ctx.effect.books.effects.values() if effect.state is EffectState.UNKNOWN]


def _kept(effect: Effect) -> str:
    return json.dumps([effect.request, effect.before], default=str)


def implemented(plugin: ModuleType) -> dict[str, Callable[..., Any]]:
    """The hooks of a plugin by their name."""
    found = {name: (value, getattr(value, "connector_impl", None)) for name, value in vars(plugin).items()}
    return {said.get("specname") or name: value for name, (value, said) in found.items() if said}


def leaks(texts: Sequence[str], ctx: TestContext) -> list[str]:
    """Texts in which a secret of the account stands."""
    config = ctx.account.config
    values = [getattr(config, key.name, "") for key in (keys_of(type(config)) if config is not None else []) if key.secret]
    secrets = [str(value) for value in values if len(str(value or "")) >= 4]
    return [text for text in texts if any(secret in text for secret in secrets)]


def personal(texts: Sequence[str], order: Order) -> list[str]:
    """Texts in which something of the customer stands."""
    words = {order.customer.email, order.customer.phone, order.shipping.name, order.shipping.line1, order.billing.line1}
    return [text for text in texts if any(word in text for word in words if len(word) >= 4)]


def needs(plugin: ModuleType, hook: str) -> None:
    """Leave a test out for a plugin that does not have the hook."""
    if hook not in implemented(plugin):
        pytest.skip(f"the plugin has no {hook}")
