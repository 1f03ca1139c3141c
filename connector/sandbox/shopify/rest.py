"""REST-shaped JSON, as webhooks carry it: what a connector reads of orders, refunds, payments and parcels."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from connector.sandbox.shopify import sums
from connector.sandbox.shopify.ids import gid
from connector.sandbox.shopify.money import Bag, money_text
from connector.sandbox.shopify.store import Store
from connector.sandbox.shopify.things import Address, Customer, Fulfillment, Line, Order, Refund, Tax, Transaction

Json = dict[str, Any]


def moment(store: Store, when: datetime | None) -> str | None:
    """In the shop's time zone, with its offset."""
    return None if when is None else when.astimezone(ZoneInfo(store.settings.timezone)).isoformat(timespec="seconds")


def bag_form(bag: Bag) -> Json:
    shop = {"amount": money_text(bag.shop, bag.shop_currency), "currency_code": bag.shop_currency}
    there = {"amount": money_text(bag.presentment, bag.presentment_currency), "currency_code": bag.presentment_currency}
    return {"shop_money": shop, "presentment_money": there}


def amounts(name: str, bag: Bag) -> Json:
    """`{name: "12.50", name_set: {shop_money, presentment_money}}`; the plain one is the shop's."""
    return {name: money_text(bag.shop, bag.shop_currency), f"{name}_set": bag_form(bag)}


def order_form(store: Store, order: Order) -> Json:
    """The body of orders/create, orders/updated and their like."""
    return {
        "id": order.id,
        "admin_graphql_api_id": gid("Order", order.id),
        "app_id": None,
        "browser_ip": order.client_ip,
        "name": order.name,
        "number": order.number - 1000,
        "order_number": order.number,
        "confirmed": True,
        "test": order.test,
        "currency": order.currency,
        "presentment_currency": order.presentment_currency,
        "cancel_reason": order.cancel_reason.lower() if order.cancel_reason else None,
        "cancelled_at": moment(store, order.cancelled),
        "closed_at": moment(store, order.closed),
        "created_at": moment(store, order.created),
        "processed_at": moment(store, order.processed),
        "updated_at": moment(store, order.updated),
        "email": order.email or "",
        "contact_email": order.email,
        "phone": order.phone,
        "note": order.note,
        "note_attributes": [{"name": name, "value": value} for name, value in order.attributes],
        "tags": ", ".join(order.tags),
        "po_number": order.po_number,
        "customer_locale": order.locale,
        "source_name": order.source,
        "financial_status": (sums.financial(order, store) or "pending").lower(),
        "fulfillment_status": _fulfillment_status(order),
        "payment_gateway_names": list(order.gateways),
        "taxes_included": order.taxes_included,
        **_order_sums(store, order),
        "discount_codes": [
            {
                "code": one.title,
                "amount": _discount_text(one.amount),
                "type": "percentage" if one.percentage else "fixed_amount",
            }
            for one in order.discounts
            if one.kind == "code"
        ],
        "tax_lines": [tax_form(one) for line in order.lines for one in line.taxes],
        "customer": customer_form(store, store.customers.get(order.customer_id or 0)),
        "billing_address": address_form(order.billing_address),
        "shipping_address": address_form(order.shipping_address),
        "line_items": [line_form(order, line) for line in order.lines],
        "shipping_lines": [_shipping_form(line) for line in order.shipping_lines if not line.removed],
        "fulfillments": [fulfillment_form(store, one) for one in order.fulfillments],
        "refunds": [refund_form(store, one) for one in order.refunds],
    }


def _discount_text(amount: Bag | None) -> str:
    return "0.00" if amount is None else money_text(amount.shop, amount.shop_currency)


def _fulfillment_status(order: Order) -> str | None:
    """null, partial or fulfilled: the old words know no holds."""
    if not any(sums.fulfilled(order, line) for line in order.lines):
        return None
    return "partial" if any(sums.unfulfilled(order, line) for line in order.lines) else "fulfilled"


def _order_sums(store: Store, order: Order) -> Json:
    sums_ = {
        "subtotal_price": sums.subtotal(order),
        "total_price": sums.whole(order),
        "total_tax": sums.taxes(order),
        "total_discounts": sums.discounts(order),
        "current_subtotal_price": sums.current_subtotal(order),
        "current_total_price": sums.current_whole(order),
        "current_total_tax": sums.current_taxes(order),
        "current_total_discounts": sums.current_discounts(order),
    }
    left = sums.outstanding(order, store)
    return {
        **{key: value for name, bag in sums_.items() for key, value in amounts(name, bag).items()},
        "total_shipping_price_set": bag_form(sums.shipping(order)),
        "total_outstanding": money_text(left.shop, left.shop_currency),
        "total_weight": sum(line.grams * line.quantity for line in order.lines),
    }


def tax_form(tax: Tax) -> Json:
    price = money_text(tax.price.shop, tax.price.shop_currency)
    return {
        "title": tax.title,
        "rate": float(tax.rate),
        "price": price,
        "price_set": bag_form(tax.price),
        "channel_liable": None,
    }


