"""check, pull, accounts, plugins, db: the install itself."""

from __future__ import annotations

import os
import sqlite3
import stat

import pytest

from connector.config_table import keys_of
from connector.plugins.woocommerce.config import Config as WooCommerce

from .conftest import SECRET, TOKEN, Install, at_a_terminal

# --- check ------------------------------------------------------------------------------------------------------------


def test_everything_works(shop):
    """Exit code 0; what is not configured is a warning with what to do."""
    document = shop.json("check")

    assert document["ok"] is True
    assert {one["about"] for one in document["checks"]} == {"here", "shop", "office", "post"}
    (webhooks,) = [one for one in document["checks"] if one["check"] == "webhooks"]
    assert (webhooks["result"], webhooks["fix"][:14]) == ("warning", "Set public_url")
    assert shop.run("check").stdout.endswith("Everything works, with 1 warning.\n")


def test_one_account_alone(shop):
    """The others are not asked."""
    assert {one["about"] for one in shop.json("check", "post")["checks"]} == {"here", "post"}


def test_a_check_that_fails(shop):
    """Exit code 1 with the plugin's own advice."""
    shop.mood(check="wrong")

    result = shop.run("check", code=1)

    assert "Make a new key." in result.stdout
    assert "2 checks failed" in result.stdout


def test_a_shop_that_does_not_answer(shop):
    """Exit code 3, and the other accounts are checked all the same."""
    shop.mood(check="down")

    document = shop.json("check", code=3)

    assert [one["about"] for one in document["checks"] if one["unreachable"]] == ["shop", "office"]
    assert "post" in {one["about"] for one in document["checks"]}


def test_a_wrong_configuration(shop):
    """Exit code 2, one line, no secret in it."""
    shop.config.write_text(shop.config.read_text().replace("carriers", "carrier"))

    result = shop.run("check", code=2)

    assert 'did you mean "carriers"?' in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_two_accounts_of_one_shop(shop):
    """Every order would be worked on twice."""
    with shop.config.open("a") as file:
        file.write(
            '\n[accounts.twin]\nplugin = "fakeshop"\nid = "a9"\nurl = "file://world.json"\ntoken = { env = "SHOP_TOKEN" }\n'
        )

    failed = [one for one in shop.json("check", "shop", code=1)["checks"] if one["result"] == "failed"]

    assert any(one["text"].startswith("twin is an account of the same shop") for one in failed)


def test_a_dotenv_that_others_may_read(shop):
    """A warning with the command that mends it."""
    (shop.folder / ".env").chmod(0o644)

    (found,) = [one for one in shop.json("check")["checks"] if one["check"] == ".env"]

    assert found["result"] == "warning"
    assert found["fix"].startswith("chmod 600")


# --- pull -------------------------------------------------------------------------------------------------------------


def test_pull_sums_up(empty):
    """How many were looked at, how many are new, and where they went; a second time nothing is new."""
    empty.buy({"id": "1"}, {"id": "2", "paid": False})

    first, second = empty.json("pull", "shop"), empty.json("pull", "shop")

    (shop,) = first["accounts"]
    assert (shop["seen"], shop["changed"]) == (2, 2)
    assert shop["stages"] == {"processing": 1, "on_hold": 1}
    assert [problem["order"] for problem in shop["problems"]] == ["shop/1", "shop/2"]
    assert second["accounts"][0]["changed"] == 0


def test_one_shop_that_is_down_hides_no_other(shop):
    """Exit code 3; it is named, and the rest is done."""
    down = shop.world("world")
    down["moods"]["poll"] = "down"
    shop.change("world", down)
    now = shop.world("office")
    now["orders"] = [{"id": "5"}]
    shop.change("office", now)

    document = shop.json("pull", code=3)

    assert [(one["account"], one["seen"]) for one in document["accounts"]] == [("shop", 0), ("office", 1)]
    assert "nobody answers" in document["accounts"][0]["error"]
    assert "nobody answers" in shop.run("pull", code=3).stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [(("post",), "no shop that can be asked"), (("nope",), "there is no account"), (("--since", "soon"), "write a day like")],
)
def test_pull_wrongly(shop, words, said):
    """Exit code 2."""
    assert said in shop.run("pull", *words, code=2).stderr


