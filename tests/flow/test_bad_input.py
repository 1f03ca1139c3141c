"""Wrong settings and broken answers: the text names the account and the fix, nothing is lost, and it goes on when mended."""

from __future__ import annotations

import pytest

from connector import news
from connector.errors import ConfigError, ConnectorError, RemoteError
from connector.model.events import CheckResult, EffectState, TaskKind
from connector.model.flow import Stage
from connector.outbound.http import Wire
from connector.sandbox.faults import Rule
from tests.flow.shop import NAME, SHIP, Shop, shortened

WIRE = dict(Wire.__init__.__kwdefaults__ or {})
ORDER = r"orders/\d+$"


def failed_checks(shop: Shop) -> dict[str, str]:
    checks = shop.app.hooks.check_account(shop.account)
    return {check.name: f"{check.text} {check.fix}" for check in checks if check.result is CheckResult.FAILED}


def goes_on(shop: Shop, order: str) -> None:
    """After the cause was mended: the order is found, worked on by itself, and can be shipped."""
    shop.later(hours=1)
    assert shop.case(order).stage is Stage.PROCESSING
    assert shop.row(order).problem == ""
    assert shop.row(order).failures == 0
    assert shop.tasks(order) == []
    assert shop.command(order, "ship", **SHIP) == ""
    assert shop.status(order) == "completed"


# --- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("unknown", "`consumer_key` is unknown to the shop. Copy it again"),
        ("mistyped", "`consumer_secret` does not belong to this key"),
        ("wo", "this key may only write. In WooCommerce > Settings > Advanced > REST API set its permissions to Read/Write"),
        ("cust", "give the key to a shop manager or administrator"),
    ],
)
def test_a_key_that_does_not_work(shop: Shop, name: str, said: str) -> None:
    """Poll, check and order all say which key of which account is wrong and what to do; a webhook is kept meanwhile."""
    good = {name: shop.environ[name] for name in ("DEMO_KEY", "DEMO_SECRET")}
    key, secret = shop.sandbox.key(name if name in ("wo", "cust") else "rw")
    bad = ("ck_" + "0" * 40, secret) if name == "unknown" else (key, "cs_" + "0" * 40) if name == "mistyped" else (key, secret)
    order = shop.buy()
    shop.reopen(DEMO_KEY=bad[0], DEMO_SECRET=bad[1])
    with pytest.raises(ConfigError) as told:
        shop.poll()
    shop.webhook(order)
    shop.work(poll=False)

    for text in (str(told.value), shop.row(order).problem, failed_checks(shop)["orders"]):
        assert text.startswith(f"account shop, consumer key ending in {bad[0][-7:]}: ")
        assert said in text
        assert bad[1] not in text
    shop.reopen(**good)
    goes_on(shop, order)


def test_a_key_that_may_only_read(shop: Shop) -> None:
    """`check` finds it before the first order does; the first write says the same, and is made once when it is mended."""
    good = {name: shop.environ[name] for name in ("DEMO_KEY", "DEMO_SECRET")}
    key, secret = shop.sandbox.key("ro")
    shop.reopen(DEMO_KEY=key, DEMO_SECRET=secret)
    order = shop.new_order(payment_method="bacs")
    shop.command(order, "approve")

    said = "this key may only read. In WooCommerce > Settings > Advanced > REST API set its permissions to Read/Write."
    assert list(failed_checks(shop)) == ["writing"]
    assert said in failed_checks(shop)["writing"]
    assert said in shop.row(order).problem
    assert shop.status(order) == "on-hold"
    shop.reopen(**good)
    goes_on(shop, order)
    assert [move["to"] for move in shop.truth(order)["transitions"]] == ["pending", "on-hold", "processing", "completed"]


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (
            404,
            "has no WooCommerce REST API. Check `url` (with the folder, if WordPress lives in one), that WooCommerce is active",
        ),
        (200, "the shop answered with a web page instead of data (HTTP 200)"),
        (301, "sends us on to another address. Set `url` to the address the shop ends up at."),
        (403, "something in front of the shop turned us away (HTTP 403): a firewall, a security plugin or a password page."),
        (503, "the shop answered with a web page instead of data (HTTP 503): maintenance, a crash, or a protection page."),
    ],
    ids=["no-api-or-plain-permalinks", "not-wordpress", "moved", "firewall", "maintenance"],
)
def test_an_address_that_is_no_shop(shop: Shop, status: int, said: str) -> None:
    """A web page instead of data, whatever its status: it is said where to look, and never taken for an empty list."""
    order = shop.buy()
    shop.sandbox.faults.add(Rule(kind="html", status=status, times=0))
    with pytest.raises(ConnectorError) as told:
        shop.poll()
    shop.webhook(order)
    shop.work(poll=False)

    for text in (str(told.value), shop.row(order).problem, failed_checks(shop)["orders"]):
        assert said in text
        assert NAME in text
    shop.sandbox.faults.clear()
    goes_on(shop, order)


