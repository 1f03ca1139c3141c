"""connector.toml: what it may say, and what is said where it is wrong."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Annotated

import msgspec
import pytest

from connector import config, docs
from connector.config import Teller, plugin_config
from connector.errors import ConfigError
from connector.model.events import DutyEvent, Person, PluginKind
from connector.model.payment import PaymentKind
from connector.model.plugin import PluginInfo
from connector.model.review import Severity

ROOT = Path(__file__).parents[2]


class Colour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    inner: int = 0


class CarrierConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What a carrier of the tests wants configured."""

    api_key: Annotated[str, msgspec.Meta(description="Its key.", min_length=3, extra={"secret": True})]
    size: Annotated[Severity, msgspec.Meta(description="Any of an enum.")] = Severity.INFO
    retries: int = 3
    colour: Colour = Colour()


CARRIER = PluginInfo(name="parcels", kinds=(PluginKind.CARRIER,), config=CarrierConfig)
PLAIN = PluginInfo(name="plain", kinds=(PluginKind.CARRIER,))


def account(shop, lines, info=CARRIER, **environ):
    shop.configure('[accounts.us]\nplugin = "parcels"\nid = "a1"\n' + lines)
    return plugin_config(shop.settings(**environ).accounts["us"], info, file=shop.file)


# --- what holds -------------------------------------------------------------------------------------------------------


def test_an_empty_file_is_complete(shop):
    """Every key has a default that works, and the databases are beside the file."""
    settings = shop.settings()

    assert settings.connector.database_url == f"sqlite:///{shop.folder}/connector.db"
    assert settings.connector.engine_database_url == f"sqlite:///{shop.folder}/connector-engine.db"
    assert settings.plugins_dir == shop.folder / "plugins"
    assert settings.templates_dir is None
    assert (settings.connector.host, settings.connector.port) == ("127.0.0.1", 8460)
    assert (settings.connector.worker_concurrency, settings.connector.sweep_every_s) == (8, 0.5)
    assert (settings.zone.key, settings.connector.language) == ("UTC", "en")
    assert settings.policy.findings == {"po_box": Severity.HOLD, "note_present": Severity.WARNING}
    assert settings.policy.ship_unpaid == (PaymentKind.COD,)
    assert settings.rehearsal.mail_to == ()
    assert settings.accounts == {}


def test_without_a_file_the_same_holds(shop):
    """Commands that need no configuration get the defaults of an empty file."""
    assert config.defaults(shop.file, {}) == shop.settings()


@pytest.mark.parametrize(
    ("url", "ours", "engine"),
    [
        ("sqlite:///data/o.db", "sqlite:///{folder}/data/o.db", "sqlite:///{folder}/data/o-engine.db"),
        ("sqlite:////srv/orders", "sqlite:////srv/orders", "sqlite:////srv/orders-engine"),
        ("sqlite:////srv/o.db?timeout=5", "sqlite:////srv/o.db?timeout=5", "sqlite:////srv/o-engine.db?timeout=5"),
        ("postgresql://u:p@h/shop", "postgresql://u:p@h/shop", "postgresql://u:p@h/shop_engine"),
        (
            "postgresql+psycopg:///shop?host=/run",
            "postgresql+psycopg:///shop?host=/run",
            "postgresql+psycopg:///shop_engine?host=/run",
        ),
    ],
)
def test_the_engines_database_is_beside_ours(shop, url, ours, engine):
    """Same folder or server, another name."""
    shop.configure(f'[connector]\ndatabase_url = "{url}"')

    settings = shop.settings().connector

    assert settings.database_url == ours.format(folder=shop.folder)
    assert settings.engine_database_url == engine.format(folder=shop.folder)


def test_the_merchants_findings_are_added_to_the_default(shop):
    """Changing one severity leaves the others as they are."""
    shop.configure('[policy]\nfindings = {po_box = "warning", many_lines = "hold"}')

    assert shop.settings().policy.findings == {
        "po_box": Severity.WARNING,
        "note_present": Severity.WARNING,
        "many_lines": Severity.HOLD,
    }


