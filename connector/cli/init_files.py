"""The two files that `init` writes to: it only ever adds to them."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..config import Settings

FIRST = """\
# The order connector. What else can be said here: docs/configuration.md

[connector]
# Where shops reach this machine with their webhooks. Without it they are asked for news.
# public_url = "https://orders.example.com"
# timezone = "Europe/Berlin"
"""


def new_file(config: Path) -> bool:
    """Write the first connector.toml. False if there is one."""
    from ..errors import ConfigError

    try:
        with config.open("x", encoding="utf-8") as file:
            file.write(FIRST)
    except FileExistsError:
        return False
    except OSError as error:
        raise ConfigError(f"{config}: cannot be written ({error.strerror}); make the folder, or name another file") from error
    return True


def add_account(config: Path, account: Mapping[str, str], values: Mapping[str, str], references: Mapping[str, str]) -> None:
    """Append one [accounts.NAME]. Everything that stands in the file stays as it is."""
    lines = [f"[accounts.{_key(account['account'])}]", f"plugin = {_text(account['plugin'])}"]
    lines.append(f"id = {_text(account['id'])}  # never change it; the name above may change")
    lines += [f"{key} = {_text(value)}" for key, value in values.items()]
    lines += [f"{key} = {{ env = {_text(variable)} }}" for key, variable in references.items()]
    before = config.read_text("utf-8")
    gap = "" if before.endswith("\n\n") or not before else "\n" if before.endswith("\n") else "\n\n"
    with config.open("a", encoding="utf-8") as file:
        file.write(gap + "\n".join(lines) + "\n")


def _key(name: str) -> str:
    """A dot in a name would begin a table within a table."""
    return _text(name) if "." in name else name


def _text(value: str) -> str:
    # A JSON string is a TOML basic string.
    return json.dumps(value, ensure_ascii=False)


def add_to_dotenv(config: Path, values: Mapping[str, str], *, unless: Mapping[str, str]) -> list[str]:
    """Add variables that are neither in the file beside it nor `unless` set; returns their names. Only we may read the file."""
    file = config.parent / ".env"
    there = written(file)
    new = {name: value for name, value in values.items() if name not in there and not unless.get(name)}
    if not new:
        return []
    text = "".join(f"{name}={_quoted(value)}\n" for name, value in new.items())
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "r+", encoding="utf-8") as opened:
        os.fchmod(descriptor, 0o600)
        before = opened.read()
        opened.write(("\n" if before and not before.endswith("\n") else "") + text)
    return list(new)


def _quoted(value: str) -> str:
    """As python-dotenv reads it back: a password may hold a # or a quote."""
    if re.fullmatch(r"[A-Za-z0-9_./:+=@-]*", value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def written(file: Path) -> dict[str, str]:
    """What stands in a .env file; a name without a value counts as empty."""
    if not file.is_file():
        return {}
    from dotenv import dotenv_values

    return {name: value or "" for name, value in dotenv_values(file, interpolate=False, encoding="utf-8").items()}


def wanted(config: Path) -> list[str]:
    """Names of the environment variables that the file refers to."""
    return list(dict.fromkeys(_references(tomllib.loads(config.read_text("utf-8")))))


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if value.keys() == {"env"} and isinstance(value["env"], str):
            yield value["env"]
            return
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _references(item)


def readable(config: Path) -> Settings:
    """The settings even while secrets are missing: what is not set yet reads as a blank that nobody may use.

    Raises:
        ConfigError: anything else that is wrong with the file.
    """
    from ..config import load
    from ..errors import ConfigError

    try:
        blanks = dict.fromkeys(wanted(config), "?")
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{config}: not valid TOML: {error}; correct that line") from None
    there = {name: value for name, value in {**written(config.parent / ".env"), **os.environ}.items() if value}
    return load(config, {**blanks, **there})
