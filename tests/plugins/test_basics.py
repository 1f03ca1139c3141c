"""The reviews that need no account."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector import (
    Address,
    CarrierView,
    Customer,
    Finding,
    HoldReason,
    LineItem,
    Money,
    Order,
    Payment,
    PaymentEnd,
    PaymentKind,
    PlatformStatus,
    PluginKind,
    Severity,
    ShippingLine,
)
from connector.plugins import basics

NOW = datetime(2026, 11, 22, tzinfo=UTC)
NOTHING, ALL = Money.zero("EUR"), Money.parse("20", "EUR")
UPS = CarrierView(name="ups", cannot_deliver=("po_box",))
USPS = CarrierView(name="usps")


def payment(kind: PaymentKind = PaymentKind.GATEWAY, **changes: Any) -> Payment:
    sums = dict.fromkeys(("authorized", "captured", "refunded", "refund_pending", "disputed"), NOTHING)
    return Payment(id="p", kind=kind, gateway="x", **({"due": ALL} | sums | changes))


def order(**changes: Any) -> Order:
    fields: dict[str, Any] = {
        "platform_id": "17",
        "number": "#1001",
        "status": "open",
        "means": PlatformStatus.OPEN,
        "currency": "EUR",
        "placed_at": NOW,
        "updated_at": NOW,
        "lines": (LineItem(id="l1", quantity=1, unit_price=Decimal(20), total=ALL, tax=NOTHING),),
        "discount": NOTHING,
        "tax": NOTHING,
        "total": ALL,
        "payments": (payment(captured=ALL),),
        "customer": Customer(name="Ida Lindqvist", email="ida@example.org", phone="+47 22 33 44 55"),
        "shipping": Address(name="Ida Lindqvist", line1="1 Pier", city="Oslo", postcode="0150", country="NO"),
    }
    return Order(**(fields | changes))


def review(about: Order, *carriers: CarrierView) -> dict[str, Finding]:
    return {finding.code: finding for finding in basics.review_order(about, carriers)}


def at(line1: str, country: str = "US", **more: str) -> Order:
    return order(shipping=Address(name="Ida", city="X", postcode="1", country=country, line1=line1, **more))


def test_a_good_order_has_nothing_to_say() -> None:
    """Paid, a full address, no notes: no finding."""
    assert basics.review_order(order(), (UPS,)) == []


# --- PO boxes ---------------------------------------------------------------------------------------------------------

BOXES = """
US P.O. Box 12
US PO Box 12
US PO BOX 12345
US P O Box 12
US P. O. Box 12
US p.o.box 12
US POBox12
US P.O.Box12
US PO. Box 12
US P/O Box 12
US P-O Box 12
US P0 Box 12
US PO Bxo 12
US POB 12
US P.O.B. 12
US PO Box #12
US PO Box No. 12
US PO Box: 12
US PO BOX A-12
US P.O. Box
US PO Drawer 12
US Post Office Box 12
US post office box
US 12 Main St, PO Box 34
US Acme Inc. P.O. Box 34
US Box 12
SE Box 1234
US ＰＯ Ｂｏｘ １２
IN Post Box No. 12
KE P.O. Box 4321
GH P.O. Box AN 1234
AE PO Box: 12345
AU GPO Box 123
AU G.P.O. Box 123
AU Locked Bag 12
AU Locked Mail Bag 12
ZA Private Bag X12
NZ Private Bag 3
ZA Posbus 12
DE Postfach 12 34 56
DE Postfach
DE POSTFACH 1234
AT Postfach 12
DE Postschließfach 12
DE Pf. 1234
CH Case postale 12
FR Boîte postale 12
FR BOITE POSTALE N° 12
FR BP 12
FR B.P. 1234
FR 12 rue de la Paix, BP 34
MA BP 12
CA C.P. 123
CA Case Postale 123
ES Apartado 123
ES Apartado de Correos 123
ES Apdo. 123
ES Apdo. Postal 123
ES Apdo Correos 12
MX Apartado Postal 12
MX Apartado postal nº 12
PT Apartado 12
CL Casilla 12
AR Casilla de Correo 12
ES Apartat de Correus 12
BR Caixa Postal 123
BR Cx. Postal 123
IT Casella postale 12
IT Casella Postale
IT C.P. 12
CH Casella postale 12
NL Postbus 123
NL POSTBUS 1234
BE Postbus 12
NL Antwoordnummer 12
NO Postboks 12
NO Postboks 12 Sentrum
DK Postboks 12
NO Pb. 12
FI PL 123
FI Postilokero 12
PL Skrytka pocztowa 12
PL skr. poczt. 12
CZ Poštovní přihrádka 12
CZ P.O. Box 12
SK Poštová priehradka 12
HU Postafiók 12
HU Pf. 12
RO Căsuța poștală 12
SI Poštni predal 12
HR Poštanski pretinac 12
RS Поштански фах 12
BG Пощенска кутия 12
BG п.к. 12
RU а/я 12
RU абонементный ящик 12
RU абонементный почтовый ящик 12
UA а/с 12
UA абонентська скринька 12
GR Τ.Θ. 12
GR ΤΘ 1234
GR Ταχυδρομική Θυρίδα 12
TR Posta Kutusu 12
TR P.K. 12
IL ת.ד. 1234
IL תיבת דואר 12
SA ص.ب 1234
SA ص.ب. ١٢٣٤
AE صندوق بريد 12
JP 私書箱12号
JP 東京中央郵便局私書箱第12号
KR 사서함 12호
CN 邮政信箱12号
TW 郵政信箱 12
TH ตู้ ปณ. 12
VN Hộp thư 12
ID Kotak Pos 12
"""
STREETS = """
US 12 Box Street
US 123 Box Hill Rd
AU 5 Box Hill South
US Pobox Lane 3
US PO Box Lane
US 12 Polo Box Rd
US 7 Apollo Box Drive
US 12 Post St
US 4 Old Post Rd
US 1 Post Office Square
US 9 Post Oak Blvd
US Apt 12, 5 Main St
US Suite 100 #123
US PMB 234
US 12 Main St PMB 5
US RR 2 Box 152
US HC 1 Box 12
US PSC 1234 Box 5678
US UNIT 2050 BOX 4190
US CMR 415 Box 12
US 12 Main St Box 3
US Mail Boxes Etc, 12 Main St
US Jukebox 12
US Depo Box 12
US 5 Tempo Box 12
IT Via ACP 12
US Boxwood 12
GB 12 Box Lane
GB 1 Postbridge Ln
GB BP 12 Motorway Services
GB POB Ltd, 12 High Street
GB Post Box Cottage
GB 12 Private Road
ES Calle El Poblado 12
CO Carrera 12 El Poblado
ES Calle Apartado Rodríguez
ES Calle Casilla
MX C.P. 01000
MX Calle 5, C.P. 44100
ES C.P. 28001
IT Via Roma 1, C.P. 00100
IT Via Casella 12
BR Rua Caixa Econômica 12
DE Poststraße 12
DE Poststr. 12
DE Postfachweg 3
DE Postfachstr 3
DE Am Postfach 3
DE Posthof 12
DE Platz 12
DE Packstation 123
NL Boxtelseweg 12
NL Postweg 12
BE Poststraat 12
FR 12 rue de la Poste
FR 5 rue du BP
FR CS 12345
FI Postikatu 12
NO Postveien 12
DK Boks Allé
SE Boxvägen 12
SE Storgatan 1
TR Atatürk Cd. 12 PK 34000
TR Posta Cd. 12
RU ул. Почтовая 12
RU ул. Ящикова 1
GR Οδός Θησέως 12
IL רחוב הדואר 12
JP 銀座1-2-3
PL ul. Pocztowa 12
PL pl. Wolności 12
CZ Poštovní 12
HU Posta utca 12
RO Str. Poștei 12
PT Rua do Apartamento 12
"""


def rows(table: str) -> list[tuple[str, str]]:
    return [(row[:2], row[3:]) for row in table.strip().splitlines()]


@pytest.mark.parametrize(("country", "line"), rows(BOXES))
def test_a_po_box_is_seen_however_it_is_written(country: str, line: str) -> None:
    """In line 1 (and, but for a bare "Box 12", in line 2 and company, in capitals and in small letters)."""
    finding = review(at(line, country), UPS)["po_box"]
    assert (finding.severity, finding.reason, finding.field) == (Severity.HOLD, HoldReason.PO_BOX, "shipping.line1")
    assert not any(c.isdigit() for c in finding.value)
    assert "po_box" in review(at(line.upper(), country), UPS)
    assert "po_box" in review(at(line.lower(), country), UPS)
    if not line.startswith("Box"):
        assert review(at("1 Pier", country, line2=line), UPS)["po_box"].field == "shipping.line2"
        assert review(at("1 Pier", country, company=line), UPS)["po_box"].field == "shipping.company"


@pytest.mark.parametrize(("country", "line"), rows(STREETS))
def test_a_street_is_not_taken_for_a_po_box(country: str, line: str) -> None:
    """What only looks like one goes out."""
    for written in (line, line.upper(), line.lower()):
        assert "po_box" not in review(at(written, country), UPS)


def test_a_po_box_is_no_matter_if_a_carrier_delivers_there() -> None:
    """Held if no carrier can; said if one can, by name; said if there is no carrier yet."""
    about = at("PO Box 12")
    assert review(about, UPS)["po_box"].severity is Severity.HOLD
    assert review(about, UPS)["po_box"].releases
    assert review(about, UPS, USPS)["po_box"].severity is Severity.INFO
    assert "usps" in review(about, UPS, USPS)["po_box"].text
    assert review(about)["po_box"].severity is Severity.INFO


def test_what_is_not_sent_has_no_address_to_review() -> None:
    """Downloads and orders that are picked up may have any address."""
    download = LineItem(id="l1", quantity=1, unit_price=Decimal(20), total=ALL, tax=NOTHING, requires_shipping=False)
    pickup = ShippingLine(id="s", method="local_pickup", total=NOTHING, tax=NOTHING, pickup=True)
    box = Address(line1="PO Box 12")
    assert basics.review_order(order(lines=(download,), shipping=box), (UPS,)) == []
    assert basics.review_order(order(shipping_lines=(pickup,), shipping=box), (UPS,)) == []


@pytest.mark.parametrize(
    "address",
    [
        Address(line1="PSC 1234 Box 5678", city="APO", region="AE", country="US"),
        Address(line1="12 Some Road", city="F.P.O.", region="AP", country="US"),
        Address(line1="12 Some Road", city="X", region="AA", country="US"),
        Address(line1="Unit 2050, Box 4190", city="X", country="US"),
        Address(line1="BFPO 12", city="X", country="GB"),
    ],
)
def test_a_military_address_is_said(address: Address) -> None:
    """It is worth knowing, and not a PO box."""
    found = review(order(shipping=address), UPS)
    assert found["military_address"].severity is Severity.INFO
    assert "po_box" not in found


@pytest.mark.parametrize(
    "address",
    [
        Address(line1="12 Apo Street", city="Apopka", region="FL", country="US"),
        Address(line1="1 Pier", city="Napo", region="AA", country="EC"),
        Address(line1="Unit 5, 12 Box Hill", city="X", country="US"),
    ],
)
def test_a_town_is_not_taken_for_a_base(address: Address) -> None:
    """Names that only hold the letters are left alone."""
    assert "military_address" not in review(order(shipping=address))


# --- missing parts ----------------------------------------------------------------------------------------------------

FULL = Address(name="Ida", line1="1 Pier", city="Oslo", postcode="0150", country="NO")


@pytest.mark.parametrize(
    ("address", "missing"),
    [
        (FULL, []),
        (replace(FULL, name="", company="Nordlys"), []),
        (replace(FULL, line1="", line2="1 Pier"), []),
        (replace(FULL, postcode="", country="HK"), []),
        (replace(FULL, postcode="", country="AE", city=""), []),
        (replace(FULL, postcode="", country="IE"), []),
        (replace(FULL, city="", country="SG"), []),
        (replace(FULL, country="no"), []),
        (replace(FULL, name=" "), ["name"]),
        (replace(FULL, line1="-"), ["street"]),
        (replace(FULL, city="."), ["city"]),
        (replace(FULL, postcode=""), ["postcode"]),
        (replace(FULL, country="", postcode=""), ["country"]),
        (Address(), ["name", "street", "city", "country"]),
        (Address(country="US"), ["name", "street", "city", "postcode"]),
        (replace(FULL, line1="長安街1", city="北京", name="李"), []),
    ],
)
def test_missing_parts_are_named(address: Address, missing: list[str]) -> None:
    """Only what the country's post needs is missed, and the text names it."""
    assert basics.missing_parts(address) == missing
    found = review(order(shipping=address))
    assert ("missing_address" in found) == bool(missing)
    if missing:
        finding = found["missing_address"]
        assert (finding.severity, finding.reason) == (Severity.HOLD, HoldReason.ADDRESS)
        assert all(part in finding.text for part in missing)


