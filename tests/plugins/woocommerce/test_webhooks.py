"""Deliveries as they were recorded, byte for byte, and the webhooks that we make in the shop."""

from __future__ import annotations

import json

import pytest

from connector import BadPayload, BadSignature, CannotTell, CheckResult, ConfigError, Delivery, Happened, NewsKind, NotHappened
from connector.plugins import woocommerce
from connector.plugins.woocommerce.webhooks import TOPICS
from connector.testing import next_act

from .conftest import API, NOW, query, sent_json

ADDRESS = "https://connector.example/hooks/us-shop"


def deliveries(recorded):
    """The recorded deliveries that have their raw body."""
    steps = recorded.file("09")["deliveries"]
    return [each for step in steps for each in step["deliveries"] if "raw_body" in each]


def delivery(each):
    headers = {name.lower(): value for name, value in each["headers"].items()}
    return Delivery(headers=headers, body=each["raw_body"].encode(), received_at=NOW)


def made(topic, body, **headers):
    return Delivery(headers={"x-wc-webhook-topic": topic, **headers}, body=json.dumps(body).encode(), received_at=NOW)


# --- signatures -------------------------------------------------------------------------------------------------------


def test_fact_30_recorded_signatures_are_right(ctx, recorded):
    """Every recorded delivery is accepted with its secret, over its raw bytes."""
    assert len(deliveries(recorded)) >= 8
    for each in deliveries(recorded):
        assert woocommerce.verify_webhook(ctx, delivery(each)) is True


def test_a_changed_byte_or_another_secret_is_refused(ctx, context, recorded):
    """Nothing is accepted that was not signed with this account's secret."""
    real = delivery(deliveries(recorded)[0])
    changed = Delivery(headers=real.headers, body=real.body.replace(b"32.22", b"99.99"), received_at=NOW)
    unsigned = Delivery(headers={}, body=real.body, received_at=NOW)
    odd = Delivery(headers={"x-wc-webhook-signature": "ü"}, body=real.body, received_at=NOW)
    for bad in (changed, unsigned, odd):
        with pytest.raises(BadSignature):
            woocommerce.verify_webhook(ctx, bad)
    with pytest.raises(BadSignature):
        woocommerce.verify_webhook(context(webhook_secret="another"), real)


def test_fact_29_a_ping_is_answered_and_forgotten(ctx, recorded):
    """The recorded pings are unsigned forms: not stored. A form with anything else in it is no ping."""
    for each in recorded.file("09")["pings"]:
        assert woocommerce.verify_webhook(ctx, delivery(each)) is False
    for body in (b"webhook_id=27&x=1", b"webhook_id=", b"id=27"):
        with pytest.raises(BadSignature):
            woocommerce.verify_webhook(ctx, Delivery(headers={}, body=body, received_at=NOW))


def test_without_a_secret_nothing_is_accepted(context, recorded):
    """An empty secret would let everybody sign."""
    with pytest.raises(ConfigError, match="webhook_secret"):
        woocommerce.verify_webhook(context(webhook_secret=""), delivery(deliveries(recorded)[0]))


# --- news -------------------------------------------------------------------------------------------------------------


def test_recorded_deliveries_name_their_order(ctx, recorded):
    """Created, updated, restored and actions are about an order, a binned one is DELETED, products are nobody's news."""
    seen = {}
    for each in deliveries(recorded):
        topic = each["headers"]["X-WC-Webhook-Topic"]
        seen[topic] = woocommerce.parse_webhook(ctx, delivery(each))
    assert [(news.platform_id, news.kind) for news in seen["order.deleted"]] == [("360", NewsKind.DELETED)]
    assert [news.platform_id for news in seen["order.restored"]] == ["360"]
    assert [news.platform_id for news in seen["action.woocommerce_order_status_processing"]] == ["369"]
    assert seen["product.updated"] == []
    (created,) = seen["order.created"]
    assert created.kind is NewsKind.ORDER
    assert created.version == created.at.strftime("%Y-%m-%dT%H:%M:%S")


def test_fact_7_drafts_are_no_news(ctx):
    """A failed checkout fires order.created with checkout-draft."""
    assert woocommerce.parse_webhook(ctx, made("order.created", {"id": 364, "status": "checkout-draft"})) == []


