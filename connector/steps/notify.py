"""Notify: customer and merchant are told what they are owed, at most once."""

from __future__ import annotations

from ..errors import ConfigError, OutcomeUnknown, Refused, Unsupported
from ..model.events import DutyState, Message, Person, Task, TaskKind
from ..store.lease import OwedDuty
from .work import Work


def tell(work: Work, owed: OwedDuty) -> None:
    """Send one message. TryLater comes out; everything else settles the duty one way or another."""
    duty = owed.duty
    mail = work.registry.account(work.wiring.mail)
    message = Message(duty=duty, ref=work.case.ref, order=work.case.order, facts=_facts(work, owed), again=owed.again)
    request_id = f"{duty.id}#{owed.again}" if owed.again else duty.id
    try:
        sent = work.hooks_for(request_id).notify(mail, message=message)
    except OutcomeUnknown as error:
        work.lease.settle(duty.id, DutyState.UNKNOWN, str(error))
        _ask_a_person(work, owed, "it is not known whether it arrived", resend=True)
    except (Refused, Unsupported, ConfigError) as error:
        work.lease.settle(duty.id, DutyState.FAILED, str(error))
        _ask_a_person(work, owed, str(error), resend=False)
    else:
        work.lease.settle(duty.id, DutyState.SENT, sent.vendor_id)
        work.note("told", f"The {duty.person} was told: {duty.event.replace('_', ' ')}.")


def _facts(work: Work, owed: OwedDuty) -> dict[str, str]:
    """What happened, as it was when it was owed. The link to the hub is for the shop only."""
    if owed.duty.person is not Person.MERCHANT or not work.page:
        return dict(owed.facts)
    return {"order_url": work.page, **owed.facts}


def _ask_a_person(work: Work, owed: OwedDuty, why: str, *, resend: bool) -> None:
    duty = owed.duty
    work.open_task(
        Task(
            kind=TaskKind.UNKNOWN_MAIL if resend else TaskKind.PROBLEM,
            about=duty.id,
            title=f"{work.case.ref}: the mail '{duty.event}' to the {duty.person}: {why}",
            steps=(
                "Look into the mail server's sent mail, or ask the person.",
                f"If it has to go out again: connector mails resend {duty.id}",
                "Close this task.",
            ),
        )
    )