# --- payment ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payments", "code", "says"),
    [
        ((payment(captured=ALL),), "", ""),
        ((payment(authorized=ALL),), "", ""),
        ((payment(captured=ALL, refunded=ALL),), "", ""),
        ((payment(due=NOTHING),), "", ""),
        ((payment(ended=PaymentEnd.FAILED), payment(captured=ALL)), "", ""),
        ((payment(),), "unpaid", "20.00 EUR are not paid yet"),
        ((payment(PaymentKind.BANK_TRANSFER),), "unpaid", "Wait for the payment"),
        ((payment(PaymentKind.TERMS),), "unpaid", "not paid yet"),
        ((payment(captured=Money.parse("5", "EUR")),), "partly_paid", "15.00 EUR are missing"),
        ((payment(ended=PaymentEnd.FAILED),), "unpaid", "did not work (failed)"),
        ((payment(ended=PaymentEnd.EXPIRED, authorized=ALL),), "unpaid", "did not work (expired)"),
        ((), "unpaid", "no payment of these 20.00 EUR"),
        ((payment(PaymentKind.COD),), "pay_on_delivery", "pays on delivery"),
        ((payment(PaymentKind.COD, captured=ALL),), "", ""),
        ((payment(PaymentKind.COD), payment(PaymentKind.GATEWAY)), "unpaid", "not paid yet"),
    ],
)
def test_money_that_is_not_there(payments: tuple[Payment, ...], code: str, says: str) -> None:
    """Unpaid orders are held, those paid on delivery are not, and what is authorized or given back is not unpaid."""
    found = review(order(payments=payments))
    assert {key for key in found if key in ("unpaid", "partly_paid", "pay_on_delivery")} == ({code} if code else set())
    if code:
        assert says in found[code].text
        assert found[code].reason is HoldReason.AWAITING_PAYMENT
        assert found[code].severity is (Severity.INFO if code == "pay_on_delivery" else Severity.HOLD)


