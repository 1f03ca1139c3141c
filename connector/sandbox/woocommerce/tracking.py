"""Tracking numbers by extensions: Shipment Tracking (Woo, paid) and Advanced Shipment Tracking (AST, zorem).

NOT recorded: from public documents, read on 2026-11-22:
https://gist.github.com/woogist/1f6e332791b4fc4a2cb686cfa85ac338 and
https://docs.zorem.com/docs/ast-free/add-tracking-to-orders/shipment-tracking-api/ . Error texts are by analogy with
WooCommerce's. There is no update: delete and create again. Both keep their rows in one order meta,
`_wc_shipment_tracking_items`, and answer under `wc-shipment-tracking/v3`; AST also under `wc-ast/v3`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from connector.sandbox.woocommerce import forms, params, status
from connector.sandbox.woocommerce.rest import Answer, RestError
from connector.sandbox.woocommerce.routing import Call, Route
from connector.sandbox.woocommerce.store import Store
from connector.sandbox.woocommerce.things import Order

Row = dict[str, Any]
PAID, AST = "shipment-tracking", "ast"
SPACE, AST_SPACE = "wc-shipment-tracking/v3", "wc-ast/v3"
META = "_wc_shipment_tracking_items"
PROVIDERS = {
    "Germany": {"DHL Intraship (DE)": "https://www.dhl.de/de/privatkunden/dhl-sendungsverfolgung.html?piececode=%1$s"},
    "United Kingdom": {"Royal Mail": "https://www.royalmail.com/track-your-item#/tracking-results/%1$s"},
    "United States": {
        "Fedex": "https://www.fedex.com/fedextrack/?tracknumbers=%1$s",
        "UPS": "https://www.ups.com/track?tracknum=%1$s",
        "USPS": "https://tools.usps.com/go/TrackConfirmAction?tLabels=%1$s",
    },
}
BODY = {
    "tracking_number": params.Param(kind="string", required=True),
    "tracking_provider": params.TEXT,
    "custom_tracking_provider": params.TEXT,
    "custom_tracking_link": params.TEXT,
    "date_shipped": params.TEXT,
}
AST_BODY = {**BODY, "replace_tracking": params.WHOLE, "status_shipped": params.WHOLE, "sku": params.TEXT, "qty": params.TEXT}


def rows_of(order: Order) -> list[Row]:
    """The tracking rows as the extension stores them; `date_shipped` is Unix time as text."""
    return next((list(meta.value) for meta in order.meta if meta.key == META), [])


def list_trackings(call: Call) -> Answer:
    order = _order(call)
    return Answer(body=[_form(call, order, row) for row in rows_of(order)])


def post_tracking(call: Call) -> Answer:
    ast = AST in call.store.settings.features
    body = params.check(call.given, AST_BODY if ast else BODY)
    order = _order(call)
    row = _new_row(call.store, body)
    _keep(call.store, order, [row] if ast and body.get("replace_tracking") else [*rows_of(order), row])
    call.store.records.add("acts", order_id=order.id, act="tracking added", tracking_id=row["tracking_id"])
    if ast and body.get("status_shipped") == 1:
        status.change_status(call.store, order, "completed")
    _saved(call.store, order)
    return Answer(status=201, body=_form(call, order, row))


def get_tracking(call: Call) -> Answer:
    order = _order(call)
    return Answer(body=_form(call, order, _find(call, order)))


def delete_tracking(call: Call) -> Answer:
    order = _order(call)
    row = _find(call, order)
    _keep(call.store, order, [one for one in rows_of(order) if one is not row])
    call.store.records.add("acts", order_id=order.id, act="tracking removed", tracking_id=row["tracking_id"])
    _saved(call.store, order)
    return Answer(body=_form(call, order, row))


def list_providers(call: Call) -> Answer:
    _order(call)
    return Answer(body={country: dict(carriers) for country, carriers in PROVIDERS.items()})


def _order(call: Call) -> Order:
    order = call.store.orders.get(call.ids["order"])
    if order is None:
        raise RestError(404, "woocommerce_rest_order_invalid_id", "Invalid order ID.")
    return order


def _find(call: Call, order: Order) -> Row:
    row = next((one for one in rows_of(order) if one["tracking_id"] == call.words["tracking"]), None)
    if row is None:
        raise RestError(404, "woocommerce_rest_shipment_tracking_invalid_id", "Invalid shipment tracking ID.")
    return row


def _new_row(store: Store, body: Row) -> Row:
    known = _address(str(body.get("tracking_provider", ""))) is not None
    return {
        "tracking_provider": body["tracking_provider"] if known else "",
        "custom_tracking_provider": "" if known else body.get("custom_tracking_provider", body.get("tracking_provider", "")),
        "custom_tracking_link": "" if known else body.get("custom_tracking_link", ""),
        "tracking_number": body["tracking_number"],
        "date_shipped": str(int(_shipped(store, body.get("date_shipped", "")).timestamp())),
        "tracking_id": f"{store.next_id('tracking'):032x}",
    }


def _shipped(store: Store, text: str) -> datetime:
    """YYYY-MM-DD; AST's documents also show DD-MM-YYYY. Today without a date. Raises RestError 400."""
    if not text:
        return store.now().astimezone(store.zone).replace(hour=0, minute=0, second=0, tzinfo=UTC)
    layout = "%d-%m-%Y" if re.fullmatch(r"\d{2}-\d{2}-\d{4}", text) and AST in store.settings.features else "%Y-%m-%d"
    try:
        return datetime.strptime(text, layout).replace(tzinfo=UTC)
    except ValueError:
        raise RestError(400, "rest_invalid_param", "Invalid parameter(s): date_shipped") from None


