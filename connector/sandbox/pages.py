"""Pages to click around in: the shop's front page with a button to buy, and a small wp-admin for its staff.

They look like nothing in WordPress; they are there so that a person can do what `shop` and `staff` do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlencode

from connector.sandbox.woocommerce import shop, status
from connector.sandbox.woocommerce.php import amount
from connector.sandbox.woocommerce.rest import Answer, Request, RestError
from connector.sandbox.woocommerce.staff import staff
from connector.sandbox.woocommerce.store import Store
from connector.sandbox.woocommerce.things import Order, Product

NEWEST = 50
HTML = {"Content-Type": "text/html; charset=UTF-8"}
STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;width:100%}td,th{padding:.4rem .8rem .4rem 0;text-align:left;border-bottom:1px solid #ddd}
td.n,th.n{text-align:right}form{display:inline}button,select,input{font:inherit;padding:.1rem .6rem}nav a{margin-right:1rem}
.said{background:#fff3cd;padding:.5rem 1rem}small{color:#666}
"""
STAFF_ACTS = ("complete", "cancel", "bin", "restore")


def answer(store: Store, request: Request) -> Answer | None:
    """The page at that address; None when there is none (then the address belongs to the store's API)."""
    act = PAGES.get((request.method, request.path.rstrip("/") or "/"))
    if act is None or request.query.get("rest_route"):
        return None
    return act(store, request)


def _front(store: Store, _request: Request) -> Answer:
    with store.lock:
        chosen_by = {one.parent_id for one in store.products.values()}  # a variable product is bought by its variations
        rows = "".join(_product_row(one) for one in store.products.values() if one.id not in chosen_by)
    pay = "".join(f"<option value={escape(one.id)}>{escape(one.title)}</option>" for one in reversed(store.gateways.values()))
    body = (
        f"<p>Everything here is simulated; no money moves and nothing is sent.</p><form method=post action=/buy>"
        f"<p>Pay by <select name=payment_method>{pay}</select> "
        f"<label><input type=checkbox name=po_box value=1> to a PO box</label> "
        f"<label>Note <input name=customer_note size=30></label></p>"
        f"<table><tr><th>Product<th>SKU<th class=n>Price<th class=n>In stock<th></tr>{rows}</table></form>"
    )
    return _page(store, "Shop", body)


def _product_row(product: Product) -> str:
    left = "" if product.stock is None else str(product.stock)
    button = f"<button name=product_id value={product.id}>Buy</button>"
    return (
        f"<tr><td>{escape(product.name)}<td>{escape(product.sku)}<td class=n>{amount(product.price)}"
        f"<td class=n>{left}<td>{button}</tr>"
    )


def _buy(store: Store, request: Request) -> Answer:
    given = _form(request)
    wanted = {
        "items": [{"product_id": int(given.get("product_id", "13")), "quantity": 1}],
        "payment_method": given.get("payment_method", "fakepay"),
        "po_box": bool(given.get("po_box")),
        "customer_note": given.get("customer_note", ""),
    }
    with store.lock:
        shop.checkout(store, wanted)
    return _elsewhere("/wp-admin")


def _admin(store: Store, request: Request) -> Answer:
    with store.lock:
        newest = sorted(store.orders.values(), key=lambda order: order.id, reverse=True)[:NEWEST]
        rows = "".join(_order_row(store, order) for order in newest)
        count = len(store.orders)
    said = f"<p class=said>{escape(request.query['said'])}</p>" if request.query.get("said") else ""
    head = "<tr><th>Order<th>Customer<th>Status<th class=n>Total<th>What staff do</tr>"
    body = (rows and f"<table>{head}{rows}</table>") or "<p>No order yet. <a href=/>Buy something.</a></p>"
    return _page(store, "Orders", f"{said}<p>{count} orders; the newest {NEWEST} are shown.</p>{body}")


def _order_row(store: Store, order: Order) -> str:
    who = escape(f"{order.billing['first_name']} {order.billing['last_name']}")
    buttons = "".join(f"<button name=action value={act}>{act}</button> " for act in STAFF_ACTS)
    refund = "<button name=action value=refund>refund all</button>"
    hidden = f"<input type=hidden name=order_id value={order.id}>"
    label = escape(status.labels(store).get(order.status, order.status))
    acts = f"<form method=post action=/wp-admin/act>{hidden}{buttons}{refund}</form>"
    return f"<tr><td>#{order.id}<td>{who}<td>{label}<td class=n>{amount(order.total)} {escape(order.currency)}<td>{acts}</tr>"


def _act(store: Store, request: Request) -> Answer:
    given: dict[str, Any] = _form(request)
    if given.get("action") == "refund":
        order = store.orders.get(int(given.get("order_id", 0)))
        given = {**given, "gateway": True, "amount": amount(order.total) if order else "0"}
    try:
        staff(store, given)
    except (ValueError, RestError) as error:
        return _elsewhere("/wp-admin", said=str(error))
    return _elsewhere("/wp-admin")


def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode(errors="replace")))


def _elsewhere(path: str, *, said: str = "") -> Answer:
    words = f"?{urlencode({'said': said})}" if said else ""
    return Answer(status=303, raw=b"", headers={**HTML, "Location": path + words})


def _page(store: Store, title: str, body: str) -> Answer:
    name = escape(store.settings.name)
    page = (
        f"<!DOCTYPE html><html lang=en><meta charset=utf-8><title>{title} - {name}</title><style>{STYLE}</style>"
        f"<nav><a href=/>Shop</a><a href=/wp-admin>Orders</a><a href=/_sandbox/truth>What really happened</a></nav>"
        f"<h1>{name}</h1>{body}</html>"
    )
    return Answer(raw=page.encode(), headers=HTML)


PAGES: Mapping[tuple[str, str], Callable[[Store, Request], Answer]] = {
    ("GET", "/"): _front,
    ("POST", "/buy"): _buy,
    ("GET", "/wp-admin"): _admin,
    ("POST", "/wp-admin/act"): _act,
}
