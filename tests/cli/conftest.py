"""A shop in a file, an install that works for it, and the command line to work it with."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from connector.cli import cli

HERE = Path(__file__).parent
SECRET = "the-secret-key-of-the-tests-which-opens-nothing"
TOKEN = "tok_never_to_be_seen"
# What a customer is recognised by. None of it may stand in a list, a log or an error.
PERSONAL = ("Ada", "Lovelace", "ada@example.com", "7946", "Marker Street", "W1A", "Charles")

CONFIG = """\
[connector]
timezone = "UTC"

[accounts.shop]
plugin = "fakeshop"
id = "a1"
url = "file://world.json"
token = { env = "SHOP_TOKEN" }
mail = "office"
carriers = ["post"]

[accounts.office]
plugin = "fakeshop"
id = "a2"
url = "file://office.json"
token = { env = "SHOP_TOKEN" }

[accounts.post]
plugin = "manual"
id = "a3"
"""


@dataclass(frozen=True, kw_only=True)
class Install:
    """One install in a folder."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "connector.toml"

    def run(self, *words: str, code: int | None = 0, typed: str | None = None) -> Result:
        """`connector WORDS` in this process. `code` is the exit code that it must have (None: any)."""
        result = CliRunner().invoke(cli, ["--config", str(self.config), *words], prog_name="connector", input=typed)
        if code is not None:
            assert result.exit_code == code, f"{words}: exit code {result.exit_code}\n{result.stdout}\n{result.stderr}"
        return result

    def json(self, *words: str, code: int | None = 0) -> Any:
        """The document that it prints with --json."""
        return json.loads(self.run(*words, "--json", code=code).stdout)

    def process(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The same as a process of its own, with every warning an error."""
        command = [sys.executable, "-W", "error", "-m", "connector.cli", "--config", str(self.config), *words]
        return subprocess.run(command, capture_output=True, text=True, cwd=self.folder, stdin=subprocess.DEVNULL)

    # --- the shop -----------------------------------------------------------------------------------------------------

    def world(self, name: str = "world") -> dict[str, Any]:
        return json.loads((self.folder / f"{name}.json").read_text())

    def change(self, name: str, now: dict[str, Any]) -> None:
        (self.folder / f"{name}.json").write_text(json.dumps(now))

    def happened(self, kind: str) -> list[dict[str, Any]]:
        """What reached the shop or its mail server."""
        return [one for name in ("world", "office") for one in self.world(name)["happened"] if one["kind"] == kind]

    def mood(self, **moods: str | None) -> None:
        for name in ("world", "office"):
            now = self.world(name)
            now["moods"].update(moods)
            self.change(name, now)

    def buy(self, *orders: dict[str, Any]) -> None:
        now = self.world()
        now["orders"] += orders
        self.change("world", now)


def at_a_terminal(install: Install, *words: str, answers: dict[str, str]) -> tuple[int, str]:
    """Run with a terminal, and type each answer when its question stands there. Gives the exit code and what was seen."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "connector.cli", "--config", str(install.config), *words]
    waiting, said, seen = list(answers.items()), b"", 0
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:
        os.close(theirs)
        while select.select([ours], [], [], 20)[0]:
            try:
                said += os.read(ours, 4096)
            except OSError:  # the other side has hung up
                break
            if waiting and waiting[0][0].encode() in said[seen:]:
                seen = len(said)
                time.sleep(0.05)  # what is typed before echo is switched off is thrown away
                os.write(ours, f"{waiting.pop(0)[1]}\n".encode())
        else:
            process.kill()
    os.close(ours)
    return process.returncode, said.decode()


def installed(folder: Path, database: Path) -> Install:
    (folder / "plugins").mkdir()
    shutil.copy(HERE / "fakeshop.py", folder / "plugins" / "fakeshop.py")
    install = Install(folder=folder)
    for name in ("world", "office"):
        install.change(name, {"orders": [], "happened": [], "moods": {}})
    install.config.write_text(CONFIG)
    (folder / ".env").write_text(f"CONNECTOR_SECRET_KEY={SECRET}\nSHOP_TOKEN={TOKEN}\n")
    (folder / ".env").chmod(0o600)
    shutil.copy(database, folder / "connector.db")
    return install


@pytest.fixture(scope="session")
def shop_template(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    """An install that is live, with three orders, to be copied."""
    install = installed(tmp_path_factory.mktemp("shop"), sqlite_template)
    for account in ("shop", "office", "post"):
        install.run("accounts", "mode", account, "live", "--yes")
    install.buy(
        {"id": "11", "number": "#1001"}, {"id": "12", "number": "#1002"}, {"id": "13", "number": "#1003", "paid": False}
    )
    install.run("pull")
    return install.folder


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the developer's own environment gets in."""
    for name in ("CONNECTOR_CONFIG", "CONNECTOR_DATABASE_URL", "CONNECTOR_BLOCKED_PLUGINS", "CONNECTOR_TRACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("USER", "robin")
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def empty(tmp_path: Path, sqlite_template: Path) -> Install:
    """An install that is configured and has no orders."""
    return installed(tmp_path, sqlite_template)


@pytest.fixture
def shop(tmp_path: Path, shop_template: Path) -> Install:
    """An install that is live, with three orders."""
    shutil.copytree(shop_template, tmp_path, dirs_exist_ok=True)
    return Install(folder=tmp_path)
