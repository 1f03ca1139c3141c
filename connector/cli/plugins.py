"""`connector plugins`: which there are, what they can do and what they want configured. Needs no database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from . import out
from .opening import NotThere, settings_or_defaults

if TYPE_CHECKING:
    from ..config import Settings
    from ..model.plugin import PluginInfo
    from ..registry import Registry


@click.group(short_help="Which plugins there are, and what they want.")
def plugins() -> None:
    """Platforms, carriers, mail servers, reviewers: what is there and what it wants."""


def _registry(settings: Settings) -> Registry:
    from ..registry import load

    return load(settings)


@plugins.command("list")
@out.json_option
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List all plugins."""
    registry = _registry(settings_or_defaults(ctx))
    documents = [_brief(registry, name) for name in sorted(registry.infos)]
    blocked = registry.settings.connector.blocked_plugins
    if as_json:
        out.show_json({"plugins": documents, "blocked": blocked})
        return
    rows = [(one["plugin"], ", ".join(one["kinds"]), ", ".join(one["accounts"]) or "-", one["summary"]) for one in documents]
    out.table(("Plugin", "Kind", "Accounts", "What it does"), rows, wrap=("Kind", "Accounts", "What it does"))
    if blocked:
        out.note(f"Blocked: {', '.join(blocked)}")


def _brief(registry: Registry, name: str) -> dict[str, Any]:
    info = registry.infos[name]
    return {
        "plugin": name,
        "kinds": [str(kind) for kind in info.kinds],
        "summary": info.summary,
        "origin": registry.origins[name],
        "accounts": [account.name for account in registry.accounts.values() if account.plugin == name],
    }


@plugins.command()
@click.argument("name", metavar="PLUGIN")
@out.json_option
@click.pass_context
def show(ctx: click.Context, name: str, as_json: bool) -> None:
    """Show what a plugin can do, what it wants configured, and how its effects behave."""
    from ..config_table import hint

    registry = _registry(settings_or_defaults(ctx))
    if name not in registry.infos:
        raise NotThere(f'there is no plugin "{name}"; {hint(name, registry.infos)}')
    document = _brief(registry, name) | _full(registry, registry.infos[name])
    if as_json:
        out.show_json(document)
    else:
        _show(document)


def _full(registry: Registry, info: PluginInfo) -> dict[str, Any]:
    from ..config_table import keys_of
    from ..registry import every_hook

    can = info.capabilities
    return {
        "hooks": [hook for hook in every_hook() if registry.implements(info.name, hook)],
        "config": [
            {"key": key.name, "type": key.type, "required": key.required, "secret": key.secret, "default": key.default}
            | {"description": key.description}
            for key in (keys_of(info.config) if info.config else [])
        ],
        "effects": {
            kind: {"unknown": rule.vendor, "deadline_s": rule.deadline_s, "settle_s": rule.settle_s, "looks_by": rule.looks_by}
            | {"remembers_s": rule.remembers_s}
            for kind, rule in sorted(info.effects.items())
        },
        "capabilities": {
            "tells": sorted(f"{event}: {person}" for event, person in can.tells),
            "cannot_deliver": can.cannot_deliver,
            "cancel_restocks": can.cancel_restocks,
            "max_per_second": can.max_per_second,
            "burst": can.burst,
            "poll_every_s": can.poll_every_s,
        },
    }


UNKNOWN = {
    "keyed": "sent again with the same key, which the vendor knows",
    "lookup": "looked up {after:.0f} s later, by {by}",
    "none": "only a person can find out",
}


def _show(document: dict[str, Any]) -> None:
    from rich.text import Text

    out.show(Text.assemble((document["plugin"], "bold"), "  ", ", ".join(document["kinds"])))
    out.show(document["summary"] or "It says nothing about itself.", Text(document["origin"], style="dim"))
    used = ", ".join(document["accounts"])
    out.show(f"Used by: {used}" if used else "No account uses it.")
    if document["config"]:
        out.heading("Keys of its accounts")
        out.table(("Key", "Type", "Default", "Meaning"), [_key(key) for key in document["config"]], wrap=("Type", "Meaning"))
    out.heading("Hooks")
    out.under(", ".join(document["hooks"]))
    if document["effects"]:
        out.heading("When no answer comes")
        out.table(
            ("Effect", "Given up after", "Then"), [_effect(*item) for item in document["effects"].items()], wrap=("Then",)
        )
    _capabilities(document["capabilities"])


def _key(key: dict[str, Any]) -> tuple[str, str, str, str]:
    default = "required" if key["required"] else "" if key["default"] is None else _plain(key["default"])
    kind = f"{key['type']}, secret" if key["secret"] else key["type"]
    return key["key"], kind, default, key["description"]


def _plain(default: Any) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return ", ".join(str(part) for part in default) if isinstance(default, tuple | list | dict) else str(default)


def _effect(kind: str, rule: dict[str, Any]) -> tuple[str, str, str]:
    then = UNKNOWN[rule["unknown"]].format(after=rule["deadline_s"] + rule["settle_s"], by=rule["looks_by"])
    return kind, f"{rule['deadline_s']:.0f} s", then


def _capabilities(can: dict[str, Any]) -> None:
    said = []
    if can["tells"]:
        said.append(f"The platform itself tells: {', '.join(can['tells'])}".replace("_", " "))
    if can["cannot_deliver"]:
        said.append(f"Does not deliver to: {', '.join(can['cannot_deliver'])}".replace("_", " "))
    if can["cancel_restocks"]:
        said.append("Cancelling puts the goods back into stock.")
    if can["max_per_second"]:
        said.append(f"At most {can['max_per_second']:g} calls a second, {can['burst']} at once.")
    if can["poll_every_s"]:
        said.append(f"Asked for news every {can['poll_every_s']:g} s.")
    if said:
        out.heading("Also")
    for line in said:
        out.under(line)
