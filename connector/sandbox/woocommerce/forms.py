"""The JSON forms of orders, refunds, notes and webhooks, field for field as REST v3 answers them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connector.sandbox.woocommerce import status, totals
from connector.sandbox.woocommerce.php import ZERO, amount, json_number, number_text
from connector.sandbox.woocommerce.store import SYMBOLS, Store
from connector.sandbox.woocommerce.things import (
    CouponLine,
    FeeLine,
    LineItem,
    Meta,
    Note,
    Order,
    Refund,
    ShippingLine,
    TaxLine,
    Webhook,
)

Form = dict[str, Any]
API = "/wp-json/wc/v3"
VERSION = "10.5.2"
EVERYTHING = ["GET", "POST", "PUT", "PATCH", "DELETE"]
HOOKS = {
    "order.created": ["woocommerce_new_order"],
    "order.updated": ["woocommerce_update_order", "woocommerce_order_refunded"],
    "order.deleted": ["wp_trash_post", "woocommerce_trash_order"],
    "order.restored": ["untrashed_post", "woocommerce_untrash_order"],
    "product.created": ["woocommerce_process_product_meta", "woocommerce_new_product", "woocommerce_new_product_variation"],
    "product.updated": [
        "woocommerce_process_product_meta",
        "woocommerce_update_product",
        "woocommerce_update_product_variation",
    ],
    "product.deleted": ["wp_trash_post"],
    "product.restored": ["untrashed_post"],
    "customer.created": ["user_register", "woocommerce_created_customer", "woocommerce_new_customer"],
    "customer.updated": ["profile_update", "woocommerce_update_customer"],
    "customer.deleted": ["delete_user"],
    "coupon.created": ["woocommerce_process_shop_coupon_meta", "woocommerce_new_coupon"],
    "coupon.updated": ["woocommerce_process_shop_coupon_meta", "woocommerce_update_coupon"],
    "coupon.deleted": ["wp_trash_post"],
    "coupon.restored": ["untrashed_post"],
}


def links(store: Store, path: str, *, allow: Sequence[str] = tuple(EVERYTHING), up: str = "", space: str = "wc/v3") -> Form:
    """`_links` of the thing at that path below a name space; its collection is the path without the last part."""
    top = store.url(f"/wp-json/{space}")
    self_link = {"href": top + path, "targetHints": {"allow": list(allow)}}
    form: Form = {"self": [self_link], "collection": [{"href": top + path.rpartition("/")[0]}]}
    if up:
        form["up"] = [{"href": top + up}]
    return form


def order_form(store: Store, order: Order, places: int = 2) -> Form:
    """An order as every route, and every webhook, shows it. `places`: decimals of amounts (the parameter `dp`)."""
    lost, lost_tax = totals.discount(order)
    tax = totals.cart_tax(order)
    return {
        "id": order.id,
        "parent_id": 0,
        "status": order.status,
        "currency": order.currency,
        "version": VERSION,
        "prices_include_tax": False,
        "date_created": store.times("date", order.created)["date"],
        "date_modified": store.times("date", order.modified)["date"],
        "discount_total": amount(lost, places),
        "discount_tax": amount(lost_tax, places),
        "shipping_total": amount(totals.shipping_total(order), places),
        "shipping_tax": amount(ZERO, places),
        "cart_tax": amount(tax, places),
        "total": amount(order.total, places),
        "total_tax": amount(tax, places),
        **_people_and_payment(store, order),
        **_lines(store, order, places),
        **_state(store, order),
        "_links": _order_links(store, order),
    }


def _people_and_payment(store: Store, order: Order) -> Form:
    return {
        "customer_id": order.customer_id,
        "order_key": order.key,
        "billing": dict(order.billing),
        "shipping": dict(order.shipping),
        "payment_method": order.payment_method,
        "payment_method_title": order.payment_method_title,
        "transaction_id": order.transaction_id,
        "customer_ip_address": order.customer_ip,
        "customer_user_agent": order.customer_agent,
        "created_via": order.created_via,
        "customer_note": order.customer_note,
        "date_completed": store.times("date", order.completed)["date"],
        "date_paid": store.times("date", order.paid)["date"],
        "cart_hash": order.cart_hash,
        "number": str(order.id),
        "meta_data": meta_form(sorted(order.meta, key=lambda meta: (meta.key, meta.id))),
    }


def _lines(store: Store, order: Order, places: int) -> Form:
    rows = sorted(store.refunds_of(order.id), key=lambda row: (-row.created.timestamp(), row.id))
    return {
        "line_items": [_line_item(store, line, places) for line in order.line_items],
        "tax_lines": [_tax_line(line, places) for line in order.tax_lines],
        "shipping_lines": [_shipping_line(line, places) for line in order.shipping_lines],
        "fee_lines": [_fee_line(line, places) for line in order.fee_lines],
        "coupon_lines": [_coupon_line(line) for line in order.coupon_lines],
        "refunds": [{"id": row.id, "reason": row.reason, "total": f"-{row.amount}"} for row in rows],
    }


def _state(store: Store, order: Order) -> Form:
    gmt = {f"date_{name}_gmt": store.times("date", moment)["date_gmt"] for name, moment in _moments(order)}
    return {
        "payment_url": store.url(f"/checkout/order-pay/{order.id}/?pay_for_order=true&key={order.key}"),
        "is_editable": order.status in {"pending", "on-hold", "auto-draft"},
        "needs_payment": status.needs_payment(order),
        "needs_processing": status.needs_processing(store, order),
        **gmt,
        "currency_symbol": SYMBOLS.get(order.currency, order.currency),
    }


def _moments(order: Order) -> list[tuple[str, Any]]:
    return [
        ("created", order.created),
        ("modified", order.modified),
        ("completed", order.completed),
        ("paid", order.paid),
    ]


def _order_links(store: Store, order: Order) -> Form:
    templates = store.url(f"{API}/orders/{order.id}/actions/email_templates")
    form = links(store, f"/orders/{order.id}")
    return {**form, "email_templates": [{"embeddable": True, "href": templates}]}


def meta_form(rows: Sequence[Meta]) -> list[Form]:
    return [{"id": meta.id, "key": meta.key, "value": meta.value} for meta in rows]


def _line_meta(rows: Sequence[Meta]) -> list[Form]:
    return [
        {
            "id": meta.id,
            "key": meta.key,
            "value": meta.value,
            "display_key": meta.display_key or meta.key,
            "display_value": meta.value,
        }
        for meta in rows
    ]


def _line_item(store: Store, line: LineItem, places: int) -> Form:
    product = store.product_of(line.product_id, line.variation_id)
    exact = line.exact_taxes or (line.subtotal_tax, line.total_tax)
    taxes = {"total": amount(exact[1], places), "subtotal": amount(exact[0], places)}
    simple = product is not None and not product.parent_id
    return {
        "id": line.id,
        "name": line.name,
        "product_id": line.product_id,
        "variation_id": line.variation_id,
        "quantity": line.quantity,
        "tax_class": "",
        "subtotal": amount(line.subtotal, places),
        "subtotal_tax": amount(line.subtotal_tax, places),
        "total": amount(line.total, places),
        "total_tax": amount(line.total_tax, places),
        "taxes": [{"id": line.tax_rate, **taxes}] if line.tax_rate else [],
        "meta_data": _line_meta(line.meta),
        "sku": product.sku if product else None,
        "global_unique_id": "" if product else None,
        "price": json_number(line.total / line.quantity) if line.quantity else 0,
        "image": {"id": "" if simple else 0, "src": ""},
        "parent_name": product.parent_name if product else None,
    }


def _tax_line(line: TaxLine, places: int) -> Form:
    return {
        "id": line.id,
        "rate_code": line.rate.code,
        "rate_id": line.rate.id,
        "label": line.rate.label,
        "compound": False,
        "tax_total": amount(line.total, places),
        "shipping_tax_total": amount(ZERO, places),
        "rate_percent": json_number(line.rate.percent),
        "meta_data": [],
    }


def _shipping_line(line: ShippingLine, places: int) -> Form:
    return {
        "id": line.id,
        "method_title": line.title,
        "method_id": line.method_id,
        "instance_id": line.instance_id,
        "total": amount(line.total, places),
        "total_tax": amount(ZERO, places),
        "taxes": [],
        "tax_status": "taxable",
        "meta_data": _line_meta(line.meta),
    }


def _fee_line(line: FeeLine, places: int) -> Form:
    tax = amount(line.total_tax, places)
    return {
        "id": line.id,
        "name": line.name,
        "tax_class": "",
        "tax_status": line.tax_status,
        "amount": "",
        "total": amount(line.total, places),
        "total_tax": tax,
        "taxes": [{"id": line.tax_rate, "total": tax, "subtotal": ""}] if line.tax_rate else [],
        "meta_data": _line_meta(line.meta),
    }


def _coupon_line(line: CouponLine) -> Form:
    return {
        "id": line.id,
        "code": line.coupon.code,
        "discount": number_text(line.discount),
        "discount_tax": number_text(line.discount_tax),
        "meta_data": _line_meta(line.meta),
        "discount_type": line.coupon.kind,
        "nominal_amount": json_number(line.coupon.value),
        "free_shipping": False,
    }


def refund_form(store: Store, refund: Refund, *, with_parent: bool = False, places: int = 2) -> Form:
    """`with_parent`: the list of all refunds of the store also tells the order."""
    up = f"/orders/{refund.order_id}"
    return {
        "id": refund.id,
        **({"parent_id": refund.order_id} if with_parent else {}),
        **store.times("date_created", refund.created),
        "amount": refund.amount,
        "reason": refund.reason,
        "refunded_by": refund.refunded_by,
        "refunded_payment": refund.refunded_payment,
        "meta_data": meta_form(refund.meta),
        "line_items": [_line_item(store, line, places) for line in refund.line_items],
        "shipping_lines": [_shipping_line(line, places) for line in refund.shipping_lines],
        "tax_lines": [_tax_line(line, places) for line in refund.tax_lines],
        "fee_lines": [_fee_line(line, places) for line in refund.fee_lines],
        "_links": links(store, f"{up}/refunds/{refund.id}", allow=("GET", "DELETE"), up=up),
    }


def note_form(store: Store, note: Note) -> Form:
    up = f"/orders/{note.order_id}"
    return {
        "id": note.id,
        "author": note.author,
        **store.times("date_created", note.created),
        "note": note.text,
        "customer_note": note.to_customer,
        "_links": links(store, f"{up}/notes/{note.id}", allow=("GET", "DELETE"), up=up),
    }


def webhook_form(store: Store, webhook: Webhook) -> Form:
    resource, _, event = webhook.topic.partition(".")
    return {
        "id": webhook.id,
        "name": webhook.name,
        "status": webhook.status,
        "topic": webhook.topic,
        "resource": resource,
        "event": event,
        "hooks": HOOKS.get(webhook.topic, [event]),
        "delivery_url": webhook.url,
        **store.times("date_created", webhook.created),
        **store.times("date_modified", webhook.modified),
        "_links": links(store, f"/webhooks/{webhook.id}"),
    }
