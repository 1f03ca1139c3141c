"""What a real WooCommerce does behind its API, fact by fact, and that our code is not surprised by it.

The numbers are those of the list of recorded facts; each test states its fact first. Most are played on the simulated store,
which was compared with the recordings answer by answer.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import select

from connector import news
from connector.errors import BadSignature, ConfigError
from connector.model.events import CheckResult, Delivery
from connector.model.flow import Stage
from connector.plugins.woocommerce import parse
from connector.plugins.woocommerce.orders import missing
from connector.plugins.woocommerce.reading import NOTHING
from connector.rehearse.demo import _free_port, serving
from connector.sandbox.faults import Rule
from connector.sandbox.woocommerce import forms
from connector.store.tables import deliveries
from tests.flow.shop import SHIP, WEB, Shop, open_shop


@pytest.fixture
def live(tmp_path: Path, sqlite_url: str) -> Iterator[Shop]:
    """A store, and a connector that is live for it."""
    with open_shop(tmp_path, sqlite_url) as shop:
        yield shop


def delivery(shop: Shop, body: dict[str, Any], **headers: str) -> Delivery:
    raw = json.dumps(body).encode()
    signed = {"x-wc-webhook-topic": "order.updated", "x-wc-webhook-signature": shop.sign(raw)}
    return Delivery(headers=signed | headers, body=raw, received_at=datetime.now(UTC))


def store_stock(shop: Shop, product_id: int) -> int:
    return shop.sandbox.store.products[product_id].stock or 0


def asked(shop: Shop) -> list[Any]:
    return [one for one in shop.sandbox.records.since(0)["requests"] if one["path"].endswith("/orders")]


# --- polling ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["America/New_York", "UTC", "Europe/Berlin", "Asia/Tokyo"])
def test_fact_01_modified_after_in_every_zone(live: Shop, zone: str) -> None:
    """A time with `Z` and `dates_are_gmt` is shifted by the shop's offset. Ours are naive GMT with the flag: none is missed."""
    live.sandbox.store.settings.timezone = zone
    order = live.new_order()
    assert abs(live.case(order).order.placed_at - datetime.now(UTC)) < timedelta(minutes=1)
    queries = [one["query"] for one in asked(live) if "modified_after" in one["query"]]
    assert queries
    assert all(query["dates_are_gmt"] == "true" and "Z" not in query["modified_after"] for query in queries)


def test_fact_02_whole_seconds_and_an_exclusive_bound(live: Shop) -> None:
    """The bound is exclusive and has whole seconds: a second change in the cursor's own second is read all the same."""
    second = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    live.sandbox.store.settings.frozen = second
    first = live.buy()
    cursor = second.isoformat()
    seen = [order.platform_id for order in live.app.hooks.poll_orders(live.account, cursor=cursor).orders]
    later = live.buy()
    again = [order.platform_id for order in live.app.hooks.poll_orders(live.account, cursor=cursor).orders]
    assert (seen, again) == ([first], [first, later])


def test_fact_03_every_put_changes_date_modified(live: Shop) -> None:
    """An empty PUT is a change to the shop and none to us: the order is not reviewed again, and nothing is done."""
    order = live.new_order()
    before, lines = live.case(order), live.timeline(order)
    live.app.clock.move(timedelta(seconds=2))
    live.sandbox.store.settings.clock_shift_s = 2
    live.tamper(order, lambda found: None)  # only the time
    live.work()
    assert live.case(order).order.updated_at > before.order.updated_at
    assert live.timeline(order) == lines


def test_fact_03_a_note_changes_no_time_and_is_seen_before_it_matters(live: Shop) -> None:
    """Notes of staff do not bump the order, so no poll shows them: the order is read again before a label is bought."""
    order = live.new_order()
    live.staff(order, "note", note="Do not ship before Friday")
    live.work()
    assert live.case(order).order.staff_notes == ()
    live.command(order, "ship", **SHIP)
    assert live.case(order).order.staff_notes == ("Do not ship before Friday",)


