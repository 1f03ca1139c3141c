"""Decisions about one order: approve, hold, release, ship, tracking, cancel, refund, note."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..model.review import HoldReason
from . import out
from .acting import Wish, acting, again_option, carry_out, tell, yes_option
from .finding import find, ref_argument
from .opening import opened

if TYPE_CHECKING:
    from ..app import App
    from ..model.case import Case
    from ..store.rows import OrderRow

REASONS = [reason.value for reason in HoldReason]

reason_option = click.option("--reason", default="", metavar="TEXT", help="Why. The platform shows it; no personal data.")


def do(config: Path, ref: str, body: dict[str, Any], wish: Wish) -> None:
    """Carry out a command that needs nothing but what was typed."""
    with opened(config) as app:
        tell(app, carry_out(app, find(app, ref), body, wish), wish)


@click.command()
@ref_argument
@acting
@click.pass_obj
def approve(config: Path, ref: str, wish: Wish) -> None:
    """Let an order go on: everything that holds it now is accepted."""
    do(config, ref, {"do": "approve"}, wish)


@click.command()
@ref_argument
@click.option("--reason", type=click.Choice(REASONS), default="manual", show_default=True, help="What kind of hold.")
@click.option("--text", default="", help="Why, for the people who see the order. No personal data.")
@acting
@click.pass_obj
def hold(config: Path, ref: str, reason: str, text: str, wish: Wish) -> None:
    """Hold an order back: nothing is shipped until it is released."""
    do(config, ref, {"do": "hold", "reason": reason, "text": text}, wish)


@click.command()
@ref_argument
@click.option("--reason", type=click.Choice(REASONS), help="Only holds of this kind; the others stay.")
@click.option("--code", default="", help="Only this one hold, by its code: see orders show --json.")
@acting
@click.pass_obj
def release(config: Path, ref: str, reason: str | None, code: str, wish: Wish) -> None:
    """Take away what holds an order. It goes on when the last hold is gone."""
    do(config, ref, {"do": "release"} | {name: said for name, said in (("reason", reason), ("code", code)) if said}, wish)


@click.command()
@ref_argument
@click.argument("text")
@click.option("--to-customer", is_flag=True, help="The customer sees it; most platforms mail it.")
@acting
@click.pass_obj
def note(config: Path, ref: str, text: str, to_customer: bool, wish: Wish) -> None:
    """Write a note on the platform's order. No personal data."""
    do(config, ref, {"do": "note", "text": text, "to_customer": to_customer}, wish)


# --- what cannot be taken back ----------------------------------------------------------------------------------------


@click.command()
@ref_argument
@click.option(
    "--line", "lines", multiple=True, metavar="ID[=N]", help="Only this line, or so many of it.  [default: all that is left]"
)
@click.option("--carrier", default="", help='Who carries it, as customers know it: "UPS".')
@click.option("--tracking", default="", metavar="NUMBER", help="The tracking number, where a person has it.")
@click.option("--service", default="", help="The carrier's service.")
@click.option("--account", default="", metavar="NAME", help="The carrier's account.  [default: the shop's first]")
@click.option("--origin", default="", metavar="PLACE", help="Only what leaves from this place, of several.")
@again_option
@yes_option
@acting
@click.pass_obj
def ship(
    config: Path,
    ref: str,
    lines: tuple[str, ...],
    carrier: str,
    tracking: str,
    service: str,
    account: str,
    origin: str,
    yes: bool,
    wish: Wish,
) -> None:
    """Ship an order, or some lines of it: buys the label, tells the platform and the customer."""
    with opened(config) as app:
        order = find(app, ref)
        body: dict[str, Any] = {"do": "ship", "lines": _lines(app, order, lines)}
        said = {"carrier": carrier, "tracking": tracking, "service": service, "origin": origin}
        said["account"] = _carrier(app, order, account)
        body |= {name: value for name, value in said.items() if value}
        wish = _confirmed(order, f"Ship {_parts(body['lines'])} of {_called(order)}, and tell the customer?", wish, yes=yes)
        tell(app, carry_out(app, order, body, wish), wish)


@click.command()
@ref_argument
@yes_option
@acting
@click.pass_obj
def capture(config: Path, ref: str, yes: bool, wish: Wish) -> None:
    """Take the money that the customer has authorized, before the order is shipped."""
    with opened(config) as app:
        order = find(app, ref)
        wish = _confirmed(order, f"Take the money that is authorized for {_called(order)}?", wish, yes=yes)
        tell(app, carry_out(app, order, {"do": "capture"}, wish), wish)


