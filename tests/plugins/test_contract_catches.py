"""The platform contract can fail: for each of its rules there is a plugin that breaks it, and is caught."""

from __future__ import annotations

import hmac
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta, timezone
from types import ModuleType
from typing import Any

import msgspec
import pytest
import requests

from connector import (
    BadSignature,
    Check,
    CheckResult,
    EffectClass,
    EffectRule,
    Happened,
    NotHappened,
    OutcomeUnknown,
    Page,
    PluginError,
    Refused,
    hookimpl,
)
from connector.plugins import woocommerce as woo
from connector.plugins.woocommerce.client import read_all, write
from connector.sandbox import Sandbox
from connector.testing.acts import ACTS
from connector.testing.platforms import PlatformContract
from connector.testing.trial import Trial
from connector.testing.wire import Trouble
from tests.plugins.test_contract_woocommerce import WooStore


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(webhooks="never") as running:
        yield running


@pytest.fixture
def store(sandbox: Sandbox) -> WooStore:
    sandbox.reset()
    return WooStore(sandbox)


def wrong(**instead: Callable[..., Any]) -> ModuleType:
    """The WooCommerce plugin with some of its hooks done badly."""
    module = ModuleType(woo.__name__)
    vars(module).update(vars(woo))
    vars(module).update({name: hookimpl(function) for name, function in instead.items()})
    return module


def tried(plugin: ModuleType, test: str, store: WooStore, *, act: str = "", trouble: Trouble | None = None) -> None:
    """Run one test of the contract on it."""
    contract = type("Contract", (PlatformContract,), {"plugin": plugin})()
    given: dict[str, Any] = {"trial": Trial(plugin, store)}
    if act:
        given["act"] = next(one for one in ACTS if one.name == act)
    if trouble:
        given["trouble"] = trouble
    alone = ("test_hooks_are_named_as_specified", "test_describe_is_light")
    plain = (*alone, "test_rules_are_true_to_their_class", "test_secrets_are_marked")
    getattr(contract, test)(**({} if test in plain else given))


# --- about ------------------------------------------------------------------------------------------------------------


def fetch_by_another_name(ctx, order_id):
    return None


def test_another_name_of_an_argument(store):
    """An argument that the hook does not have would never be filled in."""
    with pytest.raises(AssertionError, match=r"fetch_order\(order_id\) is no argument of this hook"):
        tried(wrong(fetch_order=fetch_by_another_name), "test_hooks_are_named_as_specified", store)