def test_fact_04_pages_go_by_time_and_keys_stay_secret(live: Shop) -> None:
    """Pages beyond the end are `200 []`, and links repeat keys: we page by time, and what is logged holds no secret."""
    bought = [live.buy() for _ in range(12)]
    live.config.write_text(live.config.read_text().replace('mail = "mail"', 'mail = "mail"\npage_size = 5', 1))
    live.reopen()
    live.work()
    assert all(live.find(order) is not None for order in bought)
    logged = " ".join(row.url for row in live.attempts())
    assert live.environ["DEMO_SECRET"] not in logged
    assert live.environ["DEMO_KEY"] not in logged
    assert int(max(one["query"].get("per_page", "1") for one in asked(live))) <= 100


def test_fact_05_drafts_the_bin_and_strange_statuses(live: Shop) -> None:
    """`any` shows unfinished checkouts and hides the bin: the first are no orders, the second are polled for themselves."""
    binned = live.new_order()
    draft = live.buy()
    live.tamper(draft, lambda order: setattr(order, "status", "checkout-draft"))
    live.staff(binned, "bin")
    live.work()
    assert live.find(draft) is None
    assert live.case(binned).stage is Stage.CANCELLED
    odd = live.new_order()
    live.tamper(odd, lambda order: setattr(order, "status", "packed"))
    live.work()
    assert (live.case(odd).order.means, live.case(odd).stage) == ("unknown", Stage.PROCESSING)


# --- orders -----------------------------------------------------------------------------------------------------------


def test_fact_06_no_idempotency_no_stock_check(live: Shop) -> None:
    """The same POST twice is two orders, and 500 of 20 are sold: we post no orders, and an oversold one is read."""
    order = live.shipped()
    assert not [call for call in live.writes() if call == "POST orders"]
    live.tamper(live.buy(), lambda found: setattr(found.line_items[0], "quantity", 500))
    live.work()
    assert live.case(str(int(order) + 1)).order.lines[0].quantity == 500


def test_fact_07_a_failed_checkout_leaves_a_draft(live: Shop) -> None:
    """A bad coupon leaves a `checkout-draft` that fires webhooks: it wakes nobody."""
    news.read_delivery(live.app, live.webhook("77", body=json.dumps({"id": 77, "status": "checkout-draft"}).encode()))
    live.work()
    assert live.find("77") is None


def test_fact_08_cod_set_paid_is_no_payment(live: Shop) -> None:
    """A checkout by COD is `processing` without `date_paid`, one by BACS on hold: neither counts as paid, whatever is done."""
    cod, bacs = live.new_order(payment_method="cod"), live.new_order(payment_method="bacs")
    assert [live.status(order) for order in (cod, bacs)] == ["processing", "on-hold"]
    assert {live.case(order).order.payments[0].captured.minor for order in (cod, bacs)} == {0}
    assert "on hold" in live.command(bacs, "ship", **SHIP)
    assert live.command(cod, "ship", **SHIP) == ""  # the policy ships COD unpaid
    assert live.case(cod).order.payments[0].kind == "cod"
    assert "more than" in live.command(cod, "refund", amount="1") or live.paid_back(cod) == []


def test_fact_09_strings_floats_html_and_objects(recorded: Any) -> None:
    """Amounts are text, prices floats, labels HTML, meta values objects: each recorded order is read, with right sums."""
    raw = recorded.body("02", "html_in_names")
    order = parse.order(raw, {})
    assert "<" not in "".join(line.name for line in order.lines)
    for name, each in recorded.orders():
        read = parse.order(each, {})
        parts = [*read.lines, *read.shipping_lines, *read.fees]
        assert sum(part.total.minor for part in parts) + read.tax.minor == read.total.minor, name


def test_fact_10_the_last_writer_wins(live: Shop) -> None:
    """No ETag, every change of status is allowed: what staff set between our reading and our writing is never overwritten."""
    order = live.new_order()
    live.staff(order, "status", status="cancelled")
    live.ask(order, "ship", **SHIP)
    live.work(poll=False)
    assert (live.status(order), live.case(order).stage) == ("cancelled", Stage.CANCELLED)
    assert live.effects(order, "buy_label") == []


