"""Mail by SMTP, against a real mail server on loopback and against one that misbehaves by script."""

from __future__ import annotations

import logging
import smtplib
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope
from hypothesis import given, settings
from hypothesis import strategies as st

from connector import (
    Account,
    Address,
    Check,
    CheckResult,
    ConfigError,
    Context,
    Customer,
    Duty,
    DutyEvent,
    Fee,
    HoldReason,
    LineItem,
    Message,
    Money,
    Order,
    OutcomeUnknown,
    Payment,
    PaymentEnd,
    PaymentKind,
    Person,
    PlatformStatus,
    Refused,
    RemoteError,
    ShippingLine,
    TryLater,
)
from connector.outbound.deadlines import Deadlines
from connector.outbound.smtp import connect as guarded
from connector.plugins import smtp
from connector.plugins.smtp.compose import SHIPPED_WITH_US, compose, render
from connector.plugins.smtp.settings import Config

NOW = datetime(2026, 11, 22, 15, tzinfo=UTC)
EVERY = [(event, person) for event in DutyEvent for person in Person]


# --- a world to send in -----------------------------------------------------------------------------------------------


class Ledger:
    """Like the core's: a done effect gives its answer again, a refused or unknown one is not tried again."""

    def __init__(self) -> None:
        self.rows: dict[str, Any] = {}
        self.asked: list[Any] = []

    def __call__(self, kind: str, request: Any, fn: Callable[[str], Any], *, before: Any = None) -> Any:
        key = f"{kind} {msgspec.json.encode(request, order='deterministic').decode()}"
        self.asked.append(request)
        if key in self.rows:
            if isinstance(self.rows[key], Exception):
                raise self.rows[key]
            return self.rows[key]
        try:
            self.rows[key] = fn(key)
        except TryLater:
            raise
        except RemoteError as error:
            self.rows[key] = error
            raise
        return self.rows[key]


@contextmanager
def door(host: str, port: int, *, security: str = "starttls", user: str = "", password: str = "") -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP(host, port, timeout=0.7) as client:
        if security == "starttls":
            client.starttls()
        if user:
            client.login(user, password)
        yield client


def context(port: int = 1, **config: Any) -> Context:
    keys = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "Blue Mug <shop@example.com>"}
    keys |= {"merchant_to": ["boss@example.com"], **config}
    account = Account(name="us-mail", id="a-1", plugin="smtp", config=msgspec.convert(keys, Config))
    parts: dict[str, Any] = {"http": None, "state": None, "lock": None, "smtp": door, "effect": Ledger()}
    return Context(account=account, now=lambda: NOW, log=logging.LoggerAdapter(logging.getLogger("test"), {}), **parts)


def raw(envelope: Envelope) -> bytes:
    assert isinstance(envelope.content, bytes)
    return envelope.content


class Mailbox:
    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.refuse = ""

    async def handle_RCPT(  # noqa: N802 - aiosmtpd looks for this name
        self, server: Any, session: Any, envelope: Envelope, address: str, options: Any
    ) -> str:
        if self.refuse and self.refuse in address:
            return f"550 5.1.1 <{address}>: no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802
        self.envelopes.append(envelope)
        return "250 2.0.0 taken"

    @property
    def mails(self) -> list[EmailMessage]:
        parsed = [message_from_bytes(raw(envelope), policy=policy.default) for envelope in self.envelopes]
        return [mail for mail in parsed if isinstance(mail, EmailMessage)]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def serving(mailbox: Mailbox, **options: Any) -> Iterator[int]:
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def port(mailbox: Mailbox) -> Iterator[int]:
    with serving(mailbox) as port:
        yield port


@contextmanager
def scripted(**answers: str) -> Iterator[int]:
    """A mail server that answers by verb ("content" is the end of the message). "drop" hangs up, "hang" says nothing."""
    usual = {
        "greeting": "220 hi",
        "ehlo": "250 hi",
        "mail": "250 ok",
        "rcpt": "250 ok",
        "data": "354 go on",
        "content": "250 ok",
    }
    said = usual | {"quit": "221 bye"} | answers

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            if not self.say("greeting") or not said["greeting"].startswith("220"):
                return
            while row := self.rfile.readline():
                verb = row[:4].strip().lower().decode()
                if not self.say(verb):
                    return
                if verb == "data" and said["data"].startswith("354"):
                    while self.rfile.readline() not in (b".\r\n", b""):
                        pass
                    if not self.say("content"):
                        return

        def say(self, verb: str) -> bool:
            text = said.get(verb, "250 ok")
            if text == "drop":
                return False
            if text == "hang":
                stopping.wait(5)
                return False
            self.wfile.write(text.encode() + b"\r\n")
            return True

    stopping = threading.Event()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            stopping.set()
            server.shutdown()


