"""What was sent and never answered: the same key again, a lookup after the settle time, or a person. Never blindly again."""

from __future__ import annotations

from contextlib import suppress

import pytest

from connector.errors import OutcomeUnknown, PluginError, Refused, TooEarly, TryLater
from connector.model.events import CannotTell, Effect, EffectState, Found, Happened, InProgress, NotHappened
from connector.outbound.ledger import NOT_HAPPENED, HeldBack
from connector.store import effects
from tests.outbound.desk import READY_S, Desk, Died, Hand

BROKE = OutcomeUnknown("the connection broke")


def die_at(desk: Desk, transition: str) -> None:
    def watch(now: str) -> None:
        if now == transition:
            raise Died

    desk.watch = watch


@pytest.fixture(params=["died", "broke"])
def left(desk: Desk, request: pytest.FixtureRequest) -> Desk:
    """A function would be shorter, but this is what both ways of not knowing have in common: a desk, and how it was left."""
    desk.watched.append(request.param)
    return desk


def leave(desk: Desk, kind: str) -> None:
    """Send it, and never learn what became of it."""
    how = desk.watched[0]
    if how == "died":
        die_at(desk, "written")
        with suppress(Died):
            desk.ask(kind)
        desk.sent.append(f"install/a1/order:1/{kind}/r1/1")
        assert desk.state(kind) == ("sent", 1)
    else:
        with suppress(TryLater, OutcomeUnknown):
            desk.ask(kind, BROKE)
        assert desk.state(kind) == ("unknown", 1)
    desk.watch = lambda transition: None


# --- vendors that keep our key ----------------------------------------------------------------------------------------


def test_a_vendor_that_keeps_our_key_gets_the_same_again(left: Desk) -> None:
    """At once, by whoever has the order, and nobody has to be asked; it is the same attempt."""
    leave(left, "keyed")
    other = left.another()
    assert other.ask("keyed", "kept") == "kept"
    assert other.sent == left.sent[:1]
    assert other.state("keyed") == ("done", 1)
    assert other.looked == []


def test_how_long_a_vendor_remembers_counts_from_the_first_time(left: Desk) -> None:
    """Each try in between is no reason to trust its memory longer: after that it is looked up."""
    leave(left, "keyed")
    for _ in range(3):
        left.later(1000)
        with suppress(TryLater):
            left.ask("keyed", BROKE)
    assert len(set(left.sent)) == 1
    sends = len(left.sent)
    left.later(700)
    assert left.state("keyed") == ("unknown", 1)
    with pytest.raises(OutcomeUnknown, match="look yourself"):
        left.ask("keyed")
    assert len(left.sent) == sends
    assert [effect.attempt for effect in left.looked] == [1]


def test_a_try_that_did_not_leave_does_not_make_the_first_one_undone(left: Desk) -> None:
    """Sent, unknown; then no connection for longer than the vendor remembers: the key must not be sent as if it were new."""
    leave(left, "keyed")
    sends = len(left.sent)
    for _ in range(4):
        left.later(1000)
        with suppress(TryLater, OutcomeUnknown):
            left.ask("keyed", TryLater("no connection"), writes=False)
    assert left.state("keyed") == ("unknown", 1)
    with pytest.raises(OutcomeUnknown):
        left.ask("keyed")
    assert len(left.sent) == sends


def test_the_key_is_not_sent_again_shortly_before_it_is_forgotten(left: Desk) -> None:
    """A request may be on its way for deadline and settle time: it has to arrive before the vendor forgets."""
    leave(left, "keyed")
    left.later(3600 - READY_S + 1)
    with pytest.raises(OutcomeUnknown):
        left.ask("keyed")
    assert len(left.sent) == 1


def test_a_forgotten_key_that_surely_did_not_happen_is_a_new_attempt(left: Desk) -> None:
    """The vendor does not know the old key any more, so a new one says more."""
    leave(left, "keyed")
    left.later(4000)
    left.found = lambda effect: NotHappened()
    assert left.ask("keyed") == "yes"
    assert left.sent[-1].endswith("/keyed/r1/2")
    assert left.state("keyed", 1) == ("refused", 1)


# --- vendors that can be asked ----------------------------------------------------------------------------------------


def test_nobody_looks_before_the_vendor_can_be_through(left: Desk) -> None:
    """Until deadline and settle time have passed, "not found" says nothing: the job comes back when they have."""
    leave(left, "lookup")
    left.found = lambda effect: NotHappened()
    other = left.another()
    for passed in (0, 15, 14):
        other.later(passed)
        with pytest.raises(TooEarly) as raised:
            other.ask()
        assert 0 < raised.value.after_s <= READY_S
    assert raised.value.after_s < 4
    assert (other.looked, other.sent) == ([], [])
    other.later(3)
    assert other.ask() == "yes"
    assert len(other.looked) == 1


