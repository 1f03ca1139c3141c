"""The carrier whose labels a person enters."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import (
    Account,
    Address,
    CheckResult,
    Context,
    EffectClass,
    Label,
    LabelRequest,
    LineQuantity,
    PluginKind,
    Refused,
)
from connector.plugins import manual


class Ledger:
    """A done effect gives its answer again. `crash`: the process ends between SENT and DONE, that many times."""

    def __init__(self) -> None:
        self.rows: dict[str, Any] = {}
        self.calls = 0
        self.crash = 0

    def __call__(self, kind: str, request: Any, fn: Callable[[str], Any], *, before: Any = None) -> Any:
        key = f"{kind} {msgspec.json.encode(request, order='deterministic').decode()}"
        if key not in self.rows:
            self.calls += 1
            answer = msgspec.json.decode(msgspec.json.encode(fn(key)))
            if self.crash:
                self.crash -= 1
                raise KeyboardInterrupt
            self.rows[key] = answer
        return self.rows[key]


def context(ledger: Ledger | None = None, **config: Any) -> Context:
    account = Account(name="by-hand", id="a-1", plugin="manual", config=msgspec.convert(config, manual.Config))
    parts: dict[str, Any] = {"http": None, "state": None, "lock": None, "smtp": None, "now": None}
    return Context(account=account, effect=ledger or Ledger(), log=logging.LoggerAdapter(logging.getLogger("test")), **parts)


def request(carrier: str = "", number: str = "", request_id: str = "s-1") -> LabelRequest:
    return LabelRequest(
        id=request_id,
        to=Address(name="Ida Lind", line1="1 Pier", city="Oslo"),
        lines=(LineQuantity(line_id="l1", quantity=1),),
        carrier=carrier,
        tracking_number=number,
    )


def test_what_was_entered_becomes_the_label() -> None:
    """Carrier, number and link come back, there is nothing to print and nothing to pay."""
    label = manual.buy_label(context(), request("ups", " 1z 999 aa1 01 2345 6784\n"))
    assert label == Label(
        vendor_id="s-1",
        carrier="UPS",
        tracking_number="1Z999AA10123456784",
        tracking_url="https://www.ups.com/track?tracknum=1Z999AA10123456784",
    )


def test_a_crash_at_any_line_never_needs_a_person() -> None:
    """The rule is to make the same call again, and again gives the same label."""
    rule = manual.describe().effects["buy_label"]
    assert rule.vendor is EffectClass.KEYED
    assert rule.remembers_s > 10 * 365 * 86_400
    ledger = Ledger()
    ledger.crash = 2
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            manual.buy_label(context(ledger), request("UPS", "1Z1"))
    assert manual.buy_label(context(ledger), request("UPS", "1Z1")) == manual.buy_label(context(ledger), request("UPS", "1Z1"))
    assert ledger.calls == 3


def test_the_ledger_learns_nothing_about_the_customer() -> None:
    """The request holds shipment, carrier and number, and not the address."""
    ledger = Ledger()
    manual.buy_label(context(ledger), request("UPS", "1Z1"))
    assert "Lind" not in str(ledger.rows)
    assert "Pier" not in str(ledger.rows)


def test_a_changed_setting_does_not_change_the_request() -> None:
    """The same shipment keeps its label when the account's usual carrier is another one afterwards."""
    ledger = Ledger()
    first = manual.buy_label(context(ledger, carrier="DPD"), request("", "01234567890123"))
    assert manual.buy_label(context(ledger, carrier="GLS"), request("", "01234567890123")) == first
    assert first.carrier == "DPD"


@pytest.mark.parametrize(
    ("carrier", "number", "says"),
    [
        ("", "", "enter the carrier and the tracking number"),
        ("  \u200b", "\n\t", "enter the carrier and the tracking number"),
        ("", "123456789012", "enter the carrier, too"),
        ("UPS", "https://www.ups.com/track?tracknum=1Z", "enter the number alone"),
        ("UPS", "9" * 101, "at most 100"),
        ("x" * 101, "1", "at most 100"),
    ],
)
def test_too_little_is_refused_with_what_to_enter(carrier: str, number: str, says: str) -> None:
    """The text says what to enter, and nothing is noted."""
    ledger = Ledger()
    with pytest.raises(Refused, match=says):
        manual.buy_label(context(ledger), request(carrier, number))
    assert ledger.calls == 0


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("ups", "UPS"),
        ("  U.P.S. ", "UPS"),
        ("FEDEX", "FedEx"),
        ("Fed Ex", "FedEx"),
        ("federal express", "FedEx"),
        ("dhl", "DHL"),
        ("DHL-Express", "DHL Express"),
        ("dhl paket", "DHL Paket"),
        ("hermes uk", "Evri"),
        ("Hermes", "Hermes"),
        ("NZ Post", "New Zealand Post"),
        ("Österreichische Post", "Post AT"),
        ("OSTERREICHISCHE POST", "Post AT"),
        ("ｕｐｓ", "UPS"),
        ("日本郵便", "Japan Post"),
        ("Uncle Bob's  van", "Uncle Bob's van"),
        ("Colissimo", "Colissimo"),
    ],
)
def test_carriers_are_known_however_they_are_typed(typed: str, name: str) -> None:
    """Capitals, dots, spaces, accents and usual other names do not matter; an unknown carrier is taken as it is."""
    label = manual.buy_label(context(), request(typed, "AB12"))
    assert label.carrier == name
    assert bool(label.tracking_url) == (name != "Uncle Bob's van")