def test_an_address_where_nobody_is(shop: Shop) -> None:
    """No connection is no configuration error: it is tried again, and the text says what to check."""
    order = shop.buy()
    config = shop.config.read_text()
    shop.config.write_text(config.replace(shop.sandbox.url, "http://127.0.0.1:1"))
    shop.reopen()
    with pytest.raises(RemoteError, match=r"no connection could be made\. Check the address and whether the server is up"):
        shop.poll()
    shop.webhook(order)
    shop.work(poll=False)
    assert "no connection could be made" in shop.row(order).problem
    shop.config.write_text(config)
    shop.reopen()

    goes_on(shop, order)


# --- answers ----------------------------------------------------------------------------------------------------------

READING = {
    "html": "the shop answered with a web page instead of data (HTTP 503)",
    "429": "the shop asks to wait (HTTP 429)",
    "413": "the shop answered with a web page instead of data (HTTP 413)",
    "truncated": "the answer broke off in the middle",
    "huge": "the answer is larger than 8 MB",
    "error_500_before": "the shop's server failed (HTTP 500)",
    "timeout_before": "no complete answer within 0.3 s",
    "reset_before": "the connection broke before the answer was complete",
}


@pytest.mark.parametrize("kind", READING)
def test_a_broken_answer_to_a_read(shop: Shop, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The poll's cursor stays, the order waits, and both go on by themselves when the shop is well again."""
    monkeypatch.setattr(Wire.__init__, "__kwdefaults__", {**WIRE, "deadline_s": 0.3})
    order = shop.buy()
    shop.sandbox.faults.add(Rule(kind=kind, method="GET", times=0, seconds=2.0))
    with pytest.raises(ConnectorError) as told:
        shop.poll()
    shop.webhook(order)
    shop.work(poll=False)

    assert READING[kind] in str(told.value)
    assert READING[kind] in shop.row(order).problem
    assert str(told.value).startswith(f"{NAME}: ")
    assert shop.tasks(order) == []
    shop.sandbox.faults.clear()
    goes_on(shop, order)


@pytest.mark.parametrize(
    "kind", ["html", "429", "truncated", "huge", "error_500_before", "error_500_after", "timeout_after", "reset_after"]
)
def test_a_broken_answer_to_a_write(shop: Shop, kind: str) -> None:
    """Whether it happened is looked up; it happens exactly once, and the order goes on."""
    order = shop.new_order(payment_method="bacs")
    shortened(shop.app, deadline_s=0.5)
    shop.sandbox.faults.add(Rule(kind=kind, method="PUT", match=ORDER, seconds=2.0))
    shop.command(order, "approve")
    shop.sandbox.faults.clear()
    shop.long_ago()
    goes_on(shop, order)

    assert [move["to"] for move in shop.truth(order)["transitions"]] == ["pending", "on-hold", "processing", "completed"]


def test_a_write_that_is_too_large(shop: Shop) -> None:
    """A no is a no: a task says so, nothing is repeated, and the order can be shipped all the same."""
    order = shop.new_order(payment_method="bacs")
    shop.sandbox.faults.add(Rule(kind="413", method="PUT", match=ORDER))
    shop.command(order, "approve")
    shop.later(days=1)

    (title,) = shop.tasks(order, TaskKind.PROBLEM)
    assert title.startswith(f"shop/{order}: push_status was refused: {NAME}: set order {order} to open: HTTP 413")
    assert [row.state for row in shop.effects(order, "push_status")] == [EffectState.REFUSED]
    assert shop.status(order) == "on-hold"
    assert shop.command(order, "ship", **SHIP) == ""
    assert shop.status(order) == "completed"


def test_an_order_that_fails_for_days(shop: Shop) -> None:
    """It is tried less and less often, a person is asked once, and the task goes by itself when it goes on."""
    order = shop.new_order()
    shop.sandbox.faults.add(Rule(kind="html", times=0))
    shop.webhook(order)
    tries = []
    for _ in range(200):
        shop.later(minutes=5, poll=False)
        tries.append(shop.row(order).failures)
    assert shop.tasks(order, TaskKind.PROBLEM)[0].startswith(
        f"shop/{order} does not get on: {NAME}: read order {order}: the shop"
    )
    assert len(shop.tasks(order)) == 1
    assert 30 < tries[-1] < 60
    assert [account.name for account in news.platforms(shop.app)] == [NAME]
    shop.sandbox.faults.clear()

    goes_on(shop, order)
