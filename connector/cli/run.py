"""`connector run`: take webhooks and work off orders, until it is stopped."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..app import App


@click.command()
@click.option("--web-only", is_flag=True, help="Only take webhooks; another process works.")
@click.option("--worker-only", is_flag=True, help="Only work; another process takes webhooks.")
@click.pass_obj
def run(config: Path, web_only: bool, worker_only: bool) -> None:
    """Take webhooks and work off orders, until it is stopped with Ctrl-C.

    Several may run side by side on one database.
    """
    from ..app import open_app
    from ..engine import Worker

    if web_only and worker_only:
        raise click.UsageError("--web-only and --worker-only are the two halves of one; leave both out to have both")
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("connector").setLevel(logging.INFO)
    app = open_app(config, os.environ)
    settings = app.settings.connector
    # Taken before anything is begun: of two runs that were started by mistake, the second ends here.
    port = None if worker_only else take_port(settings.host, settings.port)
    worker = None if web_only else Worker(app)
    if worker is not None:
        worker.start()
    try:
        doing = "taking webhooks" if web_only else "working" if worker_only else "taking webhooks and working"
        where = "" if worker_only else f" on http://{settings.host}:{settings.port}"
        click.echo(f"{doing}{where}; Ctrl-C stops it", err=True)
        if port is None:
            _wait_for_a_signal()
        else:
            serve(app, port)
    finally:
        if worker is not None:
            worker.stop()
        app.close()


def take_port(host: str, port: int) -> socket.socket:
    """Listen. Raises ConfigError if somebody else does already."""
    from ..errors import ConfigError

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(1024)
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"{host}:{port} cannot be used ({error.strerror}). Is another `connector run` up? Then use --worker-only, or set "
            "host and port in [connector]."
        ) from error
    return listening


def serve(app: App, port: socket.socket) -> None:
    """Serve until a signal."""
    import uvicorn

    from ..web import make_web

    config = uvicorn.Config(make_web(app), log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[port])


def _wait_for_a_signal() -> None:
    stopped = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopped.set())
    stopped.wait()
