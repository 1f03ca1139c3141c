"""The command line as a whole: fast to start, kind about errors, plain where nobody sees it."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import click
import pytest
from click.testing import CliRunner

from connector import errors
from connector.cli import COMMANDS, cli, exit_code

from .conftest import PERSONAL, SECRET, TOKEN, Install

HEAVY = {"rich", "sqlalchemy", "alembic", "requests", "msgspec", "fastapi", "dbos", "cryptography"}


def leaves(group: click.Group, ctx: click.Context, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        below = click.Context(command, info_name=name, parent=ctx)
        found += leaves(command, below, (*path, name)) if isinstance(command, click.Group) else [(*path, name)]
    return found


ALL = leaves(cli, click.Context(cli, info_name="connector"))


def test_there_are_commands():
    """The other tests are about something."""
    assert len(ALL) >= 30
    assert {("orders", "refund"), ("db", "backup"), ("init",)} <= set(ALL)


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_explains_itself(path):
    """--help says what it does, and what every option means."""
    result = CliRunner().invoke(cli, [*path, "--help"], prog_name="connector")

    assert result.exit_code == 0
    command: click.Command = cli
    for name in path:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(cli), name)  # type: ignore[assignment]
    assert command.help
    assert [option.name for option in command.params if isinstance(option, click.Option) and not option.help] == []


@pytest.mark.parametrize("words", [["--version"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
def test_looking_costs_next_to_nothing(words):
    """--version and every --help load no database, no SDK and nothing that draws tables."""
    program = f"""
import sys
from connector.cli import cli
try:
    cli({words!r}, prog_name="connector")
except SystemExit as end:
    assert not end.code, end.code
print(*sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True)

    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_version_is_quick():
    """`connector --version` takes at most three times as long as Python itself: the best of each, taken by turns."""

    def seconds(*words: str) -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True, capture_output=True)
        return time.perf_counter() - started

    nothing, version = [], []
    for _ in range(20):  # a busy machine slows single runs down, hardly ever all of them
        nothing.append(seconds("-c", "pass"))
        version.append(seconds("-m", "connector.cli", "--version"))
        if len(version) >= 5 and min(version) <= 3 * min(nothing):
            break

    assert min(version) <= 3 * min(nothing)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ConfigError("x"), 2),
        (errors.NeedsMigration("x"), 2),
        (errors.PluginError("x"), 2),
        (errors.Conflict("x"), 1),
        (errors.Refused("x"), 1),
        (errors.Unsupported("x"), 1),
        (errors.TryLater("x"), 3),
        (errors.OutcomeUnknown("x"), 3),
    ],
)
def test_each_class_of_error_has_its_exit_code(error, code):
    """A script can tell a no from a wrong configuration and from a system that did not answer."""
    assert exit_code(error) == code


def test_an_expected_error_is_one_line(tmp_path):
    """No traceback, nothing on stdout, and the way out."""
    install = Install(folder=tmp_path)

    done = install.process("orders", "list")

    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"Error: \S+connector.toml: there is no such file; `connector init` writes one.*\n", done.stderr)


def test_an_old_database_is_refused_with_the_command_to_run(empty):
    """Looking at orders never changes the schema."""
    (empty.folder / "connector.db").unlink()

    result = empty.run("orders", "list", code=2)

    assert result.stderr == "Error: The database is not set up yet. Run: connector db upgrade\n"
    empty.run("db", "upgrade")
    empty.run("orders", "list")


def test_a_bug_shows_its_traceback_and_where_to_report_it(empty, monkeypatch):
    """Whatever nobody expected is not made to look like the merchant's mistake."""
    monkeypatch.setattr("connector.store.lists.orders_page", lambda *_, **__: 1 / 0)

    result = empty.run("orders", "list", code=70)

    assert "ZeroDivisionError" in result.stderr
    assert "This is a bug in the connector" in result.stderr


def test_a_misspelt_command_is_guessed():
    """The nearest right word is offered."""
    result = CliRunner().invoke(cli, ["ordres"], prog_name="connector")

    assert result.exit_code == 2
    assert 'did you mean "orders"?' in result.stderr


def test_a_plugin_that_fails_shows_no_personal_data(shop):
    """What the plugin's error says may hold a customer's data: the text names the place instead."""
    shop.mood(poll="bug")

    done = shop.process("pull")

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(
        "Error: plugin fakeshop failed in hook poll_orders for shop (ZeroDivisionError"
    )
    assert "ada@example.com" not in done.stdout + done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "words",
    [
        ("orders", "list"),
        ("orders", "list", "--json"),
        ("tasks", "list", "--json"),
        ("effects", "list", "1001", "--json"),
        ("mails", "list", "1001", "--json"),
        ("deliveries", "list", "--json"),
        ("accounts", "list", "--json"),
        ("plugins", "show", "fakeshop", "--json"),
        ("check",),
        ("check", "--json"),
        ("orders", "show", "1009"),
        ("pull",),
    ],
    ids=" ".join,
)
def test_lists_and_errors_hold_no_secret_and_nobodys_data(shop, words):
    """Only `orders show` and `deliveries show` are screens of a customer's data; secrets are on none."""
    result = shop.run(*words, code=None)

    said = result.stdout + result.stderr
    assert said
    assert [part for part in (*PERSONAL, SECRET, TOKEN) if part in said] == []


def test_no_colour_where_nobody_sees_it(shop):
    """A pipe gets plain, unwrapped text, whatever the environment says about colours."""
    shop.buy({"id": "77", "number": "#" + "9" * 120})
    shop.run("pull")

    done = subprocess.run(
        [sys.executable, "-m", "connector.cli", "--config", str(shop.config), "orders", "list"],
        capture_output=True,
        text=True,
        env={"FORCE_COLOR": "1", "PATH": "/usr/bin", "COLUMNS": "40"},
    )

    assert "\x1b" not in done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == 1 + 4
    assert "9" * 120 in done.stdout
    assert [line for line in done.stdout.splitlines() if line != line.rstrip()] == []


def test_what_a_customer_typed_cannot_steer_the_terminal(shop):
    """Control characters and marks that turn the direction of text are shown as what they are."""
    shop.buy({"id": "66", "number": "#1066", "person": "Eve\x1b[2J\u202eevE [bold]x[/bold]", "note": "\x07ring"})
    shop.run("pull")

    said = shop.run("orders", "show", "1066").stdout

    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "\x07" not in said
    assert "[bold]x[/bold]" in said


def test_head_ends_it_quietly(shop):
    """`connector orders list | head -1` is no error."""
    command = f"{sys.executable} -m connector.cli --config {shop.config} orders show 1001 --json | head -c 1"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True)

    assert (done.stdout, done.stderr) == ("{", "")
