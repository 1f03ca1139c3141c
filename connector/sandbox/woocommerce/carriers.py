"""Guessing the carrier of a tracking number, as `…/fulfillments/lookup` does: by its shape, and often wrongly.

The shapes below give the recorded answers for the recorded numbers; other numbers get the shapes' best guess.
"""

from __future__ import annotations

import re
from typing import Any

ADDRESSES = {
    "amazon-logistics": "https://www.amazon.com/progress-tracker/package/ref=ppx_yo_dt_b_track_package_o0?_={}",
    "dhl": "https://www.dhl.com/en/express/tracking.html?AWB={}",
    "dpd": "https://www.dpd.com/tracking/{}",
    "fedex": "https://www.fedex.com/fedextrack/?tracknumbers={}",
    "ups": "https://www.ups.com/track?tracknum={}",
    "usps": "https://tools.usps.com/go/TrackConfirmAction?tLabels={}",
}
# Shape of the number -> how sure each carrier is; the first shape that fits decides.
SHAPES = (
    (re.compile(r"9[1-5]\d{20}"), {"dhl": 70, "dpd": 60, "fedex": 65, "ups": 85, "usps": 95}),
    (re.compile(r"1Z[0-9A-Z]{16}"), {"amazon-logistics": 60, "ups": 95}),
    (re.compile(r"\d{12}"), {"dhl": 60, "dpd": 60, "fedex": 98, "ups": 80}),
    (re.compile(r"[A-Z]{2}\d{18}"), {"amazon-logistics": 60}),
)


def lookup(number: str) -> dict[str, Any] | list[Any]:
    """The best guess, with all `possibilities` when there are several; an empty list when nobody knows the shape."""
    text = re.sub(r"[^A-Z0-9]", "", number.upper())
    sure = next((scores for shape, scores in SHAPES if shape.fullmatch(text)), None)
    if sure is None:
        return []
    best = max(sure, key=lambda carrier: sure[carrier])
    found = {"tracking_number": text, "shipping_provider": best, "tracking_url": ADDRESSES[best].format(text)}
    if len(sure) == 1:
        return found
    all_of_them = {
        carrier: {"url": ADDRESSES[carrier].format(text), "ambiguity_score": score} for carrier, score in sure.items()
    }
    return {**found, "possibilities": all_of_them}
