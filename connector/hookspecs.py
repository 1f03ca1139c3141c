"""Every hook: the contract between the core and its plugins.

A plugin implements the hooks that its kind needs and no others. Each is called for one account at a time; the account, and
everything else a hook may use, is in `ctx`. An implementation names only the arguments it wants. Hooks only grow arguments.

The families follow an order's life: about, intake, review, money, fulfillment, sync back, people, rehearsal. Every
docstring has the same sections. *Repeats* is the important one: what happens when this runs twice with the same key?

Errors may come out of any hook: TryLater (nothing happened), Refused (the vendor said no), Unsupported (it cannot be
expressed; raised before anything is sent), OutcomeUnknown (sent, no answer), ConfigError (a person edits the configuration).
*Raises* names what is particular to a hook. Anything else is a bug of the plugin and stops this order only.
"""

# mypy: disable-error-code="empty-body"

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from .context import Context
    from .model.case import Note, StatusChange
    from .model.events import CarrierView, Check, Delivery, DutyEvent, Effect, Found, Message, News, Page, Person, Sent
    from .model.order import Address, Order
    from .model.payment import Captured, CaptureRequest
    from .model.plugin import PluginInfo
    from .model.refunds import Cancelled, CancelRequest, MoneyEvent, Refunded, RefundRequest
    from .model.review import Finding, FraudScore, Hold, VerifiedAddress
    from .model.shipping import (
        Label,
        LabelRequest,
        Parcel,
        Shipment,
        ShippingQuote,
        StockChange,
        SupplierOrder,
        SupplierOrderRequest,
        TrackingEvent,
    )

hookspec = pluggy.HookspecMarker("connector")
hookimpl = pluggy.HookimplMarker("connector")

# --- 1. about ---------------------------------------------------------------------------------------------------------


@hookspec
def describe() -> PluginInfo:
    """Say who this plugin is, what it can do and what it wants configured.

    Called: when plugins are loaded, before any account exists. Must not import an SDK or touch the network.
    Args: none.
    Returns: PluginInfo with a unique name, its kinds, the hook contract it was written for, its config class and effect rules.
    Raises: nothing.
    Repeats: any number of times; the answer is always the same.
    Source: docs/writing-plugins.md
    """


@hookspec
def check_account(ctx: Context) -> list[Check]:
    """Look whether this account works: address, keys, permissions, versions, clocks.

    Called: by `connector check`, by `init` and before an account goes live.
    Args: ctx: the account under test. It only reads.
    Returns: one Check for everything looked at, good news too, in the order in which a person would fix them.
    Raises: nothing for a wrong account: that is a failed Check with its fix.
    Repeats: any number of times; it changes nothing.
    Source: docs/configuration.md
    """


# --- 2. intake --------------------------------------------------------------------------------------------------------


@hookspec
def verify_webhook(ctx: Context, delivery: Delivery) -> bool:
    """Is this delivery really from the vendor?

    Called: by the webhook endpoint, before the delivery is stored and answered.
    Args: ctx: the account the address belongs to. delivery: raw bytes and lower-case headers, as they came.
    Returns: True to store it, False for a ping that is to be answered with 200 and forgotten.
    Raises: BadSignature where the signature is missing or wrong.
    Repeats: any number of times; it changes nothing and reads nothing from the network.
    Source: docs/flow.md#intake
    """


@hookspec
def parse_webhook(ctx: Context, delivery: Delivery) -> list[News]:
    """Say which orders a stored delivery is about.

    Called: by a job, after the delivery was answered; again when a person replays it.
    Args: ctx: the account. delivery: exactly what was stored.
    Returns: News for each order that it touches, or an empty list where it is about none. A request about people's data is
        News of the kind customer_request, customer_redact or shop_redact, with the customer's address and orders.
    Raises: BadPayload naming the path of what cannot be read; the delivery is kept.
    Repeats: any number of times; news is only a hint to look.
    Source: docs/flow.md#intake
    """


@hookspec
def ensure_webhooks(ctx: Context, address: str) -> list[Check]:
    """Make sure that the platform sends its webhooks to us, and switch on again what it has switched off.

    Called: when `run` starts and on a schedule.
    Args: ctx: the account. address: where deliveries are to go (https).
    Returns: one Check for every topic.
    Raises: Refused where the key may not write webhooks.
    Repeats: finds what it made before and leaves it alone; never a second subscription for one topic.
    Source: docs/flow.md#intake
    """