# --- orders -----------------------------------------------------------------------------------------------------------


def money(text: str, currency: str = "EUR") -> Money:
    return Money.parse(text, currency)


def paid(amount: Money, kind: PaymentKind = PaymentKind.GATEWAY, **sums: Any) -> Payment:
    nothing = Money.zero(amount.currency)
    zeros = {"authorized": nothing, "captured": amount, "refunded": nothing, "refund_pending": nothing, "disputed": nothing}
    return Payment(id="p", kind=kind, gateway="x", title="Visa", due=amount, **(zeros | sums))


def order(currency: str = "EUR", **changes: Any) -> Order:
    unit = Money(minor=1000, currency=currency)
    tax = Money(minor=190, currency=currency)
    line = LineItem(id="l1", sku="MUG", name="Mug", quantity=2, unit_price=Decimal(5), total=unit, tax=tax)
    fields: dict[str, Any] = {
        "platform_id": "17",
        "number": "#1001",
        "status": "open",
        "means": PlatformStatus.OPEN,
        "currency": currency,
        "placed_at": NOW,
        "updated_at": NOW,
        "lines": (line, replace(line, id="l2", name="Tea towel", sku="")),
        "shipping_lines": (ShippingLine(id="s", method="std", title="Standard", total=unit, tax=tax),),
        "discount": Money.zero(currency),
        "tax": tax + tax + tax,
        "total": unit + unit + unit + tax + tax + tax,
        "customer": Customer(name="Ida Lind", email="ida@example.org"),
        "shipping": Address(name="Ida Lind", line1="1 Pier", city="Oslo", postcode="0150", country="NO"),
    }
    fields |= changes
    fields.setdefault("payments", (paid(fields["total"]),))
    return Order(**fields)


EVIL = '"><script>alert(1)</script>\r\nBcc: thief@example.net\r\n\r\n=?utf-8?q?a=0ABcc:_thief=40example.net?= {{ shop }} 🧡 \u202eمرحبا\x00\ud800'  # noqa: E501


def nasty() -> Order:
    base = order()
    line = replace(base.lines[0], name=EVIL, sku=EVIL, personal=((EVIL, EVIL),))
    where = Address(
        name=EVIL, company=EVIL, line1=EVIL * 20, line2="x" * 3000, city=EVIL, region=EVIL, postcode=EVIL, country="XX"
    )
    return replace(
        base,
        number=EVIL,
        lines=(line, replace(base.lines[1], name="", sku="")),
        shipping_lines=(replace(base.shipping_lines[0], title=EVIL),),
        fees=(Fee(id="f", name=EVIL, total=money("-5"), tax=money("0")),),
        payments=(replace(base.payments[0], title=EVIL),),
        customer=Customer(name=EVIL + "Wolfeschlegelstein" * 30, email="ida@example.org", phone=EVIL, language="x!y"),
        shipping=where,
        billing=where,
        customer_note=EVIL * 300,
    )


EVIL_FACTS: dict[str, Any] = dict.fromkeys(
    ("carrier", "tracking_number", "reason", "text", "releases", "amount", "money", "payment_id", "currency"), EVIL
)
EVIL_FACTS |= dict.fromkeys(("tracking_url", "order_url", "pay_url"), 'javascript:alert("x")//https://x')
SHIPPED: dict[str, Any] = {
    "carrier": "UPS",
    "tracking_number": "1Z9",
    "tracking_url": "https://ups.example/1Z9?a=1&b=2",
    "lines": '{"l2": 1}',
}


def message(event: DutyEvent, person: Person = Person.CUSTOMER, about: Order | None = None, **facts: Any) -> Message:
    duty = Duty(id=f"d-{event}-{person}", event=event, person=person, about="x")
    return Message(duty=duty, ref="us-shop/17", order=about or order(), facts=facts)


def body(mail: EmailMessage, form: str) -> str:
    part = mail.get_body((form,))
    assert part is not None
    return str(part.get_content())


# --- what arrives -----------------------------------------------------------------------------------------------------


