"""One typed method per hook, and the only caller of plugins.

`ask_one` asks exactly the plugin of the named account, never anybody else. `ask_each` (review only) asks every reviewer of a
shop, one at a time, so that one that fails hides nobody. An answer of the wrong type is refused here.

CONNECTOR_TRACE=1 prints every call to stderr: hook, account, plugin, milliseconds, and the type of the answer or error.
"""

# The answers are checked against the declared types when they come in.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import logging
import os
import sys
import time
import traceback
import typing
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from types import NoneType, UnionType
from typing import Any, Protocol

from .context import Account, Context
from .errors import ConfigError, ConnectorError, PluginError, Unsupported
from .model.case import Note, StatusChange
from .model.events import CarrierView, Check, Delivery, DutyEvent, Effect, Found, Message, News, Page, Person, Sent
from .model.order import Address, Order
from .model.payment import Captured, CaptureRequest
from .model.plugin import PluginInfo
from .model.refunds import Cancelled, CancelRequest, MoneyEvent, Refunded, RefundRequest
from .model.review import Finding, FraudScore, Hold, Severity, VerifiedAddress
from .model.shipping import (
    Label,
    LabelRequest,
    Parcel,
    Shipment,
    ShippingQuote,
    StockChange,
    SupplierOrder,
    SupplierOrderRequest,
    TrackingEvent,
)
from .registry import Registry, every_hook

log = logging.getLogger(__name__)


class MakeContext(Protocol):
    """Makes what a hook is handed. `about` holds platform_id and request_id as far as they are known."""

    def __call__(self, account: Account, /, **about: str) -> Context: ...


