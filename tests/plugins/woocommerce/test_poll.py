"""The poll's cursor: times, zones, crowded seconds, the bin, and orders that cannot be read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import responses
from hypothesis import given, settings
from hypothesis import strategies as st

from connector import ConfigError, TryLater
from connector.plugins import woocommerce
from connector.testing import make_context

from .conftest import API, CONFIG, NOW, query

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
GMT = "%Y-%m-%dT%H:%M:%S"


class Shop:
    """A list of orders that answers as recorded: bounds exclusive, zones as in 04b, pages, no bin in `any`."""

    def __init__(self, template, *, offset_h=0, clock=NOW):
        self.template, self.offset, self.clock = template, timedelta(hours=offset_h), clock
        self.rows, self.calls, self.before_answer = {}, [], None

    def put(self, number, modified, status="processing", **more):
        self.rows[number] = self.template | {
            "id": number,
            "number": str(number),
            "status": status,
            "date_modified_gmt": modified.strftime(GMT),
            "date_created_gmt": modified.strftime(GMT),
            **more,
        }

    def bound(self, asked):
        moment = datetime.fromisoformat(asked["moment"])
        assert asked["gmt"] or moment.tzinfo, "a naive time without the flag is the shop's local time"
        if moment.tzinfo and asked["gmt"]:
            moment -= self.offset  # the shift that was recorded
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment

    def answer(self, request):
        asked = query(type("Call", (), {"request": request}))
        self.calls.append(asked)
        if self.before_answer:
            self.before_answer(asked)
        found = self.select(asked)
        size = int(asked.get("per_page", 10))
        assert 1 <= size <= 100
        page = int(asked.get("page", 1))
        pages = -(-len(found) // size)
        headers = {
            "X-WP-Total": str(len(found)),
            "X-WP-TotalPages": str(pages),
            "Date": format_datetime(self.clock, usegmt=True),
        }
        return 200, headers, json.dumps(found[(page - 1) * size : page * size])

    def select(self, asked):
        gmt = asked.get("dates_are_gmt") == "true"
        hidden = {"any": ("trash", "checkout-draft"), "trash": ()}[asked.get("status", "any")]
        rows = [row for row in self.rows.values() if row["status"] not in hidden]
        rows = [row for row in rows if asked.get("status") != "trash" or row["status"] == "trash"]
        for name, field, side in (
            ("modified_after", "date_modified_gmt", 1),
            ("modified_before", "date_modified_gmt", -1),
            ("after", "date_created_gmt", 1),
            ("before", "date_created_gmt", -1),
        ):
            if name in asked:
                bound = self.bound({"moment": asked[name], "gmt": gmt})
                rows = [row for row in rows if side * (self.time(row, field) - bound).total_seconds() > 0]
        key = {"modified": "date_modified_gmt", "date": "date_created_gmt", "id": "id"}[asked.get("orderby", "date")]
        return sorted(rows, key=lambda row: row[key], reverse=asked.get("order", "desc") == "desc")

    @staticmethod
    def time(row, field):
        return datetime.strptime(row[field], GMT).replace(tzinfo=UTC)


@pytest.fixture
def made(paid):
    """A shop behind responses, for one or more contexts."""
    shop = Shop(paid)
    with responses.RequestsMock() as mock:
        mock.add_callback(responses.GET, f"{API}/orders", callback=shop.answer)
        yield shop


def poll(ctx, cursor):
    return woocommerce.poll_orders(ctx, cursor)


def catch_up(ctx, cursor, limit=200):
    """All pages until there is no more: ids in the order in which they came, and where it rests."""
    ids = []
    for _ in range(limit):
        page = poll(ctx, cursor)
        ids += [order.platform_id for order in page.orders]
        assert page.next_cursor >= cursor, "a cursor never goes back"
        cursor = page.next_cursor
        if not page.more:
            return ids, cursor
    raise AssertionError("it goes round in circles")


def test_the_first_poll_starts_now(made, ctx):
    """An empty cursor is now by the shop's or our clock, whichever is earlier, less the overlap; it brings no old orders."""
    made.put(1, NOW - timedelta(days=1))
    page = poll(ctx, "")
    assert (page.orders, page.next_cursor, page.more) == ((), "2026-11-22T18:58:00Z", True)
    made.clock = NOW - timedelta(minutes=7)
    assert poll(ctx, "").next_cursor == "2026-11-22T18:51:00Z"


