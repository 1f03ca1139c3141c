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
    tracking_note: Annotated[
        Literal["customer", "private", "off"],
        msgspec.Meta(
            description="Who gets a note with the tracking number: the customer (WooCommerce mails it), staff only, or nobody."
        ),
    ] = "customer"
    page_size: Annotated[
        int, msgspec.Meta(ge=1, le=100, description="How many orders to read at once; less for a slow shop.")
    ] = 100
    verify_tls: Annotated[
        bool, msgspec.Meta(description="Check the shop's certificate. Switch it off only for a test shop of your own.")
    ] = True


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
