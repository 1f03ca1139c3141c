"""Mail through the door: smtplib with one deadline, and the last check directly before the message leaves."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from ..errors import ConfigError, TryLater
from .deadlines import Deadlines


class GuardedSMTP(smtplib.SMTP):
    """An SMTP connection that asks before DATA, and that only lets allowed recipients through (None: all)."""

    before_data: Callable[[], None] = staticmethod(lambda: None)
    allowed: Sequence[str] | None = None

    def rcpt(self, recip: str, options: Sequence[str] = ()) -> tuple[int, bytes]:
        if self.allowed is not None and recip.lower() not in {address.lower() for address in self.allowed}:
            return 550, b"rehearsal: not one of rehearsal.mail_to"
        return super().rcpt(recip, options)

    def data(self, msg: Any) -> tuple[int, bytes]:
        self.before_data()
        return super().data(msg)


class GuardedSMTPS(smtplib.SMTP_SSL, GuardedSMTP):
    """The same, with TLS from the first byte."""


@contextmanager
def connect(
    host: str,
    port: int,
    *,
    security: str,
    user: str,
    password: str,
    account: str,
    deadlines: Deadlines,
    deadline_s: float,
    before_data: Callable[[], None],
    allowed: Sequence[str] | None,
) -> Iterator[smtplib.SMTP]:
    """A connection that is logged in, and closed at the end. Raises TryLater where no connection can be made, ConfigError where
    the server refuses user and password."""
    connection: GuardedSMTP = GuardedSMTPS(timeout=deadline_s) if security == "tls" else GuardedSMTP(timeout=deadline_s)
    connection.before_data = before_data
    connection.allowed = allowed

    def cut() -> None:
        if connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    with deadlines.cut_off(deadline_s, cut):
        try:
            connection.connect(host, port)
            if security == "starttls":
                connection._host = host  # type: ignore[attr-defined]  # smtplib checks the certificate against it
                connection.starttls(context=ssl.create_default_context())
            if user:
                connection.login(user, password)
        except smtplib.SMTPAuthenticationError as error:
            raise ConfigError(f"{account}: the mail server {host} refuses user and password ({error.smtp_code}).") from error
        except (OSError, smtplib.SMTPException) as error:
            raise TryLater(
                f"the mail server {host}:{port} cannot be reached ({type(error).__name__}).", account=account, after_s=60
            ) from error
        try:
            yield connection
        finally:
            with suppress(OSError, smtplib.SMTPException):
                connection.quit()
            connection.close()
