"""A mailbox on loopback: takes every message over SMTP, keeps it, and fails on demand."""

from __future__ import annotations

import asyncio
import email
import email.policy
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from connector.sandbox.faults import Faults, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One received message. `text` and `html` are the decoded bodies, empty when the message has none; times are UTC.

    `confirmed` is false for a message that was kept although the sender never got its 250.
    """

    envelope_from: str
    envelope_to: tuple[str, ...]
    message_id: str
    subject: str
    text: str
    html: str
    raw: bytes
    received_at: datetime
    confirmed: bool = True

    def to_json(self) -> dict[str, Any]:
        """For the control API; `raw` as text."""
        return {
            "from": self.envelope_from,
            "to": list(self.envelope_to),
            "message_id": self.message_id,
            "subject": self.subject,
            "text": self.text,
            "html": self.html,
            "raw": self.raw.decode(errors="replace"),
            "received_at": self.received_at.isoformat(),
            "confirmed": self.confirmed,
        }


def parsed(raw: bytes, *, sender: str, recipients: list[str], confirmed: bool = True) -> Message:
    """The message in those bytes."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    return Message(
        envelope_from=sender,
        envelope_to=tuple(recipients),
        message_id=str(message.get("Message-ID", "")),
        subject=str(message.get("Subject", "")),
        text=_body(message, "plain"),
        html=_body(message, "html"),
        raw=raw,
        received_at=datetime.now(UTC),
        confirmed=confirmed,
    )


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""


class Mailbox:
    """An SMTP server for tests and demos.

    `port` is the chosen one after `start()`. Faults come from rules with `where="mail"`, matched against the recipient.
    `refuse` and `busy` answer at RCPT, the others at DATA.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0, *, faults: Faults | None = None) -> None:
        self.host = host
        self.port = port
        self.faults = faults or Faults()
        self._messages: list[Message] = []
        self._controller: Controller | None = None

    @property
    def messages(self) -> list[Message]:
        """What has arrived, oldest first."""
        return list(self._messages)

    def clear(self) -> None:
        self._messages.clear()

    def fault(self, kind: str, *, times: int = 1, match: str = "", seconds: float = 1.0) -> Rule:
        """Fail the next `times` messages (0: all) to recipients that match. Raises ValueError for an unknown kind."""
        return self.faults.add(Rule(where="mail", kind=kind, times=times, match=match, seconds=seconds))

    def start(self) -> Mailbox:
        self._controller = _Controller(self, hostname=self.host, port=self.port)
        self._controller.start()
        return self

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def __enter__(self) -> Mailbox:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def handle_RCPT(  # noqa: N802 - the name is aiosmtpd's
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        rule = self.faults.take("mail", address)
        if rule is not None and rule.kind == "refuse":
            return "550 5.1.1 No such mailbox"
        if rule is not None and rule.kind == "busy":
            return "450 4.2.1 Mailbox busy, try again later"
        envelope.rcpt_tos.append(address)
        if rule is not None and isinstance(envelope, _Envelope):
            envelope.rules.append(rule)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the name is aiosmtpd's
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        rules = envelope.rules if isinstance(envelope, _Envelope) else []
        dropped = any(rule.kind == "drop_after_data" for rule in rules)
        for rule in rules:
            if rule.kind == "slow":
                await asyncio.sleep(rule.seconds)
        self._keep(envelope, confirmed=not dropped)
        if dropped:
            _hang_up(server)
        return "250 OK"

    def _keep(self, envelope: Envelope, *, confirmed: bool) -> None:
        raw = envelope.original_content or b""
        sender = str(envelope.mail_from or "")
        recipients = [str(one) for one in envelope.rcpt_tos]
        self._messages.append(parsed(raw, sender=sender, recipients=recipients, confirmed=confirmed))


class _Envelope(Envelope):
    """Remembers which rules struck its recipients."""

    def __init__(self) -> None:
        super().__init__()
        self.rules: list[Rule] = []


class _Server(SMTP):
    """Hangs up at DATA when a rule says so: before a byte of the message was read."""

    def _create_envelope(self) -> Envelope:
        return _Envelope()

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - the name is aiosmtpd's
        rules = self.envelope.rules if isinstance(self.envelope, _Envelope) else []
        if any(rule.kind == "drop_before_data" for rule in rules):
            _hang_up(self)
            return
        await super().smtp_DATA(arg)


class _Controller(Controller):
    """Port 0 works: the real port is asked from the socket."""

    def __init__(self, mailbox: Mailbox, *, hostname: str, port: int) -> None:
        super().__init__(mailbox, hostname=hostname, port=port)
        self.mailbox = mailbox

    def factory(self) -> SMTP:
        return _Server(self.handler, ident="sandbox mailbox", enable_SMTPUTF8=True)

    def _trigger_server(self) -> None:
        """The parent connects to the port it was given; with port 0 that port must be looked up first."""
        if isinstance(self.server, asyncio.Server) and self.port == 0:
            self.port = self.server.sockets[0].getsockname()[1]
        self.mailbox.port = self.port
        super()._trigger_server()  # type: ignore[no-untyped-call]


def _hang_up(server: SMTP) -> None:
    if server.transport is not None:
        server.transport.close()
