"""One table of a TOML file into one msgspec Struct, with errors in the merchant's words. Used by config.py only."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import NODEFAULT, inspect

from .errors import ConfigError

T = TypeVar("T")


class Secret(str):
    """A value that no repr shows. As text it is itself, so that it can be sent; msgspec refuses to write it down."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def close(word: str, known: Iterable[str]) -> str:
    """The known word that is spelt most nearly like this one, or ""."""
    by_lower = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1)
    return by_lower[found[0]] if found else ""


def hint(word: str, known: Iterable[str]) -> str:
    """The end of an error about a misspelt word: the nearest right one, else all."""
    known = list(known)
    guess = close(word, known)
    if guess:
        return f'did you mean "{guess}"?'
    return f"possible: {', '.join(sorted(known))}" if known else "none is possible"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in which file something stands. It makes the errors.

    `hidden` are the secrets that may not be in them; `said_by` has another name for a key that the file does not say.
    """

    file: Path
    table: str = ""
    hidden: tuple[str, ...] = ()
    said_by: Mapping[str, str] = field(default_factory=dict)

    def at(self, table: str) -> Place:
        return replace(self, table=table)

    def error(self, key: str, text: str) -> ConfigError:
        table = f"[{self.table}]" if self.table else ""
        key = self.said_by.get(key, key)
        for secret in self.hidden:
            text = text.replace(secret, "***")
        return ConfigError(f"{self.file}: {' '.join(part for part in (table, key) if part)}: {text}")

    def known(self, table: Mapping[str, Any], names: Iterable[str], *, also: Iterable[str] = ()) -> None:
        """Refuse a key that is not one of `names`; `also` are words that it may be a misspelling of."""
        names = list(names)
        for key in table:
            if key not in names:
                raise self.error(key, f"unknown key; {hint(key, [*names, *also])}")


def read_table(raw: Any, as_type: type[T], place: Place) -> T:
    """Read a table. Raises ConfigError for an unknown key, a missing one or a value that does not fit."""
    if not isinstance(raw, Mapping):
        raise place.error("", "must be a table")
    place.known(raw, [key.name for key in keys_of(as_type)])
    try:
        return msgspec.convert(raw, as_type)
    except msgspec.ValidationError as error:
        # Not chained: the original may show the value.
        raise place.error(*in_our_words(str(error), as_type)) from None


# --- msgspec's errors in our words ------------------------------------------------------------------------------------

_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
}
_MESSAGE = re.compile(r"(?P<what>.*?)(?: - at (?P<key>`key` in )?`\$\.?(?P<path>.*)`)?", re.DOTALL)


def in_our_words(message: str, as_type: type[Any]) -> tuple[str, str]:
    """Key and text for an error of msgspec ("Expected `int`, got `str` - at `$.port`")."""
    match = _MESSAGE.fullmatch(message)
    what, is_key, path = match.group("what", "key", "path") if match else (message, None, "")
    path = path or ""
    if missing := re.fullmatch(r"Object missing required field `(.*)`", what):
        return ".".join(part for part in (path, missing[1]) if part), "is required; add it"
    if unknown := re.fullmatch(r"Object contains unknown field `(.*)`", what):
        return path, f'unknown key "{unknown[1]}"; take it out or correct its spelling'
    if wrong := re.fullmatch(r"Invalid enum value (.*)", what):
        word = wrong[1].strip("'")
        return path.replace("[...]", ""), f'"{word}" is not possible; {hint(word, _choices(as_type, path, key=bool(is_key)))}'
    what = re.sub(r"`([^`]*)`", lambda quoted: _kinds(quoted[1]), what)
    return path.replace("[...]", ""), what.replace("Expected ", "must be ").replace(", got ", ", not ")


def _kinds(names: str) -> str:
    return " or ".join(_WORDS.get(name, name) for name in names.split(" | "))


def _choices(as_type: type[Any], path: str, *, key: bool) -> list[str]:
    """The words that are allowed at a path of msgspec's ("findings[...]")."""
    kind = inspect.type_info(as_type)
    for name, _ in re.findall(r"([^.\[\]]+)|(\[)", path.replace("[...]", "[]")):
        kind = _inside(kind, name)
    kind = _bare(kind)
    if key and isinstance(kind, inspect.DictType):
        kind = _bare(kind.key_type)
    if isinstance(kind, inspect.EnumType):
        return [str(member.value) for member in kind.cls]
    return [str(value) for value in kind.values] if isinstance(kind, inspect.LiteralType) else []


def _inside(kind: inspect.Type, name: str) -> inspect.Type:
    kind = _bare(kind)
    if isinstance(kind, inspect.StructType):
        return next((field.type for field in kind.fields if field.encode_name == name), kind)
    if isinstance(kind, inspect.DictType):
        return kind.value_type
    return kind.item_type if isinstance(kind, inspect.CollectionType) else kind


def _bare(kind: inspect.Type) -> inspect.Type:
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.UnionType):
        return next((_bare(part) for part in kind.types if not isinstance(part, inspect.NoneType)), kind)
    return kind


# --- what can be configured -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key as it is documented. `default` is None for a required key and for one that may be left unset."""

    name: str
    type: str
    default: Any
    required: bool
    description: str
    secret: bool = False
    table: str = ""


def keys_of(struct: type[Any]) -> list[Key]:
    """The keys of a Struct class: the core's own or a plugin's `PluginInfo.config`."""
    return [_key(field) for field in inspect.type_info(struct).fields]  # type: ignore[attr-defined]


def _key(field: inspect.Field) -> Key:
    meta = field.type if isinstance(field.type, inspect.Metadata) else inspect.Metadata(field.type)
    default = None if field.default is NODEFAULT else field.default
    if field.default_factory is not NODEFAULT:
        default = field.default_factory()
    return Key(
        name=field.encode_name,
        type=_type_words(field.type),
        default=default,
        required=field.required,
        description=(meta.extra_json_schema or {}).get("description", ""),
        secret=bool((meta.extra or {}).get("secret")),
    )


def _type_words(kind: inspect.Type) -> str:
    kind = _bare(kind)
    if isinstance(kind, inspect.EnumType):
        return ", ".join(str(member.value) for member in kind.cls)
    if isinstance(kind, inspect.LiteralType):
        return ", ".join(str(value) for value in kind.values)
    if isinstance(kind, inspect.DictType):
        return f"table ({_type_words(kind.key_type)} = {_type_words(kind.value_type)})"
    if isinstance(kind, inspect.CollectionType):
        return f"list ({_type_words(kind.item_type)})"
    simple = {"StrType": "text", "IntType": "whole number", "FloatType": "number", "BoolType": "true or false"}
    return simple.get(type(kind).__name__, "table")