def test_what_happened_is_done_with_the_answer_that_was_found(left: Desk) -> None:
    """Found at the vendor's: nothing is sent, and the answer is the one of every later call."""
    leave(left, "lookup")
    left.later(READY_S)
    other = left.another()
    other.found = lambda effect: Happened(answer={"id": "re_found"})
    assert other.ask() == {"id": "re_found"}
    assert other.ask() == {"id": "re_found"}
    assert other.sent == []
    assert other.state() == ("done", 1)


def test_the_lookup_is_told_what_was_sent(desk: Desk) -> None:
    """Key, request, the image from before, the platform's id of the order, and when."""
    with suppress(TryLater):
        desk.ask(then=BROKE, before=lambda: {"refunded": 3}, request={"amount": 7})
    desk.later(READY_S)
    desk.found = lambda effect: Happened()
    assert desk.ask(request={"amount": 7}) is None
    (effect,) = desk.looked
    assert (effect.key, effect.request, effect.before) == ("install/a1/order:1/lookup/r1/1", {"amount": 7}, {"refunded": 3})
    assert (effect.platform_id, effect.attempt, effect.state) == ("77", 1, EffectState.UNKNOWN)
    assert effect.sent_at is not None


def test_what_did_not_happen_is_a_new_attempt_under_a_new_key(left: Desk) -> None:
    """The old one is settled in the same transaction that plans the new one; a new image is taken."""
    leave(left, "lookup")
    left.later(READY_S)
    left.found = lambda effect: NotHappened()
    assert left.ask(before=lambda: {"refunded": 1}) == "yes"
    assert left.sent == ["install/a1/order:1/lookup/r1/1", "install/a1/order:1/lookup/r1/2"]
    old, new = left.row(attempt=1), left.row(attempt=2)
    assert old is not None
    assert new is not None
    assert (old.state, old.said) == ("refused", NOT_HAPPENED)
    assert (new.state, new.before) == ("done", {"refunded": 1})


def test_a_new_attempt_waits_while_the_account_is_not_live(left: Desk) -> None:
    """It is planned, and sent under that very key when the account is live again."""
    leave(left, "lookup")
    left.later(READY_S)
    left.found = lambda effect: NotHappened()
    left.mode("shadow")
    for _ in range(2):
        with pytest.raises(HeldBack):
            left.ask()
    assert left.state() == ("planned", 2)
    left.mode("live")
    assert left.ask() == "yes"
    assert left.sent[1:] == ["install/a1/order:1/lookup/r1/2"]


def test_what_is_in_progress_or_cannot_be_told_stays_unknown(left: Desk) -> None:
    """In progress: again later. Nobody can tell: a person, told where to look. Neither sends anything."""
    leave(left, "lookup")
    left.later(READY_S)
    left.found = lambda effect: InProgress()
    with pytest.raises(TooEarly, match="still at it"):
        left.ask()
    left.found = lambda effect: CannotTell(text="look at the gateway")
    with pytest.raises(OutcomeUnknown, match="look at the gateway"):
        left.ask()
    assert left.state() == ("unknown", 1)
    assert len(left.sent) == 1


def test_a_lookup_that_fails_changes_nothing(left: Desk) -> None:
    """The vendor cannot be reached, or the plugin has a bug: it is as unknown as before."""
    leave(left, "lookup")
    left.later(READY_S)
    before = left.state()
    for error in (TryLater("down"), PluginError("bug"), ValueError("bug")):

        def fail(effect: Effect, error: Exception = error) -> Found:
            raise error

        left.found = fail
        with pytest.raises(type(error)):
            left.ask()
    assert left.state() == before
    assert len(left.sent) == 1


def test_an_answer_that_comes_while_it_is_looked_up_is_believed(left: Desk) -> None:
    """The lookup says no, and in that moment the frozen worker writes the vendor's yes: nothing is sent a second time."""
    leave(left, "lookup")
    left.later(READY_S)

    def look(effect: Effect) -> Found:
        with left.database.writing() as connection:
            assert effects.settle(connection, effect.key, EffectState.DONE, answer="late")
        return NotHappened()

    other = left.another()
    other.found = look
    with pytest.raises(TryLater, match="its answer came"):
        other.ask()
    assert other.sent == []
    assert other.state() == ("done", 1)
    assert other.ask() == "late"


# --- vendors of which only a person can find out ----------------------------------------------------------------------


def test_where_nobody_can_look_a_person_is_asked(left: Desk) -> None:
    """Each time it is asked for: it is not known, and it is not sent. A person's word settles it."""
    leave(left, "none")
    left.later(10**6)
    other = left.another()
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            other.ask("none")
    assert (other.sent, other.looked) == ([], [])
    assert other.state("none") == ("unknown", 1)

    with left.database.writing() as connection:
        effects.resolve(connection, "order:1", "r1", happened=False, who="ann", now=left.ledger().now())
    assert other.ask("none") == "yes"
    assert other.sent == ["install/a1/order:1/none/r1/2"]


