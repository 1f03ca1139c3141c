"""Every built-in plugin reaches the network through `ctx.http` and `ctx.smtp` alone: in its text, and when it runs."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from connector import plugins
from connector.context import Account
from connector.model.case import Note, StatusChange
from connector.model.events import Delivery, Duty, DutyEvent, Effect, EffectState, Message, Person
from connector.model.order import Address, LineQuantity, PlatformStatus
from connector.model.refunds import CancelRequest
from connector.model.shipping import Label, LabelRequest, Shipment, StockChange
from connector.outbound.holders import OrderHolder
from connector.store.database import Database
from tests.outbound.mailbox import Mailbox
from tests.outbound.office import Office
from tests.outbound.vendor import Talk, Wire
from tests.store.world import NOW, make_order, make_refund

FOLDER = Path(plugins.__path__[0])
FILES = sorted(FOLDER.rglob("*.py"))
NAMES = [module.name for module in pkgutil.iter_modules(plugins.__path__)]

# What could open a connection, start something that does, or fetch code that does.
FORBIDDEN = set(
    """
    socket socketserver asyncio ftplib imaplib poplib telnetlib pty subprocess multiprocessing ctypes importlib
    http.client http.server urllib.request urllib3 httpx aiohttp paramiko asyncssh
    """.split()  # noqa: SIM905  (a list of words)
)
ONLY_WORDS = {"smtplib", "ssl", "requests"}  # their errors and types are named; nothing of them is called
CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "os.execv"}


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def called(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def wrong(text: str) -> list[str]:
    """What in a plugin's text could reach the network past the door."""
    tree = ast.parse(text)
    found = [name for name in imported(tree) if name in FORBIDDEN or name.split(".")[0] in FORBIDDEN]
    for name in called(tree):
        if name.split(".")[0] in ONLY_WORDS or name in CALLS:
            found.append(f"{name}()")
    return found


@pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(FOLDER)) for file in FILES])
def test_no_plugin_names_another_way_out(file: Path) -> None:
    """No sockets, no sessions of its own, no processes."""
    assert wrong(file.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        "import socket",
        "from socket import create_connection",
        "import requests\nrequests.get('http://x')",
        "import requests\nwith requests.Session() as s: pass",
        "import smtplib\nsmtplib.SMTP('x')",
        "import smtplib\nsmtplib.SMTP_SSL('x')",
        "import urllib.request",
        "from urllib import request",
        "from urllib.request import urlopen",
        "def f():\n    import http.client",
        "import subprocess",
        "import os\nos.system('curl x')",
        "__import__('socket')",
    ],
)
def test_another_way_out_would_be_found(text: str) -> None:
    """The check sees what it is for."""
    assert wrong(text) != []


# --- when they run ----------------------------------------------------------------------------------------------------

CONFIG: dict[str, dict[str, Any]] = {
    "shopify": {"shop": "example", "access_token": "shpat_1", "webhook_secret": "w" * 32},
    "woocommerce": {"consumer_key": "ck_" + "1" * 40, "consumer_secret": "cs_" + "2" * 40, "webhook_secret": "w" * 32},
    "smtp": {"host": "127.0.0.1", "sender": "Shop <shop@example.com>", "security": "none", "merchant_to": ["me@example.com"]},
}


def arguments() -> dict[str, Any]:
    """One value for each name of an argument that a hook may have."""
    order = make_order("77")
    lines = (LineQuantity(line_id="l1", quantity=1),)
    duty = Duty(id="d1", event=DutyEvent.SHIPPED, person=Person.CUSTOMER)
    return {
        "order": order,
        "platform_id": "77",
        "cursor": "",
        "since": datetime(2026, 1, 1, tzinfo=UTC),
        "address": "https://us.example/webhooks/shop",
        "delivery": Delivery(headers={}, body=b"{}", received_at=NOW),
        "raw": {"id": 77},
        "change": StatusChange(status=PlatformStatus.COMPLETED),
        "note": Note(text="a note"),
        "shipment": Shipment(id="s1", lines=lines, carrier="UPS", tracking_number="1Z", shipped_at=NOW),
        "label": Label(vendor_id="v", carrier="UPS"),
        "message": Message(duty=duty, ref="shop/77", order=order),
        "effect": Effect(
            key="k/1", kind="refund", request_id="r", attempt=1, state=EffectState.UNKNOWN, platform_id="77", sent_at=NOW
        ),
        "carriers": (),
    }


