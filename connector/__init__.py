"""The order connector: what a plugin author imports.

    from connector import Finding, hookimpl

    @hookimpl
    def review_order(order):
        if len(order.lines) > 50:
            return [Finding(code="many_lines", text="More than 50 lines: check the stock by hand.")]
        return []

The names are loaded when first used, so that `import connector` itself costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .public import *  # noqa: F403

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    from . import public

    try:
        return getattr(public, name)
    except AttributeError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    from . import public

    return [*public.__all__, "__version__"]
