"""Carrier "manual": a person brings the parcel away, and enters carrier and tracking number.

Nothing is bought and nothing leaves the house. What counts as the effect is the note in our own ledger that this shipment has
this number. The note depends on nothing but the request, so making it again gives the same note: that is what "the vendor keeps
our key" means, and so the rule is KEYED with a memory that does not end. After a crash at any line the same call is simply made
again; no person is ever asked whether "it happened".
"""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated
from urllib.parse import quote

import msgspec

from connector import (
    Capabilities,
    Check,
    CheckResult,
    Context,
    EffectClass,
    EffectRule,
    Label,
    LabelRequest,
    PluginInfo,
    PluginKind,
    Refused,
    hookimpl,
)

HUNDRED_YEARS_S = 100 * 365 * 86_400.0
LONGEST = 100  # what a shop's tracking field surely takes
UNDERSTOOD = ("po_box",)  # what reviews look for


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of an account with `plugin = "manual"`."""

    cannot_deliver: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            description='What the carriers you take parcels to will not deliver to; [] if they deliver everywhere ("po_box").'
        ),
    ] = ("po_box",)
    carrier: Annotated[str, msgspec.Meta(description="The carrier to write down where only a number is entered.")] = ""


@hookimpl
def describe() -> PluginInfo:
    rule = EffectRule(vendor=EffectClass.KEYED, remembers_s=HUNDRED_YEARS_S)
    return PluginInfo(
        name="manual",
        kinds=(PluginKind.CARRIER,),
        summary="A person enters carrier and tracking number.",
        config=Config,
        effects={"buy_label": rule, "void_label": rule},
        capabilities=Capabilities(cannot_deliver=("po_box",)),
    )


@hookimpl
def check_account(ctx: Context) -> list[Check]:
    config = ctx.account.config or Config()
    checks = [
        Check(name="manual", result=CheckResult.OK, text="Nothing to reach: a person enters carrier and tracking number.")
    ]
    unknown = [word for word in config.cannot_deliver if word not in UNDERSTOOD]
    if unknown:
        text = f"cannot_deliver holds {', '.join(unknown)}, which no review looks for."
        fix = f"In [accounts.{ctx.account.name}] use {', '.join(UNDERSTOOD)}, or leave it out."
        checks.append(Check(name="cannot_deliver", result=CheckResult.WARNING, text=text, fix=fix))
    if config.carrier and not _url(config.carrier, "1"):
        text = f"{config.carrier} is no carrier that we know a tracking page of: customers get its number without a link."
        checks.append(Check(name="carrier", result=CheckResult.WARNING, text=text, fix="Check the spelling, or leave it so."))
    return checks


@hookimpl
def buy_label(ctx: Context, request: LabelRequest) -> Label:
    """What the person entered, cleaned, with the link to the carrier's tracking page. Raises Refused if too little was."""
    config = ctx.account.config or Config()
    carrier, number = _entered(request, config.carrier)
    note = {"carrier": carrier, "tracking_number": number, "service": _words(request.service)}
    # As it was entered, not as we read it: another setting of the account does not make it another request.
    asked = {"shipment": request.id, "carrier": request.carrier, "tracking_number": request.tracking_number}
    noted = ctx.effect("buy_label", asked, lambda key: note)
    return Label(
        vendor_id=request.id,
        carrier=noted["carrier"],
        service=noted["service"],
        tracking_number=noted["tracking_number"],
        tracking_url=_url(noted["carrier"], noted["tracking_number"]),
    )


@hookimpl
def void_label(ctx: Context, label: Label) -> bool:
    """Strike the note. False: whether the carrier pays anything back is between it and whoever paid."""
    ctx.effect("void_label", {"shipment": label.vendor_id}, lambda key: {"void": True})
    return False


# --- what was entered -------------------------------------------------------------------------------------------------


def _entered(request: LabelRequest, usual: str) -> tuple[str, str]:
    carrier, number = _words(request.carrier), _number(request.tracking_number)
    if not carrier and not number:
        raise _refused(
            "nothing was entered: enter the carrier and the tracking number (the carrier alone if it has no tracking)"
        )
    if "://" in number:
        raise _refused("a link was entered as tracking number: enter the number alone, the link is made from it")
    if len(number) > LONGEST or len(carrier) > LONGEST:
        raise _refused(f"carrier and tracking number may have at most {LONGEST} letters: enter them without anything else")
    carrier = carrier or _guess(number) or _words(usual)
    if not carrier:
        raise _refused("the carrier cannot be told from this tracking number: enter the carrier, too")
    return _known_name(carrier), number.upper() if _key(carrier) in BY_NAME else number


