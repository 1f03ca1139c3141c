"""The message is handed to the mail server, in steps of which each says whether anything has happened yet."""

from __future__ import annotations

import re
import smtplib
import ssl
from contextlib import AbstractContextManager

from connector import ConfigError, ConnectorError, Context, OutcomeUnknown, Refused, TryLater

from .compose import Mail
from .settings import Config, at
from .words import line


def connect(ctx: Context) -> AbstractContextManager[smtplib.SMTP]:
    config: Config = ctx.account.config
    return ctx.smtp(config.host, config.port, security=config.security, user=config.user, password=config.password)


def send(ctx: Context, mail: Mail) -> None:
    """Raises TryLater, Refused or ConfigError where it surely was not sent, OutcomeUnknown where it broke off after DATA."""
    said: list[ConnectorError | None] = []
    try:
        with connect(ctx) as smtp:
            said.append(_hand_over(ctx, smtp, mail))
    except (smtplib.SMTPException, OSError, ConnectorError) as error:
        if not said:
            raise no_connection(ctx, error) from error
        # What was said of the message stands, however the server takes the goodbye.
        ctx.log.info("the mail server did not take leave properly: %s", type(error).__name__)
    if said[0] is not None:
        raise said[0]


def _hand_over(ctx: Context, smtp: smtplib.SMTP, mail: Mail) -> ConnectorError | None:
    """What became of it, returned and not raised: the connection is closed in between, and may raise something else."""
    try:
        _envelope(ctx, smtp, mail)
    except ConnectorError as error:
        return error
    except (smtplib.SMTPException, OSError) as error:
        text = f"the connection broke before the message was handed over ({type(error).__name__}); nothing was sent"
        return TryLater(text, after_s=60.0, **_about(ctx))
    return _data(ctx, smtp, mail)


def _envelope(ctx: Context, smtp: smtplib.SMTP, mail: Mail) -> None:
    smtp.ehlo_or_helo_if_needed()
    options = [f"SIZE={len(mail.content)}"] if smtp.has_extn("size") else []
    if mail.utf8:
        if not smtp.has_extn("smtputf8"):
            raise Refused("the mail server cannot write to an address with letters beyond a-z before the @", **_about(ctx))
        options += ["SMTPUTF8", "BODY=8BITMIME"]
    _must(ctx, smtp.mail(mail.sender, options), "the sender")
    for number, address in enumerate(mail.to, 1):
        _must(ctx, smtp.rcpt(address), "the recipient" if len(mail.to) == 1 else f"recipient {number} of merchant_to")
    for number, address in enumerate(mail.bcc, 1):
        code, text = smtp.rcpt(address)
        if code == 421:
            raise _no(ctx, code, text, "any more")
        if code not in (250, 251):  # the customer's mail does not wait for our copy of it
            ctx.log.warning("the mail server refuses recipient %d of bcc (%d)", number, code)


def _data(ctx: Context, smtp: smtplib.SMTP, mail: Mail) -> ConnectorError | None:
    try:
        answer = smtp.data(mail.content)
    except smtplib.SMTPDataError as error:  # it did not want to hear the message: nothing of it was sent
        return _no(ctx, error.smtp_code, error.smtp_error, "the message")
    except ConnectorError as error:
        return error
    except (smtplib.SMTPException, OSError) as error:
        text = f"the connection broke while the message was handed over ({type(error).__name__}): it may have been sent"
        return OutcomeUnknown(text, **_about(ctx))
    if 200 <= answer[0] < 300:
        return None
    if answer[0] < 400:
        return OutcomeUnknown("the mail server's last answer cannot be read: the message may have been sent", **_about(ctx))
    return _no(ctx, *answer, "the message")


def _must(ctx: Context, answer: tuple[int, bytes], what: str) -> None:
    if answer[0] not in (250, 251):
        raise _no(ctx, *answer, what)


def _no(ctx: Context, code: int, text: bytes | str, what: str) -> ConnectorError:
    """The server's no in our words: 5xx is for good, anything else for now. Its text may repeat the customer's address."""
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    said = line(re.sub(r"\S*@\S*", "<address>", said), 200)
    if code in (530, 534, 535, 538):
        return _wrong(ctx, f"the mail server wants a login ({code} {said}): set user and password")
    if code >= 500:
        fix = ": set sender to an address that this server sends for" if what == "the sender" else ""
        return Refused(f"the mail server refuses {what}: {said}{fix}", code=str(code), **_about(ctx))
    return TryLater(f"the mail server does not take {what} now: {said}", after_s=300.0, code=str(code), **_about(ctx))


def no_connection(ctx: Context, error: Exception) -> ConnectorError:
    """Why nothing could be sent at all: TryLater, or ConfigError where a person has to change something first."""
    config: Config = ctx.account.config
    where = f"{config.host}:{config.port}"
    if isinstance(error, ConnectorError):
        return error
    if isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code >= 500:
        return _wrong(ctx, f"{where} does not accept user and password ({error.smtp_code}): correct user or password")
    if isinstance(error, smtplib.SMTPNotSupportedError):
        missing = "login" if "AUTH" in str(error) else "STARTTLS"
        return _wrong(ctx, f"{where} offers no {missing}: change security, port or user")
    if isinstance(error, ssl.SSLCertVerificationError):
        return _wrong(ctx, f"{where} shows a certificate that is not its own ({error.verify_message}): correct host")
    if isinstance(error, ssl.SSLError) and error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        return _wrong(ctx, f"{where} does not speak TLS from the start: change security or port")
    return TryLater(f"{where} cannot be reached ({type(error).__name__}); nothing was sent", after_s=60.0, **_about(ctx))


def _wrong(ctx: Context, text: str) -> ConfigError:
    return ConfigError(f"{at(ctx)} {text}.")


def _about(ctx: Context) -> dict[str, str]:
    return {"account": ctx.account.name, "operation": "send mail"}
