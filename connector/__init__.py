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

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .public import *  # noqa: F403

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # import_module, because `from . import public` would ask this function for "public" first, without end.
    public = import_module(".public", __name__)
    if name == "__all__":
        return public.__all__
    if name not in public.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(public, name)


def __dir__() -> list[str]:
    return [*import_module(".public", __name__).__all__, "__version__"]
