"""What a simulated Shopify store is made of. Ids are numbers; times are UTC; amounts are Bags; weights are grams."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from connector.sandbox.shopify.money import Bag


@dataclass(slots=True, kw_only=True)
class Location:
    id: int
    name: str
    city: str
    province_code: str
    country_code: str
    address1: str
    zip: str
    is_active: bool = True
    fulfills_online_orders: bool = True


@dataclass(slots=True, kw_only=True)
class Variant:
    """A product's variant and its inventory item; `stock`: location id -> available pieces.

    `apart`: (location id, name) -> pieces that are there (or on their way: incoming) and not for sale.
    """

    id: int
    product_id: int
    item_id: int
    title: str
    sku: str
    price: Decimal
    grams: int
    stock: dict[int, int]
    barcode: str | None = None
    tracked: bool = True
    requires_shipping: bool = True
    taxable: bool = True
    updated: datetime
    apart: dict[tuple[int, str], int] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Product:
    id: int
    title: str
    vendor: str
    created: datetime
    gift_card: bool = False
    variant_ids: list[int] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Address:
    """Country and province names follow from their codes where the store knows them."""

    id: int
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province: str | None = None
    province_code: str | None = None
    country: str | None = None
    country_code: str | None = None
    zip: str | None = None
    phone: str | None = None
    latitude: float | None = None
    longitude: float | None = None

    @property
    def name(self) -> str | None:
        return " ".join(part for part in (self.first_name, self.last_name) if part) or None


@dataclass(slots=True, kw_only=True)
class Customer:
    id: int
    email: str | None
    first_name: str | None
    last_name: str | None
    created: datetime
    updated: datetime
    phone: str | None = None
    note: str | None = None
    tags: list[str] = field(default_factory=list)
    address: Address | None = None
    locale: str = "en"

    @property
    def display_name(self) -> str:
        return " ".join(part for part in (self.first_name, self.last_name) if part) or self.email or str(self.id)


@dataclass(slots=True, kw_only=True)
class Tax:
    title: str
    rate: Decimal
    price: Bag


@dataclass(slots=True, kw_only=True)
class Discount:
    """One discount of an order. `kind`: code, automatic, manual or script; `across`: over all lines, not on chosen ones."""

    kind: str
    title: str
    across: bool = True
    on_shipping: bool = False
    percentage: Decimal | None = None
    amount: Bag | None = None


@dataclass(slots=True, kw_only=True)
class Allocation:
    discount: Discount
    amount: Bag


@dataclass(slots=True, kw_only=True)
class Line:
    """`removed`: pieces taken away by an edit or a cancellation; refunded pieces are counted in the refunds."""

    id: int
    title: str
    quantity: int
    unit_price: Bag
    product_id: int | None = None
    variant_id: int | None = None
    variant_title: str | None = None
    sku: str | None = None
    vendor: str | None = None
    grams: int = 0
    requires_shipping: bool = True
    taxable: bool = True
    gift_card: bool = False
    attributes: list[tuple[str, str | None]] = field(default_factory=list)
    allocations: list[Allocation] = field(default_factory=list)
    taxes: list[Tax] = field(default_factory=list)
    removed: int = 0

    @property
    def name(self) -> str:
        return f"{self.title} - {self.variant_title}" if self.variant_title else self.title


@dataclass(slots=True, kw_only=True)
class ShippingLine:
    id: int
    title: str
    code: str | None
    price: Bag
    source: str = "shopify"
    allocations: list[Allocation] = field(default_factory=list)
    taxes: list[Tax] = field(default_factory=list)
    removed: bool = False


@dataclass(slots=True, kw_only=True)
class Transaction:
    """`kind` and `status` as in the API. `multi`: may be captured in parts; `expires`: of an authorization."""

    id: int
    order_id: int
    kind: str
    status: str
    gateway: str
    amount: Bag
    created: datetime
    parent_id: int | None = None
    formatted_gateway: str | None = None
    manual: bool = False
    multi: bool = False
    test: bool = False
    payment_id: str | None = None
    expires: datetime | None = None
    error_code: str | None = None
    card: dict[str, Any] | None = None


@dataclass(slots=True, kw_only=True)
class RefundLine:
    id: int
    line_id: int
    quantity: int
    restock_type: str
    location_id: int | None
    subtotal: Bag
    tax: Bag
    restocked: bool


@dataclass(slots=True, kw_only=True)
class Refund:
    id: int
    order_id: int
    created: datetime
    note: str | None
    lines: list[RefundLine]
    shipping: Bag
    shipping_tax: Bag
    transaction_ids: list[int]


@dataclass(slots=True, kw_only=True)
class Hold:
    """`app_id` is None for a hold of staff."""

    id: int
    reason: str
    notes: str | None
    handle: str | None
    app_id: int | None
    external_id: str | None = None


@dataclass(slots=True, kw_only=True)
class FulfillmentOrderLine:
    id: int
    line_id: int
    total: int
    remaining: int


@dataclass(slots=True, kw_only=True)
class FulfillmentOrder:
    id: int
    order_id: int
    location_id: int
    lines: list[FulfillmentOrderLine]
    created: datetime
    updated: datetime
    method: str
    status: str = "OPEN"
    request_status: str = "UNSUBMITTED"
    fulfill_at: datetime | None = None
    fulfill_by: datetime | None = None
    holds: list[Hold] = field(default_factory=list)
    split_from: int | None = None

    @property
    def remaining(self) -> int:
        return sum(line.remaining for line in self.lines)


@dataclass(slots=True, kw_only=True)
class FulfillmentEvent:
    id: int
    status: str
    happened: datetime
    created: datetime
    given: dict[str, Any]


@dataclass(slots=True, kw_only=True)
class FulfillmentLine:
    id: int
    line_id: int
    quantity: int


@dataclass(slots=True, kw_only=True)
class Fulfillment:
    """`of`: (fulfillment order id, its line's id, pieces), to give them back when it is cancelled."""

    id: int
    order_id: int
    name: str
    location_id: int
    lines: list[FulfillmentLine]
    of: list[tuple[int, int, int]]
    tracking: list[dict[str, str | None]]
    created: datetime
    updated: datetime
    status: str = "SUCCESS"
    display: str = "FULFILLED"
    events: list[FulfillmentEvent] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Risk:
    """An assessment; `provider` "" is Shopify itself."""

    level: str
    provider: str = ""
    facts: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Terms:
    name: str
    kind: str
    due: datetime | None
    days: int | None = None


@dataclass(slots=True, kw_only=True)
class Order:
    id: int
    number: int
    created: datetime
    updated: datetime
    currency: str
    presentment_currency: str
    lines: list[Line]
    email: str | None = None
    phone: str | None = None
    note: str | None = None
    tags: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str | None]] = field(default_factory=list)
    test: bool = False
    processed: datetime | None = None
    closed: datetime | None = None
    cancelled: datetime | None = None
    cancel_reason: str | None = None
    staff_note: str | None = None
    taxes_included: bool = False
    customer_id: int | None = None
    shipping_address: Address | None = None
    billing_address: Address | None = None
    shipping_lines: list[ShippingLine] = field(default_factory=list)
    discounts: list[Discount] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    fulfillment_orders: list[FulfillmentOrder] = field(default_factory=list)
    fulfillments: list[Fulfillment] = field(default_factory=list)
    risks: list[Risk] = field(default_factory=list)
    terms: Terms | None = None
    client_ip: str | None = None
    locale: str = "en"
    po_number: str | None = None
    source: str = "web"
    gateways: list[str] = field(default_factory=list)
    stated_financial: str | None = None
    edited: bool = False

    @property
    def name(self) -> str:
        return f"#{self.number}"

    @property
    def zero(self) -> Bag:
        nothing = Decimal(0)
        return Bag(nothing, nothing, self.currency, self.presentment_currency)


@dataclass(slots=True)
class Seldom:
    """An order that is made when somebody looks at it: a filled store has a hundred thousand of them."""

    id: int
    number: int
    created: datetime
    updated: datetime
    make: Callable[[Seldom], Order]


@dataclass(slots=True, kw_only=True)
class Job:
    id: str
    done: bool = False


@dataclass(slots=True, kw_only=True)
class Subscription:
    """A webhook subscription made over the API. `failures`: in a row."""

    id: int
    topic: str
    uri: str
    created: datetime
    updated: datetime
    format: str = "JSON"
    filter: str | None = None
    include_fields: list[str] = field(default_factory=list)
    metafield_namespaces: list[str] = field(default_factory=list)
    name: str | None = None
    failures: int = 0


@dataclass(slots=True, kw_only=True)
class Bulk:
    id: int
    query: str
    created: datetime
    status: str = "CREATED"
    kind: str = "QUERY"
    completed: datetime | None = None
    error_code: str | None = None
    objects: int = 0
    roots: int = 0
    body: bytes | None = None
