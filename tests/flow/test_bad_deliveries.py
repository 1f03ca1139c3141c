"""What arrives at the webhook endpoint: only what is signed is stored, what is stored is never lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from sqlalchemy import Row, event, select

from connector.errors import BadPayload
from connector.model.flow import Stage
from connector.plugins.woocommerce import webhooks
from connector.rehearse.demo import _free_port, serving
from connector.store.tables import deliveries
from connector.web.webhooks import LARGEST
from tests.flow.shop import WEB, Shop


@dataclass(slots=True)
class Endpoint:
    """The web server, and what the database holds of what it was sent."""

    shop: Shop
    url: str

    def post(self, body: bytes, *, topic: str = "order.updated", path: str = WEB, **headers: str) -> int:
        """Deliver as the shop does; gives the status of the answer."""
        signed = {"X-WC-Webhook-Topic": topic, "X-WC-Webhook-Signature": self.shop.sign(body), **headers}
        return requests.post(self.url + path, data=body, headers=signed, timeout=10).status_code

    def stored(self) -> list[Row[Any]]:
        with self.shop.app.database.reading() as connection:
            return list(connection.execute(select(deliveries).order_by(deliveries.c.id)))

    def states(self) -> list[str]:
        return [row.state for row in self.stored()]


@pytest.fixture
def endpoint(shop: Shop) -> Iterator[Endpoint]:
    port = _free_port()
    with serving(shop.app, port):
        yield Endpoint(shop, f"http://127.0.0.1:{port}")


def about(order: str) -> bytes:
    return json.dumps({"id": int(order), "status": "processing"}).encode()


def test_a_webhook_is_stored_and_read_later(shop: Shop, endpoint: Endpoint) -> None:
    """200 means stored; what it is about is found out afterwards."""
    order = shop.buy()
    assert endpoint.post(about(order)) == 200
    assert endpoint.states() == ["new"]
    assert shop.find(order) is None
    shop.work(poll=False)

    assert endpoint.states() == ["done"]
    assert shop.case(order).stage is Stage.PROCESSING


@pytest.mark.parametrize("signature", ["", "wrong", "Ünïcödé".encode().decode("latin-1"), "A" * 44])
def test_a_wrong_signature(endpoint: Endpoint, signature: str) -> None:
    """It is not from the shop: refused, nothing is stored."""
    assert endpoint.post(b'{"id": 25}', **{"X-WC-Webhook-Signature": signature}) == 401
    assert endpoint.stored() == []


def test_a_body_that_was_changed_on_the_way(endpoint: Endpoint) -> None:
    """The signature covers every byte, white space too."""
    assert endpoint.post(b'{"id": 25} ', **{"X-WC-Webhook-Signature": endpoint.shop.sign(b'{"id": 25}')}) == 401
    assert endpoint.stored() == []


def test_ping(endpoint: Endpoint) -> None:
    """The unsigned form at the webhook's creation is answered with exactly 200, and not stored."""
    body, form = b"webhook_id=7", {"Content-Type": "application/x-www-form-urlencoded"}
    assert requests.post(endpoint.url + WEB, data=body, headers=form, timeout=10).status_code == 200
    assert requests.post(endpoint.url + WEB, data=body + b"&x=1", headers=form, timeout=10).status_code == 401
    assert endpoint.stored() == []


def test_a_body_that_is_too_large(endpoint: Endpoint) -> None:
    """It is refused before it fills our memory, also when it does not say how long it is."""
    body = b"[" + b" " * LARGEST + b"]"
    assert endpoint.post(body) == 413
    signed = {"X-WC-Webhook-Topic": "order.updated", "X-WC-Webhook-Signature": endpoint.shop.sign(body)}
    pieces = (body[start : start + 65536] for start in range(0, len(body), 65536))
    assert requests.post(endpoint.url + WEB, data=pieces, headers=signed, timeout=10).status_code == 413
    assert endpoint.stored() == []


@pytest.mark.parametrize("path", ["/webhooks/nobody", "/webhooks/mail", "/webhooks/post"])
def test_an_account_without_webhooks(endpoint: Endpoint, path: str) -> None:
    """Unknown, or of a plugin that takes none."""
    assert endpoint.post(b'{"id": 25}', path=path) == 404
    assert endpoint.stored() == []


