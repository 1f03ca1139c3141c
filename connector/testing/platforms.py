"""What every platform plugin has to keep: a class of tests to be inherited by the tests of one.

from connector.testing.platforms import PlatformContract, PlatformStore

class TestMyShop(PlatformContract):
    plugin = my_shop

    @pytest.fixture
    def store(self):
        with Simulated() as shop:
            yield MyStore(shop)      # a PlatformStore

pytest collects the tests from the inherited class; those of hooks that the plugin does not have are not there. Each says in its
docstring what must be true. Texts of failures name hook, trouble and what the store shows.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any, ClassVar

import pytest

from .. import registry
from ..config_table import keys_of
from ..errors import BadPayload, ConnectorError, PluginError, Refused, TryLater
from ..model.events import CannotTell, Check, CheckResult, Effect, EffectClass, EffectState, Page, PluginKind
from ..model.order import Order
from .acts import ACTS, REQUEST, Act
from .context import TestContext, next_act
from .orders import flaws
from .platform_webhooks import WebhookRules
from .trial import HOUR_S, PlatformStore, Trial, implemented, leaks, needs, personal, unsettled, wait
from .watch import LIGHT, described
from .wire import Trouble

__all__ = ["Act", "PlatformContract", "PlatformStore"]

WORDS = "Closed for stocktaking until Monday"
WEEK_S = 7 * 24 * HOUR_S
PAGES = 60
SECRET_WORDS = ("secret", "token", "password")


class PlatformContract(WebhookRules):
    """Inherit it, say which `plugin`, and give a fixture `store` that yields a PlatformStore.

    `cannot`: names of acts (see acts.py) that this platform cannot do, each with the reason; they are then not asked for.
    `may_import`: packages that the plugin needs at its import beside what the connector has; an SDK is none of them.
    """

    plugin: ClassVar[ModuleType]
    cannot: ClassVar[Mapping[str, str]] = {}
    may_import: ClassVar[frozenset[str]] = frozenset()

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        acts = [act for act in ACTS if act.hook in implemented(metafunc.cls.plugin) and act.name not in metafunc.cls.cannot]
        if "act" in metafunc.fixturenames:
            metafunc.parametrize("act", acts, ids=str)
        if "trouble" in metafunc.fixturenames:
            metafunc.parametrize("trouble", list(Trouble), ids=str)

    @pytest.fixture
    def trial(self, store: PlatformStore) -> Trial:
        return Trial(self.plugin, store)

    # --- about --------------------------------------------------------------------------------------------------------

    def test_hooks_are_named_as_specified(self) -> None:
        """Every hook is one of the contract, marked, and names only arguments that it has; there are those that it needs."""
        name = self.plugin.describe().name
        try:
            registry.check_module(self.plugin, name)
        except PluginError as error:
            raise AssertionError(str(error)) from error
        assert PluginKind.PLATFORM in self.plugin.describe().kinds, "describe() does not say PluginKind.PLATFORM"
        missing = {"fetch_order", "parse_order", "poll_orders"} - implemented(self.plugin).keys()
        assert not missing, f"a platform cannot do without {', '.join(sorted(missing))}"

    def test_describe_is_light(self) -> None:
        """It takes no time, imports no SDK, touches no network, and says the same each time."""
        said = described(self.plugin.__name__)
        sdk = said.imports - LIGHT - self.may_import - {self.plugin.__name__.partition(".")[0]}
        assert not sdk, f"importing it brings in {', '.join(sorted(sdk))}; import that inside the function that needs it"
        assert said.ms < 20, f"describe() takes {said.ms:.0f} ms; it is asked often"
        assert said.same, "describe() says something else each time"
        assert not said.network, "describe() touches the network"

    def test_rules_are_true_to_their_class(self) -> None:
        """What is looked up can be looked up, and what is keyed is remembered for some time."""
        for kind, rule in self.plugin.describe().effects.items():
            assert rule.deadline_s > 0, f"{kind}: deadline_s is {rule.deadline_s}"
            if rule.vendor is EffectClass.LOOKUP:
                assert "find_effect" in implemented(self.plugin), f"{kind} is LOOKUP, and there is no find_effect"
            if rule.vendor is EffectClass.KEYED:
                longest = rule.deadline_s + rule.settle_s
                assert rule.remembers_s > longest, f"{kind} is KEYED: remembers_s must be longer than deadline_s and settle_s"

    def test_secrets_are_marked(self) -> None:
        """A key of the configuration that is called like a secret is never shown."""
        struct = self.plugin.describe().config
        open_ones = [key.name for key in (keys_of(struct) if struct else []) if not key.secret and _is_secret(key.name)]
        assert not open_ones, f'{", ".join(open_ones)}: add extra={{"secret": True}}'

    def test_check_account_says_what_works(self, trial: Trial) -> None:
        """A working account has no failed check; a wrong one has one, with a fix and without the secret; nothing is raised."""
        needs(self.plugin, "check_account")
        ctx = trial.context()
        checks: list[Check] = trial.call("check_account", ctx)
        assert checks, "check_account looks at nothing"
        failed = [check.text for check in checks if check.result is CheckResult.FAILED]
        assert not failed, f"check_account finds fault with a store that works: {failed}"
        wrong = trial.context(config=trial.store.wrong_config)
        checks = trial.call("check_account", wrong)
        bad = [check for check in checks if check.result is CheckResult.FAILED]
        assert bad, "check_account does not notice wrong credentials"
        assert all(check.fix for check in bad), f"a failed check says no fix: {bad}"
        said = [f"{check.text} {check.fix}" for check in checks] + trial.said
        assert not leaks(said, wrong), f"check_account shows a secret: {leaks(said, wrong)}"

    # --- orders -------------------------------------------------------------------------------------------------------

    def test_parse_order_is_pure(self, trial: Trial) -> None:
        """The same JSON gives the same order, is not changed, and nobody is asked; ids, sums, times are as they should be."""
        trial.store.place_order()
        raws = trial.store.raw_orders()
        assert raws, "the store has no raw orders to try it on"
        for raw in raws:
            ctx, copy = trial.context(), deepcopy(dict(raw))
            ctx.effect.books.line.down = True
            first = trial.call("parse_order", ctx, raw=raw)
            assert raw == copy, f"parse_order changes the JSON of order {first.platform_id}"
            second = trial.call("parse_order", trial.context(), raw=raw)
            assert first == second, f"parse_order: order {first.platform_id} is another one the second time"
            assert not ctx.effect.books.rows, "parse_order keeps something in ctx.state"
            assert not flaws(first), f"parse_order, order {first.platform_id}: {'; '.join(flaws(first))}"

    def test_odd_json_is_bad_payload(self, trial: Trial) -> None:
        """Whatever is missing or of another type in an order, it is an order all the same or BadPayload, and never a crash."""
        trial.store.place_order()
        for raw in trial.store.raw_orders()[:3]:
            for what, odd in _odd(raw):
                try:
                    trial.call("parse_order", trial.context(), raw=odd)
                except BadPayload:
                    continue
                except ConnectorError as error:
                    raise AssertionError(f"parse_order raises {type(error).__name__} where {what}, not BadPayload") from error
                except Exception as error:
                    raise AssertionError(f"parse_order crashes where {what}: {error!r}") from error

    def test_fetch_order(self, trial: Trial) -> None:
        """An order is fetched as it is, with its own id, the same each time; one that is not there is None."""
        platform_id = trial.store.place_order()
        first, second = trial.order(platform_id), trial.order(platform_id)
        assert first.platform_id == platform_id, f"fetch_order answers {first.platform_id} when asked for {platform_id}"
        assert first == second, f"fetch_order: order {platform_id} is another one the second time"
        assert not flaws(first), f"fetch_order: {'; '.join(flaws(first))}"
        unknown = trial.store.unknown_id
        assert trial.call("fetch_order", trial.context(unknown), platform_id=unknown) is None, (
            "an order that is not there is None"
        )

    def test_poll_orders(self, trial: Trial) -> None:
        """What changed since the cursor is there, again with the same cursor, and what staff change later with the last one."""
        start, placed = _ago(minutes=1), {trial.store.place_order() for _ in range(3)}
        orders, last = self._walk(trial, "poll_orders", start)
        assert placed <= orders.keys(), f"poll_orders misses {placed - orders.keys()}"
        for order in orders.values():
            assert not flaws(order), f"poll_orders, order {order.platform_id}: {'; '.join(flaws(order))}"
        again, _ = self._walk(trial, "poll_orders", start)
        assert orders.keys() <= again.keys(), f"the same cursor gives less: {orders.keys() - again.keys()}"
        one = min(placed)
        trial.store.edit_order(one)
        later, _ = self._walk(trial, "poll_orders", last)
        assert one in later, f"poll_orders misses what staff changed in {one} after the cursor {last!r}"

    def test_the_first_poll_starts_now(self, trial: Trial) -> None:
        """The cursor "" is a beginning that the next poll can go on from."""
        page: Page = trial.call("poll_orders", trial.context(), cursor="")
        placed = trial.store.place_order()
        orders, _ = self._walk(trial, "poll_orders", page.next_cursor)
        assert placed in orders, "poll_orders misses an order that was placed after the very first poll"

    def test_import_orders(self, trial: Trial) -> None:
        """Orders placed since a time are all there, whatever page they are on."""
        needs(self.plugin, "import_orders")
        start, placed = _ago(minutes=1), {trial.store.place_order() for _ in range(3)}
        orders, _ = self._walk(trial, "import_orders", start)
        assert placed <= orders.keys(), f"import_orders misses {placed - orders.keys()}"
        for order in orders.values():
            assert not flaws(order), f"import_orders, order {order.platform_id}: {'; '.join(flaws(order))}"

    def test_missing_orders(self, trial: Trial) -> None:
        """Exactly what the store does not list is missing."""
        needs(self.plugin, "missing_orders")
        there, unknown = trial.store.place_order(), trial.store.unknown_id
        found = trial.call("missing_orders", trial.context(), platform_ids=(there, unknown))
        assert unknown in found, f"missing_orders does not miss {unknown}, which is not there"
        assert there not in found, f"missing_orders misses {there}, which is there"

    def _walk(self, trial: Trial, hook: str, cursor: str) -> tuple[dict[str, Order], str]:
        """Page after page to the end; the last cursor is where the next walk begins."""
        orders: dict[str, Order] = {}
        ctx = trial.context()
        for _ in range(PAGES):
            try:
                page: Page = trial.call(hook, ctx, cursor=cursor)
            except TryLater as later:
                wait(later)
                continue
            assert not page.unreadable, f"{hook} cannot read {', '.join(page.unreadable)}"
            orders |= {order.platform_id: order for order in page.orders}
            cursor = page.next_cursor
            if not page.more:
                assert not ctx.effect.sent or hook == "import_orders", f"{hook} changes something: {ctx.effect.sent}"
                return orders, cursor
        raise AssertionError(f"{hook} comes to no end: {PAGES} pages, and there is more")

    # --- reading ------------------------------------------------------------------------------------------------------

    def test_reading_changes_nothing(self, trial: Trial) -> None:
        """Hooks that only read write nothing: neither through the ledger nor past it, nor does the store show anything new."""
        platform_id = trial.store.place_order()
        before = list(trial.store.changes(platform_id)), list(trial.store.webhooks())
        for hook, asked in self._reads(trial, platform_id):
            ctx = trial.context(platform_id)
            trial.call(hook, ctx, **asked)
            assert not ctx.effect.sent, f"{hook} only reads, and sends {ctx.effect.sent[0].kind}"
        assert (list(trial.store.changes(platform_id)), list(trial.store.webhooks())) == before, "reading changed the store"

    def test_nobody_answers(self, trial: Trial) -> None:
        """While the store is down, reading raises TryLater, and who tells whom is answered all the same."""
        platform_id = trial.store.place_order()
        for hook, asked in self._reads(trial, platform_id):
            ctx = trial.context(platform_id)
            ctx.effect.books.line.down = True
            try:
                trial.call(hook, ctx, **asked)
            except TryLater:
                assert hook != "platform_tells", "platform_tells raises TryLater; it has to know by itself"
            except ConnectorError as error:
                raise AssertionError(f"{hook} raises {type(error).__name__} while nobody answers, not TryLater") from error
            except Exception as error:
                raise AssertionError(f"{hook} crashes while nobody answers: {error!r}") from error

    def _reads(self, trial: Trial, platform_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
        order, delivery = trial.order(platform_id), trial.store.delivery(platform_id)
        unknown = Effect(key="k/1", kind="never heard of", request_id="r", attempt=1, state=EffectState.UNKNOWN)
        asked: dict[str, dict[str, Any]] = {
            "check_account": {},
            "verify_webhook": {"delivery": delivery},
            "parse_webhook": {"delivery": delivery},
            "fetch_order": {"platform_id": platform_id},
            "poll_orders": {"cursor": _ago(minutes=1)},
            "missing_orders": {"platform_ids": (platform_id,)},
            "platform_tells": {"order": order, "shipment": None},
            "export_customer": {"email": order.customer.email},
            "find_effect": {"effect": replace(unknown, platform_id=platform_id)},
            "read_back": {"platform_id": platform_id},
        }
        yield from ((hook, given) for hook, given in asked.items() if hook in trial.hooks)

    def test_an_unknown_kind_cannot_be_told(self, trial: Trial) -> None:
        """find_effect is asked about what an older version did, too: then it cannot tell."""
        needs(self.plugin, "find_effect")
        effect = Effect(key="k/1", kind="never heard of", request_id="r", attempt=1, state=EffectState.UNKNOWN)
        found = trial.call("find_effect", trial.context(), effect=effect)
        assert isinstance(found, CannotTell), f"find_effect says {found} of an effect whose kind it does not know"

    # --- changing the world -------------------------------------------------------------------------------------------

    def test_it_is_done_once(self, trial: Trial, act: Act) -> None:
        """The world changes, and a second call with the same request id changes nothing more and answers the same."""
        played = trial.play(act)
        assert played.changes, f"{act}: nothing has changed in the store"
        assert played.ctx.effect.sent, f"{act}: the ledger has heard of nothing"
        sent, shown = len(played.ctx.effect.sent), list(trial.store.changes(played.order.platform_id))
        answer = trial.insist(act.hook, next_act(played.ctx, request_id=REQUEST), played.asked)
        assert _facts(answer) == _facts(played.answer), f"{act}: answers {answer} the second time, {played.answer} at first"
        assert len(played.ctx.effect.sent) == sent, f"{act}: the same request is sent a second time"
        assert list(trial.store.changes(played.order.platform_id)) == shown, f"{act}: is done a second time"
        self._nothing_leaks(trial, act, played.order, played.ctx)

    def test_whatever_becomes_of_a_call_it_is_done_once(self, trial: Trial, act: Act, trouble: Trouble) -> None:
        """Each write of the act is lost in turn; repeated as the core does, the store shows what it shows without trouble."""
        calm = trial.play(act)
        kinds = [self.plugin.describe().effects[effect.kind].vendor for effect in calm.ctx.effect.sent]
        for pause_s in (HOUR_S, WEEK_S) if EffectClass.KEYED in kinds else (HOUR_S,):
            for at in range(1, calm.writes + 1):
                self._troubled(trial, act, trouble, at, calm.changes, calm.answer, pause_s)

    def _troubled(
        self, trial: Trial, act: Act, trouble: Trouble, at: int, wanted: list[str], answer: Any, pause_s: float
    ) -> None:
        played = trial.play(act, trouble=trouble, at=at, pause_s=pause_s)
        where = f"{act}, {trouble} at write {at}"
        too_many = Counter(played.changes) - Counter(wanted)
        assert not too_many, f"{where}: beyond what is wanted the store shows {list(too_many)}; all of it: {played.changes}"
        if played.told:
            missing = Counter(wanted) - Counter(played.changes)
            assert not missing, f"{where}: it is called done, and the store does not show {list(missing)}"
            assert _facts(played.answer) == _facts(answer), f"{where}: answers {played.answer}, and {answer} without trouble"
            left = [effect.kind for effect in unsettled(played.ctx)]
            assert not left, f"{where}: it is called done, and {', '.join(left)} is still unknown"
        self._nothing_leaks(trial, act, played.order, played.ctx)

    def test_a_no_is_passed_on(self, trial: Trial, act: Act) -> None:
        """What the vendor refuses is Refused with the vendor's own words and no secret; it is not asked a second time."""
        played = trial.ready(act)
        shown = list(trial.store.changes(played.order.platform_id))
        played.ctx.http.reply(lambda request: trial.store.no(request, WORDS))
        for _ in range(2):
            reason = _reason(lambda: trial.insist(act.hook, played.ctx, played.asked))
            assert reason, f"{act}: the vendor said no, and it is called done"
            assert WORDS in reason, f"{act}: the vendor's reason is not passed on: {reason}"
        assert list(trial.store.changes(played.order.platform_id)) == shown, f"{act}: was refused, and done all the same"
        self._nothing_leaks(trial, act, played.order, played.ctx)

    def _nothing_leaks(self, trial: Trial, act: Act, order: Order, ctx: TestContext) -> None:
        assert not leaks(trial.said, ctx), f"{act}: shows a secret: {leaks(trial.said, ctx)[0]}"
        kept = [json.dumps([effect.request, effect.before], default=str) for effect in ctx.effect.sent]
        kept += [json.dumps(answer, default=str) for answer in ctx.effect.books.answers.values()]
        assert not personal(kept, order), f"{act}: the ledger gets personal data: {personal(kept, order)[0]}"
        assert not leaks(kept, ctx), f"{act}: the ledger gets a secret: {leaks(kept, ctx)[0]}"


