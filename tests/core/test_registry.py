"""Which plugins are found, which are refused, and what their accounts are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from connector.errors import ConfigError, PluginError
from connector.model.events import PluginKind
from connector.model.plugin import HOOK_API

ROOT = Path(__file__).parents[2]

REVIEW = """
    '''Says nothing.

    At length.'''
    from connector import hookimpl

    @hookimpl
    def review_order(order):
        return []
"""


def plugin(name: str, kinds: str = "CARRIER", more: str = "", **said: str) -> str:
    fields = "".join(f", {key}={value}" for key, value in said.items())
    return f"""
import msgspec
from connector import PluginInfo, PluginKind, hookimpl

@hookimpl
def describe():
    return PluginInfo(name="{name}", kinds=(PluginKind.{kinds},){fields})

{more}
"""


class TestFinding:
    def test_from_three_places(self, shop):
        """Built-in ones, installed ones and files, each once and under the name that it gives itself."""
        shop.built_in("post", plugin("post"))
        shop.package("their_parcels", plugin("parcels"), points="parcels = their_parcels")
        shop.plugin("house_rules", plugin("house", "REVIEW", "@hookimpl\ndef review_order(order): return []"))

        registry = shop.registry()

        assert set(registry.infos) == {"post", "parcels", "house"}
        assert registry.origins["post"] == 'built-in plugin "post"'
        assert registry.origins["parcels"] == 'plugin "parcels" of the package their_parcels'
        assert registry.origins["house"] == f"plugin file {shop.folder}/plugins/house_rules.py"
        assert registry.implements("house", "review_order")
        assert not registry.implements("post", "review_order")

    def test_a_single_file_with_one_function_is_a_plugin(self, shop):
        """A file that only reviews needs no describe: it is called like the file."""
        shop.plugin("house_rules", REVIEW)

        info = shop.registry().infos["house_rules"]

        assert (info.name, info.kinds, info.summary) == ("house_rules", (PluginKind.REVIEW,), "Says nothing.")

    def test_a_file_does_not_shadow_the_sdk_it_uses(self, shop):
        """plugins/stripe.py may `import stripe`, and gets the SDK."""
        shop.plugin(
            "stripe",
            plugin("my-stripe", "PAYMENTS", summary="stripe.__name__ + str(hasattr(stripe, 'StripeClient'))")
            + "\nimport stripe\n",
        )

        assert shop.registry().infos["my-stripe"].summary == "stripeTrue"

    def test_a_private_file_is_no_plugin(self, shop):
        """Files that begin with an underscore are left alone."""
        shop.plugin("_helper", "raise SystemExit")

        assert shop.registry().infos == {}

    def test_a_folder_that_was_named_must_be_there(self, shop):
        """The default folder may be missing; one that somebody wrote down may not."""
        shop.configure('[connector]\nplugins_dir = "plugns"')

        with pytest.raises(ConfigError, match=r"\[connector\] plugins_dir: there is no folder .*/plugns; make it"):
            shop.registry()

    def test_two_registries_know_nothing_of_each_other(self, shop):
        """Loading keeps no state: what one registry holds is not in the next."""
        file = shop.plugin("house_rules", REVIEW)
        first = shop.registry()
        file.unlink()

        assert set(first.infos) == {"house_rules"}
        assert shop.registry().infos == {}

    def test_the_real_ones_load_without_an_sdk(self):
        """Describing all built-in plugins imports no SDK, no HTTP client and no database."""
        program = """
