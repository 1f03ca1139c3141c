"""One connector whose platform is a file (see `paper`), worked off in this process."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector.app import open_app
from tests.flow import paper
from tests.flow.shop import Shop

CONFIG = """\
[accounts.shop]
plugin = "paper"
id = "a_shop"
file = "{file}"
carriers = ["post"]

[accounts.post]
plugin = "manual"
id = "a_post"
{policy}
"""


@dataclass(slots=True, kw_only=True, repr=False)
class PaperShop(Shop):
    """The platform's side is `file`."""

    file: Path

    def place(self, number: str, **said: Any) -> str:
        """Somebody buys two pieces for 50.00 and authorizes them, or something about it changes; gives the platform's id."""
        now = json.loads(self.file.read_text())
        now["orders"][number] = {"authorized": 5000, **now["orders"].get(number, {}), **said}
        self.file.write_text(json.dumps(now))
        self.work()
        return number

    def mood(self, kind: str, mood: str) -> None:
        now = json.loads(self.file.read_text())
        now["moods"][kind] = mood
        self.file.write_text(json.dumps(now))

    def order(self, number: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.file.read_text())["orders"][number]
        return found

    def happened(self, *kinds: str) -> list[dict[str, Any]]:
        """What reached the platform, in order, without the notes."""
        found = json.loads(self.file.read_text())["happened"]
        return [one for one in found if one["kind"] in kinds or (not kinds and one["kind"] != "write_note")]


@contextmanager
def open_paper(folder: Path, database_url: str, *, policy: str = "") -> Iterator[PaperShop]:
    """A platform without orders, and a connector on a migrated database."""
    (folder / "plugins").mkdir()
    shutil.copy(paper.__file__, folder / "plugins" / "paper.py")
    file = folder / "world.json"
    file.write_text(json.dumps({"orders": {}, "happened": [], "moods": {}}))
    config = folder / "connector.toml"
    config.write_text(CONFIG.format(file=file, policy=policy), "utf-8")
    environ = {"CONNECTOR_DATABASE_URL": database_url, "CONNECTOR_SECRET_KEY": "a secret key for tests, long enough, no use"}
    shop = PaperShop(sandbox=None, app=open_app(config, environ), config=config, environ=environ, file=file)  # type: ignore[arg-type]
    try:
        shop.mode("live")
        yield shop
    finally:
        shop.app.close()
