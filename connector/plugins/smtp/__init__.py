"""Mail by SMTP: one message per duty, as plain text and HTML, from templates that a merchant can replace file by file.

SMTP cannot be asked whether a message arrived, so its effect is of the class NONE: what broke off after DATA is for a person.
The mail is made before the effect begins: a broken template or a missing address never leaves a trace in the ledger.

    settings.py   the keys of an account       words.py      what templates may say
    compose.py    duty -> message              handover.py   message -> mail server
    checks.py     what `connector check` says  ../smtp_templates/   the texts
"""

from __future__ import annotations

from connector import (
    Check,
    Context,
    EffectClass,
    EffectRule,
    Message,
    PluginInfo,
    PluginKind,
    Sent,
    hookimpl,
)

from .checks import checks
from .compose import compose
from .handover import send
from .settings import Config


@hookimpl
def describe() -> PluginInfo:
    return PluginInfo(
        name="smtp",
        kinds=(PluginKind.MAIL,),
        summary="Mail to customers and merchants by SMTP.",
        config=Config,
        effects={"notify": EffectRule(vendor=EffectClass.NONE, deadline_s=60.0)},
    )


@hookimpl
def notify(ctx: Context, message: Message) -> Sent:
    mail = compose(ctx, message)
    duty = message.duty
    asked = {"duty": duty.id, "event": duty.event, "person": duty.person, "about": duty.about, "again": message.again}

    def hand_over(key: str) -> dict[str, str]:
        send(ctx, mail)
        return {"message_id": mail.message_id}

    answer = ctx.effect("notify", asked, hand_over)
    return Sent(vendor_id=answer["message_id"])


@hookimpl
def check_account(ctx: Context) -> list[Check]:
    return list(checks(ctx))
