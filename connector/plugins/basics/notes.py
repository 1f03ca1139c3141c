"""Notes of customer and staff, and lines that are made to the customer's wishes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from connector import Finding, HoldReason, Order, Severity

EXCERPT = 40


def note_findings(order: Order) -> Iterable[Finding]:
    if order.customer_note.strip():
        yield Finding(
            code="note_present",
            kind="note",
            severity=Severity.WARNING,
            reason=HoldReason.NOTE,
            field="customer_note",
            value=excerpt(order.customer_note, _known(order)),
            text="The customer wrote a note. Read it before you send the order.",
            releases="A person who has read the note.",
        )
    written = [note for note in order.staff_notes if note.strip()]
    if written:
        yield Finding(
            code="staff_note",
            kind="note",
            severity=Severity.INFO,
            reason=HoldReason.NOTE,
            field="staff_notes",
            value=f"{len(written)} note{'s' if len(written) > 1 else ''}",
            text="Staff wrote a note on this order in the shop. Read it before you send the order.",
        )


def personalised_lines(order: Order) -> Iterable[Finding]:
    for line in order.lines:
        if line.personal:
            yield Finding(
                code="personalised",
                kind="line",
                severity=Severity.INFO,
                field=f"lines.{line.id}",
                value=excerpt(", ".join(label for label, _ in line.personal), _known(order)),
                text="This line is made to the customer's wishes. Check what was entered before it is made.",
            )


def excerpt(text: str, known: Iterable[str] = ()) -> str:
    """The first letters of a text on one line, without mail addresses, numbers that may be a phone's, and what is `known`.

    Masked first and cut afterwards, so that no half of an address is left at the end.
    """
    text = " ".join(text[: 50 * EXCERPT].split())
    for word in sorted(known, key=len, reverse=True):
        text = re.sub(re.escape(word), "…", text, flags=re.IGNORECASE)
    text = re.sub(r"\S+\s?(?:@|\(at\)|\[at\])\s?\S+", "…@…", text)
    text = re.sub(r"\+?\(?\d(?:[\s()./-]{0,3}\d){5,}", "•••", text)
    return text if len(text) <= EXCERPT else text[: EXCERPT - 1].rstrip() + "…"


def _known(order: Order) -> list[str]:
    """What the order says of the customer: a note that repeats it must not carry it on."""
    people = [order.customer.name, order.customer.email, order.customer.phone]
    for address in (order.shipping, order.billing):
        people += [address.name, address.company, address.line1, address.line2, address.phone]
    names = [word for name in (order.customer.name, order.shipping.name, order.billing.name) for word in name.split()]
    return [clean for text in (*people, *names) if len(clean := " ".join(text.split())) >= 3]
