"""The demo: simulated shops and a mailbox on loopback, a connector with webhooks and a worker, and stories played on them."""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..app import App, open_app
from ..engine import working
from ..errors import ConnectorError
from ..sandbox import Sandbox
from ..sandbox.shopify import ShopifySandbox
from ..store import shared
from .worlds import ShopifyWorld, ShopWorld, WooCommerceWorld

WOOCOMMERCE, SHOPIFY = "demo-shop", "demo-shopify"

CONFIG = """\
# A demo: everything here is simulated and runs on this machine only.
[connector]
port = {port}
public_url = "http://127.0.0.1:{port}"
sweep_every_s = 0.1

[policy.unpaid.cheque]
remind_after_days = 7
cancel_after_days = 14

[accounts.demo-shop]
plugin = "woocommerce"
id = "a_demo_shop"
url = "{woocommerce}"
consumer_key = {{env = "DEMO_KEY"}}
consumer_secret = {{env = "DEMO_SECRET"}}
webhook_secret = {{env = "DEMO_WEBHOOK_SECRET"}}
mail = "demo-mail"
carriers = ["demo-post"]
statuses = {{packed = "open"}}

[accounts.demo-shopify]
plugin = "shopify"
id = "a_demo_shopify"
shop = "{domain}"
api_url = "{shopify}"
client_id = "{client_id}"
client_secret = {{env = "DEMO_CLIENT_SECRET"}}
mail = "demo-mail"
carriers = ["demo-post"]

[accounts.demo-mail]
plugin = "smtp"
id = "a_demo_mail"
host = "{mail_host}"
port = {mail_port}
security = "none"
sender = "Demo Shop <shop@demo-shop.example>"
merchant_to = ["owner@demo-shop.example"]

[accounts.demo-post]
plugin = "manual"
id = "a_demo_post"
cannot_deliver = ["po_box"]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """A connector and its shops, by platform."""

    app: App
    worlds: Mapping[str, ShopWorld]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shops:
    """The simulated vendors of a demo; the mail server is the first one's."""

    woocommerce: Sandbox
    shopify: ShopifySandbox


@contextmanager
def demo_world(folder: Path) -> Iterator[Demo]:
    """Everything running: simulated shops and mailbox, webhook endpoint, worker. All of it ends with the body."""
    with simulated_shops() as shops:
        port = _free_port()
        config = write_config(folder, shops, port)
        _write_secrets(folder, secrets_of(shops))
        app = open_app(config, os.environ, may_migrate=True)
        try:
            go_live(app, who="demo")
            worlds = worlds_of(app, shops)
            with serving(app, port), working(app):
                _wait_until(lambda: all(world.has_webhooks() for world in worlds.values()), "the webhooks")
                yield Demo(app=app, worlds=worlds)
        finally:
            app.close()


@contextmanager
def simulated_shops() -> Iterator[Shops]:
    """One shop of each platform."""
    with Sandbox() as woocommerce, ShopifySandbox() as shopify:
        woocommerce.store.settings.statuses["packed"] = "Packed"  # as a plugin of the shop would add it
        shopify.store.settings.archive_s = -1.0  # a demo is over before Shopify would archive anything
        shopify.store.bucket.change(size=20_000, per_second=1000)  # the largest plan's: all orders come at once
        yield Shops(woocommerce=woocommerce, shopify=shopify)


def worlds_of(app: App, shops: Shops) -> dict[str, ShopWorld]:
    """Where the stories of each platform are played."""
    return {
        "woocommerce": WooCommerceWorld(app=app, shop=WOOCOMMERCE, sandbox=shops.woocommerce),
        "shopify": ShopifyWorld(app=app, shop=SHOPIFY, sandbox=shops.shopify),
    }


def go_live(app: App, *, who: str) -> None:
    """A fresh account only looks on; these are to act."""
    for one in app.registry.accounts.values():
        with app.database.writing() as connection:
            shared.set_mode(connection, one.id, one.name, "live", who=who, now=app.clock.now())


@contextmanager
def serving(app: App, port: int) -> Iterator[None]:
    """The webhook endpoint, in a thread."""
    import uvicorn

    from ..web import make_web

    server = uvicorn.Server(uvicorn.Config(make_web(app), host="127.0.0.1", port=port, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, name="web", daemon=True)
    thread.start()
    try:
        _wait_until(lambda: server.started, "the web server")
        yield
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def write_config(folder: Path, shops: Shops, port: int) -> Path:
    """connector.toml for these shops; its secrets are `secrets_of`."""
    mailbox, path = shops.woocommerce.mailbox, folder / "connector.toml"
    addresses = {"woocommerce": shops.woocommerce.url, "shopify": shops.shopify.url}
    shop = {"domain": shops.shopify.store.settings.domain, "client_id": shops.shopify.store.app.client_id}
    text = CONFIG.format(port=port, **addresses, **shop, mail_host=mailbox.host, mail_port=mailbox.port)
    path.write_text(text, "utf-8")
    return path


def secrets_of(shops: Shops) -> dict[str, str]:
    """The environment that the configuration of `write_config` needs."""
    return {**_secrets(shops.woocommerce), "DEMO_CLIENT_SECRET": shops.shopify.store.app.client_secret}


def _secrets(sandbox: Sandbox) -> dict[str, str]:
    key, secret = sandbox.key()
    return {
        "DEMO_KEY": key,
        "DEMO_SECRET": secret,
        "DEMO_WEBHOOK_SECRET": secrets.token_hex(16),
        "CONNECTOR_SECRET_KEY": secrets.token_hex(32),
    }


def _write_secrets(folder: Path, secret: Mapping[str, str]) -> None:
    """Beside the configuration, so that every other command finds them too."""
    path = folder / ".env"
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={value}\n" for name, value in secret.items()), "utf-8")


def _wait_until(happened: Any, what: str, *, patience_s: float = 20.0) -> None:
    until = time.monotonic() + patience_s
    while not happened():
        if time.monotonic() > until:
            raise ConnectorError(f"the demo could not start: {what} did not come up within {patience_s:.0f} s")
        time.sleep(0.02)


def _free_port() -> int:
    """One that no connection is given by chance while its server is down: systems take those from 32768 on."""
    while True:
        port = secrets.choice(range(20_000, 30_000))
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
