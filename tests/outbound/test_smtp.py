"""`ctx.smtp` against a mail server on loopback: nothing after the last check, nobody but the allowed, always in time."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connector.errors import ConfigError, ConnectorError, OutcomeUnknown, PluginError, TryLater
from connector.outbound import smtp as module
from connector.outbound.deadlines import Deadlines
from connector.outbound.ledger import HeldBack
from connector.store.database import Database
from tests.outbound.mailbox import Mailbox, Manners
from tests.outbound.office import Office
from tests.outbound.test_last_check import lose_lease, run_out
from tests.outbound.tls import make_certificate, server_side
from tests.outbound.vendor import Wire, nobody_there

PASSWORD = "pass-word-of-the-mail-account"
MAIL = "From: shop@example.com\r\nTo: ann@example.com\r\nSubject: sent\r\n\r\nOn its way.\r\n"


def send(office: Office, port: int, *to: str, **options: Any) -> str:
    """What the smtp plugin does, in short."""
    ctx = office.context()

    def hand_over(key: str) -> str:
        with ctx.smtp("127.0.0.1", port, security="none", **options) as server:
            server.sendmail("shop@example.com", to or ("ann@example.com",), MAIL)
        return "handed over"

    answer: str = ctx.effect("mail", {"duty": "d1"}, hand_over)
    return answer


def said(mailbox: Mailbox) -> list[str]:
    return [command.split(" ")[0].upper() for command in mailbox.commands]


def test_a_mail_is_handed_over_once(database: Database) -> None:
    """And a second time nobody is connected to."""
    office, mailbox = Office(database), Mailbox()
    with mailbox.serve() as wire:
        assert send(office, wire.port) == "handed over"
        assert send(office, wire.port) == "handed over"
        assert len(wire.talks) == 1
    assert len(mailbox.mails) == 1
    assert "On its way." in mailbox.mails[0]
    assert said(mailbox)[-1] == "QUIT"


@pytest.mark.parametrize("lost", [lose_lease, run_out])
def test_no_message_leaves_once_the_lease_is_lost(database: Database, lost: Callable[[Database], None]) -> None:
    """Sender and recipient may have been said; DATA is not, and the effect is planned as before."""
    office = Office(database)
    mailbox = Mailbox(Manners(before=lambda verb: lost(database) if verb == "RCPT" else None))
    with mailbox.serve() as wire, pytest.raises(TryLater, match="too late to send"):
        send(office, wire.port)
    assert "DATA" not in said(mailbox)
    assert mailbox.mails == []
    assert office.effect_state() == [("planned", 1)]


def test_a_server_that_greets_slowly_gets_the_mail_all_the_same(database: Database) -> None:
    """Many let a stranger wait for seconds; the lease is still ours, and nobody settles a mail behind our back."""
    office, mailbox = Office(database), Mailbox(Manners(greets_after_s=1.1))
    with mailbox.serve() as wire:
        assert send(office, wire.port) == "handed over"


def test_mail_outside_of_an_effect_is_refused(database: Database) -> None:
    """A connection may be made (to check the account); a message may not be sent over it."""
    office, mailbox = Office(database), Mailbox()
    with mailbox.serve() as wire, office.reading().smtp("127.0.0.1", wire.port, security="none") as server:
        assert server.noop()[0] == 250
        with pytest.raises(PluginError, match=r"inside ctx\.effect"):
            server.sendmail("shop@example.com", ["ann@example.com"], MAIL)
    assert "DATA" not in said(mailbox)


def test_one_effect_is_one_message(database: Database) -> None:
    """The second one is refused before DATA; what became of the first is for a person, as it is not known to be all."""
    office, mailbox = Office(database), Mailbox()
    ctx = office.context()

    def twice(key: str) -> None:
        with ctx.smtp("127.0.0.1", wire.port, security="none") as server:
            for _ in range(2):
                server.sendmail("shop@example.com", ["ann@example.com"], MAIL)

    with mailbox.serve() as wire, pytest.raises(OutcomeUnknown):
        ctx.effect("mail", {}, twice)
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize("to", ["ann@example.com", "me@shop.example", "ME@Shop.Example"])
@pytest.mark.parametrize("mode", ["shadow", "rehearsal", "live"])
def test_who_gets_mail_in_which_mode(database: Database, mode: str, to: str) -> None:
    """Shadow: nobody. Rehearsal: of orders marked as ours, the rehearsal's own addresses. Live: everybody."""
    office, mailbox = Office(database, rehearsal_mail_to=("me@shop.example",)), Mailbox()
    assert office.lease.case is not None
    office.lease.case = replace(office.lease.case, order=replace(office.lease.case.order, rehearsal="run-1"))
    office.mode(mode)
    allowed = mode == "live" or (mode == "rehearsal" and to.lower() == "me@shop.example")
    with mailbox.serve() as wire:
        with suppress(HeldBack, smtplib.SMTPRecipientsRefused):
            send(office, wire.port, to)
        assert bool(wire.talks) == (mode != "shadow")
    assert bool(mailbox.mails) == allowed
    assert any(to in command for command in mailbox.commands) == allowed


