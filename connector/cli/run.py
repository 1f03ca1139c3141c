"""`connector run`: take webhooks and work off orders, until it is stopped."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import click


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
    app = open_app(config, os.environ)
    worker = None if web_only else Worker(app)
    if worker is not None:
        worker.start()
    try:
        settings = app.settings.connector
        doing = "taking webhooks" if web_only else "working" if worker_only else "taking webhooks and working"
        where = "" if worker_only else f" on http://{settings.host}:{settings.port}"
        click.echo(f"{doing}{where}; Ctrl-C stops it", err=True)
        if worker_only:
            _wait_for_a_signal()
        else:
            serve(app, settings.host, settings.port)
    finally:
        if worker is not None:
            worker.stop()
        app.close()


def serve(app: object, host: str, port: int) -> None:
    """Serve until a signal."""
    import uvicorn

    from ..web import make_web

    uvicorn.run(make_web(app), host=host, port=port, log_level="warning", access_log=False)  # type: ignore[arg-type]


def _wait_for_a_signal() -> None:
    stopped = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopped.set())
    stopped.wait()
