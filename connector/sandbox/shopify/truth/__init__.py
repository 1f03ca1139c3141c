"""Is the simulated shop like a real one? Replays recordings of one against it, over HTTP, and compares.

`replay_all(folder)` gives one result per recording; `connector.sandbox.truth.table(results)` is the report.
"""

from __future__ import annotations

from connector.sandbox.shopify.truth.recorded import count, recordings
from connector.sandbox.shopify.truth.replay import replay_all

__all__ = ["count", "recordings", "replay_all"]
