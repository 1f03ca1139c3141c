"""Where a shop keeps tracking numbers: in the best place that it offers.

WooCommerce's own fulfillments hold lines, number and carrier, and mail the customer with them; a switch of the shop, off by
default (recorded 2026-11-22). The Shipment Tracking plugins (Woo, zorem) hold numbers and put them into WooCommerce's mails
(from documents: https://gist.github.com/woogist/1f6e332791b4fc4a2cb686cfa85ac338,
https://docs.zorem.com/docs/ast-free/add-tracking-to-orders/shipment-tracking-api/, read 2026-11). Order meta and a note work in
every shop.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from connector import ConfigError, Conflict, Context, Refused, Shipment, TryLater

from .client import CORE, NoRoute, read_in
from .config import config


class Way(StrEnum):
    """Spelt as in the configuration, best first."""

    FULFILLMENTS = "fulfillments"
    TRACKINGS = "shipment-tracking"
    META = "meta"


TRACKINGS_SPACE = "wc-shipment-tracking/v3"
PLACES = {
    Way.FULFILLMENTS: (CORE, "orders/{}/fulfillments"),
    Way.TRACKINGS: (TRACKINGS_SPACE, "orders/{}/shipment-trackings"),
}
CALLED = {
    Way.FULFILLMENTS: "WooCommerce's own fulfillments",
    Way.TRACKINGS: "a Shipment Tracking plugin",
    Way.META: "the order's meta, with a note",
}
FIX = {
    Way.FULFILLMENTS: "Switch on fulfillments in the shop (its option woocommerce_feature_fulfillments_enabled)",
    Way.TRACKINGS: "Activate Shipment Tracking or Advanced Shipment Tracking in the shop",
}
ROW = "tracking"
REMEMBERED = timedelta(days=1)
# So long something may lie unsettled in a way that the shop offered before.
MAY_BE_BEGUN = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which way, why, and until when it is not asked again. `used`: every way of this account and when it was last chosen.

    `setting` is the account's `tracking` at that time: another one makes the choice void.
    """

    way: Way
    why: str
    until: datetime
    setting: str = "auto"
    used: dict[Way, datetime] = field(default_factory=dict)


def chosen(ctx: Context, platform_id: str) -> Choice:
    """The way for a shipment of this order. Asks the shop at most once a day. Raises TryLater where it does not answer."""
    known, setting = _known(ctx), config(ctx).tracking
    if known is not None and known.setting == setting and ctx.now() < known.until:
        return known
    return look(ctx, platform_id)


def fit(way: Way, shipment: Shipment) -> Way:
    """The tracking plugins have no place for a parcel without a number."""
    return Way.META if way is Way.TRACKINGS and not shipment.tracking_number else way


def look(ctx: Context, platform_id: str) -> Choice:
    """Ask the shop what it offers, and remember it before anything is sent that way."""
    setting = config(ctx).tracking
    if setting != "auto":
        return _remember(ctx, Way(setting), f'the account says tracking = "{setting}"', REMEMBERED)
    missing: list[str] = []
    is_sure = True
    for way in PLACES:
        try:
            if is_there(ctx, way, platform_id):
                return _remember(ctx, way, "; ".join(missing) or "there is no better way", REMEMBERED)
            missing.append(f"the shop does not have {CALLED[way]}")
        except ConfigError as problem:  # this key may not; another way may do, but it is asked again
            missing.append(f"{CALLED[way]} cannot be used: {problem}")
            is_sure = False
    return _remember(ctx, Way.META, "; ".join(missing), REMEMBERED if is_sure else timedelta(0))


def is_there(ctx: Context, way: Way, platform_id: str) -> bool:
    """Does the shop know the address? Of an order that it does not have it says something else than of an address."""
    if way is Way.META:
        return True
    space, path = PLACES[way]
    try:
        read_in(ctx, space, path.format(platform_id), "look how the shop keeps tracking numbers")
    except NoRoute:
        return False
    except Refused:
        return True
    return True


def instead(ctx: Context, gone: Way, platform_id: str) -> Choice:
    """What the shop offers now that a way has vanished. Raises ConfigError where the account wants this one and no other."""
    if config(ctx).tracking == "auto":
        return look(ctx, platform_id)
    text = f'account {ctx.account.name}: tracking = "{gone}", and the shop does not offer it. {FIX[gone]}'
    raise ConfigError(f'{text}, or set tracking = "auto".')


def others(ctx: Context, choice: Choice) -> list[Way]:
    """Ways that were chosen before, in which something may have been begun."""
    return [way for way, last in choice.used.items() if way is not choice.way and ctx.now() - last < MAY_BE_BEGUN]


# --- remembered -------------------------------------------------------------------------------------------------------


def _known(ctx: Context) -> Choice | None:
    row = ctx.state.get(ROW)
    return None if row is None else _read(row.value)


def _read(text: str) -> Choice:
    told = json.loads(text)
    used = {Way(way): datetime.fromisoformat(last) for way, last in told["used"].items()}
    until = datetime.fromisoformat(told["until"])
    return Choice(way=Way(told["way"]), why=told["why"], until=until, setting=told["setting"], used=used)


def _remember(ctx: Context, way: Way, why: str, time: timedelta) -> Choice:
    """Several workers may do this at once: none of them takes a way out of `used`."""
    now = ctx.now().astimezone(UTC)
    choice = Choice(way=way, why=why, until=now + time, setting=config(ctx).tracking)
    for _ in range(10):
        row = ctx.state.get(ROW)
        before = _read(row.value).used if row is not None else {}
        choice = replace(choice, used={**before, way: now})
        try:
            ctx.state.put(ROW, _written(choice), version=row.version if row is not None else 0)
        except Conflict:
            continue
        return choice
    raise TryLater("how the shop keeps tracking numbers is being looked up by others.", account=ctx.account.name, after_s=1)


def _written(choice: Choice) -> str:
    used = {str(way): last.isoformat() for way, last in choice.used.items()}
    told = {"way": choice.way, "why": choice.why, "until": choice.until.isoformat(), "setting": choice.setting, "used": used}
    return json.dumps(told)
