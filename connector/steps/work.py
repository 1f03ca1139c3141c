"""What every step is handed: one order that is ours just now, the shop it belongs to, and the hooks to ask."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from ..config import Policy, Teller, Wiring
from ..context import Account
from ..errors import ConnectorError
from ..hooks import Hooks
from ..model.case import Act, ActKind, Case, StatusChange
from ..model.events import CarrierView, Duty, DutyEvent, DutyState, EffectState, Person, Task
from ..model.order import Order, PlatformStatus
from ..model.payment import PaymentKind
from ..model.plugin import PluginInfo
from ..model.review import PARTLY_PAID, HoldReason
from ..model.shipping import Shipment
from ..registry import Registry
from ..store.effects import EffectRow
from ..store.lease import Lease

log = logging.getLogger(__name__)

UNPAID = f"{HoldReason.AWAITING_PAYMENT}-unpaid"
"""What a duty is about where the review found that the money is not there yet."""


@dataclass(slots=True, kw_only=True)
class Work:
    """One order in hand. `fresh`: the platform was asked for the order since we took it; `commit` writes what is pending.

    `watch` is told of every step towards the outside, for traces and crash tests. `unsettled` reads the order's effects that
    were sent and not answered; `settle` writes what became of one (its key, state, the vendor's answer, what was said).
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
    unsettled: Callable[[], list[EffectRow]]
    settle: Callable[[str, EffectState, Any, str], None]
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

    def knows(self, hook: str) -> bool:
        """Does the order's platform do this at all? What it does not know is not planned."""
        return self.registry.implements(self.account.plugin, hook)

    def show(self, status: PlatformStatus, *, act_id: str = "") -> None:
        """Have the platform show this, where its status is set and does not follow from what happens by itself."""
        if self.knows("push_status"):
            act_id = act_id or f"status-{len(self.case.acts) + 1}"
            self.case = self.case.with_act(Act.of(act_id, ActKind.PUSH_STATUS, StatusChange(status=status)))

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

    @property
    def page(self) -> str:
        """The order's page in the hub ("" while no public_url is configured). It names the account, not the customer."""
        base = self.registry.settings.connector.public_url.rstrip("/")
        return f"{base}/orders/{self.account.name}/{quote(self.lease.platform_id, safe='')}" if base else ""

    # --- duties to tell -----------------------------------------------------------------------------------------------

    def owe(
        self,
        event: DutyEvent,
        *,
        about: str = "",
        facts: dict[str, str] | None = None,
        customer: bool = True,
        waived: str = "",
        shipment: Shipment | None = None,
    ) -> None:
        """Somebody has to be told. Who tells whom is the shop's table; what the platform tells is written down, not sent.

        `waived`: why nobody is told this time. `shipment`: the parcel that left, or whose number is corrected.
        """
        for person in Person if customer else (Person.MERCHANT,):
            duty_id = "/".join((self.account.id, self.case.order.platform_id, event, about or "-", person))
            if duty_id in self.case.duties:
                continue
            self.case = replace(self.case, duties=(*self.case.duties, duty_id))
            duty = Duty(id=duty_id, event=event, person=person, about=about)
            state, said = (DutyState.WAIVED, {"why": waived}) if waived else self._teller(event, person, about, shipment)
            self.lease.owe(duty, state, channel=self.wiring.mail, facts={**(facts or {}), **said})

    def _teller(
        self, event: DutyEvent, person: Person, about: str, shipment: Shipment | None
    ) -> tuple[DutyState, dict[str, str]]:
        """What the merchant configured; else what the platform does not tell is ours."""
        is_edited = about.endswith(PARTLY_PAID)  # the platform has not noticed that something is to be paid
        waits_for_money = event is DutyEvent.ON_HOLD and about.startswith(HoldReason.AWAITING_PAYMENT) and not is_edited
        if about == UNPAID and _is_at_the_checkout(self.case.order):
            return DutyState.WAIVED, {"why": "the customer may still be paying"}
        teller = self.wiring.tells.get(event, {}).get(person)
        if teller is None:
            # A platform tells of a hold only when it set it itself, because it waits for the money.
            may = event is not DutyEvent.ON_HOLD or waits_for_money
            teller = Teller.PLATFORM if may and (event, person) in self._told_by_platform(shipment) else Teller.US
        if teller is Teller.PLATFORM:
            return DutyState.LEFT_TO_PLATFORM, {}
        if teller is Teller.NONE:
            return DutyState.WAIVED, {"why": "configured: nobody tells"}
        if not self.wiring.mail:
            return DutyState.WAIVED, {"why": f"no mail account: set mail in [accounts.{self.account.name}]"}
        if person is Person.CUSTOMER and self.case.erased:
            return DutyState.WAIVED, {"why": "the customer was erased: there is no address any more"}
        return DutyState.OWED, {}

    def _told_by_platform(self, shipment: Shipment | None) -> frozenset[tuple[DutyEvent, Person]]:
        """What reaches people without us. That it cannot be found out must not keep the order from going on."""
        if not self.registry.implements(self.account.plugin, "platform_tells"):
            return self.info.capabilities.tells
        try:
            return self.hooks.platform_tells(self.account, order=self.case.order, shipment=shipment)
        except ConnectorError as error:
            log.warning("%s: who tells whom is taken as %s has it by default: %s", self.lease.ref, self.account.plugin, error)
            return self.info.capabilities.tells


def _is_at_the_checkout(order: Order) -> bool:
    """Somebody who was sent on to a gateway may be typing in a card number just now: too early to write of waiting."""
    kinds = {payment.kind for payment in order.payments}
    return order.means in (PlatformStatus.DRAFT, PlatformStatus.UNPAID) and kinds <= {PaymentKind.GATEWAY, PaymentKind.NONE}


def carrier_account(work: Work, act: Act) -> Account:
    """The carrier that an act names, or the shop's first one."""
    return work.registry.account(act.account or work.wiring.carriers[0])
