"""`python -m connector.sandbox`: the sandbox as a process. Prints one JSON line with its addresses when it is ready."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading

from connector.sandbox.deliveries import MODES
from connector.sandbox.pace import PACES
from connector.sandbox.server import Sandbox


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m connector.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="of the store; 0 chooses a free one")
    parser.add_argument("--mail-port", type=int, default=0, help="of the mailbox; 0 chooses a free one")
    parser.add_argument("--webhooks", choices=MODES, default="immediate")
    parser.add_argument("--pace", choices=PACES, default="fast")
    options = parser.parse_args(arguments)
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    with Sandbox(port=options.port, mail_port=options.mail_port, webhooks=options.webhooks, pace=options.pace) as sandbox:
        sys.stdout.write(json.dumps(sandbox.about()) + "\n")
        sys.stdout.flush()
        over.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
