"""Telling the shop what was shipped, once, in the way it offers; and as order meta with a note where it offers none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connector import CannotTell, ConfigError, Context, Effect, Found, Happened, NotHappened, Order, Shipment

from . import fulfillments, notes, trackings
from .client import NoRoute, write
from .config import config
from .orders import find as find_order
from .orders import must_find
from .parse import order as parse
from .shipments import is_corrected, mark_of, to_customer, told
from .ways import Way, chosen, fit, instead, others

KIND = "push_shipment.meta"


def push_shipment(ctx: Context, order: Order, shipment: Shipment) -> Order | None:
    """Each way is one or more effects, so that a cut between them repeats none of them. The number comes first: whoever reads
    a note or mail finds it. A way that the shop stopped offering has done nothing; the next best is taken."""
    way = _way(ctx, order, shipment)
    for _ in Way:
        try:
            return PUSH[way](ctx, order, shipment)
        except NoRoute:
            if way is Way.META:
                raise
            way = fit(instead(ctx, way, order.platform_id).way, shipment)
    raise ConfigError(f"account {ctx.account.name}: the shop offers and refuses ways to keep tracking numbers in turn.")


def _way(ctx: Context, order: Order, shipment: Shipment) -> Way:
    """Where it was begun, or else where it stands, or else what the shop offers."""
    choice = chosen(ctx, order.platform_id)
    for way in others(ctx, choice):
        if _was_begun(ctx, way, order, shipment):
            return way
    return (_standing(ctx, order, shipment) if is_corrected(shipment) else None) or fit(choice.way, shipment)


class _NotBegun(ConfigError):
    """Nothing was sent that way."""


def _was_begun(ctx: Context, way: Way, order: Order, shipment: Shipment) -> bool:
    """The ledger knows: it settles what was sent and not answered, and asks us to send only what surely did not happen."""

    def nothing(key: str) -> Any:
        raise _NotBegun(f"the shipment {shipment.id} was not told by {way}")

    try:
        ctx.effect(FIRST[way], told(order, shipment), nothing)
    except _NotBegun:
        return False
    return True


def _standing(ctx: Context, order: Order, shipment: Shipment) -> Way | None:
    """The way in which the shop shows the shipment whose number is corrected."""
    for way, holds in HOLDS.items():
        try:
            if holds(ctx, order, shipment):
                return way
        except ConfigError:  # not there, or not for this key
            continue
    return None


# --- order meta, and a note -------------------------------------------------------------------------------------------


def _push_meta(ctx: Context, order: Order, shipment: Shipment) -> Order | None:
    after = _write_meta(ctx, order, shipment)
    if config(ctx).tracking_note != "off":
        notes.write_shipment_note(ctx, order, shipment, to_customer=to_customer(ctx, shipment))
    return parse(after, config(ctx).statuses) if after else None


def _write_meta(ctx: Context, order: Order, shipment: Shipment) -> dict[str, Any] | None:
    answers: list[dict[str, Any]] = []
    doing = f"write the tracking of order {order.platform_id}"
    latest = [True]

    def before() -> dict[str, Any]:
        if is_corrected(shipment):  # the shop's latest number may be another parcel's by now
            shown = _value(must_find(ctx, order.platform_id, doing), "_tracking_number")
            latest[0] = shown in (shipment.instead_of, shipment.tracking_number, None, "")
        return {"is_latest": latest[0]}

    def send(key: str) -> dict[str, Any]:
        body = {"meta_data": _meta(shipment, is_latest=latest[0])}
        answers.append(write(ctx, "PUT", f"orders/{order.platform_id}", body, doing))
        return {"id": answers[0].get("id")}

    ctx.effect(KIND, told(order, shipment), send, before=before)
    return answers[0] if answers else None


def _meta(shipment: Shipment, *, is_latest: bool) -> list[dict[str, Any]]:
    """One entry of ours for each shipment (its name is the mark), and the latest under the names that WooCommerce's own
    fulfillments use for a shipment's data: `_tracking_number`, `_shipment_provider`, `_tracking_url` (recorded 2026-11-22).
    A key with a leading _ is not shown to the customer; a known key without an id is updated (recorded)."""
    ours = {"number": shipment.tracking_number, "carrier": shipment.carrier, "url": shipment.tracking_url}
    meta: list[dict[str, Any]] = [{"key": mark_of(shipment.id), "value": ours}]
    if shipment.tracking_number and is_latest:
        meta += [
            {"key": "_tracking_number", "value": shipment.tracking_number},
            {"key": "_shipment_provider", "value": shipment.carrier},
            {"key": "_tracking_url", "value": shipment.tracking_url},
        ]
    return meta


def _value(raw: dict[str, Any], key: str) -> Any:
    values = [meta.get("value") for meta in raw.get("meta_data") or [] if meta.get("key") == key]
    return values[-1] if values else None


def _is_in_meta(ctx: Context, order: Order, shipment: Shipment) -> bool:
    return _value(find_order(ctx, order.platform_id) or {}, mark_of(shipment.id)) is not None


def find_meta(ctx: Context, effect: Effect) -> Found:
    """Our entry is in the order's meta (with the new number, where one is corrected), or it is not."""
    raw = find_order(ctx, effect.platform_id)
    if raw is None:
        return CannotTell(text=f"Order {effect.platform_id} is gone from the shop.")
    asked = effect.request if isinstance(effect.request, dict) else {}
    entry = _value(raw, mark_of(str(asked.get("shipment"))))
    is_new = isinstance(entry, dict) and (
        "instead_of" not in asked or all(entry.get(part) == asked.get(part) for part in ("number", "carrier"))
    )
    return Happened(answer={"id": raw.get("id")}) if is_new else NotHappened()


# --- the three ways ---------------------------------------------------------------------------------------------------

Push = Callable[[Context, Order, Shipment], Order | None]
PUSH: dict[Way, Push] = {
    Way.FULFILLMENTS: fulfillments.push,
    Way.TRACKINGS: trackings.push,
    Way.META: _push_meta,
}
FIRST = {Way.FULFILLMENTS: fulfillments.KIND, Way.TRACKINGS: trackings.ADD, Way.META: KIND}
HOLDS = {Way.FULFILLMENTS: fulfillments.holds, Way.TRACKINGS: trackings.holds, Way.META: _is_in_meta}
