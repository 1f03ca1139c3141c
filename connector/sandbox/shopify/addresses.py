"""Addresses: what shoppers and apps give, completed with the names of countries and provinces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from connector.sandbox.shopify.things import Address

if TYPE_CHECKING:
    from connector.sandbox.shopify.store import Store

COUNTRIES = {
    "US": "United States",
    "CA": "Canada",
    "GB": "United Kingdom",
    "DE": "Germany",
    "FR": "France",
    "JP": "Japan",
    "AU": "Australia",
    "IT": "Italy",
    "ES": "Spain",
    "NL": "Netherlands",
    "AT": "Austria",
    "CH": "Switzerland",
}
PROVINCES = {
    ("US", "NY"): "New York",
    ("US", "CA"): "California",
    ("US", "NV"): "Nevada",
    ("US", "TX"): "Texas",
    ("US", "PR"): "Puerto Rico",
    ("CA", "ON"): "Ontario",
    ("CA", "QC"): "Quebec",
    ("CA", "BC"): "British Columbia",
}
FIELDS = ("first_name", "last_name", "company", "address1", "address2", "city", "zip", "phone")


def address_of(store: Store, given: Mapping[str, Any]) -> Address:
    """From snake_case words; `country_code` and `province_code` give the names."""
    country, province = given.get("country_code"), given.get("province_code")
    return Address(
        id=store.next_id("MailingAddress"),
        **{name: given.get(name) for name in FIELDS},
        country_code=country,
        country=given.get("country") or COUNTRIES.get(country or "", country),
        province_code=province,
        province=given.get("province") or PROVINCES.get((country or "", province or ""), province),
        latitude=given.get("latitude"),
        longitude=given.get("longitude"),
    )


def from_input(store: Store, given: Mapping[str, Any], known: Address | None = None) -> Address:
    """From a MailingAddressInput; what it does not name stays as it was."""
    words = {
        "firstName": "first_name",
        "lastName": "last_name",
        "countryCode": "country_code",
        "provinceCode": "province_code",
    }
    fields = ("company", "address1", "address2", "city", "zip", "phone", "country", "province")
    words |= {name: name for name in fields}
    before = {name: getattr(known, name) for name in words.values()} if known else {}
    after = {words[name]: value for name, value in given.items() if name in words}
    if {"country_code", "province_code"} & after.keys():
        before |= {"country": None, "province": None}
    return address_of(store, {**before, **after})
