"""Fields of orders and everything that hangs on them, except parcels."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from connector.sandbox.shopify import paging, paying, sums
from connector.sandbox.shopify.fields import Table, own_id, store_of
from connector.sandbox.shopify.ids import gid, number_in
from connector.sandbox.shopify.money import Bag, decimal_text, money_text
from connector.sandbox.shopify.problems import unknown_id
from connector.sandbox.shopify.store import Store
from connector.sandbox.shopify.things import Discount, Line, Order, Refund, Transaction

DISCOUNT_TYPES = {
    "code": "DiscountCodeApplication",
    "automatic": "AutomaticDiscountApplication",
    "manual": "ManualDiscountApplication",
    "script": "ScriptDiscountApplication",
}


def bag(bag_: Bag) -> dict[str, Any]:
    """MoneyBag."""
    shop = {"amount": decimal_text(bag_.shop), "currency_code": bag_.shop_currency}
    return {"shop_money": shop, "presentment_money": coin(bag_)}


def coin(bag_: Bag) -> dict[str, Any]:
    """MoneyV2 of the customer's money."""
    return {"amount": decimal_text(bag_.presentment), "currency_code": bag_.presentment_currency}


def summed(of: Callable[[Order], Bag]) -> Callable[..., Any]:
    return lambda order, info: bag(of(order))


def with_store(of: Callable[[Order, Store], Any]) -> Callable[..., Any]:
    return lambda order, info: of(order, store_of(info))


def pairs(rows: list[tuple[str, str | None]]) -> list[dict[str, str | None]]:
    return [{"key": key, "value": value} for key, value in rows]


def first(rows: list[Any], count: int | None) -> list[Any]:
    return rows if count is None else rows[:count]


def _transactions(order: Order, info: Any, **given: Any) -> list[Transaction]:
    rows = list(order.transactions)
    if given.get("capturable"):
        rows = [one for one in rows if sums.capturable(order, one, store_of(info))]
    return first(rows, given.get("first"))


def _risk(order: Order, info: Any) -> dict[str, Any]:
    return {"assessments": order.risks, "recommendation": sums.recommendation(order)}


def _status_page(order: Order, info: Any, **_given: Any) -> str:
    return f"https://{store_of(info).settings.domain}/{order.number}/orders/{order.id:x}/authenticate"


def _suggested(order: Order, info: Any, **given: Any) -> dict[str, Any]:
    store = store_of(info)
    backs = _backs(order, given)
    shipping, tax = _shipping_asked(order, given)
    parts = [paying.line_amounts(order, back) for back in backs]
    goods = sum((part for part, _ in parts), order.zero)
    taxes = sum((part for _, part in parts), order.zero) + tax
    amount = paying.suggested(order, backs, shipping, tax)
    most_shipping, most_tax = paying.shipping_left(order)
    return {
        "amount_set": bag(amount),
        "maximum_refundable_set": bag(sums.net_payment(order)),
        "subtotal_set": bag(goods),
        "discounted_subtotal_set": bag(goods),
        "total_tax_set": bag(taxes),
        "total_duties_set": bag(order.zero),
        "total_cart_discount_amount_set": bag(sums.discounts(order)),
        "shipping": {
            "amount_set": bag(shipping),
            "maximum_refundable_set": bag(most_shipping + most_tax),
            "tax_set": bag(tax),
        },
        "refund_line_items": [_suggested_line(store, order, back) for back in backs],
        "suggested_transactions": [_suggested_part(*part) for part in paying.suggested_parts(order, amount)],
    }


def _backs(order: Order, given: dict[str, Any]) -> list[paying.Back]:
    lines = {gid("LineItem", line.id): line for line in order.lines}
    asked: list[dict[str, Any]] = given.get("refundLineItems") or []
    if given.get("suggestFullRefund"):
        asked = [{"lineItemId": name, "quantity": sums.refundable(order, line)} for name, line in lines.items()]
    unknown = next((one["lineItemId"] for one in asked if one["lineItemId"] not in lines), None)
    if unknown is not None:
        raise unknown_id(unknown)
    return [
        paying.Back(
            line=lines[one["lineItemId"]],
            quantity=one["quantity"],
            restock_type=one.get("restockType") or "RETURN",
            location_id=number_in(one.get("locationId"), "Location"),
        )
        for one in asked
    ]