def test_pull_since(shop):
    """A day or a time."""
    assert shop.json("pull", "--since", "2026-11-01")["accounts"][0]["seen"] == 3
    assert shop.json("pull", "--since", "2026-11-01T08:30+02:00")["accounts"][0]["seen"] == 3


def test_pull_since_goes_on_where_it_was_stopped(empty):
    """A shop that goes down in the middle is named; what came stays, and the next time the rest comes."""
    empty.buy(*({"id": str(number)} for number in range(1, 6)))
    empty.mood(**{"import": "down"})

    (cut,) = empty.json("pull", "shop", "--since", "2020-01-01", code=3)["accounts"]
    empty.mood(**{"import": None})
    (rest,) = empty.json("pull", "shop", "--since", "2020-01-01")["accounts"]

    assert (cut["seen"], cut["changed"]) == (2, 2)
    assert "nobody answers" in cut["error"]
    assert (rest["seen"], rest["changed"], rest["error"]) == (5, 3, "")
    assert len(empty.json("orders", "list")["orders"]) == 5


def test_pull_since_shows_how_far_it_is_to_a_person_only(empty):
    """A bar at a terminal, and nothing of it in a pipe."""
    empty.buy(*({"id": str(number)} for number in range(1, 6)))
    piped = empty.process("pull", "shop", "--since", "2020-01-01")
    code, seen = at_a_terminal(empty, "pull", "shop", "--since", "2020-01-01", answers={})

    assert (piped.returncode, piped.stderr) == (0, "")
    assert code == 0
    assert "bringing in the orders of shop" in seen


def test_pull_before_there_is_a_shop(tmp_path):
    """It says how to add one."""
    install = Install(folder=tmp_path)
    install.run("init")

    assert "connector init --platform" in install.run("pull", code=2).stderr


# --- accounts ---------------------------------------------------------------------------------------------------------


def test_a_new_account_is_in_shadow(empty):
    """Nothing leaves before a person says so."""
    accounts = {one["account"]: one for one in empty.json("accounts", "list")["accounts"]}

    assert {one["mode"] for one in accounts.values()} == {"shadow"}
    assert accounts["shop"]["kinds"] == ["platform", "mail"]
    assert empty.run("accounts", "mode", "shop").stdout.startswith("shop is shadow")


def test_going_live_is_confirmed(empty):
    """Where nobody can be asked, --yes says it; it is written down who did."""
    refused = empty.run("accounts", "mode", "shop", "live", code=2)
    done = empty.json("accounts", "mode", "shop", "live", "--yes", "--who", "eve")

    assert "--yes" in refused.stderr
    assert (done["before"], done["mode"]) == ("shadow", "live")
    (shop,) = [one for one in empty.json("accounts", "list")["accounts"] if one["account"] == "shop"]
    assert (shop["mode"], shop["who"]) == ("live", "eve")


def test_going_live_sends_what_was_held_back(empty):
    """Orders that wait for an account are woken by it, also where it is not their own shop but its mail server."""
    empty.buy({"id": "1"}, {"id": "2"})
    empty.run("pull")
    empty.run("accounts", "mode", "shop", "live", "--yes")

    done = empty.json("accounts", "mode", "office", "live", "--yes")
    empty.run("pull")

    assert (done["held_back"], done["woken"]) == (2, 2)
    assert len(empty.happened("notify")) == 4


def test_an_unknown_mode(shop):
    """Exit code 2."""
    assert "alive" in shop.run("accounts", "mode", "shop", "alive", code=2).stderr


# --- plugins ----------------------------------------------------------------------------------------------------------


def test_plugins_before_anything_is_configured(tmp_path, monkeypatch):
    """One can look at what there is before `init`; a configuration that was named must be there."""
    from click.testing import CliRunner

    from connector.cli import cli

    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["plugins", "list"], prog_name="connector")

    assert result.exit_code == 0
    assert "woocommerce" in result.stdout
    assert "there is no such file" in Install(folder=tmp_path).run("plugins", "list", code=2).stderr


def test_plugins_list(shop):
    """With who uses them and where they come from."""
    plugins = {one["plugin"]: one for one in shop.json("plugins", "list")["plugins"]}

    assert plugins["fakeshop"]["accounts"] == ["shop", "office"]
    assert plugins["fakeshop"]["origin"].startswith("plugin file")
    assert plugins["woocommerce"]["accounts"] == []


