"""A search through all that can happen to one effect: at most once by our rules, and every rule that is left out is missed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.outbound.protocol import Rules, search

KEYED: dict[str, Any] = {"vendor": "keyed"}

FORGETS: dict[str, Any] = {"vendor": "keyed", "remembers": 4}

AT_MOST_ONCE = {
    "a vendor that can be asked": (Rules(), True),
    "a vendor that keeps our key, even if we freeze before the write": (Rules(**KEYED, freezes_in_gap=True, end=4), True),
    "a vendor that forgets our key after a while": (Rules(**FORGETS, workers=1), True),
    "the same with two workers, as far as we look": (Rules(**FORGETS), False),
    "where only a person can find out, even if we freeze before the write": (Rules(vendor="none", freezes_in_gap=True), True),
    # Two locks on one door: either of them alone holds.
    "SENT depends on the lease alone": (Rules(checks_row=False, end=6), True),
    "SENT depends on the row alone": (Rules(checks_lease=False), False),
}


@pytest.mark.parametrize(("rules", "complete"), AT_MOST_ONCE.values(), ids=list(AT_MOST_ONCE))
def test_at_most_once(rules: Rules, complete: bool) -> None:
    """Whoever dies or freezes, whatever is late or lost: no world has two executions."""
    found = search(rules, most=80_000 if complete else 40_000)

    assert found.trace == ()
    assert found.complete == complete
    assert found.worlds > 1_000


TWICE = {
    "a new key after a lookup, for a vendor that keeps keys": Rules(**KEYED, same_key_again=False, freezes_in_gap=True),
    "no last check of the time": Rules(checks_time=False),
    "no settle time": Rules(waits_to_settle=False),
    "neither lease nor row is looked at": Rules(checks_lease=False, checks_row=False),
    "a vendor's memory is counted from the last try": Rules(**FORGETS, workers=1, counts_from_first=False),
    "a second try that did not leave makes the first undone": Rules(**FORGETS, workers=1, unsent_again_is_unknown=False),
    "a vendor's memory is looked at only when it is decided": Rules(**FORGETS, workers=1, counts_at_commit=False),
}


@pytest.mark.parametrize("rules", TWICE.values(), ids=list(TWICE))
def test_a_rule_that_is_left_out_is_missed(rules: Rules) -> None:
    """The search finds a way to two executions, or it would not find a mistake in the rules either."""
    found = search(rules, most=60_000)

    assert found.trace
    assert sum("the vendor executes" in step for step in found.trace) == 2


def test_a_freeze_between_check_and_write_is_beyond_us() -> None:
    """The one hole that is left, for vendors that can only be asked: nothing on our side can close it. It takes more than a
    deadline and a settle time between two lines of code."""
    found = search(Rules(freezes_in_gap=True))

    assert found.trace
    check = next(number for number, step in enumerate(found.trace) if "passes the last check" in step)
    assert found.trace[check + 1] == "a tick passes"
