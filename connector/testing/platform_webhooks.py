"""The rules about webhooks, which a platform's plugin keeps if it has them."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import ClassVar

from ..errors import BadPayload, BadSignature
from ..model.events import Delivery
from .context import next_act
from .trial import Trial, needs
from .watch import compares_in_constant_time


class WebhookRules:
    """A part of `PlatformContract`."""

    plugin: ClassVar[ModuleType]

    def test_a_webhook_is_verified(self, trial: Trial) -> None:
        """What the vendor signed is taken; another body, no headers or another signature are BadSignature, nobody is asked."""
        needs(self.plugin, "verify_webhook")
        good = trial.store.delivery(trial.store.place_order())
        assert self._verify(trial, good) is True, "verify_webhook does not take a delivery that is signed as it should be"
        self._refused(trial, replace(good, body=good.body + b" "), "whose body was changed")
        self._refused(trial, replace(good, headers={}), "that is not signed")
        changed = [name for name, text in good.headers.items() if self._is_refused(trial, good, name, _other(text))]
        assert changed, "verify_webhook takes any signature"
        for name in good.headers:
            self._is_refused(trial, good, name, "ä\x00")  # anything but BadSignature would be a crash

    def test_signatures_are_compared_in_constant_time(self, trial: Trial) -> None:
        """With hmac.compare_digest, or the time that it takes would tell a signature letter by letter."""
        needs(self.plugin, "verify_webhook")
        good = trial.store.delivery(trial.store.place_order())
        forged = replace(good, body=good.body + b" ")
        assert compares_in_constant_time(lambda: self._refused(trial, forged, "whose body was changed")), (
            "verify_webhook compares signatures without hmac.compare_digest"
        )

    def _verify(self, trial: Trial, delivery: Delivery) -> bool:
        ctx = trial.context()
        ctx.effect.books.line.down = True
        taken: bool = trial.call("verify_webhook", ctx, delivery=delivery)
        return taken

    def _refused(self, trial: Trial, delivery: Delivery, what: str) -> None:
        try:
            taken = self._verify(trial, delivery)
        except BadSignature:
            return
        raise AssertionError(f"verify_webhook says {taken} of a delivery {what}; it must raise BadSignature")

    def _is_refused(self, trial: Trial, good: Delivery, name: str, text: str) -> bool:
        try:
            self._verify(trial, replace(good, headers={**good.headers, name: text}))
        except BadSignature:
            return True
        except Exception as error:
            raise AssertionError(f"verify_webhook fails on {name}: {text!r} with {error!r}, not with BadSignature") from error
        return False

    def test_a_webhook_names_its_order(self, trial: Trial) -> None:
        """Its news is about that order; a body that cannot be read is BadPayload or about none, and never a crash."""
        needs(self.plugin, "parse_webhook")
        platform_id = trial.store.place_order()
        news = trial.call("parse_webhook", trial.context(), delivery=trial.store.delivery(platform_id))
        assert platform_id in {one.platform_id for one in news}, f"parse_webhook says {news}, not order {platform_id}"
        for body in (b"", b"{", b"null", b"[]", b"{}", b'"x"', b"\xff\xfe", b'{"id": {}}', b'{"id": null}', b'{"id": true}'):
            try:
                trial.call("parse_webhook", trial.context(), delivery=trial.store.signed(body))
            except BadPayload:
                continue
            except Exception as error:
                raise AssertionError(f"parse_webhook fails on {body!r} with {error!r}, not with BadPayload") from error

    def test_webhooks_are_set_up_once(self, trial: Trial) -> None:
        """The second round finds what the first one made, and leaves it alone."""
        needs(self.plugin, "ensure_webhooks")
        ctx = trial.context()
        checks = trial.call("ensure_webhooks", ctx, address=trial.store.address)
        there = sorted(trial.store.webhooks())
        assert there, f"ensure_webhooks sets nothing up: {checks}"
        assert len(there) == len(set(there)), f"ensure_webhooks sets a topic up twice: {there}"
        again = next_act(ctx, request_id="request-2")
        trial.call("ensure_webhooks", again, address=trial.store.address)
        assert sorted(trial.store.webhooks()) == there, f"the second round makes {trial.store.webhooks()} of {there}"


def _other(text: str) -> str:
    """As long, and another one."""
    return ("B" if text[:1] == "A" else "A") + text[1:]
