"""A shop to measure with, in a folder of its own: its platform, carrier and mail answer at once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import func, select

from connector.app import App, open_app
from connector.store import shared
from connector.store.tables import orders

from .plugins.instant_shop import order

SHOP = "shop"
ENVIRON = {"CONNECTOR_SECRET_KEY": "of no use elsewhere; long enough for a measurement"}
SHIP = {"do": "ship", "who": "benchmark", "carrier": "Instant Post"}
CONFIG = """\
[connector]
plugins_dir = "{plugins}"
port = {port}

[accounts.shop]
plugin = "instant_shop"
id = "a_shop"
mail = "mail"
carriers = ["post"]
[accounts.shop.tells]
confirmed = {{customer = "none", merchant = "none"}}
shipped = {{customer = "us", merchant = "none"}}

[accounts.mail]
plugin = "instant_mail"
id = "a_mail"

[accounts.post]
plugin = "instant_post"
id = "a_post"
"""


def set_up(folder: Path, *, port: int = 0) -> Path:
    """Write the shop's configuration and make its database; everything is live. Returns the configuration's path."""
    path = folder / "connector.toml"
    path.write_text(CONFIG.format(plugins=Path(__file__).parent / "plugins", port=port))
    app = open_app(path, ENVIRON, may_migrate=True)
    with app.database.writing() as connection:
        for account in app.registry.accounts.values():
            shared.set_mode(connection, account.id, account.name, "live", who="benchmark", now=app.clock.now())
    app.close()
    return path


@contextmanager
def open_shop() -> Iterator[App]:
    """A new shop without orders."""
    with tempfile.TemporaryDirectory(prefix="connector-bench-") as folder:
        app = open_app(set_up(Path(folder)), ENVIRON)
        try:
            yield app
        finally:
            app.close()


def put_in(app: App, numbers: Iterable[int], *, due_at: datetime | None = None) -> list[int]:
    """Orders as a poll saw them, and a person's command to ship each; returns our ids of them."""
    account = app.registry.account(SHOP)
    tell = partial(app.orders.tell, account_id=account.id, account_name=account.name, now=due_at or app.clock.now())
    told = []
    with app.database.writing() as connection:
        for number in numbers:
            platform_id = str(number)
            told.append(tell(connection, platform_id=platform_id, kind="seen", body={}, seen=order(platform_id)))
            tell(connection, platform_id=platform_id, kind="command", body=SHIP, request_id=f"ship-{number}")
    return told


def stages(app: App) -> dict[str, int]:
    """How many orders are where."""
    with app.database.reading() as connection:
        found = connection.execute(select(orders.c.stage, func.count()).group_by(orders.c.stage))
        return {stage: count for stage, count in found}


def left(app: App) -> int:
    """How many orders are still to be worked on."""
    with app.database.reading() as connection:
        query = select(func.count()).select_from(orders).where(orders.c.due_at.isnot(None))
        return int(connection.execute(query).scalar_one())


def check_all_done(app: App, count: int) -> None:
    """A figure about orders that did not come through would be worth nothing."""
    found = stages(app)
    if found != {"completed": count}:
        raise RuntimeError(f"{count} orders should be completed, but there are {found}")
