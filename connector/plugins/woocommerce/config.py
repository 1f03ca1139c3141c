"""What a WooCommerce account is configured with."""

from __future__ import annotations

from typing import Annotated, Literal, cast

import msgspec

from connector import Context, PlatformStatus


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of an account with `plugin = "woocommerce"`."""

    url: Annotated[
        str,
        msgspec.Meta(
            pattern="^https?://[^/?#@]+(/[^?#]*)?$",
            description="Address of the shop, the way WordPress knows it (Settings > General > WordPress Address): https://shop.example",
        ),
    ]
    consumer_key: Annotated[
        str,
        msgspec.Meta(
            pattern="^ck_",
            description="Consumer key (ck_...), from WooCommerce > Settings > Advanced > REST API, permissions Read/Write.",
            extra={"secret": True},
        ),
    ]
    consumer_secret: Annotated[
        str,
        msgspec.Meta(
            pattern="^cs_", description="Consumer secret (cs_...), shown once, beside the key.", extra={"secret": True}
        ),
    ]
    webhook_secret: Annotated[
        str,
        msgspec.Meta(
            description="A long random text of your own. The shop signs its webhooks with it; without it there are none.",
            extra={"secret": True},
        ),
    ] = ""
    statuses: Annotated[
        dict[str, PlatformStatus],
        msgspec.Meta(
            description='What order statuses of other plugins mean, for example {"packed" = "open", "shipped" = "completed"}.'
        ),
    ] = msgspec.field(default_factory=dict)
    writes: Annotated[
        dict[PlatformStatus, str],
        msgspec.Meta(
            description='The word to set where a plugin of the shop has its own: {completed = "delivered-to-carrier"}. It is '
            "read as meaning the same. Possible: unpaid, on_hold, open, completed, cancelled, failed."
        ),
    ] = msgspec.field(default_factory=dict)
    tracking: Annotated[
        Literal["auto", "fulfillments", "shipment-tracking", "meta"],
        msgspec.Meta(
            description="Where tracking numbers go: WooCommerce's own fulfillments, a Shipment Tracking plugin, or the order's "
            "meta with a note. auto: the first of these that the shop has."
        ),
    ] = "auto"
    tracking_note: Annotated[
        Literal["customer", "private", "off"],
        msgspec.Meta(
            description="Whom the shop tells of a tracking number: the customer (WooCommerce mails it), staff only, or nobody."
        ),
    ] = "customer"
    page_size: Annotated[
        int, msgspec.Meta(ge=1, le=100, description="How many orders to read at once; less for a slow shop.")
    ] = 100
    verify_tls: Annotated[
        bool, msgspec.Meta(description="Check the shop's certificate. Switch it off only for a test shop of your own.")
    ] = True

    def __post_init__(self) -> None:
        words = {status: word.removeprefix("wc-") for status, word in self.writes.items()}
        _check_writes(words, self.statuses)
        msgspec.structs.force_setattr(self, "writes", words)
        msgspec.structs.force_setattr(self, "statuses", {**{word: status for status, word in words.items()}, **self.statuses})


def _check_writes(writes: dict[PlatformStatus, str], statuses: dict[str, PlatformStatus]) -> None:
    """What is written has to be read as the same, or our own writing would look like a decision of staff."""
    for status, word in writes.items():
        if status not in WORDS:
            raise ValueError(f"writes.{status}: is not possible; there are {', '.join(WORDS)}")
        if not word or word == "trash":
            raise ValueError(f"writes.{status}: {word!r} is no status to set")
        means = meaning(word, statuses)
        if means not in (status, PlatformStatus.UNKNOWN):
            raise ValueError(f"writes.{status}: {word!r} means {means}; choose another word, or correct `statuses`")
    if len(set(writes.values())) < len(writes):
        raise ValueError("writes: one word is there for two statuses; each needs its own")


def word_for(ctx: Context, status: PlatformStatus) -> str | None:
    """The word to set for a status; None for one that cannot be set."""
    return config(ctx).writes.get(status) or WORDS.get(status)


def config(ctx: Context) -> Config:
    return cast("Config", ctx.account.config)


def meaning(word: str, statuses: dict[str, PlatformStatus]) -> PlatformStatus:
    """What a status word of the shop means; the account's own words come first, and an unknown one is never guessed."""
    bare = word.removeprefix("wc-")
    own = {name.removeprefix("wc-"): status for name, status in statuses.items()}
    return own.get(bare) or STATUSES.get(bare, PlatformStatus.UNKNOWN)


# The statuses of WooCommerce 10.5 without other plugins (recorded 2026-11-22). REST shows them without the prefix wc-.
STATUSES = {
    "pending": PlatformStatus.UNPAID,
    "on-hold": PlatformStatus.ON_HOLD,
    "processing": PlatformStatus.OPEN,
    "completed": PlatformStatus.COMPLETED,
    "cancelled": PlatformStatus.CANCELLED,
    "refunded": PlatformStatus.REFUNDED,
    "failed": PlatformStatus.FAILED,
    "trash": PlatformStatus.DELETED,
    "checkout-draft": PlatformStatus.DRAFT,
    "auto-draft": PlatformStatus.DRAFT,
}
# `refunded` is not among those that can be set: it would write a refund of the rest that moves no money (recorded).
WORDS = {
    PlatformStatus.UNPAID: "pending",
    PlatformStatus.ON_HOLD: "on-hold",
    PlatformStatus.OPEN: "processing",
    PlatformStatus.COMPLETED: "completed",
    PlatformStatus.CANCELLED: "cancelled",
    PlatformStatus.FAILED: "failed",
}
