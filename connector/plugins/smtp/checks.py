"""What `connector check` says about a mail account. No mail is sent."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from connector import (
    Address,
    Check,
    CheckResult,
    ConfigError,
    ConnectorError,
    Context,
    Customer,
    Duty,
    DutyEvent,
    LineItem,
    Message,
    Money,
    Order,
    Payment,
    PaymentKind,
    Person,
    PlatformStatus,
    ShippingLine,
)

from .compose import SHIPPED_WITH_US, render
from .handover import connect, no_connection
from .settings import Config, at, languages, locale_for, own, zone


def checks(ctx: Context) -> Iterator[Check]:
    """Settings, mail server and templates, in the order in which a person would correct them."""
    yield from _check_settings(ctx)
    yield _check_server(ctx)
    yield from _check_templates(ctx)


def _check_settings(ctx: Context) -> Iterator[Check]:
    config: Config = ctx.account.config
    if config.security == "none" and config.password:
        text = "The password goes over the network unencrypted."
        yield Check(name="security", result=CheckResult.WARNING, text=text, fix=f'Set security = "starttls" in {at(ctx)}.')
    if not config.merchant_to:
        text = "Nobody in the shop is told: merchant_to is empty."
        yield Check(name="merchant_to", result=CheckResult.WARNING, text=text, fix=f"Set merchant_to in {at(ctx)}.")
    try:
        for key in ("sender", "reply_to", "merchant_to", "bcc"):
            own(ctx, key)
        locale_for(ctx, "")
        zone(ctx)
    except ConfigError as error:
        yield Check(name="settings", result=CheckResult.FAILED, text=str(error), fix=f"Change it in {at(ctx)}.")


def _check_server(ctx: Context) -> Check:
    config: Config = ctx.account.config
    where = f"{config.host}:{config.port}"
    try:
        with connect(ctx) as smtp:
            smtp.ehlo_or_helo_if_needed()
    except (smtplib.SMTPException, OSError, ConnectorError) as error:
        text = str(no_connection(ctx, error))
        fix = f"Check host, port and security in {at(ctx)}."
        return Check(name="mail server", result=CheckResult.FAILED, text=text, fix=fix)
    text = f"{where} answers ({config.security}){', and knows the user' if config.user else ''}."
    return Check(name="mail server", result=CheckResult.OK, text=text)


def _check_templates(ctx: Context) -> Iterator[Check]:
    config: Config = ctx.account.config
    try:
        for message in _samples(ctx):
            render(ctx, message)
        text = f"Every mail can be made, in: {', '.join(sorted(languages(config)))}."
        yield Check(name="templates", result=CheckResult.OK, text=text)
    except ConnectorError as error:
        yield Check(name="templates", result=CheckResult.FAILED, text=str(error), fix="Correct the template, or delete it.")
    ours = {path.name for path in SHIPPED_WITH_US.iterdir()}
    folder = Path(config.templates_dir)
    files = folder.rglob("*") if config.templates_dir and folder.is_dir() else ()
    strange = sorted(str(path.relative_to(folder)) for path in files if path.is_file() and path.name not in ours)
    if strange:
        text = f"In {config.templates_dir} no mail is made from {', '.join(strange)}, unless another template asks for it."
        yield Check(name="templates_dir", result=CheckResult.WARNING, text=text, fix="Check the spelling of the name.")


def _samples(ctx: Context) -> Iterator[Message]:
    """Every mail once in every language, about an order that nobody made."""
    config: Config = ctx.account.config
    facts = {
        "carrier": "UPS",
        "tracking_number": "1Z999AA10123456784",
        "tracking_url": "https://example.com/1Z999AA10123456784",
    }
    facts |= {
        "lines": '{"1": 1}',
        "amount": "12.00",
        "currency": "EUR",
        "money": "moved",
        "reason": "address",
        "text": "The street is missing.",
        "releases": "A street.",
    }
    for language in sorted(languages(config)):
        order = _sample_order(language)
        for event in DutyEvent:
            for person in Person:
                duty = Duty(id=f"sample {event} {person}", event=event, person=person)
                yield Message(duty=duty, ref="sample/1", order=order, facts=facts)


def _sample_order(language: str) -> Order:
    def eur(text: str) -> Money:
        return Money.parse(text, "EUR")

    line = LineItem(id="1", sku="M-1", name="Mug", quantity=2, unit_price=Decimal("5.00"), total=eur("10"), tax=eur("2"))
    nothing = eur("0")
    paid = Payment(
        id="1",
        kind=PaymentKind.GATEWAY,
        gateway="card",
        title="Card",
        due=eur("12"),
        authorized=nothing,
        captured=eur("12"),
        refunded=nothing,
        refund_pending=nothing,
        disputed=nothing,
    )
    return Order(
        platform_id="1",
        number="#1001",
        status="open",
        means=PlatformStatus.OPEN,
        currency="EUR",
        placed_at=datetime(2026, 1, 31, 12, tzinfo=UTC),
        updated_at=datetime(2026, 1, 31, 12, tzinfo=UTC),
        lines=(replace(line, personal=(("Engraving", "Ada"),)),),
        shipping_lines=(ShippingLine(id="1", method="standard", title="Standard", total=nothing, tax=nothing),),
        discount=nothing,
        tax=eur("2"),
        total=eur("12"),
        payments=(paid,),
        customer=Customer(name="Ada Sample", email="ada@example.com", language=language),
        shipping=Address(name="Ada Sample", line1="1 Sample Street", city="Sampleton", postcode="12345", country="DE"),
        customer_note="Please ring twice.",
    )