def _shipping_asked(order: Order, given: dict[str, Any]) -> tuple[Bag, Bag]:
    """(shipping, its share of taxes) of shippingAmount or refundShipping."""
    most, tax = paying.shipping_left(order)
    if given.get("shippingAmount") is not None:
        wanted = most.of_presentment(min(Decimal(str(given["shippingAmount"])), most.presentment))
        return wanted, tax.share(wanted.presentment, most.presentment)
    if given.get("refundShipping") or given.get("suggestFullRefund"):
        return most, tax
    return order.zero, order.zero


def _suggested_line(store: Store, order: Order, back: paying.Back) -> dict[str, Any]:
    goods, tax = paying.line_amounts(order, back)
    return {
        "id": None,
        "line_item": back.line,
        "quantity": back.quantity,
        "restock_type": back.restock_type,
        "restocked": False,
        "location": store.locations.get(back.location_id or 0),
        "subtotal_set": bag(goods),
        "total_tax_set": bag(tax),
        "price_set": bag(back.line.unit_price),
    }


def _suggested_part(payment: Transaction, part: Bag, left: Bag) -> dict[str, Any]:
    return {
        "amount_set": bag(part),
        "gateway": payment.gateway,
        "formatted_gateway": payment.formatted_gateway,
        "kind": "SUGGESTED_REFUND",
        "maximum_refundable_set": bag(left),
        "parent_transaction": payment,
        "account_number": payment.card["number"] if payment.card else None,
    }


def _terms(order: Order, info: Any) -> dict[str, Any] | None:
    if order.terms is None:
        return None
    store = store_of(info)
    left = sums.outstanding(order, store)
    over = order.terms.due is not None and order.terms.due <= store.now()
    schedule = {
        "id": gid("PaymentSchedule", order.id),
        "issued_at": order.created,
        "due_at": order.terms.due,
        "completed_at": None,
        "due": over,
        "balance_due": coin(left),
        "total_balance": coin(left),
    }
    return {
        "id": gid("PaymentTerms", order.id),
        "payment_terms_name": order.terms.name,
        "translated_name": order.terms.name,
        "payment_terms_type": order.terms.kind,
        "due_in_days": order.terms.days,
        "due": over,
        "overdue": over and bool(left),
        "payment_schedules": {
            "nodes": [schedule],
            "edges": [{"cursor": paging.encode(order.id, order.id), "node": schedule}],
            "page_info": {"has_next_page": False, "has_previous_page": False, "start_cursor": None, "end_cursor": None},
        },
    }


def _discount(one: Discount, order_zero: Bag | None = None) -> dict[str, Any]:
    amount = one.amount
    if one.percentage is not None:
        value: dict[str, Any] = {"__typename": "PricingPercentageValue", "percentage": float(one.percentage)}
    else:
        zero = {"amount": "0.0", "currency_code": "USD"}
        value = {"__typename": "MoneyV2", **(coin(amount) if amount is not None else zero)}
    return {
        "__typename": DISCOUNT_TYPES[one.kind],
        "allocation_method": "ACROSS" if one.across else "EACH",
        "target_selection": "ALL" if one.across else "EXPLICIT",
        "target_type": "SHIPPING_LINE" if one.on_shipping else "LINE_ITEM",
        "index": 0,
        "value": value,
        "code": one.title,
        "title": one.title,
        "description": one.title,
    }


def _discounts(order: Order, info: Any, **given: Any) -> dict[str, Any]:
    rows = [{**_discount(one), "place": place} for place, one in enumerate(order.discounts)]
    return paging.page(rows, given, value=lambda row: row["place"], number=lambda row: row["place"])