def test_a_customer_gets_one_message_with_text_and_html(port: int, mailbox: Mailbox) -> None:
    """A confirmed order arrives once, from the shop, to the customer, in both forms, with everything that was bought."""
    ctx = context(port, reply_to="Help <help@example.com>")
    sent = smtp.notify(ctx, message(DutyEvent.CONFIRMED))
    again = smtp.notify(ctx, message(DutyEvent.CONFIRMED))
    (mail,) = mailbox.mails
    assert mailbox.envelopes[0].rcpt_tos == ["ida@example.org"]
    assert mailbox.envelopes[0].mail_from == "shop@example.com"
    assert sent == again
    assert mail["Message-ID"] == sent.vendor_id
    assert (mail["From"], mail["To"]) == ("Blue Mug <shop@example.com>", "Ida Lind <ida@example.org>")
    assert mail["Reply-To"] == "Help <help@example.com>"
    assert mail["Subject"] == "Your order #1001 with Blue Mug"
    assert mail.get_content_type() == "multipart/alternative"
    assert mail["Date"].datetime == NOW
    for form in ("plain", "html"):
        for word in ("2", "Mug", "Tea towel", "€35.70", "€10.00", "1 Pier", "0150 Oslo", "Norway", "Visa"):
            assert word in body(mail, form)


def test_the_request_holds_no_personal_data(port: int) -> None:
    """The ledger learns which duty it was, and nothing about the customer."""
    ctx = context(port)
    smtp.notify(ctx, message(DutyEvent.CONFIRMED))
    (asked,) = ctx.effect.asked  # type: ignore[attr-defined]
    assert asked == {
        "duty": "d-confirmed-customer",
        "event": "confirmed",
        "person": "customer",
        "about": "x",
        "again": 0,
    }


def test_a_resent_message_is_another_message() -> None:
    """The Message-ID depends on the account, the duty and how often a person had it sent again, and on nothing else."""
    ctx, first = context(), message(DutyEvent.CONFIRMED)
    same = compose(ctx, replace(first, order=order(customer_note="changed")))
    assert compose(ctx, first).message_id == same.message_id
    assert compose(ctx, replace(first, again=1)).message_id != same.message_id
    assert compose(ctx, message(DutyEvent.CANCELLED)).message_id != same.message_id


@pytest.mark.parametrize(("event", "person"), EVERY)
def test_every_mail_of_a_nasty_order_arrives_harmless(port: int, mailbox: Mailbox, event: DutyEvent, person: Person) -> None:
    """Whatever a customer writes is text: no header, recipient, tag, link or template comes of it."""
    smtp.notify(context(port), message(event, person, nasty(), **EVIL_FACTS))
    (mail,) = mailbox.mails
    assert len(mailbox.envelopes[0].rcpt_tos) == 1
    assert {name.lower() for name in mail} <= {
        *("from", "to", "subject", "date", "message-id", "auto-submitted", "mime-version", "content-type", "x-peer"),
        *("x-mailfrom", "x-rcptto"),
    }
    assert all("\n" not in str(value) for value in mail.values())
    html = body(mail, "html")
    assert "<script" not in html.lower()
    assert 'href="javascript' not in html.lower()
    assert "{{ shop }}" in html or "{{ shop }}" in str(mail["Subject"])
    assert "\u202e" not in html + body(mail, "plain") + str(mail["Subject"])
    assert not mail.defects
    assert all(len(row) <= 998 for row in raw(mailbox.envelopes[0]).split(b"\r\n"))


@pytest.mark.parametrize(("event", "person"), EVERY)
def test_every_mail_says_which_order_it_is_about(event: DutyEvent, person: Person) -> None:
    """Subject or text name the order, and shop and order stand in both forms."""
    subject, text, html = render(context(), message(event, person, **SHIPPED, amount="12.50", currency="EUR", reason="address"))
    assert "#1001" in subject
    for form in (text, html):
        assert "#1001" in form
        assert "Blue Mug" in form
    assert "\n\n\n" not in text


def test_a_shipped_mail_holds_the_tracking_link() -> None:
    """Carrier, number and link are there, and only what is in the parcel."""
    _, text, html = render(context(), message(DutyEvent.SHIPPED, **SHIPPED, more_to_come="yes"))
    assert "https://ups.example/1Z9?a=1&b=2" in text
    assert 'href="https://ups.example/1Z9?a=1&amp;b=2"' in html
    for form in (text, html):
        assert "UPS" in form
        assert "1Z9" in form
        assert "Tea towel" in form
        assert "Mug</div>" not in form
        assert "The rest follows" in form
    assert "1 x Tea towel" in text


@pytest.mark.parametrize(
    ("wrong", "said"), [("1Z-WRONG", "a wrong tracking number (1Z-WRONG)"), ("", "now has a tracking number")]
)
def test_a_corrected_number_is_not_another_parcel(wrong: str, said: str) -> None:
    """The customer reads which number was wrong, in both forms, and not once more that something has left."""
    facts = {"tracking_number": "1Z-RIGHT", "carrier": "UPS", "corrected": "yes", "wrong_number": wrong}
    subject, text, html = render(context(), message(DutyEvent.SHIPPED, **facts))

    assert "tracking number of your order" in subject
    for form in (text, html):
        assert said in form
        assert "1Z-RIGHT" in form
        assert "is on its way" not in form


