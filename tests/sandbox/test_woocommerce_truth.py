"""The sandbox against recordings of a real store: answers, side effects, time zones, races, webhooks."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.sandbox.truth import CHAINS, FileResult, replay_all, table
from connector.sandbox.truth.compare import Comparison, Ids
from connector.sandbox.truth.exceptions import EXEMPTIONS
from connector.sandbox.truth.outcome import Outcome

# As counted when the sandbox was written: fewer means that exchanges are left out silently.
COMPARED = {
    "01": 4,
    "02": 37,
    "03": 18,
    "04": 45,
    "04b": 32,
    "05": 47,
    "06": 49,
    "07": 17,
    "08": 87,
    "08b": 4,
    "09": 55,
    "09b": 2,
    "09c": 4,
    "10": 70,
    "10b": 17,
    "11": 40,
    "11b": 5,
    "12": 4,
    "13": 30,
    "14": 15,
}


@pytest.fixture(scope="module")
def replayed(woocommerce: Path) -> dict[str, FileResult]:
    """All recordings, each chain against its own sandbox."""
    return {result.file: result for result in replay_all(woocommerce)}


@pytest.mark.parametrize("chain", CHAINS, ids="+".join)
def test_the_sandbox_answers_and_acts_as_the_recorded_store(replayed: dict[str, FileResult], chain: tuple[str, ...]) -> None:
    """Every compared exchange is as recorded, and no fewer are compared than when the sandbox was written."""
    results = [replayed[file] for file in chain]
    print(table(results))
    assert not [outcome.label for result in results for outcome in result.differing], table(results)
    assert {result.file: result.compared for result in results} == {file: COMPARED[file] for file in chain}


def test_every_exception_is_used_and_has_a_reason(replayed: dict[str, FileResult]) -> None:
    """The table of exceptions holds nothing that is not needed."""
    used = {reason for result in replayed.values() for one in result.outcomes for reason in (*one.excused, one.skipped)}
    assert {exemption.reason for exemption in EXEMPTIONS} <= used


def comparison() -> Comparison:
    return Comparison(Ids(), host="127.0.0.1:1")


RECORDED = {"id": 25, "total": "32.22", "price": 12.5, "paid": "2026-11-22T13:35:49", "lines": [{"q": 1}], "_links": {}}


@pytest.mark.parametrize(
    "change",
    [
        {"total": "32.23"},
        {"total": 32.22},
        {"price": "12.5"},
        {"paid": None},
        {"paid": "2026-11-22T13:36:49"},
        {"lines": []},
        {"lines": [{"q": 2}]},
        {"lines": [{"q": True}]},
        {"more": 1},
        {"id": "25"},
    ],
    ids=str,
)
def test_a_wrong_value_type_or_member_is_found(change: dict[str, object]) -> None:
    """The comparison sees what differs: value, type, missing and additional members, length of a list."""
    comparing = comparison()
    comparing.compare("", RECORDED, {**RECORDED, **change})
    assert comparing.differences


def test_a_number_may_differ_only_in_the_same_way() -> None:
    """The first meeting fixes the pair: another partner later is a difference, in both directions."""
    comparing = comparison()
    comparing.compare("id", 25, 7)
    comparing.compare("id", 25, 7)
    assert not comparing.differences
    comparing.compare("id", 25, 8)
    comparing.compare("id", 26, 7)
    assert len(comparing.differences) == 2


def test_a_missing_member_is_found() -> None:
    """A member of the recording that the sandbox does not answer is a difference."""
    comparing = comparison()
    comparing.compare("", RECORDED, {key: value for key, value in RECORDED.items() if key != "total"})
    assert [difference.path for difference in comparing.differences] == [" (fields)", "total"]


def test_the_report_names_share_exceptions_and_differences() -> None:
    """The table tells share per file, what was left out with its reason, and each difference."""
    result = FileResult(file="02", outcomes=(Outcome(label="a"), Outcome(label="b", skipped="because")))
    text = table([result])
    assert "02           2         1     1 (100.0%)" in text
    assert "02 left out: b: because" in text
