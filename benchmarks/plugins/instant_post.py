"""A carrier that sells labels at once and remembers our key."""

from __future__ import annotations

from connector import Context, EffectClass, EffectRule, Label, LabelRequest, PluginInfo, PluginKind, hookimpl


@hookimpl
def describe() -> PluginInfo:
    rule = EffectRule(vendor=EffectClass.KEYED, remembers_s=86_400.0)
    return PluginInfo(name="instant_post", kinds=(PluginKind.CARRIER,), effects={"buy_label": rule})


@hookimpl
def buy_label(ctx: Context, request: LabelRequest) -> Label:
    sold = ctx.effect("buy_label", {"shipment": request.id}, lambda key: {"number": f"1Z{request.id[-12:]}"})
    return Label(vendor_id=request.id, carrier="Instant Post", tracking_number=sold["number"])
