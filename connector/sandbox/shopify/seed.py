"""What every fresh simulated Shopify store begins with: two locations and a few products."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from connector.sandbox.shopify.things import Location, Product, Variant

if TYPE_CHECKING:
    from connector.sandbox.shopify.store import Store

MAIN, SECOND = 106318430514, 113884102962
# Each series begins where such ids are today; a store may be told to begin above 2^53 (see `Store.start_ids`).
FIRST_IDS = {
    "Order": 8980291027250,
    "LineItem": 20109841301810,
    "FulfillmentOrder": 9921139736882,
    "FulfillmentOrderLineItem": 20282998653234,
    "Fulfillment": 8123962229042,
    "FulfillmentLineItem": 17862522339634,
    "OrderTransaction": 10740759855410,
    "Refund": 1028613341490,
    "RefundLineItem": 654574944562,
    "Customer": 10870014279986,
    "FulfillmentHold": 291210985778,
    "WebhookSubscription": 1967038398770,
    "BulkOperation": 7964079784242,
    "Product": 10220854182194,
    "ProductVariant": 51364592877874,
    "InventoryItem": 53469430055218,
}
# (product, variant, SKU, price, grams, pieces at the main location, pieces at the second one)
GOODS = (
    ("Enamel mug", "Default Title", "MUG-1", "12.50", 350, 500, 200),
    ("T-shirt", "M", "TEE-M", "20.00", 180, 100, 0),
    ("T-shirt", "L", "TEE-L", "20.00", 190, 0, 100),
    ("Desk lamp", "Default Title", "LAMP-1", "89.00", 2400, 0, 50),
    ("E-book", "Default Title", "EBOOK-1", "9.99", 0, None, None),
    ("Gift card", "25", "GIFT-25", "25.00", 0, None, None),
)
DIGITAL = frozenset({"EBOOK-1", "GIFT-25"})


def locations() -> list[Location]:
    return [
        Location(
            id=MAIN,
            name="Main warehouse",
            city="New York",
            province_code="NY",
            country_code="US",
            address1="1 Dock Street",
            zip="10001",
        ),
        Location(
            id=SECOND,
            name="West warehouse",
            city="Reno",
            province_code="NV",
            country_code="US",
            address1="2 Depot Road",
            zip="89501",
        ),
    ]


def stock_up(store: Store) -> None:
    for title, name, sku, price, grams, main, second in GOODS:
        add_variant(
            store, title=title, name=name, sku=sku, price=Decimal(price), grams=grams, stock={MAIN: main, SECOND: second}
        )


def add_variant(
    store: Store, *, title: str, name: str, sku: str, price: Decimal, grams: int, stock: dict[int, int | None]
) -> Variant:
    """A variant of that product, which is made when it is new. A stock of None is not counted."""
    product = next((one for one in store.products.values() if one.title == title), None) or _product(store, title, sku)
    pieces = {place: count for place, count in stock.items() if count is not None}
    variant = Variant(
        id=store.next_id("ProductVariant"),
        product_id=product.id,
        item_id=store.next_id("InventoryItem"),
        title=name,
        sku=sku,
        price=price,
        grams=grams,
        stock=pieces,
        tracked=bool(pieces),
        requires_shipping=sku not in DIGITAL,
        taxable=sku not in DIGITAL,
        updated=store.now(),
    )
    store.variants[variant.id] = variant
    product.variant_ids.append(variant.id)
    return variant


def _product(store: Store, title: str, sku: str) -> Product:
    number = store.next_id("Product")
    made = Product(id=number, title=title, vendor="Sandbox Goods", created=store.now(), gift_card=sku.startswith("GIFT"))
    store.products[number] = made
    return made