@pytest.mark.parametrize("event", DutyEvent)
def test_the_shop_is_led_to_the_order_and_customers_are_told_where_to_ask(event: DutyEvent) -> None:
    """The hub's page is for the shop only; that one may reply is for customers only; in text as in HTML."""
    facts = {"order_url": "https://hub.example/orders/shop/1"}
    _, *to_shop = render(context(), message(event, Person.MERCHANT, **facts))
    _, *to_customer = render(context(), message(event, **facts))

    assert all("https://hub.example/orders/shop/1" in form for form in to_shop)
    assert not any("hub.example" in form for form in to_customer)
    assert all("Just reply to this mail" in form for form in to_customer)
    assert not any("Just reply to this mail" in form for form in to_shop)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//evil.example", "https://x y", 'https://x"onclick=', "ftp://x", ""])
def test_only_pages_become_links(url: str) -> None:
    """A tracking link that is not http(s) is left out."""
    _, text, html = render(context(), message(DutyEvent.SHIPPED, tracking_number="1Z9", tracking_url=url))
    assert "<a " not in html
    assert "Follow the parcel" not in text


@pytest.mark.parametrize("reason", list(HoldReason))
def test_a_hold_tells_customers_what_to_do_and_never_of_fraud(reason: HoldReason) -> None:
    """The shop's own words about a hold stay in the shop; suspicion reads like any other check."""
    said = message(DutyEvent.ON_HOLD, reason=reason, text="Fraud score 98", releases="Fraud review")
    mail = "".join(render(context(), said))
    other = "".join(render(context(), message(DutyEvent.ON_HOLD, reason="policy")))
    assert "raud" not in mail
    assert ("Please reply" in mail) == (reason in ("address", "po_box", "artwork_missing"))
    assert (mail == other) == (reason not in ("awaiting_payment", "address", "po_box", "artwork_missing", "out_of_stock"))
    to_shop = "".join(render(context(), message(DutyEvent.ON_HOLD, Person.MERCHANT, reason=reason, text="Fraud score 98")))
    assert "Fraud score 98" in to_shop


@pytest.mark.parametrize(
    ("kind", "said", "way"),
    [
        (PaymentKind.GATEWAY, {}, "5 to 10 business days"),
        (PaymentKind.GATEWAY, {"money": "not_moved"}, "We send you the money ourselves"),
        (PaymentKind.BANK_TRANSFER, {"money": "pending"}, "We send you the money ourselves"),
        (PaymentKind.BANK_TRANSFER, {"money": "moved"}, "5 to 10 business days"),
    ],
)
def test_a_refund_says_how_much_and_how_it_arrives(kind: PaymentKind, said: dict[str, Any], way: str) -> None:
    """The sum is in the order's currency and the customer learns when and how to expect it."""
    about = order(payments=(paid(money("35.70"), kind),))
    subject, text, html = render(context(), message(DutyEvent.REFUNDED, about=about, amount="12.50", currency="EUR", **said))
    assert "€12.50" in subject
    for form in (text, html):
        assert "€12.50" in form
        assert way in form


def test_nobody_is_told_of_a_refund_where_nothing_was_taken() -> None:
    """A cancelled order says that nothing was taken only if nothing was."""
    unpaid = order(payments=(paid(money("35.70"), captured=money("0"), ended=PaymentEnd.FAILED),))
    assert "Nothing was taken" in render(context(), message(DutyEvent.CANCELLED, about=unpaid))[1]
    assert "Nothing was taken" not in render(context(), message(DutyEvent.CANCELLED))[1]
    assert "We write again when it is on its way" in render(context(), message(DutyEvent.CANCELLED, refund="yes"))[1]
    assert "You get €5.00 back" in render(context(), message(DutyEvent.CANCELLED, amount="5.00", currency="EUR"))[1]


@pytest.mark.parametrize(
    ("currency", "language", "total"),
    [
        ("EUR", "de-DE", "35,70\xa0€"),
        ("USD", "en-US", "$35.70"),
        ("JPY", "en", "¥3,570"),
        ("KWD", "en", "3.570 KWD"),
        ("IQD", "en", "3.570 IQD"),
        ("UYW", "de", "0,3570 UYW"),
        ("ISK", "en", "3,570 ISK"),
    ],
)
def test_sums_are_written_out_to_the_last_digit(currency: str, language: str, total: str) -> None:
    """Every currency shows all of its minor units, in the language of the message."""
    assert f"Total: {total}" in render(context(language=language), message(DutyEvent.CONFIRMED, about=order(currency)))[1]


