"""The effects ledger, transition by transition, with a holder and a vendor that do what they are told, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from connector.errors import ConfigError, OutcomeUnknown, PluginError, Refused, RemoteError, StoreError, TryLater, Unsupported
from connector.outbound import ledger as module
from connector.outbound.holders import LockHolder
from connector.outbound.ledger import LAST_CHECK_S, HeldBack
from connector.store import shared
from connector.store.database import Database
from connector.store.lease import LeaseLost
from connector.store.tables import effects
from tests.outbound.desk import Desk, Died, Hand
from tests.store.world import rows

KINDS = ("keyed", "lookup", "none")


class Moving:
    """A monotonic clock that a test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.now))

    def freeze(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def moving(monkeypatch: pytest.MonkeyPatch) -> Moving:
    """For every test: on a busy machine a second of the real clock may pass between writing down and sending."""
    return Moving(monkeypatch)


# --- yes and no -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_yes_is_written_down_and_given_again(desk: Desk, kind: str) -> None:
    """The answer of the first call is the answer of every later one, in another process too; the vendor is asked once."""
    answer = {"id": "re_1", "list": [1, None, "€"]}
    assert desk.ask(kind, answer) == answer
    assert desk.watched == ["sent", "written", "answered", "done"]
    assert desk.state(kind) == ("done", 1)
    assert (desk.hand.saves, desk.hand.commits) == (1, 1)
    assert desk.underway is None

    other = desk.another()
    assert other.ask(kind, "another answer", request={"amount": 5}) == answer
    assert (other.sent, other.watched, other.hand.saves) == ([], [], 0)
    assert desk.sent == [f"install/a1/order:1/{kind}/r1/1"]


@pytest.mark.parametrize("kind", KINDS)
def test_no_is_written_down_and_said_again(desk: Desk, kind: str) -> None:
    """A refusal is a person's to decide on: it is not tried again, and the vendor's reason is said as it was."""
    no = Refused("the card \x00 is closed", account="shop", operation="refund", code="card_closed")
    with pytest.raises(Refused) as first:
        desk.ask(kind, no)
    assert first.value is no
    assert desk.state(kind) == ("refused", 1)

    with pytest.raises(Refused) as again:
        desk.ask(kind)
    assert again.value.args == ("the card  is closed",)
    assert str(again.value) == f"shop: {kind}: the card  is closed"
    assert len(desk.sent) == 1


def test_the_same_key_with_other_values_is_a_bug(desk: Desk) -> None:
    """Values are compared by what they say, not by how they are written."""
    desk.ask(request={"a": 1, "b": [1, 2]})
    assert desk.ask(request={"b": (1, 2), "a": 1}) == "yes"
    with pytest.raises(PluginError, match="lookup r1 was asked for before with other values"):
        desk.ask(request={"a": 1, "b": [2, 1]})
    assert len(desk.sent) == 1


def test_another_request_kind_or_order_is_another_effect(desk: Desk) -> None:
    """The key tells them apart."""
    desk.ask("keyed")
    desk.ask("other")
    desk.request_id = "r2"
    desk.ask("keyed")
    desk.hand.scope = "order:2"
    desk.ask("keyed")
    assert len(set(desk.sent)) == 4


def test_an_undeclared_kind_is_refused(desk: Desk) -> None:
    """How to find out what became of it is not known then."""
    with pytest.raises(PluginError, match="does not declare effects of the kind 'pay'"):
        desk.ask("pay")
    assert rows(desk.database, effects) == []


# --- before anything is sent ------------------------------------------------------------------------------------------


def test_an_order_in_other_hands_is_left_alone(desk: Desk) -> None:
    """The lease is lost before SENT: nothing is planned, nothing sent."""
    desk.hand.mine = False
    with pytest.raises(LeaseLost):
        desk.ask()
    assert rows(desk.database, effects) == []
    assert desk.sent == desk.watched == []


@pytest.mark.parametrize("where", ["before", "wait_turn"])
def test_a_failure_before_sent_leaves_no_trace(desk: Desk, where: str) -> None:
    """The image cannot be read, or too many calls are waiting: it was not begun."""

    def fail(*_points: float) -> None:
        raise TryLater("not now", after_s=3)

    if where == "wait_turn":
        desk.wait_turn = fail
    with pytest.raises(TryLater, match="not now"):
        desk.ask(before=fail if where == "before" else None)
    assert rows(desk.database, effects) == []


def test_the_image_from_before_is_kept(desk: Desk) -> None:
    """It was read before anything was sent, and is what the lookup compares with."""
    images = iter([{"refunded": 0}, {"refunded": 7}])
    with pytest.raises(TryLater):
        desk.ask(then=TryLater("busy"), before=lambda: next(images))
    row = desk.row()
    assert row is not None
    assert (row.state, row.before) == ("planned", {"refunded": 0})
    desk.ask(before=lambda: next(images))
    row = desk.row()
    assert row is not None
    assert row.before == {"refunded": 7}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("mode", "mark"), [("shadow", ""), ("shadow", "run-1"), ("rehearsal", "")])