def _allocations(row: Any, info: Any) -> list[dict[str, Any]]:
    return [
        {"allocated_amount_set": bag(one.amount), "discount_application": _discount(one.discount)} for one in row.allocations
    ]


def _order_of(info: Any, line: Line) -> Order:
    """The order of a line: resolvers of lines get only the line."""
    store = store_of(info)
    return store.must(store.order_of_line(line.id))


def of_line(of: Callable[[Order, Line], Any]) -> Callable[..., Any]:
    return lambda line, info, **_given: of(_order_of(info, line), line)


def _discounted_total(line: Line, info: Any, **given: Any) -> dict[str, Any]:
    return bag(sums.net(line) if given.get("withCodeDiscounts") else sums.discounted(line))


def _left_share(of: Callable[[Line], Bag]) -> Callable[..., Any]:
    def read(line: Line, info: Any) -> dict[str, Any]:
        return bag(of(line).share(sums.unfulfilled(_order_of(info, line), line), line.quantity))

    return read


def _fulfillment_status(order: Order, line: Line) -> str:
    done = sums.fulfilled(order, line)
    return "unfulfilled" if not done else "fulfilled" if done >= sums.current(order, line) else "partial"


ORDER: Table = {
    **own_id("Order"),
    "app": lambda order, info: None,
    "createdAt": lambda order, info: order.created,
    "updatedAt": lambda order, info: order.updated,
    "processedAt": lambda order, info: order.processed or order.created,
    "closedAt": lambda order, info: order.closed,
    "closed": lambda order, info: order.closed is not None,
    "cancelledAt": lambda order, info: order.cancelled,
    "cancellation": lambda order, info: {"staff_note": order.staff_note} if order.cancelled else None,
    "confirmed": lambda order, info: True,
    "confirmationNumber": lambda order, info: f"{order.id % 36**9:X}"[-9:],
    "currencyCode": lambda order, info: order.currency,
    "presentmentCurrencyCode": lambda order, info: order.presentment_currency,
    "displayFinancialStatus": with_store(sums.financial),
    "displayFulfillmentStatus": lambda order, info: sums.fulfillment(order),
    "customerLocale": lambda order, info: order.locale,
    "customerAcceptsMarketing": lambda order, info: False,
    "sourceName": lambda order, info: order.source,
    "sourceIdentifier": lambda order, info: None,
    "statusPageUrl": _status_page,
    "paymentGatewayNames": lambda order, info: order.gateways,
    "customAttributes": lambda order, info: pairs(order.attributes),
    "totalPriceSet": summed(sums.whole),
    "originalTotalPriceSet": summed(sums.whole),
    "currentTotalPriceSet": summed(sums.current_whole),
    "subtotalPriceSet": summed(sums.subtotal),
    "currentSubtotalPriceSet": summed(sums.current_subtotal),
    "subtotalLineItemsQuantity": lambda order, info: sum(line.quantity for line in order.lines),
    "currentSubtotalLineItemsQuantity": lambda order, info: sum(sums.current(order, line) for line in order.lines),
    "totalTaxSet": summed(sums.taxes),
    "currentTotalTaxSet": summed(sums.current_taxes),
    "totalDiscountsSet": summed(sums.discounts),
    "currentTotalDiscountsSet": summed(sums.current_discounts),
    "cartDiscountAmountSet": summed(sums.discounts),
    "currentCartDiscountAmountSet": summed(sums.current_discounts),
    "totalShippingPriceSet": summed(sums.shipping),
    "currentShippingPriceSet": summed(lambda order: (sums.shipping(order) - sums.refunded_shipping(order)).least()),
    "currentTotalDutiesSet": lambda order, info: None,
    "originalTotalDutiesSet": lambda order, info: None,
    "currentTotalAdditionalFeesSet": lambda order, info: None,
    "additionalFees": lambda order, info: [],
    "disputes": lambda order, info: [],
    "totalRefundedSet": summed(sums.refunded),
    "totalRefundedShippingSet": summed(sums.refunded_shipping),
    "netPaymentSet": summed(sums.net_payment),
    "totalReceivedSet": summed(sums.received),
    "totalOutstandingSet": with_store(lambda order, store: bag(sums.outstanding(order, store))),
    "totalCapturableSet": with_store(lambda order, store: bag(sums.all_capturable(order, store))),
    "totalCapturable": with_store(lambda order, store: money_text(sums.all_capturable(order, store).shop, order.currency)),
    "totalTipReceivedSet": summed(lambda order: order.zero),
    "refundDiscrepancySet": summed(lambda order: order.zero),
    "capturable": with_store(lambda order, store: bool(sums.all_capturable(order, store))),
    "canMarkAsPaid": with_store(lambda order, store: sums.outstanding(order, store).presentment > 0 and not order.cancelled),
    "canNotifyCustomer": lambda order, info: bool(order.email),
    "refundable": lambda order, info: bool(sums.net_payment(order)),
    "restockable": lambda order, info: any(sums.current(order, line) for line in order.lines),
    "fulfillable": lambda order, info: any(sums.unfulfilled(order, line, held=False) for line in order.lines),
    "fullyPaid": with_store(
        lambda order, store: sums.outstanding(order, store).presentment <= 0 and bool(sums.received(order))
    ),
    "unpaid": with_store(lambda order, store: sums.outstanding(order, store).presentment > 0),
    "merchantEditable": lambda order, info: order.cancelled is None,
    "merchantEditableErrors": lambda order, info: [] if order.cancelled is None else ["The order can't be edited"],
    "requiresShipping": lambda order, info: any(line.requires_shipping for line in order.lines),
    "taxExempt": lambda order, info: False,
    "taxLines": lambda order, info: [one for line in (*order.lines, *order.shipping_lines) for one in line.taxes],
    "currentTaxLines": lambda order, info: [one for line in (*order.lines, *order.shipping_lines) for one in line.taxes],
    "discountCode": lambda order, info: next((one.title for one in order.discounts if one.kind == "code"), None),
    "discountCodes": lambda order, info: [one.title for one in order.discounts if one.kind == "code"],
    "discountApplications": _discounts,
    "risk": _risk,
    "customer": with_store(lambda order, store: store.customers.get(order.customer_id or 0)),
    "displayAddress": lambda order, info: order.shipping_address or order.billing_address,
    "billingAddressMatchesShippingAddress": lambda order, info: _same_place(order),
    "shippingLine": lambda order, info: next((line for line in order.shipping_lines if not line.removed), None),
    "shippingLines": lambda order, info, **given: paging.simple(
        [line for line in order.shipping_lines if not line.removed or given.get("includeRemovals")], given
    ),
    "lineItems": lambda order, info, **given: paging.simple(order.lines, given),
    "transactions": _transactions,
    "transactionsCount": lambda order, info: {"count": len(order.transactions), "precision": "EXACT"},
    "refunds": lambda order, info, **given: first(order.refunds, given.get("first")),
    "returns": lambda order, info, **given: paging.simple([], given),
    "returnStatus": lambda order, info: "NO_RETURN",
    "fulfillments": lambda order, info, **given: first(order.fulfillments, given.get("first")),
    "fulfillmentsCount": lambda order, info: {"count": len(order.fulfillments), "precision": "EXACT"},
    "fulfillmentOrders": lambda order, info, **given: paging.simple(order.fulfillment_orders, given),
    "paymentTerms": _terms,
    "suggestedRefund": _suggested,
    "retailLocation": lambda order, info: None,
    "totalWeight": lambda order, info: str(sum(line.grams * line.quantity for line in order.lines)),
    "currentTotalWeight": lambda order, info: str(sum(line.grams * sums.current(order, line) for line in order.lines)),
}