@given(st.lists(st.integers(-5000, 50000), min_size=5, max_size=5), st.booleans())
@settings(max_examples=40, deadline=None)
def test_what_is_listed_adds_up_to_the_total(parts: list[int], with_tax: bool) -> None:
    """Items, shipping, fees, tax and whatever the shop does not explain make exactly the total."""
    a, b, tax, fee, total = (Money(minor=part, currency="EUR") for part in parts)
    base = order()
    changed = replace(
        base,
        lines=(replace(base.lines[0], total=a, tax=tax),),
        shipping_lines=(replace(base.shipping_lines[0], total=b, tax=money("0")),),
        fees=(Fee(id="f", name="Fee", total=fee, tax=money("0")),),
        tax=tax,
        total=total,
    )
    text = render(context(prices_with_tax=with_tax), message(DutyEvent.CONFIRMED, about=changed))[1]
    rows = text.split("Items:")[1].split("Total:")[0].splitlines()
    amounts = ["Items:" + rows[0], *rows[1:]]
    listed = [Decimal(row.rsplit("€", 1)[1].replace(",", "")) * (-1 if "-€" in row else 1) for row in amounts if "€" in row]
    assert sum(listed) == total.major


@pytest.mark.parametrize(
    ("email", "envelope"),
    [
        ("  ida@example.org ", "ida@example.org"),
        ("ida@bücher.example", "ida@xn--bcher-kva.example"),
        ("o'brien+tag@example.org", "o'brien+tag@example.org"),
        ("ida@例え.テスト", "ida@xn--r8jz45g.xn--zckzah"),
    ],
)
def test_addresses_of_the_whole_world(port: int, mailbox: Mailbox, email: str, envelope: str) -> None:
    """International domains go out the way mail servers know them."""
    smtp.notify(context(port), message(DutyEvent.CONFIRMED, about=order(customer=Customer(name='Ida, "X" Ł', email=email))))
    assert mailbox.envelopes[0].rcpt_tos == [envelope]
    assert mailbox.mails[0]["To"].addresses[0].addr_spec == envelope
    assert mailbox.mails[0]["To"].addresses[0].display_name == 'Ida, "X" Ł'


def test_an_address_with_letters_beyond_a_to_z(mailbox: Mailbox) -> None:
    """It needs a server that can take it; one that cannot is a clear no before anything is sent."""
    about = message(DutyEvent.CONFIRMED, about=order(customer=Customer(email="jörg@example.org")))
    with serving(mailbox, enable_SMTPUTF8=True) as port:
        smtp.notify(context(port), about)
    assert mailbox.envelopes[0].rcpt_tos == ["jörg@example.org"]
    assert "\r\nTo: jörg@example.org\r\n".encode() in raw(mailbox.envelopes[0])
    with serving(mailbox, enable_SMTPUTF8=False) as port, pytest.raises(Refused, match="letters beyond a-z"):
        smtp.notify(context(port), about)
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize(
    "email",
    [
        "",
        "  ",
        "ida",
        "ida@",
        "@x.org",
        "a@b@c.org",
        "a b@c.org",
        "a@b.org\nBcc: x@y.org",
        "a@b.org,c@d.org",
        "<a@b.org>",
        "a@" + "x" * 64 + ".org",
        "a\x00@b.org",
        "a@b..org",
    ],
)
def test_without_a_usable_address_nothing_is_begun(email: str) -> None:
    """The text says what to do and does not repeat the address; the ledger is not touched."""
    ctx = context()
    with pytest.raises(Refused, match="us-shop/17") as refusal:
        smtp.notify(ctx, message(DutyEvent.CONFIRMED, about=order(customer=Customer(email=email))))
    assert ctx.effect.asked == []  # type: ignore[attr-defined]
    assert not email.strip() or email not in str(refusal.value)


def test_the_merchant_is_told_at_every_address(port: int, mailbox: Mailbox) -> None:
    """All of merchant_to get it in one message; a shop that names nobody is told so."""
    smtp.notify(
        context(port, merchant_to=["Boss <boss@example.com>", "desk@example.com"]),
        message(DutyEvent.CONFIRMED, Person.MERCHANT),
    )
    assert mailbox.envelopes[0].rcpt_tos == ["boss@example.com", "desk@example.com"]
    with pytest.raises(ConfigError, match=r"\[accounts.us-mail\] merchant_to"):
        smtp.notify(context(merchant_to=[]), message(DutyEvent.CONFIRMED, Person.MERCHANT))


