"""The lines of an order: what was bought, in which variation, and what the customer entered for it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from connector import LineItem

from .reading import Node, as_text
from .shares import taxes

AT_CHECKOUT = ("checkout", "store-api")
# What a customer chose or typed, where a plugin keeps it out of sight: Product Add-Ons, Extra Product Options, Acowebs' Custom
# Product Addons. Most show it in plain line meta as well; older versions and their imports do not (public code, 2026-11-23).
ADD_ONS = ("_pao_ids", "_tmcartepo_data", "_WCPA_order_meta_data")


def lines(node: Node, currency: str) -> tuple[LineItem, ...]:
    ships = _ships(node)
    return tuple(_line(line, currency, ships) for line in node["line_items"].items())


def _ships(node: Node) -> bool:
    """Do the lines of this order ship? WooCommerce does not say it line by line.

    `needs_processing` is false when every line is virtual and downloadable: nothing ships. A checkout leaves out the shipping
    line when nothing in the cart needs shipping. Otherwise all lines are taken to ship: a gift card on a packing slip is seen
    by a person, a mug that is never packed is not.
    """
    if node.get("needs_processing").value is False:
        return False
    at_checkout = node.get("created_via").text() in AT_CHECKOUT
    return not (at_checkout and not node.get("shipping_lines").items())


def _line(line: Node, currency: str, ships: bool) -> LineItem:
    quantity = line["quantity"].whole()
    if quantity < 1:
        raise line["quantity"].bad(f"the quantity must be 1 or more, not {quantity}")
    name, personal = _name_and_entries(line)
    return LineItem(
        id=line["id"].text(),
        sku=line.get("sku").text(),
        name=name,
        quantity=quantity,
        product_id=line.get("product_id").id(),
        variant_id=line.get("variation_id").id(),
        unit_price=_unit_price(line["subtotal"].number(), quantity),
        total=line["total"].money(currency),
        tax=line["total_tax"].money(currency),
        taxes=taxes(line, currency),
        requires_shipping=ships,
        personal=personal,
    )


def _unit_price(before_discount: Decimal, quantity: int) -> Decimal:
    """Six places are more than any shop shows; `price` in the JSON is a float, and after discounts."""
    return round(before_discount / quantity, 6).normalize() + Decimal(0)


def _name_and_entries(line: Node) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The line's name with its variation, and what the customer entered for it."""
    name = as_text(line.get("name").text())
    entries = [(meta["key"].text(), *_shown(meta)) for meta in line.get("meta_data").items()]
    shown = [entry for entry in entries if not entry[0].startswith("_") and entry[2]]
    choices = [entry for entry in shown if _is_choice(line, name, key=entry[0], value=entry[2])]
    missing = [f"{label}: {value}" for _, label, value in choices if value.casefold() not in name.casefold()]
    full = f"{name} ({', '.join(missing)})" if missing else name
    entered = [(label, value) for key, label, value in shown if (key, label, value) not in choices]
    return full, (*entered, *_out_of_sight(line, {value.casefold() for _, _, value in shown}))


def _out_of_sight(line: Node, known: set[str]) -> Iterator[tuple[str, str]]:
    """Entries of add-on plugins that the line does not show in the open."""
    for meta in line.get("meta_data").items():
        if meta["key"].value in ADD_ONS:
            yield from (entry for entry in _add_ons(meta.get("value").value) if entry[1].casefold() not in known)


def _add_ons(value: Any) -> Iterator[tuple[str, str]]:
    """Label and text of each field, however deep: lists of fields, of rows, of sections."""
    if isinstance(value, dict) and "value" in value:
        label = next((value[name] for name in ("label", "name", "key") if isinstance(value.get(name), str) and value[name]), "")
        if text := as_text(_chosen(value["value"]), links=True):
            yield as_text(label) or "Option", text
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _add_ons(inner)


def _chosen(value: Any) -> str:
    """One choice or several; each is a text, or an object with a label."""
    if isinstance(value, list):
        return ", ".join(_chosen(inner) for inner in value)
    if isinstance(value, dict) and (value.get("label") or value.get("value")):
        return _flat(value.get("label") or value.get("value"))
    if isinstance(value, dict) and value and all(isinstance(inner, dict) for inner in value.values()):
        return ", ".join(_chosen(inner) for inner in value.values())
    return _flat(value)


def _shown(meta: Node) -> tuple[str, str]:
    label, value = meta.get("display_key").value, meta.get("display_value").value
    text = value if isinstance(value, str) else str(value) if isinstance(value, int | float) else _flat(value)
    return as_text(str(label or meta["key"].text())), as_text(text, links=True)


def _flat(value: Any) -> str:
    """The texts inside an object or a list, in their order."""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_flat(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(_flat(inner) for inner in value)
    return "" if value is None else str(value)


def _is_choice(line: Node, name: str, *, key: str, value: str) -> bool:
    """Is this the size or colour of a variation, and not something the customer wrote?

    Global attributes have keys that begin with `pa_`. One of the product's own shows only by its value being in the
    variation's name ("Logo Tee - M").
    """
    if not line.get("variation_id").id():
        return False
    added = name.removeprefix(as_text(line.get("parent_name").text()))
    words = [word.strip().casefold() for word in added.removeprefix(" - ").split(",")]
    return key.startswith("pa_") or value.casefold() in words
