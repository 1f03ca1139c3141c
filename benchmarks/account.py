"""Where an order's time goes: an account by layer, of the pipeline in one thread without the queue."""

from __future__ import annotations

import cProfile
import pstats
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import connector

from .measure import Measure, limit, say
from .shop import check_all_done, open_shop, put_in

WARM_UP = 20
ORDERS = 100
BUILT_IN = "~"  # what the profiler calls the file of functions that are written in C
_C_LAYERS = {"sqlite3": "sqlite", "msgspec": "msgspec", "cryptography": "crypto", "openssl": "crypto", "_hashlib": "crypto"}
_PACKAGES = {"cryptography": "crypto"}


def measure() -> Iterator[Measure]:
    """Milliseconds of an order by layer. The profiler itself makes them about twice as long; the shares are what counts."""
    with open_shop() as app:
        for order_id in put_in(app, range(WARM_UP)):
            app.advance(order_id)
        ids, profile = put_in(app, range(WARM_UP, WARM_UP + ORDERS)), cProfile.Profile()
        with profile:
            for order_id in ids:
                app.advance(order_id)
        check_all_done(app, WARM_UP + ORDERS)
    layers = by_layer(profile)
    total = sum(ms for ms, _ in layers.values())
    _print(layers, total)
    shares = {name: {"ms": round(ms, 3), "calls": round(calls)} for name, (ms, calls) in layers.items()}
    yield limit("profile, one order", [total], unit="ms", about={"orders": ORDERS, "layers": shares})


def by_layer(profile: cProfile.Profile) -> dict[str, tuple[float, float]]:
    """Milliseconds and calls per order in each layer, the largest first. What a function calls does not count as its time."""
    found: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for (file, _, name), (_, calls, own_s, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        layer = layer_of(file, name)
        found[layer][0] += own_s * 1000 / ORDERS
        found[layer][1] += calls / ORDERS
    return {name: (ms, calls) for name, (ms, calls) in sorted(found.items(), key=lambda item: -item[1][0])}


def layer_of(file: str, function: str) -> str:
    if file == BUILT_IN:
        return next((layer for word, layer in _C_LAYERS.items() if word in function.lower()), "python, in C")
    if found := re.search(r"site-packages/(\w+)", file):
        return _PACKAGES.get(found[1], found[1])
    ours = Path(connector.__file__).parent
    path = Path(file)
    if path.is_relative_to(ours):
        return "/".join(("connector", path.relative_to(ours).parts[0].removesuffix(".py")))
    return "instant plugins" if path.is_relative_to(Path(__file__).parent) else "python, its library"


def _print(layers: dict[str, tuple[float, float]], total: float) -> None:
    say(f"{'layer':<28} {'ms':>7} {'share':>6} {'calls':>7}   per order, profiled")
    for name, (ms, calls) in layers.items():
        if ms >= total / 200:
            say(f"{name:<28} {ms:7.2f} {ms / total:6.1%} {calls:7.0f}")