@pytest.mark.parametrize("offset_h", [-5, 0, 1, 9])
def test_fact_1_time_zones_of_the_shop_do_not_matter(made, ctx, offset_h):
    """New York, UTC, Berlin, Tokyo: times go out in GMT without a zone, with the flag, and every change is found once."""
    made.offset = timedelta(hours=offset_h)
    made.put(1, NOW - timedelta(minutes=5))
    made.put(2, NOW - timedelta(hours=4))
    page = poll(ctx, "2026-11-22T18:00:00Z")
    assert [order.platform_id for order in page.orders] == ["1"]
    asked = made.calls[0]
    assert asked["modified_after"] == "2026-11-22T17:59:59"
    assert asked["dates_are_gmt"] == "true"


def test_a_cursor_in_another_zone_is_the_same_time(made, ctx):
    """A person may start from a local time."""
    poll(ctx, "2026-11-22T13:00:00-05:00")
    assert made.calls[0]["modified_after"] == "2026-11-22T17:59:59"
    with pytest.raises(ConfigError, match="not a time"):
        poll(ctx, "yesterday")


def test_fact_2_the_cursors_own_second_is_read_again(made, ctx):
    """A second change in the second where the cursor stands is found."""
    made.put(1, START)
    _, cursor = catch_up(ctx, "2026-11-22T12:00:00Z")
    made.put(2, START)
    ids, _ = catch_up(ctx, "2026-11-22T12:00:00Z")
    assert ids == ["1", "2"]
    assert cursor >= "2026-11-22T12:00:00Z"


def test_the_cursor_rests_behind_the_newest_change(made, ctx):
    """Two minutes behind the newest change: what becomes visible late is read by the next poll."""
    made.put(1, NOW - timedelta(seconds=10))
    page = poll(ctx, "2026-11-22T18:00:00Z")
    assert page.next_cursor == "2026-11-22T18:57:50Z"
    made.put(2, NOW - timedelta(seconds=60))  # stamped before the first one, visible after it
    assert [order.platform_id for order in poll(ctx, page.next_cursor).orders] == ["2", "1"]


def test_without_news_the_cursor_follows_the_clock(made, context):
    """A quarter of an hour behind, so that a burst is not read again for ever."""
    made.put(1, NOW - timedelta(minutes=40))
    assert poll(context(), "2026-11-22T18:00:00Z").next_cursor == "2026-11-22T18:45:00Z"
    made.clock = NOW - timedelta(minutes=30)  # the shop's clock is slow: its times count
    assert poll(context(), "2026-11-22T18:00:00Z").next_cursor == "2026-11-22T18:18:00Z"


def test_a_shop_clock_ahead_of_ours_does_not_push_the_cursor_ahead(made, ctx):
    """Changes stamped in our future leave the cursor behind our now."""
    made.clock = NOW + timedelta(minutes=30)
    made.put(1, NOW + timedelta(minutes=30))
    assert poll(ctx, "2026-11-22T18:00:00Z").next_cursor == "2026-11-22T18:58:00Z"


def test_pages_move_the_cursor_and_use_no_numbers(made, context):
    """Old changes come a page at a time, oldest first, each page from where the last one ended."""
    for number in range(25):
        made.put(number + 1, START + timedelta(seconds=number))
    ids, _ = catch_up(context(page_size=10), "2026-11-22T11:00:00Z")
    assert list(dict.fromkeys(ids)) == [str(number + 1) for number in range(25)]
    assert not any("page" in asked for asked in made.calls)
    assert {asked["orderby"] for asked in made.calls} == {"modified"}


