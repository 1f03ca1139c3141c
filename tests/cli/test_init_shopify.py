"""`connector init --platform shopify`: what it asks and writes, and what `connector check` then says."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

import pytest

from connector.sandbox.shopify.server import ShopifySandbox

from .conftest import Install, at_a_terminal


@pytest.fixture
def fresh(tmp_path) -> Install:
    return Install(folder=tmp_path)


@pytest.fixture
def simulated() -> Iterator[ShopifySandbox]:
    with ShopifySandbox(webhooks="never") as running:
        yield running


def dotenv(install: Install) -> dict[str, str]:
    lines = (install.folder / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def account(install: Install, name: str) -> dict[str, object]:
    return tomllib.loads(install.config.read_text())["accounts"][name]


def fill(install: Install, **values: str) -> None:
    """Put values behind the names that `init` has left empty."""
    env = install.folder / ".env"
    text = env.read_text()
    for name, value in values.items():
        assert f"{name}=\n" in text
        text = text.replace(f"{name}=\n", f"{name}={value}\n")
    env.write_text(text)


def at(install: Install, shop: ShopifySandbox) -> None:
    """The simulated shop instead of the real one. The account is the last thing in the file."""
    with install.config.open("a") as file:
        file.write(f'api_url = "{shop.url}"\n')


def test_an_app_of_the_dev_dashboard(fresh):
    """Client id and secret come from the environment; the secret that signs webhooks is the app's and never made up."""
    made = fresh.json("init", "--platform", "shopify", "--url", "https://Mugs.myshopify.com/admin")

    assert made["account"]["account"] == "mugs"
    assert account(fresh, "mugs") == {
        "plugin": "shopify",
        "id": made["account"]["id"],
        "shop": "mugs.myshopify.com",
        "client_id": {"env": "MUGS_CLIENT_ID"},
        "client_secret": {"env": "MUGS_CLIENT_SECRET"},
    }
    assert made["missing"] == ["MUGS_CLIENT_ID", "MUGS_CLIENT_SECRET"]
    assert "MUGS_WEBHOOK_SECRET" not in dotenv(fresh)


def test_a_custom_app(fresh):
    """A token, and what its webhooks are signed with."""
    made = fresh.json("init", "--platform", "shopify", "--url", "mugs", "--by", "token")

    found = account(fresh, "mugs")
    assert found["access_token"] == {"env": "MUGS_ACCESS_TOKEN"}
    assert found["webhook_secret"] == {"env": "MUGS_WEBHOOK_SECRET"}
    assert "client_id" not in found
    assert made["missing"] == ["MUGS_ACCESS_TOKEN", "MUGS_WEBHOOK_SECRET"]
    assert dotenv(fresh)["MUGS_WEBHOOK_SECRET"] == ""


@pytest.mark.parametrize(
    "typed", ["mugs", "mugs.myshopify.com", "https://mugs.myshopify.com/", "https://admin.shopify.com/store/mugs/orders?x=1"]
)
def test_the_address_however_it_was_copied(fresh, typed):
    """From the admin, from a list of shops, or only the name."""
    fresh.run("init", "--platform", "shopify", "--url", typed)

    assert account(fresh, "mugs")["shop"] == "mugs.myshopify.com"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--url", "https://www.mugs.example"), "the domain that customers see does not work"),
        (("--url", "https://myshopify.com"), "no address of a shop"),
        ((), "--url is missing"),
        (("--url", "mugs", "--by", "magic"), "there is app and token"),
    ],
)
def test_wrong_usage_adds_nothing(fresh, words, said):
    """Exit code 2, and no half account in the file."""
    result = fresh.run("init", "--platform", "shopify", *words, code=2)

    assert said in " ".join(result.stderr.split())
    assert "accounts" not in tomllib.loads(fresh.config.read_text())


def test_a_platform_with_one_way_has_no_other(fresh):
    """--by is for those that have several."""
    result = fresh.run("init", "--platform", "woocommerce", "--url", "x.example", "--by", "token", code=2)

    assert "woocommerce has one way only" in " ".join(result.stderr.split())


def test_at_a_terminal_it_asks(fresh):
    """Platform, way, address, id and secret; the id is no secret and is seen, the secret is not."""
    answers = {
        "run on?": "shopify",
        "let us in?": "app",
        "shop:": "mugs.myshopify.com",
        "client_id (": "an-id",
        "client_secret (": "shpss_hush",
    }

    code, said = at_a_terminal(fresh, "init", answers=answers)

    assert code == 0
    assert dotenv(fresh)["MUGS_CLIENT_ID"] == "an-id"
    assert dotenv(fresh)["MUGS_CLIENT_SECRET"] == "shpss_hush"
    assert "shpss_hush" not in said
    assert "Dev Dashboard" in said


def test_check_names_what_is_missing(fresh):
    """Until the blanks are filled in, the variable."""
    fresh.run("init", "--platform", "shopify", "--url", "mugs")

    assert "MUGS_CLIENT_ID" in fresh.run("check", code=2).stderr


@pytest.mark.parametrize("way", ["app", "token"])
def test_from_nothing_to_orders(fresh, simulated, way):
    """init, the secrets, check, pull --since: as its last lines and docs/shopify.md describe it."""
    about = simulated.about()
    fresh.run("init", "--platform", "shopify", "--url", about["shop"], "--name", "shop", "--by", way)
    secrets = {
        "app": {"SHOP_CLIENT_ID": about["client_id"], "SHOP_CLIENT_SECRET": about["client_secret"]},
        "token": {"SHOP_ACCESS_TOKEN": about["access_token"], "SHOP_WEBHOOK_SECRET": "x"},
    }
    fill(fresh, **secrets[way])
    at(fresh, simulated)

    checks = {one["check"]: one["result"] for one in fresh.json("check", "shop")["checks"]}
    fresh.run("pull")

    assert checks["access"] == checks["access scopes"] == checks["orders"] == "ok"


def test_check_says_what_is_wrong(fresh, simulated):
    """A secret of another app: which keys, and where the right ones stand; the secret itself is not shown."""
    about = simulated.about()
    fresh.run("init", "--platform", "shopify", "--url", about["shop"], "--name", "shop")
    fill(fresh, SHOP_CLIENT_ID=about["client_id"], SHOP_CLIENT_SECRET="shpss_of_another_app")
    at(fresh, simulated)

    document = fresh.json("check", "shop", code=1)

    (failed,) = [one for one in document["checks"] if one["result"] == "failed"]
    assert "`client_secret` is wrong" in failed["text"]
    assert "Dev Dashboard" in failed["text"]
    assert failed["fix"]
    assert "shpss_of_another_app" not in str(document)