def test_wiring_and_the_plugins_own_keys_are_told_apart(shop):
    """The core's keys are typed; the rest is kept for the plugin."""
    shop.configure("""
        [accounts.us-shop]
        plugin = "shop"
        id = "a1"
        mail = "office"
        carriers = ["parcels"]
        payments = {stripe = "us-stripe"}
        tells = {shipped = {customer = "us", merchant = "none"}}
        url = "https://shop.example"
    """)

    made = shop.settings().accounts["us-shop"]

    assert made.wiring.carriers == ("parcels",)
    assert made.wiring.payments == {"stripe": "us-stripe"}
    assert made.wiring.tells == {DutyEvent.SHIPPED: {Person.CUSTOMER: Teller.US, Person.MERCHANT: Teller.NONE}}
    assert made.config == {"url": "https://shop.example"}


def test_nobody_reviewing_is_not_the_same_as_nothing_said(shop):
    """`review = []` switches every reviewer off; without the key it is unset."""
    shop.configure('[accounts.a]\nplugin = "x"\nid = "1"\nreview = []\n[accounts.b]\nplugin = "x"\nid = "2"')

    accounts = shop.settings().accounts

    assert accounts["a"].wiring.review == ()
    assert accounts["b"].wiring.review is None


def test_settings_cannot_be_changed(shop):
    """Whoever holds settings cannot change them for others."""
    settings = shop.settings()

    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.path = Path("/")
    with pytest.raises(AttributeError):
        settings.connector.port = 1


# --- the environment --------------------------------------------------------------------------------------------------


def test_the_environment_wins_over_the_file(shop):
    """CONNECTOR_<KEY> sets a key of [connector], in its own type; an empty variable says nothing."""
    shop.configure('[connector]\nport = 1\nlanguage = "de"\nhost = "h"')

    settings = shop.settings(CONNECTOR_PORT="8000", CONNECTOR_SWEEP_EVERY_S="2", CONNECTOR_LANGUAGE="fr", CONNECTOR_HOST="")

    assert (settings.connector.port, settings.connector.sweep_every_s) == (8000, 2.0)
    assert (settings.connector.language, settings.connector.host) == ("fr", "h")


def test_blocking_by_environment_adds_to_the_file(shop):
    """Switching one plugin off in a hurry does not switch another one on."""
    shop.configure('[connector]\nblocked_plugins = ["old"]')

    assert shop.settings().connector.blocked_plugins == ("old",)
    assert shop.settings(CONNECTOR_BLOCKED_PLUGINS="a, b").connector.blocked_plugins == ("old", "a", "b")


def test_dotenv_is_read_and_the_environment_wins(shop):
    """The file .env beside connector.toml counts, as it stands (a dollar sign is a dollar sign), unless really set."""
    (shop.folder / ".env").write_text("KEY_A=from${HOME}file\nKEY_B=from file\n")
    shop.configure('[accounts.a]\nplugin = "x"\nid = "1"\none = {env = "KEY_A"}\ntwo = [{env = "KEY_B"}]')

    made = shop.settings(KEY_B="really").accounts["a"].config

    assert made == {"one": "from${HOME}file", "two": ["really"]}


def test_the_secret_key_is_demanded_where_it_is_needed(shop):
    """Without CONNECTOR_SECRET_KEY settings load, and whoever stores something is told what to set."""
    assert shop.settings(CONNECTOR_SECRET_KEY="a passphrase").needed_secret_key() == "a passphrase"
    with pytest.raises(ConfigError, match=r"connector\.toml: CONNECTOR_SECRET_KEY is not set; put it .*\.env"):
        shop.settings().needed_secret_key()


# --- secrets ----------------------------------------------------------------------------------------------------------

SECRET = "sk_live_marker"


