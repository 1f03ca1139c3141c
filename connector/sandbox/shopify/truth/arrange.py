"""Makes the simulated shop ready for a recording: its places, products and variants, as far as the recording names them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from connector.sandbox.shopify.ids import GID
from connector.sandbox.shopify.seed import locations
from connector.sandbox.shopify.store import Store
from connector.sandbox.shopify.things import Location, Product, Variant
from connector.sandbox.shopify.truth.recorded import Json, Recording, told

SHOP_CURRENCY = "CAD"  # of the shop that was recorded
PIECES = 1000
A_MOMENT_S = 0.000_001  # over when the next request comes, as between two steps of a recorder


def arrange(store: Store, recording: Recording) -> None:
    """A fresh shop with what the recording takes for granted."""
    store.settings.currency = SHOP_CURRENCY
    store.settings.job_s = store.settings.archive_s = A_MOMENT_S
    answers = told(recording.whole)
    things = list(_things(answers))
    _places(store, [*things, *_things(recording.whole.get("setup")), *_named(answers)])
    place_first(store, answers)
    for number, facts in _by_number(things, "ProductVariant").items():
        _variant(store, number, facts)
    for number, facts in _by_number(things, "Product").items():
        title = str(facts.get("title") or "")
        store.products.setdefault(number, Product(id=number, title=title, vendor="", created=store.now()))
    items = {number for kind, number, _ in things if kind == "InventoryItem"}
    _stock(store, [one.variables for one in recording.exchanges], items)


def _things(value: Any) -> Iterator[tuple[str, int, Json]]:
    """(kind, number, what is told of it) of everything with an id, in the order of the file."""
    if isinstance(value, list):
        for one in value:
            yield from _things(one)
    if not isinstance(value, dict):
        return
    found = GID.fullmatch(value["id"]) if isinstance(value.get("id"), str) else None
    if found and found[2].isdigit():
        yield found[1], int(found[2]), value
    for one in value.values():
        yield from _things(one)


def _named(answers: Any) -> list[tuple[str, int, Json]]:
    """Places whose name stands beside them: `assignedLocation { name location { id } }`."""
    rows = [(_number((one.get("location") or {}).get("id")), one) for one in _assigned(answers)]
    return [("Location", number, {"name": one["name"]}) for number, one in rows if number and one.get("name")]


def _by_number(things: list[tuple[str, int, Json]], kind: str) -> dict[int, Json]:
    """Everything told of each thing of that kind; what is told first counts."""
    found: dict[int, Json] = {}
    for one, number, facts in things:
        if one == kind:
            known = found.setdefault(number, {})
            for name, value in facts.items():
                if known.get(name) is None:
                    known[name] = value
    return found


def _places(store: Store, things: list[tuple[str, int, Json]]) -> None:
    known = {number: facts for number, facts in _by_number(things, "Location").items() if facts.get("name")}
    if not known:
        return
    pattern = locations()[0]
    store.locations = {
        number: Location(
            id=number,
            name=str(facts["name"]),
            city=pattern.city,
            province_code=pattern.province_code,
            country_code=pattern.country_code,
            address1=pattern.address1,
            zip=pattern.zip,
            is_active=facts.get("isActive") is not False,
            fulfills_online_orders=facts.get("fulfillsOnlineOrders") is not False,
        )
        for number, facts in known.items()
    }


def place_first(store: Store, answer: Any) -> None:
    """Where the order of that answer went, every order goes now: how the real shop chose is not told."""
    for place in _assigned(answer):
        number, name = _number((place.get("location") or {}).get("id")), place.get("name")
        if number in store.locations:
            store.locations = {number: store.locations[number], **store.locations}
        elif name:
            next(iter(store.locations.values())).name = str(name)
        return


def _assigned(value: Any) -> list[Json]:
    """Every `assignedLocation`, in the order of the file."""
    if isinstance(value, list):
        return [found for one in value for found in _assigned(one)]
    if not isinstance(value, dict):
        return []
    mine = [value["assignedLocation"]] if isinstance(value.get("assignedLocation"), dict) else []
    return mine + [found for one in value.values() for found in _assigned(one)]


def _variant(store: Store, number: int, facts: Json) -> None:
    item, product = facts.get("inventoryItem") or {}, facts.get("product") or {}
    made = Product(
        id=_number(product.get("id")) or store.next_id("Product"),
        title=str(product.get("title") or facts.get("title") or ""),
        vendor=str(product.get("vendor") or ""),
        created=store.now(),
        variant_ids=[number],
    )
    tracked = item.get("tracked") is not False
    store.products[made.id] = made
    store.variants[number] = Variant(
        id=number,
        product_id=made.id,
        item_id=_number(item.get("id")) or store.next_id("InventoryItem"),
        title=str(facts.get("title") or "Default Title"),
        sku=str(facts.get("sku") or ""),
        price=Decimal(str(facts.get("price") or "0")),
        grams=0,
        stock=dict.fromkeys(store.locations, PIECES) if tracked else {},
        tracked=tracked,
        updated=store.now(),
    )


def _stock(store: Store, variables: Any, items: set[int]) -> None:
    """Every inventory item that was there lies at every place, with as many pieces as the first change of it expects."""
    known = {one.item_id for one in store.variants.values()}
    for item in sorted(items - known):
        _variant(store, store.next_id("ProductVariant"), {"inventoryItem": {"id": f"gid://shopify/InventoryItem/{item}"}})
    done = set()
    for one in _changes(variables):
        variant = store.variant_of_item(_number(one["inventoryItemId"]))
        place = _number(one.get("locationId"))
        if variant and place in store.locations and (variant.id, place) not in done:
            done.add((variant.id, place))
            variant.stock[place or 0] = int(one["changeFromQuantity"] or 0)


def _changes(value: Any) -> list[Json]:
    if isinstance(value, list):
        return [found for one in value for found in _changes(one)]
    if not isinstance(value, dict):
        return []
    mine = [value] if "inventoryItemId" in value and "changeFromQuantity" in value else []
    return mine + [found for one in value.values() for found in _changes(one)]


def _number(text: Any) -> int | None:
    found = GID.fullmatch(text) if isinstance(text, str) else None
    return int(found[2]) if found and found[2].isdigit() else None
