"""`python -m connector.sandbox.shopify`: the shop as a process. Prints one JSON line with its addresses when it is ready."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading

from connector.sandbox.shopify.server import PACES, ShopifySandbox


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m connector.sandbox.shopify", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free one")
    parser.add_argument("--pace", choices=PACES, default="fast")
    options = parser.parse_args(arguments)
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    with ShopifySandbox(port=options.port, pace=options.pace) as sandbox:
        sys.stdout.write(json.dumps(sandbox.about()) + "\n")
        sys.stdout.flush()
        over.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
