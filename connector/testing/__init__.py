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
"""

from __future__ import annotations

from .context import Books, TestContext, TestEffects, make_context, next_act

__all__ = ["Books", "TestContext", "TestEffects", "make_context", "next_act"]