def test_the_kind_of_an_unpaid_payment_is_there_for_the_policy() -> None:
    """A shop may let invoices go and hold cheques: the finding says which it is."""
    assert review(order(payments=(payment(PaymentKind.TERMS),)))["unpaid"].value == "terms"


def test_what_costs_nothing_needs_no_payment() -> None:
    """A free order has none and is fine."""
    assert review(order(payments=(), total=NOTHING)) == {}


# --- status -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("means", "more", "code"),
    [
        (PlatformStatus.OPEN, {}, ""),
        (PlatformStatus.ON_HOLD, {}, ""),
        (PlatformStatus.UNPAID, {}, "not_confirmed"),
        (PlatformStatus.FAILED, {}, "not_confirmed"),
        (PlatformStatus.UNPAID, {"payments": (payment(PaymentKind.COD),)}, "not_confirmed"),
        (PlatformStatus.FAILED, {"payments": (payment(PaymentKind.COD),)}, "not_confirmed"),
        (PlatformStatus.OPEN, {"payments": (payment(PaymentKind.COD),)}, ""),
        (PlatformStatus.UNPAID, {"payments": (payment(),)}, ""),  # is unpaid already
        (PlatformStatus.UNPAID, {"payments": (), "total": NOTHING}, ""),
        (PlatformStatus.COMPLETED, {}, "completed_before"),
        (PlatformStatus.COMPLETED, {"lines": ()}, ""),
        (PlatformStatus.UNKNOWN, {}, "unknown_status"),
    ],
)
def test_a_status_that_goes_against_sending_it(means: PlatformStatus, more: dict[str, Any], code: str) -> None:
    """What the shop itself does not work on is held; a status that nobody explained is only said."""
    found = review(order(means=means, status="odd", **more))
    assert {key for key in found if key in ("not_confirmed", "completed_before", "unknown_status")} == (
        {code} if code else set()
    )
    if code:
        assert found[code].severity is (Severity.WARNING if code == "unknown_status" else Severity.HOLD)


