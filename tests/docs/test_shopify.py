"""docs/shopify.md: what it names is there, what it quotes is printed, and its tables are the real ones."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from connector import DutyEvent, HoldReason, PaymentKind, Person, config, registry
from connector.config import Teller
from connector.plugins import shopify
from connector.plugins.shopify import check, marks, orders, plans, versions, webhooks
from connector.plugins.shopify.config import Config
from connector.plugins.shopify.poll import OVERLAP

from .test_woocommerce import is_printed, printed, quoted

TOKENS = {"SHOP_ACCESS_TOKEN": "shpat_1", "SHOP_WEBHOOK_SECRET": "x"}
NAMES = {"SHOP_CLIENT_ID": "1", "SHOP_CLIENT_SECRET": "x", "MAIL_PASSWORD": "x"}


@pytest.fixture
def shop_page(pages):
    return pages["docs/shopify.md"]


def listed_after(page, marker: str) -> list[str]:
    """The lines of the block that stands below a comment."""
    block = re.search(r"```text\n(.*?)```", page.text.partition(f"<!-- {marker}")[2], re.DOTALL)
    assert block
    return block[1].split()


# --- what is configured -----------------------------------------------------------------------------------------------


def test_its_configuration_is_right(shop_page, tmp_path: Path):
    """The file as it stands there is read, every account has its plugin, and every key is one that the plugin knows."""
    (block,) = [block for block in shop_page.blocks if block.file == "connector.toml"]
    (tmp_path / "connector.toml").write_text(block.text, "utf-8")
    found = registry.load(config.load(tmp_path / "connector.toml", NAMES))

    assert {name: account.plugin for name, account in found.accounts.items()} == {
        "shop": "shopify",
        "office": "smtp",
        "by-hand": "manual",
    }


def test_its_other_tables_can_be_added_to_it(shop_page):
    """The keys of a custom app in place of the others, and `tells`."""
    tables = [
        tomllib.loads(block.text)["accounts"]["shop"]
        for block in shop_page.blocks
        if not block.file and block.language == "toml"
    ]
    (tells,) = [table["tells"] for table in tables if "tells" in table]
    (token,) = [table for table in tables if "access_token" in table]

    wiring = msgspec.convert({"plugin": "shopify", "id": "x", "tells": tells}, config.Wiring)
    assert wiring.tells[DutyEvent.SHIPPED] == {Person.CUSTOMER: Teller.US}
    values = {key: TOKENS[value["env"]] for key, value in token.items()}
    assert msgspec.convert({"shop": "example.myshopify.com", **values}, Config).signing_secret == "x"


def test_words_in_backquotes_are_words_of_the_connector_or_of_shopify(shop_page):
    """Keys, events, topics, scopes: nothing that was renamed or never was."""
    keys = {key.name for key in config.keys()} | set(Config.__struct_fields__)  # noqa: SIM118 - a function, no dict
    ours = {str(word) for kind in (DutyEvent, HoldReason, Teller, PaymentKind) for word in kind}
    theirs = {topic.name for topic in webhooks.TOPICS} | set(webhooks.COMPLIANCE) | {orders.ALL_ORDERS, *check.NEEDED}
    said = set(re.findall(r"`([a-z_]+(?:[.\-/][a-z_]+)*)`", shop_page.prose))

    assert said - keys - ours - theirs - {marks.HOLD_TAG} == set()


def test_scopes_and_topics_are_the_real_ones(shop_page):
    """By name and in order: what is checked, and what is subscribed to."""
    assert listed_after(shop_page, "scopes that") == [*check.NEEDED]
    assert listed_after(shop_page, "topics that") == [topic.name for topic in webhooks.TOPICS]
    assert all(f"`{topic}`" in shop_page.text for topic in webhooks.COMPLIANCE)


# --- what is said -----------------------------------------------------------------------------------------------------


def test_it_quotes_what_the_code_prints(shop_page):
    """Whoever looks up an error finds it, in the code's own words."""
    quotes, texts = quoted(shop_page.text), printed()

    assert len(quotes) >= 15
    assert [quote for quote in quotes if not is_printed(quote, texts)] == []


def test_the_table_of_mails_is_the_real_one(shop_page):
    """Row by row what `platform_tells` says, with and without `notify_customer`."""
    table = shop_page.text.partition("<!-- who tells")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("| `")]
    assert [re.findall(r"`(\w+)`", row[0])[0] for row in rows] == [str(event) for event in sorted_events()]

    for what, *cells in rows:
        event = DutyEvent(re.findall(r"`(\w+)`", what)[0])
        for person, cell in zip((Person.CUSTOMER, Person.MERCHANT), cells, strict=True):
            assert ((event, person) in tells(notify=True)) is cell.startswith("Shopify"), (event, person)
            assert ((event, person) in tells(notify=False)) is (cell == "Shopify"), (event, person)


def sorted_events() -> list[DutyEvent]:
    """As a merchant meets them."""
    order = ("confirmed", "on_hold", "shipped", "cancelled", "refunded", "payment_reminder")
    assert set(order) == {str(event) for event in DutyEvent}
    return [DutyEvent(word) for word in order]


def tells(*, notify: bool):
    settings = Config(shop="example", access_token="shpat_1", notify_customer=notify)
    return shopify.platform_tells(SimpleNamespace(account=SimpleNamespace(config=settings)))


def test_numbers_are_the_real_ones(shop_page):
    """Versions, dates, hours, pages and tags that a reader goes by."""
    text = shop_page.text
    assert f"version\n{versions.VERSION}" in text
    assert f"Version {versions.VERSION} is served until {versions.SUNSET}" in text
    assert f"warns {versions.WARN_BEFORE.days} days before" in text
    assert f"`page_size` ({Config(shop='x', access_token='x').page_size})" in text
    assert 0 < 24 * 3600 - plans.REMEMBERED_S <= 3600
    assert "for 24 hours and does the same one once" in text
    assert f"begins with `{marks.HOLD_HANDLE}`" in text
    assert re.search(r"`(\[oc:\w+\])`", text)[1][:4] == marks.mark("key")[:4]
    assert shopify.describe().capabilities.poll_every_s == 60
    assert OVERLAP.total_seconds() >= 60


def test_what_is_never_written_has_no_effect(shop_page):
    """Each kind of effect belongs to a row of the table of what is written; there is none for what is never written."""
    rows = {
        "Holds": ("set_hold", "release_hold"),
        "Fulfillments": ("push_shipment",),
        "Captures": ("capture_payment", "void_payment"),
        "Cancellations": ("cancel_order",),
        "Refunds": ("refund_payment",),
        "Notes": ("write_note",),
        "Stock": ("adjust_inventory",),
        "Webhooks": ("ensure_webhooks",),
        "Erasing": ("erase_customer",),
    }
    kinds = {kind.partition(".")[0] for kind in shopify.describe().effects}

    assert kinds == {kind for some in rows.values() for kind in some}
    for word in rows:
        assert re.search(rf"^(\| |- \*\*){word}", shop_page.text, re.MULTILINE), word
    assert "push_status" not in vars(shopify)
    assert "There is no status to set" in shop_page.text
