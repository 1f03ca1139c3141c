"""Routes beside /orders: webhooks, products, and what a connector reads to check a store."""

from __future__ import annotations

from connector.sandbox.woocommerce import forms, listing, params, products, site, webhooks
from connector.sandbox.woocommerce.forms import API
from connector.sandbox.woocommerce.order_routes import check_force
from connector.sandbox.woocommerce.rest import Answer, RestError
from connector.sandbox.woocommerce.routing import Call, Route, updates
from connector.sandbox.woocommerce.things import Product, Webhook


def list_webhooks(call: Call) -> Answer:
    query = params.check(call.given, {**params.PAGING, "status": params.TEXT})
    wanted = query.get("status", "all")
    rows = [one for one in call.store.webhooks.values() if wanted in ("all", one.status)]
    rows.sort(key=lambda one: (-one.created.timestamp(), one.id))
    chosen, total, pages = listing.page(rows, query)
    headers = listing.headers(call.store, call.request, query, total=total, pages=pages, defaults={})
    return Answer(body=[forms.webhook_form(call.store, one) for one in chosen], headers=headers)


def post_webhook(call: Call) -> Answer:
    """The ping is sent during this call; the answer is 201 and active whatever the ping said."""
    wanted = params.check(call.given, params.NEW_WEBHOOK)
    with call.store.lock:
        webhook = webhooks.create(call.store, wanted)
        form = forms.webhook_form(call.store, webhook)
    call.ping(webhook)
    location = call.store.url(f"{API}/webhooks/{webhook.id}")
    return Answer(status=201, body=form, headers={"Location": location})


def _find_webhook(call: Call, *, status: int = 404) -> Webhook:
    webhook = call.store.webhooks.get(call.ids["webhook"])
    if webhook is None:
        raise RestError(status, "woocommerce_rest_shop_webhook_invalid_id", "Invalid ID.")
    return webhook


def get_webhook(call: Call) -> Answer:
    return Answer(body=forms.webhook_form(call.store, _find_webhook(call)))


def put_webhook(call: Call) -> Answer:
    wanted = params.check(call.given, params.WEBHOOK)
    with call.store.lock:
        webhook = _find_webhook(call, status=400)
        webhooks.change(call.store, webhook, wanted)
        form = forms.webhook_form(call.store, webhook)
    call.ping(webhook)
    return Answer(body=form)


def delete_webhook(call: Call) -> Answer:
    check_force(call)
    webhook = _find_webhook(call)
    del call.store.webhooks[webhook.id]
    return Answer(body=forms.webhook_form(call.store, webhook))


def list_products(call: Call) -> Answer:
    query = params.check(call.given, products.LISTED)
    parent = call.ids.get("product", 0)
    chosen, total, pages = listing.page(products.listed(call.store, query, parent=parent), query)
    headers = listing.headers(call.store, call.request, query, total=total, pages=pages, defaults={"status": "any"})
    return Answer(body=[products.form(call.store, one) for one in chosen], headers=headers)


def _find_product(call: Call, *, status: int = 404) -> Product:
    product = call.store.products.get(call.ids.get("variation", call.ids["product"]))
    if product is None:
        raise RestError(status, "woocommerce_rest_product_invalid_id", "Invalid ID.")
    return product


def get_product(call: Call) -> Answer:
    return Answer(body=products.form(call.store, _find_product(call)))


def put_product(call: Call) -> Answer:
    wanted = params.check(call.given, products.WRITABLE)
    product = _find_product(call, status=400)
    products.write(call.store, product, wanted)
    return Answer(body=products.form(call.store, product))


def get_system_status(call: Call) -> Answer:
    return Answer(body=site.system_status(call.store))


def get_general_settings(call: Call) -> Answer:
    return Answer(body=site.general_settings(call.store))


def get_currency(call: Call) -> Answer:
    return Answer(body=site.currency(call.store))


def list_gateways(call: Call) -> Answer:
    rows = [site.gateway(call.store, one) for one in call.store.gateways.values()]
    return Answer(body=rows, headers={"X-WP-Total": str(len(rows)), "X-WP-TotalPages": "1"})


def get_order_counts(call: Call) -> Answer:
    return Answer(body=site.order_counts(call.store))


BOTH_WRITES = frozenset({"POST", "PUT", "PATCH"})
ROUTES = (
    Route(
        path="/webhooks",
        kind="list",
        actions={"GET": list_webhooks, "POST": post_webhook},
        unlocked=frozenset({"POST"}),
    ),
    Route(
        path="/webhooks/<webhook>",
        actions={"GET": get_webhook, **updates(put_webhook), "DELETE": delete_webhook},
        unlocked=BOTH_WRITES,
    ),
    Route(path="/products", kind="list", actions={"GET": list_products}),
    Route(path="/products/<product>", actions={"GET": get_product, **updates(put_product)}),
    Route(path="/products/<product>/variations", kind="list", actions={"GET": list_products}),
    Route(path="/products/<product>/variations/<variation>", actions={"GET": get_product, **updates(put_product)}),
    Route(path="/system_status", kind="list", actions={"GET": get_system_status}),
    Route(path="/settings/general", kind="list", actions={"GET": get_general_settings}),
    Route(path="/data/currencies/current", kind="list", actions={"GET": get_currency}),
    Route(path="/payment_gateways", kind="list", actions={"GET": list_gateways}),
    Route(path="/reports/orders/totals", kind="list", actions={"GET": get_order_counts}),
)