def test_a_plugin_says_what_it_wants(shop):
    """Every key that it declares is there with its description; secrets are marked and never shown."""
    document = shop.json("plugins", "show", "woocommerce")
    text = shop.run("plugins", "show", "fakeshop").stdout

    assert [key["key"] for key in document["config"]] == [key.name for key in keys_of(WooCommerce)]
    assert all(key["description"] for key in document["config"])
    assert {key["key"] for key in document["config"] if key["secret"]} == {
        "consumer_key",
        "consumer_secret",
        "webhook_secret",
    }
    assert "refund_payment" in document["hooks"]
    assert document["effects"]["refund_payment"]["unknown"] == "lookup"
    assert "text, secret" in text
    assert "only a person can find out" in text
    assert TOKEN not in text


def test_an_unknown_plugin(shop):
    """With the nearest right name."""
    assert 'did you mean "woocommerce"?' in shop.run("plugins", "show", "wocommerce", code=2).stderr


# --- db ---------------------------------------------------------------------------------------------------------------


def test_upgrade_and_check(tmp_path):
    """From nothing to sound."""
    install = Install(folder=tmp_path)
    install.run("init")
    (tmp_path / "connector.db").unlink()

    made, again = install.json("db", "upgrade"), install.json("db", "upgrade")

    assert made["before"] is None
    assert again["before"] == again["after"] == made["after"]
    assert install.json("db", "check") == {"ok": True, "kind": "SQLite", "version": made["after"], "wrong": []}


def test_a_damaged_file(shop):
    """Exit code 1 and what to do, not a traceback."""
    with sqlite3.connect(shop.folder / "connector.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_schema SET rootpage = 3 WHERE name = 'ix_orders_number'")
    connection.close()

    result = shop.run("db", "check", code=None)

    assert result.exit_code in (1, 2)
    assert "Traceback" not in result.stderr


def test_backup_is_the_database(shop):
    """A copy that only we may read, complete, and never over another file without --force."""
    target = shop.folder / "copy.db"

    size = shop.json("db", "backup", str(target))["bytes"]
    refused = shop.run("db", "backup", str(target), code=2)
    shop.run("db", "backup", str(target), "--force")

    assert size == target.stat().st_size
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert "--force" in refused.stderr
    os.replace(target, shop.folder / "connector.db")
    for name in ("connector.db-wal", "connector.db-shm"):
        (shop.folder / name).unlink(missing_ok=True)
    assert len(shop.json("orders", "list")["orders"]) == 3
    assert not (shop.folder / "copy.db.part").exists()


def test_backup_without_a_database_or_a_place_for_it(tmp_path):
    """Exit code 2, and no file is left behind."""
    install = Install(folder=tmp_path)
    install.run("init")

    nowhere = install.run("db", "backup", str(tmp_path / "no" / "copy.db"), code=2)
    (tmp_path / "connector.db").unlink()
    nothing = install.run("db", "backup", str(tmp_path / "copy.db"), code=2)

    assert "could not be copied" in nowhere.stderr
    assert "no database" in nothing.stderr
    assert not (tmp_path / "copy.db").exists()


def test_postgresql_is_backed_up_by_its_own_tool(shop, monkeypatch):
    """Exit code 2 and the name of the tool; the address, which may hold a password, is not repeated."""
    monkeypatch.setenv("CONNECTOR_DATABASE_URL", "postgresql://me:hush@127.0.0.1/orders")

    result = shop.run("db", "backup", "copy.db", code=2)

    assert "pg_dump" in result.stderr
    assert "hush" not in result.stderr
    assert SECRET not in result.stderr


def test_a_shop_without_a_mail_account(shop):
    """It works, but what the shop does not mail itself nobody hears of; and `tells` is repeated in words."""
    file = shop.folder / "connector.toml"
    text = file.read_text("utf-8").replace('mail = "office"\n', "")
    file.write_text(f'{text}\n[accounts.shop.tells]\non_hold = {{customer = "none"}}\n', "utf-8")

    found = {one["check"]: one for one in shop.json("check", "shop")["checks"]}
    assert (found["mail account"]["result"], "[accounts.shop]" in found["mail account"]["fix"]) == ("warning", True)
    assert "on hold to the customer: none" in found["mails as configured"]["text"]