def test_a_copy_for_the_shop_never_stops_the_customers_mail(port: int, mailbox: Mailbox) -> None:
    """bcc is in the envelope and not in the message, and a refused bcc is only noted."""
    mailbox.refuse = "gone@"
    ctx = context(port, bcc=["archive@example.com", "gone@example.com"])
    smtp.notify(ctx, message(DutyEvent.CONFIRMED))
    assert mailbox.envelopes[0].rcpt_tos == ["ida@example.org", "archive@example.com"]
    assert b"archive" not in raw(mailbox.envelopes[0])


@given(st.text(), st.text(), st.text())
@settings(max_examples=60, deadline=None)
def test_any_text_makes_a_message(name: str, number: str, note: str) -> None:
    """No name, order number or note, however strange, breaks a message or adds a header to it."""
    changed = order(number=number, customer_note=note, customer=Customer(name=name, email="ida@example.org"))
    mail = message_from_bytes(compose(context(), message(DutyEvent.CONFIRMED, about=changed)).content, policy=policy.default)
    assert len(mail.keys()) == 8
    assert mail["To"].addresses[0].addr_spec == "ida@example.org"
    assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]


# --- what goes wrong --------------------------------------------------------------------------------------------------

FAULTS = [
    ({"greeting": "421 busy"}, TryLater),
    ({"greeting": "drop"}, TryLater),
    ({"greeting": "hang"}, TryLater),
    ({"mail": "451 not now"}, TryLater),
    ({"mail": "553 not your address"}, Refused),
    ({"rcpt": "450 greylisted <ida@example.org>"}, TryLater),
    ({"rcpt": "550 5.1.1 <ida@example.org>: no such user"}, Refused),
    ({"rcpt": "drop"}, TryLater),
    ({"rcpt": "hang"}, TryLater),
    ({"data": "451 later"}, TryLater),
    ({"data": "554 no"}, Refused),
    ({"content": "451 later"}, TryLater),
    ({"content": "421 closing"}, TryLater),
    ({"content": "554 spam"}, Refused),
    ({"content": "drop"}, OutcomeUnknown),
    ({"content": "hang"}, OutcomeUnknown),
    ({"content": "what?"}, OutcomeUnknown),
    ({"content": "354 more"}, OutcomeUnknown),
    ({"content": "554 spam", "quit": "drop"}, Refused),
    ({"content": "554 spam", "quit": "500 what"}, Refused),
    ({"rcpt": "550 no", "quit": "500 what"}, Refused),
]


@contextmanager
def real_door(host: str, port: int, **how: Any) -> Iterator[smtplib.SMTP]:
    """The door that the core hands out: it names what goes wrong while connecting, and closes without a word."""
    rest: dict[str, Any] = {"deadlines": Deadlines(), "deadline_s": 0.7, "before_data": lambda: None, "allowed": None}
    with guarded(host, port, account="us-mail", **({"security": "none", "user": "", "password": ""} | how), **rest) as client:
        yield client


