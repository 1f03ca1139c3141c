"""A case becomes JSON and comes back the same, and what is personal in it can be taken out and put back."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.model.case import Case, Personal, RefundRecord, join, part
from connector.model.codec import from_json, plain, to_json, typed
from connector.model.money import Money
from connector.model.order import Address, Customer, Order, PlatformRefund
from tests.model.strategies import cases, examples, orders
from tests.store.world import make_order

MARKER = "MARKER-7f3a"


@examples(54)
@given(case=cases())
def test_a_case_comes_back_as_it_was(case: Case) -> None:
    """Emoji, right-to-left letters, HTML, NULs, zones, amounts: nothing changes on the way to JSON and back."""
    assert from_json(to_json(case), Case) == case
    assert typed(plain(case), Case) == case
    assert to_json(from_json(to_json(case), Case)) == to_json(case)
    json.loads(to_json(case))


@examples(30)
@given(minor=st.integers(-(10**40), 10**40))
def test_amounts_beyond_64_bits_survive(minor: int) -> None:
    """JSON has no largest number, and neither have we."""
    money = Money(minor=minor, currency="IRR")

    assert from_json(to_json(money), Money) == money


@examples(36)
@given(case=cases())
def test_taking_the_personal_data_out_and_putting_it_back_loses_nothing(case: Case) -> None:
    """What was parted and joined, also over JSON, is the case as it was."""
    bare, personal = part(case)

    assert join(bare, personal) == case
    assert join(from_json(to_json(bare), Case), from_json(to_json(personal), Personal)) == case
    assert part(bare) == (bare, Personal())


def _marked(of: type[Any], where: str) -> Any:
    return of(**{field.name: f"{MARKER}-{where}-{field.name}" for field in fields(of)})


@examples(30)
@given(case=cases(min_lines=1))
def test_the_bare_case_holds_nothing_personal(case: Case) -> None:
    """A marker in every personal field is in the personal part and nowhere in what is stored readably."""
    order = replace(
        case.order,
        customer=_marked(Customer, "customer"),
        billing=_marked(Address, "billing"),
        shipping=_marked(Address, "shipping"),
        customer_note=f"{MARKER}-note",
        staff_notes=(f"{MARKER}-staff",),
        lines=tuple(replace(line, personal=((f"{MARKER}-label", f"{MARKER}-text"),)) for line in case.order.lines),
    )

    bare, personal = part(replace(case, order=order))

    assert MARKER not in to_json(bare).decode()
    expected = len(fields(Customer)) + 2 * len(fields(Address)) + 2 + 2 * len(order.lines)
    assert to_json(personal).decode().count(MARKER) == expected


def test_half_an_emoji_does_not_stop_an_order() -> None:
    """A note that a script cut in the middle of an emoji cannot be written as UTF-8; it is stored with a question mark."""
    note = json.loads('"cut off \\ud83d"')

    assert from_json(to_json(Customer(name=note)), Customer) == Customer(name="cut off ?")
    assert from_json(to_json({note: [note]}), dict[str, list[str]]) == {"cut off ?": ["cut off ?"]}


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'{"minor": "1", "currency": "EUR"}', b"\xff", b'{"minor": 1, "currency": "XXX"}']
)
def test_what_does_not_fit_is_a_value_error(data: bytes) -> None:
    """Broken JSON, other types, other letters and values that our own words refuse."""
    with pytest.raises(ValueError):
        from_json(data, Money)


def test_an_error_names_the_path() -> None:
    """Whoever mends it has to know where."""
    with pytest.raises(ValueError, match=r"currency.*\$\.request\.amount|\$\.request\.amount"):
        from_json(b'{"request": {"id": "r", "amount": {"minor": 1, "currency": "nope"}}}', RefundRecord)


@examples(30)
@given(
    order=orders(currency="EUR", min_lines=1), what=st.sampled_from(["total", "tax", "discount", "line", "refund", "payment"])
)
def test_an_order_has_one_currency(order: Order, what: str) -> None:
    """A sum in another currency, wherever it stands, makes it no order of ours."""
    yen = Money(minor=100, currency="JPY")
    changed: dict[str, Any] = {what: yen}
    if what == "line":
        changed = {"lines": (replace(order.lines[0], tax=yen), *order.lines[1:])}
    elif what == "refund":
        changed = {"refunds": (PlatformRefund(id="1", amount=yen),)}
    elif what == "payment":
        if not order.payments:
            return
        changed = {"payments": (replace(order.payments[0], disputed=yen),)}

    with pytest.raises(ValueError, match=f"order {order.platform_id}: .*JPY"):
        replace(order, **changed)


def test_an_order_needs_zones_and_distinct_lines() -> None:
    """A time without a zone could be any hour; two lines of one id could not be told apart when shipping."""
    order = make_order("1")
    with pytest.raises(ValueError, match="zone"):
        replace(order, updated_at=datetime(2026, 1, 1))
    with pytest.raises(ValueError, match="same id"):
        replace(order, lines=(order.lines[0], order.lines[0]))
    with pytest.raises(ValueError, match="quantity"):
        replace(order.lines[0], quantity=0)
    assert replace(order, updated_at=datetime(2026, 1, 1, tzinfo=UTC)).updated_at.tzinfo is UTC


FIRST_TOGETHER = """
import sys, threading, time
from connector.model import codec
from connector.model.order import Order

body, start = sys.stdin.buffer.read(), threading.Barrier(8)
sys.setswitchinterval(1e-6)

def read(number):
    start.wait()
    until = time.perf_counter() + number * 0.0004
    while time.perf_counter() < until:
        pass
    codec.from_json(body, Order)

threads = [threading.Thread(target=read, args=(number,)) for number in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


def test_threads_that_read_their_first_order_together() -> None:
    """msgspec alone takes the process down in two of three tries: a type that is not prepared yet is seen by other threads."""
    body = to_json(make_order("1"))
    for _ in range(6):
        done = subprocess.run([sys.executable, "-c", FIRST_TOGETHER], input=body, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