def test_secrets_show_in_no_repr(shop):
    """Neither the settings nor the plugin's configuration show a secret, a password or the secret key."""
    shop.configure(f"""
        [connector]
        database_url = "postgresql://u:{SECRET}@h/shop"
        [accounts.us]
        plugin = "parcels"
        id = "a1"
        api_key = {{env = "KEY"}}
    """)
    settings = shop.settings(KEY=SECRET, CONNECTOR_SECRET_KEY=SECRET)
    made = plugin_config(settings.accounts["us"], CARRIER, file=shop.file)

    assert made.api_key == SECRET
    assert f"{made.api_key}" == SECRET
    assert SECRET not in repr(settings)
    assert SECRET not in repr(settings.accounts["us"].config)
    assert SECRET not in repr(made)


@pytest.mark.parametrize("key", ["size", "retries", "colour", "misspelt"])
def test_secrets_show_in_no_error(shop, key):
    """An error about a value from the environment does not show it, nor does what it was raised from."""
    with pytest.raises(ConfigError) as caught:
        account(shop, f'api_key = {{env = "KEY"}}\n{key} = {{env = "KEY"}}', KEY=SECRET)

    assert f"[accounts.us] {key}: " in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_a_secret_must_not_stand_in_the_file(shop):
    """The error names a variable for it and does not repeat it."""
    with pytest.raises(ConfigError, match=r'\[accounts\.us\] api_key: is a secret .* write \{env = "US_API_KEY"\}') as caught:
        account(shop, f'api_key = "{SECRET}"')

    assert SECRET not in str(caught.value)


def test_an_address_with_a_password_is_not_repeated(shop):
    """A database address that is wrong is not shown, it may hold a password."""
    shop.configure(f'[connector]\ndatabase_url = "mysql://u:{SECRET}@h/shop"')

    with pytest.raises(ConfigError, match=r"\[connector\] database_url: must be sqlite:///FILE or postgresql://") as caught:
        shop.settings()

    assert SECRET not in str(caught.value)


# --- what is wrong ----------------------------------------------------------------------------------------------------

