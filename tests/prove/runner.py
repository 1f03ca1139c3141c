"""`connector run` as a process of its own, with shorter times: what is killed with SIGKILL and frozen with SIGSTOP."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import connector.app
from connector.cli.run import run
from tests.prove.clock import beside
from tests.prove.worker import plant, shorten


def main(config: str, *arguments: str) -> None:
    plant(os.environ.get("PROVE_BUG", ""))
    open_app = connector.app.open_app

    def open_shortened(*args: Any, **kwargs: Any) -> connector.app.App:
        return shorten(open_app(*args, **kwargs, clock=beside(Path(config))), lease_s=2.5)

    connector.app.open_app = open_shortened
    run.main(list(arguments), obj=Path(config), standalone_mode=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