def _same_place(order: Order) -> bool:
    one, other = order.billing_address, order.shipping_address
    if one is None or other is None:
        return one is other
    names = ("name", "address1", "address2", "city", "zip", "country_code", "province_code")
    return all(getattr(one, name) == getattr(other, name) for name in names)


LINE: Table = {
    "id": lambda line, info: gid("LineItem", line.id),
    "currentQuantity": of_line(sums.current),
    "unfulfilledQuantity": of_line(sums.unfulfilled),
    "fulfillableQuantity": of_line(sums.fulfillable),
    "nonFulfillableQuantity": lambda line, info: 0,
    "fulfillmentStatus": of_line(_fulfillment_status),
    "refundableQuantity": of_line(sums.refundable),
    "restockable": of_line(lambda order, line: bool(sums.current(order, line))),
    "merchantEditable": of_line(lambda order, line: order.cancelled is None),
    "isGiftCard": lambda line, info: line.gift_card,
    "customAttributes": lambda line, info: pairs(line.attributes),
    "originalUnitPriceSet": lambda line, info: bag(line.unit_price),
    "originalTotalSet": lambda line, info: bag(sums.original(line)),
    "discountedUnitPriceSet": lambda line, info: bag(sums.discounted(line).share(1, line.quantity)),
    "discountedUnitPriceAfterAllDiscountsSet": lambda line, info: bag(sums.net(line).share(1, line.quantity)),
    "discountedTotalSet": _discounted_total,
    "totalDiscountSet": lambda line, info: bag(sums.allocated(line.allocations, line.unit_price.zero)),
    "priceAfterAllDiscountsBeforeTaxesSet": lambda line, info: bag(sums.net(line)),
    "unfulfilledDiscountedTotalSet": _left_share(sums.discounted),
    "unfulfilledOriginalTotalSet": _left_share(sums.original),
    "discountAllocations": _allocations,
    "taxLines": lambda line, info, **_given: line.taxes,
    "product": lambda line, info: store_of(info).products.get(line.product_id or 0),
    "variant": lambda line, info: store_of(info).variants.get(line.variant_id or 0),
    "image": lambda line, info, **_given: None,
    "weight": lambda line, info: {"unit": "GRAMS", "value": float(line.grams)},
}

