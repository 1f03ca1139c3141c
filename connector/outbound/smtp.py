"""Mail through the door: smtplib with one deadline, and the last check directly before the message leaves."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from ..errors import ConfigError, ConnectorError, TryLater
from .deadlines import Deadlines, Line


class GuardedSMTP(smtplib.SMTP):
    """An SMTP connection that asks before DATA, and that only lets allowed recipients through (None: all)."""

    before_data: Callable[[], None] = staticmethod(lambda: None)
    allowed: Sequence[str] | None = None
    line: Line

    def _get_socket(self, host: str, port: int, timeout: float) -> Any:
        sock = super()._get_socket(host, port, timeout)  # type: ignore[misc]  # smtplib's own, and where TLS is put on top
        self.line.hold(sock)
        return sock

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
    the server refuses user and password, or does not know what is configured."""
    secure = None if security == "none" else ssl.create_default_context()
    connection: GuardedSMTP = (
        GuardedSMTPS(timeout=deadline_s, context=secure) if security == "tls" else GuardedSMTP(timeout=deadline_s)
    )
    connection._host = host  # type: ignore[attr-defined]  # smtplib checks the certificate against it
    connection.before_data = before_data
    connection.allowed = allowed
    connection.line = Line()
    with deadlines.cut_off(deadline_s, connection.line.cut):
        try:
            connection.connect(host, port)
            if security == "starttls":
                connection.starttls(context=secure)
            if user:
                connection.login(user, password)
        except (OSError, smtplib.SMTPException, UnicodeEncodeError) as error:
            connection.close()
            connection.line.let_go()
            raise _no_connection(error, account, f"{host}:{port}") from error
        try:
            yield connection
        finally:
            with suppress(OSError, smtplib.SMTPException):
                connection.quit()
            connection.close()
            connection.line.let_go()


def _no_connection(error: Exception, account: str, server: str) -> ConnectorError:
    if isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code >= 500:
        return ConfigError(f"{account}: the mail server {server} refuses user and password ({error.smtp_code}).")
    if isinstance(error, UnicodeEncodeError):
        return ConfigError(f"{account}: user and password for {server} may only have letters of ASCII.")
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return ConfigError(f"{account}: the mail server {server} cannot do this: {error} Change security, port or user.")
    return TryLater(f"the mail server {server} cannot be reached ({type(error).__name__}).", account=account, after_s=60)