@click.command()
@ref_argument
@click.option("--shipment", default="", metavar="ID", help="Which one, where the order has several: as orders show names it.")
@click.option("--number", required=True, metavar="NUMBER", help="The right tracking number.")
@click.option("--carrier", default="", help="The right carrier, if that was wrong too.")
@click.option("--url", default="", help="The carrier's page for it.  [default: the old one with the new number, if it fits]")
@yes_option
@acting
@click.pass_obj
def tracking(config: Path, ref: str, shipment: str, number: str, carrier: str, url: str, yes: bool, wish: Wish) -> None:
    """Correct the tracking number of something that was shipped: the platform shows the right one, the customer is told."""
    if url and not url.startswith(("https://", "http://")):
        raise click.UsageError(f"--url {url}: this is no web address")
    with opened(config) as app:
        order = find(app, ref)
        said = {"shipment": shipment, "carrier": carrier, "url": url}
        body = {"do": "tracking", "tracking": number} | {name: value for name, value in said.items() if value}
        wish = _confirmed(order, f"Tell the customer of {_called(order)} that the number is {number}?", wish, yes=yes)
        tell(app, carry_out(app, order, body, wish), wish)


def _lines(app: App, order: OrderRow, texts: tuple[str, ...]) -> list[dict[str, Any]]:
    case = _case(app, order)
    known = {line.id: line.quantity for line in case.order.lines}
    wanted = []
    for text in texts:
        line_id, _, number = text.partition("=")
        if line_id not in known or not (number or "1").isdecimal() or number == "0":
            there = ", ".join(f"{name}={quantity}" for name, quantity in known.items())
            raise click.UsageError(f"--line {text}: {order.ref} has the lines {there}")
        wanted.append({"line_id": line_id, "quantity": int(number) if number else known[line_id]})
    return wanted


def _carrier(app: App, order: OrderRow, name: str) -> str:
    shop = app.registry.by_id(order.account_id).name
    carriers = app.settings.accounts[shop].wiring.carriers
    if name and name not in carriers:
        raise click.UsageError(f"--account {name}: the carriers of {shop} are {', '.join(carriers) or 'not configured'}")
    return name


def _parts(lines: list[dict[str, Any]]) -> str:
    return ", ".join(f"{line['quantity']} of line {line['line_id']}" for line in lines) or "all that is left"


@click.command()
@ref_argument
@reason_option
@click.option("--no-refund", is_flag=True, help="Keep the money for now.")
@click.option("--no-restock", is_flag=True, help="Do not put the goods back into stock.")
@again_option
@yes_option
@acting
@click.pass_obj
def cancel(config: Path, ref: str, reason: str, no_refund: bool, no_restock: bool, yes: bool, wish: Wish) -> None:
    """Call a whole order off, and give the money back."""
    from ..model.case import refund_left
    from .refund_preview import cancel_preview

    with opened(config) as app:
        order = find(app, ref)
        case = _case(app, order)
        left = refund_left(case)
        money = f"give {left} back" if left and not no_refund else "give nothing back"
        body = {"do": "cancel", "reason": reason, "refund": not no_refund, "restock": not no_restock}
        restocks = app.registry.infos[app.registry.by_id(order.account_id).plugin].capabilities.cancel_restocks
        preview = cancel_preview(case, refunds=not no_refund, restocks=restocks)
        question = f"Cancel {_called(order)}, {money}, and tell the customer?"
        wish = _confirmed(order, question, wish, yes=yes, preview=preview)
        tell(app, carry_out(app, order, body, wish), wish)


