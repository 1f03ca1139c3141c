"""What a type checker tells an author of plugins. Not run; mypy reads it (`make check`).

Each `type: ignore` is a mistake that must be found: an ignore that is not needed is an error, too.
"""

from __future__ import annotations

from typing import assert_type

from connector import (
    CarrierView,
    Context,
    EffectClass,
    EffectRule,
    Finding,
    Found,
    Happened,
    Http,
    Label,
    Money,
    NotHappened,
    Order,
    PluginInfo,
    PluginKind,
    StateRow,
    TryLater,
    hookimpl,
    total,
)
from connector.testing import TestContext, make_context


@hookimpl
def describe() -> PluginInfo:
    rule = EffectRule(vendor=EffectClass.LOOKUP)
    return PluginInfo(name="typed", kinds=(PluginKind.REVIEW,), effects={"buy_label": rule})


@hookimpl
def review_order(ctx: Context, order: Order, carriers: tuple[CarrierView, ...]) -> list[Finding]:
    assert_type(order.total, Money)
    assert_type(total((line.total for line in order.lines), order.currency), Money)
    assert_type(ctx.http, Http)
    assert_type(ctx.state.get("token"), StateRow | None)
    return [Finding(code="one", text=f"{carrier.name} sees {order.number}") for carrier in carriers]


def find_effect(happened: bool) -> Found:
    return Happened(answer={"id": 1}) if happened else NotHappened()


def mistakes(order: Order, label: Label) -> None:
    Finding(code="no text")  # type: ignore[call-arg]
    Money(minor=1.5, currency="EUR")  # type: ignore[arg-type]
    order.number = "#2"  # type: ignore[misc]
    label.weight  # type: ignore[attr-defined]  # noqa: B018
    TryLater("slow down", after_s="10 s")  # type: ignore[arg-type]


assert_type(make_context(describe()), TestContext)
