"""Which version of Shopify's Admin API is spoken: one place to change, and until when it is served."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from connector import Check, CheckResult, ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = "2026-07"
# Each version is served for at least a year (https://shopify.dev/docs/api/usage/versioning, 2026-11); afterwards Shopify
# answers with the oldest one that it still has, without an error.
SUNSET = date(2027, 7, 1)
WARN_BEFORE = timedelta(days=90)
SERVED = "X-Shopify-API-Version"  # the version that an answer was really made with


def endpoint(site: str) -> str:
    """The address of the GraphQL API of a shop. Raises ConfigError without the `ShopifyAPI` package."""
    try:
        from shopify import ApiVersion
    except ImportError:
        raise ConfigError("the package ShopifyAPI is missing: pip install 'order-connector[shopify]'") from None
    path: str = ApiVersion.coerce_to_version(VERSION).api_path(site)
    return f"{path}/graphql.json"


def check(headers: Mapping[str, str], today: datetime) -> Check:
    """Is the version that we speak the one that answers, and for how long?"""
    name, served = "API version", headers.get(SERVED, VERSION)
    fix = "Update order-connector."
    if served != VERSION:
        text = f"We speak {VERSION}, but Shopify answers with {served}: {VERSION} is not served any more."
        return Check(name=name, result=CheckResult.FAILED, text=text, fix=fix)
    left = SUNSET - today.astimezone(UTC).date()
    if left <= WARN_BEFORE:
        text = f"Version {VERSION} is served until {SUNSET}: {max(left.days, 0)} days from now."
        return Check(name=name, result=CheckResult.WARNING, text=text, fix=fix)
    return Check(name=name, result=CheckResult.OK, text=f"{VERSION}, served until {SUNSET}.")
