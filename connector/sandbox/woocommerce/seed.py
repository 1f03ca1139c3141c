"""What a fresh store sells, taxes and accepts: the catalogue that the recordings were made with."""

from __future__ import annotations

import hashlib
from datetime import datetime
from decimal import Decimal

from connector.sandbox.woocommerce.things import ApiKey, Coupon, Gateway, Meta, Product, TaxRate

FIRST_FREE_ID = 25
TAX_RATES = (
    TaxRate(id=1, code="US-NY-NY TAX-1", label="NY Tax", country="US", state="NY", percent=Decimal("8.875")),
    TaxRate(id=2, code="US-CA-CA TAX-1", label="CA Tax", country="US", state="CA", percent=Decimal("7.25")),
)
COUPONS = (
    Coupon(id=23, code="save10", kind="percent", value=Decimal(10)),
    Coupon(id=24, code="fiveoff", kind="fixed_cart", value=Decimal(5)),
)
USERS = {1: "admin", 3: "mgr", 4: "customer"}


def products(now: datetime) -> list[Product]:
    """Simple, untracked, virtual, back-orderable and free products, and a shirt in three sizes."""
    return [
        Product(id=13, name="Classic Mug", sku="MUG-1", price=Decimal("12.50"), stock=50, weight="0.4", modified=now),
        _bracelet(now),
        Product(id=15, name="Poster Print", sku="POSTER-A3", price=Decimal(15), weight="0.2", modified=now),
        Product(
            id=16,
            name="Digital Gift Card",
            sku="GIFT-25",
            price=Decimal(25),
            virtual=True,
            downloadable=True,
            modified=now,
        ),
        _lamp(now),
        Product(id=18, name="Free Sticker", sku="STICKER", price=Decimal(0), stock=1000, modified=now),
        Product(id=19, name="Logo Tee", sku="TEE", price=Decimal(20), modified=now),
        *(_shirt(now, number, size) for number, size in ((20, "S"), (21, "M"), (22, "L"))),
    ]


def _bracelet(now: datetime) -> Product:
    meta = [Meta(id=46, key="_customizable", value="yes"), Meta(id=47, key="_engraving_max_chars", value="24")]
    return Product(
        id=14,
        name="Engraved Bracelet",
        sku="BR-ENG",
        price=Decimal(35),
        stock=20,
        weight="0.1",
        meta=meta,
        modified=now,
    )


def _lamp(now: datetime) -> Product:
    meta = [Meta(id=48, key="_supplier", value="lampco")]
    return Product(
        id=17,
        name="Dropship Lamp",
        sku="LAMP-DS",
        price=Decimal(80),
        stock=5,
        backorders=True,
        weight="4",
        meta=meta,
        modified=now,
    )


def _shirt(now: datetime, number: int, size: str) -> Product:
    return Product(
        id=number,
        name=f"Logo Tee - {size}",
        sku=f"TEE-{size}",
        price=Decimal(22 if size == "L" else 20),
        stock=10,
        weight="0.3",
        parent_id=19,
        parent_name="Logo Tee",
        options={"size": ("Size", size)},
        modified=now,
    )


def gateways() -> list[Gateway]:
    """cod, bacs and cheque cannot refund; fakepay can."""
    return [
        Gateway(id="bacs", title="Direct bank transfer", method_title="Direct bank transfer", position=1),
        Gateway(id="cheque", title="Check payments", method_title="Check payments", position=2),
        Gateway(id="cod", title="Cash on delivery", method_title="Cash on delivery", position=3),
        Gateway(id="fakepay", title="Card (recorder)", method_title="Fakepay", position=4, refunds=True),
    ]


def api_keys() -> list[ApiKey]:
    """Throw-away keys, the same in every sandbox: rw, ro, wo of a shop manager, admin, and cust of a customer."""
    return [
        _key("rw", "read_write", user_id=3, role="shop_manager"),
        _key("ro", "read", user_id=3, role="shop_manager"),
        _key("wo", "write", user_id=3, role="shop_manager"),
        _key("admin", "read_write", user_id=1, role="administrator"),
        _key("cust", "read_write", user_id=4, role="customer"),
    ]


def _key(name: str, permissions: str, *, user_id: int, role: str) -> ApiKey:
    digest = hashlib.sha256(f"sandbox {name}".encode()).hexdigest()
    return ApiKey(
        name=name,
        key=f"ck_sandbox{digest[:33]}",
        secret=f"cs_sandbox{digest[-33:]}",
        permissions=permissions,
        user_id=user_id,
        role=role,
    )