def test_changes_while_paging_are_not_lost(made, context):
    """An order that is modified between two pages moves to the end of the list; no other one is skipped."""
    for number in range(30):
        made.put(number + 1, START + timedelta(seconds=number))

    def touch(asked):
        if len(made.calls) == 3:
            made.put(2, NOW - timedelta(hours=1))

    made.before_answer = touch
    ids, _ = catch_up(context(page_size=10), "2026-11-22T11:00:00Z")
    assert set(ids) == {str(number + 1) for number in range(30)}


def test_more_than_a_page_in_one_second(made, context):
    """A bulk edit gives hundreds of orders the same second: all are read, and it goes on after them."""
    for number in range(57):
        made.put(number + 1, START)
    made.put(100, START + timedelta(seconds=1))
    ids, _ = catch_up(context(page_size=10), "2026-11-22T11:00:00Z")
    assert sorted(set(ids), key=int) == [str(number) for number in (*range(1, 58), 100)]


def test_orders_that_leave_a_crowded_second_move_nobody_past_us(made, context):
    """While that second is read page by page, orders of it are modified again: nobody is missed."""
    for number in range(57):
        made.put(number + 1, START)

    def touch(asked):
        if "page" in asked:
            made.put(1 + len(made.calls) % 57, NOW - timedelta(minutes=30))

    made.before_answer = touch
    ids, _ = catch_up(context(page_size=10), "2026-11-22T11:00:00Z")
    assert set(ids) == {str(number + 1) for number in range(57)}


def test_a_burst_in_the_last_two_minutes_is_read_in_one_go(made, context):
    """The cursor must not move into them, so they come as one page, and the next poll reads them again."""
    for number in range(35):
        made.put(number + 1, NOW - timedelta(seconds=100) + timedelta(seconds=number))
    page = poll(context(page_size=10), "2026-11-22T18:58:00Z")
    assert len(page.orders) == 35
    assert not page.more
    assert page.next_cursor == "2026-11-22T18:58:00Z"


def test_fact_5_the_bin_is_polled_too(made, context):
    """`any` leaves binned orders out; they come along in the order of time, as DELETED."""
    for number in range(12):
        made.put(number + 1, START + timedelta(seconds=number), status="trash" if number % 3 == 0 else "processing")
    ctx = context(page_size=5)
    page = poll(ctx, "2026-11-22T11:00:00Z")
    assert page.more
    ids, _ = catch_up(ctx, "2026-11-22T11:00:00Z")
    assert set(ids) == {str(number + 1) for number in range(12)}
    assert {order.means.value for order in page.orders} == {"open", "deleted"}


def test_fact_7_drafts_are_left_out(made, ctx):
    """Unfinished checkouts are no orders, also if a plugin's shop lists them."""
    made.put(1, START, status="auto-draft")
    made.put(2, START)
    assert catch_up(ctx, "2026-11-22T11:00:00Z")[0] == ["2"]


def test_an_order_that_cannot_be_read_stops_nobody(made, ctx):
    """It is named apart, the others come, and it comes when it is corrected."""
    made.put(1, START, total="32,22")
    made.put(2, START)
    page = poll(ctx, "2026-11-22T11:00:00Z")
    assert ([order.platform_id for order in page.orders], page.unreadable) == (["2"], ("1",))
    made.put(1, START + timedelta(seconds=5))
    assert set(catch_up(ctx, "2026-11-22T11:00:00Z")[0]) == {"1", "2"}


def test_a_time_that_cannot_be_read_stops_nobody(made, ctx):
    """A row without its own time is named apart like any other that cannot be read."""
    made.put(1, START)
    made.put(2, START + timedelta(seconds=1))
    answer = made.select
    made.select = lambda asked: [row | {"date_modified_gmt": None} if row["id"] == 1 else row for row in answer(asked)]
    page = poll(ctx, "2026-11-22T11:00:00Z")
    assert ([order.platform_id for order in page.orders], page.unreadable) == (["2"], ("1",))


def test_headers_that_something_takes_away(shop, context, paid):
    """Without X-WP-TotalPages a crowded second cannot be read whole: better later than a part."""
    store = Shop(paid)
    for number in range(12):
        store.put(number + 1, START)
    shop.add_callback("GET", f"{API}/orders", callback=lambda request: (200, {}, store.answer(request)[2]))
    with pytest.raises(TryLater, match="X-WP-TotalPages"):
        poll(context(page_size=10), "2026-11-22T12:00:00Z")


