"""Our words to JSON and back, by msgspec. Errors carry the path of what is wrong."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

# msgspec 0.22 shows what it knows of a class to other threads before it is complete, and a thread that decodes with it then
# takes the whole process down (seen: two workers' threads and their first orders). So one thread at a time prepares a type.
_preparing = threading.Lock()


@cache
def _decoder(as_type: Any) -> msgspec.json.Decoder[Any]:
    with _preparing:
        return msgspec.json.Decoder(as_type)


def to_json(value: Any) -> bytes:
    """Any of our words as JSON: dataclasses as objects, times as RFC 3339, decimals as strings, None left in."""
    try:
        return msgspec.json.encode(value, order="deterministic")
    except UnicodeEncodeError:
        return msgspec.json.encode(_whole_letters(msgspec.to_builtins(value)), order="deterministic")


def from_json(data: bytes | str, as_type: type[T]) -> T:
    """Read JSON back. Raises ValueError with the path of what does not fit."""
    try:
        read: T = _decoder(as_type).decode(data)  # type: ignore[arg-type]  # mypy: types have no hash
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error
    return read


def plain(value: Any) -> Any:
    """Dicts, lists, strings and numbers only, as `to_json` would write them."""
    # By way of JSON, because tuples would stay tuples otherwise: what is in memory would differ from what is read back.
    return msgspec.json.decode(to_json(value))


def typed(value: Any, as_type: type[T]) -> T:
    """The way back from `plain`. Raises ValueError with the path of what does not fit."""
    _decoder(as_type)  # type: ignore[arg-type]
    try:
        return msgspec.convert(value, type=as_type)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error


def _whole_letters(value: Any) -> Any:
    # A note that was cut in the middle of an emoji ends in half of one, which JSON may carry and UTF-8 may not.
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_whole_letters(key): _whole_letters(item) for key, item in value.items()}
    return [_whole_letters(item) for item in value] if isinstance(value, list | tuple) else value