def test_an_unknown_status_says_which_and_what_to_do() -> None:
    """The word as it stands in the shop, and the line of the configuration that explains it."""
    text = review(order(means=PlatformStatus.UNKNOWN, status="awaiting-stock"))["unknown_status"].text
    assert "'awaiting-stock'" in text
    assert 'statuses = {"awaiting-stock" = "open"}' in text


# --- notes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("note", "value"),
    [
        ("Please ring twice", "Please ring twice"),
        ("  two\n\n lines ", "two lines"),
        ("call +47 22 33 44 55 please", "call … please"),  # the customer's own
        ("call +47 99 88 77 66 please", "call ••• please"),
        ("call (555) 010-9999", "call •••"),
        ("mail bob@example.com now", "mail …@… now"),
        ("mail bob (at) example.com", "mail …@…"),
        ("for ida lindqvist, 1 PIER", "for …, …"),
        ("x" * 100, "x" * 39 + "…"),
        ("y" * 30 + " bob@example.com", "y" * 30 + " …@…"),
        ("size 42, 3 pieces", "size 42, 3 pieces"),
    ],
)
def test_a_note_is_shown_in_short_and_masked(note: str, value: str) -> None:
    """Enough to see what it is, no address, number or name of the customer, and never the half of one."""
    finding = review(order(customer_note=note))["note_present"]
    assert finding.value == value
    assert (finding.severity, finding.reason) == (Severity.WARNING, HoldReason.NOTE)