@pytest.fixture(params=[door, real_door], ids=["smtplib", "door"])
def through(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.mark.parametrize(("answers", "expected"), FAULTS, ids=[str(fault[0]) for fault in FAULTS])
def test_every_way_to_fail_has_its_name(through: Any, answers: dict[str, str], expected: type[RemoteError]) -> None:
    """Before DATA nothing happened; a no is a no; a break after DATA is for a person. No text repeats the address."""
    with scripted(**answers) as port, pytest.raises(expected) as failure:
        smtp.notify(replace(context(port), smtp=through), message(DutyEvent.CONFIRMED))
    assert type(failure.value) is expected
    assert "us-mail" in str(failure.value)
    assert "ida@example.org" not in str(failure.value)


@pytest.mark.parametrize("goodbye", ["drop", "500 what", "421 closing", "hang"])
def test_a_message_that_was_taken_stays_sent(through: Any, goodbye: str) -> None:
    """After the server has taken it, nothing that it does at the end makes it unsent."""
    with scripted(quit=goodbye) as port:
        assert smtp.notify(replace(context(port), smtp=through), message(DutyEvent.CONFIRMED)).vendor_id


def test_a_closed_door_is_no_message(through: Any) -> None:
    """Where nobody listens nothing happened, and it is tried again."""
    with pytest.raises(TryLater, match="cannot be reached"):
        smtp.notify(replace(context(free_port()), smtp=through), message(DutyEvent.CONFIRMED))


def test_an_unknown_outcome_is_not_repeated(mailbox: Mailbox) -> None:
    """After a break behind DATA the ledger remembers it: a second call does not send."""
    ctx = context()
    with scripted(content="drop") as bad, pytest.raises(OutcomeUnknown):
        smtp.notify(replace(ctx, smtp=at_port(bad)), message(DutyEvent.CONFIRMED))
    with serving(mailbox) as good, pytest.raises(OutcomeUnknown):
        smtp.notify(replace(ctx, smtp=at_port(good)), message(DutyEvent.CONFIRMED))
    assert mailbox.mails == []


def at_port(port: int) -> Any:
    return lambda host, _, **how: door(host, port, **how)


def refuse_all(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=False, handled=False)


def test_a_wrong_password_is_a_matter_of_configuration(through: Any, mailbox: Mailbox) -> None:
    """The text names account and key, holds no secret, and nothing is in the ledger."""
    with serving(mailbox, authenticator=refuse_all, auth_require_tls=False) as port:
        ctx = replace(context(port, user="shop", password="hunter2"), smtp=through)
        with pytest.raises(ConfigError, match=r"us-mail.*user (and|or) password") as failure:
            smtp.notify(ctx, message(DutyEvent.CONFIRMED))
        checks = {check.name: check for check in smtp.check_account(ctx)}
    assert "hunter2" not in str(failure.value)
    assert ctx.effect.rows == {}  # type: ignore[attr-defined]
    assert checks["mail server"].result is CheckResult.FAILED
    assert "password (535)" in checks["mail server"].text
    assert checks["security"].result is CheckResult.WARNING


def test_a_server_that_wants_a_login_or_has_no_encryption(port: int) -> None:
    """Both are for a person who edits the configuration."""
    with (
        scripted(mail="530 5.7.0 authentication required") as strict,
        pytest.raises(ConfigError, match="set user and password"),
    ):
        smtp.notify(context(strict), message(DutyEvent.CONFIRMED))
    with pytest.raises(ConfigError, match="offers no STARTTLS: change security"):
        smtp.notify(context(port, security="starttls"), message(DutyEvent.CONFIRMED))


# --- templates of one's own -------------------------------------------------------------------------------------------


def test_a_merchants_templates_replace_ours_file_by_file(tmp_path: Path) -> None:
    """What is in the folder is used, in the customer's language first; everything else stays ours."""
    (tmp_path / "shipped_customer.txt").write_text("Subject: Off it goes, {{ number }}\n\nBye {{ customer.name }}!\n")
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / "shipped_customer.txt").write_text("Subject: Unterwegs: {{ number }}\n\nGrüße, {{ customer.name }}!\n")
    ctx = context(templates_dir=str(tmp_path))
    german = order(customer=Customer(name="Ida", email="i@example.org", language="de-AT"))
    assert render(ctx, message(DutyEvent.SHIPPED))[:2] == ("Off it goes, #1001", "Bye Ida Lind!\n")
    assert render(ctx, message(DutyEvent.SHIPPED, about=german))[:2] == ("Unterwegs: #1001", "Grüße, Ida!\n")
    assert "22. November 2026" in render(ctx, message(DutyEvent.SHIPPED, about=german))[2]
    assert render(ctx, message(DutyEvent.CONFIRMED))[0] == "Your order #1001 with Blue Mug"
    assert found(ctx, "templates").result is CheckResult.OK


def test_customers_get_the_language_that_there_are_texts_in() -> None:
    """Without German texts a German customer gets the shop's language, numbers and all."""
    german = order(customer=Customer(name="Ida", email="i@example.org", language="de"))
    british = order(customer=Customer(name="Ida", email="i@example.org", language="en-GB"))
    assert "November 22, 2026" in render(context(), message(DutyEvent.CONFIRMED, about=german))[1]
    assert "22 November 2026" in render(context(), message(DutyEvent.CONFIRMED, about=british))[1]


def test_arabic_mails_run_from_right_to_left() -> None:
    """The frame turns with the language."""
    _, _, html = render(context(language="ar"), message(DutyEvent.CONFIRMED))
    assert '<html lang="ar" dir="rtl">' in html


def found(ctx: Context, name: str) -> Check:
    return next(check for check in smtp.check_account(ctx) if check.name == name)


