"""A mail server that takes everything at once. Like a real one it cannot be asked what it took."""

from __future__ import annotations

from connector import Context, EffectClass, EffectRule, Message, PluginInfo, PluginKind, Sent, hookimpl


@hookimpl
def describe() -> PluginInfo:
    return PluginInfo(name="instant_mail", kinds=(PluginKind.MAIL,), effects={"notify": EffectRule(vendor=EffectClass.NONE)})


@hookimpl
def notify(ctx: Context, message: Message) -> Sent:
    sent = ctx.effect("notify", {"duty": message.duty.id}, lambda key: {"id": f"<{key}@shop.example>"})
    return Sent(vendor_id=sent["id"])
