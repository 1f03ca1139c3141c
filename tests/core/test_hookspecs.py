"""The contract itself: every hook is complete, typed, documented and callable."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import typing
from pathlib import Path

import pytest

from connector import docs, hooks, registry

ROOT = Path(__file__).parents[2]
HOOKS = registry.every_hook()


def test_there_are_hooks():
    """The other tests are about something."""
    assert len(HOOKS) >= 30
    assert {"describe", "fetch_order", "review_order", "refund_payment", "find_effect", "notify"} <= set(HOOKS)


@pytest.mark.parametrize("name", HOOKS)
def test_docstring_has_the_six_sections(name):
    """Called, Args, Returns, Raises, Repeats, Source: each there, in this order, and none empty."""
    said = docs.sections(HOOKS[name].__doc__)

    assert list(said) == ["", *docs.SECTIONS]
    assert [section for section, text in said.items() if not text] == []


@pytest.mark.parametrize("name", HOOKS)
def test_args_names_every_argument_and_no_other(name):
    """Each argument of the signature is explained under Args, and nothing that is not one."""
    explained = re.findall(r"(?:^|[.;)] )(\w+): ", docs.sections(HOOKS[name].__doc__)["Args"])

    assert explained == list(inspect.signature(HOOKS[name]).parameters)


@pytest.mark.parametrize("name", HOOKS)
def test_annotations_resolve(name):
    """Every type in a signature is one that hooks.py knows, so answers can be checked against it."""
    hints = typing.get_type_hints(HOOKS[name], localns=vars(hooks))

    assert set(hints) == {*inspect.signature(HOOKS[name]).parameters, "return"}
    assert hooks.answer_type(name) == hints["return"]


@pytest.mark.parametrize("name", HOOKS)
def test_hooks_has_a_method_for_it(name):
    """With the account first, then the same arguments (without ctx) by name, and the same types."""
    method = inspect.signature(getattr(hooks.Hooks, name))
    _, account, *rest = method.parameters.values()
    said = dict(HOOKS[name].__annotations__)
    said.pop("ctx", None)
    answer = said.pop("return")

    assert (account.name, account.annotation) == ("account", "Account")
    assert all(argument.kind is argument.KEYWORD_ONLY for argument in rest)
    assert {argument.name: argument.annotation for argument in rest} == said
    assert method.return_annotation == answer


def test_docs_are_in_step():
    """docs/hooks.md is what the code says: each hook with its signature as heading."""
    written = (ROOT / "docs/hooks.md").read_text("utf-8")

    assert written == docs.hooks_page()
    assert [name for name in HOOKS if f"### `{docs.signature(name)}`" not in written] == []


@pytest.mark.parametrize("page", ["hooks", "configuration"])
def test_docs_are_printed_by_a_command(page):
    """`python -m connector.docs PAGE` prints the page; anything else says how it is used."""
    command = [sys.executable, "-W", "error", "-m", "connector.docs"]

    printed = subprocess.run([*command, page], cwd=ROOT, capture_output=True, text=True)
    wrong = subprocess.run([*command, "nothing"], cwd=ROOT, capture_output=True, text=True)

    assert (printed.returncode, printed.stdout, printed.stderr) == (0, docs.PAGES[page](), "")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("usage: python -m connector.docs hooks | configuration")


def test_docs_are_written_into_a_folder(tmp_path):
    """--write keeps what stands above the marker and refuses a page that has lost it."""
    (tmp_path / "configuration.md").write_text(f"By hand.\n\n{docs.MARKER}\n\nold")

    assert docs.main(["--write", str(tmp_path)]) == 0

    assert (tmp_path / "configuration.md").read_text() == f"By hand.\n\n{docs.MARKER}\n\n{docs.configuration_page()}"
    assert (tmp_path / "hooks.md").read_text() == docs.hooks_page()
    (tmp_path / "configuration.md").write_text("By hand.")
    with pytest.raises(ValueError, match="has lost its line"):
        docs.main(["--write", str(tmp_path)])
