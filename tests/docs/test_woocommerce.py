"""docs/woocommerce.md: what it names is there, what it quotes is printed, and the table of mails is the real one."""

from __future__ import annotations

import ast
import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from connector import DutyEvent, HoldReason, Money, Order, Payment, PaymentKind, Person, PlatformStatus, config, registry
from connector.config import Teller
from connector.plugins.woocommerce import mails
from connector.plugins.woocommerce.config import STATUSES, Config
from connector.plugins.woocommerce.webhooks import TOPICS
from connector.sandbox.woocommerce.email_settings import EMAILS

ROOT = Path(__file__).parents[2]


@pytest.fixture
def shop_page(pages):
    return pages["docs/woocommerce.md"]


# --- what is configured -----------------------------------------------------------------------------------------------


def test_its_configuration_is_right(shop_page, tmp_path: Path):
    """The file as it stands there is read, every account has its plugin, and every key is one that the plugin knows."""
    (block,) = [block for block in shop_page.blocks if block.file == "connector.toml"]
    (tmp_path / "connector.toml").write_text(block.text, "utf-8")
    names = ("SHOP_KEY", "SHOP_SECRET", "SHOP_WEBHOOK_SECRET", "MAIL_PASSWORD")
    secrets = dict.fromkeys(names, "x") | {"SHOP_KEY": "ck_1", "SHOP_SECRET": "cs_1"}
    found = registry.load(config.load(tmp_path / "connector.toml", secrets))

    assert {name: account.plugin for name, account in found.accounts.items()} == {
        "shop": "woocommerce",
        "office": "smtp",
        "by-hand": "manual",
    }


def test_its_other_tables_can_be_added_to_it(shop_page):
    """`tells`, `statuses` and `writes` as they are shown are understood."""
    tables = [
        tomllib.loads(block.text)["accounts"]["shop"]
        for block in shop_page.blocks
        if not block.file and block.language == "toml"
    ]
    wanted = {"plugin": "woocommerce", "id": "x"}
    own = {key: value for table in tables for key, value in table.items() if key != "tells"}
    (tells,) = [table["tells"] for table in tables if "tells" in table]

    assert msgspec.convert(wanted | {"tells": tells}, config.Wiring).tells[DutyEvent.SHIPPED] == {Person.CUSTOMER: Teller.US}
    keys = {"url": "https://shop.example", "consumer_key": "ck_1", "consumer_secret": "cs_1"}
    assert msgspec.convert(keys | own, Config).writes == {PlatformStatus.COMPLETED: "delivered-to-carrier"}


def test_words_in_backquotes_are_words_of_the_connector_or_the_store(shop_page):
    """Keys, statuses, e-mails, topics, events: nothing that was renamed or never was."""
    keys = {key.name for key in config.keys()} | set(Config.__struct_fields__)  # noqa: SIM118 - a function, no dict
    ours = {str(word) for kind in (DutyEvent, HoldReason, Teller, PaymentKind) for word in kind}
    values = {"customer", "private", "off", "fulfillments", "shipment-tracking", "meta", "delivered-to-carrier"}
    theirs = {*STATUSES, *EMAILS, *TOPICS, "bacs", "cheque", "cod"}
    meta = {"_tracking_number", "_shipment_provider", "_tracking_url", "_order_connector_", "_reduced_stock"}
    codes = {"staff_note", "partly_paid"}
    said = set(re.findall(r"`([a-z_]+(?:[.-][a-z_]+)*)`", shop_page.prose)) - {"wp-cron.php"}

    assert said - keys - ours - values - theirs - meta - codes == set()


# --- what is printed --------------------------------------------------------------------------------------------------


def printed() -> list[str]:
    """Every text in the code, with … for what is put in."""
    files = (ROOT / "connector").rglob("*.py")
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8")))]
    plain = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return plain + [_filled(node) for node in nodes if isinstance(node, ast.JoinedStr)]


def _filled(text: ast.JoinedStr) -> str:
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in text.values)


def quoted(text: str) -> list[str]:
    """What the page quotes after its marker; a quote may have several lines."""
    blocks = re.findall(r"(?:^> .+\n)+", text.partition("<!-- texts that the code prints")[2], re.MULTILINE)
    return [" ".join(line.removeprefix("> ") for line in block.splitlines()) for block in blocks]


def is_printed(quote: str, texts: list[str]) -> bool:
    """Do its pieces between … stand in one text, in this order? A text that was put together of two counts piece by piece."""
    pieces = [piece.strip() for piece in quote.split("…") if piece.strip(" .:")]
    return all(any(piece in text for text in texts) for piece in pieces)


def test_it_quotes_what_the_code_prints(shop_page):
    """Whoever looks up an error finds it, in the code's own words."""
    quotes, texts = quoted(shop_page.text), printed()

    assert len(quotes) >= 12
    assert [quote for quote in quotes if not is_printed(quote, texts)] == []
    assert not is_printed("the shop is closed on Sundays", texts)


# --- who mails what ---------------------------------------------------------------------------------------------------


def order(means: PlatformStatus, status: str) -> Order:
    nothing, due = Money.zero("EUR"), Money.parse("10", "EUR")
    paid = Payment(
        id="1",
        kind=PaymentKind.GATEWAY,
        gateway="card",
        due=due,
        authorized=due,
        captured=due,
        refunded=nothing,
        refund_pending=nothing,
        disputed=nothing,
    )
    at = datetime(2026, 11, 22, tzinfo=UTC)
    return Order(
        platform_id="1",
        number="1",
        status=status,
        means=means,
        currency="EUR",
        placed_at=at,
        updated_at=at,
        lines=(),
        discount=nothing,
        tax=nothing,
        total=due,
        payments=(paid,),
    )


def test_the_table_of_mails_is_the_real_one(shop_page):
    """Row by row what `platform_tells` says of a fresh installation, and the e-mail it names is what makes it so."""
    table = shop_page.text.partition("<!-- who tells")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("| `")]
    assert {re.findall(r"`(\w+)`", row[0])[0] for row in rows} == {str(event) for event in DutyEvent}

    for what, *cells in rows:
        event = DutyEvent(re.findall(r"`(\w+)`", what)[0])
        is_waiting = "payment" in what and event is DutyEvent.ON_HOLD
        seen = order(PlatformStatus.ON_HOLD, "on-hold") if is_waiting else order(PlatformStatus.OPEN, "processing")
        for person, cell in zip((Person.CUSTOMER, Person.MERCHANT), cells, strict=True):
            told = mails.tells(mails.DEFAULT, seen, by_shop=True)
            assert ((event, person) in told) is cell.startswith("the store: "), (what, person)
            for email in re.findall(r"the store: `(\w+)`", cell):
                without = mails.DEFAULT - {email}
                by_shop = mails.WITH_NUMBER[mails.Way.META] <= without
                assert (event, person) not in mails.tells(without, seen, by_shop=by_shop)


def test_what_is_said_of_the_second_mail_is_so(shop_page):
    """The page and `connector check` name the same switch."""
    fix = mails._second_mail(by_shop=True).fix

    assert '"Completed order"' in fix
    assert 'Switch off "Completed order"' in shop_page.text
    assert mails.EMAILS_PAGE in fix
    assert mails.EMAILS_PAGE in shop_page.text
