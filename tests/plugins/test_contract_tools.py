"""What the platform contract is made of: trouble on the line, the ledger's rules about keys, orders and their flaws."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone

import pytest
import responses

from connector import (
    CannotTell,
    EffectClass,
    EffectRule,
    Happened,
    Money,
    OutcomeUnknown,
    PluginError,
    PluginInfo,
    PluginKind,
    Refused,
    TryLater,
)
from connector.model.payment import PaymentLabel, label
from connector.testing import Trouble, flaws, make_context, make_order, make_payment, next_act

URL = "https://vendor.example/x"
RULES = {
    "keyed": EffectRule(vendor=EffectClass.KEYED, deadline_s=10, settle_s=10, remembers_s=3600),
    "lookup": EffectRule(vendor=EffectClass.LOOKUP, deadline_s=10, settle_s=10),
    "none": EffectRule(vendor=EffectClass.NONE),
}


class Plugin:
    """A plugin module in miniature."""

    found = Happened(answer="found")

    @staticmethod
    def describe():
        return PluginInfo(name="vendor", kinds=(PluginKind.CARRIER,), effects=RULES)

    def find_effect(self, ctx, effect):
        return self.found


@pytest.fixture
def ctx():
    return make_context(Plugin(), platform_id="42")


@pytest.fixture
def net():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.post(URL, json={"id": 7})
        mock.get(URL, json={})
        yield mock


def post(ctx, kind="lookup", **more):
    """One write, as a plugin makes it: anything but 200 and JSON is an unknown outcome."""

    def send(key):
        response = ctx.http.post(URL)
        if response.status_code == 429:
            raise TryLater("slow down")
        if response.status_code == 422:
            raise Refused(response.json()["why"])
        if response.status_code != 200 or not response.content.startswith(b"{"):
            raise OutcomeUnknown(f"HTTP {response.status_code}")
        return key

    return ctx.effect(kind, {}, send, **more)


def writes(net):
    return sum(call.request.method == "POST" for call in net.calls)


# --- trouble ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", list(Trouble))
def test_trouble_strikes_one_write(ctx, net, trouble):
    """What happens reaches the vendor, what does not never does; the write after it goes through."""
    ctx.http.trouble(trouble)
    with pytest.raises(TryLater if trouble is Trouble.BUSY_BEFORE else OutcomeUnknown):
        post(ctx)
    assert writes(net) == trouble.happens
    post(next_act(ctx, request_id="r2"))
    assert writes(net) == trouble.happens + 1


def test_trouble_waits_for_its_write(ctx, net):
    """Reads do not count; the second write is struck, and neither the first nor the third."""
    ctx.http.trouble(Trouble.LOST_BEFORE, at=2)
    ctx.http.get(URL)
    post(ctx)
    with pytest.raises(OutcomeUnknown):
        post(next_act(ctx, request_id="r2"))
    post(next_act(ctx, request_id="r3"))
    assert writes(net) == 2


def test_a_reply_in_the_vendors_place(ctx, net):
    """It sees the request, and nothing is sent."""
    seen = []

    def no(request):
        seen.append(request.url)
        return 422, {"why": "closed"}

    ctx.http.reply(no)
    with pytest.raises(Refused, match="closed"):
        post(ctx)
    assert (seen, writes(net)) == ([URL], 0)


def test_nobody_answers(ctx, net):
    """A line that is down gives TryLater to reads and writes, and nothing was sent."""
    ctx.effect.books.line.down = True
    for call in (lambda: ctx.http.get(URL), lambda: post(ctx)):
        with pytest.raises(TryLater, match="nobody answers"):
            call()
    assert len(net.calls) == 0


# --- keys -------------------------------------------------------------------------------------------------------------


def test_a_keyed_effect_is_sent_again_as_it_was(ctx, net):
    """As in the running connector: TryLater, the same key at once, and the image from before is not taken anew."""
    images = []

    def before():
        images.append(len(images))
        return images[-1]

    ctx.http.trouble(Trouble.LOST_AFTER)
    with pytest.raises(TryLater):
        post(ctx, "keyed", before=before)
    assert post(ctx, "keyed", before=before).endswith("/1")
    assert images == [0]
    first, second = ctx.effect.sent
    assert (first.key, first.before, first.sent_at) == (second.key, second.before, second.sent_at)


def test_a_key_that_is_forgotten_is_looked_up(ctx, net):
    """Then a second send would be a second change."""
    ctx.http.trouble(Trouble.LOST_AFTER)
    with pytest.raises(TryLater):
        post(ctx, "keyed")
    ctx.effect.time_passes(3600)
    assert post(ctx, "keyed") == "found"
    assert writes(net) == 1


def test_a_repeat_that_is_not_sent_stays_unknown(ctx, net):
    """The second time nothing left; what became of the first time is as unknown as before."""
    ctx.http.trouble(Trouble.LOST_AFTER)
    with pytest.raises(TryLater):
        post(ctx, "keyed")
    ctx.http.trouble(Trouble.BUSY_BEFORE)
    with pytest.raises(TryLater, match="slow down"):
        post(ctx, "keyed")
    assert ctx.effect.books.effects["keyed", "request-1"].state == "unknown"


def test_what_nobody_can_look_up_stays_unknown(ctx, net):
    """A vendor of no class: only a person can find out, however late."""
    ctx.http.trouble(Trouble.LOST_AFTER)
    with pytest.raises(OutcomeUnknown):
        post(ctx, "none")
    ctx.effect.time_passes(1e6)
    with pytest.raises(OutcomeUnknown):
        post(ctx, "none")
    assert writes(net) == 1


def test_who_cannot_tell_is_told_to_a_person(ctx, net):
    """CannotTell is OutcomeUnknown with the plugin's words."""
    ctx.effect.plugin.found = CannotTell(text="look at the counter")
    ctx.http.trouble(Trouble.LOST_BEFORE)
    with pytest.raises(OutcomeUnknown):
        post(ctx)
    ctx.effect.time_passes(60)
    with pytest.raises(OutcomeUnknown, match="look at the counter"):
        post(ctx)


