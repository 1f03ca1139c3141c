"""Shopify's no, in words that a merchant can do something with.

Most of these errors have no code: they are told by their sentence (recorded with 2025-01 and 2026-04). What is not in the table
is shown as Shopify says it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector import Context, OutcomeUnknown, Refused

from . import client


@dataclass(frozen=True, slots=True)
class No:
    """`code`: Shopify's, or our word where it has none. `says`: how its sentence is recognized. `text`: for the merchant."""

    code: str
    says: str
    text: str


GONE = "GONE"
CANCELLED, CANCELLING, FULFILLED = "ALREADY_CANCELLED", "CANCELLATION_IN_PROGRESS", "HAS_FULFILLMENTS"
DUPLICATE_HOLD = "DUPLICATE_FULFILLMENT_HOLD_HANDLE"
STALE = "CHANGE_FROM_QUANTITY_STALE"
NOT_DONE_BEFORE = "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"
OTHER_VALUES = "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
STILL_AT_IT = "IDEMPOTENCY_CONCURRENT_REQUEST"
# Shopify does not say whether anything was done.
UNSURE = frozenset({"SERVICE_UNAVAILABLE", "INTERNAL_ERROR", STILL_AT_IT})

_UNSPLIT = "Shopify cannot split what is to be sent here: it is on hold or being worked on. Do it in Shopify."
_LEDGER = "Shopify keeps a stock of that kind only for apps that count it themselves."

