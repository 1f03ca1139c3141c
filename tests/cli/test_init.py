"""`connector init`: begins, adds, never changes what is there."""

from __future__ import annotations

import os
import shutil
import stat
import tomllib

import pytest

from connector.cli import init_files

from .conftest import HERE, Install, at_a_terminal


@pytest.fixture
def fresh(tmp_path) -> Install:
    """A folder with nothing but the fake shop's plugin."""
    (tmp_path / "plugins").mkdir()
    shutil.copy(HERE / "fakeshop.py", tmp_path / "plugins" / "fakeshop.py")
    return Install(folder=tmp_path)


def dotenv(install: Install) -> dict[str, str]:
    lines = (install.folder / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_it_begins(fresh):
    """Configuration, a fresh key that only we may read, a database at head, and the next step."""
    result = fresh.run("init")

    assert tomllib.loads(fresh.config.read_text()) == {"connector": {}}
    assert stat.S_IMODE((fresh.folder / ".env").stat().st_mode) == 0o600
    assert len(dotenv(fresh)["CONNECTOR_SECRET_KEY"]) >= 32
    assert "connector init --platform" in result.stdout
    assert "sound" in fresh.run("db", "check").stdout


def test_two_installs_have_two_keys(fresh, tmp_path_factory):
    """The key is random."""
    other = Install(folder=tmp_path_factory.mktemp("other"))

    fresh.run("init")
    other.run("init")

    assert dotenv(fresh)["CONNECTOR_SECRET_KEY"] != dotenv(other)["CONNECTOR_SECRET_KEY"]


def test_it_adds_a_shop(fresh):
    """A woocommerce account: a generated id, references for the secrets, blanks in .env, and a webhook secret of our own."""
    made = fresh.json("init", "--platform", "woocommerce", "--url", "shop.example.com/")

    account = tomllib.loads(fresh.config.read_text())["accounts"]["shop"]
    assert account["id"] == made["account"]["id"]
    assert account["id"].startswith("a_")
    assert len(account["id"]) == 8
    assert account["url"] == "https://shop.example.com"
    assert account["consumer_key"] == {"env": "SHOP_CONSUMER_KEY"}
    assert account["consumer_secret"] == {"env": "SHOP_CONSUMER_SECRET"}
    assert made["missing"] == ["SHOP_CONSUMER_KEY", "SHOP_CONSUMER_SECRET"]
    assert dotenv(fresh)["SHOP_CONSUMER_KEY"] == ""
    assert len(dotenv(fresh)["SHOP_WEBHOOK_SECRET"]) >= 32


def test_what_is_still_missing_is_said_by_check(fresh):
    """Until the blanks are filled in, everything else names the variable and the file."""
    fresh.run("init", "--platform", "woocommerce", "--url", "https://shop.example.com")

    result = fresh.run("check", code=2)

    assert "SHOP_CONSUMER_KEY" in result.stderr


def test_a_second_shop_keeps_the_file_as_it_is(fresh):
    """Comments, order and the first account stay byte for byte; the same name gets a number."""
    fresh.run("init", "--platform", "woocommerce", "--url", "https://shop.example.com")
    with fresh.config.open("a") as file:
        file.write("# by hand, without a newline at the end")
    before, secrets = fresh.config.read_text(), (fresh.folder / ".env").read_text()

    fresh.run("init", "--platform", "woocommerce", "--url", "https://shop.example.org")

    after = fresh.config.read_text()
    assert after.startswith(before + "\n")
    assert (fresh.folder / ".env").read_text().startswith(secrets)
    assert list(tomllib.loads(after)["accounts"]) == ["shop", "shop-2"]
    ids = {account["id"] for account in tomllib.loads(after)["accounts"].values()}
    assert len(ids) == 2


def test_again_without_a_shop_changes_nothing(fresh):
    """Running it twice is no harm."""
    fresh.run("init", "--platform", "woocommerce", "--url", "https://shop.example.com")
    before = fresh.config.read_bytes(), (fresh.folder / ".env").read_bytes()

    fresh.run("init")

    assert (fresh.config.read_bytes(), (fresh.folder / ".env").read_bytes()) == before


def test_the_environment_comes_before_the_file(fresh, monkeypatch):
    """What is set in the environment is not written down."""
    monkeypatch.setenv("CONNECTOR_SECRET_KEY", "x" * 40)

    fresh.run("init")

    assert not (fresh.folder / ".env").exists()


def test_a_dotenv_that_others_may_read_is_closed(fresh):
    """An .env that was there keeps what it holds, and gets safe once we write a secret into it."""
    (fresh.folder / ".env").write_text("OTHER=1")
    os.chmod(fresh.folder / ".env", 0o644)

    fresh.run("init")

    assert dotenv(fresh)["OTHER"] == "1"
    assert stat.S_IMODE((fresh.folder / ".env").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--platform", "magento", "--url", "https://x.example"), 'there is no platform "magento"'),
        (("--platform", "smtp", "--url", "https://x.example"), 'there is no platform "smtp"'),
        (("--platform", "woocommerce"), "--url is missing"),
        (("--url", "https://x.example"), "--platform is missing"),
        (("--platform", "woocommerce", "--url", "ftp://x.example"), "does not fit"),
        (("--platform", "woocommerce", "--url", "https://x.example", "--name", "a b"), "only letters"),
    ],
)
def test_wrong_usage_adds_nothing(fresh, words, said):
    """Exit code 2, and no half account in the file."""
    result = fresh.run("init", *words, code=2)

    assert said in result.stderr
    assert "accounts" not in tomllib.loads(fresh.config.read_text())


