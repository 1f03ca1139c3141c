"""What `init` asks of a shop beyond what its plugin requires: how it lets us in, where there are several ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import click

SHOPIFY = "myshopify.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """`keys` of the account, all of them for the environment; `says`: what somebody has who takes this way."""

    keys: tuple[str, ...]
    says: str


# None of these keys is required for itself, so the plugin's declaration does not say that one set of them is.
WAYS: Mapping[str, Mapping[str, Way]] = {
    "shopify": {
        "app": Way(keys=("client_id", "client_secret"), says="an app of the Dev Dashboard, with client id and client secret"),
        "token": Way(keys=("access_token", "webhook_secret"), says="a custom app with an access token (shpat_...)"),
    }
}


def way_in(platform: str, way: str | None, *, asking: bool) -> Way | None:
    """The way that was said, or asked for, or else the first. None: this platform has one way only."""
    ways = WAYS.get(platform, {})
    if way is not None and way not in ways:
        there = f"; there is {' and '.join(ways)}" if ways else f": {platform} has one way only"
        raise click.UsageError(f"--by {way}: no such way{there}")
    if not ways:
        return None
    if way is None and asking:
        click.echo("\n" + "\n".join(f"{name}: {one.says}" for name, one in ways.items()))
        way = click.prompt("How does the shop let us in?", type=click.Choice([*ways]), default=next(iter(ways)))
    return ways[way or next(iter(ways))]


def address(platform: str, text: str) -> str:
    """What somebody typed or copied, as the account wants it: shop.example.com/ is https://shop.example.com.

    Raises:
        UsageError: it is the domain that customers see, and Shopify's API is not there.
    """
    text = text.strip().rstrip("/")
    if platform == "shopify":
        return _shopify(text)
    return text if "://" in text or "." not in text else f"https://{text}"


def _shopify(text: str) -> str:
    """example.myshopify.com, also out of the admin's address: https://admin.shopify.com/store/example/orders."""
    host, _, path = text.lower().partition("://")[2 if "://" in text else 0].partition("/")
    if host == "admin.shopify.com":
        host = path.removeprefix("store/").partition("/")[0]
    if "." not in host:
        host = f"{host}.{SHOPIFY}"
    if not host.endswith(f".{SHOPIFY}") or host.startswith("."):
        raise click.UsageError(
            f"--url {host}: that is no address of a shop at Shopify. It ends in .{SHOPIFY} and stands in the admin under "
            "Settings > Domains; the domain that customers see does not work."
        )
    return host
