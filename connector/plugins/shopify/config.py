"""What a Shopify account is configured with."""

from __future__ import annotations

from typing import Annotated, cast

import msgspec

from connector import Context

APPS_PAGE = "the Dev Dashboard > your app > Settings"


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of an account with `plugin = "shopify"`."""

    shop: Annotated[
        str,
        msgspec.Meta(
            min_length=1,
            description="The shop's own address at Shopify, whatever domain its customers see: example.myshopify.com",
        ),
    ]
    access_token: Annotated[
        str,
        msgspec.Meta(
            description="Admin API access token (shpat_...) of a custom app. Either this, or client_id and client_secret.",
            extra={"secret": True},
        ),
    ] = ""
    client_id: Annotated[
        str, msgspec.Meta(description="Client ID of an app of the Dev Dashboard; tokens are then fetched and renewed by us.")
    ] = ""
    client_secret: Annotated[
        str,
        msgspec.Meta(
            description="Client secret of the app. Shopify signs its webhooks with it, too.",
            extra={"secret": True},
        ),
    ] = ""
    webhook_secret: Annotated[
        str,
        msgspec.Meta(
            description="What webhooks are signed with, where there is no client_secret: the API secret key of the custom app.",
            extra={"secret": True},
        ),
    ] = ""
    notify_customer: Annotated[
        bool,
        msgspec.Meta(description="Let Shopify mail the customer when something is shipped or refunded; else it is ours to do."),
    ] = True
    restock_location: Annotated[
        str,
        msgspec.Meta(pattern="^[0-9]*$", description="Number of the location that stock goes back to if an order has none."),
    ] = ""
    tags: Annotated[bool, msgspec.Meta(description="Tag an order while it is held (oc-hold).")] = False
    page_size: Annotated[
        int, msgspec.Meta(ge=1, le=25, description="How many orders to read at once; their cost is limited by Shopify.")
    ] = 10
    api_url: Annotated[
        str,
        msgspec.Meta(
            pattern="^(https?://[^/?#@]+)?$",
            description="Only for a simulated shop: where its API is, instead of https://<shop>.",
        ),
    ] = ""

    def __post_init__(self) -> None:
        shop = self.shop.lower().removeprefix("https://").removeprefix("http://").partition("/")[0].strip()
        msgspec.structs.force_setattr(self, "shop", shop if "." in shop else f"{shop}.myshopify.com")
        for name in ("access_token", "client_id", "client_secret", "webhook_secret"):
            text = getattr(self, name).strip()  # copied with a blank or a line's end
            if not text.isascii() or not text.isprintable():
                raise ValueError(f"{name}: has characters in it that no such text has; copy it again")
            msgspec.structs.force_setattr(self, name, text)
        if self.client_id and not self.client_secret:
            raise ValueError("client_secret: is missing; it is shown beside the client_id")
        if not self.access_token and not self.client_id:
            raise ValueError("access_token: is missing (or client_id and client_secret)")
        if self.access_token and self.client_id:
            raise ValueError("access_token: there is a client_id, too; only one of the two is used, so remove the other")

    @property
    def site(self) -> str:
        """Where the API is."""
        return self.api_url or f"https://{self.shop}"

    @property
    def signing_secret(self) -> str:
        """What Shopify signs this account's webhooks with, "" if we do not know."""
        return self.webhook_secret or self.client_secret


def config(ctx: Context) -> Config:
    return cast("Config", ctx.account.config)