@hookspec
def fetch_order(ctx: Context, platform_id: str) -> Order | None:
    """Read one order as it is now, with everything that parse_order cannot see in it (notes, refunds in detail).

    Called: when there is news of it, and before the first irreversible effect.
    Args: ctx: the account. platform_id: the platform's id.
    Returns: the order, or None where the platform does not have it (any more).
    Raises: BadPayload naming the path of what cannot be read.
    Repeats: any number of times; it changes nothing.
    Source: docs/flow.md#intake
    """


@hookspec
def parse_order(ctx: Context, raw: Mapping[str, Any]) -> Order:
    """Turn the platform's JSON of one order into our words. Pure.

    Called: by the plugin's own hooks, by replays and by tests on recordings.
    Args: ctx: the account (its configuration says how statuses map). raw: the JSON as the platform sent it.
    Returns: the order.
    Raises: BadPayload naming the path; a paid amount that minor units cannot express is one.
    Repeats: any number of times; the same JSON gives the same order.
    Source: docs/flow.md#intake
    """


@hookspec
def poll_orders(ctx: Context, cursor: str) -> Page:
    """Read what changed since the cursor, oldest first, with an overlap; never by page number.

    Called: on a schedule, by one process at a time; by `connector pull`.
    Args: ctx: the account. cursor: where the last page ended, an RFC 3339 time to start from, or "" for the very first poll
        (which starts now, not at the beginning of time).
    Returns: a Page; orders that were seen before may be in it again.
    Raises: TryLater; the cursor then stays.
    Repeats: the same cursor gives at least the same changes.
    Source: docs/flow.md#intake
    """


@hookspec
def import_orders(ctx: Context, cursor: str) -> Page:
    """Read orders placed since a time, oldest first; never by page number, and at most some hundred at once.

    Called: by `connector pull ACCOUNT --since DATE`, page after page until there is no more; after a cut from where it was.
    Args: ctx: the account. cursor: an RFC 3339 time to start from, or where the last page ended.
    Returns: a Page; orders of the page before may be in it again.
    Raises: TryLater; the cursor then stays.
    Repeats: any number of times; orders that are known are only compared.
    Source: docs/flow.md#intake
    """


@hookspec
def missing_orders(ctx: Context, platform_ids: tuple[str, ...]) -> list[str]:
    """Say which of these orders the platform does not list any more, with as few calls as it can.

    Called: once a day for open orders that nothing was heard of, where a platform can delete an order without telling anybody.
    Args: ctx: the account. platform_ids: some hundred at most a thousand.
    Returns: the ids of those that are not listed. Each is then fetched, so one too many does no harm.
    Raises: TryLater.
    Repeats: any number of times.
    Source: docs/flow.md#intake
    """


# --- 3. review --------------------------------------------------------------------------------------------------------


@hookspec
def review_order(ctx: Context, order: Order, carriers: tuple[CarrierView, ...]) -> list[Finding]:
    """Say what a person or the policy should know about this order.

    Called: for every plugin that reviews for this shop, one at a time, when an order is new or has changed.
    Args: ctx: the account, or the plugin's defaults where it has none. order: as the platform tells it now.
        carriers: those of the shop, with what they will not deliver to.
    Returns: findings; an empty list if there is nothing to say. Values in them are masked.
    Raises: anything: it becomes a finding against this plugin and hides nobody else's.
    Repeats: any number of times; it changes nothing.
    Source: docs/flow.md#review
    """


@hookspec
def score_fraud(ctx: Context, order: Order) -> FraudScore:
    """Ask a fraud service how risky this order is.

    Called: in review, for every fraud account of the shop. Vendors bill per query, so the answer is kept by what was asked.
    Args: ctx: the fraud account. order: as the platform tells it now.
    Returns: a score from 0 to 100 with its level and reasons.
    Raises: TryLater; the policy says whether the order waits for the score.
    Repeats: the kept score is used; the vendor is asked again only if the order's facts changed.
    Source: docs/flow.md#review
    """


@hookspec
def verify_address(ctx: Context, address: Address) -> VerifiedAddress:
    """Ask an address service whether something can be delivered there.

    Called: in review, where a shop has an account that offers it.
    Args: ctx: the account. address: as the customer wrote it.
    Returns: what the service says; None in a field where it cannot tell.
    Raises: TryLater.
    Repeats: any number of times; it changes nothing (but may cost money: answers are kept).
    Source: docs/flow.md#review
    """


# --- 4. money ---------------------------------------------------------------------------------------------------------