ONE = '[accounts.us]\nplugin = "x"\nid = "a1"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[connector]\nport = \n", "not valid TOML: Invalid value (at line 2, column 8); correct that line"),
        ("[acounts.us]\n", 'acounts: unknown key; did you mean "accounts"?'),
        ("accounts = 3", "[accounts]: must be tables"),
        ("policy = 3", "[policy]: must be a table"),
        ("[connector]\nprot = 1", '[connector] prot: unknown key; did you mean "port"?'),
        ('[connector]\nport = "80"', "[connector] port: must be a whole number, not text"),
        ("[connector]\nport = 99999", "[connector] port: must be a whole number <= 65535"),
        ("[connector]\nsweep_every_s = 0", "[connector] sweep_every_s: must be a number > 0"),
        ('[connector]\nblocked_plugins = "ups"', "[connector] blocked_plugins: must be a list, not text"),
        ('[connector]\ntimezone = "Europe/Berln"', '"Europe/Berln" is no time zone; did you mean "Europe/Berlin"?'),
        ('[connector]\ntimezone = ""', '"" is no time zone; write it like "Europe/Berlin"'),
        ('[connector]\ntimezone = "../etc/passwd"', '[connector] timezone: "../etc/passwd" is no time zone'),
        ('[connector]\npublic_url = "shop.example"', "[connector] public_url: must be a whole address"),
        ('[connector]\ndatabase_url = "sqlite:///:memory:"', "[connector] database_url: must be a file"),
        ('[connector]\ndatabase_url = "postgresql://h"', "[connector] database_url: must be sqlite"),
        (
            '[connector]\ndatabase_url = "sqlite:///a.db"\nengine_database_url = "sqlite:///a.db"',
            "[connector] engine_database_url: must be another database",
        ),
        ('[policy]\nfindings = {po_box = "hodl"}', '[policy] findings: "hodl" is not possible; did you mean "hold"?'),
        ('[policy]\nship_unpaid = ["cash"]', '[policy] ship_unpaid[0]: "cash" is not possible; '),
        ('[policy]\nhold_tells_customer = ["adress"]', 'did you mean "address"?'),
        ('[accounts.us]\nid = "a1"', "[accounts.us] plugin: is required"),
        ('[accounts.us]\nplugin = "x"', "[accounts.us] id: is required"),
        ('[accounts.us]\nplugin = "x"\nid = "a/1"', "[accounts.us] id: has only letters"),
        ('[accounts."us/shop"]\nplugin = "x"', "[accounts.us/shop]: an account's name has only letters"),
        ('[accounts."us shop"]\nplugin = "x"', "[accounts.us shop]: an account's name has only letters"),
        ("[accounts]\nus = 3", "[accounts.us]: must be a table"),
        (ONE + 'carriers = "ups"', "[accounts.us] carriers: must be a list, not text"),
        (ONE + "mail = 3", "[accounts.us] mail: must be text, not a whole number"),
        (ONE + "payments = []", "[accounts.us] payments: must be a table, not a list"),
        (
            ONE + 'tells = {shiped = {customer = "us"}}',
            '[accounts.us] tells: "shiped" is not possible; did you mean "shipped"?',
        ),
        (ONE + 'tells = {shipped = {custmer = "us"}}', '"custmer" is not possible; did you mean "customer"?'),
        (ONE + 'tells = {shipped = {customer = "plattform"}}', 'did you mean "platform"?'),
        (ONE + '[accounts.eu]\nplugin = "x"\nid = "a1"', '[accounts.eu] id: "a1" is the id of us as well'),
        (ONE + 'key = {env = "US_KEY"}', "[accounts.us] key: needs the environment variable US_KEY, which is not set"),
        (ONE + 'key = {env = "US_KEY"}', '("US_KEYS" is set: a misspelling?)'),
        (ONE + 'a = [{b = {env = "NOT_THERE"}}]', "[accounts.us] a[0].b: needs the environment variable NOT_THERE"),
        (ONE + "key = {env = 3}", '[accounts.us] key: must be {env = "NAME"}'),
    ],
)
def test_errors_name_file_table_key_and_fix(shop, text, said):
    """Each mistake is said in one line that begins with the file and tells what to do."""
    shop.configure(text)

    with pytest.raises(ConfigError) as caught:
        shop.settings(US_KEYS="x")

    assert str(caught.value).startswith(f"{shop.file}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"CONNECTOR_PORT": "many"}, "environment variable CONNECTOR_PORT must be a whole number, not text"),
        ({"CONNECTOR_PORT": "99999"}, "environment variable CONNECTOR_PORT must be a whole number <= 65535"),
        ({"CONNECTOR_TIMEZONE": "Berlin"}, '[connector] timezone (from CONNECTOR_TIMEZONE): "Berlin" is no time zone'),
        ({"CONNECTOR_DATABASE_URL": "oracle://"}, "database_url (from CONNECTOR_DATABASE_URL): must be"),
    ],
)
def test_errors_in_the_environment_name_the_variable(shop, environ, said):
    """Where the environment is wrong, nobody is sent to look into the file."""
    with pytest.raises(ConfigError) as caught:
        shop.settings(**environ)

    assert said in str(caught.value)


def test_a_missing_file_is_said(shop):
    """It names the file and the command that writes one."""
    with pytest.raises(ConfigError, match=r"nowhere\.toml: there is no such file; `connector init` writes one"):
        config.load(shop.folder / "nowhere.toml", {})
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load(shop.folder, {})


def test_a_file_that_is_not_utf8_is_said(shop):
    """An editor's old encoding is named, not a traceback."""
    shop.file.write_bytes(b'[connector]\nhost = "\xfc"')

    with pytest.raises(ConfigError, match=r"byte 20 is not UTF-8"):
        shop.settings()


# --- the plugin's own keys --------------------------------------------------------------------------------------------


