"""What the platform changed between two looks at an order, in words for the timeline. No personal data. Pure."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping

from .order import LineItem, Order

LONGEST_NAME = 60
MOST = 8  # so many changes are named one by one

# What may not change once something was bought, cancelled or given back for the order.
WEIGHTY = frozenset({"lines", "shipping", "total", "currency", "customer_note"})


def edits(mine: Order, theirs: Order, *, only: Container[str] | None = None) -> tuple[str, ...]:
    """What changed from `mine` to `theirs`, one phrase each: "2 x Mug became 3 x Mug". `only`: just these fields.

    Status, payments and refunds are no edits.
    """
    fields = [name for name in _PHRASES if only is None or name in only]
    changed = [name for name in fields if getattr(mine, name) != getattr(theirs, name)]
    return tuple(phrase for name in changed for phrase in _PHRASES[name](mine, theirs))


def together(phrases: tuple[str, ...]) -> str:
    """Phrases as one sentence's worth of text."""
    more = len(phrases) - MOST
    shown = phrases if more <= 0 else (*phrases[:MOST], f"and {more} more changes")
    return "; ".join(shown)


def _lines(mine: Order, theirs: Order) -> tuple[str, ...]:
    new = {line.id for line in theirs.lines} - {line.id for line in mine.lines}
    phrases = [phrase for line in mine.lines if (phrase := _line(line, theirs.line(line.id)))]
    return (*phrases, *(f"{_many(line)} was added" for line in theirs.lines if line.id in new))


def _line(mine: LineItem, theirs: LineItem | None) -> str:
    """ "" where nothing changed that matters to anybody."""
    if theirs is None:
        return f"{_many(mine)} was taken out"
    if mine.quantity != theirs.quantity or _product(mine) != _product(theirs):
        return f"{_many(mine)} became {_many(theirs)}"
    if mine.personal != theirs.personal:
        return f"what was entered for {_name(theirs)} changed"
    if (mine.total, mine.tax) != (theirs.total, theirs.tax):
        return f"the price of {_name(theirs)} changed"
    return ""


def _product(line: LineItem) -> tuple[str, ...]:
    return (line.product_id, line.variant_id, line.sku, line.name)


def _many(line: LineItem) -> str:
    return f"{line.quantity} x {_name(line)}"


def _name(line: LineItem) -> str:
    """On one line, and without letters that a terminal or page would obey."""
    name = " ".join("".join(c if c.isprintable() else " " for c in line.name or line.sku).split()) or f"line {line.id}"
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1].rstrip() + "…"


def _said(phrase: str) -> Callable[[Order, Order], tuple[str, ...]]:
    return lambda mine, theirs: (phrase,)


_PHRASES: Mapping[str, Callable[[Order, Order], tuple[str, ...]]] = {
    "lines": _lines,
    "shipping": _said("the shipping address changed"),
    "billing": _said("the billing address changed"),
    "customer": _said("the customer's contact changed"),
    "shipping_lines": _said("the way of shipping changed"),
    "fees": _said("the fees changed"),
    "currency": lambda mine, theirs: (f"the currency went from {mine.currency} to {theirs.currency}",),
    "total": lambda mine, theirs: (f"the total went from {mine.total} to {theirs.total}",),
    "customer_note": _said("the customer's note changed"),
    "staff_notes": _said("the notes of staff changed"),
}