SHIPPING: Table = {
    "id": lambda line, info: gid("ShippingLine", line.id),
    "carrierIdentifier": lambda line, info: None,
    "custom": lambda line, info: line.source != "shopify",
    "deliveryCategory": lambda line, info: None,
    "phone": lambda line, info: None,
    "shippingRateHandle": lambda line, info: None,
    "isRemoved": lambda line, info: line.removed,
    "originalPriceSet": lambda line, info: bag(line.price),
    "discountedPriceSet": lambda line, info: bag(sums.shipping_net(line)),
    "currentDiscountedPriceSet": lambda line, info: bag(sums.shipping_net(line)),
    "discountAllocations": _allocations,
    "taxLines": lambda line, info: line.taxes,
}

TAX: Table = {
    "rate": lambda tax, info: float(tax.rate),
    "ratePercentage": lambda tax, info: float(tax.rate * 100),
    "priceSet": lambda tax, info: bag(tax.price),
    "channelLiable": lambda tax, info: False,
    "source": lambda tax, info: None,
}


def _card(transaction: Transaction, info: Any) -> dict[str, Any] | None:
    card = transaction.card
    if card is None:
        return None
    return {
        "__typename": "CardPaymentDetails",
        "avs_result_code": card.get("avs"),
        "cvv_result_code": card.get("cvv"),
        "payment_method_name": "card",
        **{name: card.get(name) for name in ("bin", "company", "number", "name", "expiration_month", "expiration_year")},
    }


def _transaction_order(transaction: Transaction, info: Any) -> Order:
    return store_of(info).must(transaction.order_id)


def _unsettled(transaction: Transaction, info: Any) -> dict[str, Any]:
    return bag(sums.capturable(_transaction_order(transaction, info), transaction, store_of(info)))