@hookspec
def capture_payment(ctx: Context, order: Order, request: CaptureRequest) -> Captured:
    """Take money that the customer authorized.

    Called: at the first parcel (single capture) or with each (multi capture).
    Args: ctx: the payment or platform account. order: read again just before. request: id, amount and transaction.
    Returns: whether the money moved, and the gateway's id.
    Raises: Refused where the authorization has run out.
    Repeats: through ctx.effect; the same request id takes the money once.
    Source: docs/flow.md#fulfil
    """


@hookspec
def void_payment(ctx: Context, order: Order, payment_id: str) -> bool:
    """Let an authorization go that will not be captured.

    Called: when an order is cancelled before its money was taken.
    Args: ctx: the payment or platform account. order: read again just before. payment_id: which transaction.
    Returns: True if it is void now.
    Raises: Refused where it was captured meanwhile.
    Repeats: through ctx.effect; a second call finds it gone.
    Source: docs/flow.md#refund
    """


@hookspec
def refund_payment(ctx: Context, order: Order, request: RefundRequest) -> Refunded:
    """Give money back to the customer, and have the platform record it.

    Called: for every refund that was decided, by the platform's account where it can tell the gateway, else by the gateway's.
    Args: ctx: the account. order: read again just before; its sums are compared with the request. request: id, amount, lines.
    Returns: did the money move, is it recorded, was stock put back.
    Raises: Refused with the gateway's reason. Unsupported where this account cannot tell the gateway.
    Repeats: through ctx.effect; the same request id gives money back once.
    Source: docs/flow.md#refund
    """


@hookspec
def list_money(ctx: Context, cursor: str) -> tuple[list[MoneyEvent], str]:
    """List what moved at the gateway since the cursor, for comparing the books.

    Called: by `connector reconcile` and every night.
    Args: ctx: the payment account. cursor: where the last list ended, "" for the beginning.
    Returns: the movements and the next cursor.
    Raises: TryLater; the cursor then stays.
    Repeats: any number of times; it changes nothing.
    Source: docs/flow.md#refund
    """


# --- 5. fulfillment ---------------------------------------------------------------------------------------------------


@hookspec
def quote_shipping(ctx: Context, to: Address, parcels: tuple[Parcel, ...]) -> list[ShippingQuote]:
    """Ask what it would cost to send these parcels.

    Called: when a person or a rule compares carriers.
    Args: ctx: the carrier account. to: where. parcels: grams and millimetres.
    Returns: one quote for every service on offer.
    Raises: Refused where the carrier does not serve the address.
    Repeats: any number of times; it changes nothing.
    Source: docs/flow.md#fulfil
    """


@hookspec
def buy_label(ctx: Context, request: LabelRequest) -> Label:
    """Buy one label and return it with its tracking number.

    Called: for every shipment that was decided, with the carrier account chosen for it.
    Args: ctx: the carrier account. request: id, address, lines, parcels in grams and millimetres, a wanted service.
    Returns: the label with its document where there is one.
    Raises: Refused with the carrier's reason. Unsupported where the carrier cannot send this.
    Repeats: through ctx.effect; the same request id buys one label.
    Source: docs/flow.md#fulfil
    """


@hookspec
def void_label(ctx: Context, label: Label) -> bool:
    """Give a label back that was not used.

    Called: when an order is cancelled or changed after its label was bought.
    Args: ctx: the carrier account. label: as it was bought.
    Returns: True if it will be paid back, False if the carrier decides later.
    Raises: Refused where it was used or is too old.
    Repeats: through ctx.effect; a second call finds it void.
    Source: docs/flow.md#fulfil
    """


@hookspec
def track_shipment(ctx: Context, shipment: Shipment) -> list[TrackingEvent]:
    """Ask where a parcel is.

    Called: on a schedule until it has arrived.
    Args: ctx: the carrier account. shipment: with carrier and tracking number.
    Returns: all events so far, oldest first; an unknown state is UNKNOWN, never guessed.
    Raises: TryLater.
    Repeats: any number of times; it changes nothing.
    Source: docs/flow.md#fulfil
    """


@hookspec
def place_supplier_order(ctx: Context, request: SupplierOrderRequest) -> SupplierOrder:
    """Tell a manufacturer to send these lines straight to the customer.

    Called: for every part of an order that a supplier ships.
    Args: ctx: the supplier account. request: id (goes along as our reference), address, lines, note.
    Returns: the supplier's id and state.
    Raises: Refused with the supplier's reason.
    Repeats: through ctx.effect; the same request id makes one order.
    Source: docs/flow.md#fulfil
    """


