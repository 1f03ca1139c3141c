"""Holds on the platform, where it knows holds: what is held here is held there, and let go there when it is released here."""

from __future__ import annotations

from dataclasses import replace

from ..model.case import Act, ActKind, ActState
from ..model.flow import OPEN
from ..model.review import PLATFORM_HOLD, Hold
from .work import Work


def mirror(work: Work) -> bool:
    """Plan what makes the platform's holds ours. False: they are, or it has refused to."""
    if not work.knows("set_hold"):
        return False
    before = work.case
    is_open = before.stage in OPEN
    tried = {_key(act.read(Hold)): act for act in before.acts if act.kind is ActKind.SET_HOLD}
    if is_open:
        for hold in before.holds:
            # What somebody else holds on the platform is there already.
            if hold.code != PLATFORM_HOLD and _key(hold) not in tried:
                work.case = work.case.with_act(Act.of(f"hold-{len(work.case.acts) + 1}", ActKind.SET_HOLD, hold))
    held = {_key(hold) for hold in before.holds} if is_open else set()
    for act in (act for key, act in tried.items() if key not in held):
        _let_go(work, act, is_open=is_open)
    return work.case is not before


def _let_go(work: Work, act: Act, *, is_open: bool) -> None:
    """A hold that is not there any more. An order that has ended has none on the platform either."""
    if act.state is ActState.OPEN:
        work.case = work.case.with_act(replace(act, state=ActState.DROPPED, said="released before it was shown"))
    elif is_open and act.state in (ActState.DONE, ActState.WAITING) and work.case.act(f"release-{act.id}") is None:
        work.case = work.case.with_act(Act.of(f"release-{act.id}", ActKind.RELEASE_HOLD, act.read(Hold), after=act.id))


def set_hold(work: Work, act: Act) -> None:
    shown = work.hooks_for(act.id).set_hold(work.account, order=work.case.order, hold=act.read(Hold))
    work.case = work.case.with_act(replace(act, state=ActState.DONE, answer={"shown": shown}))
    if shown:
        work.note("told_platform", "The platform shows the hold.")


def release_hold(work: Work, act: Act) -> None:
    work.hooks_for(act.id).release_hold(work.account, order=work.case.order, hold=act.read(Hold))
    work.case = work.case.with_act(replace(act, state=ActState.DONE))
    work.note("told_platform", "The platform shows the hold no longer.")


def _key(hold: Hold) -> tuple[str, str, str]:
    return (hold.reason, hold.code, hold.since.isoformat())
