"""Lists: filters, order, paging, and their headers.

`modified_after` and its like are exclusive and know whole seconds only. A time zone in the value is turned into the
store's local time first; `dates_are_gmt` then takes that local time for GMT: `Z` together with the flag is wrong by
the store's offset, as recorded in four time zones.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus

from connector.sandbox.woocommerce.rest import Request
from connector.sandbox.woocommerce.store import Store
from connector.sandbox.woocommerce.things import Order

# `any` shows checkout-draft: recorded 39 orders in 04 are 38 and the draft, 752 in 10 are 745 and 7 drafts (12).
HIDDEN = frozenset({"trash", "auto-draft"})
Row = TypeVar("Row")
Query = dict[str, Any]


def orders(store: Store, query: Query) -> list[Order]:
    """All orders that match, in the order asked for. `query` is checked (`params.ORDER_LIST`)."""
    done = BOUNDS.get(query.get("orderby", "date"), ("", "", _id))[:2]
    tests = [make(store, query) for name, make in FILTERS.items() if name in query and name not in done]
    newest_first = query.get("order", "desc") == "desc"
    found = _within(store, query)
    if tests:
        found = [order for order in found if all(test(order) for test in tests)]
    found = _of_status(found, frozenset(query.get("status") or ["any"]))
    if query.get("orderby") == "include" and query.get("include"):
        found.sort(key=_sort_key(query), reverse=newest_first)
        return found
    return found[::-1] if newest_first else found


def _within(store: Store, query: Query) -> list[Order]:
    """All orders, sorted; in a store of 100,000 only the part between the bounds of the field they are sorted by."""
    by = query.get("orderby", "date")
    rows = store.sorted_orders(by if by in SORTED else "id", _sort_key(query))
    after, before, key = BOUNDS.get(by, ("", "", _id))
    are_gmt = query.get("dates_are_gmt", False)
    low = bisect_right(rows, moment(store, query[after], are_gmt=are_gmt), key=key) if after in query else 0
    high = bisect_left(rows, moment(store, query[before], are_gmt=are_gmt), key=key) if before in query else len(rows)
    return rows[low:high]


def _id(order: Order) -> Any:
    return order.id


SORTED = frozenset({"date", "id", "modified"})
# The filters that bound what a list is sorted by: (exclusive lower, exclusive upper, what is compared).
BOUNDS: dict[str, tuple[str, str, Callable[[Order], Any]]] = {
    "date": ("after", "before", lambda order: order.created),
    "modified": ("modified_after", "modified_before", lambda order: order.modified),
}


def page(rows: Sequence[Row], query: Query) -> tuple[list[Row], int, int]:
    """(rows of the page, total, pages). Past the end, total and pages are 0, as recorded."""
    size, number = query.get("per_page", 10), query.get("page", 1)
    start = query.get("offset", (number - 1) * size)
    chosen = list(rows[start : start + size])
    if not chosen and number > 1:
        return [], 0, 0
    return chosen, len(rows), math.ceil(len(rows) / size)


def headers(store: Store, request: Request, query: Query, *, total: int, pages: int, defaults: Query) -> dict[str, str]:
    """X-WP-Total, X-WP-TotalPages and Link; Link repeats the whole query, keys included."""
    result = {"X-WP-Total": str(total), "X-WP-TotalPages": str(pages)}
    number = query.get("page", 1)
    shown = defaults if pages else {name: value for name, value in defaults.items() if name == "status"}
    links = []
    if number > 1:
        links.append(f'<{_link(store, request, defaults=shown, number=min(number - 1, pages))}>; rel="prev"')
    if number < pages:
        links.append(f'<{_link(store, request, defaults=shown, number=number + 1)}>; rel="next"')
    return {**result, "Link": ", ".join(links)} if links else result


def moment(store: Store, text: str, *, are_gmt: bool) -> datetime:
    """The instant a filter value means, UTC, whole seconds."""
    value = datetime.fromisoformat(text.upper().replace(" ", "T")).replace(microsecond=0)
    wall = value.astimezone(store.zone).replace(tzinfo=None) if value.tzinfo else value
    return wall.replace(tzinfo=UTC if are_gmt else store.zone).astimezone(UTC)


def _of_status(rows: list[Order], wanted: frozenset[str]) -> list[Order]:
    if "any" in wanted:
        return [order for order in rows if order.status not in HIDDEN or order.status in wanted]
    return [order for order in rows if order.status in wanted]


Test = Callable[[Order], bool]


def _date_filter(name: str, field: str, *, later: bool) -> Callable[[Store, Query], Test]:
    def make(store: Store, query: Query) -> Test:
        edge = moment(store, query[name], are_gmt=query.get("dates_are_gmt", False))
        if later:
            return lambda order: getattr(order, field) > edge
        return lambda order: getattr(order, field) < edge

    return make


def _product_filter(_store: Store, query: Query) -> Test:
    wanted = query["product"]
    return lambda order: any(wanted in (line.product_id, line.variation_id) for line in order.line_items)


def _search_filter(_store: Store, query: Query) -> Test:
    text = str(query["search"]).lower()

    def found(order: Order) -> bool:
        people = " ".join((*order.billing.values(), *order.shipping.values())).lower()
        lines = " ".join(line.name for line in order.line_items).lower()
        return text == str(order.id) or text in people or text in lines

    return found


FILTERS: dict[str, Callable[[Store, Query], Test]] = {
    "include": lambda _store, query: lambda order: order.id in query["include"],
    "exclude": lambda _store, query: lambda order: order.id not in query["exclude"],
    "customer": lambda _store, query: lambda order: order.customer_id == query["customer"],
    "created_via": lambda _store, query: lambda order: order.created_via in query["created_via"],
    "product": _product_filter,
    "search": _search_filter,
    "after": _date_filter("after", "created", later=True),
    "before": _date_filter("before", "created", later=False),
    "modified_after": _date_filter("modified_after", "modified", later=True),
    "modified_before": _date_filter("modified_before", "modified", later=False),
}


def _sort_key(query: Query) -> Callable[[Order], Any]:
    by = query.get("orderby", "date")
    if by == "modified":
        return lambda order: (order.modified, order.id)
    if by == "include" and query.get("include"):
        places = {number: place for place, number in enumerate(query["include"])}
        return lambda order: -places.get(order.id, 0)
    if by == "date":
        return lambda order: (order.created, order.id)
    return lambda order: order.id


def _link(store: Store, request: Request, *, defaults: Query, number: int) -> str:
    """Given parameters first, then the defaults, then the page: the order PHP keeps."""
    pairs: dict[str, str] = {}
    for name, value in request.query.items():
        pairs.update(_as_php(name, value))
    for name, value in defaults.items():
        if name not in request.query:
            pairs.update(_as_php(name, value))
    pairs["page"] = str(number)
    scheme_fixed = store.url(request.path.rstrip("/"))
    if request.https:
        scheme_fixed = scheme_fixed.replace("http://", "https://", 1)
    return scheme_fixed + "?" + "&".join(f"{quote(name, safe='')}={quote_plus(value)}" for name, value in pairs.items())


def _as_php(name: str, value: Any) -> dict[str, str]:
    if name in {"status", "include", "exclude", "created_via"}:
        return {f"{name}[{index}]": part for index, part in enumerate(str(value).split(","))}
    if name == "dates_are_gmt":
        return {name: "1" if str(value).lower() in {"true", "1"} else ""}
    return {name: str(value)}
