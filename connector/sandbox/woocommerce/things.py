"""What a store holds. These change while the store runs; only the functions beside it, under the store's lock, change them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from connector.sandbox.woocommerce.php import ZERO

ADDRESS_FIELDS = (
    "first_name",
    "last_name",
    "company",
    "address_1",
    "address_2",
    "city",
    "state",
    "postcode",
    "country",
)
BILLING_FIELDS = (*ADDRESS_FIELDS, "email", "phone")
SHIPPING_FIELDS = (*ADDRESS_FIELDS, "phone")


@dataclass(slots=True, kw_only=True)
class Product:
    """A simple product or a variation. `stock` None: not tracked. `options`: slug -> (label, value) of a variation."""

    id: int
    name: str
    sku: str
    price: Decimal
    stock: int | None = None
    backorders: bool = False
    virtual: bool = False
    downloadable: bool = False
    parent_id: int = 0
    parent_name: str | None = None
    weight: str = ""
    options: dict[str, tuple[str, str]] = field(default_factory=dict)
    meta: list[Meta] = field(default_factory=list)
    modified: datetime


@dataclass(slots=True, kw_only=True)
class Meta:
    id: int
    key: str
    value: Any
    display_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRate:
    id: int
    code: str
    label: str
    country: str
    state: str
    percent: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupon:
    id: int
    code: str
    kind: str
    value: Decimal


@dataclass(slots=True, kw_only=True)
class LineItem:
    """A bought line, or (negative) a refunded one. `tax_rate` None: no tax applied.

    `exact_taxes`: (subtotal, total) before rounding, as the `taxes` of a line keep them; seen with more decimals.
    """

    id: int
    name: str
    product_id: int
    variation_id: int
    quantity: int
    subtotal: Decimal
    total: Decimal
    tax_rate: int | None = None
    subtotal_tax: Decimal = ZERO
    total_tax: Decimal = ZERO
    exact_taxes: tuple[Decimal, Decimal] | None = None
    meta: list[Meta] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class ShippingLine:
    id: int
    title: str
    method_id: str
    instance_id: str
    total: Decimal
    meta: list[Meta] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class FeeLine:
    id: int
    name: str
    total: Decimal
    tax_status: str = "taxable"
    tax_rate: int | None = None
    total_tax: Decimal = ZERO
    meta: list[Meta] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class CouponLine:
    id: int
    coupon: Coupon
    discount: Decimal
    discount_tax: Decimal
    meta: list[Meta] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class TaxLine:
    id: int
    rate: TaxRate
    total: Decimal


@dataclass(slots=True, kw_only=True)
class Order:
    id: int
    key: str
    status: str = "pending"
    currency: str
    created: datetime
    modified: datetime
    paid: datetime | None = None
    completed: datetime | None = None
    created_via: str = "rest-api"
    billing: dict[str, str] = field(default_factory=lambda: dict.fromkeys(BILLING_FIELDS, ""))
    shipping: dict[str, str] = field(default_factory=lambda: dict.fromkeys(SHIPPING_FIELDS, ""))
    payment_method: str = ""
    payment_method_title: str = ""
    transaction_id: str = ""
    customer_id: int = 0
    customer_ip: str = ""
    customer_agent: str = ""
    customer_note: str = ""
    cart_hash: str = ""
    meta: list[Meta] = field(default_factory=list)
    line_items: list[LineItem] = field(default_factory=list)
    shipping_lines: list[ShippingLine] = field(default_factory=list)
    fee_lines: list[FeeLine] = field(default_factory=list)
    coupon_lines: list[CouponLine] = field(default_factory=list)
    tax_lines: list[TaxLine] = field(default_factory=list)
    total: Decimal = ZERO
    stock_reduced: bool = False
    new_order_mailed: bool = False


@dataclass(slots=True, kw_only=True)
class Refund:
    """A refund row. `amount` is text as stored: `10.00`, or empty when the request named none."""

    id: int
    order_id: int
    created: datetime
    amount: str
    reason: str
    refunded_by: int
    refunded_payment: bool = False
    meta: list[Meta] = field(default_factory=list)
    line_items: list[LineItem] = field(default_factory=list)
    shipping_lines: list[ShippingLine] = field(default_factory=list)
    fee_lines: list[FeeLine] = field(default_factory=list)
    tax_lines: list[TaxLine] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Fulfillment:
    """A parcel of the fulfillments feature. Its items stand in the meta row `_items`: `[{item_id, qty}]`."""

    id: int
    order_id: int
    status: str
    updated: datetime
    meta: list[Meta] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Note:
    id: int
    order_id: int
    author: str
    created: datetime
    text: str
    to_customer: bool = False


@dataclass(slots=True, kw_only=True)
class Webhook:
    id: int
    name: str
    topic: str
    url: str
    secret: str
    created: datetime
    modified: datetime | None = None
    status: str = "active"
    failures: int = 0
    ping_due: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """`permissions`: read_write, read or write. `role`: shop_manager, administrator or customer."""

    name: str
    key: str
    secret: str
    permissions: str
    user_id: int
    role: str


@dataclass(slots=True, kw_only=True)
class Gateway:
    """A payment method. `delay_s`: how long a refund takes; `decline`: "", "error" or "false" for every refund."""

    id: str
    title: str
    method_title: str
    position: int
    refunds: bool = False
    delay_s: float = 0.0
    decline: str = ""
