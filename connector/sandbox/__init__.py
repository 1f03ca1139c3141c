"""Simulated vendors on loopback, with faults on demand: for tests, demos and rehearsals.

`Sandbox` starts a WooCommerce store and a mailbox; `Mailbox` is the mailbox alone.
"""

from __future__ import annotations

from connector.sandbox.mailbox import Mailbox
from connector.sandbox.server import Sandbox

__all__ = ["Mailbox", "Sandbox"]
