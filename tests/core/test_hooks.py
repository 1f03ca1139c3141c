"""Asking plugins: the right one, once, and what happens to answers and errors."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from connector.context import Account, Context
from connector.errors import ConfigError, Conflict, PluginError, Refused, TryLater, Unsupported
from connector.hooks import Hooks, fits
from connector.model.case import StatusChange
from connector.model.events import Effect, EffectState, Happened
from connector.model.order import PlatformStatus
from connector.model.review import Severity
from connector.model.shipping import StockChange

PLUGIN = """
from connector import Check, Finding, Happened, Page, PluginInfo, PluginKind, Refused, TryLater, hookimpl

@hookimpl
def describe():
    return PluginInfo(name="{name}", kinds=(PluginKind.{kind},))

"""


def written(name: str, text: str, kind: str = "PLATFORM") -> str:
    return PLUGIN.format(name=name, kind=kind) + text


def context(account: Account, /, **about: str) -> Context:
    nothing: Any = None
    return Context(
        account=account, http=nothing, effect=nothing, state=nothing, smtp=nothing, lock=nothing, log=nothing,
        now=lambda: datetime.now(UTC), **about,
    )  # fmt: skip


@pytest.fixture
def us(shop):
    """Asks the plugin "shop", whose text is given, by the account "us"; "other" is a plugin that answers everything wrongly."""

    def made(text: str, make_context=context) -> SimpleNamespace:
        shop.built_in("shop", written("shop", text))
        shop.built_in("other", written("other", "@hookimpl(tryfirst=True)\ndef fetch_order(): raise SystemExit\n"))
        shop.configure('[accounts.us]\nplugin = "shop"\nid = "s1"\n[accounts.eu]\nplugin = "other"\nid = "s2"')
        registry = shop.registry()
        return SimpleNamespace(hooks=Hooks(registry, make_context), account=registry.account("us"), registry=registry)

    return made


# --- one plugin -------------------------------------------------------------------------------------------------------


def test_exactly_the_accounts_plugin_is_asked(us, order):
    """Another plugin with the same hook is not called, not even one that wants to be first."""
    asked = us("""
@hookimpl
def poll_orders(ctx, cursor):
    return Page(orders=(), next_cursor=f"{ctx.account.name}/{cursor}")

@hookimpl
def fetch_order(platform_id):
    return None
""")

    assert asked.hooks.poll_orders(asked.account, cursor="c").next_cursor == "us/c"
    assert asked.hooks.fetch_order(asked.account, platform_id="7") is None


def test_describe_needs_no_context(us):
    """A plugin can be asked who it is before there is anything to make a context from."""

    def refuse(account, /, **about):
        raise AssertionError("no context is needed")

    asked = us("", refuse)

    assert asked.hooks.describe(asked.account).name == "shop"


def test_a_blocked_or_missing_plugin_is_a_matter_of_configuration(us, shop):
    """An empty answer of pluggy would look like done: it is a ConfigError that says what to do."""
    us("")
    registry = shop.registry(CONNECTOR_BLOCKED_PLUGINS="shop")
    hooks = Hooks(registry, context)

    with pytest.raises(ConfigError, match=r"connector\.toml: \[accounts\.us\] plugin: shop is blocked; take it out of"):
        hooks.fetch_order(registry.account("us"), platform_id="7")
    with pytest.raises(ConfigError, match=r"\[accounts\.x\] plugin: there is no plugin gone"):
        hooks.fetch_order(Account(name="x", id="x", plugin="gone"), platform_id="7")


def test_a_plugin_without_the_hook_cannot_do_it(us, order):
    """Unsupported, naming account and hook, before a context is made."""
    asked = us("")

    with pytest.raises(Unsupported, match=r"us: push_status: the plugin shop cannot do this"):
        asked.hooks.push_status(asked.account, order=order, change=StatusChange(status=PlatformStatus.OPEN))


def test_two_answers_from_one_plugin_are_one_too_many(us):
    """A plugin that answers a hook twice has done it twice: that is said."""
    asked = us("""
@hookimpl
def read_back(): return {}

@hookimpl(specname="read_back")
def again(): return {}
""")

    with pytest.raises(PluginError, match="plugin shop: 2 functions answer the hook read_back"):
        asked.hooks.read_back(asked.account, platform_id="7")


# --- what a context knows ---------------------------------------------------------------------------------------------


def test_the_context_knows_order_and_request(us, order):
    """Both come from the arguments, or from the caller, who knows better."""
    asked = us("""
