"""`connector init`: the configuration, a key, the database, and the first shop."""

from __future__ import annotations

import os
import re
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from . import out
from .init_files import add_account, add_to_dotenv, new_file, readable
from .init_ways import WAYS, Way, address, way_in

if TYPE_CHECKING:
    from ..config_table import Key
    from ..registry import Registry

# An optional secret of this name is of our own making: the shop signs its webhooks with it. Not where there are several ways
# in: what signs is then part of the way.
MADE_UP = "webhook_secret"


@click.command(short_help="Begin here: configuration, database and your first shop.")
@click.option("--platform", metavar="PLUGIN", help='What the shop runs on: "woocommerce" or "shopify".')
@click.option("--url", metavar="URL", help="The shop's address.")
@click.option("--by", "way", metavar="WAY", help='Shopify: by an "app" (client id and secret) or a "token".  [default: app]')
@click.option("--name", metavar="NAME", help="What to call the shop.  [default: from its address]")
@out.json_option
@click.pass_obj
def init(config: Path, platform: str | None, url: str | None, way: str | None, name: str | None, as_json: bool) -> None:
    """Begin here: writes connector.toml and .env, makes the database, and adds a shop.

    Run it again to add another shop. What stands in the files already is never changed.
    """
    made = new_file(config)
    new_key = add_to_dotenv(config, {"CONNECTOR_SECRET_KEY": secrets.token_urlsafe(32)}, unless=os.environ)
    account = _account(config, platform, url, name, way=way, as_json=as_json)
    with out.progress("making the database"):
        version = _database(config)
    missing = _missing(config)
    if as_json:
        document = {"config": str(config), "new": made, "database": version, "account": account, "missing": missing}
        out.show_json(document)
    else:
        _tell(config, account, missing, made=made)
    if new_key:
        out.note("Keep a copy of CONNECTOR_SECRET_KEY in a safe place: without it the customers' data cannot be read.")


def _database(config: Path) -> str:
    """Make the database, or bring it up to date. Secrets of accounts may still be missing."""
    from ..store import migrate
    from ..store.database import Database

    database = Database(readable(config).connector.database_url)
    try:
        return migrate.upgrade(database)[1]
    finally:
        database.close()


def _missing(config: Path) -> list[str]:
    """Names of environment variables that the file wants and nobody has set."""
    from .init_files import wanted, written

    there = {**written(config.parent / ".env"), **os.environ}
    return [name for name in wanted(config) if not there.get(name)]


# --- the shop ---------------------------------------------------------------------------------------------------------


def _account(
    config: Path, platform: str | None, url: str | None, name: str | None, *, way: str | None, as_json: bool
) -> dict[str, str] | None:
    """Add the account that was asked for. None if none was."""
    from ..model.events import PluginKind
    from ..registry import load

    registry, asking = load(_without_accounts(config)), not as_json and sys.stdin.isatty()
    shops = sorted(plugin for plugin, info in registry.infos.items() if PluginKind.PLATFORM in info.kinds)
    if platform is None and (url or name or way):
        raise click.UsageError(f"--platform is missing: {' or '.join(shops)}")
    if platform is None and asking and not readable(config).accounts and shops:
        platform = click.prompt("What does your shop run on?", type=click.Choice([*shops, "later"]), default=shops[0])
    if platform in (None, "later"):
        return None
    if platform not in shops:
        raise click.UsageError(f'--platform: there is no platform "{platform}"; there is {", ".join(shops) or "none"}')
    let_in = way_in(str(platform), way, asking=asking)
    values = _values(registry, str(platform), url, asking=asking)
    name = _name(config, name, next(iter(values.values()), str(platform)))
    return _added(config, registry, str(platform), name, values, let_in, asking=asking)


def _without_accounts(config: Path) -> Any:
    """The settings for looking at plugins: accounts may want secrets that nobody has set yet."""
    from dataclasses import replace

    return replace(readable(config), accounts={})


def _values(registry: Registry, platform: str, url: str | None, *, asking: bool) -> dict[str, str]:
    """What the plugin requires and is no secret. The first of these is the shop's address."""
    values: dict[str, str] = {}
    for key in _keys(registry, platform):
        if key.secret or not key.required:
            continue
        said, url = url, None
        if not said:
            if not asking:
                raise click.UsageError(f"--url is missing: {key.description}")
            click.echo(f"\n{key.description}")
            said = click.prompt(key.name)
        values[key.name] = _fitting(registry, platform, key.name, address(platform, str(said)))
    return values


