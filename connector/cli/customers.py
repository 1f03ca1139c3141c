"""`connector customers`: giving out what is held about a customer, and erasing it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import out
from .acting import yes_option
from .opening import NotThere, asker, opened, who_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..app import App
    from ..people import Erased
    from ..store.people import Owned

SHOWN = 20


@click.group(short_help="What is held about a customer: giving it out, erasing it.")
def customers() -> None:
    """People and their data: give out what is held about a customer, or erase it."""


@customers.command()
@click.argument("email", metavar="[EMAIL]", required=False)
@click.option("--delivery", type=int, metavar="N", help="Of the customer whom a platform's request (a delivery) names.")
@click.option(
    "--out", "file", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file, which only you can read."
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.pass_obj
def export(config: Path, email: str | None, delivery: int | None, file: Path | None, force: bool) -> None:
    """Give out everything that is held about a customer, as JSON: orders, addresses, notes, messages, deliveries.

    Accounts that can tell what the platform itself holds are asked, too. The exit code is 3 if one of them did not answer;
    what the others said is written all the same.
    """
    if (email is None) == (delivery is None):
        raise click.UsageError("say whose: an e-mail address, or --delivery with the number of the platform's request")
    if file is not None and file.exists() and not force:
        raise click.UsageError(f"{file} is there already; name another file, or say --force")
    with opened(config) as app:
        document = _exported(app, email, delivery)
        if file is None:
            out.show_json(document)
        else:
            _write(file, document)
            out.show(f"{out.counted(len(document['orders']), 'order')} written to {file}.")
            out.note("It holds all that is known of a person. Send it in a safe way, and delete it afterwards.")
        for name, why in document["failures"].items():
            out.note(f"{name} did not say what it holds: {why}")
    raise click.exceptions.Exit(3 if document["failures"] else 0)


def _exported(app: App, email: str | None, delivery: int | None) -> dict[str, Any]:
    from .. import people

    if email is not None:
        with out.progress("looking through orders and deliveries"):
            return people.export(app, email)
    stored = app.deliveries.read(delivery or 0)
    if stored is None:
        raise NotThere(f"there is no delivery {delivery}. Those that there are: connector deliveries list")
    if stored.delivery is None:
        raise NotThere(f"what delivery {delivery} brought was erased; there is nothing left to give out")
    account = app.registry.by_id(stored.account_id)
    news = [one for one in app.hooks.parse_webhook(account, delivery=stored.delivery) if one.kind in people.ASKED]
    if not news or not (news[0].email or news[0].orders):
        raise NotThere(f"delivery {delivery} names no customer")
    with out.progress("looking through orders and deliveries"):
        return people.export_asked(app, account, news[0])


def _write(file: Path, document: dict[str, Any]) -> None:
    """Into a file that only we may read; it gets its name when it is complete."""
    import msgspec

    from ..errors import ConfigError
    from ..model.codec import to_json

    part = file.with_name(f"{file.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as written:
            written.write(msgspec.json.format(to_json(document), indent=2) + b"\n")
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ConfigError(f"{file} cannot be written: {error.strerror}") from error


@customers.command()
@click.argument("email", metavar="EMAIL")
@click.option("--at-platform", is_flag=True, help="Have the platforms that can do so erase the customer, too.")
@click.option("--force", is_flag=True, help="Also from orders that are still open: nothing can be sent to nobody.")
@yes_option
@who_option
@out.json_option
@click.pass_obj
def erase(config: Path, email: str, at_platform: bool, force: bool, yes: bool, who: str | None, as_json: bool) -> None:
    """Erase a customer: names, addresses, notes and what was delivered about them. Sums, dates and products stay.

    Refused while one of their orders is open. What has been erased does not come back with the next poll.
    """
    from .. import people

    with opened(config) as app:
        found = people.find(app, email)
        if not yes:
            _confirm(found, at_platform=at_platform, as_json=as_json)
        with out.progress("erasing"):
            erased = people.erase(app, email, who=asker(who), force=force, at_platform=at_platform)
    if as_json:
        out.show_json(_document(erased))
    else:
        _tell(erased)
    raise click.exceptions.Exit(3 if erased.failures else 0)


def _confirm(found: Sequence[Owned], *, at_platform: bool, as_json: bool) -> None:
    """Show what would be erased, and ask."""
    if as_json or not (sys.stdin.isatty() and out.seen_by_a_person()):
        raise click.UsageError("erasing needs --yes where nobody can be asked")
    out.show(f"{out.counted(len(found), 'order')} of this customer, {len([one for one in found if one.open])} still open.")
    for one in found[:SHOWN]:
        out.under(f"{one.ref}  {one.open}".rstrip())
    if len(found) > SHOWN:
        out.under(f"and {len(found) - SHOWN} more")
    where = " here and at the platforms" if at_platform else ""
    click.confirm(f"Erase the customer{where}? This cannot be undone.", abort=True)


def _document(erased: Erased) -> dict[str, Any]:
    return {
        "orders": erased.orders,
        "deliveries": erased.deliveries,
        "key_destroyed": erased.key_destroyed,
        "at_platform": erased.at_platform,
        "failures": erased.failures,
    }


def _tell(erased: Erased) -> None:
    if not erased.orders and not erased.deliveries and not erased.key_destroyed:
        out.show("Nothing is held here about this customer.")
    else:
        said = out.counted(erased.deliveries, "delivery", "deliveries")
        out.show(f"Erased from {out.counted(len(erased.orders), 'order')} and {said}.")
    for name, lines in erased.at_platform.items():
        for line in lines or ["nothing is held there"]:
            out.show(f"  {name}: {line}")
    for name, why in erased.failures.items():
        out.show(f"  {name}: not erased there: {why}")
    out.note("Mailboxes, exports and backups made before are for you: docs/personal-data.md says how.")
