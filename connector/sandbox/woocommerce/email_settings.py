"""The settings of the store's own e-mails: which are switched on, as `GET /settings/email_<id>` tells and `PUT` changes it."""

from __future__ import annotations

from typing import Any

from connector.sandbox.woocommerce.forms import API
from connector.sandbox.woocommerce.mails import OFF_BY_DEFAULT, is_on
from connector.sandbox.woocommerce.rest import Answer, RestError
from connector.sandbox.woocommerce.routing import Call, Route, updates
from connector.sandbox.woocommerce.store import Store

Form = dict[str, Any]
EMAILS = (
    "new_order",
    "cancelled_order",
    "customer_cancelled_order",
    "failed_order",
    "customer_failed_order",
    "customer_on_hold_order",
    "customer_processing_order",
    "customer_completed_order",
    "customer_refunded_order",
    "customer_invoice",
    "customer_note",
    "customer_reset_password",
    "customer_new_account",
    "customer_pos_completed_order",
    "customer_pos_refunded_order",
    "customer_fulfillment_created",
    "customer_fulfillment_updated",
    "customer_fulfillment_deleted",
)
TO_SHOP = ("new_order", "cancelled_order", "failed_order")


def _options(store: Store, email: str) -> list[Form]:
    default = "no" if email in OFF_BY_DEFAULT else "yes"
    value = "yes" if is_on(store, email) else "no"
    rows = [_option(store, email, "enabled", kind="checkbox", label="Enable/Disable", default=default, value=value)]
    if email in TO_SHOP:
        to = store.settings.admin_email
        rows.append(_option(store, email, "recipient", kind="text", label="Recipient(s)", default="", value=to))
    return rows


def _option(store: Store, email: str, option: str, *, kind: str, label: str, default: str, value: str) -> Form:
    path = f"{API}/settings/email_{email}"
    links = {"self": [{"href": store.url(f"{path}/{option}")}], "collection": [{"href": store.url(path)}]}
    said = {"id": option, "label": label, "description": "", "type": kind, "default": default, "value": value}
    return {**said, "_links": links}


def list_options(call: Call) -> Answer:
    return Answer(body=_options(call.store, _email(call)))


def get_enabled(call: Call) -> Answer:
    return Answer(body=_options(call.store, _email(call))[0])


def put_enabled(call: Call) -> Answer:
    value = call.given.get("value")
    if value not in ("yes", "no"):
        raise RestError(400, "rest_setting_value_invalid", "An invalid setting value was passed.")
    call.store.emails[_email(call)] = value == "yes"
    return get_enabled(call)


def _email(call: Call) -> str:
    email = call.request.path.partition("/settings/email_")[2].partition("/")[0]
    if email not in EMAILS:
        raise RestError(404, "rest_setting_setting_group_invalid", "Invalid setting group.")
    return email


GROUP = r"/settings/email_[\w-]+"
ROUTES = (
    Route(path=GROUP, kind="list", actions={"GET": list_options}),
    Route(path=f"{GROUP}/enabled", actions={"GET": get_enabled, **updates(put_enabled)}),
)