def test_in_rehearsal_a_stranger_among_the_recipients_gets_nothing(database: Database) -> None:
    """The server never hears of him."""
    office, mailbox = Office(database, rehearsal_mail_to=("me@shop.example",)), Mailbox()
    assert office.lease.case is not None
    office.lease.case = replace(office.lease.case, order=replace(office.lease.case.order, rehearsal="run-1"))
    office.mode("rehearsal")
    with mailbox.serve() as wire:
        send(office, wire.port, "me@shop.example", "ann@example.com")
    assert [command for command in mailbox.commands if command.upper().startswith("RCPT")] == ["rcpt TO:<me@shop.example>"]


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_nobody_is_there(database: Database) -> None:
    """No connection: nothing happened, and it is tried later."""
    office = Office(database)
    with nobody_there() as port, pytest.raises(TryLater, match="cannot be reached"):
        send(office, port)
    assert office.effect_state() == [("planned", 1)]


WRONG: list[tuple[Manners, str, type[ConnectorError]]] = [
    (Manners(offers=("AUTH PLAIN LOGIN",), auth="535 no such user"), PASSWORD, ConfigError),
    (Manners(offers=("AUTH PLAIN LOGIN",), auth="454 try again"), PASSWORD, TryLater),
    (Manners(offers=("AUTH PLAIN LOGIN",)), PASSWORD + "ä", ConfigError),
    (Manners(), PASSWORD, ConfigError),
]


@pytest.mark.parametrize(("manners", "password", "expected"), WRONG, ids=["refused", "later", "not ascii", "not offered"])
def test_a_login_that_fails(database: Database, manners: Manners, password: str, expected: type[ConnectorError]) -> None:
    """For good: a person changes the configuration. For now: later. The text names the server and never the password."""
    office, mailbox = Office(database), Mailbox(manners)
    with mailbox.serve() as wire, pytest.raises(expected, match=r"127\.0\.0\.1") as raised:
        send(office, wire.port, user="shop", password=password)
    assert PASSWORD not in str(raised.value)
    assert mailbox.mails == []
    assert office.effect_state() == [("planned", 1)]


@pytest.mark.parametrize("verb", ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
def test_a_server_that_hangs_up_before_the_message(database: Database, verb: str) -> None:
    """Whatever smtplib calls it: before DATA was said, the effect goes back to planned."""
    office, mailbox = Office(database), Mailbox(Manners(hangs_up_at=verb))
    with mailbox.serve() as wire, pytest.raises((TryLater, smtplib.SMTPException, OutcomeUnknown)):
        send(office, wire.port)
    expected = "unknown" if verb == "DATA" else "planned"  # the check was passed: our ledger cannot know how far DATA came
    assert office.effect_state() == [(expected, 1)]
    assert mailbox.mails == []


def test_a_server_that_hangs_after_the_message(database: Database) -> None:
    """It may have been sent: for a person, within the deadline."""
    office, mailbox = Office(database), Mailbox(Manners(hangs_at="message"))
    started = time.monotonic()
    with mailbox.serve() as wire, pytest.raises(OutcomeUnknown):
        send(office, wire.port)
    assert time.monotonic() - started < 3.5
    assert len(mailbox.mails) == 1
    assert office.effect_state() == [("unknown", 1)]


# --- without a database: deadlines and certificates -------------------------------------------------------------------


def speak(port: int, *, security: str = "none", host: str = "127.0.0.1", deadline_s: float = 0.4) -> None:
    """Connect, say hello and leave, as the door does."""
    with module.connect(
        host,
        port,
        security=security,
        user="",
        password="",
        account="mail",
        deadlines=Deadlines(),
        deadline_s=deadline_s,
        before_data=lambda: None,
        allowed=None,
    ) as server:
        server.sendmail("shop@example.com", ["ann@example.com"], MAIL)


SLOW = [Manners(drips="EHLO"), Manners(hangs_at="greeting"), Manners(drips="greeting"), Manners(hangs_at="RCPT")]


@pytest.mark.parametrize("manners", SLOW, ids=["drips", "silent", "drips greeting", "hangs later"])
def test_the_deadline_is_for_the_whole_talk(manners: Manners) -> None:
    """However the server plays for time."""
    started = time.monotonic()
    with Mailbox(manners).serve() as wire, pytest.raises((TryLater, smtplib.SMTPException)):
        speak(wire.port)
    assert time.monotonic() - started < 1.9


def test_a_drip_inside_of_the_tls_handshake_is_cut_off() -> None:
    """The clear text before it does not matter."""

    def drip(talk: Any) -> None:
        talk._more()
        talk.drip(b"\x16\x03\x03\x40\x00" + b"\x02" * 1000, every_s=0.02)

    started = time.monotonic()
    with Wire(drip) as wire, pytest.raises(TryLater):
        speak(wire.port, security="tls", host="localhost")
    assert time.monotonic() - started < 1.9


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_that_nobody_signed_gets_no_mail(
    certificate: Path, security: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither password nor message; once this machine trusts it, and only under its name, the mail goes out."""
    manners = Manners(offers=("STARTTLS",), tls=server_side(certificate), tls_from_the_start=security == "tls")
    mailbox = Mailbox(manners)
    with mailbox.serve() as wire:
        with pytest.raises(TryLater, match="SSLCertVerificationError"):
            speak(wire.port, security=security, host="localhost", deadline_s=5)
        assert mailbox.mails == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        speak(wire.port, security=security, host="localhost", deadline_s=5)
        assert len(mailbox.mails) == 1
        mailbox.commands.clear()
    assert "RCPT" not in said(mailbox)


def test_a_server_without_starttls_gets_nothing_in_the_clear() -> None:
    """What is configured as encrypted is never sent otherwise."""
    mailbox = Mailbox()
    with mailbox.serve() as wire, pytest.raises(ConfigError, match="STARTTLS"):
        speak(wire.port, security="starttls")
    assert set(said(mailbox)) <= {"EHLO", "QUIT"}