BROKEN = [
    ("shipped_customer.html", "<p>\n{% if %}", "shipped_customer.html, line 2"),
    ("shipped_customer.html", "<p>\n\n{{ nunber }}", "shipped_customer.html, line 3: 'nunber' is undefined"),
    ("shipped_customer.txt", "Subject: x\n\n{{ tracking.nummer }}", "shipped_customer.txt, line 3"),
    ("shipped_customer.txt", "Hello", "shipped_customer.txt has to begin with a line"),
    ("shipped_customer.html", '{% extends "frame.html" %}', "asks for frame.html"),
    ("shipped_customer.html", "{{ number + 1 }}", "shipped_customer.html, line 1: TypeError"),
    ("words.txt", "{% macro hello(name) %}{% endmacro %}\n{{ oops() }}", "words.txt, line 2"),
]


@pytest.mark.parametrize(("file", "text", "says"), BROKEN)
def test_a_broken_template_is_named_with_its_line(tmp_path: Path, file: str, text: str, says: str) -> None:
    """Sending stops before anything is begun, and `connector check` finds it before a customer does."""
    (tmp_path / file).write_text(text)
    ctx = context(templates_dir=str(tmp_path))
    with pytest.raises(ConfigError, match="us-mail") as failure:
        smtp.notify(ctx, message(DutyEvent.SHIPPED, **SHIPPED))
    assert says in str(failure.value)
    assert ctx.effect.asked == []  # type: ignore[attr-defined]
    assert found(ctx, "templates").result is CheckResult.FAILED
    assert file in found(ctx, "templates").text or "frame.html" in found(ctx, "templates").text


def test_a_template_that_is_not_text(tmp_path: Path) -> None:
    """A file in another encoding is named, too."""
    (tmp_path / "shipped_customer.html").write_bytes("Grüße".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"shipped_customer\.html"):
        render(context(templates_dir=str(tmp_path)), message(DutyEvent.SHIPPED))


def test_a_misspelt_template_is_noticed(tmp_path: Path) -> None:
    """A file that no mail is made from is a warning; a folder that is not there fails."""
    (tmp_path / "shiped_customer.html").write_text("")
    assert "shiped_customer.html" in found(context(templates_dir=str(tmp_path)), "templates_dir").text
    assert "there is no folder" in found(context(templates_dir=str(tmp_path / "none")), "templates").text


def test_what_a_customer_wrote_is_never_read_as_a_template(tmp_path: Path) -> None:
    """Text with braces in it arrives as it was written, in a template of one's own as in ours."""
    (tmp_path / "confirmed_customer.html").write_text("<i>{{ note }}</i>")
    about = order(customer_note="{{ 7 * 7 }} <b>")
    assert (
        render(context(templates_dir=str(tmp_path)), message(DutyEvent.CONFIRMED, about=about))[2]
        == "<i>{{ 7 * 7 }} &lt;b&gt;</i>"
    )


# --- the account ------------------------------------------------------------------------------------------------------


def test_a_good_account_checks_well_and_sends_nothing(port: int, mailbox: Mailbox) -> None:
    """Server and templates are looked at, and no mail leaves."""
    checks = smtp.check_account(context(port))
    assert [check.result for check in checks] == [CheckResult.OK, CheckResult.OK]
    assert mailbox.envelopes == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sender", "Blue Mug"),
        ("merchant_to", ["nobody"]),
        ("bcc", ["a@b\n"]),
        ("reply_to", "a@b@c"),
        ("language", "klingon"),
        ("time_zone", "Mars/Base"),
    ],
)
def test_a_wrong_setting_is_named(key: str, value: Any) -> None:
    """The check fails with account and key in its text, and does not raise."""
    check = found(context(**{key: value}), "settings") if key != "bcc" else None
    if check is None:  # a line end around an address is only untidy
        assert compose(context(bcc=value), message(DutyEvent.CONFIRMED)).bcc == ("a@b",)
        return
    assert check.result is CheckResult.FAILED
    assert key in check.text


def test_the_plugin_describes_itself() -> None:
    """SMTP cannot be asked afterwards, the password is a secret, and unknown keys are refused."""
    info = smtp.describe()
    assert info.name == "smtp"
    assert info.effects["notify"].vendor == "none"
    field = next(field for field in msgspec.inspect.type_info(Config).fields if field.name == "password")  # type: ignore[attr-defined]
    assert field.type.extra == {"secret": True}
    with pytest.raises(msgspec.ValidationError, match="hots"):
        msgspec.convert({"host": "h", "sender": "a@b.c", "hots": 1}, Config)


def test_there_is_a_template_for_every_mail() -> None:
    """Ten mails, each as text and as HTML, and nothing that no mail is made from."""
    names = {path.name for path in SHIPPED_WITH_US.iterdir()}
    mails = {f"{event}_{person}.{form}" for event, person in EVERY for form in ("txt", "html")}
    assert names == mails | {"base.txt", "base.html", "parts.txt", "parts.html", "words.txt", "README.md"}
