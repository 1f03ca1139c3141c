"""What the tests of the documentation share: the pages, and what stands in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parents[2]
PAGES = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block: its language, its text, and the file that it is ("" if it is none)."""

    language: str
    text: str
    file: str = ""


class Page:
    """One page of Markdown, as far as tests want to know."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text("utf-8")
        self.prose = re.sub(r"^( *)```.*?^\1```$", "", self.text, flags=re.MULTILINE | re.DOTALL)

    @property
    def anchors(self) -> set[str]:
        """The anchors of its headings, as GitHub makes them: small letters, dashes for spaces, nothing else."""
        headings = re.findall(r"^#+ (.+)$", self.prose, re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}

    @property
    def links(self) -> list[str]:
        return re.findall(r"\]\(([^)\s]+)\)", self.prose)

    @property
    def blocks(self) -> list[Block]:
        fence = r"^( *)(?:<!-- file: (\S+) -->\n\1)?```(\w*)\n(.*?)^\1```$"
        found = re.findall(fence, self.text, re.MULTILINE | re.DOTALL)
        return [Block(file=file, language=language, text=dedent(text)) for _, file, language, text in found]

    @property
    def commands(self) -> list[str]:
        """Every `connector ...` that it tells somebody to type: lines of console blocks, and what stands in backquotes."""
        lines = [line for block in self.blocks if block.language == "console" for line in block.text.splitlines()]
        typed = [re.sub(r"^\$ (\.venv/bin/)?", "", line) for line in lines] + re.findall(r"`([^`\n]+)`", self.prose)
        return [command for command in typed if command.startswith("connector ")]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture(params=PAGES, ids=name_of)
def page(request: pytest.FixtureRequest) -> Page:
    return Page(request.param)


@pytest.fixture
def pages() -> dict[str, Page]:
    return {name_of(path): Page(path) for path in PAGES}
