"""The pages of docs/ that are written from the code: `python -m connector.docs hooks`, `... configuration`, `... commands`,
`... --write DIR`.

Of configuration.md only what follows the marker is generated; the introduction above it is written by hand.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import connector.hookspecs as hookspecs

from .config import General, Policy, Rehearsal, Wiring, keys
from .config_table import Key
from .registry import every_hook

if TYPE_CHECKING:
    import click

MARKER = "<!-- From here on: python -m connector.docs configuration -->"
SECTIONS = ("Called", "Args", "Returns", "Raises", "Repeats", "Source")


def sections(docstring: str) -> dict[str, str]:
    """A hook's docstring by section, each as one line; the text above the first is under ""."""
    found: dict[str, list[str]] = {"": []}
    name = ""
    for line in inspect.cleandoc(docstring).splitlines():
        head = re.match(rf"({'|'.join(SECTIONS)}): ?(.*)", line)
        name, line = (head[1], head[2]) if head else (name, line)
        found.setdefault(name, []).append(line.strip())
    return {name: " ".join(part for part in parts if part) for name, parts in found.items()}


def signature(name: str) -> str:
    """A hook as it is written in hookspecs.py, on one line."""
    said = dict(every_hook()[name].__annotations__)
    answer = said.pop("return")
    return f"{name}({', '.join(f'{argument}: {kind}' for argument, kind in said.items())}) -> {answer}"


def hooks_page() -> str:
    """docs/hooks.md"""
    parts = [
        "# Hooks",
        "*Written from `connector/hookspecs.py` by `python -m connector.docs hooks`; edit that file.*",
        inspect.cleandoc(hookspecs.__doc__ or "").partition("\n")[2].strip(),
    ]
    for family, name in re.findall(r"^# --- \d+\. (.+?) -+$|^def (\w+)\(", inspect.getsource(hookspecs), re.MULTILINE):
        parts.append(f"## {family.capitalize()}" if family else _hook(name))
    return "\n\n".join(parts) + "\n"


def _hook(name: str) -> str:
    said = sections(every_hook()[name].__doc__ or "")
    source = re.sub(r"docs/(\S+)", r"[\1](\1)", said["Source"])
    lines = [f"- **{section}:** {source if section == 'Source' else said[section]}" for section in SECTIONS]
    return "\n".join([f"### `{signature(name)}`", "", said[""], "", *lines])


def configuration_page() -> str:
    """The generated part of docs/configuration.md."""
    about = {"connector": General, "policy": Policy, "rehearsal": Rehearsal, "accounts.NAME": Wiring}
    parts = []
    for table, struct in about.items():
        text = inspect.cleandoc(struct.__doc__ or "").partition(": ")[2]
        rows = [_row(key) for key in keys() if key.table == table]
        head = ["| Key | Type | Default | Meaning |", "|---|---|---|---|"]
        parts.append("\n".join([f"## `[{table}]`", "", text[:1].upper() + text[1:], "", *head, *rows]))
    return "\n\n".join(parts) + "\n"


def _row(key: Key) -> str:
    default = "required" if key.required else f"`{_toml(key.default)}`" if key.default is not None else ""
    return f"| `{key.name}` | {key.type} | {default} | {key.description} |"


def _toml(value: Any) -> str:
    if isinstance(value, Enum):
        return f'"{value.value}"'
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, Mapping):
        inside = ", ".join(f"{name} = {_toml(item)}" for name, item in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


# --- commands.md ------------------------------------------------------------------------------------------------------


def commands_page() -> str:
    """docs/commands.md"""
    import click

    from . import cli

    codes = inspect.cleandoc(cli.__doc__ or "").partition("Exit codes: ")[2].replace("\n", " ").rstrip(".")
    parts = [
        "# Commands",
        "*Written from `connector/cli/` by `python -m connector.docs commands`; edit those files.*",
        "Every list and result can be had as JSON with `--json`. Colour and progress are only for terminals. Exit codes:",
        "\n".join(f"- {code.strip()}" for code in codes.split(";")),
    ]
    with click.Context(cli.cli, info_name="connector") as ctx:
        parts += _command(cli.cli, ctx)
    return "\n\n".join(parts) + "\n"


def _command(command: click.Command, ctx: click.Context) -> Iterator[str]:
    """A command and, if it is a group, those in it."""
    import click

    depth = len(ctx.command_path.split())
    pieces = [] if isinstance(command, click.Group) else command.collect_usage_pieces(ctx)
    usage = " ".join([ctx.command_path, *(piece for piece in pieces if piece != "[OPTIONS]")])
    yield f"{'#' * min(depth + 1, 4)} `{usage}`"
    if command.help:
        yield inspect.cleandoc(command.help)
    records = [parameter.get_help_record(ctx) for parameter in command.params if isinstance(parameter, click.Option)]
    if records:
        yield "\n".join(f"- `{record[0]}`: {' '.join(record[1].split())}" for record in records if record)
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            inner = command.get_command(ctx, name)
            if inner is not None:
                with click.Context(inner, info_name=name, parent=ctx) as below:
                    yield from _command(inner, below)


PAGES = {"hooks": hooks_page, "configuration": configuration_page, "commands": commands_page}


def whole(page: str, written: str) -> str:
    """What the file of a page is to hold, given what it holds now."""
    if page != "configuration":
        return PAGES[page]()
    by_hand, marker, _ = written.partition(MARKER)
    if not marker:
        raise ValueError(f"configuration.md has lost its line {MARKER}")
    return f"{by_hand}{MARKER}\n\n{configuration_page()}"


def main(arguments: list[str]) -> int:
    match arguments:
        case [page] if page in PAGES:
            sys.stdout.write(PAGES[page]())
            return 0
        case ["--write", folder]:
            for page in PAGES:
                file = Path(folder) / f"{page}.md"
                file.write_text(whole(page, file.read_text("utf-8") if file.exists() else ""), "utf-8")
            return 0
    sys.stderr.write(f"usage: python -m connector.docs {' | '.join(PAGES)} | --write FOLDER\n")
    return 2


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
