"""`connector sandbox`: a store to click around in, and the comparison with a real one."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from connector.cli import cli
from connector.cli.sandbox import SHOPIFY, WOOCOMMERCE, _folder, _folders, truth
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
    assert _folder(tmp_path, WOOCOMMERCE) == _folder(below, WOOCOMMERCE) == below
    assert _folders(tmp_path, None) == {WOOCOMMERCE: below}
    captures = tmp_path / "contracts" / "shopify" / "captures" / "2026-04" / "orders"
    captures.mkdir(parents=True)
    (captures / "x.json.gz").write_bytes(b"")
    assert _folders(tmp_path, None) == {WOOCOMMERCE: below, SHOPIFY: tmp_path / "contracts" / "shopify"}
    assert list(_folders(tmp_path, SHOPIFY)) == [SHOPIFY]


def test_recordings_of_one_platform_do_for_that_one_only(tmp_path):
    """Without recordings of the platform that is asked for: wrong usage, though others are there."""
    (tmp_path / "02_orders_create.json").write_text("{}")
    assert invoke("truth", "--platform", "shopify", "--recordings", str(tmp_path)).exit_code == 2


def test_both_platforms_are_told(replayed, tmp_path, monkeypatch):
    """Each has a table of its own, recordings of one domain are one line; a difference of either is a no."""
    folder = replayed(Outcome(label="a"))
    captures = tmp_path / "captures" / "2026-04" / "orders"
    captures.mkdir(parents=True)
    (captures / "x.json.gz").write_bytes(b"")
    wrong = Difference(path="data.order", recorded=1, found=2)
    results = [
        FileResult(file="orders/x", title="x", outcomes=(Outcome(label="a"),)),
        FileResult(file="orders/y", title="y", outcomes=(Outcome(label="b", differences=(wrong,)),)),
    ]
    monkeypatch.setattr("connector.sandbox.shopify.truth.replay_all", lambda folder: iter(results))

    result = invoke("truth", "--recordings", folder)
    document = json.loads(invoke("truth", "--recordings", folder, "--json").stdout)

    assert result.exit_code == 1
    assert re.search(r"simulated WooCommerce store.*simulated Shopify store", result.output, re.DOTALL)
    assert re.search(r"orders +2 recordings +2 +2 +1 +50\.0%", result.output)
    assert "Differs in orders/y: b" in result.output
    assert [(one["platform"], one["file"]) for one in document["files"]] == [
        ("woocommerce", "02"),
        ("shopify", "orders/x"),
        ("shopify", "orders/y"),
    ]
    assert (document["ok"], document["compared"], document["as_recorded"]) == (False, 3, 2)


def test_the_store_agrees_with_the_recordings(recordings, monkeypatch):
    """One chain of real recordings, through the command: everything compared is as recorded."""
    import connector.sandbox.truth as replaying

    whole = replaying.replay_all
    monkeypatch.setattr(replaying, "replay_all", lambda folder: whole(folder, chains=(("07",),)))

    result = CliRunner().invoke(truth, ["--recordings", str(recordings), "--platform", "woocommerce", "--json"])

    document = json.loads(result.stdout)
    assert (result.exit_code, document["ok"], document["compared"]) == (0, True, 17)


@contextmanager
def started(command):
    """A process that heeds Ctrl-C, also where the tests run in the background of a shell, whose children are deaf to it."""
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, **pipes, text=True, env=os.environ, preexec_fn=heed)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_store_is_served_until_it_is_interrupted():
    """The screen names address and keys, the address answers with them, and Ctrl-C ends it with exit code 0."""
    command = [sys.executable, "-m", "connector.cli", "sandbox", "serve", "--port", "0", "--orders", "25"]
    with started(command) as process:
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


def test_a_shopify_shop_is_served_until_it_is_interrupted():
    """The screen names shop, address and tokens, the address answers with them, and Ctrl-C ends it with exit code 0."""
    words = ["sandbox", "serve", "--platform", "shopify", "--port", "0", "--orders", "25"]
    command = [sys.executable, "-m", "connector.cli", *words]
    with started(command) as process:
        assert process.stdout is not None
        screen = ""
        while "Ctrl-C" not in screen:
            line = process.stdout.readline()
            assert line, screen
            screen += line
        path = re.search(r"API +(http://\S+)", screen)
        token = re.search(r"Access token +(\w+)", screen)
        assert path
        assert token
        answer = requests.post(
            path[1],
            json={"query": "{ ordersCount { count } }"},
            headers={"X-Shopify-Access-Token": token[1]},
            timeout=5,
        )
        assert answer.json()["data"] == {"ordersCount": {"count": 25}}
        assert len(screen.splitlines()) <= 24
        assert max(len(line) for line in screen.splitlines()) <= 120
        assert "sandbox-shop.myshopify.com" in screen
        assert "Client secret" in screen
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0


def test_a_taken_port_is_told(taken_port):
    """Another program's port: wrong usage, and the option that helps."""
    for platform in (WOOCOMMERCE, SHOPIFY):
        result = invoke("serve", "--platform", platform, "--port", str(taken_port))
        assert result.exit_code == 2
        assert "--port" in result.output


@pytest.fixture
def taken_port():
    """A port that somebody else listens at."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]
