"""`connector sandbox`: the simulated store, to click around in, and how faithful it is."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import out

if TYPE_CHECKING:
    from ..sandbox import Sandbox
    from ..sandbox.truth import FileResult, Outcome


@click.group(short_help="The simulated store: serve one, or compare it with a real one.")
def sandbox() -> None:
    """The simulated WooCommerce store that demo and tests run on. It never leaves this machine."""


@sandbox.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8088, show_default=True, help="Of the store; 0: a free one.")
@click.option(
    "--pace",
    type=click.Choice(["fast", "recorded"]),
    default="fast",
    show_default=True,
    help="recorded: as slow as the real store that was recorded.",
)
@click.option(
    "--orders", type=click.IntRange(0, 1_000_000), default=0, metavar="N", help="Begin with so many orders of a year."
)
def serve(port: int, pace: str, orders: int) -> None:
    """Serve a store to click around in, until Ctrl-C. Its orders are gone afterwards."""
    from ..sandbox import Sandbox
    from ..sandbox.woocommerce.fill import fill

    try:
        running = Sandbox(port=port, pace=pace)
    except OSError as error:
        raise click.UsageError(f"port {port} cannot be used ({error.strerror}); choose another with --port") from error
    with running:
        if orders:
            with out.progress(f"Making {orders} orders"), running.store.lock:
                fill(running.store, orders)
        _welcome(running)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            out.note("\nstopped")


def _welcome(running: Sandbox) -> None:
    key, secret = running.key()
    out.heading("A simulated WooCommerce store is open")
    out.table(
        ("", ""),
        [
            ("Shop", f"{running.url}/"),
            ("Its staff", f"{running.url}/wp-admin"),
            ("API", f"{running.url}/wp-json/wc/v3"),
            ("Mail server", f"{running.mailbox.host}:{running.mailbox.port}   (read it at {running.url}/_sandbox/mail)"),
            ("Consumer key", key),
            ("Consumer secret", secret),
        ],
    )
    out.show("", "Buy in the shop, then read the order as a program does:", "")
    out.show(
        f"  curl -u {key}:{secret} \\",
        "       -H 'X-Forwarded-Proto: https' \\",
        f"       {running.url}/wp-json/wc/v3/orders",
        "",
    )
    out.show(f"What really happened, call by call: {running.url}/_sandbox/truth", "Ctrl-C ends it.")


@sandbox.command()
@click.option(
    "--recordings",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="CONNECTOR_RECORDINGS",
    show_envvar=True,
    help="The folder with recordings of a real store.",
)
@out.json_option
def truth(recordings: Path | None, as_json: bool) -> None:
    """Replay recordings of a real store against the simulated one, and say where they differ.

    Compared are status, headers, the form and the values of each answer, and what it caused: e-mails, status changes,
    stock, calls of the payment gateway. Numbers that a store hands out may differ, but always in the same way. Exit code 0
    if nothing differs.
    """
    from ..sandbox.truth import CHAINS, replay_all

    folder = _folder(recordings)
    results: list[FileResult] = []
    with out.progress("Replaying", total=sum(len(chain) for chain in CHAINS)) as bar:
        for result in replay_all(folder):
            results.append(result)
            out.step(bar)
    if as_json:
        out.show_json(_document(results))
    else:
        _print(results)
    if any(result.differing for result in results):
        raise click.exceptions.Exit(1)


def _folder(recordings: Path | None) -> Path:
    """The recordings themselves, or a folder that holds them below platforms/woocommerce."""
    if recordings is None:
        raise click.UsageError("where are the recordings? Name their folder with --recordings or CONNECTOR_RECORDINGS")
    for folder in (recordings / "platforms" / "woocommerce", recordings):
        if next(folder.glob("02_*.json"), None):
            return folder
    raise click.UsageError(f"{recordings} holds no recordings of a WooCommerce store (02_orders_create.json and its like)")


def _print(results: list[FileResult]) -> None:
    rows: list[tuple[Any, ...]] = [
        (one.file, one.title, len(one.outcomes), one.compared, one.same, f"{one.share:.1%}") for one in results
    ]
    recorded, compared, same = (sum(row[column] for row in rows) for column in (2, 3, 4))
    share = same / compared if compared else 1.0
    rows.append(("", out.word("all", "bold"), recorded, compared, same, f"{share:.1%}"))
    numbers = ("Recorded", "Compared", "As recorded", "Share")
    out.table(("File", "Scenario", *numbers), rows, right=numbers, wrap=("Scenario",))
    _reasons("Left out", _counted(results, lambda one: [one.skipped] if one.skipped else []))
    _reasons("Compared, but for a part that cannot be the same", _counted(results, lambda one: sorted(set(one.excused))))
    for result in results:
        for outcome in result.differing:
            out.heading(f"Differs in {result.file}: {outcome.label}")
            for difference in outcome.differences:
                out.under(f"  {difference}")


def _counted(results: Iterable[FileResult], reasons: Any) -> Counter[tuple[str, str]]:
    return Counter((one.file, reason) for one in results for outcome in one.outcomes for reason in reasons(outcome))


def _reasons(title: str, counts: Counter[tuple[str, str]]) -> None:
    if not counts:
        return
    out.heading(title)
    rows = [(number, file, reason) for (file, reason), number in counts.items()]
    out.table(("Number", "File", "Reason"), rows, right=("Number",), wrap=("Reason",))


def _document(results: list[FileResult]) -> dict[str, Any]:
    compared, same = sum(one.compared for one in results), sum(one.same for one in results)
    return {
        "ok": same == compared,
        "compared": compared,
        "as_recorded": same,
        "share": same / compared if compared else 1.0,
        "files": [_file(one) for one in results],
    }


def _file(result: FileResult) -> dict[str, Any]:
    return {
        "file": result.file,
        "scenario": result.title,
        "recorded": len(result.outcomes),
        "compared": result.compared,
        "as_recorded": result.same,
        "share": result.share,
        "left_out": [{"label": one.label, "reason": one.skipped} for one in result.outcomes if one.skipped],
        "excused": [{"label": one.label, "reasons": sorted(set(one.excused))} for one in result.outcomes if one.excused],
        "differing": [_differing(one) for one in result.differing],
    }


def _differing(outcome: Outcome) -> dict[str, Any]:
    return {"label": outcome.label, "differences": [str(one) for one in outcome.differences]}
