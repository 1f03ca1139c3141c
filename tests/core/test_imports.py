"""Importing: each module alone, and nothing heavy where it is not used."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"requests", "urllib3", "sqlalchemy", "alembic", "dbos", "fastapi", "stripe", "shopify", "woocommerce", "easypost"}


def modules() -> list[str]:
    """Every module of the package. Alembic's scripts are left out: they are run by Alembic and not imported."""
    files = (file.relative_to(ROOT).with_suffix("") for file in (ROOT / "connector").rglob("*.py"))
    names = (".".join(file.parts).removesuffix(".__init__") for file in files if "migrations" not in file.parts)
    return sorted(names)


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize("name", modules())
def test_each_module_imports_alone(name):
    """In a fresh process, with every warning an error, printing nothing: no cycles, no noise."""
    done = run(f"import importlib; importlib.import_module({name!r})")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "program",
    [
        "import connector",
        "from connector import Finding, hookimpl",
        "import connector.hooks, connector.registry, connector.config",
    ],
)
def test_the_contract_is_light(program):
    """A plugin author's import, and the layer that calls plugins, load no SDK, no HTTP client and no database."""
    done = run(f"{program}\nimport sys\nprint(*sorted({HEAVY!r} & set(sys.modules)))")

    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


def test_the_package_alone_is_lighter_still():
    """`import connector` loads nothing but itself until a name is used."""
    done = run("import connector, sys; print(*sorted(name for name in sys.modules if name.startswith('connector')))")

    assert done.stdout.split() == ["connector"], done.stderr


def test_model_steps_and_pipeline_name_no_platform() -> None:
    """What only one platform has is its plugin's business."""
    house = ROOT / "connector"
    files = [*(house / "model").rglob("*.py"), *(house / "steps").rglob("*.py"), house / "pipeline.py"]
    word = re.compile(r"woocommerce|wordpress|wp-admin|shopify", re.IGNORECASE)
    assert [str(file.relative_to(house)) for file in files if word.search(file.read_text("utf-8"))] == []