# --- late answers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["keyed", "lookup", "none"])
def test_a_late_yes_settles_what_was_unknown(desk: Desk, kind: str) -> None:
    """The worker was slow, another one has taken over and found nothing yet: the answer is true all the same."""
    other = desk.another()

    def slowly() -> str:
        with suppress(OutcomeUnknown, TryLater):
            if kind == "none":
                other.ask(kind)
            else:
                other.ask(kind, BROKE)
        desk.hand.mine = False
        return "late"

    assert desk.ask(kind, slowly) == "late"
    assert desk.state(kind) == ("done", 1)
    assert other.ask(kind) == "late"


def test_a_late_no_settles_what_was_unknown(desk: Desk) -> None:
    """And is the reason that everybody is told."""

    def slowly() -> None:
        with suppress(TooEarly):
            desk.another().ask()
        raise Refused("too much")

    with pytest.raises(Refused):
        desk.ask(then=slowly)
    with pytest.raises(Refused, match="too much"):
        desk.another().ask()


def test_a_yes_after_it_was_taken_for_not_happened_is_said_aloud(desk: Desk) -> None:
    """The vendor's own lookup was wrong: it may have happened twice. It is written down, and a person is to look."""
    other = desk.another()
    other.found = lambda effect: NotHappened()

    def slowly() -> str:
        desk.later(READY_S)
        assert other.ask() == "yes"
        return "late"

    with pytest.raises(OutcomeUnknown, match="it may have happened twice"):
        desk.ask(then=slowly)
    old = desk.row(attempt=1)
    assert old is not None
    assert (old.state, old.answer) == ("done", "late")
    assert "then the vendor's yes came" in old.said
    assert other.state() == ("done", 2)


def test_after_a_late_yes_no_further_attempt_is_made(desk: Desk) -> None:
    """The second attempt was only planned, or died before it was sent: the first one's yes is the answer now."""
    other = desk.another()
    other.found = lambda effect: NotHappened()
    die_at(other, "sent")

    def slowly() -> str:
        desk.later(READY_S)
        with suppress(Died):
            other.ask()
        assert other.state() == ("sent", 2)
        return "late"

    with pytest.raises(OutcomeUnknown):
        desk.ask(then=slowly)
    other.watch = lambda transition: None
    other.later(READY_S)
    assert other.ask() == "late"
    assert (other.sent, len(desk.sent)) == ([], 1)


def test_a_late_yes_between_reading_and_sending_stops_the_next_attempt(left: Desk) -> None:
    """The second attempt is about to be sent when the first one's yes is written."""
    leave(left, "lookup")
    left.later(READY_S)
    left.found = lambda effect: NotHappened()
    left.mode("shadow")
    with pytest.raises(HeldBack):
        left.ask()
    left.mode("live")

    def late(_points: float) -> None:
        with left.database.writing() as connection:
            effects.late_yes(connection, "install/a1/order:1/lookup/r1/1", "late")

    left.wait_turn = late
    with pytest.raises(TryLater, match="answer came"):
        left.ask()
    assert len(left.sent) == 1
    assert left.ask() == "late"


def test_a_late_failure_does_not_undo_an_answer(desk: Desk) -> None:
    """The first call times out after the second one, under the same key, has its yes."""
    other = desk.another()

    def slowly() -> None:
        assert other.ask("keyed", "yes") == "yes"
        raise BROKE

    with pytest.raises(TryLater):
        desk.ask("keyed", slowly)
    assert desk.state("keyed") == ("done", 1)


def test_a_late_word_of_not_sent_does_not_undo_anothers_sending(desk: Desk) -> None:
    """ "Nothing happened" is said of one's own request, not of the one that another worker has sent since."""
    other = desk.another()

    def slowly() -> None:
        with suppress(TryLater):
            other.ask("keyed", BROKE)
        raise TryLater("429")

    with pytest.raises(TryLater):
        desk.ask("keyed", slowly)
    assert desk.state("keyed") == ("unknown", 1)


# --- two of a kind ----------------------------------------------------------------------------------------------------


def test_what_is_looked_up_is_looked_up_alone(left: Desk) -> None:
    """A second refund of this order waits until the first is settled; other kinds, orders and keyed vendors do not."""
    leave(left, "lookup")
    second = Desk(database=left.database, hand=left.hand, request_id="r2")
    with pytest.raises(TryLater, match=r"an earlier lookup is not settled yet \(r1\)"):
        second.ask()
    assert second.state() is None
    assert second.ask("other") == "yes"
    assert second.ask("keyed") == "yes"
    another_order = Desk(database=left.database, hand=Hand(scope="order:2", order_id=2), request_id="r2")
    assert another_order.ask() == "yes"

    left.later(READY_S)
    left.found = lambda effect: Happened()
    left.ask()
    assert second.ask() == "yes"


def test_two_keyed_effects_do_not_wait_for_each_other(left: Desk) -> None:
    """Each has its own key, so each can be told apart."""
    leave(left, "keyed")
    assert left.another("r2").ask("keyed") == "yes"
