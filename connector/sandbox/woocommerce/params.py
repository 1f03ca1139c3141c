"""Checks of request parameters, with WordPress' messages (`rest_invalid_param`, `rest_missing_callback_param`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.sandbox.woocommerce.php import truthy
from connector.sandbox.woocommerce.rest import RestError

DATE_TIME = re.compile(r"^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}(?::?\d{2})?)?$")
EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")


class Bad(Exception):
    """One parameter that does not fit."""

    def __init__(self, code: str, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """`kind`: string, integer, boolean, date-time, email, object, or list (of `items`, from text split at commas)."""

    kind: str
    choices: tuple[str, ...] = ()
    low: int | None = None
    high: int | None = None
    required: bool = False
    items: Param | None = None
    fields: Mapping[str, Param] = field(default_factory=dict)


TEXT = Param(kind="string")
WHOLE = Param(kind="integer")
FLAG = Param(kind="boolean")
WHEN = Param(kind="date-time")
META = Param(kind="list", items=Param(kind="object"))
LINE = Param(
    kind="object",
    fields={
        "id": WHOLE,
        "product_id": WHOLE,
        "variation_id": WHOLE,
        "quantity": WHOLE,
        "name": TEXT,
        "total": TEXT,
        "subtotal": TEXT,
        "meta_data": META,
    },
)
LINES = Param(kind="list", items=LINE)
ORDER = {
    "status": TEXT,
    "currency": TEXT,
    "customer_id": WHOLE,
    "customer_note": TEXT,
    "billing": Param(kind="object", fields={"email": Param(kind="email")}),
    "shipping": Param(kind="object"),
    "payment_method": TEXT,
    "payment_method_title": TEXT,
    "transaction_id": TEXT,
    "set_paid": FLAG,
    "meta_data": META,
    "line_items": LINES,
    "shipping_lines": LINES,
    "fee_lines": LINES,
    "coupon_lines": Param(kind="list", items=Param(kind="object", fields={"code": TEXT})),
}
REFUND = {
    "amount": TEXT,
    "reason": TEXT,
    "meta_data": META,
    "line_items": Param(kind="list", items=Param(kind="object")),
    "api_refund": FLAG,
    "api_restock": FLAG,
}
NOTE = {"note": Param(kind="string", required=True), "customer_note": FLAG, "added_by_user": FLAG}
WEBHOOK = {
    "name": TEXT,
    "topic": TEXT,
    "secret": TEXT,
    "delivery_url": TEXT,
    "status": Param(kind="string", choices=("active", "paused", "disabled")),
}
NEW_WEBHOOK = {**WEBHOOK, "delivery_url": Param(kind="string", required=True)}
PAGING = {"page": Param(kind="integer", low=1), "per_page": Param(kind="integer", low=1, high=100), "offset": WHOLE}
ORDER_LIST = {
    **PAGING,
    "status": Param(kind="list", items=TEXT),
    "orderby": Param(kind="string", choices=("date", "id", "include", "title", "slug", "modified")),
    "order": Param(kind="string", choices=("asc", "desc")),
    "include": Param(kind="list", items=WHOLE),
    "exclude": Param(kind="list", items=WHOLE),
    "created_via": Param(kind="list", items=TEXT),
    "search": TEXT,
    "customer": WHOLE,
    "product": WHOLE,
    "dp": WHOLE,
    "after": WHEN,
    "before": WHEN,
    "modified_after": WHEN,
    "modified_before": WHEN,
    "dates_are_gmt": FLAG,
}


def order(statuses: tuple[str, ...]) -> dict[str, Param]:
    """A written order; `statuses` are those of this store."""
    return {**ORDER, "status": Param(kind="string", choices=statuses)}


def order_list(statuses: tuple[str, ...]) -> dict[str, Param]:
    """The filters of the list of orders."""
    choices = ("any", "trash", *statuses)
    return {**ORDER_LIST, "status": Param(kind="list", items=Param(kind="string", choices=choices))}


def check(given: Mapping[str, Any], wanted: Mapping[str, Param]) -> dict[str, Any]:
    """The known parameters in their types; unknown and null ones are dropped. Raises RestError 400."""
    missing = [name for name, param in wanted.items() if param.required and given.get(name) is None]
    if missing:
        text = f"Missing parameter(s): {', '.join(missing)}"
        raise RestError(400, "rest_missing_callback_param", text, extra={"params": missing})
    values: dict[str, Any] = {}
    bad: dict[str, Bad] = {}
    for name, param in wanted.items():
        if given.get(name) is None:
            continue
        try:
            values[name] = _fit(name, given[name], param)
        except Bad as problem:
            bad[name] = problem
    if bad:
        raise _invalid(bad)
    return values


def _invalid(bad: dict[str, Bad]) -> RestError:
    details = {name: {"code": one.code, "message": one.message, "data": one.data} for name, one in bad.items()}
    extra = {"params": {name: one.message for name, one in bad.items()}, "details": details}
    return RestError(400, "rest_invalid_param", f"Invalid parameter(s): {', '.join(bad)}", extra=extra)


def _fit(name: str, value: Any, param: Param) -> Any:
    checks = {
        "string": _string,
        "integer": _integer,
        "boolean": _boolean,
        "date-time": _date_time,
        "email": _email,
        "object": _object,
        "list": _list,
    }
    return checks[param.kind](name, value, param)


def _wrong_type(name: str, kind: str) -> Bad:
    return Bad("rest_invalid_type", f"{name} is not of type {kind}.", {"param": name})


def _string(name: str, value: Any, param: Param) -> str:
    if not isinstance(value, str):
        raise _wrong_type(name, "string")
    if param.choices and value not in param.choices:
        *first, last = param.choices
        raise Bad("rest_not_in_enum", f"{name} is not one of {', '.join(first)}, and {last}.")
    return value


def _integer(name: str, value: Any, param: Param) -> int:
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"-?\d+(\.0+)?", text):
        raise _wrong_type(name, "integer")
    number = int(float(text))
    if param.high is not None and param.low is not None and not param.low <= number <= param.high:
        text = f"{name} must be between {param.low} (inclusive) and {param.high} (inclusive)"
        raise Bad("rest_out_of_bounds", text)
    if param.low is not None and number < param.low:
        raise Bad("rest_out_of_bounds", f"{name} must be greater than or equal to {param.low}")
    return number


def _boolean(name: str, value: Any, _param: Param) -> bool:
    if isinstance(value, bool) or value in (0, 1) or str(value).lower() in {"true", "false", "0", "1", ""}:
        return truthy(value)
    raise _wrong_type(name, "boolean")


def _date_time(_name: str, value: Any, _param: Param) -> str:
    if not DATE_TIME.match(str(value)):
        raise Bad("rest_invalid_date", "Invalid date.")
    return str(value)


def _email(_name: str, value: Any, _param: Param) -> str:
    if not EMAIL.match(str(value)):
        raise Bad("rest_invalid_email", "Invalid email address.")
    return str(value)


def _object(name: str, value: Any, param: Param) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong_type(name, "object")
    for key, inner in param.fields.items():
        if value.get(key) is not None:
            label = name if inner.kind == "email" else f"{name}[{key}]"
            _fit(label, value[key], inner)
    return value


def _list(name: str, value: Any, param: Param) -> list[Any]:
    values = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
    if not isinstance(values, list):
        raise _wrong_type(name, "array")
    assert param.items is not None
    return [_fit(f"{name}[{index}]", entry, param.items) for index, entry in enumerate(values)]