def test_a_name_that_is_taken_is_refused(fresh):
    """An account is never written over."""
    fresh.run("init", "--platform", "woocommerce", "--url", "https://x.example", "--name", "us")
    before = fresh.config.read_bytes()

    result = fresh.run("init", "--platform", "woocommerce", "--url", "https://y.example", "--name", "us", code=2)

    assert "there is an account of that name" in result.stderr
    assert fresh.config.read_bytes() == before


def test_from_nothing_to_orders(fresh):
    """init, the secrets, check, pull: the way that its last lines describe."""
    (fresh.folder / "world.json").write_text('{"orders": [{"id": "1"}], "happened": [], "moods": {}}')
    fresh.run("init", "--platform", "fakeshop", "--url", "file://world.json", "--name", "shop")
    env = fresh.folder / ".env"
    env.write_text(env.read_text().replace("SHOP_TOKEN=\n", "SHOP_TOKEN=filled-in\n"))

    fresh.run("check")
    fresh.run("pull")

    assert [order["order"] for order in fresh.json("orders", "list")["orders"]] == ["shop/1"]


@pytest.mark.parametrize("value", ["plain", "with # mark", "it's", 'a "quote"', "back\\slash\\", "$HOME ${X}", "=x=", ""])
def test_a_secret_is_read_back_as_it_was_typed(tmp_path, value):
    """Whatever characters a password has."""
    init_files.add_to_dotenv(tmp_path / "connector.toml", {"FIRST": value, "SECOND": "2"}, unless={})

    assert init_files.written(tmp_path / ".env") == {"FIRST": value, "SECOND": "2"}


def test_at_a_terminal_it_asks_for_what_is_missing(fresh):
    """Platform, address and secrets; Enter leaves a secret for later. No secret is shown."""
    answers = {
        "run on?": "woocommerce",
        "url:": "www.mugs.example/",
        "consumer_key (": "ck_hush",
        "consumer_secret (": "",
    }

    code, said = at_a_terminal(fresh, "init", answers=answers)

    account = tomllib.loads(fresh.config.read_text())["accounts"]["mugs"]
    assert code == 0
    assert account["url"] == "https://www.mugs.example"
    assert dotenv(fresh)["MUGS_CONSUMER_KEY"] == "ck_hush"
    assert dotenv(fresh)["MUGS_CONSUMER_SECRET"] == ""
    assert "Put MUGS_CONSUMER_SECRET into" in " ".join(said.split())
    assert "ck_hush" not in said
