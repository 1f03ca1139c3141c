"""The context for plugin authors keeps the ledger's protocol."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
import responses

from connector import (
    CannotTell,
    ConfigError,
    Conflict,
    Context,
    EffectClass,
    EffectRule,
    Happened,
    InProgress,
    NotHappened,
    OutcomeUnknown,
    PluginError,
    PluginInfo,
    PluginKind,
    Refused,
    TryLater,
)
from connector.testing import make_context, next_act

RULES = {
    "keyed": EffectRule(vendor=EffectClass.KEYED, remembers_s=3600),
    "lookup": EffectRule(vendor=EffectClass.LOOKUP, deadline_s=10, settle_s=10),
    "none": EffectRule(vendor=EffectClass.NONE),
}
INFO = PluginInfo(name="vendor", kinds=(PluginKind.CARRIER,), effects=RULES)
URL = "https://vendor.example/x"


class Plugin:
    """A plugin module in miniature: what find_effect says is set by the test."""

    def __init__(self, found=None):
        self.found = found

    @staticmethod
    def describe():
        return INFO

    def find_effect(self, ctx, effect):
        return self.found


def ctx(found=None, **more):
    return make_context(Plugin(found), platform_id="42", **more)


def fails(error):
    def fn(key):
        raise error

    return fn


def lost(context, kind):
    """An effect that was written and got no answer."""
    with responses.RequestsMock() as mock:
        mock.post(URL, status=500)

        def fn(key):
            context.http.post(URL)
            raise OutcomeUnknown("no answer")

        with pytest.raises(TryLater if kind == "keyed" else OutcomeUnknown):
            context.effect(kind, {}, fn)


def test_it_is_a_real_context():
    """Every field of Context is there, and business time stands still unless it is moved."""
    made = ctx()
    assert isinstance(made, Context)
    assert {field.name for field in dataclasses.fields(made)} == {field.name for field in dataclasses.fields(Context)}
    assert made.now() == made.now()
    assert make_context(INFO, now=lambda: datetime(2030, 1, 1, tzinfo=UTC)).now().year == 2030


def test_an_answer_is_kept_per_kind_and_request():
    """Sent once; another request id or kind is another effect."""
    made = ctx()
    assert made.effect("keyed", {"a": 1}, lambda key: {"key": key}) == made.effect("keyed", {"a": 1}, fails(AssertionError()))
    next_act(made, request_id="r2").effect("keyed", {"a": 1}, lambda key: {})
    made.effect("lookup", {"a": 1}, lambda key: {})
    assert [(effect.kind, effect.request_id) for effect in made.effect.sent] == [
        ("keyed", "request-1"),
        ("keyed", "r2"),
        ("lookup", "request-1"),
    ]
    assert made.effect.sent[0].key == "install/test/order:42/keyed/request-1/1"


def test_the_protocol_is_kept():
    """Undeclared kinds, other values under the same id, answers that are no JSON or too long are bugs of the plugin."""
    made = ctx()
    with pytest.raises(PluginError, match="does not declare"):
        made.effect("other", {}, lambda key: {})
    made.effect("keyed", {"a": 1}, lambda key: {})
    with pytest.raises(PluginError, match="other values"):
        made.effect("keyed", {"a": 2}, lambda key: {})
    for answer, why in ((object(), "not JSON"), ("x" * 3000, "characters long")):
        with pytest.raises(PluginError, match=why):
            next_act(made, request_id=why).effect("keyed", {}, lambda key, answer=answer: answer)


def test_writes_only_inside_of_an_effect_and_one_each():
    """The session refuses a write outside, and a second one inside; reads go through."""
    made = ctx()
    with responses.RequestsMock() as mock:
        mock.get(URL, json={})
        mock.post(URL, json={})
        made.http.get(URL)
        made.http.post(URL, reads=True)
        with pytest.raises(PluginError, match="outside"):
            made.http.post(URL)
        made.effect("keyed", {}, lambda key: made.http.post(URL).json())
        with pytest.raises(PluginError, match="one write"):
            made.effect("lookup", {}, lambda key: [made.http.post(URL).json(), made.http.post(URL).json()])


def test_refused_stays_refused_and_try_later_is_sent_again():
    """A no is kept with its reason; nothing happened is tried again with the same attempt."""
    made = ctx()
    for _ in range(2):
        with pytest.raises(Refused, match="no stock"):
            made.effect("keyed", {}, fails(Refused("no stock")))
    for error in (TryLater("busy"), ConfigError("key")):
        with pytest.raises(type(error)):
            made.effect("lookup", {}, fails(error))
    assert made.effect("lookup", {}, lambda key: "ok") == "ok"
    assert [effect.attempt for effect in made.effect.sent] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("found", "error"), [(InProgress(), TryLater), (CannotTell(text="look there"), OutcomeUnknown)], ids=["working", "unknown"]
)
def test_an_unknown_outcome_is_not_repeated(found, error):
    """The plugin's own find_effect is asked, after the settle time."""
    made = ctx(found)
    lost(made, "lookup")
    with pytest.raises(TryLater, match="too early"):
        made.effect("lookup", {}, fails(AssertionError()))
    made.effect.time_passes(21)
    with pytest.raises(error):
        made.effect("lookup", {}, fails(AssertionError()))


