"""The token that every call carries: a static one, or one of 24 hours that is fetched with the app's id and secret.

https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/client-credentials-grant (2026-11)
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from connector import ConfigError, Context, RemoteError, TryLater

from .config import APPS_PAGE, config

if TYPE_CHECKING:
    from requests import Response

KEPT = "access token"
LOCK = "access token"
RENEW_BEFORE = timedelta(hours=1)  # while the old one still works, so that nobody has to wait for the new one
JUST_MADE = timedelta(minutes=1)
PATIENCE_S, LOOK_AGAIN_S = 3.0, 0.05
DOING = "get an access token"
PAGE = re.compile(r"Oauth error (\w+):? *([^<\n]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token and when it was made and runs out, by the real clock."""

    text: str
    made_at: datetime
    until: datetime

    @property
    def is_fresh(self) -> bool:
        return self.until - datetime.now(UTC) > RENEW_BEFORE


def token(ctx: Context) -> str:
    """The token to send now.

    Raises:
        ConfigError: Shopify does not accept the app's id or secret for this shop. TryLater: it is not answering now.
    """
    if config(ctx).access_token:
        return config(ctx).access_token
    known = _known(ctx)
    if known is not None and known.is_fresh:
        return known.text
    try:
        return _renewed(ctx, known.text if known else "")
    except RemoteError:
        if known is not None:  # it still works for a while, and somebody else may be at it
            return known.text
        raise


def renew(ctx: Context, refused: str) -> str:
    """Another token, after Shopify refused this one. Raises ConfigError where there is no other, or that would not help."""
    if config(ctx).access_token:
        raise ConfigError(_refused_static(ctx))
    return _renewed(ctx, refused)


def _renewed(ctx: Context, old: str) -> str:
    """A token other than `old`; fetched by one process, and found by the others, who wait for it a moment."""
    is_ours = False
    try:
        with ctx.lock(LOCK):
            is_ours = True
            return _another(ctx, old)
    except TryLater:
        found = "" if is_ours else _waited_for(ctx, old)
        if not found:
            raise
        return found


def _another(ctx: Context, old: str) -> str:
    known = _known(ctx)
    if known is not None and known.text != old:
        return known.text
    if known is not None and datetime.now(UTC) - known.made_at < JUST_MADE:
        raise ConfigError(_refused_new(ctx))
    return _fetch(ctx)


def _waited_for(ctx: Context, old: str) -> str:
    """What another process or thread is fetching just now; "" if it takes too long.

    When a connector starts, its poll and its webhooks need the first token at the same time."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        known = _known(ctx)
        if known is not None and known.text != old:
            return known.text
        time.sleep(LOOK_AGAIN_S)
    return ""


def _known(ctx: Context) -> Token | None:
    row = ctx.state.get(KEPT)
    if row is None:
        return None
    kept = json.loads(row.value)
    if kept["for"] != _whose(ctx):  # the configuration names another app or shop by now
        return None
    made_at, until = datetime.fromisoformat(kept["made_at"]), datetime.fromisoformat(kept["until"])
    return Token(text=kept["token"], made_at=made_at, until=until)


def _whose(ctx: Context) -> str:
    settings = config(ctx)
    return sha256(f"{settings.site} {settings.client_id} {settings.client_secret}".encode()).hexdigest()[:16]


def _fetch(ctx: Context) -> str:
    settings, made_at = config(ctx), datetime.now(UTC)
    response = ctx.http.post(
        f"{settings.site}/admin/oauth/access_token",
        json={"grant_type": "client_credentials", "client_id": settings.client_id, "client_secret": settings.client_secret},
        headers={"Accept": "application/json"},
        allow_redirects=False,
        reads=True,
    )
    said = _said(response)
    text, seconds = said.get("access_token"), said.get("expires_in", 86399)
    if response.status_code != 200 or not isinstance(text, str) or not text or not isinstance(seconds, int):
        raise _problem(ctx, response, said)
    until = made_at + timedelta(seconds=seconds)
    kept = {"token": text, "made_at": made_at.isoformat(), "until": until.isoformat(), "for": _whose(ctx)}
    ctx.state.put(KEPT, json.dumps(kept), expires_at=until - timedelta(minutes=1), secret=True)
    return text


def _said(response: Response) -> dict[str, Any]:
    """The JSON, or what the page says that Shopify shows instead: "Oauth error app_not_installed: The application ..."."""
    try:
        said = response.json()
    except ValueError:
        found = PAGE.search(response.text)
        return {"error": found[1], "error_description": found[2]} if found else {}
    return said if isinstance(said, dict) else {}


# --- what a person has to change --------------------------------------------------------------------------------------

# The OAuth errors that Shopify gives here; anything else is shown in its own words.
BECAUSE = {
    "shop_not_permitted": "the app and the shop do not belong to the same organization. Make the app in the Dev Dashboard of "
    "the organization that owns the shop.",
    "app_not_installed": "the app is not installed on this shop. Install it from the Dev Dashboard.",
    "invalid_client": f"`client_id` or `client_secret` is wrong. Copy both again from {APPS_PAGE}.",
    "application_cannot_be_found": f"`client_id` is unknown. Copy it again from {APPS_PAGE}.",
}


def _problem(ctx: Context, response: Response, said: dict[str, Any]) -> ConfigError | TryLater:
    settings, status = config(ctx), response.status_code
    who, error = f"account {ctx.account.name}", str(said.get("error", ""))
    if status == 404 or 300 <= status < 400:
        return ConfigError(no_shop(ctx))
    if error in BECAUSE:
        return ConfigError(f"{who}: {settings.shop} gives us no access token: {BECAUSE[error]}")
    if status in (400, 401, 403) and said:
        words = str(said.get("error_description") or error)[:200]
        return ConfigError(f"{who}: {settings.shop} gives us no access token ({words}). Check client_id and client_secret.")
    text = f"Shopify gives no access token now (HTTP {status})."
    return TryLater(text, after_s=60, account=ctx.account.name, operation=DOING)


def no_shop(ctx: Context) -> str:
    """There is no shop, or no API, at the address."""
    settings = config(ctx)
    return (
        f"account {ctx.account.name}: there is no Shopify API at {settings.site}. Set `shop` to the shop's address at Shopify, "
        "example.myshopify.com (Settings > Domains in the admin), not the domain that customers see."
    )


def _refused_static(ctx: Context) -> str:
    ends = config(ctx).access_token[-4:]
    return (
        f"account {ctx.account.name}: {config(ctx).shop} does not accept `access_token` (ending in {ends}): "
        "it is wrong, of another shop, or the app was uninstalled. Install the app again and copy its new token."
    )


def _refused_new(ctx: Context) -> str:
    return (
        f"account {ctx.account.name}: {config(ctx).shop} does not accept a token that it gave us just now: the app was "
        "uninstalled, or its installation is not finished. Look at the app in the shop's Settings > Apps."
    )
