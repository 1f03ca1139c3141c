"""Products and variations: their JSON form, lists, and the few fields a connector writes (stock, price, name)."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from connector.sandbox.woocommerce import forms
from connector.sandbox.woocommerce.meta import set_meta
from connector.sandbox.woocommerce.params import META, PAGING, TEXT, WHOLE, Param
from connector.sandbox.woocommerce.php import amount, decimal_of
from connector.sandbox.woocommerce.store import Store
from connector.sandbox.woocommerce.things import Product

Form = dict[str, Any]
WRITABLE = {
    "name": TEXT,
    "sku": TEXT,
    "regular_price": TEXT,
    "stock_quantity": WHOLE,
    "manage_stock": Param(kind="boolean"),
    "meta_data": META,
}
PRODUCT_FIELDS = """
    id name slug permalink date_created date_created_gmt date_modified date_modified_gmt type status featured
    catalog_visibility description short_description sku price regular_price sale_price date_on_sale_from
    date_on_sale_from_gmt date_on_sale_to date_on_sale_to_gmt on_sale purchasable total_sales virtual downloadable
    downloads download_limit download_expiry external_url button_text tax_status tax_class manage_stock
    stock_quantity backorders backorders_allowed backordered low_stock_amount sold_individually weight dimensions
    shipping_required shipping_taxable shipping_class shipping_class_id reviews_allowed average_rating
    rating_count upsell_ids cross_sell_ids parent_id purchase_note categories brands tags images attributes
    default_attributes variations grouped_products menu_order price_html related_ids meta_data stock_status
    has_options post_password global_unique_id _links
"""
VARIATION_FIELDS = """
    id type date_created date_created_gmt date_modified date_modified_gmt description permalink sku
    global_unique_id price regular_price sale_price date_on_sale_from date_on_sale_from_gmt date_on_sale_to
    date_on_sale_to_gmt on_sale status purchasable virtual downloadable downloads download_limit download_expiry
    tax_status tax_class manage_stock stock_quantity stock_status backorders backorders_allowed backordered
    low_stock_amount weight dimensions shipping_class shipping_class_id image attributes menu_order meta_data name
    parent_id _links
"""
LISTED = {**PAGING, "sku": TEXT, "search": TEXT, "include": Param(kind="list", items=WHOLE)}


def listed(store: Store, query: Form, *, parent: int = 0) -> list[Product]:
    """Products (parent 0) or the variations of one, newest first."""
    skus = [part.strip() for part in query["sku"].split(",")] if query.get("sku") else None
    rows = [
        product
        for product in store.products.values()
        if (product.parent_id == parent or (skus is not None and parent == 0))
        and (skus is None or product.sku in skus)
        and ("include" not in query or product.id in query["include"])
        and str(query.get("search", "")).lower() in product.name.lower()
    ]
    return sorted(rows, key=lambda product: product.id, reverse=True)


def write(store: Store, product: Product, body: Form) -> None:
    """Stock set here is absolute; the store writes no note about it."""
    product.name = str(body.get("name", product.name))
    product.sku = str(body.get("sku", product.sku))
    if body.get("regular_price"):
        product.price = decimal_of(body["regular_price"])
    if body.get("manage_stock") is False:
        product.stock = None
    if body.get("stock_quantity") is not None and (product.stock is not None or body.get("manage_stock")):
        change = body["stock_quantity"] - (product.stock or 0)
        store.move_stock(product, change, order=None, why="product written")  # fires product.updated too
    product.meta = set_meta(store, product.meta, body.get("meta_data") or [], series="product_meta")
    product.modified = store.now()
    store.fire("product.updated", product.id)


def form(store: Store, product: Product) -> Form:
    """The form of a simple or variable product, or of a variation, with its members in WooCommerce's order."""
    if product.parent_id:
        members = {**_sold(store, product), **_variation(store, product)}
        return {name: members[name] for name in VARIATION_FIELDS.split()}
    members = {**_sold(store, product), **_simple(store, product)}
    return {name: members[name] for name in PRODUCT_FIELDS.split()}


