"""What has to be put back into stock, or taken again, because the platform does not do it itself."""

from __future__ import annotations

from collections.abc import Container

from .case import Act, ActKind, ActState, Case, RefundState
from .order import PlatformStatus
from .shipping import StockChange


def stock_changes(case: Case, put_back_at: Container[PlatformStatus]) -> tuple[StockChange, ...]:
    """The changes by which the stock becomes what it should be; none where the platform does not say what it holds.

    An order whose status is one of `put_back_at` should hold nothing but what has left the house, and what the money was given
    back for without wanting it put back. It is counted against what we changed before: if the platform puts the pieces back
    itself later (the order is cancelled after it was refunded), or the order is taken up again, ours are taken back.
    """
    if case.order.stock_held is None or not case.reviewed:  # it had ended before it came to us: that is history
        return ()
    held = dict(case.order.stock_held)
    changes = []
    for line in case.order.lines:
        acts = [
            act for act in case.acts if act.kind is ActKind.ADJUST_INVENTORY and act.id.rpartition("-")[0] == f"stock-{line.id}"
        ]
        if not line.product_id or any(act.state in _NOT_NOW for act in acts):
            continue
        wanted = max(0, held.get(line.id, 0) - _kept_out(case, line.id)) if case.order.means in put_back_at else 0
        change = wanted - sum(_changed(act) for act in acts)
        if change:
            act_id = f"stock-{line.id}-{len(acts) + 1}"
            changes.append(StockChange(id=act_id, product_id=line.product_id, variant_id=line.variant_id, change=change))
    return tuple(changes)


# Being done, or refused: then a person sees to this line's stock.
_NOT_NOW = (ActState.OPEN, ActState.WAITING, ActState.REFUSED)


def _changed(act: Act) -> int:
    return act.read(StockChange).change if act.state is ActState.DONE else 0


def _kept_out(case: Case, line_id: str) -> int:
    """Pieces that are not in the house, or that nobody wants back in stock."""
    shipped = sum(one.quantity for shipment in case.shipments for one in shipment.lines if one.line_id == line_id)
    refunds = [one.request for one in case.refunds if one.state is not RefundState.REFUSED and not one.request.restock]
    broken = sum(one.quantity for request in refunds for one in request.lines if one.line_id == line_id)
    return max(shipped, broken)
