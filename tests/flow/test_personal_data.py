"""A marker in every personal field: it is found nowhere but in sealed rows, and nowhere at all once the key is gone."""

from __future__ import annotations

import json
import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from connector.cli import cli
from connector.model.flow import Stage
from connector.model.money import Money
from connector.model.order import Address, Customer
from connector.sandbox.faults import Rule
from connector.sandbox.woocommerce import forms
from connector.sandbox.woocommerce.things import BILLING_FIELDS, SHIPPING_FIELDS
from connector.store.tables import metadata
from tests.flow.shop import SHIP, Shop

MARK = "zqx"
EMAIL = "Zqx.Email@buyer.example"
LISTS = (
    ("orders", "list"),
    ("orders", "list", "--json"),
    ("tasks", "list", "--json"),
    ("effects", "list", "--json"),
    ("deliveries", "list", "--json"),
    ("mails", "list", "--json"),
    ("accounts", "list"),
)


def marked(kind: str, fields: tuple[str, ...]) -> dict[str, str]:
    """Every field of an address says who it is; the country has to be one."""
    values = {name: f"Zqx{kind}{name.replace('_', '')}" for name in fields}
    return {**values, "country": "US"}


def personal_order() -> dict[str, Any]:
    return {
        "billing": {**marked("billing", BILLING_FIELDS), "email": EMAIL},
        "shipping": {**marked("shipping", SHIPPING_FIELDS), "address_1": "PO Box 12 Zqxstreet"},
        "customer_note": "Zqxnote: ring at Zqxneighbour, please. My sister Zqxsister takes it, too, all of Sunday.",
        "items": [{"product_id": 13, "quantity": 2, "meta_data": [{"key": "Engraving for Zqxkey", "value": "For Zqxchild"}]}],
    }


def live_through_it(shop: Shop) -> tuple[str, str, str]:
    """Three orders of one customer, through everything that can be done and much that can go wrong."""
    shipped, cancelled, broken = (shop.buy(**personal_order()) for _ in range(3))
    for order in (shipped, cancelled, broken):
        shop.sandbox.store.orders[int(order)].customer_ip = "Zqxaddress"
        shop.staff(order, "note", note="Zqxstaff says that Zqxbrother called")
        store = shop.sandbox.store
        shop.webhook(order, body=json.dumps(forms.order_form(store, store.orders[int(order)])).encode())
    shop.webhook(shipped, body=b'{"id": "Zqxid", "billing": {"email": "zqx@buyer.example"}}')
    shop.sandbox.mailbox.fault("drop_after_data", match="(?i)zqx")
    shop.sandbox.faults.add(Rule(where="mail", kind="refuse", match="(?i)zqx", nth=2))
    shop.work()
    for order in (shipped, cancelled):
        shop.command(order, "approve")
    line = shop.case(shipped).order.lines[0].id
    shop.command(shipped, "ship", lines=[{"line_id": line, "quantity": 1}], **SHIP)
    shop.staff(shipped, "edit", shipping={"address_1": "Zqxother Street 3"})
    shop.work()
    shop.command(shipped, "release")
    shop.command(shipped, "ship", **SHIP)
    shop.sandbox.faults.add(Rule(kind="error_500_after", method="POST", match="refunds"))
    shop.command(cancelled, "cancel", reason="customer")
    shop.long_ago()
    shop.tamper(broken, lambda one: setattr(one, "currency", "XYZ"))
    shop.later(hours=2)
    return shipped, cancelled, broken


def where(shop: Shop) -> list[str]:
    """Every column that holds the marker in clear."""
    found = set()
    with shop.app.database.reading() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(table.select()).mappings():
                found |= {f"{table.name}.{name}" for name, value in row.items() if MARK in str(value).lower()}
    return sorted(found)


def bytes_of(shop: Shop) -> bytes:
    """Everything that a thief of the file gets, before and after it is packed."""
    path = Path(shop.environ["CONNECTOR_DATABASE_URL"].removeprefix("sqlite:///"))
    files = [path.parent / f"{path.name}{end}" for end in ("", "-wal", "-shm")]
    before = b"".join(file.read_bytes() for file in files if file.exists())
    connection = sqlite3.connect(path)
    connection.execute("VACUUM")
    connection.close()
    return before + b"".join(file.read_bytes() for file in files if file.exists())


def test_nobody_is_found_outside_of_the_vault(
    shop: Shop, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not in any table, file, log, list or error, after a life with everything that happens to orders."""
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, logger="connector")
    shipped, cancelled, _ = live_through_it(shop)
    assert shop.case(shipped).stage is Stage.SHIPPED
    assert shop.paid_back(cancelled) == [shop.truth(cancelled)["total"]]
    assert "Zqxsister" in shop.case(shipped).order.customer_note
    assert len(shop.tasks(shipped)) + len(shop.tasks(cancelled)) > 1

    assert where(shop) == []
    assert MARK.encode() not in bytes_of(shop).lower()
    ours = "\n".join(
        caplog.handler.format(record) for record in caplog.records if record.name != "mail.log"
    )  # the server's own
    assert "cannot be read" in ours
    assert MARK not in ours.lower()
    for command in LISTS:
        result = CliRunner().invoke(cli, ["--config", str(shop.config), *command], env=shop.environ)
        assert result.exit_code == 0, result.output
        assert MARK not in result.output.lower()
    said = capfd.readouterr()
    assert MARK not in (said.out + said.err).lower()


def test_erasing_a_customer_leaves_the_sums(shop: Shop) -> None:
    """With the key destroyed, what was personal is empty; amounts, dates, stages and the order itself stay readable."""
    shipped, cancelled, _ = live_through_it(shop)
    before = shop.case(shipped)
    assert before.order.customer.email == EMAIL
    with shop.app.database.writing() as connection:
        key = shop.app.vault.owner_key(connection, EMAIL.upper())
        shop.app.vault.destroy(connection, key)
    shop.reopen()
    after = shop.case(shipped)

    assert (after.order.customer, after.order.billing, after.order.shipping) == (Customer(), Address(), Address())
    assert (after.order.customer_note, after.order.staff_notes, after.order.lines[0].personal) == ("", (), ())
    assert MARK not in str(after).lower()
    assert (after.order.total, after.order.placed_at, after.stage) == (before.order.total, before.order.placed_at, before.stage)
    assert [line.total for line in after.order.lines] == [line.total for line in before.order.lines]
    assert after.shipments == before.shipments
    assert shop.case(cancelled).refunds[0].request.amount == before.order.total != Money.zero("USD")
    for command in (("orders", "show", f"shop/{shipped}"), ("orders", "show", f"shop/{shipped}", "--json")):
        result = CliRunner().invoke(cli, ["--config", str(shop.config), *command], env=shop.environ)
        assert result.exit_code == 0, result.output
        assert MARK not in result.output.lower()
    assert where(shop) == []
