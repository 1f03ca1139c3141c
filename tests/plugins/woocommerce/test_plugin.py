"""What the plugin says about itself, and that it keeps to its place."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from connector import EXPONENTS, ConfigError, DutyEvent, EffectClass, Person, hookimpl
from connector.plugins import woocommerce
from connector.testing import make_context

from .conftest import CONFIG

FOLDER = Path(woocommerce.__file__).parent
HOOKS = {
    "describe",
    "check_account",
    "verify_webhook",
    "parse_webhook",
    "ensure_webhooks",
    "fetch_order",
    "parse_order",
    "poll_orders",
    "import_orders",
    "missing_orders",
    "refund_payment",
    "cancel_order",
    "push_shipment",
    "push_status",
    "write_note",
    "adjust_inventory",
    "platform_tells",
    "find_effect",
}


def test_its_hooks_fit_the_contract():
    """pluggy finds all of them, and no argument that the contract does not have."""
    import pluggy

    from connector import hookspecs

    manager = pluggy.PluginManager("connector")
    manager.add_hookspecs(hookspecs)
    manager.register(woocommerce, "woocommerce")
    manager.check_pending()
    assert {caller.name for caller in manager.get_hookcallers(woocommerce)} == HOOKS
    assert hookimpl is not None


def test_facts_21_and_22_who_mails_what():
    """The e-mails of a default installation: not the customer's on cancelling, not the shop's on shipping or refunding."""
    tells = woocommerce.describe().capabilities.tells
    assert (DutyEvent.CANCELLED, Person.CUSTOMER) not in tells
    assert (DutyEvent.CANCELLED, Person.MERCHANT) in tells
    assert {event for event, person in tells if person is Person.MERCHANT} == {DutyEvent.CONFIRMED, DutyEvent.CANCELLED}
    assert {event for event, person in tells if person is Person.CUSTOMER} == {
        DutyEvent.CONFIRMED,
        DutyEvent.ON_HOLD,
        DutyEvent.SHIPPED,
        DutyEvent.REFUNDED,
    }


def test_every_kind_of_effect_can_be_looked_up():
    """All are LOOKUP with a settle time, and find_effect knows each."""
    info = woocommerce.describe()
    assert set(info.effects) == set(woocommerce.FINDERS)
    assert all(rule.vendor is EffectClass.LOOKUP and rule.settle_s > 0 for rule in info.effects.values())


def test_describing_imports_no_client():
    """`woocommerce` and `requests` are loaded when a call is made, not before."""
    code = (
        "import sys; from connector.plugins import woocommerce as w; w.describe();"
        "print([m for m in ('woocommerce', 'requests') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_it_imports_only_public_names():
    """From `connector` itself and from its own folder, nothing else of the package."""
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 1 or (not (node.module or "").startswith("connector.") and node.level == 0), (
                    path.name,
                    node.module,
                )
            if isinstance(node, ast.Import):
                assert not any(alias.name.startswith("connector") for alias in node.names)


BAD = [
    {"url": "shop.example"},
    {"url": "https://user:pw@shop.example"},
    {"url": "https://shop.example/?a=1"},
    {"consumer_key": "cs_swapped"},
    {"consumer_secret": "ck_swapped"},
    {"page_size": 101},
    {"page_size": 0},
    {"tracking_note": "all"},
    {"statuses": {"packed": "half"}},
    {"colour": "red"},
]


@pytest.mark.parametrize("change", BAD)
def test_a_wrong_configuration_is_refused(change):
    """Swapped keys, an address without scheme, a page that the shop would refuse (fact 4), unknown keys."""
    with pytest.raises(ConfigError):
        make_context(woocommerce, CONFIG | change)


def test_every_key_is_described_and_secrets_are_marked():
    """The Struct is the only declaration: `init` and the hub show its texts, and hide what is secret."""
    schema = msgspec.json.schema(woocommerce.Config)["$defs"]["Config"]["properties"]
    assert all(field.get("description") for field in schema.values())
    secret = {name for name, field in _metas().items() if (field.extra or {}).get("secret")}
    assert secret == {"consumer_key", "consumer_secret", "webhook_secret"}


def _metas():
    hints = msgspec.inspect.type_info(woocommerce.Config)
    return {field.name: field.type for field in hints.fields if isinstance(field.type, msgspec.inspect.Metadata)}


def test_currencies_are_known():
    """The table of exponents has what the recordings use."""
    assert {"USD", "EUR"} <= set(EXPONENTS)