def test_what_the_mode_forbids_is_planned_and_not_sent(desk: Desk, kind: str, mode: str, mark: str) -> None:
    """Shadow: nothing leaves. Rehearsal: nothing of an order that is not marked as ours. Once live, it is sent as planned."""
    desk.mode(mode)
    desk.hand.rehearsal = mark
    for _ in range(2):
        with pytest.raises(HeldBack, match="not live"):
            desk.ask(kind)
    assert desk.state(kind) == ("planned", 1)
    assert desk.sent == desk.watched == []
    assert desk.hand.commits == 2

    desk.mode("live")
    assert desk.ask(kind) == "yes"
    assert desk.sent == [f"install/a1/order:1/{kind}/r1/1"]


def test_a_rehearsal_sends_what_is_marked_as_ours(desk: Desk) -> None:
    """A test order goes all the way."""
    desk.mode("rehearsal")
    desk.hand.rehearsal = "run-1"
    assert desk.ask() == "yes"


# --- while it is sent -------------------------------------------------------------------------------------------------

SURELY_NOT = [TryLater("429"), ConfigError("401"), Unsupported("no such thing")]
MAY_HAVE = [
    RemoteError("?"),
    OutcomeUnknown("broke off"),
    PluginError("bug"),
    StoreError("locked"),
    ValueError("bug"),
    KeyError("id"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", SURELY_NOT + MAY_HAVE, ids=lambda error: type(error).__name__)
def test_whatever_goes_wrong_before_a_byte_left_has_not_happened(desk: Desk, kind: str, error: Exception) -> None:
    """The effect is planned as if it had not been tried, and the next try is the same attempt under the same key."""
    with pytest.raises(type(error)) as raised:
        desk.ask(kind, error, writes=False)
    assert raised.value is error
    row = desk.row(kind)
    assert row is not None
    assert (row.state, row.attempt, row.sent_at, row.first_sent_at) == ("planned", 1, None, None)
    assert desk.watched == ["sent", "planned"]

    assert desk.ask(kind) == "yes"
    assert desk.state(kind) == ("done", 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", SURELY_NOT, ids=lambda error: type(error).__name__)
def test_a_plugin_may_say_that_it_has_not_happened(desk: Desk, kind: str, error: Exception) -> None:
    """A 429 or 401 is an answer: the vendor did nothing, so it may be sent again under the same key."""
    with pytest.raises(type(error)):
        desk.ask(kind, error)
    assert desk.state(kind) == ("planned", 1)
    assert desk.ask(kind) == "yes"
    assert len(desk.sent) == 2
    assert len(set(desk.sent)) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", [*MAY_HAVE, TypeError("an answer that is no JSON")], ids=lambda error: type(error).__name__)
def test_whatever_goes_wrong_after_a_byte_left_is_unknown(desk: Desk, kind: str, error: Exception) -> None:
    """Where it can be found out, the job comes again; where not, a person is asked. A bug is shown as what it is."""
    expected: type[Exception] = type(error)
    if kind == "none":
        expected = OutcomeUnknown
    elif isinstance(error, RemoteError):
        expected = TryLater
    with pytest.raises(expected):
        desk.ask(kind, object() if isinstance(error, TypeError) else error)
    assert desk.state(kind) == ("unknown", 1)
    assert desk.watched == ["sent", "written", "unknown"]
    assert desk.underway is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("transition", ["sent", "written", "answered"])
def test_a_process_that_dies_leaves_it_as_sent(desk: Desk, kind: str, transition: str) -> None:
    """After SENT nothing is said about the outcome by anybody who did not see it."""

    def die(now: str) -> None:
        if now == transition:
            raise Died

    desk.watch = die
    with pytest.raises(Died):
        desk.ask(kind)
    assert desk.state(kind) == ("sent", 1)


@pytest.mark.parametrize("kind", KINDS)
def test_one_effect_is_one_write(desk: Desk, kind: str) -> None:
    """A second write under one key could not be told from the first: it does not leave, and the first is unknown."""

    def twice() -> None:
        assert desk.underway is not None
        desk.underway.last_check()
        desk.sent.append("twice")

    with pytest.raises(OutcomeUnknown if kind == "none" else PluginError) as raised:
        desk.ask(kind, twice)
    assert "one effect is one write" in str(raised.value.__cause__ or raised.value)
    assert "twice" not in desk.sent
    assert desk.state(kind) == ("unknown", 1)


# --- the last check ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_leaves_once_the_order_is_in_other_hands(desk: Desk, kind: str) -> None:
    """The lease is lost between SENT and the first byte."""
    desk.hand.when_saved = lambda: setattr(desk.hand, "mine", False)
    with pytest.raises(TryLater, match="too late to send"):
        desk.ask(kind)
    assert desk.sent == []
    assert desk.state(kind) == ("planned", 1)


FREEZES: dict[str, Callable[[Desk, Callable[[], None]], None]] = {
    "directly after the commit": lambda desk, freeze: setattr(desk.hand, "when_saved", freeze),
    "before the connection": lambda desk, freeze: setattr(desk, "watch", lambda now: freeze() if now == "sent" else None),
    "while the lease is looked at": lambda desk, freeze: setattr(desk.hand, "when_asked", freeze),
}


@pytest.mark.parametrize("where", FREEZES)
@pytest.mark.parametrize("kind", ["keyed", "lookup"])
def test_nothing_leaves_more_than_a_second_after_sent(desk: Desk, moving: Moving, kind: str, where: str) -> None:
    """Wherever a process froze after SENT: when it wakes, somebody may be looking it up already."""
    FREEZES[where](desk, lambda: moving.freeze(LAST_CHECK_S + 0.01))
    with pytest.raises(TryLater, match="too late to send"):
        desk.ask(kind)
    assert desk.sent == []
    assert desk.state(kind) == ("planned", 1)


@pytest.mark.parametrize("where", FREEZES)
def test_within_a_second_it_leaves(desk: Desk, moving: Moving, where: str) -> None:
    """A slow connection is no reason to give up."""
    FREEZES[where](desk, lambda: moving.freeze(LAST_CHECK_S - 0.01))
    assert desk.ask() == "yes"


def test_waiting_for_our_own_database_before_sent_does_not_count(desk: Desk, moving: Moving) -> None:
    """Writers queue; what counts is the time since SENT."""
    real = desk.hand.save

    class Slow(Hand):
        def save(self, connection: Any) -> None:
            moving.freeze(20)
            real(connection)

    desk.hand = Slow()
    assert desk.ask() == "yes"


@pytest.mark.parametrize(("seconds", "leaves"), [(9.9, True), (10.1, False)])
def test_what_only_a_person_settles_may_take_until_its_deadline(
    desk: Desk, moving: Moving, seconds: float, leaves: bool
) -> None:
    """A mail server may greet slowly; nobody settles such an effect behind our back while the lease is ours."""
    desk.watch = lambda now: moving.freeze(seconds) if now == "sent" else None
    if leaves:
        assert desk.ask("none") == "yes"
    else:
        with pytest.raises(TryLater, match="too late to send"):
            desk.ask("none")
    assert bool(desk.sent) == leaves


# --- an account's lock in the place of an order's lease ---------------------------------------------------------------


def test_an_effect_of_an_account_is_done_under_its_lock(database: Database, desk: Desk) -> None:
    """What is about no order: also done once, also in rehearsal; and not at all once the lock has run out."""
    desk.mode("rehearsal")
    with shared.locked(database, "webhooks/a1") as lock:
        desk.hand = LockHolder(lock=lock, account_id="a1")  # type: ignore[assignment]
        assert desk.ask("lookup", {"id": 5}) == {"id": 5}
        assert desk.ask("lookup", {"id": 6}) == {"id": 5}
    assert desk.sent == ["install/a1/account:a1/lookup/r1/1"]

    gone = shared.take_lock(database, "webhooks/a1", -1)
    assert gone is not None
    late = Desk(database=database, hand=LockHolder(lock=gone, account_id="a1"), request_id="r2")  # type: ignore[arg-type]
    with pytest.raises(TryLater, match="another process may be at it"):
        late.ask()
    assert late.state() is None
    assert late.sent == []
