"""The mailbox takes messages, and fails as told."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from connector.sandbox import Mailbox, Sandbox
from connector.sandbox.truth.client import Client


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as running:
        yield running


def message(subject: str = "Your order") -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "shop@store.example", "ada@buyer.example", subject
    made["Message-ID"] = "<1@store.example>"
    made.set_content("Grüße, Ada\n")
    made.add_alternative("<p>Grüße, Ada</p>\n", subtype="html")
    return made


def send(mailbox: Mailbox, made: EmailMessage | None = None) -> None:
    with smtplib.SMTP(mailbox.host, mailbox.port, timeout=10) as smtp:
        smtp.send_message(made or message())


def test_a_message_is_kept_with_envelope_and_bodies(mailbox: Mailbox) -> None:
    """Envelope, Message-ID, subject, text, HTML and raw bytes of a message can be read."""
    send(mailbox)
    (kept,) = mailbox.messages
    assert (kept.envelope_from, kept.envelope_to) == ("shop@store.example", ("ada@buyer.example",))
    assert (kept.message_id, kept.subject) == ("<1@store.example>", "Your order")
    assert (kept.text, kept.html) == ("Grüße, Ada\n", "<p>Grüße, Ada</p>\n")
    assert b"Message-ID: <1@store.example>" in kept.raw
    assert kept.received_at.tzinfo is not None
    assert kept.confirmed


def test_clear_empties_the_box(mailbox: Mailbox) -> None:
    """After clear() nothing is left."""
    send(mailbox)
    mailbox.clear()
    assert mailbox.messages == []


def test_a_refused_recipient_is_5xx_and_nothing_is_kept(mailbox: Mailbox) -> None:
    """`refuse` answers 550 at RCPT, once, and the next message goes through."""
    mailbox.fault("refuse")
    with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
        send(mailbox)
    assert caught.value.recipients["ada@buyer.example"][0] == 550
    assert mailbox.messages == []
    send(mailbox)
    assert len(mailbox.messages) == 1


def test_a_busy_mailbox_is_4xx(mailbox: Mailbox) -> None:
    """`busy` answers 450 at RCPT."""
    mailbox.fault("busy")
    with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
        send(mailbox)
    assert caught.value.recipients["ada@buyer.example"][0] == 450


def test_a_connection_dropped_before_data_keeps_nothing(mailbox: Mailbox) -> None:
    """`drop_before_data`: the sender sees a lost connection and the message never arrived."""
    mailbox.fault("drop_before_data")
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(mailbox)
    assert mailbox.messages == []


def test_a_connection_dropped_after_data_keeps_the_message_unconfirmed(mailbox: Mailbox) -> None:
    """`drop_after_data`: the message is in the box, but the sender never got its 250."""
    mailbox.fault("drop_after_data")
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(mailbox)
    (kept,) = mailbox.messages
    assert not kept.confirmed


def test_a_slow_mailbox_confirms_late(mailbox: Mailbox) -> None:
    """`slow` keeps the sender waiting for its 250."""
    mailbox.fault("slow", seconds=0.3)
    started = time.monotonic()
    send(mailbox)
    assert time.monotonic() - started >= 0.3
    assert len(mailbox.messages) == 1


def test_a_fault_strikes_only_recipients_that_match(mailbox: Mailbox) -> None:
    """A rule with a pattern leaves other recipients alone, and does not count them."""
    mailbox.fault("refuse", match="^bob@")
    send(mailbox)
    assert len(mailbox.messages) == 1


def test_a_stopped_mailbox_can_come_back_at_the_same_port(mailbox: Mailbox) -> None:
    """The mail server can be down for a while: stop, refused connection, start, same port."""
    port = mailbox.port
    mailbox.stop()
    with pytest.raises(ConnectionRefusedError):
        send(mailbox)
    mailbox.start()
    assert mailbox.port == port
    send(mailbox)
    assert len(mailbox.messages) == 1


def test_an_unknown_fault_is_refused(mailbox: Mailbox) -> None:
    """A misspelt fault is an error, not silence."""
    with pytest.raises(ValueError, match="no fault 'refused'"):
        mailbox.fault("refused")


def test_the_sandbox_tells_its_mail_and_takes_mail_faults_over_http(sandbox: Sandbox, client: Client) -> None:
    """Another process can read and empty the mailbox, and make it fail."""
    client.control("POST", "faults", {"where": "mail", "kind": "busy"})
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(sandbox.mailbox)
    send(sandbox.mailbox, message("Shipped"))
    (told,) = client.control("GET", "mail")["messages"]
    assert (told["subject"], told["to"], told["confirmed"]) == ("Shipped", ["ada@buyer.example"], True)
    assert "Message-ID: <1@store.example>" in told["raw"]
    assert client.control("DELETE", "mail")["messages"] == []