class Hooks:
    """All hooks, each called with the account first and the rest by name. What they mean is in hookspecs.py.

    Raises:
        ConfigError: the account's plugin is missing or blocked. Unsupported: it has no such hook.
        PluginError: it failed in a way that is not one of our errors, or its answer is not of the declared type.
        ConnectorError: any other, as the plugin raised it.
    """

    def __init__(self, registry: Registry, make_context: MakeContext, **about: str) -> None:
        self._registry = registry
        self._make_context = make_context
        self._known = about
        self._tracing = os.environ.get("CONNECTOR_TRACE") == "1"

    def about(self, **about: str) -> Hooks:
        """The same hooks with more known to their contexts: `hooks.about(request_id=act.id).push_status(account, ...)`.

        What is not said is taken from the arguments: the order's platform_id, the request's, change's or shipment's id.
        """
        return Hooks(self._registry, self._make_context, **{**self._known, **about})

    # --- 1. about ---------------------------------------------------------------------------------------------------------

    def describe(self, account: Account) -> PluginInfo:
        return self.ask_one(account, "describe")

    def check_account(self, account: Account) -> list[Check]:
        return self.ask_one(account, "check_account")

    # --- 2. intake --------------------------------------------------------------------------------------------------------

    def verify_webhook(self, account: Account, *, delivery: Delivery) -> bool:
        return self.ask_one(account, "verify_webhook", delivery=delivery)

    def parse_webhook(self, account: Account, *, delivery: Delivery) -> list[News]:
        return self.ask_one(account, "parse_webhook", delivery=delivery)

    def ensure_webhooks(self, account: Account, *, address: str) -> list[Check]:
        return self.ask_one(account, "ensure_webhooks", address=address)

    def fetch_order(self, account: Account, *, platform_id: str) -> Order | None:
        return self.ask_one(account, "fetch_order", platform_id=platform_id)

    def parse_order(self, account: Account, *, raw: Mapping[str, Any]) -> Order:
        return self.ask_one(account, "parse_order", raw=raw)

    def poll_orders(self, account: Account, *, cursor: str) -> Page:
        return self.ask_one(account, "poll_orders", cursor=cursor)

    def import_orders(self, account: Account, *, cursor: str) -> Page:
        return self.ask_one(account, "import_orders", cursor=cursor)

    def missing_orders(self, account: Account, *, platform_ids: tuple[str, ...]) -> list[str]:
        return self.ask_one(account, "missing_orders", platform_ids=platform_ids)

    # --- 3. review --------------------------------------------------------------------------------------------------------

    def review_order(self, account: Account, *, order: Order, carriers: tuple[CarrierView, ...]) -> list[Finding]:
        return self.ask_each(account, "review_order", order=order, carriers=carriers)

    def score_fraud(self, account: Account, *, order: Order) -> FraudScore:
        return self.ask_one(account, "score_fraud", order=order)

    def verify_address(self, account: Account, *, address: Address) -> VerifiedAddress:
        return self.ask_one(account, "verify_address", address=address)

    # --- 4. money ---------------------------------------------------------------------------------------------------------

    def capture_payment(self, account: Account, *, order: Order, request: CaptureRequest) -> Captured:
        return self.ask_one(account, "capture_payment", order=order, request=request)

    def void_payment(self, account: Account, *, order: Order, payment_id: str) -> bool:
        return self.ask_one(account, "void_payment", order=order, payment_id=payment_id)

    def refund_payment(self, account: Account, *, order: Order, request: RefundRequest) -> Refunded:
        return self.ask_one(account, "refund_payment", order=order, request=request)

    def list_money(self, account: Account, *, cursor: str) -> tuple[list[MoneyEvent], str]:
        return self.ask_one(account, "list_money", cursor=cursor)

    # --- 5. fulfillment ---------------------------------------------------------------------------------------------------

    def quote_shipping(self, account: Account, *, to: Address, parcels: tuple[Parcel, ...]) -> list[ShippingQuote]:
        return self.ask_one(account, "quote_shipping", to=to, parcels=parcels)

    def buy_label(self, account: Account, *, request: LabelRequest) -> Label:
        return self.ask_one(account, "buy_label", request=request)

    def void_label(self, account: Account, *, label: Label) -> bool:
        return self.ask_one(account, "void_label", label=label)

    def track_shipment(self, account: Account, *, shipment: Shipment) -> list[TrackingEvent]:
        return self.ask_one(account, "track_shipment", shipment=shipment)

    def place_supplier_order(self, account: Account, *, request: SupplierOrderRequest) -> SupplierOrder:
        return self.ask_one(account, "place_supplier_order", request=request)

    def cancel_supplier_order(self, account: Account, *, vendor_id: str) -> SupplierOrder:
        return self.ask_one(account, "cancel_supplier_order", vendor_id=vendor_id)

    def poll_supplier_orders(self, account: Account, *, cursor: str) -> tuple[list[SupplierOrder], str]:
        return self.ask_one(account, "poll_supplier_orders", cursor=cursor)

    def adjust_inventory(self, account: Account, *, change: StockChange) -> bool:
        return self.ask_one(account, "adjust_inventory", change=change)

    # --- 6. sync back -----------------------------------------------------------------------------------------------------

    def push_shipment(self, account: Account, *, order: Order, shipment: Shipment) -> Order | None:
        return self.ask_one(account, "push_shipment", order=order, shipment=shipment)

    def push_status(self, account: Account, *, order: Order, change: StatusChange) -> Order | None:
        return self.ask_one(account, "push_status", order=order, change=change)

    def cancel_order(self, account: Account, *, order: Order, request: CancelRequest) -> Cancelled:
        return self.ask_one(account, "cancel_order", order=order, request=request)

    def set_hold(self, account: Account, *, order: Order, hold: Hold) -> bool:
        return self.ask_one(account, "set_hold", order=order, hold=hold)

    def release_hold(self, account: Account, *, order: Order, hold: Hold) -> bool:
        return self.ask_one(account, "release_hold", order=order, hold=hold)

    def write_note(self, account: Account, *, order: Order, note: Note) -> bool:
        return self.ask_one(account, "write_note", order=order, note=note)

    def find_effect(self, account: Account, *, effect: Effect) -> Found:
        return self.ask_one(account, "find_effect", effect=effect)

    # --- 7. people --------------------------------------------------------------------------------------------------------

    def notify(self, account: Account, *, message: Message) -> Sent:
        return self.ask_one(account, "notify", message=message)

    def platform_tells(
        self, account: Account, *, order: Order, shipment: Shipment | None = None
    ) -> frozenset[tuple[DutyEvent, Person]]:
        return self.ask_one(account, "platform_tells", order=order, shipment=shipment)

    def export_customer(self, account: Account, *, email: str) -> Mapping[str, Any]:
        return self.ask_one(account, "export_customer", email=email)

    def erase_customer(self, account: Account, *, email: str) -> list[str]:
        return self.ask_one(account, "erase_customer", email=email)

    # --- 8. rehearsal -----------------------------------------------------------------------------------------------------

    def make_test_order(self, account: Account, *, scenario: str, run: str) -> str:
        return self.ask_one(account, "make_test_order", scenario=scenario, run=run)

    def read_back(self, account: Account, *, platform_id: str) -> Mapping[str, Any]:
        return self.ask_one(account, "read_back", platform_id=platform_id)

    def clean_up(self, account: Account, *, run: str) -> list[str]:
        return self.ask_one(account, "clean_up", run=run)

    # --- asking -------------------------------------------------------------------------------------------------------

    def ask_one(self, account: Account, hook: str, **arguments: Any) -> Any:
        """Ask the account's plugin and nobody else."""
        self._check_can(account, hook)
        return self._traced(account, hook, self._with_context(account, hook, arguments))

    def ask_each(self, shop: Account, hook: str, **arguments: Any) -> list[Finding]:
        """Ask every reviewer of the shop. One that fails becomes a finding against itself."""
        asked = ((one, self._with_context(one, hook, arguments)) for one in self._registry.reviewers(shop))
        return [finding for one, call in asked for finding in self._findings(one, hook, call)]

    def _findings(self, reviewer: Account, hook: str, call: Mapping[str, Any]) -> list[Finding]:
        try:
            findings = self._traced(reviewer, hook, call)
        except Exception as error:
            return [_plugin_failed(reviewer, error)]
        return [replace(finding, said_by=reviewer.plugin) for finding in findings]

    def _check_can(self, account: Account, hook: str) -> None:
        plugin = account.plugin
        if self._registry.is_blocked(plugin):
            raise ConfigError(
                f"{self._registry.settings.path}: [accounts.{account.name}] plugin: {plugin} is blocked; "
                "take it out of blocked_plugins (and CONNECTOR_BLOCKED_PLUGINS)"
            )
        if plugin not in self._registry.infos:
            raise ConfigError(
                f"{self._registry.settings.path}: [accounts.{account.name}] plugin: there is no plugin {plugin}; "
                "install it or correct the name"
            )
        if not self._registry.implements(plugin, hook):
            raise Unsupported(f"the plugin {plugin} cannot do this", account=account.name, operation=hook)

    def _with_context(self, account: Account, hook: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        if hook == "describe":
            return dict(arguments)
        return {**arguments, "ctx": self._make_context(account, **{**_about(arguments), **self._known})}

    def _traced(self, account: Account, hook: str, call: Mapping[str, Any]) -> Any:
        if not self._tracing:
            return self._answer(account, hook, call)
        started, said = time.perf_counter(), ""
        try:
            answer = self._answer(account, hook, call)
            said = type(answer).__name__
        except BaseException as error:
            said = type(error).__name__
            raise
        finally:
            took_ms = (time.perf_counter() - started) * 1000
            sys.stderr.write(f"connector: {hook} account={account.name} plugin={account.plugin} {took_ms:.1f} ms {said}\n")
        return answer

    def _answer(self, account: Account, hook: str, call: Mapping[str, Any]) -> Any:
        plugins = self._registry.plugins
        others = [plugin for name, plugin in plugins.list_name_plugin() if name != account.plugin and plugin is not None]
        try:
            answers = plugins.subset_hook_caller(hook, others)(**call)
        except ConnectorError:
            raise
        except Exception as error:
            raise _failed(account, hook, error) from error
        return _the_answer(answers, account, hook)


def _about(arguments: Mapping[str, Any]) -> dict[str, str]:
    """What the arguments say about the call: which order, which request."""
    message, effect = arguments.get("message"), arguments.get("effect")
    order = arguments.get("order") or (message.order if message else effect)
    request = arguments.get("request") or arguments.get("shipment") or arguments.get("change")
    about = {
        "platform_id": arguments.get("platform_id") or getattr(order, "platform_id", ""),
        "request_id": effect.request_id if effect else getattr(request, "id", ""),
    }
    return {name: value for name, value in about.items() if value}


# --- answers ----------------------------------------------------------------------------------------------------------


def _the_answer(answers: list[Any], account: Account, hook: str) -> Any:
    if len(answers) > 1:
        raise PluginError(f"plugin {account.plugin}: {len(answers)} functions answer the hook {hook}; one must be taken out")
    # pluggy leaves out None.
    return _checked(answers[0] if answers else None, answer_type(hook), account, hook)


@cache
def answer_type(hook: str) -> Any:
    """What a hook is declared to return, as a type."""
    return typing.get_type_hints(every_hook()[hook], localns=globals())["return"]


def _checked(answer: Any, kind: Any, account: Account, hook: str) -> Any:
    if fits(answer, kind):
        return answer
    declared = every_hook()[hook].__annotations__["return"]
    inside = f" of {_kinds_in(answer)}" if isinstance(answer, list | tuple) and answer else ""
    raise PluginError(f"plugin {account.plugin}: hook {hook} must answer {declared}, not {type(answer).__name__}{inside}")


def _kinds_in(answer: list[Any] | tuple[Any, ...]) -> str:
    return ", ".join(sorted({type(item).__name__ for item in answer}))


def fits(value: Any, kind: Any) -> bool:
    """Is a value of this type? Looks into lists, tuples, sets, mappings and unions; what an iterator yields is not."""
    if kind is Any:
        return True
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (UnionType, typing.Union):
        return any(fits(value, one) for one in inner)
    if origin is None:
        return isinstance(value, NoneType if kind is None else kind)
    if not isinstance(value, origin):
        return False
    if origin is tuple and inner[-1] is not Ellipsis:
        return len(value) == len(inner) and all(map(fits, value, inner))
    if origin in (list, tuple, frozenset):
        return all(fits(item, inner[0]) for item in value)
    if issubclass(origin, Mapping):
        return all(fits(key, inner[0]) and fits(item, inner[1]) for key, item in value.items())
    return True


# --- failures ---------------------------------------------------------------------------------------------------------


def _failed(account: Account, hook: str, error: Exception) -> PluginError:
    """The text leaves out what the error says: it may hold a customer's data. The log has it."""
    log.error("plugin %s failed in hook %s for account %s", account.plugin, hook, account.name, exc_info=error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{type(error).__name__} at {os.path.basename(last.filename)} line {last.lineno}"
    return PluginError(f"plugin {account.plugin} failed in hook {hook} for {account.name} ({where}); the log has the details")


def _plugin_failed(reviewer: Account, error: Exception) -> Finding:
    return Finding(
        code="plugin_failed",
        kind="plugin",
        severity=Severity.WARNING,
        text=f"{reviewer.plugin} could not review this order, what it would have found is missing: {error}",
        releases="a later review in which it does not fail",
        said_by=reviewer.plugin,
    )
