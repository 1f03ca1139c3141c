"""What every step is handed: one order that is ours just now, the shop it belongs to, and the hooks to ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from ..config import Policy, Teller, Wiring
from ..context import Account
from ..hooks import Hooks
from ..model.case import Act, Case
from ..model.events import CarrierView, Duty, DutyEvent, DutyState, Person, Task
from ..model.plugin import PluginInfo
from ..registry import Registry
from ..store.lease import Lease


@dataclass(slots=True, kw_only=True)
class Work:
    """One order in hand. `fresh`: the platform was asked for the order since we took it; `commit` writes what is pending.

    `watch` is told of every step towards the outside, for traces and crash tests.
    """

    lease: Lease
    account: Account
    info: PluginInfo
    wiring: Wiring
    policy: Policy
    registry: Registry
    hooks: Hooks
    now: Callable[[], datetime]
    commit: Callable[[], None]
    watch: Callable[[str], None]
    fresh: bool = False

    @property
    def case(self) -> Case:
        if self.lease.case is None:
            raise ValueError(f"{self.lease.ref} was not read from the platform yet")
        return self.lease.case

    @case.setter
    def case(self, case: Case) -> None:
        self.lease.case = case

    def note(self, what: str, text: str, who: str = "connector") -> None:
        self.lease.note(who, what, text)

    def open_task(self, task: Task) -> None:
        self.lease.open_task(task)
        self.note("task", task.title)

    def hooks_for(self, request_id: str) -> Hooks:
        return self.hooks.about(request_id=request_id)

    def carriers(self) -> tuple[CarrierView, ...]:
        return tuple(self._carrier(name) for name in self.wiring.carriers)

    def _carrier(self, name: str) -> CarrierView:
        account = self.registry.account(name)
        own = getattr(account.config, "cannot_deliver", None)
        info = self.registry.infos.get(account.plugin)
        general = info.capabilities.cannot_deliver if info else ()
        return CarrierView(name=name, cannot_deliver=tuple(general if own is None else own))

    # --- duties to tell -----------------------------------------------------------------------------------------------

    def owe(self, event: DutyEvent, *, about: str = "", facts: dict[str, str] | None = None, customer: bool = True) -> None:
        """Somebody has to be told. Who tells whom is the shop's table; what the platform tells is written down, not sent."""
        for person in Person if customer else (Person.MERCHANT,):
            duty_id = "/".join((self.account.id, self.case.order.platform_id, event, about or "-", person))
            if duty_id in self.case.duties:
                continue
            self.case = replace(self.case, duties=(*self.case.duties, duty_id))
            duty = Duty(id=duty_id, event=event, person=person, about=about)
            state, said = self._teller(event, person, about)
            self.lease.owe(duty, state, channel=self.wiring.mail, facts={**(facts or {}), **said})

    def _teller(self, event: DutyEvent, person: Person, about: str) -> tuple[DutyState, dict[str, str]]:
        teller = self.wiring.tells.get(event, {}).get(person)
        if teller is None:
            by_platform = (event, person) in self.info.capabilities.tells
            # A platform tells of a hold only when it set it itself, because it waits for the money.
            if event is DutyEvent.ON_HOLD and not about.startswith("awaiting_payment"):
                by_platform = False
            teller = Teller.PLATFORM if by_platform else Teller.US
        if teller is Teller.PLATFORM:
            return DutyState.LEFT_TO_PLATFORM, {}
        if teller is Teller.NONE:
            return DutyState.WAIVED, {"why": "configured: nobody tells"}
        if not self.wiring.mail:
            return DutyState.WAIVED, {"why": f"no mail account: set mail in [accounts.{self.account.name}]"}
        return DutyState.OWED, {}


def carrier_account(work: Work, act: Act) -> Account:
    """The carrier that an act names, or the shop's first one."""
    return work.registry.account(act.account or work.wiring.carriers[0])