def test_writes_that_were_stopped_are_kept(ctx, net):
    """Also when the plugin swallows the error."""
    with pytest.raises(PluginError):
        ctx.http.post(URL)
    assert ctx.effect.books.line.refused == ["POST outside of ctx.effect"]


# --- orders -----------------------------------------------------------------------------------------------------------


def test_a_made_order_is_well_formed():
    """Paid, shippable, and worth what is said."""
    order = make_order("12.50", currency="USD", customer_note="hello")
    assert flaws(order) == []
    assert order.total == Money.parse("12.50", "USD")
    assert order.needs_shipping
    assert order.customer_note == "hello"
    assert label(order.payments, "USD") is PaymentLabel.PAID
    assert label(make_order("0").payments, "EUR") is PaymentLabel.PAID


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"platform_id": 42}, "platform_id: is int"),
        ({"platform_id": ""}, "platform_id: is empty"),
        ({"platform_id": " 42"}, "has blanks"),
        ({"placed_at": make_order().placed_at.astimezone(timezone(timedelta(hours=1)))}, "placed_at: 2026.* is not UTC"),
        ({"payments": (make_payment(), make_payment())}, "two have the id 1"),
        ({"lines": [*make_order().lines]}, "lines: is list"),
        ({"lines": (replace(make_order().lines[0], quantity=1.5),)}, r"lines\[0\].quantity: is float"),
        ({"customer_note": None}, "customer_note: is NoneType"),
    ],
)
def test_what_is_wrong_with_an_order(changes, said):
    """Each flaw is named with the path to it."""
    import re

    found = flaws(make_order(**changes))
    assert any(re.search(said, flaw) for flaw in found), found