def test_a_plugins_keys_are_read_as_it_declares_them(shop):
    """The result is the plugin's own Struct; a plugin that declares none gets None."""
    made = account(shop, 'api_key = {env = "KEY"}\nsize = "hold"\ncolour = {inner = 3}', KEY="abc")

    assert made == CarrierConfig(api_key="abc", size=Severity.HOLD, colour=Colour(inner=3))
    assert account(shop, "", PLAIN) is None


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", "[accounts.us] api_key: is required"),
        ('api_key = {env = "SHORT"}', "[accounts.us] api_key: must be text of length >= 3"),
        ('api_key = {env = "KEY"}\nretry = 1', '[accounts.us] retry: unknown key; did you mean "retries"?'),
        ('api_key = {env = "KEY"}\ncarrier = []', '[accounts.us] carrier: unknown key; did you mean "carriers"?'),
        ('api_key = {env = "KEY"}\nretries = "x"', "[accounts.us] retries: must be a whole number, not text"),
        ('api_key = {env = "KEY"}\nsize = "warnign"', 'size: "warnign" is not possible; did you mean "warning"?'),
        ('api_key = {env = "KEY"}\ncolour = {x = 1}', '[accounts.us] colour: unknown key "x"'),
        ('api_key = {env = "KEY"}\ncolour = {inner = "x"}', "[accounts.us] colour.inner: must be a whole number"),
        ('api_key = {env = "KEY"}\nmode = "live"', "[accounts.us] mode: is not set here; use `connector accounts mode us`"),
    ],
)
def test_errors_in_a_plugins_keys(shop, lines, said):
    """They are said like the core's own."""
    with pytest.raises(ConfigError) as caught:
        account(shop, lines, KEY="abcd", SHORT="a")

    assert str(caught.value).startswith(f"{shop.file}: ")
    assert said in str(caught.value)


def test_a_plugin_without_configuration_takes_no_keys(shop):
    """A key that nobody reads is an error, not ignored."""
    with pytest.raises(ConfigError, match=r"\[accounts\.us\] url: unknown key; possible: "):
        account(shop, 'url = "x"', PLAIN)


def test_the_shops_words_are_shared(shop):
    """A plugin that declares shop_name or merchant_email is given what the core reads; unset, its own default holds."""
    struct = msgspec.defstruct("C", [("shop_name", str, "mine"), ("merchant_email", str, "m@example.com")])
    info = PluginInfo(name="post", kinds=(PluginKind.MAIL,), config=struct)

    assert account(shop, 'shop_name = "Hats"', info) == struct("Hats", "m@example.com")


# --- documentation ----------------------------------------------------------------------------------------------------


def test_every_key_is_described():
    """A key without a description would be a hole in the documentation."""
    keys = config.keys()

    assert {"connector", "policy", "rehearsal", "accounts.NAME"} == {key.table for key in keys}
    assert [key for key in keys if not key.description.endswith(".")] == []


def test_a_plugins_keys_can_be_listed():
    """What `init`, the docs and the hub show of a plugin comes from its Struct."""
    api_key, size, *_ = config.keys_of(CarrierConfig)

    assert (api_key.name, api_key.type, api_key.required, api_key.secret) == ("api_key", "text", True, True)
    assert (size.type, size.default, size.description) == ("info, warning, hold, block", Severity.INFO, "Any of an enum.")


def test_the_page_is_in_step_with_the_code():
    """docs/configuration.md holds what is generated, so each key is in it."""
    written = (ROOT / "docs/configuration.md").read_text("utf-8")

    assert written == docs.whole("configuration", written)
    keys = config.keys()
    assert [key.name for key in keys if f"| `{key.name}` |" not in written] == []


def test_the_pages_example_loads(shop):
    """The complete example of docs/configuration.md is a file that loads."""
    [example] = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/configuration.md").read_text("utf-8"), re.DOTALL)
    shop.configure(example)

    settings = shop.settings(**dict.fromkeys(re.findall(r'env = "(\w+)"', example), "x"))

    assert set(settings.accounts) == {"us-shop", "us-stripe", "by-hand", "office"}
    assert settings.zone.key == "Europe/Berlin"