import sys
from pathlib import Path
from connector import config, registry
found = registry.load(config.defaults(Path("nowhere/connector.toml"), {}))
assert found.infos, "no built-in plugin was found"
heavy = {"requests", "stripe", "shopify", "woocommerce", "sqlalchemy", "dbos", "fastapi", "easypost"} & set(sys.modules)
assert not heavy, f"loading the built-in plugins imports {heavy}"
"""
        done = subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, text=True)

        assert done.returncode == 0, done.stderr


class TestRefusing:
    @pytest.mark.parametrize(
        ("more", "said"),
        [
            ("@hookimpl\ndef by_label(request): ...", "plugin post: there is no hook by_label; did you mean \"buy_label\"?"),
            ("@hookimpl\ndef buy_label(reqest): ...", 'buy_label(reqest) is no argument of this hook; did you mean "request"?'),
            ("@hookimpl\ndef buy_label(request, ctx=None): ...", "plugin post: buy_label(ctx) has a default"),
            ("@hookimpl\ndef buy_label(*, request): ...", "plugin post: buy_label(request) is not a plain argument"),
            ("@hookimpl\ndef buy_label(**all): ...", "plugin post: buy_label(all) is not a plain argument"),
            ("@hookimpl(wrapper=True)\ndef buy_label(request): yield", "plugin post: buy_label is a wrapper"),
            ("@hookimpl(hookwrapper=True)\ndef buy_label(request): yield", "plugin post: buy_label is a wrapper"),
            ("@hookimpl(specname='by_label')\ndef mine(request): ...", "plugin post: there is no hook by_label"),
            ("def buy_label(request): ...", "buy_label() is called like a hook but not marked; write @hookimpl above it"),
        ],
    )  # fmt: skip
    def test_hooks_that_would_never_be_called_rightly(self, shop, more, said):
        """Misspelt hooks and arguments, arguments that are never filled in, wrappers: refused with plugin, hook and fix."""
        shop.built_in("post", plugin("post", more=more))

        with pytest.raises(PluginError) as caught:
            shop.registry()

        assert said in str(caught.value)

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (plugin("post").replace("return PluginInfo", "return dict"), "describe() must return a PluginInfo, not dict"),
            (plugin("post").replace("return PluginInfo", "raise KeyError"), "describe() failed (TypeError"),
            (plugin("Post Office"), 'describe() says the name "Post Office"'),
            (plugin("post", hook_api=str(HOOK_API + 1)), f"needs hook contract {HOOK_API + 1}, this connector has {HOOK_API}"),
            (plugin("post").replace("(PluginKind.CARRIER,)", "()"), "must say at least one PluginKind"),
            (plugin("post", config="dict"), "must have a msgspec.Struct class as config"),
            (plugin("post", config='msgspec.defstruct("C", [("mail", str)])'), "declares the config key mail"),
            ("", "no hook describe() says what it is"),
            (REVIEW, "no hook describe() says what it is"),
        ],
    )
    def test_what_a_plugin_says_about_itself(self, shop, text, said):
        """A description that is missing, broken or for a later connector is refused, naming where the plugin is."""
        shop.built_in("post", text)

        with pytest.raises(PluginError) as caught:
            shop.registry()

        assert str(caught.value).startswith('built-in plugin "post": ')
        assert said in str(caught.value)

    def test_a_later_contract_is_said_before_its_unknown_hooks(self, shop):
        """A plugin for a later connector asks for an upgrade, not for a correction of its spelling."""
        shop.built_in("post", plugin("post", hook_api="99", more="@hookimpl\ndef hook_of_tomorrow(): ..."))

        with pytest.raises(PluginError, match="upgrade order-connector"):
            shop.registry()

    def test_a_file_that_does_more_than_review_must_describe_itself(self, shop):
        """Only a file that has review_order and nothing else may do without describe."""
        shop.plugin("house", REVIEW + "\n    @hookimpl\n    def score_fraud(order): ...\n")

        with pytest.raises(PluginError, match=r"plugin file .*house\.py: no hook describe.* has review_order, score_fraud\)"):
            shop.registry()

    def test_two_plugins_with_one_name(self, shop):
        """Both places are named: neither may take the other's calls."""
        shop.built_in("post", plugin("post"))
        shop.plugin("mine", plugin("post"))

        with pytest.raises(
            PluginError, match=r'two plugins are called "post": built-in plugin "post" and plugin file .*mine\.py'
        ):
            shop.registry()

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("import no_such_sdk", "line 1: ModuleNotFoundError: No module named 'no_such_sdk'"),
            ("x = 1\ndef f(:\n", "SyntaxError: invalid syntax (house.py, line 2)"),
            ("\nraise SystemExit(3)", "line 2: SystemExit: 3"),
        ],
    )
    def test_a_file_that_cannot_be_imported(self, shop, text, said):
        """It names file, line and error, and how to go on without it."""
        shop.plugin("house", text)

        with pytest.raises(PluginError) as caught:
            shop.registry()

        assert f"plugin file {shop.folder}/plugins/house.py cannot be loaded ({said}" in str(caught.value)
        assert 'CONNECTOR_BLOCKED_PLUGINS=house or blocked_plugins = ["house"]' in str(caught.value)
        assert "connector_local.house" not in sys.modules

    def test_an_installed_plugin_that_cannot_be_loaded(self, shop):
        """The package is named; an entry point that is no module is refused as well."""
        shop.package("theirs", "import no_such_sdk", points="parcels = theirs")
        with pytest.raises(PluginError, match=r'plugin "parcels" of the package theirs cannot be loaded \(ModuleNotFoundError'):
            shop.registry()

        shop.package("theirs", "x = 3", points="parcels = theirs:x")
        with pytest.raises(PluginError, match="a plugin is a module, not int; correct the entry point"):
            shop.registry()


