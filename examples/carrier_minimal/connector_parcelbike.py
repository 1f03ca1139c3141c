"""ParcelBike: labels and tracking of a carrier that is made up, as small as a carrier can be.

Its API keeps the header Idempotency-Key for a day: the same key gives the same label, so an unanswered call is made again with
the key it had. A real plugin says here where that is documented, and when that was read.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from connector import (
    Capabilities,
    Check,
    CheckResult,
    ConfigError,
    ConnectorError,
    Context,
    EffectClass,
    EffectRule,
    Label,
    LabelRequest,
    OutcomeUnknown,
    PluginInfo,
    PluginKind,
    Refused,
    Shipment,
    TrackingEvent,
    TrackingState,
    TryLater,
    hookimpl,
)

if TYPE_CHECKING:
    from requests import Response

URL = "https://api.parcelbike.example/v1"
DAY_S = 86_400.0

# The carrier's words in ours. One that is not in here is UNKNOWN; a lost parcel must not look as if it were on its way.
STATES = {
    "created": TrackingState.PRE_TRANSIT,
    "on_bike": TrackingState.OUT_FOR_DELIVERY,
    "delivered": TrackingState.DELIVERED,
    "came_back": TrackingState.RETURNED,
}


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of an account with `plugin = "parcelbike"`."""

    token: Annotated[str, msgspec.Meta(description="From ParcelBike > My account > API.", extra={"secret": True})]


@hookimpl
def describe() -> PluginInfo:
    return PluginInfo(
        name="parcelbike",
        kinds=(PluginKind.CARRIER,),
        summary="Parcels by bicycle.",
        config=Config,
        effects={"buy_label": EffectRule(vendor=EffectClass.KEYED, deadline_s=20, remembers_s=DAY_S)},
        capabilities=Capabilities(cannot_deliver=("po_box",), max_per_second=5),
    )


@hookimpl
def check_account(ctx: Context) -> list[Check]:
    try:
        _json(ctx, ctx.http.get(f"{URL}/me", headers=_headers(ctx)), "ask who we are")
    except ConnectorError as problem:
        fix = f"Make a new token and set it in [accounts.{ctx.account.name}]."
        return [Check(name="token", result=CheckResult.FAILED, text=str(problem), fix=fix)]
    return [Check(name="token", result=CheckResult.OK, text="ParcelBike knows the token.")]


@hookimpl
def buy_label(ctx: Context, request: LabelRequest) -> Label:
    to = {"name": request.to.name, "street": request.to.line1, "city": request.to.city, "postcode": request.to.postcode}

    def buy(key: str) -> dict[str, str]:
        headers = {**_headers(ctx), "Idempotency-Key": key}
        answer = _json(ctx, ctx.http.post(f"{URL}/labels", headers=headers, json={"to": to}), "buy a label", writes=True)
        return {"id": answer["id"], "number": answer["tracking_number"]}

    # What is asked for is kept, and so is the answer: both short, and without personal data.
    bought = ctx.effect("buy_label", {"shipment": request.id}, buy)
    return Label(
        vendor_id=bought["id"],
        carrier="ParcelBike",
        tracking_number=bought["number"],
        tracking_url=f"https://parcelbike.example/{bought['number']}",
    )


@hookimpl
def track_shipment(ctx: Context, shipment: Shipment) -> list[TrackingEvent]:
    answer = _json(ctx, ctx.http.get(f"{URL}/parcels/{shipment.tracking_number}", headers=_headers(ctx)), "track a parcel")
    return [
        TrackingEvent(
            state=STATES.get(event["state"], TrackingState.UNKNOWN),
            at=datetime.fromisoformat(event["at"]),
            vendor_state=event["state"],
        )
        for event in answer["events"]
    ]


def _headers(ctx: Context) -> dict[str, str]:
    return {"Authorization": f"Bearer {ctx.account.config.token}"}


def _json(ctx: Context, response: Response, doing: str, *, writes: bool = False) -> dict[str, Any]:
    """The answer, or the error that says what happens next."""
    account, status = ctx.account.name, response.status_code
    if status == 401:
        raise ConfigError(f"[accounts.{account}] token: ParcelBike does not know it; make a new one and set it.")
    if status == 429:
        raise TryLater("ParcelBike asks us to slow down.", account=account, operation=doing, after_s=10)
    if status >= 500 and writes:  # it may have happened; the core makes the same call with the same key again
        raise OutcomeUnknown(f"ParcelBike broke down ({status}).", account=account, operation=doing)
    if status >= 500:
        raise TryLater(f"ParcelBike broke down ({status}).", account=account, operation=doing)
    body: dict[str, Any] = response.json()
    if status >= 400:
        raise Refused(body.get("message", "ParcelBike gives no reason."), account=account, operation=doing)
    return body