def _keys(registry: Registry, platform: str) -> list[Key]:
    from ..config_table import keys_of

    struct = registry.infos[platform].config
    return keys_of(struct) if struct else []


def _fitting(registry: Registry, platform: str, key: str, value: str) -> str:
    import msgspec

    struct = registry.infos[platform].config
    kind = next(field.type for field in msgspec.structs.fields(struct) if field.encode_name == key)  # type: ignore[arg-type]
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        about = next(one.description for one in _keys(registry, platform) if one.name == key)
        raise click.UsageError(f"{key} = {out.clean(value)!r} does not fit. {about}") from None
    return value


def _name(config: Path, name: str | None, where: str) -> str:
    """The name that was said, or one from the shop's address that is still free."""
    taken = readable(config).accounts
    if name is not None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
            raise click.UsageError(f"--name {out.clean(name)}: only letters, digits, dot, dash and underscore")
        if name in taken:
            raise click.UsageError(f"--name {name}: there is an account of that name already")
        return name
    host = (urlsplit(where).hostname or where).removeprefix("www.")
    base = re.sub(r"[^a-z0-9-]+", "-", host.split(".")[0].lower()).strip("-") or "shop"
    if base.isdigit():
        base = "shop"
    free = (candidate for candidate in (base, *(f"{base}-{number}" for number in range(2, 1000))) if candidate not in taken)
    return next(free)


def _added(
    config: Path,
    registry: Registry,
    platform: str,
    name: str,
    values: dict[str, str],
    let_in: Way | None,
    *,
    asking: bool,
) -> dict[str, str]:
    account = {"account": name, "id": f"a_{secrets.token_hex(3)}", "plugin": platform}
    keep: dict[str, str] = {}  # variable -> value for .env
    references: dict[str, str] = {}  # key -> variable
    for key in _wanted_keys(registry, platform, let_in):
        references[key.name] = re.sub(r"\W", "_", f"{name}_{key.name}").upper()
        is_ours = key.name == MADE_UP and platform not in WAYS
        keep[references[key.name]] = secrets.token_urlsafe(32) if is_ours else _secret(key, asking=asking)
    add_account(config, account, values, references)
    add_to_dotenv(config, keep, unless=os.environ)
    return account


def _wanted_keys(registry: Registry, platform: str, let_in: Way | None) -> list[Key]:
    """What goes into the environment: the secrets that are required, those of the way in, and the one of our own making."""
    keys = _keys(registry, platform)
    if let_in is not None:
        return [key for key in keys if key.name in let_in.keys or (key.secret and key.required)]
    return [key for key in keys if key.secret and (key.required or key.name == MADE_UP)]


def _secret(key: Key, *, asking: bool) -> str:
    if not asking:
        return ""
    click.echo(f"\n{key.description}")
    how = "not shown; Enter: later" if key.secret else "Enter: later"
    said = click.prompt(f"{key.name} ({how})", hide_input=key.secret, default="", show_default=False)
    return str(said).strip()


# --- telling ----------------------------------------------------------------------------------------------------------


def _tell(config: Path, account: dict[str, str] | None, missing: list[str], *, made: bool) -> None:
    from rich.text import Text

    out.show(f"{'Wrote' if made else 'Kept'} {config}; secrets are in {config.parent / '.env'}; the database is ready.")
    if account is not None:
        out.show(Text.assemble("Added the account ", (account["account"], "bold"), f" ({account['plugin']})."))
    has_shop = bool(readable(config).accounts)
    steps = [f"Put {', '.join(missing)} into {config.parent / '.env'}."] if missing else []
    if has_shop:
        steps += ["connector check        does everything work?", "connector pull         get the orders and review them"]
        steps += ["connector orders list  look at them; nothing leaves before: connector accounts mode ACCOUNT live"]
    else:
        steps += ["connector init --platform woocommerce --url https://YOUR-SHOP    add your shop (or: --platform shopify)"]
    out.heading("Next")
    for number, step in enumerate(steps, 1):
        out.under(f"{number}. {step}")
