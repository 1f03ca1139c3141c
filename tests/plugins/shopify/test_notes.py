"""Our lines in an order's note, and everybody else's left as they are."""

from __future__ import annotations

import pytest

from connector import Note, OutcomeUnknown, TooEarly, Unsupported
from connector.plugins import shopify
from connector.plugins.shopify.marks import ours, without_ours
from connector.testing import make_context, next_act

from .conftest import CONFIG
from .writing import ORDER, Shop, must_fit, order


@pytest.fixture
def shop():
    return Shop()


@pytest.fixture
def ctx():
    return make_context(shopify, CONFIG, account="shop", platform_id=ORDER, request_id="n1")


@pytest.fixture(autouse=True)
def asked(answers, shop, schema):
    """Whatever is sent fits Shopify's schema."""
    asked = answers(**shop.answers())
    yield asked
    must_fit(schema, asked)


def test_a_line_is_added_once(ctx, shop):
    """What was there stays letter by letter, and is what it was when ours is left out."""
    before = shop.note
    for _ in range(2):
        shopify.write_note(ctx, order(), Note(text="On hold:\nPO box"))
    shopify.write_note(next_act(ctx, request_id="n2"), order(), Note(text="Released."))
    assert shop.note.startswith(f"{before}\n[oc:")
    assert without_ours(shop.note) == before
    assert ours(shop.note) == ("On hold: PO box", "Released.")
    assert len(shop.changes) == 2


def test_an_empty_note(ctx, shop):
    """Ours is then the first line."""
    shop.note = None
    shopify.write_note(ctx, order(), Note(text="Shipped."))
    assert ours(shop.note) == ("Shipped.",)


def test_nothing_for_customers(ctx, shop):
    """Said before anything is sent."""
    with pytest.raises(Unsupported):
        shopify.write_note(ctx, order(), Note(text="Hello", to_customer=True))
    assert shop.changes == []


def test_somebody_is_writing(ctx, shop, monkeypatch):
    """Changed while we had to wait: theirs stays, and ours comes later."""
    monkeypatch.setattr(shopify.notes, "FRESH_S", -1.0)
    readings = iter(["old", "old and new", "old and new", "old and new"])
    monkeypatch.setattr(shopify.notes, "_note", lambda *_: next(readings))
    with pytest.raises(TooEarly):
        shopify.write_note(ctx, order(), Note(text="Shipped."))
    assert shop.changes == []
    shopify.write_note(ctx, order(), Note(text="Shipped."))
    assert without_ours(shop.note) == "old and new"


@pytest.mark.parametrize("lose", ["before", "after"])
def test_a_lost_answer(ctx, shop, lose):
    """Looked up by our mark; written once, and no personal data is kept of the note."""
    shop.lose = lose
    with pytest.raises(OutcomeUnknown):
        shopify.write_note(ctx, order(), Note(text="Shipped."))
    ctx.effect.time_passes(200)
    shopify.write_note(ctx, order(), Note(text="Shipped."))
    assert ours(shop.note) == ("Shipped.",)
    assert "ring" not in str(ctx.effect.sent)
