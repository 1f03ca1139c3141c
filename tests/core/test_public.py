"""What `from connector import ...` finds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import connector
from connector import public

ROOT = Path(__file__).parents[2]


def test_all_equals_the_public_names():
    """Everything that is imported there is meant to be public, and is said once."""
    names = {
        name
        for name, value in vars(public).items()
        if not name.startswith("_") and name != "annotations" and not isinstance(value, ModuleType)
    }

    assert set(public.__all__) == names
    assert len(public.__all__) == len(set(public.__all__))


@pytest.mark.parametrize("name", public.__all__)
def test_the_package_gives_it(name):
    """The package gives the same thing as the module that it comes from."""
    assert getattr(connector, name) is getattr(public, name)
    assert name in dir(connector)


@pytest.mark.parametrize(
    "program",
    [
        "from connector import Finding, hookimpl",
        "from connector import *; Finding, hookimpl",
        "import connector; connector.Finding",
        "import connector; dir(connector)",
        "from connector import hookspecs",
        "from connector import public",
    ],
)
def test_in_a_fresh_process(program):
    """Names and submodules are found when nothing was imported before."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr[-500:]


def test_anything_else_is_an_attribute_error():
    """A misspelt name is said with the package's name."""
    with pytest.raises(AttributeError, match="module 'connector' has no attribute 'Fnding'"):
        _ = connector.Fnding
