"""Looking whether an account works. Reads only; the one POST is an empty batch."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from connector import EXPONENTS, Check, CheckResult, ConfigError, ConnectorError, Context

from . import mails, status, ways
from .client import KEYS_PAGE, Answer, date_header, may_write, read
from .config import config
from .webhooks import SECRET_FIX, listed

TRIED_WITH = (8, 0)  # older ones lack parts of what we read; recorded with 10.5.2
SKEW_BAD_S = 300  # of the 900 s that WooCommerce allows for signed requests
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def check(ctx: Context) -> list[Check]:
    """In the order in which a person would put it right. Without a working key there is nothing more to look at."""
    checks = [_address(ctx)]
    try:
        answer = read(ctx, "orders", "read orders", per_page=1, _fields="id")
    except ConnectorError as problem:
        return [*checks, _failed("orders", problem)]
    checks.append(Check(name="orders", result=CheckResult.OK, text="The key may read orders."))
    checks.append(_clock(answer))
    rest: tuple[tuple[str, Callable[[Context], list[Check]]], ...] = (
        ("writing", _writing),
        ("WooCommerce", _system),
        ("payment gateways", _gateways),
        ("tracking numbers", lambda ctx: [_tracking(ctx, _some_order(answer))]),
        ("statuses", status.check_words),
        ("webhooks", _webhooks),
        ("mails", mails.checks),
    )
    for name, look in rest:
        try:
            checks += look(ctx)
        except ConnectorError as problem:
            checks.append(_failed(name, problem))
    return checks


def _failed(name: str, problem: ConnectorError) -> Check:
    fix = "Do what it says, then check again." if isinstance(problem, ConfigError) else "Try again; if it stays, ask the host."
    return Check(name=name, result=CheckResult.FAILED, text=str(problem), fix=fix)


def _address(ctx: Context) -> Check:
    url = urlsplit(config(ctx).url)
    if url.scheme == "https" or url.hostname in LOOPBACK:
        return Check(name="address", result=CheckResult.OK, text=f"{config(ctx).url}")
    text = "The shop is addressed by http: anyone on the way can read orders (the keys themselves are only signed with)."
    return Check(
        name="address",
        result=CheckResult.WARNING,
        text=text,
        fix="Use https in `url`; get the shop a certificate if it has none.",
    )


def _clock(answer: Answer) -> Check:
    sent = date_header(answer.headers)
    if sent is None:
        return Check(name="clock", result=CheckResult.OK, text="The shop does not say what time it has.")
    skew = round(abs(sent.timestamp() - time.time()))
    if skew < SKEW_BAD_S:
        return Check(name="clock", result=CheckResult.OK, text=f"The shop's clock and ours are {skew} s apart.")
    fix = "Set the clock of this machine, or have the host set the shop's (NTP). At 15 minutes signed requests are refused."
    return Check(name="clock", result=CheckResult.WARNING, text=f"The shop's clock and ours are {skew} s apart.", fix=fix)


def _writing(ctx: Context) -> list[Check]:
    """The Allow header names POST for a read-only key too (recorded), so something has to be sent: an empty batch."""
    name, fix = "writing", f"Look in {KEYS_PAGE} whether the key says Read/Write."
    try:
        may_write(ctx)
    except ConfigError as problem:
        return [Check(name=name, result=CheckResult.FAILED, text=str(problem), fix=fix)]
    except ConnectorError as problem:
        return [
            Check(
                name=name, result=CheckResult.WARNING, text=f"It cannot be told whether the key may write: {problem}", fix=fix
            )
        ]
    return [Check(name=name, result=CheckResult.OK, text="The key may write.")]


def _system(ctx: Context) -> list[Check]:
    body = read(ctx, "system_status", "read the system status", _fields="environment,settings").body
    environment, settings = _part(body, "environment"), _part(body, "settings")
    return [_version(str(environment.get("version", ""))), _money(settings), *_cron(environment)]


def _part(body: Any, name: str) -> dict[str, Any]:
    part = body.get(name) if isinstance(body, dict) else None
    return part if isinstance(part, dict) else {}


def _version(version: str) -> Check:
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    if numbers >= TRIED_WITH:
        return Check(name="WooCommerce", result=CheckResult.OK, text=f"Version {version}.")
    said = f"Version {version}" if version else "The version cannot be read"
    return Check(name="WooCommerce", result=CheckResult.WARNING, text=f"{said}; tried with 10.5.", fix="Update WooCommerce.")


def _money(settings: dict[str, Any]) -> Check:
    currency, places = str(settings.get("currency", "")), settings.get("number_of_decimals")
    if currency not in EXPONENTS:
        fix = "Set the currency in WooCommerce > Settings > General."
        return Check(name="currency", result=CheckResult.WARNING, text=f"The shop's currency {currency!r} is unknown.", fix=fix)
    if isinstance(places, int) and places > EXPONENTS[currency]:
        text = (
            f"Prices have {places} decimals, but {currency} has {EXPONENTS[currency]}: "
            "sums are rounded half up when orders are read."
        )
        fix = f"Nothing, if you need such prices. Else set the number of decimals to {EXPONENTS[currency]}."
        return Check(name="currency", result=CheckResult.WARNING, text=text, fix=fix)
    return Check(name="currency", result=CheckResult.OK, text=f"{currency}.")


def _cron(environment: dict[str, Any]) -> list[Check]:
    if environment.get("wp_cron") is not False:
        return []
    text = (
        "WP-Cron is switched off in the shop: without a cron job of the host, no webhook is ever delivered (polling goes on)."
    )
    return [
        Check(
            name="cron", result=CheckResult.WARNING, text=text, fix="Ask the host for a cron job on wp-cron.php, each minute."
        )
    ]


def _gateways(ctx: Context) -> list[Check]:
    doing = "read the payment gateways"
    used = [row for row in read(ctx, "payment_gateways", doing).rows(ctx, doing) if row.get("enabled") is True]
    able = [str(row["id"]) for row in used if "refunds" in row.get("method_supports", ())]
    unable = [str(row["id"]) for row in used if "refunds" not in row.get("method_supports", ())]
    by_hand = f" By hand: {', '.join(unable)}." if unable else ""
    if able:
        return [Check(name="payment gateways", result=CheckResult.OK, text=f"Refunds by: {', '.join(able)}.{by_hand}")]
    fix = "Nothing to do if that is meant; each refund becomes a task for a person."
    text = f"No payment gateway of this shop can refund.{by_hand}"
    return [Check(name="payment gateways", result=CheckResult.WARNING, text=text, fix=fix)]


def _some_order(answer: Answer) -> str:
    """Any order will do, and one that does not exist as well: it is the address that is looked for."""
    rows = answer.body if isinstance(answer.body, list) else []
    return str(rows[0].get("id", 0)) if rows and isinstance(rows[0], dict) else "0"


def _tracking(ctx: Context, platform_id: str) -> Check:
    """Looked up anew each time, and remembered: what was switched on in the shop is used from here on."""
    name = "tracking numbers"
    choice = ways.look(ctx, platform_id)
    if not ways.is_there(ctx, choice.way, platform_id):
        text = f"They are to go to {ways.CALLED[choice.way]} ({choice.why}), which the shop does not have."
        return Check(name=name, result=CheckResult.FAILED, text=text, fix=f'{ways.FIX[choice.way]}, or set tracking = "auto".')
    return Check(name=name, result=CheckResult.OK, text=f"They go to {ways.CALLED[choice.way]}: {choice.why}.")


def _webhooks(ctx: Context) -> list[Check]:
    if not config(ctx).webhook_secret:
        text = "There is no webhook_secret: news comes by polling only, up to a minute late."
        return [Check(name="webhooks", result=CheckResult.WARNING, text=text, fix=SECRET_FIX)]
    ours = [hook for hook in listed(ctx) if str(hook.get("topic", "")).startswith("order.")]
    off = [f"{hook['topic']} (id {hook['id']})" for hook in ours if hook.get("status") != "active"]
    if off:
        fix = "They come on again when `connector run` starts; look in WooCommerce > Status > Logs why deliveries failed."
        return [Check(name="webhooks", result=CheckResult.WARNING, text=f"Switched off: {', '.join(off)}.", fix=fix)]
    if not ours:
        fix = "They are made when `connector run` starts with a public address."
        return [Check(name="webhooks", result=CheckResult.WARNING, text="There are no webhooks about orders yet.", fix=fix)]
    return [Check(name="webhooks", result=CheckResult.OK, text=f"{len(ours)} webhooks about orders are active.")]