def _refused(text: str) -> Refused:
    return Refused(text, operation="enter a tracking number")


def _words(text: str) -> str:
    """One line of clean text: full-width letters made narrow, line ends and invisible letters out."""
    text = unicodedata.normalize("NFKC", text)
    return " ".join("".join(c if unicodedata.category(c)[0] != "C" or c.isspace() else "" for c in text).split())


def _number(text: str) -> str:
    """People copy numbers in groups; no carrier has spaces in them."""
    return _words(text).replace(" ", "")


def _key(carrier: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", carrier).casefold() if c.isalnum())


def _known_name(carrier: str) -> str:
    known = BY_NAME.get(_key(carrier))
    return known[0] if known else carrier


def _url(carrier: str, number: str) -> str:
    known = BY_NAME.get(_key(carrier))
    return known[1].format(quote(number, safe="")) if known and number else ""


# --- whose number is it? ----------------------------------------------------------------------------------------------
# Only shapes that belong to one carrier and carry a check digit. Twelve digits may be FedEx, Purolator or somebody else;
# fourteen DPD or DHL: there a person says it. Shapes: tracking_number_data 2.0.0, 2026-08-15,
# https://github.com/jkeen/tracking_number_data


def _guess(number: str) -> str:
    number = number.replace("-", "").upper()
    if re.fullmatch(r"1Z[0-9A-Z]{15}[0-9]", number, re.ASCII) and _ups_digit(number[2:17]) == int(number[17]):
        return "UPS"
    if re.fullmatch(r"9[1-5]\d{20}", number, re.ASCII) and _usps_digit(number[:21]) == int(number[21]):
        return "USPS"
    post = re.fullmatch(r"([A-Z])[A-Z](\d{8})(\d)([A-Z]{2})", number, re.ASCII)
    if not post or _s10_digit(post[2]) != int(post[3]):
        return ""
    # Parcels (C) and express (E) from these two countries go by Parcelforce or Chronopost as well.
    return "" if post[4] in ("GB", "FR") and post[1] in "CE" else POSTS.get(post[4], "")


def _ups_digit(serial: str) -> int:
    values = [int(c) if c.isdigit() else (ord(c) - 63) % 10 for c in serial]
    return -(sum(values[0::2]) + 2 * sum(values[1::2])) % 10


def _usps_digit(serial: str) -> int:
    digits = [int(c) for c in reversed(serial)]
    return -(3 * sum(digits[0::2]) + sum(digits[1::2])) % 10


def _s10_digit(serial: str) -> int:
    """Universal Postal Union, standard S10."""
    check = 11 - sum(int(c) * weight for c, weight in zip(serial, (8, 6, 4, 2, 3, 5, 9, 7), strict=True)) % 11
    return {10: 0, 11: 5}.get(check, check)


POSTS = {
    "AT": "Post AT",
    "AU": "Australia Post",
    "BE": "bpost",
    "CA": "Canada Post",
    "CH": "Swiss Post",
    "ES": "Correos",
    "FR": "La Poste",
    "GB": "Royal Mail",
    "IE": "An Post",
    "IT": "Poste Italiane",
    "JP": "Japan Post",
    "NL": "PostNL",
    "NZ": "New Zealand Post",
    "PL": "Poczta Polska",
    "US": "USPS",
}

# --- the carriers' own tracking pages ---------------------------------------------------------------------------------
# Name as it is written down, the page with {} for the number, and what people type. Sources, all looked up 2026-11-22:
# [easypost] tracking links in recorded answers of the EasyPost API; [karrio] the settings of https://github.com/karrioapi/karrio;
# [wcv] shipping_providers() of WC Vendors (plugin for WooCommerce); [shops] the same form in at least five other shop programs
# with public source. Carriers whose form differs between sources, or needs the customer's postcode in it, get no link
# (Yamato, GLS's pages by country): a link that goes nowhere is worse than none.
CARRIERS: tuple[tuple[str, str, str], ...] = (
    ("UPS", "https://www.ups.com/track?tracknum={}", "united parcel service"),  # [easypost]
    (
        "USPS",
        "https://tools.usps.com/go/TrackConfirmAction?tLabels={}",
        "us postal service|united states postal service|us mail",
    ),  # [easypost]
    (
        "FedEx",
        "https://www.fedex.com/fedextrack/?trknbr={}",
        "federal express|fedex ground|fedex express|fedex home delivery",
    ),  # [karrio]
    ("DHL", "https://www.dhl.com/global-en/home/tracking.html?tracking-id={}", ""),  # [shops], for all of DHL
    ("DHL Express", "https://www.dhl.com/global-en/home/tracking.html?tracking-id={}", "dhl worldwide express"),  # [shops]
    (
        "DHL Paket",
        "https://www.dhl.de/de/privatkunden/pakete-empfangen/verfolgen.html?piececode={}",
        "dhl parcel|dhl parcel de|dhl de|dhl germany|dhl deutschland|deutsche post dhl",
    ),  # [shops]
    ("DPD", "https://tracking.dpd.de/status/en_US/parcel/{}", "dpd de|dpd germany|dpd at|dpd nl|dpd ch"),  # [wcv]
    ("DPD UK", "https://track.dpd.co.uk/parcels/{}", "dpd gb|dpd local|dpd united kingdom"),  # [shops]
    ("GLS", "https://gls-group.eu/track/{}", "gls de|gls germany|general logistics systems"),  # [shops], and in GLS's own mails
    (
        "Hermes",
        "https://www.myhermes.de/empfangen/sendungsverfolgung/sendungsinformation/#{}",
        "hermes de|hermes germany",
    ),  # [shops]
    ("Royal Mail", "https://www.royalmail.com/track-your-item#/tracking-results/{}", "royalmail uk"),  # [shops]
    ("Parcelforce", "https://www.parcelforce.com/track-trace?trackNumber={}", "parcelforce worldwide|parcel force"),  # [shops]
    ("Evri", "https://www.evri.com/track/parcel/{}", "hermes uk|myhermes uk"),  # [shops]
    ("An Post", "https://www.anpost.com/Post-Parcels/Track/History?item={}", "an post ireland"),  # [shops]
    (
        "Canada Post",
        "https://www.canadapost-postescanada.ca/track-reperage/en#/search?searchFor={}",
        "postes canada",
    ),  # [shops]
    ("Purolator", "https://www.purolator.com/en/shipping/tracker?pin={}", ""),  # [shops]
    ("Australia Post", "https://auspost.com.au/mypost/track/#/details/{}", "auspost|aus post"),  # [wcv]
    ("New Zealand Post", "https://www.nzpost.co.nz/tools/tracking?trackid={}", "nz post|nzpost"),  # [wcv]
    ("PostNL", "https://jouw.postnl.nl/track-and-trace/{}", "post nl|tnt post nl"),  # [shops]; asks for the postcode itself
    ("bpost", "https://track.bpost.be/btr/web/#/search?itemCode={}", "b post|bpost belgium"),  # [wcv]
    ("Post AT", "https://www.post.at/sv/sendungsdetails?snr={}", "austrian post|österreichische post|post.at"),  # [wcv]
    (
        "Swiss Post",
        "https://service.post.ch/ekp-web/ui/entry/search/{}",
        "die post|la poste suisse|schweizerische post|post ch",
    ),  # [shops]
    ("La Poste", "https://www.laposte.fr/outils/suivre-vos-envois?code={}", "laposte"),  # [wcv]
    ("Colissimo", "https://www.laposte.fr/outils/suivre-vos-envois?code={}", "la poste colissimo"),  # [wcv]
    ("Chronopost", "https://www.chronopost.fr/tracking-no-cms/suivi-page?listeNumerosLT={}", "chronopost france"),  # [shops]
    (
        "Correos",
        "https://www.correos.es/es/es/herramientas/localizador/envios/detalle?tracking-number={}",
        "correos es",
    ),  # [shops]
    ("Poste Italiane", "https://www.poste.it/cerca/index.html#/risultati-spedizioni/{}", "poste it|sda|sda express"),  # [shops]
    ("PostNord", "https://portal.postnord.com/tracking/details/{}", "post nord|postnord sverige|postnord danmark"),  # [wcv]
    ("InPost", "https://inpost.pl/sledzenie-przesylek?number={}", "inpost pl|paczkomaty"),  # [wcv]
    ("Poczta Polska", "https://emonitoring.poczta-polska.pl/?numer={}", "pocztex"),  # [wcv]
    (
        "Japan Post",
        "https://trackings.post.japanpost.jp/services/srv/search/direct?searchKind=S004&locale=en&reqCodeNo1={}",
        "日本郵便|jp post|japan post ems",
    ),  # [shops]
)
BY_NAME = {
    _key(name): (official, url) for official, url, aliases in CARRIERS for name in (official, *aliases.split("|")) if name
}