def test_no_webhook_secret(shop: Shop, endpoint: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing can be checked, so nothing is taken; the log names the account and the fix."""
    config = shop.config.read_text()
    shop.config.write_text(config.replace('webhook_secret = {env = "DEMO_WEBHOOK_SECRET"}\n', ""))
    shop.reopen()
    port = _free_port()
    with serving(shop.app, port):
        assert Endpoint(shop, f"http://127.0.0.1:{port}").post(b'{"id": 25}') == 503

    assert "account shop: a webhook came in, but there is no webhook_secret. Set `webhook_secret`" in caplog.text
    assert endpoint.stored() == []


def test_the_database_cannot_be_written(shop: Shop, endpoint: Endpoint) -> None:
    """503: the shop is told that it was not taken. Nothing is half stored, and the next one is taken."""

    def read_only(connection: Any, *_: Any) -> None:
        connection.execute("PRAGMA query_only=ON")

    order = shop.buy()
    engine = shop.app.database.engine
    shop.app.database.close()  # the connections that are open already do not notice
    event.listen(engine, "checkout", read_only)
    assert endpoint.post(about(order)) == 503
    event.remove(engine, "checkout", read_only)
    shop.app.database.close()
    assert endpoint.stored() == []

    assert endpoint.post(about(order)) == 200
    shop.work(poll=False)
    assert shop.case(order).stage is Stage.PROCESSING


@pytest.mark.parametrize("body", [b'{"id": 25, "sta', b"\xff\xfe\x00", b"", b"[]", b"null", b'{"id": "../../users"}', b"{}"])
def test_a_signed_body_that_cannot_be_read(shop: Shop, endpoint: Endpoint, body: bytes) -> None:
    """It is kept as bad with the reason, disturbs nobody, and can be read once more."""
    order = shop.buy()
    assert endpoint.post(body) == 200
    assert endpoint.post(about(order)) == 200
    shop.work(poll=False)
    bad, good = endpoint.stored()

    assert (bad.state, good.state) == ("bad", "done")
    assert bad.said.startswith("webhook")
    assert shop.app.deliveries.replay(now=shop.app.clock.now(), state="bad") == 1
    shop.work(poll=False)
    assert endpoint.states() == ["bad", "done"]
    assert shop.case(order).stage is Stage.PROCESSING


@pytest.mark.parametrize("bug", [BadPayload("webhook.id is missing"), KeyError("id")])
def test_replay_after_the_parser_was_mended(
    shop: Shop, endpoint: Endpoint, bug: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug in reading loses nothing: what arrived meanwhile is read after the update."""
    order = shop.buy()

    def broken(*_: Any) -> Any:
        raise bug

    with monkeypatch.context() as patched:
        patched.setattr(webhooks, "news", broken)
        assert endpoint.post(about(order)) == 200
        for _ in range(12):
            shop.later(hours=1, poll=False)
        assert endpoint.states() == ["bad"]
    assert shop.find(order) is None
    assert shop.app.deliveries.replay(now=shop.app.clock.now(), state="bad") == 1
    shop.work(poll=False)

    assert endpoint.states() == ["done"]
    assert shop.case(order).stage is Stage.PROCESSING


@pytest.mark.parametrize("topic", ["", "product.updated", "order"])
def test_an_unknown_topic(shop: Shop, endpoint: Endpoint, topic: str) -> None:
    """It is taken with thanks and means nothing to us."""
    order = shop.buy()
    assert endpoint.post(about(order), topic=topic) == 200
    shop.work(poll=False)

    assert endpoint.states() == ["done"]
    assert shop.find(order) is None


def test_the_same_delivery_many_times(shop: Shop, endpoint: Endpoint) -> None:
    """Delivery ids are not unique and deliveries come twice: the order is reviewed once."""
    order = shop.buy()
    for topic in ("order.created", "order.updated", "order.updated", "order.created"):
        assert endpoint.post(about(order), topic=topic, **{"X-WC-Webhook-Delivery-ID": "1"}) == 200
    shop.work()

    assert endpoint.states() == ["done"] * 4
    assert [text for text in shop.timeline(order) if text.startswith(("Order", "Reviewed"))] == [
        f"Order {order} arrived from shop.",
        "Reviewed: nothing to see.",
    ]


def test_the_account_is_gone_when_it_is_read(shop: Shop, endpoint: Endpoint) -> None:
    """Somebody took the account out of the configuration: what arrived waits, is bad in the end, and can be replayed."""
    order = shop.buy()
    assert endpoint.post(about(order)) == 200
    config = shop.config.read_text()
    shop.config.write_text(config.replace('id = "a_shop"', 'id = "a_other"'))
    shop.reopen()
    for _ in range(12):
        shop.later(hours=1, poll=False)
    (row,) = endpoint.stored()
    assert (row.state, "a_shop" in row.said) == ("bad", True)
    shop.config.write_text(config)
    shop.reopen()
    shop.app.deliveries.replay(now=shop.app.clock.now(), ids=[row.id])
    shop.work(poll=False)

    assert shop.case(order).stage is Stage.PROCESSING
