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
    from ..sandbox.shopify import ShopifySandbox
    from ..sandbox.truth import FileResult, Outcome

WOOCOMMERCE, SHOPIFY = PLATFORMS = ("woocommerce", "shopify")
TITLES = {WOOCOMMERCE: "WooCommerce", SHOPIFY: "Shopify"}


@click.group(short_help="The simulated stores: serve one, or compare them with real ones.")
def sandbox() -> None:
    """The simulated WooCommerce and Shopify stores that demo and tests run on. They never leave this machine."""


@sandbox.command()
@click.option("--platform", type=click.Choice(PLATFORMS), default=WOOCOMMERCE, show_default=True, help="Of the store.")
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
def serve(platform: str, port: int, pace: str, orders: int) -> None:
    """Serve a store to click around in, until Ctrl-C. Its orders are gone afterwards."""
    try:
        running = _store(platform, port, pace)
    except OSError as error:
        raise click.UsageError(f"port {port} cannot be used ({error.strerror}); choose another with --port") from error
    with running:
        if orders:
            with out.progress(f"Making {orders} orders"), running.store.lock:
                _fill(running, orders)
        _greet(running)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            out.note("\nstopped")


def _store(platform: str, port: int, pace: str) -> Sandbox | ShopifySandbox:
    if platform == SHOPIFY:
        from ..sandbox.shopify import ShopifySandbox

        return ShopifySandbox(port=port, pace=pace)
    from ..sandbox import Sandbox

    return Sandbox(port=port, pace=pace)


def _fill(running: Sandbox | ShopifySandbox, orders: int) -> None:
    from ..sandbox import Sandbox
    from ..sandbox.shopify.fill import fill as fill_shopify
    from ..sandbox.woocommerce.fill import fill

    if isinstance(running, Sandbox):
        fill(running.store, orders)
    else:
        fill_shopify(running.store, orders)


def _greet(running: Sandbox | ShopifySandbox) -> None:
    from ..sandbox import Sandbox

    if isinstance(running, Sandbox):
        _welcome(running)
    else:
        _welcome_to_shopify(running)


def _welcome_to_shopify(running: ShopifySandbox) -> None:
    about = running.about()
    path = f"{running.url}/admin/api/{about['version']}/graphql.json"
    out.heading("A simulated Shopify shop is open")
    out.table(
        ("", ""),
        [
            ("Shop", about["shop"]),
            ("URL", running.url),
            ("API", path),
            ("Access token", about["access_token"]),
            ("Client id", about["client_id"]),
            ("Client secret", about["client_secret"]),
        ],
    )
    out.show("", "Buy something, then read it as a program does:", "")
    out.show(
        f"  curl -d '{{}}' {about['control']}/checkout",
        f"  curl -H 'X-Shopify-Access-Token: {about['access_token']}' -H 'Content-Type: application/json' \\",
        """       -d '{"query": "{ orders(first: 5) { nodes { id name displayFinancialStatus } } }"}' \\""",
        f"       {path}",
        "",
    )
    out.show(f"What really happened, call by call: {about['control']}/truth", "Ctrl-C ends it.")


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
    help="The folder with recordings of real stores.",
)
@click.option("--platform", type=click.Choice(PLATFORMS), help="Only this one; both without it.")
@out.json_option
def truth(recordings: Path | None, platform: str | None, as_json: bool) -> None:
    """Replay recordings of real stores against the simulated ones, and say where they differ.

    Compared are status, headers, errors, the form and the values of each answer, and what it caused: e-mails, status
    changes, stock, calls of the payment gateway; at Shopify also what a call costs. Numbers that a store hands out may
    differ, but always in the same way. Exit code 0 if nothing differs.
    """
    found = {name: _replayed(name, folder) for name, folder in _folders(recordings, platform).items()}
    if as_json:
        out.show_json(_document(found))
    else:
        for name, results in found.items():
            out.heading(f"The simulated {TITLES[name]} store")
            _print(results)
    if any(result.differing for results in found.values() for result in results):
        raise click.exceptions.Exit(1)


def _replayed(platform: str, folder: Path) -> list[FileResult]:
    if platform == SHOPIFY:
        from ..sandbox.shopify import truth as shopify

        replaying, count = shopify.replay_all(folder), shopify.count(folder)
    else:
        from ..sandbox import truth as woocommerce

        replaying, count = woocommerce.replay_all(folder), sum(len(chain) for chain in woocommerce.CHAINS)
    results = []
    with out.progress(f"Replaying {TITLES[platform]}", total=count) as bar:
        for result in replaying:
            results.append(result)
            out.step(bar)
    return results


def _folders(recordings: Path | None, platform: str | None) -> dict[str, Path]:
    """Platform -> where its recordings are. Without a platform: every one that has some there."""
    if recordings is None:
        raise click.UsageError("where are the recordings? Name their folder with --recordings or CONNECTOR_RECORDINGS")
    names = [platform] if platform else PLATFORMS
    found = {name: folder for name in names if (folder := _folder(recordings, name)) is not None}
    if not found:
        wanted = TITLES[platform] if platform else " or a ".join(TITLES.values())
        raise click.UsageError(
            f"{recordings} holds no recordings of a {wanted} store (02_orders_create.json, captures/2026-04 and their like)"
        )
    return found


def _folder(recordings: Path, platform: str) -> Path | None:
    """The recordings themselves, or a folder that holds them below platforms/woocommerce or contracts/shopify."""
    below, pattern = {
        WOOCOMMERCE: ("platforms/woocommerce", "02_*.json"),
        SHOPIFY: ("contracts/shopify", "captures/*/*/*.json.gz"),
    }[platform]
    return next((folder for folder in (recordings / below, recordings) if next(folder.glob(pattern), None)), None)


def _by_domain(results: Iterable[FileResult]) -> list[FileResult]:
    """Recordings of one domain (`orders/...`) as one line; what stands alone stays alone."""
    from ..sandbox.truth import FileResult

    domains: dict[str, list[FileResult]] = {}
    for one in results:
        domains.setdefault(one.file.partition("/")[0], []).append(one)
    return [
        FileResult(file=name, title=rows[0].title if len(rows) == 1 else f"{len(rows)} recordings", outcomes=_all(rows))
        for name, rows in domains.items()
    ]


def _all(results: Iterable[FileResult]) -> tuple[Outcome, ...]:
    return tuple(outcome for one in results for outcome in one.outcomes)


def _print(details: list[FileResult]) -> None:
    results = _by_domain(details)
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
    for result in details:
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


def _document(found: dict[str, list[FileResult]]) -> dict[str, Any]:
    results = [one for rows in found.values() for one in rows]
    compared, same = sum(one.compared for one in results), sum(one.same for one in results)
    return {
        "ok": same == compared,
        "compared": compared,
        "as_recorded": same,
        "share": same / compared if compared else 1.0,
        "files": [{"platform": name, **_file(one)} for name, rows in found.items() for one in rows],
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
