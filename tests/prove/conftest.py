"""The long proofs: which part of them is played, and the seed of everything random in them.

CONNECTOR_PROVE_SHARD=3/10 plays the third of ten parts; a test stays in its part however many others there are.
CONNECTOR_PROVE_SEED=5 makes the same choices again.
"""

from __future__ import annotations

import hashlib
import os
import re

import pytest

LEFT_OUT = pytest.StashKey[int]()


@pytest.fixture(scope="session")
def seed() -> int:
    """Where randomness begins. A failure says which it was."""
    return int(os.environ.get("CONNECTOR_PROVE_SEED") or 1)


def shard_of(text: str) -> tuple[int, int]:
    """ "3/10" as (3, 10); "" is everything. Raises UsageError."""
    found = re.fullmatch(r"(\d+)/(\d+)", text or "1/1")
    part, of = (int(number) for number in found.groups()) if found else (0, 0)
    if not 1 <= part <= of:
        raise pytest.UsageError(f'CONNECTOR_PROVE_SHARD is "{text}"; write it like 3/10')
    return part, of


def belongs(nodeid: str, part: int, of: int) -> bool:
    """Is this test in that part? By a hash that is the same everywhere, other than Python's own."""
    return int(hashlib.sha256(nodeid.encode()).hexdigest(), 16) % of == part - 1


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    part, of = shard_of(os.environ.get("CONNECTOR_PROVE_SHARD", ""))
    left_out = {item for item in items if item.get_closest_marker("prove") and not belongs(item.nodeid, part, of)}
    config.stash[LEFT_OUT] = len(left_out)
    if left_out:
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A part in which there happens to be no test is not a failure; that there are no proofs at all is one."""
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and session.config.stash.get(LEFT_OUT, 0):
        session.exitstatus = pytest.ExitCode.OK
