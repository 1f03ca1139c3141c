"""The report: what happened to every order of a run, as one page that needs nothing but a browser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ..model.case import Case
from ..model.events import DutyState


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of an order's timeline."""

    at: datetime
    who: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Who was told what, and by whom."""

    event: str
    person: str
    state: DutyState


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One story as it went: its timeline, the case at its end, what the shop shows, and what is not as it should be.

    `shop`: its platform as people write it.
    """

    name: str
    title: str
    platform: str
    shop: str
    expected: str
    case: Case
    store_status: str
    timeline: Sequence[Line]
    told: Sequence[Told]
    effects: Sequence[str]
    tasks: Sequence[str]
    differences: Sequence[str]

    @property
    def ok(self) -> bool:
        return not self.differences


def write(path: Path, title: str, chapters: Sequence[Chapter], *, facts: dict[str, Any]) -> Path:
    """Write the page. Everything in it is escaped: names and notes are what customers typed."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(loader=PackageLoader("connector.rehearse"), autoescape=True, undefined=StrictUndefined)
    page = environment.get_template("report.html").render(title=title, chapters=chapters, facts=facts)
    path.write_text(page, "utf-8")
    return path
