"""The parts of an order's screen that come from the order itself: customer, lines, money, parcels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import out

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from ..model.case import Case, LineFulfillment
    from ..model.order import Address, LineItem


def _block(title: str, rows: list[tuple[Any, ...]], *, right: tuple[int, ...] = ()) -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    if not rows:
        return
    grid = Table.grid(padding=(0, 2, 0, 0))
    for column in range(max(len(row) for row in rows)):
        grid.add_column(justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(Text(out.clean(cell)) if isinstance(cell, str) else cell for cell in row))
    out.show("", Text(title, style="bold"), Padding(grid, (0, 0, 0, 2)))


def address(case: Case) -> None:
    order = case.order
    reach = ", ".join(part for part in (order.customer.email, order.customer.phone) if part)
    rows = [
        ("name", " ".join(part for part in (order.customer.name, f"<{reach}>" if reach else "") if part)),
        ("ship to", _written(order.shipping)),
        ("bill to", "" if order.billing == order.shipping else _written(order.billing)),
        ("says", order.customer_note),
        *(("staff", note) for note in order.staff_notes[-3:]),
    ]
    rows = [(label, text) for label, text in rows if text]
    _block("Customer", rows or [("erased, or unknown",)])


def _written(to: Address) -> str:
    town = " ".join(part for part in (to.postcode, to.city) if part)
    parts = (to.name, to.company, to.line1, to.line2, town, to.region, to.country, to.phone)
    return ", ".join(part for part in parts if part)


def lines(case: Case) -> None:
    from ..model.case import fulfillment

    order = case.order
    by_line = {line.line_id: line for line in fulfillment(case)}
    rows: list[tuple[Any, ...]] = [
        (f"{line.quantity} x", _named(line), line.total.text, _fulfilled(line, by_line.get(line.id))) for line in order.lines
    ]
    rows += [("", way.title or way.method, way.total.text, "picked up" if way.pickup else "") for way in order.shipping_lines]
    rows += [("", fee.name, fee.total.text, "") for fee in order.fees]
    if order.tax:
        rows.append(("", "tax", order.tax.text, ""))
    rows.append(("", "total", order.total.text, order.currency))
    _block("Lines", rows, right=(0, 2))


def _named(line: LineItem) -> str:
    about = f"{line.name or 'line'} [{line.sku or line.id}]" if line.sku else f"{line.name or 'line'} (line {line.id})"
    return "\n".join([about, *(f"  {label}: {text}" for label, text in line.personal)])


def _fulfilled(line: LineItem, state: LineFulfillment | None) -> str:
    """Only what is there: "1 shipped, 1 to ship"."""
    if state is None:
        return "nothing to ship"
    counts = (
        (state.to_ship, "to ship"),
        (state.shipped, "shipped"),
        (state.delivered, "delivered"),
        (state.returned, "returned"),
        (state.cancelled, "cancelled"),
    )
    return ", ".join(f"{number} {what}" for number, what in counts if number)


def payments(case: Case) -> None:
    from ..model.case import refund_left

    rows: list[tuple[Any, ...]] = []
    for payment in case.order.payments:
        sums = (
            ("due", payment.due),
            ("authorized", payment.authorized),
            ("captured", payment.captured),
            ("refunded", payment.refunded),
            ("refund underway", payment.refund_pending),
            ("disputed", payment.disputed),
        )
        said = ", ".join(f"{what} {money.text}" for what, money in sums if money)
        rows.append((payment.title or payment.gateway, said, str(payment.ended or "")))
    for record in case.refunds:
        about = f"{record.request.amount}" + (f", {record.request.reason}" if record.request.reason else "")
        rows.append(("refund", about, out.word(record.state)))
    left = refund_left(case)
    if left:
        rows.append(("", f"{left} can be given back", ""))
    _block("Money", rows)


def shipments(case: Case, zone: ZoneInfo) -> None:
    rows = [
        (
            out.when(shipment.shipped_at, zone),
            shipment.carrier or "no carrier named",
            shipment.tracking_number or "without a number",
            ", ".join(f"{line.quantity} of line {line.line_id}" for line in shipment.lines),
            shipment.id,
        )
        for shipment in case.shipments
    ]
    _block("Parcels", rows)