class TestBlocking:
    def test_a_blocked_plugin_is_not_imported(self, shop):
        """Neither a file nor an installed package runs a line when its name is blocked."""
        shop.plugin("house", "raise SystemExit")
        shop.package("theirs", "raise SystemExit", points="parcels = theirs")

        assert shop.registry(CONNECTOR_BLOCKED_PLUGINS="house,parcels").infos == {}

    def test_the_name_in_describe_counts_too(self, shop):
        """A file is blocked under the name that it gives itself, where that is another one."""
        shop.plugin("mine", plugin("post"))

        assert shop.registry(CONNECTOR_BLOCKED_PLUGINS="post").infos == {}

    def test_its_accounts_stay(self, shop):
        """Orders still have their account; other accounts work on; nothing is validated that cannot be."""
        shop.plugin("post", "raise SystemExit")
        shop.configure("""
            [connector]
            blocked_plugins = ["post"]
            [accounts.by-post]
            plugin = "post"
            id = "p1"
            anything = 3
            [accounts.us]
            plugin = "shop"
            id = "s1"
            carriers = ["by-post"]
            review = ["post", "by-post"]
        """)
        shop.built_in("shop", plugin("shop", "PLATFORM"))

        registry = shop.registry()

        assert registry.account("by-post").config is None
        assert registry.is_blocked("post")
        assert registry.reviewers(registry.account("us")) == []

    def test_a_misspelt_name_blocks_nothing_silently(self, shop):
        """Whoever blocks a plugin at night is told if it was not that one."""
        shop.built_in("post", plugin("post"))

        with pytest.raises(ConfigError, match=r'blocked_plugins.*: there is no plugin "pots" to block; did you mean "post"\?'):
            shop.registry(CONNECTOR_BLOCKED_PLUGINS="pots")


