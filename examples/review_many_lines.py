"""Says so when an order has very many lines. Put this file into the folder `plugins` beside connector.toml; that is all."""

from connector import Finding, hookimpl

MANY = 50


@hookimpl
def review_order(order):
    if len(order.lines) <= MANY:
        return []
    return [
        Finding(
            code="many_lines",
            kind="stock",
            field="lines",
            value=str(len(order.lines)),
            text=f"{len(order.lines)} lines: count the stock before you promise a date.",
        )
    ]