def test_a_carrier_without_a_number_is_fine() -> None:
    """A letter has no tracking."""
    label = manual.buy_label(context(), request("Royal Mail", ""))
    assert (label.carrier, label.tracking_number, label.tracking_url) == ("Royal Mail", "", "")


@pytest.mark.parametrize(
    ("number", "carrier"),
    [
        ("1Z5R89390357567127", "UPS"),
        ("1z879e930346834440", "UPS"),
        ("1Z5R89390357567128", ""),  # wrong check digit
        ("1Z5R8939035756712", ""),
        ("9400111201080805483016", "USPS"),
        ("9400 1112 0108 0805 4830 16", "USPS"),
        ("9400111201080805483017", ""),
        ("9600111201080805483014", ""),  # FedEx begins so
        ("RR123456785GB", "Royal Mail"),
        ("RA 123 456 785 CH", "Swiss Post"),
        ("RR123456784GB", ""),
        ("CP123456785GB", ""),  # may be Parcelforce
        ("EE123456785FR", ""),  # may be Chronopost
        ("RR123456785DE", ""),
        ("123456789012", ""),
        ("12345678901234", ""),
        ("١٢٣٤٥٦٧٨٩٠١٢", ""),
    ],
)
def test_a_carrier_is_only_guessed_where_it_is_certain(number: str, carrier: str) -> None:
    """A number's check digit has to be right and its shape one carrier's; else a person says whose it is."""
    if carrier:
        assert manual.buy_label(context(), request("", number)).carrier == carrier
        return
    with pytest.raises(Refused, match="enter the carrier, too"):
        manual.buy_label(context(), request("", number))


def test_the_carrier_of_a_number_can_be_configured() -> None:
    """What is certain wins over the usual carrier, the usual carrier over asking, and what was entered over both."""
    ctx = context(carrier="gls")
    assert manual.buy_label(ctx, request("", "123456789012")).carrier == "GLS"
    assert manual.buy_label(ctx, request("", "1Z5R89390357567127")).carrier == "UPS"
    assert manual.buy_label(ctx, request("DPD", "1Z5R89390357567127")).carrier == "DPD"


@given(st.text(min_size=1, max_size=60), st.sampled_from([name for name, _, _ in manual.CARRIERS]))
def test_no_number_breaks_out_of_its_link(number: str, carrier: str) -> None:
    """Whatever is entered as number, the link stays on the carrier's host and holds nothing but that number."""
    try:
        label = manual.buy_label(context(), request(carrier, number))
    except Refused:
        return
    template = next(url for name, url, _ in manual.CARRIERS if name == carrier)
    assert urlsplit(label.tracking_url or template).hostname == urlsplit(template).hostname
    if label.tracking_url:
        before, _, after = template.partition("{}")
        quoted = label.tracking_url.removeprefix(before).removesuffix(after)
        assert unquote(quoted) == label.tracking_number
        assert not set(quoted) & set("/?#&=<>\"' \n")


@pytest.mark.parametrize(("name", "url", "aliases"), manual.CARRIERS)
def test_every_carrier_is_listed_once(name: str, url: str, aliases: str) -> None:
    """Every page is https with one place for the number, and no other carrier answers to one of its names."""
    assert url.startswith("https://")
    assert url.count("{}") == 1
    for word in [name, *filter(None, aliases.split("|"))]:
        assert manual.buy_label(context(), request(word, "1")).carrier == name


def test_a_voided_label_promises_no_money() -> None:
    """Whether anything is paid back is not ours to say."""
    ctx = context()
    assert manual.void_label(ctx, manual.buy_label(ctx, request("UPS", "1Z1"))) is False


def test_the_plugin_describes_itself() -> None:
    """It is a carrier, does not deliver to PO boxes unless told so, and refuses unknown keys."""
    info = manual.describe()
    assert (info.name, info.kinds) == ("manual", (PluginKind.CARRIER,))
    assert info.capabilities.cannot_deliver == ("po_box",)
    assert manual.Config().cannot_deliver == ("po_box",)
    assert msgspec.convert({"cannot_deliver": []}, manual.Config).cannot_deliver == ()
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"cannot_delivr": []}, manual.Config)


def test_checking_the_account_finds_misspelt_words() -> None:
    """A good account has one good check; a word that nobody looks for and an unknown carrier are warnings."""
    assert [check.result for check in manual.check_account(context(carrier="DPD"))] == [CheckResult.OK]
    checks = manual.check_account(context(cannot_deliver=["pobox"], carrier="Uncle Bob"))
    assert [check.result for check in checks] == [CheckResult.OK, CheckResult.WARNING, CheckResult.WARNING]
    assert "[accounts.by-hand]" in checks[1].fix
