"""For authors of plugins: a context to call hooks with in a test, without a database, a running connector or a real shop.

import responses
from connector.testing import make_context
import my_plugin

@responses.activate
def test_it_writes_a_note():
    ctx = make_context(my_plugin, {"token": "t"}, platform_id="42")
    responses.post("https://vendor.example/notes", json={"id": 7})
    assert my_plugin.write_note(ctx, order, Note(text="Checked."))
    assert [effect.kind for effect in ctx.effect.sent] == ["write_note"]

`make_order` gives a well-formed order to call hooks with. The contract that every platform's plugin has to keep is a class of
tests in `connector.testing.platforms`.
"""

from __future__ import annotations

from .context import Books, TestContext, TestEffects, make_context, next_act
from .orders import flaws, make_order, make_payment
from .wire import TestSession, Trouble

__all__ = [
    "Books",
    "TestContext",
    "TestEffects",
    "TestSession",
    "Trouble",
    "flaws",
    "make_context",
    "make_order",
    "make_payment",
    "next_act",
]
