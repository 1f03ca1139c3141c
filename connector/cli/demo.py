"""`connector demo`: the main job on simulated vendors, on this machine only."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import out

if TYPE_CHECKING:
    from ..rehearse.report import Chapter


@click.command()
@click.option(
    "--once", is_flag=True, help="Bring every demo order to its end, then stop. Exit code 0 if all ended as expected."
)
@click.option("--folder", type=click.Path(path_type=Path), help="Where its files go.  [default: a new temporary folder]")
@out.json_option
def demo(once: bool, folder: Path | None, as_json: bool) -> None:
    """Orders from two simulated shops, all the way: shipped, held, cancelled and refunded.

    Nothing leaves this machine: WooCommerce, Shopify, payment gateways and mail server are simulated on loopback.
    """
    from ..rehearse import shopify, woocommerce
    from ..rehearse.demo import demo_world
    from ..rehearse.stories import play

    stories = (*woocommerce.STORIES, *shopify.STORIES)

    folder = folder or Path(tempfile.mkdtemp(prefix="connector-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise click.UsageError(f"{folder} is not empty; name another folder, or none")
    started = time.monotonic()
    with demo_world(folder) as running:
        with out.progress("Shoppers buy, the connector works", total=len(stories)) as bar:
            played = play(stories, running.worlds, progress=lambda _: out.step(bar))
        chapters = [running.worlds[one.story.platform].chapter(one) for one in played]
        report = _report(folder, chapters, time.monotonic() - started)
        _print(chapters, report, as_json=as_json)
        if not once:
            _stay(running.app.settings.path, report)
    if not all(chapter.ok for chapter in chapters):
        raise click.exceptions.Exit(1)


def _report(folder: Path, chapters: list[Chapter], took_s: float) -> Path:
    from .. import __version__
    from ..rehearse import report

    facts = {"order-connector": __version__, "on a simulated WooCommerce and a simulated Shopify shop, in": f"{took_s:.1f} s"}
    return report.write(folder / "report.html", "A shop's orders, all the way", chapters, facts=facts)


def _print(chapters: list[Chapter], report: Path, *, as_json: bool) -> None:
    ok = all(chapter.ok for chapter in chapters)
    if as_json:
        out.show_json({"ok": ok, "orders": [_as_json(chapter) for chapter in chapters], "report": str(report)})
        return
    out.table(("Order", "What happened", "Here", "In the shop", "Mails", ""), _rows(chapters), wrap=("What happened",))
    out.show("", "Mails: ours + the shop's own.", f"The whole story of each order: {report}")


def _rows(chapters: list[Chapter]) -> list[tuple[Any, ...]]:
    """One for each order, below the name of its shop."""
    rows: list[tuple[Any, ...]] = []
    for shop in dict.fromkeys(chapter.shop for chapter in chapters):
        rows += [("",) * 6] if rows else []
        rows.append(("", out.word(shop, "bold"), "", "", "", ""))
        rows += [_row(chapter) for chapter in chapters if chapter.shop == shop]
    return rows


def _row(chapter: Chapter) -> tuple[Any, ...]:
    return (
        chapter.case.order.number,
        chapter.title,
        out.word(chapter.case.stage),
        chapter.store_status,
        _mails(chapter),
        out.word("as expected", "green") if chapter.ok else out.word("; ".join(chapter.differences), "red"),
    )


def _mails(chapter: Chapter) -> str:
    ours = sum(told.state == "sent" for told in chapter.told)
    theirs = sum(told.state == "left_to_platform" for told in chapter.told)
    return f"{ours} + {theirs}"


def _as_json(chapter: Chapter) -> dict[str, Any]:
    return {
        "order": chapter.case.ref,
        "platform": chapter.platform,
        "scenario": chapter.name,
        "expected": chapter.expected,
        "stage": chapter.case.stage,
        "ok": chapter.ok,
        "differences": list(chapter.differences),
        "mails": [{"event": told.event, "person": told.person, "state": told.state} for told in chapter.told],
        "effects": list(chapter.effects),
        "tasks": list(chapter.tasks),
    }


def _stay(config: Path, report: Path) -> None:
    out.note(
        f"It stays up until Ctrl-C. Look around with: connector --config {config} orders list\n"
        f"The page of this run: {report.as_uri()}"
    )
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        out.note("stopped")
