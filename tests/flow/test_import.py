"""The first import of a store: resumable, in little memory, and what is history stays history."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from connector import news
from connector.model.flow import Stage
from connector.sandbox.faults import Rule
from connector.store import shared
from connector.store.tables import orders, state
from tests.flow.shop import Shop, open_shop

YEARS_AGO = datetime.now(UTC) - timedelta(days=1000)


def age(shop: Shop, *platform_ids: str, days: float = 300) -> None:
    """They were placed and changed long ago."""
    store = shop.sandbox.store
    with store.lock:
        for number, platform_id in enumerate(platform_ids):
            order = store.orders[int(platform_id)]
            order.created = order.modified = (order.created - timedelta(days=days) + timedelta(seconds=number)).replace(
                microsecond=0
            )


def bring_in(shop: Shop, since: datetime = YEARS_AGO) -> int:
    """An import to its end; how many orders it saw."""
    seen = 0
    for batch in news.import_orders(shop.app, shop.account, since=since):
        for order_id in batch.order_ids:
            shop.app.advance(order_id)
        seen = batch.so_far.seen
    return seen


def known(shop: Shop) -> int:
    with shop.app.database.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(orders)).scalar_one())


def with_status(shop: Shop, status: str) -> str:
    platform_id = shop.buy()
    shop.staff(platform_id, "status", status=status)
    return platform_id


def test_what_has_ended_is_history(shop: Shop) -> None:
    """Completed, cancelled and refunded orders are there with their stage; nobody is told, nothing is written or shipped."""
    ended = {status: with_status(shop, status) for status in ("completed", "cancelled", "refunded")}
    age(shop, *ended.values())
    assert bring_in(shop) == 3
    shop.work()

    assert [shop.case(order).stage for order in ended.values()] == [Stage.COMPLETED, Stage.CANCELLED, Stage.CANCELLED]
    assert shop.mails() == []
    assert {state for order in ended.values() for state in shop.told(order).values()} <= {"waived"}
    assert shop.writes() == []


def test_an_open_order_is_reviewed_and_nobody_is_told_again(shop: Shop) -> None:
    """It can be shipped; that it was ordered was said long ago. What is told from now on is told."""
    paid, boxed = shop.buy(), shop.buy(po_box=True)
    age(shop, paid, boxed)
    bring_in(shop)
    shop.work()

    assert shop.case(paid).stage is Stage.PROCESSING
    assert shop.told(paid)["confirmed/customer"] == shop.told(paid)["confirmed/merchant"] == "waived"
    assert shop.case(boxed).stage is Stage.ON_HOLD
    assert {mail for mail in shop.told(boxed) if shop.told(boxed)[mail] == "sent"} == {"on_hold/customer", "on_hold/merchant"}
    assert shop.command(paid, "ship", carrier="UPS", tracking="1Z1") == ""
    assert shop.told(paid)["shipped/merchant"] == "sent"


def test_a_bank_transfer_that_is_awaited_is_told_when_it_comes(shop: Shop) -> None:
    """The old hold mails nobody; the money's arrival is confirmed as usual."""
    order = shop.buy(payment_method="bacs")
    age(shop, order)
    bring_in(shop)
    shop.work()
    assert shop.case(order).stage is Stage.ON_HOLD
    assert shop.mails() == []

    shop.staff(order, "status", status="processing")
    shop.work()

    assert shop.case(order).stage is Stage.PROCESSING
    assert shop.told(order)["confirmed/customer"] == "left_to_platform"


def test_an_order_placed_just_now_is_no_import(shop: Shop) -> None:
    """Who buys while the import runs is told like everybody else."""
    order = shop.buy()
    bring_in(shop)
    shop.work()

    assert shop.told(order)["confirmed/customer"] == "left_to_platform"


def test_what_nobody_paid_is_left_until_something_happens(shop: Shop) -> None:
    """Years of abandoned checkouts are no holds for a person to look at; one that is paid after all comes by the poll."""
    failed, unpaid = with_status(shop, "failed"), with_status(shop, "pending")
    age(shop, failed, unpaid)
    assert bring_in(shop) == 2
    assert known(shop) == 0

    shop.staff(failed, "status", status="processing")
    shop.work()

    assert shop.case(failed).stage is Stage.PROCESSING
    assert known(shop) == 1