@hookimpl
def push_status(ctx): raise Refused(f"{ctx.platform_id} {ctx.request_id}")
@hookimpl
def adjust_inventory(ctx): raise Refused(f"{ctx.platform_id} {ctx.request_id}")
@hookimpl
def find_effect(ctx): return Happened(answer=[ctx.platform_id, ctx.request_id])
""")
    stock = StockChange(id="stock1", product_id="p", change=1)
    effect = Effect(key="k", kind="refund", request_id="r1", attempt=1, state=EffectState.UNKNOWN, platform_id="8")

    with pytest.raises(Refused, match=r"^7 $"):
        asked.hooks.push_status(asked.account, order=order, change=StatusChange(status=PlatformStatus.OPEN))
    with pytest.raises(Refused, match=r"^7 act1$"):
        asked.hooks.about(request_id="act1").push_status(
            asked.account, order=order, change=StatusChange(status=PlatformStatus.OPEN)
        )
    with pytest.raises(Refused, match=r"^9 stock1$"):
        asked.hooks.about(platform_id="9").adjust_inventory(asked.account, change=stock)
    with pytest.raises(Refused, match=r"^ mine$"):
        asked.hooks.about(request_id="mine").adjust_inventory(asked.account, change=stock)
    assert asked.hooks.find_effect(asked.account, effect=effect) == Happened(answer=["8", "r1"])


# --- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hook", "answer", "arguments", "said"),
    [
        ("fetch_order", "3", {"platform_id": "7"}, "fetch_order must answer Order | None, not int"),
        ("poll_orders", "None", {"cursor": ""}, "poll_orders must answer Page, not NoneType"),
        ("check_account", "[3, 'x']", {}, "check_account must answer list[Check], not list of int, str"),
        ("check_account", "()", {}, "check_account must answer list[Check], not tuple"),
        (
            "list_money",
            "([], 3)",
            {"cursor": ""},
            "list_money must answer tuple[list[MoneyEvent], str], not tuple of int, list",
        ),
        ("read_back", "{3: 4}", {"platform_id": "7"}, "read_back must answer Mapping[str, Any], not dict"),
        ("import_orders", "[]", {"cursor": ""}, "import_orders must answer Page, not list"),
    ],
)
def test_an_answer_of_another_type_is_refused(us, hook, answer, arguments, said):
    """A wrong answer is found where it comes in, and plugin, hook and both types are named; its values are not."""
    asked = us(f"@hookimpl\ndef {hook}(): return {answer}")

    with pytest.raises(PluginError) as caught:
        getattr(asked.hooks, hook)(asked.account, **arguments)

    assert str(caught.value) == f"plugin shop: hook {said}"


@pytest.mark.parametrize(
    ("value", "kind", "fitting"),
    [
        (None, int | None, True),
        ("x", int | None, False),
        ([1, 2], list[int], True),
        ([1, "x"], list[int], False),
        ((1, 2, 3), tuple[int, ...], True),
        ((1, "x"), tuple[int, str], True),
        ((1,), tuple[int, str], False),
        ({"a": [1]}, Mapping[str, list[int]], True),
        ({"a": ["x"]}, Mapping[str, list[int]], False),
        (iter([]), Iterator[int], True),
        ([], Iterator[int], False),
        (3, Any, True),
    ],
)
def test_fits(value, kind, fitting):
    """Lists, tuples, mappings and unions are looked into."""
    assert fits(value, kind) is fitting


# --- errors -----------------------------------------------------------------------------------------------------------


def test_our_errors_come_out_unchanged(us):
    """What happens next is decided by the class that the plugin chose."""
    asked = us("@hookimpl\ndef fetch_order(): raise TryLater('busy', after_s=7)")

    with pytest.raises(TryLater) as caught:
        asked.hooks.fetch_order(asked.account, platform_id="7")

    assert caught.value.after_s == 7


def test_any_other_error_is_a_bug_of_the_plugin(us, caplog):
    """PluginError from the original; the log has the traceback, the text has where and not what (it may be a customer's)."""
    asked = us("@hookimpl\ndef fetch_order():\n    return {}['anna@example.com']")

    with caplog.at_level(logging.ERROR), pytest.raises(PluginError) as caught:
        asked.hooks.fetch_order(asked.account, platform_id="7")

    assert re.fullmatch(
        r"plugin shop failed in hook fetch_order for us \(KeyError at shop\.py line 10\); the log has the details",
        str(caught.value),
    )
    assert isinstance(caught.value.__cause__, KeyError)
    assert "Traceback" in caplog.text
    assert "shop.py" in caplog.text


def test_a_context_that_cannot_be_made_is_not_the_plugins_fault(us):
    """Errors of the core on the way to the plugin stay what they are."""

    def lost(account, /, **about):
        raise Conflict("the lease is gone")

    asked = us("@hookimpl\ndef fetch_order(): return None\n@hookimpl\ndef review_order(): return []", lost)

    with pytest.raises(Conflict):
        asked.hooks.fetch_order(asked.account, platform_id="7")


# --- every reviewer ---------------------------------------------------------------------------------------------------

FINDS = """
@hookimpl
def review_order(ctx, order, carriers):
    return [Finding(code="seen", text=f"{ctx.account.name} {ctx.platform_id} {order.number} {len(carriers)}", said_by="me")]
"""


@pytest.fixture
def reviewed(shop, order):
    def made(**reviewers: str):
        for name, text in reviewers.items():
            shop.built_in(name, written(name, text, "REVIEW"))
        shop.built_in("shop", written("shop", ""))
        shop.configure('[accounts.us]\nplugin = "shop"\nid = "s1"')
        registry = shop.registry()
        return Hooks(registry, context).review_order(registry.account("us"), order=order, carriers=())

    return made


def test_every_reviewer_is_heard_and_named(reviewed):
    """Findings of all, in the order of their names, each with who really said it and its own context."""
    findings = reviewed(b=FINDS, a=FINDS)

    assert [(one.said_by, one.code, one.text) for one in findings] == [
        ("a", "seen", "a 7 #7 0"),
        ("b", "seen", "b 7 #7 0"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("raise KeyError('anna@example.com')", "KeyError at b.py line 10"),
        ("raise TryLater('busy')", "busy"),
        ("return None", "must answer list[Finding], not NoneType"),
        ("return [3]", "must answer list[Finding], not list of int"),
    ],
)
def test_a_reviewer_that_fails_hides_nobody(reviewed, text, said):
    """It becomes a finding against itself; those before and after it are heard."""
    first, failed, last = reviewed(a=FINDS, b=f"@hookimpl\ndef review_order():\n    {text}", c=FINDS)

    assert (first.said_by, last.said_by) == ("a", "c")
    assert (failed.code, failed.severity, failed.said_by) == ("plugin_failed", Severity.WARNING, "b")
    assert said in failed.text
    assert "anna" not in failed.text


def test_a_shop_without_reviewers_has_no_findings(reviewed):
    """Nobody to ask is an empty answer, not an error."""
    assert reviewed() == []


# --- watching ---------------------------------------------------------------------------------------------------------


def test_trace_prints_each_call_and_no_values(us, monkeypatch, capsys):
    """CONNECTOR_TRACE=1: hook, account, plugin, milliseconds, type of the answer or error."""
    monkeypatch.setenv("CONNECTOR_TRACE", "1")
    asked = us("""
@hookimpl
def poll_orders(cursor): return Page(orders=(), next_cursor="a secret")
@hookimpl
def fetch_order(platform_id): raise Refused("a secret")
""")

    asked.hooks.about(request_id="x").poll_orders(asked.account, cursor="a secret")
    with pytest.raises(Refused):
        asked.hooks.fetch_order(asked.account, platform_id="a secret")

    first, second = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"connector: poll_orders account=us plugin=shop \d+\.\d ms Page", first)
    assert re.fullmatch(r"connector: fetch_order account=us plugin=shop \d+\.\d ms Refused", second)


def test_without_trace_nothing_is_printed(us, monkeypatch, capsys):
    """Only CONNECTOR_TRACE=1 makes it talk."""
    monkeypatch.delenv("CONNECTOR_TRACE", raising=False)
    asked = us("@hookimpl\ndef fetch_order(): return None")

    asked.hooks.fetch_order(asked.account, platform_id="7")

    assert capsys.readouterr() == ("", "")