TRANSACTION: Table = {
    "id": lambda one, info: gid("OrderTransaction", one.id),
    "createdAt": lambda one, info: one.created,
    "processedAt": lambda one, info: one.created,
    "amountSet": lambda one, info: bag(one.amount),
    "amountRoundingSet": lambda one, info: None,
    "authorizationCode": lambda one, info: None,
    "authorizationExpiresAt": lambda one, info: one.expires,
    "manualPaymentGateway": lambda one, info: one.manual,
    "manuallyCapturable": lambda one, info: one.kind == "AUTHORIZATION" and not one.manual and one.status == "SUCCESS",
    "multiCapturable": lambda one, info: one.multi,
    "accountNumber": lambda one, info: one.card["number"] if one.card else None,
    "order": _transaction_order,
    "parentTransaction": lambda one, info: store_of(info).transactions.get(one.parent_id or 0),
    "paymentDetails": _card,
    "receiptJson": lambda one, info: "{}",
    "settlementCurrency": lambda one, info: None,
    "totalUnsettledSet": _unsettled,
    "maximumRefundableV2": lambda one, info: coin(sums.left_of(_transaction_order(one, info), one)),
}


def _refund_shipping(refund: Refund, info: Any, **given: Any) -> dict[str, Any]:
    order = store_of(info).must(refund.order_id)
    line = next(iter(order.shipping_lines), None)
    rows = []
    if refund.shipping and line is not None:
        form = {"id": gid("RefundShippingLine", refund.id), "shipping_line": line}
        rows = [{**form, "subtotal_amount_set": bag(refund.shipping), "tax_amount_set": bag(refund.shipping_tax)}]
    return paging.page(rows, given, value=lambda row: row["id"], number=lambda row: row["id"])


def _given_back(refund: Refund, info: Any) -> dict[str, Any]:
    store = store_of(info)
    done = [store.transactions[one] for one in refund.transaction_ids]
    zero = store.must(refund.order_id).zero
    return bag(sum((one.amount for one in done if one.status in {"SUCCESS", "PENDING"}), zero))


REFUND: Table = {
    **own_id("Refund"),
    "createdAt": lambda refund, info: refund.created,
    "processedAt": lambda refund, info: refund.created,
    "updatedAt": lambda refund, info: refund.created,
    "order": lambda refund, info: store_of(info).must(refund.order_id),
    "return": lambda refund, info: None,
    "totalRefundedSet": _given_back,
    "refundLineItems": lambda refund, info, **given: paging.simple(refund.lines, given),
    "refundShippingLines": _refund_shipping,
    "orderAdjustments": lambda refund, info, **given: paging.simple([], given),
    "transactions": lambda refund, info, **given: paging.simple(
        [store_of(info).transactions[one] for one in refund.transaction_ids], given
    ),
}


def _refund_line_item(row: Any, info: Any) -> Any:
    if isinstance(row, dict):
        return row["line_item"]
    store = store_of(info)
    return next(line for line in store.must(store.order_of_line(row.line_id)).lines if line.id == row.line_id)


REFUND_LINE: Table = {
    "id": lambda row, info: None if isinstance(row, dict) else gid("RefundLineItem", row.id),
    "lineItem": _refund_line_item,
    "location": lambda row, info: (
        row["location"] if isinstance(row, dict) else store_of(info).locations.get(row.location_id or 0)
    ),
    "subtotalSet": lambda row, info: row["subtotal_set"] if isinstance(row, dict) else bag(row.subtotal),
    "totalTaxSet": lambda row, info: row["total_tax_set"] if isinstance(row, dict) else bag(row.tax),
    "priceSet": lambda row, info: row["price_set"] if isinstance(row, dict) else bag(row.subtotal.share(1, row.quantity)),
}

RISK: Table = {
    "riskLevel": lambda risk, info: risk.level,
    "provider": lambda risk, info: {"id": gid("App", store_of(info).app.id), "title": risk.provider} if risk.provider else None,
    "facts": lambda risk, info: [{"sentiment": kind, "description": text} for kind, text in risk.facts],
}

TABLES = {
    "Order": ORDER,
    "LineItem": LINE,
    "ShippingLine": SHIPPING,
    "TaxLine": TAX,
    "OrderTransaction": TRANSACTION,
    "Refund": REFUND,
    "RefundLineItem": REFUND_LINE,
    "OrderRiskAssessment": RISK,
}