class TestAccounts:
    def test_accounts_get_the_configuration_that_their_plugin_declares(self, shop):
        """Found by name and by id, with validated configuration."""
        shop.built_in("post", plugin("post", config='msgspec.defstruct("C", [("url", str), ("retries", int, 3)])'))
        shop.configure('[accounts.us]\nplugin = "post"\nid = "a1"\nurl = "x"')

        registry = shop.registry()
        account = registry.account("us")

        assert (account.name, account.id, account.plugin, account.config.url, account.config.retries) == (
            "us",
            "a1",
            "post",
            "x",
            3,
        )
        assert registry.by_id("a1") is account

    def test_unknown_accounts(self, shop):
        """By name the nearest is named; an id that is gone is asked back."""
        shop.built_in("post", plugin("post"))
        shop.configure('[accounts.us-shop]\nplugin = "post"\nid = "a1"')
        registry = shop.registry()

        with pytest.raises(ConfigError, match=r'connector\.toml: there is no account "us-shp"; did you mean "us-shop"\?'):
            registry.account("us-shp")
        with pytest.raises(ConfigError, match=r'connector\.toml: no account has the id "a2"'):
            registry.by_id("a2")

    @pytest.mark.parametrize(
        ("lines", "said"),
        [
            ('plugin = "shpo"', '[accounts.us] plugin: there is no plugin "shpo"; did you mean "shop"?'),
            ('plugin = "shop"\nurl = 3', "[accounts.us] url: unknown key"),
            ('plugin = "shop"\nmail = "by-pots"', '[accounts.us] mail: there is no account "by-pots"; did you mean "by-post"?'),
            ('plugin = "shop"\nmail = "by-post"', 'mail: "by-post" is an account of post, which is for carrier, not for mail'),
            ('plugin = "shop"\nsuppliers = ["by-post"]', "[accounts.us] suppliers: "),
            ('plugin = "shop"\nfraud = ["by-post"]', "[accounts.us] fraud: "),
            ('plugin = "shop"\ncarriers = ["us"]', "[accounts.us] carriers: "),
            ('plugin = "shop"\npayments = {card = "by-post"}', "[accounts.us] payments: "),
            ('plugin = "shop"\nreview = ["hous"]', 'there is no plugin or account "hous"; did you mean "house"?'),
            ('plugin = "shop"\nreview = ["by-post"]', "(the plugin post has no review_order)"),
            ('plugin = "shop"\nreview = ["strict"]', "the plugin strict needs limit; give it an account"),
        ],
    )  # fmt: skip
    def test_wrong_references(self, shop, lines, said):
        """Each name in the wiring is there and of the right kind, or the error says what is."""
        shop.built_in("shop", plugin("shop", "PLATFORM"))
        shop.built_in("post", plugin("post"))
        shop.built_in("strict", plugin("strict", "REVIEW", "@hookimpl\ndef review_order(order): return []",
                                       config='msgspec.defstruct("C", [("limit", int)])'))  # fmt: skip
        shop.plugin("house", REVIEW)
        shop.configure(f'[accounts.by-post]\nplugin = "post"\nid = "p1"\n[accounts.us]\nid = "s1"\n{lines}')

        with pytest.raises(ConfigError) as caught:
            shop.registry()

        assert str(caught.value).startswith(f"{shop.file}: [accounts.us] ")
        assert said in str(caught.value)

    def test_right_references(self, shop):
        """A shop that names accounts of the right kinds loads."""
        shop.built_in("shop", plugin("shop", "PLATFORM"))
        kinds = ("mail", "carrier", "supplier", "fraud", "payments")
        wiring = (
            'mail = "mail"\ncarriers = ["carrier"]\nsuppliers = ["supplier"]\nfraud = ["fraud"]\npayments = {card = "payments"}'
        )
        for kind in kinds:
            shop.built_in(kind, plugin(kind, kind.upper()))
        others = "\n".join(f'[accounts.{kind}]\nplugin = "{kind}"\nid = "{kind}"' for kind in kinds)
        shop.configure(f'[accounts.us]\nplugin = "shop"\nid = "us"\n{wiring}\n{others}')

        assert len(shop.registry().accounts) == 6


class TestReviewers:
    @pytest.fixture
    def rules(self, shop):
        review = "@hookimpl\ndef review_order(order): return []"
        limit = 'msgspec.defstruct("C", [("limit", int, 5)])'
        shop.plugin("house", REVIEW)
        shop.built_in("limits", plugin("limits", "REVIEW", review, config=limit))
        shop.built_in("strict", plugin("strict", "REVIEW", review, config='msgspec.defstruct("C", [("limit", int)])'))
        shop.built_in("vendor", plugin("vendor", "FRAUD", review))
        shop.built_in("shop", plugin("shop", "PLATFORM"))
        return shop

    def reviewers(self, shop, lines: str = "", more: str = ""):
        shop.configure(f'[accounts.us]\nplugin = "shop"\nid = "s1"\n{lines}\n{more}')
        registry = shop.registry()
        return registry.reviewers(registry.account("us"))

    def test_every_review_plugin_that_needs_no_account(self, rules):
        """With its defaults, and an id that no account can have; one that needs to be configured is not among them."""
        house, limits = self.reviewers(rules)

        assert (house.name, house.id, house.plugin, house.config) == ("house", "plugin:house", "house", None)
        assert (limits.name, limits.config.limit) == ("limits", 5)

    def test_one_with_an_account_waits_to_be_named(self, rules):
        """A review plugin that has accounts reviews only for the shops that name them."""
        account = '[accounts.ten]\nplugin = "limits"\nid = "l1"\nlimit = 10'

        assert [one.name for one in self.reviewers(rules, more=account)] == ["house"]
        assert [one.config.limit for one in self.reviewers(rules, 'review = ["ten"]', account)] == [10]

    def test_a_shop_names_others(self, rules):
        """Plugins and accounts, of any kind that reviews, in the order in which they are named; or none at all."""
        vendor = '[accounts.score]\nplugin = "vendor"\nid = "v1"'

        assert [one.name for one in self.reviewers(rules, 'review = ["score", "house"]', vendor)] == ["score", "house"]
        assert self.reviewers(rules, "review = []") == []