def line_form(order: Order, line: Line) -> Json:
    done, quantity = sums.fulfilled(order, line), sums.current(order, line)
    return {
        "id": line.id,
        "admin_graphql_api_id": gid("LineItem", line.id),
        "title": line.title,
        "name": line.name,
        "variant_title": line.variant_title,
        "variant_id": line.variant_id,
        "product_id": line.product_id,
        "sku": line.sku,
        "vendor": line.vendor,
        "quantity": line.quantity,
        "current_quantity": quantity,
        "fulfillable_quantity": sums.unfulfilled(order, line, held=False),
        "fulfillment_status": None if not done else "fulfilled" if done >= quantity else "partial",
        "requires_shipping": line.requires_shipping,
        "taxable": line.taxable,
        "gift_card": line.gift_card,
        "grams": line.grams,
        **amounts("price", line.unit_price),
        **amounts("total_discount", sums.allocated(line.allocations, line.unit_price.zero)),
        "properties": [{"name": name, "value": value} for name, value in line.attributes],
        "tax_lines": [tax_form(one) for one in line.taxes],
    }


def _shipping_form(line: Any) -> Json:
    return {
        "id": line.id,
        "title": line.title,
        "code": line.code,
        "source": line.source,
        **amounts("price", line.price),
        "discounted_price_set": bag_form(sums.shipping_net(line)),
        "tax_lines": [tax_form(one) for one in line.taxes],
    }


def address_form(address: Address | None) -> Json | None:
    if address is None:
        return None
    names = ("first_name", "last_name", "company", "address1", "address2", "city", "zip", "phone", "province", "country")
    more = ("province_code", "country_code", "latitude", "longitude", "name")
    return {name: getattr(address, name) for name in (*names, *more)}


def customer_form(store: Store, customer: Customer | None) -> Json | None:
    if customer is None:
        return None
    names = {"first_name": customer.first_name, "last_name": customer.last_name, "note": customer.note}
    return {
        "id": customer.id,
        "admin_graphql_api_id": gid("Customer", customer.id),
        "email": customer.email,
        "phone": customer.phone,
        **names,
        "tags": ", ".join(customer.tags),
        "created_at": moment(store, customer.created),
        "updated_at": moment(store, customer.updated),
        "default_address": address_form(customer.address),
    }


def fulfillment_form(store: Store, one: Fulfillment) -> Json:
    """The body of fulfillments/create and fulfillments/update."""
    order = store.must(one.order_id)
    lines = {line.id: line for line in order.lines}
    numbers = [row["number"] for row in one.tracking if row.get("number")]
    urls = [row["url"] for row in one.tracking if row.get("url")]
    return {
        "id": one.id,
        "admin_graphql_api_id": gid("Fulfillment", one.id),
        "order_id": one.order_id,
        "name": one.name,
        "status": one.status.lower(),
        "shipment_status": one.display.lower() if one.events else None,
        "service": "manual",
        "location_id": one.location_id,
        "created_at": moment(store, one.created),
        "updated_at": moment(store, one.updated),
        "email": order.email,
        "destination": address_form(order.shipping_address),
        "tracking_company": one.tracking[0].get("company") if one.tracking else None,
        "tracking_number": numbers[0] if numbers else None,
        "tracking_numbers": numbers,
        "tracking_url": urls[0] if urls else None,
        "tracking_urls": urls,
        "receipt": {},
        "line_items": [{**line_form(order, lines[row.line_id]), "quantity": row.quantity} for row in one.lines],
    }


def refund_form(store: Store, refund: Refund) -> Json:
    """The body of refunds/create."""
    order = store.must(refund.order_id)
    lines = {line.id: line for line in order.lines}
    return {
        "id": refund.id,
        "admin_graphql_api_id": gid("Refund", refund.id),
        "order_id": refund.order_id,
        "note": refund.note,
        "created_at": moment(store, refund.created),
        "processed_at": moment(store, refund.created),
        "restock": any(row.restocked for row in refund.lines),
        "refund_line_items": [
            {
                "id": row.id,
                "line_item_id": row.line_id,
                "quantity": row.quantity,
                "restock_type": row.restock_type.lower(),
                "location_id": row.location_id,
                **amounts("subtotal", row.subtotal),
                **amounts("total_tax", row.tax),
                "line_item": line_form(order, lines[row.line_id]),
            }
            for row in refund.lines
        ],
        "transactions": [transaction_form(store, store.transactions[one]) for one in refund.transaction_ids],
        "order_adjustments": [],
    }


def transaction_form(store: Store, one: Transaction) -> Json:
    """The body of order_transactions/create; its amount is the customer's money."""
    return {
        "id": one.id,
        "admin_graphql_api_id": gid("OrderTransaction", one.id),
        "order_id": one.order_id,
        "kind": one.kind.lower(),
        "gateway": one.gateway,
        "status": one.status.lower(),
        "message": None,
        "created_at": moment(store, one.created),
        "processed_at": moment(store, one.created),
        "test": one.test,
        "parent_id": one.parent_id,
        "error_code": one.error_code.lower() if one.error_code else None,
        "amount": money_text(one.amount.presentment, one.amount.presentment_currency),
        "currency": one.amount.presentment_currency,
        "payment_id": one.payment_id,
        "receipt": {},
    }
