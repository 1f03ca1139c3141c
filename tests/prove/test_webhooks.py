"""Webhooks come twice, late, out of order or not at all, and every story ends the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.sandbox.faults import WEBHOOK, Rule
from tests.prove.harness import place, play_all
from tests.prove.test_kill import QUICK, engine_database_gone_afterwards, processes


@pytest.mark.parametrize("kind", WEBHOOK)
def test_every_webhook_is(tmp_path: Path, sqlite_url: str, kind: str) -> None:
    """Each delivery of the run is duplicated, late, lost or reordered; polling finds what never came."""
    with place(tmp_path, sqlite_url) as where, engine_database_gone_afterwards(where):
        for world in where.worlds.values():
            world.sandbox.faults.add(Rule(kind=kind, where="webhook", times=0, seconds=1.0))
        with processes(where, ()):
            assert play_all(where, QUICK, meanwhile=lambda: None) == []
