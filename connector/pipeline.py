"""The order of the steps. `advance` brings one order as far as it goes just now; nobody else knows which step follows which.

A job may run twice, late, or be cut at any line: everything that was not committed is decided anew, and everything that was
sent is in the ledger.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from .errors import BadPayload, ConfigError, ConnectorError, OutcomeUnknown, Refused, TooEarly, TryLater, Unsupported
from .model.case import READ_BEFORE, Act, ActKind, ActState, Case, left_to_ship
from .model.events import Task, TaskKind
from .model.flow import Stage
from .model.order import PlatformStatus
from .model.payment import Captured, MoneyMoved
from .model.refunds import CancelRequest
from .outbound.ledger import HeldBack
from .steps import capture, decide, fulfil, intake, notify, overtaken, platform_holds, refund, review, syncback, unpaid
from .steps.work import Work
from .store.lease import InboxItem, Lease, LeaseLost
from .store.orders import Orders

log = logging.getLogger(__name__)

ENOUGH_FAILURES = 10
"""After so many failures in a row a person is asked; it is still tried, at the longest interval."""
LONGEST_BACKOFF = timedelta(minutes=30)
# No parcel leaves before the money is taken and the platform lets it go.
_BEFORE_LABELS = (ActKind.CAPTURE_PAYMENT, ActKind.RELEASE_HOLD)
# What a person is asked to mend, and what is over by itself when it works again.
STUCK, UNREADABLE = "stuck", "unreadable"

DO: dict[ActKind, Callable[[Work, Act], None]] = {
    ActKind.BUY_LABEL: fulfil.buy_label,
    ActKind.PUSH_SHIPMENT: syncback.push_shipment,
    ActKind.PUSH_STATUS: syncback.push_status,
    ActKind.WRITE_NOTE: syncback.write_note,
    ActKind.CANCEL_ORDER: refund.cancel_order,
    ActKind.REFUND_PAYMENT: refund.refund_payment,
    ActKind.ADJUST_INVENTORY: refund.adjust_inventory,
    ActKind.CAPTURE_PAYMENT: capture.capture_payment,
    ActKind.VOID_PAYMENT: refund.void_payment,
    ActKind.SET_HOLD: platform_holds.set_hold,
    ActKind.RELEASE_HOLD: platform_holds.release_hold,
}


@dataclass(slots=True, kw_only=True)
class Rest:
    """How the work came to rest: when to look again (None: when somebody wakes it), and what went wrong."""

    due_at: datetime | None = None
    problem: str = ""
    failed: bool = False

    def sooner(self, other: Rest) -> Rest:
        times = [rest.due_at for rest in (self, other) if rest.due_at is not None]
        return Rest(due_at=min(times, default=None), problem=self.problem or other.problem, failed=self.failed or other.failed)


def advance(orders: Orders, order_id: int, make_work: Callable[[Lease], Work]) -> bool:
    """Take one order and bring it as far as it goes. False if somebody else has it just now."""
    lease = orders.take(order_id)
    if lease is None:
        return False
    try:
        work = make_work(lease)
    except ConfigError as error:  # its account is gone from the configuration
        now = datetime.now(UTC)
        orders.drop(lease, now, due_at=now + LONGEST_BACKOFF, failures=lease.failures + 1, problem=str(error))
        return True
    work.watch("taken")
    try:
        while True:
            rest = _work_off(work)
            if not rest.failed and rest.due_at is None and _settled_by_itself(work, STUCK, "It goes on again."):
                rest = _work_off(work)
            failures = lease.failures + 1 if rest.failed else 0 if rest.due_at is None else lease.failures
            if rest.failed and failures >= ENOUGH_FAILURES:
                _ask_for_help(work, rest.problem)
            due_at = _soonest(_backed_off(rest, failures, work.now()), *_deadlines(work))
            if orders.give_back(lease, work.now(), due_at=due_at, failures=failures, problem=rest.problem):
                work.watch("given_back")
                return True
            orders.look_again(lease)
            work.fresh = False
    except LeaseLost:
        log.info("%s is in other hands now", lease.ref)
    return True


def _deadlines(work: Work) -> tuple[datetime | None, ...]:
    """When the order is to be looked at although nobody wakes it."""
    return (unpaid.look_again_at(work), capture.look_again_at(work)) if work.lease.case else ()


def _work_off(work: Work) -> Rest:
    """Do what is left, one thing at a time, until nothing is left or something has to wait."""
    rest = Rest()
    try:
        while _next(work):
            pass
    except HeldBack as held:
        rest = Rest(problem=str(held))
    except (TryLater, ConfigError) as error:
        rest = _later(work, error)
    except LeaseLost:
        raise
    except Exception as error:
        rest = _broken(work, error)
    return rest.sooner(_tell_all(work)) if work.lease.case is not None else rest


def _next(work: Work) -> bool:
    """The next thing. False if there is nothing left that can be done now."""
    lease = work.lease
    if any(item.kind in ("news", "seen") for item in lease.inbox):
        intake.take_news(work)
        _settled_by_itself(work, UNREADABLE, "It can be read now.")
        return True
    if lease.case is None:
        return False
    if review.is_needed(work):
        review.look(work)
        decide.decide(work)
        return True
    if lease.inbox:
        _take_command(work, lease.inbox[0])
        return True
    if intake.tell_refunds(work):
        return True
    if unpaid.withdraw(work):
        return True
    if unpaid.is_due(work):
        unpaid.attend(work) if work.fresh else intake.read_again(work)
        return True
    if refund.follow_up(work) or platform_holds.mirror(work):
        return True
    if capture.is_due(work):
        capture.attend(work)
        return True
    act = _next_act(work.case)
    if act is None:
        return overtaken.settle(work) or _close(work)
    if (act.kind in READ_BEFORE or lease.failures) and not work.fresh:
        intake.read_again(work)  # and round again: what we read may have changed what is to be done
        return True
    _do(work, act)
    return True


def _take_command(work: Work, item: InboxItem) -> None:
    """Most commands are decisions about the order; two are about what was already begun."""
    if item.body.get("do") == "resolve":
        _resolve(work, item)
    elif item.body.get("do") == "resend":
        _resend(work, item)
    elif _is_too_little_known(work, item):
        intake.read_again(work)
    else:
        decide.take_command(work, item)


def _is_too_little_known(work: Work, item: InboxItem) -> bool:
    """A list does not say what refunds by others were for, and what is left to give back depends on it."""
    ours = {record.vendor_id for record in work.case.refunds}
    unknown = any(refund.money_moved is None and refund.id not in ours for refund in work.case.order.refunds)
    return item.body.get("do") in ("refund", "cancel") and unknown and not work.fresh


def _resend(work: Work, item: InboxItem) -> None:
    """A person wants a message to go out once more."""
    duty, who = str(item.body.get("duty")), str(item.body.get("who", "person"))
    if duty not in work.case.duties:
        decide.refuse(work, item, f"{work.lease.ref}: there is no message {duty}")
        return
    work.lease.writes.resent.append(duty)
    for kind in (TaskKind.UNKNOWN_MAIL, TaskKind.PROBLEM):
        work.lease.close_task(kind, duty, "sent again")
    work.note("resend", "A message is to be sent once more.", who)
    work.lease.applied(item)
    work.commit()


def _resolve(work: Work, item: InboxItem) -> None:
    """A person found out whether something happened of which no answer came."""
    body = item.body
    act, happened, who = work.case.act(str(body.get("act"))), bool(body.get("happened")), str(body.get("who", "person"))
    if act is None or not (act.state is ActState.WAITING or overtaken.is_unsettled(work, act)):
        decide.refuse(work, item, f"{work.lease.ref}: nothing waits for an answer under {body.get('act')}")
        return
    work.lease.writes.resolved.append((act.id, happened, who))
    work.lease.close_task(TaskKind.UNKNOWN_EFFECT, act.id, "it happened" if happened else "it did not happen")
    work.note("resolved", f"{act.kind} {'happened' if happened else 'did not happen'}.", who)
    if not happened:  # what the order's cancellation has overtaken is not wanted any more
        state = ActState.DROPPED if act.state is ActState.DROPPED else ActState.OPEN
        work.case = work.case.with_act(replace(act, state=state, said=""))
    elif act.kind is ActKind.REFUND_PAYMENT:
        refund.happened(work, act)
    elif act.kind is ActKind.CANCEL_ORDER:
        refund.called_off(work, act, restocked=act.read(CancelRequest).restock)
    elif act.kind is ActKind.CAPTURE_PAYMENT:
        capture.captured(work, act, Captured(money=MoneyMoved.MOVED))
    elif act.kind is ActKind.BUY_LABEL:
        fulfil.label_bought(work, act, tracking_number=str(body.get("tracking") or ""), who=who)
    elif act.kind is ActKind.PUSH_SHIPMENT and act.state is ActState.WAITING:
        # It may be several effects (number, then note): its hook gets what happened out of the ledger and does the rest.
        work.case = work.case.with_act(replace(act, state=ActState.OPEN, said=f"it happened, says {who}"))
    else:
        work.case = work.case.with_act(replace(act, state=ActState.DONE, said=f"it happened, says {who}"))
    work.lease.applied(item)
    work.commit()  # the ledger has to know before the act is tried again, or it asks the vendor and then the person anew


def _next_act(case: Case) -> Act | None:
    unfinished = [act for act in case.acts if act.state in (ActState.OPEN, ActState.WAITING)]
    for act in case.open_acts:
        if act.kind is ActKind.BUY_LABEL and (case.holds or any(other.kind in _BEFORE_LABELS for other in unfinished)):
            continue  # held after it was decided, or not paid or released there yet: it waits
        before = case.act(act.after) if act.after else None
        if before is None or before.state is ActState.DONE:
            return act
    return None


def _do(work: Work, act: Act) -> None:
    before = work.case.order
    try:
        DO[act.kind](work, act)
    except (Refused, Unsupported) as error:
        _refused(work, act, str(error))
    except OutcomeUnknown as error:
        work.case = work.case.with_act(replace(act, state=ActState.WAITING, said=str(error)))
        work.open_task(_unknown(work, act, str(error)))
    else:
        intake.take_answer(work, act, before)


def _refused(work: Work, act: Act, said: str) -> None:
    """The vendor said no: what depended on it is dropped, and a person decides."""
    if act.kind is ActKind.REFUND_PAYMENT:
        intake.read_again(work)  # why there was not so much left, if that is why
    work.case = work.case.with_act(replace(act, state=ActState.REFUSED, said=said))
    for other in work.case.open_acts:
        if other.after == act.id:
            work.case = work.case.with_act(replace(other, state=ActState.DROPPED, said=f"{act.kind} was refused"))
            if other.kind is ActKind.REFUND_PAYMENT:
                refund.called_off_too(work, other)
    work.note("refused", f"{act.kind}: {said}")
    if act.kind is ActKind.CAPTURE_PAYMENT:
        capture.refused(work)
    if act.kind is ActKind.REFUND_PAYMENT:
        refund.not_given_back(work, act, said)
    elif act.kind not in (ActKind.WRITE_NOTE, ActKind.SET_HOLD):
        title = f"{work.case.ref}: {act.kind} was refused: {said}"
        work.open_task(Task(kind=TaskKind.PROBLEM, about=act.id, title=title, steps=("Decide what to do with the order.",)))


def _unknown(work: Work, act: Act, said: str) -> Task:
    return Task(
        kind=TaskKind.UNKNOWN_EFFECT,
        about=act.id,
        title=f"{work.case.ref}: nobody knows whether {act.kind} happened: {said}",
        steps=(
            "Look at the vendor's own page whether it happened.",
            f"Then say so: connector effects resolve {work.case.ref} {act.id} --happened (or --not-happened)",
        ),
    )


def _close(work: Work) -> bool:
    """An order whose parcels have left, or that has none, is completed when it is paid and nothing is left to do."""
    if decide.is_all_sent(work.case):
        decide.all_sent(work)
        return True
    if decide.is_all_given_back(work.case):
        decide.all_given_back(work)
        return True
    case = work.case
    if any(act.state in (ActState.OPEN, ActState.WAITING) for act in case.acts) or work.lease.open_tasks:
        return False
    is_ordered = case.order.means not in (PlatformStatus.DRAFT, PlatformStatus.UNPAID, PlatformStatus.FAILED)
    is_in_work = case.stage is Stage.PROCESSING and is_ordered  # an order that is still being written may have no lines yet
    nothing_to_send = is_in_work and not case.order.needs_shipping and not left_to_ship(case)
    if not (case.stage is Stage.SHIPPED or nothing_to_send) or not decide.is_paid(case):
        return False
    work.case = case.at(Stage.COMPLETED)
    work.note("completed", "Done: everything has left, it is paid, nothing is open.")
    return True


def _tell_all(work: Work) -> Rest:
    """Messages go out even while something else has to wait."""
    rest = Rest()
    for owed in list(work.lease.owed):
        try:
            notify.tell(work, owed)
        except HeldBack as held:
            rest = rest.sooner(Rest(problem=str(held)))
        except TryLater as error:
            rest = rest.sooner(_later(work, error))
        except LeaseLost:
            raise
        except Exception as error:
            rest = rest.sooner(_broken(work, error))
    return rest


# --- when something goes wrong ----------------------------------------------------------------------------------------


def _later(work: Work, error: ConnectorError) -> Rest:
    if isinstance(error, TryLater):
        due = work.now() + timedelta(seconds=error.after_s)
        return Rest(due_at=due, problem=str(error), failed=not isinstance(error, TooEarly))
    return Rest(due_at=work.now() + timedelta(seconds=60), problem=str(error), failed=True)


def _broken(work: Work, error: Exception) -> Rest:
    if isinstance(error, BadPayload):
        steps = ("Correct the order on the platform, or update the connector. It is read again by itself.",)
        title = f"{work.lease.ref} cannot be read: {error}"
        work.lease.open_task(Task(kind=TaskKind.PROBLEM, about=UNREADABLE, title=title, steps=steps))
        return Rest(due_at=work.now() + timedelta(hours=1), problem=str(error), failed=True)
    if isinstance(error, ConnectorError):
        log.warning("%s: %s", work.lease.ref, error)
        return Rest(due_at=work.now() + timedelta(seconds=60), problem=str(error), failed=True)
    log.exception("%s: the order stopped", work.lease.ref)
    text = f"a bug stopped this order ({type(error).__name__}); the log has the details"
    return Rest(due_at=work.now() + timedelta(seconds=60), problem=text, failed=True)


def _backed_off(rest: Rest, failures: int, now: datetime) -> datetime | None:
    """What failed again and again is tried less and less often."""
    if not rest.failed or rest.due_at is None or failures <= 2:
        return rest.due_at
    longer = min(timedelta(seconds=2.0 ** min(failures, 12)), LONGEST_BACKOFF)
    return max(rest.due_at, now + longer)


def _soonest(*times: datetime | None) -> datetime | None:
    return min((at for at in times if at is not None), default=None)


def _settled_by_itself(work: Work, about: str, text: str) -> bool:
    """Close a problem of ours whose cause was mended. False if there was none."""
    if (TaskKind.PROBLEM, about) not in work.lease.open_tasks:
        return False
    work.lease.close_task(TaskKind.PROBLEM, about, text)
    work.note("task", text)
    return True


def _ask_for_help(work: Work, problem: str) -> None:
    work.lease.open_task(
        Task(
            kind=TaskKind.PROBLEM,
            about=STUCK,
            title=f"{work.lease.ref} does not get on: {problem}",
            steps=("Mend the cause. The order is tried again by itself.",),
        )
    )