# --- helpers ----------------------------------------------------------------------------------------------------------


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in SECRET_WORDS)


def _reason(call: Callable[[], Any]) -> str:
    """Why the vendor refused it; "" if it did not."""
    try:
        call()
    except Refused as no:
        return str(no)
    return ""


def _ago(*, minutes: float) -> str:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat(timespec="seconds")


def _facts(answer: Any) -> Any:
    """What an answer says, without the vendor's ids of it; of an order nothing: it shows later changes, too."""
    if isinstance(answer, Order) or answer is None:
        return None
    if not is_dataclass(answer):
        return answer
    return {field.name: getattr(answer, field.name) for field in fields(answer) if field.name != "vendor_id"}


def _odd(raw: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The JSON with each of its fields missing, or of a type that nobody expects."""
    values: tuple[tuple[str, Callable[[], Any]], ...] = (
        ("null", lambda: None),
        ("a text", lambda: "x"),
        ("a list", list),
        ("a list of nulls", lambda: [None]),
        ("an object", dict),
        ("a number", lambda: -1),
        ("true", lambda: True),
    )
    for name in raw:
        yield f"{name} is missing", {key: deepcopy(value) for key, value in raw.items() if key != name}
        for what, make in values:
            yield f"{name} is {what}", {**deepcopy(dict(raw)), name: make()}