def test_notes_of_the_staff_are_counted_and_not_quoted() -> None:
    """They are worth reading, and their text stays in the shop."""
    assert review(order(staff_notes=("Ida called", " ", "again")))["staff_note"].value == "2 notes"
    assert review(order(customer_note=" \n", staff_notes=(" ",))) == {}


def test_personalised_lines_are_said_without_what_was_entered() -> None:
    """One finding for each such line, with the labels only."""
    line = replace(order().lines[0], personal=(("Engraving", "For Ida"),))
    finding = review(order(lines=(line,)))["personalised"]
    assert (finding.field, finding.value, finding.severity) == ("lines.l1", "Engraving", Severity.INFO)


# --- everything -------------------------------------------------------------------------------------------------------

MARKER = "Zyxwvut"


def test_no_finding_repeats_the_customers_data() -> None:
    """A marker in every personal field is in no finding."""
    address = Address(
        name=MARKER,
        company=f"{MARKER} PO Box 12",
        line1=f"{MARKER} PO Box 34",
        line2=MARKER,
        city=MARKER,
        phone=MARKER,
        country="US",
    )
    about = order(
        customer=Customer(name=MARKER, email=f"{MARKER}@x.org", phone="+1 555 010 9999"),
        shipping=address,
        billing=address,
        customer_note=f"{MARKER} {MARKER}@x.org +1 555 010 9999",
        staff_notes=(MARKER,),
        lines=(replace(order().lines[0], personal=(("Engraving", MARKER),)),),
    )
    found = basics.review_order(about, (UPS,))
    assert {finding.code for finding in found} == {"missing_address", "po_box", "note_present", "staff_note", "personalised"}
    assert MARKER not in str(found)


@given(st.lists(st.text(), min_size=12, max_size=12))
@settings(max_examples=150, deadline=None)
def test_no_text_makes_a_review_fail(texts: list[str]) -> None:
    """Whatever stands in an order, a review answers with findings that have a code and a sentence."""
    name, company, line1, line2, city, region, postcode, country, phone, note, label, email = texts
    address = Address(
        name=name,
        company=company,
        line1=line1,
        line2=line2,
        city=city,
        region=region,
        postcode=postcode,
        country=country,
        phone=phone,
    )
    about = order(
        shipping=address,
        customer=Customer(name=name, email=email, phone=phone),
        customer_note=note,
        staff_notes=(note,),
        lines=(replace(order().lines[0], personal=((label, note),)),),
    )
    for finding in basics.review_order(about, (UPS,)):
        assert finding.code
        assert finding.text.endswith(".")
        assert len(finding.value) <= 600


@pytest.mark.parametrize(
    "line", ["p" * 100_000, "p." * 50_000, " " * 100_000, "p o " * 30_000, "apdo. " * 20_000, "box " * 30_000]
)
def test_an_endless_line_is_read_quickly(line: str) -> None:
    """Nobody can keep a worker busy with an address."""
    started = datetime.now(UTC)
    review(at(line, "FR", line2=line), UPS)
    assert (datetime.now(UTC) - started).total_seconds() < 1


def test_the_plugin_describes_itself() -> None:
    """It reviews, and needs no account."""
    info = basics.describe()
    assert (info.name, info.kinds, info.config) == ("basics", (PluginKind.REVIEW,), None)
