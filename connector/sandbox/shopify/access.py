"""Who may call: tokens of the client credentials, static tokens, and the scopes an app was granted."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field

CLIENT_ID = "sandbox0123456789abcdef01234567"
CLIENT_SECRET = "shpss_sandbox_secret_0123456789"  # noqa: S105 - a throw-away secret of the simulated shop
STATIC_TOKEN = "shpat_sandbox_static_0123456789"  # noqa: S105
SCOPES = (
    "read_all_orders",
    "read_orders",
    "write_orders",
    "read_products",
    "read_customers",
    "read_inventory",
    "write_inventory",
    "read_locations",
    "read_fulfillments",
    "write_fulfillments",
    "read_assigned_fulfillment_orders",
    "write_assigned_fulfillment_orders",
    "read_merchant_managed_fulfillment_orders",
    "write_merchant_managed_fulfillment_orders",
    "read_third_party_fulfillment_orders",
    "write_third_party_fulfillment_orders",
    "read_returns",
    "read_payment_terms",
    "read_order_edits",
    "write_order_edits",
)
FULFILLMENT_ORDERS = ("assigned", "merchant_managed", "third_party")
MARKETPLACE = ("read_marketplace_fulfillment_orders",)


@dataclass(slots=True)
class Token:
    """`expires` in the time of `time.monotonic`; None: never."""

    value: str
    scopes: tuple[str, ...]
    expires: float | None = None


@dataclass(slots=True)
class App:
    """The connector's app. `id` is what its holds carry."""

    id: int = 347082227713
    title: str = "Order Connector"
    client_id: str = CLIENT_ID
    client_secret: str = CLIENT_SECRET
    scopes: tuple[str, ...] = SCOPES
    tokens: dict[str, Token] = field(default_factory=lambda: {STATIC_TOKEN: Token(STATIC_TOKEN, SCOPES)})

    def grant(self, seconds: float) -> Token:
        """A new token of the client credentials."""
        token = Token(f"shpat_{secrets.token_hex(16)}", self.scopes, time.monotonic() + seconds)
        self.tokens[token.value] = token
        return token

    def add_token(self, value: str, scopes: tuple[str, ...]) -> Token:
        """A static token, as a custom app made in the admin has one."""
        self.tokens[value] = Token(value, scopes)
        return self.tokens[value]

    def token(self, value: str) -> Token | None:
        """The token, while it lives."""
        token = self.tokens.get(value)
        if token is None or (token.expires is not None and token.expires <= time.monotonic()):
            return None
        return token


def implied(scopes: tuple[str, ...]) -> frozenset[str]:
    """Who may write may also read."""
    return frozenset(scopes) | {scope.replace("write_", "read_", 1) for scope in scopes}