@pytest.mark.parametrize(
    ("head", "body", "said"),
    [
        ("import sqlalchemy", "", "brings in .*sqlalchemy"),
        ("import time", "    time.sleep(0.03)", "describe.. takes"),
        (
            "import itertools\nnumbers = itertools.count()",
            '    more["summary"] = str(next(numbers))',
            "something else each time",
        ),
        ("import socket", '    socket.getaddrinfo("127.0.0.1", 80)', "touches the network"),
    ],
)
def test_a_heavy_plugin(tmp_path, monkeypatch, store, head, body, said):
    """SDK at the import, slow, unsteady, or asking the network."""
    (tmp_path / "heavy_shop.py").write_text(
        f"{head}\nfrom connector import PluginInfo, PluginKind\n\n\ndef describe():\n    more = {{}}\n{body}\n"
        '    return PluginInfo(name="heavy", kinds=(PluginKind.PLATFORM,), **more)\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(AssertionError, match=said):
        tried(ModuleType("heavy_shop"), "test_describe_is_light", store)


def describe_with(**changes: Any) -> Callable[[], Any]:
    def describe():
        return replace(woo.describe(), **changes)

    return describe


class Careless(msgspec.Struct, frozen=True):
    api_token: str = ""


@pytest.mark.parametrize(
    ("test", "changes", "said"),
    [
        (
            "rules_are_true_to_their_class",
            {"effects": {"x": EffectRule(vendor=EffectClass.KEYED)}},
            "remembers_s must be longer",
        ),
        ("secrets_are_marked", {"config": Careless}, "api_token"),
    ],
)
def test_a_careless_description(store, test, changes, said):
    """A key that is remembered for no time; a token that anybody may see."""
    with pytest.raises(AssertionError, match=said):
        tried(wrong(describe=describe_with(**changes)), f"test_{test}", store)


def sees_nothing(ctx):
    return [Check(name="all", result=CheckResult.OK, text="Fine.")]


def shows_the_secret(ctx):
    return [replace(one, text=f"{one.text} {ctx.account.config.consumer_secret}") for one in woo.check_account(ctx)]


def says_no_fix(ctx):
    return [replace(one, fix="") for one in woo.check_account(ctx)]


@pytest.mark.parametrize(
    ("check", "said"),
    [(sees_nothing, "does not notice"), (shows_the_secret, "shows a secret"), (says_no_fix, "says no fix")],
)
def test_a_careless_check(store, check, said):
    """Wrong credentials unnoticed, shown, or left without a word on what to do."""
    with pytest.raises(AssertionError, match=said):
        tried(wrong(check_account=check), "test_check_account_says_what_works", store)


# --- orders -----------------------------------------------------------------------------------------------------------


def parsed(change: Callable[[Any], Any]) -> Callable[..., Any]:
    def parse_order(ctx, raw):
        return change(woo.parse_order(ctx, raw))

    return parse_order


def local_time(order):
    return replace(order, placed_at=order.placed_at.astimezone(timezone(timedelta(hours=2))))


def number_for_id(order):
    return replace(order, platform_id=int(order.platform_id))


def never_the_same(order):
    return replace(order, number=str(random.random()))


def two_of_one_id(order):
    ways = tuple(replace(way, id=order.lines[0].id) for way in order.shipping_lines)
    return replace(order, shipping_lines=ways)


def eats_the_json(ctx, raw):
    order = woo.parse_order(ctx, raw)
    raw.pop("total")
    return order


def keeps_it(ctx, raw):
    ctx.state.put("last", "x")
    return woo.parse_order(ctx, raw)


def asks_for_more(ctx, raw):
    ctx.http.get(f"{ctx.account.config.url}/wp-json/")
    return woo.parse_order(ctx, raw)


@pytest.mark.parametrize(
    ("parse_order", "said"),
    [
        (parsed(local_time), "is not UTC"),
        (parsed(number_for_id), "platform_id: is int"),
        (parsed(never_the_same), "another one the second time"),
        (parsed(two_of_one_id), "have the id"),
        (eats_the_json, "changes the JSON"),
        (keeps_it, "keeps something"),
    ],
)
def test_a_parser_that_is_not_pure(store, parse_order, said):
    """Wrong types, times and ids; something that changes, is kept, or is eaten."""
    with pytest.raises(AssertionError, match=said):
        tried(wrong(parse_order=parse_order), "test_parse_order_is_pure", store)


def test_a_parser_that_asks(store):
    """Nobody answers it."""
    with pytest.raises(Exception, match="nobody answers"):
        tried(wrong(parse_order=asks_for_more), "test_parse_order_is_pure", store)


def trusts_the_json(ctx, raw):
    raw["billing"]["email"].lower()
    return woo.parse_order(ctx, raw)


def test_a_parser_that_crashes(store):
    """A field that is missing is BadPayload, never KeyError."""
    with pytest.raises(AssertionError, match="crashes where billing"):
        tried(wrong(parse_order=trusts_the_json), "test_odd_json_is_bad_payload", store)


def always_the_same(ctx, platform_id):
    return replace(woo.fetch_order(ctx, platform_id), number="1") if platform_id.startswith("9999") else None


def of_another_id(ctx, platform_id):
    return replace(woo.fetch_order(ctx, platform_id), platform_id="1")


@pytest.mark.parametrize(("fetch_order", "said"), [(always_the_same, "does not find"), (of_another_id, "answers 1 when asked")])
def test_a_fetch_of_something_else(store, fetch_order, said):
    """Not found though it is there, or another one."""
    with pytest.raises(AssertionError, match=said):
        tried(wrong(fetch_order=fetch_order), "test_fetch_order", store)


def loses_one(hook: str) -> Callable[..., Any]:
    def page_without_one(ctx, cursor):
        page: Page = getattr(woo, hook)(ctx, cursor)
        return replace(page, orders=page.orders[1:])

    return page_without_one


def runs_ahead(ctx, cursor):
    return replace(woo.poll_orders(ctx, cursor), next_cursor="2099-01-01T00:00:00+00:00")


def never_ends(ctx, cursor):
    return replace(woo.poll_orders(ctx, cursor), more=True)


@pytest.mark.parametrize(
    ("hook", "page", "said"),
    [
        ("poll_orders", loses_one("poll_orders"), "poll_orders misses"),
        ("poll_orders", runs_ahead, "misses what staff changed"),
        ("poll_orders", never_ends, "comes to no end"),
        ("import_orders", loses_one("import_orders"), "import_orders misses"),
    ],
)
def test_pages_that_lose_something(store, hook, page, said):
    """An order that is not on any page, a cursor that is too far, a last page that never comes."""
    with pytest.raises(AssertionError, match=said):
        tried(wrong(**{hook: page}), f"test_{hook}", store)


def test_missing_orders_that_are_not_missed(store):
    """Who says that nothing is missing has not looked."""
    with pytest.raises(AssertionError, match="does not miss"):
        tried(wrong(missing_orders=lambda ctx, platform_ids: []), "test_missing_orders", store)


# --- reading ----------------------------------------------------------------------------------------------------------


def fetches_and_notes(ctx, platform_id):
    order = woo.fetch_order(ctx, platform_id)
    ctx.effect("write_note", {}, lambda key: write(ctx, "POST", f"orders/{platform_id}/notes", {"note": "Seen"}, "note"))
    return order


def fetches_and_posts(ctx, platform_id):
    with suppress(PluginError):
        write(ctx, "POST", f"orders/{platform_id}/notes", {"note": "Seen"}, "note")
    return woo.fetch_order(ctx, platform_id)


@pytest.mark.parametrize(
    ("fetch_order", "said"), [(fetches_and_notes, "only reads, and sends"), (fetches_and_posts, "writes past the ledger")]
)
def test_a_read_that_writes(store, fetch_order, said):
    """Through the ledger or past it."""
    with pytest.raises(AssertionError, match=said):
        tried(wrong(fetch_order=fetch_order), "test_reading_changes_nothing", store)


def tells_what_it_reads(ctx, order, shipment):
    read_all(ctx, "settings/email", "read who mails")
    return frozenset()


def crashes_when_down(ctx, platform_ids):
    try:
        return woo.missing_orders(ctx, platform_ids)
    except Exception as error:
        raise KeyError("orders") from error


@pytest.mark.parametrize(
    ("hooks", "said"),
    [
        ({"platform_tells": tells_what_it_reads}, "has to know by itself"),
        ({"missing_orders": crashes_when_down}, "crashes while"),
    ],
)
def test_a_store_that_is_down(store, hooks, said):
    """It has to be TryLater, and who tells whom has to be known."""
    with pytest.raises(AssertionError, match=said):
        tried(wrong(**hooks), "test_nobody_answers", store)


def takes_any_kind(ctx, effect):
    return NotHappened()


def test_an_unknown_kind(store):
    """Nobody knows whether it happened."""
    with pytest.raises(AssertionError, match="whose kind it does not know"):
        tried(wrong(find_effect=takes_any_kind), "test_an_unknown_kind_cannot_be_told", store)


# --- changing the world -----------------------------------------------------------------------------------------------


def noting(ctx, order, note, key: str = "") -> dict[str, Any]:
    return {"id": write(ctx, "POST", f"orders/{order.platform_id}/notes", {"note": note.text + key}, "note")["id"]}


def always_new(ctx, order, note):
    ctx.effect("write_note", {"try": random.random()}, lambda key: noting(ctx, order, note))
    return True


def outside(ctx, order, note):
    noting(ctx, order, note)
    return True


def of_its_own(ctx, order, note):
    requests.post(f"{ctx.account.config.url}/wp-json/wc/v3/orders/{order.platform_id}/notes", json={}, timeout=5)
    return True


def twice_in_one(ctx, order, note):
    ctx.effect("write_note", {}, lambda key: [noting(ctx, order, note), noting(ctx, order, note)][0])
    return True


def undeclared(ctx, order, note):
    ctx.effect("scribble", {}, lambda key: noting(ctx, order, note))
    return True


def nothing(ctx, order, note):
    return True


def of_another_type(ctx, order, note):
    woo.write_note(ctx, order, note)
    return "yes"


def with_a_name(ctx, order, note):
    ctx.effect("write_note", {"to": order.shipping.name, "at": order.shipping.line1}, lambda key: noting(ctx, order, note))
    return True


@pytest.mark.parametrize(
    ("write_note", "error", "said"),
    [
        (always_new, PluginError, "other values"),
        (outside, AssertionError, "writes past the ledger: POST outside"),
        (of_its_own, AssertionError, "connections of its own"),
        (twice_in_one, AssertionError, "a second POST in one effect"),
        (undeclared, PluginError, "does not declare"),
        (nothing, AssertionError, "nothing has changed"),
        (of_another_type, AssertionError, "answers 'yes'"),
        (with_a_name, AssertionError, "personal data"),
    ],
)
def test_a_note_that_is_written_badly(store, write_note, error, said):
    """Past the ledger, under ever new values, twice in one, undeclared, not at all, with the customer's name in the ledger."""
    with pytest.raises(error, match=said):
        tried(wrong(write_note=write_note), "test_it_is_done_once", store, act="write_note")


def says_no(ctx, effect):
    return NotHappened() if effect.kind in woo.FINDERS else woo.find_effect(ctx, effect)


def says_yes(ctx, effect):
    return Happened(answer={"id": 1}) if effect.kind in woo.FINDERS else woo.find_effect(ctx, effect)


def calls_it_keyed() -> ModuleType:
    rules = {**woo.describe().effects, "write_note": EffectRule(vendor=EffectClass.KEYED, remembers_s=86400)}
    plugin = wrong(describe=describe_with(effects=rules), write_note=keyed_note)
    del plugin.find_effect
    return plugin


def keyed_note(ctx, order, note):
    ctx.effect("write_note", {"text": note.text}, lambda key: noting(ctx, order, note))
    return True


def shrugs(ctx, order, note):
    """Takes a lost answer for a no."""
    try:
        return woo.write_note(ctx, order, note)
    except OutcomeUnknown:
        return True


@pytest.mark.parametrize(
    ("plugin", "trouble", "said"),
    [
        (wrong(find_effect=says_no), Trouble.LOST_AFTER, "says NotHappened of write_note, which happened"),
        (wrong(find_effect=says_no), Trouble.PAGE_AFTER, "says NotHappened of write_note, which happened"),
        (wrong(find_effect=says_yes), Trouble.LOST_BEFORE, "says Happened of write_note, which never reached"),
        (wrong(find_effect=says_yes), Trouble.ERROR_BEFORE, "says Happened of write_note, which never reached"),
        (calls_it_keyed(), Trouble.LOST_AFTER, "beyond what is wanted the store shows"),
        (calls_it_keyed(), Trouble.ERROR_AFTER, "beyond what is wanted the store shows"),
        (wrong(write_note=shrugs), Trouble.LOST_BEFORE, "does not show|still unknown"),
    ],
)
def test_a_lost_answer_that_is_settled_badly(store, plugin, trouble, said):
    """A finder that lies, a vendor that keeps no key, an unknown outcome that is called done."""
    with pytest.raises(AssertionError, match=said):
        tried(plugin, "test_whatever_becomes_of_a_call_it_is_done_once", store, act="write_note", trouble=trouble)


def refunds_again(ctx, order, request):
    """Takes every broken answer for "nothing happened"."""
    try:
        return woo.refund_payment(ctx, order, request)
    except OutcomeUnknown:
        ctx.effect.books.effects.clear()
        raise


def test_money_that_is_given_back_twice(store):
    """What the whole contract is about."""
    with pytest.raises((AssertionError, Refused)):
        tried(
            wrong(refund_payment=refunds_again),
            "test_whatever_becomes_of_a_call_it_is_done_once",
            store,
            act="refund_payment for one piece",
            trouble=Trouble.LOST_AFTER,
        )
    assert sum("gateway_refunds" in entry for entry in store.changes(str(max(store.sandbox.store.orders)))) == 2


def keeps_the_reason(ctx, order, note):
    try:
        return woo.write_note(ctx, order, note)
    except Refused as no:
        raise Refused("It did not work.", account=ctx.account.name) from no


def tells_the_secret(ctx, order, note):
    try:
        return woo.write_note(ctx, order, note)
    except Refused as no:
        raise Refused(f"{no.args[0]} ({ctx.account.config.consumer_secret})", account=ctx.account.name) from no


def logs_the_secret(ctx, order, note):
    ctx.log.debug("with %s", ctx.account.config.consumer_secret)
    return woo.write_note(ctx, order, note)


def takes_it_for_done(ctx, order, note):
    try:
        return woo.write_note(ctx, order, note)
    except Refused:
        return True


@pytest.mark.parametrize(
    ("write_note", "said"),
    [
        (keeps_the_reason, "reason is not passed on"),
        (tells_the_secret, "shows a secret"),
        (logs_the_secret, "shows a secret"),
        (takes_it_for_done, "it is called done"),
    ],
)
def test_a_no_that_is_passed_on_badly(store, write_note, said):
    """Without the reason, with a secret, or not at all."""
    with pytest.raises(AssertionError, match=said):
        tried(wrong(write_note=write_note), "test_a_no_is_passed_on", store, act="write_note")


# --- webhooks ---------------------------------------------------------------------------------------------------------


def takes_anything(ctx, delivery):
    return True


def right(ctx, delivery) -> str:
    from connector.sandbox.deliveries import signature

    return signature(delivery.body, ctx.account.config.webhook_secret)


def compares_plainly(ctx, delivery):
    if delivery.headers.get("x-wc-webhook-signature") != right(ctx, delivery):
        raise BadSignature("no")
    return True


def only_ascii(ctx, delivery):
    if not hmac.compare_digest(delivery.headers.get("x-wc-webhook-signature", ""), right(ctx, delivery)):
        raise BadSignature("no")
    return True


def says_false(ctx, delivery):
    try:
        return woo.verify_webhook(ctx, delivery)
    except BadSignature:
        return False


@pytest.mark.parametrize(
    ("test", "verify_webhook", "said"),
    [
        ("a_webhook_is_verified", takes_anything, "says True of a delivery whose body was changed"),
        ("a_webhook_is_verified", says_false, "says False of a delivery whose body was changed"),
        ("a_webhook_is_verified", only_ascii, "fails on x-wc-webhook-signature"),
        ("signatures_are_compared_in_constant_time", compares_plainly, "without hmac.compare_digest"),
    ],
)
def test_a_signature_that_is_verified_badly(store, test, verify_webhook, said):
    """Not at all, with a shrug, with a crash, or so that its letters can be guessed."""
    with pytest.raises(AssertionError, match=said):
        tried(wrong(verify_webhook=verify_webhook), f"test_{test}", store)


def about_nothing(ctx, delivery):
    return []


def trusts_the_body(ctx, delivery):
    found = msgspec.json.decode(delivery.body)
    return woo.parse_webhook(ctx, delivery) if found["id"] else []


@pytest.mark.parametrize(
    ("parse_webhook", "said"), [(about_nothing, r"says \[\], not order"), (trusts_the_body, "fails on b''")]
)
def test_news_that_is_read_badly(store, parse_webhook, said):
    """It names no order, or crashes on a body that is none."""
    with pytest.raises(AssertionError, match=said):
        tried(wrong(parse_webhook=parse_webhook), "test_a_webhook_names_its_order", store)


def always_sets_up(ctx, address):
    body = {"name": "Order connector", "topic": "order.updated", "delivery_url": address}
    ctx.effect("ensure_webhooks.updated", {}, lambda key: {"id": write(ctx, "POST", "webhooks", body, "webhook")["id"]})
    return []


def test_webhooks_that_pile_up(store):
    """Each round makes one more."""
    with pytest.raises(AssertionError, match="the second round makes"):
        tried(wrong(ensure_webhooks=always_sets_up), "test_webhooks_are_set_up_once", store)