@click.command()
@ref_argument
@click.argument("amount", required=False)
@click.option("--amount", "amount_", metavar="X", help="The same as AMOUNT.")
@click.option(
    "--line", "lines", multiple=True, metavar="ID[=N]", help="This line or fee, or so many pieces of it, with its share of tax."
)
@click.option("--shipping", is_flag=True, help="The shipping, too.")
@click.option(
    "--restock/--no-restock",
    default=None,
    help="Put the lines' pieces back into stock or not.  [default: if none of them has been shipped]",
)
@reason_option
@again_option
@yes_option
@acting
@click.pass_obj
def refund(
    config: Path,
    ref: str,
    amount: str | None,
    amount_: str | None,
    lines: tuple[str, ...],
    shipping: bool,
    restock: bool | None,
    reason: str,
    yes: bool,
    wish: Wish,
) -> None:
    """Give money back: AMOUNT in the order's currency (12.50), some lines, or everything that is left."""
    from .refund_preview import refund_preview

    if amount and amount_:
        raise click.UsageError("say the amount once")
    text = amount or amount_
    if text and (lines or shipping):
        raise click.UsageError("say either an amount, or lines and shipping: what those are worth is computed")
    if text and restock:
        raise click.UsageError("an amount alone puts nothing back into stock; say --line for what comes back")
    with opened(config) as app:
        order = find(app, ref)
        case, earlier = _case(app, order), _was_asked(app, order, wish)
        body: dict[str, Any] = {"do": "refund", "reason": reason} | ({} if restock is None else {"restock": restock})
        if text:
            body["amount"] = _amount(case, text)
        else:
            body |= _for_what(case, lines, earlier, shipping=shipping)
            body["amount"] = earlier.get("amount") or _worth(case, body)
        question = f"Give {body['amount']} {_currency(order)} of {_called(order)} back?"
        wish = _confirmed(order, question, wish, yes=yes, preview=() if earlier else refund_preview(case, body))
        tell(app, carry_out(app, order, body, wish), wish)


def _amount(case: Case, text: str) -> str:
    from ..model.money import Money

    try:
        money = Money.parse(text.replace(",", "."), case.order.currency)
    except ValueError as error:
        raise click.UsageError(f"{error}; write it like 12.50") from error
    if money.minor <= 0:
        raise click.UsageError(f"{text} is not an amount to give back; write it like 12.50")
    return money.text


def _for_what(case: Case, texts: tuple[str, ...], earlier: dict[str, Any], *, shipping: bool) -> dict[str, Any]:
    """The lines as the command carries them. Without a number it is what is left of the line, or was when it was asked for."""
    from ..model.case import refunded_parts
    from ..model.refunds import refundable

    if not texts and not shipping:
        return {"all": True}
    rest = {part.line_id: part.quantity for part in refundable(case.order, refunded_parts(case))}
    fees = {fee.id for fee in case.order.fees}
    left = {line.id: rest[line.id] for line in case.order.lines} | dict.fromkeys(fees, 1)
    before = {str(line["line_id"]): int(line["quantity"]) for line in earlier.get("lines", ())}
    wanted = []
    for text in texts:
        line_id, _, number = text.partition("=")
        if line_id not in left or not (number or "1").isdecimal() or number == "0":
            there = ", ".join(f"{name}={quantity}" for name, quantity in left.items())
            raise click.UsageError(f"--line {text}: {case.ref} has the lines {there} left to give back")
        wanted.append({"line_id": line_id, "quantity": int(number) if number else before.get(line_id) or left[line_id] or 1})
    return ({"lines": wanted} if wanted else {}) | ({"shipping": True} if shipping else {})


def _worth(case: Case, body: dict[str, Any]) -> str:
    """The amount as the command carries it: always said, so that it is what the person saw."""
    from ..errors import Conflict
    from ..model.case import refund_left
    from ..model.refunding import wanted_refund

    if not refund_left(case):
        raise Conflict(f"{case.ref}: nothing is left to give back")
    try:
        return wanted_refund(case, body, "preview").amount.text
    except ValueError as error:
        raise Conflict(f"{case.ref}: {error}") from error


def _was_asked(app: App, order: OrderRow, wish: Wish) -> dict[str, Any]:
    """An earlier refund with the same request id: by now there is less left, and it is the same act."""
    from ..store import commands

    with app.database.reading() as connection:
        given = commands.given(connection, order.id, wish.request_id)
    return given.body if given else {}


def _currency(order: OrderRow) -> str:
    return order.total.currency if order.total else ""


def _case(app: App, order: OrderRow) -> Case:
    from ..errors import Conflict

    with app.database.reading() as connection:
        case = app.orders.read(connection, order.id)
    if case is None:
        raise Conflict(f"{order.ref} was not read from the platform yet: connector pull")
    return case


def _called(order: OrderRow) -> str:
    return f"{order.ref} ({order.number})" if order.number else order.ref


def _confirmed(order: OrderRow, question: str, wish: Wish, *, yes: bool, preview: tuple[str, ...] = ()) -> Wish:
    """Ask a person at a terminal. The answer is about what was shown, so the command carries that version."""
    if yes or wish.as_json or not (sys.stdin.isatty() and out.seen_by_a_person()):
        return wish
    out.show(*preview)
    click.confirm(out.clean(f"{question} This cannot be undone."), abort=True)
    return replace(wish, version=order.version if wish.version is None else wish.version)