def test_fact_11_json_says_that_it_is_json(live: Shop) -> None:
    """A body without the right content type is ignored with 200: what we write arrives. A PUT on a missing order is a no."""
    order = live.shipped()
    assert live.status(order) == "completed"
    gone = live.new_order()
    live.staff(gone, "delete")
    live.command(gone, "ship", **SHIP)
    assert live.case(gone).stage is Stage.CANCELLED
    assert f"PUT orders/{gone}" not in live.writes()


def test_fact_12_another_quantity_and_the_old_total(live: Shop) -> None:
    """A quantity changed by PUT leaves the total of the line: both are taken as the shop has them."""
    order = live.new_order(items=[{"product_id": 13, "quantity": 2}])
    total = live.case(order).order.total
    live.tamper(order, lambda found: setattr(found.line_items[0], "quantity", 1))
    live.work()
    assert (live.case(order).order.lines[0].quantity, live.case(order).order.total) == (1, total)


def test_fact_13_deleting_is_the_bin_and_a_status_brings_it_back(live: Shop) -> None:
    """The bin cancels; a status brings a binned order back without a webhook, and that is for a person."""
    order = live.new_order()
    live.staff(order, "bin")
    live.work()
    assert live.case(order).stage is Stage.CANCELLED
    live.staff(order, "restore")
    live.work()
    assert live.case(order).stage is Stage.CANCELLED
    assert "taken up again" in " ".join(live.tasks(order))


# --- refunds ----------------------------------------------------------------------------------------------------------


def test_fact_14_api_refund_is_true_when_left_out(live: Shop) -> None:
    """With a gateway that cannot refund that is HTTP 500: we say false there, and a person moves the money."""
    order = live.new_order(payment_method="bacs")
    live.staff(order, "status", status="processing")
    live.work()
    assert live.command(order, "refund", amount="5") == ""
    bodies = [json.loads(one["body"]) for one in refunds_sent(live)]
    assert [(body["api_refund"], body["api_restock"]) for body in bodies] == [(False, False)]
    assert live.paid_back(order) == []
    assert "5.00" in live.tasks(order)[0]


def test_fact_14_a_refusal_by_500_is_not_repeated(live: Shop) -> None:
    """A declined refund is HTTP 500 as well: asked once, and told to a person with the gateway's words."""
    order = live.new_order()
    live.sandbox.store.gateways["fakepay"].decline = "error"
    live.command(order, "refund", amount="5")
    live.later(hours=1)
    assert len(refunds_sent(live)) == 1
    assert live.tasks(order)


