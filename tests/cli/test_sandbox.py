"""`connector sandbox`: a store to click around in, and the comparison with a real one."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from connector.cli import cli
from connector.cli.sandbox import _folder, truth
from connector.sandbox.truth import FileResult, Outcome
from connector.sandbox.truth.compare import Difference


def invoke(*words: str, env: dict[str, str] | None = None):
    return CliRunner().invoke(cli, ["sandbox", *words], env={"CONNECTOR_RECORDINGS": "", **(env or {})})


@pytest.fixture
def replayed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Recordings that need no replay: what the command prints is the point here."""
    (tmp_path / "02_orders_create.json").write_text("{}")

    def results(*outcomes: Outcome) -> str:
        result = FileResult(file="02", title="Creating orders", outcomes=outcomes)
        monkeypatch.setattr("connector.sandbox.truth.replay_all", lambda folder: iter([result]))
        return str(tmp_path)

    return results


def test_a_comparison_without_differences_is_a_yes(replayed):
    """Counts and share per file, the reasons of what was left out, exit code 0."""
    folder = replayed(Outcome(label="a"), Outcome(label="b", skipped="chance"), Outcome(label="c", excused=("history",)))

    result = invoke("truth", "--recordings", folder)

    assert result.exit_code == 0
    assert re.search(r"02 +Creating orders +3 +2 +2 +100\.0%", result.output)
    assert re.search(r"Left out\nNumber +File +Reason\n +1 +02 +chance", result.output)
    assert re.search(r"1 +02 +history", result.output)


def test_a_difference_is_shown_and_is_a_no(replayed):
    """Each difference with what was recorded and what was found; exit code 1; the same in JSON."""
    wrong = Difference(path="body.total", recorded="1.00", found="2.00")
    folder = replayed(Outcome(label="a"), Outcome(label="b", differences=(wrong,)))

    result = invoke("truth", "--recordings", folder)
    document = json.loads(invoke("truth", "--recordings", folder, "--json").stdout)

    assert result.exit_code == 1
    assert "Differs in 02: b" in result.output
    assert "body.total: recorded '1.00', found '2.00'" in result.output
    assert (document["ok"], document["compared"], document["as_recorded"]) == (False, 2, 1)
    assert document["files"][0]["differing"] == [{"label": "b", "differences": ["body.total: recorded '1.00', found '2.00'"]}]


def test_without_recordings_it_says_what_to_name(tmp_path):
    """Neither named nor there: wrong usage, with the option and the variable."""
    assert (invoke("truth").exit_code, invoke("truth", "--recordings", str(tmp_path)).exit_code) == (2, 2)
    assert "CONNECTOR_RECORDINGS" in invoke("truth").output


def test_the_folder_may_be_the_one_above(tmp_path):
    """The recordings' own folder, or the shared one that holds them."""
    below = tmp_path / "platforms" / "woocommerce"
    below.mkdir(parents=True)
    (below / "02_orders_create.json").write_text("{}")
    assert _folder(tmp_path) == _folder(below) == below


def test_the_store_agrees_with_the_recordings(recordings, monkeypatch):
    """One chain of real recordings, through the command: everything compared is as recorded."""
    import connector.sandbox.truth as replaying

    whole = replaying.replay_all
    monkeypatch.setattr(replaying, "replay_all", lambda folder: whole(folder, chains=(("07",),)))

    result = CliRunner().invoke(truth, ["--recordings", str(recordings), "--json"])

    document = json.loads(result.stdout)
    assert (result.exit_code, document["ok"], document["compared"]) == (0, True, 17)


def test_a_store_is_served_until_it_is_interrupted():
    """The screen names address and keys, the address answers with them, and Ctrl-C ends it with exit code 0."""
    command = [sys.executable, "-m", "connector.cli", "sandbox", "serve", "--port", "0", "--orders", "25"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        assert process.stdout is not None
        screen = ""
        while "Ctrl-C" not in screen:
            line = process.stdout.readline()
            assert line, screen
            screen += line
        url = re.search(r"Shop +(http://\S+)/", screen)
        key, secret = (re.search(rf"Consumer {name} +(\w+)", screen) for name in ("key", "secret"))
        assert url
        assert key
        assert secret
        answer = requests.get(
            f"{url[1]}/wp-json/wc/v3/orders",
            auth=(key[1], secret[1]),
            headers={"X-Forwarded-Proto": "https"},
            timeout=5,
        )
        assert answer.headers["X-WP-Total"] == "25"
        assert len(screen.splitlines()) <= 24
        assert max(len(line) for line in screen.splitlines()) <= 120
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0


def test_a_taken_port_is_told(taken_port):
    """Another program's port: wrong usage, and the option that helps."""
    result = invoke("serve", "--port", str(taken_port))
    assert result.exit_code == 2
    assert "--port" in result.output


@pytest.fixture
def taken_port():
    """A port that somebody else listens at."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]