def _sold(store: Store, product: Product) -> Form:
    price = amount(product.price)
    dates = {"date_on_sale_from": None, "date_on_sale_from_gmt": None, "date_on_sale_to": None, "date_on_sale_to_gmt": None}
    return {
        "id": product.id,
        **store.times("date_created", product.modified),
        **store.times("date_modified", product.modified),
        "description": "",
        "permalink": store.url(f"/product/{_slug(product)}/"),
        "sku": product.sku,
        "global_unique_id": "",
        "price": price,
        "regular_price": "" if _variations(store, product) else price,
        "sale_price": "",
        **dates,
        "on_sale": False,
        "status": "publish",
        "purchasable": True,
        "virtual": product.virtual,
        "downloadable": product.downloadable,
        "downloads": [],
        "download_limit": -1,
        "download_expiry": -1,
        "tax_status": "taxable",
        **_stock(product),
        "weight": product.weight,
        "dimensions": {"length": "", "width": "", "height": ""},
        "shipping_class": "",
        "shipping_class_id": 0,
        "menu_order": 0,
        "meta_data": forms.meta_form(product.meta),
        "name": product.name,
        "parent_id": product.parent_id,
    }


def _stock(product: Product) -> Form:
    out = product.stock is not None and product.stock <= 0
    return {
        "manage_stock": product.stock is not None,
        "stock_quantity": product.stock,
        "stock_status": ("onbackorder" if product.backorders else "outofstock") if out else "instock",
        "backorders": "notify" if product.backorders else "no",
        "backorders_allowed": product.backorders,
        "backordered": out and product.backorders,
        "low_stock_amount": None,
    }


def _variation(store: Store, product: Product) -> Form:
    options = product.options.items()
    return {
        "type": "variation",
        "name": ", ".join(value for _, (_, value) in options),
        "tax_class": "parent",
        "image": None,
        "attributes": [{"id": 0, "name": label, "slug": slug, "option": value} for slug, (label, value) in options],
        "_links": forms.links(store, f"/products/{product.parent_id}/variations/{product.id}"),
    }


def _simple(store: Store, product: Product) -> Form:
    variations = _variations(store, product)
    physical = not product.virtual
    shown = f'<span class="woocommerce-Price-currencySymbol">&#36;</span>{amount(product.price)}'
    return {
        "slug": _slug(product),
        "type": "variable" if variations else "simple",
        "featured": False,
        "catalog_visibility": "visible",
        "short_description": "",
        "total_sales": 0,
        "external_url": "",
        "button_text": "",
        "tax_class": "",
        "sold_individually": False,
        "shipping_required": physical,
        "shipping_taxable": physical,
        "reviews_allowed": True,
        "average_rating": "0.00",
        "rating_count": 0,
        "upsell_ids": [],
        "cross_sell_ids": [],
        "purchase_note": "",
        "categories": [{"id": 15, "name": "Uncategorized", "slug": "uncategorized"}],
        "brands": [],
        "tags": [],
        "images": [],
        "attributes": _attributes(variations),
        "default_attributes": [],
        "variations": [variation.id for variation in variations],
        "grouped_products": [],
        "price_html": f'<span class="woocommerce-Price-amount amount"><bdi>{shown}</bdi></span>',
        "related_ids": [],
        "has_options": bool(variations),
        "post_password": "",
        "_links": forms.links(store, f"/products/{product.id}"),
    }


def _variations(store: Store, product: Product) -> list[Product]:
    return [one for one in store.products.values() if one.parent_id == product.id and product.id]


def _attributes(variations: list[Product]) -> list[Form]:
    names = {label for variation in variations for label, _ in variation.options.values()}
    return [
        {
            "id": 0,
            "name": name,
            "slug": name,
            "position": 0,
            "visible": True,
            "variation": True,
            "options": [value for one in variations for label, value in one.options.values() if label == name],
        }
        for name in sorted(names)
    ]


def _slug(product: Product) -> str:
    return re.sub(r"[^a-z0-9]+", "-", (product.parent_name or product.name).lower()).strip("-")


def add(store: Store, body: Form) -> Product:
    """A new simple product, for a test's own catalogue: name, sku, price (text), stock (None: untracked), virtual."""
    product = Product(
        id=store.next_id(),
        name=str(body.get("name", "Thing")),
        sku=str(body.get("sku", "")),
        price=Decimal(str(body.get("price", "10.00"))),
        stock=body.get("stock"),
        backorders=bool(body.get("backorders", False)),
        virtual=bool(body.get("virtual", False)),
        downloadable=bool(body.get("downloadable", False)),
        modified=store.now(),
    )
    store.products[product.id] = product
    return product