def test_news_hold_no_personal_data(ctx, recorded):
    """The hint carries the topic, not the customer."""
    (news,) = woocommerce.parse_webhook(ctx, delivery(deliveries(recorded)[0]))
    assert news.raw == {"topic": "order.created"}


@pytest.mark.parametrize("body", [{}, {"id": "x"}, [], {"id": None}])
def test_a_body_that_cannot_be_read_is_named(ctx, body):
    """BadPayload, with the path; the delivery is kept by the core."""
    with pytest.raises(BadPayload, match="webhook"):
        woocommerce.parse_webhook(ctx, made("order.updated", body))


def test_a_body_that_is_no_json(ctx):
    """A truncated body is BadPayload."""
    broken = Delivery(headers={"x-wc-webhook-topic": "order.updated"}, body=b'{"id": 3', received_at=NOW)
    with pytest.raises(BadPayload, match="not JSON"):
        woocommerce.parse_webhook(ctx, broken)


# --- subscriptions ----------------------------------------------------------------------------------------------------


def hook(number, topic, status="active", address=ADDRESS):
    return {"id": number, "topic": topic, "status": status, "delivery_url": address}


def all_hooks(**status):
    return [hook(number, topic, status.get(topic.removeprefix("order."), "active")) for number, topic in enumerate(TOPICS, 27)]


def test_webhooks_are_made_with_our_secret(ctx, shop, recorded):
    """Four topics, each once, to our address, signed with the configured secret."""
    shop.get(f"{API}/webhooks", json=[])
    for topic in TOPICS:
        shop.post(f"{API}/webhooks", status=201, json=recorded.body("09", f"create webhook {topic}"))
    checks = woocommerce.ensure_webhooks(ctx, ADDRESS)
    posts = [sent_json(call) for call in shop.calls if call.request.method == "POST"]
    assert [post["topic"] for post in posts] == list(TOPICS)
    assert {post["delivery_url"] for post in posts} == {ADDRESS}
    assert {post["secret"] for post in posts} == {"recorder-webhook-secret"}
    assert [check.result for check in checks] == [CheckResult.OK] * 4
    assert "recorder-webhook-secret" not in repr(ctx.effect.sent)


def test_webhooks_that_are_there_are_left_alone(ctx, shop):
    """A second round changes nothing; somebody else's webhooks are not ours."""
    other = [hook(1, "order.created", "disabled", "https://erp.example/"), hook(2, "product.updated")]
    shop.get(f"{API}/webhooks", json=[*other, *all_hooks()])
    checks = woocommerce.ensure_webhooks(ctx, ADDRESS)
    assert [check.result for check in checks] == [CheckResult.OK] * 4
    assert {call.request.method for call in shop.calls} == {"GET"}


def test_fact_28_a_disabled_webhook_is_switched_on(ctx, shop):
    """With the secret, by PUT, and the check says that deliveries had failed. A new round can do it again."""
    shop.get(f"{API}/webhooks", json=all_hooks(updated="disabled"))
    shop.put(f"{API}/webhooks/28", json=hook(28, "order.updated"))
    for request_id in ("round-1", "round-2"):
        checks = woocommerce.ensure_webhooks(next_act(ctx, request_id=request_id), ADDRESS)
        assert [check.result for check in checks].count(CheckResult.WARNING) == 1
    puts = [sent_json(call) for call in shop.calls if call.request.method == "PUT"]
    assert puts == [{"status": "active", "secret": "recorder-webhook-secret"}] * 2


def test_a_paused_webhook_stays_paused(ctx, shop):
    """A person did that."""
    shop.get(f"{API}/webhooks", json=all_hooks(created="paused"))
    checks = woocommerce.ensure_webhooks(ctx, ADDRESS)
    assert "paused" in checks[0].text
    assert {call.request.method for call in shop.calls} == {"GET"}


def test_a_webhook_that_is_there_twice_is_reported(ctx, shop):
    """We delete nothing in the shop."""
    shop.get(f"{API}/webhooks", json=[*all_hooks(), hook(40, "order.created")])
    check = woocommerce.ensure_webhooks(ctx, ADDRESS)[0]
    assert check.result is CheckResult.WARNING
    assert "27, 40" in check.text
    assert check.fix


