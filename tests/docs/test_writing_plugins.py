"""docs/writing-plugins.md, done as it says: its files written, its plugins loaded, its tests run."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from connector import PluginKind, Severity, config, registry
from connector.context import Account
from connector.hooks import Hooks
from connector.testing import make_context, make_order

PAGE = "docs/writing-plugins.md"


@pytest.fixture
def folder(pages, tmp_path: Path) -> Path:
    """What a reader has who typed in every file of the page."""
    for block in pages[PAGE].blocks:
        if block.file:
            file = tmp_path / block.file
            file.parent.mkdir(exist_ok=True)
            file.write_text(block.text, "utf-8")
    return tmp_path


def load(folder: Path) -> registry.Registry:
    return registry.load(config.load(folder / "connector.toml", {"VANEXPRESS_TOKEN": "t0ken"}))


def test_every_program_is_a_file(pages):
    """No Python stands on the page that this test would not run."""
    assert [block.text for block in pages[PAGE].blocks if block.language == "python" and not block.file] == []


def test_every_piece_of_toml_is_right(pages, folder):
    """The small ones, too."""
    small = [block for block in pages[PAGE].blocks if block.language == "toml" and not block.file]
    assert small

    for block in small:
        (folder / "connector.toml").write_text(block.text, "utf-8")
        load(folder)


def test_its_plugins_are_loaded(folder):
    """By the real registry, with the page's own connector.toml."""
    found = load(folder)

    assert {"review_gifts", "review_worth", "vanexpress"} <= set(found.infos)
    assert found.infos["vanexpress"].kinds == (PluginKind.CARRIER,)
    assert [account.name for account in found.reviewers(found.account("shop"))] == ["review_gifts", "careful"]


def test_its_reviewers_review(folder):
    """What the page promises about limits: the account's, and the default without one."""
    found = load(folder)

    def context(account: Account, /, **about: str):
        return make_context(found.infos[account.plugin], account.config, account=account.name)

    findings = Hooks(found, context).review_order(
        found.account("shop"), order=make_order("200.01", customer_note="a gift"), carriers=()
    )

    assert [(finding.code, finding.severity) for finding in findings] == [
        ("gift", Severity.WARNING),
        ("worth", Severity.HOLD),
    ]
    assert "200.01" in findings[1].text
    assert "200.00" in findings[1].text


def test_its_tests_pass(folder):
    """By the command that the page gives."""
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONPATH": "plugins"}, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout


def test_its_package_has_an_entry_point(folder):
    """The setup.cfg of the page is one, and names the module that it ships."""
    declared = configparser.ConfigParser()
    declared.read(folder / "setup.cfg")

    (_, module) = declared["options.entry_points"]["connector"].strip().split(" = ")
    assert module == declared["options"]["py_modules"]


def test_its_toml_is_toml(pages):
    """And nothing else is called so."""
    for block in pages[PAGE].blocks:
        if block.language == "toml":
            tomllib.loads(block.text)