def _address(provider: str) -> str | None:
    found = (link for carriers in PROVIDERS.values() for name, link in carriers.items() if name.lower() == provider.lower())
    return next(found, None)


def _keep(store: Store, order: Order, rows: list[Row]) -> None:
    others = [meta for meta in order.meta if meta.key != META]
    known = next((meta for meta in order.meta if meta.key == META), None) or store.new_meta(META, [])
    known.value = rows
    order.meta = [*others, known] if rows else others


def _saved(store: Store, order: Order) -> None:
    store.touch(order)
    store.fire("order.updated", order.id)


def _form(call: Call, order: Order, row: Row) -> Row:
    """A predefined carrier's own link wins over a given one."""
    link = _address(row["tracking_provider"]) if row["tracking_provider"] else None
    up = f"/orders/{order.id}"
    path = f"{up}/shipment-trackings"
    space = call.request.path.removeprefix("/wp-json/").partition("/orders")[0]
    here = forms.links(call.store, f"{path}/{row['tracking_id']}", allow=("GET", "DELETE"), up=up, space=space)
    return {
        "tracking_id": row["tracking_id"],
        "tracking_provider": row["tracking_provider"] or row["custom_tracking_provider"],
        "tracking_link": link.replace("%1$s", row["tracking_number"]) if link else row["custom_tracking_link"],
        "tracking_number": row["tracking_number"],
        "date_shipped": datetime.fromtimestamp(int(row["date_shipped"]), UTC).strftime("%Y-%m-%d"),
        "_links": here,
    }


def _routes(space: str, feature: frozenset[str]) -> tuple[Route, ...]:
    top = "/orders/<order>/shipment-trackings"
    return (
        Route(path=top, kind="list", actions={"GET": list_trackings, "POST": post_tracking}, space=space, feature=feature),
        Route(path=f"{top}/providers", kind="list", actions={"GET": list_providers}, space=space, feature=feature),
        Route(
            path=f"{top}/<tracking:hex>",
            actions={"GET": get_tracking, "DELETE": delete_tracking},
            space=space,
            feature=feature,
        ),
    )


ROUTES = (*_routes(SPACE, frozenset({PAID, AST})), *_routes(AST_SPACE, frozenset({AST})))