@hookspec
def cancel_supplier_order(ctx: Context, vendor_id: str) -> SupplierOrder:
    """Ask a supplier to call an order off.

    Called: when the customer's order is cancelled or changed after the supplier had it.
    Args: ctx: the supplier account. vendor_id: the supplier's id.
    Returns: its state now; still PLACED where the supplier decides later.
    Raises: Refused where it was shipped.
    Repeats: through ctx.effect; a second call finds it cancelled.
    Source: docs/flow.md#fulfil
    """


@hookspec
def poll_supplier_orders(ctx: Context, cursor: str) -> tuple[list[SupplierOrder], str]:
    """Read what suppliers have to say since the cursor.

    Called: on a schedule, by one process at a time.
    Args: ctx: the supplier account. cursor: where the last list ended, "" for the beginning.
    Returns: changed supplier orders and the next cursor.
    Raises: TryLater; the cursor then stays.
    Repeats: any number of times; it changes nothing.
    Source: docs/flow.md#fulfil
    """


@hookspec
def adjust_inventory(ctx: Context, change: StockChange) -> bool:
    """Put stock back or take it, where the platform does not do so by itself.

    Called: after a refund or cancellation that left the stock as it was, if the merchant wants it back.
    Args: ctx: the platform account. change: product, variant, how many more (or fewer).
    Returns: True if it was changed, False where this product's stock is not tracked.
    Raises: Refused.
    Repeats: through ctx.effect; the same change id changes the stock once.
    Source: docs/flow.md#refund
    """


# --- 6. sync back -----------------------------------------------------------------------------------------------------


@hookspec
def push_shipment(ctx: Context, order: Order, shipment: Shipment) -> Order | None:
    """Tell the platform what was shipped, with carrier and tracking number.

    Called: after every shipment.
    Args: ctx: the platform account. order: as last seen. shipment: lines, carrier, tracking number and link.
    Returns: the platform's order after it, if the answer shows it, else None.
    Raises: Refused, Unsupported.
    Repeats: through ctx.effect; the same shipment id is told once.
    Source: docs/flow.md#sync-back
    """


@hookspec
def push_status(ctx: Context, order: Order, change: StatusChange) -> Order | None:
    """Set the platform's order status.

    Called: when the stage of an order asks for another status there, never against what staff has set.
    Args: ctx: the platform account. order: as last seen. change: the status in our words.
    Returns: the platform's order after it, if the answer shows it, else None.
    Raises: Refused, Unsupported.
    Repeats: through ctx.effect; a status that is there already is not set again.
    Source: docs/flow.md#sync-back
    """


@hookspec
def cancel_order(ctx: Context, order: Order, request: CancelRequest) -> Cancelled:
    """Call the whole order off on the platform, to its end (a platform's job is followed until it is done).

    Called: when a person or rule cancelled it. Money is given back by refund_payment, separately.
    Args: ctx: the platform account. order: read again just before. request: id, reason, whether stock goes back.
    Returns: done, and whether the platform has put the stock back.
    Raises: Refused where it is too late. Unsupported where stock cannot be treated as asked. TryLater while a job runs.
    Repeats: through ctx.effect; the same request cancels once and puts stock back once.
    Source: docs/flow.md#refund
    """


@hookspec
def set_hold(ctx: Context, order: Order, hold: Hold) -> bool:
    """Show a hold on the platform, where it knows holds.

    Called: when an order is held.
    Args: ctx: the platform account. order: as last seen. hold: reason, text, until.
    Returns: True if the platform shows it now.
    Raises: Unsupported where the platform has no holds.
    Repeats: through ctx.effect; the same hold is set once.
    Source: docs/flow.md#sync-back
    """


@hookspec
def release_hold(ctx: Context, order: Order, hold: Hold) -> bool:
    """Take a hold that we set off again.

    Called: when an order is released.
    Args: ctx: the platform account. order: as last seen. hold: as it was set.
    Returns: True if the platform shows it no longer.
    Raises: Unsupported where the platform has no holds.
    Repeats: through ctx.effect; a second call finds it gone.
    Source: docs/flow.md#sync-back
    """


@hookspec
def write_note(ctx: Context, order: Order, note: Note) -> bool:
    """Write a note on the platform's order.

    Called: at each decision, so that staff on the platform see what was decided and why.
    Args: ctx: the platform account. order: as last seen. note: text without personal data; private unless to_customer.
    Returns: True if it was written.
    Raises: Refused, Unsupported.
    Repeats: through ctx.effect; the same note is written once.
    Source: docs/flow.md#sync-back
    """


