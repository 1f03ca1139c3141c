"""Pages that are true: links lead somewhere, what the code points at is there, and what is not built is said."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from connector import docs
from connector.registry import every_hook

ROOT = Path(__file__).parents[2]
HOOKS = every_hook()
# Where hooks are defined, wrapped or implemented: a call in there is not the core asking.
NOT_THE_CORE = ("hooks.py", "hookspecs.py", "plugins", "sandbox", "testing")


def test_links_lead_somewhere(page, pages):
    """Every relative link names a file that is there, and every anchor a heading of it."""
    wrong = []
    for link in page.links:
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        file = (page.path.parent / target).resolve() if target else page.path
        linked = pages.get(str(file.relative_to(ROOT)))
        if not file.exists() or (anchor and (linked is None or anchor not in linked.anchors)):
            wrong.append(link)

    assert wrong == []


@pytest.mark.parametrize("name", HOOKS)
def test_each_hook_has_a_source(name, pages):
    """The page, and the heading on it, that a hook's docstring ends with."""
    page, _, anchor = docs.sections(HOOKS[name].__doc__ or "")["Source"].partition("#")

    assert page in pages
    assert not anchor or anchor in pages[page].anchors


def test_all_pages_are_listed(pages):
    """docs/README.md is the way to every page and every decision."""
    index = pages["docs/README.md"]
    linked = {(index.path.parent / link.partition("#")[0]).resolve() for link in index.links}

    missing = [name for name, page in pages.items() if name.startswith("docs/") and page.path not in {*linked, index.path}]
    assert missing == []


def test_decisions_are_dated(pages):
    """Each says when it was made: in its name and in its first lines."""
    decisions = {name: page.text for name, page in pages.items() if "decisions/" in name}

    assert len(decisions) >= 6
    for name, text in decisions.items():
        day = Path(name).name[:10]
        assert re.match(rf"# [^\n]+\n\n{day}\n\n\S", text), name


def test_what_is_not_built_is_said(pages):
    """flow.md lists exactly the hooks that nothing in the core calls."""
    listed = re.search(r"<!-- hooks that nothing calls.*?-->\n(.*?)\n\n", pages["docs/flow.md"].text, re.DOTALL)
    assert listed

    asked = {"describe", "parse_order"}  # by the registry, through the module; by plugins, as the page says
    for file in (ROOT / "connector").rglob("*.py"):
        if file.relative_to(ROOT / "connector").parts[0] not in NOT_THE_CORE:
            asked |= called_in(file)

    assert set(re.findall(r"`(\w+)`", listed[1])) == set(HOOKS) - asked


def called_in(file: Path) -> set[str]:
    """The names of hooks that are called as a method in this file."""
    calls = (node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call))
    return {call.func.attr for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr in HOOKS}


def test_pages_name_no_machine(page):
    """No path of somebody's computer, and no trace of a template that was not filled in."""
    assert re.findall(r"/home/\w+|/work/|/tmp/|/root/|TODO|FIXME|lorem", page.text) == []


def test_lines_are_not_endless(page):
    """What is read in a terminal too keeps to its width; tables and links may be longer."""
    if page.path.name in ("hooks.md", "configuration.md"):
        return  # generated
    long = [line for line in page.text.splitlines() if len(line) > 140 and not re.match(r"\||- |\s*\[|.*\]\(", line)]

    assert long == []