def test_an_unknown_outcome_that_is_found_or_not():
    """Happened: its answer, without sending. NotHappened: one more attempt, with a new key."""
    made = ctx(Happened(answer={"id": 7}))
    lost(made, "lookup")
    made.effect.time_passes(21)
    assert made.effect("lookup", {}, fails(AssertionError())) == {"id": 7}
    made = ctx(NotHappened())
    lost(made, "lookup")
    made.effect.time_passes(21)
    assert made.effect("lookup", {}, lambda key: key).endswith("/2")


def test_a_keyed_vendor_gets_the_same_key_again():
    """And one that remembers nothing is for a person."""
    made = ctx()
    lost(made, "keyed")
    assert made.effect("keyed", {}, lambda key: key).endswith("/1")
    lost(made, "none")
    made.effect.plugin.found = CannotTell(text="look there")
    with pytest.raises(OutcomeUnknown):
        made.effect("none", {}, fails(AssertionError()))


def test_the_image_is_taken_before_each_attempt():
    """And what it raises stops the effect."""
    made = ctx()
    with pytest.raises(Refused):
        made.effect("lookup", {}, fails(AssertionError()), before=lambda: fails(Refused("too late"))(""))
    made.effect("lookup", {}, lambda key: {}, before=lambda: {"stock": 3})
    assert made.effect.sent[-1].before == {"stock": 3}


def test_state_has_versions_and_expiry():
    """Compare-and-set as in the database."""
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    made = ctx(now=lambda: now[0])
    assert made.state.put("token", "a", version=0, expires_at=now[0] + timedelta(hours=1)).version == 1
    with pytest.raises(Conflict):
        made.state.put("token", "b", version=0)
    now[0] += timedelta(hours=2)
    assert made.state.get("token") is None
    made.state.delete("token")


def test_locks_are_held_by_one():
    """A second taker comes later."""
    made = ctx()
    with made.lock("refresh"):
        with pytest.raises(TryLater), made.lock("refresh"):
            pass
        with made.lock("other"):
            pass
    with made.lock("refresh"):
        pass


def test_connections_that_fail():
    """Nobody there: nothing happened. Broken in the middle of a write: unknown."""
    import socket

    made = ctx()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/"
    with pytest.raises(TryLater):
        made.effect("keyed", {}, lambda key: made.http.post(address))
    assert made.effect.sent[-1].request_id == "request-1"
    assert made.effect.books.effects["keyed", "request-1"].state == "planned"