TABLE = (
    # --- the key of @idempotent, which every such change shares ---
    No(STILL_AT_IT, r"request is currently in progress", "Shopify is still at the first try."),
    No(OTHER_VALUES, r"idempotency key cannot be used with different", "Shopify knows this change with other values."),
    No(NOT_DONE_BEFORE, r"request with this idempotency key failed", "Shopify says that its first try failed."),
    # --- orders and cancelling ---
    No(GONE, r"Order does not exist", "the shop does not have this order any more."),
    No("NOT_FOUND", r"^(Order|The order) (not found|could)", "the shop does not have this order any more."),
    No(CANCELLED, r"already been cancell?ed", "it is cancelled in Shopify already."),
    No(CANCELLING, r"Cancellation is already in progress", "Shopify is cancelling it already."),
    No(
        FULFILLED,
        r"has outstanding fulfillments",
        "something of it is fulfilled in Shopify. Cancel the fulfillment there first, or refund what was not sent.",
    ),
    No("STAFF_NOTE", r"Staff note is too long", "the reason is longer than the 255 characters that Shopify takes."),
    No("REFUND_TWICE", r"Only one of the arguments `refund`", "Shopify was told twice what to do with the money."),
    No("NO_REFUND_PERMISSION", r"refund_orders permission", "the app's user may not refund orders (refund_orders)."),
    No("NO_REFUND_TO_STORE_CREDIT_PERMISSION", r"refund_to_store_credit", "the app's user may not give store credit."),
    No("STORE_CREDIT_REFUND_EXPIRATION_IN_PAST", r"expiration date is in the past", "the store credit would be out of date."),
    No("STORE_CREDIT_REFUND_MISSING_CUSTOMER", r"order has no customer", "a guest cannot get store credit."),
    No("STORE_CREDIT_REFUND_B2B_NOT_SUPPORTED", r"B2B order", "a company's order cannot be given back as store credit."),
    No("INTERNAL_ERROR", r"internal error", "Shopify failed inside."),
    # --- shipments ---
    No(
        "SEVERAL_LOCATIONS",
        r"must be assigned to a single location",
        "Shopify wants these lines sent from several places: one parcel for each.",
    ),
    No("SEVERAL_ORDERS", r"must belong to the same order", "these lines are of several orders."),
    No(
        "NOT_FULFILLABLE",
        r"has an unfulfillable status",
        "what was to be sent is closed, cancelled or held in Shopify by now. Look at the order there.",
    ),
    No(
        "NO_FULFILLMENT_ORDER", r"^Fulfillment order does not exist", "Shopify has arranged the order's parcels anew meanwhile."
    ),
    No("NO_SUCH_LINE", r"line item does not exist", "the order does not have this line any more."),
    No(
        "TOO_MANY",
        r"Invalid fulfillment order line item quantity",
        "not so many pieces are left to send in Shopify: something was sent or cancelled there meanwhile.",
    ),
    No("NO_PIECES", r"Quantity must be greater than 0", "a parcel needs at least one piece of each line."),
    No("NO_FULFILLMENT", r"^Fulfillment does not exist", "Shopify does not have this parcel any more."),
    # --- holds ---
    No(DUPLICATE_HOLD, r"handle provided .* already in use", "this hold is there already."),
    No(
        "FULFILLMENT_ORDER_HOLD_LIMIT_REACHED",
        r"maximum number of fulfillment holds",
        "there are 10 holds of this app on it already, and Shopify takes no more. Release one first.",
    ),
    No("FULFILLMENT_ORDER_NOT_SPLITTABLE", r"not in a splittable state", _UNSPLIT),
    No("DUPLICATED_FULFILLMENT_ORDER_LINE_ITEMS", r"unique line item ids", "a line is named twice."),
    No("GREATER_THAN_ZERO", r"at least one item to place on", "a hold needs at least one piece."),
    No("FULFILLMENT_ORDER_NOT_FOUND", r"fulfillment order (could|was)", "Shopify has arranged the order's parcels anew."),
    No("INVALID_LINE_ITEM_QUANTITY", r"line item quantity is invalid", "not so many pieces are left to hold."),
    No("INVALID_ACCESS", r"access to release", "another app or the staff set this hold: it can only be released in Shopify."),
    No("TAKEN", r"already taken", "it is held in this way already."),
    # --- captures ---
    No(
        "NO_FINAL_CAPTURE",
        r"Setting final capture is not supported",
        "this payment can be captured only once, so nothing can be said about a last time.",
    ),
    No("NOTHING_TO_CAPTURE", r"Amount must be greater than zero", "there is nothing to capture."),
    No(
        "NOT_AUTHORIZED",
        r"Can only capture successful authorizations|should be a successful authorization",
        "this payment is not authorized (any more). Ask the customer to pay again.",
    ),
    No("OVER_CAPTURE", r"Cannot capture more than the authorized", "more was to be captured than the customer authorized."),
    No("CURRENCY", r"must match parent transaction", "the payment is in another currency."),
    No("NO_PAYMENT", r"Unable to find parent transaction", "the order does not have this payment."),
    No("TRANSACTION_NOT_FOUND", r"Transaction does not exist", "the order does not have this payment."),
    No(
        "AUTH_NOT_SUCCESSFUL",
        r"must be a successful authorization",
        "this payment is not an authorization that could be let go.",
    ),
    No(
        "AUTH_NOT_VOIDABLE",
        r"referring to a voidable transaction",
        "this authorization was captured or let go already. Refund what was captured.",
    ),
    No("GENERIC_ERROR", r"generic error", "Shopify or the gateway could not let the authorization go. Try it in Shopify."),
    # --- refunds ---
    No(
        "OVER_REFUND",
        r"is greater than net payment received",
        "more was to be given back than is left of what the customer paid.",
    ),
    No("TOO_MANY_REFUNDED", r"cannot refund more items than were purchased", "not so many pieces are left to give back."),
    No("NO_PARENT", r"require a parent_id", "the order does not have the payment that was to be given back."),
    No("KIND", r"is not a valid transaction", "Shopify does not give back a payment of this kind."),
    # --- stock ---
    No("INVALID_INVENTORY_ITEM", r"inventory item could not be found", "the shop does not have this product any more."),
    No(
        "INVALID_LOCATION",
        r"location could not be found",
        "the shop does not have this location (any more): look at `restock_location` of the account.",
    ),
    No(
        "ITEM_NOT_STOCKED_AT_LOCATION",
        r"not stocked at the location",
        "the product is not stocked at this location in Shopify.",
    ),
    No(
        "NON_MUTABLE_INVENTORY_ITEM",
        r"inventory item is not allowed to be adjusted",
        "the stock of a bundle follows from its parts.",
    ),
    No(STALE, r"no longer matches the persisted quantity", "somebody else changed the stock in the same moment."),
    No("ADJUST_QUANTITIES_FAILED", r"couldn't be adjusted", "Shopify could not change the stock."),
    No("SERVICE_UNAVAILABLE", r"temporarily unavailable", "Shopify's stock cannot be reached just now."),
    No("INTERNAL_LEDGER_DOCUMENT", r"Internal \(gid://shopify/\) ledger", _LEDGER),
    No("INVALID_AVAILABLE_DOCUMENT", r"not allowed when adjusting available", _LEDGER),
    No("INVALID_LEDGER_DOCUMENT", r"specified ledger document is invalid", _LEDGER),
    No("INVALID_QUANTITY_DOCUMENT", r"ledger document URI is required", _LEDGER),
    No("MAX_ONE_LEDGER_DOCUMENT", r"must have the same ledger document", _LEDGER),
    No("INVALID_REFERENCE_DOCUMENT", r"reference document is invalid", "Shopify does not take our reference to the order."),
    No("INVALID_QUANTITY_NAME", r"quantity name is invalid", "Shopify does not count a stock of this name."),
    No("INVALID_QUANTITY_TOO_LOW", r"can't be lower than", "the stock would be lower than Shopify can count."),
    No("INVALID_QUANTITY_TOO_HIGH", r"can't be higher than", "the stock would be higher than Shopify can count."),
    No("INVALID_REASON", r"specified reason is invalid", "Shopify does not take this reason for a change of stock."),
)


def known(code: str, message: str) -> No | None:
    """The row for an error of Shopify's: by its code, or else by its sentence."""
    by_code = next((row for row in TABLE if code and row.code == code), None)
    return by_code or next((row for row in TABLE if re.search(row.says, message, re.IGNORECASE)), None)


def change(ctx: Context, operation: str, variables: Mapping[str, Any], doing: str, *, key: str = "") -> dict[str, Any]:
    """`client.mutate`, its no in our words; Refused.code is Shopify's, or the row's where Shopify has none.

    Raises:
        Refused, TryLater, ConfigError: nothing happened. OutcomeUnknown: it may have happened.
    """
    try:
        return client.mutate(ctx, operation, variables, doing, key=key)
    except Refused as no:
        raise _said(no) from no


def _said(no: Refused) -> Refused | OutcomeUnknown:
    message = str(no.args[0])
    row = known(no.code, message)
    if row is None:
        text, code = f"Shopify says: {message}", no.code
    else:
        text, code = f"{row.text} (Shopify says: {message})", row.code
    about = {"account": no.account, "operation": no.operation, "code": code, "vendor_request_id": no.vendor_request_id}
    return OutcomeUnknown(text, **about) if code in UNSURE else Refused(text, **about)