def test_fact_15_two_equal_refunds_at_once(live: Shop) -> None:
    """The shop has no lock and would pay twice: with us one order is one worker's, and the second has nothing left."""
    order = live.new_order()
    total = live.case(order).order.total.text
    for _ in range(2):
        live.ask(order, "refund", amount=total)
    order_id = live.row(order).id
    threads = [threading.Thread(target=live.app.advance, args=(order_id,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    live.work()
    assert live.paid_back(order) == [total]


def test_fact_16_the_row_is_there_before_the_gateway_answers(live: Shop) -> None:
    """A client that gives up does not stop the refund: it is looked up by its reason, and not sent again."""
    order = live.new_order()
    live.sandbox.faults.add(Rule(kind="reset_after", method="POST", match="refunds"))
    live.command(order, "refund", amount="5")
    live.long_ago()
    live.later(hours=1)
    assert live.paid_back(order) == ["5.00"]
    assert {row.state for row in live.effects(order, "refund_payment")} == {"done"}


def test_fact_17_refunds_of_nothing(live: Shop, recorded: Any, paid: dict[str, Any]) -> None:
    """`total: "-"` is no number: it is read as nothing. A refund of nothing, or with three decimals, is refused here."""
    bodies = [each["response"]["body"] for each in recorded.file("08")["exchanges"]]
    odd = [row for body in bodies if isinstance(body, dict) for row in body.get("refunds") or [] if row["total"] in NOTHING]
    assert {row["total"] for row in odd} == {"-", "-0.00"}
    assert [refund.amount.minor for refund in parse.order(paid | {"refunds": odd[:1]}, {}).refunds] == [0]
    bought = live.new_order()
    for amount in ("0", "1.005", "-1"):
        assert live.command(bought, "refund", amount=amount) != ""
    assert refunds_sent(live) == []


def test_fact_18_the_shop_refunds_what_was_never_bought(live: Shop) -> None:
    """Amounts need not match lines, and a fourth mug of three goes through: ours never exceed what is left."""
    order = live.new_order()
    live.staff(order, "refund", amount="10.00", gateway=True)
    live.work()
    assert "more than" in live.command(order, "refund", amount="10")
    assert live.paid_back(order) == ["10.00"]


def test_fact_19_the_status_refunded_moves_no_money(live: Shop) -> None:
    """Set by staff it writes a row without the gateway: the order is off, and that the money is still there is a task."""
    order = live.new_order()
    live.staff(order, "status", status="refunded")
    live.work()
    assert live.case(order).stage is Stage.CANCELLED
    assert live.paid_back(order) == []
    assert "still with you" in live.tasks(order)[0]


def test_fact_20_order_numbers_have_gaps(live: Shop) -> None:
    """Refunds use numbers of the same series: a gap is no missing order, and the next one is found."""
    first = live.new_order()
    live.command(first, "refund", amount="1")
    second = live.new_order()
    assert int(second) > int(first) + 1
    assert live.case(second).stage is Stage.PROCESSING


def refunds_sent(shop: Shop) -> list[Any]:
    sent = shop.sandbox.records.since(0)["requests"]
    return [one for one in sent if one["method"] == "POST" and one["path"].endswith("/refunds")]


# --- stock and e-mails ------------------------------------------------------------------------------------------------


def test_fact_21_stock_comes_back_once(live: Shop) -> None:
    """Cancelling puts stock back, refunding does not: cancelled and refunded, each piece is back exactly once."""
    before = store_stock(live, 13)
    order = live.new_order(items=[{"product_id": 13, "quantity": 3}])
    assert store_stock(live, 13) == before - 3
    live.command(order, "cancel", reason="changed her mind")
    assert store_stock(live, 13) == before


def test_fact_22_the_shop_does_not_tell_who_was_cancelled(live: Shop) -> None:
    """Its mail to the customer about a cancellation is off by default: ours goes out; what it mails itself is left to it."""
    order = live.new_order()
    live.command(order, "cancel", reason="changed her mind")
    told = live.told(order)
    assert (told["cancelled/customer"], told["confirmed/customer"]) == ("sent", "left_to_platform")
    assert told["refunded/customer"] == "left_to_platform"


def test_fact_23_unpaid_orders_may_stay_for_ever(live: Shop) -> None:
    """The shop cancels unpaid orders of the old checkout only: with us each waits, held, until the shop does."""
    order = live.buy(payment_method="bacs")
    live.tamper(order, lambda found: setattr(found, "status", "pending"))
    live.work()
    live.later(hours=3)
    assert live.case(order).stage is Stage.ON_HOLD
    live.staff(order, "status", status="cancelled")
    live.work()
    assert live.case(order).stage is Stage.CANCELLED


# --- webhooks ---------------------------------------------------------------------------------------------------------


def test_fact_24_without_visitors_no_webhook_ever_comes(live: Shop) -> None:
    """Deliveries wait for WP-Cron: an order goes all its way by polling alone."""
    live.sandbox.deliveries.configure(mode="natural", interval_s=3600)
    order = live.shipped()
    with live.app.database.reading() as connection:
        assert connection.execute(select(deliveries)).all() == []
    assert live.case(order).stage is Stage.COMPLETED


@pytest.mark.parametrize("topics", [("order.created", "order.updated"), ("order.updated", "order.created")])
def test_fact_25_created_and_updated_in_either_order(live: Shop, topics: tuple[str, str]) -> None:
    """One new order gives both, and `created` may already say cancelled: the order is there once, as it is now."""
    order = live.buy()
    live.staff(order, "status", status="cancelled")
    for topic in topics:
        live.webhook(order, topic)
        live.work(poll=False)
    assert live.case(order).stage is Stage.CANCELLED
    assert len([line for line in live.timeline(order) if "arrived" in line]) == 1
    assert live.mails() == []


def test_fact_26_the_delivery_id_is_not_unique(live: Shop) -> None:
    """Two orders of one second share a delivery id: both are stored and read."""
    bought = [live.buy(), live.buy()]
    same = {"x-wc-webhook-delivery-id": "0123456789abcdef"}
    for order in bought:
        assert news.receive(live.app, live.account, delivery(live, {"id": int(order)}, **same)) is not None
    live.work(poll=False)
    assert [live.case(order).stage for order in bought] == [Stage.PROCESSING] * 2


def test_fact_27_deleted_for_good_fires_nothing(live: Shop) -> None:
    """Neither webhook nor poll shows it: open orders that nobody touched for a day are looked for, all in one call."""
    kept, gone = live.new_order(), live.new_order()
    live.staff(gone, "delete")
    live.work()
    assert live.case(gone).stage is Stage.PROCESSING
    assert news.look_for_missing(live.app, live.account) == 0  # seen today
    live.app.clock.move(timedelta(days=1, minutes=1))
    calls = len(asked(live))
    assert news.look_for_missing(live.app, live.account) == 1
    assert len(asked(live)) - calls == 1
    live.work()
    assert [live.case(order).stage for order in (kept, gone)] == [Stage.PROCESSING, Stage.CANCELLED]
    assert "money" in live.tasks(gone)[0]


def test_fact_27_many_are_looked_for_in_few_calls(context: Any, shop: Any) -> None:
    """A hundred to a call, and only their ids."""
    seen: list[str] = []

    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        ids = re.search(r"include=([\d%C2,]+)", request.url)
        assert ids is not None
        asked_for = [int(one) for one in re.split(r",|%2C", ids[1])]
        seen.extend(map(str, asked_for))
        return 200, {}, json.dumps([{"id": one} for one in asked_for if one % 50])

    shop.add_callback("GET", "https://shop.example/wp-json/wc/v3/orders", callback=answer)
    wanted = tuple(str(number) for number in range(1, 251))
    assert missing(context(), wanted) == ["50", "100", "150", "200", "250"]
    assert seen == list(wanted)
    assert len(shop.calls) == 3


def test_fact_28_failed_deliveries_are_never_repeated(live: Shop) -> None:
    """The 7th failure switches a webhook off: it is switched on again, and what was lost is found by the poll."""
    news.ensure_webhooks(live.app, live.account)
    hooks = live.sandbox.store.webhooks
    for hook in hooks.values():
        hook.status = "disabled"
    lost = live.buy()
    news.ensure_webhooks(live.app, live.account)
    assert {hook.status for hook in hooks.values()} == {"active"}
    live.work()
    assert live.case(lost).stage is Stage.PROCESSING


def test_fact_29_a_ping_wants_exactly_200(live: Shop) -> None:
    """Anything else and it is sent again after every delivery; it is a form, unsigned, and about no order."""
    port = _free_port()
    with serving(live.app, port):
        answer = requests.post(f"http://127.0.0.1:{port}{WEB}", data={"webhook_id": "7"}, timeout=10)
    assert answer.status_code == 200
    with live.app.database.reading() as connection:
        assert connection.execute(select(deliveries)).all() == []


def test_fact_30_the_secret_is_always_sent(live: Shop) -> None:
    """Without one the shop makes up its own: each webhook of ours has ours, and what is signed otherwise is refused."""
    news.ensure_webhooks(live.app, live.account)
    assert {hook.secret for hook in live.sandbox.store.webhooks.values()} == {live.environ["DEMO_WEBHOOK_SECRET"]}
    with pytest.raises(BadSignature):
        news.receive(live.app, live.account, delivery(live, {"id": 1}, **{"x-wc-webhook-signature": "AAAA"}))


def test_fact_30_a_changed_secret_reaches_the_shop(live: Shop) -> None:
    """The shop never shows its secret: when ours was changed, each webhook is told, before deliveries fail."""
    news.ensure_webhooks(live.app, live.account)
    live.reopen(DEMO_WEBHOOK_SECRET="another one, just as long as the first")
    for _ in range(2):
        news.ensure_webhooks(live.app, live.account)
    assert {hook.secret for hook in live.sandbox.store.webhooks.values()} == {"another one, just as long as the first"}
    assert len([call for call in live.writes() if call.startswith("PUT webhooks")]) == 4


def test_fact_25_what_comes_back_of_our_own_writes_costs_nothing(live: Shop) -> None:
    """Each PUT of ours comes back as order.updated: what it shows is known already, and the order is not fetched."""
    order = live.shipped()
    reads = len(live.sandbox.records.since(0)["requests"])
    form = forms.order_form(live.sandbox.store, live.sandbox.store.orders[int(order)])
    live.webhook(order, body=json.dumps(form).encode())
    live.work(poll=False)
    assert len(live.sandbox.records.since(0)["requests"]) == reads
    live.webhook(order, body=json.dumps(form | {"total": "1.00"}).encode())
    live.work(poll=False)
    assert len(live.sandbox.records.since(0)["requests"]) > reads
    assert live.case(order).order.total.text != "1.00"  # what differs is not believed, but fetched


def test_fact_25_a_new_order_is_taken_from_its_payload(live: Shop) -> None:
    """The payload is the order as it is at delivery: it is there without a call. One that waited long is fetched."""
    first, second = live.buy(), live.buy()
    for order, minutes in ((first, 0), (second, 5)):
        form = forms.order_form(live.sandbox.store, live.sandbox.store.orders[int(order)])
        assert news.receive(live.app, live.account, delivery(live, form)) is not None
        live.later(poll=False, minutes=minutes)
    asked_for = [one["path"] for one in live.sandbox.records.since(0)["requests"]]
    assert [live.case(order).stage for order in (first, second)] == [Stage.PROCESSING] * 2
    assert not [path for path in asked_for if path.endswith(f"/orders/{first}")]
    assert [path for path in asked_for if path.endswith(f"/orders/{second}")]


# --- auth, batch, fulfillments ----------------------------------------------------------------------------------------


def test_fact_31_over_http_each_call_is_signed_anew(live: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Basic is ignored over http and a signed address works once: two equal calls both go through; a wrong clock is named."""
    for _ in range(2):
        live.app.hooks.poll_orders(live.account, cursor="2026-11-22T12:00:00Z")
    monkeypatch.setattr("woocommerce.api.time", lambda: time.time() + 3600)
    with pytest.raises(ConfigError, match="clock"):
        live.app.hooks.poll_orders(live.account, cursor="2026-11-22T12:00:00Z")


@pytest.mark.parametrize(("key", "what"), [("ro", "may only read"), ("wo", "may only write"), ("cust", "")])
def test_fact_32_keys_that_may_too_little(live: Shop, key: str, what: str) -> None:
    """A key that may only read, only write, or whose user has no rights is found by `check`, with what to do."""
    name, secret = live.sandbox.key(key)
    live.reopen(DEMO_KEY=name, DEMO_SECRET=secret)
    try:
        checks = live.app.hooks.check_account(live.account)
        said = " ".join(f"{one.text} {one.fix}" for one in checks if one.result is CheckResult.FAILED)
    except ConfigError as error:
        said = str(error)
    assert what in said
    assert "REST API" in said


def test_fact_33_a_batch_is_200_even_when_it_failed(live: Shop) -> None:
    """Each element carries its own error, so no effect of ours is in a batch: each is a call of its own, and is looked at."""
    live.shipped()
    live.app.hooks.check_account(live.account)
    batches = [one for one in live.sandbox.records.since(0)["requests"] if one["path"].endswith("/batch")]
    assert all(one["body"] in ("", "{}") for one in batches)


def test_fact_34_fulfillments_are_off_by_default(live: Shop) -> None:
    """Without them the number stands in the order's meta and in a note to the customer; the status is set by us."""
    order = live.shipped()
    truth = live.truth(order)
    assert SHIP["tracking"] in json.dumps(truth["meta"])
    assert [note for note in truth["notes"] if note["to_customer"] and SHIP["tracking"] in note["note"]]
    assert truth["status"] == "completed"