@hookspec
def find_effect(ctx: Context, effect: Effect) -> Found:
    """Find out whether an effect of this plugin, sent without an answer, has happened.

    Called: after the settle time of its rule has passed, before anything of that kind is sent again; also by a person.
    Args: ctx: the account. effect: kind, key, attempt, what was asked and, for looks_by state, the image from before.
    Returns: Happened with the answer that was lost, NotHappened, InProgress or CannotTell. "Not found" is not "did not happen".
    Raises: TryLater.
    Repeats: any number of times; it changes nothing.
    Source: docs/flow.md#the-ledger
    """


# --- 7. people --------------------------------------------------------------------------------------------------------


@hookspec
def notify(ctx: Context, message: Message) -> Sent:
    """Tell customer or merchant what happened.

    Called: for every duty that is ours, once. A cut in the middle makes it unknown, and a person decides.
    Args: ctx: the mail account of the shop. message: the duty, the order and the facts of the event.
    Returns: what the other side called the message.
    Raises: Refused where the address or message is refused for good. TryLater only before the message was handed over.
    Repeats: through ctx.effect; the same duty is sent at most once.
    Source: docs/flow.md#notify
    """


@hookspec
def platform_tells(ctx: Context, order: Order, shipment: Shipment | None) -> frozenset[tuple[DutyEvent, Person]]:
    """Say which messages about this order the platform sends itself just now, so that we do not.

    Called: when somebody is owed a message. Without this hook, or when it fails, the plugin's capabilities say it.
    Args: ctx: the platform account. order: as it was last seen; a change that we made ourselves just now is not in it yet.
        shipment: the one that is told of, `instead_of` set where its number is corrected; None where it is no news of ours.
    Returns: event and person of each message that reaches them without us.
    Raises: nothing: what cannot be found out now is as it was last, or as the platform has it when it is new.
    Repeats: any number of times, so what was read from the platform is kept for a day.
    Source: docs/flow.md#notify
    """


@hookspec
def export_customer(ctx: Context, email: str) -> Mapping[str, Any]:
    """Give out what this account holds about a customer.

    Called: by `connector customers export` and a platform's data request.
    Args: ctx: the account. email: who.
    Returns: a JSON-able mapping; empty if there is nothing.
    Raises: TryLater.
    Repeats: any number of times; it changes nothing.
    Source: docs/flow.md#people-and-their-data
    """


@hookspec
def erase_customer(ctx: Context, email: str) -> list[str]:
    """Erase what this account holds about a customer, at a vendor that keeps its own copy.

    Called: by `connector customers erase` and a platform's redaction request.
    Args: ctx: the account. email: who.
    Returns: what was erased, one line each, without personal data.
    Raises: Refused where the vendor must keep it, with the reason.
    Repeats: any number of times; a second call finds nothing.
    Source: docs/flow.md#people-and-their-data
    """


# --- 8. rehearsal -----------------------------------------------------------------------------------------------------


@hookspec
def make_test_order(ctx: Context, scenario: str, run: str) -> str:
    """Make an order for a scenario on a test store, tagged with the run.

    Called: by `connector rehearse`, only after the account has proved that it is a test store.
    Args: ctx: the platform account. scenario: its name. run: the tag that clean_up goes by.
    Returns: the platform's id of the order.
    Raises: Unsupported where this store cannot play the scenario.
    Repeats: through ctx.effect; the same run and scenario makes one order.
    Source: docs/flow.md#rehearsal
    """


@hookspec
def read_back(ctx: Context, platform_id: str) -> Mapping[str, Any]:
    """Read what the store, gateway or carrier really shows for a rehearsed order, for the report.

    Called: by `connector rehearse` when a scenario has come to rest.
    Args: ctx: the account. platform_id: the order.
    Returns: facts by name: status, refunded, stock, tracking, mails where they can be seen.
    Raises: TryLater.
    Repeats: any number of times; it changes nothing.
    Source: docs/flow.md#rehearsal
    """


@hookspec
def clean_up(ctx: Context, run: str) -> list[str]:
    """Remove everything that carries this run's tag, and nothing else.

    Called: by `connector rehearse` at the end, by a person after a cut.
    Args: ctx: the account. run: the tag.
    Returns: what was removed, one line each.
    Raises: TryLater in the middle.
    Repeats: any number of times; a second call finds nothing.
    Source: docs/flow.md#rehearsal
    """
