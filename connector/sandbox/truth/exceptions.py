"""What the sandbox does not do as recorded, each with the reason: the whole list, printed by every replay."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """`file` and `label` are regular expressions; `path` "" leaves out whole exchanges, else only differing paths."""

    file: str
    label: str
    path: str = ""
    reason: str

    def fits(self, file: str, label: str) -> bool:
        return re.fullmatch(self.file, file) is not None and re.fullmatch(self.label, label) is not None


HISTORY = "counts everything the recorder had done to its store before this file; only the page itself is compared"
SHOP_FRONT = "the shopper's own API (wc/store) is not simulated; a checkout is one call of the control API"
CATALOGUE = "the shop's set-up (products, taxes, shipping, coupons, gateways) is seeded, not written through the API"
EXEMPTIONS = (
    Exemption(file="01", label="(create|enable|method|coupon|tax rate|shipping zone|zone locations).*", reason=CATALOGUE),
    Exemption(file="01", label=r"shipping methods \(ids\)", reason="no connector reads shipping methods"),
    Exemption(
        file="01",
        label="variable product after its variations",
        path=r"header Allow|body\.(date_\w+|price_html|related_ids \(length\))",
        reason="products are seeded and cannot be deleted; no shop front, so no price HTML of a range, no related products",
    ),
    Exemption(file="03", label=".*: (cart|add item)", reason=SHOP_FRONT),
    Exemption(file="03", label="(unknown_gateway|too_many): checkout", reason=SHOP_FRONT),
    Exemption(file="03", label=".*: checkout", path="(status|body|header).*", reason=SHOP_FRONT),
    Exemption(
        file="04",
        label="dp=4",
        path=r"body\.\[0\]\.meta_data \(length\)",
        reason="a real store removes `_debug_log_source_pending_deletion` of a checkout some minutes later",
    ),
    Exemption(file="08", label="all refunds of the store", path="header X-WP-Total(Pages)?", reason=HISTORY),
    Exemption(
        file="09",
        label="list webhooks",
        path=r"body\.\[\d\]\.date_modified(_gmt)?",
        reason="the recorder's steps before this took 20 s; the sandbox's clock stands still during a replay",
    ),
    Exemption(file="10", label=".*", path="header X-WP-Total(Pages)?", reason=HISTORY),
)


def whole(file: str, label: str) -> Exemption | None:
    """The exemption that leaves out the exchange."""
    return next((one for one in EXEMPTIONS if not one.path and one.fits(file, label)), None)


def of_path(file: str, label: str, path: str) -> Exemption | None:
    """The exemption that excuses a difference at that path."""
    partly = (one for one in EXEMPTIONS if one.path and one.fits(file, label))
    return next((one for one in partly if re.fullmatch(one.path, path)), None)
