"""A merchant's folder to configure, and a package of built-in plugins that holds nothing but what a test puts there."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector import config, registry
from connector.model.money import Money
from connector.model.order import Order, PlatformStatus

BUILT_IN = "built_in_for_tests"


class Shop:
    """A folder with connector.toml, plugins/ and what is installed beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "connector.toml"
        self.installed = folder / "installed"
        (self.installed / BUILT_IN).mkdir(parents=True)
        self.configure("")

    def configure(self, text: str) -> None:
        self.file.write_text(textwrap.dedent(text), "utf-8")

    def plugin(self, name: str, text: str) -> Path:
        return self._write(self.folder / "plugins" / f"{name}.py", text)

    def built_in(self, name: str, text: str) -> Path:
        return self._write(self.installed / BUILT_IN / f"{name}.py", text)

    def package(self, name: str, text: str, *, points: str) -> None:
        """An installed package of one module, with entry points in the group "connector"."""
        self._write(self.installed / f"{name}.py", text)
        about = self.installed / f"{name}-1.0.dist-info"
        self._write(about / "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        self._write(about / "entry_points.txt", f"[connector]\n{points}\n")

    def _write(self, file: Path, text: str) -> Path:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), "utf-8")
        return file

    def settings(self, **environ: str) -> config.Settings:
        return config.load(self.file, environ)

    def registry(self, **environ: str) -> registry.Registry:
        return registry.load(self.settings(**environ), package=BUILT_IN)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    before = set(sys.modules)
    made = Shop(tmp_path)
    monkeypatch.syspath_prepend(made.installed)
    yield made
    for name in set(sys.modules) - before:
        module_file = getattr(sys.modules[name], "__file__", None) or ""
        if module_file.startswith(str(tmp_path)) or name == BUILT_IN:
            del sys.modules[name]


@pytest.fixture
def order() -> Order:
    nothing = Money.zero("EUR")
    now = datetime(2026, 11, 22, tzinfo=UTC)
    return Order(
        platform_id="7",
        number="#7",
        status="processing",
        means=PlatformStatus.OPEN,
        currency="EUR",
        placed_at=now,
        updated_at=now,
        lines=(),
        discount=nothing,
        tax=nothing,
        total=nothing,
        payments=(),
    )
