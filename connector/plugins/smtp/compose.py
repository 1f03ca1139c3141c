"""A duty becomes a message: recipients, subject, plain text and HTML."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from email.headerregistry import Address as MailAddress
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connector import ConfigError, Context, Message, Person, Refused

from .settings import Config, at, locale_for, mail_address, own, zone
from .words import line, words

if TYPE_CHECKING:
    from babel import Locale
    from jinja2 import Environment

SHIPPED_WITH_US = Path(__file__).parents[1] / "smtp_templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A message that only has to be handed over: envelope and bytes. `utf8`: an address needs the server to speak SMTPUTF8."""

    message_id: str
    sender: str
    to: tuple[str, ...]
    bcc: tuple[str, ...]
    content: bytes
    utf8: bool


def compose(ctx: Context, message: Message) -> Mail:
    """The mail for one duty. The same duty gives the same Message-ID, so that a mailbox can tell a repetition.

    Raises:
        Refused: the customer has no usable address. ConfigError: a template or an address of the account is wrong.
    """
    config: Config = ctx.account.config
    duty = message.duty
    to_customer = duty.person is Person.CUSTOMER
    to = _customer(message) if to_customer else own(ctx, "merchant_to")
    if not to:
        raise ConfigError(f"{at(ctx)} merchant_to is empty: say who in the shop is to be told about {duty.event}.")
    sender = own(ctx, "sender")[0]
    bcc = own(ctx, "bcc") if to_customer else ()
    subject, text, html = render(ctx, message)
    utf8 = not all(address.username.isascii() for address in (sender, *to, *own(ctx, "reply_to")))
    digest = sha256(json.dumps([ctx.account.id, duty.id, message.again]).encode()).hexdigest()[:32]
    message_id = f"<{digest}@{sender.domain}>"

    mail = EmailMessage(policy=SMTPUTF8 if utf8 else SMTP.clone(cte_type="7bit"))
    mail["From"] = sender
    mail["To"] = to
    if config.reply_to and to_customer:
        mail["Reply-To"] = own(ctx, "reply_to")
    mail["Subject"] = subject
    mail["Date"] = format_datetime(ctx.now())
    mail["Message-ID"] = message_id
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers to this
    mail.set_content(text)
    mail.add_alternative(html, subtype="html")
    return Mail(
        message_id=message_id,
        sender=sender.addr_spec,
        to=tuple(address.addr_spec for address in to),
        bcc=tuple(address.addr_spec for address in bcc),
        content=mail.as_bytes(),
        utf8=utf8,
    )


def _customer(message: Message) -> tuple[MailAddress, ...]:
    customer = message.order.customer
    if not customer.email.strip():
        text = f"{message.ref} has no e-mail address of the customer: add it in the shop, or tell the customer yourself"
        raise Refused(text, operation="send mail")
    try:
        return (mail_address(customer.email, line(customer.name, 60)),)
    except ValueError:
        text = f"what {message.ref} has as the customer's e-mail is no address: correct it in the shop, or tell the customer"
        raise Refused(text, operation="send mail") from None


def render(ctx: Context, message: Message) -> tuple[str, str, str]:
    """Subject, plain text and HTML. Raises ConfigError naming file and line of a template that does not work."""
    config: Config = ctx.account.config
    locale = locale_for(ctx, message.order.customer.language if message.duty.person is Person.CUSTOMER else "")
    shop = line(config.shop_name) or own(ctx, "sender")[0].display_name or own(ctx, "sender")[0].domain
    found = words(message, shop=shop, locale=locale, zone=zone(ctx), with_tax=config.prices_with_tax)
    name = f"{message.duty.event}_{message.duty.person}"
    text = _fill(ctx, _templates(ctx, locale, html=False), f"{name}.txt", found).lstrip()
    subject, _, body = text.partition("\n")
    if not subject.startswith("Subject:"):
        raise ConfigError(f'{at(ctx)} templates_dir: {name}.txt has to begin with a line "Subject: ...".')
    html = _fill(ctx, _templates(ctx, locale, html=True), f"{name}.html", found)
    # Python's header parser would decode what looks like an encoded word, and with it a line end.
    subject = line(subject.removeprefix("Subject:"), 200).replace("=?", "= ?")
    return subject, re.sub(r"\n{3,}", "\n\n", body.strip()) + "\n", html


def _templates(ctx: Context, locale: Locale, *, html: bool) -> Environment:
    config: Config = ctx.account.config
    folders = [SHIPPED_WITH_US]
    if config.templates_dir:
        own = Path(config.templates_dir)
        if not own.is_dir():
            raise ConfigError(f"{at(ctx)} templates_dir: there is no folder {config.templates_dir}.")
        folders = [own / locale.language, own, SHIPPED_WITH_US]
    return _compiled(tuple(folders), html=html)


@lru_cache(maxsize=64)
def _compiled(folders: tuple[Path, ...], *, html: bool) -> Environment:
    """One for each form, because a macro is escaped as the file says that it stands in: words.txt is used by both.

    Kept, since compiling takes longer than everything else about a mail; a file that was edited is compiled anew.
    """
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        autoescape=html,  # noqa: S701 - plain text stays plain
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _fill(ctx: Context, templates: Environment, name: str, found: dict[str, Any]) -> str:
    import jinja2

    try:
        return templates.get_template(name).render(found)
    except jinja2.TemplateSyntaxError as error:
        where, said = f"{error.filename or error.name or name}, line {error.lineno}", str(error.message)
    except jinja2.TemplateNotFound as error:
        where, said = name, f"it asks for {error.name}, which is not there"
    except Exception as error:  # whatever a template of the merchant's does
        # The text of another error may hold what a customer wrote; one of Jinja's holds only names.
        where, said = _where(error, name), str(error) if isinstance(error, jinja2.TemplateError) else type(error).__name__
    raise ConfigError(f"{at(ctx)} templates_dir: {where}: {said}. Correct the template, or delete it to use ours.")


def _where(error: Exception, name: str) -> str:
    """File and line of the innermost template that the error came through."""
    where, trace = name, error.__traceback__
    while trace:
        file = trace.tb_frame.f_code.co_filename
        if file.endswith((".html", ".txt")):
            where = f"{file}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return where
