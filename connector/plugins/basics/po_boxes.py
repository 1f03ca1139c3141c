"""PO boxes of many countries, found in the lines of an address."""

from __future__ import annotations

import re
import unicodedata

from connector import Address

LONGEST = 500  # no address line is longer; a pasted novel is not searched to its end

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
    for field, line in lines_of(address).items():
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


def lines_of(address: Address) -> dict[str, str]:
    return {"line1": address.line1, "line2": address.line2, "company": address.company}