def request_of(hook: str) -> Any:
    if hook == "cancel_order":
        return CancelRequest(id="c1")
    if hook == "buy_label":
        return LabelRequest(id="b1", to=Address(line1="Ring 1"), lines=(LineQuantity(line_id="l1", quantity=1),), carrier="UPS")
    return make_refund("r1", 500)


def hooks_of(plugin: ModuleType) -> list[str]:
    return [name for name, hook in vars(plugin).items() if hasattr(hook, "connector_impl")]


def agree(talk: Talk) -> None:
    """Answers every request with an order that is hardly one."""
    while True:
        talk.hear()
        talk.answer(
            200, b'{"id": 77, "status": "processing", "total": "50.00", "currency": "EUR"}', "Content-Type: application/json"
        )


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """For every connection that is opened by anybody: the files that are on the stack."""
    seen: list[list[str]] = []

    def watched(real: Any) -> Any:
        def connect(self: socket.socket, *args: Any) -> Any:
            frame, files = sys._getframe(1), []
            while frame is not None:
                files.append(frame.f_code.co_filename.replace("\\", "/"))
                frame = frame.f_back  # type: ignore[assignment]
            seen.append(files)
            return real(self, *args)

        return connect

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, watched(getattr(socket.socket, name)))
    return seen


def through_the_door(files: list[str]) -> bool:
    return any(file.endswith(("connector/outbound/http.py", "connector/outbound/smtp.py")) for file in files)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_connection_of_a_plugin_goes_through_the_door(
    database: Database, connections: list[list[str]], name: str
) -> None:
    """Each of its hooks is called, with a server that answers; whatever becomes of it, every connection was the door's."""
    plugin = import_module(f"connector.plugins.{name}")
    info = plugin.describe()
    office, mailbox = Office(database), Mailbox()
    with Wire(agree) as shop, mailbox.serve() as mail:
        there = {"woocommerce": {"url": shop.url}, "shopify": {"api_url": shop.url}, "smtp": {"port": mail.port}}
        settings = CONFIG.get(name, {}) | there.get(name, {})
        config = msgspec.convert(settings, info.config) if info.config else None
        account = Account(name="shop", id="a1", plugin=name, config=config)
        called = 0
        for hook in hooks_of(plugin):
            holder = OrderHolder(orders=office.orders, lease=office.lease, now=lambda: NOW)
            ctx = office.door.context(account, info, holder=holder, request_id=hook, platform_id="77")
            given = arguments() | {"ctx": ctx, "request": request_of(hook)}
            if hook == "adjust_inventory":
                given["change"] = StockChange(id="s1", product_id="7", change=1)
            asked = inspect.signature(getattr(plugin, hook)).parameters
            with suppress(Exception):  # the answers are nonsense; only where it connects to is looked at
                answer = getattr(plugin, hook)(**{one: given[one] for one in asked})
                list(answer if isinstance(answer, Iterator) else ())
            called += 1
    assert called >= 2
    assert all(through_the_door(files) for files in connections)
    assert bool(connections) == (name in CONFIG)
    if name == "smtp":
        assert len(mailbox.mails) == 1


def test_a_connection_past_the_door_would_be_seen(connections: list[list[str]]) -> None:
    """The watch sees what it is for, also of libraries."""
    import urllib.request

    with Wire(agree) as wire:
        urllib.request.urlopen(f"{wire.url}/").close()
    assert [through_the_door(files) for files in connections] == [False]