def test_a_list_that_is_none(shop, ctx):
    """An object where the list should be is not taken for an empty list."""
    shop.get(f"{API}/orders", json={"orders": []})
    with pytest.raises(TryLater, match="not a list"):
        poll(ctx, "2026-11-22T12:00:00Z")


# --- import -----------------------------------------------------------------------------------------------------------


def test_import_reads_all_orders_since_a_date(made, context):
    """By date of creation, oldest first, page by page, crowded seconds included, the bin left out."""
    for number in range(23):
        made.put(number + 1, START + timedelta(seconds=number // 15))
    made.put(99, START - timedelta(days=1))
    made.put(98, START, status="trash")
    ids = brought_in(context(page_size=10), START.isoformat())
    assert list(dict.fromkeys(ids)) == [str(number + 1) for number in range(23)]
    assert {asked["orderby"] for asked in made.calls} <= {"date", "id"}


def test_an_import_goes_on_from_any_cursor(made, context):
    """What was cut after a page goes on with that page's cursor, and nobody is missed."""
    for number in range(25):
        made.put(number + 1, START + timedelta(seconds=7 * number))
    page = woocommerce.import_orders(context(page_size=10), START.isoformat())
    assert page.more
    rest = brought_in(context(page_size=10), page.next_cursor)
    assert {order.platform_id for order in page.orders} | set(rest) == {str(number + 1) for number in range(25)}


def test_an_import_names_what_cannot_be_read(made, ctx):
    """An old order that cannot be read is told apart, as by a poll."""
    made.put(1, START, total="32,22")
    made.put(2, START + timedelta(seconds=1))
    page = woocommerce.import_orders(ctx, START.isoformat())
    assert ([order.platform_id for order in page.orders], page.unreadable, page.more) == (["2"], ("1",), False)


def test_lists_ask_only_for_what_is_read(made, ctx, recorded):
    """`_fields` names all that is read of an order and nothing else: no IP address, no browser, no links."""
    made.put(1, START)
    poll(ctx, "2026-11-22T11:00:00Z")
    asked = made.calls[0]["_fields"].split(",")
    assert not {"customer_ip_address", "customer_user_agent", "order_key", "_links"} & set(asked)
    for name, raw in recorded.orders():
        some = {key: value for key, value in raw.items() if key in asked}
        assert woocommerce.parse_order(ctx, some) == woocommerce.parse_order(ctx, raw), name


def brought_in(ctx, cursor):
    ids, more = [], True
    while more:
        page = woocommerce.import_orders(ctx, cursor)
        assert not page.more or page.next_cursor > cursor
        ids += [order.platform_id for order in page.orders]
        cursor, more = page.next_cursor, page.more
    return ids


# --- anything ---------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    seconds=st.lists(st.integers(0, 12), max_size=40),
    binned=st.sets(st.integers(0, 39)),
    page_size=st.integers(1, 7),
    age=st.sampled_from([0, 60, 3600]),
)
def test_whatever_the_times_nobody_is_missed(paid_once, seconds, binned, page_size, age):
    """For any crowd of seconds, sizes of pages and age: every order is read, and the cursor ends."""
    shop = Shop(paid_once)
    first = NOW - timedelta(seconds=age + 20)
    for number, second in enumerate(seconds):
        shop.put(number + 1, first + timedelta(seconds=second), status="trash" if number in binned else "processing")
    with responses.RequestsMock() as mock:
        mock.add_callback(responses.GET, f"{API}/orders", callback=shop.answer)
        ctx = make_context(woocommerce, CONFIG | {"page_size": page_size}, now=NOW)
        ids, cursor = catch_up(ctx, first.strftime(GMT) + "Z")
    assert set(ids) == {str(number + 1) for number in range(len(seconds))}
    assert cursor <= (NOW - timedelta(seconds=120)).strftime(GMT) + "Z" or cursor == first.strftime(GMT) + "Z"


@pytest.fixture(scope="module")
def paid_once(recorded):
    return recorded.body("02", "paid_processing")
