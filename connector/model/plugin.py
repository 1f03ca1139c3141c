"""What a plugin says about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .events import DutyEvent, EffectRule, Person, PluginKind

HOOK_API = 1
"""The number of the hook contract in this version. A plugin that was written for a higher one is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What an account of this plugin can and cannot do.

    Args:
        tells: messages that the platform itself sends, so that we must not.
        cannot_deliver: what a carrier or supplier does not serve ("po_box").
        cancel_restocks: cancelling puts the stock back, asked or not. cancel_voids: it lets go what is authorized by itself.
        max_per_second: calls (or points) that all workers together may make (0: no limit known). burst: how many at once.
        poll_every_s: how often news is asked for (0: never).
    """

    tells: frozenset[tuple[DutyEvent, Person]] = frozenset()
    cannot_deliver: tuple[str, ...] = ()
    cancel_restocks: bool = False
    cancel_voids: bool = False
    max_per_second: float = 0.0
    burst: int = 1
    poll_every_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginInfo:
    """Who a plugin is. `config` is a msgspec Struct class: the only declaration of its keys.

    A field of it may carry `Annotated[str, msgspec.Meta(description=..., extra={"secret": True})]`; a secret is never shown.
    """

    name: str
    kinds: tuple[PluginKind, ...]
    summary: str = ""
    hook_api: int = HOOK_API
    config: type[Any] | None = None
    effects: Mapping[str, EffectRule] = field(default_factory=dict)
    capabilities: Capabilities = Capabilities()
