"""A simulated Shopify shop. Nothing here is imported by the connector itself; graphql-core is needed here only."""

from __future__ import annotations

from connector.sandbox.shopify.server import ShopifySandbox

__all__ = ["ShopifySandbox"]
