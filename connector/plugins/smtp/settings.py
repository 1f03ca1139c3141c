"""The keys of an account, and what they mean: addresses, language, time zone."""

from __future__ import annotations

import re
import unicodedata
from email.headerregistry import Address as MailAddress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec

from connector import ConfigError, Context

from .words import line

if TYPE_CHECKING:
    from babel import Locale

Mails = Annotated[tuple[str, ...], msgspec.Meta(description="E-mail addresses.")]


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of an account with `plugin = "smtp"`."""

    host: Annotated[str, msgspec.Meta(description="The mail server.", min_length=1)]
    sender: Annotated[str, msgspec.Meta(description='Who the mail is from: "Shop <shop@example.com>".', min_length=3)]
    port: Annotated[int, msgspec.Meta(description="587 for starttls, 465 for tls.", ge=1, le=65535)] = 587
    security: Annotated[Literal["starttls", "tls", "none"], msgspec.Meta(description="How the connection is encrypted.")] = (
        "starttls"
    )
    user: Annotated[str, msgspec.Meta(description="Leave empty if the server asks for none.")] = ""
    password: Annotated[str, msgspec.Meta(description="The user's password.", extra={"secret": True})] = ""
    reply_to: Annotated[str, msgspec.Meta(description="Where customers' answers go, if not to the sender.")] = ""
    merchant_to: Annotated[Mails, msgspec.Meta(description="Who in the shop is told.")] = ()
    bcc: Annotated[Mails, msgspec.Meta(description="Who else gets a copy of what customers get, unseen.")] = ()
    shop_name: Annotated[str, msgspec.Meta(description="The shop as customers know it, if not the sender's name.")] = ""
    language: Annotated[str, msgspec.Meta(description='Language and country of dates and sums: "en-GB".')] = "en"
    time_zone: Annotated[str, msgspec.Meta(description='In which dates are written: "Europe/Berlin".')] = "UTC"
    prices_with_tax: Annotated[bool, msgspec.Meta(description="Show prices with tax in them, not tax apart.")] = False
    templates_dir: Annotated[
        str, msgspec.Meta(description="A folder with templates of your own, by language in folders (de/). Others stay ours.")
    ] = ""


def at(ctx: Context) -> str:
    """Where a person changes it."""
    return f"[accounts.{ctx.account.name}]"


def own(ctx: Context, key: str) -> tuple[MailAddress, ...]:
    """The addresses under one key of the account. Raises ConfigError."""
    value = getattr(ctx.account.config, key)
    found = []
    for text in (value,) if isinstance(value, str) else value:
        if not text and key == "reply_to":
            continue
        named = re.fullmatch(r'\s*"?([^"<>]*?)"?\s*<([^<>]+)>\s*', text)
        try:
            found.append(mail_address(named[2], line(named[1], 60)) if named else mail_address(text, ""))
        except ValueError:
            raise ConfigError(f'{at(ctx)} {key} = "{text}" is no address; write "Shop <shop@example.com>".') from None
    return tuple(found)


def mail_address(spec: str, name: str) -> MailAddress:
    """Raises ValueError where `spec` is not exactly one address. International domains become what mail servers know."""
    parts = re.fullmatch(r'([^\s@<>(),;:\\"\[\]]{1,64})@([^\s@<>(),;:\\"\[\]]{1,253})', spec.strip())
    if not parts or any(unicodedata.category(c)[0] == "C" for c in spec.strip()):
        raise ValueError("not an address")
    domain = parts[2].encode("idna").decode("ascii")
    return MailAddress(display_name=name, username=parts[1], domain=domain)


def languages(config: Config) -> set[str]:
    """What there are texts in: the account's own language, and every folder of translations."""
    own = Path(config.templates_dir)
    folders = [path.name for path in own.iterdir() if path.is_dir()] if config.templates_dir and own.is_dir() else []
    return {config.language, *folders}


def locale_for(ctx: Context, wanted: str) -> Locale:
    """The customer's, if there are texts in that language, else the account's."""
    config: Config = ctx.account.config
    own = _parse_locale(config.language)
    if own is None:
        raise ConfigError(f'{at(ctx)} language = "{config.language}" is not known; write "en", "de-AT" or the like.')
    theirs = _parse_locale(wanted)
    known = {parsed.language for tag in languages(config) if (parsed := _parse_locale(tag))}
    return theirs if theirs and theirs.language in known else own


def _parse_locale(tag: str) -> Locale | None:
    from babel import Locale, UnknownLocaleError

    for candidate in (tag.replace("_", "-"), re.split("[-_]", tag)[0]):
        try:
            return Locale.parse(candidate, sep="-")
        except (ValueError, TypeError, UnknownLocaleError):
            continue
    return None


def zone(ctx: Context) -> ZoneInfo:
    try:
        return ZoneInfo(ctx.account.config.time_zone)
    except (ValueError, OSError, KeyError):
        raise ConfigError(f'{at(ctx)} time_zone = "{ctx.account.config.time_zone}" is not known.') from None
