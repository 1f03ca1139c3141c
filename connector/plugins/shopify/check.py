"""Looking whether an account works. Reads only."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from connector import EXPONENTS, Check, CheckResult, ConfigError, ConnectorError, Context

from . import versions
from .client import ask, query
from .config import config
from .orders import ALL_ORDERS
from .poll import date_of
from .webhooks import COMPLIANCE, NO_SECRET_FIX, TOPICS, listed

# What operations and webhooks of this plugin need (their documentation, 2026-07). A write scope brings its read scope with it.
# Without one of the three about fulfillment orders, Shopify hides those orders without a word.
NEEDED = (
    "write_orders",
    "read_customers",
    "read_products",
    "write_inventory",
    "read_locations",
    "write_merchant_managed_fulfillment_orders",
    "write_assigned_fulfillment_orders",
    "write_third_party_fulfillment_orders",
    "read_fulfillments",
    "read_payment_terms",
)
SKEW_BAD_S = 120  # the poll steps back so far behind the newest change
SCOPES_FIX = "Dev Dashboard > your app > Versions: add them, release, and approve them in the shop (Settings > Apps)."


def check(ctx: Context) -> list[Check]:
    """In the order in which a person would put it right. Without a working token there is nothing more to look at."""
    try:
        versions.endpoint(config(ctx).site)
    except ConfigError as problem:
        return [_failed("ShopifyAPI", problem)]
    checks = [_address(ctx)]
    try:
        answer = ask(ctx, "Shop", {}, "read the shop")
    except ConnectorError as problem:
        return [*checks, _failed("access", problem)]
    shop, scopes = answer.data["shop"], {one["handle"] for one in answer.data["currentAppInstallation"]["accessScopes"]}
    checks += [_access(ctx, shop), _scopes(scopes), _history(scopes)]
    checks += [versions.check(answer.headers, ctx.now()), _clock(answer.headers), _plan(shop), _currency(shop)]
    looks: tuple[tuple[str, Callable[[Context], Check]], ...] = (("orders", _orders), ("webhooks", _webhooks))
    for name, look in looks:
        try:
            checks.append(look(ctx))
        except ConnectorError as problem:
            checks.append(_failed(name, problem))
    return checks


def _failed(name: str, problem: ConnectorError) -> Check:
    fix = "Do what it says, then check again." if isinstance(problem, ConfigError) else "Try again; shopifystatus.com may help."
    return Check(name=name, result=CheckResult.FAILED, text=str(problem), fix=fix)


def _address(ctx: Context) -> Check:
    """Only the shop's address at Shopify has an API. The `ShopifyAPI` package knows what such an address looks like."""
    from shopify.utils import shop_url

    shop = config(ctx).shop
    if config(ctx).api_url:
        text = f"The API is asked for at {config(ctx).api_url}, a simulated shop."
        return Check(name="address", result=CheckResult.OK, text=text)
    if shop_url.sanitize_shop_domain(shop) == shop:
        return Check(name="address", result=CheckResult.OK, text=f"{shop}.")
    text = f"{shop} is the domain that customers see; the API is only at the shop's address at Shopify."
    fix = "Set `shop` to the address that ends in .myshopify.com (Settings > Domains in the admin)."
    return Check(name="address", result=CheckResult.FAILED, text=text, fix=fix)


def _access(ctx: Context, shop: Mapping[str, Any]) -> Check:
    settings, said = config(ctx), str(shop["myshopifyDomain"])
    how = "a static token" if settings.access_token else "tokens that are renewed each day"
    if said == settings.shop or settings.api_url:
        return Check(name="access", result=CheckResult.OK, text=f"{shop['name']} ({said}) lets us in, with {how}.")
    text = f"The token belongs to {said}, but the account says {settings.shop}."
    return Check(name="access", result=CheckResult.FAILED, text=text, fix=f'Set shop = "{said}", or use the other token.')


def _scopes(granted: set[str]) -> Check:
    from shopify import ApiAccess

    allowed = ApiAccess(one for one in granted if ApiAccess.SCOPE_RE.match(one))
    missing = [scope for scope in NEEDED if not allowed.covers(ApiAccess(scope))]
    if missing:
        text = f"The app lacks access scopes: {', '.join(missing)}."
        return Check(name="access scopes", result=CheckResult.FAILED, text=text, fix=SCOPES_FIX)
    return Check(name="access scopes", result=CheckResult.OK, text="The app may do all that we need.")


def _history(granted: set[str]) -> Check:
    if ALL_ORDERS in granted:
        return Check(name="history", result=CheckResult.OK, text="All orders can be read.")
    text = f"History starts 60 days back: without the access scope {ALL_ORDERS}, Shopify shows no older orders."
    fix = f"If that is not enough, add {ALL_ORDERS}. {SCOPES_FIX}"
    return Check(name="history", result=CheckResult.WARNING, text=text, fix=fix)


def _clock(headers: Mapping[str, str]) -> Check:
    sent = date_of(headers)
    if sent is None:
        return Check(name="clock", result=CheckResult.OK, text="Shopify does not say what time it has.")
    skew = round(abs(sent.timestamp() - time.time()))
    text = f"Shopify's clock and ours are {skew} s apart."
    if skew < SKEW_BAD_S:
        return Check(name="clock", result=CheckResult.OK, text=text)
    return Check(name="clock", result=CheckResult.WARNING, text=text, fix="Set the clock of this machine (NTP).")


def _plan(shop: Mapping[str, Any]) -> Check:
    plan = shop["plan"]
    kind = "a test store: no real money moves" if plan["partnerDevelopment"] else "a real store"
    return Check(name="plan", result=CheckResult.OK, text=f"{plan['publicDisplayName']}, {kind}.")


def _currency(shop: Mapping[str, Any]) -> Check:
    currency = str(shop["currencyCode"])
    if currency in EXPONENTS:
        return Check(name="currency", result=CheckResult.OK, text=f"{currency}.")
    text = f"The shop's currency {currency!r} is unknown."
    return Check(name="currency", result=CheckResult.WARNING, text=text, fix="Update order-connector.")


def _orders(ctx: Context) -> Check:
    found = query(ctx, "OldestOrder", {}, "read orders")["orders"]["nodes"]
    text = f"Orders can be read, back to {found[0]['createdAt'][:10]}." if found else "Orders can be read; there are none yet."
    return Check(name="orders", result=CheckResult.OK, text=text)


def _webhooks(ctx: Context) -> Check:
    name = "webhooks"
    if not config(ctx).signing_secret:
        text = "There is no secret to verify webhooks with: news comes by polling only, up to a minute late."
        return Check(name=name, result=CheckResult.WARNING, text=text, fix=NO_SECRET_FIX)
    there = {str(hook.get("topic")) for hook in listed(ctx)}
    missing = [topic.name for topic in TOPICS if topic.enum not in there]
    if missing:
        fix = "They are made when `connector run` starts with a public address."
        return Check(name=name, result=CheckResult.WARNING, text=f"Not there (yet): {', '.join(missing)}.", fix=fix)
    text = f"All {len(TOPICS)} are there. Those about people's data ({', '.join(COMPLIANCE)}) are set in the app itself."
    return Check(name=name, result=CheckResult.OK, text=text)
