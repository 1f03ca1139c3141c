"""What shoppers do: they check out, in the block checkout or the classic one. (What staff do: `staff`.)"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from connector.sandbox.woocommerce import status, stock, totals
from connector.sandbox.woocommerce.lines import change_lines
from connector.sandbox.woocommerce.php import php_json
from connector.sandbox.woocommerce.staff import staff
from connector.sandbox.woocommerce.store import Store
from connector.sandbox.woocommerce.things import Order, Product

Body = Mapping[str, Any]
SHOPPER = {
    "first_name": "Ada",
    "last_name": "Buyer",
    "company": "",
    "address_1": "350 5th Ave",
    "address_2": "Fl 2",
    "city": "New York",
    "state": "NY",
    "postcode": "10118",
    "country": "US",
    "phone": "+1 212 555 0100",
}
EMAIL = "ada@buyer.example"
BLOCKS, CLASSIC = "store-api", "checkout"
WAITS = {
    "bacs": "Awaiting BACS payment.",
    "cheque": "Awaiting check payment.",
    "cod": "Payment to be made upon delivery.",
}


def checkout(store: Store, wanted: Body) -> Order:
    """A shopper buys. The caller holds the store's lock.

    `wanted`, all optional:
    - items: `[{product_id | variation_id | sku, quantity, meta_data: [{key, value}]}]` (one mug)
    - coupons: `["SAVE10"]`; fees: `[{name, total, tax_status}]`
    - shipping_lines: `[{method_id, method_title, total}]` (flat rate 5.00 when anything must be shipped)
    - payment_method (fakepay), transaction_id (made up for fakepay), pay: true | false (she leaves before paying: the
      order stays `pending`) | "failed" (the card is declined)
    - billing, shipping: objects that change the usual address; po_box: true; email; customer_note; customer_id
    - created_via: "store-api" (block checkout) or "checkout" (the classic one; not recorded: its meta is a guess)
    - currency, order_meta `[{key, value}]`; webhooks: "lost" (none about this order is ever delivered)

    Raises ValueError for an unknown gateway, product, coupon or created_via.
    """
    order = _draft(store, wanted, _method(store, wanted))
    store.orders[order.id] = order
    if wanted.get("webhooks") == "lost":
        store.unheard.add(order.id)
    if order.created_via == CLASSIC:
        store.unpaid.add(order.id)
    store.records.add("acts", order_id=order.id, act="checkout", via=order.created_via)
    store.records.add("transitions", order_id=order.id, **{"from": "checkout-draft", "to": "pending"})
    store.fire("order.updated", order.id)
    store.fire("order.created", order.id)
    _hold_stock_note(store, order)
    _pay(store, order, wanted)
    return order


def _method(store: Store, wanted: Body) -> str:
    method = str(wanted.get("payment_method", "fakepay"))
    if method not in store.gateways:
        raise ValueError(f"payment_method {method!r} is not one of {', '.join(store.gateways)}")
    if wanted.get("created_via", BLOCKS) not in {BLOCKS, CLASSIC}:
        raise ValueError(f"created_via {wanted['created_via']!r} is not {BLOCKS} or {CLASSIC}")
    return method


def _draft(store: Store, wanted: Body, method: str) -> Order:
    now = store.now()
    order = Order(
        id=0,
        key=f"wc_order_{store.random_text()}",
        currency=str(wanted.get("currency") or store.settings.currency),
        created=now,
        modified=now,
        created_via=str(wanted.get("created_via", BLOCKS)),
        payment_method=method,
        payment_method_title=store.gateways[method].title,
        customer_ip="127.0.0.1",
        customer_agent="Mozilla/5.0 (shopper)",
        customer_note=str(wanted.get("customer_note", "")),
        customer_id=int(wanted.get("customer_id", 0)),
    )
    _address(order, wanted)
    change_lines(store, order, {"line_items": _items(store, wanted), "fee_lines": wanted.get("fees")})
    _ship(store, order, wanted.get("shipping_lines"))
    order.id = store.next_id()
    totals.recalculate(store, order)
    _redeem(store, order, wanted.get("coupons") or [])
    _checkout_meta(store, order, wanted)
    return order


def _address(order: Order, wanted: Body) -> None:
    address = {**SHOPPER, **({"address_1": "PO Box 12"} if wanted.get("po_box") else {})}
    billing = {**address, "email": wanted.get("email", EMAIL), **(wanted.get("billing") or {})}
    order.billing = {**order.billing, **{name: str(value) for name, value in billing.items()}}
    shipping = {**address, **(wanted.get("shipping") or {})}
    order.shipping = {**order.shipping, **{name: str(value) for name, value in shipping.items()}}


def _items(store: Store, wanted: Body) -> list[dict[str, Any]]:
    """A shopper can only buy what is there; unlike the API, which takes any number for a product."""
    items = wanted.get("items") or [{"product_id": 13, "quantity": 1}]
    skus = {product.sku for product in store.products.values()}
    for item in items:
        number = item.get("variation_id") or item.get("product_id")
        if (item.get("sku") or None) not in skus and number not in store.products:
            raise ValueError(f"nothing to buy: {item}")
    return [dict(item) for item in items]


def _redeem(store: Store, order: Order, codes: list[str]) -> None:
    unknown = [code for code in codes if code.lower() not in store.coupons]
    if unknown:
        raise ValueError(f"coupons {unknown} do not exist; there are {', '.join(store.coupons)}")
    if codes:
        totals.apply_coupons(store, order, [store.coupons[code.lower()] for code in codes])
        totals.recalculate(store, order)


def _ship(store: Store, order: Order, wanted: list[dict[str, Any]] | None) -> None:
    """Flat rate 5.00 when anything must be shipped; each line says what is in the parcel, in HTML."""
    bought = [store.product_of(line.product_id, line.variation_id) for line in order.line_items]
    if wanted is None and all(product is not None and product.virtual for product in bought):
        return
    content = ", ".join(f"{line.name} &times; {line.quantity}" for line in order.line_items)
    usual = {"method_id": "flat_rate", "method_title": "Flat rate", "instance_id": "1", "total": "5.00"}
    usual_meta = [{"key": "Items", "value": content}]
    lines = [{**usual, **line, "meta_data": line.get("meta_data", usual_meta)} for line in ([{}] if wanted is None else wanted)]
    change_lines(store, order, {"shipping_lines": lines})


def _checkout_meta(store: Store, order: Order, wanted: Body) -> None:
    order.cart_hash = _hash([line.name for line in order.line_items], order.total)
    if order.created_via == BLOCKS:
        for name in ("shipping", "coupons", "fees", "taxes"):
            order.meta.append(store.new_meta(f"_{name}_hash", _hash(name, getattr(order, f"{name}_lines", []))))
    order.meta.append(store.new_meta("is_vat_exempt", "no"))
    if order.created_via == BLOCKS:
        debug = f"place-order-debug-{secrets.token_hex(4)}"
        order.meta.append(store.new_meta("_debug_log_source_pending_deletion", debug))
    for entry in wanted.get("order_meta") or []:
        order.meta.append(store.new_meta(str(entry["key"]), entry["value"]))


def _hash(*parts: object) -> str:
    return hashlib.md5(php_json([str(part) for part in parts]), usedforsecurity=False).hexdigest()


def _hold_stock_note(store: Store, order: Order) -> None:
    """Only products with tracked stock and without back-orders are held for an hour."""
    held = []
    for line in order.line_items:
        product = stock.tracked_product(store, line)
        if product is not None and not product.backorders:
            held.append(f"<br>- {_formatted(product)} &times; {line.quantity}")
    if held:
        minutes = store.settings.hold_stock_minutes
        store.add_note(order, f"Stock hold of {minutes} minutes applied to: {''.join(held)}")


def _formatted(product: Product) -> str:
    described = '<span class="description"></span>' if product.parent_id else ""
    return f"{product.name} ({product.sku}){described}"


def _pay(store: Store, order: Order, wanted: Body) -> None:
    """fakepay takes the money at once; cod is processing, bacs and cheque wait on hold, all three unpaid."""
    pay = wanted.get("pay", True)
    if pay == "failed":
        status.change_status(store, order, "failed")
        return
    if not pay:
        return
    if order.payment_method in WAITS:
        to = "processing" if order.payment_method == "cod" else "on-hold"
        status.change_status(store, order, to, note=WAITS[order.payment_method])
        return
    transaction = str(wanted.get("transaction_id") or f"txn_recorder_{order.id}")
    status.complete_payment(store, order, transaction_id=transaction)


__all__ = ["checkout", "staff"]