def test_a_known_order_is_compared_only(shop: Shop) -> None:
    """An import beside a running connector changes nothing that it knows better."""
    order = shop.shipped()
    before = shop.case(order)
    mails = len(shop.mails())
    bring_in(shop)
    shop.work()

    assert shop.case(order) == before
    assert len(shop.mails()) == mails


def test_it_goes_on_where_it_was(shop: Shop) -> None:
    """The place is remembered page by page, once a page is worked off; asked for again, it reads no page twice but the last."""
    bought = [with_status(shop, "completed") for _ in range(25)]
    age(shop, *bought)
    shop.reopen()
    small_pages(shop)
    cut = news.import_orders(shop.app, shop.account, since=YEARS_AGO)
    next(cut), next(cut), next(cut)
    cut.close()  # the third page was told and not worked off

    asked = len(pages_asked(shop))
    assert bring_in(shop) >= 25
    assert known(shop) == 25
    # 25 orders of different seconds, 5 a page, the last of a page read again: 7 pages whole, from the third one on here.
    assert len(pages_asked(shop)) - asked <= 5
    with shop.app.database.reading() as connection:
        keys = connection.execute(select(state.c.key)).scalars().all()
    assert not [key for key in keys if key.startswith("import")]  # done, so the next one begins anew


def test_a_shop_that_goes_down_in_the_middle(shop: Shop) -> None:
    """What was stored stays, and the rest comes when the shop is back."""
    bought = [with_status(shop, "completed") for _ in range(12)]
    age(shop, *bought)
    small_pages(shop)
    importing = news.import_orders(shop.app, shop.account, since=YEARS_AGO)
    next(importing)
    shop.sandbox.faults.add(Rule(kind="html", times=0))
    with pytest.raises(Exception, match="web page"):
        list(importing)
    shop.sandbox.faults.clear()

    bring_in(shop)
    assert known(shop) == 12


def test_what_cannot_be_read_is_for_a_person(shop: Shop) -> None:
    """It stops nobody, is not forgotten, and stands in a task."""
    good, bad = shop.buy(), shop.buy()
    shop.tamper(bad, lambda order: setattr(order, "currency", "ABC"))
    age(shop, good, bad)
    bring_in(shop)
    shop.work()

    assert shop.case(good).stage is Stage.PROCESSING
    assert "cannot be read" in shop.tasks(bad)[0]


def test_the_poll_begins_before_the_import(tmp_path: Path, sqlite_url: str) -> None:
    """What changes while the import runs is the poll's: its cursor is set before the first page is read."""
    with open_shop(tmp_path, sqlite_url) as shop:
        places = shared.AccountState(shop.app.database, shop.app.vault, shop.account.id)
        places.delete(news.CURSOR)
        bring_in(shop)

        assert places.get(news.CURSOR) is not None


def test_killed_and_called_again(shop: Shop) -> None:
    """`connector pull --since`, killed with SIGKILL in the middle, brings in everything when it is called again."""
    bought = [with_status(shop, "completed") for _ in range(60)]
    age(shop, *bought)
    shop.config.write_text(shop.config.read_text().replace('mail = "mail"', 'mail = "mail"\npage_size = 10', 1), "utf-8")
    command = [sys.executable, "-m", "connector.cli", "--config", str(shop.config), "pull", "shop", "--since", "2020-01-01"]
    environ = {**os.environ, **shop.environ}
    shop.sandbox.faults.add(Rule(kind="slow", times=0, seconds=0.1, match="orders"))
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        end = time.monotonic() + 20
        while known(shop) < 20:
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < end
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert known(shop) < 60
    shop.sandbox.faults.clear()

    done = subprocess.run(command, env=environ, capture_output=True, check=True, text=True)

    with shop.app.database.writing() as connection:  # the order that the dead one had in hand is free after 90 s
        connection.execute(update(orders).values(lease_token=None, lease_until=None))
    shop.work_off()
    assert known(shop) == 60
    assert {shop.case(order).stage for order in bought} == {Stage.COMPLETED}
    assert "shop: " in done.stdout
    assert done.stderr == ""  # no progress bar where nobody sees it


def small_pages(shop: Shop, size: int = 5) -> None:
    text = shop.config.read_text()
    shop.config.write_text(text.replace('mail = "mail"', f'mail = "mail"\npage_size = {size}', 1), "utf-8")
    shop.reopen()


def pages_asked(shop: Shop) -> list[str]:
    sent = shop.sandbox.records.since(0)["requests"]
    return [one["path"] for one in sent if one["path"].endswith("/orders")]
