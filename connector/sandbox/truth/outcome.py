"""What a replay found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from connector.sandbox.truth import exceptions
from connector.sandbox.truth.compare import Difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One exchange or case. `skipped`: the reason why it was left out; `excused`: reasons of tolerated differences."""

    label: str
    differences: tuple[Difference, ...] = ()
    excused: tuple[str, ...] = ()
    skipped: str = ""

    @property
    def same(self) -> bool:
        return not self.differences and not self.skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResult:
    """All outcomes of one recording; `title` is the recording's own."""

    file: str
    outcomes: tuple[Outcome, ...]
    title: str = ""

    @property
    def compared(self) -> int:
        return sum(not one.skipped for one in self.outcomes)

    @property
    def same(self) -> int:
        return sum(one.same for one in self.outcomes)

    @property
    def share(self) -> float:
        """Of the compared ones; 1.0 when all are as recorded."""
        return self.same / self.compared if self.compared else 1.0

    @property
    def differing(self) -> list[Outcome]:
        return [one for one in self.outcomes if one.differences]


def judged(file: str, label: str, differences: Iterable[Difference]) -> Outcome:
    """An outcome with the excused differences taken out."""
    real, excused = [], []
    for difference in differences:
        exemption = exceptions.of_path(file, label, difference.path)
        if exemption is None:
            real.append(difference)
        else:
            excused.append(exemption.reason)
    return Outcome(label=label, differences=tuple(real), excused=tuple(excused))


def table(results: Iterable[FileResult]) -> str:
    """The shares per file, then everything left out or excused with its reason, then every difference."""
    results = list(results)
    lines = ["file  recorded  compared  as recorded"]
    lines += [f"{one.file:<4}  {len(one.outcomes):>8}  {one.compared:>8}  {one.same:>4} ({one.share:.1%})" for one in results]
    for one in results:
        lines += [f"{one.file} left out: {outcome.label}: {outcome.skipped}" for outcome in one.outcomes if outcome.skipped]
        reasons = sorted({reason for outcome in one.outcomes for reason in outcome.excused})
        lines += [f"{one.file} excused: {reason}" for reason in reasons]
    for one in results:
        for outcome in one.differing:
            lines += [f"{one.file} DIFFERS: {outcome.label}: {difference}" for difference in outcome.differences]
    return "\n".join(lines)
