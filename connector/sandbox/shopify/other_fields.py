"""Fields of parcels, fulfillment orders, customers, products, inventory, the shop, webhooks and bulk operations."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from connector.sandbox.shopify import holding, paging, sums
from connector.sandbox.shopify.access import App
from connector.sandbox.shopify.addresses import COUNTRIES, PROVINCES
from connector.sandbox.shopify.fields import Table, own_id, store_of
from connector.sandbox.shopify.ids import gid
from connector.sandbox.shopify.money import ZERO, decimal_text, money_text
from connector.sandbox.shopify.order_fields import bag
from connector.sandbox.shopify.store import VERSION, Store
from connector.sandbox.shopify.things import (
    Customer,
    Fulfillment,
    FulfillmentLine,
    FulfillmentOrder,
    Line,
    Location,
    Order,
    Variant,
)

QUANTITIES = ("available", "on_hand", "committed", "reserved", "incoming", "damaged", "quality_control", "safety_stock")
VERSIONS = (("2025-10", True), ("2026-01", True), ("2026-04", True), ("2026-07", True), ("2026-10", True), ("unstable", False))
HOOK_KINDS = {"arn:": "WebhookEventBridgeEndpoint", "pubsub:": "WebhookPubSubEndpoint"}


def _with_store(of: Callable[[Any, Store], Any]) -> Callable[..., Any]:
    return lambda row, info, **_given: of(row, store_of(info))


# --- fulfillment orders and parcels -----------------------------------------------------------------------------------


def _line(row: Any, info: Any) -> Line:
    store = store_of(info)
    order = store.must(store.order_of_line(row.line_id))
    return next(line for line in order.lines if line.id == row.line_id)


def _parcel_total(of: Callable[[Line], Any]) -> Callable[..., Any]:
    def read(row: FulfillmentLine, info: Any) -> dict[str, Any]:
        line = _line(row, info)
        return bag(of(line).share(row.quantity, line.quantity))

    return read


def _assigned(place: FulfillmentOrder, store: Store) -> dict[str, Any]:
    where = store.locations[place.location_id]
    return {**_address(where), "name": where.name, "location": where, "address2": None, "phone": None}


def _address(where: Location) -> dict[str, Any]:
    province = PROVINCES.get((where.country_code, where.province_code), where.province_code)
    names = {name: getattr(where, name) for name in ("address1", "city", "zip", "country_code", "province_code")}
    return {**names, "province": province, "country": COUNTRIES.get(where.country_code)}


def _destination(place: FulfillmentOrder, store: Store) -> dict[str, Any] | None:
    order = store.must(place.order_id)
    where = order.shipping_address
    if where is None or place.method != "SHIPPING":
        return None
    names = ("address1", "address2", "city", "company", "first_name", "last_name", "phone", "province", "zip", "country_code")
    known = {name: getattr(where, name) for name in names}
    number = gid("FulfillmentOrderDestination", place.id)
    return {**known, "id": number, "email": order.email, "location": None}


def _method(place: FulfillmentOrder, store: Store) -> dict[str, Any]:
    order = store.must(place.order_id)
    shipping = next((line for line in order.shipping_lines if not line.removed), None)
    shown = shipping if place.method == "SHIPPING" else None
    return {
        "id": gid("DeliveryMethod", place.id),
        "method_type": place.method,
        "service_code": shown.code if shown else None,
        "presented_name": shown.title if shown else None,
    }


def _parcels_of(place: FulfillmentOrder, store: Store) -> list[Fulfillment]:
    order = store.must(place.order_id)
    return [one for one in order.fulfillments if any(number == place.id for number, _, _ in one.of)]


def _places_of(one: Fulfillment, store: Store) -> list[FulfillmentOrder]:
    return [store.fulfillment_orders[number] for number in dict.fromkeys(number for number, _, _ in one.of)]


def _happened(one: Fulfillment, *statuses: str) -> datetime | None:
    return next((event.happened for event in reversed(one.events) if event.status in statuses), None)


def _service(store: Store) -> dict[str, Any]:
    where = next(iter(store.locations.values()))
    number = gid("FulfillmentService", "manual")
    known = {"handle": "manual", "service_name": "Manual", "type": "MANUAL", "tracking_support": False}
    return {"id": number, **known, "location": where}


FULFILLMENT_ORDER: Table = {
    "id": lambda place, info: gid("FulfillmentOrder", place.id),
    "createdAt": lambda place, info: place.created,
    "updatedAt": lambda place, info: place.updated,
    "orderId": lambda place, info: gid("Order", place.order_id),
    "order": _with_store(lambda place, store: store.must(place.order_id)),
    "orderName": _with_store(lambda place, store: store.must(place.order_id).name),
    "orderProcessedAt": _with_store(lambda place, store: store.must(place.order_id).processed),
    "supportedActions": lambda place, info: [{"action": name, "external_url": None} for name in holding.supported(place)],
    "assignedLocation": _with_store(_assigned),
    "destination": _with_store(_destination),
    "deliveryMethod": _with_store(_method),
    "fulfillmentHolds": lambda place, info: place.holds,
    "lineItems": lambda place, info, **given: paging.simple(place.lines, given),
    "fulfillments": lambda place, info, **given: paging.simple(_parcels_of(place, store_of(info)), given),
    "merchantRequests": lambda place, info, **given: paging.simple([], given),
}

FULFILLMENT_ORDER_LINE: Table = {
    "id": lambda row, info: gid("FulfillmentOrderLineItem", row.id),
    "totalQuantity": lambda row, info: row.total,
    "remainingQuantity": lambda row, info: row.remaining,
    "lineItem": _line,
    "productTitle": lambda row, info: _line(row, info).title,
    "variantTitle": lambda row, info: _line(row, info).variant_title,
    "sku": lambda row, info: _line(row, info).sku,
    "vendor": lambda row, info: _line(row, info).vendor,
    "requiresShipping": lambda row, info: _line(row, info).requires_shipping,
    "variant": lambda row, info: store_of(info).variants.get(_line(row, info).variant_id or 0),
    "inventoryItemId": lambda row, info: _item_gid(store_of(info).variants.get(_line(row, info).variant_id or 0)),
    "weight": lambda row, info: {"unit": "GRAMS", "value": float(_line(row, info).grams)},
}


def _item_gid(variant: Variant | None) -> str | None:
    return gid("InventoryItem", variant.item_id) if variant else None


HOLD: Table = {
    "id": lambda hold, info: gid("FulfillmentHold", hold.id),
    "reasonNotes": lambda hold, info: hold.notes,
    "displayReason": lambda hold, info: holding.REASONS[hold.reason],
    "heldByApp": lambda hold, info: store_of(info).app if hold.app_id == store_of(info).app.id else None,
    "heldByRequestingApp": lambda hold, info: hold.app_id == store_of(info).app.id,
}

FULFILLMENT: Table = {
    **own_id("Fulfillment"),
    "createdAt": lambda one, info: one.created,
    "updatedAt": lambda one, info: one.updated,
    "displayStatus": lambda one, info: one.display,
    "deliveredAt": lambda one, info: _happened(one, "DELIVERED"),
    "inTransitAt": lambda one, info: _happened(one, "IN_TRANSIT"),
    "estimatedDeliveryAt": lambda one, info: next(
        (event.given["estimatedDeliveryAt"] for event in reversed(one.events) if event.given.get("estimatedDeliveryAt")), None
    ),
    "totalQuantity": lambda one, info: sum(row.quantity for row in one.lines),
    "requiresShipping": lambda one, info: any(_line(row, info).requires_shipping for row in one.lines),
    "trackingInfo": lambda one, info, **given: one.tracking[: given.get("first")],
    "fulfillmentLineItems": lambda one, info, **given: paging.simple(one.lines, given),
    "fulfillmentOrders": lambda one, info, **given: paging.simple(_places_of(one, store_of(info)), given),
    "events": lambda one, info, **given: paging.simple(one.events, given),
    "location": _with_store(lambda one, store: store.locations.get(one.location_id)),
    "order": _with_store(lambda one, store: store.must(one.order_id)),
    "originAddress": lambda one, info: None,
    "service": _with_store(lambda one, store: _service(store)),
}

FULFILLMENT_LINE: Table = {
    "id": lambda row, info: gid("FulfillmentLineItem", row.id),
    "lineItem": _line,
    "originalTotalSet": _parcel_total(sums.original),
    "discountedTotalSet": _parcel_total(sums.discounted),
}

_EVENT_WORDS = ("address1", "city", "country", "estimatedDeliveryAt", "latitude", "longitude", "message", "province", "zip")


def _event_word(name: str) -> Callable[..., Any]:
    return lambda event, info: event.given.get(name)


EVENT: Table = {
    "id": lambda event, info: gid("FulfillmentEvent", event.id),
    "createdAt": lambda event, info: event.created,
    "happenedAt": lambda event, info: event.happened,
    **{name: _event_word(name) for name in _EVENT_WORDS},
}


# --- people -----------------------------------------------------------------------------------------------------------


def orders_of(store: Store, customer: Customer) -> list[Order]:
    return [one for one in store.orders.values() if isinstance(one, Order) and one.customer_id == customer.id]


def _spent(customer: Customer, store: Store) -> dict[str, Any]:
    sum_ = sum((sums.net_payment(order).shop for order in orders_of(store, customer)), ZERO)
    return {"amount": decimal_text(sum_), "currency_code": store.settings.currency}


CUSTOMER: Table = {
    **own_id("Customer"),
    "createdAt": lambda one, info: one.created,
    "updatedAt": lambda one, info: one.updated,
    "numberOfOrders": _with_store(lambda one, store: str(len(orders_of(store, one)))),
    "amountSpent": _with_store(_spent),
    "defaultAddress": lambda one, info: one.address,
    "addressesV2": lambda one, info, **given: paging.simple([one.address] if one.address else [], given),
    "defaultEmailAddress": lambda one, info: {"email_address": one.email} if one.email else None,
    "defaultPhoneNumber": lambda one, info: {"phone_number": one.phone} if one.phone else None,
    "state": lambda one, info: "DISABLED",
    "taxExempt": lambda one, info: False,
    "verifiedEmail": lambda one, info: bool(one.email),
    "canDelete": lambda one, info: not orders_of(store_of(info), one),
    "orders": lambda one, info, **given: paging.simple(orders_of(store_of(info), one), given),
    "lastOrder": lambda one, info: next(iter(reversed(orders_of(store_of(info), one))), None),
}


def _formatted(where: Any, info: Any, **_given: Any) -> list[str]:
    parts = (
        where.company,
        where.address1,
        where.address2,
        f"{where.city} {where.province_code or ''} {where.zip}",
        where.country,
    )
    return [part.strip() for part in parts if part and part.strip()]


ADDRESS: Table = {
    "id": lambda where, info: gid("MailingAddress", where.id) + "?model_name=Address",
    "countryCode": lambda where, info: where.country_code,
    "countryCodeV2": lambda where, info: where.country_code,
    "coordinatesValidated": lambda where, info: where.latitude is not None,
    "validationResultSummary": lambda where, info: None,
    "timeZone": lambda where, info: None,
    "formatted": _formatted,
    "formattedArea": lambda where, info: ", ".join(filter(None, (where.city, where.province_code, where.country))) or None,
}


# --- goods ------------------------------------------------------------------------------------------------------------


def available(variant: Variant) -> int:
    return sum(variant.stock.values())


def levels_of(store: Store, variant: Variant) -> list[dict[str, Any]]:
    return [level(store, variant, location) for location in variant.stock]


def level(store: Store, variant: Variant, location_id: int) -> dict[str, Any]:
    """An inventory level as the resolvers take it."""
    return {"id": location_id, "variant": variant, "location": store.locations[location_id], "item": variant}


def committed(store: Store, variant: Variant, location_id: int) -> int:
    """Sold and not yet sent from there."""
    places = (one for one in store.fulfillment_orders.values() if one.location_id == location_id and one.status in sums.OPEN)
    rows = ((row, store.must(place.order_id)) for place in places for row in place.lines)
    lines = ((row.remaining, line) for row, order in rows for line in order.lines if line.id == row.line_id)
    return sum(pieces for pieces, line in lines if line.variant_id == variant.id)


def _quantities(row: dict[str, Any], info: Any, names: list[str]) -> list[dict[str, Any]]:
    variant, location = row["variant"], row["location"].id
    there = variant.stock.get(location, 0)
    known = {"available": there, **{name: pieces for (place, name), pieces in variant.apart.items() if place == location}}
    if {"committed", "on_hand"} & set(names):
        sold = committed(store_of(info), variant, location)
        apart = sum(pieces for name, pieces in known.items() if name not in {"available", "incoming"})
        known |= {"committed": sold, "on_hand": there + sold + apart}
    return [
        {
            "id": gid("InventoryQuantity", f"{location}?inventory_item_id={variant.item_id}&name={name}"),
            "name": name,
            "quantity": known.get(name, 0),
            "updated_at": variant.updated,
        }
        for name in names
    ]


LEVEL: Table = {
    "id": lambda row, info: gid("InventoryLevel", f"{row['location'].id}?inventory_item_id={row['variant'].item_id}"),
    "quantities": _quantities,
    "createdAt": lambda row, info: row["variant"].updated,
    "updatedAt": lambda row, info: row["variant"].updated,
    "isActive": lambda row, info: True,
}


def _item_level(variant: Variant, info: Any, **given: Any) -> dict[str, Any] | None:
    store = store_of(info)
    found = next((one for one in variant.stock if gid("Location", one) == given["locationId"]), None)
    return None if found is None else level(store, variant, found)


ITEM: Table = {
    "id": lambda variant, info: gid("InventoryItem", variant.item_id),
    "legacyResourceId": lambda variant, info: str(variant.item_id),
    "createdAt": lambda variant, info: variant.updated,
    "updatedAt": lambda variant, info: variant.updated,
    "variant": lambda variant, info: variant,
    "inventoryLevel": _item_level,
    "inventoryLevels": lambda variant, info, **given: paging.page(
        sorted(levels_of(store_of(info), variant), key=lambda row: int(row["id"])),
        given,
        value=lambda row: row["id"],
        number=lambda row: row["id"],
    ),
}

VARIANT: Table = {
    **own_id("ProductVariant"),
    "displayName": _with_store(lambda one, store: f"{store.products[one.product_id].title} - {one.title}"),
    "price": lambda one, info: money_text(one.price),
    "inventoryItem": lambda one, info: one,
    "inventoryQuantity": lambda one, info: available(one),
    "product": _with_store(lambda one, store: store.products[one.product_id]),
    "availableForSale": lambda one, info: not one.tracked or available(one) > 0,
    "createdAt": lambda one, info: one.updated,
    "updatedAt": lambda one, info: one.updated,
    "position": _with_store(lambda one, store: store.products[one.product_id].variant_ids.index(one.id) + 1),
}

PRODUCT: Table = {
    **own_id("Product"),
    "handle": lambda one, info: one.title.lower().replace(" ", "-"),
    "productType": lambda one, info: "",
    "status": lambda one, info: "ACTIVE",
    "tags": lambda one, info: [],
    "isGiftCard": lambda one, info: one.gift_card,
    "createdAt": lambda one, info: one.created,
    "updatedAt": lambda one, info: one.created,
    "variants": lambda one, info, **given: paging.simple([store_of(info).variants[each] for each in one.variant_ids], given),
    "totalInventory": _with_store(lambda one, store: sum(available(store.variants[each]) for each in one.variant_ids)),
    "tracksInventory": _with_store(lambda one, store: any(store.variants[each].tracked for each in one.variant_ids)),
}


def _location_level(where: Location, info: Any, **given: Any) -> dict[str, Any] | None:
    store = store_of(info)
    found = next(
        (one for one in store.variants.values() if gid("InventoryItem", one.item_id) == given["inventoryItemId"]), None
    )
    return level(store, found, where.id) if found is not None and where.id in found.stock else None


LOCATION: Table = {
    **own_id("Location"),
    "isPrimary": _with_store(lambda where, store: where.id == next(iter(store.locations))),
    "shipsInventory": lambda where, info: True,
    "isFulfillmentService": lambda where, info: False,
    "hasActiveInventory": lambda where, info: True,
    "addressVerified": lambda where, info: True,
    "createdAt": lambda where, info: datetime(2024, 1, 1, tzinfo=UTC),
    "updatedAt": lambda where, info: datetime(2024, 1, 1, tzinfo=UTC),
    "deactivatedAt": lambda where, info: None if where.is_active else "2026-01-01T00:00:00Z",
    "fulfillmentService": lambda where, info: None,
    "address": lambda where, info: {**_address(where), "formatted": [where.address1, where.city], "address2": None},
    "inventoryLevel": _location_level,
}


# --- shop, app, webhooks, bulk ----------------------------------------------------------------------------------------


def _offset(store: Store) -> str:
    return store.now().astimezone(ZoneInfo(store.settings.timezone)).strftime("%z")


SHOP: Table = {
    "id": lambda shop, info: gid("Shop", 548380009),
    "contactEmail": lambda shop, info: shop.email,
    "myshopifyDomain": lambda shop, info: shop.domain,
    "currencyCode": lambda shop, info: shop.currency,
    "enabledPresentmentCurrencies": lambda shop, info: sorted({shop.currency, *shop.rates}),
    "ianaTimezone": lambda shop, info: shop.timezone,
    "timezoneOffset": _with_store(lambda shop, store: _offset(store)),
    "plan": lambda shop, info: {
        "display_name": shop.plan,
        "public_display_name": shop.plan,
        "partner_development": shop.development,
        "shopify_plus": False,
    },
    "primaryDomain": lambda shop, info: {
        "id": gid("Domain", 1),
        "host": shop.domain,
        "url": f"https://{shop.domain}",
        "ssl_enabled": True,
    },
    "url": lambda shop, info: f"https://{shop.domain}",
    "taxesIncluded": lambda shop, info: False,
    "taxShipping": lambda shop, info: True,
    "unitSystem": lambda shop, info: "METRIC_SYSTEM",
    "weightUnit": lambda shop, info: "KILOGRAMS",
    "createdAt": lambda shop, info: datetime(2024, 1, 1, tzinfo=UTC),
    "updatedAt": lambda shop, info: datetime(2024, 1, 1, tzinfo=UTC),
    "shopOwnerName": lambda shop, info: "Sandbox Owner",
    "checkoutApiSupported": lambda shop, info: True,
    "orderNumberFormatPrefix": lambda shop, info: "#",
    "orderNumberFormatSuffix": lambda shop, info: "",
    "setupRequired": lambda shop, info: False,
    "shipsToCountries": lambda shop, info: sorted(COUNTRIES),
}


def _scopes(row: Any, info: Any) -> list[dict[str, str]]:
    return [{"handle": name, "description": name.replace("_", " ")} for name in sorted(info.context.token.scopes)]


INSTALLATION: Table = {
    "id": lambda row, info: gid("AppInstallation", 1),
    "accessScopes": _scopes,
    "app": _with_store(lambda row, store: store.app),
}


def _app(row: Any, name: str) -> Any:
    return getattr(row, name) if isinstance(row, App) else row.get(name)


APP: Table = {
    "id": lambda row, info: gid("App", row.id) if isinstance(row, App) else row["id"],
    "handle": lambda row, info: str(_app(row, "title")).lower().replace(" ", "-"),
    "apiKey": lambda row, info: row.client_id if isinstance(row, App) else "",
    "title": lambda row, info: _app(row, "title"),
}


def _endpoint(one: Any, info: Any) -> dict[str, Any]:
    kind = next((name for start, name in HOOK_KINDS.items() if one.uri.startswith(start)), "WebhookHttpEndpoint")
    project, _, topic = one.uri.removeprefix("pubsub://").partition(":")
    places = {"callback_url": one.uri, "arn": one.uri, "pub_sub_project": project, "pub_sub_topic": topic}
    return {"__typename": kind, **places}


HOOK: Table = {
    **own_id("WebhookSubscription"),
    "createdAt": lambda one, info: one.created,
    "updatedAt": lambda one, info: one.updated,
    "callbackUrl": lambda one, info: one.uri,
    "endpoint": _endpoint,
    "apiVersion": lambda one, info: version(VERSION, supported=True),
}


def version(handle: str, *, supported: bool) -> dict[str, Any]:
    return {"handle": handle, "display_name": handle, "supported": supported}


def _file(one: Any, info: Any) -> str | None:
    if one.body is None or not one.objects:
        return None
    name = urllib.parse.quote(f"bulk-{one.id}.jsonl")
    return f"{store_of(info).settings.base_url}/_files/{name}"


BULK: Table = {
    "id": lambda one, info: gid("BulkOperation", one.id),
    "type": lambda one, info: one.kind,
    "createdAt": lambda one, info: one.created,
    "completedAt": lambda one, info: one.completed,
    "objectCount": lambda one, info: str(one.objects),
    "rootObjectCount": lambda one, info: str(one.roots),
    "fileSize": lambda one, info: None if one.body is None else str(len(one.body)),
    "partialDataUrl": lambda one, info: None,
    "url": _file,
}

TABLES = {
    "FulfillmentOrder": FULFILLMENT_ORDER,
    "FulfillmentOrderLineItem": FULFILLMENT_ORDER_LINE,
    "FulfillmentHold": HOLD,
    "Fulfillment": FULFILLMENT,
    "FulfillmentLineItem": FULFILLMENT_LINE,
    "FulfillmentEvent": EVENT,
    "Customer": CUSTOMER,
    "MailingAddress": ADDRESS,
    "InventoryLevel": LEVEL,
    "InventoryItem": ITEM,
    "ProductVariant": VARIANT,
    "Product": PRODUCT,
    "Location": LOCATION,
    "Shop": SHOP,
    "AppInstallation": INSTALLATION,
    "App": APP,
    "WebhookSubscription": HOOK,
    "BulkOperation": BULK,
    "Job": {"id": lambda job, info: gid("Job", job.id), "query": lambda job, info: {}},
}
