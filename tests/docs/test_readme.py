"""README.md, done as it says."""

from __future__ import annotations

import pkgutil
import re
import tomllib
from pathlib import Path

import pytest

import connector.plugins
from connector import config, registry
from connector.rehearse import shopify, woocommerce

ROOT = Path(__file__).parents[2]


@pytest.fixture
def readme(pages):
    return pages["README.md"]


@pytest.fixture
def folder(readme, tmp_path: Path) -> Path:
    """What a reader has who followed it."""
    for block in readme.blocks:
        if block.file:
            file = tmp_path / block.file
            file.parent.mkdir(exist_ok=True)
            file.write_text(block.text, "utf-8")
    return tmp_path


def test_it_shows_it_working_on_the_first_screen(readme):
    """Who it is for, then two commands, then what they print; no picture or badge before."""
    first = readme.text.splitlines()[:24]

    assert first[0].startswith("# ")
    assert first[2].startswith("For merchants")
    assert sum(line.startswith("$ ") for line in first) == 2
    assert "$ make demo" in first
    assert any("as expected" in line for line in first)
    assert "![" not in "\n".join(first)


def test_its_configuration_is_right(folder):
    """connector.toml and .env as they stand there are read, and every account is paired with its plugin."""
    settings = config.load(folder / "connector.toml", {})
    found = registry.load(settings)

    assert settings.needed_secret_key()
    assert {name: account.plugin for name, account in found.accounts.items()} == {
        "shop": "woocommerce",
        "office": "smtp",
        "by-hand": "manual",
    }
    assert "review_gifts" in found.infos


def test_it_names_every_account_that_has_to_go_live(readme, folder):
    """An account that is forgotten stays in shadow, and its effects wait."""
    accounts = tomllib.loads((folder / "connector.toml").read_text())["accounts"]

    assert set(re.findall(r"connector accounts mode (\S+) live", readme.text)) == set(accounts)


def test_it_lists_every_plugin(readme):
    """The table is the plugins that come with the package, no more and no less."""
    listed = re.findall(r"^\| `(\w+)` \|", readme.text, re.MULTILINE)

    assert sorted(listed) == sorted(name for _, name, _ in pkgutil.iter_modules(connector.plugins.__path__))


def test_the_plugin_is_the_one_of_the_tutorial(readme, pages):
    """So that whoever goes on reading meets an acquaintance."""
    (shown,) = [block.text for block in readme.blocks if block.language == "python"]

    assert shown in [block.text for block in pages["docs/writing-plugins.md"].blocks]


def test_the_version_is_in_the_changelog(pages):
    """Whoever looks up what changed finds the version that `connector --version` says."""
    assert f"## [{connector.__version__}]" in pages["CHANGELOG.md"].text


def test_it_shows_what_the_demo_prints(readme):
    """Every order of the demo stands there with its title and its status in the shop, in the demo's order."""
    lines = [line for line in readme.text.splitlines() if line.endswith("as expected")]

    for line, story in zip(lines, (*woocommerce.STORIES, *shopify.STORIES), strict=True):
        assert story.title in line
        assert f"  {story.ending.status}  " in line
