"""docs/commands.md is what click knows."""

from __future__ import annotations

from pathlib import Path

from connector import docs

from .test_basics import ALL

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"


def test_the_page_is_in_step():
    """Written anew it would be the same."""
    assert PAGE.read_text("utf-8") == docs.commands_page(), "python -m connector.docs commands > docs/commands.md"


def test_every_command_is_on_it():
    """Under a heading of its own."""
    headings = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("#")]

    missing = [path for path in ALL if not any(f"`connector {' '.join(path)}" in heading for heading in headings)]
    assert missing == []
