"""Overtaken: what was sent before staff called the order off. It is found out what became of it, and never sent again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from ..errors import TooEarly
from ..model.case import Act, ActKind, ActState
from ..model.events import CannotTell, EffectClass, EffectRule, EffectState, Happened, NotHappened, Task, TaskKind
from ..store.effects import EffectRow
from .work import Work

SLACK_S = 1.0
"""A request may leave so long after it was written down as sent (outbound: LAST_CHECK_S)."""
_FINISHED_ANEW = (ActKind.REFUND_PAYMENT, ActKind.CANCEL_ORDER, ActKind.ADJUST_INVENTORY)


def settle(work: Work) -> bool:
    """Find out about one of them. False: there is none, or nobody but a person can tell.

    Raises:
        TooEarly: the vendor may still be at it.
    """
    acts = {act.id: act for act in work.case.acts if act.state is ActState.DROPPED and was_begun(work, act)}
    if not acts:
        return False
    return any([_settle(work, acts[row.request_id], row) for row in work.unsettled() if row.request_id in acts])


def was_begun(work: Work, act: Act) -> bool:
    return any(key.endswith(f"/{act.id}") for key in work.lease.effects)


def is_unsettled(work: Work, act: Act) -> bool:
    """Was it given up after it was sent, and does nobody know what became of it?"""
    return act.state is ActState.DROPPED and any(row.request_id == act.id for row in work.unsettled())


def _settle(work: Work, act: Act, row: EffectRow) -> bool:
    account = work.registry.by_id(row.account_id)
    rule = work.registry.infos[account.plugin].effects.get(row.kind) or EffectRule(vendor=EffectClass.NONE)
    if rule.vendor is not EffectClass.LOOKUP:
        _ask_a_person(work, act, "The order was called off after it was sent.")
        return False
    _wait(work, row, rule)
    found = work.hooks_for(act.id).find_effect(account, effect=row.as_effect())
    if isinstance(found, Happened):
        work.settle(row.key, EffectState.DONE, found.answer, "")
        _happened(work, act)
        return True
    if isinstance(found, NotHappened):
        work.settle(row.key, EffectState.REFUSED, None, "looked up: it did not happen, and is not wanted any more")
        work.note("dropped", f"{act.kind} was sent before the order was called off; it did not happen.")
        return True
    if isinstance(found, CannotTell):
        _ask_a_person(work, act, found.text)
        return False
    raise TooEarly("the vendor is still at it.", account=account.name, operation=row.kind, after_s=max(5.0, rule.settle_s))


def _wait(work: Work, row: EffectRow, rule: EffectRule) -> None:
    ready = (row.sent_at or row.now) + timedelta(seconds=SLACK_S + rule.deadline_s + rule.settle_s)
    if row.now < ready:
        wait = (ready - row.now).total_seconds()
        raise TooEarly(f"{row.kind} was sent and not answered; it can be looked up in {wait:.0f} s.", after_s=wait + 0.05)


def _happened(work: Work, act: Act) -> None:
    """What moved money is finished like any other: its hook gets the vendor's answer out of the ledger and sends nothing."""
    work.note("dropped", f"{act.kind} was sent before the order was called off, and it happened.")
    if act.kind in _FINISHED_ANEW:
        work.case = work.case.with_act(replace(act, state=ActState.OPEN, said=""))
        return
    work.case = work.case.with_act(replace(act, state=ActState.DONE, said="it happened before the order was called off"))
    if act.kind is ActKind.BUY_LABEL:
        steps = ("Void the label at the carrier, or get its price back.", "Keep the parcel in the house.")
        title = f"{work.case.ref}: a label was bought before the order was called off"
        work.open_task(Task(kind=TaskKind.PROBLEM, about=act.id, title=title, steps=steps))


def _ask_a_person(work: Work, act: Act, why: str) -> None:
    if (TaskKind.UNKNOWN_EFFECT, act.id) in work.lease.open_tasks:
        return
    work.open_task(
        Task(
            kind=TaskKind.UNKNOWN_EFFECT,
            about=act.id,
            title=f"{work.case.ref}: nobody knows whether {act.kind} happened before the order was called off. {why}",
            steps=(
                "Look at the vendor's own page whether it happened.",
                f"Then say so: connector effects resolve {work.case.ref} {act.id} --happened (or --not-happened)",
            ),
        )
    )
