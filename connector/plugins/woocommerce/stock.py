"""Putting stock back, or taking it.

The shop only knows "set the stock to": who writes last wins, and a sale between our reading and our writing would be lost. So
it is read directly before, no other order of ours changes the same product meanwhile, and an unknown outcome is judged by what
was there before.

WooCommerce puts back by itself what the lines of an order hold (`_reduced_stock`) when it is set to cancelled or pending
(recorded), also where we put it back before. Its own count is left as it is: it goes by a flag of the order besides
(`_order_stock_reduced`; its wc-stock-functions.php, read 2026-11), which the API does not show, and an order that is taken up
again with only one of the two changed would be left without stock. So when that count changes, ours is taken back
(`stock_changes` of the model).
"""

from __future__ import annotations

from typing import Any

from connector import CannotTell, Context, Effect, Found, Happened, NotHappened, Refused, StockChange

from .client import MISSING, read, write
from .orders import find as find_order


def adjust(ctx: Context, change: StockChange) -> bool:
    """Set the stock of a product or variation. False where the shop does not count it, or does not have it any more."""
    with ctx.lock(f"stock of product {change.product_id}"):
        return _adjust(ctx, change)


def _adjust(ctx: Context, change: StockChange) -> bool:
    doing = f"change the stock of product {change.product_id} by {change.change:+d}"
    asked = {"product": change.product_id, "variant": change.variant_id, "change": change.change}
    image: list[dict[str, Any]] = []

    def before() -> dict[str, Any]:
        image.append(_counted_in(ctx, change, doing))
        return image[-1]

    def send(key: str) -> dict[str, Any]:
        path, was = image[-1]["path"], image[-1]["stock"]
        if was is None:  # goes through the ledger all the same, so that an earlier unknown outcome does not stay open for ever
            return {"id": change.product_id, "stock": None}
        answer = write(ctx, "PUT", path, {"stock_quantity": was + change.change}, doing)
        return {"id": answer.get("id"), "stock": answer.get("stock_quantity")}

    return ctx.effect("adjust_inventory", asked, send, before=before)["stock"] is not None


def _counted_in(ctx: Context, change: StockChange, doing: str) -> dict[str, Any]:
    """Where the stock is counted, and how much there is now (None: not counted)."""
    path = _path(change.product_id, change.variant_id)
    try:
        product = _read(ctx, path, doing)
        if product.get("manage_stock") == "parent":  # the variations share the stock of their product
            path = _path(change.product_id, "")
            product = _read(ctx, path, doing)
    except Refused as no:
        if no.code not in MISSING:
            raise
        product = {}
    return {"path": path, "stock": _counted(product) if product.get("manage_stock") is True else None}


def _path(product_id: str, variant_id: str) -> str:
    return f"products/{product_id}/variations/{variant_id}" if variant_id else f"products/{product_id}"


def _read(ctx: Context, path: str, doing: str) -> dict[str, Any]:
    answer = read(ctx, path, doing, _fields="id,manage_stock,stock_quantity").body
    return answer if isinstance(answer, dict) else {}


def _counted(product: dict[str, Any]) -> int:
    stock = product.get("stock_quantity")
    return stock if isinstance(stock, int) else 0


def find(ctx: Context, effect: Effect) -> Found:
    """Compare with the stock from before. Anything else than before and wanted is somebody else's sale or count."""
    asked, before = (value if isinstance(value, dict) else {} for value in (effect.request, effect.before))
    path, was, change = str(before.get("path", "")), before.get("stock"), asked.get("change", 0)
    look = f"Look in the shop whether the stock of product {asked.get('product')} was changed by {change}; it was {was} before."
    if not path or was is None:
        return CannotTell(text=look)
    try:
        now = _counted(_read(ctx, path, f"read the stock of {path}"))
    except Refused as no:
        if no.code in MISSING:
            return CannotTell(text=f"{path} is gone from the shop.")
        raise
    if now == was + change:
        if change > 0 and _shop_puts_back(ctx, effect.platform_id):  # then it may have been the shop's own doing
            return CannotTell(text=f"{look} It is {now} now, and the shop put back this order's stock itself meanwhile.")
        return Happened(answer={"stock": now})
    return NotHappened() if now == was else CannotTell(text=f"{look} It is {now} now.")


def _shop_puts_back(ctx: Context, platform_id: str) -> bool:
    """Did somebody set the order to a status at which WooCommerce puts the stock back (recorded)?"""
    return (find_order(ctx, platform_id) or {}).get("status") in ("cancelled", "pending")