def test_fact_30_without_a_secret_no_webhook_is_made(context, shop):
    """The shop would invent one that nobody can read."""
    (check,) = woocommerce.ensure_webhooks(context(webhook_secret=""), ADDRESS)
    assert check.result is CheckResult.FAILED
    assert "webhook_secret" in check.fix
    assert len(shop.calls) == 0


def test_more_webhooks_than_a_page(ctx, shop):
    """Ours may be on the second page of a shop with many webhooks."""

    def answer(request):
        rows = [hook(number, "product.updated") for number in range(100)]
        page = query(type("Call", (), {"request": request}))["page"]
        return 200, {}, json.dumps(rows if page == "1" else all_hooks())

    shop.add_callback("GET", f"{API}/webhooks", callback=answer)
    assert {check.result for check in woocommerce.ensure_webhooks(ctx, ADDRESS)} == {CheckResult.OK}


def test_a_lost_answer_is_looked_up(ctx, shop):
    """Made without an answer: found by topic and address, and not made a second time."""
    shop.get(f"{API}/webhooks", json=[hook(27, "order.created")])
    effect = _lost(ctx, shop)
    assert woocommerce.find_effect(ctx, effect) == Happened(answer={"id": 27, "status": "active"})


def test_a_lost_answer_that_did_not_happen(ctx, shop):
    """No such webhook, a disabled one, another topic or another address: it did not happen."""
    rows = [
        hook(1, "order.created", "disabled"),
        hook(2, "order.updated"),
        hook(3, "order.created", address="https://x.example"),
    ]
    shop.get(f"{API}/webhooks", json=rows)
    assert woocommerce.find_effect(ctx, _lost(ctx, shop)) == NotHappened()


def _lost(ctx, shop):
    ctx.effect(
        "ensure_webhooks.created", {"topic": "order.created"}, lambda key: {"id": 27}, before=lambda: {"address": ADDRESS}
    )
    return ctx.effect.lost("ensure_webhooks.created")


def test_a_refused_webhook_is_told_and_tried_in_the_next_round(ctx, shop, recorded):
    """A refusal is one failed check: the other topics are set up, and a new round asks the shop again."""
    answer = recorded.exchange("09", "bad delivery_url")["response"]
    shop.get(f"{API}/webhooks", json=all_hooks()[1:])
    shop.post(f"{API}/webhooks", status=answer["status"], json=answer["body"])
    checks = woocommerce.ensure_webhooks(ctx, ADDRESS)
    assert [check.result for check in checks] == [CheckResult.FAILED, *[CheckResult.OK] * 3]
    assert "valid URL" in checks[0].text
    shop.replace("POST", f"{API}/webhooks", status=201, json=hook(50, "order.created"))
    checks = woocommerce.ensure_webhooks(next_act(ctx, request_id="round-2"), ADDRESS)
    assert {check.result for check in checks} == {CheckResult.OK}


def test_a_cut_round_goes_on_with_another_address(ctx, shop):
    """The same round again, while the public address was changed: no error; what is not there is for the next round."""
    shop.get(f"{API}/webhooks", json=[])
    shop.post(f"{API}/webhooks", status=201, json=hook(27, "order.created"))
    woocommerce.ensure_webhooks(ctx, ADDRESS)
    checks = woocommerce.ensure_webhooks(ctx, "https://new.example/hooks")
    assert all(check.result is CheckResult.WARNING and "next round" in check.fix for check in checks)
    checks = woocommerce.ensure_webhooks(next_act(ctx, request_id="round-2"), "https://new.example/hooks")
    assert all(check.result is CheckResult.OK for check in checks)


def test_find_effect_of_an_unknown_kind(ctx):
    """What this plugin never sent cannot be looked up by it."""
    ctx.effect("write_note", {}, lambda key: {})
    from dataclasses import replace

    assert isinstance(woocommerce.find_effect(ctx, replace(ctx.effect.lost("write_note"), kind="buy_label")), CannotTell)
