"""The proofs find the bugs that people really write: each is planted, and the proof that passes without it fails with it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from sqlalchemy import func, select

from connector.rehearse.woocommerce import PO_BOX_HELD, SHIPPED
from connector.sandbox.faults import Rule
from connector.store.tables import deliveries, inbox
from tests.conftest import ROOT
from tests.prove.harness import Place, Verdict, place, play

GOOD = ""


def crash_after_a_mail(where: Place, bug: str) -> Verdict:
    """The process dies when the mail server has said yes and nothing was written down yet."""
    return play(where, PO_BOX_HELD, crashes=[("answered", 2)], bug=bug, patience_s=15)


def server_error_that_did_happen(where: Place, bug: str) -> Verdict:
    """The note is written, and the answer is a 500."""
    return play(where, SHIPPED, faults=[Rule(kind="error_500_after", method="POST", match="notes")], bug=bug, patience_s=15)


def slow_store(where: Place, bug: str) -> Verdict:
    """The store takes longer than we wait, and then does it all the same."""
    fault = Rule(kind="slow", method="POST", match="notes", seconds=2.6)
    return play(where, SHIPPED, faults=[fault], bug=bug, settle_s=1.0, late_s=2.0, patience_s=15)


@pytest.mark.parametrize(
    ("proof", "bug"),
    [
        (crash_after_a_mail, "ledger_write_left_out"),
        (crash_after_a_mail, "key_from_uuid4"),
        (server_error_that_did_happen, "retry_on_500"),
        (slow_store, "lookup_before_settle_time"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_planted_bug_is_found(tmp_path: Path, sqlite_url: str, sqlite_url_2: str, proof, bug: str) -> None:
    """Without the bug nothing is wrong; with it something happens twice, and the judge says so."""
    with place(tmp_path / "good", sqlite_url) as where:
        assert proof(where, GOOD).wrong == []
    with place(tmp_path / "bad", sqlite_url_2) as where:
        found = proof(where, bug).wrong

    assert any("times" in text or "2 notes" in text or "mails, " in text for text in found), found


@pytest.mark.parametrize("bug", [GOOD, "lease_not_checked_at_give_back"])
def test_a_wake_up_during_the_work_is_not_lost(tmp_path: Path, sqlite_url: str, bug: str) -> None:
    """A person asks for something just while the order is being worked on."""
    with place(tmp_path, sqlite_url) as where:
        platform_id = where.world(SHIPPED).buy(SHIPPED.buys)
        code = (
            "import os, sys; from tests.prove.worker import wake_during_work;"
            "wake_during_work(sys.argv[1], dict(os.environ), sys.argv[2], sys.argv[3])"
        )
        environ = {**os.environ, **where.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run(
            [sys.executable, "-c", code, str(where.config), platform_id, bug], env=environ, check=True, cwd=ROOT, timeout=60
        )
        with where.app.database.reading() as connection:
            waiting = select(func.count()).select_from(inbox).where(inbox.c.kind == "command", inbox.c.applied_at.is_(None))
            forgotten = connection.execute(waiting).scalar_one()

    assert forgotten == (1 if bug else 0)


@pytest.mark.parametrize("bug", [GOOD, "delivery_not_stored_before_200"])
def test_what_was_answered_was_stored(tmp_path: Path, sqlite_url: str, bug: str) -> None:
    """The process is killed directly after its 200."""
    with place(tmp_path, sqlite_url) as where:
        environ = {**os.environ, **where.environ, "PYTHONPATH": str(ROOT), "PROVE_BUG": bug}
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.prove.runner", str(where.config), "--web-only"], env=environ, cwd=ROOT
        )
        try:
            answer = _deliver(where)
        finally:
            process.kill()
            process.wait()
        with where.app.database.reading() as connection:
            stored = connection.execute(select(func.count()).select_from(deliveries)).scalar_one()

    assert answer.status_code == 200
    assert stored == (0 if bug else 1)


def _deliver(where: Place) -> requests.Response:
    from connector.sandbox.deliveries import signature

    body = b'{"id": 4711}'
    headers = {
        "Content-Type": "application/json",
        "X-WC-Webhook-Topic": "order.updated",
        "X-WC-Webhook-Signature": signature(body, where.environ["DEMO_WEBHOOK_SECRET"]),
    }
    until = time.monotonic() + 20
    while True:
        try:
            return requests.post(f"http://127.0.0.1:{where.port}/webhooks/demo-shop", data=body, headers=headers, timeout=5)
        except requests.ConnectionError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
