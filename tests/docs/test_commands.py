"""Commands that pages tell people to type are there, with these options."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest

from connector.cli import cli

ROOT = Path(__file__).parents[2]
# hooks.md speaks of the whole contract, and with it of commands that are still to come.
NOT_YET = ("docs/hooks.md",)


def wrong_with(command: str) -> str:
    """What is wrong with `connector orders ship 1001 --carrier UPS`, or "". What is no option is taken for a value."""
    words = shlex.split(command)[1:]
    here: click.Command = cli
    with click.Context(cli, info_name="connector") as ctx:
        while isinstance(here, click.Group) and words and not words[0].startswith("-"):
            word = words.pop(0)
            found = here.get_command(ctx, word) if word in here.list_commands(ctx) else None
            if found is None:
                return f"{command}: there is no command {word}"
            here = found
            if words[:1] == ["|"]:  # "connector orders approve | hold" names several
                return "" if all(word in cli_words(command) for word in words[1::2]) else f"{command}: one of them is not there"
        options = {name for parameter in here.params for name in (*parameter.opts, *parameter.secondary_opts)}
        options |= {"--help", "-h", "--version"}
    missing = [word for word in words if re.match(r"--?[a-z]", word) and word.partition("=")[0] not in options]
    return f"{command}: no option {missing[0]}" if missing else ""


def cli_words(command: str) -> list[str]:
    """The commands of the group that "connector GROUP a | b" names."""
    with click.Context(cli, info_name="connector") as ctx:
        group = cli.get_command(ctx, shlex.split(command)[1])
        return group.list_commands(ctx) if isinstance(group, click.Group) else []


def test_commands_are_there(page):
    """Each command and option of a page is one that `connector --help` leads to."""
    if str(page.path.relative_to(ROOT)) in NOT_YET:
        pytest.skip("the contract names commands that are still to come")

    assert [wrong for command in page.commands if (wrong := wrong_with(command))] == []


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("connector orders shp 1", "no command shp"),
        ("connector nonsense", "no command nonsense"),
        ("connector orders list --colour", "no option --colour"),
        ("connector orders approve | hld", "one of them"),
        ("connector orders approve | hold", ""),
        ("connector orders ship 1001 --carrier UPS", ""),
    ],
)
def test_a_wrong_command_is_found(command, said):
    """The test above can fail."""
    assert said in wrong_with(command)
    assert (wrong_with(command) == "") is (said == "")


def test_make_has_few_targets_and_says_what_they_are():
    """`make` alone lists them all."""
    said = subprocess.run(["make", "--silent"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert targets

    assert re.findall(r"^  make (\w+) +\w", said, re.MULTILINE) == targets[1].split()
    assert len(targets[1].split()) <= 8


def test_make_targets_on_pages_are_there(page):
    """`make demo` and the others."""
    named = set(re.findall(r"(?:`|\$ )make ([a-z]+)", page.text))

    assert named <= set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
