"""What a connector reads once to check a store: index, system status, settings, currency, gateways, order counts."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.sandbox.woocommerce import forms
from connector.sandbox.woocommerce.status import labels
from connector.sandbox.woocommerce.store import SYMBOLS, Store
from connector.sandbox.woocommerce.things import Gateway

Form = dict[str, Any]
# Of a plain 10.5.2 store; of these only wc/v3 is simulated.
NAMESPACES = (
    "oembed/1.0",
    "wc/v3",
    "wc/v1",
    "wc/pos/v1/catalog",
    "jetpack/v4",
    "wc-admin",
    "wc-analytics",
    "wc/store",
    "wc/store/v1",
    "wc/private",
    "wc/v2",
    "wc-admin-email",
    "wc-telemetry",
    "wccom-site/v3",
    "wp-abilities/v1",
    "wp/v2",
    "wp-site-health/v1",
    "wp-block-editor/v1",
)
FEATURES_BEFORE = (
    "analytics",
    "marketplace",
    "order_attribution",
    "site_visibility_badge",
    "remote_logging",
    "email_improvements",
    "blueprint",
    "point_of_sale",
)
PLUGINS = {
    "shipment-tracking": {"plugin": "woocommerce-shipment-tracking/woocommerce-shipment-tracking.php", "version": "sandbox"},
    "ast": {
        "plugin": "woo-advanced-shipment-tracking/woocommerce-advanced-shipment-tracking.php",
        "version": "sandbox",
    },
}
CURRENCIES = {"USD": "United States (US) dollar", "EUR": "Euro", "GBP": "Pound sterling", "JPY": "Japanese yen"}


def index(store: Store, *, spaces: list[str], routes: dict[str, Form]) -> Form:
    """`GET /wp-json/`: name, address, time zone, name spaces and routes of the site."""
    offset = datetime.now(UTC).astimezone(store.zone).utcoffset() or timedelta(0)
    hours = offset / timedelta(hours=1)
    return {
        "name": store.settings.name,
        "description": "",
        "url": store.settings.base_url,
        "home": store.settings.base_url,
        "gmt_offset": int(hours) if hours == int(hours) else hours,
        "timezone_string": store.settings.timezone,
        "namespaces": [*NAMESPACES, *(space for space in spaces if space not in NAMESPACES)],
        "authentication": [],
        "routes": routes,
    }


def system_status(store: Store) -> Form:
    """Environment, settings and plugins as far as a connector looks at them."""
    symbol = SYMBOLS.get(store.settings.currency, "")
    return {
        "environment": {
            "home_url": store.settings.base_url,
            "site_url": store.settings.base_url,
            "version": forms.VERSION,
            "wp_version": "6.9.4",
            "wp_multisite": False,
            "wp_cron": True,
            "language": "en_US",
            "external_object_cache": None,
            "server_info": "connector sandbox",
            "php_version": "8.2.36",
            "mysql_version_string": "10.11.19-MariaDB",
        },
        "active_plugins": [
            {"plugin": "woocommerce/woocommerce.php", "version": forms.VERSION},
            *(PLUGINS[name] for name in sorted(store.settings.features & PLUGINS.keys())),
        ],
        "settings": {
            "api_enabled": False,
            "force_ssl": False,
            "currency": store.settings.currency,
            "currency_symbol": f"&#{ord(symbol)};" if symbol else "",
            "currency_position": "left",
            "thousand_separator": ",",
            "decimal_separator": ".",
            "number_of_decimals": 2,
            "geolocation_enabled": False,
            "woocommerce_com_connected": "no",
            "order_datastore": "Automattic\\WooCommerce\\Internal\\DataStores\\Orders\\OrdersTableDataStore",
            "HPOS_enabled": True,
            "HPOS_sync_enabled": False,
            "enabled_features": _enabled(store),
        },
        "security": {"secure_connection": store.settings.base_url.startswith("https"), "hide_errors": True},
    }


def _enabled(store: Store) -> list[str]:
    """As `system_status` of a new shop lists them."""
    own = ["fulfillments"] if "fulfillments" in store.settings.features else []
    return [*FEATURES_BEFORE, *own, "custom_order_tables"]


def general_settings(store: Store) -> list[Form]:
    """`GET /settings/general`: ids and values."""
    values = {
        "woocommerce_store_address": "1 Recorder St",
        "woocommerce_store_address_2": "",
        "woocommerce_store_city": "New York",
        "woocommerce_default_country": "US:NY",
        "woocommerce_store_postcode": "10001",
        "woocommerce_allowed_countries": "all",
        "woocommerce_all_except_countries": "",
        "woocommerce_specific_allowed_countries": "",
        "woocommerce_ship_to_countries": "",
        "woocommerce_specific_ship_to_countries": "",
        "woocommerce_default_customer_address": "base",
        "woocommerce_address_autocomplete_enabled": "no",
        "woocommerce_calc_taxes": "yes",
        "woocommerce_enable_coupons": "yes",
        "woocommerce_calc_discounts_sequentially": "no",
        "woocommerce_currency": store.settings.currency,
        "woocommerce_currency_pos": "left",
        "woocommerce_price_thousand_sep": ",",
        "woocommerce_price_decimal_sep": ".",
        "woocommerce_price_num_decimals": "2",
    }
    return [{"id": name, "value": value} for name, value in values.items()]


def currency(store: Store) -> Form:
    """The shop's currency; the symbol is an HTML entity here, unlike in an order."""
    code = store.settings.currency
    symbol = "".join(f"&#{ord(letter)};" for letter in SYMBOLS.get(code, code))
    allow = ("GET",)
    own = forms.links(store, f"/data/currencies/{code}", allow=allow)
    return {"code": code, "name": CURRENCIES.get(code, code), "symbol": symbol, "_links": own}


def gateway(store: Store, one: Gateway) -> Form:
    """A payment method; `method_supports` tells whether it can refund."""
    return {
        "id": one.id,
        "title": one.title,
        "description": "",
        "order": one.position,
        "enabled": True,
        "method_title": one.method_title,
        "method_description": "",
        "method_supports": ["products", "refunds"] if one.refunds else ["products"],
        "settings": {},
        "needs_setup": False,
        "post_install_scripts": [],
        "settings_url": store.url(f"/wp-admin/admin.php?page=wc-settings&tab=checkout&section={one.id}"),
        "connection_url": None,
        "setup_help_text": None,
        "required_settings_keys": [],
        "_links": forms.links(store, f"/payment_gateways/{one.id}", allow=("GET", "POST", "PUT", "PATCH")),
    }


def order_counts(store: Store) -> list[Form]:
    """`GET /reports/orders/totals`."""
    counts = Counter(order.status for order in store.orders.values())
    return [{"slug": slug, "name": name, "total": counts[slug]} for slug, name in labels(store).items()]
